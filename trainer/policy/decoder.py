"""The layers of a causal model's decoder, whatever its architecture calls them."""

from __future__ import annotations

from typing import Any

from torch import nn


def decoder_layers(model: Any) -> list[Any]:
    """``layers`` in most architectures, ``h`` in GPT-2, ``blocks`` in MPT: the decoder's longest list of modules."""
    decoder = model.get_decoder()
    lists = [child for child in decoder.children() if isinstance(child, nn.ModuleList)]
    return list(max(lists, key=len, default=[]))
