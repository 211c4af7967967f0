"""The modules of multi-token prediction in a checkpoint's folder: ``mtp/model.safetensors``, apart from the model's
own weights, which load as ever; under the names of DeepSeek's published checkpoints, ``model.layers.{L + k}``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from veritune.plugins import ConfigError
from veritune.trainer.policy.decoder import decoder_layers
from veritune.trainer.policy.mtp import NAME, is_mtp, mtp_of

FILE = Path(NAME) / "model.safetensors"
SHARED = ("embed_tokens.weight", "shared_head.head.weight")
"""What published checkpoints hold once more: the model's own embedding and head."""
OWN_PARTS = ("enorm.", "hnorm.", "eh_proj.")


def split_state(model: Any, state: dict[str, Tensor] | None) -> tuple[dict[str, Tensor] | None, dict[str, Tensor]]:
    """The weights (None: the model's own) without those of the modules, and those of the modules."""
    if mtp_of(model) is None:
        return state, {}
    state = model.state_dict() if state is None else state
    return {n: t for n, t in state.items() if not is_mtp(n)}, {n: t for n, t in state.items() if is_mtp(n)}


def save_mtp(folder: Path, own: Mapping[str, Tensor], layers: int) -> None:
    """Write modules behind a model of so many ``layers``. Raises OSError."""
    from safetensors.torch import save_file

    target = folder / FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    tensors = {n: t.detach().cpu().contiguous() for n, t in published(own, layers).items()}
    save_file(tensors, str(target), {"format": "pt"})
    for path in (target, target.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def published(own: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """Our names → DeepSeek's; experts that are one tensor become one each."""
    found: dict[str, Tensor] = {}
    for name, tensor in own.items():
        _, _, number, rest = name.split(".", 3)
        base = f"model.layers.{layers + int(number)}"
        rest = rest.removeprefix("block.")
        rest = f"shared_head.{rest}" if rest.startswith("norm.") else rest
        stem, _, last = rest.rpartition(".")
        if last == "gate_up_proj" and tensor.dim() == 3:
            for index, both in enumerate(tensor):
                gate, up = both.chunk(2)
                found[f"{base}.{stem}.{index}.gate_proj.weight"] = gate
                found[f"{base}.{stem}.{index}.up_proj.weight"] = up
        elif last == "down_proj" and tensor.dim() == 3:
            for index, down in enumerate(tensor):
                found[f"{base}.{stem}.{index}.down_proj.weight"] = down
        else:
            found[f"{base}.{rest}"] = tensor
    return found


def as_own(tensors: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """DeepSeek's names → ours; what is the model's own, or of its layers, is left out."""
    found: dict[str, Tensor] = {}
    experts: dict[str, dict[tuple[int, str], Tensor]] = {}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"model\.layers\.(\d+)\.(.+)", name)
        if match is None or int(match[1]) < layers or match[2] in SHARED:
            continue
        base, rest = f"{NAME}.layers.{int(match[1]) - layers}", match[2]
        expert = re.fullmatch(r"(.+\.experts)\.(\d+)\.(gate|up|down)_proj\.weight", rest)
        if expert is not None:
            experts.setdefault(f"{base}.block.{expert[1]}", {})[int(expert[2]), expert[3]] = tensor
        elif rest.startswith(OWN_PARTS):
            found[f"{base}.{rest}"] = tensor
        elif rest.startswith("shared_head."):
            found[f"{base}.{rest.removeprefix('shared_head.')}"] = tensor
        else:
            found[f"{base}.block.{rest}"] = tensor
    for stem, parts in experts.items():
        count = 1 + max(index for index, _ in parts)
        each = [torch.cat([parts[i, "gate"], parts[i, "up"]]) for i in range(count)]
        found[f"{stem}.gate_up_proj"] = torch.stack(each)
        found[f"{stem}.down_proj"] = torch.stack([parts[i, "down"] for i in range(count)])
    return found


def read_mtp(folder: Path, layers: int) -> dict[str, Tensor]:
    """The modules that a folder holds, by our names: in their own file, or among the model's weights as DeepSeek
    publishes them. Empty where there are none; raises OSError or SafetensorError where a file is damaged."""
    from safetensors import safe_open

    tensors: dict[str, Tensor] = {}
    files = [folder / FILE] if (folder / FILE).is_file() else sorted(folder.glob("*.safetensors"))
    for file in files:
        with safe_open(str(file), "pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - no mapping
                match = re.match(r"model\.layers\.(\d+)\.", name)
                if match is not None and int(match[1]) >= layers:
                    tensors[name] = opened.get_tensor(name)
    return as_own(tensors, layers)


def load_mtp(folder: str, model: Any, say: Callable[[str], None]) -> None:
    """Into a model with modules those of its folder, where it has some; says which are new. Raises ConfigError."""
    modules, place = mtp_of(model), Path(folder).expanduser()
    from safetensors import SafetensorError

    try:
        found = read_mtp(place, len(decoder_layers(model))) if place.is_dir() else {}
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"model.mtp: a file of weights in {folder} is damaged: {error}") from error
    there = len({name.split(".")[2] for name in found})
    if modules is None:
        if there:
            say(f"the modules for multi-token prediction in {folder} are left out (model.mtp: {{depth: {there}}})")
        return
    wanted = {n: t for n, t in found.items() if int(n.split(".")[2]) < modules.depth}
    own = {n: t for n, t in model.state_dict().items() if is_mtp(n)}
    wrong = sorted(n for n, t in wanted.items() if n not in own or own[n].shape != t.shape)
    missing = sorted(n for n in own if n not in wanted and int(n.split(".")[2]) < there)
    if wrong or missing:
        raise ConfigError(
            f"model.mtp: the modules in {folder} are of another model: {(wrong + missing)[:3]} "
            "(a module is a block like the model's last one, in 16 or 32 bits)"
        )
    model.load_state_dict(wanted, strict=False)
    if there > modules.depth:
        say(f"model.mtp: {folder} holds {_count(there)}; those beyond depth: {modules.depth} are left out")
    if there < modules.depth:
        rest = f" of depth: {modules.depth}; the rest begin as new ones" if there else "; they begin as new ones"
        say(f"model.mtp: {folder} holds {_count(there)}{rest}")


def _count(modules: int) -> str:
    return f"{modules or 'no'} module{'s' * (modules != 1)}"
