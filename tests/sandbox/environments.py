"""Other places to run in: another user, fewer rights, namespaces, containers; each says why it cannot be had here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import veritune
from veritune.sandbox.local import host

SOURCES = Path(veritune.__file__).resolve().parent.parent
OTHER_USER = 61234


def environment(python: str) -> dict[str, str]:
    """For a bare interpreter: our sources and the packages of this one."""
    packages = [p for p in sys.path if p.endswith("site-packages")]
    return {
        "PYTHONPATH": os.pathsep.join([str(SOURCES), *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    }


def python_for_all() -> str | None:
    """An interpreter of this version that every user can read, with our sources; None where there is none."""
    usable = [i for i in host.interpreters(None) if host.usable(i, True, True)]
    usable = [i for i in usable if i.version == sys.version_info[:2]]
    if not usable or not host.readable(str(SOURCES / "veritune" / "__init__.py"), True, True):
        return None
    return usable[0].path


def run(command: Sequence[str], timeout: float = 120, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env=environment(command[0]),
        cwd="/",
        **options,
    )


def as_user(command: Sequence[str], timeout: float = 120) -> subprocess.CompletedProcess[str] | str:
    """Run Python with arguments as an ordinary user; why not, where that cannot be had."""
    if os.getuid() != 0:
        return run(command, timeout)
    python = python_for_all()
    if python is None:
        return "another user can read neither the interpreter nor the sources"
    return run([python, *command[1:]], timeout, user=OTHER_USER, group=OTHER_USER, extra_groups=[])
