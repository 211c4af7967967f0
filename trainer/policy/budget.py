"""``micro_batch_tokens: auto``: as many tokens a forward pass as keep the device busy and leave room on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from veritune.trainer.policy.decoder import decoder_layers
from veritune.trainer.policy.fused import runs_blocks
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.sharding import bare

ON_A_CPU = 6144
MOST = 8832
"""Beyond so many tokens a GPU is busy already; and so many logits in bfloat16 (2.7 GB of a vocabulary of 152,000) are
the most that the language head keeps for its backward."""
APART = 3
"""How many times as much transformers' layers keep, with adapters or in FP8."""
LEAST = 512
SHARE = 0.6
"""Of the room that is left, what activations may take."""
SAMPLER = 0.1
"""The share of a device's memory that a cache may keep between draws (:mod:`...rollout.decode.sampler`)."""


def micro_batch_tokens(policy: Policy, models: Sequence[Any]) -> int:
    """From sizes alone, not from what happens to be free: a resumed run cuts its batches as the first one did."""
    if policy.device.type != "cuda":
        return ON_A_CPU
    total = int(torch.cuda.get_device_properties(policy.device).total_memory)
    return tokens_that_fit(total, held_bytes(models), kept_bytes(policy.model))


def tokens_that_fit(total: int, held: int, a_token: int) -> int:
    room = SHARE * (total * (1 - SAMPLER) - held)
    return max(LEAST, min(MOST, int(room / a_token) // 256 * 256))


def held_bytes(models: Sequence[Any]) -> int:
    """Weights of all models; of what is trained gradients and two float32 moments, and of bfloat16 weights what they
    lack of float32; the sampler's copy in bfloat16, where the weights are not that themselves."""
    sizes: dict[int, int] = {}
    for number, model in enumerate(models):
        for p in model.parameters():
            half, size = p.element_size() <= 2, p.element_size()
            copied = 2 * (number == 0 and not half)
            sizes[id(p)] = p.numel() * (size + copied + (size + 8 + 2 * half) * p.requires_grad)
    return sum(sizes.values())


def kept_bytes(model: Any) -> int:
    """What a token leaves behind for the backward, about: of every layer, and of the language head."""
    base = bare(model)
    config = base.config.get_text_config() if hasattr(base.config, "get_text_config") else base.config
    hidden, layers = config.hidden_size, config.num_hidden_layers
    inner = getattr(config, "intermediate_size", None) or 4 * hidden
    layer = 2 * (10 * hidden + 2 * inner) * (1 if runs_blocks(base.get_decoder()) else APART)
    checkpointed = any(getattr(module, "gradient_checkpointing", False) for module in decoder_layers(base))
    kept = layers * 4 * hidden + layer if checkpointed else layers * layer
    return int(kept + 2 * config.vocab_size + 12 * inner)
