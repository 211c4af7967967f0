"""Shorter than the other answers to the same prompt?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal

from pydantic import PositiveInt

from veritune.plugins.errors import ConfigError
from veritune.plugins.reward import reward
from veritune.plugins.types import Cause, Sample, Score, Verdict
from veritune.rewards.correctness import GoldFormat, check_options, math_verdicts
from veritune.rewards.measure import Unit, length_of
from veritune.rewards.peer_math import grades
from veritune.rewards.text import Prefilled, first_message


@reward
def length(
    samples: Sequence[Sample],
    gold: Sequence[Any],
    *,
    unit: Unit = "characters",
    group: Literal["prompt", "call"] = "prompt",
    group_size: PositiveInt | None = None,
    gold_format: GoldFormat = "answer",
    prefilled: Prefilled = "auto",
    options: Mapping[str, Any] | None = None,
) -> list[Score]:
    """λ = 0.5 − (L − shortest) / (longest − shortest) within the group; right answers earn λ, wrong ones min(0, λ).

    A group is the contiguous samples with the same prompt (``group: call`` takes the whole call for one). Samples
    whose correctness is undecided have no score and take no part in the comparison. All of one length: 0. A group of
    which fewer than two samples are decided compares nothing and has no score. A group that a caller cuts in two is
    seen as two: pass whole groups, or say the ``group_size`` (completions a prompt) to have a cut group refused and
    equal neighbouring prompts told apart. ``prefilled`` and ``options`` are ``accuracy``'s.

    Raises ConfigError where several samples come without prompts, or a group is not whole.
    Source: Kimi k1.5 (2501.12599), length reward.
    """
    if group == "prompt" and len(samples) > 1 and all(sample.prompt is None for sample in samples):
        raise ConfigError(
            "reward 'length' compares the completions of one prompt, and no prompts are given. "
            "Pass prompts, or set group: call to compare all completions of a call."
        )
    lengths = [length_of("length", sample, unit) for sample in samples]
    verdicts = math_verdicts(
        *([sample.text for sample in samples], gold, gold_format, options),
        prompts=[sample.prompt for sample in samples],
        prefilled=prefilled,
    )
    scores: list[Score] = []
    for here in [range(len(samples))] if group == "call" else _groups(samples, group_size):
        scores += _compared([verdicts[i] for i in here], [lengths[i] for i in here], unit)
    return scores


length.check(check_options)


@length.compat("open-r1")
def _open_r1(samples: Sequence[Sample], gold: Sequence[Any]) -> list[Score]:
    """open-r1 ``len_reward``: characters over the whole call, an unreadable gold counts as right."""
    texts = [first_message(sample) for sample in samples]
    graded = grades("open-r1/shaping", texts, gold)
    shortest, longest = min(map(len, texts)), max(map(len, texts))
    if shortest == longest:
        return [Score(0.0, f"all {len(texts)} completions of the call have {longest} characters")] * len(texts)
    scores = []
    for text, grade in zip(texts, graded, strict=True):
        if grade.cause not in (None, Cause.INVALID_GOLD):
            scores.append(Score.none(grade.reason, grade.cause or Cause.INFRA_ERROR))
            continue
        share = 0.5 - (len(text) - shortest) / (longest - shortest)
        right = grade.correct or grade.cause is Cause.INVALID_GOLD
        value = share if right else min(0.0, share)
        scores.append(Score(value, f"{len(text)} characters between {shortest} and {longest} of the whole call"))
    return scores


for _declared in (length, _open_r1):
    vars(_declared.function)["needs_groups"] = True  # a composition hands them whole prompt groups


def _groups(samples: Sequence[Sample], size: int | None) -> Iterator[range]:
    """Where the contiguous samples of one prompt lie; with a size, in groups of exactly that many."""
    for _, members in groupby(range(len(samples)), key=lambda i: _key(samples[i])):
        first, *rest = members
        end = first + len(rest) + 1
        if size is not None and (end - first) % size:
            raise ConfigError(
                f"reward 'length': {end - first} completions of one prompt came together, and a group has {size}: "
                "it was cut, by a batch or between processes. Score whole groups in one call."
            )
        for start in range(first, end, size or end - first):
            yield range(start, start + (size or end - first))


def _key(sample: Sample) -> Any:
    prompt = sample.prompt
    return prompt if prompt is None or isinstance(prompt, str) else [dict(message) for message in prompt]


def _compared(verdicts: Sequence[Verdict], lengths: Sequence[int], unit: str) -> list[Score]:
    decided = [size for verdict, size in zip(verdicts, lengths, strict=True) if verdict.correct is not None]
    shortest, longest = min(decided, default=0), max(decided, default=0)
    scores = []
    for verdict, size in zip(verdicts, lengths, strict=True):
        if verdict.correct is None:
            scores.append(Score.of(verdict))
        elif len(decided) < 2:
            scores.append(Score(None, "no other decided completion of this prompt to compare with", verdict))
        elif shortest == longest:
            scores.append(Score(0.0, f"all completions of this prompt have {longest} {unit}", verdict))
        else:
            share = 0.5 - (size - shortest) / (longest - shortest)
            right = "right" if verdict.correct else "wrong"
            reason = f"{right}, {size} {unit} between the group's {shortest} and {longest}"
            scores.append(Score(share if verdict.correct else min(0.0, share), reason, verdict))
    return scores
