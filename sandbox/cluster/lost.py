"""What stands in place of an answer that no actor could give."""

from __future__ import annotations

from dataclasses import dataclass

from veritune.plugins.types import Cause


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer. ``cause`` is ``timeout`` (an actor kept silent beyond the work's time) or ``infra_error``."""

    cause: Cause
    reason: str
    nobody: bool = False
    """Whether there was no actor at all, for as long as the crew waits for one."""
