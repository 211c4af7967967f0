"""System calls that Python has no wrapper for, by ctypes. Every failure is an OSError that names the call."""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Any

from veritune.sandbox.local.inside.numbers import NUMBERS

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC, MS_PRIVATE = 1024, 2048, 4096, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_SECCOMP = 1, 4, 24, 22
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38

AT_EMPTY_PATH, AT_RECURSIVE, AT_FDCWD = 0x1000, 0x8000, -100
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV = 1, 2, 4
_CLOSE_RANGE, _MOUNT_SETATTR = 436, 442  # the same on both architectures, as every call since Linux 5.1
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_fork = ctypes.PyDLL(None).fork
_M_ARENA_MAX = -8
_entries = ctypes.create_string_buffer(512)
_ZERO = ctypes.c_ulong(0)
_CAPABILITY_HEADER = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
_NO_CAPABILITIES = (ctypes.c_uint32 * 6)()


def _fail(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")


def syscall(name: str, number: int, *arguments: Any) -> int:
    """A raw call. Integers are passed as longs, bytes and None as pointers."""
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *converted))
    if result < 0:
        _fail(name)
    return result


def prctl(option: int, argument: Any = 0) -> None:
    value = ctypes.c_ulong(argument) if isinstance(argument, int) else argument
    if _libc.prctl(option, value, _ZERO, _ZERO, _ZERO) != 0:
        _fail(f"prctl {option}")


def fork() -> int:
    """The bare call, without Python's hooks: half of a short program's cost would be reseeding and locks.

    For a process of one thread only, whose locks are free and whose main thread keeps its identity.
    """
    return int(_fork())


def unshare(flags: int) -> None:
    if _libc.unshare(ctypes.c_int(flags)) != 0:
        _fail(f"unshare {flags:#x}")


def mount(source: str | None, target: str, kind: str | None, flags: int = 0, data: str | None = None) -> None:
    def text(value: str | None) -> bytes | None:
        return None if value is None else value.encode()

    if _libc.mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data)) != 0:
        _fail(f"mount {kind or source} on {target}")


def umount(target: str) -> None:
    if _libc.umount2(target.encode(), MNT_DETACH) != 0:
        _fail(f"umount {target}")


def make_read_only(target: str, devices: bool = False) -> None:
    """Make a mount and all mounts below it read-only, without set-uid programs and, but for ``devices``, devices."""
    wanted = _MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID | (0 if devices else _MOUNT_ATTR_NODEV)
    attributes = (ctypes.c_uint64 * 4)(wanted, 0, 0, 0)
    try:
        syscall("mount_setattr", _MOUNT_SETATTR, AT_FDCWD, target.encode(), AT_RECURSIVE, ctypes.byref(attributes), 32)
    except OSError:
        for point in _mounts_below(target):
            # A user namespace may not drop a flag that the source mount has: repeat them.
            kept = os.statvfs(point).f_flag & (MS_NOEXEC | MS_NODEV | 1024 | 2048 | 4096)
            noatime = (1024 if kept & 1024 else 0) | (2048 if kept & 2048 else 0) | ((1 << 21) if kept & 4096 else 0)
            flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | (kept & (MS_NOEXEC | MS_NODEV)) | noatime
            flags |= 0 if devices else MS_NODEV
            mount(None, point, None, flags)


def _mounts_below(target: str) -> list[str]:
    with open("/proc/self/mountinfo") as lines:
        points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    return [p for p in points if p == target or p.startswith(target.rstrip("/") + "/")]


def pivot_root_here() -> None:
    """Make the working directory the root and let the old root go."""
    syscall("pivot_root", NUMBERS["pivot_root"], b".", b".")
    umount(".")
    os.chdir("/")


def set_hostname(name: bytes) -> None:
    _libc.sethostname(name, ctypes.c_size_t(len(name)))


def one_arena() -> None:
    """Have all threads share one heap of malloc's: each further one would reserve 64 MB of address space."""
    with contextlib.suppress(AttributeError):
        _libc.mallopt(_M_ARENA_MAX, 1)


def close_from(first: int) -> None:
    """Close every descriptor from ``first`` on."""
    try:
        syscall("close_range", _CLOSE_RANGE, first, 0xFFFFFFFF, 0)
    except OSError:
        os.closerange(first, 65536)


def drop_bounding_set() -> None:
    for capability in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
            return


def drop_capabilities() -> None:
    """Clear the effective, permitted and inheritable sets."""
    if _libc.capset(_CAPABILITY_HEADER, _NO_CAPABILITIES) != 0:
        _fail("capset")


def is_empty(folder: int) -> bool:
    """Whether an open folder has no entries. Their names, which a program chose, are not kept."""
    length = syscall("getdents64", NUMBERS["getdents64"], folder, _entries, len(_entries))
    at = 0
    try:
        while at < length:
            dots = _entries[at + 19] == b"." and (
                _entries[at + 20] == b"\0" or (_entries[at + 20] == b"." and _entries[at + 21] == b"\0")
            )
            if not dots:
                return False
            at += ctypes.c_uint16.from_buffer(_entries, at + 16).value
        return True
    finally:
        ctypes.memset(_entries, 0, len(_entries))


def content(descriptor: int) -> bytes:
    """All of a memory file, wherever its position is."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def exec_descriptor(descriptor: int, arguments: list[str], environment: dict[str, str]) -> None:
    """Execute the program behind a descriptor; needs no /proc. Returns only by an OSError."""
    argv = (ctypes.c_char_p * (len(arguments) + 1))(*[os.fsencode(a) for a in arguments], None)
    pairs = [os.fsencode(f"{k}={v}") for k, v in environment.items()]
    envp = (ctypes.c_char_p * (len(pairs) + 1))(*pairs, None)
    syscall("execveat", NUMBERS["execveat"], descriptor, b"", argv, envp, AT_EMPTY_PATH)


def install_filter(program: Any) -> None:
    """Put a BPF filter (a ``struct sock_fprog``) over the calling process and its descendants, for good."""
    if _libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.byref(program), _ZERO, _ZERO) != 0:
        _fail("seccomp")
