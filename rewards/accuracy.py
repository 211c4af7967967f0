"""Is the answer right?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import PositiveFloat

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score, Text
from veritune.rewards.correctness import DEADLINE, GoldFormat, check_options, math_verdicts
from veritune.rewards.peer_math import Grade, grades
from veritune.rewards.text import THINK_CLOSE, Prefilled, first_message


@reward
def accuracy(
    completions: Sequence[str],
    prompts: Sequence[Text | None],
    gold: Sequence[Any],
    *,
    right: float = 1.0,
    wrong: float = 0.0,
    gold_format: GoldFormat = "answer",
    deadline: PositiveFloat = DEADLINE,
    prefilled: Prefilled = "auto",
    options: Mapping[str, Any] | None = None,
) -> list[Score]:
    r"""``right`` where the completion's answer equals the gold mathematically, else ``wrong``.

    The gold is read as the answer itself (as ``\boxed{gold}``) and never searched, unless ``gold_format: solution``
    says that the column holds worked solutions. A gold that is missing or cannot be read, and a failure or exhausted
    deadline of ours, leave the sample undecided. Every symbolic comparison runs in a process that can be killed and
    has ``deadline`` seconds. ``options`` are the math verifier's own (``boxes``, ``percent``, ``executor``, …).

    Where the prompt opened the reasoning (``prefilled``; ``auto`` looks at its end), a completion that never closes it
    has no answer. What a completion copies from its prompt is no answer either (``options: {echo: false}``: it is).

    Source: DeepSeek-R1, section 2.2 (accuracy reward).
    """
    verdicts = math_verdicts(completions, gold, gold_format, options, deadline, prompts, prefilled)
    return [Score.of(verdict, right, wrong) for verdict in verdicts]


accuracy.check(check_options)


@accuracy.compat("open-r1")
def _open_r1(samples: Sequence[Sample], gold: Sequence[Any]) -> list[Score]:
    """open-r1 ``accuracy_reward``: math-verify with the gold searched like a text, so that bare golds may misread."""
    return _scored(grades("open-r1/accuracy", [first_message(s) for s in samples], gold))


@accuracy.compat("trl")
def _trl(samples: Sequence[Sample], gold: Sequence[Any]) -> list[Score]:
    """TRL ``accuracy_reward``: math-verify with the gold searched like a text, so that bare golds may misread."""
    return _scored(grades("trl/accuracy", [first_message(s) for s in samples], gold))


@reward
def reasoning_accuracy(
    completions: Sequence[str],
    prompts: Sequence[Text | None],
    gold: Sequence[Any],
    *,
    reasoning_delimiters: Sequence[str] = (THINK_CLOSE,),
    right: float = 1.0,
    wrong: float = 0.0,
    gold_format: GoldFormat = "answer",
    deadline: PositiveFloat = DEADLINE,
    options: Mapping[str, Any] | None = None,
) -> list[Score]:
    """``accuracy`` of what follows the reasoning; ``wrong`` where the reasoning never ends.

    The reasoning ends at the last occurrence of any of ``reasoning_delimiters``. A missing gold is undecided before
    anything else; what a completion copies from its prompt is no answer. The other parameters are ``accuracy``'s.

    Source: TRL ``reasoning_accuracy_reward``.
    """
    rests = [_after_last(text, reasoning_delimiters) for text in completions]
    texts = [rest or "" for rest in rests]
    verdicts = math_verdicts(texts, gold, gold_format, options, deadline, prompts, prefilled=False)
    unfinished = Score(wrong, "the reasoning does not end: none of its delimiters occurs")
    return [
        unfinished if rest is None and verdict.correct is not None else Score.of(verdict, right, wrong)
        for rest, verdict in zip(rests, verdicts, strict=True)
    ]


reasoning_accuracy.check(check_options)


@reasoning_accuracy.compat("trl")
def _reasoning_trl(
    samples: Sequence[Sample], gold: Sequence[Any], *, reasoning_delimiters: list[str] | None = None
) -> list[Score]:
    """TRL ``reasoning_accuracy_reward``: the first listed delimiter that occurs; none is 0, also without a gold."""
    delimiters = [THINK_CLOSE] if reasoning_delimiters is None else reasoning_delimiters
    rests = [_after_first_listed(first_message(sample), delimiters) for sample in samples]
    finished = [i for i, rest in enumerate(rests) if rest is not None]
    scores = [Score(0.0, "the reasoning does not end: none of its delimiters occurs")] * len(samples)
    graded = grades("trl/accuracy", [rests[i] or "" for i in finished], [gold[i] for i in finished])
    for i, score in zip(finished, _scored(graded), strict=True):
        scores[i] = score
    return scores


def _after_last(text: str, delimiters: Sequence[str]) -> str | None:
    ends = [text.rfind(d) + len(d) for d in delimiters if d in text]
    return text[max(ends) :] if ends else None


def _after_first_listed(text: str, delimiters: Sequence[str]) -> str | None:
    found = next((d for d in delimiters if d in text), None)
    return None if found is None else text.rpartition(found)[2]


def _scored(graded: Sequence[Grade]) -> list[Score]:
    return [
        Score.none(grade.reason, grade.cause)
        if grade.cause is not None
        else Score(float(bool(grade.correct)), grade.reason)
        for grade in graded
    ]


accuracy.for_rows("right", "wrong", "gold_format", "prefilled")
reasoning_accuracy.for_rows("right", "wrong", "gold_format")
