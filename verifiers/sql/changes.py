"""The same database with other data: what a query that asks finds there changes, what is said by heart stays."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import suppress
from typing import Literal, TypeAlias

from veritune.verifiers.sql.guard import connect

Change: TypeAlias = Literal["values", "fewer", "more"]
ROW_CHANGES: tuple[Change, ...] = ("fewer", "more")
_LOWEST = 10**12


@functools.lru_cache(maxsize=24)
def changed(template: sqlite3.Connection, script: str, change: Change) -> sqlite3.Connection:
    """A copy of a database with other data, by its tables' own order; what a constraint forbids stays as it is.

    ``values``: other values in columns that are no keys, larger numbers and other texts. ``fewer``: every second row is
    gone. ``more``: every row again, with other values and another key.
    """
    connection = connect()
    template.backup(connection)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (name,) in names.fetchall():
        with suppress(sqlite3.Error):
            _CHANGES[change](connection, f'"{doubled(name)}"')
    return connection


def _other_values(connection: sqlite3.Connection, table: str) -> None:
    for one, kind in _columns(connection, table):
        if kind == "value":
            with suppress(sqlite3.Error):
                connection.execute(f"UPDATE OR IGNORE {table} SET {one} = {_other(one)}")


def _fewer_rows(connection: sqlite3.Connection, table: str) -> None:
    connection.execute(
        f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM "
        f"(SELECT rowid, row_number() OVER (ORDER BY rowid) AS place FROM {table}) WHERE place % 2 = 0)"
    )


def _more_rows(connection: sqlite3.Connection, table: str) -> None:
    """Keys of the new rows: of numbers what lies above all others, of texts another text."""
    columns = _columns(connection, table)
    names = ", ".join(one for one, _ in columns)
    values = ", ".join(
        _above(one) if kind == "key" else _other(one) if kind == "value" else one for one, kind in columns
    )
    connection.execute(f"INSERT OR IGNORE INTO {table} ({names}) SELECT {values} FROM {table}")


_CHANGES = {"values": _other_values, "fewer": _fewer_rows, "more": _more_rows}


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, Literal["key", "link", "value"]]]:
    """The columns of a table, quoted, and whether they are keys, name rows (of other tables, say), or hold values."""
    linked = {row[3] for row in connection.execute(f"PRAGMA foreign_key_list({table})")}
    found: list[tuple[str, Literal["key", "link", "value"]]] = []
    for _, column, _, _, _, primary in connection.execute(f"PRAGMA table_info({table})").fetchall():
        link = column in linked or column.lower().endswith("id")
        found.append((f'"{doubled(column)}"', "key" if primary else "link" if link else "value"))
    return found


def _other(column: str) -> str:
    kinds = f"WHEN 'text' THEN 'x' || hex({column}) WHEN 'null' THEN -{_LOWEST}"
    return f"CASE typeof({column}) {kinds} ELSE 3 * {column} + 7 END"


def _above(column: str) -> str:
    return f"CASE typeof({column}) WHEN 'integer' THEN {column} + {_LOWEST} ELSE {_other(column)} END"


def doubled(name: str) -> str:
    """A name as it stands inside double quotes."""
    return name.replace('"', '""')
