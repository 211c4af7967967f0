"""Answers kept for requests that are sent again: a retry is free, and gets the very same verdicts."""

from __future__ import annotations

import asyncio
import hashlib
import queue
import sqlite3
import threading
import warnings
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from veritune.plugins import ConfigError
from veritune.serve.errors import Refusal

_Entry: TypeAlias = "tuple[bytes, bytes]"
"""The digest of the request's body, and the answer."""


class Remembered:
    """Id → answer, the newest ``limit`` bytes; in ``journal``, a file, also across restarts.

    What is in flight is asked for once, whoever asks meanwhile waits for it. Another body under an id that is known is
    refused (409). An answer that a failure of ours left open (``keep`` says False) is not kept: asked again, the server
    tries again. The file is written behind the answers: of a server that is killed, the last ones may be missing from
    it, and are worked out anew.
    """

    def __init__(self, limit: int, journal: str | None = None) -> None:
        self.limit = limit
        self.size = 0
        self._known: OrderedDict[str, _Entry] = OrderedDict()
        self._flying: dict[str, tuple[bytes, asyncio.Future[bytes]]] = {}
        self._journal = _Journal(Path(journal).expanduser(), limit) if journal else None
        if self._journal is not None:
            for key, entry in self._journal.load():
                self._keep(key, entry)

    async def answer(
        self, key: str | None, body: bytes, make: Callable[[], Awaitable[tuple[bytes, bool]]]
    ) -> tuple[bytes, bool]:
        """The answer to ``body``, and whether it was known. ``make`` works it out: the answer, and whether to keep
        it."""
        if key is None:
            return (await make())[0], False
        digest = hashlib.blake2b(body, digest_size=16).digest()
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return _same(key, known[0], digest, known[1]), True
        flying = self._flying.get(key)
        if flying is not None:
            return _same(key, flying[0], digest, await asyncio.shield(flying[1])), True
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._flying[key] = (digest, future)
        try:
            made, keep = await make()
        except BaseException as error:
            future.set_exception(error if isinstance(error, Refusal) else Refusal(503, "lost", "ask again"))
            future.exception()  # nobody may be waiting
            raise
        else:
            future.set_result(made)
        finally:
            del self._flying[key]
        if keep:
            self._keep(key, (digest, made))
            if self._journal is not None:
                self._journal.put(key, (digest, made))
        return made, False

    def close(self) -> None:
        """Write what is left."""
        if self._journal is not None:
            self._journal.close()

    def _keep(self, key: str, entry: _Entry) -> None:
        cost = len(entry[1]) + len(key) + 200
        if cost > self.limit:
            return
        self._known[key] = entry
        self.size += cost
        while self.size > self.limit:
            old, (_, answer) = self._known.popitem(last=False)
            self.size -= len(answer) + len(old) + 200


def _same(key: str, one: bytes, other: bytes, answer: bytes) -> bytes:
    if one != other:
        raise Refusal(409, "id_taken", f"the id {key[:80]!r} was given to another request")
    return answer


class _Journal:
    """A SQLite file that a thread of its own writes."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self.limit = path, limit
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS answers "
                    "(n INTEGER PRIMARY KEY, key TEXT UNIQUE, digest BLOB, answer BLOB)"
                )
        except (sqlite3.Error, OSError) as error:
            raise ConfigError(f"the journal {str(path)!r} cannot be used: {error}") from None
        self._queue: queue.SimpleQueue[tuple[str, _Entry] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="veritune-journal", daemon=True)
        self._thread.start()

    def load(self) -> list[tuple[str, _Entry]]:
        """The newest answers that fit, oldest first."""
        found: list[tuple[str, _Entry]] = []
        size = 0
        with self._open() as connection:
            for key, digest, answer in connection.execute("SELECT key, digest, answer FROM answers ORDER BY n DESC"):
                size += len(answer)
                if size > self.limit:
                    break
                found.append((key, (digest, answer)))
        return found[::-1]

    def put(self, key: str, entry: _Entry) -> None:
        """Keep an answer; returns at once."""
        self._queue.put((key, entry))

    def close(self) -> None:
        """Until everything is written."""
        self._queue.put(None)
        self._thread.join(10.0)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=20.0)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _write(self) -> None:
        try:
            connection = self._open()
            written = 0
            while (item := self._queue.get()) is not None:
                items = [item]
                with suppress(queue.Empty):
                    while len(items) < 256 and (more := self._queue.get_nowait()) is not None:
                        items.append(more)
                    if len(items) < 256:
                        self._queue.put(None)  # the end was met: it is met again
                with connection:
                    connection.executemany(
                        "INSERT OR REPLACE INTO answers (key, digest, answer) VALUES (?, ?, ?)",
                        [(key, digest, answer) for key, (digest, answer) in items],
                    )
                    written += sum(len(answer) for _, (_, answer) in items)
                    if written > self.limit // 4:
                        self._prune(connection)
                        written = 0
            connection.close()
        except (sqlite3.Error, OSError) as error:
            warnings.warn(f"the journal {str(self.path)!r} is no longer written: {error}", RuntimeWarning, stacklevel=1)

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Leave the newest ``limit`` bytes."""
        size = 0
        for number, length in connection.execute("SELECT n, LENGTH(answer) FROM answers ORDER BY n DESC"):
            size += length
            if size > self.limit:
                connection.execute("DELETE FROM answers WHERE n <= ?", (number,))
                return
