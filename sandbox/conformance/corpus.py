"""A folder of hostile programs with a manifest of what must hold while they run (rows as in its README)."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from veritune.sandbox.conformance.world import World
from veritune.sandbox.errors import SandboxError
from veritune.sandbox.interface import Limits, Outcome, Program, Sandbox
from veritune.sandbox.languages import find_language

MEASURED_LIMITS = Limits(cpu_s=2, wall_s=2, memory_mb=256, processes=16, scratch_mb=8, file_mb=4, compile_cpu_s=8)
_LANGUAGE_LIMITS = {"js": Limits(cpu_s=6, wall_s=6, memory_mb=256, processes=16, scratch_mb=8, file_mb=4)}
_HEALTHY = Program("python", "import os; print(sum(map(int, input().split())), os.listdir('.'))")

_MATTERS_OF_TIME = frozenset({"killed within limit", "memory bounded"})
"""Both are enforced by looking again and again: a watcher that waits for a CPU looks late."""


@dataclass(frozen=True)
class Attack:
    """One row of the manifest with its source."""

    file: str
    language: str
    category: str
    mode: str
    verdict: str
    holds: tuple[str, ...]
    source: str

    @property
    def limits(self) -> Limits:
        return _LANGUAGE_LIMITS.get(self.language, MEASURED_LIMITS)


@dataclass(frozen=True)
class Result:
    """What became of an attack: the demands that did not hold, and the outcomes."""

    attack: Attack
    broken: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    seconds: float


def load(folder: Path) -> tuple[list[Attack], dict[str, Any]]:
    """(attacks, problems) of a corpus folder."""
    attacks = []
    with (folder / "manifest.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            source = (folder / row["file"]).read_text(encoding="utf-8")
            attacks.append(
                Attack(
                    row["file"], row["lang"], row["category"], row["mode"], row["verdict"], tuple(row["holds"]), source
                )
            )
    return attacks, json.loads((folder / "problems.json").read_text(encoding="utf-8"))


def quicker(limits: Limits, seconds: float) -> Limits:
    """The same limits with less time: for attacks that are to be killed in any case."""
    return replace(limits, cpu_s=min(seconds, limits.cpu_s), wall_s=min(seconds, limits.wall_s))


def run(
    sandbox: Sandbox,
    attack: Attack,
    tests: Sequence[tuple[str, str]],
    world: World,
    limits: Limits | None = None,
) -> Result:
    """Run a stdin/stdout attack against its problem, and see what held."""
    limits = limits or attack.limits
    program = Program(attack.language, world.fill_in(attack.source))
    before = descendants()
    outcomes: list[Outcome] = []
    started = time.monotonic()
    slowest = 0.0
    right = True
    with _MemoryWatch(before) as memory:
        for stdin, expected in tests:
            began = time.monotonic()
            outcome = sandbox.run(program, stdin, limits=limits)
            slowest = max(slowest, time.monotonic() - began)
            outcomes.append(outcome)
            right = outcome.ok and outcome.stdout.split() == expected.encode().split()
            if not right:
                break
    facts = _facts(sandbox, limits, world, outcomes, before, slowest, right, memory.peak)
    broken = tuple(demand for demand in attack.holds if not facts.get(demand, False))
    return Result(attack, broken, tuple(outcomes), time.monotonic() - started)


def run_surely(
    sandbox: Sandbox, attack: Attack, tests: Sequence[tuple[str, str]], world: World, limits: Limits | None = None
) -> Result:
    """:func:`run`, up to three times where a demand did not hold that a busy machine can hold up: such a one is broken
    where it never held, any other where it once did not."""
    result = run(sandbox, attack, tests, world, limits)
    for _ in range(2):
        late = _MATTERS_OF_TIME.intersection(result.broken)
        if not late:
            break
        again = run(sandbox, attack, tests, world, limits)
        now = late.intersection(again.broken) | {*result.broken, *again.broken} - _MATTERS_OF_TIME
        result = replace(again, broken=tuple(demand for demand in attack.holds if demand in now))
    return result


def _facts(
    sandbox: Sandbox,
    limits: Limits,
    world: World,
    outcomes: list[Outcome],
    before: set[int],
    slowest: float,
    right: bool,
    memory: int,
) -> dict[str, bool]:
    said = b"".join(outcome.stdout + outcome.stderr for outcome in outcomes)
    compile_s = limits.compile_cpu_s if outcomes[-1].compiled is not None else 0.0
    healthy = _still_healthy(sandbox)
    left = lingering(before)
    return {
        "verdict is pass": right,
        "verdict is fail": not right,
        "secret not readable": world.token.encode() not in said,
        "killed within limit": slowest <= limits.patience + compile_s + 1.0,
        "parent survives": healthy,
        "next run unaffected": healthy,
        "scratch removed": healthy,
        "no process left": not left,
        "no network": not world.visited(),
        "no file outside scratch": not world.written(),
        "memory bounded": memory <= 2 * limits.memory_mb << 20,
        "disk bounded": b"LEAK" not in said,
        "output bounded": len(said) <= 2 * len(outcomes) * limits.output_kb * 1024,
    }


def _still_healthy(sandbox: Sandbox) -> bool:
    """The next program runs, in an empty folder."""
    try:
        after = sandbox.run(_HEALTHY, "40 2", limits=MEASURED_LIMITS)
    except SandboxError:
        return False
    return after.ok and after.stdout == b"42 []\n"


def descendants() -> set[int]:
    """Process ids of everything that this process started, at any depth (Linux)."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            parents[int(name)] = int(fields[1])
    found: set[int] = set()
    frontier = {os.getpid()}
    while frontier:
        frontier = {pid for pid, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def lingering(before: set[int], patience_s: float = 0.5) -> set[int]:
    """Descendants that are not the sandbox's own and are still there after ``patience_s``."""
    deadline = time.monotonic() + patience_s
    while True:
        left = {pid for pid in descendants() - before if not _is_ours(pid)}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def _is_ours(pid: int) -> bool:
    """A slot's guardian, or the warm interpreter below one: the sandbox may have replaced it meanwhile."""
    try:
        parent = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
        grandparent = int(Path(f"/proc/{parent}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return True
    return os.getpid() in (parent, grandparent)


def _proportional(pid: int) -> int:
    """A process's own memory in bytes, pages shared with others (its warm parent) counted by their share."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith((b"Pss_Anon:", b"Pss_Shmem:")))


class _MemoryWatch:
    """The largest anonymous memory of all new descendants together, sampled while it is entered."""

    def __init__(self, before: set[int]) -> None:
        self.peak = 0
        self._before = before
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._stop.wait(0.05):
            self.peak = max(self.peak, sum(map(_proportional, descendants() - self._before)))

    def __enter__(self) -> _MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def language_of(attack: Attack) -> str:
    """The full name of an attack's language."""
    return find_language(attack.language).name
