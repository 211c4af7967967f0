"""What goes into a sandbox and what comes out: limits, programs, jobs, and outcomes that say what the program did."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, TypeVar

from veritune.plugins.errors import ConfigError

CHANNEL_FD = 3
"""The descriptor on which a program finds its end of a session's channel (a Unix stream socket)."""

Enforcement: TypeAlias = Literal["enforced", "partial", "none"]
LimitHit: TypeAlias = Literal["cpu", "wall", "memory", "output", "scratch", "cancelled"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. Seconds, and mebibytes (2**20 bytes) unless the name says otherwise."""

    cpu_s: float = 10.0
    """CPU seconds of the whole process tree: the time limit that verdicts are about."""
    wall_s: float = 30.0
    """Clock seconds of the run, not counting those in which it was ready and waited for a CPU."""
    idle_s: float | None = None
    """Clock seconds, all together, in which nothing of the run used a CPU or waited for one: sleeping, or waiting for
    what never comes. None: ``cpu_s`` and three more."""
    patience_s: float | None = None
    """Clock seconds after which the run is given up in any case, ``starved`` if it was still waiting for a CPU. None:
    three times ``wall_s``."""
    memory_mb: int = 512
    """Memory of the whole process tree, above what the warm interpreter itself holds."""
    processes: int = 32
    """Processes and threads alive at once."""
    file_mb: int = 16
    """Largest file, and largest raw output before the run is cut."""
    scratch_mb: int = 32
    """Everything in the scratch folder together."""
    inodes: int = 1024
    """Files and folders in the scratch folder."""
    output_kb: int = 1024
    """Bytes (in KiB) of stdout, and of stderr, that are handed back."""
    compile_cpu_s: float = 10.0
    """CPU seconds of the compile step of languages that have one."""
    compile_wall_s: float = 30.0
    compile_memory_mb: int = 1024

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is None and each.default is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
                raise ConfigError(f"Limits.{each.name} must be a positive number, got {value!r}")

    @property
    def idle(self) -> float:
        """``idle_s``, or what it is by default."""
        return self.cpu_s + 3 if self.idle_s is None else self.idle_s

    @property
    def patience(self) -> float:
        """``patience_s``, or what it is by default."""
        return 3 * self.wall_s if self.patience_s is None else self.patience_s


@dataclass(frozen=True, slots=True)
class Program:
    """A program that a policy wrote."""

    language: str
    """``python``, ``cpp``, ``c``, ``javascript``, ``bash``, ``java``, ``rust``, ``go``, or another name of one, with
    a version or without: ``py``, ``C++20``, ``PyPy 3``."""
    source: str
    args: tuple[str, ...] = ()
    support: Mapping[str, str] = field(default_factory=dict)
    """Python only: module name → source of *our* helper modules, importable by the program. They are trusted code:
    a warm back-end compiles them once, outside the program's limits. Never put anything of a policy here."""
    units: Mapping[str, str] = field(default_factory=dict)
    """C and C++ only: file name → source or header that lies beside the program when it is compiled. Sources are
    compiled as translation units of their own and linked with it."""
    options: tuple[str, ...] = ()
    """C and C++ only: further options of the compiler. Trusted, as ``support`` is."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a program."""

    program: Program
    stdin: bytes | str = b""
    files: Mapping[str, bytes | str] = field(default_factory=dict)
    """Relative path → content, written into the scratch folder (the working directory) before the program starts."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Linked:
    """Two jobs run side by side, each in its own sandbox, joined by one stream socket on descriptor 3 of both.

    This is the split judge: the program in ``first``, tests with their answers in ``second``.
    """

    first: Job
    second: Job
    by: Literal["channel", "stdio"] = "channel"
    """``stdio`` joins them by two pipes instead, stdout of each to stdin of the other: an interactive problem, with the
    interactor in ``second``. Neither job's ``stdin`` is used then, and both outcomes' ``stdout`` is empty."""


@dataclass(frozen=True, slots=True)
class IsolationReport:
    """What stood between the program and the machine, as probed and tested, not as hoped."""

    backend: str
    tier: str
    """``namespaces``, ``confined``, the name of an external back-end, or ``none``."""
    fs_read: Enforcement
    fs_write: Enforcement
    network: Enforcement
    pids: Enforcement
    memory: Enforcement
    tree_kill: Enforcement
    kernel_surface: Enforcement
    notes: tuple[str, ...] = ()

    def enforcement(self) -> dict[str, Enforcement]:
        """Property → enforced, partial or none."""
        names = ("fs_read", "fs_write", "network", "pids", "memory", "tree_kill", "kernel_surface")
        return {name: getattr(self, name) for name in names}

    def as_evidence(self) -> dict[str, Any]:
        """For a verdict's evidence: backend, tier and every property."""
        return {"backend": self.backend, "tier": self.tier, **self.enforcement()}


@dataclass(frozen=True, slots=True)
class CompileOutcome:
    """The compile step: ``ok``, or what the compiler said."""

    ok: bool
    messages: bytes = b""
    """The compiler's output, bounded."""
    limit_hit: LimitHit | None = None
    starved: bool = False
    cpu_s: float = 0.0
    wall_s: float = 0.0
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program did. ``exit_code`` and ``signal`` are both None where it never started (compile error)."""

    exit_code: int | None
    signal: int | None
    stdout: bytes
    stderr: bytes
    isolation: IsolationReport
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    cpu_s: float = 0.0
    """CPU seconds of the whole process tree."""
    wall_s: float = 0.0
    peak_memory_mb: float = 0.0
    """0 where it is not known: a command such as bubblewrap's is started by this process, whose own size hides smaller
    ones."""
    limit_hit: LimitHit | None = None
    """The limit that ended or spoilt the run. ``cancelled``: the caller ended it."""
    starved: bool = False
    """Given up while the program, with CPU time left, was kept waiting for a CPU: our machine's fault."""
    compiled: CompileOutcome | None = None
    """None for languages without a compile step."""

    @property
    def ok(self) -> bool:
        """It ran to its end, exit status 0, inside every limit. Says nothing about whether the output is right."""
        return self.exit_code == 0 and self.limit_hit is None

    @property
    def compile_failed(self) -> bool:
        return self.compiled is not None and not self.compiled.ok

    @property
    def stdout_text(self) -> str:
        return self.stdout.decode("utf-8", "replace")

    @property
    def stderr_text(self) -> str:
        return self.stderr.decode("utf-8", "replace")

    def describe(self) -> str:
        """One sentence: why it is not ``ok``, or that it is."""
        if self.compiled is not None and not self.compiled.ok:
            return (
                f"compilation failed ({self.compiled.limit_hit} limit)" if self.compiled.limit_hit else "compile error"
            )
        if self.limit_hit is not None:
            return f"{self.limit_hit} limit hit"
        if self.signal is not None:
            return f"killed by signal {self.signal}"
        return "exit status 0" if self.exit_code == 0 else f"exit status {self.exit_code}"


Request: TypeAlias = Job | Linked
Answer: TypeAlias = Outcome | tuple[Outcome, Outcome]
T = TypeVar("T")
Task: TypeAlias = Generator[Request, Any, T]
"""Yields jobs one after the other, is sent each outcome (a pair for :class:`Linked`), returns its finding."""
