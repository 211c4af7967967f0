"""Reading what a judge answered, strictly: anything but one verdict with the right code is no verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from veritune.rewards.judge.prompts import Mode
from veritune.rewards.text import THINK_CLOSE, THINK_OPEN, after_think

_MAX_REPLY = 200_000
_MAX_OBJECTS = 200
WORDS = {"compare": ("correct", "incorrect", "unsure"), "pairwise": ("A", "B", "tie")}


@dataclass(frozen=True)
class Reading:
    """The verdict (a word, or a rubric's whole number) with its reason; or None with the ``problem``."""

    verdict: str | int | None
    reason: str = ""
    problem: str = ""


def read_reply(text: str, mode: Mode, canary: str | None, scale: int = 10) -> Reading:
    """The one verdict of a reply.

    The judge's own reasoning is dropped. Then there must be JSON objects with a ``verdict``, all of them saying the
    same, each carrying the canary. A reply whose object lacks the code may repeat what the judged text dictated.
    """
    if THINK_OPEN in text and THINK_CLOSE not in text:
        return Reading(None, problem="the judge's reasoning never ended")
    found = [value for value in objects(after_think(text)[-_MAX_REPLY:]) if "verdict" in value]
    if not found:
        return Reading(None, problem=f"no verdict in {_short(text)}")
    if canary is not None and any(value.get("canary") != canary for value in found):
        return Reading(None, problem="a verdict without the code: it may be the judged text's own")
    verdicts = {json.dumps(value["verdict"]) for value in found}
    if len(verdicts) > 1:
        return Reading(None, problem=f"verdicts that differ: {', '.join(sorted(verdicts))}")
    verdict, reason = found[-1]["verdict"], str(found[-1].get("reason", ""))[:2000]
    if mode == "rubric" and verdict != "unsure":
        whole = isinstance(verdict, int) and not isinstance(verdict, bool) and 0 <= verdict <= scale
        return (
            Reading(verdict, reason) if whole else Reading(None, reason, f"{verdict!r} is no grade from 0 to {scale}")
        )
    words = WORDS.get(mode, ("unsure",))
    if not isinstance(verdict, str) or verdict not in words:
        return Reading(None, reason, f"{verdict!r:.80} is none of {', '.join(words)}")
    return Reading(verdict, reason)


def objects(text: str) -> list[dict[str, Any]]:
    """The outermost JSON objects of a text, in order."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    start, tried = text.find("{"), 0
    while start >= 0 and tried < _MAX_OBJECTS:
        tried += 1
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if isinstance(value, dict):
                found.append(value)
        start = text.find("{", end)
    return found


def _short(text: str) -> str:
    return repr(text if len(text) <= 160 else f"{text[:159]}…")
