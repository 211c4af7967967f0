"""The ``ray`` back-end conforms, spreads what it is given, and loses no more than what a lost actor ran."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from veritune.plugins import get_reward, get_sandbox
from veritune.plugins.errors import ConfigError
from veritune.sandbox import Job, Limits, Outcome, Program, Sandbox, SandboxClosed, SandboxUnavailable
from veritune.sandbox.conformance.checks import CHECKS, Check, examine_one
from veritune.sandbox.conformance.corpus import descendants

pytestmark = pytest.mark.ray
NAP = Job(Program("python", "import time; time.sleep(0.4); print(7)"), limits=Limits(wall_s=20))


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    began = not ray.is_initialized()
    if began:
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    if began:
        ray.shutdown()


@pytest.fixture(scope="module")
def sandbox(ray: Any) -> Iterator[Sandbox]:
    with get_sandbox("ray", actors=2, options={"workers": 1}) as made:
        try:
            made.report()
        except SandboxUnavailable as error:
            pytest.skip(str(error))
        yield made


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_ray_conforms(sandbox: Sandbox, check: Check) -> None:
    finding = examine_one(check, sandbox)
    if finding.skipped:
        pytest.skip(finding.skipped)
    assert finding.held, finding.problem


def test_a_batch_is_spread_over_the_actors(sandbox: Any) -> None:
    sandbox.run_batch([NAP] * 2)
    busy: list[list[int]] = []
    watch = threading.Timer(0.2, lambda: busy.append([len(member.jobs) for member in sandbox._crew().members]))
    watch.start()
    answers = sandbox.run_batch([NAP] * 4)
    watch.join()
    assert [answer.stdout for answer in answers] == [b"7\n"] * 4
    assert busy == [[1, 1]]


def _actor_pids(ray: Any, sandbox: Any) -> list[int]:
    return [ray.get(m.actor.__ray_call__.remote(lambda _: os.getpid())) for m in sandbox._crew().members]


def test_a_killed_actor_costs_no_sample(ray: Any) -> None:
    with get_sandbox("ray", actors=2, options={"workers": 1}) as sandbox:
        first = _settled(ray, sandbox)[0]
        killer = threading.Timer(0.6, os.kill, (first, signal.SIGKILL))
        killer.start()
        answers = sandbox.run_batch([NAP] * 6)
        assert [answer.stdout for answer in answers if isinstance(answer, Outcome)] == [b"7\n"] * 6, answers
        for pid in _actor_pids(ray, sandbox):
            os.kill(pid, signal.SIGKILL)
        assert sandbox.run(NAP.program).stdout == b"7\n", "they are replaced"


def _settled(ray: Any, sandbox: Any) -> list[int]:
    assert sandbox.report().backend == "local"
    return _actor_pids(ray, sandbox)


def test_closing_leaves_no_actor_and_no_process(ray: Any) -> None:
    before = descendants()
    sandbox = get_sandbox("ray", actors=1, options={"workers": 1})
    assert sandbox.run(Program("python", "print(1)")).ok
    pid = _actor_pids(ray, sandbox)[0]
    sandbox.close()
    deadline = time.monotonic() + 15
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)
    ours = [p for p in descendants() - before if b"sandbox.local" in _command(p)]
    assert ours == []
    with pytest.raises(SandboxClosed):
        sandbox.run(Program("python", "print(1)"))


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def _command(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def test_a_copy_works_on_its_own(sandbox: Sandbox) -> None:
    with pickle.loads(pickle.dumps(sandbox)) as copy:
        assert copy.run(Program("python", "print(6 * 7)")).stdout == b"42\n"
    assert sandbox.run(Program("python", "print(6 * 7)")).stdout == b"42\n"


def test_what_cannot_run_there_says_why(ray: Any) -> None:
    with pytest.raises(SandboxUnavailable, match="bwrap"):
        get_sandbox("ray", actors=1, backend="bubblewrap", options={"bwrap": "/nonexistent/bwrap"}).report()
    with pytest.raises(ConfigError, match="what runs on each machine"):
        get_sandbox("ray", backend="ray")


def test_the_split_judge_works_across_machines(ray: Any) -> None:
    """A reward for programs, its program and its tests joined on one of the cluster's machines."""
    reward = get_reward("code", sandbox={"name": "ray", "actors": 1, "options": {"workers": 2}})
    right, wrong = "def f(x):\n    return x + 1", "def f(x):\n    return x"
    tests = ["assert f(1) == 2", "assert f(2) == 3"]
    completions = [f"```python\n{source}\n```" for source in (right, wrong)]
    assert reward(prompts=["", ""], completions=completions, test_list=[tests, tests]) == [1.0, 0.0]
