"""What surrounds a call, made in the program's sandbox as it is in the tests': streams, files, environment, logs."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, ClassVar

from _veritune_codec import Handles, decode  # type: ignore[import-not-found]

MOST_BYTES = 8 << 20
_MOST_FILES = 500
_CODE = (".py", ".pyc", ".pyd", ".so", ".pth")
"""Never taken from the program into the tests' folder, where they might be imported."""


class Around:
    """Entered before a request of the tests and left after it, on the program's side."""

    def __init__(self, wanted: dict[str, Any], objects: Handles) -> None:
        self.wanted = wanted
        self.streams: dict[str, tuple[Any, io.StringIO]] = {}
        self.stdin: Any = None
        for name in wanted.get("capture") or ():
            captured = io.StringIO()
            self.streams[name] = (getattr(sys, name), captured)
            setattr(sys, name, captured)
        if "stdin" in wanted:
            self.stdin = sys.stdin
            sys.stdin = decode(wanted["stdin"], objects)
        if "environ" in wanted:
            os.environ.clear()
            os.environ.update(wanted["environ"])
        self.folder = Folder(wanted["folder"]) if "folder" in wanted else None
        if self.folder is not None:
            self.folder.apply(wanted["files"], trusted=True)
            self.folder.changes()
        self.logs = _Logs() if wanted.get("logs") else None
        self.warned: Any = None
        if wanted.get("warnings"):
            import warnings

            self.catcher = warnings.catch_warnings(record=True)
            self.warned = self.catcher.__enter__()
            warnings.simplefilter("always")

    def here(self, value: Any) -> Any:
        """A path in the tests' folder as the same in this one."""
        return value if self.folder is None else _moved(value, self.folder.other, self.folder.root)

    def there(self, value: Any) -> Any:
        return value if self.folder is None else _moved(value, self.folder.root, self.folder.other)

    def leave(self, answer: dict[str, Any]) -> None:
        for name, (before, captured) in self.streams.items():
            if getattr(sys, name) is captured:
                setattr(sys, name, before)
            if captured.getvalue():
                answer.setdefault("printed", {})[name] = captured.getvalue()
        if self.stdin is not None:
            sys.stdin = self.stdin
        if self.folder is not None:
            answer["files"] = self.folder.changes()
        if self.logs is not None:
            answer["logs"] = self.logs.leave()
        if self.warned is not None:
            self.catcher.__exit__(None, None, None)
            answer["warned"] = [[w.category.__name__, str(w.message)] for w in self.warned]


def _moved(value: Any, old: str, new: str) -> Any:
    """Paths below one folder as paths below another, also directly inside a container; all else is left as it is."""
    kind = type(value)
    if old == new:
        return value
    if kind is str:
        return value.replace(old, new)
    if isinstance(value, os.PathLike) and kind.__module__.startswith("pathlib"):
        return kind(str(value).replace(old, new))
    if kind in (list, tuple, dict):
        inside = value.values() if kind is dict else value
        if not any(type(item) is str and old in item for item in inside):
            return value
        if kind is dict:
            return {key: _moved(item, old, new) for key, item in value.items()}
        return kind(_moved(item, old, new) for item in value)
    return value


class _Logs:
    """The program's log records, whatever its loggers' levels."""

    def __init__(self) -> None:
        import logging

        records: list[Any] = []

        class Collect(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                records.append([record.name, record.levelno, record.getMessage()])

        self.root, self.records, self.handler = logging.getLogger(), records, Collect()
        self.level, self.root.level = self.root.level, 1
        logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]
        self.root.addHandler(self.handler)

    def leave(self) -> list[Any]:
        self.root.removeHandler(self.handler)
        self.root.level = self.level
        return self.records


class Folder:
    """The files of this sandbox's folder, as they were when last looked at."""

    seen: ClassVar[dict[str, tuple[int, int]]] = {}

    def __init__(self, other: str) -> None:
        self.root = os.path.realpath(os.environ.get("TMPDIR") or os.getcwd())
        self.other = other

    def _look(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for folder, folders, files in os.walk(self.root):
            for name in [*files, *folders]:
                path = os.path.join(folder, name)
                with contextlib.suppress(OSError):
                    about = os.lstat(path)
                    is_folder = name in folders
                    if len(found) < _MOST_FILES and not os.path.islink(path):
                        found[os.path.relpath(path, self.root)] = (
                            (0, -1) if is_folder else (about.st_mtime_ns, about.st_size)
                        )
        for own in ("main.py", "solution.py", "__pycache__"):
            found.pop(own, None)
        return found

    def changes(self) -> list[Any]:
        """Files and folders that are new, changed or gone: ``[path, hex content or None for a folder, mode]``."""
        now, before = self._look(), Folder.seen
        Folder.seen = now
        changed: list[Any] = []
        total = 0
        for path, about in sorted(now.items()):
            if before.get(path) == about:
                continue
            if about[1] < 0:
                changed.append([path, None])
            elif total + about[1] <= MOST_BYTES:
                total += about[1]
                with contextlib.suppress(OSError), open(os.path.join(self.root, path), "rb") as file:
                    changed.append([path, file.read().hex()])
        return changed + [[path, False] for path in sorted(before.keys() - now.keys(), reverse=True)]

    def apply(self, changes: list[Any], trusted: bool = False) -> None:
        """Repeat the other side's changes. Nothing that can be imported is taken from the program."""
        for path, content in changes[: 2 * _MOST_FILES]:
            parts = path.split("/")
            if path.startswith("/") or "\0" in path or ".." in parts:
                continue
            if not trusted and (path.endswith(_CODE) or any(part.endswith(_CODE) for part in parts)):
                continue
            target = os.path.join(self.root, path)
            if os.path.islink(target) or os.path.realpath(os.path.dirname(target)) != os.path.dirname(target):
                continue
            with contextlib.suppress(OSError):
                if content is None:
                    os.makedirs(target, exist_ok=True)
                elif content is False:
                    os.rmdir(target) if os.path.isdir(target) else os.remove(target)
                else:
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    with open(target, "wb") as file:
                        file.write(bytes.fromhex(content))
        Folder.seen = self._look()
