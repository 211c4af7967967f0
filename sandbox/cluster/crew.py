"""Work in, answers out, whatever becomes of the actors, the machines and the cluster meanwhile."""

from __future__ import annotations

import os
import pickle
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from veritune.plugins.errors import VerituneError
from veritune.plugins.types import Cause
from veritune.sandbox.cluster.connection import ClusterUnavailable, import_ray
from veritune.sandbox.cluster.host import Plan, Raised
from veritune.sandbox.cluster.lost import Lost
from veritune.sandbox.cluster.roster import Job, Member, Roster, brief

ATTEMPTS = 3
"""Actors that one piece of work may lose before it stays without an answer."""
_SLICE_S = 0.2
"""The longest wait in one go: what was asked to end, or has ended elsewhere, is seen that soon."""
_LET_GO_S = 2.0
"""How long Ray may take to say that work on a lost actor is lost."""
_FIRST_NOTE_S = 5.0
_AGAIN_S = 5.0
"""How long a crew that has waited in vain waits the next time."""


@dataclass(frozen=True)
class Work:
    """What one actor is asked: the arguments of its worker's ``answer``, and the seconds that it has for it."""

    arguments: tuple[Any, ...]
    seconds: float


def _nothing() -> None:
    pass


class Crew:
    """Actors on a Ray cluster that do pieces of work.

    As many of the planned actors work as the cluster has room for; the others join when there is some, lost ones are
    replaced, new machines are used. Any thread may call at any time. Every call ends: work has its time, is done again
    (three times at most) where its actor was lost, and what stays without an answer is :class:`Lost`. All waiting is
    in slices of 0.2 s, so that Ctrl-C is seen. What is waited for is said within seconds. Raises MissingExtraError.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.idle: Callable[[], None] = _nothing
        """Called while there is no actor to work with; may raise."""
        ray = import_ray(plan.purpose)
        self._roster = Roster(plan, _pack(ray, plan.purpose, (plan.make, plan.arguments)))
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._gave_up = self._closed = False
        self._next_note, self._pause = 0.0, _FIRST_NOTE_S
        self._owner = os.getpid()
        self._end = weakref.finalize(self, _dismiss, self._roster, os.getpid())

    # -- asking ----------------------------------------------------------------------------------------------------

    def ask(self, work: Work, check: Callable[[], None] = _nothing) -> Any:
        """One answer. See :meth:`map`."""
        return self.map([work], check)[0]

    def map(self, works: Sequence[Work], check: Callable[[], None] = _nothing) -> list[Any]:
        """The answers in order, with :class:`Lost` where there is none.

        What a worker raised is raised here: the first one's in order, once all have answered. ``check`` is called
        every 0.2 s; what it raises ends the call, whose work on the actors goes on until its time is over.
        """
        ray = import_ray(self.plan.purpose)
        jobs = [Job(i, _pack(ray, self.plan.purpose, w.arguments), w.seconds) for i, w in enumerate(works)]
        answers = _Call(self, jobs, check).run()
        for answer in answers:
            if isinstance(answer, Raised):
                answer.raise_here(self.plan.purpose)
        return answers

    def tend(self) -> None:
        """Connect and ask for actors, where that has not been done. Waits for none. Raises ClusterUnavailable."""
        with self._lock:
            self._tend()

    @property
    def size(self) -> int:
        """How many actors are at work, or planned where none is yet."""
        with self._lock:
            self._tend()
            return len(self._roster.members) or self._roster.wanted

    def start(self, check: Callable[[], None] = _nothing) -> None:
        """Have the actors that there is room for. Raises ClusterUnavailable where there is none in time, and
        what the worker's maker raised where none can work."""
        trouble = self.gather(check)
        if trouble:
            raise ClusterUnavailable(trouble)

    def facts(self) -> list[Any]:
        """What the workers say of themselves, those that are there now."""
        with self._lock:
            return [member.facts for member in self._roster.members]

    @property
    def members(self) -> list[Member]:
        """The actors at work now."""
        with self._lock:
            return list(self._roster.members)

    def standing(self) -> str:
        """What is waited for now: the actor that has worked longest on one thing."""
        with self._lock:
            roster, now = self._roster, time.monotonic()
            jobs = [(now - job.until + job.seconds, m) for m in roster.members for job in m.jobs if not job.orphan]
            if not jobs:
                return f"{self.plan.purpose} waits for an actor ({len(roster.members)} at work)"
            passed, member = max(jobs, key=lambda job: job[0])
            return f"the Ray actor on {member.where} has worked on its part for {passed:.0f} s (see `ray stack` there)"

    def close(self) -> None:
        """End the actors. Calls that wait get no answer."""
        with self._lock:
            self._closed = True
            self._end()
            self._changed.notify_all()

    # -- waiting for actors ----------------------------------------------------------------------------------------

    def gather(self, check: Callable[[], None]) -> str:
        """Wait for actors: for the first one up to the plan's ``wait_s``, for others that could start up to
        ``settle_s``. Returns why there is none, or nothing."""
        begun = time.monotonic()
        first: float | None = None
        limit = min(_AGAIN_S, self.plan.wait_s) if self._gave_up else self.plan.wait_s
        while True:
            check()
            with self._lock:
                self._tend()
                now = time.monotonic()
                if self._roster.members:
                    self._gave_up, first = False, first or now
                    if self._roster.settled or self._roster.enough or now > first + self.plan.settle_s:
                        self._settle()
                        return ""
                elif self._roster.hopeless():
                    return f"{self.plan.purpose}: no Ray actor can work: {self._roster.problem}"
                elif now > begun + limit:
                    self._gave_up = True
                    return self._in_vain(now - begun)
                else:
                    self._note(now - begun, limit)
                nobody = not self._roster.members
                self._changed.wait(_SLICE_S / 2)
            if nobody:
                self.idle()

    def _tend(self) -> None:
        """See :meth:`Roster.tend`; with the lock held."""
        if os.getpid() != self._owner:
            raise ClusterUnavailable(
                f"{self.plan.purpose}: Ray does not survive a fork; make it in the process that uses it"
            )
        if self._closed:
            raise ClusterUnavailable(f"{self.plan.purpose}: the Ray actors have been closed")
        self._roster.tend()

    def _settle(self) -> None:
        roster, plan = self._roster, self.plan
        self._next_note, self._pause = 0.0, _FIRST_NOTE_S
        if not roster.settled and len(roster.members) < roster.wanted:
            plan.say(
                f"{plan.purpose}: {len(roster.members)} of {roster.wanted} Ray actors at work: "
                f"{roster.describe()}; the others join when there is room"
            )
        roster.settled = True

    def _note(self, waited: float, limit: float) -> None:
        now = time.monotonic()
        if not self._next_note:
            self._next_note = now + self._pause
        if now < self._next_note:
            return
        self._pause *= 2
        self._next_note = now + self._pause
        self.plan.say(f"{self._none_yet(waited)}; it waits for {limit:.0f} s")

    def _in_vain(self, waited: float) -> str:
        return f"{self._none_yet(waited)}. Free some of it, add a machine, or ask for less"

    def _none_yet(self, waited: float) -> str:
        plan, roster = self.plan, self._roster
        problem = f" (the last try: {roster.problem})" if roster.problem else ""
        if roster.epoch is None or not roster.ray.is_initialized():
            return f"{plan.purpose}: the connection to the Ray cluster was lost {waited:.0f} s ago"
        return (
            f"{plan.purpose}: no Ray actor of {roster.wanted} has started after {waited:.0f} s{problem}: "
            f"{roster.describe()}"
        )


class _Call:
    """One call of :meth:`Crew.map`."""

    def __init__(self, crew: Crew, jobs: list[Job], check: Callable[[], None]) -> None:
        self.crew, self.jobs, self.check = crew, jobs, check
        self.roster = crew._roster
        self.waiting = deque(jobs)
        self.running: set[Job] = set()
        self.answers: dict[int, Any] = {}
        self.done: queue.SimpleQueue[Job] = queue.SimpleQueue()

    def run(self) -> list[Any]:
        try:
            while len(self.answers) < len(self.jobs):
                self.check()
                self._hand_out()
                self._collect()
        finally:
            with self.crew._lock:
                for job in self.running:
                    job.orphan = True
        return [self.answers[job.index] for job in self.jobs]

    def _hand_out(self) -> None:
        with self.crew._lock:
            self.crew._tend()
            nobody = not self.roster.members or not self.roster.settled
        if self.waiting and not self.running and nobody:
            trouble = self.crew.gather(self.check)
            if trouble:
                for job in self.waiting:
                    self.answers[job.index] = Lost(Cause.INFRA_ERROR, trouble, nobody=True)
                self.waiting.clear()
        with self.crew._lock:
            while self.waiting and (member := self.roster.free()) is not None:
                self._give(self.waiting.popleft(), member)

    def _give(self, job: Job, member: Member) -> None:
        job.member, job.until = member, time.monotonic() + job.seconds
        if not self.roster.reachable(member):
            self._lost(job, "the connection to the cluster has ended")
            return
        try:
            job.promise = member.actor.answer.remote(job.packed)
            job.future = job.promise.future()
        except Exception as error:  # a cluster that ended this moment
            self._lost(job, brief(error))
            return
        member.jobs.add(job)
        self.running.add(job)
        # the callback runs in a thread of Ray's: it must not wait for anything
        job.future.add_done_callback(lambda _: self.done.put(job))

    def _collect(self) -> None:
        """Wait a moment for answers, and take what there is."""
        finished: list[Job] = []
        if self.running:
            try:
                finished.append(self.done.get(timeout=_SLICE_S))
                while True:
                    finished.append(self.done.get_nowait())
            except queue.Empty:
                pass
        elif self.waiting:
            with self.crew._lock:
                self.crew._changed.wait(_SLICE_S)
        with self.crew._lock:
            for job in finished:
                if job in self.running:
                    self._take(job)
            now = time.monotonic()
            for job in list(self.running):
                assert job.member is not None
                if job.member.lost_at is not None and now > job.member.lost_at + _LET_GO_S:
                    self._lost(job, "its actor was lost")
                elif now > job.until:
                    self._too_late(job)

    def _take(self, job: Job) -> None:
        assert job.future is not None
        ray = self.roster.ray
        try:
            answer = job.future.result(timeout=0)
        except KeyboardInterrupt:
            raise
        except ray.exceptions.RayTaskError as error:  # our own code there, or an answer that cannot travel
            answer = Raised(None, brief(error), str(error))
        except BaseException as error:  # Ray raises SystemExit in threads when it is shut down
            self._lost(job, brief(error))
            return
        self._release(job)
        self.answers[job.index] = answer

    def _lost(self, job: Job, why: str) -> None:
        self._release(job)
        assert job.member is not None
        self.roster.lose(job.member, why)
        job.attempts += 1
        if job.attempts < ATTEMPTS:
            self.waiting.appendleft(job)
            return
        reason = f"{job.attempts} Ray actors were lost under it, the last one on {job.member.where}: {why}"
        self.answers[job.index] = Lost(Cause.INFRA_ERROR, reason)

    def _too_late(self, job: Job) -> None:
        self._release(job)
        assert job.member is not None
        self.roster.lose(job.member, f"no answer in {job.seconds:.0f} s")
        reason = f"the Ray actor on {job.member.where} gave no answer in {job.seconds:.0f} s"
        self.answers[job.index] = Lost(Cause.TIMEOUT, reason)

    def _release(self, job: Job) -> None:
        self.running.discard(job)
        if job.member is not None:
            job.member.jobs.discard(job)
        self.crew._changed.notify_all()


def _pack(ray: Any, purpose: str, value: Any) -> bytes:
    """By value where it must be (functions of the main script), else by name."""
    try:
        packed: bytes = ray.cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise VerituneError(f"{purpose}: this cannot be sent to a Ray actor: {brief(error)}") from error
    return packed


def _dismiss(roster: Roster, owner: int) -> None:
    if os.getpid() == owner:
        roster.dismiss()
