"""Which sampler a run uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from veritune.trainer.config import SamplingConfig
from veritune.trainer.decode.sampler import StaticSampler
from veritune.trainer.decode.weights import bare, unsupported
from veritune.trainer.models import Policy
from veritune.trainer.rollout import Sampler, TransformersSampler


def make_sampler(policy: Policy, sampling: SamplingConfig, say: Callable[[str], Any] = print) -> Sampler:
    """The sampler that ``sampling.engine`` names; ``say`` is told where ``auto`` has to take the slower one.

    Raises ConfigError where ``static`` cannot run the model, MissingExtraError where vLLM is not installed.
    """
    if sampling.engine == "vllm":
        from veritune.trainer.decode.vllm import VLLMSampler

        return VLLMSampler(policy.model, policy.tokenizer, policy.eos_ids)
    reason = unsupported(policy.model) if sampling.engine == "auto" else None
    if sampling.engine == "transformers" or reason:
        if reason:
            say(f"completions are drawn by transformers, which is slower: {reason}")
        return TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids, policy.autocast)
    return StaticSampler(policy.model, policy.tokenizer, policy.eos_ids, _dtype(policy))


def _dtype(policy: Policy) -> torch.dtype:
    """The dtype that products of the policy run in."""
    kind = policy.device.type
    with policy.autocast():
        if torch.is_autocast_enabled(kind):
            return torch.get_autocast_dtype(kind)
    own: torch.dtype = bare(policy.model).get_output_embeddings().weight.dtype
    return own
