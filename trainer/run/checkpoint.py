"""Checkpoints that resume to the same numbers: weights, optimizer, random states, and the position in the data.

A checkpoint is a folder ``checkpoints/{phase}-{step}``: a standard transformers checkpoint with ``trainer.pt`` beside
it. It is written under another name and renamed when complete, so a folder of that name is always whole.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.sharding import load_optimizer, whole_optimizer, whole_state
from veritune.trainer.stages.interface import Stage
from veritune.trainer.stages.progress import Progress, random_state, set_random_state
from veritune.trainer.stages.table import phase_names


def save_checkpoint(
    folder: Path,
    policy: Policy,
    stage: Stage,
    generator: torch.Generator,
    progress: Progress,
    keep: int,
    world: World = ALONE,
    states: list[dict[str, Any]] | None = None,
) -> Path:
    """Write ``folder/{phase}-{step}`` and remove all but the newest ``keep``; process 0 writes, for every process.

    What is sharded is gathered and written whole: any number of processes, of either strategy, can go on from it.
    ``states``: the random states of all processes, by default as they are now.
    """
    target = folder / f"{progress.phase}-{progress.step:06d}"
    keeping = world.first
    weights = whole_state(policy.model, keeping) if world.sharded else None
    state = {
        "optimizer": _optimizer_state(stage, keeping, world.sharded),
        "random": world.gather(random_state(generator)) if states is None else states,
        "reference": None if stage.reference is None else stage.reference.state(keeping),
        "stage": stage.state(keeping),
    }
    saved = policy if stage.changes_policy else None
    world.only_first(lambda: _write(target, saved, weights, state, progress, keep))
    return target


def write_alone(
    folder: Path, policy: Policy, stage: Stage, progress: Progress, keep: int, states: list[dict[str, Any]]
) -> Path:
    """The same by one process without a meeting, of weights that it holds whole; ``states`` are everybody's."""
    target = folder / f"{progress.phase}-{progress.step:06d}"
    state = {
        "optimizer": _optimizer_state(stage),
        "random": states,
        "reference": None if stage.reference is None else stage.reference.state(),
        "stage": stage.state_alone(),
    }
    _write(target, policy if stage.changes_policy else None, None, state, progress, keep)
    return target


def _optimizer_state(stage: Stage, keep: bool = True, sharded: bool = False) -> dict[str, Any] | None:
    """With the optimizer's kind; None of a stage that has none."""
    if stage.optimizer is None:
        return None
    found = whole_optimizer(stage.optimizer, keep) if sharded else stage.optimizer.state_dict()
    return {**found, "kind": type(stage.optimizer).__name__}


def _write(
    target: Path,
    policy: Policy | None,
    weights: dict[str, torch.Tensor] | None,
    state: dict[str, Any],
    progress: Progress,
    keep: int,
) -> None:
    folder = target.parent
    partial = folder / f".partial-{target.name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        if policy is not None:
            policy.save(partial, weights)
        torch.save(state, partial / "trainer.pt")
        (partial / "progress.json").write_text(json.dumps(vars(progress)) + "\n", encoding="utf-8")
        _sync(partial)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)  # on a full disk it would be in the way of everything else
        raise
    if target.exists():
        shutil.rmtree(target)
    os.replace(partial, target)
    for old in list_checkpoints(folder)[:-keep]:
        shutil.rmtree(old)


def list_checkpoints(folder: Path, order: Sequence[str] | None = None) -> list[Path]:
    """Checkpoints, oldest first, by their names: a damaged one is among them. ``order``: the run's phases, by default
    those of every stage."""
    phases = list(phase_names() if order is None else order)
    found = [
        path for phase in phases for path in folder.glob(f"{phase}-*") if path.name.removeprefix(f"{phase}-").isdigit()
    ]
    return sorted(
        found, key=lambda path: (phases.index(path.name.rpartition("-")[0]), int(path.name.rpartition("-")[2]))
    )


def read_progress(checkpoint: Path) -> Progress:
    return Progress(**json.loads((checkpoint / "progress.json").read_text(encoding="utf-8")))


def read_state(checkpoint: Path) -> dict[str, Any]:
    """What stands beside the weights: optimizer, random states, reference. Tensors are read when they are looked at."""
    state: dict[str, Any] = torch.load(checkpoint / "trainer.pt", map_location="cpu", weights_only=False, mmap=True)
    return state


def load_state(checkpoint: Path, stage: Stage, generator: torch.Generator, world: World = ALONE) -> dict[str, Any]:
    """Restore the optimizer and this process's random states; returns all that the checkpoint holds. Processes beyond
    those that wrote it keep the random state they have."""
    state = read_state(checkpoint)
    if stage.optimizer is not None and state["optimizer"] is not None:
        load_optimizer(stage.optimizer, {k: v for k, v in state["optimizer"].items() if k != "kind"})
    states = state["random"]
    if world.rank < len(states):
        set_random_state(states[world.rank], generator)
    return state


def _sync(folder: Path) -> None:
    """Force files to disk before the rename makes them count."""
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
