"""The state of the last whole step, ready to be saved whatever ends the run in the middle of the next one."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from veritune.plugins import RunError, VerituneError
from veritune.plugins.errors import words_of
from veritune.plugins.places import place_of
from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.weights import all_finite
from veritune.trainer.run.checkpoint import list_checkpoints, save_checkpoint, write_alone
from veritune.trainer.stages.interface import Stage
from veritune.trainer.stages.progress import Progress, random_state


@dataclass
class Rescue:
    """Keeps what a step changes before it is whole: random states and the position in the data.

    Weights and optimizer are the last step's until the update begins, which the optimizer itself tells.
    """

    folder: Path
    policy: Policy
    generator: torch.Generator
    keep: int
    world: World
    progress: Progress = field(default_factory=Progress)
    order: Sequence[str] | None = None
    """The run's phases."""
    stage: Stage | None = None
    states: list[dict[str, Any]] = field(default_factory=list)
    moved: bool = False
    """Whether the update of the next step has begun."""

    def watch(self, stage: Stage, progress: Progress) -> None:
        """A stage begins, or goes on."""

        def begins(*_: Any) -> None:
            self.moved = True

        if stage.optimizer is not None:
            stage.optimizer.register_step_pre_hook(begins)
        self.stage = stage
        self.mark(progress)

    def mark(self, progress: Progress, state: dict[str, Any] | None = None) -> None:
        """A step is whole. A meeting of all processes. ``state``: the random states to go on with, by default now's."""
        self.states = self.world.gather(random_state(self.generator) if state is None else state)
        self.progress, self.moved = replace(progress), False

    def save(self, together: bool) -> str:
        """Save it, and say so; or why not. ``together``: all processes are here, for the same reason."""
        if self.stage is None:
            return "the run had not begun: there is nothing to save"
        at = f"{self.progress.phase} step {self.progress.step}"
        target = self.folder / f"{self.progress.phase}-{self.progress.step:06d}"
        again = f"go on with resume=true output={self.folder.parent}"
        if target.is_dir():
            return f"the state after {at} is in {target}; {again}"
        if not self.world.sharded and not self.world.first:
            return f"process 0 saves the state, where it is still there; {again}"
        if self.world.sharded and not together:
            return f"the state of one process cannot be gathered from here; {self._newest()}"
        if not self._finite():
            return f"the weights are not finite and not worth keeping; {self._newest()}"
        try:
            self._save(target)
        except Exception as error:  # what the disk or a library raises: the first error is the one to tell
            reason = disk_trouble(error) or f"{type(error).__name__}: {error}"
            return f"the state could not be saved ({reason}); {self._newest()}"
        middle = " and part of the next step's update" if self.moved else ""
        return f"the state after {at}{middle} is saved in {target}; {again}"

    def _save(self, target: Path) -> None:
        try:
            self._write()
        except Exception as error:
            older = list_checkpoints(self.folder, self.order)[:-1]
            if disk_trouble(error) is None or not older:
                raise
            for path in older:  # the newest stays until the state is saved
                shutil.rmtree(path)
            self._write()

    def _write(self) -> None:
        assert self.stage is not None
        given = self.folder, self.policy, self.stage
        if self.world.sharded:
            save_checkpoint(*given, self.generator, self.progress, self.keep, self.world, self.states)
        elif self.world.first:
            write_alone(*given, self.progress, self.keep, self.states)

    @torch.no_grad()
    def _finite(self) -> bool:
        """Whether the weights are numbers, and what they compute too."""
        finite = all_finite(self.policy.model.parameters())
        if self.world.sharded:  # all are here
            return not self.world.any(not finite)
        if not finite:
            return False
        ids = torch.tensor([[self.policy.eos_ids[0] if self.policy.eos_ids else 0] * 2], device=self.policy.device)
        with self.policy.autocast():
            return bool(torch.isfinite(self.policy.model(input_ids=ids).logits).all())

    def _newest(self) -> str:
        found = list_checkpoints(self.folder, self.order)
        if not found:
            return "there is no checkpoint"
        return f"the newest checkpoint is {found[-1]}; go on with resume=true output={self.folder.parent}"


_TORCH_WRITES = ("PytorchStreamWriter", "file write failed", "inline_container")
"""What is in torch.save's errors where the disk took less than it was given: it raises RuntimeError."""


def disk_trouble(error: BaseException | None) -> str | None:
    """Why a file could not be written, where that was the disk's doing: full, over quota, read-only, too large."""
    known = {
        errno.ENOSPC: "no space left on the disk",
        errno.EDQUOT: "over the disk's quota",
        errno.EROFS: "the disk is read-only",
        errno.EFBIG: "a file would be larger than this process may write (ulimit -f)",
        errno.EIO: "the disk failed",
    }
    while error is not None:
        if isinstance(error, OSError) and error.errno in known:
            return known[error.errno]
        text = words_of(error)
        for number, found in known.items():  # libraries of other languages tell it in words
            if f"os error {number})" in text:
                return found
        if any(sign in text for sign in _TORCH_WRITES):
            return "the disk takes no more"
        error = error.__cause__ or error.__context__
    return None


def as_run_error(error: BaseException, world: World = ALONE) -> BaseException:
    """A full disk, memory that ran out, a process that is gone and ``sys.exit`` in somebody's code as sentences;
    everything else as it is."""
    if isinstance(error, SystemExit):
        return RunError(f"the run was left by sys.exit({error.code!r}) at {place_of(error)}")
    trouble = disk_trouble(error) if isinstance(error, Exception) else None
    if isinstance(error, VerituneError) or not isinstance(error, Exception):
        return error
    if trouble is not None:
        return RunError(f"{trouble}: {error}")
    lost = world.lost(error)
    if lost is not None:
        return RunError(lost)
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "DefaultCPUAllocator" in words_of(error):
        first = (str(error).splitlines() or [""])[0]
        return RunError(
            f"out of memory: {first[:300]}\n  lower grpo.micro_batch_tokens, sampling.batch or sampling.max_tokens; "
            "model.lora and model.activation_checkpointing take less too"
        )
    return error


@contextmanager
def lost_as_sentence(world: World) -> Iterator[None]:
    """The processes part in the end. Raises RunError where one of them is gone outside of a run's steps."""
    try:
        yield
    except Exception as error:
        lost = world.lost(error)
        if lost is None:
            raise
        raise RunError(lost) from error
    finally:
        world.close()
