"""The user's side of the fork server: start it, have workers forked and reaped, and notice when it is gone."""

from __future__ import annotations

import base64
import json
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from veritune.plugins.errors import PluginError, VerituneError
from veritune.sandbox.workers.frames import Inbox
from veritune.sandbox.workers.server import FORK, FORKED, QUIT, READY, REAP, REAPED
from veritune.sandbox.workers.worker import WorkerLimits

_BOOTSTRAP = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[2]); "
    "from veritune.sandbox.workers.server import main; main(int(sys.argv[1]))"
)
_ORDER_SECONDS = 30.0
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class ServerLost(VerituneError):
    """The fork server ended or does not answer."""


@dataclass(frozen=True)
class ServerConfig:
    """What a fork server needs to know."""

    function: str
    preload: tuple[str, ...]
    limits: WorkerLimits
    startup_seconds: float
    given: tuple[Any, ...] = ()
    """First arguments of every call, unpickled before the forks."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables beside the parent's."""


@dataclass(frozen=True)
class Death:
    """How a reaped worker ended."""

    status: int
    cpu: float
    peak_kb: int

    @property
    def signal(self) -> int:
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else 0

    def __str__(self) -> str:
        if self.signal:
            return f"killed by {_signal_name(self.signal)}"
        return f"exited with status {os.WEXITSTATUS(self.status)}"


@dataclass(eq=False)
class Worker:
    """A forked worker as its owner sees it."""

    pid: int
    sock: socket.socket
    inbox: Inbox = field(default_factory=Inbox)
    task: Any = None
    started: float = 0.0
    kill_at: float = 0.0
    served: int = 0
    life: int | None = None
    """A descriptor that is readable once the process has ended, whoever else holds its socket."""

    def forget(self) -> None:
        """Close :attr:`life`."""
        if self.life is not None:
            os.close(self.life)
            self.life = None


class ForkServer:
    """One fork server: started here, usable after ``wait_ready``. Its owner is one thread; ``kill`` is for any."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self.ready = False
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = self._start(theirs.fileno())

    def _start(self, descriptor: int) -> subprocess.Popen[bytes]:
        path = [os.path.abspath(entry) for entry in sys.path]
        command = [sys.executable or "python3", "-c", _BOOTSTRAP, str(descriptor), json.dumps(path)]
        try:
            return subprocess.Popen(
                command,
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONWARNINGS": "ignore"}
                | dict(self._config.environment),
            )
        except OSError as error:
            self._control.close()
            raise ServerLost(f"the worker server does not start: {error}") from error

    def wait_ready(self) -> None:
        """Block until its imports are done.

        Raises PluginError where the function or a preload does not import, ServerLost where the process ends.
        """
        config = self._config
        settings = {
            "function": config.function,
            "preload": config.preload,
            "given": base64.b64encode(pickle.dumps(config.given)).decode() if config.given else "",
            "limits": asdict(config.limits),
            "parent": os.getpid(),
        }
        self._control.settimeout(config.startup_seconds)
        try:
            self._control.send(json.dumps(settings).encode())
            answer = self._control.recv(1 << 16)
        except OSError as error:
            raise ServerLost(f"the worker server does not answer: {error or type(error).__name__}") from error
        if answer.startswith(b"error"):
            trace = answer[5:].decode("utf-8", "replace").strip()
            raise PluginError(f"worker function {config.function!r} does not load in its process:\n{trace}")
        if answer != READY:
            raise ServerLost(f"the worker server ended at its start (status {self._process.poll()})")
        self._control.settimeout(_ORDER_SECONDS)
        self.ready = True

    def fork(self) -> Worker:
        """A new warm worker (about 10 ms)."""
        try:
            self._control.send(FORK)
            answer, descriptors, _, _ = socket.recv_fds(self._control, 64, 1, socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise ServerLost(f"the worker server is gone: {error or type(error).__name__}") from error
        if not answer:
            raise ServerLost("the worker server is gone")
        pid, number = FORKED.unpack(answer)
        if not pid:
            raise ServerLost(f"no worker could be forked: {os.strerror(number)}")
        return Worker(pid, socket.socket(fileno=descriptors[0]))

    def reap(self, worker: Worker) -> Death:
        """Kill the worker, collect it and say how it had ended."""
        worker.sock.close()
        try:
            self._control.send(REAP.pack(b"r", worker.pid))
            status, cpu, peak = REAPED.unpack(self._control.recv(64))
        except (OSError, struct.error) as error:
            raise ServerLost("the worker server is gone") from error
        return Death(status, cpu / 1e6, peak)

    def abandon(self) -> None:
        """Drop the inherited descriptors in a forked child; the server belongs to the parent."""
        self._control.close()
        self._process.returncode = 0

    def kill(self) -> None:
        """End the server and its workers at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the server and its workers, and collect it."""
        with suppress(OSError):
            self._control.send(QUIT)
        self._control.close()
        if not self.ready:
            self.kill()
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
