"""The fork server: a small single-threaded process that imports once and forks a warm worker in milliseconds.

It is started by exec, so it carries neither the threads nor the memory of the user's process. Its orders arrive on one
sequenced-packet socket:

    configuration  →  ``ready``, or ``error`` and a traceback
    ``fork``       →  process id of a new worker, with the worker's socket attached; 0 and an errno where fork failed
    ``reap`` pid   →  wait status, CPU microseconds and peak resident kilobytes; the worker is killed first

It ends, and its workers with it, when the socket closes or the user's process is gone. A worker's process id stays
taken until it is reaped, so no order can hit a stranger.
"""

from __future__ import annotations

import base64
import ctypes
import functools
import gc
import importlib
import json
import os
import pickle
import select
import signal
import socket
import struct
import traceback
from collections.abc import Callable
from typing import Any

from veritune.sandbox.workers.worker import WorkerLimits, serve

FORK = b"f"
QUIT = b"q"
REAP = struct.Struct("!cI")
FORKED = struct.Struct("!II")
REAPED = struct.Struct("!iQQ")
READY = b"ready"
_PR_SET_PDEATHSIG = 1


def main(descriptor: int) -> None:
    """Serve the socket ``descriptor`` until it closes."""
    control = socket.socket(fileno=descriptor)
    config = json.loads(control.recv(1 << 20))
    try:
        function = _load(config["function"])
        for name in config["preload"]:
            _preload(name)
        if config["given"]:
            function = functools.partial(function, *pickle.loads(base64.b64decode(config["given"])))
    except BaseException:
        control.send(b"error" + traceback.format_exc(limit=8).encode("utf-8", "replace")[-60_000:])
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    control.send(READY)
    server = _Server(control, function, WorkerLimits(**config["limits"]))
    server.loop(config["parent"])


def _load(path: str) -> Callable[..., Any]:
    module, _, attribute = path.partition(":")
    target: Any = importlib.import_module(module)
    for part in attribute.split("."):
        target = getattr(target, part)
    if not callable(target):
        raise TypeError(f"{path} is not callable")
    return target  # type: ignore[no-any-return]


def _preload(name: str) -> None:
    """Import a module; ``module:function`` is called as well, to fill its caches before the forks."""
    if ":" in name:
        _load(name)()
    else:
        importlib.import_module(name)


class _Server:
    def __init__(self, control: socket.socket, function: Callable[..., Any], limits: WorkerLimits) -> None:
        self.control = control
        self.function = function
        self.limits = limits
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.children: set[int] = set()

    def loop(self, parent: int) -> None:
        poller = select.poll()
        poller.register(self.control, select.POLLIN)
        timeout: int | None = None
        try:
            poller.register(os.pidfd_open(parent), select.POLLIN)
        except (AttributeError, OSError):
            timeout = 1000
        while os.getppid() == parent:
            ready = poller.poll(timeout)
            if any(fd != self.control.fileno() for fd, _ in ready):
                break
            if ready and not self._obey():
                break
        for pid in list(self.children):
            self._reap(pid)
        os._exit(0)

    def _obey(self) -> bool:
        """One order; False at the end."""
        try:
            order = self.control.recv(64)
            if not order or order == QUIT:
                return False
            if order == FORK:
                self._fork()
            else:
                self.control.send(REAPED.pack(*self._reap(REAP.unpack(order)[1])))
        except OSError:
            return False
        return True

    def _fork(self) -> None:
        ours, theirs = socket.socketpair()
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            ours.close()
            theirs.close()
            self.control.send(FORKED.pack(0, error.errno or 0))
            return
        if pid == 0:
            self._become_worker(ours, theirs, server)
        self.children.add(pid)
        theirs.close()
        with ours:
            socket.send_fds(self.control, [FORKED.pack(pid, 0)], [ours.fileno()])

    def _become_worker(self, ours: socket.socket, theirs: socket.socket, server: int) -> None:
        """In the child: die with the server, drop its sockets, serve tasks. Never returns."""
        try:
            self.libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() == server:
                ours.close()
                self.control.close()
                serve(theirs, self.function, self.limits)
        finally:
            os._exit(0)

    def _reap(self, pid: int) -> tuple[int, int, int]:
        if pid not in self.children:
            return 0, 0, 0
        os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        self.children.discard(pid)
        return status, int(1e6 * (usage.ru_utime + usage.ru_stime)), usage.ru_maxrss
