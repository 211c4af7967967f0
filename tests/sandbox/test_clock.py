"""Waiting for a CPU is not the program's fault; idling is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from veritune.sandbox import DeadlineExceeded, Job, Limits, Linked, Outcome, Program
from veritune.sandbox.local.backend import LocalSandbox
from veritune.sandbox.local.inside.clock import Clock, Pulse

LIMITS = {"cpu_s": 2.0, "wall_s": 6.0, "idle_s": 4.0, "patience_s": 18.0}


def clock(pulse: Pulse | None = None, watched: bool = True) -> Clock:
    return Clock(LIMITS, 100.0, pulse, watched)


def test_a_program_that_waits_for_a_cpu_gets_more_time() -> None:
    """A tenth of a CPU: at its wall limit it has used 0.6 s, and may go on until its own share is used up."""
    run, now = clock(), 100.0
    while not run.over(now) and now < 200:
        now += 0.5
        run.look(now, 0.1 * (now - 100.0), ready=True, busy=False)
    assert now == pytest.approx(118.0, abs=1.0), "given up when patience ends, not at the wall limit"
    assert run.starved(now)


def test_a_program_that_sleeps_does_not() -> None:
    run, now = clock(), 100.0
    while not run.over(now):
        now += 0.5
        run.look(now, 0.0, ready=False, busy=False)
    assert now == pytest.approx(104.0, abs=0.6)
    assert not run.starved(now)


def test_naps_add_up() -> None:
    """Waking for a moment now and then does not start the count anew."""
    run, now = clock(), 100.0
    for step in range(100):
        now += 0.5
        run.look(now, 0.01 * (step // 4), ready=step % 4 == 0, busy=False)
        if run.over(now):
            break
    assert now < 107
    assert not run.starved(now)


def test_waiting_for_a_disk_is_no_idling() -> None:
    run = clock()
    run.look(105.0, 0.0, ready=False, busy=True)
    assert run.idled == 0.0
    assert not run.over(105.0)


def test_a_partner_that_works_is_waited_for() -> None:
    """Of a pair, the one that waits for the other does not idle; where both idle, both do."""
    shared = os.memfd_create("pulse")
    one, two = clock(Pulse(shared, 0)), clock(Pulse(shared, 1))
    cpu = 0.0
    for step in range(1, 20):
        now = 100.0 + step
        cpu += 0.05
        two.look(now, cpu, ready=True, busy=False)
        one.look(now, 0.0, ready=False, busy=False)
    assert one.idled == two.idled == 0.0
    for step in range(20, 30):
        two.look(100.0 + step, cpu, ready=False, busy=False)
        one.look(100.0 + step, 0.0, ready=False, busy=False)
    assert one.idled > 5
    assert two.idled > 5
    os.close(shared)


@pytest.fixture(params=["namespaces", "confined"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[LocalSandbox]:
    sandbox = LocalSandbox(tier=request.param, workers=2)
    yield sandbox
    sandbox.close()


def test_a_program_near_its_limit_on_a_busy_machine_is_judged_by_its_own_time(sandbox: LocalSandbox) -> None:
    """Its wall limit passes long before it has had its CPU time: it is not judged wrong for it."""
    spin = Program("python", "while True: pass")
    source = "import time\nwhile time.process_time() < 0.8: pass\nprint('right')"
    cpus = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cpus)})  # everything started from here on shares one CPU
        with LocalSandbox(tier=sandbox.report().tier, workers=8) as crowded:
            crowded.run_batch([Job(Program("python", "print(1)"))] * 8)
            others = [crowded.open_session(spin, limits=Limits(cpu_s=60, wall_s=60)) for _ in range(2)]
            outcome = crowded.run(Program("python", source), limits=Limits(cpu_s=1.2, wall_s=1.5, patience_s=40))
            for other in others:
                other.close()
    finally:
        os.sched_setaffinity(0, cpus)
    assert outcome.stdout == b"right\n" or outcome.starved, outcome
    assert outcome.wall_s > 1.5, "the machine was not busy"


SLEEP = "import time\ntime.sleep(60)"


def test_a_sleeper_costs_its_cpu_limit_and_a_moment(sandbox: LocalSandbox) -> None:
    started = time.monotonic()
    outcome = sandbox.run(Program("python", SLEEP), limits=Limits(cpu_s=0.5, wall_s=50))
    assert outcome.limit_hit == "wall"
    assert not outcome.starved
    assert time.monotonic() - started < 20, "half a second and three, not fifty"


def test_a_sleeping_program_of_a_pair_is_ended_first(sandbox: LocalSandbox) -> None:
    """So that the tests' side can still tell what it found."""
    tests = (
        "import socket\ns = socket.socket(fileno=3)\ns.sendall(b'?')\n"
        "try: print('answered' if s.recv(9) else 'gone')\nexcept ConnectionError: print('gone')"
    )
    pair = Linked(
        Job(Program("python", SLEEP), limits=Limits(cpu_s=0.5, wall_s=50)),
        Job(Program("python", tests), limits=Limits(cpu_s=0.5, wall_s=60)),
    )
    started = time.monotonic()
    first, second = sandbox.run_linked(pair)
    assert first.limit_hit == "wall"
    assert second.stdout == b"gone\n", second
    assert time.monotonic() - started < 25


def test_a_program_whose_partner_thinks_is_not_idle(sandbox: LocalSandbox) -> None:
    program = "import socket\ns = socket.socket(fileno=3)\ns.recv(9)\ns.sendall(b'!')"
    tests = (
        "import socket, time\ns = socket.socket(fileno=3)\nwhile time.process_time() < 1.5: pass\n"
        "s.sendall(b'?')\nprint(s.recv(9))"
    )
    pair = Linked(
        Job(Program("python", program), limits=Limits(cpu_s=5, wall_s=50, idle_s=0.7)),
        Job(Program("python", tests), limits=Limits(cpu_s=5, wall_s=50)),
    )
    assert sandbox.run_linked(pair)[1].stdout == b"b'!'\n"


def test_a_sleeper_under_a_deadline_leaves_the_others_their_time() -> None:
    """It is wrong by its own idling, and the programs behind it are run."""
    with LocalSandbox(workers=1) as sandbox:
        sandbox.report()
        hello = Job(Program("python", "print(1)"))
        answers = sandbox.run_batch([hello, Job(Program("python", SLEEP)), *[hello] * 4], deadline_s=20)
    sleeper = answers.pop(1)
    assert isinstance(sleeper, Outcome)
    assert sleeper.limit_hit == "wall"
    assert [a.stdout if isinstance(a, Outcome) else a for a in answers] == [b"1\n"] * 5
    assert not any(isinstance(a, DeadlineExceeded) for a in answers)
