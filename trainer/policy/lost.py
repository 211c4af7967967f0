"""A process that another one waits for is gone: which, as far as can be seen from here."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import torch.distributed as dist

from veritune.plugins.errors import words_of

Place = tuple[str, int]
"""Where a process is: its machine and process namespace, and its id there."""
SIGNS = ("gloo/transport", "Connection closed by peer", "Connection reset by peer", "Broken pipe", "NCCL error")
PATIENCE_S = 2.0
"""A process that was killed takes a moment to be gone, in which its connections are closed already."""


def place_here() -> Place:
    """Of this process; ids compare within one machine (and one container) alone."""
    where = [socket.gethostname()]
    with suppress(OSError):
        where.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        where.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(where), os.getpid()


def is_lost(error: BaseException) -> bool:
    """Whether an error is that of a connection to another process."""
    if isinstance(error, dist.DistNetworkError | dist.DistStoreError):
        return True
    return isinstance(error, RuntimeError | OSError) and any(sign in words_of(error) for sign in SIGNS)


def gone(places: tuple[Place, ...], patience_s: float = PATIENCE_S) -> list[int]:
    """The ranks of processes of this machine that have ended."""
    here, own = place_here()
    until = time.monotonic() + patience_s
    while True:
        found = [rank for rank, (where, pid) in enumerate(places) if where == here and pid != own and _ended(pid)]
        if found or time.monotonic() > until:
            return found
        time.sleep(0.05)


def _ended(pid: int) -> bool:
    """Whether a process is no more, or waits to be buried by the one that started it."""
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] in "ZX"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
