"""First process of a slot: enters the namespaces, forks the warm interpreter, and sees to its remains when it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
from typing import Any

from veritune.sandbox.local.inside import kernel, rootfs, scratch, watch
from veritune.sandbox.local.inside.zygote import Zygote


def main(descriptor: int) -> None:
    """Serve the slot behind a control socket until it is closed."""
    control = socket.socket(fileno=descriptor)
    config = json.loads(control.recv(1 << 20))
    os.umask(0o022)
    try:
        _settle_descriptors(control)
        proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        lifeline, held = os.pipe2(os.O_CLOEXEC)
        keeper, asked = (None, None) if config["namespaces"] else socket.socketpair(type=socket.SOCK_SEQPACKET)
        if config["namespaces"]:
            if config["drop_to"] is not None:
                _become_user(config["drop_to"])
            rootfs.enter_namespaces(config["map"])
        else:
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
            os.mkdir(os.path.dirname(config["scratch"]), 0o711)
            # Held by this process and the warm interpreter: see veritune.sandbox.local.remains.
            held_folder = os.open(os.path.dirname(config["scratch"]), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(held_folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        pid = os.fork()
    except BaseException as error:
        _say(control, {"error": f"{type(error).__name__}: {error}"})
        os._exit(1)
    if pid == 0:
        os.close(held)
        if asked is not None:
            asked.close()
        _be_zygote(control, config, proc, lifeline, keeper)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    control.close()
    os.close(lifeline)
    if keeper is not None and asked is not None:
        keeper.close()
        scratch.keep(asked, config["scratch"])
    _guard(pid, config, proc)


def _settle_descriptors(control: socket.socket) -> None:
    """Keep the numbers that a program's descriptors will get occupied, so that no other descriptor takes one."""
    blank = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    if control.fileno() < 10:
        moved = os.dup(control.fileno())
        spare = [moved]
        while moved < 10:
            moved = os.dup(moved)
            spare.append(moved)
        control.detach()
        control.__init__(fileno=moved)  # type: ignore[misc]
        for number in spare[:-1]:
            os.close(number)
    for number in range(3, 10):
        if number != blank:
            os.dup2(blank, number, inheritable=False)
    if blank >= 10:
        os.close(blank)
    kernel.close_from(control.fileno() + 1)


def _become_user(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)


def _be_zygote(
    control: socket.socket, config: dict[str, Any], proc: int, lifeline: int, keeper: socket.socket | None
) -> None:
    try:
        if config["namespaces"]:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            rootfs.build_root(config["read_only"])
        zygote = Zygote(control, config, proc, lifeline, keeper)
        missing = zygote.warm()
        _say(
            control,
            {
                "ready": True,
                "landlock": zygote.landlock,
                "uid": os.getuid() if config["become"] is None else config["become"],
                "python": sys.version.split()[0],
                "not_warm": missing,
            },
        )
    except BaseException as error:
        _say(control, {"error": f"{type(error).__name__}: {error}"})
        os._exit(1)
    try:
        zygote.serve()
    finally:
        os._exit(0)


def _say(control: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        control.send(json.dumps(message).encode())


def _guard(pid: int, config: dict[str, Any], proc: int) -> None:
    """Wait for the warm interpreter. Without a pid namespace its orphans come here: end them and clean up."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
    if config["namespaces"]:
        os._exit(0)
    tree = watch.ProcessTree(proc)
    for _ in range(5000):
        for other in tree.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(other, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            break
        time.sleep(0.001)
    with contextlib.suppress(OSError):
        scratch.wipe(config["scratch"])
        os.rmdir(config["scratch"])
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(config["scratch"]))
    os._exit(0)
