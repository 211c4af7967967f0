"""Nothing about a file outside the scratch folder can be changed: not its content, nor what is told about it."""

from __future__ import annotations

import os
from pathlib import Path

from veritune.sandbox.conformance.checks import SHORT, check
from veritune.sandbox.conformance.world import World
from veritune.sandbox.interface import Program, Sandbox

CHANGE = """
import os, sys
path = @PATH@
c = __import__("cty" + "pes").CDLL(None, use_errno=True)
def raw(name, *words):
    number = {"chmod": 90, "chown": 92, "lchown": 94, "utime": 132, "utimes": 235, "truncate": 76, "fchmodat2": 452,
              "futimesat": 261, "utimensat": 280, "setxattrat": 463, "file_setattr": 469}[name]
    if os.uname().machine == "x86_64" and c.syscall(number, *words) != 0:
        raise OSError(name)
at = path.encode()
tries = {
    "chmod": lambda: os.chmod(path, 0o777),
    "chmod set-uid": lambda: os.chmod(path, 0o4777),
    "chmod of the folder": lambda: os.chmod(os.path.dirname(path), 0),
    "chown": lambda: os.chown(path, os.getuid(), os.getgid()),
    "lchown": lambda: os.lchown(path, os.getuid(), os.getgid()),
    "utime now": lambda: os.utime(path),
    "utime": lambda: os.utime(path, (1, 1)),
    "utime of the folder": lambda: os.utime(os.path.dirname(path)),
    "truncate": lambda: os.truncate(path, 0),
    "open to truncate": lambda: os.open(path, os.O_RDONLY | os.O_TRUNC),
    "open to truncate, no access": lambda: os.open(path, 3 | os.O_TRUNC),
    "open to write": lambda: os.open(path, os.O_WRONLY),
    "setxattr": lambda: os.setxattr(path, "user.x", b"x"),
    "link": lambda: os.link(path, "here"),
    "rename": lambda: os.rename(path, path + "2"),
    "unlink": lambda: os.unlink(path),
    "symlink": lambda: os.symlink("x", path + "3"),
    "mkfifo": lambda: os.mkfifo(path + "4"),
    "raw chmod": lambda: raw("chmod", at, 0o777),
    "raw chown": lambda: raw("chown", at, os.getuid(), -1),
    "raw lchown": lambda: raw("lchown", at, os.getuid(), -1),
    "raw utime": lambda: raw("utime", at, None),
    "raw utimes": lambda: raw("utimes", at, None),
    "raw futimesat": lambda: raw("futimesat", -100, at, None),
    "raw utimensat": lambda: raw("utimensat", -100, at, None, 0),
    "raw truncate": lambda: raw("truncate", at, 0),
    "raw fchmodat2": lambda: raw("fchmodat2", -100, at, 0o777, 0),
}
def by_descriptor(change):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        change(descriptor)
    finally:
        os.close(descriptor)
tries |= {
    "fchmod": lambda: by_descriptor(lambda d: os.fchmod(d, 0o777)),
    "fchown": lambda: by_descriptor(lambda d: os.fchown(d, os.getuid(), -1)),
    "futimens": lambda: by_descriptor(os.utime),
    "ftruncate": lambda: by_descriptor(lambda d: os.ftruncate(d, 0)),
    "fsetxattr": lambda: by_descriptor(lambda d: os.setxattr(d, "user.x", b"x")),
}
for name, change in tries.items():
    try:
        change()
    except OSError:
        continue
    print(name)
"""
"""Tries to change a file in every way that there is a call for, and prints what was let through."""


def state(path: Path) -> tuple[object, ...]:
    """Changes with every change of a file; its time of status change tells of the smallest."""
    found = path.stat()
    return (found.st_ctime_ns, found.st_mtime_ns, found.st_mode, found.st_uid, found.st_size, found.st_nlink)


@check(needs="fs_write")
def leaves_files_as_they_are(sandbox: Sandbox) -> None:
    """Modes, owners, times, attributes, lengths, names and links of files outside the folder cannot be changed."""
    with World() as world:
        target = world.out / "file"
        target.write_text("kept")
        target.chmod(0o666)
        before = (state(target), state(world.out), sorted(os.listdir(world.out)))
        outcome = sandbox.run(Program("python", CHANGE.replace("@PATH@", repr(str(target)))), limits=SHORT)
        assert outcome.ok, (outcome.describe(), outcome.stderr[-300:])
        assert (state(target), state(world.out), sorted(os.listdir(world.out))) == before, outcome.stdout
        assert outcome.stdout == b"", f"let through: {outcome.stdout_text.split(chr(10))}"
