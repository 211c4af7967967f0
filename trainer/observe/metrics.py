"""What a run writes while it runs: metrics as JSON lines, completions as Parquet, a line of progress."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch

from veritune.plugins import MissingExtraError


class Observer(Protocol):
    """Receives every line of metrics. A few lines adapt any tracker."""

    def log(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


class JsonLines:
    """``metrics.jsonl``: one object a line, flushed at once; a number that is not finite is written as null."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")

    def log(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None:
        record = {"phase": phase, "step": step, **{k: _plain(v) for k, v in metrics.items()}}
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class TensorBoard:
    """TensorBoard event files in the run folder."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("tensorboard", "tensorboard", "log.to: tensorboard") from error
        self._writer: Any = SummaryWriter(str(folder / "tensorboard"))

    def log(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None:
        for name, value in metrics.items():
            if isinstance(value, int | float) and math.isfinite(value):
                self._writer.add_scalar(f"{phase}/{name}", value, step)

    def close(self) -> None:
        self._writer.close()


class Tracker:
    """Weights & Biases or Trackio, which share their interface."""

    def __init__(self, package: str, folder: Path, config: Mapping[str, Any]) -> None:
        import importlib

        try:
            module = importlib.import_module(package)
        except ImportError as error:
            raise MissingExtraError(package, package, f"log.to: {package}") from error
        options = {"dir": str(folder)} if package == "wandb" else {}
        self._run: Any = module.init(project="veritune", name=folder.name, config=dict(config), **options)
        self._module: Any = module

    def log(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None:
        numbers = {f"{phase}/{k}": v for k, v in metrics.items() if isinstance(v, int | float)}
        self._module.log({**numbers, f"{phase}/step": step})

    def close(self) -> None:
        self._module.finish()


def make_observers(folder: Path, names: Sequence[str], config: Mapping[str, Any]) -> list[Observer]:
    """JSON lines always, then what ``log.to`` names. Raises MissingExtraError."""
    observers: list[Observer] = [JsonLines(folder / "metrics.jsonl")]
    for name in names:
        observers.append(TensorBoard(folder) if name == "tensorboard" else Tracker(name, folder, config))
    return observers


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of ``metrics.jsonl``; a last line cut by a crash is left out."""
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records


def forget_after(path: Path, order: Sequence[str], phase: str, step: int) -> None:
    """Remove the lines of steps that a resumed run will do again."""
    if not path.is_file():
        return
    kept = [r for r in read_metrics(path) if _done(r, order, phase, step)]
    partial = path.with_suffix(".partial")
    partial.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in kept), encoding="utf-8")
    partial.replace(path)


def _done(record: Mapping[str, Any], order: Sequence[str], phase: str, step: int) -> bool:
    at = str(record.get("of", record["phase"]))
    return (order.index(at), int(record["step"])) <= (order.index(phase), step)


def write_completions(folder: Path, name: str, records: Sequence[Mapping[str, Any]]) -> None:
    """``completions/{name}.parquet``, whole or not at all."""
    import pyarrow
    import pyarrow.parquet as parquet

    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".partial-{name}"
    parquet.write_table(pyarrow.Table.from_pylist([dict(r) for r in records]), partial)
    partial.replace(folder / f"{name}.parquet")


class Clock:
    """Seconds a phase of a step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - begun

    def metrics(self) -> dict[str, float]:
        return {f"seconds/{name}": seconds for name, seconds in self.seconds.items()}


def peak_memory(device: torch.device) -> float:
    """Peak memory in MiB: allocated on the GPU, or resident on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
