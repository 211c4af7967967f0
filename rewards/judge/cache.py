"""Answers of judges on disk: one SQLite file, shared by threads and processes."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def request_key(request: Mapping[str, Any]) -> str:
    """The digest of a full request: address, model, messages, sampling."""
    return hashlib.sha256(
        json.dumps(request, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")
    ).hexdigest()


class DiskCache:
    """Key → answer. A write is whole or absent. A file that cannot be used raises sqlite3.Error."""

    def __init__(self, path: str) -> None:
        self.path = Path(path).expanduser()
        self._local = threading.local()

    def get(self, key: str) -> dict[str, Any] | None:
        row = self._connection().execute("SELECT value FROM answers WHERE key = ?", (key,)).fetchone()
        value: dict[str, Any] | None = json.loads(row[0]) if row else None
        return value

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        with self._connection() as connection:
            text = json.dumps(dict(value), ensure_ascii=True)
            connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, text, time.time()))

    def _connection(self) -> sqlite3.Connection:
        held = getattr(self._local, "held", None)
        if held is None or held[0] != os.getpid():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=30)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT, at REAL)")
            connection.commit()
            self._local.held = held = (os.getpid(), connection)
        opened: sqlite3.Connection = held[1]
        return opened
