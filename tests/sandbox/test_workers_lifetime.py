"""The worker pool among processes: forked, spawned, daemonic, killed, and at the interpreter's end."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from veritune.sandbox.workers import Status, WorkerPool, available_cpus
from veritune.sandbox.workers.machine import _cgroup_quota

MARK = "VERITUNE_TEST_MARK"


@pytest.fixture(scope="module", autouse=True)
def tasks_importable() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_daemonic_child_has_its_own_workers(method: str) -> None:
    use = importlib.import_module("pool_tasks").use  # by a name that a spawned child can import too
    context: Any = multiprocessing.get_context(method)
    with WorkerPool("pool_tasks:act", workers=1, deadline=0.3) as pool:
        before = pool.run([("pid",)])[0].value
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=use, args=(pool, theirs), daemon=True)
        child.start()
        theirs.close()
        assert ours.poll(30)
        assert ours.recv() in (["ok", "cpu", "ok"], ["ok", "wall", "ok"])
        child.join(10)
        assert child.exitcode == 0
        assert pool.run([("pid",)])[0].value == before


def test_a_fork_while_other_threads_use_the_pool_deadlocks_nobody() -> None:
    with WorkerPool("pool_tasks:act", workers=2, deadline=2.0) as pool:
        busy = [pool.submit([("a",)] * 2000) for _ in range(3)]
        children = []
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                os._exit(0 if pool.run([("b",)])[0].value == "b" else 1)
            children.append(pid)
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 5
        assert all(o.status is Status.OK for future in busy for o in future.result(60))


SCRIPT = """
import sys, time
sys.path.insert(0, {folder!r})
from veritune.sandbox.workers import WorkerPool
pool = WorkerPool("pool_tasks:act", workers=2, deadline=30)
pool.run([("a",)])
future = pool.submit([("spin",), ("sleep", 30)])
print("running", flush=True)
{end}
"""


def _start(end: str) -> tuple[subprocess.Popen[str], str]:
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(folder=str(Path(__file__).parent), end=end)],
        env={**os.environ, MARK: mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    until = time.monotonic() + 10
    while len(_marked(mark)) < 4 and time.monotonic() < until:
        time.sleep(0.02)
    assert len(_marked(mark)) == 4, "the script, its server, two workers"
    return process, mark


def test_a_killed_parent_takes_its_server_and_workers_along() -> None:
    process, mark = _start("time.sleep(60)")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert _gone(mark)


def test_the_end_of_the_interpreter_ends_everything_quietly() -> None:
    process, mark = _start("time.sleep(0.5)")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""
    assert _gone(mark)


def test_an_interrupt_reaches_the_caller_and_not_the_workers() -> None:
    then = "print(pool.run([('a',)])[0].value, flush=True); time.sleep(60)"
    process, mark = _start(f"try: future.result()\nexcept KeyboardInterrupt: {then}")
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline().strip(), "a worker answers after the interrupt"
    assert len(_marked(mark)) == 4, "the script, its server, two workers"
    process.kill()
    process.communicate()
    assert _gone(mark)


def test_cpus_are_counted_by_affinity_quota_and_ranks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr("veritune.sandbox.workers.machine._cgroup_quota", lambda: None)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert available_cpus() == 8
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert available_cpus() == 2
    monkeypatch.setattr("veritune.sandbox.workers.machine._cgroup_quota", lambda: 2.5)
    monkeypatch.delenv("LOCAL_WORLD_SIZE")
    assert available_cpus() == 3
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert _cgroup_quota(str(tmp_path)) == 1.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert _cgroup_quota(str(tmp_path)) is None


def _marked(mark: str) -> list[int]:
    """Live processes that carry the mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_text(errors="replace"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _gone(mark: str, seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while _marked(mark) and time.monotonic() < until:
        time.sleep(0.02)
    return not _marked(mark)
