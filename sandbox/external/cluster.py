"""The ``ray`` back-end: another back-end on every machine of a Ray cluster, one actor each."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from veritune.plugins.errors import ConfigError, MissingExtraError, VerituneError
from veritune.sandbox.errors import SandboxClosed, SandboxCrashed, SandboxUnavailable
from veritune.sandbox.interface import IsolationReport, Job, Limits, Linked, Outcome, Program, Sandbox

_START_S = 180.0
_GRACE_S = 60.0
_ATTEMPTS = 2


class RaySandbox(Sandbox):
    """Programs on the machines of a Ray cluster.

    - ``backend`` and ``options``: what runs on each machine, as ``get_sandbox(backend, **options)`` makes it.
    - ``actors``: how many; by default one a machine (veritune must be installed there). ``cpus``: CPUs that Ray
      reserves for each; 0 by default, because the programs run while the trainer waits for their verdicts.

    Batches and linked pairs are spread over the actors, to the least busy first; tasks are driven here. A lost actor
    costs what it was running, which is run once more elsewhere, and SandboxCrashed in that place if it is lost again.
    The programs' descriptors cannot cross machines: there are no sessions. A Ray that is not started yet is
    (``RAY_ADDRESS`` names a running cluster).
    """

    name = "ray"

    def __init__(
        self,
        *,
        backend: str = "local",
        options: Mapping[str, Any] | None = None,
        actors: int | None = None,
        cpus: float = 0,
    ) -> None:
        if actors is not None and actors < 1:
            raise ConfigError(f"actors must be at least 1, got {actors!r}")
        if backend == "ray":
            raise ConfigError("backend must be what runs on each machine ('local', 'docker', …), got 'ray'")
        self._options: dict[str, Any] = {
            "backend": backend,
            "options": dict(options or {}),
            "actors": actors,
            "cpus": cpus,
        }
        self._lock = threading.Lock()
        self._crew: list[_Member] = []
        self._facts: dict[str, Any] = {}
        self._cluster: str | None = None
        self._closed = False
        self._owner = os.getpid()
        self._finalizer = weakref.finalize(self, _dismiss, self._crew, os.getpid())

    def __reduce__(self) -> tuple[Callable[..., RaySandbox], tuple[dict[str, Any]]]:
        return _rebuild, (self._options,)

    @property
    def workers(self) -> int:  # type: ignore[override]
        """Jobs in flight: the sum over the actors."""
        return sum(member.workers for member in self._started())

    @property
    def lacks(self) -> frozenset[str]:  # type: ignore[override]
        self._started()
        return frozenset(self._facts["lacks"]) | {"sessions"}

    @property
    def can_link(self) -> bool:
        self._started()
        return bool(self._facts["can_link"])

    def report(self) -> IsolationReport:
        self._started()
        found: IsolationReport = self._facts["report"]
        return found

    def languages(self) -> dict[str, str]:
        self._started()
        return dict(self._facts["languages"])

    def run(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Mapping[str, bytes | str] | None = None,
        limits: Limits | None = None,
    ) -> Outcome:
        job = Job(program, stdin, files or {}, limits or Limits())
        outcome: Outcome = self._ask(job, _patience(job.limits))
        return outcome

    def run_linked(self, pair: Linked) -> tuple[Outcome, Outcome]:
        outcomes: tuple[Outcome, Outcome] = self._ask(
            pair, _patience(pair.first.limits) + _patience(pair.second.limits)
        )
        return outcomes

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._finalizer()

    def _ask(self, request: Job | Linked, patience_s: float) -> Any:
        """One request's answer from an actor; from another one where the first is lost."""
        ray = _ray()
        problem: Exception | None = None
        for _ in range(_ATTEMPTS):
            member = self._least_busy()
            try:
                said = ray.get(member.actor.answer.remote(request), timeout=patience_s)
            except ray.exceptions.GetTimeoutError as error:
                self._lose(member)
                raise SandboxCrashed(f"a Ray actor kept silent for {patience_s:.0f} s") from error
            except ray.exceptions.RayError as error:
                self._lose(member)
                problem = error
                continue
            finally:
                with self._lock:
                    member.running -= 1
            if isinstance(said, VerituneError):
                raise said
            return said
        raise SandboxCrashed(f"{_ATTEMPTS} Ray actors were lost under one job: {problem}")

    def _least_busy(self) -> _Member:
        while True:
            self._started()
            with self._lock:
                if self._crew:
                    member = min(self._crew, key=lambda each: each.running / each.workers)
                    member.running += 1
                    return member

    def _lose(self, member: _Member) -> None:
        """Take a lost actor out; the rest carries on, and the last one is replaced."""
        with self._lock:
            if member in self._crew:
                self._crew.remove(member)
        member.kill()

    def _started(self) -> list[_Member]:
        if os.getpid() != self._owner:
            raise SandboxUnavailable("Ray does not survive a fork: make the sandbox 'ray' in the process that uses it")
        with self._lock:
            if self._closed:
                raise SandboxClosed("this sandbox has been closed")
            if self._crew and self._cluster != _cluster():
                self._crew.clear()  # they ended with the cluster that they were on
            if not self._crew:
                self._crew.extend(self._hire())
                self._cluster = _cluster()
            return list(self._crew)

    def _hire(self) -> list[_Member]:
        ray = _ray()
        if not ray.is_initialized():
            ray.init(ignore_reinit_error=True, log_to_driver=False)
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        count = self._options["actors"]
        places: list[Any] = ["SPREAD"] * (count or 0)
        if count is None:
            nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
            places = [NodeAffinitySchedulingStrategy(node_id=node, soft=False) for node in nodes]
        kind = ray.remote(num_cpus=self._options["cpus"], max_concurrency=1000)(_Actor)
        hired = [
            kind.options(scheduling_strategy=place).remote(self._options["backend"], self._options["options"])
            for place in places
        ]
        asked = {actor.about.remote(): actor for actor in hired}
        waiting, crew, problem = list(asked), [], f"no actor started within {_START_S:.0f} s"
        ready, late = ray.wait(waiting, num_returns=len(waiting), timeout=_START_S)
        for promise in ready:
            try:
                facts = ray.get(promise)
            except ray.exceptions.RayError as error:
                problem = str(error)
                continue
            if isinstance(facts, VerituneError):
                problem = str(facts)
                continue
            self._facts = facts
            crew.append(_Member(asked.pop(promise), facts["workers"]))
        for actor in asked.values():
            ray.kill(actor)
        if not crew:
            raise SandboxUnavailable(f"sandbox 'ray': none of {len(hired)} actors ({len(late)} late) works: {problem}")
        return crew


class _Member:
    """One actor and what it is doing."""

    def __init__(self, actor: Any, workers: int) -> None:
        self.actor = actor
        self.workers = workers
        self.running = 0

    def kill(self) -> None:
        with contextlib.suppress(Exception):
            if _ray().is_initialized():  # it would start a new cluster otherwise
                _ray().kill(self.actor)


class _Actor:
    """Runs on a cluster machine: one back-end. Errors that are meant to be seen are answers."""

    def __init__(self, backend: str, options: dict[str, Any]) -> None:
        from veritune.plugins.registry import get_sandbox

        self.sandbox: Sandbox | None = None
        self.problem: VerituneError | None = None
        try:
            self.sandbox = get_sandbox(backend, **options)
        except VerituneError as error:
            self.problem = error

    def about(self) -> dict[str, Any] | VerituneError:
        if self.sandbox is None:
            assert self.problem is not None
            return self.problem
        sandbox = self.sandbox
        try:
            facts = {"report": sandbox.report(), "languages": sandbox.languages()}
        except VerituneError as error:
            return error
        return {**facts, "workers": sandbox.workers, "can_link": sandbox.can_link, "lacks": sandbox.lacks}

    def answer(self, request: Job | Linked) -> Outcome | tuple[Outcome, Outcome] | VerituneError:
        assert self.sandbox is not None
        try:
            if isinstance(request, Linked):
                return self.sandbox.run_linked(request)
            return self.sandbox.run(request.program, request.stdin, request.files, request.limits)
        except VerituneError as error:
            return error

    def close(self) -> None:
        if self.sandbox is not None:
            self.sandbox.close()


def _patience(limits: Limits) -> float:
    return limits.patience + 3 * limits.compile_wall_s + _GRACE_S


def _dismiss(crew: list[_Member], owner: int) -> None:
    """Let every actor end its processes, then end it."""
    if os.getpid() != owner or not crew:
        return
    with contextlib.suppress(Exception):
        ray = _ray()
        if ray.is_initialized():
            ray.wait([member.actor.close.remote() for member in crew], num_returns=len(crew), timeout=10)
    while crew:
        crew.pop().kill()


def _cluster() -> str | None:
    """What tells this process's connection to a cluster from an earlier one."""
    ray = _ray()
    if not ray.is_initialized():
        return None
    context = ray.get_runtime_context()
    return f"{context.gcs_address} {context.get_job_id()}"


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "ray", "sandbox 'ray'") from error
    return ray


def _rebuild(options: dict[str, Any]) -> RaySandbox:
    return RaySandbox(**options)
