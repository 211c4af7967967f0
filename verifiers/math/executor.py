"""Where the workers are: ``local`` (a pool of killable workers here) or ``ray`` (such pools on a cluster)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Protocol

from veritune.plugins.errors import ConfigError, MissingExtraError, did_you_mean
from veritune.sandbox.workers import Outcome, Status, WorkerPool
from veritune.verifiers.math.judge import FUNCTION, WARM_UP, Task

EXECUTORS = ("local", "ray")

Tasks = Sequence[Task]


class Executor(Protocol):
    """Runs tasks, each within its limits: ``cpu`` and ``deadline`` are seconds a task."""

    def run(self, tasks: Tasks, *, cpu: float, deadline: float) -> list[Outcome]:
        """One Outcome a task, in order."""

    async def arun(self, tasks: Tasks, *, cpu: float, deadline: float) -> list[Outcome]:
        """The same without blocking the event loop."""

    def start(self) -> None:
        """Have workers ready before the first task. Returns at once."""


def make_executor(name: str, workers: int | None, memory_mb: int) -> Executor:
    """The executor of that name; equal requests in one process share their processes."""
    if name not in EXECUTORS:
        raise ConfigError(
            f"unknown executor {name!r}.{did_you_mean(name, EXECUTORS)} Executors: {', '.join(EXECUTORS)}."
        )
    return _local(workers, memory_mb) if name == "local" else RayExecutor(workers, memory_mb)


@functools.lru_cache(maxsize=16)
def _local(workers: int | None, memory_mb: int) -> WorkerPool:
    return WorkerPool(FUNCTION, workers=workers, memory_mb=memory_mb, preload=(WARM_UP,), recursion=3000)


class RayExecutor:
    """One worker pool on every node of the Ray cluster, as actors that reserve no CPU.

    ``workers`` is the number a node (default: its CPUs). Tasks are dealt out evenly. An actor that is lost costs its
    tasks (``crashed``) and is replaced with the next call.
    """

    def __init__(self, workers: int | None = None, memory_mb: int = 1024) -> None:
        self.workers = workers
        self.memory_mb = memory_mb
        self._actors: list[Any] = []

    def run(self, tasks: Tasks, *, cpu: float, deadline: float) -> list[Outcome]:
        ray = _ray()
        shares = self._shares(tasks)
        promises = [actor.run.remote(share, cpu, deadline) for actor, share in shares]
        return self._gather(tasks, shares, [_result(ray, promise) for promise in promises])

    async def arun(self, tasks: Tasks, *, cpu: float, deadline: float) -> list[Outcome]:
        import asyncio

        return await asyncio.to_thread(self.run, tasks, cpu=cpu, deadline=deadline)

    def start(self) -> None:
        self._live()

    def close(self) -> None:
        """End the actors and their workers."""
        ray = _ray()
        for actor in self._actors:
            ray.kill(actor)
        self._actors = []

    def _shares(self, tasks: Tasks) -> list[tuple[Any, list[Task]]]:
        actors = self._live()
        dealt = [(actor, list(tasks[i :: len(actors)])) for i, actor in enumerate(actors)]
        return [(actor, share) for actor, share in dealt if share]

    def _live(self) -> list[Any]:
        ray = _ray()
        if not self._actors:
            if not ray.is_initialized():
                ray.init(ignore_reinit_error=True, log_to_driver=False)
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            actor = ray.remote(num_cpus=0, max_concurrency=8)(_NodePool)
            nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
            self._actors = [
                actor.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=True)).remote(
                    self.workers, self.memory_mb
                )
                for node in nodes
            ]
        return self._actors

    def _gather(self, tasks: Tasks, shares: list[Any], results: list[Any]) -> list[Outcome]:
        outcomes: list[Outcome] = [Outcome(Status.CRASHED, detail="lost")] * len(tasks)
        step = len(self._actors)
        for start, ((_, share), result) in enumerate(zip(shares, results, strict=True)):
            if isinstance(result, BaseException):
                self._actors = []
                detail = f"the worker server of a Ray node was lost: {type(result).__name__}"
                result = [Outcome(Status.CRASHED, detail=detail)] * len(share)
            outcomes[start::step] = result
        return outcomes

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_actors": []}


class _NodePool:
    """The actor: this node's pool."""

    def __init__(self, workers: int | None, memory_mb: int) -> None:
        self.pool = _local(workers, memory_mb)

    def run(self, tasks: Tasks, cpu: float, deadline: float) -> list[Outcome]:
        return self.pool.run(tasks, cpu=cpu, deadline=deadline)


def _result(ray: Any, promise: Any) -> Any:
    try:
        return ray.get(promise)
    except ray.exceptions.RayError as error:
        return error


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "ray", "the executor 'ray'") from error
    return ray
