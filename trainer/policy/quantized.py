"""A base model in 4 or 8 bits under an adapter (QLoRA, 2305.14314), through bitsandbytes."""

from __future__ import annotations

import copy
import logging
from typing import Any

import torch
from torch import Tensor

from veritune.plugins import ConfigError, MissingExtraError


def quantization(kind: str, device: torch.device) -> dict[str, Any]:
    """What ``from_pretrained`` takes to load linear layers in ``nf4`` (double quantisation) or ``int8``, in place.

    Raises MissingExtraError without bitsandbytes.
    """
    try:
        import bitsandbytes  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("bitsandbytes", "qlora", "model.quantize") from error
    from transformers import BitsAndBytesConfig

    # int8 products say at every call that they round their inputs
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    if kind == "int8":
        how = BitsAndBytesConfig(load_in_8bit=True)
    else:
        half = device.type == "cuda" and torch.cuda.is_bf16_supported()
        how = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16 if half else torch.float32,
        )
    return {"quantization_config": how, "device_map": {"": device}}


def is_quantized(model: Any) -> bool:
    return bool(getattr(model, "is_quantized", False) or getattr(getattr(model, "model", None), "is_quantized", False))


def full_weight(module: Any) -> Tensor:
    """The numbers that a linear layer multiplies with, dequantised where it holds fewer bits."""
    weight: Tensor = module.weight
    if weight.is_floating_point():
        return weight
    if hasattr(weight, "quant_state"):
        from bitsandbytes.functional import dequantize_4bit

        found: Tensor = dequantize_4bit(weight.data, weight.quant_state)
        return found
    # peft's own way moves the weight, after which the layer cannot run
    state: Any = getattr(module.state, "SCB", None)
    scales: Tensor = weight.SCB if state is None else state  # type: ignore[attr-defined]
    return weight.data.float() * scales.float()[:, None] / 127


@torch.no_grad()
def merged_in_full(model: Any) -> Any:
    """A standard float32 model on the CPU with the adapter in its weights: what the quantised policy computes with."""
    from transformers import AutoModelForCausalLM

    base = model.get_base_model()
    config = copy.deepcopy(base.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = AutoModelForCausalLM.from_config(config).float()
    layers = {name: m for name, m in base.named_modules() if hasattr(m, "base_layer")}
    state = {name: tensor for name, tensor in base.state_dict().items() if tensor.is_floating_point()}
    found: dict[str, Tensor] = {}
    for name in plain.state_dict():
        owner, _, own = name.rpartition(".")
        layer = layers.get(owner)
        if layer is not None and own == "weight":
            value = full_weight(layer.base_layer).float()
            for adapter in layer.active_adapters:
                value = value + layer.get_delta_weight(adapter).to(value)
        elif layer is not None:
            value = getattr(layer.base_layer, own)
        else:
            value = _plain_value(base, state, owner, own)
        found[name] = value.detach().float().cpu()
    plain.load_state_dict(found)
    plain.generation_config = base.generation_config
    return plain


def _plain_value(base: Any, state: dict[str, Tensor], owner: str, own: str) -> Tensor:
    """The value of a parameter that has no adapter: trained whole, quantised, or as it was."""
    for name in (f"{owner}.modules_to_save.default.{own}", f"{owner}.{own}"):
        if name in state:
            return state[name]
    if own != "weight":
        raise ConfigError(f"model.lora.save: merged does not know the quantised model's {owner}.{own}")
    return full_weight(base.get_submodule(owner))
