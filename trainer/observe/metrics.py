"""What a run writes while it runs: metrics as JSON lines, completions as Parquet, a line of progress."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # reports are written where it is not installed
    import torch


class Observer(Protocol):
    """Receives every line of metrics. A few lines adapt any tracker."""

    def log(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


class JsonLines:
    """``metrics.jsonl``: one object a line, flushed at once; a number that is not finite is written as null."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8", errors="replace")

    def log(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None:
        record = {"phase": phase, "step": step, **{k: _plain(v) for k, v in metrics.items()}}
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of ``metrics.jsonl``; one cut by a crash, or that no run wrote, is left out."""
    records = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and {"phase", "step"} <= record.keys():
                records.append(record)
    return records


def split_sets(metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of an evaluation of several held-out sets: each set's metrics by its name, from ``eval/NAME/METRIC``."""
    sets: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, value in metrics.items():
        if key.startswith("eval/"):
            name, _, metric = key.removeprefix("eval/").partition("/")
            sets[name][metric] = value
    return dict(sets)


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
    names = dict.fromkeys(name for record in records for name in record)  # pyarrow takes those of the first
    rows = [{name: _written(record.get(name)) for name in names} for record in records]
    parquet.write_table(pyarrow.Table.from_pylist(rows), partial)
    partial.replace(folder / f"{name}.parquet")


class Clock:
    """Seconds a phase of a step. A phase within another counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._within = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        begun, outside, self._within = time.perf_counter(), self._within, 0.0
        try:
            yield
        finally:
            spent = time.perf_counter() - begun
            self.seconds[name] += spent - self._within
            self._within = outside + spent

    def metrics(self) -> dict[str, float]:
        return {f"seconds/{name}": seconds for name, seconds in self.seconds.items()}


def peak_memory(device: torch.device) -> float:
    """Peak memory in MiB: allocated on the GPU, or resident on the CPU."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device) / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _written(value: Any) -> Any:
    """A text as a file takes it: halves of surrogate pairs, which reasons may quote of a program, as ``?``."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()
    return value


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
