"""Programs judged while every kind of process of the sandbox is killed at random: no wrong verdict, nothing is left.

    python benchmarks/sandbox_kills.py [--programs N] [--tier TIER] [--every SECONDS] [--seed S]

Of a mix of right and wrong programs (call tests, stdin, C++ compiled anew), each verdict is compared with the known
one: right ones get 1.0 or, where they were killed twice, nothing (None); wrong ones are never paid. Guardians, warm
interpreters, programs, tests' sides and compilers are killed with SIGKILL, one at random every so often. Afterwards
processes, mounts, folders, descriptors and memory are counted. Exit status 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import os
import platform
import random
import resource
import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from veritune.plugins.types import Verdict
from veritune.sandbox.conformance.corpus import descendants, lingering
from veritune.sandbox.interface import Limits
from veritune.sandbox.local.backend import LocalSandbox
from veritune.verifiers.code.judge import judge_batch
from veritune.verifiers.code.problem import CallTests, InputOutput, Problem, StdioTests

LIMITS = Limits(cpu_s=5, wall_s=30)
CALLS = Problem(CallTests("half", [([8], 4), ([2], 1)]))
STDIO = Problem(StdioTests([InputOutput("8\n", "4\n"), InputOutput("2\n", "1\n")]))
CPP = Problem(StdioTests([InputOutput("8\n", "4\n")]), language="cpp")


def case(number: int) -> tuple[str, Problem, bool]:
    """(program, problem, whether it is right). Compiled ones differ each time: their cache would hide the compiler."""
    right = number % 3 != 0
    operator = "/ 2" if right else "+ 1"
    kind = number % 40
    if kind == 0:
        body = f'int x; scanf("%d", &x); printf("%d\\n", x {operator});'
        return f"#include <cstdio>\nint main() {{ {body} }} // {number}", CPP, right
    if kind % 2:
        return f"def half(x):\n    return x {operator}\n", CALLS, right
    slow = "import time; time.sleep(0.02)\n" if kind % 4 == 0 else ""
    return f"{slow}print(int(int(input()) {operator}))\n", STDIO, right


_PROGRAMS, _NATIVE, _WARM, _GUARDIANS = (
    "programs and tests' sides",
    "compilers and compiled programs",
    "warm",
    "guardians",
)
_WEIGHTS = {_PROGRAMS: 6, _NATIVE: 6, _WARM: 1, _GUARDIANS: 1}
"""The last two take a second to replace: killed as often as programs, they would do nothing but start."""


class Killer:
    """Kills one process below this one every so often, of whatever kind."""

    def __init__(self, every_s: float, seed: int) -> None:
        self.killed: Counter[str] = Counter()
        self._every_s = every_s
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        while not self._stop.wait(self._random.uniform(0.2, 1.8) * self._every_s):
            kinds: dict[str, list[int]] = {}
            for pid in descendants():
                kinds.setdefault(kind_of(pid), []).append(pid)
            kind = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
            if kind in kinds:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._random.choice(kinds[kind]), signal.SIGKILL)
                    self.killed[kind] += 1

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def kind_of(pid: int) -> str:
    """By the depth below this process, and by what it executes."""
    chain = [pid]
    while chain[-1] > 1 and chain[-1] != os.getpid() and len(chain) < 6:
        try:
            fields = Path(f"/proc/{chain[-1]}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return ""
        chain.append(int(fields[1]))
    try:
        executes = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
    if "python" not in executes:
        return _NATIVE
    return {2: _GUARDIANS, 3: _WARM}.get(len(chain), _PROGRAMS)


def resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def held() -> tuple[int, int]:
    """(mounts, folders of this process's slots)."""
    mounts = len(Path("/proc/self/mountinfo").read_text().splitlines())
    return mounts, len(glob.glob(os.path.join(tempfile.gettempdir(), f"veritune-{os.getpid()}-*")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=5000)
    parser.add_argument("--seconds", type=float, help="stop after about as long")
    parser.add_argument("--tier", choices=["namespaces", "confined"], default="namespaces")
    parser.add_argument("--every", type=float, default=0.3, help="mean seconds between kills")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    before, own, first = held(), descendants(), (len(os.listdir("/proc/self/fd")), 0)
    said: Counter[str] = Counter()
    wrong: list[str] = []
    started = time.monotonic()
    with LocalSandbox(tier=options.tier, workers=options.workers, packages=()) as sandbox:
        judge_batch([case(i)[:2] for i in range(1, 60)], sandbox, LIMITS, stop_early=True)
        first = (first[0], resident_kb())
        with Killer(options.every, options.seed) as killer:
            for start in range(0, options.programs, 100):
                if start >= options.programs:
                    break
                cases = [case(i) for i in range(start, min(start + 100, options.programs))]
                verdicts = judge_batch([c[:2] for c in cases], sandbox, LIMITS, stop_early=True)
                if options.seconds and time.monotonic() - started > options.seconds:
                    options.programs = start + len(cases)
                for (code, _, right), verdict in zip(cases, verdicts, strict=True):
                    said[finding(right, verdict)] += 1
                    if verdict.correct is not None and verdict.correct != right:
                        wrong.append(f"{code!r}: {verdict.correct}, {verdict.reason}")
        judge_batch([case(i)[:2] for i in range(1, 60)], sandbox, LIMITS, stop_early=True)
        resident = resident_kb()
    last = (len(os.listdir("/proc/self/fd")), resident)
    seconds = time.monotonic() - started
    left = lingering(own, 3.0)
    print(f"Linux {platform.release()}, Python {platform.python_version()}, uid {os.getuid()}, tier {options.tier}")
    print(f"{options.programs} programs in {seconds:.0f} s, {sum(killed := list(killer.killed.values()))} kills: "
          f"{dict(killer.killed)}")  # fmt: skip
    print(f"verdicts: {dict(said)}")
    print(f"left: {len(left)} processes, (mounts, folders) {before} -> {held()}, "
          f"descriptors {first[0]} -> {last[0]}, resident KiB {first[1]} -> {last[1]}")  # fmt: skip
    print("\n".join(["wrong verdicts:", *wrong]) if wrong else "no wrong verdict")
    clean = not left and held() == before and last[0] <= first[0] + 2 and last[1] - first[1] < 16384
    return int(bool(wrong) or not clean or not killed)


def finding(right: bool, verdict: Verdict) -> str:
    return f"{'right' if right else 'wrong'} program: {verdict.correct}{f' ({verdict.cause})' if verdict.cause else ''}"


if __name__ == "__main__":
    raise SystemExit(main())
