"""Whether an engine computes what the policy computes: a few completions of its own, by both log-probs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.rollout.decode.rescore import rescore

PROBE = SamplingConfig(temperature=2.0, max_tokens=4)
"""Drawn once to compare log-probs: at temperature 2, raw and processed ones are told apart."""
PROBE_SAMPLES = 16
TOLERANCE = 0.5
"""Mean difference of log-probs, in nats, that bfloat16 does not explain."""
EXACT_TOLERANCE = 0.02
"""The same for float32."""


def probe_prompt(tokenizer: Any, eos_ids: Sequence[int]) -> list[int]:
    """A short prompt that every tokenizer has."""
    return list(tokenizer("1 + 1 =", add_special_tokens=False)["input_ids"] or eos_ids[:1])


def flat(rollouts: Sequence[Rollout]) -> torch.Tensor:
    """Every log-prob of some completions."""
    return torch.tensor([value for rollout in rollouts for value in rollout.logprobs])


def gap(
    model: Any,
    rollouts: Sequence[Rollout],
    theirs: torch.Tensor,
    temperature: float,
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> float:
    """The mean distance of an engine's log-probs ``theirs`` from the policy's, which the rollouts have afterwards."""
    rescore(model, rollouts, temperature, autocast)
    return float((theirs - flat(rollouts)).abs().mean())
