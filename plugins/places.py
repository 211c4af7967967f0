"""Where in the user's code something happened: file, line and function, of an exception or of a running thread."""

from __future__ import annotations

import asyncio
import inspect
import os
import sysconfig
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

_LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
_NOT_THEIRS = tuple(
    path.rstrip(os.sep) + os.sep
    for path in [os.path.dirname(os.path.dirname(__file__)), *(sysconfig.get_paths()[name] for name in _LIBRARIES)]
)
"""Folders of this library, as modules name their files, of Python and of what is installed."""


def place_of(error: BaseException, defined: Callable[..., Any] | None = None) -> str:
    """``/home/me/rewards.py, line 12, in judge``: the innermost line of the user's own code; with ``defined``, the
    function that failed, else of its own folder (it may be installed), else where it is defined; else the innermost of
    all. The empty string where nothing was ever raised."""
    stack = traceback.extract_tb(error.__traceback__)
    if defined is None or any(map(_is_theirs, stack)):
        return _place(stack)
    written = _written_at(defined)
    if written is None:
        return _place(stack)
    folder = os.path.dirname(written[0]) + os.sep
    near = [frame for frame in stack if frame.filename.startswith(folder)]
    return _place(near) if near else place_written(defined)


def place_written(function: Callable[..., Any]) -> str:
    """The same of where a function or class is written; empty where it has no source."""
    written = _written_at(function)
    return "" if written is None else f"{written[0]}, line {written[1]}, in {written[2]}"


def _written_at(function: Callable[..., Any]) -> tuple[str, int, str] | None:
    """File, line and name of a function or class; None where it has no source."""
    function = inspect.unwrap(function)
    with suppress(OSError, TypeError):
        file, line = inspect.getsourcefile(function), inspect.getsourcelines(function)[1]
        if file:
            return file, line, str(getattr(function, "__qualname__", function))
    return None


def place_of_frame(frame: FrameType) -> str:
    """The same for a thread's current frame (``sys._current_frames()``); of a loop of asyncio, for what it awaits."""
    return _place([*traceback.extract_stack(frame), *_awaited(frame)])


def _awaited(frame: FrameType | None) -> list[traceback.FrameSummary]:
    """The user's innermost line among the tasks of the loop that runs in this frame: the loop's own says nothing."""
    loop: Any = None
    while frame is not None and not isinstance(loop, asyncio.AbstractEventLoop):
        loop, frame = frame.f_locals.get("self"), frame.f_back
    if not isinstance(loop, asyncio.AbstractEventLoop):
        return []
    with suppress(RuntimeError):  # the loop's set of tasks changes while it is read
        for task in asyncio.all_tasks(loop):
            found: list[traceback.FrameSummary] = []
            awaited: Any = task.get_coro()
            while awaited is not None:
                inner = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
                found += traceback.extract_stack(inner, limit=1) if inner is not None else []
                awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
            theirs = list(filter(_is_theirs, found))
            if theirs:
                return theirs[-1:]
    return []


def trace_of(error: BaseException) -> str:
    """The whole traceback as text."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def _place(stack: Sequence[traceback.FrameSummary]) -> str:
    if not stack:
        return ""
    found = ([frame for frame in stack if _is_theirs(frame)] or list(stack))[-1]
    return f"{found.filename}, line {found.lineno}, in {found.name}"


def _is_theirs(frame: traceback.FrameSummary) -> bool:
    return not frame.filename.startswith(("<", *_NOT_THEIRS))
