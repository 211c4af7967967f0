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
from veritune.plugins.types import message_text
from veritune.rewards.composition import RewardSet
from veritune.trainer.data import Row
from veritune.trainer.rollout import Rollout


def make_samples(rollouts: Sequence[Rollout], rows: Sequence[Row], prefill: str) -> list[Sample]:
    """What rewards see of rollouts and their rows. A prefilled beginning is part of the completion for them."""
    return [
        Sample(_completion(rollout, prefill), row.prompt, rollout.token_ids, row.columns)
        for rollout, row in zip(rollouts, rows, strict=True)
    ]


def _completion(rollout: Rollout, prefill: str) -> Text:
    """One text, or messages where the environment answered with messages."""
    if rollout.messages is None:
        return prefill + rollout.text
    first, *rest = rollout.messages  # the first is always the policy's
    return [{**first, "content": prefill + first["content"]}, *rest]


def score(
    rewards: RewardSet,
    samples: Sequence[Sample],
    folder: Path,
    step: int,
    evaluation: bool = False,
    log_metric: Callable[[str, float], None] | None = None,
) -> list[Score]:
    """Scores of a batch. A reward that raises stops the run, with the sample saved as ``failed_sample.json``."""
    injected = {} if log_metric is None else {"log_metric": log_metric}
    try:
        return rewards.score_batch(samples, step=step, evaluation=evaluation, **injected)
    except RewardError as error:
        guilty = [error.sample] if error.sample is not None else list(samples)
        record = {
            "reward": error.reward,
            "message": error.message,
            "step": step,
            "samples": [{"prompt": s.prompt, "completion": s.completion, "columns": dict(s.columns)} for s in guilty],
        }
        path = folder / "failed_sample.json"
        path.write_text(json.dumps(record, ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8")
        hint = ""
        if "signal" in error.message and threading.current_thread() is not threading.main_thread():
            hint = "\n  it needs the main thread: set scoring.overlap=false"
        error.args = (f"{error}\n  saved: {path}{hint}",)
        raise


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
    """Mean and deviation of the reward, the mean of every component, and the share of every undecided cause."""
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
        **({"turns": sum(r.turns for r in rollouts) / len(rollouts)} if episodes else {}),
        "length": float(lengths.mean()),
        "length_max": float(lengths.max()),
        "truncated": sum(r.truncated for r in rollouts) / len(rollouts),
        "groups_without_signal": 1 - float(signal_P.float().mean()),
    }


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
