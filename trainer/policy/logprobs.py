"""Hidden states → log-probs of the sampled tokens (and entropies). The seam where fused kernels plug in.

The language head runs on completion positions only, the softmax in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from veritune.kernels.linear.op import spread_rows, take_rows
from veritune.plugins import ConfigError
from veritune.trainer.data.packing import TokenBatch
from veritune.trainer.policy.attention import Segments
from veritune.trainer.policy.experts.routing import routed

TOKEN_LOGPROBS = "veritune_token_logprobs"
"""The name of :func:`token_logprobs` as a method of sharded models."""
LAST_STATES = "veritune_last_states"
"""The name of :func:`last_states` likewise."""
USE_LOGITS = "veritune_use_logits"
"""Set on a model whose logits are not its head times its last states: log-probs are then taken from the logits."""
LARGE = 2**26
"""So many logits (0.25 GB in float32) are not made at once."""

EntropyMode = Literal["none", "metric", "gradient"]


class Head(Protocol):
    """(tokens N, hidden H) and targets (N,) → log-probs (N,) and, on request, entropies (N,); both float32."""

    def __call__(
        self, head: torch.nn.Module, hidden_NH: Tensor, targets_N: Tensor, temperature: float, entropy: EntropyMode
    ) -> tuple[Tensor, Tensor | None]: ...


def reference_head(
    head: torch.nn.Module, hidden_NH: Tensor, targets_N: Tensor, temperature: float, entropy: EntropyMode
) -> tuple[Tensor, Tensor | None]:
    """The plain PyTorch head."""
    return from_logits(head(hidden_NH), targets_N, temperature, entropy)


def fused_head(
    head: torch.nn.Module, hidden_NH: Tensor, targets_N: Tensor, temperature: float, entropy: EntropyMode
) -> tuple[Tensor, Tensor | None]:
    """:func:`veritune.kernels.linear_logprob`: the logits of all tokens never exist at once."""
    from veritune.kernels import linear_logprob

    weight, bias = getattr(head, "weight", None), getattr(head, "bias", None)
    if not isinstance(weight, Tensor):
        raise ConfigError(f"grpo.head: fused needs a linear head, this model has {type(head).__name__}; use reference")
    logps_N, entropy_N = linear_logprob(
        hidden_NH,
        weight,
        targets_N,
        temperature=temperature,
        bias=bias,
        want_entropy=entropy != "none",
    )
    if entropy_N is not None and entropy == "metric":
        entropy_N = entropy_N.detach()
    return logps_N, entropy_N


def auto_head(
    head: torch.nn.Module, hidden_NH: Tensor, targets_N: Tensor, temperature: float, entropy: EntropyMode
) -> tuple[Tensor, Tensor | None]:
    """Fused on a GPU, and wherever the logits would be large; plain where they are small or the head is no matrix."""
    weight = getattr(head, "weight", None)
    if type(head) is not torch.nn.Linear or weight is None:
        return reference_head(head, hidden_NH, targets_N, temperature, entropy)
    large = hidden_NH.shape[0] * weight.shape[0] > LARGE
    chosen = fused_head if large or hidden_NH.is_cuda else reference_head
    return chosen(head, hidden_NH, targets_N, temperature, entropy)


HEADS: dict[str, Head] = {"auto": auto_head, "fused": fused_head, "reference": reference_head}


def from_logits(
    logits_NV: Tensor, targets_N: Tensor, temperature: float, entropy: EntropyMode
) -> tuple[Tensor, Tensor | None]:
    """log softmax(logits / temperature) at the targets, and H = −Σ p log p."""
    logps_NV = torch.log_softmax(logits_NV.float() / temperature, -1)
    chosen_N = logps_NV.gather(1, targets_N[:, None])[:, 0]
    if entropy == "none":
        return chosen_N, None
    with torch.set_grad_enabled(entropy == "gradient" and torch.is_grad_enabled()):
        source_NV = logps_NV if entropy == "gradient" else logps_NV.detach()
        entropy_N = -(source_NV.exp() * source_NV).sum(-1)
    return chosen_N, entropy_N


def completion_logprobs(
    model: Any,
    batch: TokenBatch,
    temperature: float = 1.0,
    entropy: EntropyMode = "none",
    head: Head = auto_head,
) -> tuple[Tensor, Tensor | None]:
    """(R, T) log-probs of the completion tokens, 0 beyond each row's length, and entropies likewise."""
    model, inputs = inner_and_inputs(model, batch)
    method = getattr(model, TOKEN_LOGPROBS, None) if plain_head(model) else None
    run = method or partial(token_logprobs, model)
    before_N, targets_N = batch.indexed()
    with routed(model, batch):
        logps_N, entropy_N = run(inputs, before_N, targets_N, temperature, entropy, head)
    return _spread(logps_N, batch), None if entropy_N is None else _spread(entropy_N, batch)


def token_logprobs(
    model: Any,
    inputs: Mapping[str, Any],
    before_N: Tensor,
    targets_N: Tensor,
    temperature: float,
    entropy: EntropyMode,
    head: Head,
) -> tuple[Tensor, Tensor | None]:
    """(N,) log-probs of targets and entropies, from the states at places ``before_N`` of the packs' tokens.

    A sharded model has this as a method, so that its parameters are gathered as for ``forward``.
    """
    if not plain_head(model):
        return from_logits(model(**inputs).logits.flatten(0, 1)[before_N], targets_N, temperature, entropy)
    states_BLH = model.get_decoder()(**inputs).last_hidden_state
    shared = inputs.get("attention_mask") is not None  # then completions of one prompt may begin at one place
    hidden_NH = states_BLH.flatten(0, 1)[before_N] if shared else take_rows(states_BLH.flatten(0, 1), before_N)
    return head(model.get_output_embeddings(), hidden_NH, targets_N, temperature, entropy)


def last_states(model: Any, inputs: Mapping[str, Any]) -> Tensor:
    """(B, L, hidden) the states that the head would be given.

    A sharded model has this as a method, so that its parameters are gathered as for ``forward``; its head is then whole
    until the backward.
    """
    states_BLH: Tensor = model.get_decoder()(**inputs).last_hidden_state
    return states_BLH


def completion_states(model: Any, batch: TokenBatch) -> Tensor:
    """(N, hidden) the last states that predict the completion tokens."""
    inner, inputs = inner_and_inputs(model, batch)
    own = getattr(inner, LAST_STATES, None)
    before_N, _ = batch.indexed()
    with routed(inner, batch):
        states_BLH: Tensor = last_states(inner, inputs) if own is None else own(inputs)
    return states_BLH.flatten(0, 1)[before_N]


def completion_logits(model: Any, batch: TokenBatch) -> Tensor:
    """(N, vocabulary) the model's own logits at the same places."""
    inner, inputs = inner_and_inputs(model, batch)
    with routed(inner, batch):
        logits_BLV: Tensor = inner(**inputs).logits
    return logits_BLV[batch.pack_N, batch.before_RT[batch.mask_RT]]


def inner_and_inputs(model: Any, batch: TokenBatch) -> tuple[Any, dict[str, Any]]:
    """The model within peft's wrapper (the adapters are inside), and what it is given."""
    inputs: dict[str, Any] = {"input_ids": batch.ids_BL, "use_cache": False}
    if batch.bounds_S is not None:
        inputs |= {"segments": Segments(batch.bounds_S, batch.sequences), "position_ids": batch.positions_BL}
    elif batch.attention_B1LL is not None:
        inputs |= {"attention_mask": batch.attention_B1LL, "position_ids": batch.positions_BL}
    return (model.get_base_model() if hasattr(model, "get_base_model") else model), inputs


def plain_head(model: Any) -> bool:
    """Whether logits are head(hidden) and nothing else: no soft-capping, no scaling."""
    if getattr(model, USE_LOGITS, False):
        return False
    if not all(hasattr(model, name) for name in ("get_decoder", "get_output_embeddings", "config")):
        return False
    scalers = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
    return all(getattr(model.config, name, None) in (None, 1, 1.0) for name in scalers)


def scatter(values_N: Tensor, mask_BT: Tensor) -> Tensor:
    """Values of the places of a mask, in its shape; 0 elsewhere."""
    out_BT = values_N.new_zeros(mask_BT.shape)
    return out_BT.masked_scatter(mask_BT, values_N)


def _spread(values_N: Tensor, batch: TokenBatch) -> Tensor:
    """(R, T), zeros beyond each row's length."""
    assert batch.place_N is not None
    return spread_rows(values_N, batch.place_N, batch.targets_RT.numel()).view(batch.targets_RT.shape)
