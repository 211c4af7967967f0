"""Python files of the user's, loaded by path: once a version of the file, with its neighbours importable."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from veritune.plugins.errors import PluginError, on_one_screen, words_of
from veritune.plugins.places import place_of
from veritune.plugins.reward import Reward

_files: dict[str, tuple[tuple[int, int], ModuleType]] = {}
_folders: list[str] = []
_lock = threading.RLock()


def load_file(where: str, kind: str) -> ModuleType:
    """The module in a file, loaded anew where the file has changed; what was made of it before stays as it is.

    Its folder goes to the end of ``sys.path``, so that it can import its neighbours, then and later, and hides nothing
    that is installed. Raises PluginError where the file does not exist or does not import.
    """
    path = Path(where).expanduser().resolve()
    if not path.is_file():
        raise PluginError(f"{kind} file {where!r} does not exist (looked for {path})")
    status = path.stat()
    version = (status.st_mtime_ns, status.st_size)
    key = str(path)
    with _lock:
        if key not in _files or _files[key][0] != version:
            _files[key] = version, _execute(path, where, kind)
        return _files[key][1]


def load_module(name: str) -> ModuleType:
    """An importable module by name. Raises PluginError where it does not import."""
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise PluginError(f"module {name!r} does not import: {_said(error, '')}") from error


def rewards_in(module: ModuleType) -> list[str]:
    """The names of rewards in a user's module: what ``@reward`` made, and functions that take a completion."""
    return [name for name, value in vars(module).items() if isinstance(value, Reward) or _is_reward(value, module)]


def _is_reward(value: Any, module: ModuleType) -> bool:
    if not inspect.isfunction(value) or value.__module__ != module.__name__:
        return False
    return bool({"completion", "completions", "sample", "samples"} & set(inspect.signature(value).parameters))


def _execute(path: Path, where: str, kind: str) -> ModuleType:
    key = str(path)
    name = f"veritune_file_{path.stem}_{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        with _neighbours(str(path.parent)):
            spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        if not isinstance(error, Exception | SystemExit):
            raise
        raise PluginError(f"{kind} file {where!r} does not import: {_said(error, key)}") from error
    for value in vars(module).values():
        if isinstance(value, Reward) and value.source.startswith(f"{name}:"):
            value.source = f"{key}:{value.source.partition(':')[2]}"
    return module


@contextmanager
def _neighbours(folder: str) -> Iterator[None]:
    """While a file of ``folder`` is imported, and afterwards, its neighbours can be imported.

    Two folders may each have a ``utils.py``: while a file is imported, it gets its own one.
    """
    if os.path.isfile(os.path.join(folder, "kernels", "py.typed")):  # a checkout of veritune, whose folders would hide
        yield  # packages of these names
        return
    own = _importable_in(folder)
    others = {n: m for n, m in sys.modules.items() if n.partition(".")[0] in own and _is_anothers(n, m, folder)}
    for name in others:
        del sys.modules[name]
    paths = [entry for entry in sys.path if entry not in _folders or entry == folder]
    before, sys.path[:] = list(sys.path), paths if folder in paths else [*paths, folder]
    try:
        yield
    finally:
        added = [entry for entry in sys.path if entry not in paths and entry != folder]
        sys.path[:] = [*before, *added] if folder in before else [*before, *added, folder]
        if folder not in before:
            _folders.append(folder)
        sys.modules.update(others)


def _importable_in(folder: str) -> frozenset[str]:
    """The names of modules and packages there. Of few modules it then has to be asked where they are from: there are
    thousands, and as many folders as files were loaded."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except OSError:  # nor does an import find anything there
        return frozenset()
    packages = (n for n in names if os.path.exists(os.path.join(folder, n, "__init__.py")))
    return frozenset([*(n[:-3] for n in names if n.endswith(".py")), *packages])


def _is_anothers(name: str, module: ModuleType, folder: str) -> bool:
    """Whether this module is a neighbour of a file loaded from another folder."""
    file = getattr(module, "__file__", None)
    if not file:
        return False
    top = name.partition(".")[0]
    return any(f != folder and file.startswith(os.path.join(f, top)) for f in _folders)


def _said(error: BaseException, file: str) -> str:
    """What an import raised, and where: a line of ``file``, or file and line."""
    text = f"{type(error).__name__}: {on_one_screen(words_of(error))}"
    if isinstance(error, SyntaxError):
        at = f"line {error.lineno}" if error.filename in (file, None) else f"{error.filename}, line {error.lineno}"
        return f"{type(error).__name__}: {error.msg} ({at})"
    place, line = place_of(error).rpartition(", in ")[0], 0
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    if place and not place.startswith((f"{file}, ", "<")) and not _is_importlib(place):
        return f"{text} ({place})"
    return f"{text} (line {line})" if line else text


def _is_importlib(place: str) -> bool:
    return place.startswith((os.path.dirname(importlib.__file__), "<frozen"))
