"""The policy: the ``model:`` section."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from veritune.trainer.config.base import Strict
from veritune.trainer.config.moe import MoEConfig
from veritune.trainer.config.mtp import MTPConfig


class LoraConfig(Strict):
    """Low-rank adapters in place of training every weight (peft)."""

    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32, gt=0)
    targets: str | list[str] = "all-linear"
    """Module names, or ``all-linear``: every linear layer but the head."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of an adapter's inputs that are zeroed while it learns; never while drawing, nor in π_old and the KL."""
    modules_to_save: list[str] = Field(default_factory=list)
    """Modules trained whole beside the adapter, by the end of their names, such as ``lm_head`` or ``norm``."""
    rslora: bool = False
    """Scale by alpha/√rank in place of alpha/rank."""
    save: Literal["adapter", "merged"] = "adapter"
    """What ``model/`` holds at the end: the adapter, or a whole model with the adapter in its weights."""


class ModelConfig(Strict):
    """A checkpoint (``path``) or a model made from scratch (``build``); exactly one of the two."""

    path: str | None = None
    """Folder or hub name of a transformers checkpoint with its tokenizer."""
    build: dict[str, Any] | None = None
    """``model_type`` and the fields of its transformers config; the vocabulary size comes from the tokenizer."""
    tokenizer: str | None = None
    """Folder or hub name of a tokenizer. With ``build`` and without this, the task's own vocabulary is used."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """``auto``: float32 weights, computed in bfloat16 on a GPU that has it. ``bfloat16``: weights too."""
    attention: str | None = None
    """transformers' ``attn_implementation``."""
    activation_checkpointing: bool = False
    fused: bool = True
    """On a GPU, norms and gated MLPs of Llama-like models that keep fewer activations."""
    fp8: bool | Literal["always"] = False
    """Linear layers in FP8 where that is faster (``always``: wherever widths allow); needs an H100 or newer."""
    moe: MoEConfig | None = None
    """Of a model with routed experts: their balance and their replay."""
    lora: LoraConfig | None = None
    quantize: Literal["nf4", "int8"] | None = None
    """QLoRA: the weights under the adapter in 4 or 8 bits (bitsandbytes); needs ``path``, and ``lora`` or
    ``adapter: continue``."""
    adapter: Literal["merge", "continue"] = "merge"
    """What becomes of an adapter that ``path`` holds: merged into its base model's weights (with ``lora`` a new one is
    trained on top, else all weights), or trained further itself."""

    mtp: MTPConfig | None = None
    """Multi-token prediction: modules behind the model that predict further tokens, as an auxiliary loss and as the
    drafts of speculative decoding (``sampling.speculative``)."""

    @model_validator(mode="after")
    def _one_source(self) -> ModelConfig:
        if (self.path is None) == (self.build is None):
            raise ValueError("give either model.path (a checkpoint) or model.build (a model from scratch)")
        if self.adapter == "continue" and self.lora is not None:
            raise ValueError("adapter: continue goes on with the rank and targets the adapter has; leave out lora")
        if self.mtp is not None and (self.lora is not None or self.adapter == "continue"):
            raise ValueError("mtp: the modules are trained whole, with the whole model; leave out lora (and adapter)")
        if self.quantize is not None:
            if self.lora is None and self.adapter != "continue":
                raise ValueError("quantize: weights in so few bits are not trained; add lora (or adapter: continue)")
            if self.path is None:
                raise ValueError("quantize is for a checkpoint (model.path); a new model has nothing to hold in so few")
            if self.fp8:
                raise ValueError("quantize and fp8 are two ways to hold the same weights; choose one")
        if self.moe is not None and self.moe.moves_bias and (self.lora is not None or self.adapter == "continue"):
            raise ValueError(
                f"moe.balance: {self.moe.balance} moves the router's bias, which an adapter does not hold; with lora "
                "use loss or none"
            )
        if self.build is not None and "model_type" not in self.build:
            raise ValueError("model.build needs a model_type, such as qwen3")
        return self
