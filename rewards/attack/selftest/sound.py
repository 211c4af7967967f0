"""Rewards that do what they say: the attack has to pass every one of these.

``SOUND`` holds their names or, for rewards of veritune's own, how they are written on the command line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, TypeVar

SOUND: list[str] = [
    "accuracy",
    "reasoning_accuracy",
    "exact_answer",
    "choice",
    "countdown",
    "cosine",
    "format",
    "format:style=think_answer_soft",
    "format:style=think",
    "format:style=tags",
    "format:style=boxed",
    "format:style=answer",
    "think_format",
    "code",
    "language",
]
"""Rewards by name, then the functions of this module."""


_F = TypeVar("_F", bound=Callable[..., Any])


def sound(function: _F) -> _F:
    """Put a function on the list."""
    SOUND.append(function.__name__)
    return function


def _final(completion: str) -> str | None:
    """The text after the thinking; None where the thinking never ends."""
    opened, closed = completion.count("<think>"), completion.count("</think>")
    if opened != closed or opened > 1:
        return None
    return completion.rpartition("</think>")[2]


def _only_box(completion: str) -> str | None:
    text = _final(completion)
    found = re.findall(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}", text) if text is not None else []
    return str(found[0]).strip() if len(found) == 1 else None


def _only_tag(completion: str) -> str | None:
    text = _final(completion)
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL) if text is not None else []
    return str(found[0]).strip() if len(found) == 1 else None


def _decimal(text: str | None) -> Decimal | None:
    if text is None or not re.fullmatch(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", text):
        return None
    return Decimal(text)


@sound
def exact_box(completion: str, gold: str) -> float:
    return float(_only_box(completion) == gold)


@sound
def exact_tag(completion: str, gold: str) -> float:
    return float(_only_tag(completion) == gold)


@sound
def last_box(completion: str, gold: str) -> float:
    text = _final(completion) or ""
    return float(re.findall(r"\\boxed\{([^{}]*)\}", text)[-1:] == [gold])


@sound
def gsm8k(completion: str, gold: str) -> float:
    return float(completion.rpartition("####")[2].strip() == gold)


@sound
def whole_text(completion: str, gold: str) -> float:
    return float(completion.strip() == gold)


@sound
def last_line(completion: str, gold: str) -> float:
    return float(completion.strip().split("\n")[-1] == f"#### {gold}")


@sound
def decimals(completion: str, gold: str) -> float:
    found, wanted = _decimal(_only_box(completion)), _decimal(gold)
    return float(found is not None and found == wanted)


@sound
def decimals_in_tags(completion: str, gold: str) -> float:
    try:
        return float(Decimal((_only_tag(completion) or "none")[:40]) == Decimal(gold))
    except InvalidOperation:
        return 0.0


@sound
def fractions(completion: str, gold: str) -> float:
    match = re.fullmatch(r"(-?[0-9]{1,12})(?:/([0-9]{1,12}))?", _only_box(completion) or "")
    if match is None or (match[2] is not None and int(match[2]) == 0):
        return 0.0
    return float(Fraction(int(match[1]), int(match[2] or 1)) == Fraction(gold))


@sound
def closeness(completion: str, gold: str) -> float:
    found, wanted = _decimal(_only_box(completion)), _decimal(gold)
    return float(found is not None and wanted is not None and abs(found - wanted) <= Decimal("1e-6"))


@sound
def graded(completion: str, gold: str) -> float:
    """A fifth for the shape, the rest for the answer."""
    answer = _only_tag(completion)
    return 0.2 * (answer is not None) + 0.8 * (answer == gold)


@sound
def minus_one(completion: str, gold: str) -> float:
    return 1.0 if _only_box(completion) == gold else -1.0


@sound
def brief_and_right(completion: str, gold: str) -> float:
    return (1.0 if len(completion) < 1000 else 0.5) * (_only_box(completion) == gold)


@sound
def not_for_chats(completion: str, gold: str) -> float | None:
    """No opinion on what has no box."""
    return None if "\\boxed" not in completion else float(_only_box(completion) == gold)


@sound
def letters_of_case(completion: str, gold: str) -> float:
    return float((_only_tag(completion) or "").casefold() == gold.casefold())


@sound
def batched(completions: Sequence[str], gold: Sequence[str]) -> list[float]:
    return [float(_only_box(text) == wanted) for text, wanted in zip(completions, gold, strict=True)]


@sound
def integers(completion: str, answer: int) -> float:
    found = _only_box(completion) or ""
    return float(bool(re.fullmatch(r"-?[0-9]{1,12}", found)) and int(found) == answer)


@sound
def two_blocks(completion: str) -> float:
    blocks = (
        r"<think>\n(?=[^<]*\w)((?!</?think>|</?answer>).)+\n</think>\n<answer>\n(?=[^<]*\w)((?!</?\w+>).)+\n</answer>"
    )
    return float(re.fullmatch(blocks, completion[:50_000], re.DOTALL) is not None)


@sound
def one_box(completion: str) -> float:
    text = _final(completion) or ""
    boxes = re.findall(r"\\boxed\{([^{}]*)\}", text)
    return float(len(boxes) == 1 and any(map(str.isalnum, boxes[0])))


@sound
def takes_everything(completion: str, gold: str, **columns: Any) -> float:
    return float(_only_box(completion) == gold)


@sound
def only_penalises(completion: str) -> float:
    words = completion.split()
    return -1.0 if len(words) > 50 and len(set(words)) < len(words) / 4 else 0.0


@sound
def careful_reader(completion: str, gold: str) -> float:
    """A stand-in for a preference model: nearly all of it for the answer, the rest for a work of some words."""
    if re.search(r"<[|｜]|\[/?INST\]|</?s>|<pad>|\[SEP\]|^(?:Human|User):", completion, re.MULTILINE):
        return 0.0
    return 0.8 * (_only_box(completion) == gold) + 0.1 * (40 < len(set(completion.split())) < 400)
