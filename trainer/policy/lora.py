"""Adapters (peft): a new one, one that goes on, and what becomes of one that the loaded folder already holds."""

from __future__ import annotations

import copy
import json
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from veritune.plugins import ConfigError, MissingExtraError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config import LoraConfig
from veritune.trainer.policy.quantized import is_quantized, merged_in_full

CONFIG = "adapter_config.json"
BASE = "base"
"""In a run's folder, the weights that its adapter stands on, where no other folder holds them."""


def is_adapter(path: str) -> bool:
    """Whether a folder holds an adapter and not a model."""
    return (Path(path).expanduser() / CONFIG).is_file()


def base_of(path: str) -> str:
    """The model that an adapter stands on. Raises ConfigError where the folder does not name one that is there."""
    read = json.loads((Path(path).expanduser() / CONFIG).read_text(encoding="utf-8"))
    base = read.get("base_model_name_or_path")
    if not base or base == "None":
        raise ConfigError(f"model.path: {path} is an adapter without its base model; merge it where its base is")
    near = Path(path).expanduser() / base
    if near.is_dir():
        return str(near)
    if Path(base).is_absolute() and not Path(base).is_dir():
        for run in Path(path).expanduser().absolute().parents[:2]:  # a run's folder that was moved; a checkpoint's
            if (run / BASE / "config.json").is_file():
                return str(run / BASE)
        raise ConfigError(f"model.path: {path} is an adapter on {base}, which is not there")
    return str(base)


def load_adapter(model: Any, path: str, go_on: bool) -> Any:
    """The base model with the folder's adapter: merged into its weights, or, to ``go_on`` with it, beside them."""
    peft = _peft()
    try:
        with _quiet():
            loaded = peft.PeftModel.from_pretrained(model, path, is_trainable=go_on)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ConfigError(f"model.path: the adapter {path} does not fit its base model: {error}") from error
    return loaded if go_on else loaded.merge_and_unload().requires_grad_(True)


def with_lora(model: Any, config: LoraConfig) -> Any:
    """The model with a new adapter, which alone is trained (with its ``modules_to_save``). Raises ConfigError."""
    peft = _peft()
    _check_modules(model, config.modules_to_save)
    _check_targets(model, config.targets)
    settings = peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        target_modules=config.targets,
        lora_dropout=config.dropout,
        modules_to_save=config.modules_to_save or None,
        use_rslora=config.rslora,
        task_type="CAUSAL_LM",
    )
    try:
        settings.target_parameters = _beside_experts(model, settings) or None
        with _quiet():
            return peft.get_peft_model(model, settings)
    except ConfigError:
        raise
    except ValueError as error:
        all_linear = not isinstance(config.targets, str) or config.targets == "all-linear"
        meant = "" if all_linear else did_you_mean(str(config.targets), ["all-linear"])
        raise ConfigError(f"model.lora: {error}{meant}") from error


def _beside_experts(model: Any, settings: Any) -> list[str]:
    """The weights of linear layers that peft would leave out: where routed experts are whole tensors it takes their
    projections' names (`gate_proj` …) for the experts' alone, and dense and shared MLPs have the same. Raises
    ConfigError for dropout, which adapters of tensors are without."""
    try:
        from peft.utils.transformers_weight_conversion import convert_peft_config_for_transformers
    except ImportError:  # a peft that knows no experts in tensors
        return []
    converted = copy.deepcopy(settings)
    convert_peft_config_for_transformers(converted, model, None)
    if not converted.target_parameters:
        return []
    if settings.lora_dropout:
        raise ConfigError(
            f"model.lora.dropout: {settings.lora_dropout}, and peft has none for routed experts, which are whole "
            "tensors; leave it out, or give targets without the experts' projections and the router"
        )
    if is_quantized(model):
        return []
    wanted, kept, head = settings.target_modules, converted.target_modules or (), model.get_output_embeddings()
    found: dict[str, None] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and module is not head and not _is_one_of(name, kept):
            if wanted == "all-linear":
                named = [name.rpartition(".")[2]]
            elif isinstance(wanted, str):
                named = [name] if re.fullmatch(wanted, name) else []
            else:
                named = [each for each in wanted if _is_one_of(name, [each])]
            found.update({f"{each}.weight": None for each in named})
    return list(found)


def _is_one_of(name: str, ends: Iterable[str]) -> bool:
    return any(name == end or name.endswith(f".{end}") for end in ends)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without peft's warnings that its own ranks of experts match no module: they are of tensors."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"The following (rank|alpha)_pattern keys did not match")
        yield


def _check_targets(model: Any, targets: str | list[str]) -> None:
    """Raise ConfigError for one of several names that no module has: peft asks for one that is there, no more."""
    names = [name for name, module in model.named_modules() if name and hasattr(module, "weight")]
    if targets == []:
        raise ConfigError("model.lora.targets: no module is named; name some, or say all-linear")
    for wanted in targets if isinstance(targets, list) else ():
        if not any(name == wanted or name.endswith(f".{wanted}") for name in names):
            linear = [n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
            known = dict.fromkeys(name.rpartition(".")[2] for name in linear or names)
            raise ConfigError(
                f"model.lora.targets: no module is called {wanted!r}.{did_you_mean(wanted, known)} Those with weights "
                f"to adapt: {', '.join(known)}; or all-linear"
            )


def _check_modules(model: Any, names: list[str]) -> None:
    """Raise ConfigError for a module that is not there, and for one end of what the model holds tied."""
    modules = {name: module for name, module in model.named_modules() if name}
    for wanted in names:
        found = [m for name, m in modules.items() if name == wanted or name.endswith(f".{wanted}")]
        if not found:
            known = dict.fromkeys(name.rpartition(".")[2] for name in modules)
            hint = did_you_mean(wanted, known)
            raise ConfigError(f"model.lora.modules_to_save: no module is called {wanted!r}.{hint}")
        ends = [model.get_input_embeddings(), model.get_output_embeddings()]
        tied = len({id(getattr(end, "weight", end)) for end in ends}) == 1
        if tied and any(m is end for m in found for end in ends):
            raise ConfigError(
                f"model.lora.modules_to_save: {wanted} shares its weights with the other end of the model (they are "
                "tied), and trained alone they would part; leave it out, or train without lora"
            )


def save_base(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the weights under the adapter, and have the adapter name them: a model made from scratch, or one that an
    earlier adapter was merged into, is nowhere else."""
    base = model.get_base_model()
    state = {}
    for name, tensor in base.state_dict().items():
        if ".lora_" not in name and ".modules_to_save." not in name:
            state[name.replace(".base_layer", "").replace(".original_module", "")] = tensor
    base.save_pretrained(folder, state_dict=state)
    tokenizer.save_pretrained(folder)
    for settings in model.peft_config.values():
        settings.base_model_name_or_path = str(folder.resolve())


@torch.no_grad()
def merged(model: Any) -> Any:
    """A copy of the model with the adapter in its weights: a standard model."""
    return merged_in_full(model) if is_quantized(model) else copy.deepcopy(model).merge_and_unload()


def adapter_like(model: Any, path: str) -> dict[str, Tensor] | None:
    """A folder's adapter by the names of the model's own, where it has the same base, shape and scale; else None."""
    if not is_adapter(path):
        return None
    own, (settings, *_) = dict(model.named_parameters()), model.peft_config.values()
    other = _peft().PeftConfig.from_pretrained(path)
    same = ("r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "base_model_name_or_path")
    if any(getattr(settings, name, None) != getattr(other, name, None) for name in same):
        return None
    from safetensors.torch import load_file

    saved = load_file(str(Path(path).expanduser() / "adapter_model.safetensors"))
    names = {n: n.replace(".modules_to_save.default", "").replace(".default", "") for n in own if own[n].requires_grad}
    found = {name: saved[key] for name, key in names.items() if key in saved and saved[key].shape == own[name].shape}
    return found if len(found) == len(names) == len(saved) else None


def has_adapter(model: Any) -> bool:
    return hasattr(model, "disable_adapter")


def untouched(model: Any) -> bool:
    """Whether the adapter changes nothing yet: its second factors are zero."""
    factors = [p for name, p in model.named_parameters() if "lora_B" in name or "lora_embedding_B" in name]
    others = [name for name, p in model.named_parameters() if p.requires_grad and "lora_" not in name]
    return not others and all(not bool(p.detach().any()) for p in factors)


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise MissingExtraError("peft", "train", "model.lora") from error
    return peft
