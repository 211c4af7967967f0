"""What this machine offers a slot: an interpreter that the programs' user can read, folders, uids."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from veritune.plugins.errors import ConfigError
from veritune.sandbox import languages
from veritune.sandbox.local import remains

SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/alternatives")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf")

_LIGHT = """
abc array bisect builtins cmath codecs collections contextlib copy enum functools gc heapq io itertools json linecache
math operator os random re signal string struct sys threading time traceback types typing warnings weakref
"""
LIGHT_MODULES = tuple(_LIGHT.split())
"""Warm in every interpreter: a program gets them for nothing, and they make a fork hardly dearer."""

_HEAVY = """
argparse ast asyncio base64 calendar concurrent.futures csv ctypes dataclasses datetime decimal fractions hashlib
importlib inspect locale logging multiprocessing numbers pathlib pickle platform pprint queue secrets shutil statistics
subprocess tempfile textwrap timeit unittest unittest.mock urllib.parse uuid zlib
"""
HEAVY_MODULES = tuple(_HEAVY.split())
"""Warm in a second kind of interpreter, for programs that mention one of them: each page that a warm interpreter holds
is paid for at every fork."""

_OLDEST = (3, 10)
_UIDS, _FEW_UIDS = (1 << 30, (1 << 31) - 2), (20000, 59999)
"""Where a program's user ids come from: all but unused by accounts; in a container with fewer ids, the usual gap."""
_CAP_SETGID, _CAP_SETUID = 6, 7
_swept: set[str] = set()


@dataclass(frozen=True)
class Interpreter:
    """A Python that programs can run in."""

    path: str
    prefix: str
    version: tuple[int, int]


@functools.cache
def _describe(path: str) -> Interpreter | None:
    code = "import sys; print(sys.base_prefix); print(sys.version_info[0], sys.version_info[1])"
    try:
        said = subprocess.run([path, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=30, check=True)
        prefix, version = said.stdout.strip().splitlines()
        major, minor = version.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Interpreter(path, os.path.realpath(prefix), (int(major), int(minor)))


def own_interpreter() -> Interpreter:
    """The base interpreter behind this process's own."""
    path = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    return Interpreter(path, os.path.realpath(sys.base_prefix), (sys.version_info[0], sys.version_info[1]))


def interpreters(given: str | None) -> list[Interpreter]:
    """Candidates, best first: the one asked for, this process's, then the system's."""
    if given is not None:
        found = _describe(os.path.realpath(shutil.which(given) or given))
        if found is not None and found.version < _OLDEST:
            raise ConfigError(
                f"python={given!r} is {found.version[0]}.{found.version[1]}; the sandbox needs 3.10 or later"
            )
        return [found] if found is not None else []
    candidates = [own_interpreter()]
    for name in ("/usr/local/bin/python3", "/usr/bin/python3", shutil.which("python3") or ""):
        if name and os.path.exists(name):
            found = _describe(os.path.realpath(name))
            if found is not None and found.version >= _OLDEST and found not in candidates:
                candidates.append(found)
    return candidates


def usable(interpreter: Interpreter, as_other_user: bool, parents_too: bool) -> bool:
    """Whether programs can read the interpreter and its library.

    As another user the files must be open to all; without a root of our own, so must every folder above them.
    """
    library = os.path.join(interpreter.prefix, "lib", f"python{interpreter.version[0]}.{interpreter.version[1]}")
    probes = (interpreter.path, os.path.join(library, "os.py"))
    return all(readable(path, as_other_user, parents_too, below=interpreter.prefix) for path in probes)


def readable(path: str, as_other_user: bool, parents_too: bool, below: str = "/") -> bool:
    """Whether a program's user may read ``path``, judged by permission bits where that is somebody else."""
    if not as_other_user:
        return os.access(path, os.R_OK)
    top = "/" if parents_too else below
    try:
        if not os.stat(path).st_mode & stat.S_IROTH:
            return False
        for folder in Path(os.path.realpath(path)).parents:
            if not os.stat(folder).st_mode & stat.S_IXOTH:
                return False
            if str(folder) == top:
                break
    except OSError:
        return False
    return True


def package_folders(packages: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(folders and files to show, entries of ``sys.path``) for installed packages and what they require.

    None of them is imported here.
    """
    shown: list[str] = []
    entries: list[str] = []
    for name in _with_requirements(packages):
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        if spec is None or spec.origin is None:
            continue
        place = os.path.realpath(os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin)
        site = os.path.dirname(place)
        shown += [place, *(p for p in (os.path.join(site, f"{name}.libs"),) if os.path.isdir(p))]
        entries.append(site)
    return tuple(dict.fromkeys(shown)), tuple(dict.fromkeys(entries))


def _with_requirements(packages: Iterable[str]) -> list[str]:
    """The packages, and the top-level modules of every installed distribution that they come from or require."""
    modules = list(packages)
    pending = list(modules)
    seen: set[str] = set()
    while pending:
        name = re.sub(r"[-_.]+", "-", pending.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = importlib.metadata.distribution(name)
        except (importlib.metadata.PackageNotFoundError, ValueError):
            continue
        pending += [each[0] for r in found.requires or () if "extra ==" not in r and (each := _NAME.match(r))]
        modules += _top_level(found)
    return list(dict.fromkeys(modules))


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _top_level(distribution: importlib.metadata.Distribution) -> list[str]:
    """The names that a distribution is imported by."""
    names = []
    for file in distribution.files or ():
        head = file.parts[0]
        if len(file.parts) > 1 and head.isidentifier() and head != "__pycache__":
            names.append(head)
        elif head.endswith(".py"):
            names.append(head.removesuffix(".py"))
    return list(dict.fromkeys(names))


def read_only_paths(interpreter: Interpreter, packages: Sequence[str], extra: Sequence[str]) -> list[str]:
    """Everything that programs may read."""
    paths = [*SYSTEM_FOLDERS, *SYSTEM_FILES, interpreter.prefix, *packages, *extra]
    for name in languages.available():
        paths += languages.toolchain(name).folders
    return [path for path in dict.fromkeys(map(os.path.abspath, paths)) if os.path.exists(path)]


def can_become_others(uid_map: str = "/proc/self/uid_map") -> bool:
    """Whether this process, being root, may take on another user's id: a right, and an id that is mapped here."""
    try:
        with open("/proc/self/status") as lines:
            rights = next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))
    except (OSError, StopIteration):
        return False
    return rights >> _CAP_SETUID & 1 == 1 and rights >> _CAP_SETGID & 1 == 1 and _mapped_range(uid_map) is not None


def _mapped_range(uid_map: str = "/proc/self/uid_map") -> tuple[int, int] | None:
    """Ids to choose from, first and last: where no account and no file is likely to have one of them."""
    try:
        with open(uid_map) as lines:
            spans = [(int(first), int(first) + int(count) - 1) for first, _, count in map(str.split, lines)]
    except (OSError, ValueError):
        return None
    for low, high in (_UIDS, _FEW_UIDS, (1, 1 << 31)):
        for first, last in spans:
            if max(low, first) <= min(high, last):
                return max(low, first), min(high, last)
    return None


def fresh_uid() -> int:
    """A user id that belongs to nobody, a different one for every slot: limits and signals are per user."""
    low, high = _mapped_range() or _FEW_UIDS
    taken = _known_uids()
    generator = random.SystemRandom()
    for _ in range(1000):
        uid = generator.randint(low, high)
        if uid not in taken:
            return uid
    raise OSError("no user id is left for programs in this user namespace")


def _known_uids() -> set[int]:
    import pwd

    return {entry.pw_uid for entry in pwd.getpwall()}


def fresh_scratch() -> str:
    """A path for a slot's scratch folder; its guardian makes it and removes it."""
    try:
        place = os.path.realpath(tempfile.gettempdir())
    except OSError as error:
        raise OSError(
            "no folder can be written to for programs' files: mount one (an emptyDir, --tmpfs /tmp) and name it in "
            f"TMPDIR ({error.strerror or error})"
        ) from error
    if place not in _swept:
        _swept.add(place)
        remains.sweep(place)
    name = "".join(random.SystemRandom().choices("abcdefghijklmnopqrstuvwxyz0123456789", k=12))
    return os.path.join(place, f"{remains.PREFIX}{os.getpid()}-{name}", "box")
