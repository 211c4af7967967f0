"""What a program is asked to do: tests of one kind, and what it takes to run them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.plugins.errors import VerituneError
from veritune.sandbox.interface import Limits
from veritune.verifiers.code.compare import Comparison


class InvalidProblem(VerituneError, ValueError):
    """A row holds no tests that can be run: the dataset's fault, an undecided verdict, never a zero."""


@dataclass(frozen=True)
class InputOutput:
    """One stdin/stdout test."""

    stdin: str
    expected: str


@dataclass(frozen=True)
class Examiner:
    """A program of the dataset that judges: a checker or an interactor."""

    source: str
    language: str = "python"
    files: Mapping[str, str] = field(default_factory=dict)
    """Headers beside it (C++). ``testlib.h`` is there anyway: ours, unless the row brings its own."""

    @classmethod
    def of(cls, source: str, language: str | None = None, files: Mapping[str, str] | None = None) -> Examiner:
        """Of a source whose language may not be said: C++ where it includes anything."""
        guess = "cpp" if re.search(r"^[ \t]*#[ \t]*include\b", source, re.MULTILINE) else "python"
        return cls(source, language or guess, files or {})


@dataclass(frozen=True)
class StdioTests:
    """Programs that read stdin and write stdout."""

    tests: Sequence[InputOutput]
    comparison: Comparison = field(default_factory=Comparison)
    checker: Examiner | None = None
    """Run in a sandbox as ``checker.py input.txt answer.txt output.txt``; in C++, as testlib has it, as ``checker
    input.txt output.txt answer.txt``. It exits with 0 (right; a score in [0, 1] may be printed), 1 or 2 (wrong),
    7 (``points X`` on stderr), or 3 (the test itself is at fault: undecided)."""
    interactor: Examiner | None = None
    """Run beside the program, stdout of each on stdin of the other, as ``interactor input.txt output.txt answer.txt``.
    Its exit status decides, as a checker's does."""

    def __len__(self) -> int:
        return len(self.tests)


@dataclass(frozen=True)
class CallTests:
    """``entry(*args) == expected``, also as a method of a class ``Solution``."""

    entry: str
    tests: Sequence[tuple[Sequence[Any], Any]]
    tolerance: float = 1e-9
    prelude: str = ""
    """Source run before the program: what LeetCode has imported."""

    def __len__(self) -> int:
        return len(self.tests)


@dataclass(frozen=True)
class ScriptTests:
    """Test code: assert statements, a ``check(candidate)``, ``unittest`` cases, functions and classes ``test_…``, …"""

    tests: Sequence[str]
    """Of several each is one test; of a single one each test that it defines."""
    entry: str | None = None
    prelude: str = ""
    """Trusted helpers that the tests may use (HumanEval: the prompt)."""
    setup: str = ""
    """Run once before the first test."""
    reference: str = ""
    """A right program, if known: it says which names are the program's to define."""

    def __len__(self) -> int:
        return len(self.tests)


@dataclass(frozen=True)
class Problem:
    """Tests, the language that the program must be in, and the limits of a run."""

    tests: StdioTests | CallTests | ScriptTests
    language: str = "python"
    form: str = ""
    """Which form of row it was read from."""
    before: str = ""
    """Put in front of the program (HumanEval: the prompt that it continues)."""
    entry_hint: str | None = None
    cpu_s: float | None = None
    memory_mb: int | None = None
    meta: dict[str, Any] = field(default_factory=dict)

    def limits(self, base: Limits) -> Limits:
        """The row's own time and memory limits in place of the given ones.

        Where the row has a time limit, a program that only waits ends soon after it: clock time is twice that and two
        seconds. One that waits for a CPU is given more, see ``stdio_task``.
        """
        import dataclasses

        cpu = self.cpu_s or base.cpu_s
        memory = self.memory_mb or base.memory_mb
        return dataclasses.replace(base, cpu_s=cpu, memory_mb=memory, wall_s=2 * cpu + 2 if self.cpu_s else base.wall_s)


@dataclass(frozen=True)
class TestResult:
    """One test's outcome."""

    __test__ = False

    passed: bool
    reason: str = ""
    limit: str | None = None
    score: float = 0.0
    """Of a checker that gives part of the points; else 1 or 0."""
    asserted: bool = True
    """It executed an assertion about the program, or failed. A test that did neither says nothing."""
    reached: bool = True
    """False where the test asked the program and its assertions were not reached."""
