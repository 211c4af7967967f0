"""A query earns where it has the gold's result by reading the row's database, and can do nothing else to anything."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veritune import Cause, get_reward, get_verifier
from veritune.plugins import ParameterError
from veritune.verifiers.sql.script import ordering, statements

SCHEMA = """
CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT, age INT, city TEXT);
CREATE TABLE o (id INTEGER PRIMARY KEY, pid INT REFERENCES p(id), total REAL, note TEXT);
"""
ROWS = """
INSERT INTO p VALUES (1,'Ann',30,'Rome'),(2,'Bob',25,'Paris'),(3,'Cid',30,'Rome'),(4,'Dee',41,NULL),
(5,'Eve',41,'Paris');
INSERT INTO o VALUES (1,1,9.5,'a;b'),(2,1,3.25,'it''s'),(3,2,7.0,NULL),(4,5,0.1,'x'),(5,5,0.2,'x');
"""
DB = SCHEMA + ROWS
OLDER = "SELECT name FROM p WHERE age > 28"
BY_AGE = "SELECT name FROM p ORDER BY age"
OLDEST = "SELECT name FROM p ORDER BY age DESC LIMIT 1"
SPENT = "SELECT pid, sum(total) FROM o GROUP BY pid"

PAIRS: list[tuple[str, str, float | None]] = [
    # the same result, however it is found and written
    (OLDER, OLDER, 1.0),
    ("select NAME from P where AGE >= 30", OLDER, 1.0),
    ("SELECT p.name AS n FROM p AS p WHERE NOT p.age <= 28;", OLDER, 1.0),
    ("-- those older\nSELECT name /* all */ FROM p WHERE age > 28 ;", OLDER, 1.0),
    ("WITH a AS (SELECT * FROM p WHERE age > 28) SELECT name FROM a", OLDER, 1.0),
    ("SELECT name FROM p WHERE age = 30 UNION ALL SELECT name FROM p WHERE age = 41", OLDER, 1.0),
    ("SELECT name FROM p WHERE age > 28 ORDER BY name DESC", OLDER, 1.0),
    ("SELECT name FROM p WHERE id IN (SELECT pid FROM o)", "SELECT DISTINCT name FROM p JOIN o ON p.id = o.pid", 1.0),
    ("SELECT pid, total(total) FROM o GROUP BY 1", SPENT, 1.0),
    ("SELECT count(id) FROM p", "SELECT count(*) FROM p", 1.0),
    ("SELECT 1.0 * count(*) FROM p", "SELECT count(*) FROM p", 1.0),
    ("SELECT name, rank() OVER (ORDER BY age) FROM p", "SELECT name, RANK() OVER (ORDER BY age ASC) FROM p", 1.0),
    ("SELECT max(age) FROM p", "SELECT age FROM p ORDER BY age DESC LIMIT 1", 1.0),
    ("SELECT note FROM o WHERE note = 'it''s'", "SELECT note FROM o WHERE note LIKE 'it_s'", 1.0),
    ("SELECT note FROM o WHERE note = 'a;b'", "SELECT note FROM o WHERE id = 1", 1.0),
    ("SELECT upper(substr(name, 1, 2)) FROM p", "SELECT UPPER(SUBSTRING(name, 1, 2)) FROM p", 1.0),
    ("SELECT name FROM p WHERE city IS NULL", "SELECT name FROM p WHERE city IS NULL", 1.0),
    ("SELECT city FROM p", "SELECT city FROM p", 1.0),
    ("SELECT json_group_array(age) FROM p WHERE id < 3", "SELECT json_group_array(age) FROM p WHERE id <= 2", 1.0),
    ("SELECT 2", "SELECT 1 + 1", 1.0),
    # another result
    ("SELECT name FROM p", OLDER, 0.0),
    ("SELECT name FROM p WHERE age > 30", OLDER, 0.0),
    ("SELECT name, age FROM p WHERE age > 28", OLDER, 0.0),
    ("SELECT age, name FROM p", "SELECT name, age FROM p", 0.0),
    ("SELECT DISTINCT age FROM p", "SELECT age FROM p", 0.0),
    ("SELECT age FROM p UNION SELECT age FROM p", "SELECT age FROM p", 0.0),
    ("SELECT count(city) FROM p", "SELECT count(*) FROM p", 0.0),
    ("SELECT CAST(age AS TEXT) FROM p", "SELECT age FROM p", 0.0),
    ("SELECT coalesce(city, '') FROM p", "SELECT city FROM p", 0.0),
    ("SELECT lower(name) FROM p WHERE age > 28", OLDER, 0.0),
    ("SELECT pid, round(sum(total)) FROM o GROUP BY pid", SPENT, 0.0),
    ("SELECT nam FROM p", OLDER, 0.0),
    ("SELECT name FROM", OLDER, 0.0),
    # order, where the gold orders: its ties may stand in any
    (BY_AGE, BY_AGE, 1.0),
    ("SELECT name FROM p ORDER BY age, name DESC", BY_AGE, 1.0),
    ("SELECT name FROM p ORDER BY age DESC", BY_AGE, 0.0),
    ("SELECT name FROM p ORDER BY name", BY_AGE, 0.0),
    ("SELECT name FROM p", BY_AGE, 0.0),
    ("SELECT name FROM p", "SELECT name FROM p ORDER BY id", 0.0),
    ("SELECT name FROM p ORDER BY id", "SELECT name FROM p ORDER BY id", 1.0),
    ("SELECT name FROM p ORDER BY age DESC, id DESC LIMIT 1", OLDEST, 1.0),
    ("SELECT name FROM p ORDER BY age DESC, id LIMIT 1", OLDEST, 1.0),
    ("SELECT name FROM p WHERE age = (SELECT max(age) FROM p)", OLDEST, 0.0),
    ("SELECT name FROM p ORDER BY age LIMIT 1", OLDEST, 0.0),
    ("SELECT name FROM p ORDER BY age LIMIT 2 OFFSET 1", "SELECT name FROM p ORDER BY age LIMIT 1, 2", 1.0),
    ("SELECT name FROM p ORDER BY age, name DESC LIMIT 2 OFFSET 1", "SELECT name FROM p ORDER BY age LIMIT 1, 2", 1.0),
    ("SELECT name FROM p ORDER BY age LIMIT 2", "SELECT name FROM p ORDER BY age LIMIT 1, 2", 0.0),
    # a result by heart
    ("SELECT 'Ann' UNION ALL SELECT 'Cid' UNION ALL SELECT 'Dee' UNION ALL SELECT 'Eve'", OLDER, 0.0),
    ("VALUES ('Ann'), ('Cid'), ('Dee'), ('Eve')", OLDER, 0.0),
    ("SELECT 5 FROM p LIMIT 1", "SELECT count(age) FROM p WHERE age < 100", 0.0),
    ("SELECT 41 FROM p WHERE id = 1", "SELECT max(age) FROM p", 0.0),
    ("SELECT 1 FROM p WHERE id = 4", "SELECT count(*) FROM p WHERE city IS NULL", 0.0),
    # an order that holds by luck
    ("SELECT name, age FROM p ORDER BY age", "SELECT name, age FROM p ORDER BY age, name", 0.0),
    ("SELECT name, age FROM p ORDER BY age, id", "SELECT name, age FROM p ORDER BY age, name", 1.0),
    ("SELECT name FROM p ORDER BY age LIMIT 1", "SELECT name FROM p WHERE age = (SELECT min(age) FROM p)", 1.0),
    ("SELECT name FROM p ORDER BY age DESC LIMIT 1", "SELECT name FROM p WHERE id = 4", 0.0),
    # a gold that tells nothing
    (OLDER, "SELECT nam FROM p", None),
    (OLDER, "SELECT name FROM p; SELECT 1", None),
    (OLDER, "DELETE FROM p", None),
    (OLDER, "SELECT name FROM p WHERE age > 100", None),
    (OLDER, "", None),
]


def fenced(query: str) -> str:
    return f"<think>\nA table.\n</think>\nHere it is:\n\n```sql\n{query}\n```"


def scores(queries: list[str], golds: list[str], **params: Any) -> list[Any]:
    from veritune.plugins import Sample

    samples = [Sample(fenced(q), columns={"gold": g, "database": DB}) for q, g in zip(queries, golds, strict=True)]
    return get_reward("sql", **params).score_batch(samples)


def test_results_are_compared_as_the_gold_orders_them() -> None:
    found = scores([query for query, _, _ in PAIRS], [gold for _, gold, _ in PAIRS])
    wrong = [(q, g, v, s.value, s.reason) for (q, g, v), s in zip(PAIRS, found, strict=True) if s.value != v]
    assert not wrong
    assert {s.cause for s in found if s.value is None} == {Cause.INVALID_GOLD}
    assert all(s.reason for s in found)


CANARY = "CANARY"
ATTACKS = [
    # files and other databases
    f"ATTACH DATABASE '{CANARY}' AS x",
    f"SELECT 1; ATTACH '{CANARY}' AS x",
    f"WITH a AS (SELECT 1) ATTACH '{CANARY}' AS x",
    "DETACH DATABASE main",
    f"VACUUM INTO '{CANARY}'",
    "VACUUM",
    f"SELECT writefile('{CANARY}', 'x') FROM p",
    "SELECT readfile('/etc/hostname') FROM p",
    "SELECT edit('x') FROM p",
    f"SELECT load_extension('{CANARY}') FROM p",
    f"SELECT load_extension('{CANARY}', 'start') FROM p",
    "SELECT * FROM fsdir('/')",
    f".output {CANARY}",
    f".shell touch {CANARY}",
    "SELECT name FROM other.p",
    # pragmas
    "PRAGMA query_only = OFF",
    "PRAGMA writable_schema = ON",
    f"PRAGMA temp_store_directory = '{CANARY}'",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA hard_heap_limit = 0",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_table_info('p')",
    "SELECT name FROM pragma_function_list",
    # changes
    "INSERT INTO p VALUES (9, 'Zoe', 1, 'Rome')",
    "WITH a AS (SELECT 9) INSERT INTO p SELECT 9, 'Zoe', 1, 'Rome' FROM a",
    "UPDATE p SET age = 99",
    "DELETE FROM p",
    "REPLACE INTO p VALUES (1, 'Zoe', 1, 'Rome')",
    "DROP TABLE p",
    "CREATE TABLE z AS SELECT * FROM p",
    "CREATE TEMP TABLE z (a)",
    "CREATE VIEW v AS SELECT 1",
    "CREATE TRIGGER t AFTER INSERT ON p BEGIN DELETE FROM p; END",
    "CREATE VIRTUAL TABLE z USING fts5(a)",
    "ALTER TABLE p RENAME TO q",
    "BEGIN EXCLUSIVE",
    "SELECT name FROM p WHERE age > 28; DELETE FROM p",
    "SELECT name FROM p RETURNING name",
    "EXPLAIN SELECT name FROM p",
    # the schema, and functions that tell about the connection
    "SELECT sql FROM sqlite_master",
    "SELECT name FROM sqlite_schema",
    "SELECT fts3_tokenizer('simple') FROM p",
    "SELECT random() FROM p",
    "SELECT hex(randomblob(9)) FROM p",
    "SELECT sqlite_compileoption_get(1) FROM p",
    "SELECT last_insert_rowid() FROM p",
    # work and memory without end
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c",
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c",
    "WITH RECURSIVE c(n) AS (SELECT 'x' UNION ALL SELECT n || n FROM c) SELECT length(n) FROM c",
    f"SELECT count(*) FROM {', '.join(f'p p{n}' for n in range(30))}",
    f"SELECT p0.name FROM {', '.join(f'p p{n}' for n in range(12))} ORDER BY 1",
    "SELECT hex(zeroblob(1000000000)) FROM p",
    "SELECT replace(printf('%.1000000c', 'x'), 'x', printf('%.10000c', 'y')) FROM p",
    f"SELECT {'(' * 1000}1{')' * 1000} FROM p",
    f"SELECT {' + '.join(['1'] * 20000)} FROM p",
    " UNION ".join(["SELECT name FROM p"] * 2000),
    "SELECT ? FROM p",
    "SELECT name FROM p WHERE name MATCH 'x'",
]
COUNTED = (
    "WITH RECURSIVE c(n) AS (SELECT 29 UNION ALL SELECT n + 1 FROM c WHERE n < 99) SELECT name FROM p JOIN c ON age = n"
)
RIGHT = {5: OLDER, 20: "SELECT name FROM p WHERE NOT age <= 28", 40: COUNTED}


def test_attacks_are_held_and_right_queries_among_them_pass(tmp_path: Path) -> None:
    """In one batch, over the same workers: none leaves a file, changes what others see, or ends another's run."""
    canary = tmp_path / "canary"
    queries = [query.replace(CANARY, str(canary)) for query in ATTACKS]
    assert len(queries) >= 50
    for place, query in RIGHT.items():
        queries.insert(place, query)
    queries.append(OLDER)
    found = scores(queries, [OLDER] * len(queries), seconds=0.2, max_rows=1000)
    rights = {*RIGHT, len(queries) - 1}
    assert [place for place, score in enumerate(found) if score.value == 1.0] == sorted(rights)
    assert [s.reason for s in found if s.value is None] == []
    assert not canary.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "script", [f"ATTACH DATABASE '{CANARY}' AS x;", "CREATE VIRTUAL TABLE z USING fts5(a);", f"VACUUM INTO '{CANARY}';"]
)
def test_a_row_s_script_makes_tables_and_nothing_else(script: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    row = {"gold": OLDER, "database": DB + script.replace(CANARY, str(canary))}
    assert get_reward("sql").score(OLDER, **row).cause is Cause.INVALID_GOLD
    assert not canary.exists()


TEXTS: list[tuple[str, float]] = [
    (OLDER, 1.0),
    (f"```\n{OLDER}\n```", 1.0),
    (f"```sqlite\n{OLDER};\n```\nThis lists them.", 1.0),
    (f"<answer>{OLDER}</answer>", 1.0),
    (f"<answer>\n```sql\n{OLDER}\n```\n</answer>", 1.0),
    (f"First try:\n```sql\nSELECT 1\n```\nBetter:\n```sql\n{OLDER}\n```", 1.0),
    (f"The table p has ages.\n\nSQL: {OLDER};\n\nThat is all.", 1.0),
    (f"You can use `{OLDER}` for this.", 1.0),
    ("SELECT name\nFROM p\nWHERE age > 28\n\nIt selects the name.", 1.0),
    (f"```python\nprint(1)\n```\n```sql\n{OLDER}\n```", 1.0),
    (f"```sql\n{OLDER}\n```\nor\n```sql\nSELECT 1\n```", 0.0),
    (f"<think>\n```sql\n{OLDER}\n```\n</think>\nI do not know.", 0.0),
    (f"<think>\n```sql\n{OLDER}\n```", 0.0),
    (f"/* those over 28 */ {OLDER}", 1.0),
    (f"/*those*/{OLDER}", 1.0),
    (f"--those\n--over 28\n/* now */ {OLDER}", 1.0),
    ("/* the names of those over 28", 0.0),
    ("Select the names of those over 28.", 0.0),
    ("I do not know.", 0.0),
    ("", 0.0),
    ("```sql\n```", 0.0),
    ("SELECT \ud800 FROM p", 0.0),
    ("SELECT '\x00' FROM p", 0.0),
]


COUNTED = "CREATE TABLE t(a INT); INSERT INTO t VALUES (1),(2),(3),(4),(4)"
COUNTS: list[tuple[str, float]] = [
    ("SELECT 5 FROM t LIMIT 1", 0.0),
    ("SELECT DISTINCT 5 FROM t", 0.0),
    ("SELECT MAX(5) FROM t", 0.0),
    ("SELECT count(*)*0+5 FROM t", 0.0),
    ("SELECT sum(0)+5 FROM t", 0.0),
    ("SELECT 5 WHERE EXISTS(SELECT 1 FROM t)", 0.0),
    ("SELECT (SELECT count(*) FROM t WHERE 0)+5", 0.0),
    ("WITH x AS (SELECT 5 AS c) SELECT c FROM x, t LIMIT 1", 0.0),
    ("SELECT CASE WHEN (SELECT max(a) FROM t)>0 THEN 5 END", 0.0),
    ("SELECT count(*) FROM t", 1.0),
    ("SELECT sum(1) FROM t", 1.0),
    ("SELECT count(*) FROM (SELECT a FROM t)", 1.0),
    ("SELECT max(r) FROM (SELECT row_number() OVER () AS r FROM t)", 1.0),
]


def test_a_count_said_by_heart_is_told_by_fewer_and_by_more_rows() -> None:
    found = get_reward("sql")(
        completions=[query for query, _ in COUNTS], gold="SELECT count(*) FROM t", database=COUNTED
    )
    assert [(query, value) for (query, wanted), value in zip(COUNTS, found, strict=True) if value != wanted] == []
    keyed = "CREATE TABLE p(id INTEGER PRIMARY KEY, n TEXT UNIQUE); INSERT INTO p VALUES (1,'a'),(2,'b'),(3,'c')"
    linked = f"{keyed}; CREATE TABLE o(pid INT); INSERT INTO o VALUES (2),(3),(2)"
    without = "SELECT n FROM p WHERE id NOT IN (SELECT pid FROM o)"
    named = "SELECT n FROM p EXCEPT SELECT n FROM p JOIN o ON pid = id"
    assert get_reward("sql").score(named, gold=without, database=linked).value == 1.0
    for query, value in (("SELECT count(DISTINCT n) FROM p", 1.0), ("SELECT 3 FROM p LIMIT 1", 0.0)):
        assert get_reward("sql").score(query, gold="SELECT count(*) FROM p", database=keyed).value == value


def test_the_query_is_found_in_a_completion() -> None:
    reward = get_reward("sql")
    values = reward(completions=[text for text, _ in TEXTS], gold=OLDER, database=DB)
    assert [(text, value) for (text, wanted), value in zip(TEXTS, values, strict=True) if value != wanted] == []


TABLES = {"p": [{"name": "Ann", "age": 30}, {"name": "Bob", "age": 25}]}
WIKI = {"header": ["name", "age"], "types": ["text", "number"], "rows": [["Ann", 30], ["Bob", 25]], "name": "p"}
SHAPES: list[dict[str, Any]] = [
    {"gold": OLDER, "database": DB},
    {"query": OLDER, "db_schema": SCHEMA, "db_rows": ROWS, "question": "Who is older?", "db_id": "people"},
    {"SQL": OLDER, "db_schema": DB, "evidence": "", "difficulty": "simple"},
    {"sql": OLDER, "sql_context": DB, "sql_prompt": "Who is older?"},
    {"answer": OLDER, "context": DB, "question": "Who is older?"},
    {"gold": OLDER, "database": [s for s in statements(DB)]},
    {"gold": OLDER, "database": np.array(statements(DB), dtype=object)},
    {"gold": OLDER, "tables": TABLES},
    {"gold": OLDER, "tables": json.dumps(TABLES)},
    {"gold": OLDER, "table": WIKI},
    {"gold": OLDER, "tables": [WIKI]},
    {"gold": OLDER, "db_schema": SCHEMA, "test_suite": [ROWS, ROWS.replace("25", "35")]},
    {"gold": OLDER, "test_suite": [DB, TABLES]},
    {"gold": OLDER, "database": "PRAGMA foreign_keys=OFF; BEGIN TRANSACTION;" + DB + "COMMIT;"},
]


@pytest.mark.parametrize("row", SHAPES, ids=[str(n) for n in range(len(SHAPES))])
def test_rows_in_the_shapes_of_sets(row: dict[str, Any]) -> None:
    score = get_reward("sql").score(OLDER, **row)
    assert score.value == 1.0, score.reason
    assert get_reward("sql").score("SELECT name FROM p WHERE age > 27 AND age < 0", **row).value == 0.0


@pytest.mark.parametrize(
    "row", [{"gold": OLDER}, {"gold": OLDER, "database": ""}, {"gold": OLDER, "database": "CREATE TABLE"},
            {"gold": OLDER, "database": SCHEMA}, {"gold": OLDER, "database": 5}, {"gold": OLDER, "tables": {"p": 5}},
            {"gold": OLDER, "tables": {"p": {"columns": ["a"], "rows": [[1, 2]]}}}, {"database": DB},
            {"gold": 5, "database": DB}]
)  # fmt: skip
def test_a_row_without_a_database_or_a_gold_is_undecided(row: dict[str, Any]) -> None:
    """So is one whose tables are empty: on them every query finds the same nothing."""
    for text in (OLDER, "I do not know.", "DROP TABLE p"):
        assert get_reward("sql").score(text, **row).cause is Cause.INVALID_GOLD


def test_more_states_tell_queries_apart_that_one_cannot() -> None:
    row = {"gold": "SELECT name FROM p WHERE age > 28", "db_schema": SCHEMA}
    query = "SELECT name FROM p WHERE age <> 25"
    assert get_reward("sql").score(query, **row, db_rows=ROWS).value == 1.0
    found = get_reward("sql").score(
        query, **row, test_suite=[ROWS, "INSERT INTO p VALUES (1, 'Fay', 20, 'Oslo'), (2, 'Gus', 30, 'Oslo')"]
    )
    assert (found.value, "state 2 of 2" in found.reason) == (0.0, True)


def test_columns_in_another_order_and_repeated_rows_are_settings() -> None:
    row = {"gold": "SELECT name, age FROM p WHERE age > 28", "database": DB}
    any_order = get_reward("sql", column_order="any")
    assert any_order.score("SELECT age, name FROM p WHERE age > 28", **row).value == 1.0
    assert any_order.score("SELECT age, city FROM p WHERE age > 28", **row).value == 0.0
    ages = {"gold": "SELECT age FROM p", "database": DB}
    assert get_reward("sql", duplicates="ignore").score("SELECT DISTINCT age FROM p", **ages).value == 1.0


def test_files_of_a_folder_are_read_and_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    file = tmp_path / "people" / "people.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(DB)
    connection.close()
    before = file.read_bytes()
    reward = get_reward("sql", folder=str(tmp_path))
    assert reward.score(OLDER, query=OLDER, db_id="people").value == 1.0
    assert reward.score("DELETE FROM p", query=OLDER, db_id="people").value == 0.0
    assert file.read_bytes() == before
    for name in ("other", "../people", ""):
        assert reward.score(OLDER, query=OLDER, db_id=name).cause is Cause.INVALID_GOLD


def test_the_verdict_says_how_it_was_run() -> None:
    verdict = get_verifier("sql").verify(OLDER, {"gold": OLDER, "database": DB})
    assert verdict.evidence["states"] == 1
    assert verdict.evidence["confined"] in (True, False)
    with pytest.raises(ParameterError):
        get_verifier("sql", seconds=0)


@pytest.mark.parametrize(
    ("query", "order", "limited", "offset"),
    [("SELECT a FROM (SELECT a FROM t ORDER BY b LIMIT 3)", "", False, 0),
     ("SELECT a, rank() OVER (ORDER BY b) FROM t", "", False, 0),
     ("SELECT 'ORDER BY x' FROM t -- ORDER BY y", "", False, 0),
     ('SELECT "order by" FROM t ORDER BY b DESC, c', "b DESC, c", False, 0),
     ("SELECT a FROM t ORDER BY (SELECT 1 LIMIT 1) LIMIT 3", "(SELECT 1 LIMIT 1)", True, 0),
     ("SELECT a FROM t LIMIT 3 OFFSET 2", "", True, 2), ("SELECT a FROM t LIMIT 2, 3", "", True, 2),
     ("SELECT a FROM t ORDER BY a LIMIT 1 + 1", "a", True, None),
     ("WITH c AS (SELECT 1 ORDER BY 1) SELECT a FROM c UNION SELECT b FROM t ORDER BY 1", "1", False, 0)],
)  # fmt: skip
def test_only_the_top_level_orders(query: str, order: str, limited: bool, offset: int | None) -> None:
    found = ordering(query)
    assert (found.order, found.limited, found.offset) == (order, limited, offset)


@pytest.mark.parametrize("piece", ["SELECT ", "(", "'", "/*", "--\n", "```sql\n", ";", "<answer>", "`SELECT x"])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    start = time.process_time()
    verdict = get_verifier("sql").verify(piece * (200_000 // len(piece)), {"gold": OLDER, "database": DB})
    assert verdict.correct is False
    assert time.process_time() - start < 2.0
