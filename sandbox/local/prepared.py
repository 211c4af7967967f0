"""A job ready to run in a slot, and what its answer means."""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import signal
from typing import Any

from veritune.sandbox.errors import JobRefused, SandboxCrashed
from veritune.sandbox.interface import CompileOutcome, IsolationReport, Job, LimitHit, Outcome
from veritune.sandbox.languages import Language
from veritune.sandbox.local.slot import Result
from veritune.sandbox.local.wire import Step

_KILLED = re.compile(rb"\bkilled\b|SIGKILL|signal terminated program|terminated with signal|broken pipe", re.IGNORECASE)
"""What compilers say where one of their processes was killed, or lost the one that it wrote to."""


class Prepared:
    """A step with what is needed to read its result; closes the artifact's descriptor."""

    def __init__(
        self, step: Step, job: Job, language: Language, compiled: CompileOutcome | None, artifact: int | None
    ) -> None:
        self.step = step
        self.job = job
        self.language = language
        self.compiled = compiled
        self._artifact = artifact

    def outcome(self, result: Result, report: IsolationReport) -> Outcome:
        answer = checked(result)
        limits = self.job.limits
        status = answer["status"]
        exit_code = os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None
        ended_by = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None
        peak = max(answer["largest_kb"], answer.get("tree_kb", 0)) / 1024
        output = int(limits.output_kb * 1024)
        return Outcome(
            exit_code,
            ended_by,
            result.stdout,
            result.stderr,
            report,
            stdout_truncated=result.stdout_size > output,
            stderr_truncated=result.stderr_size > output,
            cpu_s=answer["cpu_s"],
            wall_s=answer["wall_s"],
            peak_memory_mb=peak,
            limit_hit=self._limit_hit(answer, result, exit_code, ended_by),
            starved=answer["starved"],
            compiled=self.compiled,
        )

    def _limit_hit(
        self, answer: dict[str, Any], result: Result, exit_code: int | None, ended_by: int | None
    ) -> LimitHit | None:
        limits = self.job.limits
        if answer["limit"] is not None:
            limit: LimitHit = answer["limit"]
            return limit
        if result.stdout_size > limits.output_kb * 1024 or ended_by == signal.SIGXFSZ:
            return "output"
        if exit_code == 0:
            return None
        if ended_by == signal.SIGXCPU:
            return "cpu"
        tail = result.stderr[-4000:]
        if any(marker in tail for marker in self.language.out_of_memory):
            return "memory"
        return None

    def close(self) -> None:
        if self._artifact is not None:
            os.close(self._artifact)
            self._artifact = None

    def __enter__(self) -> Prepared:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def with_inputs(step: Step, stdin: bytes, files: dict[str, bytes], by_name: bool) -> Step:
    """The step with its stdin and files, and with room for them: limits are about what a program makes."""
    step.stdin = stdin
    step.files = {**files, **step.files}
    step.by_name = by_name
    sizes = [len(content) for content in files.values()] + ([len(stdin)] if by_name else [])
    entries = sum(name.count("/") + 1 for name in files) + (2 if by_name else 0)
    if sum(sizes) >> 20 or entries > 8 or by_name:
        limits = step.limits
        step.limits = dataclasses.replace(
            limits,
            scratch_mb=limits.scratch_mb + (sum(sizes) >> 20) + 1,
            file_mb=max(limits.file_mb, (max(sizes) >> 20) + 1),
            inodes=limits.inodes + entries,
        )
    return step


def checked(result: Result) -> dict[str, Any]:
    """The answer to a step that started; a failure of ours is raised, one of the program's size is its memory limit."""
    answer = result.answer
    if "setup_error" not in answer:
        return answer
    number, text = answer.get("errno"), answer["setup_error"]
    never_began = {"starved": False, "cpu_s": 0.0, "wall_s": 0.0, "largest_kb": 0}
    if number == errno.ENOMEM or "MemoryError" in text:
        return {"status": None, "limit": "memory", **never_began}
    if number == errno.ENOEXEC:  # what was compiled is no program (a library, say): a shell's status for that
        return {"status": 126 << 8, "limit": None, **never_began}
    said = result.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [text]
    if number in _JOBS_OWN:
        raise JobRefused(f"the job cannot be set up as it is: {said[0][:300]}")
    raise SandboxCrashed(f"the sandbox could not set up a job: {said[0][:300]}")


_JOBS_OWN = tuple(
    getattr(errno, name)
    for name in ("ENOSPC", "EFBIG", "E2BIG", "ENAMETOOLONG", "EISDIR", "ENOTDIR", "EEXIST", "EILSEQ")
)
_KNOWN = (errno.ENOMEM, errno.ENOEXEC, *_JOBS_OWN)


def is_broken(answer: dict[str, Any]) -> bool:
    """Whether the slot could not set a job up for reasons of its own: another slot may."""
    if "setup_error" not in answer or "MemoryError" in answer["setup_error"]:
        return False
    return answer.get("errno") not in _KNOWN


def was_killed(result: Result, compiles: bool = False) -> bool:
    """Whether a run died of SIGKILL and not by a limit of ours: by its own hand, or by somebody's on this machine, the
    out-of-memory killer's say. Once more tells: what kills itself does so again. ``compiles``: what a compiler says of
    a part of itself that was killed counts too."""
    answer = result.answer
    status = answer.get("status")
    if answer.get("limit") is not None or status is None:
        return False
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    return compiles and status != 0 and _KILLED.search(result.stderr + result.stdout) is not None
