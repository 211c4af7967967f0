"""What a run has come to: the model in its folder that somebody wants to talk to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from veritune.plugins import ConfigError, DataError
from veritune.plugins.errors import did_you_mean
from veritune.rewards.composition.yaml import parse_yaml
from veritune.trainer.config import PolicyRunConfig
from veritune.trainer.policy.lora import CONFIG as ADAPTER
from veritune.trainer.run.checkpoint import list_checkpoints
from veritune.trainer.stages.table import parse_run


@dataclass
class Result:
    """A run's configuration, and the folder of the weights that were asked for."""

    config: PolicyRunConfig
    weights: Path
    what: str
    """``the finished model``, ``checkpoint grpo-000040`` …"""

    def loading(self, device: str = "auto") -> PolicyRunConfig:
        """A configuration that loads these weights as the policy, an adapter merged; on a quantised base beside it."""
        model: dict[str, Any] = {"path": str(self.weights), "build": None, "tokenizer": None, "lora": None}
        adapter = (self.weights / ADAPTER).is_file()
        quantize = self.config.model.quantize if adapter else None
        model |= {"adapter": "continue" if quantize else "merge", "quantize": quantize}
        values = {"model": self.config.model.model_copy(update=model), "device": device}
        return self.config.model_copy(update=values)


def find_result(folder: Path, which: str = "newest") -> Result:
    """``which``: ``newest`` (the finished model, else the newest checkpoint), ``best``, or a checkpoint's name.

    ``folder`` may also be one of the folders inside a run. Raises DataError and ConfigError, saying what there is.
    """
    run, inside = _run_of(folder)
    if inside is not None and which == "newest":
        return Result(_config(run), inside, f"{inside.relative_to(run)}")
    config = _config(run)
    found = _weights(run)
    if not found:
        raise DataError(
            f"{run} has no model yet: it ended, or is, before its first checkpoint (checkpoint.every: N writes one "
            "every N steps)"
        )
    if which == "newest":
        name = "model" if "model" in found else next(n for n in reversed(found) if n != "best")
    elif which in found:
        name = which
    else:
        raise DataError(f"{run} has no {which!r}.{did_you_mean(which, found)} It has: {', '.join(found)}")
    what = {"model": "the finished model", "best": "the model of the best evaluation"}
    return Result(config, found[name], what.get(name, f"checkpoint {name}"))


def _run_of(folder: Path) -> tuple[Path, Path | None]:
    """The run's folder, and the model folder inside it where that was named."""
    folder = folder.expanduser()
    if not folder.is_dir():
        raise DataError(f"{str(folder)!r} is not a folder; give the folder of a run (its output: in the config)")
    if (folder / "config.yaml").is_file():
        return folder, None
    for run in folder.absolute().parents[:2]:
        if (run / "config.yaml").is_file() and _holds_a_model(folder):
            return run, folder.absolute()
    nested = sorted(path.parent.name for path in folder.glob("*/config.yaml"))
    if nested:
        raise DataError(f"{str(folder)!r} holds runs and is none: {', '.join(nested[:8])}")
    hint = (
        "; a model's folder alone has no rewards, template or sampling to talk with" if _holds_a_model(folder) else ""
    )
    raise DataError(f"{str(folder)!r} holds no run: config.yaml is not there{hint}")


def _config(run: Path) -> PolicyRunConfig:
    path = run / "config.yaml"
    try:
        values = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(values, dict) or "model" not in values:
        raise ConfigError(f"{path} is not the configuration of a run")
    config = parse_run(values, str(path))
    if not isinstance(config, PolicyRunConfig):
        raise ConfigError(f"{run} is the run of a {config.stage.replace('_', ' ')}, which has no words to say")
    return config


def _weights(run: Path) -> dict[str, Path]:
    """Folders with whole weights, by name, checkpoints oldest first; the finished model last."""
    found = {path.name: path for path in list_checkpoints(run / "checkpoints")}
    found |= {name: run / name for name in ("best", "model")}
    return {name: path for name, path in found.items() if _holds_a_model(path)}


def _holds_a_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("config.json", ADAPTER)) and any(folder.glob("*.safetensors"))
