"""The system call filter: an allow-list, compiled to a balanced tree of BPF comparisons.

What is not listed answers ENOSYS, so that programs written for newer kernels fall back; calls that are known and
refused answer EPERM. Foreign instruction sets (int 0x80, x32) kill the process: their numbers mean other calls.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from veritune.sandbox.local.inside.numbers import AUDIT_ARCH, MACHINE, NUMBERS

EPERM, ENOTTY, ENOSYS, EOPNOTSUPP = 1, 25, 38, 95


def _names(text: str) -> list[str]:
    return text.split()


ALLOWED = _names(
    """
    read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn
    pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 access pipe select sched_yield mremap msync mincore
    madvise dup dup2 dup3 pipe2 pause nanosleep getitimer alarm setitimer getpid sendfile exit exit_group wait4 waitid
    uname fsync fdatasync truncate ftruncate getdents getdents64 getcwd chdir fchdir rename mkdir rmdir creat link
    unlink symlink readlink chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask gettimeofday getrlimit
    setrlimit getrusage sysinfo times getuid getgid geteuid getegid getppid getpgrp getresuid getresgid getpgid getsid
    getgroups capget getpriority gettid rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack utime utimes futimesat
    utimensat mknod mknodat statfs fstatfs statx sched_getparam sched_getscheduler sched_get_priority_max
    sched_get_priority_min sched_rr_get_interval sched_getaffinity mlock mlock2 munlock mlockall munlockall arch_prctl
    readahead time futex futex_waitv futex_wake futex_wait futex_requeue set_tid_address set_robust_list restart_syscall
    rseq membarrier getcpu get_mempolicy epoll_create epoll_create1 epoll_wait epoll_pwait epoll_pwait2 epoll_ctl
    pselect6 ppoll eventfd eventfd2 signalfd signalfd4 timer_create timer_settime timer_gettime timer_getoverrun
    timer_delete timerfd_create timerfd_settime timerfd_gettime clock_gettime clock_getres clock_nanosleep openat
    mkdirat newfstatat unlinkat renameat renameat2 linkat symlinkat readlinkat faccessat faccessat2 fadvise64 fallocate
    splice tee sync_file_range copy_file_range cachestat flock getrandom execve execveat fork vfork pkey_mprotect
    pkey_alloc pkey_free map_shadow_stack close_range recvfrom recvmsg sendmsg shutdown getsockname getpeername
    getsockopt setsockopt setsid setpgid kill tkill tgkill
    """
)

REFUSED = _names(
    """
    socket connect bind listen accept accept4 ptrace process_vm_readv process_vm_writev mount umount2 pivot_root unshare
    setns chroot bpf perf_event_open keyctl add_key request_key memfd_create userfaultfd setuid setgid setreuid setregid
    setresuid setresgid setgroups setpriority
    """
)
"""Answered with EPERM rather than ENOSYS, because programs print the error."""

UNSUPPORTED = _names(
    """
    setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr
    fremovexattr setxattrat getxattrat listxattrat removexattrat
    """
)
"""Answered as by a file system without extended attributes: whoever copies files goes on without them."""

ATTRIBUTES = _names("chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat")
"""Change modes, owners and times of a file by its path, or by a descriptor that was opened to read it."""

_NEW_NAMESPACES = 0x7E020000
_CLONE_PTRACE_PARENT = 0x0000A000
_IOCTLS = (0x5401, 0x5402, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x802C542A, 0x540F)
"""TCGETS TCSETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX TCGETS2 TIOCGPGRP: what streams are asked."""
_PRCTLS = (2, 3, 4, 7, 15, 16, 21, 23, 25, 29, 30, 37, 38, 39, 41, 42, 47, 0x53564D41, 0x53434D41)
"""Names, dumpable, THP, timer slack, speculation … Not: PDEATHSIG, SECCOMP, SUBREAPER, MM, PTRACER, capabilities."""
_FCNTLS_REFUSED = (8, 10, 15, 1024, 1026, 1036, 1038)
"""F_SETOWN F_SETSIG F_SETOWN_EX F_SETLEASE F_NOTIFY: the kernel would send signals on the program's behalf.
F_SET_RW_HINT, F_SET_FILE_RW_HINT: a file's attribute, by a descriptor that only reads it."""
_O_TRUNC, _O_ACCESS_MODE = 0o1000, 0o3

_LOAD, _JUMP, _EQUAL, _GREATER_EQUAL, _ANY_BIT, _AND, _RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _ERROR, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000

Instruction = tuple[int, int, int, int]  # (code, jump if true, jump if false, constant)


@dataclass(frozen=True)
class Guard:
    """What the filter takes over where programs have no mount namespace: calls that Landlock does not govern.

    A filter sees no paths, so they are refused on a program's own files too. ``attributes``: modes, owners and times.
    ``lengths``: truncation by path, and by an opening for reading only, which Landlock governs from its version 3 on.
    """

    own_group: bool = False
    """The program may not leave its process group: how its tree is killed without a pid namespace."""
    attributes: bool = False
    lengths: bool = False
    kill_only: int | None = None
    """The one process id that it may signal, where the kernel cannot scope signals."""


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def _ret(value: int) -> Instruction:
    return (_RETURN, 0, 0, value)


def _load_argument(index: int, high: bool = False) -> Instruction:
    return (_LOAD, 0, 0, 16 + 8 * index + (4 if high else 0))


def _one_of(index: int, values: Iterable[int], otherwise: int) -> list[Instruction]:
    """Allow where the low word of an argument is one of ``values``."""
    code = [_load_argument(index)]
    for value in values:
        code += [(_EQUAL, 0, 1, value & 0xFFFFFFFF), _ret(_ALLOW)]
    return [*code, _ret(_ERROR | otherwise)]


def _none_of(index: int, values: Iterable[int]) -> list[Instruction]:
    code = [_load_argument(index)]
    for value in values:
        code += [(_EQUAL, 0, 1, value), _ret(_ERROR | EPERM)]
    return [*code, _ret(_ALLOW)]


def _no_truncating_read(index: int) -> list[Instruction]:
    """Refuse O_TRUNC without O_WRONLY or O_RDWR: Landlock before its version 3 asks for no right to write then."""
    return [
        _load_argument(index),
        (_ANY_BIT, 0, 4, _O_TRUNC),
        (_AND, 0, 0, _O_ACCESS_MODE),
        (_EQUAL, 2, 0, 1),
        (_EQUAL, 1, 0, 2),
        _ret(_ERROR | EPERM),
        _ret(_ALLOW),
    ]


def _checked(guard: Guard) -> dict[str, list[Instruction]]:
    """Calls that are allowed by their arguments."""
    refused = [_ret(_ERROR | EPERM)]
    blocks = {
        "clone": [
            _load_argument(0),
            (_ANY_BIT, 0, 1, _NEW_NAMESPACES | _CLONE_PTRACE_PARENT),
            _ret(_ERROR | EPERM),
            _ret(_ALLOW),
        ],
        # Only Unix stream and seqpacket pairs: a datagram pair could be pointed at any socket by an address.
        "socketpair": [
            _load_argument(0),
            (_EQUAL, 1, 0, 1),
            _ret(_ERROR | EPERM),
            _load_argument(1),
            (_AND, 0, 0, 0xF),
            (_EQUAL, 1, 0, 1),
            (_EQUAL, 0, 1, 5),
            _ret(_ALLOW),
            _ret(_ERROR | EPERM),
        ],
        "sendto": [
            _load_argument(4),
            (_EQUAL, 1, 0, 0),
            _ret(_ERROR | EPERM),
            _load_argument(4, high=True),
            (_EQUAL, 0, 1, 0),
            _ret(_ALLOW),
            _ret(_ERROR | EPERM),
        ],
        # Of no process but the caller: with one uid for all, others' limits could be changed.
        "prlimit64": _one_of(0, (0,), EPERM),
        "sched_setaffinity": _one_of(0, (0,), EPERM),
        "ioctl": _one_of(1, _IOCTLS, ENOTTY),
        "prctl": _one_of(0, _PRCTLS, EPERM),
        "fcntl": _none_of(1, _FCNTLS_REFUSED),
    }
    if guard.own_group:
        blocks["setsid"] = blocks["setpgid"] = refused
    if guard.attributes:
        blocks.update(dict.fromkeys(ATTRIBUTES, refused))
    if guard.lengths:
        blocks["truncate"] = refused
        blocks["open"], blocks["openat"] = _no_truncating_read(1), _no_truncating_read(2)
    if guard.kill_only is not None:
        blocks["kill"] = _one_of(0, (0, guard.kill_only, -guard.kill_only), EPERM)
        blocks["tgkill"] = _one_of(0, (guard.kill_only,), EPERM)
        blocks["tkill"] = refused
    return blocks


def _segments(guard: Guard) -> list[tuple[int, list[Instruction]]]:
    """(first number, what to do) with neighbours of the same fate joined; the last one has no end."""
    default = [_ret(_ERROR | ENOSYS)]
    fate: dict[int, list[Instruction]] = {}
    for name in REFUSED:
        if name in NUMBERS:
            fate[NUMBERS[name]] = [_ret(_ERROR | EPERM)]
    for name in UNSUPPORTED:
        if name in NUMBERS:
            fate[NUMBERS[name]] = [_ret(_ERROR | EOPNOTSUPP)]
    for name in ALLOWED:
        if name in NUMBERS:
            fate[NUMBERS[name]] = [_ret(_ALLOW)]
    for name, block in _checked(guard).items():
        if name in NUMBERS:
            fate[NUMBERS[name]] = block
    segments: list[tuple[int, list[Instruction]]] = []
    for number in range(max(fate) + 2):
        code = fate.get(number, default)
        if not segments or segments[-1][1] != code:
            segments.append((number, code))
    return segments


def _tree(segments: Sequence[tuple[int, list[Instruction]]]) -> list[Instruction]:
    if len(segments) == 1:
        return list(segments[0][1])
    middle = len(segments) // 2
    left, right = _tree(segments[:middle]), _tree(segments[middle:])
    pivot = segments[middle][0]
    if len(left) <= 255:
        return [(_GREATER_EQUAL, len(left), 0, pivot), *left, *right]
    return [(_GREATER_EQUAL, 0, 1, pivot), (_JUMP, 0, 0, len(left)), *left, *right]


def build(guard: Guard = Guard()) -> _Program:
    """The filter, as strict as ``guard`` asks for."""
    if not NUMBERS:
        raise OSError(ENOSYS, f"no system call filter for this processor ({MACHINE})")
    code: list[Instruction] = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, AUDIT_ARCH[MACHINE]),
        _ret(_KILL_PROCESS),
        (_LOAD, 0, 0, 0),
        (_GREATER_EQUAL, 0, 1, 0x40000000),
        _ret(_KILL_PROCESS),
        *_tree(_segments(guard)),
    ]
    buffer = ctypes.create_string_buffer(_encode(code))
    program = _Program(len(code), ctypes.addressof(buffer))
    program.keep_alive = buffer
    return program


def as_bytes() -> bytes:
    """The filter as another tool loads it (bubblewrap's ``--seccomp``)."""
    return bytes(build().keep_alive)[:-1]


def _encode(code: Sequence[Instruction]) -> bytes:
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)
