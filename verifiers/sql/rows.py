"""The databases of a row: a script, tables, or several of these."""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DATABASE_COLUMNS = (
    "database", "db_schema", "schema", "sql_context", "context", "create_script", "db_script", "tables", "table", "ddl",
)  # fmt: skip
ROWS_COLUMNS = ("db_rows", "rows", "inserts", "data")
"""Scripts of rows that come behind a schema of their own column."""
STATES_COLUMNS = ("test_suite", "databases", "states")
GOLD_COLUMNS = ("query", "sql", "SQL", "gold_sql")
"""Where sets of this kind have the gold, behind the usual columns."""
MAX_SCRIPT = 20_000_000
MAX_STATES = 100


class InvalidDatabase(ValueError):
    """The row's database cannot be read; the message says why."""


def row_states(row: Mapping[str, Any], folder: str | None = None) -> list[str]:
    """The scripts that make the databases of a row, one a state. Raises InvalidDatabase.

    With a ``folder``, they are its files of the row's ``db_id``.
    """
    if folder is not None:
        return list(_dumps(folder, str(row.get("db_id"))))
    base = next((row[name] for name in DATABASE_COLUMNS if present(row.get(name))), None)
    added = next((row[name] for name in ROWS_COLUMNS if present(row.get(name))), None)
    several = next((row[name] for name in STATES_COLUMNS if present(row.get(name))), None)
    schema = script_of(base) if base is not None else ""
    if several is None:
        if base is None:
            raise InvalidDatabase("the row has no database")
        return [_joined(schema, script_of(added) if added is not None else "")]
    states = _plain(several)
    states = [states] if isinstance(states, str | Mapping) else states
    if not isinstance(states, Sequence) or len(states) > MAX_STATES:
        raise InvalidDatabase(f"the test suite is no list of up to {MAX_STATES} databases")
    found = [_joined("" if _makes_tables(script) else schema, script) for script in map(script_of, states)]
    if base is not None and (added is not None or "INSERT" in schema.upper()):
        found.insert(0, _joined(schema, script_of(added) if added is not None else ""))
    return found


def present(value: Any) -> bool:
    """Whether a column has something: no None, NaN, blank or empty list."""
    if value is None or (isinstance(value, float) and value != value):
        return False
    return bool(value.strip()) if isinstance(value, str) else not (hasattr(value, "__len__") and len(value) == 0)


def script_of(database: Any) -> str:
    """One database as a script: a script as it is, a list of statements, or tables.

    Tables are ``{name: [{column: value}]}``, or ``{name: {"columns"|"header": […], "rows": [[…]], "types": […]}}``, one
    of the latter alone (``name`` or ``t``), or the JSON text of these. Raises InvalidDatabase.
    """
    found = _plain(database)
    if isinstance(found, Mapping) and _is_table(found):
        found = [found]
    if isinstance(found, Mapping) and isinstance(found.get("tables"), Mapping | list):
        found = found["tables"]
    if isinstance(found, list) and found and all(isinstance(table, Mapping) and _is_table(table) for table in found):
        found = {str(table.get("name") or (f"t{at}" if at else "t")): table for at, table in enumerate(found)}
    if isinstance(found, Mapping):
        return "\n".join(table_script(str(name), table) for name, table in found.items())
    if isinstance(found, str):
        script = found
    elif isinstance(found, Sequence) and all(isinstance(part, str) for part in found):
        script = ";\n".join(part.strip().rstrip(";") for part in found)
    else:
        raise InvalidDatabase(f"a database is a script or tables, got {type(database).__name__}")
    if len(script) > MAX_SCRIPT:
        raise InvalidDatabase(f"the database's script has more than {MAX_SCRIPT} characters")
    return script


def table_script(name: str, table: Any) -> str:
    """The statements that make one table."""
    if isinstance(table, Mapping) and _is_table(table):
        columns = [str(column) for column in table.get("columns") or table.get("header") or ()]
        types = [str(kind) for kind in table.get("types") or ()] or [""] * len(columns)
        rows = [list(row.values()) if isinstance(row, Mapping) else list(row) for row in table["rows"]]
    elif isinstance(table, list) and table and all(isinstance(row, Mapping) for row in table):
        columns = list(dict.fromkeys(str(column) for row in table for column in row))
        types = [""] * len(columns)
        rows = [[row.get(column) for column in columns] for row in table]
    else:
        raise InvalidDatabase(f"the table {name[:40]!r} has no columns and rows")
    if not columns or len(types) != len(columns) or any(len(row) != len(columns) for row in rows):
        raise InvalidDatabase(f"the rows of the table {name[:40]!r} do not fit its columns")
    kinds = [_kind(kind, [row[at] for row in rows]) for at, kind in enumerate(types)]
    head = ", ".join(f"{_quoted(column)} {kind}".rstrip() for column, kind in zip(columns, kinds, strict=True))
    lines = [f"CREATE TABLE {_quoted(name)} ({head});"]
    lines += [f"INSERT INTO {_quoted(name)} VALUES ({', '.join(map(_literal, row))});" for row in rows]
    return "\n".join(lines)


def _kind(said: str, values: Sequence[Any]) -> str:
    if said:
        return {"real": "REAL", "number": "REAL", "integer": "INTEGER", "int": "INTEGER"}.get(said.lower(), "TEXT")
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int) for value in known):
        return "INTEGER"
    if known and all(isinstance(value, int | float) for value in known):
        return "REAL"
    return "TEXT" if known and all(isinstance(value, str) for value in known) else ""


def _literal(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return "NULL"
    if isinstance(value, bool | int):
        return str(int(value))
    if isinstance(value, float):
        return repr(value) if abs(value) != float("inf") else f"{'-' if value < 0 else ''}9e999"
    text = str(value)
    if "\x00" in text:
        return f"CAST(x'{text.encode('utf-8', 'replace').hex()}' AS TEXT)"
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    if "\x00" in name or not name:
        raise InvalidDatabase("a table or column has no name")
    return '"' + name.replace('"', '""') + '"'


def _is_table(value: Mapping[str, Any]) -> bool:
    rows = value.get("rows")
    return isinstance(rows, list | tuple) and isinstance(value.get("columns") or value.get("header"), list | tuple)


def _plain(value: Any) -> Any:
    """Lists of arrays, and of JSON text what it says; SQL stays text."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _joined(*scripts: str) -> str:
    return ";\n".join(script.strip().rstrip(";") for script in scripts if script.strip())


def _makes_tables(script: str) -> bool:
    return "CREATE" in script.upper()


@functools.lru_cache(maxsize=256)
def _dumps(folder: str, name: str) -> tuple[str, ...]:
    """The scripts of the SQLite files of a ``db_id``: ``ID/*.sqlite`` (a test suite has several), or ``ID.sqlite``."""
    if name in ("", "None", ".", "..") or "/" in name or "\x00" in name:
        raise InvalidDatabase(f"the row's db_id names no database: {name[:40]!r}")
    root = Path(folder).expanduser()
    files = sorted(path for kind in ("sqlite", "sqlite3", "db") for path in (root / name).glob(f"*.{kind}"))
    files = files or [path for kind in ("sqlite", "sqlite3", "db") if (path := root / f"{name}.{kind}").is_file()]
    if not files:
        raise InvalidDatabase(f"no database {name!r} in {folder}")
    return tuple(_dump(path) for path in files[:MAX_STATES])


def _dump(path: Path) -> str:
    try:
        with sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            script = "\n".join(connection.iterdump())
        connection.close()
    except sqlite3.Error as error:
        raise InvalidDatabase(f"{path.name} cannot be read: {error}") from None
    if len(script) > MAX_SCRIPT:
        raise InvalidDatabase(f"{path.name} has more than {MAX_SCRIPT} characters as a script")
    return script
