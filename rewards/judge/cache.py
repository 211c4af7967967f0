"""Answers of judges on disk: one SQLite file, shared by threads and processes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from veritune.rewards.judge.patience import Patience

BUSY = 20.0
"""Seconds to wait for another process that writes."""
_PATIENT = 3
"""Writes in a row that found the file locked for that long, until it counts as broken."""


def request_key(request: Mapping[str, Any]) -> str:
    """The digest of a full request: address, model, messages, sampling."""
    return hashlib.sha256(
        json.dumps(request, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")
    ).hexdigest()


_PAUSE = 2.0
"""Seconds for which nobody looks into a file that was too busy to read."""
_KEPT = 20_000
"""Answers that are kept in memory for a file that cannot be written."""


_OPENING = threading.Lock()
_OPEN: dict[tuple[int, str], PatientCache] = {}


class PatientCache:
    """A disk cache for an event loop, which it never holds up and never stops.

    Reading and writing have a thread each. Who asks waits ``patience`` seconds at most (not counting those in which the
    event loop itself was held up), then it is not known; a write
    goes on behind the judgement, so that an answer that was paid for is not lost to a busy file. A file that cannot be
    used is reported once, and no more asked; what could not be written is known to this process all the same.
    """

    def __init__(self, path: str, patience: float = 0.5) -> None:
        self.disk, self.patience = DiskCache(path), patience
        self.broken: str | None = None
        self._left = self._locked = 0
        self._busy = 0.0
        self._unwritten: dict[str, str] = {}
        self._failed: list[str] = []
        self._threads: tuple[int, ThreadPoolExecutor, ThreadPoolExecutor] | None = None

    @classmethod
    def at(cls, path: str) -> PatientCache:
        """The one of a file in this process."""
        where = (os.getpid(), os.path.abspath(os.path.expanduser(path)))
        with _OPENING:
            found = _OPEN.get(where)
            if found is None or found.broken is not None:
                again = _OPEN[where] = cls(path)
                again._unwritten = found._unwritten if found is not None else {}
                return again
            return found

    def unwritten(self, key: str) -> str | None:
        """The text of a request that is not in the file yet."""
        return self._unwritten.get(key)

    async def get(self, key: str) -> str | None:
        """The text kept for a request."""
        known = self.unwritten(key)
        if known is not None or self.broken is not None or time.monotonic() < self._busy:
            return known
        asked = self._pools()[0].submit(self.disk.get, key)
        try:
            return await Patience().within(self.patience, self._found(asked))
        except asyncio.TimeoutError:
            asked.add_done_callback(_looked_at)
            asked.cancel()
            self._busy = time.monotonic() + _PAUSE
            return None
        except (sqlite3.Error, OSError, ValueError) as error:
            self._give_up(error)
            return None

    @staticmethod
    async def _found(asked: Future[dict[str, Any] | None]) -> str | None:
        text = (await asyncio.shield(asyncio.wrap_future(asked)) or {}).get("text")
        return text if isinstance(text, str) else None

    def put(self, key: str, text: str) -> None:
        """Keep a text; at once for the caller."""
        self._unwritten[key] = text
        if self.broken is None:
            pool = self._pools()[1]
            self._left += 1
            pool.submit(self._write, key, text)
        else:
            self._forget()

    def wait(self) -> None:
        """Until everything is written, or nothing more gets on: the file is then busy, and writing goes on behind."""
        while (left := self._left) and self.broken is None:
            until = time.monotonic() + self.patience
            while self._left == left and time.monotonic() < until:
                time.sleep(0.002)
            if self._left == left:
                return

    def _write(self, key: str, text: str) -> None:
        try:
            if self.broken is None:
                self.disk.put(key, {"text": text})
                self._unwritten.pop(key, None)
                self._locked = 0
                while self._failed:  # the file was busy for very long, and is free now
                    earlier = self._failed[-1]
                    if (kept := self._unwritten.get(earlier)) is not None:
                        self.disk.put(earlier, {"text": kept})
                        self._unwritten.pop(earlier, None)
                    self._failed.pop()
        except (sqlite3.Error, OSError, ValueError) as error:
            self._failed.append(key)
            self._locked += 1
            self._give_up(error)
        finally:
            self._left -= 1

    def _forget(self) -> None:
        while len(self._unwritten) > _KEPT:
            self._unwritten.pop(next(iter(self._unwritten)), None)

    def _give_up(self, error: Exception) -> None:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error) and self._locked < _PATIENT:
            return
        if self.broken is None:
            self.broken = f"{type(error).__name__}: {error}"
            warnings.warn(
                f"reward 'judge': the cache {str(self.disk.path)!r} cannot be used ({self.broken}); it goes on "
                "without. Give another file, or mend this one.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _pools(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        if self._threads is None or self._threads[0] != os.getpid():
            made = (ThreadPoolExecutor(1, "veritune-judge-read"), ThreadPoolExecutor(1, "veritune-judge-write"))
            self._threads, self._left = (os.getpid(), *made), 0
        return self._threads[1:]

    def __reduce__(self) -> tuple[Callable[[str], PatientCache], tuple[str]]:
        return PatientCache.at, (str(self.disk.path),)


def _looked_at(future: Future[Any]) -> None:
    """Whoever gave up on an answer does not hear of its failure."""
    if not future.cancelled():
        future.exception()


class DiskCache:
    """Key → answer. A write is whole or absent. A file that cannot be used raises sqlite3.Error or OSError."""

    def __init__(self, path: str) -> None:
        self.path = Path(path).expanduser()
        self._local = threading.local()

    def get(self, key: str) -> dict[str, Any] | None:
        row = self._connection().execute("SELECT value FROM answers WHERE key = ?", (key,)).fetchone()
        try:
            value = json.loads(row[0]) if row else None
        except (ValueError, TypeError, RecursionError):
            return None  # a row that somebody broke is asked for again, and written over
        return value if isinstance(value, dict) else None

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        with self._connection() as connection:
            text = json.dumps(dict(value), ensure_ascii=True)
            connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, text, time.time()))

    def _connection(self) -> sqlite3.Connection:
        held = getattr(self._local, "held", None)
        if held is None or held[0] != (os.getpid(), self._file()):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=BUSY)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT, at REAL)")
            connection.commit()
            self._local.held = held = ((os.getpid(), self._file()), connection)
        opened: sqlite3.Connection = held[1]
        return opened

    def _file(self) -> tuple[int, int] | None:
        """Which file it is: one that somebody removed is not written to any more."""
        try:
            found = os.stat(self.path)
        except (OSError, ValueError):
            return None
        return found.st_dev, found.st_ino
