"""The ``e2b`` back-end: one throw-away E2B micro-VM a program, through the ``e2b`` SDK (github.com/e2b-dev/E2B)."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import pkgutil
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from veritune.plugins.errors import MissingExtraError
from veritune.sandbox.errors import LanguageUnavailable, SandboxClosed, SandboxCrashed, SandboxUnavailable
from veritune.sandbox.external.findings import limit_of
from veritune.sandbox.interface import CompileOutcome, IsolationReport, Job, LimitHit, Limits, Outcome, Program, Sandbox
from veritune.sandbox.languages import LANGUAGES, Language, Toolchain, find_language, java_main_class
from veritune.sandbox.local.compiler import compile_command, expand
from veritune.sandbox.local.wire import BASE_ENVIRONMENT, checked_files, encoded

PLACE = "/veritune"
"""The supervisor's folder in the VM; the program's scratch folder lies in it."""
_UID = 60123
_ATTEMPTS = 2
_PAUSES_S = (0.5, 2.0, 5.0)
_OVERHEAD_S = 30
_REFUSALS = ("AuthenticationException", "InvalidArgumentException", "TemplateException")
_BUSY = ("RateLimitException", "ServiceBusyException")


class E2BSandbox(Sandbox):
    """Programs on E2B, each in a micro-VM of its own that has no internet access and is killed afterwards.

    - The key is read from the environment (``E2B_API_KEY``), never kept. ``template``: an E2B template with ``python3``
      and the toolchains wanted; by default E2B's own (``"code-interpreter-v1"``: the code interpreter's).
    - A supervisor of ours runs as the VM's root: it drops to an ordinary user without a way back (no sudo), sets the
      limits, watches the tree, and answers. Nothing that the program prints is taken for its answer.

    A failure of E2B, or a VM lost twice under one program, is a SandboxError and never a failed program.
    """

    name = "e2b"

    def __init__(self, *, template: str | None = None, workers: int = 16) -> None:
        self.workers = workers
        self._options = {"template": template, "workers": workers}
        self._tools: dict[str, str] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def __reduce__(self) -> tuple[Callable[..., E2BSandbox], tuple[dict[str, Any]]]:
        return _rebuild, (self._options,)

    def report(self) -> IsolationReport:
        self._available()
        return IsolationReport(
            *(self.name, self.name),
            *("enforced", "enforced", "enforced", "enforced"),
            *("partial", "enforced", "enforced"),
            (
                "memory: each process by its kernel, the tree's total looked at 50 times a second",
                "a micro-VM without internet access, as E2B documents it; it cannot be tested from here",
            ),
        )

    def languages(self) -> dict[str, str]:
        tools = self._available()
        found = {}
        for name, language in LANGUAGES.items():
            needed = language.tools or ("python3",)
            if all(tool in tools for tool in needed):
                found[name] = tools[needed[0]]
        return found

    def _available(self) -> dict[str, str]:
        """Tool → path in the VM. Starts one, once: this also tells whether the key and the service work."""
        with self._lock:
            if self._tools is None:
                wanted = ["python3", *(tool for language in LANGUAGES.values() for tool in language.tools)]
                said = self._ask({"tools": wanted}, 30)
                self._tools = {name: path for name, path in said.items() if path}
            return self._tools

    def run(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Mapping[str, bytes | str] | None = None,
        limits: Limits | None = None,
    ) -> Outcome:
        job = Job(program, stdin, files or {}, limits or Limits())
        language = find_language(program.language)
        content = checked_files(job.files)
        report = self.report()
        if language.name not in self.languages():
            raise LanguageUnavailable(
                f"the E2B template {self._options['template'] or 'base'!r} has no {language.name}; name one that "
                "has it: template="
            )
        patience = job.limits.wall_s + (job.limits.compile_wall_s if language.compile else 0)
        said = self._ask(self._described(job, language, content), patience)
        try:
            return _outcome(said, job, language, report)
        except (KeyError, TypeError, ValueError) as error:
            raise SandboxCrashed(f"E2B: the supervisor's answer cannot be read: {error!r}") from error

    def _described(self, job: Job, language: Language, files: dict[str, bytes]) -> dict[str, Any]:
        program, limits = job.program, job.limits
        source, name = encoded(program.source), language.file_for(program.source)
        tools = self._available()
        chain = Toolchain({"python": tools["python3"], **tools}, ())
        values = {"file": name, "memory": str(int(limits.memory_mb)), "main": java_main_class(program.source)}
        values["standard"] = language.standards_for(program.language)[0]
        run = ("{python}", "-s", "{file}") if language.name == "python" else language.run
        argv = expand(run, chain, values) if run else ["./a.out"]
        artifact = language.artifact[1] if language.artifact else ""
        if language.artifact is not None and language.artifact[0] == "jar":
            argv = [artifact if word == "main.jar" else word for word in argv]
        if not language.compile:
            files = {**files, name: source}
        support = {f"{module}.py": code.encode() for module, code in program.support.items()}
        size = sum(map(len, files.values())) >> 20
        room = dataclasses.replace(
            limits,
            memory_mb=limits.memory_mb + language.runtime_mb,
            processes=limits.processes + language.processes,
            scratch_mb=limits.scratch_mb + size + (64 if language.compile else 1),
        )
        return {
            "uid": _UID,
            "environment": {**BASE_ENVIRONMENT, **language.environment},
            "stdin": base64.b64encode(encoded(job.stdin)).decode(),
            "files": _as_text({**files, **support}),
            "sources": _as_text({**{unit: encoded(text) for unit, text in program.units.items()}, name: source}),
            "artifact": artifact,
            "compile": _step(
                compile_command(language, chain, values, program), _compile_limits(limits, language), language
            )
            if language.compile
            else None,
            "run": _step([*argv, *program.args], room, language),
        }

    def _ask(self, job: Mapping[str, Any], patience_s: float) -> dict[str, Any]:
        """One VM, one supervisor, one answer; once more on a new VM where that one was lost."""
        if self._closed:
            raise SandboxClosed("this sandbox has been closed")
        sdk = _sdk()
        if not os.environ.get("E2B_API_KEY"):
            raise SandboxUnavailable("sandbox 'e2b' needs a key: export E2B_API_KEY=… (https://e2b.dev/dashboard)")
        problem: Exception | None = None
        for _ in range(_ATTEMPTS):
            machine = self._machine(sdk, patience_s)
            try:
                return _answer(machine, job, patience_s)
            except Exception as error:
                if _kind(error) in _REFUSALS and self._tools is None:
                    raise SandboxUnavailable(f"sandbox 'e2b': {type(error).__name__}: {error}") from error
                problem = error
            finally:
                with contextlib.suppress(Exception):  # it ends by its own timeout otherwise
                    machine.kill()
        raise SandboxCrashed(f"E2B lost {_ATTEMPTS} machines under one job: {type(problem).__name__}: {problem}")

    def _machine(self, sdk: Any, patience_s: float) -> Any:
        for pause in (*_PAUSES_S, None):
            try:
                return sdk.Sandbox.create(
                    template=self._options["template"],
                    timeout=int(patience_s + 2 * _OVERHEAD_S),
                    allow_internet_access=False,
                )
            except Exception as error:
                if _kind(error) in _REFUSALS or pause is None:
                    kind = SandboxUnavailable if self._tools is None else SandboxCrashed  # it worked before
                    raise kind(f"sandbox 'e2b': no machine to be had: {type(error).__name__}: {error}") from error
            time.sleep(pause)
        raise AssertionError("unreachable")

    def close(self) -> None:
        self._closed = True


def _sdk() -> Any:
    try:
        import e2b
    except ImportError as error:
        raise MissingExtraError("e2b", "e2b", "sandbox 'e2b'") from error
    return e2b


def _kind(error: Exception) -> str:
    """The SDK's class of an error, the most telling one: a subclass counts as what it derives from."""
    names = [each.__name__ for each in type(error).__mro__]
    return next((name for name in (*_REFUSALS, *_BUSY) if name in names), names[0])


def _answer(machine: Any, job: Mapping[str, Any], patience_s: float) -> dict[str, Any]:
    supervisor = pkgutil.get_data("veritune.sandbox.external", "supervisor.py")
    assert supervisor is not None
    files = [
        {"path": f"{PLACE}/supervisor.py", "data": supervisor},
        {"path": f"{PLACE}/job.json", "data": json.dumps(job)},
    ]
    machine.files.write_files(files, user="root")
    said = machine.commands.run(
        f"chmod 711 {PLACE} && chmod 600 {PLACE}/job.json && exec python3 -I {PLACE}/supervisor.py {PLACE}",
        user="root",
        cwd="/",
        timeout=patience_s + _OVERHEAD_S,
    )
    answer = json.loads(said.stdout)
    if not isinstance(answer, dict):
        raise ValueError("the supervisor did not answer an object")
    return answer


def _step(argv: list[str], limits: Limits, language: Language) -> dict[str, Any]:
    return {"argv": argv, "limits": dataclasses.asdict(limits), "sparse_mb": language.sparse_mb}


def _compile_limits(limits: Limits, language: Language) -> Limits:
    return dataclasses.replace(
        limits,
        cpu_s=limits.compile_cpu_s,
        wall_s=limits.compile_wall_s,
        memory_mb=limits.compile_memory_mb,
        processes=max(limits.processes, 16, language.processes),
        file_mb=max(limits.file_mb, 64),
    )


def _as_text(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(content).decode() for name, content in files.items()}


def _outcome(said: Mapping[str, Any], job: Job, language: Language, report: IsolationReport) -> Outcome:
    limits = job.limits
    compiled = _compiled(said["compiled"], limits, language)
    if compiled is not None and not compiled.ok:
        return Outcome(None, None, b"", b"", report, compiled=compiled)
    ran = said["ran"]
    most = limits.output_kb * 1024
    cut = ran["stdout_size"] > most
    stderr = base64.b64decode(ran["stderr"])
    hit: LimitHit | None = ran["limit"]
    hit = hit or limit_of(language, limits, ran["cpu_s"], ran["signal"], ran["exit"], stderr)
    return Outcome(
        ran["exit"],
        ran["signal"],
        base64.b64decode(ran["stdout"]),
        stderr,
        report,
        cut,
        ran["stderr_size"] > most,
        cpu_s=ran["cpu_s"],
        wall_s=ran["wall_s"],
        peak_memory_mb=ran["peak_kb"] / 1024,
        limit_hit=hit or ("output" if cut else None),
        compiled=compiled,
    )


def _compiled(said: Mapping[str, Any] | None, limits: Limits, language: Language) -> CompileOutcome | None:
    if said is None:
        return None
    messages = base64.b64decode(said["stderr"]) + base64.b64decode(said["stdout"])
    hit = said["limit"] or limit_of(
        language, _compile_limits(limits, language), said["cpu_s"], said["signal"], said["exit"], messages
    )
    return CompileOutcome(
        said["made"] and hit is None, messages[: 64 << 10], hit, cpu_s=said["cpu_s"], wall_s=said["wall_s"]
    )


def _rebuild(options: dict[str, Any]) -> E2BSandbox:
    return E2BSandbox(**options)
