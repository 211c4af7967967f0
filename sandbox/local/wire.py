"""A job as a slot takes it: one memory file with a header, a private part and all content, and the program's streams.

The warm interpreter reads the header and no more: whatever it reads stays in its memory, and every later program
inherits that. So the header holds numbers and our own words only. What belongs to the job (arguments, file names,
sources) is read by the job's own process.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.plugins.errors import ConfigError
from veritune.sandbox.interface import Limits

_MFD_CLOEXEC, _MFD_ALLOW_SEALING = 1, 2
_ADD_SEALS, _ALL_SEALS = 1033, 1 | 2 | 4 | 8
BASE_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "OPENSSL_CONF": "/dev/null",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def base_environment(scratch: str) -> dict[str, str]:
    """Every program's environment; nothing of the caller's."""
    return {**BASE_ENVIRONMENT, "HOME": scratch, "TMPDIR": scratch}


@dataclass
class Step:
    """One process to start in a slot: a Python source in the warm interpreter, or a command."""

    limits: Limits
    source: bytes = b""
    arguments: Sequence[str] = ()
    python: bool = False
    argv: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    support: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    stack_mb: int | None = None
    sparse_mb: int | None = None
    open_files: int = 256
    binary: int | None = None
    collect: tuple[str, str] | None = None
    channel: int | None = None
    pipes: tuple[int, int] | None = None
    """Stdin and stdout, where they are a partner's: nothing is kept of them then."""
    pulse: tuple[int, int] | None = None
    """Of a pair: the memory where both say that they are busy (a descriptor), and which of the two this is."""
    heavy: bool = False
    """Python only: run it where large modules and packages are warm."""

    @property
    def role(self) -> str:
        """The first of the helper modules, which imports the others: a warm interpreter holds those of one role."""
        return next(iter(self.support), "")

    by_name: bool = False
    """The program names ``/dev/stdin`` or ``/dev/stdout``, which need /proc or an ordinary file."""


class Streams:
    """The descriptors of one step; closed by ``close``."""

    def __init__(self, step: Step, scratch: str, known: frozenset[str] = frozenset()) -> None:
        """``known``: digests of helper modules that the warm interpreter has."""
        self.held: dict[str, int] = {}
        try:
            header, body, self.support = _pack(step, scratch, known)
            self.header_length = len(header)
            self.held["payload"] = memory_file("payload", header + body, sealed=True)
            if step.pipes is None:
                self.held["stdin"] = memory_file("stdin", step.stdin, sealed=True)
                os.lseek(self.held["stdin"], 0, os.SEEK_SET)
            for name in (
                *(("stdout",) if step.pipes is None else ()),
                "stderr",
                *(("collect",) if step.collect else ()),
            ):
                self.held[name] = os.memfd_create(name, _MFD_CLOEXEC)  # a program cannot seal them
        except BaseException:
            self.close()
            raise
        stdin, stdout = step.pipes or (None, None)
        pulse = step.pulse[0] if step.pulse is not None else None
        lent = {"stdin": stdin, "stdout": stdout, "channel": step.channel, "binary": step.binary, "pulse": pulse}
        self.borrowed = {name: number for name, number in lent.items() if number is not None}

    def message(self) -> tuple[bytes, list[int]]:
        """What is sent: the header's length and the names of the descriptors that go with it."""
        all_of_them = {**self.held, **self.borrowed}
        return struct.pack("I", self.header_length) + " ".join(all_of_them).encode(), list(all_of_them.values())

    def read(self, name: str, most: int) -> tuple[bytes, int]:
        """(content up to ``most`` bytes, whole size)."""
        if name not in self.held:
            return b"", 0
        descriptor = self.held[name]
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, min(size, most), 0), size

    def close(self) -> None:
        while self.held:
            os.close(self.held.popitem()[1])


def memory_file(name: str, content: bytes, sealed: bool = False) -> int:
    descriptor = os.memfd_create(name, _MFD_CLOEXEC | _MFD_ALLOW_SEALING)
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
    if sealed:
        fcntl.fcntl(descriptor, _ADD_SEALS, _ALL_SEALS)
    return descriptor


def reopen_read_only(descriptor: int) -> int:
    """A read-only descriptor of a memory file (an executable must not be open for writing); closes the given one."""
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(descriptor)


def encoded(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def checked_files(files: Mapping[str, bytes | str] | None) -> dict[str, bytes]:
    """File contents as bytes; ConfigError for a name that leaves the scratch folder."""
    checked = {}
    for name, content in (files or {}).items():
        parts = name.split("/")
        if not name or name.startswith("/") or "\0" in name or any(part in ("", ".", "..") for part in parts):
            raise ConfigError(f"a job's file needs a relative path inside its folder, got {name!r}")
        checked[name] = encoded(content)
    return checked


@functools.lru_cache(maxsize=256)
def _digest(source: str) -> tuple[str, bytes]:
    code = source.encode()
    return hashlib.sha256(code).hexdigest(), code


def _pack(step: Step, scratch: str, known: frozenset[str]) -> tuple[bytes, bytes, frozenset[str]]:
    """(header, body, digests). Offsets count from the body's start: neither part depends on the other's length."""
    body: list[bytes] = []
    end = 0

    def place(blob: bytes) -> list[int]:
        nonlocal end
        body.append(blob)
        end += len(blob)
        return [end - len(blob), len(blob)]

    header = _header(step)
    support = [(name, *_digest(source)) for name, source in step.support.items()]
    header["support"] = [[name, digest, *place(b"" if digest in known else code)] for name, digest, code in support]
    private = {
        "argv": list(step.argv),
        "arguments": list(step.arguments),
        "environment": {} if step.python else {**base_environment(scratch), **step.environment},
        "source": place(step.source),
        "files": [[name, *place(content)] for name, content in step.files.items()],
    }
    header["private"] = place(json.dumps(private).encode())
    return json.dumps(header).encode(), b"".join(body), frozenset(digest for _, digest, _ in support)


def _header(step: Step) -> dict[str, Any]:
    """All that the warm interpreter is told: nothing of it may depend on what a program or its tests say."""
    limits = step.limits
    return {
        "python": step.python,
        "stack": None if step.stack_mb is None else step.stack_mb << 20,
        "sparse": step.sparse_mb,
        "open_files": step.open_files,
        "collect": list(step.collect) if step.collect else None,
        "stdin_file": step.by_name,
        "stdout_file": step.by_name,
        "limits": {
            name: getattr(limits, name)
            for name in ("cpu_s", "wall_s", "memory_mb", "processes", "file_mb", "scratch_mb", "inodes")
        }
        | {"idle_s": limits.idle, "patience_s": limits.patience},
        "pulse": step.pulse[1] if step.pulse is not None else 0,
    }
