"""A whole model, cut: this process keeps the parameters of its stages, and the others' shapes alone.

Every name stays: a parameter that is elsewhere is a meta tensor that knows where its values are, so that what is
gathered (checkpoints, the model that is left) is gathered by name as from any sharded model.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn

from veritune.trainer.config.pipeline import PipelineConfig
from veritune.trainer.policy.pipeline.places import layers_of, process_of, stages_of
from veritune.trainer.policy.pipeline.stage import check
from veritune.trainer.policy.sharding import Home, settle


def cut(model: Any, config: PipelineConfig, rank: int, device: torch.device) -> None:
    """Keep the stages of process ``rank`` on ``device``, and shapes of the rest. Raises ConfigError where the model
    cannot be cut."""
    check(model)
    homes = _homes(model, config)
    moved: dict[int, nn.Parameter] = {}
    for module_name, module in model.named_modules():
        prefix = f"{module_name}." if module_name else ""
        for name, parameter in list(module._parameters.items()):
            if parameter is not None:
                key = id(parameter)
                if key not in moved:
                    moved[key] = _placed(parameter, homes[prefix + name], rank, device)
                module._parameters[name] = moved[key]
        for name, buffer in list(module._buffers.items()):
            if buffer is not None:
                placed = buffer.to(device)
                if name not in module._non_persistent_buffers_set:
                    placed = placed.clone() if placed is buffer else placed
                    settle(placed, Home(homes[prefix + name], device))
                module._buffers[name] = placed


def _homes(model: Any, config: PipelineConfig) -> dict[str, list[int]]:
    """Name of each parameter and persistent buffer → the processes that hold it, the first of which it is saved from.
    Tied ones are held wherever any of their names is used."""
    decoder = model.get_decoder()
    last = process_of(config.stages * len(stages_of(0, config)) - 1, config)
    of_layer = {
        layer: process_of(stage, config)
        for stage, layers in enumerate(layers_of(len(decoder.layers), config))
        for layer in layers
    }
    places: dict[int, list[int]] = {}
    for number, layer in enumerate(decoder.layers):
        places |= {id(value): [of_layer[number]] for value in _values(layer)}
    for module, where in ((decoder.embed_tokens, 0), (decoder.norm, last), (model.get_output_embeddings(), last)):
        for value in _values(module):
            held = places.setdefault(id(value), [])
            if where not in held:
                held.append(where)
    named = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    return {name: places.get(id(value), [0]) for name, value in named}


def _values(module: Any) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]


def _placed(parameter: nn.Parameter, held: list[int], rank: int, device: torch.device) -> nn.Parameter:
    data = parameter.detach()
    data = data.to(device) if rank in held else torch.empty_like(data, device="meta")
    made = nn.Parameter(data, requires_grad=parameter.requires_grad)
    settle(made, Home(held, device))
    return made


def shared_between(model: Any) -> dict[tuple[int, ...], list[nn.Parameter]]:
    """Parameters that several processes hold, by those processes: their gradients are to be added."""
    found: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
    for parameter in model.parameters():
        held = parameter.veritune_home.held
        if len(held) > 1:
            found[tuple(held)].append(parameter)
    return dict(found)
