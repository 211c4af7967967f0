"""Rollouts → scores → tensors for the objective."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from veritune.plugins import Cause, RewardError, Sample, Score, Text
from veritune.plugins.places import place_written
from veritune.plugins.types import message_text
from veritune.rewards.appeal.estimate import as_metrics, tally
from veritune.rewards.appeal.logged import opinion_columns, scoring_inputs
from veritune.rewards.composition import RewardSet
from veritune.rewards.composition.component import Component
from veritune.trainer.data.prompts import own_words
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Row

LARGEST = 1e15
"""Beyond it a reward is a mistake: float32, in which advantages are computed, cannot hold the squares of a batch."""
MOST_GUILTY = 16
"""Samples saved where none of them is the guilty one alone."""


def make_samples(rollouts: Sequence[Rollout], rows: Sequence[Row], begun: Callable[[Text], str]) -> list[Sample]:
    """What rewards see of rollouts and their rows. What the prompt has ``begun`` of the policy's turn (a prefill, a
    reasoning tag that the template opens, words to be continued) is part of the completion for them."""
    return [
        Sample(_completion(rollout, begun(row.prompt)), _heard(row.prompt), rollout.token_ids, row.columns)
        for rollout, row in zip(rollouts, rows, strict=True)
    ]


def _heard(prompt: Text) -> Text:
    """The prompt without words of the assistant's that are continued: they stand in the completion."""
    return list(prompt)[:-1] if not isinstance(prompt, str) and own_words(prompt) else prompt


def _completion(rollout: Rollout, begun: str) -> Text:
    """One text, or messages where the environment answered with messages."""
    if rollout.messages is None:
        return begun + rollout.text
    first, *rest = rollout.messages  # the first is always the policy's
    return [{**first, "content": begun + first["content"]}, *rest]


def score(
    rewards: RewardSet,
    samples: Sequence[Sample],
    folder: Path,
    step: int,
    evaluation: bool = False,
    log_metric: Callable[[str, float], None] | None = None,
    wanted: Callable[[], bool] = lambda: True,
) -> list[Score]:
    """Scores of a batch. A reward that raises stops the run, with the sample saved as ``failed_sample.json``.

    ``wanted``: whether anybody still waits for the scores; where nobody does, a failure leaves no file.
    """
    injected = {} if log_metric is None else {"log_metric": log_metric}
    try:
        return check_sizes(rewards.score_batch(samples, step=step, evaluation=evaluation, **injected), rewards, samples)
    except RewardError as error:
        if not wanted():
            raise
        guilty = [error.sample] if error.sample is not None else find_guilty(rewards, error.reward, samples)
        record = {
            "reward": error.reward,
            "message": error.message,
            "place": error.place,
            "traceback": error.trace.splitlines(),
            "step": step,
            "samples": [_plain(sample) for sample in guilty[:MOST_GUILTY]],
        }
        if len(guilty) > 1:
            record["note"] = f"it raised on {len(guilty)} samples together, and on none of them alone"
        path = folder / "failed_sample.json"
        text = json.dumps(record, ensure_ascii=False, indent=2, default=str) + "\n"
        hint = ""
        if "signal" in error.message and threading.current_thread() is not threading.main_thread():
            hint = "\n  it needs the main thread: set scoring.overlap=false"
        try:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
            error.args = (f"{error}\n  saved: {path}{hint}",)
        except OSError as full:
            error.args = (f"{error}\n  {path} could not be written: {full.strerror}{hint}",)
        raise


def check_sizes(scores: list[Score], rewards: RewardSet, samples: Sequence[Sample]) -> list[Score]:
    """The scores. Raises RewardError for a number beyond :data:`LARGEST`, which no mean and no advantage would survive
    as one."""
    for found, sample in zip(scores, samples, strict=True):
        for alias, part in {**found.parts, "reward": found}.items():
            if part.value is not None and abs(part.value) > LARGEST:
                place = place_written(rewards.component(alias).reward.function) if alias in found.parts else ""
                said = f"returned {part.value:g}: a reward to train on is at most {LARGEST:g} in size"
                raise RewardError(alias, said, sample, place)
    return scores


def find_guilty(rewards: RewardSet, alias: str, samples: Sequence[Sample]) -> list[Sample]:
    """Of samples on which a batch reward raised, the one that it raises on alone, by halving; where it raises on the
    whole only, the whole."""
    try:
        component = rewards.component(alias)
    except KeyError:
        return list(samples)
    guilty = [sample for sample in samples if component.mismatch(sample) is None]
    while len(guilty) > 1:
        middle = len(guilty) // 2
        halves = (guilty[:middle], guilty[middle:])
        half = next((part for part in halves if _raises(component, part)), None)
        if half is None:
            break
        guilty = half
    return guilty or list(samples)


def _raises(component: Component, samples: Sequence[Sample]) -> bool:
    try:
        component.score_batch(samples)
    except RewardError:
        return True
    return False


def _plain(sample: Sample) -> dict[str, Any]:
    return {"prompt": sample.prompt, "completion": sample.completion, "columns": dict(sample.columns)}


def reward_tensor(scores: Sequence[Score], samples: int) -> Tensor:
    """(groups, samples); NaN where undecided or not applicable."""
    values = [float("nan") if s.value is None else s.value for s in scores]
    return torch.tensor(values).view(-1, samples)


def component_tensors(scores: Sequence[Score], samples: int, weights: Mapping[str, float]) -> tuple[Tensor, Tensor]:
    """(components, groups, samples) of the counted components, NaN where there is no number; and their weights."""
    counted = [alias for alias, weight in weights.items() if weight != 0]
    rows = [[part_value(s, alias) for s in scores] for alias in counted]
    return torch.tensor(rows).view(len(counted), -1, samples), torch.tensor([weights[a] for a in counted])


def part_value(score: Score, alias: str) -> float:
    part = score.parts.get(alias)
    return float("nan") if part is None or part.value is None else float(part.value)


def score_metrics(scores: Sequence[Score], aliases: Sequence[str]) -> dict[str, float]:
    """Mean and deviation of the reward, the mean of every component, the share of every undecided cause, and what
    second opinions say."""
    values = torch.tensor([s.value for s in scores if s.value is not None])
    metrics = {"reward": _mean(values), "reward_std": float(values.std()) if len(values) > 1 else 0.0}
    for alias in aliases:
        found = torch.tensor([part_value(s, alias) for s in scores])
        metrics[f"reward/{alias}"] = _mean(found[~found.isnan()])
    causes = Counter(s.cause for s in scores if s.value is None)
    metrics["undecided"] = sum(causes.values()) / len(scores)
    for cause in Cause:
        if causes[cause]:
            metrics[f"undecided/{cause}"] = causes[cause] / len(scores)
    for alias in aliases:
        parts = Counter(s.parts[alias].cause for s in scores if alias in s.parts)
        for cause in Cause:
            if cause is not Cause.NOT_APPLICABLE and parts[cause]:
                metrics[f"undecided/{alias}/{cause}"] = parts[cause] / len(scores)
    for alias in aliases:
        appeals = tally(s.parts.get(alias) for s in scores)
        if appeals is not None:
            metrics |= as_metrics(alias, appeals)
    return metrics


def batch_metrics(
    rollouts: Sequence[Rollout], scores: Sequence[Score], signal_P: Tensor, aliases: Sequence[str]
) -> dict[str, float]:
    """:func:`score_metrics`, with lengths and the shares of truncated completions and of groups without signal; where
    an environment has the word too, also turns of the policy."""
    lengths = torch.tensor([float(len(r.token_ids)) for r in rollouts])
    episodes = any(r.written is not None for r in rollouts)
    return {
        **score_metrics(scores, aliases),
        **speculative_metrics(rollouts),
        **({"turns": sum(r.turns for r in rollouts) / len(rollouts)} if episodes else {}),
        "length": float(lengths.mean()),
        "length_max": float(lengths.max()),
        "truncated": sum(r.truncated for r in rollouts) / len(rollouts),
        "groups_without_signal": 1 - float(signal_P.float().mean()),
    }


def speculative_metrics(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Of completions drawn by speculative decoding: tokens a forward pass, and the share of drafts accepted where there
    was a draft (a prompt of one token has none for its first)."""
    drawn = [r for r in rollouts if r.forwards is not None]
    if not drawn:
        return {}
    forwards = sum(r.forwards or 0 for r in drawn)
    drafted, tokens = sum(r.drafted for r in drawn), sum(r.tokens_written for r in drawn)
    accepted = {"draft_acceptance": sum(r.accepted for r in drawn) / drafted} if drafted else {}
    return {**accepted, "tokens_per_forward": tokens / max(forwards, 1)}


def completion_records(
    rollouts: Sequence[Rollout],
    samples: Sequence[Sample],
    scores: Sequence[Score],
    aliases: Sequence[str],
    advantages_N: Sequence[float | None] | None,
    **common: Any,
) -> list[dict[str, Any]]:
    """One flat record a completion, with every component's value, cause and reason, for the Parquet file."""
    records = []
    for i, (rollout, sample, found) in enumerate(zip(rollouts, samples, scores, strict=True)):
        record: dict[str, Any] = {
            **common,
            "group": rollout.prompt_index,
            "prompt": sample.prompt_text,
            "completion": _transcript(sample),
            "gold": _gold(sample),
            "tokens": len(rollout.token_ids),
            "turns": rollout.turns,
            "age": rollout.age,
            "finish": rollout.finish,
            "reward": found.value,
            "reason": found.reason,
            "cause": None if found.cause is None else str(found.cause),
            "advantage": None if advantages_N is None else advantages_N[i],
        }
        for alias in aliases:
            part = found.parts.get(alias)
            record[f"reward/{alias}"] = None if part is None else part.value
            record[f"reason/{alias}"] = None if part is None else part.reason
            record[f"cause/{alias}"] = None if part is None or part.cause is None else str(part.cause)
            record |= opinion_columns(alias, part)
        record |= {"inputs": scoring_inputs(sample, rollout.scored_at), "completion_ids": rollout.token_ids}
        records.append(record)
    return records


def _transcript(sample: Sample) -> str:
    """All that was said, where rewards read the last assistant turn alone."""
    if isinstance(sample.completion, str):
        return sample.completion
    return "\n\n".join(f"[{message['role']}]\n{message_text(message)}" for message in sample.completion)


def _gold(sample: Sample) -> str | None:
    from veritune.plugins import GOLD_COLUMNS

    return next((str(sample.columns[name]) for name in GOLD_COLUMNS if name in sample.columns), None)


def _mean(values: Tensor) -> float:
    return float(values.mean()) if len(values) else float("nan")
