"""Nothing leaks and nothing stays behind, whoever is killed."""

from __future__ import annotations

import contextlib
import glob
import os
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import veritune
from veritune.sandbox import Job, Limits, Outcome, Program
from veritune.sandbox.conformance.corpus import descendants, lingering
from veritune.sandbox.local import remains
from veritune.sandbox.local.backend import LocalSandbox

HELLO = Program("python", "print(1)")
TIERS = ["namespaces", "confined"]


@pytest.fixture(params=TIERS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[LocalSandbox]:
    sandbox = LocalSandbox(tier=request.param, workers=2)
    sandbox.report()
    yield sandbox
    sandbox.close()


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def mounts() -> int:
    return len(Path("/proc/self/mountinfo").read_text().splitlines())


def scratch_folders() -> set[str]:
    return set(glob.glob(os.path.join(tempfile.gettempdir(), f"veritune-{os.getpid()}-*")))


@pytest.mark.slow
def test_five_hundred_programs_leave_nothing() -> None:
    folders = scratch_folders()
    processes = descendants()
    with LocalSandbox(workers=2) as sandbox:
        sandbox.run_batch([Job(HELLO)] * 50)
        before = (open_descriptors(), mounts(), len(descendants()))
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sources = [f"open('f','w').write('x') if {i} % 7 == 0 else 0; print({i})" for i in range(500)]
        answers = sandbox.run_batch([Job(Program("python", source)) for source in sources])
        assert [a.stdout if isinstance(a, Outcome) else a for a in answers] == [b"%d\n" % i for i in range(500)]
        del answers
        assert (open_descriptors(), mounts(), len(descendants())) == before
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident < 2048  # KiB
    assert lingering(processes, 2.0) == set()
    assert descendants() <= processes
    assert scratch_folders() <= folders


def test_a_killed_slot_costs_no_sample(sandbox: LocalSandbox) -> None:
    """kill -9 of warm interpreters and guardians mid-batch: every sample still gets its own outcome."""
    own = descendants()
    jobs = [Job(Program("python", f"import time; time.sleep(0.1); print({i})")) for i in range(24)]
    stop = threading.Event()

    def kill_sometimes() -> None:
        for _ in range(3):
            if stop.wait(0.5):
                return
            for pid in sorted(descendants() - own)[:2]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_sometimes)
    killer.start()
    answers = sandbox.run_batch(jobs)
    stop.set()
    killer.join()
    said = [a.stdout if isinstance(a, Outcome) else a for a in answers]
    assert said == [b"%d\n" % i for i in range(24)]
    sandbox.close()
    assert lingering(own, 3.0) == set()


@pytest.mark.parametrize("tier", TIERS)
def test_a_killed_parent_leaves_nothing(tier: str, tmp_path: Path) -> None:
    """kill -9 of the caller mid-batch: its slots, their programs and their folders go within moments."""
    script = f"""
        import os, threading, time
        from veritune.sandbox import Job, Program
        from veritune.sandbox.local.backend import LocalSandbox
        from veritune.sandbox.conformance.corpus import descendants
        sandbox = LocalSandbox(tier={tier!r}, workers=2)
        sandbox.report()
        spin = "import os\\nif os.fork() == 0: pass\\nwhile True: pass"
        threading.Thread(target=sandbox.run_batch, args=([Job(Program("python", spin))] * 4,), daemon=True).start()
        until = time.monotonic() + 60
        while len(descendants()) < 4 and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        print(*sorted(descendants()), flush=True)
        time.sleep(60)
    """
    sources = str(Path(veritune.__file__).parent.parent)
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": sources}
    tmp_path.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, env=environment, text=True
    ) as caller:
        assert caller.stdout is not None
        pids = [int(word) for word in caller.stdout.readline().split()]
        caller.kill()
    assert len(pids) >= 4, "two slots with a program each were expected"
    deadline = time.monotonic() + 30
    while (left := [pid for pid in pids if _runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == []
    time.sleep(0.1)
    assert [name for name in os.listdir(tmp_path) if name.startswith("veritune-")] == []


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def test_close_ends_running_programs(sandbox: LocalSandbox) -> None:
    own = descendants()
    session = sandbox.open_session(Program("python", "while True: pass"), limits=Limits(cpu_s=60, wall_s=60))
    assert descendants() - own
    sandbox.close()
    assert lingering(own, 3.0) == set()
    del session


def test_forked_children_have_slots_of_their_own(sandbox: LocalSandbox) -> None:
    """A forked child can use the sandbox that it inherited, and its end does not disturb the parent's."""
    assert sandbox.run(HELLO).ok
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            status = 0 if sandbox.run(HELLO).stdout == b"1\n" else 2
            sandbox.close()
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert sandbox.run(HELLO).stdout == b"1\n"


def test_the_host_process_is_left_alone(sandbox: LocalSandbox) -> None:
    """No signal handler, umask, folder, environment or limit of the caller changes."""

    def state() -> tuple[object, ...]:
        mask = os.umask(0)
        os.umask(mask)
        handlers = [signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT)]
        return mask, os.getcwd(), dict(os.environ), handlers, resource.getrlimit(resource.RLIMIT_NOFILE)

    before = state()
    assert sandbox.run(HELLO).ok
    assert state() == before


def test_any_thread_may_run_programs(sandbox: LocalSandbox) -> None:
    """Slots outlive the thread that started them."""
    found: list[bytes] = []

    def work(number: int) -> None:
        found.append(sandbox.run(Program("python", f"print({number})")).stdout)

    for _ in range(2):
        threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == sorted([b"%d\n" % i for i in range(6)] * 2)


@pytest.mark.parametrize("tier", TIERS)
def test_guardian_and_interpreter_killed_together_leave_nothing(tier: str) -> None:
    """Orphans of the program that ran, and its folder, are seen to by the caller; the job is run again."""
    own, folders = descendants(), scratch_folders()
    with LocalSandbox(tier=tier, workers=1) as sandbox:
        assert sandbox.run(HELLO).ok
        slots = descendants() - own
        source = (
            "import os, time\nopen('file', 'w').write('x')\nfor _ in range(3): os.fork()\ntime.sleep(1.5)\nprint(1)"
        )
        answers: list[bytes] = []
        job = threading.Thread(target=lambda: answers.append(sandbox.run(Program("python", source)).stdout))
        job.start()
        deadline = time.monotonic() + 10
        while len(descendants() - own) < len(slots) + 8 and time.monotonic() < deadline:
            time.sleep(0.01)
        programs = descendants() - own - slots
        for pid in slots:
            os.kill(pid, signal.SIGSTOP)  # so that neither sees the other's end
        for pid in slots:
            os.kill(pid, signal.SIGKILL)
        job.join()
        assert answers[0].count(b"1\n") >= 1
        assert [pid for pid in programs if _runs(pid)] == []
    assert lingering(own, 3.0) == set()
    assert scratch_folders() <= folders


def test_folders_of_callers_that_are_gone_are_swept(tmp_path: Path) -> None:
    """Old, ours, and nobody holds it: only then."""
    old = time.time() - 3600
    for name in ("veritune-1-aaaaaaaaaaaa", "veritune-1-bbbbbbbbbbbb", "veritune-1-cccccccccccc", "veritune-other"):
        (tmp_path / name / "box").mkdir(parents=True)
        (tmp_path / name / "box" / "file").touch()
        os.utime(tmp_path / name, (old, old))
    os.utime(tmp_path / "veritune-1-bbbbbbbbbbbb")
    held = remains.lock(str(tmp_path / "veritune-1-cccccccccccc"))
    (tmp_path / "veritune-1-dddddddddddd").symlink_to(tmp_path / "veritune-other")
    remains.sweep(str(tmp_path))
    os.close(held)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["veritune-1-bbbbbbbbbbbb", "veritune-1-cccccccccccc", "veritune-1-dddddddddddd", "veritune-other"]
    assert (tmp_path / "veritune-other" / "box" / "file").exists()
