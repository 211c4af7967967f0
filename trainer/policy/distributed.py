"""Several processes doing one process's work: who draws, scores and trains what, and how the parts become one again.

Each process draws its part of the completions and scores its part of the groups; then every process has all of them, so
advantages, denominators, dynamic sampling and metrics are those of one process by construction. It back-propagates its
part of the rows, balanced by length.

``ddp``: each process holds the whole model, and gradients are summed once an optimizer step. They are summed here, not
by DistributedDataParallel's hooks, because processes differ in their number of forward passes: rows without advantage
are not run. ``fsdp2``: each holds a part of every parameter, gradient and moment, and all make as many passes. In a
pipeline each holds some of the layers, and all work on the same rows.

``accelerate launch`` and ``torchrun`` both set the variables read here. One process pays nothing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh

from veritune.plugins import ConfigError, VerituneError
from veritune.trainer.config import Gather, Strategy
from veritune.trainer.config.pipeline import PipelineConfig
from veritune.trainer.policy.lost import Place, gone, is_lost, place_here
from veritune.trainer.policy.pipeline.cut import cut
from veritune.trainer.policy.pipeline.places import stages_of
from veritune.trainer.policy.sharding import fits_whole, gathered_once, shard

T = TypeVar("T")
PATIENCE = timedelta(hours=2)
"""How long a process waits for the others: one may draw or score much longer."""
BUCKET = 2**25
"""Numbers summed in one message."""


@dataclass(frozen=True)
class World:
    """The processes of a run; the default is one process alone. Every method but :meth:`part` and :meth:`share` is a
    meeting: all processes must call it, in the same order."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    objects: Any = None
    """The gloo group that Python objects travel through."""
    mesh: Any = None
    """The device mesh that models are sharded over; None where every process holds them whole."""
    gathering: Gather = "auto"
    """How long a sharded model's weights stay whole: for an optimizer step, for a layer, or by the room there is."""
    pipeline: PipelineConfig | None = None
    """How the layers are spread, where they are a pipeline's."""
    places: tuple[Place, ...] = ()
    """Where the processes are."""

    def lost(self, error: BaseException) -> str | None:
        """Of an error of a connection: which process is gone, and what it did here. None of any other error."""
        if self.size == 1 or not is_lost(error):
            return None
        ranks = gone(self.places)
        if not ranks:
            first = (str(error).splitlines() or [""])[0][:200]
            return f"{self._named(self.rank)} waits for another one that is gone, or cannot be reached: {first}"
        names = " and ".join(map(self._named, ranks))
        return (
            f"{names} {'is' if len(ranks) == 1 else 'are'} gone, and {self._named(self.rank)} cannot go on alone. It "
            "was killed (by the system, where memory runs out: it says nothing then), or its own error stands above"
        )

    def _named(self, rank: int) -> str:
        if self.pipeline is None:
            return f"process {rank} of {self.size}"
        stages = stages_of(rank, self.pipeline)
        numbers = " and ".join(map(str, stages))
        return f"process {rank} of {self.size} (pipeline stage{'s' * (len(stages) > 1)} {numbers})"

    def beside(self) -> World:
        """The same processes for another thread, whose meetings are its own."""
        if self.size == 1:
            return self
        return replace(self, objects=dist.new_group(backend="gloo", timeout=PATIENCE))

    @property
    def sharded(self) -> bool:
        """Whether no process holds the whole model."""
        return self.mesh is not None or self.pipeline is not None

    @property
    def kind(self) -> str:
        """How several processes train one model, in a word."""
        return "a pipeline" if self.pipeline is not None else "FSDP2" if self.sharded else "DDP"

    @property
    def first(self) -> bool:
        return self.rank == 0

    @property
    def device_here(self) -> torch.device:
        """Where this process's part of a pipeline is."""
        gpu = self.size > 1 and dist.get_backend() == "nccl"
        return torch.device("cuda", torch.cuda.current_device()) if gpu else torch.device("cpu")

    def device(self, name: str) -> str:
        """The device of this process: with several, ``auto`` and ``cuda`` are the GPU of its local rank."""
        if self.size > 1 and name in ("auto", "cuda") and torch.cuda.is_available():
            return f"cuda:{self.local_rank}"
        return name

    def gather(self, value: T) -> list[T]:
        """Everybody's value, by rank."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value, group=self.objects)
        return found

    def run(self, work: Callable[[], T]) -> list[T]:
        """Everybody's result. An error in one process is an error in all: nobody waits for one that is gone."""
        if self.size == 1:
            return [work()]
        error: Exception | None = None
        result: Any = None
        try:
            result = work()
        except Exception as raised:
            error = raised
        answers = self.gather((result, None if error is None else f"{type(error).__name__}: {error}"))
        if error is not None:
            raise _met(error)
        for rank, (_, message) in enumerate(answers):
            if message is not None:
                raise _met(VerituneError(f"process {rank} stopped with {message}"))
        return [value for value, _ in answers]

    def only_first(self, work: Callable[[], T]) -> T:
        """The result of process 0, which alone does the work."""
        return self.run(lambda: work() if self.first else None)[0]  # type: ignore[return-value]

    def any(self, flag: bool) -> bool:
        return any(self.gather(flag))

    def part(self, count: int) -> range:
        """This process's contiguous part of ``range(count)``; parts differ by at most one."""
        small, extra = divmod(count, self.size)
        begin = self.rank * small + min(self.rank, extra)
        return range(begin, begin + small + (self.rank < extra))

    def share(self, rows: Sequence[int], lengths: Sequence[int]) -> list[int]:
        """This process's rows, such that all processes have about as many tokens: the longest goes to the idlest."""
        if self.size == 1:
            return list(rows)
        loads, mine = [0] * self.size, []
        for row in sorted(rows, key=lambda r: (-lengths[r], r)):
            rank = loads.index(min(loads))
            loads[rank] += lengths[row]
            if rank == self.rank:
                mine.append(row)
        return sorted(mine)

    def even(self, cuts: list[list[int]]) -> list[list[int]]:
        """This process's micro-batches, with sharded models as many as everybody's: empty ones at the end."""
        if not self.sharded:
            return cuts
        most = max(self.gather(len(cuts)))
        return cuts + [[] for _ in range(most - len(cuts))]

    def passes(self, model: Any, cuts: Sequence[T]) -> Iterable[T]:
        """The micro-batches of one optimizer step, or of passes without gradient, in which the weights do not change:
        to be run one after the other, by all processes the same number."""
        if not self.sharded or self.gathering == "layer":
            return cuts
        return gathered_once(model, cuts) if self.gathering == "step" or fits_whole(model) else cuts

    def backward(self, loss: Tensor) -> None:
        """Back-propagate this process's share of a loss that is the sum over processes."""
        # FSDP2 averages gradients over the processes
        (loss * self.size if self.sharded else loss).backward()  # type: ignore[no-untyped-call]

    def shard(self, model: Any) -> None:
        """Spread a model over the processes, where that is the strategy."""
        if self.pipeline is not None:
            cut(model, self.pipeline, self.rank, self.device_here)
        elif self.sharded:
            shard(model, self.mesh)

    def sum(self, values: Mapping[str, float]) -> dict[str, float]:
        """Everybody's numbers, added by name."""
        total: dict[str, float] = defaultdict(float)
        for one in self.gather(dict(values)):
            for name, value in one.items():
                total[name] += value
        return total

    def sum_gradients(self, model: Any) -> None:
        """Every trained parameter's gradient becomes the sum over processes; one that a process lacks counts as 0.

        Gradients of sharded parameters are summed by the backward.
        """
        if self.size == 1 or self.sharded:
            return
        parameters = [p for p in model.parameters() if p.requires_grad]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        for bucket in _buckets([p.grad for p in parameters]):
            flat = torch.cat([g.reshape(-1) for g in bucket])
            dist.all_reduce(flat)
            for gradient, summed in zip(bucket, torch.split(flat, [g.numel() for g in bucket]), strict=True):
                gradient.copy_(summed.view_as(gradient))

    def same_weights(self, model: Any) -> None:
        """Everybody takes process 0's weights. To be sharded, everybody has read or drawn the same ones already."""
        if self.size > 1 and not self.sharded:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, 0)

    def close(self) -> None:
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()


ALONE = World()


def _met(error: Exception) -> Exception:
    """Marked as one that all processes raise, at the same place."""
    with suppress(AttributeError, TypeError):
        error.everywhere = True  # type: ignore[attr-defined]
    return error


def everywhere(error: BaseException) -> bool:
    """Whether all processes raise because of this error: they can still meet."""
    return bool(getattr(error, "everywhere", False))


def start_world(
    device: str, strategy: Strategy = "auto", gathering: Gather = "auto", pipeline: PipelineConfig | None = None
) -> World:
    """The world that the launcher announced in the environment: NCCL between GPUs, gloo between CPUs."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if pipeline is not None and strategy != "auto":
        raise ConfigError(f"distributed: a pipeline is a strategy of its own; leave out strategy: {strategy}")
    if pipeline is not None and pipeline.stages != size:
        raise ConfigError(
            f"distributed.pipeline.stages: {pipeline.stages}, and the run has {size} process{'es' * (size > 1)}; "
            f"{_start_with(pipeline.stages)}"
        )
    if size == 1:
        if strategy == "fsdp2":
            raise ConfigError(
                "distributed.strategy: fsdp2 spreads a model over several processes, and this is one; "
                f"{_start_with('N')}"
            )
        return ALONE
    sharded = pipeline is None and pick_strategy(strategy) == "fsdp2"
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing:
        raise ConfigError(f"WORLD_SIZE is {size}, but {', '.join(missing)} is not set; {_start_with(size)}")
    if device.startswith("cuda:"):
        raise ConfigError(f"device: {device} with {size} processes; use cuda, and each takes the GPU of its rank")
    local = int(os.environ.get("LOCAL_RANK", os.environ["RANK"]))
    gpu = device != "cpu" and torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(local)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
    objects = dist.new_group(backend="gloo", timeout=PATIENCE)  # a group does not inherit it
    mesh = init_device_mesh("cuda" if gpu else "cpu", (size,)) if sharded else None
    world = World(dist.get_rank(), dist.get_world_size(), local, objects, mesh, gathering, pipeline)
    return replace(world, places=tuple(world.gather(place_here())))


def _start_with(processes: int | str) -> str:
    """The launcher that starts as many on any machine."""
    return (
        f"start with torchrun --nproc-per-node {processes} -m veritune train CONFIG (accelerate launch --num_processes "
        f"{processes} starts so many where it finds as many GPUs, and one process else)"
    )


def same_device() -> Callable[[], None]:
    """What a new thread calls to use this thread's GPU: the choice is a thread's own, and begins with the first."""
    if not (torch.cuda.is_available() and torch.cuda.is_initialized()):  # type: ignore[no-untyped-call]
        return lambda: None
    device = torch.cuda.current_device()
    return lambda: torch.cuda.set_device(device)


def pick_strategy(strategy: Strategy) -> Literal["ddp", "fsdp2"]:
    """``auto``: FSDP2 where ``accelerate launch`` was told to (``--use_fsdp --fsdp_version 2``), else DDP."""
    if strategy != "auto":
        return strategy
    if os.environ.get("ACCELERATE_USE_FSDP", "false").lower() not in ("true", "1"):
        return "ddp"
    version = os.environ.get("FSDP_VERSION", "1")
    if version != "2":
        raise ConfigError(f"accelerate asks for FSDP version {version}; veritune has FSDP2: add --fsdp_version 2")
    return "fsdp2"


def _buckets(gradients: Sequence[Any]) -> list[list[Tensor]]:
    """Neighbours of one dtype, up to ``BUCKET`` numbers together."""
    buckets: list[list[Tensor]] = []
    filled = 0
    for gradient in gradients:
        if not buckets or filled + gradient.numel() > BUCKET or buckets[-1][0].dtype != gradient.dtype:
            buckets.append([])
            filled = 0
        buckets[-1].append(gradient)
        filled += gradient.numel()
    return buckets
