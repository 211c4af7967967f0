"""Golds: from whatever a dataset's column holds to the acceptable answers. Nothing is searched for inside an answer."""

from __future__ import annotations

import json
import math
import numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from veritune.verifiers.math.extraction.extract import extract
from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.text.normalise import match_brace

MAX_GOLD = 20_000
"""Characters of a gold answer; a longer one is no answer."""

_BOXES = ("\\boxed", "\\fbox", "\\framebox")
_MARKS = (*_BOXES, "####", "answer is", "answer:", "答案", "故选")
_SENTENCE = re.compile(
    r"(?:the|there|it|so|thus|hence|therefore|we|he|she|they|its|their|this)\b(?=.*\b(?:is|are|was|were|equals?|has|have|gets?|needs?)\b)",
    re.IGNORECASE,
)
"""How a sentence begins that states a value."""
_DENIED = re.compile(r"\b(?:no|not|never|none|neither|cannot)\b|n't\b", re.IGNORECASE)
_VALUE = re.compile(r"\$[^$]+\$|(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?(?![\w])")
_NUMBER = re.compile(r"-?[0-9]{1,400}(?:[./][0-9]{1,400})?")
_FIELDS = ("answer", "final_answer", "gold", "ground_truth", "solution", "value", "target")
_DELIMITERS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))


@dataclass(frozen=True, slots=True)
class Golds:
    """The acceptable answers of one row, or why there are none."""

    answers: tuple[str, ...]
    problem: str = ""
    faulty: bool = False
    """Reading them met a fault of ours."""

    @property
    def shown(self) -> str:
        return self.answers[0] if len(self.answers) == 1 else " | ".join(self.answers)


def read_golds(gold: Any, options: MathOptions) -> Golds:
    """The acceptable answers in a gold: a string, a number, true or false, a dictionary with a field for the
    answer or of named values (also as JSON text), or a list of these (any of which is right). Boxes in it say what the
    answer is.

    With ``gold_format="solution"`` each string is a worked solution, and its final answer is the gold.
    """
    if isinstance(gold, str) and _NUMBER.fullmatch(gold) and options.gold_format == "answer":
        return Golds((gold,))  # nothing around it and no mark in it
    items = _items(gold)
    if not items:
        return Golds((), f"the gold is empty: {gold!r}")
    answers: list[str] = []
    problem = ""
    for item in items:
        text = _text(item)
        if text is None:
            problem = f"the gold is no answer: {_short(item)}"
        elif options.gold_format == "solution":
            found = extract(text, options).answer
            if found is None:
                problem = f"the worked solution ends in no answer: {_short(text)}"
            else:
                answers.append(found.strip())
        else:
            bare = plain_gold(text, options)
            fault = unusable(bare)
            if fault:
                problem = fault
            else:
                answers.append(bare)
    answers = [answer for answer in dict.fromkeys(answers) if answer]
    return Golds(tuple(answers), "" if answers else problem or f"the gold is empty: {gold!r}")


def plain_gold(text: str, options: MathOptions) -> str:
    """What a gold says: the content of its boxes where it has any, the value that a sentence states, or itself."""
    bare = unboxed(text)
    if "box" in bare and any(box in bare for box in _BOXES):
        found = extract(text, replace(options, boxes="last", bare=False, in_reasoning=True, json_field=None)).answer
        return bare if found is None else unboxed(found)
    sentence = _SENTENCE.match(bare) if bare[:1].isalpha() else None
    if sentence is None or len(bare) > 120 or ". " in bare or _DENIED.search(bare):
        return bare
    found = extract(bare, replace(options, bare=False, in_reasoning=True, json_field=None)).answer
    if found is None:
        values = _VALUE.findall(bare)
        found = values[0] if len(values) == 1 else None
    return bare if found is None else unboxed(found.strip().rstrip("."))


def unusable(text: str) -> str:
    """Why `text` is no answer by itself; empty where it is one. A mark inside it would have to be searched for."""
    low = text.lower()
    if ("#" in low or "ox" in low or "answer" in low or not low.isascii()) and any(mark in low for mark in _MARKS):
        return f"the gold looks like a worked solution; if so, say gold_format: solution: {_short(text)}"
    if text[:1].isalpha() and _SENTENCE.match(text) and len(text) <= 200 and len(_VALUE.findall(text)) > 1:
        return f"the gold is a sentence with several values: {_short(text)}"
    if _closes_unopened(text):
        return f"the gold closes a brace that it never opened: {_short(text)}"
    return ""


def unboxed(text: str) -> str:
    """An answer out of the one box, and the delimiters and full stop, that surround all of it."""
    bare = undelimited(text)
    inner = undelimited(bare[:-1]) if bare.endswith((".", "。")) else bare
    for box in _BOXES if inner.startswith("\\f") or inner.startswith("\\b") else ():
        if inner.startswith(box):
            start = inner.find("{")
            if inner[len(box) : start].strip() == "" and match_brace(inner, start) == len(inner) - 1:
                return unboxed(inner[start + 1 : -1])
    return bare


def undelimited(text: str) -> str:
    """``$x$`` is ``x``: one pair of delimiters around the whole answer is notation, not content."""
    text = text.strip()
    if not text.startswith(("$", "\\(", "\\[")):
        return text
    for opening, closing in _DELIMITERS:
        inner = text[len(opening) : len(text) - len(closing)]
        if (
            len(text) > len(opening) + len(closing)
            and text.startswith(opening)
            and text.endswith(closing)
            and opening not in inner
            and closing not in inner
        ):
            return inner.strip()
    return text


def _closes_unopened(text: str) -> bool:
    """Whether ``text`` cannot stand inside a box: some ``}`` has no ``{`` before it."""
    if "}" not in text:
        return False
    depth = 0
    for found in _BRACE.findall(text):
        depth += (found == "{") - (found == "}")
        if depth < 0:
            return True
    return False


_BRACE = re.compile(r"[{}]|\\.", re.DOTALL)


def _items(gold: Any) -> list[Any]:
    if isinstance(gold, Mapping):
        return _mapped(gold)
    if isinstance(gold, str):
        return _of_text(gold)
    if isinstance(gold, bytes):
        return [gold]
    if hasattr(gold, "tolist") and not isinstance(gold, numbers.Number):
        gold = gold.tolist()
    if isinstance(gold, Sequence | set | frozenset):
        return [item for each in gold for item in (_of_text(each) if isinstance(each, str) else [each])]
    return [gold]


def _of_text(gold: str) -> list[Any]:
    """A text is one gold; that of a JSON object (as tables without nested columns keep them) is what the object says,
    and itself where that are named values."""
    if not _OBJECT.match(gold) or len(gold) > MAX_GOLD:
        return [gold]
    try:
        found = json.loads(gold)
    except (ValueError, RecursionError):
        return [gold]
    said = _mapped(found)
    if any(found.get(name) is not None for name in _FIELDS) or said == [found]:
        return said
    return [*said, gold]


_OBJECT = re.compile(r"\s*\{\s*\"")


def _mapped(gold: Mapping[Any, Any]) -> list[Any]:
    """A dictionary with a field for the answer, or of named values: ``{"x": 1, "y": 2}`` is x = 1, y = 2."""
    for name in _FIELDS:
        if gold.get(name) is not None:
            return _items(gold[name])
    texts = {str(name): _text(value) for name, value in gold.items()}
    if not texts or any(value is None or not name.isidentifier() for name, value in texts.items()):
        return [gold]
    return [", ".join(f"{name} = {value}" for name, value in texts.items())]


def _text(item: Any) -> str | None:
    if isinstance(item, str):
        text = item.strip()
        return text if text and len(text) <= MAX_GOLD else None
    if isinstance(item, bool) or type(item).__name__ in ("bool", "bool_"):
        return str(bool(item))
    if not isinstance(item, numbers.Number):
        return None
    if isinstance(item, float) and not math.isfinite(item):
        return None
    if isinstance(item, float) and item.is_integer() and abs(item) < 2**53:
        return str(int(item))
    return str(item)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}…"
