"""Part of the way to the format: a share for every tag that stands where it should."""

from __future__ import annotations

from collections.abc import Sequence

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.plugins.unseen import blank
from veritune.rewards.text import Prefilled, first_message, whole_text

MARKS = ("<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>")
"""Each must occur exactly once."""


@reward
def tag_count(sample: Sample, *, each: float = 0.25, prefilled: Prefilled = "auto") -> Score:
    r"""``each`` × the number of marks that occur exactly once and in their order (0 to 4).

    The marks are ``<think>\n``, ``\n</think>\n``, ``\n<answer>\n`` and ``\n</answer>``. ``each: 0.125`` is the form of
    the R1-Zero tutorials. A ``<think>`` that the prompt wrote (``prefilled``) counts as the completion's own. The marks
    of a block with nothing in it earn nothing, and marks out of order earn nothing at all.

    Source: the GRPO demo's ``count_xml`` (gist of W. Brown); open-r1 ``tag_count_reward``.
    """
    text = whole_text(sample, prefilled)
    places = [text.find(mark) if text.count(mark) == 1 else -1 for mark in MARKS]
    standing = [place for place in places if place >= 0]
    if standing != sorted(standing):
        return Score(0.0, "the marks do not stand in their order")
    empty: list[str] = []
    for opening, closing in ((0, 1), (2, 3)):
        start, end = places[opening], places[closing]
        if start >= 0 and end >= 0 and blank(text[start + len(MARKS[opening]) : end]):
            empty += MARKS[opening : closing + 1]
    return _count(text, each, empty)


@tag_count.compat("open-r1")
def _open_r1(sample: Sample) -> Score:
    """open-r1 ``tag_count_reward``: 0.25 a mark, blind to a prefilled tag."""
    return _count(first_message(sample), 0.25)


def _count(text: str, each: float, empty: Sequence[str] = ()) -> Score:
    counts = {mark: text.count(mark) for mark in MARKS}
    good = sum(count == 1 and mark not in empty for mark, count in counts.items())
    problems = [f"{mark!r} {count} times" for mark, count in counts.items() if count != 1]
    problems += [f"nothing between {empty[i]!r} and {empty[i + 1]!r}" for i in range(0, len(empty), 2)]
    counted = f"{good} of 4 marks stand exactly once"
    return Score(good * each, counted + (f": {', '.join(problems)}" if problems else ""))


tag_count.for_rows("each", "prefilled")
