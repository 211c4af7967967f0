"""Correctness, scaled by length along a cosine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import PositiveInt

from veritune.plugins.errors import ParameterError
from veritune.plugins.reward import reward
from veritune.plugins.types import Cause, Sample, Score
from veritune.rewards.correctness import GoldFormat, check_options, math_verdicts
from veritune.rewards.measure import Unit, length_of, token_ids
from veritune.rewards.peer_math import grades
from veritune.rewards.text import Prefilled, first_message


@reward
def cosine(
    samples: Sequence[Sample],
    gold: Sequence[Any],
    *,
    max_len: PositiveInt = 1000,
    unit: Unit = "characters",
    min_value_wrong: float = -1.0,
    max_value_wrong: float = -0.5,
    min_value_correct: float = 0.5,
    max_value_correct: float = 1.0,
    gold_format: GoldFormat = "answer",
    prefilled: Prefilled = "auto",
    options: Mapping[str, Any] | None = None,
) -> list[Score]:
    """Right answers earn more the shorter they are, wrong ones lose less the longer they are.

    With p = min(length / ``max_len``, 1) and c = (1 + cos πp) / 2, a right answer earns ``min_value_correct`` +
    c × (``max_value_correct`` − ``min_value_correct``) and a wrong one ``max_value_wrong`` + c × (``min_value_wrong`` −
    ``max_value_wrong``). ``unit`` says what ``max_len`` counts. A gold that is missing or cannot be read leaves the
    sample undecided. ``prefilled`` and ``options`` are ``accuracy``'s.

    Raises ParameterError where a minimum is above its maximum, which would turn the shaping round.
    Source: Demystifying Long Chain-of-Thought Reasoning (2502.03373), appendix C.1.
    """
    lengths = [length_of("cosine", sample, unit) for sample in samples]
    scores = []
    verdicts = math_verdicts(
        *([sample.text for sample in samples], gold, gold_format, options),
        prompts=[sample.prompt for sample in samples],
        prefilled=prefilled,
    )
    for verdict, length in zip(verdicts, lengths, strict=True):
        if verdict.correct is None:
            scores.append(Score.of(verdict))
            continue
        ends = (min_value_correct, max_value_correct) if verdict.correct else (max_value_wrong, min_value_wrong)
        reason = f"{_right(verdict.correct)} in {length} of {max_len} {unit}"
        scores.append(Score(_scaled(ends, min(length / max_len, 1.0)), reason, verdict))
    return scores


@cosine.check
def _bounds(min_value_wrong: float, max_value_wrong: float, min_value_correct: float, max_value_correct: float) -> None:
    _check("wrong", min_value_wrong, max_value_wrong)
    _check("correct", min_value_correct, max_value_correct)


cosine.check(check_options)


@cosine.compat("open-r1")
def _open_r1(
    samples: Sequence[Sample],
    gold: Sequence[Any],
    *,
    min_value_wrong: float = -1.0,
    max_value_wrong: float = -0.5,
    min_value_correct: float = 0.5,
    max_value_correct: float = 1.0,
    max_len: int = 1000,
) -> list[Score]:
    """open-r1 ``get_cosine_scaled_reward``: characters, not clamped, an unreadable gold earns 1.

    The defaults are the factory's; its training script passes ``min_value_wrong`` 0.0.
    """
    texts = [first_message(sample) for sample in samples]
    scores = []
    for text, grade in zip(texts, grades("open-r1/shaping", texts, gold), strict=True):
        if grade.cause is Cause.INVALID_GOLD:
            scores.append(Score(1.0, f"{grade.reason}, which the peer pays in full"))
            continue
        if grade.cause is not None:
            scores.append(Score.none(grade.reason, grade.cause))
            continue
        ends = (min_value_correct, max_value_correct) if grade.correct else (max_value_wrong, min_value_wrong)
        reason = f"{_right(grade.correct)} in {len(text)} of {max_len} characters"
        scores.append(Score(_scaled(ends, len(text) / max_len), reason))
    return scores


@cosine.compat("trl")
def _trl(
    samples: Sequence[Sample],
    gold: Sequence[Any],
    *,
    max_len: int,
    min_value_wrong: float = -1.0,
    max_value_wrong: float = -0.5,
    min_value_correct: float = 0.5,
    max_value_correct: float = 1.0,
) -> list[Score]:
    """TRL ``get_cosine_scaled_reward``: tokens, clamped, correctness as in its ``accuracy_reward``."""
    lengths = [len(token_ids("cosine", sample, "leave compat out and set unit: characters")) for sample in samples]
    scores = []
    for grade, length in zip(grades("trl/accuracy", [first_message(s) for s in samples], gold), lengths, strict=True):
        if grade.cause is not None:
            scores.append(Score.none(grade.reason, grade.cause))
            continue
        ends = (min_value_correct, max_value_correct) if grade.correct else (max_value_wrong, min_value_wrong)
        reason = f"{_right(grade.correct)} in {length} of {max_len} tokens"
        scores.append(Score(_scaled(ends, min(length / max_len, 1.0)), reason))
    return scores


def _scaled(ends: tuple[float, float], progress: float) -> float:
    """From the second end at progress 0 to the first at 1; the peers' order of operations, to the last bit."""
    low, high = ends
    return low + 0.5 * (high - low) * (1.0 + math.cos(progress * math.pi))


def _check(name: str, low: float, high: float) -> None:
    if low > high:
        raise ParameterError(
            f"reward 'cosine': min_value_{name} ({low}) is above max_value_{name} ({high}); "
            "the shaping would be turned round. Exchange them."
        )


def _right(correct: bool | None) -> str:
    return "right" if correct else "wrong"
