"""Multi-token prediction as DeepSeek-V3 has it (arXiv 2412.19437, section 2.2, eqs 21-25): modules in series.

Module k reads the state of position i from the one before it (of the first: the model's last state, behind its final
norm) and the token i + k: M_k [RMSNorm(Emb(t_{i+k})); RMSNorm(h_i^{k-1})], in the order of DeepSeek's published
weights. One block of the model's own kind and a norm give h_i^k, from which the model's own head predicts t_{i+k+1}.
Embedding and head are the model's.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from veritune.plugins import ConfigError
from veritune.trainer.config import MTPConfig
from veritune.trainer.data.future import FutureTokens
from veritune.trainer.data.packing import TokenBatch
from veritune.trainer.policy.experts.routing import routed
from veritune.trainer.policy.logprobs import (
    EntropyMode,
    Head,
    auto_head,
    inner_and_inputs,
    plain_head,
    scatter,
)

NAME = "mtp"
"""The attribute of a transformers model that holds the modules."""
FUTURE_LOGPROBS = "veritune_future_logprobs"
"""The name of :func:`future_logprobs` as a method of sharded models."""
FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "qwen3_moe", "glm4_moe", "deepseek_v3")


class MTPLayer(nn.Module):
    """One module. The names are those of DeepSeek's checkpoints, ``norm`` there being ``shared_head.norm``."""

    def __init__(self, decoder: Any, config: Any) -> None:
        super().__init__()
        last = decoder.layers[-1]
        norm = type(decoder.norm)
        self.enorm = norm(config.hidden_size, eps=config.rms_norm_eps)
        self.hnorm = norm(config.hidden_size, eps=config.rms_norm_eps)
        self.eh_proj = nn.Linear(2 * config.hidden_size, config.hidden_size, bias=False)
        self.block = type(last)(config, len(decoder.layers) - 1)
        self.norm = norm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(self, states_BLH: Tensor, embedded_BLH: Tensor, **inputs: Any) -> Tensor:
        """(B, L, hidden) the states that the head is given, and the next module."""
        both = torch.cat([self.enorm(embedded_BLH), self.hnorm(states_BLH).to(embedded_BLH.dtype)], -1)
        hidden_BLH = self.block(self.eh_proj(both).to(embedded_BLH.dtype), **inputs)
        if isinstance(hidden_BLH, tuple):
            hidden_BLH = hidden_BLH[0]
        normed: Tensor = self.norm(hidden_BLH)
        return normed


class MTP(nn.Module):
    """The modules of a model, one behind the other."""

    def __init__(self, model: Any, config: MTPConfig) -> None:
        super().__init__()
        self.detach = config.detach
        decoder = model.get_decoder()
        self.layers = nn.ModuleList([MTPLayer(decoder, model.config) for _ in range(config.depth)])

    @property
    def depth(self) -> int:
        return len(self.layers)


def attach_mtp(model: Any, config: MTPConfig) -> None:
    """Put new modules behind a model of transformers, in place. Raises ConfigError where it is of another kind."""
    kind = getattr(model.config, "model_type", type(model).__name__)
    layers = getattr(model.config, "layer_types", None) or []
    if kind not in FAMILIES or not plain_head(model):
        raise ConfigError(f"model.mtp: there are modules for {', '.join(FAMILIES)}, and this model is {kind}")
    if any(each != "full_attention" for each in layers) or getattr(model.config, "sliding_window", None):
        raise ConfigError("model.mtp: the model has layers of windowed attention, and a module has none of them")
    made = MTP(model, config)
    for module in made.modules():
        model._init_weights(module)
    if hasattr(model.config, "num_nextn_predict_layers"):  # of the checkpoint too: engines count the modules by it
        model.config.num_nextn_predict_layers = made.depth
    setattr(model, NAME, made.to(dtype=model.get_input_embeddings().weight.dtype))


def mtp_of(model: Any) -> MTP | None:
    """The modules of a model, or None."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    found = getattr(inner, NAME, None)
    return found if isinstance(found, MTP) else None


def copy_without_mtp(model: Any) -> Any:
    """A deep copy that has no modules."""
    found = mtp_of(model)
    if found is None:
        return copy.deepcopy(model)
    return copy.deepcopy(model, {id(found): None})


def is_mtp(name: str) -> bool:
    """Whether a parameter's name is of the modules."""
    return name.startswith(f"{NAME}.")


def logprobs_and_future(
    model: Any,
    batch: TokenBatch,
    future: FutureTokens,
    temperature: float = 1.0,
    entropy: EntropyMode = "none",
    head: Head = auto_head,
) -> tuple[Tensor, Tensor | None, Tensor]:
    """What ``completion_logprobs`` gives, and (D,) the sum of the log-probs of each module's targets."""
    mask_RT = batch.mask_RT
    where = (batch.pack_N, batch.before_RT[mask_RT], batch.targets_RT[mask_RT])
    inner, inputs = inner_and_inputs(model, batch)
    arguments = (inputs, *where, temperature, entropy, head, future)
    method = getattr(inner, FUTURE_LOGPROBS, None)
    with routed(inner, batch, future):
        logps_N, entropy_N, sums_D = future_logprobs(inner, *arguments) if method is None else method(*arguments)
    return scatter(logps_N, mask_RT), None if entropy_N is None else scatter(entropy_N, mask_RT), sums_D


def future_logprobs(
    model: Any,
    inputs: Mapping[str, Any],
    pack_N: Tensor,
    before_N: Tensor,
    targets_N: Tensor,
    temperature: float,
    entropy: EntropyMode,
    head: Head,
    future: FutureTokens,
) -> tuple[Tensor, Tensor | None, Tensor]:
    """``token_logprobs``, and (D,) Σ log P^k of each module's targets.

    A sharded model has this as a method, so that its parameters are gathered as for ``forward``.
    """
    states_BLH: Tensor = model.get_decoder()(**inputs).last_hidden_state
    logps_N, entropy_N = head(
        model.get_output_embeddings(), states_BLH[pack_N, before_N], targets_N, temperature, entropy
    )
    return logps_N, entropy_N, module_sums(model, states_BLH, future, temperature, head)


def module_sums(model: Any, states_BLH: Tensor, future: FutureTokens, temperature: float, head: Head) -> Tensor:
    """(D,) Σ log P^k(t_{i+k+1}) over the targets of each module, from the model's last states."""
    modules, embedding, output = mtp_of(model), model.get_input_embeddings(), model.get_output_embeddings()
    assert modules is not None
    if future.source_BL is not None:
        rows_B1 = torch.arange(len(states_BLH), device=states_BLH.device)[:, None]
        states_BLH = states_BLH[rows_B1, future.source_BL]
    if modules.detach:
        states_BLH, output = states_BLH.detach(), _frozen(output)
    sums = []
    inputs: dict[str, Any] | None = None
    targets = zip(modules.layers, future.ids_DBL, future.targets, future.packs, future.places, strict=True)
    for layer, ids_BL, targets_N, packs_N, places_N in targets:
        embedded_BLH = embedding(ids_BL)
        if modules.detach:
            embedded_BLH = embedded_BLH.detach()
        inputs = _layer_inputs(model, embedded_BLH, future) if inputs is None else inputs
        states_BLH = layer(states_BLH, embedded_BLH, **inputs)
        if len(targets_N):
            logps_N, _ = head(output, states_BLH[packs_N, places_N], targets_N, temperature, "none")
            sums.append(logps_N.sum())
        else:  # every parameter has a gradient all the same: other processes meet for it
            sums.append(0.0 * states_BLH.float().sum())
    return torch.stack(sums)


def _layer_inputs(model: Any, embedded_BLH: Tensor, future: FutureTokens) -> dict[str, Any]:
    """What a block of the model is given beside the states: positions, their rotation, and the mask."""
    from transformers.masking_utils import create_causal_mask

    decoder = model.get_decoder()
    positions_BL = future.positions_BL
    if positions_BL is None:
        positions_BL = torch.arange(embedded_BLH.shape[1], device=embedded_BLH.device)[None]
    mask = future.attention_B1LL
    if mask is None:
        try:
            mask = create_causal_mask(model.config, embedded_BLH, None, past_key_values=None, position_ids=positions_BL)
        except TypeError:  # transformers before 5
            places_L = torch.arange(embedded_BLH.shape[1], device=embedded_BLH.device)
            mask = create_causal_mask(model.config, embedded_BLH, None, places_L, None, positions_BL)
    return {
        "attention_mask": mask,
        "position_ids": positions_BL,
        "position_embeddings": decoder.rotary_emb(embedded_BLH, positions_BL),
    }


def _frozen(head: Any) -> nn.Linear:
    """The head as a constant."""
    made = nn.Linear(1, 1, bias=False, device="meta")
    del made.weight
    made.weight = head.weight.detach()
    if head.bias is not None:
        del made.bias
        made.bias = head.bias.detach()
    return made
