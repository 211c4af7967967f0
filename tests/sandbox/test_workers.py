"""The worker pool: every task ends, on time, at its own cost alone."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from veritune.plugins import ParameterError, PluginError, VerituneError
from veritune.sandbox.workers import Status, WorkerPool

SLACK = 0.5


@pytest.fixture(scope="module", autouse=True)
def tasks_importable() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield


@pytest.fixture(scope="module")
def pool(tasks_importable: None) -> Iterator[WorkerPool]:
    with WorkerPool("pool_tasks:act", workers=2, deadline=0.4, memory_mb=256) as pool:
        pool.run([("ready",)])
        yield pool


def test_every_end_has_its_status_and_costs_its_own_task_alone(pool: WorkerPool) -> None:
    kinds = ["a", "spin", "b", "segfault", "c", "exit", "memory", "d", "raise", "recurse", "unpicklable", "e"]
    outcomes = pool.run([(kind, 10_000) for kind in kinds], cpu=0.3, deadline=10)
    ends = dict(zip(kinds, outcomes, strict=True))
    assert [ends[kind].value for kind in "abcde"] == list("abcde")
    assert ends["spin"].status is Status.CPU
    assert ends["segfault"].status is Status.CRASHED
    assert "SIGSEGV" in ends["segfault"].detail
    assert ends["exit"].status is Status.CRASHED
    assert "status 3" in ends["exit"].detail
    assert ends["memory"].status is Status.MEMORY
    assert ends["raise"].status is Status.ERROR
    assert ends["raise"].detail == "ValueError: seven"
    assert ends["recurse"].status is Status.ERROR
    assert ends["recurse"].detail.startswith("RecursionError")
    assert ends["unpicklable"].status is Status.ERROR


def test_a_task_that_only_waits_ends_by_the_wall_clock(pool: WorkerPool) -> None:
    start = time.monotonic()
    (outcome,) = pool.run([("sleep", 100)])
    assert outcome.status is Status.WALL
    assert outcome.cpu < 0.2
    assert time.monotonic() - start < 0.4 + SLACK


def test_c_code_ends_on_its_cpu_budget(pool: WorkerPool) -> None:
    start = time.monotonic()
    (outcome,) = pool.run([("power",)])
    assert outcome.status in (Status.CPU, Status.WALL)
    assert time.monotonic() - start < 0.4 + SLACK


def test_a_call_sets_its_own_limits(pool: WorkerPool) -> None:
    start = time.monotonic()
    (outcome,) = pool.run([("spin",)], cpu=0.05, deadline=5.0)
    assert outcome.status is Status.CPU
    assert 0.04 < outcome.cpu < 0.3
    assert time.monotonic() - start < 3.0


def test_the_memory_limit_leaves_ordinary_allocations_alone(pool: WorkerPool) -> None:
    assert pool.run([("memory", 50)])[0].value == 50 * 2**20


def test_large_messages_pass_both_ways(pool: WorkerPool) -> None:
    (outcome,) = pool.run([("long text", 3_000_000)], deadline=5.0)
    assert len(outcome.value) == 3_000_000
    text = "y" * 3_000_000
    (outcome,) = pool.run([(text,)], deadline=5.0)
    assert outcome.value == text


def test_eight_threads_at_once_end_in_their_share_of_the_queue(pool: WorkerPool) -> None:
    def call(number: int) -> tuple[float, list[Any]]:
        start = time.monotonic()
        outcomes = pool.run([("spin",), (f"ok {number}",)])
        return time.monotonic() - start, [o.value for o in outcomes]

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(call, range(8)))
    assert [values for _, values in results] == [[None, f"ok {n}"] for n in range(8)]
    assert max(seconds for seconds, _ in results) < 8 / 2 * (0.4 + 0.25) + SLACK


def test_a_short_call_does_not_wait_behind_a_long_one(pool: WorkerPool) -> None:
    long_call = pool.submit([("sleep", 0.05)] * 60)
    start = time.monotonic()
    pool.run([("short",)])
    assert time.monotonic() - start < 0.6
    assert not long_call.done()
    long_call.cancel()


def test_tasks_not_started_within_the_total_are_not_run(pool: WorkerPool) -> None:
    outcomes = pool.run([("sleep", 0.3)] * 6, total=0.1)
    assert {o.status for o in outcomes} == {Status.OK, Status.QUEUE}


def test_the_event_loop_keeps_turning(pool: WorkerPool) -> None:
    async def main() -> tuple[int, list[Status]]:
        turns = 0
        running = asyncio.ensure_future(pool.arun([("sleep", 0.2), ("spin",)]))
        while not running.done():
            await asyncio.sleep(0.01)
            turns += 1
        return turns, [o.status for o in await running]

    turns, ends = asyncio.run(main())
    assert turns > 10
    assert ends[0] is Status.OK
    assert ends[1] in (Status.CPU, Status.WALL)


def test_a_worker_is_renewed_after_its_share_of_tasks() -> None:
    with WorkerPool("pool_tasks:pid", workers=1, recycle=3) as pool:
        pids = [outcome.value for outcome in pool.run([()] * 9)]
    assert len(set(pids)) == 3
    assert pids[0] == pids[2] != pids[3]


def test_preloads_happen_once_before_the_forks() -> None:
    with WorkerPool("pool_tasks:warmed_before_fork", workers=2, preload=["pool_tasks:warm"]) as pool:
        assert [o.value for o in pool.run([()] * 4)] == [True] * 4


def test_a_lost_server_is_replaced_and_its_tasks_run_again() -> None:
    with WorkerPool("pool_tasks:act", workers=1, deadline=3.0) as pool:
        pool.run([("ready",)])
        engine = pool._engine
        assert engine is not None
        assert engine.server is not None
        running = pool.submit([("sleep", 0.5), ("after",)])
        time.sleep(0.1)
        os.kill(engine.server._process.pid, signal.SIGKILL)
        assert [o.status for o in running.result(20)] == [Status.OK, Status.OK]


def test_a_closed_pool_leaves_nothing_and_starts_afresh() -> None:
    threads = threading.active_count()
    descriptors = len(os.listdir("/proc/self/fd"))
    children = _children()
    pool = WorkerPool("pool_tasks:act", workers=2, deadline=0.2)
    for _ in range(2):
        pool.run([("spin",), ("a",), ("exit",)])
        pool.close()
        assert len(os.listdir("/proc/self/fd")) == descriptors
        assert _children() == children
        assert threading.active_count() == threads


def test_a_pool_started_ahead_has_a_worker_before_the_first_task() -> None:
    with WorkerPool("pool_tasks:act", workers=2) as pool:
        pool.start()
        until = time.monotonic() + 20
        while not (pool._engine and pool._engine.workers) and time.monotonic() < until:
            time.sleep(0.01)
        start = time.monotonic()
        assert pool.run([("a",)])[0].value == "a"
        assert time.monotonic() - start < 0.5


def test_closing_a_pool_that_still_starts_waits_for_nothing() -> None:
    children = _children()
    pool = WorkerPool("pool_tasks:act", preload=["pool_tasks:slow_start"])
    pool.start()
    waiting = pool.submit([("a",)])
    time.sleep(0.3)
    start = time.monotonic()
    pool.close()
    assert time.monotonic() - start < 2.0
    assert _children() == children
    with pytest.raises(VerituneError, match=r"closed|gone|ended"):
        waiting.result(1)


def test_a_dropped_pool_ends_its_processes() -> None:
    children = _children()
    pool = WorkerPool("pool_tasks:act", workers=1)
    pool.run([("a",)])
    assert _children() != children
    del pool
    assert _children() == children


def test_a_pickled_pool_starts_afresh(pool: WorkerPool) -> None:
    with pickle.loads(pickle.dumps(pool)) as copy:
        assert copy.run([("a",)])[0].value == "a"
        assert copy.deadline == pool.deadline


def test_a_function_that_does_not_import_is_an_error_that_names_it() -> None:
    with pytest.raises(PluginError, match=r"no_such_module_here"):
        WorkerPool("no_such_module_here:f").run([()])
    with pytest.raises(PluginError, match=r"no_such_function"):
        WorkerPool("pool_tasks:no_such_function").run([()])
    with pytest.raises(ParameterError, match=r"package\.module:function"):
        WorkerPool("pool_tasks")
    with pytest.raises(ParameterError, match="deadline"):
        WorkerPool("pool_tasks:act", deadline=0)


def _children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that ended while this was read
            found |= set((task / "children").read_text().split())
    return found
