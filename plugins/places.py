"""Where in the user's code something happened: file, line and function, of an exception or of a running thread."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Sequence
from types import FrameType

_LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
_NOT_THEIRS = tuple(
    path.rstrip(os.sep) + os.sep
    for path in [os.path.dirname(os.path.dirname(__file__)), *(sysconfig.get_paths()[name] for name in _LIBRARIES)]
)
"""Folders of this library, as modules name their files, of Python and of what is installed."""


def place_of(error: BaseException) -> str:
    """``/home/me/rewards.py, line 12, in judge``: the innermost line of the user's own code, else the innermost of
    all; the empty string where the exception was never raised."""
    return _place(traceback.extract_tb(error.__traceback__))


def place_of_frame(frame: FrameType) -> str:
    """The same for a thread's current frame (``sys._current_frames()``)."""
    return _place(traceback.extract_stack(frame))


def trace_of(error: BaseException) -> str:
    """The whole traceback as text."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def _place(stack: Sequence[traceback.FrameSummary]) -> str:
    if not stack:
        return ""
    theirs = [f for f in stack if not f.filename.startswith(("<", *_NOT_THEIRS))]
    found = (theirs or list(stack))[-1]
    return f"{found.filename}, line {found.lineno}, in {found.name}"
