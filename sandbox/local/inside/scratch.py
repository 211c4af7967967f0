"""A job's scratch folder. It is as good as new for every job, and costs nothing while programs leave it alone."""

from __future__ import annotations

import os
import stat

from veritune.sandbox.local.inside import kernel, rootfs

_MOST_ENTRIES = 20000


class MountedScratch:
    """A tmpfs with size and inode caps, mounted anew once a job has touched it."""

    path = rootfs.SCRATCH

    def __init__(self) -> None:
        self._caps: tuple[int, int] | None = None
        self._clean: tuple[int, ...] = ()

    def prepare(self, size: int, inodes: int) -> None:
        if self._caps == (size, inodes) and self._state() == self._clean:
            return
        if self._caps is not None:
            kernel.umount(self.path)
        rootfs.mount_scratch(size, inodes)
        self._caps = (size, inodes)
        self._clean = self._state()

    def _state(self) -> tuple[int, ...]:
        """Changes with every file made, removed or renamed, and with every change to the folder itself."""
        folder = os.stat(self.path)
        space = os.statvfs(self.path)
        return (folder.st_ctime_ns, folder.st_mode, folder.st_ino, space.f_bfree, space.f_ffree)

    def used(self) -> tuple[int, int]:
        """The kernel holds the caps: nothing to watch."""
        return (0, 0)

    def remove(self) -> None:
        """It dies with its namespace."""


class FolderScratch:
    """An ordinary folder, wiped after use; its caps are watched, not enforced."""

    def __init__(self, path: str, uid: int | None) -> None:
        self.path = path
        self._uid = uid
        self._made = False

    def prepare(self, size: int, inodes: int) -> None:
        if not self._made:
            os.mkdir(self.path, 0o700)
            self._made = True
        else:
            os.chmod(self.path, 0o700)
            wipe(self.path)
        if self._uid is not None:
            os.chown(self.path, self._uid, self._uid)

    def used(self) -> tuple[int, int]:
        """(bytes, entries) in the folder. What hides from counting (too deep, unreadable) counts as too much."""
        size = entries = 0
        pending = [self.path]
        while pending and entries < _MOST_ENTRIES:
            try:
                with os.scandir(pending.pop()) as found:
                    for entry in found:
                        entries += 1
                        status = entry.stat(follow_symlinks=False)
                        size += status.st_blocks * 512
                        if stat.S_ISDIR(status.st_mode):
                            pending.append(entry.path)
            except FileNotFoundError:
                continue
            except OSError:
                return (size, 1 << 30)
        return (size, entries)

    def remove(self) -> None:
        if self._made:
            wipe(self.path)
            os.rmdir(self.path)
            os.rmdir(os.path.dirname(self.path))


def wipe(root: str) -> None:
    """Remove everything below a folder. Trees of any depth: subfolders are moved up before they are entered."""
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
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
