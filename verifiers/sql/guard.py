"""A connection that can only read the tables it is given, with functions of a list, and that ends.

SQLite asks the authorizer about each thing that a statement would do while it is compiled; what is not allowed here
is refused before anything runs.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress

HEAP_BYTES = 512 << 20
STEPS = 2000
"""Of SQLite's machine, between two looks at the clock."""
_FUNCTIONS = (
    "abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws cos cosh count "
    "cume_dist current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor "
    "format glob group_concat hex if ifnull iif instr json json_array json_array_length json_extract json_group_array "
    "json_group_object json_insert json_object json_patch json_quote json_remove json_replace json_set json_type "
    "json_valid julianday lag last_value lead length like likelihood likely ln log log10 log2 lower ltrim max median "
    "min mod nth_value ntile nullif octet_length percent_rank percentile percentile_cont percentile_disc pi pow power "
    "printf quote radians rank replace round row_number rtrim sign sin sinh soundex sqrt stddev strftime string_agg "
    "substr substring sum tan tanh time timediff total trim trunc typeof unhex unicode unixepoch unlikely upper "
    "-> ->>"
)
FUNCTIONS = frozenset(_FUNCTIONS.split())
"""What a query may call: no files, no extensions, nothing random, nothing about the connection."""
_TABLES = ("json_each", "json_tree", "generate_series")
_BUILDS = frozenset(
    getattr(sqlite3, name)
    for name in (
        "SQLITE_CREATE_INDEX", "SQLITE_CREATE_TABLE", "SQLITE_CREATE_VIEW", "SQLITE_INSERT", "SQLITE_UPDATE",
        "SQLITE_DELETE", "SQLITE_TRANSACTION", "SQLITE_SAVEPOINT", "SQLITE_READ", "SQLITE_SELECT", "SQLITE_REINDEX",
        "SQLITE_DROP_TABLE", "SQLITE_DROP_VIEW", "SQLITE_DROP_INDEX", "SQLITE_ALTER_TABLE", "SQLITE_ANALYZE",
    )
)  # fmt: skip
_PRAGMAS = ("foreign_keys", "encoding", "synchronous", "journal_mode", "case_sensitive_like", "user_version")
"""Of a dump: known to be harmless, and without effect here."""
_LIMITS = (("SQLITE_LIMIT_LENGTH", 64 << 20), ("SQLITE_LIMIT_SQL_LENGTH", 64 << 20), ("SQLITE_LIMIT_EXPR_DEPTH", 200),
           ("SQLITE_LIMIT_COMPOUND_SELECT", 100), ("SQLITE_LIMIT_ATTACHED", 0),
           ("SQLITE_LIMIT_LIKE_PATTERN_LENGTH", 1000), ("SQLITE_LIMIT_COLUMN", 500))  # fmt: skip


class Stopped(Exception):
    """A statement ran into a limit: ``cpu``, ``memory`` or ``rows``."""


class Seen:
    """What a query touched, for the reasons and for what a query must do."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.refused = ""


def connect() -> sqlite3.Connection:
    """A fresh database in memory that never spills to a file, with a bounded heap."""
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
    for pragma in ("temp_store=MEMORY", f"hard_heap_limit={HEAP_BYTES}", "trusted_schema=OFF", "cell_size_check=ON"):
        connection.execute(f"PRAGMA {pragma}")
    for name, value in _LIMITS:
        if hasattr(connection, "setlimit"):  # Python 3.11
            connection.setlimit(getattr(sqlite3, name), value)
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


def may_build(connection: sqlite3.Connection) -> None:
    """Let a row's script make tables and rows in memory, and nothing else."""

    def allowed(action: int, one: str | None, two: str | None, database: str | None, within: str | None) -> int:
        if action == sqlite3.SQLITE_FUNCTION:
            return _decided((two or "").lower() in FUNCTIONS)
        if action == sqlite3.SQLITE_PRAGMA:
            return sqlite3.SQLITE_IGNORE if (one or "").lower() in _PRAGMAS else sqlite3.SQLITE_DENY
        return _decided(action in _BUILDS)

    connection.set_authorizer(allowed)


def may_read(connection: sqlite3.Connection, seen: Seen) -> None:
    """Let queries read the tables, and nothing else."""
    connection.execute("PRAGMA query_only=ON")

    def allowed(action: int, one: str | None, two: str | None, database: str | None, within: str | None) -> int:
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            table = (one or "").lower()
            if table.startswith("sqlite_") or (table.startswith("pragma_") and database is None):
                return _refused(seen, f"the table {table[:40]}")
            if table not in _TABLES:
                seen.tables.add(table)
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            name = (two or "").lower()
            return sqlite3.SQLITE_OK if name in FUNCTIONS else _refused(seen, f"the function {name[:40]}")
        return _refused(seen, _NAMES.get(action, f"action {action}"))

    connection.set_authorizer(allowed)


def bounded(connection: sqlite3.Connection, seconds: float) -> Callable[[], None]:
    """Interrupt what runs on a connection after so many CPU seconds; call the result to begin anew."""
    end = [time.process_time() + seconds]

    def over() -> int:
        return int(time.process_time() > end[0])

    def again() -> None:
        end[0] = time.process_time() + seconds

    connection.set_progress_handler(over, STEPS)
    return again


def release(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        connection.close()


def _decided(allowed: bool) -> int:
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _refused(seen: Seen, what: str) -> int:
    seen.refused = seen.refused or what
    return sqlite3.SQLITE_DENY


_NAMES = {
    getattr(sqlite3, f"SQLITE_{name}"): name.replace("_", " ")
    for name in (
        "ATTACH", "DETACH", "PRAGMA", "INSERT", "UPDATE", "DELETE", "CREATE_TABLE", "CREATE_INDEX", "CREATE_VIEW",
        "CREATE_TRIGGER", "CREATE_VTABLE", "CREATE_TEMP_TABLE", "CREATE_TEMP_INDEX", "CREATE_TEMP_VIEW",
        "CREATE_TEMP_TRIGGER", "DROP_TABLE", "DROP_INDEX", "DROP_VIEW", "DROP_TRIGGER", "DROP_VTABLE", "ALTER_TABLE",
        "TRANSACTION", "SAVEPOINT", "ANALYZE", "REINDEX",
    )
}  # fmt: skip
