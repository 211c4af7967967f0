"""A few programs that must work on a fresh slot, and a few small attacks. What they find is believed over what was
detected."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator

from veritune.sandbox.interface import Limits
from veritune.sandbox.local.slot import Result, Slot, SlotDied
from veritune.sandbox.local.wire import BASE_ENVIRONMENT, Step

_NO_FOLDER = "/var"
_LIMITS = Limits(cpu_s=5, wall_s=10, memory_mb=128, processes=8, file_mb=1, scratch_mb=2, inodes=64)

_WORK = """
import socket
import ast, calendar, csv, decimal, fractions, json, statistics, unittest  # read from the library, not warm
s = socket.socket(fileno=3)
s.sendall(str(statistics.mean(map(decimal.Decimal, s.recv(99).decode().split()))).encode())
print(fractions.Fraction(input()))
"""
"""Reads the standard library, stdin and the channel: what tests need to run at all."""

_INTRUDE = """
import json, os, socket, sys
canary, port, abstract, pid = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
secret, own = sys.argv[5], os.__file__
got = []
def attempt(name, action):
    try:
        action()
    except Exception:
        return
    got.append(name)
def connect(family, kind, address, message=None):
    with socket.socket(family, kind) as s:
        s.settimeout(2)
        s.connect(address)
        if message: s.send(message)
attempt("fs_read", lambda: open(secret).read())
attempt("fs_read", lambda: os.listdir(canary))
attempt("fs_write", lambda: open(canary + "/written", "w").close())
attempt("fs_write", lambda: os.chmod(secret, 0o600))
attempt("fs_write", lambda: os.chown(secret, os.getuid(), -1))
attempt("fs_write", lambda: os.utime(secret))
attempt("fs_write", lambda: os.utime(secret, (1, 1)))
attempt("fs_write", lambda: os.truncate(secret, 0))
attempt("fs_write", lambda: os.setxattr(secret, "user.x", b"x"))
for path in (secret, own):
    for flags in (os.O_RDONLY, 3):
        attempt("fs_write", lambda: os.open(path, flags | os.O_TRUNC))
with open(own) as library:  # what may be read may not be changed through the descriptor either
    mode = os.fstat(library.fileno()).st_mode & 0o7777
    attempt("fs_write", lambda: os.fchmod(library.fileno(), mode))
    attempt("fs_write", lambda: os.utime(library.fileno(), (1e9, 1e9)))
attempt("fs_write", lambda: open("/usr/veritune-selftest", "w").close())
attempt("network", lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port)))
attempt("network", lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", port), b"x"))
attempt("network", lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, "\\0" + abstract))
if pid: attempt("tree_kill", lambda: os.kill(pid, 0))
def trace():
    import ctypes
    if ctypes.CDLL(None).ptrace(0, 0, 0, 0) != 0: raise OSError
attempt("kernel_surface", trace)
print(json.dumps({"got": got, "environment": sorted(os.environ.values()), "groups": os.getgroups()}))
"""

_MULTIPLY = """
import os, time
n = 0
try:
    while n < 64:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        n += 1
except OSError:
    pass
print(n, flush=True)
"""

_OUTLIVE = """
import os, time
if os.fork() == 0:
    try: os.setsid()
    except OSError: pass
    if os.fork() == 0:
        os.write(1, b"alive")
        while True: time.sleep(0.01); os.write(2, b".")
    os._exit(0)
time.sleep(0.05)
"""

_HOARD = "x = []\nwhile True: x.append(bytearray(8 << 20))\n"


def attack(slot: Slot) -> dict[str, bool]:
    """Property of the isolation report → whether it held. SlotDied where the slot cannot even run a program."""
    _work(slot)
    token = secrets.token_hex(16)
    with _bait(token) as (folder, port, abstract):
        judge = 0 if slot.config["namespaces"] else os.getpid()  # a namespace has its own process of that number
        secret = os.path.join(folder, "secret") if folder != _NO_FOLDER else "/etc/passwd"
        before = _state(secret)
        result = _run(slot, _INTRUDE, folder, str(port), abstract, str(judge), secret)
        try:
            said = json.loads(result.stdout)
        except ValueError:
            raise SlotDied(f"a test program failed: {result.answer} {result.stderr[-300:]!r}") from None
        lost = set(said["got"])
        if not set(said["environment"]) <= set(BASE_ENVIRONMENT.values()) | {slot.scratch}:
            lost.add("fs_read")
        if os.path.exists(os.path.join(folder, "written")) or _state(secret) != before:
            lost.add("fs_write")
    with contextlib.suppress(OSError):
        os.unlink("/usr/veritune-selftest")
    lost |= _multiply(slot) | _outlive(slot)
    hoard = _run(slot, _HOARD)
    if hoard.answer.get("status") == 0 or hoard.answer.get("limit") in ("cpu", "wall"):
        lost.add("memory")
    names = ("fs_read", "fs_write", "network", "pids", "memory", "tree_kill", "kernel_surface")
    return {name: name not in lost for name in names}


def _run(slot: Slot, source: str, *arguments: str) -> Result:
    slot.start(Step(_LIMITS, source=source.encode(), arguments=arguments, python=True))
    result = slot.finish(65536)
    if "setup_error" in result.answer:
        raise SlotDied(str(result.answer["setup_error"]))
    return result


def _state(path: str) -> tuple[int, ...]:
    """Changes with every change of a file: its content, length, mode, owner, times, attributes, links."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return (status.st_ctime_ns, status.st_mtime_ns, status.st_mode, status.st_uid, status.st_size)


def _work(slot: Slot) -> None:
    """SlotDied where an ordinary program does not run: its standard library cannot be read, say."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            slot.start(Step(_LIMITS, source=_WORK.encode(), stdin=b"2/4", python=True, channel=theirs.fileno()))
        ours.settimeout(_LIMITS.wall_s)
        said = b""
        with contextlib.suppress(OSError):
            ours.sendall(b"1 2 3")
            said = ours.recv(99)
        result = slot.finish(65536)
    if (said, result.stdout) != (b"2", b"1/2\n"):
        last = result.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [str(result.answer)]
        raise SlotDied(f"ordinary programs do not run: {last[0][:300]}")


def _multiply(slot: Slot) -> set[str]:
    made = _run(slot, _MULTIPLY).stdout.split()
    return set() if made and int(made[0]) < 32 else {"pids"}


def _outlive(slot: Slot) -> set[str]:
    """A daemon must be gone when the answer comes: it writes to stderr for as long as it lives."""
    slot.start(Step(_LIMITS, source=_OUTLIVE.encode(), python=True))
    assert slot._streams is not None
    watched = os.dup(slot._streams.held["stderr"])
    try:
        if slot.finish(100).stdout != b"alive":
            return set()
        before = os.fstat(watched).st_size
        time.sleep(0.05)
        return {"tree_kill"} if os.fstat(watched).st_size != before else set()
    finally:
        os.close(watched)


@contextlib.contextmanager
def _bait(token: str) -> Iterator[tuple[str, int, str]]:
    """A readable secret in a writable folder, a loopback listener and an abstract socket."""
    abstract = f"veritune-{token}"
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="veritune-selftest-"))
        except OSError:  # nowhere to write, read-only containers: what lies there anyway is the bait
            folder = _NO_FOLDER
        else:
            os.chmod(folder, 0o777)
            secret = os.path.join(folder, "secret")
            with open(secret, "w") as file:
                file.write(token)
            os.chmod(secret, 0o666)
        tcp = stack.enter_context(socket.socket())
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind("\0" + abstract)
        unix.listen()
        yield folder, tcp.getsockname()[1], abstract
