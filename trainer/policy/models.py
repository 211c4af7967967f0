"""The policy: a transformers checkpoint, or a small model made from scratch with its own tokenizer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config import ModelConfig, PolicyRunConfig
from veritune.trainer.data.tasks import Task
from veritune.trainer.policy.architecture import check_architecture, check_build, check_learns
from veritune.trainer.policy.build_checks import (
    attention_trouble,
    check_shapes,
    check_vocabulary,
    rotary_trouble,
    unknown_name,
)
from veritune.trainer.policy.experts.fp8 import experts_to_fp8
from veritune.trainer.policy.experts.products import group_experts
from veritune.trainer.policy.experts.routers import in_bfloat16
from veritune.trainer.policy.experts.routing import follow_routers
from veritune.trainer.policy.fused import fuse_layers
from veritune.trainer.policy.lora import base_of, is_adapter, load_adapter, with_lora
from veritune.trainer.policy.mtp import attach_mtp
from veritune.trainer.policy.mtp_files import load_mtp, save_mtp, split_state
from veritune.trainer.policy.quantized import is_quantized, quantization

SMALL = 5_000_000
"""Below so many parameters a second CPU thread costs more than it gives."""


@dataclass
class Policy:
    """A model with everything needed to run it."""

    model: Any
    tokenizer: Any
    device: torch.device
    eos_ids: list[int]
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    spare: Any = None
    """Of a sharded model, where one is needed: a whole copy on the CPU, for its shape."""
    other: Any = None
    """What the stage's ``reference`` names, found before the run begins, until the reference is made of it."""
    rootless: bool = False
    """Whether the weights under its adapter are in no folder yet."""

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.model.parameters())

    def save(self, folder: Path, state: dict[str, torch.Tensor] | None = None) -> None:
        """A standard checkpoint: ``AutoModelForCausalLM`` and ``AutoTokenizer`` load it. ``state``: the whole weights
        of a model that is sharded."""
        main, modules = split_state(self.model, state)
        self.model.save_pretrained(folder, state_dict=main)
        self.tokenizer.save_pretrained(folder)
        if modules:
            save_mtp(folder, modules, len(self.model.get_decoder().layers))


def load_policy(
    config: PolicyRunConfig, task: Task | None, place: bool = True, say: Callable[[str], None] = lambda text: None
) -> Policy:
    """The model on its device, or not yet (``place``) where it will be sharded. Raises ConfigError.

    ``say`` is told where log-probs have to come from the model's own logits.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    device = pick_device(config.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # where kernels are launched
    if config.model.build is not None:
        tokenizer, model = _build(config.model, task)
    else:
        tokenizer, model = _load(config.model, device, say)
    if config.model.mtp is not None:
        attach_mtp(model, config.model.mtp)
    if config.model.path is not None:
        load_mtp(config.model.path, model, say)
    if tokenizer.eos_token_id is None:
        raise ConfigError("the tokenizer has no end-of-sequence token; completions would never end")
    check_token(tokenizer, tokenizer.eos_token_id, model)
    if not is_quantized(model):  # which is made on its device, in its dtype
        if config.model.dtype == "bfloat16":
            model = in_bfloat16(model)
        if place:
            model.to(device)
    group_experts(model)
    follow_routers(model, config.model.moe)
    reason = check_architecture(model)
    if config.model.attention is not None and config.stage != "select":
        check_learns(model, config.model.attention)
    if reason is not None:
        say(f"log-probs come from the model's own logits, which takes more memory: {reason}")
    if config.model.fused and device.type == "cuda" and not is_quantized(model):
        fuse_layers(model)
    if config.model.fp8:
        _to_fp8(model, device, always=config.model.fp8 == "always")
    rootless = False
    _without_dropout(model)
    if config.model.lora is not None:
        model = with_lora(model, config.model.lora)
        rootless = config.model.path is None or is_adapter(config.model.path)
    elif config.model.adapter == "continue":
        model = load_adapter(model, str(config.model.path), go_on=True)
        _without_dropout(model)
    model.train()  # from_pretrained leaves it off, and layers are checkpointed in training alone
    if config.model.activation_checkpointing:
        enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
        enable()
    policy = Policy(
        model, tokenizer, device, _eos_ids(model, tokenizer), _autocast(config.model, device), rootless=rootless
    )
    if device.type == "cpu":
        torch.set_num_threads(config.threads or (1 if policy.parameters < SMALL else torch.get_num_threads()))
    return policy


def pick_device(name: str) -> torch.device:
    """``auto``: the GPU if there is one. A GPU always comes with its index: ``cuda`` is the current one.

    Raises ConfigError where the named device is absent, or of a kind that the trainer does not run on.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device {name!r} is unknown; use auto, cpu, cuda or cuda:N") from error
    if device.type == "cpu":
        return torch.device("cpu")
    if device.type != "cuda":
        raise ConfigError(f"device {name!r}: the trainer runs on CPUs and CUDA devices; use auto, cpu, cuda or cuda:N")
    if not torch.cuda.is_available():
        raise ConfigError(f"device {name!r}: this machine has no usable CUDA device; use device: cpu")
    index = torch.cuda.current_device() if device.index is None else device.index
    if index >= torch.cuda.device_count():
        raise ConfigError(f"device {name!r}: this machine has {torch.cuda.device_count()} CUDA devices, from cuda:0 on")
    return torch.device("cuda", index)


def make_tokenizer(vocabulary: Sequence[str]) -> Any:
    """A tokenizer whose tokens are exactly these strings, the longest match first; anything else is ``<unk>``."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    specials = ["<pad>", "<eos>", "<unk>"]
    tokens = [*specials, *dict.fromkeys(t for t in vocabulary if t not in specials)]
    core = Tokenizer(models.WordLevel({t: i for i, t in enumerate(tokens)}, unk_token="<unk>"))
    longer = sorted((t for t in tokens if len(t) > 1), key=len, reverse=True)
    pattern = "|".join([*(re.escape(t) for t in longer), r"[\s\S]"])
    core.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        eos_token="<eos>",
        unk_token="<unk>",
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def _build(config: ModelConfig, task: Task | None) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    assert config.build is not None
    if config.tokenizer is not None:
        tokenizer = _tokenizer(config.tokenizer)
    elif task is not None:
        tokenizer = make_tokenizer(task.vocabulary())
    else:
        raise ConfigError("model.build without a task needs model.tokenizer")
    fields = dict(config.build)
    kind = fields.pop("model_type")
    if kind not in CONFIG_MAPPING:
        raise ConfigError(f"model.build.model_type: unknown {kind!r}.{did_you_mean(kind, CONFIG_MAPPING.keys())}")
    ids = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    check_shapes(kind, fields, 0 if config.mtp is None else config.mtp.depth)
    check_vocabulary(fields, len(tokenizer))
    try:
        made = CONFIG_MAPPING[kind](**{**ids, **fields, "vocab_size": len(tokenizer)})
        check_build(kind, fields, made)
        return tokenizer, AutoModelForCausalLM.from_config(made, attn_implementation=config.attention)
    except ConfigError:
        raise
    except Exception as error:  # transformers checks little of it, and each architecture in its own words
        known = attention_trouble(config.attention, kind, error) or rotary_trouble(fields, error)
        known = known or unknown_name(fields, error)
        words = f"model.build: no {kind} can be made of it: {type(error).__name__}: {error}"
        raise ConfigError(known or words) from error


def _load(config: ModelConfig, device: torch.device, say: Callable[[str], None]) -> tuple[Any, Any]:
    from safetensors import SafetensorError

    assert config.path is not None
    for path in filter(None, [config.path, config.tokenizer]):
        if looks_like_a_folder(path) and not Path(path).expanduser().is_dir():
            raise ConfigError(f"model: there is no folder {path!r}")
    if config.adapter == "continue" and not is_adapter(config.path):
        raise ConfigError(f"model.adapter: continue, but {config.path!r} holds no adapter (no adapter_config.json)")
    try:
        tokenizer = _tokenizer(config.tokenizer or config.path)
        how = {} if config.quantize is None else quantization(config.quantize, device)
        if how and config.dtype == "bfloat16":
            how["dtype"] = torch.bfloat16
        model = load_weights_of(config.path, config.attention, config.adapter == "continue", say, how)
    except ConfigError:
        raise
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        trouble = attention_trouble(config.attention, config.path, error)
        if trouble is None and isinstance(error, ImportError):
            raise
        raise (_not_loaded(config.path, error) if trouble is None else ConfigError(trouble)) from error
    return tokenizer, model


def _tokenizer(path: str) -> Any:
    """Raises ConfigError where there is none: of some architectures transformers then makes one that knows no text."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    if not tokenizer.get_vocab().keys() - tokenizer.get_added_vocab().keys():
        raise ConfigError(f"{path!r} holds no tokenizer (tokenizer.json); name one by model.tokenizer")
    return tokenizer


def check_token(tokenizer: Any, token: int, model: Any, where: str = "") -> None:
    """Raise ConfigError for a token that the model has no embedding of: its tokenizer is another model's."""
    rows = int(model.get_input_embeddings().num_embeddings)
    if token >= rows:
        raise ConfigError(
            f"{where}the tokenizer's {tokenizer.convert_ids_to_tokens(token)!r} is token {token}, and the model has an "
            f"embedding of {rows} tokens: they are not of one another"
        )


def _not_loaded(path: str, error: Exception) -> ConfigError:
    """Of a name that is no folder here, with what to do where the hub does not have it or is not to be reached."""
    if Path(path).expanduser().is_dir():
        return ConfigError(f"cannot load the model {path!r}: {error}")
    first = (str(error).splitlines() or [""])[0]
    return ConfigError(
        f"cannot load the model {path!r}: no such folder here, and from the hub it did not come: {first[:300]}\n"
        "  without a network, give the folder of a model; a name is org/name, as on the hub"
    )


def load_weights_of(
    path: str,
    attention: str | None = None,
    keep: bool = False,
    say: Callable[[str], None] = lambda text: None,
    how: Mapping[str, Any] | None = None,
) -> Any:
    """The model of a folder or hub name. An adapter's base with the adapter merged in, or (``keep``) without it.

    ``how``: further arguments of ``from_pretrained``. Raises ConfigError where a quantised base would take a merge.
    """
    from transformers import AutoModelForCausalLM

    if not is_adapter(path):
        options = {"dtype": torch.float32, "attn_implementation": attention, **(how or {})}
        model, report = AutoModelForCausalLM.from_pretrained(path, output_loading_info=True, **options)
        missing = sorted(map(str, report["missing_keys"]))
        if missing:
            raise ConfigError(
                f"cannot load the model {path!r}: it lacks {len(missing)} of the weights of {type(model).__name__}, "
                f"such as {missing[0]}, which would be random"
            )
        return model
    base = base_of(path)
    if not keep and how:
        raise ConfigError(
            f"model.quantize: {path} is an adapter on {base}, and merging it into weights of a few bits loses some; "
            "go on with it (adapter: continue), or start from a merged model (a run with lora.save: merged)"
        )
    model = load_weights_of(base, attention, False, say, how)
    if keep:
        say(f"model.path is an adapter on {base}: it is trained further")
        return model
    say(f"model.path is an adapter on {base}: it is merged into the weights, which are the new base")
    return load_adapter(model, path, go_on=False)


def looks_like_a_folder(path: str) -> bool:
    """Whether a name can only be a folder's: no hub has names like it."""
    return Path(path).expanduser().is_absolute() or path.startswith((".", "~")) or path.count("/") > 1


def load_other(path: str, config: ModelConfig, policy: Policy) -> Any:
    """A model of the policy's vocabulary, on the CPU: what a folder or hub name holds, its adapter merged in.

    Raises ConfigError.
    """
    try:
        model = load_weights_of(path, config.attention)
    except (OSError, ValueError) as error:
        raise _not_loaded(path, error) from error
    sizes = [m.get_input_embeddings().num_embeddings for m in (model, policy.model)]
    if sizes[0] != sizes[1]:
        raise ConfigError(f"{path!r} has a vocabulary of {sizes[0]} tokens, and the policy one of {sizes[1]}")
    if config.dtype == "bfloat16":
        model = in_bfloat16(model)
    group_experts(model)
    follow_routers(model, None)
    try:
        check_architecture(model)
    except ConfigError as error:
        raise ConfigError(f"{path!r}: {error}") from error
    _without_dropout(model)
    return model


def _without_dropout(model: Any) -> None:
    """No noise in training: the policy that is updated is the one that sampled."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for name in ("dropout", "attention_dropout"):  # attention reads it as a number
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def _to_fp8(model: Any, device: torch.device, always: bool) -> None:
    """Linear layers and routed experts in FP8, in place; their weights stay what they are."""
    from veritune.kernels.fp8.convert import convert_to_fp8
    from veritune.kernels.fp8.linear import FP8Recipe

    capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else (0, 0)
    if capability < (9, 0):
        raise ConfigError(f"model.fp8 needs an H100 or newer (compute capability 9.0), this is {device} {capability}")
    recipe = FP8Recipe("always" if always else "auto")
    convert_to_fp8(model, recipe=recipe)
    experts_to_fp8(model, recipe)


def _eos_ids(model: Any, tokenizer: Any) -> list[int]:
    own = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ids = own if isinstance(own, list) else [own]
    return [int(i) for i in dict.fromkeys([tokenizer.eos_token_id, *ids]) if i is not None]


def _autocast(config: ModelConfig, device: torch.device) -> Callable[[], AbstractContextManager[Any]]:
    if config.dtype == "auto" and device.type == "cuda" and torch.cuda.is_bf16_supported():
        return lambda: torch.autocast("cuda", torch.bfloat16)
    return nullcontext


def positions_of(model: Any) -> int | None:
    """How many positions the model has; None where its architecture sets no limit."""
    config = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
    found = getattr(config, "max_position_embeddings", None)
    return int(found) if isinstance(found, int) and found > 0 else None
