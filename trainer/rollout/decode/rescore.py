"""Log-probs of the whole distribution, for engines that say those of the truncated one they drew from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from veritune.plugins import ConfigError
from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.batching import micro_batches
from veritune.trainer.data.packing import make_batch
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.sharding import bare, is_sharded

TOKENS = 16_384
"""Padded tokens of one forward pass."""


def truncated(sampling: SamplingConfig) -> bool:
    """Whether tokens are drawn from less than the whole distribution."""
    return sampling.top_k > 0 or sampling.top_p < 1 or sampling.min_p > 0


def check_rescore(model: Any, sampling: SamplingConfig) -> None:
    """Raises ConfigError where log-probs would be needed of a sharded model: its passes need every process."""
    if truncated(sampling) and is_sharded(model):
        raise ConfigError(
            f"sampling.engine: {sampling.engine} with top_k, top_p or min_p takes one more forward pass for the "
            "log-probs, which one process of a sharded model cannot do alone; leave them out, or use engine: static"
        )


@torch.no_grad()
def rescore(
    model: Any,
    rollouts: Sequence[Rollout],
    temperature: float,
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> None:
    """Replace ``logprobs`` by log softmax(logits / temperature) of the model: one forward pass over all completions."""
    device = bare(model).device
    lengths = [len(r.prompt_ids) + len(r.token_ids) for r in rollouts]
    was_training = model.training
    model.eval()
    try:
        for rows in micro_batches(range(len(rollouts)), lengths, TOKENS):
            chosen = [rollouts[row] for row in rows]
            batch = make_batch([r.prompt_ids for r in chosen], [r.token_ids for r in chosen], device)
            with autocast():
                logps_RT, _ = completion_logprobs(model, batch, temperature)
            for rollout, logps_T in zip(chosen, logps_RT.float().tolist(), strict=True):
                rollout.logprobs = logps_T[: len(rollout.token_ids)]
    finally:
        model.train(was_training)
