"""In the worker: make the databases, run the gold, run the query, compare. Each query has a database of its own."""

from __future__ import annotations

import functools
import resource
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from veritune.sandbox.local.inside import kernel, landlock
from veritune.verifiers.sql.changes import ROW_CHANGES, Change, changed, doubled
from veritune.verifiers.sql.guard import Seen, Stopped, bounded, connect, may_build, may_read, release
from veritune.verifiers.sql.results import Expected, Row, Segment, key, orders
from veritune.verifiers.sql.script import ordering, statements

FUNCTION = "veritune.verifiers.sql.inside:judge"
MAX_BYTES = 32 << 20
"""Of one result."""
_NO_NEW_PRIVILEGES = 38


@dataclass(frozen=True)
class Terms:
    """What bounds a query and how results are compared."""

    seconds: float = 2.0
    rows: int = 10_000
    column_order: Literal["same", "any"] = "same"
    duplicates: Literal["count", "ignore"] = "count"


@dataclass(frozen=True)
class Finding:
    """What became of a query: ``right``, ``wrong``, or ``gold`` where the gold or the database is at fault."""

    kind: Literal["right", "wrong", "gold"]
    reason: str
    facts: tuple[tuple[str, Any], ...] = ()


class GoldError(Exception):
    """The gold or its database does not run."""


def judge(states: tuple[str, ...], gold: str, query: str | None, terms: Terms) -> Finding:
    """Compare a query with the gold on every state of the database; without a query, try the gold alone."""
    confined = _confine()
    try:
        expected = [_expected(script, gold, terms, reverse) for script in states for reverse in (False, True)]
    except GoldError as error:
        return Finding("gold", str(error))
    if all(one.empty for one in expected):
        return Finding("gold", "the gold finds nothing in any state of the database: so does any query that is wrong")
    if query is None:
        return Finding("right", "the gold runs")
    signal.setitimer(
        signal.ITIMER_PROF, (2 * len(states) + 5) * terms.seconds + 0.25
    )  # what no progress handler interrupts
    facts = (
        ("confined", confined),
        ("states", len(states)),
        ("ordered", expected[0].ordered),
        ("rows", expected[0].size),
    )
    for number, script in enumerate(states):
        where = f" in state {number + 1} of {len(states)}" if len(states) > 1 else ""
        plain, turned = expected[2 * number], expected[2 * number + 1]
        try:
            why = _compared(script, query, terms, [plain], reverse=False)
            if not why and _compared(script, query, terms, [turned, plain], reverse=True):
                why = "its result hangs on the order in which rows happen to lie"
            if not why and (plain.ordered or ordering(query).limited):
                why = _breaks_ties(script, query, terms, plain)
            if not why and number == 0 and plain.reads and _ignores_data(script, gold, query, terms):
                why = "its result stays the same where the data change, and the gold's does not"
        except Stopped as error:
            why = str(error)
        except sqlite3.Error as error:
            why = f"the query does not run: {_said(error)}"
        if why:
            return Finding("wrong", why + where, facts)
    return Finding("right", f"its result is the gold's{f' in {len(states)} states' if len(states) > 1 else ''}", facts)


def _compared(script: str, query: str, terms: Terms, allowed: Sequence[Expected], *, reverse: bool) -> str:
    """Why the query's result is none of the allowed; empty where it is one."""
    seen = Seen()
    rows, columns = _run(script, query, terms, seen, reverse=reverse)
    if allowed[0].reads and not seen.tables:
        return "the query reads no table"
    reasons = [_difference(one, rows, columns, terms) for one in allowed]
    return "" if "" in reasons else reasons[0]


def _breaks_ties(script: str, query: str, terms: Terms, expected: Expected) -> str:
    """Whether an ordered query has the gold's result only as long as rows that tie for it stand as they do."""
    end = ordering(query)
    if not end.order:
        return ""
    for way in ("", " DESC"):
        tail = query[end.order_end :]
        broken = f"{end.body} ORDER BY {end.order}, {_breakers(expected.columns, way)} {tail}"
        with suppress(Stopped, sqlite3.Error):  # the query alone ran: what fails here is the way of asking
            rows, columns = _run(script, broken, terms, Seen(), reverse=False)
            if _difference(expected, rows, columns, terms):
                return "its result hangs on how rows that tie for its order happen to stand"
    return ""


def _breakers(columns: int, way: str) -> str:
    """Terms that order rows which tie, by all of their columns."""
    return ", ".join(f"{at + 1} COLLATE BINARY{way}" for at in range(columns))


def _ignores_data(script: str, gold: str, query: str, terms: Terms) -> bool:
    """Whether a query says a result by heart: other data change the gold's result, and leave the query's as it is.

    Of other values once is enough. Of fewer and of more rows each has to leave it as it is, as a result may happen to
    hang on none of those that are gone; and the gold's may not become the query's, as where rows tie for a LIMIT.
    """
    before = _gold_rows(script, gold, terms)
    if before is None:
        return False
    said = [*map(key, _run(script, query, terms, Seen(), reverse=False)[0])]

    def same(change: Change) -> bool:
        with suppress(Stopped, sqlite3.Error):  # it ran on the data as they are
            return said == [*map(key, _run(script, query, terms, Seen(), reverse=False, change=change)[0])]
        return False

    def told(change: Change) -> bool:
        after = _gold_rows(script, gold, terms, change)
        if after is None:
            return False
        return after != before if change == "values" else set(after) not in (set(before), set(said))

    if told("values") and same("values"):
        return True
    return all(same(change) for change in ROW_CHANGES) and any(told(change) for change in ROW_CHANGES)


@functools.lru_cache(maxsize=128)
def _gold_rows(script: str, gold: str, terms: Terms, change: Change | None = None) -> tuple[Row, ...] | None:
    with suppress(Stopped, sqlite3.Error, GoldError):
        return tuple(map(key, _run(script, statements(gold)[0], terms, Seen(), reverse=False, change=change)[0]))
    return None


def _difference(expected: Expected, rows: Sequence[Row], columns: int, terms: Terms) -> str:
    distinct = terms.duplicates == "ignore"
    why = expected.difference(rows, columns, distinct=distinct)
    if not why or terms.column_order == "same" or columns != expected.columns:
        return why
    for order in orders(expected, rows):
        if not expected.difference([tuple(row[at] for at in order) for row in rows], columns, distinct=distinct):
            return ""
    return why


@functools.lru_cache(maxsize=64)
def _expected(script: str, gold: str, terms: Terms, reverse: bool) -> Expected:
    """What the gold's result may be. Raises GoldError."""
    parts = statements(gold)
    if len(parts) != 1:
        raise GoldError(f"the gold has {len(parts)} statements")
    try:
        seen = Seen()
        rows, columns = _run(script, parts[0], terms, seen, reverse=reverse)
    except (Stopped, sqlite3.Error) as error:
        raise GoldError(f"the gold does not run: {_said(error)}") from None
    end = ordering(parts[0])
    if not end.order and not end.limited:
        return Expected([Segment(rows, len(rows))], columns, False, bool(seen.tables))
    strict = Expected([Segment([row], 1) for row in rows], columns, True, bool(seen.tables))
    if end.offset is None:
        return strict if end.order else Expected([Segment(rows, len(rows))], columns, False, bool(seen.tables))
    try:
        if not end.order:
            every, _ = _run(script, end.body, terms, Seen(), reverse=reverse)
            return Expected([Segment(every, len(rows))], columns, False, bool(seen.tables))
        groups = _groups(script, end.body, end.order, columns, terms)
    except (Stopped, sqlite3.Error):  # ties cannot be told: the gold's own order counts
        return strict
    found = Expected(_window(groups, end.offset, len(rows)), columns, True, bool(seen.tables))
    return found if not found.difference(rows, columns) else strict


def _groups(script: str, body: str, order: str, columns: int, terms: Terms) -> list[list[Row]]:
    """The rows of an ordered query in groups that tie.

    It is ordered twice, ties broken by all columns upwards and downwards: a group ends where both have had the same
    rows so far.
    """
    runs = []
    for way in ("", " DESC"):
        broken = f"{body} ORDER BY {order}, {_breakers(columns, way)}"
        runs.append(_run(script, broken, terms, Seen(), reverse=False)[0])
    groups: list[list[Row]] = []
    open_: dict[Row, int] = {}
    group: list[Row] = []
    for one, other in zip(*runs, strict=True):
        group.append(one)
        for row, step in ((key(one), 1), (key(other), -1)):
            open_[row] = open_.get(row, 0) + step
            if not open_[row]:
                del open_[row]
        if not open_:
            groups.append(group)
            group = []
    return groups + [group] * bool(group)


def _window(groups: Sequence[list[Row]], offset: int, size: int) -> list[Segment]:
    """The segments of ``size`` rows behind ``offset``."""
    found: list[Segment] = []
    at = 0
    for group in groups:
        take = min(at + len(group), offset + size) - max(at, offset)
        if take > 0:
            found.append(Segment(group, take))
        at += len(group)
    return found


def _run(
    script: str, query: str, terms: Terms, seen: Seen, *, reverse: bool, change: Change | None = None
) -> tuple[list[Row], int]:
    """The rows of a query on a fresh copy of a database. Raises Stopped, sqlite3.Error, GoldError for the database."""
    connection = connect()
    try:
        (_template(script) if change is None else changed(_template(script), script, change)).backup(connection)
        if reverse:
            connection.execute("PRAGMA reverse_unordered_selects=ON")
        bounded(connection, terms.seconds)
        may_read(connection, seen)
        try:
            cursor = connection.execute(query)
            if cursor.description is None:
                raise Stopped("it is no query")
            return _fetched(cursor, terms), len(cursor.description)
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise Stopped(f"it ran for more than {terms.seconds:g} s") from None
            raise
        except sqlite3.DatabaseError as error:
            if (seen.refused and "prohibited" in str(error)) or "not authorized" in str(error):
                raise Stopped(f"it may not use {seen.refused or 'that'}") from None
            raise
        except (sqlite3.Warning, ValueError, OverflowError) as error:  # two statements; a text that is no UTF-8
            raise Stopped(f"the query does not run: {_said(error)}") from None
        except MemoryError:
            raise Stopped("it needs too much memory") from None
    finally:
        release(connection)


def _fetched(cursor: sqlite3.Cursor, terms: Terms) -> list[Row]:
    rows: list[Row] = []
    size = 0
    for row in cursor:
        rows.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes)) + 16 * len(row)
        if len(rows) > terms.rows:
            raise Stopped(f"its result has more than {terms.rows} rows")
        if size > MAX_BYTES:
            raise Stopped(f"its result has more than {MAX_BYTES >> 20} MB")
    return rows


@functools.lru_cache(maxsize=8)
def _template(script: str) -> sqlite3.Connection:
    """The database that a script makes, to be copied. Raises GoldError."""
    connection = connect()
    try:
        again = bounded(connection, 20.0)
        may_build(connection)
        for statement in statements(script):
            again()
            connection.execute(statement)
        if connection.in_transaction:
            connection.execute("COMMIT")
        connection.set_authorizer(lambda *_: sqlite3.SQLITE_OK)  # None takes it off from Python 3.11 on
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if not names:
            raise GoldError("the database has no table")
        if not any(connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() for name in map(doubled, names)):
            raise GoldError("the database has no rows: on it every query finds nothing")
    except (sqlite3.Error, sqlite3.Warning, MemoryError, ValueError) as error:
        release(connection)
        raise GoldError(f"the database cannot be made: {_said(error)}") from None
    except GoldError:
        release(connection)
        raise
    return connection


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


@functools.cache
def _confine() -> bool:
    """Behind the authorizer, once a worker: no file may be written, and where the kernel can, none opened."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        version = landlock.abi()
        if version:
            kernel.prctl(_NO_NEW_PRIVILEGES, 1)
            landlock.restrict(landlock.build(version, (), (), "/nonexistent"))
        return version > 0
    except OSError:
        return False


def warm_up() -> None:
    """Load what a query needs before the workers are forked and confined."""
    script = "CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (2, 'z')"
    _expected.__wrapped__(script, "SELECT a, b FROM t ORDER BY a LIMIT 2", Terms(), False)
    _template.cache_clear()
