"""A checkpoint's weights into a live model of the same shape: every tensor as it was saved, tied or apart."""

from __future__ import annotations

import pickle
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from veritune.plugins import ConfigError
from veritune.trainer.policy.mtp import is_mtp, mtp_of
from veritune.trainer.policy.mtp_files import read_mtp


def load_weights(checkpoint: Path, model: Any) -> None:
    """Load a checkpoint's weights into a model of the same shape, in place.

    What the model holds tied and the file holds apart is untied first: a head that was trained apart stays its own.
    Raises ConfigError where they do not fit, OSError or SafetensorError where a file is damaged.
    """
    from safetensors.torch import load_file

    adapter = checkpoint / "adapter_model.safetensors"
    if adapter.is_file() != hasattr(model, "disable_adapter"):
        raise ConfigError(f"the checkpoint {checkpoint} is of another model: with LoRA against without it")
    if adapter.is_file():
        _load_adapter(load_file(str(adapter)), model, checkpoint)
        return
    files = sorted(checkpoint.glob("*.safetensors"))
    if not files:
        raise OSError(f"{checkpoint} holds no weights")
    state: dict[str, Tensor] = {}
    for file in files:
        state.update(load_file(str(file)))
    if not _fits(state, model):
        state = _as_transformers_reads(checkpoint, model)
    if mtp_of(model) is not None:
        state.update(read_mtp(checkpoint, len(model.get_decoder().layers)))
    _check_shapes(state, model, checkpoint)
    untie(model, state)
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise ConfigError(f"the checkpoint {checkpoint} is of another model: {error}") from error
    absent = [name for names in tied(model) if not any(name in state for name in names) for name in names]
    lost = [name for name in missing if name in absent or not any(name in names for names in tied(model))]
    if lost or unexpected:
        raise ConfigError(
            f"the checkpoint {checkpoint} is of another model: missing {lost[:3]}, unexpected {list(unexpected)[:3]}"
        )


def _check_shapes(state: Mapping[str, Tensor], model: Any, checkpoint: Path) -> None:
    own = model.state_dict()
    wrong = [name for name, tensor in state.items() if name in own and own[name].shape != tensor.shape]
    if wrong:
        there, here = ("×".join(map(str, tensor.shape)) for tensor in (state[wrong[0]], own[wrong[0]]))
        raise ConfigError(
            f"the checkpoint {checkpoint} is of another model: {len(wrong)} of its {len(state)} tensors have another "
            f"shape, such as {wrong[0]} ({there}, and here {here}); set model back to what the run began with"
        )


def load_or_none(path: Path) -> Any:
    """What ``torch.save`` wrote to a file that can be made again; None where it is not there, or damaged."""
    try:
        return torch.load(path) if path.is_file() else None
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile):
        return None


@torch.no_grad()
def all_finite(parameters: Iterable[Tensor]) -> bool:
    """Whether weights are numbers; of sharded ones this process's part."""
    parts = (p.to_local() if hasattr(p, "to_local") else p for p in parameters)
    return all(
        bool(torch.isfinite(part).all())
        for part in parts
        if part.is_floating_point() and part.itemsize > 1 and not part.is_meta
    )


def tied(model: Any) -> list[list[str]]:
    """Names that are one parameter, by parameter."""
    names: dict[int, list[str]] = defaultdict(list)
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names[id(parameter)].append(name)
    return [group for group in names.values() if len(group) > 1]


def untie(model: Any, state: Mapping[str, Tensor]) -> None:
    """Give every name a parameter of its own whose tensor in ``state`` differs from that of those it is tied to."""
    for first, *others in tied(model):
        for name in others:
            if first in state and name in state and not torch.equal(state[first], state[name]):
                owner, _, attribute = name.rpartition(".")
                module = model.get_submodule(owner)
                own = getattr(module, attribute)
                setattr(module, attribute, torch.nn.Parameter(own.detach().clone(), own.requires_grad))


def _fits(state: Mapping[str, Tensor], model: Any) -> bool:
    """Whether the file's names are the model's own: some architectures are saved in their publisher's form."""
    own = {name for name in model.state_dict() if not is_mtp(name)}
    groups = {name: names for names in tied(model) for name in names}
    known = all(name in own for name in state)
    return known and all(name in state or any(n in state for n in groups.get(name, ())) for name in own)


def _as_transformers_reads(checkpoint: Path, model: Any) -> dict[str, Tensor]:
    """The weights by the model's own names, through transformers' own loading. Raises ConfigError where any is lost."""
    from transformers import AutoConfig

    wrong = f"the checkpoint {checkpoint} is of another model"
    dtype = next(model.parameters()).dtype
    try:
        kind = AutoConfig.from_pretrained(checkpoint).model_type
        if kind != model.config.model_type:
            raise ConfigError(f"{wrong}: {kind}, and this is {model.config.model_type}")
        read, report = type(model).from_pretrained(checkpoint, dtype=dtype, output_loading_info=True)
    except ConfigError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{wrong}: {error}") from error
    lost = {name: sorted(map(str, found)) for name, found in report.items() if found}
    if lost:
        raise ConfigError(f"{wrong}: {lost}")
    state: dict[str, Tensor] = read.state_dict()
    return state


def _load_adapter(state: dict[str, Tensor], model: Any, checkpoint: Path) -> None:
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    own = get_peft_model_state_dict(model)
    wrong = sorted(own.keys() ^ state.keys()) or [n for n, t in own.items() if t.shape != state[n].shape]
    if wrong:
        raise ConfigError(f"the checkpoint {checkpoint} is of another model: its adapter differs in {wrong[:3]}")
    set_peft_model_state_dict(model, state)
