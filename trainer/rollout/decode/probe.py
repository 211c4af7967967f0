"""Whether an engine computes what the policy computes: a few completions of its own, by both log-probs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from veritune.plugins import ConfigError
from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.architecture import CLOSE
from veritune.trainer.policy.sharding import bare
from veritune.trainer.rollout.decode.rescore import rescore

PROBE = SamplingConfig(temperature=2.0, max_tokens=4)
"""Drawn once to compare log-probs: at temperature 2, raw and processed ones are told apart."""
PROBE_SAMPLES = 16
TOLERANCE = 0.5
"""Mean difference of log-probs, in nats, that bfloat16 does not explain."""
EXACT_TOLERANCE = 0.02
"""The same for float32."""
APART = "prompts of different lengths are drawn apart: the model does not pass over padding"


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


def check_cache(
    sampler: Any, model: Any, prompt: Sequence[int], autocast: Callable[[], AbstractContextManager[Any]], exact: bool
) -> str | None:
    """Have a sampler of transformers' draw a little: prompts of different lengths together or, where the model does not
    pass over padding, apart (``even``), which is what is returned then.

    Raises ConfigError where neither gives the model's own log-probs: its cache is of another kind.
    """
    name, device = type(bare(model)).__name__, next(model.parameters()).device
    prompts = [list(prompt[-1:]), ([*prompt] * 6)[-6:]]
    for even in (False, True):
        sampler.even = even
        try:
            rollouts = sampler.generate(prompts, 2, PROBE, torch.Generator(device).manual_seed(0))
        except (torch.OutOfMemoryError, ConfigError):
            raise
        except Exception as error:  # whatever a cache that does not fit raises
            words = f"{type(error).__name__}: {error!s:.200}"
            raise ConfigError(f"transformers cannot draw from {name}: {words}") from error
        drawn = flat(rollouts)
        rescore(model, rollouts, PROBE.temperature, autocast)
        far = (drawn - flat(rollouts)).abs()
        off = float(far.max() if exact else far.mean())
        if off <= (CLOSE if exact else TOLERANCE):
            return APART if even else None
    raise ConfigError(
        f"transformers' cache does not go with {name}: what it draws has log-probs {off:.2g} nats off the model's own"
    )
