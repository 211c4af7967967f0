"""A job's scratch folder: new for every job, so that no job can tell what another one did in it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct

from veritune.sandbox.local.inside import kernel, rootfs

_MOST_ENTRIES = 20000
_WIPE, _COUNT = b"wipe", b"count"
_COUNTS = struct.Struct("QQ")


class MountedScratch:
    """A tmpfs with size and inode caps.

    It is mounted anew after every job: were it so only after those that changed something, its age would tell the next
    program whether they did.
    """

    path = rootfs.SCRATCH

    def __init__(self) -> None:
        self._caps: tuple[int, int] | None = None
        self._used = False

    def prepare(self, size: int, inodes: int) -> None:
        if self._caps != (size, inodes) or self._used:
            self._mount(size, inodes)
        self._used = True

    def renew(self) -> None:
        """Between two jobs, while the caller reads what came of the first."""
        if self._caps is not None:
            self._mount(*self._caps)

    def _mount(self, size: int, inodes: int) -> None:
        if self._caps is not None:
            kernel.umount(self.path)
            self._caps = None
        rootfs.mount_scratch(size, inodes)
        self._caps, self._used = (size, inodes), False

    def used(self) -> tuple[int, int]:
        """The kernel holds the caps: nothing to watch."""
        return (0, 0)

    def remove(self) -> None:
        """It dies with its namespace."""


class FolderScratch:
    """An ordinary folder, wiped after use; its caps are watched, not enforced.

    Names of files are a program's to choose, and what the warm interpreter reads stays in its memory: so it is the
    guardian, from which no program descends, that lists the folder and empties it (see ``keep``).
    """

    def __init__(self, path: str, uid: int | None, keeper: socket.socket) -> None:
        self.path = path
        self._uid = uid
        self._keeper = keeper
        self._made = self._fresh = False

    def prepare(self, size: int, inodes: int) -> None:
        if not self._made:
            os.mkdir(self.path, 0o700)
            self._made = True
            if self._uid is not None:
                os.chown(self.path, self._uid, self._uid)
        if not self._fresh:
            self.renew()
        self._fresh = False

    def renew(self) -> None:
        """Between two jobs, while the caller reads what came of the first."""
        os.chmod(self.path, 0o700)
        folder = _opened(self.path)
        try:
            empty = kernel.is_empty(folder)
        finally:
            os.close(folder)
        if not empty:
            self._ask(_WIPE)
        os.utime(self.path, ns=(0, 0))  # the same for every program, whatever the last one looked at or made
        self._fresh = True

    def _ask(self, what: bytes) -> tuple[int, int]:
        self._keeper.send(what)
        answer = self._keeper.recv(64)
        if len(answer) != _COUNTS.size:
            raise OSError(errno.EIO, "the scratch folder could not be seen to")
        size, entries = _COUNTS.unpack(answer)
        return size, entries

    def used(self) -> tuple[int, int]:
        """(bytes, entries) in the folder."""
        return self._ask(_COUNT)

    def remove(self) -> None:
        if self._made:
            wipe(self.path)
            os.rmdir(self.path)
            os.rmdir(os.path.dirname(self.path))


def keep(asked: socket.socket, path: str) -> None:
    """In the guardian: count or empty the folder whenever the warm interpreter asks, until that is gone."""
    while True:
        what = asked.recv(64)
        if not what:
            return
        try:
            answer = _COUNTS.pack(*count(path)) if what == _COUNT else _COUNTS.pack(*_wiped(path))
        except OSError:
            answer = b"failed"
        with contextlib.suppress(OSError):
            asked.send(answer)


def _wiped(path: str) -> tuple[int, int]:
    wipe(path)
    return (0, 0)


def count(root: str) -> tuple[int, int]:
    """(bytes, entries) below a folder. What hides from counting (too deep, unreadable) counts as too much."""
    size = entries = 0
    pending = [root]
    while pending and entries < _MOST_ENTRIES:
        path = pending.pop()
        folder = -1
        try:
            folder = _opened(path)
            with os.scandir(folder) as found:
                for entry in found:
                    entries += 1
                    status = entry.stat(follow_symlinks=False)
                    size += status.st_blocks * 512
                    if stat.S_ISDIR(status.st_mode):
                        pending.append(f"{path}/{entry.name}")
        except FileNotFoundError:
            continue
        except OSError:
            return (size, 1 << 30)
        finally:
            if folder >= 0:
                os.close(folder)
    return (size, entries)


def _opened(path: str) -> int:
    """A folder's descriptor; looking into it leaves no time of access, which a program could see."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:  # somebody else's folder
        return os.open(path, flags)


def wipe(root: str) -> None:
    """Remove everything below a folder. Trees of any depth: subfolders are moved up before they are entered."""
    top = _opened(root)
    try:
        moved = 0
        while True:
            folders = _remove_files(top)
            if not folders:
                return
            for name in folders:
                moved = _empty(top, name, moved)
    finally:
        os.close(top)


def _remove_files(folder: int) -> list[str]:
    folders = []
    for name in os.listdir(folder):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            folders.append(name)
        else:
            os.unlink(name, dir_fd=folder)
    return folders


def _empty(top: int, name: str, moved: int) -> int:
    """Remove one folder below ``top``; its subfolders become folders of ``top``."""
    os.chmod(name, 0o700, dir_fd=top)
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
    try:
        for child in _remove_files(folder):
            os.chmod(child, 0o700, dir_fd=folder)
            while True:
                moved += 1
                try:
                    os.rename(child, f".moved-{moved}", src_dir_fd=folder, dst_dir_fd=top)
                    break
                except OSError:
                    if moved > 10 * _MOST_ENTRIES:
                        raise
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
    return moved
