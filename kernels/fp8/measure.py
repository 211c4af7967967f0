"""Timing a choice once, and remembering it: in the process, and in a file between runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

VARIABLE = "VERITUNE_FP8_CACHE"
KERNELS = 3
"""Raised with every change of ours that may turn a choice: those made before it are forgotten."""
_known: dict[str, dict[str, str]] = {}


def bucket(rows: int) -> int:
    """`rows` rounded up to an eighth of the power of two below it: batches of like size share a choice."""
    if rows <= 1024:
        return 1 << max(0, rows - 1).bit_length()
    step = 1 << ((rows - 1).bit_length() - 4)
    return -(-rows // step) * step


def capturing() -> bool:
    """Whether a CUDA graph is being captured, inside which nothing can be timed."""
    return torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()


def race(runs: Mapping[str, Callable[[], object]], *, rounds: int = 9) -> dict[str, float]:
    """Median milliseconds of each of `runs` on the current device, after two unmeasured calls of each.

    They take turns, in an order that changes every round: the clock that one leaves behind falls on all the others
    alike, where timing one after the other has moved results by 15 %. A pause queued before each call lets the host run
    ahead: what is timed is the device, not the launches.
    """
    names = list(runs)
    for _ in range(2):
        for name in names:
            runs[name]()
    event: Any = torch.cuda.Event
    pause: Any = torch.cuda._sleep
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        shift = turn // 2 % len(names)
        order = names[shift:] + names[:shift]
        for name in reversed(order) if turn % 2 else order:
            start, stop = event(enable_timing=True), event(enable_timing=True)
            pause(4_000_000)
            start.record()
            runs[name]()
            stop.record()
            stop.synchronize()
            times[name].append(start.elapsed_time(stop))
    return {name: sorted(found)[rounds // 2] for name, found in times.items()}


def setting(backend: str) -> str:
    """What a choice depends on beside shape and dtype, as a part of its key; empty for what is usual."""
    forced = os.environ.get("VERITUNE_KERNELS", "auto") if backend == "auto" else backend
    return "" if forced == "auto" else f" {forced}"


def recall(key: str, device: torch.device) -> str | None:
    """The choice remembered under `key` for this kind of device and these versions."""
    return _table(_kind(device)).get(key)


def remember(key: str, choice: str, device: torch.device) -> None:
    """Keeps a choice; writes it beside the others unless the file cannot be written."""
    kind = _kind(device)
    _table(kind)[key] = choice
    path = _path()
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = _read(path)
        whole.setdefault(kind, {})[key] = choice
        part = path.with_suffix(f".{os.getpid()}.tmp")
        part.write_text(json.dumps(whole, indent=1, sort_keys=True), encoding="utf-8")
        part.replace(path)
    except OSError:  # a read-only home: the choice still holds for this process
        return


def _kind(device: torch.device) -> str:
    triton = sys.modules.get("triton")
    versions = f"torch {torch.__version__}, triton {getattr(triton, '__version__', 'absent')}, kernels {KERNELS}"
    return f"{torch.cuda.get_device_name(device)}, {versions}"


def _table(kind: str) -> dict[str, str]:
    if kind not in _known:
        path = _path()
        _known[kind] = {} if path is None else _read(path).get(kind, {})
    return _known[kind]


def _path() -> Path | None:
    """The file: `VERITUNE_FP8_CACHE` (empty for none), else under the user's cache folder."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "veritune" / "fp8.json"


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
