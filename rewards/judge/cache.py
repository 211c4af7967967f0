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
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

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


class PatientCache:
    """A disk cache for an event loop, which it never holds up and never stops.

    Reading and writing have a thread each. Who asks waits ``patience`` seconds at most, then it is not known; a write
    goes on behind the judgement, so that an answer that was paid for is not lost to a busy file. A file that cannot be
    used is reported once, and no more asked.
    """

    def __init__(self, path: str, patience: float = 0.5) -> None:
        self.disk, self.patience = DiskCache(path), patience
        self.broken: str | None = None
        self._left = self._locked = 0
        self._busy = 0.0
        self._threads: tuple[int, ThreadPoolExecutor, ThreadPoolExecutor] | None = None

    async def get(self, key: str) -> str | None:
        """The text kept for a request."""
        if self.broken is not None or time.monotonic() < self._busy:
            return None
        asked = self._pools()[0].submit(self.disk.get, key)
        try:
            known = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(asked)), self.patience)
        except asyncio.TimeoutError:
            asked.add_done_callback(_looked_at)
            asked.cancel()
            self._busy = time.monotonic() + _PAUSE
            return None
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            return None
        text = (known or {}).get("text")
        return text if isinstance(text, str) else None

    def put(self, key: str, text: str) -> None:
        """Keep a text; at once for the caller."""
        if self.broken is None:
            pool = self._pools()[1]
            self._left += 1
            pool.submit(self._write, key, text)

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
                self._locked = 0
        except (sqlite3.Error, OSError) as error:
            self._locked += 1
            self._give_up(error)
        finally:
            self._left -= 1

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

    def __reduce__(self) -> tuple[type[PatientCache], tuple[str, float]]:
        return PatientCache, (str(self.disk.path), self.patience)


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
        if held is None or held[0] != os.getpid():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=BUSY)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT, at REAL)")
            connection.commit()
            self._local.held = held = (os.getpid(), connection)
        opened: sqlite3.Connection = held[1]
        return opened
