"""Takes what a compiler made out of the scratch folder, once nothing of the compiler runs any more."""

from __future__ import annotations

import os
import stat
import zipfile

_LARGEST = 256 << 20
_MOST_FILES = 2000


def into(target: int, scratch: str, what: list[str]) -> bool:
    """Copy a file (``["file", path]``) or pack a folder (``["jar", path]``) into a descriptor. False: not there."""
    kind, path = what
    if kind == "jar":
        return _pack(target, os.path.join(scratch, path))
    source = _open_regular(os.path.join(scratch, path))
    if source is None:
        return False
    try:
        _copy(source, target)
    finally:
        os.close(source)
    return True


def append_stream(target: int, scratch: str, name: str) -> None:
    """What a program wrote to ``/dev/stdout`` by name, behind what it wrote to its descriptor."""
    source = _open_regular(os.path.join(scratch, name))
    if source is not None:
        try:
            os.lseek(target, 0, os.SEEK_END)
            _copy(source, target)
        finally:
            os.close(source)


def _open_regular(path: str) -> int | None:
    """Open without following links and without waiting on a pipe; None for all that is not a plain file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
        os.close(descriptor)
        return None
    return descriptor


def _copy(source: int, target: int) -> None:
    while True:
        block = os.read(source, 1 << 20)
        if not block:
            return
        while block:
            block = block[os.write(target, block) :]


def _pack(target: int, folder: str) -> bool:
    count = 0
    with os.fdopen(os.dup(target), "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for parent, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(parent, name)
                source = _open_regular(path)
                if source is None or count >= _MOST_FILES:
                    continue
                count += 1
                with os.fdopen(source, "rb") as content:
                    archive.writestr(zipfile.ZipInfo(os.path.relpath(path, folder)), content.read())
    return count > 0
