"""Reading what a judge answered, strictly: anything but one verdict with the right code is no verdict."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from veritune.rewards.judge.dirty_json import decode
from veritune.rewards.judge.prompts import Mode
from veritune.rewards.text import THINK_CLOSE, THINK_OPEN

_MAX_REPLY = 200_000
_MAX_OBJECTS = 200
_MAX_CUTS = 20
_NUMBER = re.compile(r"[+-]?\d{1,9}(?:\.\d{0,9}|,\d{1,2})?(?:[eE][+-]?\d)?")
"""A number as text, also as German and French write it; a comma before three digits would be a thousand's."""
WORDS = {"compare": ("correct", "incorrect", "unsure"), "pairwise": ("A", "B", "tie")}


@dataclass(frozen=True)
class Reading:
    """The verdict (a word, or a rubric's whole number) with its reason; or None with the ``problem``."""

    verdict: str | int | None
    reason: str = ""
    problem: str = ""


def read_reply(text: str, mode: Mode, canary: str | None, scale: int = 10) -> Reading:
    """The one verdict of a reply.

    There must be JSON objects with a ``verdict`` and the canary after the judge's own reasoning, all of them saying the
    same. One that lacks the code may repeat what the judged text dictated, and is none. Tags inside an
    object are what the judge writes about, and end or begin no reasoning. LaTeX and line breaks in a reason that is no
    strict JSON cost no verdict.
    """
    found, ended = _after_reasoning(text[-_MAX_REPLY:])
    if not ended:
        return Reading(None, problem="the judge's reasoning never ended")
    if not found:
        return Reading(None, problem=f"no verdict in {_short(text)}")
    if canary is not None:  # what lacks the code beside one that has it is quoted
        found = [value for value in found if value.get("canary") == canary]
    if not found:
        return Reading(None, problem="a verdict without the code: it may be the judged text's own")
    verdicts = {json.dumps(_plain(value["verdict"], mode)) for value in found}
    if len(verdicts) > 1:
        return Reading(None, problem=f"verdicts that differ: {', '.join(sorted(verdicts))}")
    verdict, reason = _plain(found[-1]["verdict"], mode), _reason(found[-1].get("reason", ""))
    if mode == "rubric" and verdict != "unsure":
        whole = isinstance(verdict, int) and not isinstance(verdict, bool) and 0 <= verdict <= scale
        return (
            Reading(verdict, reason) if whole else Reading(None, reason, f"{verdict!r} is no grade from 0 to {scale}")
        )
    words = WORDS.get(mode, ("unsure",))
    if not isinstance(verdict, str) or verdict not in words:
        return Reading(None, reason, f"{verdict!r:.80} is none of {', '.join(words)}")
    return Reading(verdict, reason)


def _after_reasoning(text: str) -> tuple[list[dict[str, Any]], bool]:
    """The objects with a verdict after the judge's reasoning, and whether that ended.

    The reasoning ends at the last ``</think>`` that stands in no such object; which those are shows only when they are
    read, so reading begins behind the last one and goes back while it finds none.
    """
    cuts = [0, *(found.end() for found in re.finditer(re.escape(THINK_CLOSE), text))]
    for cut in reversed(cuts[-_MAX_CUTS:]):
        spans = _spans(text[cut:])
        found = [(judged, start, stop) for value, start, stop in spans for judged in _judgements(value)]
        if found:
            outside, end = "", 0
            for _, start, stop in found:
                outside, end = outside + text[cut:][end:start], stop
            opened = THINK_OPEN in outside and THINK_CLOSE not in outside.rpartition(THINK_OPEN)[2]
            return [value for value, _, _ in found], not opened
    return [], THINK_OPEN not in text or THINK_CLOSE in text


def _judgements(value: Any, depth: int = 0) -> list[dict[str, Any]]:
    """The object if it has a verdict, else those inside it that have one."""
    if isinstance(value, dict) and "verdict" in value:
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [] if depth > 3 else [found for each in inner for found in _judgements(each, depth + 1)]


def _reason(said: Any) -> str:
    r"""A reason as text: ``\frac`` and ``\beta`` that JSON took for a form feed and a backspace, no half characters."""
    text = str(said)[:2000].replace("\f", "\\f").replace("\b", "\\b")
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(verdict: Any, mode: Mode) -> Any:
    """A verdict in the form that was asked for where only its writing differs: ``"Correct"``, ``8.0``, ``"8.0"``."""
    if isinstance(verdict, float) and verdict.is_integer():
        return int(verdict)
    if not isinstance(verdict, str):
        return verdict
    text = verdict.strip().strip("*`'\". ")
    if mode == "rubric" and _NUMBER.fullmatch(text):
        return _plain(float(text.replace(",", ".")), mode)
    return text.upper() if mode == "pairwise" and len(text) == 1 else text.lower()


def _spans(text: str) -> list[tuple[dict[str, Any], int, int]]:
    """The outermost JSON objects of a text with start and end."""
    found: list[tuple[dict[str, Any], int, int]] = []
    start, tried = text.find("{"), 0
    while start >= 0 and tried < _MAX_OBJECTS:
        tried += 1
        try:
            value, end = decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if isinstance(value, dict):
                found.append((value, start, end))
        start = text.find("{", end)
    return found


def _short(text: str) -> str:
    return repr(text if len(text) <= 160 else f"{text[:159]}…")
