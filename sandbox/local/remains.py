"""What a slot leaves where guardian and warm interpreter were both killed: processes of its session, and a folder.

Only the confined tier can: a pid namespace takes its processes along, and its folder is no folder of the machine's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import stat
import time

PREFIX = "veritune-"
_NAME = re.compile(rf"{PREFIX}\d+-[a-z0-9]{{12}}")
_YOUNG_S = 60.0
"""A folder may be this old before its guardian has locked it."""


def end_session(session: int) -> None:
    """Kill every process of a session. (Programs cannot leave it in the confined tier: the filter sees to that.)"""
    for _ in range(1000):
        found = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _session_of(pid) == session]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _session_of(pid: int) -> int:
    """0 for what is gone, or dead and not reaped yet."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0
    return 0 if len(fields) < 4 or fields[0] in (b"Z", b"X") else int(fields[3])


def remove(folder: str) -> None:
    """Remove a slot's folder with all that is in it."""
    from veritune.sandbox.local.inside import scratch

    for _ in range(50):  # a warm interpreter that is just leaving may be at it too
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                scratch.wipe(os.path.join(folder, name))
                os.rmdir(os.path.join(folder, name))
            os.rmdir(folder)
        if not os.path.lexists(folder):
            return
        time.sleep(0.01)


def lock(folder: str) -> int:
    """A descriptor that says, for as long as anybody holds it, that the folder is in use."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def sweep(place: str) -> None:
    """Remove the folders of slots whose callers, guardians and warm interpreters are all gone."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(place):
            if _NAME.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _sweep_one(entry.path)


def _sweep_one(folder: str) -> None:
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or time.time() - status.st_mtime < _YOUNG_S:
        return
    descriptor = lock(folder)  # OSError where it is in use
    try:
        remove(folder)
    finally:
        os.close(descriptor)
