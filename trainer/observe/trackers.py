"""Experiment trackers beside ``metrics.jsonl``: TensorBoard, Weights & Biases, Trackio."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from veritune.plugins import MissingExtraError
from veritune.trainer.config.machine import LogConfig
from veritune.trainer.observe.metrics import JsonLines, Observer

WANDB_ID = "wandb_id.txt"
"""In a run's folder: its name at Weights & Biases, so that a resumed run goes on there."""


class TensorBoard:
    """TensorBoard event files in the run folder."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("tensorboard", "tensorboard", "log.to: tensorboard") from error
        self._writer: Any = SummaryWriter(str(folder / "tensorboard"))

    def log(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None:
        for name, value in numbers(phase, metrics).items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class Wandb:
    """Weights & Biases, online or offline as WANDB_MODE says. Each phase has its own step as its axis."""

    def __init__(self, folder: Path, config: Mapping[str, Any], log: LogConfig) -> None:
        module = _package("wandb")
        kept = folder / WANDB_ID
        name = kept.read_text(encoding="utf-8").strip() if kept.is_file() else ""
        known = {"id": name, "resume": "allow"} if name else {}
        self._run: Any = module.init(
            project=log.project, name=log.name or folder.name, config=dict(config), dir=str(folder), **known
        )
        kept.write_text(f"{self._run.id}\n", encoding="utf-8")
        self._phases: set[str] = set()

    def log(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None:
        axis = f"{phase}/step"
        if phase not in self._phases:
            self._phases.add(phase)
            self._run.define_metric(axis, hidden=True)
            for names in (f"{phase}/*", *(["eval/*"] if phase == "evaluation" else [])):
                self._run.define_metric(names, step_metric=axis)
        found = numbers(phase, metrics)
        if found:  # a warning has none
            self._run.log({**found, axis: step})

    def close(self) -> None:
        self._run.finish()


class Trackio:
    """Trackio. A resumed run goes on under its name."""

    def __init__(self, folder: Path, config: Mapping[str, Any], log: LogConfig) -> None:
        self._module: Any = _package("trackio")
        resume = "allow" if config.get("resume") else "never"
        self._module.init(project=log.project, name=log.name or folder.name, config=dict(config), resume=resume)

    def log(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None:
        self._module.log({**numbers(phase, metrics), f"{phase}/step": step})

    def close(self) -> None:
        self._module.finish()


def numbers(phase: str, metrics: Mapping[str, Any]) -> dict[str, float]:
    """What trackers take, under the phase's name; a held-out set's metrics have a place of their own (``eval/``)."""
    return {
        key if key.startswith("eval/") else f"{phase}/{key}": value
        for key, value in metrics.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def make_observers(folder: Path, config: Mapping[str, Any], log: LogConfig) -> list[Observer]:
    """JSON lines always, then what ``log.to`` names. Raises MissingExtraError."""
    observers: list[Observer] = [JsonLines(folder / "metrics.jsonl")]
    for name in log.to:
        if name == "tensorboard":
            observers.append(TensorBoard(folder))
        else:
            observers.append((Wandb if name == "wandb" else Trackio)(folder, config, log))
    return observers


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(name, name, f"log.to: {name}") from error
