"""The ``ray`` back-end: another back-end on every machine of a Ray cluster, one actor each."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from veritune.plugins.errors import ConfigError
from veritune.sandbox.cluster import ClusterUnavailable, Crew, Lost, Plan, Work
from veritune.sandbox.errors import SandboxClosed, SandboxCrashed, SandboxUnavailable
from veritune.sandbox.interface import IsolationReport, Job, Limits, Linked, Outcome, Program, Sandbox
from veritune.sandbox.interruption import check

_WAIT_S = 180.0
_GRACE_S = 60.0
_AT_ONCE = 256
"""Threads of an actor: what it runs at the same time is bounded by its back-end's workers."""


class RaySandbox(Sandbox):
    """Programs on the machines of a Ray cluster.

    - ``backend`` and ``options``: what runs on each machine, as ``get_sandbox(backend, **options)`` makes it.
    - ``actors``: how many; by default one a machine (veritune must be installed there). ``cpus``: CPUs that Ray
      reserves for each; 0 by default, because the programs run while the trainer waits for their verdicts.

    Batches and linked pairs are spread over the actors, to the least busy first; tasks are driven here. What a lost
    actor was running is run again elsewhere; lost three times, it is SandboxCrashed in its place. Without an actor for
    ``wait_s`` seconds the job is SandboxUnavailable; what is waited for is said. The programs' descriptors cannot
    cross machines: there are no sessions. A Ray that is not started yet is (``RAY_ADDRESS`` names a running cluster).
    """

    name = "ray"

    def __init__(
        self,
        *,
        backend: str = "local",
        options: Mapping[str, Any] | None = None,
        actors: int | None = None,
        cpus: float = 0,
        wait_s: float = _WAIT_S,
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
            "wait_s": wait_s,
        }
        self._lock = threading.Lock()
        self._made: Crew | None = None
        self._closed = False
        self._owner = os.getpid()

    def __reduce__(self) -> tuple[Callable[..., RaySandbox], tuple[dict[str, Any]]]:
        return _rebuild, (self._options,)

    @property
    def workers(self) -> int:  # type: ignore[override]
        """Jobs in flight: the sum over the actors."""
        return sum(facts["workers"] for facts in self._facts())

    @property
    def lacks(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset(self._facts()[0]["lacks"]) | {"sessions"}

    @property
    def can_link(self) -> bool:
        return bool(self._facts()[0]["can_link"])

    def report(self) -> IsolationReport:
        found: IsolationReport = self._facts()[0]["report"]
        return found

    def languages(self) -> dict[str, str]:
        return dict(self._facts()[0]["languages"])

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
            crew, self._made = self._made, None
        if crew is not None and os.getpid() == self._owner:
            crew.close()

    def _ask(self, request: Job | Linked, patience_s: float) -> Any:
        """One request's answer from an actor; from another one where the first is lost."""
        try:
            said = self._crew().ask(Work((request,), patience_s), check)
        except ClusterUnavailable as error:
            raise SandboxClosed("this sandbox has been closed") if self._closed else _unavailable(error) from error
        if isinstance(said, Lost):
            if said.nobody:
                raise SandboxUnavailable(f"sandbox 'ray': {said.reason}")
            raise SandboxCrashed(said.reason)
        return said

    def _facts(self) -> list[dict[str, Any]]:
        """What the actors say of themselves, one of them at least."""
        crew = self._crew()
        try:
            while True:
                crew.start(check)
                if found := crew.facts():
                    return found
        except ClusterUnavailable as error:
            raise _unavailable(error) from error

    def _crew(self) -> Crew:
        if os.getpid() != self._owner:
            raise SandboxUnavailable("Ray does not survive a fork: make the sandbox 'ray' in the process that uses it")
        with self._lock:
            if self._closed:
                raise SandboxClosed("this sandbox has been closed")
            if self._made is None:
                options = self._options
                self._made = Crew(
                    Plan(
                        "sandbox 'ray'",
                        _Machine,
                        (options["backend"], options["options"]),
                        actors=options["actors"],
                        cpus=options["cpus"],
                        at_once=_AT_ONCE,
                        size=_workers,
                        wait_s=options["wait_s"],
                        farewell_s=10.0,
                    )
                )
            return self._made


class _Machine:
    """In the actor: one back-end of this machine."""

    def __init__(self, backend: str, options: dict[str, Any]) -> None:
        from veritune.plugins.registry import get_sandbox

        self.sandbox: Sandbox = get_sandbox(backend, **options)

    def about(self) -> dict[str, Any]:
        sandbox = self.sandbox
        facts = {"report": sandbox.report(), "languages": sandbox.languages()}
        return {**facts, "workers": sandbox.workers, "can_link": sandbox.can_link, "lacks": sandbox.lacks}

    def answer(self, request: Job | Linked) -> Outcome | tuple[Outcome, Outcome]:
        if isinstance(request, Linked):
            return self.sandbox.run_linked(request)
        return self.sandbox.run(request.program, request.stdin, request.files, request.limits)

    def close(self) -> None:
        self.sandbox.close()


def _patience(limits: Limits) -> float:
    return limits.patience + 3 * limits.compile_wall_s + _GRACE_S


def _workers(facts: dict[str, Any]) -> float:
    return float(facts["workers"])


def _unavailable(error: ClusterUnavailable) -> SandboxUnavailable:
    return SandboxUnavailable(f"sandbox 'ray': {error}")


def _rebuild(options: dict[str, Any]) -> RaySandbox:
    return RaySandbox(**options)
