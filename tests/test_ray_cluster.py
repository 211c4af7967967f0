"""Scoring, math and the sandbox on a Ray cluster of several machines, which leave, come back and are busy."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from veritune import Cause
from veritune.plugins import RewardError, Sample, get_sandbox
from veritune.rewards.composition import RewardSet, compose
from veritune.rewards.composition.on_ray import RayRewardSet
from veritune.sandbox import Job, Program
from veritune.sandbox.cluster import ClusterUnavailable, Crew, Lost, Plan, Work, connection, crew, roster
from veritune.verifiers.math import MathVerifier

pytestmark = [pytest.mark.ray, pytest.mark.slow]

REWARDS = Path(__file__).with_name("ray_rewards.py")
PAIRS = [
    (r"so \boxed{\frac{x^2-1}{x-1}}", "x+1"),
    (r"\boxed{\sin^2 x}", r"1-\cos^2 x"),
    (r"\boxed{2^{11}}", "1024"),
    (r"\boxed{9^{9^{9^9}}}", "42"),
    (r"#### 1,234", "1234"),
    (r"\boxed{1}", None),
]
EXPECTED = [True, True, False, False, True, None]


class Squares:
    """A worker."""

    def about(self) -> int:
        return os.getpid()

    def answer(self, number: int, seconds: float) -> int:
        time.sleep(seconds)
        return number * number


class Broken:
    """A worker that cannot be made."""

    def __init__(self) -> None:
        raise OSError("no such model here")


SOON_MISSED = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 500, "health_check_failure_threshold": 3}
"""A cluster that notices a dead machine in two seconds, not in twenty: what is then done is the same."""


class Machines:
    """A head without CPUs and machines of one CPU each."""

    def __init__(self, ray: Any) -> None:
        from ray.cluster_utils import Cluster

        self.ray = ray
        head = {"num_cpus": 0, "include_dashboard": False, "include_log_monitor": False, "_system_config": SOON_MISSED}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.nodes: list[Any] = []

    def have(self, count: int) -> None:
        """Add machines until there are so many."""
        while len(self.nodes) < count:
            self.nodes.append(self.cluster.add_node(num_cpus=1, wait=False))
        self.cluster.wait_for_nodes()

    def lose_one(self, after: float = 0.0) -> None:
        time.sleep(after)
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)

    def connect(self) -> None:
        self.ray.init(address=self.cluster.address, log_to_driver=False)


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.cluster_utils")
    ray.shutdown()  # another test may have left one
    machines = Machines(ray)
    machines.connect()
    yield machines
    ray.shutdown()
    machines.cluster.shutdown()


@pytest.fixture
def two(machines: Machines) -> Machines:
    machines.have(2)
    return machines


def squares(said: list[str] | None = None, **plan: Any) -> Crew:
    say: Callable[[str], None] = (lambda text: None) if said is None else said.append
    return Crew(Plan("squares", Squares, say=say, **plan))


def test_as_many_actors_work_as_there_is_room_for_and_who_waits_says_for_what(
    two: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "_FIRST_NOTE_S", 0.5)
    said: list[str] = []
    many = squares(said, actors=8, cpus=1)
    assert many.map([Work((n, 0.0), 60) for n in range(20)]) == [n * n for n in range(20)]
    assert len(many.members) == 2
    assert any("2 of 8 Ray actors at work" in text for text in said), said
    second = squares(said, actors=2, cpus=1, wait_s=2)
    with pytest.raises(ClusterUnavailable, match=r"no Ray actor of 2 has started.*0 of them free"):
        second.start()
    assert any("it waits for 2 s" in text for text in said), said
    second.close()
    with pytest.raises(ClusterUnavailable, match="no machine has the 2 CPUs that one actor asks for"):
        squares(cpus=2, actors=1, wait_s=1).start()
    many.close()


def test_every_call_ends(two: Machines) -> None:
    crew = squares(actors=1, cpus=1)
    answers = crew.map([Work((2, 0.0), 60), Work((2, 600.0), 1), Work((3, 0.0), 60)])
    assert answers[0] == 4
    assert answers[2] == 9, "by a new actor"
    assert isinstance(answers[1], Lost)
    assert answers[1].cause is Cause.TIMEOUT
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        crew.ask(Work((2, 600.0), 3600))
    crew.close()
    with pytest.raises(ClusterUnavailable, match="closed"):
        crew.ask(Work((2, 0.0), 60))
    with pytest.raises(ClusterUnavailable, match="OSError: no such model here"):
        Crew(Plan("broken", Broken, actors=1)).start()


def _rewards(name: str) -> RewardSet:
    return compose({"rewards": {name: {"use": f"{REWARDS}:{name}"}}})


def _samples(texts: list[str]) -> list[Sample]:
    return [Sample(text, f"prompt {number // 2}") for number, text in enumerate(texts)]


def test_a_completion_that_ends_its_actor_costs_its_own_group(two: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "ATTEMPTS", 1)
    there = RayRewardSet(_rewards("share"), 1, say=lambda text: None)
    scores = there.score_batch(_samples(["a", "bb", "end", "ccc", "dddd", "e"]))
    assert [score.value for score in scores] == [1.0, 2.0, None, None, 4.0, 1.0]
    assert {score.cause for score in scores[2:4]} == {Cause.INFRA_ERROR}
    there.close()


def test_a_reward_that_raises_on_an_actor_is_shown_as_it_would_be_here(two: Machines) -> None:
    local = _rewards("picky")
    samples = _samples([str(n) for n in range(10)])
    with pytest.raises(RewardError) as here:
        local.score_batch(samples)
    there = RayRewardSet(local, 2, say=lambda text: None)
    with pytest.raises(RewardError) as remote:
        there.score_batch(samples)
    there.close()
    assert str(remote.value) == str(here.value)
    assert "ray_rewards.py" in remote.value.place
    assert remote.value.sample == samples[7]


def test_a_verifier_works_inside_an_actor(two: Machines) -> None:
    def verdicts(pairs: list[tuple[str, str | None]]) -> list[bool | None]:
        return [v.correct for v in MathVerifier(workers=1, deadline=10.0).verify_batch(pairs)]

    inside: Any = two.ray.remote(num_cpus=0)(verdicts)
    assert two.ray.get(inside.remote(PAIRS)) == EXPECTED


def test_a_machine_that_leaves_and_a_new_connection_change_no_score_verdict_or_output(two: Machines) -> None:
    """Scoring, math from several threads and the sandbox, all at work when the machine leaves."""
    local = _rewards("digits")
    samples = _samples([str(n**3) for n in range(60)])
    program = Program("python", "print(6 * 7)")
    rewards = RayRewardSet(local, 2)
    verifier = MathVerifier(executor="ray", workers=1, deadline=10.0, cache=0)
    sandbox = get_sandbox("ray", actors=1, options={"workers": 1})
    rewards.start()
    verifier = pickle.loads(pickle.dumps(verifier))  # starts afresh where it lands
    assert verifier.verify(*PAIRS[0]).correct is True

    async def math() -> list[list[bool | None]]:
        found = await asyncio.gather(*(verifier.averify_batch(PAIRS * 2) for _ in range(3)))
        return [[verdict.correct for verdict in verdicts] for verdicts in found]

    with ThreadPoolExecutor() as threads:
        leaving = threads.submit(two.lose_one, after=1.0)
        scores = threads.submit(rewards.score_batch, samples)
        outputs = threads.submit(sandbox.run_batch, [Job(program)] * 6)
        assert asyncio.run(math()) == [EXPECTED * 2] * 3
        leaving.result()
        assert scores.result() == local.score_batch(samples)
        assert [getattr(output, "stdout", output) for output in outputs.result()] == [b"42\n"] * 6

    two.ray.shutdown()
    two.connect()
    assert verifier.verify_batch(PAIRS)[5].cause is Cause.INVALID_GOLD
    assert [score.value for score in rewards.score_batch(_samples(["12", "x"]))] == [2.0, 0.0]
    assert sandbox.run(program).stdout == b"42\n"
    rewards.close()
    sandbox.close()


def test_an_address_where_no_cluster_listens_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(ClusterUnavailable, match=r"no Ray cluster answers at RAY_ADDRESS=127\.0\.0\.1:9"):
        connection.connect(ray, "scoring.executor: ray")


def test_a_head_that_is_lost_costs_the_cluster_and_not_this_process(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray itself ends a process whose cluster has had no head for a minute. The last test: it is the head of all."""
    machines.have(1)
    monkeypatch.setattr(roster, "_HEADLESS_S", 0.5)
    said: list[str] = []
    crew = squares(said, actors=1, cpus=1)
    assert crew.map([Work((2, 0.0), 60)]) == [4]
    machines.cluster.head_node.all_processes["gcs_server"][0].process.kill()
    while not any("head of the Ray cluster" in text for text in said):
        assert crew.map([Work((2, 0.1), 60)]) == [4]
    assert crew.map([Work((3, 0.0), 60)]) == [9], "on a new cluster"
    crew.close()
