"""One pipeline stage as a module: the decoder's own forward over some of its layers, and the head's log-probs at the
end."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from veritune.plugins import ConfigError
from veritune.trainer.policy.experts.routing import routing_of
from veritune.trainer.policy.logprobs import Head, plain_head
from veritune.trainer.policy.sharding import bare

FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "qwen3_moe", "deepseek_v3", "glm4_moe")
"""Architectures whose decoder does nothing to its states before the first layer and after the last but its norm."""


def refuse(model: Any) -> str | None:
    """Why a model cannot be cut into stages; None where it can."""
    kind = getattr(getattr(model, "config", None), "model_type", type(model).__name__)
    if bare(model) is not model:
        return "it has an adapter (model.lora): a pipeline trains whole weights"
    if kind not in FAMILIES:
        return f"the architecture {kind} is not one of {', '.join(FAMILIES)}"
    layers = getattr(model.config, "layer_types", None) or []
    windowed = kind == "mistral" and getattr(model.config, "sliding_window", None)
    if windowed or any(layer != "full_attention" for layer in layers):
        return "it has layers of windowed attention"
    if not plain_head(model):
        return "its logits are more than a head times its last states"
    return None


def check(model: Any) -> None:
    """Raise ConfigError with what :func:`refuse` says."""
    reason = refuse(model)
    if reason is not None:
        raise ConfigError(f"distributed.pipeline: this model cannot be cut into stages: {reason}; use strategy: fsdp2")


class StageModule(nn.Module):
    """Token ids (rows, L), or the states (rows, L, hidden) of the stage before → states, or at the end log-probs.

    Attention and positions are those of :class:`veritune.trainer.data.packing.TokenBatch`; ``targets`` and ``weights``
    (rows, L) belong to the token that *predicts*: the last stage returns weight · log π(target), 0 where that is 0.
    ``valid``: True on tokens that are no padding, which experts count.
    """

    def __init__(
        self,
        model: Any,
        layers: range,
        first: bool,
        last: bool,
        head: Head,
        autocast: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        super().__init__()
        decoder = model.get_decoder()
        shell = copy.copy(decoder)
        shell.__dict__.pop("forward", None)  # fuse_layers' own, which is bound to the whole decoder
        # a copy of the table alone: the modules are the model's own
        shell._modules = {**decoder._modules, "layers": nn.ModuleList(decoder.layers[i] for i in layers)}
        if not first:
            shell._modules["embed_tokens"] = nn.Identity()
        if not last:
            shell._modules["norm"] = nn.Identity()
        self.shell, self.first, self.last = shell, first, last
        self.output = model.get_output_embeddings() if last else None
        self.head, self.autocast, self.routing = head, autocast, routing_of(model)

    def forward(
        self,
        x: Tensor,
        targets: Tensor,
        weights: Tensor,
        valid: Tensor,
        positions: Tensor | None = None,
        attention: Tensor | None = None,
    ) -> Tensor:
        if self.routing is not None and torch.is_grad_enabled():
            self.routing.over_rows(valid)
        given = {"input_ids": x} if self.first else {"inputs_embeds": x}
        with self.autocast():
            states_RLH: Tensor = self.shell(
                **given, attention_mask=attention, position_ids=positions, use_cache=False
            ).last_hidden_state
            if not self.last:
                return states_RLH
            assert self.output is not None
            where_RL = weights != 0
            logps_N, _ = self.head(self.output, states_RLH[where_RL], targets[where_RL], 1.0, "none")
        weighted = logps_N * weights[where_RL]
        return torch.zeros_like(weights).masked_scatter(where_RL, weighted)
