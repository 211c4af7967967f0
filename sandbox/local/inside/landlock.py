"""Landlock: which files may be opened, no TCP, no abstract sockets, no signals beyond the own domain."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from veritune.sandbox.local.inside import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_MAKE_CHAR, _MAKE_SOCK, _MAKE_BLOCK = 1 << 6, 1 << 9, 1 << 11
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ_ONLY = EXECUTE | READ_FILE | READ_DIR


TRUNCATES, SCOPES_SIGNALS = 3, 6
"""The versions from which truncation and signals are governed."""


def abi(most: int | None = None) -> int:
    """The kernel's Landlock version, 0 where there is none. ``most``: act as an older kernel's (for tests)."""
    version = _version()
    return version if most is None else min(version, most)


def _version() -> int:
    try:
        return kernel.syscall("landlock_create_ruleset", _CREATE_RULESET, None, 0, 1)
    except OSError:
        return 0


def build(version: int, read_only: Iterable[str], devices: Iterable[str], scratch: str) -> int:
    """A ruleset's descriptor: read and execute below ``read_only``, everything but execute below ``scratch``."""
    if version < 1:
        raise OSError(38, "the kernel has no Landlock")
    handled = (1 << 13) - 1
    handled |= (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0) | (IOCTL_DEV if version >= 5 else 0)
    attributes = struct.pack("=QQQ", handled, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    buffer = ctypes.create_string_buffer(attributes, 24)
    ruleset = kernel.syscall("landlock_create_ruleset", _CREATE_RULESET, ctypes.byref(buffer), size, 0)
    for path in read_only:
        _allow(ruleset, path, READ_ONLY)
    for path in devices:
        _allow(ruleset, path, WRITE_FILE | READ_FILE)
    _allow(ruleset, scratch, handled & ~(EXECUTE | _MAKE_CHAR | _MAKE_SOCK | _MAKE_BLOCK | IOCTL_DEV))
    return ruleset


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _FILE_RIGHTS
        rule = ctypes.create_string_buffer(struct.pack("=Qi", access, descriptor), 12)
        kernel.syscall("landlock_add_rule", _ADD_RULE, ruleset, 1, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)


def restrict(ruleset: int) -> None:
    """Put the calling process and its descendants under the ruleset; no_new_privs must be set."""
    kernel.syscall("landlock_restrict_self", _RESTRICT_SELF, ruleset, 0)
