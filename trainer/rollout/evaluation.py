"""Accuracy and every other reward on held-out prompts, sampled with their own random generator: training is unmoved."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from veritune.plugins import Score, Text
from veritune.trainer.config import PolicyRunConfig, SamplingConfig
from veritune.trainer.config.evaluation import settings_of
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import FileSource, Row, Source
from veritune.trainer.observe.metrics import Clock
from veritune.trainer.policy.models import Policy
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.rollout.scoring import completion_records, part_value, score_metrics, speculative_metrics

THOUGHT = re.compile(r"<think>(.*?)</think>", re.DOTALL)
SEED = 20_251_123


@dataclass
class Evaluator:
    """Draws and scores the same held-out prompts each time; ``records`` are the last completions."""

    config: PolicyRunConfig
    policy: Policy
    drawing: Drawing
    source: Source
    encode: Callable[[Text], list[int]]
    name: str = ""
    """Of several sets."""

    def run(self, step: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
        """Metrics, and the completions with their scores."""
        config = settings_of(self.config.evaluation, self.name)
        count = config.prompts
        if isinstance(self.source, FileSource):
            count = min(count, len(self.source.rows))
        rows, prompts = self._prompts(count)
        sampling = evaluation_sampling(self.config, self.name)
        device = self.drawing.device or self.policy.device
        generator = torch.Generator(device).manual_seed(SEED + self.drawing.world.rank)
        drawn = self.drawing.draw(rows, prompts, config.samples, sampling, generator, step, Clock(), evaluation=True)
        rollouts, samples, scores = drawn.rollouts, drawn.samples, drawn.scores
        aliases = self.drawing.rewards.aliases
        records = completion_records(rollouts, samples, scores, aliases, None, phase="evaluation", step=step)
        metrics = {**drawn.logged, **score_metrics(scores, aliases), **speculative_metrics(rollouts)}
        metrics |= _shape([s.text for s in samples], rollouts)
        if config.metric in aliases:
            metrics["accuracy"] = metrics[f"reward/{config.metric}"]
            metrics.update(pass_at_k(scores, config.metric, config.samples))
        return metrics, records

    def _prompts(self, count: int) -> tuple[list[Row], list[list[int]]]:
        """The first ``count`` rows whose prompts are not too long, as in training."""
        limit = self.config.data.max_prompt_tokens or math.inf
        last = len(self.source.rows) if isinstance(self.source, FileSource) else 100 * count
        rows: list[Row] = []
        prompts: list[list[int]] = []
        for position in range(last):
            row = self.source.row(position)
            ids = self.encode(row.prompt)
            if len(ids) <= limit:
                rows.append(row)
                prompts.append(ids)
            if len(rows) == count:
                break
        return rows, prompts


def evaluation_sampling(config: PolicyRunConfig, name: str = "") -> SamplingConfig:
    """How held-out completions are drawn. Greedy is the one most likely token, at the temperature of training."""
    names = ("temperature", "top_p", "top_k", "min_p", "max_tokens")
    settings = settings_of(config.evaluation, name)
    given = {each: value for each in names if (value := getattr(settings, each)) is not None}
    if given.get("temperature") == 0:
        given |= {"temperature": config.sampling.temperature, "top_k": 1, "top_p": 1.0, "min_p": 0.0}
    return config.sampling.model_copy(update=given)


def pass_at_k(scores: Sequence[Score], alias: str, samples: int) -> dict[str, float]:
    """The unbiased estimate 1 − C(n−c, k)/C(n, k) (2107.03374), mean over prompts; k = 2, 4, … up to n.

    A sample counts as passed where the reward is above 0; undecided samples are left out of n.
    """
    values = [part_value(s, alias) for s in scores]
    groups = [[v for v in values[i : i + samples] if not math.isnan(v)] for i in range(0, len(values), samples)]
    found: dict[str, float] = {}
    for k in ks(samples):
        rates = [_pass(len(g), sum(v > 0 for v in g), k) for g in groups if len(g) >= k]
        if rates:
            found[f"pass@{k}"] = sum(rates) / len(rates)
    return found


def ks(samples: int) -> list[int]:
    """The numbers of tries of pass@k."""
    return sorted({2**e for e in range(1, 20) if 2**e < samples} | ({samples} if samples > 1 else set()))


def thinks(text: str) -> bool:
    """Whether there is a thought: something other than white space between the tags."""
    match = THOUGHT.search(text)
    return bool(match and match[1].strip())


def _pass(n: int, c: int, k: int) -> float:
    return 1.0 if n - c < k else 1.0 - math.comb(n - c, k) / math.comb(n, k)


def _shape(texts: Sequence[str], rollouts: Sequence[Rollout]) -> dict[str, float]:
    count = len(rollouts)
    return {
        "thinks": sum(map(thinks, texts)) / count,
        "length": sum(len(r.token_ids) for r in rollouts) / count,
        "truncated": sum(r.truncated for r in rollouts) / count,
    }
