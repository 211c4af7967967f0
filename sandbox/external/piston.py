"""The ``piston`` back-end: a Piston server's ``POST /api/v2/execute`` (github.com/engineer-man/piston)."""

from __future__ import annotations

import base64
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from veritune.sandbox.errors import LanguageUnavailable, SandboxCrashed
from veritune.sandbox.external.findings import limit_of, split_status
from veritune.sandbox.external.http import HttpSandbox, bounded
from veritune.sandbox.interface import CompileOutcome, Enforcement, IsolationReport, Job, LimitHit, Outcome
from veritune.sandbox.languages import Language

_NAMES = {"cpp": ("c++", "cpp"), "javascript": ("javascript", "node"), "bash": ("bash", "sh")}
_STATUSES: dict[str, LimitHit] = {"TO": "wall", "OL": "output", "EL": "output"}


class PistonSandbox(HttpSandbox):
    """Programs on a Piston server, which isolates them with Linux namespaces and cgroups (isolate).

    ``url`` includes the API's prefix. The server's own ceilings hold: a request above one is refused, and the error
    names it (``PISTON_RUN_TIMEOUT`` and its kin).
    """

    name = "piston"

    def __init__(
        self,
        *,
        url: str = "http://127.0.0.1:2000/api/v2",
        workers: int = 16,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(url, workers, headers)
        self._options = {"url": url, "workers": workers, "headers": dict(headers or {})}
        self._runtimes: dict[str, str] | None = None

    def __reduce__(self) -> tuple[Callable[..., PistonSandbox], tuple[dict[str, Any]]]:
        return _rebuild, (self._options,)

    def report(self) -> IsolationReport:
        note = "as Piston documents it; it cannot be tested from here"
        kept: Enforcement = "enforced"
        return IsolationReport(self.name, self.name, kept, kept, kept, kept, kept, kept, "partial", (note,))

    def languages(self) -> dict[str, str]:
        """Asks the server which runtimes are installed."""
        if self._runtimes is None:
            listed = self.ask("/runtimes", None, 10.0)
            self._runtimes = {
                name: entry["version"] for entry in listed for name in (entry["language"], *entry.get("aliases", ()))
            }
        names = {name: _NAMES.get(name, (name,)) for name in _KNOWN}
        return {
            name: next(self._runtimes[alias] for alias in aliases if alias in self._runtimes)
            for name, aliases in names.items()
            if any(alias in self._runtimes for alias in aliases)
        }

    def execute(self, job: Job, language: Language, stdin: str, files: dict[str, bytes]) -> Outcome:
        versions = self.languages()
        if language.name not in versions:
            raise LanguageUnavailable(
                f"the Piston server has no {language.name}; install it there (ppman install {language.name})"
            )
        runtimes = self._runtimes or {}
        alias = next(alias for alias in _NAMES.get(language.name, (language.name,)) if alias in runtimes)
        limits = job.limits
        body = {
            "language": alias,
            "version": versions[language.name],
            "files": [
                {"name": language.file_for(job.program.source), "content": job.program.source},
                *(
                    {"name": name, "content": base64.b64encode(content).decode(), "encoding": "base64"}
                    for name, content in files.items()
                ),
            ],
            "stdin": stdin,
            "args": list(job.program.args),
            "run_timeout": int(limits.wall_s * 1000),
            "compile_timeout": int(limits.compile_wall_s * 1000),
            "run_memory_limit": int(limits.memory_mb) << 20,
            "compile_memory_limit": int(limits.compile_memory_mb) << 20,
        }
        started = time.monotonic()
        answer = self.ask("/execute", body, limits.wall_s + limits.compile_wall_s)
        try:
            return self._outcome(answer, job, language, time.monotonic() - started)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SandboxCrashed(f"Piston's answer cannot be read: {error!r}") from error

    def _outcome(self, answer: Mapping[str, Any], job: Job, language: Language, elapsed: float) -> Outcome:
        limits = job.limits
        report = self.report()
        compiled = _compiled(answer.get("compile"), language)
        ran = answer.get("run")
        if compiled is not None and not compiled.ok:
            return Outcome(None, None, b"", b"", report, compiled=compiled)
        if ran is None or ran.get("status") == "XX":
            raise SandboxCrashed(f"Piston: {(ran or answer).get('message') or 'no result'}")
        stdout, cut = bounded(ran.get("stdout"), limits)
        stderr, stderr_cut = bounded(ran.get("stderr"), limits)
        exit_code, ended_by = _ending(ran)
        hit = _STATUSES.get(ran.get("status") or "")
        if hit is None and ran.get("signal") == "SIGKILL":
            # Older servers say no more than this: the clock tells a time limit from a memory limit.
            hit = "wall" if elapsed >= limits.wall_s else "memory"
        return Outcome(
            exit_code,
            ended_by,
            stdout,
            stderr,
            report,
            cut,
            stderr_cut,
            cpu_s=float(ran.get("cpu_time") or 0.0) / 1000,
            wall_s=float(ran.get("wall_time") or elapsed * 1000) / 1000,
            peak_memory_mb=float(ran.get("memory") or 0.0) / (1 << 20),
            limit_hit=hit
            or limit_of(language, limits, None, ended_by, exit_code, stderr)
            or ("output" if cut else None),
            compiled=compiled,
        )


_KNOWN = ("python", "cpp", "c", "javascript", "bash", "java", "rust", "go")


def _ending(result: Mapping[str, Any]) -> tuple[int | None, int | None]:
    name = result.get("signal")
    if name:
        return None, int(getattr(signal, str(name), signal.SIGKILL))
    code = result.get("code")
    return split_status(int(code)) if code is not None else (None, None)


def _compiled(result: Mapping[str, Any] | None, language: Language) -> CompileOutcome | None:
    if result is None:
        return CompileOutcome(True) if language.compile else None
    said = (result.get("stderr") or "") + (result.get("stdout") or "")
    return CompileOutcome(
        ok=result.get("code") == 0,
        messages=said.encode()[: 64 << 10],
        limit_hit=_STATUSES.get(result.get("status") or ""),
        wall_s=float(result.get("wall_time") or 0.0) / 1000,
    )


def _rebuild(options: dict[str, Any]) -> PistonSandbox:
    return PistonSandbox(**options)
