"""The ``sandbox_fusion`` back-end: a SandboxFusion server's ``POST /run_code`` (github.com/bytedance/SandboxFusion)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from veritune.sandbox.errors import JobRefused, LanguageUnavailable, SandboxCrashed
from veritune.sandbox.external.findings import limit_of, split_status
from veritune.sandbox.external.http import HttpSandbox, bounded
from veritune.sandbox.interface import CompileOutcome, Enforcement, IsolationReport, Job, LimitHit, Outcome
from veritune.sandbox.languages import Language

_NAMES = {
    "python": "python",
    "cpp": "cpp",
    "javascript": "nodejs",
    "bash": "bash",
    "java": "java",
    "rust": "rust",
    "go": "go",
}


class FusionSandbox(HttpSandbox):
    """Programs on a SandboxFusion server.

    What isolates them there is the server's configuration (``isolation: none`` by default), which it does not tell:
    the report says ``none`` unless ``isolation="lite"`` states that the server was set up so. Time limits are clock
    time.
    """

    name = "sandbox_fusion"
    lacks = HttpSandbox.lacks | {"arguments"}

    def __init__(
        self,
        *,
        url: str = "http://127.0.0.1:8080",
        workers: int = 16,
        isolation: str = "none",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(url, workers, headers)
        self._options = {"url": url, "workers": workers, "isolation": isolation, "headers": dict(headers or {})}

    def __reduce__(self) -> tuple[Callable[..., FusionSandbox], tuple[dict[str, Any]]]:
        return _rebuild, (self._options,)

    def report(self) -> IsolationReport:
        kept: Enforcement = "partial" if self._options["isolation"] == "lite" else "none"
        note = "as configured on the server; it cannot be tested from here"
        return IsolationReport(self.name, self.name, kept, kept, kept, kept, kept, "partial", "none", (note,))

    def languages(self) -> dict[str, str]:
        return dict.fromkeys(_NAMES, self.url)

    def execute(self, job: Job, language: Language, stdin: str, files: dict[str, bytes]) -> Outcome:
        if language.name not in _NAMES:
            raise LanguageUnavailable(f"SandboxFusion does not run {language.name}")
        if job.program.args:
            raise JobRefused("SandboxFusion does not pass arguments to programs; put them on stdin")
        limits = job.limits
        body = {
            "code": job.program.source,
            "language": _NAMES[language.name],
            "stdin": stdin,
            "run_timeout": limits.wall_s,
            "compile_timeout": limits.compile_wall_s,
            "memory_limit_MB": int(limits.memory_mb),
            "files": {name: base64.b64encode(content).decode() for name, content in files.items()},
            "fetch_files": [],
        }
        answer = self.ask("/run_code", body, limits.wall_s + limits.compile_wall_s)
        if isinstance(answer, dict) and answer.get("status") == "SandboxError":
            raise SandboxCrashed(f"SandboxFusion: {answer.get('message', '')[:500]}")
        try:
            return self._outcome(answer, job, language)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SandboxCrashed(f"SandboxFusion's answer cannot be read: {error!r}") from error

    def _outcome(self, answer: Mapping[str, Any], job: Job, language: Language) -> Outcome:
        limits = job.limits
        report = self.report()
        compiled = _compiled(answer.get("compile_result"), language)
        ran = answer.get("run_result")
        if ran is None or (compiled is not None and not compiled.ok):
            if compiled is None:
                raise SandboxCrashed("SandboxFusion answered without a result")
            return Outcome(None, None, b"", b"", report, compiled=compiled)
        stdout, cut = bounded(ran.get("stdout"), limits)
        stderr, stderr_cut = bounded(ran.get("stderr"), limits)
        late = ran.get("status") == "TimeLimitExceeded"
        exit_code, ended_by = (None, None) if late else split_status(int(ran.get("return_code") or 0))
        hit: LimitHit | None = "wall" if late else limit_of(language, limits, None, ended_by, exit_code, stderr)
        return Outcome(
            exit_code,
            ended_by,
            stdout,
            stderr,
            report,
            cut,
            stderr_cut,
            wall_s=float(ran.get("execution_time") or 0.0),
            limit_hit=hit or ("output" if cut else None),
            compiled=compiled,
        )


def _compiled(result: Mapping[str, Any] | None, language: Language) -> CompileOutcome | None:
    if result is None:
        return CompileOutcome(True) if language.compile else None
    late = result.get("status") == "TimeLimitExceeded"
    said = (result.get("stderr") or "") + (result.get("stdout") or "")
    return CompileOutcome(
        ok=result.get("status") == "Finished" and result.get("return_code") == 0,
        messages=said.encode()[: 64 << 10],
        limit_hit="wall" if late else None,
        wall_s=float(result.get("execution_time") or 0.0),
    )


def _rebuild(options: dict[str, Any]) -> FusionSandbox:
    return FusionSandbox(**options)
