"""From what another tool says about a run to an outcome."""

from __future__ import annotations

import signal

from veritune.sandbox.interface import LimitHit, Limits
from veritune.sandbox.languages import Language


def split_status(code: int) -> tuple[int | None, int | None]:
    """(exit code, signal) of a shell-style status, in which 128 + n means death by signal n."""
    if code < 0:
        return None, -code
    if 128 < code <= 128 + 64:
        return None, code - 128
    return code, None


def limit_of(
    language: Language, limits: Limits, cpu_s: float | None, ended_by: int | None, exit_code: int | None, stderr: bytes
) -> LimitHit | None:
    """The limit that a finished run shows signs of."""
    if ended_by == signal.SIGXCPU or (cpu_s is not None and cpu_s > limits.cpu_s):
        return "cpu"
    if ended_by == signal.SIGXFSZ:
        return "output"
    if exit_code != 0 and any(marker in stderr[-4000:] for marker in language.out_of_memory):
        return "memory"
    return None
