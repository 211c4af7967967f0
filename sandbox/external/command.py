"""Programs run by a command-line tool (bubblewrap, docker): a folder with the job, a wrapped command, three streams."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from veritune.sandbox.errors import SandboxClosed
from veritune.sandbox.external.findings import limit_of, split_status
from veritune.sandbox.interface import (
    CompileOutcome,
    IsolationReport,
    Job,
    LimitHit,
    Limits,
    Outcome,
    Program,
    Sandbox,
)
from veritune.sandbox.languages import Language, Toolchain, find_language, java_main_class
from veritune.sandbox.local.compiler import compile_command, expand
from veritune.sandbox.local.inside import collect
from veritune.sandbox.local.wire import BASE_ENVIRONMENT, checked_files, encoded, memory_file

HOME = "/tmp"
"""Where the scratch folder is, inside."""


@dataclass(frozen=True)
class Wrapped:
    """One step for the tool: a command, the folder with its files, where it may write."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    limits: Limits
    sparse_mb: int | None
    writable: bool
    """Compile steps write into the job's folder, programs into a scratch folder that dies with them."""


class CommandSandbox(Sandbox):
    """Base of the command-line back-ends: subclasses say how a step is wrapped and how it is ended."""

    def __init__(self, workers: int | None) -> None:
        self.workers = workers or len(os.sched_getaffinity(0))
        self._closed = False
        self._places = threading.BoundedSemaphore(self.workers)

    @abstractmethod
    def wrap(self, step: Wrapped, name: str, passed: Mapping[str, int]) -> list[str]:
        """The host's command line for a step; ``passed``: those of :meth:`descriptors`, and ``channel``."""

    @abstractmethod
    def toolchain(self, language: Language) -> Toolchain:
        """Where a language's tools are, inside; LanguageUnavailable."""

    @abstractmethod
    def check(self, running: Running) -> None:
        """Raise where the tool, not the program, failed."""

    def descriptors(self) -> dict[str, int]:
        """Descriptors that the tool's process needs of its own; closed at the step's end."""
        return {}

    def popen_options(self) -> dict[str, object]:
        return {}

    def own(self, folder: str) -> None:
        """Make a folder writable for the user that the tool's programs run as."""
        os.chmod(folder, 0o777)

    def kill(self, running: Running) -> None:
        """End a step and all its processes."""
        running.end()

    def ran_out_of_memory(self, running: Running) -> bool:
        return False

    def tidy(self, running: Running) -> None:
        """Remove what the tool keeps of an ended step."""

    def run(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Mapping[str, bytes | str] | None = None,
        limits: Limits | None = None,
    ) -> Outcome:
        job = Job(program, stdin, files or {}, limits or Limits())
        report = self.report()
        with self._places, _JobFolder(self, job, report) as folder:
            if folder.failed is not None:
                return folder.failed
            running = self.start(folder)
            running.wait(job.limits.wall_s)
            return self.outcome(running, folder)

    def start(self, folder: _JobFolder, channel: socket.socket | None = None) -> Running:
        """Start a prepared job's program."""
        if self._closed:
            raise SandboxClosed("this sandbox has been closed")
        return Running(self, folder.step, encoded(folder.job.stdin), channel)

    def outcome(self, running: Running, folder: _JobFolder) -> Outcome:
        """The outcome of an ended program."""
        limits = folder.job.limits
        exit_code, ended_by = split_status(running.status)
        stdout, stdout_size = running.read("stdout", limits)
        stderr, stderr_size = running.read("stderr", limits)
        hit: LimitHit | None = running.cut
        try:
            if hit is None:
                self.check(running)
                if self.ran_out_of_memory(running):
                    hit = "memory"
        finally:
            self.tidy(running)
            running.close()
        cpu = running.cpu_s
        hit = hit or limit_of(folder.language, limits, cpu, ended_by, exit_code, stderr)
        if hit is None and stdout_size > limits.output_kb * 1024:
            hit = "output"
        return Outcome(
            exit_code,
            ended_by,
            stdout,
            stderr,
            folder.report,
            stdout_truncated=stdout_size > limits.output_kb * 1024,
            stderr_truncated=stderr_size > limits.output_kb * 1024,
            cpu_s=cpu or 0.0,
            wall_s=running.wall_s,
            peak_memory_mb=running.peak_kb / 1024,
            limit_hit=hit,
            compiled=folder.compiled,
        )

    def close(self) -> None:
        self._closed = True


class Running:
    """A started step: the tool's process with the program's streams."""

    def __init__(self, sandbox: CommandSandbox, step: Wrapped, stdin: bytes, channel: socket.socket | None) -> None:
        self.sandbox = sandbox
        self.step = step
        self.name = f"veritune-{os.getpid()}-{os.urandom(6).hex()}"
        self.status = 0
        self.cpu_s: float | None = None
        self.wall_s = 0.0
        self.peak_kb = 0
        self.cut: LimitHit | None = None
        self.streams = {name: os.memfd_create(name, 1) for name in ("stdout", "stderr")}
        self.streams["stdin"] = memory_file("stdin", stdin)
        os.lseek(self.streams["stdin"], 0, os.SEEK_SET)
        self._started = time.monotonic()
        try:
            passed = sandbox.descriptors()
            self.streams.update(passed)
            if channel is not None:
                passed["channel"] = channel.fileno()
            command = sandbox.wrap(step, self.name, passed)
            self.process = subprocess.Popen(  # type: ignore[call-overload]
                command,
                stdin=self.streams["stdin"],
                stdout=self.streams["stdout"],
                stderr=self.streams["stderr"],
                env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "HOME": os.environ.get("HOME", "/")},
                cwd="/",
                start_new_session=True,
                pass_fds=list(passed.values()),
                **sandbox.popen_options(),
            )
        except BaseException:
            self.close()
            raise
        self._own_peak_kb = _own_peak_kb()

    def wait(self, seconds: float) -> None:
        """Wait for the end, for ``seconds`` from the start at the most; then end it."""
        handle = os.pidfd_open(self.process.pid)
        try:
            poller = select.poll()
            poller.register(handle, select.POLLIN)
            left = seconds - (time.monotonic() - self._started)
            if not poller.poll(max(0.0, left) * 1000):
                self.cut = self.cut or "wall"
                self.sandbox.kill(self)
            _, status, usage = os.wait4(self.process.pid, 0)
        finally:
            os.close(handle)
        self.process.returncode = self.status = os.waitstatus_to_exitcode(status)
        self.wall_s = time.monotonic() - self._started
        self.cpu_s = usage.ru_utime + usage.ru_stime
        # Linux counts what the starting process held, too, until the new program had taken its place: at or below that
        # it is a measure of us.
        self.peak_kb = usage.ru_maxrss if usage.ru_maxrss > self._own_peak_kb else 0

    def end(self) -> None:
        """Kill the tool's process. (``Popen.kill`` might reap it, and its usage with it.)"""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)

    def cancel(self) -> None:
        self.cut = "cancelled"
        self.sandbox.kill(self)

    def read(self, name: str, limits: Limits) -> tuple[bytes, int]:
        size = os.fstat(self.streams[name]).st_size
        return os.pread(self.streams[name], min(size, int(limits.output_kb * 1024)), 0), size

    def close(self) -> None:
        while self.streams:
            os.close(self.streams.popitem()[1])


def _own_peak_kb() -> int:
    """The largest resident size that this process has had, in KiB."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
        return next((int(line.split()[1]) for line in stream if line.startswith("VmHWM:")), 0)


class _JobFolder:
    """A job's files on the host, compiled if need be; gone at the end."""

    def __init__(self, sandbox: CommandSandbox, job: Job, report: IsolationReport) -> None:
        self.job = job
        self.report = report
        self.language = find_language(job.program.language)
        self.compiled: CompileOutcome | None = None
        self.failed: Outcome | None = None
        self._sandbox = sandbox
        self._chain = sandbox.toolchain(self.language)
        files = checked_files(job.files)
        self._root = tempfile.mkdtemp(prefix="veritune-job-")
        try:
            os.chmod(self._root, 0o755)
            self._prepare(files)
        except BaseException:
            self.close()
            raise

    def _prepare(self, files: dict[str, bytes]) -> None:
        language, program = self.language, self.job.program
        source = encoded(program.source)
        name = language.file_for(program.source)
        limits = self.job.limits
        values = {"file": name, "memory": str(int(limits.memory_mb)), "main": java_main_class(program.source)}
        place = os.path.join(self._root, "run")
        if language.compile:
            artifact = self._compiled_by_any(name, source, values)
            if artifact is None:
                assert self.compiled is not None
                self.failed = Outcome(None, None, b"", b"", self.report, compiled=self.compiled)
                return
            binary = language.artifact is not None and language.artifact[0] == "file"
            files = {**files, "a.out" if binary else "main.jar": artifact}
        else:
            files = {**files, name: source}
        for module, code in program.support.items():
            files[f"{module}.py"] = code.encode()
        _write(place, files)
        if "a.out" in files:
            os.chmod(os.path.join(place, "a.out"), 0o755)
        run = ("{python}", "-s", "{file}") if language.name == "python" else language.run
        argv = [*(expand(run, self._chain, values) if run else ["./a.out"]), *program.args]
        bounds = dataclasses.replace(
            limits, memory_mb=limits.memory_mb + language.runtime_mb, processes=limits.processes + language.processes
        )
        self.step = Wrapped(argv, self._environment(), place, bounds, language.sparse_mb, writable=False)

    def _environment(self) -> dict[str, str]:
        return {**BASE_ENVIRONMENT, "HOME": HOME, "TMPDIR": HOME, **self.language.environment}

    def _compiled_by_any(self, name: str, source: bytes, values: dict[str, str]) -> bytes | None:
        """By the first standard that takes it; where none does, ``compiled`` is what the first one said."""
        first: CompileOutcome | None = None
        for number, standard in enumerate(self.language.standards_for(self.job.program.language)):
            artifact = self._compile(f"compile{number}", name, source, {**values, "standard": standard})
            if artifact is not None or (self.compiled is not None and self.compiled.limit_hit is not None):
                return artifact
            first = self.compiled = first or self.compiled
        return None

    def _compile(self, folder: str, name: str, source: bytes, values: dict[str, str]) -> bytes | None:
        place = os.path.join(self._root, folder)
        units = self.job.program.units
        _write(place, {**{unit: encoded(text) for unit, text in units.items()}, name: source})
        self._sandbox.own(place)
        limits = self.job.limits
        bounds = dataclasses.replace(
            limits,
            cpu_s=limits.compile_cpu_s,
            wall_s=limits.compile_wall_s,
            memory_mb=limits.compile_memory_mb,
            processes=max(limits.processes, 16, self.language.processes),
            file_mb=max(limits.file_mb, 64),
        )
        argv = compile_command(self.language, self._chain, values, self.job.program)
        step = Wrapped(argv, self._environment(), place, bounds, self.language.sparse_mb, writable=True)
        running = Running(self._sandbox, step, b"", None)
        running.wait(bounds.wall_s)
        messages = running.read("stderr", bounds)[0] + running.read("stdout", bounds)[0]
        try:
            if running.cut is None:
                self._sandbox.check(running)
        finally:
            self._sandbox.tidy(running)
            running.close()
        exit_code, ended_by = split_status(running.status)
        hit = running.cut or limit_of(self.language, bounds, running.cpu_s, ended_by, exit_code, messages)
        made = self._collect(place) if exit_code == 0 and hit is None else None
        self.compiled = CompileOutcome(
            made is not None, messages[: 64 << 10], hit, cpu_s=running.cpu_s or 0.0, wall_s=running.wall_s
        )
        return made

    def _collect(self, place: str) -> bytes | None:
        assert self.language.artifact is not None
        target = os.memfd_create("artifact", 1)
        try:
            if not collect.into(target, place, list(self.language.artifact)):
                return None
            return os.pread(target, os.fstat(target).st_size, 0)
        finally:
            os.close(target)

    def close(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    def __enter__(self) -> _JobFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _write(folder: str, files: Mapping[str, bytes]) -> None:
    os.makedirs(folder, 0o755, exist_ok=True)
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
