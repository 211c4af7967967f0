"""Part of the way to the format: a share for every tag that stands where it should."""

from __future__ import annotations

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.text import Prefilled, first_message, whole_text

MARKS = ("<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>")
"""Each must occur exactly once."""


@reward
def tag_count(sample: Sample, *, each: float = 0.25, prefilled: Prefilled = "auto") -> Score:
    r"""``each`` × the number of marks that occur exactly once (0 to 4).

    The marks are ``<think>\n``, ``\n</think>\n``, ``\n<answer>\n`` and ``\n</answer>``. ``each: 0.125`` is the form of
    the R1-Zero tutorials. A ``<think>`` that the prompt wrote (``prefilled``) counts as the completion's own.

    Source: the GRPO demo's ``count_xml`` (gist of W. Brown); open-r1 ``tag_count_reward``.
    """
    return _count(whole_text(sample, prefilled), each)


@tag_count.compat("open-r1")
def _open_r1(sample: Sample) -> Score:
    """open-r1 ``tag_count_reward``: 0.25 a mark, blind to a prefilled tag."""
    return _count(first_message(sample), 0.25)


def _count(text: str, each: float) -> Score:
    counts = {mark: text.count(mark) for mark in MARKS}
    good = sum(count == 1 for count in counts.values())
    problems = [f"{mark!r} {count} times" for mark, count in counts.items() if count != 1]
    return Score(
        good * each, f"{good} of 4 marks stand exactly once" + (f": {', '.join(problems)}" if problems else "")
    )
