"""The ``bubblewrap`` back-end: ``bwrap`` with our own system call filter. Slower than ``local``."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from veritune.sandbox import languages
from veritune.sandbox.errors import JobRefused, LanguageUnavailable, SandboxCrashed, SandboxUnavailable
from veritune.sandbox.external.command import HOME, CommandSandbox, Running, Wrapped, _JobFolder
from veritune.sandbox.interface import CHANNEL_FD, IsolationReport, Job, Limits, Linked, Outcome, Program, Session
from veritune.sandbox.languages import Language, Toolchain
from veritune.sandbox.local import host
from veritune.sandbox.local.inside import seccomp
from veritune.sandbox.local.wire import memory_file

_INSIDE = 'cp -r /job/. . && exec "$@"'
_BASH = "/bin/bash"
_MEBI = 1 << 20


class BubblewrapSandbox(CommandSandbox):
    """Programs under ``bwrap`` (``apt-get install bubblewrap``), an interpreter started anew for each.

    Memory is bounded for each process, not for the tree: the report says ``partial``.
    """

    name = "bubblewrap"

    def __init__(self, *, workers: int | None = None, python: str | None = None, bwrap: str | None = None) -> None:
        super().__init__(workers)
        self._options: dict[str, Any] = {"workers": workers, "python": python, "bwrap": bwrap}
        self._report: IsolationReport | None = None

    def __reduce__(self) -> tuple[Callable[..., BubblewrapSandbox], tuple[dict[str, Any]]]:
        return _rebuild, (self._options,)

    @property
    def can_link(self) -> bool:
        return os.path.exists(_BASH)

    @functools.cached_property
    def _tool(self) -> str:
        tool = self._options["bwrap"] or shutil.which("bwrap")
        if tool is None or shutil.which("prlimit") is None:
            raise SandboxUnavailable(
                "sandbox 'bubblewrap' needs bwrap and prlimit: apt-get install bubblewrap util-linux"
            )
        return str(tool)

    @functools.cached_property
    def _interpreter(self) -> host.Interpreter:
        root = os.getuid() == 0
        for candidate in host.interpreters(self._options["python"]):
            if host.usable(candidate, root, parents_too=True):
                return candidate
        raise SandboxUnavailable(
            "sandbox 'bubblewrap': no Python that an ordinary user can read; install one under /usr"
        )

    @functools.cached_property
    def _uid(self) -> int | None:
        """Root starts bwrap as an ordinary user: limits on processes do not bind uid 0."""
        return host.fresh_uid() if os.getuid() == 0 else None

    def report(self) -> IsolationReport:
        if self._report is None:
            self._report = IsolationReport(
                "bubblewrap",
                "bubblewrap",
                "enforced",
                "enforced",
                "enforced",
                "enforced",
                "partial",
                "enforced",
                "enforced",
                ("memory: each process by the kernel, not the tree",),
            )
            outcome = self.run(Program("python", "print(6 * 7)"), limits=Limits(cpu_s=5, wall_s=20))
            if outcome.stdout != b"42\n":
                self._report = None
                raise SandboxUnavailable(f"sandbox 'bubblewrap' does not work here: {outcome.stderr_text[-300:]}")
        return self._report

    def languages(self) -> dict[str, str]:
        return {"python": self._interpreter.path, **languages.available()}

    def toolchain(self, language: Language) -> Toolchain:
        if language.name == "python":
            return Toolchain({"python": self._interpreter.path}, ())
        chain = languages.toolchain(language.name)
        if not all(host.readable(tool, os.getuid() == 0, True) for tool in chain.tools.values()):
            raise LanguageUnavailable(
                f"{language.name}: an ordinary user cannot read its tools; install them under /usr"
            )
        return chain

    def popen_options(self) -> dict[str, Any]:
        if self._uid is None:
            return {}
        return {"user": self._uid, "group": self._uid, "extra_groups": []}

    def descriptors(self) -> dict[str, int]:
        """The compiled filter; a new one each time, because bwrap reads it to its end."""
        descriptor = memory_file("filter", seccomp.as_bytes())
        os.lseek(descriptor, 0, os.SEEK_SET)
        return {"filter": descriptor}

    def own(self, folder: str) -> None:
        if self._uid is not None:
            os.chown(folder, self._uid, self._uid)

    def wrap(self, step: Wrapped, name: str, passed: Mapping[str, int]) -> list[str]:
        options = ["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv"]
        options += ["--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--cap-drop", "ALL"]
        for path in host.read_only_paths(self._interpreter, (), ()):
            if not host.readable(path, self._uid is not None, parents_too=True):
                continue
            if os.path.islink(path):
                options += ["--symlink", os.readlink(path), path]
            else:
                options += ["--ro-bind", path, path]
        options += ["--proc", "/proc", "--dev", "/dev"]
        options += ["--size", str(int(step.limits.scratch_mb * _MEBI)), "--tmpfs", HOME]
        options += ["--bind" if step.writable else "--ro-bind", step.folder, "/job"]
        options += ["--chdir", "/job" if step.writable else HOME]
        for key, value in step.environment.items():
            options += ["--setenv", key, value]
        options += ["--seccomp", str(passed["filter"])]
        shell, script = "/bin/sh", 'exec "$@"' if step.writable else _INSIDE
        if passed.get("channel", CHANNEL_FD) != CHANNEL_FD:
            # Only bash can move a descriptor above 9.
            shell, script = _BASH, f"exec {CHANNEL_FD}<&{passed['channel']} {passed['channel']}<&-; {script}"
        return [self._tool, *options, "--", shell, "-c", script, "sh", *_limited(step), *step.argv]

    def check(self, running: Running) -> None:
        if running.status == 1 and os.pread(running.streams["stderr"], 6, 0) == b"bwrap:":
            said = os.pread(running.streams["stderr"], 300, 0).decode("utf-8", "replace")
            raise SandboxUnavailable(f"sandbox 'bubblewrap' could not be set up: {said.strip()}")

    def run_linked(self, pair: Linked) -> tuple[Outcome, Outcome]:
        if pair.by != "channel":
            raise JobRefused("the sandbox 'bubblewrap' does not join programs by their streams; use 'local'")
        report = self.report()
        with self._places, _JobFolder(self, pair.first, report) as one, _JobFolder(self, pair.second, report) as two:
            if one.failed is not None or two.failed is not None:
                never = Outcome(None, None, b"", b"", report)
                return one.failed or never, two.failed or never
            ends = socket.socketpair()
            try:
                first = self.start(one, ends[0])
                second = self.start(two, ends[1])
            finally:
                for end in ends:
                    end.close()
            waiting = threading.Thread(target=first.wait, args=(pair.first.limits.wall_s,))
            waiting.start()
            second.wait(pair.second.limits.wall_s)
            waiting.join(0.1)
            if waiting.is_alive():
                first.cancel()
                waiting.join()
            return self.outcome(first, one), self.outcome(second, two)

    def open_session(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Any = None,
        limits: Limits | None = None,
        channel: socket.socket | None = None,
    ) -> Session:
        folder = _JobFolder(self, Job(program, stdin, files or {}, limits or Limits()), self.report())
        ours: socket.socket | None = None
        theirs = channel
        if theirs is None:
            ours, theirs = socket.socketpair()
        try:
            running = None if folder.failed is not None else self.start(folder, theirs)
        finally:
            if ours is not None:
                theirs.close()
        return _Session(self, folder, running, ours)


def _limited(step: Wrapped) -> list[str]:
    limits = step.limits
    cpu = int(limits.cpu_s) + 1
    memory = int(limits.memory_mb * _MEBI)
    data = memory + (step.sparse_mb or 0) * _MEBI
    bounds = [f"--cpu={cpu}:{cpu + 1}", f"--fsize={int(limits.file_mb * _MEBI)}", "--core=0", "--nofile=256"]
    bounds += [f"--nproc={int(limits.processes) + 4}", f"--data={data}"]
    if step.sparse_mb is None:
        bounds.append(f"--as={memory + 256 * _MEBI}")
    return ["prlimit", *bounds, "--"]


class _Session(Session):
    def __init__(
        self, sandbox: BubblewrapSandbox, folder: _JobFolder, running: Running | None, channel: socket.socket | None
    ) -> None:
        self.channel = channel
        self._sandbox = sandbox
        self._folder = folder
        self._running = running
        self._outcome = folder.failed

    def wait(self) -> Outcome:
        if self._outcome is None:
            if self._running is None:
                raise SandboxCrashed("this session was closed")
            self._running.wait(self._folder.job.limits.wall_s)
            self._outcome = self._sandbox.outcome(self._running, self._folder)
            self._folder.close()
        return self._outcome

    def cancel(self) -> None:
        if self._outcome is None and self._running is not None:
            self._running.cancel()

    def close(self) -> None:
        if self.channel is not None:
            self.channel.close()
        self.cancel()
        self.wait()


def _rebuild(options: dict[str, Any]) -> BubblewrapSandbox:
    return BubblewrapSandbox(**options)
