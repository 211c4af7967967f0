"""A transformers model's parameters as the sampler reads them: fused, in the compute dtype, kept in step.

Projections that read the same input are one matrix (query, key and value; gate and up). Copies are written in place, so
a captured CUDA graph that reads them stays valid after every update of the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from veritune.trainer.policy.latent_support import unsupported_latent
from veritune.trainer.policy.logprobs import plain_head
from veritune.trainer.policy.mtp import mtp_of
from veritune.trainer.policy.products import neighbours, one_matrix
from veritune.trainer.policy.quantized import full_weight
from veritune.trainer.policy.sharding import bare, is_sharded, whole

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
LATENT = ("deepseek_v3",)
"""Families with latent attention: :mod:`veritune.trainer.policy.latent_layers`."""
STATIC_ROPE = ("default", "linear", "llama3", "yarn")
"""Kinds of rotary embedding whose frequencies do not depend on the length."""
AT_ONCE = 16
"""Parameters copied by one launch: those under an adapter are merged for it, in float32, and all at once would be the
whole model once more."""


def unsupported(model: Any) -> str | None:
    """Why this model cannot be decoded here, None where it can."""
    model = bare(model)
    config: Any = getattr(model, "config", None)
    kind = getattr(config, "model_type", type(model).__name__)
    if kind not in (*FAMILIES, *LATENT):
        return f"the architecture {kind} is not one of {', '.join((*FAMILIES, *LATENT))}"
    layers = getattr(config, "layer_types", None) or []
    windowed = kind == "mistral" and getattr(config, "sliding_window", None)
    if windowed or any(layer != "full_attention" for layer in layers):
        return "it has layers of windowed attention"
    if getattr(config, "hidden_act", "silu") != "silu":
        return f"its activation is {config.hidden_act}, not silu"
    rope = getattr(model.get_decoder().rotary_emb, "rope_type", "default")
    if rope not in STATIC_ROPE:
        return f"its rotary embedding ({rope}) changes with the length"
    if not plain_head(model) or not isinstance(model.get_output_embeddings(), nn.Linear):
        return "its head is more than one matrix"
    if kind in LATENT:
        return unsupported_latent(model.get_decoder())
    for name, module in model.get_decoder().layers[0].named_modules():
        if name.endswith("_proj") and not isinstance(getattr(module, "base_layer", module), nn.Linear):
            return f"{name} is a {type(module).__name__}, not a linear layer"
    return None


@dataclass
class Layer:
    """One decoder layer. ``qkv`` stacks query, key and value rows; ``gate_up`` gate and up rows."""

    qkv: Tensor
    qkv_bias: Tensor | None
    out: Tensor
    out_bias: Tensor | None
    gate_up: Tensor
    gate_up_bias: Tensor | None
    down: Tensor
    down_bias: Tensor | None
    attention_norm: Tensor
    mlp_norm: Tensor
    query_norm: Tensor | None
    key_norm: Tensor | None


@dataclass
class Draft:
    """A module of multi-token prediction. ``join`` projects the normed token, then the normed state."""

    token_norm: Tensor
    state_norm: Tensor
    join: Tensor
    layer: Layer
    norm: Tensor


@dataclass
class _Copy:
    """A view of one of our tensors and where its values come from."""

    target: Tensor
    source: Callable[[], Tensor]


@dataclass
class Weights:
    """All parameters. The embedding is read from the model itself; norms stay in float32."""

    model: Any
    dtype: torch.dtype
    drafts: bool = False
    """With the first module for multi-token prediction."""
    layers: list[Layer] = field(default_factory=list)
    _copies: list[_Copy] = field(default_factory=list)
    _shared: list[tuple[Tensor, list[Tensor]]] = field(default_factory=list)
    """Tensors that are the model's own parameters in place of copies: of a whole model in half precision, whose weights
    a second time would be the most of its memory."""

    def __post_init__(self) -> None:
        model = bare(self.model)
        decoder, config = model.get_decoder(), model.config
        self.device = decoder.embed_tokens.weight.device
        self.heads: int = config.num_attention_heads
        self.kv_heads: int = config.num_key_value_heads
        self.head_dim: int = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.eps: float = config.rms_norm_eps
        self.scale = self.head_dim**-0.5
        self.rotary = decoder.rotary_emb
        self.cos_LF = self.sin_LF = torch.zeros(0, self.head_dim // 2, device=self.device)
        self._embed = decoder.embed_tokens
        self.sharded = is_sharded(model)
        self.layers = [self._layer(layer) for layer in decoder.layers]
        self.norm = self._take([_parameter(decoder.norm)], torch.float32)
        if self.drafts:
            self.draft = self._draft(model)
        head = model.get_output_embeddings()
        self.head = self._matrix(head)
        bias = getattr(head, "bias", None)
        self.head_bias = None if bias is None else self._take([lambda: whole(head.bias)], self.dtype)
        if self.sharded:  # the model's own is a part: a copy of the whole
            self.embedding: Tensor = self._take([lambda: whole(self._embed.weight)], self._embed.weight.dtype)
        else:
            self.embedding = self._embed.weight.detach()
        self.sync()

    @torch.no_grad()
    def sync(self) -> bool:
        """Copy the policy's current values; True where the embedding has moved, so that graphs are stale.

        Of a sharded model one parameter after the other, which all processes must do together.
        """
        if self.sharded:
            bare(self.model).reshard()  # a forward without backward leaves a copy behind that optimizers do not see
            for copy in self._copies:
                copy.target.copy_(copy.source())
            return False
        if any(found is None or found.data_ptr() != own.data_ptr() for own, found in self._found()):
            self._copies, self._shared = [], []  # the parameters have moved
            self.__post_init__()
            return True
        for first in range(0, len(self._copies), AT_ONCE):
            some = self._copies[first : first + AT_ONCE]
            torch._foreach_copy_([copy.target for copy in some], [copy.source() for copy in some])
        before, self.embedding = self.embedding, self._embed.weight.detach()
        return before.data_ptr() != self.embedding.data_ptr()

    def _found(self) -> list[tuple[Tensor, Tensor | None]]:
        """What is shared, and where the parameters are now."""
        return [(own, neighbours([p.detach() for p in parameters])) for own, parameters in self._shared]

    def prepare(self, length: int) -> None:
        """Rotary tables for so many positions."""
        if len(self.cos_LF) < length:
            positions = torch.arange(length, device=self.device)[None]
            cos, sin = self.rotary(torch.zeros(1, device=self.device), positions)
            half = self.head_dim // 2
            self.cos_LF, self.sin_LF = cos[0, :, :half].contiguous(), sin[0, :, :half].contiguous()

    def _draft(self, model: Any) -> Draft:
        modules = mtp_of(model)
        assert modules is not None
        first: Any = modules.layers[0]

        def norm(module: Any) -> Tensor:
            return self._take([_parameter(module)], torch.float32)

        join = self._take([linear_weight(first.eh_proj)], self.dtype)
        return Draft(norm(first.enorm), norm(first.hnorm), join, self._layer(first.block), norm(first.norm))

    def _layer(self, layer: Any) -> Layer:
        attention, mlp = layer.self_attn, layer.mlp
        qkv = [attention.q_proj, attention.k_proj, attention.v_proj]
        gate_up = [mlp.gate_proj, mlp.up_proj]

        def bias(*modules: Any) -> Tensor | None:
            found = [linear_bias(m) for m in modules]
            if all(b is None for b in found):
                return None
            return self._take([b for b in found if b is not None], self.dtype)

        def norm(module: Any) -> Tensor | None:
            return None if module is None else self._take([_parameter(module)], torch.float32)

        attention_norm, mlp_norm = norm(layer.input_layernorm), norm(layer.post_attention_layernorm)
        assert attention_norm is not None
        assert mlp_norm is not None
        return Layer(
            qkv=self._matrix(*qkv),
            qkv_bias=bias(*qkv),
            out=self._matrix(attention.o_proj),
            out_bias=bias(attention.o_proj),
            gate_up=self._matrix(*gate_up),
            gate_up_bias=bias(*gate_up),
            down=self._matrix(mlp.down_proj),
            down_bias=bias(mlp.down_proj),
            attention_norm=attention_norm,
            mlp_norm=mlp_norm,
            query_norm=norm(getattr(attention, "q_norm", None)),
            key_norm=norm(getattr(attention, "k_norm", None)),
        )

    def _matrix(self, *modules: Any) -> Tensor:
        """The modules' weights one below the other: the parameters themselves where they may be shared."""
        if not self.sharded and self.dtype.itemsize < 4 and all(type(m) is nn.Linear for m in modules):
            parameters = [m.weight for m in modules]
            if all(p.dtype is self.dtype for p in parameters):
                self._shared.append((one_matrix(parameters), parameters))
                return self._shared[-1][0]
        return self._take([linear_weight(m) for m in modules], self.dtype)

    def _take(self, sources: Sequence[Callable[[], Tensor]], dtype: torch.dtype) -> Tensor:
        """A tensor of ours with the sources' rows one below the other, filled by :meth:`sync`."""
        shapes = [source().shape for source in sources]
        rows = sum(shape[0] for shape in shapes)
        made = torch.empty(rows, *shapes[0][1:], dtype=dtype, device=self.device)
        start = 0
        for source, shape in zip(sources, shapes, strict=True):
            self._copies.append(_Copy(made[start : start + shape[0]], source))
            start += shape[0]
        return made


def _parameter(module: Any) -> Callable[[], Tensor]:
    return lambda: whole(module.weight)


def linear_weight(module: Any) -> Callable[[], Tensor]:
    """The weight that a linear layer multiplies with; under peft's LoRA the base plus every active adapter."""
    if not hasattr(module, "get_delta_weight"):
        return lambda: whole(full_weight(getattr(module, "base_layer", module)))

    def merged() -> Tensor:
        weight = whole(full_weight(module.base_layer))
        if module.merged or module.disable_adapters:
            return weight
        for adapter in module.active_adapters:
            if adapter in module.lora_A:
                weight = weight + whole(module.get_delta_weight(adapter))
        return weight

    return merged


def linear_bias(module: Any) -> Callable[[], Tensor] | None:
    """The bias of a linear layer, where it has one."""
    inner = getattr(module, "base_layer", module)
    return None if inner.bias is None else lambda: whole(inner.bias)
