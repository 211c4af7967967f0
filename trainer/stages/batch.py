"""The prompts and completions of one step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from veritune.plugins import DataError, Sample, Score, Text
from veritune.trainer.config import PolicyRunConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Row, Source
from veritune.trainer.policy.models import positions_of
from veritune.trainer.rollout.scoring import completion_records


@dataclass
class Batch:
    """The groups of one step, flattened: group p's samples are rows p·G … p·G + G − 1."""

    rows: list[Row] = field(default_factory=list)
    rollouts: list[Rollout] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    rewards_PG: Tensor = field(default_factory=lambda: torch.zeros(0))
    advantages_PG: Tensor = field(default_factory=lambda: torch.zeros(0))
    drawn: int = 0
    """Groups drawn, more than kept with dynamic sampling."""
    logged: dict[str, float] = field(default_factory=dict)
    """What rewards logged while scoring."""
    position: int = 0
    """The place in the data behind it."""

    def take(self, other: Batch, groups: Sequence[int], samples: int) -> None:
        """Append some groups of another batch."""
        for group in groups:
            span = slice(group * samples, (group + 1) * samples)
            for rollout in other.rollouts[span]:
                rollout.prompt_index = len(self.rows)
            self.rows.append(other.rows[group])
            self.rollouts += other.rollouts[span]
            self.samples += other.samples[span]
            self.scores += other.scores[span]

    def add_logged(self, other: Batch) -> None:
        """Count a further round of drawing: means over both, by their numbers of groups."""
        one, two = self.logged, other.logged
        both = {
            name: (one[name] * self.drawn + two[name] * other.drawn) / (self.drawn + other.drawn)
            for name in one.keys() & two.keys()
        }
        self.logged = {**one, **two, **both}
        self.drawn += other.drawn

    def records(self, aliases: Sequence[str], phase: str, step: int) -> list[dict[str, Any]]:
        """What the Parquet file keeps of it."""
        found = [None if a != a else a for a in self.advantages_PG.flatten().tolist()]
        return completion_records(self.rollouts, self.samples, self.scores, aliases, found, phase=phase, step=step)


def next_prompts(
    source: Source, encode: Callable[[Text], list[int]], position: int, count: int, limit: float
) -> tuple[list[Row], list[list[int]], int]:
    """The next rows from ``position`` on whose prompts have at most ``limit`` tokens, and the position behind them."""
    rows: list[Row] = []
    prompts: list[list[int]] = []
    for _ in range(100 * count):
        row = source.row(position)
        position += 1
        ids = encode(row.prompt)
        if len(ids) <= limit:
            rows.append(row)
            prompts.append(ids)
        if len(rows) == count:
            return rows, prompts, position
    raise DataError(f"almost every prompt is longer than {limit} tokens (data.max_prompt_tokens)")


def prompt_limit(config: PolicyRunConfig, model: Any) -> float:
    """The most tokens of a prompt: what the config says, and what leaves room for a completion."""
    limit = config.data.max_prompt_tokens or math.inf
    positions = positions_of(model)
    return limit if positions is None else min(limit, positions - config.sampling.max_tokens)
