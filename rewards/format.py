"""Does the completion have the shape that was asked for?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, PositiveFloat

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.plugins.unseen import blank
from veritune.rewards.blocks import open_r1_blocks, trl_think
from veritune.rewards.patterns import search_all
from veritune.rewards.text import (
    ANSWER_CLOSE,
    ANSWER_OPEN,
    TAGS,
    THINK_CLOSE,
    THINK_OPEN,
    Prefilled,
    after_think,
    first_message,
    last_box,
    tags,
    whole_text,
)

MOST_BOXES = 4
"""Boxes after the thinking that may still be one answer in parts."""
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")

Style: TypeAlias = Literal["think_answer", "think_answer_soft", "think", "tags", "boxed", "answer"]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


@reward
def format(
    samples: Sequence[Sample],
    *,
    style: Style = "think_answer",
    pattern: Annotated[str, AfterValidator(_compiles)] | None = None,
    prefilled: Prefilled = "auto",
    right: float = 1.0,
    wrong: float = 0.0,
    deadline: PositiveFloat = 2.0,
) -> list[Score]:
    r"""``right`` where the completion has the shape ``style``, else ``wrong``.

    Styles (a block is a pair of tags with more than white space, unseen characters and punctuation between them):

    - ``think_answer``: ``<think>\n…\n</think>\n<answer>\n…\n</answer>`` and nothing else but one last line break;
      every tag exactly once.
    - ``think_answer_soft``: the same two blocks with any white space around tags and blocks.
    - ``think``: one think block at the start, then an answer in any form.
    - ``tags``: the four tags exactly once each and in order, their blocks not empty; text anywhere.
    - ``boxed``: a complete ``\boxed{…}`` that is not empty, after the thinking, and no more than four boxes there: an
      answer in parts has two or three, a box for every guess is no answer.
    - ``answer``: exactly one answer block after the thinking, and none before it.

    For the last two the thinking stands once or not at all; a ``</think>`` alone closes what a template opened.

    ``pattern`` (searched with Python's ``re``; write ``\A``, ``\Z`` and ``(?s)`` yourself) replaces the style. It runs
    in a process of its own; one that takes longer than ``deadline`` seconds leaves the sample undecided.
    ``prefilled`` says that the prompt already wrote ``<think>``: ``auto`` looks at the prompt's end; a chat template
    that adds it later cannot be seen there, so say ``true``. Time is linear in the completion's length.

    Source: DeepSeek-R1, section 2.2 (format reward); huggingface/trl#6966 for the prefilled tag.
    """
    texts = [whole_text(sample, prefilled) for sample in samples]
    if pattern is not None:
        return search_all(pattern, texts, right, wrong, deadline)
    return [_scored(style, shape_problem(style, text), right, wrong) for text in texts]


@format.compat("open-r1")
def _open_r1(samples: Sequence[Sample]) -> list[Score]:
    """open-r1 ``format_reward``: 1 or 0; text after a closing tag that ends its line, and a second block, pass."""
    return [_matched(open_r1_blocks(first_message(sample))) for sample in samples]


@format.compat("trl")
def _trl(samples: Sequence[Sample]) -> list[Score]:
    """TRL ``think_format_reward``: one closed ``<think>`` at the start; no answer is needed, a prefilled tag fails."""
    return [_matched(trl_think(first_message(sample))) for sample in samples]


@reward
def think_format(
    samples: Sequence[Sample], *, prefilled: Prefilled = "auto", right: float = 1.0, wrong: float = 0.0
) -> list[Score]:
    """``format`` with ``style: think`` under TRL's name: one think block at the start, then an answer."""
    return [_scored("think", _think(whole_text(sample, prefilled)), right, wrong) for sample in samples]


think_format.compat("trl")(_trl.function)


def shape_problem(style: Style, text: str) -> str | None:
    """Why ``text`` does not have the shape ``style``, in a few words, or None where it has."""
    return _STYLES[style](text)


def _matched(matched: bool) -> Score:
    return Score(float(matched), f"the peer's expression {'matches' if matched else 'does not match'}")


def _scored(style: str, problem: str | None, right: float, wrong: float) -> Score:
    return Score(right, f"has the shape {style}") if problem is None else Score(wrong, problem)


def _misplaced(found: Sequence[tuple[str, int, int]], wanted: Sequence[str]) -> str | None:
    """What is wrong where ``wanted`` tags must each stand exactly once and in order."""
    names = [name for name, _, _ in found if name in wanted]
    if names == list(wanted):
        return None
    for tag in wanted:
        count = names.count(tag)
        if count != 1:
            return f"{tag} is missing" if count == 0 else f"{tag} stands {count} times"
    return f"the tags stand in the order {' '.join(names)}"


def _blocks(text: str, strict: bool) -> str | None:
    found = tags(text)
    problem = _misplaced(found, TAGS)
    if problem is not None:
        return problem
    (_, start, think), (_, thought, between), (_, middle, answer), (_, end, last) = found
    outside = {f"before {THINK_OPEN}": text[:start], "between the blocks": text[thought:middle][len(THINK_CLOSE) :]}
    outside[f"after {ANSWER_CLOSE}"] = text[last:]
    for where, what in outside.items():
        if what.strip():
            return f"there is text {where}"
    for block, inside in ((THINK_OPEN, text[think:thought]), (ANSWER_OPEN, text[answer:end])):
        if blank(inside):
            return f"the {block} block is empty"
        if strict and not (inside.startswith("\n") and inside.endswith("\n")):
            return f"the tags of the {block} block do not stand on lines of their own"
    if strict and (start > 0 or text[between:middle] != "\n" or text[last:] not in ("", "\n")):
        return "white space around the blocks is not exactly one line break"
    return None


def _think(text: str) -> str | None:
    found = tags(text)
    problem = _misplaced(found, (THINK_OPEN, THINK_CLOSE))
    if problem is not None:
        return problem
    opening = next(end for name, _, end in found if name == THINK_OPEN)
    closing = next(start for name, start, _ in found if name == THINK_CLOSE)
    if not text.lstrip().startswith(THINK_OPEN):
        return f"there is text before {THINK_OPEN}"
    if blank(text[opening:closing]):
        return f"the {THINK_OPEN} block is empty"
    if blank(re.sub(r"</?answer>", "", text[closing + len(THINK_CLOSE) :])):
        return f"there is no answer after {THINK_CLOSE}"
    return None


def _tags(text: str) -> str | None:
    found = tags(text)
    problem = _misplaced(found, TAGS)
    if problem is not None:
        return problem
    (_, _, think), (_, thought, _), (_, _, answer), (_, end, _) = found
    for block, inside in ((THINK_OPEN, text[think:thought]), (ANSWER_OPEN, text[answer:end])):
        if blank(inside):
            return f"the {block} block is empty"
    return None


def _thinking(found: Sequence[tuple[str, int, int]]) -> str | None:
    """What is wrong with the thinking where it may stand once, or not at all; a template may have opened it unseen."""
    names = [name for name, _, _ in found if name in (THINK_OPEN, THINK_CLOSE)]
    return None if names in ([], [THINK_CLOSE]) else _misplaced(found, (THINK_OPEN, THINK_CLOSE))


def _boxed(text: str) -> str | None:
    problem = _thinking(tags(text))
    if problem is not None:
        return problem
    rest = after_think(text)
    box = last_box(rest)
    if box is None:
        return "there is no complete \\boxed{…} after the thinking"
    if blank(box):
        return "the box is empty"
    count = len(_BOX.findall(rest))
    return (
        None if count <= MOST_BOXES else f"{count} boxes stand after the thinking, at most {MOST_BOXES} are an answer"
    )


def _answer(text: str) -> str | None:
    rest = after_think(text)
    before = text.partition(THINK_OPEN)[0] if THINK_OPEN in text else ""
    problem = _thinking(tags(text)) or _misplaced(tags(rest), (ANSWER_OPEN, ANSWER_CLOSE))
    if problem is not None:
        return problem
    if ANSWER_OPEN in before or ANSWER_CLOSE in before:
        return f"there is an answer tag before {THINK_OPEN}"
    inside = rest.partition(ANSWER_OPEN)[2].partition(ANSWER_CLOSE)[0]
    return f"the {ANSWER_OPEN} block is empty" if blank(inside) else None


_STYLES: Mapping[str, Callable[[str], str | None]] = {
    "think_answer": lambda text: _blocks(text, strict=True),
    "think_answer_soft": lambda text: _blocks(text, strict=False),
    "think": _think,
    "tags": _tags,
    "boxed": _boxed,
    "answer": _answer,
}


format.for_rows("style", "pattern", "prefilled", "right", "wrong")
think_format.for_rows("prefilled", "right", "wrong")
