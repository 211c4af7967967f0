"""Checkpoints that resume to the same numbers: weights, optimizer, random states, and the position in the data.

A checkpoint is a folder ``checkpoints/{phase}-{step}``: a standard transformers checkpoint with ``trainer.pt`` beside
it. It is written under another name and renamed when complete, so a folder of that name is always whole.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from veritune.plugins import ConfigError
from veritune.trainer.distributed import ALONE, World
from veritune.trainer.models import Policy
from veritune.trainer.reference import Reference
from veritune.trainer.sharding import load_optimizer, whole_optimizer, whole_state

PHASES = ("warmup", "grpo")


@dataclass
class Progress:
    """Where a run stands: ``step`` steps of ``phase`` are done, ``position`` rows have been used."""

    phase: str = "warmup"
    step: int = 0
    position: int = 0

    def order(self) -> tuple[int, int]:
        return PHASES.index(self.phase), self.step


def save_checkpoint(
    folder: Path,
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    progress: Progress,
    keep: int,
    reference: Reference | None = None,
    world: World = ALONE,
) -> Path:
    """Write ``folder/{phase}-{step}`` and remove all but the newest ``keep``; process 0 writes, for every process.

    What is sharded is gathered and written whole: any number of processes, of either strategy, can go on from it.
    """
    target = folder / f"{progress.phase}-{progress.step:06d}"
    keeping = world.first
    weights = whole_state(policy.model, keeping) if world.sharded else None
    state = {
        "optimizer": whole_optimizer(optimizer, keeping) if world.sharded else optimizer.state_dict(),
        "random": world.gather(random_state(generator)),
        "reference": None if reference is None else reference.state(keeping),
    }
    world.only_first(lambda: _write(target, policy, weights, state, progress, keep))
    return target


def save_model(folder: Path, policy: Policy, world: World = ALONE) -> None:
    """The whole model and its tokenizer, written by process 0."""
    weights = whole_state(policy.model, world.first) if world.sharded else None
    world.only_first(lambda: policy.save(folder, weights))


def random_state(generator: torch.Generator) -> dict[str, Any]:
    """Every random state of this process."""
    return {
        "generator": generator.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        "python": random.getstate(),
    }


def _write(
    target: Path,
    policy: Policy,
    weights: dict[str, torch.Tensor] | None,
    state: dict[str, Any],
    progress: Progress,
    keep: int,
) -> None:
    folder = target.parent
    partial = folder / f".partial-{target.name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    policy.save(partial, weights)
    torch.save(state, partial / "trainer.pt")
    (partial / "progress.json").write_text(json.dumps(vars(progress)) + "\n", encoding="utf-8")
    _sync(partial)
    if target.exists():
        shutil.rmtree(target)
    os.replace(partial, target)
    for old in list_checkpoints(folder)[:-keep]:
        shutil.rmtree(old)


def list_checkpoints(folder: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    found = [path for phase in PHASES for path in sorted(folder.glob(f"{phase}-*")) if (path / "trainer.pt").is_file()]
    return sorted(found, key=lambda path: read_progress(path).order())


def read_progress(checkpoint: Path) -> Progress:
    return Progress(**json.loads((checkpoint / "progress.json").read_text(encoding="utf-8")))


def load_weights(checkpoint: Path, model: Any) -> None:
    """Load a checkpoint's weights into a model of the same shape. Raises ConfigError where they do not fit."""
    from safetensors.torch import load_file, load_model

    adapter = checkpoint / "adapter_model.safetensors"
    if adapter.is_file() != hasattr(model, "disable_adapter"):
        raise ConfigError(f"the checkpoint {checkpoint} is of another model: with LoRA against without it")
    if adapter.is_file():
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(model, load_file(str(adapter)))
        return
    files = sorted(checkpoint.glob("*.safetensors"))
    try:
        if len(files) == 1:
            load_model(model, str(files[0]), device=str(next(model.parameters()).device))
        else:
            _load_shards(files, model)
    except RuntimeError as error:
        raise ConfigError(f"the checkpoint {checkpoint} is of another model: {error}") from error
    model.tie_weights()


def load_state(
    checkpoint: Path, optimizer: torch.optim.Optimizer, generator: torch.Generator, world: World = ALONE
) -> tuple[Any, int]:
    """Restore optimizer and this process's random states; returns the reference model's weights, if there were any,
    and the number of processes that wrote the checkpoint. Processes beyond those keep the random state they have."""
    state = torch.load(checkpoint / "trainer.pt", map_location="cpu", weights_only=False, mmap=True)
    load_optimizer(optimizer, state["optimizer"])
    states = state["random"]
    if world.rank < len(states):
        own = states[world.rank]
        generator.set_state(own["generator"])
        torch.set_rng_state(own["torch"])
        if torch.cuda.is_available() and own["cuda"] is not None:
            torch.cuda.set_rng_state(own["cuda"])
        random.setstate(own["python"])
    return state["reference"], len(states)


def check_folder(folder: Path, parameters: int) -> None:
    """Raise ConfigError where the run folder cannot be written or has no room for two checkpoints."""
    needed = 2 * parameters * 4 * 3 + 64 * 2**20  # float32 weights and two Adam moments, twice; and the logs
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"0" * 4096)
        probe.unlink()
    except OSError as error:
        raise ConfigError(
            f"cannot write to the output folder {str(folder)!r}: {error.strerror}. Choose another with output=FOLDER"
        ) from error
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit != resource.RLIM_INFINITY and limit < parameters * 4 * 2:
        raise ConfigError(
            f"files of this process may have at most {limit / 2**20:.0f} MiB (ulimit -f), and a checkpoint's optimizer "
            f"takes {parameters * 8 / 2**20:.0f} MiB; raise the limit with ulimit -f unlimited"
        )
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ConfigError(
            f"the output folder {str(folder)!r} has {free / 2**20:.0f} MiB free, and checkpoints and logs need about "
            f"{needed / 2**20:.0f} MiB. Free some space or choose another folder with output=FOLDER"
        )


def _load_shards(files: list[Path], model: Any) -> None:
    from safetensors.torch import load_file

    weights: dict[str, torch.Tensor] = {}
    for file in files:
        weights.update(load_file(str(file)))
    missing, unexpected = model.load_state_dict(weights, strict=False)
    tied = set(getattr(model, "_tied_weights_keys", None) or [])
    if unexpected or set(missing) - tied:
        raise RuntimeError(f"missing {sorted(set(missing) - tied)[:3]}, unexpected {unexpected[:3]}")


def _sync(folder: Path) -> None:
    """Force files to disk before the rename makes them count."""
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
