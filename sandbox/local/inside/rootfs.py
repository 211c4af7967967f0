"""Namespaces and the root that programs see: read-only system folders, five devices, one scratch folder, no /proc."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from veritune.sandbox.local.inside import kernel
from veritune.sandbox.local.inside.kernel import MS_BIND, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
SCRATCH_PARENT = "/box"
"""Landlock's rule names this folder: the scratch file system mounted below it is covered whenever it is remounted."""
SCRATCH = "/box/tmp"

_NAMESPACES = (
    kernel.CLONE_NEWNS
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
)


def enter_namespaces(ids: list[list[int]] | None) -> None:
    """Leave the host's namespaces. The caller's *next child* is the first process of the new pid namespace.

    ``ids``: pairs (inside, outside) of a new user namespace. One pair is the caller's own user; several need the right
    to become other users (CAP_SETUID), but not CAP_SYS_ADMIN.
    """
    if ids is None:
        kernel.unshare(_NAMESPACES)
    elif len(ids) == 1:
        inside, own, group = ids[0][0], os.getuid(), os.getgid()
        kernel.unshare(_NAMESPACES | kernel.CLONE_NEWUSER)
        # setgroups before gid_map: a refusal must surface here and not as EOVERFLOW later.
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{inside} {own} 1")
        _write("/proc/self/gid_map", f"{inside} {group} 1")
    else:
        _enter_mapped(ids)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)


def _enter_mapped(ids: list[list[int]]) -> None:
    """The map of several ids is written by a process that stays behind, with its rights in the old namespace."""
    place, text = f"/proc/{os.getpid()}", "".join(f"{inside} {outside} 1\n" for inside, outside in ids)
    begin, go = os.pipe2(os.O_CLOEXEC)
    helper = os.fork()
    if helper == 0:
        status = 1
        try:
            os.close(go)
            if os.read(begin, 1):
                for name in ("uid_map", "gid_map"):
                    _write(f"{place}/{name}", text)
                status = 0
        except OSError as error:
            status = error.errno or 1
        finally:
            os._exit(status)
    try:
        os.close(begin)
        kernel.unshare(_NAMESPACES | kernel.CLONE_NEWUSER)
        os.write(go, b"g")
    finally:
        os.close(go)
        status = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
    if status:
        raise OSError(status, f"the user namespace's ids could not be set: {os.strerror(abs(status))}")


def _write(path: str, text: str) -> None:
    """In one unbuffered call: a buffered file hides the error."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def build_root(read_only: Iterable[str]) -> None:
    """Make a new root out of ``read_only`` paths (at the same places) and move into it."""
    place = next(p for p in ("/tmp", "/mnt", "/dev") if os.path.isdir(p))
    # Opened first: the new root may be built over a folder that holds one of them.
    sources = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in _existing(read_only)]
    devices = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in DEVICES if os.path.exists(path)]
    links = [(path, os.readlink(path)) for path in read_only if os.path.islink(path)]
    kernel.mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, "size=256k,nr_inodes=1000,mode=755")
    for path, target in links:
        os.makedirs(os.path.dirname(place + path), 0o755, exist_ok=True)
        os.symlink(target, place + path)
    for path, descriptor in sources:
        _bind(descriptor, place + path)
        kernel.make_read_only(place + path)
    for path, descriptor in devices:
        _bind(descriptor, place + path)
        kernel.make_read_only(place + path, devices=True)  # its mode, owner and times; what is written goes through
    for path in (SCRATCH, "/proc", "/etc"):
        os.makedirs(place + path, 0o755, exist_ok=True)
    if not os.path.isdir(place + "/tmp"):  # unless something shown lies there: an environment under /tmp, say
        os.symlink(SCRATCH, place + "/tmp")
    os.mkdir(f"{place}/dev/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"{SCRATCH}/.{name}", f"{place}/dev/{name}")
        os.symlink(f"{SCRATCH}/.{name}", f"{place}/dev/fd/{number}")
    os.chdir(place)
    kernel.pivot_root_here()
    kernel.mount(None, "/", None, MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | MS_NOSUID | MS_NODEV)
    kernel.set_hostname(b"sandbox")


def _existing(paths: Iterable[str]) -> list[str]:
    """Real folders and files, outermost first; what lies below another one is covered by it."""
    chosen: list[str] = []
    for path in sorted(set(paths)):
        if os.path.islink(path) or not os.path.exists(path):
            continue
        if not any(path.startswith(above.rstrip("/") + "/") for above in chosen):
            chosen.append(path)
    return chosen


def _bind(descriptor: int, target: str) -> None:
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.makedirs(target, 0o755, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    kernel.mount(f"/proc/self/fd/{descriptor}", target, None, MS_BIND | kernel.MS_REC)
    os.close(descriptor)


def mount_scratch(size: int, inodes: int) -> None:
    flags = (
        MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME
    )  # no times of looking: a next program would see
    kernel.mount("tmpfs", SCRATCH, "tmpfs", flags, f"size={size},nr_inodes={inodes + 1},mode=1777")
