"""The actors of a crew: hired, taken in when they answer, replaced when they are lost. Its owner holds the lock."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from veritune.sandbox.cluster.connection import (
    ClusterUnavailable,
    Head,
    alive_nodes,
    connect,
    describe,
    identity,
    import_ray,
    room,
)
from veritune.sandbox.cluster.host import Host, Plan, Raised

_TEND_S = 0.2
_LOOK_S = 3.0
"""Between two looks at the machines that are there."""
_HEADLESS_S = 20.0
"""How long the cluster's head may be away: one that comes back keeps its actors, and after a minute Ray ends us."""
_NEW_CLUSTER_S = 3.0
"""How long somebody else may take to start a new cluster after ending the old one, before we start one."""
_LONGEST_PAUSE_S = 60.0


@dataclass(eq=False)
class Job:
    """One piece of work, on its way to an answer."""

    index: int
    packed: bytes
    seconds: float
    attempts: int = 0
    member: Member | None = None
    promise: Any = None
    future: Future[Any] | None = None
    until: float = 0.0
    orphan: bool = False
    """Whether nobody waits for it any more."""


@dataclass(eq=False)
class Member:
    """One actor and what it is doing."""

    actor: Any
    place: str
    epoch: str
    """The connection that it belongs to."""
    node: str = ""
    where: str = "a machine not known yet"
    facts: Any = None
    jobs: set[Job] = field(default_factory=set)
    lost_at: float | None = None


class Roster:
    """See the module. ``members`` work; hires have not answered yet, perhaps because there is no room for them."""

    def __init__(self, plan: Plan, packed: bytes) -> None:
        self.plan, self.packed = plan, packed
        self.ray = import_ray(plan.purpose)
        self.members: list[Member] = []
        self.epoch: str | None = None
        self.settled = False
        """Whether work has once waited for the actors that the cluster has room for."""
        self.problem = ""
        """Why the last hire failed."""
        self._hopeless_since: float | None = None
        self._hires: dict[Member, Future[tuple[str, str, Any]]] = {}
        self._failures: dict[str, int] = {}
        self._pause: dict[str, float] = {}
        self._told: set[str] = set()
        self._next_tend = self._next_look = 0.0
        self._away_since = 0.0
        self._headless_since = 0.0
        self._head: Head | None = None
        self._nodes: dict[str, Any] = {}

    # -- what there is ---------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> int:
        return self.plan.actors or len(self._nodes) or 1

    @property
    def enough(self) -> bool:
        """Whether no further actor is to be expected soon."""
        if not self._hires:
            return bool(self.members)
        return self.plan.actors is not None and len(self.members) >= min(
            self.plan.actors, room(self._nodes, self.plan.cpus, self.plan.gpus)
        )

    def describe(self) -> str:
        """What the cluster has."""
        if self._head is None or not self._head.answers():
            return "the head of the cluster does not answer"
        return describe(self.ray, self._nodes, self.plan.cpus, self.plan.gpus)

    def hopeless(self) -> bool:
        """Whether every actor that has started says that it cannot work, and none works."""
        since = self._hopeless_since
        return (
            not self.members
            and since is not None
            and (not self._hires or time.monotonic() > since + self.plan.settle_s)
        )

    def free(self) -> Member | None:
        """The least busy member that takes one more job."""
        open_ = [member for member in self.members if len(member.jobs) < self.plan.at_once]
        return min(open_, key=lambda member: len(member.jobs) / self.plan.size(member.facts), default=None)

    # -- keeping it ------------------------------------------------------------------------------------------------

    def tend(self) -> None:
        """Follow the cluster: a new one, new machines, lost ones; take in actors that have started. Raises
        ClusterUnavailable where there is no cluster to be had."""
        now = time.monotonic()
        if not self._same_cluster(now) or now < self._next_tend:
            return
        self._next_tend = now + _TEND_S
        self._take_in()
        self._look_after_orphans(now)
        if now >= self._next_look and self._has_head(now):
            self._next_look = now + _LOOK_S
            self._nodes = alive_nodes(self.ray)
            for member in [m for m in self.members if m.node not in self._nodes]:
                self.lose(member, "its machine left the cluster")
            self._fill(now)

    def lose(self, member: Member, why: str) -> None:
        """Take a lost actor out. What it was doing is its callers' to do again."""
        if member.lost_at is not None:
            return
        member.lost_at = time.monotonic()
        self.kill(member)
        if member in self.members:
            self.members.remove(member)
            self._next_look = 0.0
            self.plan.say(
                f"{self.plan.purpose}: the Ray actor on {member.where} was lost ({why}); {len(self.members)} left. "
                "What it was doing is done again"
            )

    def reachable(self, member: Member) -> bool:
        """Whether it belongs to the present connection: to ask another one would make Ray connect by itself."""
        return identity(self.ray) == member.epoch

    def kill(self, member: Member) -> None:
        with contextlib.suppress(Exception):
            if self.reachable(member) and self._head is not None and self._head.answers():
                self.ray.kill(member.actor)

    def dismiss(self) -> None:
        """End all actors, hired or at work."""
        members, self.members = [*self.members, *self._hires], []
        self._hires = {}
        if self.plan.name is not None:
            return  # others may share it; it ends with its last user
        if self.plan.farewell_s and members:
            with contextlib.suppress(Exception):
                if self.ray.is_initialized():
                    last = [m.actor.close.remote() for m in members if m.node and m.epoch == identity(self.ray)]
                    self.ray.wait(last, num_returns=len(last), timeout=self.plan.farewell_s)
        for member in members:
            self.kill(member)

    def _same_cluster(self, now: float) -> bool:
        """Be connected; forget the actors of an earlier connection. False while there is no connection, which somebody
        else may be making; the very first one that fails raises ClusterUnavailable."""
        current = identity(self.ray)
        if current is not None and current == self.epoch:
            return True
        first = self.epoch is None and not self._away_since
        if self.epoch is not None:
            self._forget(now)
        if current is None and not first and now < self._away_since + _NEW_CLUSTER_S:
            return False
        try:
            connect(self.ray, self.plan.purpose)
        except ClusterUnavailable as error:
            if first:
                raise
            self.problem, self._away_since = str(error), now  # once more after a pause
            return False
        self.epoch, self.problem, self._head, self._headless_since = identity(self.ray), "", Head(self.ray), 0.0
        # for every connection: classes that were defined on an earlier one are not known to the new one
        self._kind = self.ray.remote(max_restarts=0, max_task_retries=0, max_concurrency=self.plan.at_once)(Host)
        return self.epoch is not None

    def _has_head(self, now: float) -> bool:
        """Whether the cluster's head answers; one that has been away for too long is given up with its cluster."""
        assert self._head is not None
        if self._head.answers():
            self._headless_since = 0.0
            return True
        self._next_look = now + 1.0
        self._headless_since = self._headless_since or now
        if now > self._headless_since + _HEADLESS_S:
            self.plan.say(f"{self.plan.purpose}: the head of the Ray cluster has not answered for {_HEADLESS_S:.0f} s")
            with contextlib.suppress(Exception):
                self.ray.shutdown()
            self._forget(now)
        return False

    def _forget(self, now: float) -> None:
        """The connection has ended, and all actors with it."""
        for member in [*self.members, *self._hires]:
            member.lost_at = now
        self.members, self._hires = [], {}
        self._failures, self._pause, self._hopeless_since = {}, {}, None
        self._next_tend = self._next_look = 0.0
        self.epoch, self._away_since, self.settled = None, now, False
        self.plan.say(f"{self.plan.purpose}: the connection to the Ray cluster has ended; it begins again on a new one")

    def _take_in(self) -> None:
        for member, future in list(self._hires.items()):
            if not future.done():
                continue
            del self._hires[member]
            try:
                member.node, member.where, member.facts = future.result()
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # Ray raises SystemExit in threads when it is shut down
                in_making = "creation task" in str(error)
                self._failed(member, brief(error, 2000 if in_making else 200), in_making)
                continue
            if isinstance(member.facts, Raised):
                self._failed(member, f"{member.where}: {member.facts.text}", True)
                continue
            self.members.append(member)
            self._failures.pop(member.place, None)
            self._hopeless_since = None

    def _failed(self, member: Member, problem: str, final: bool) -> None:
        member.lost_at = now = time.monotonic()
        self.kill(member)
        self.problem = problem
        count = self._failures[member.place] = self._failures.get(member.place, 0) + 1
        self._pause[member.place] = now + min(_LONGEST_PAUSE_S, 2.0**count)
        if final:
            self._hopeless_since = self._hopeless_since or now
            if problem not in self._told and self.members:
                self._told.add(problem)
                self.plan.say(f"{self.plan.purpose}: a Ray actor cannot work, the others go on: {problem}")

    def _look_after_orphans(self, now: float) -> None:
        for member in list(self.members):
            for job in [job for job in member.jobs if job.orphan]:
                if job.future is None or job.future.done():
                    member.jobs.discard(job)
                elif now > job.until:
                    self.lose(member, "it kept silent")

    def _fill(self, now: float) -> None:
        """Ask for every actor that is wanted and not there. One without room waits, and starts when there is some."""
        taken = {member.place for member in (*self.members, *self._hires)}
        places = [str(i) for i in range(self.plan.actors)] if self.plan.actors else list(self._nodes)
        for place in places:
            if place not in taken and now >= self._pause.get(place, 0.0):
                self._hire(place)

    def _hire(self, place: str) -> None:
        plan = self.plan
        options: dict[str, Any] = {"num_cpus": plan.cpus, "num_gpus": plan.gpus, "scheduling_strategy": "SPREAD"}
        if plan.actors is None:
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node_id=place, soft=False)
        if plan.name is not None:
            options |= {"name": f"{plan.name} {place}", "get_if_exists": True}
        actor = self._kind.options(**options).remote(self.packed)
        assert self.epoch is not None
        self._hires[Member(actor, place, self.epoch)] = actor.about.remote().future()


def brief(error: BaseException, limit: int = 200) -> str:
    """``Type: first words``, on one line."""
    text = " ".join(str(error).split())
    if "all references to the actor were removed" in text:  # though it is held: see findings/ray_driver_with_a_token…
        return f"{type(error).__name__}: Ray cancelled it; is RAY_AUTH_MODE here what the cluster was started with?"
    return f"{type(error).__name__}: {text if len(text) <= limit else text[: limit - 1] + '…'}"
