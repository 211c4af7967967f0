"""A batch ends when it is told to, and one odd job costs its own place only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

import veritune
from veritune.sandbox import Job, JobRefused, Limits, Linked, Outcome, Program
from veritune.sandbox.conformance.corpus import descendants
from veritune.sandbox.local.backend import LocalSandbox
from veritune.sandbox.local.prepared import was_killed
from veritune.sandbox.local.slot import Result

SOURCES = str(Path(veritune.__file__).parent.parent)
SLEEP = Program("python", "import time; time.sleep(60)")


@pytest.fixture(params=["namespaces", "confined"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[LocalSandbox]:
    sandbox = LocalSandbox(tier=request.param, workers=2)
    yield sandbox
    sandbox.close()


SLEEPERS = {
    "a batch": "sandbox.run_batch([Job(Program('python', 'import time; time.sleep(60)'))] * 8)",
    "one program": "sandbox.run(Program('python', 'import time; time.sleep(60)'))",
    "pairs": "sandbox.run_batch([Linked(Job(Program('python', 'import time; time.sleep(60)')), "
    "Job(Program('python', 'import socket; socket.socket(fileno=3).recv(1)')))] * 4)",
    "a reward": "get_reward('code').score_batch([Sample(prompt='', completion='```python\\nimport time\\n"
    "def f(): time.sleep(60)\\n```', columns={'test_code': 'assert f() == 1'}) for _ in range(8)])",
}


@pytest.mark.parametrize("what", SLEEPERS)
def test_one_interrupt_ends_it(what: str) -> None:
    """Ctrl-C: KeyboardInterrupt comes out, nothing of it runs on, and it does not wait for the programs' limits."""
    script = f"""
        import signal, sys, threading, time
        from veritune import Sample, get_reward
        from veritune.sandbox import Job, Linked, Program, default_sandbox
        from veritune.sandbox.conformance.corpus import descendants
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sandbox = default_sandbox()
        sandbox.run_batch([Job(Program("python", "print(1)"))] * 4)
        print("ready", flush=True)
        try:
            {SLEEPERS[what]}
        except KeyboardInterrupt:
            print("interrupted", [t.name for t in threading.enumerate()][1:], flush=True)
        sandbox.close()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCES},
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "ready\n"
        time.sleep(2)
        caller.send_signal(signal.SIGINT)
        said, _ = caller.communicate(timeout=30)  # the programs' own limits are twice that and more
    assert said == "interrupted []\n"


def test_a_bug_in_a_task_ends_the_batch(sandbox: LocalSandbox) -> None:
    """What others run is not waited for."""

    def broken() -> Generator[Job, Outcome, None]:
        yield Job(Program("python", "print(1)"))
        raise ZeroDivisionError("a bug of the caller")

    def patient() -> Generator[Job, Outcome, None]:
        yield Job(SLEEP, limits=Limits(cpu_s=60, wall_s=60))

    started = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        sandbox.run_tasks([patient(), broken()])
    assert time.monotonic() - started < 30


ODD: dict[str, Callable[[], Job | Linked]] = {
    "an unknown language": lambda: Job(Program("klingon", "x")),
    "a file name that leads out": lambda: Job(Program("python", ""), files={"../x": b""}),
    "a file name too long": lambda: Job(Program("python", ""), files={"x" * 300: b""}),
    "a file beside itself": lambda: Job(Program("python", ""), files={"a": b"", "a/b": b""}),
    "an argument with a zero": lambda: Job(Program("bash", "", args=("a\0b",))),
    "an argument too long": lambda: Job(Program("bash", "", args=("x" * (4 << 20),))),
    "a pair of which one is odd": lambda: Linked(Job(Program("klingon", "x")), Job(Program("python", ""))),
    "a program of 20 MB": lambda: Job(Program("python", "# " + "x" * (20 << 20) + "\nprint(1)")),
    "lone surrogates": lambda: Job(Program("python", "print('\ud800')"), "\ud800"),
    "a class name too long": lambda: Job(Program("java", f"public class {'A' * 300} {{ }}")),
}


def test_one_odd_job_costs_its_own_place(sandbox: LocalSandbox) -> None:
    jobs = [make() for make in ODD.values()]
    hello = Job(Program("python", "print(1)"))
    answers = sandbox.run_batch([each for job in jobs for each in (job, hello)])
    assert all(isinstance(a, Outcome) and a.stdout == b"1\n" for a in answers[1::2]), answers[1::2]
    odd = dict(zip(ODD, answers[::2], strict=True))
    assert isinstance(odd["an unknown language"], JobRefused)
    assert isinstance(odd["a file name that leads out"], JobRefused)
    assert isinstance(odd["a file name too long"], JobRefused)
    assert isinstance(odd["a file beside itself"], JobRefused)
    assert isinstance(odd["an argument with a zero"], JobRefused)
    assert isinstance(odd["an argument too long"], JobRefused)
    assert isinstance(odd["a pair of which one is odd"], JobRefused)
    large = odd["a program of 20 MB"]
    assert isinstance(large, Outcome)
    assert large.stdout == b"1\n"
    assert isinstance(odd["lone surrogates"], Outcome)
    if "java" in sandbox.languages():
        named = odd["a class name too long"]
        assert isinstance(named, Outcome)
        assert named.compile_failed


def killed_once(own: set[int], which: Callable[[int], bool]) -> threading.Thread:
    """Kills, from outside, the first process below a warm interpreter for which ``which`` holds."""

    def work() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for pid in descendants() - own:
                if which(pid):
                    os.kill(pid, signal.SIGKILL)
                    return
            time.sleep(0.005)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_program_killed_from_outside_is_run_again(sandbox: LocalSandbox) -> None:
    """As by the out-of-memory killer: not its fault. Whoever kills itself does so again."""
    sandbox.run_batch([Job(Program("python", "print(1)"))] * 4)
    own = descendants()
    killer = killed_once(own, lambda pid: True)
    outcome = sandbox.run(Program("python", "import time; time.sleep(0.5); print(1)"))
    killer.join()
    assert outcome.stdout == b"1\n", outcome.describe()
    suicide = sandbox.run(Program("python", "import os; os.kill(os.getpid(), 9)"))
    assert suicide.signal == 9
    assert not suicide.ok


def test_a_tests_side_killed_twice_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once is made good; after that it is our failure, never a wrong program."""
    from veritune.plugins.types import Cause
    from veritune.sandbox.interface import Limits as Bounds
    from veritune.verifiers.code.judge import judge_batch
    from veritune.verifiers.code.problem import Problem, ScriptTests

    problem = Problem(ScriptTests(["import time; time.sleep(0.4)\nassert f() == 1"], entry="f"))
    with LocalSandbox(workers=1) as sandbox:
        assert judge_batch([("def f(): return 1", problem)], sandbox, Bounds(), stop_early=False)[0].correct
        own = descendants()
        stop = threading.Event()

        def kill_all() -> None:
            while not stop.is_set():
                for pid in descendants() - own:
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.005)

        killer = threading.Thread(target=kill_all)
        killer.start()
        try:
            verdict = judge_batch([("def f(): return 1", problem)], sandbox, Bounds(), stop_early=False)[0]
        finally:
            stop.set()
            killer.join()
        assert verdict.correct is None, verdict
        assert verdict.cause == Cause.INFRA_ERROR
        again = judge_batch([("def f(): return 1", problem)], sandbox, Bounds(), stop_early=False)[0]
        assert again.correct


def test_a_compiler_that_lost_a_part_of_itself_is_run_again() -> None:
    """Killed from outside, a part of it: what it says then is no compile error of the program's."""
    said = (
        b"g++: fatal error: Killed signal terminated program cc1plus",
        b"g++: fatal error: Broken pipe signal terminated program cc1plus",
        b"collect2: fatal error: ld terminated with signal 9 [Killed]",
        b"go build: signal: killed",
    )
    for line in said:
        result = Result({"status": 1 << 8, "limit": None}, b"", line, 0, len(line), None)
        assert was_killed(result, compiles=True), line
        assert not was_killed(result), "a program may print it"
    error = Result({"status": 1 << 8, "limit": None}, b"", b"main.cpp:1:1: error: expected", 0, 1, None)
    assert not was_killed(error, compiles=True)
