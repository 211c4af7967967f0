"""Structured output: read strictly, found where it stands, compared with exact types, and bounded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from veritune import get_reward, get_verifier
from veritune.plugins import Cause, ColumnError
from veritune.rewards.attack import attack, worker_pool
from veritune.verifiers.structured.documents import DocumentFault, read_json
from veritune.verifiers.structured.xml_documents import read_xml
from veritune.verifiers.structured.yaml_documents import read_yaml

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "score": {"type": "number"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ADA = '{"name": "Ada", "age": 36}'
BOB = '{"name": "Bob", "age": 41}'

READ: list[tuple[Callable[[str], Any], str, Any]] = [
    (read_json, '{"a": [1, 1.0, true, null, "x"]}', {"a": [1, 1.0, True, None, "x"]}),
    (read_json, " 5 ", 5),
    (
        read_yaml,
        "a: 1\nb: [yes, 1.0, true, ~, 2026-11-30, '3']",
        {"a": 1, "b": ["yes", 1.0, True, None, "2026-11-30", "3"]},
    ),
    (read_yaml, "a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
    (
        read_yaml,
        "a: !!str 5\nb: !!float 2\nc: 0x1f\nd: |\n  two\n  lines\n",
        {"a": "5", "b": 2.0, "c": 31, "d": "two\nlines\n"},
    ),
    (read_yaml, '{"a": 1}', {"a": 1}),
    (read_yaml, "a: >\n  x\n  y", {"a": "x y\n"}),
    (read_yaml, "- no\n- 012\n- 1e3", ["no", 12, 1000.0]),
]
REFUSED: list[tuple[Callable[[str], Any], str, str]] = [
    (read_json, '{"a": 1, "a": 2}', "stands twice"),
    (read_json, "[NaN]", "NaN"),
    (read_json, "[-Infinity]", "Infinity"),
    (read_json, "{'a': 1}", "no JSON"),
    (read_json, '{"a": 1,}', "no JSON"),
    (read_json, "[" * 101 + "]" * 101, "deeper than 100"),
    (read_json, "9" * 5000, "more than 4000 digits"),
    (read_json, "", "no JSON"),
    (read_yaml, "a: 1\na: 2", "stands twice"),
    (read_yaml, "a: .inf", "no finite"),
    (read_yaml, "a: 1e999", "no finite"),
    (read_yaml, "a: &x [*x]", "what holds it"),
    (read_yaml, "a: *x", "stands for nothing"),
    (read_yaml, "a: !canary/thing b", "none of plain data"),
    (read_yaml, "1: a", "no text"),
    (read_yaml, "a: 1\n---\nb: 2", "documents"),
    (read_yaml, "- " * 200, "deeper than 100"),
    (read_yaml, "a: [1, 2", "no YAML"),
    (read_xml, "<a><b></a>", "no XML"),
    (read_xml, "<!DOCTYPE a><a/>", "DOCTYPE"),
    (read_xml, "<a>&nbsp;</a>", "no XML"),
    (read_xml, "<a>" * 101 + "</a>" * 101, "deeper than 100"),
    (read_xml, "a", "no XML"),
]  # fmt: skip


def test_documents_are_read_strictly() -> None:
    for read, text, value in READ:
        assert read(text) == value, text
        assert repr(read(text)) == repr(value), text  # True is not 1
    for read, text, said in REFUSED:
        with pytest.raises(DocumentFault, match=said):
            read(text)


def test_aliases_count_with_all_that_they_stand_for() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9))
    with pytest.raises(DocumentFault, match="more than 100000 values"):
        read_yaml(bomb)


SCHEMA_CASES: list[tuple[str, float, float]] = [
    # completion, value of credit all, of credit fraction
    (ADA, 1.0, 1.0),
    (f"Here it is:\n```json\n{ADA}\n```\nand [1] says so.", 1.0, 1.0),
    (f"```\n{ADA}", 1.0, 1.0),
    (f"It is {ADA}, as in [1].", 1.0, 1.0),
    (f"<think>{BOB}</think>\n<answer>{ADA}</answer>", 1.0, 1.0),
    (f"```python\nprint({{}})\n```\n```json\n{ADA}\n```", 1.0, 1.0),
    ('{"name": "Ada {[", "age": 36}', 1.0, 1.0),
    ('{"name": "Ada", "age": 36.0, "score": 1}', 1.0, 1.0),  # both as JSON Schema says
    (f"{ADA}\n```", 1.0, 1.0),  # the prompt opened the fence
    (f"```json {ADA} ```", 1.0, 1.0),
    ('{"name": "Ada", "age": true}', 0.0, 0.5),
    ('{"name": "Ada", "age": "36"}', 0.0, 0.5),
    ('{"name": "Ada"}', 0.0, 0.5),
    ("{}", 0.0, 0.0),
    ('{"name": "Ada", "age": 36, "more": 1}', 0.0, 2 / 3),
    ('{"name": "Ada", "score": 1, "age": null}', 0.0, 0.5),
    (f"{ADA} or {BOB}", 0.0, 0.0),
    (f"```json\n{ADA}\n```\n```json\n{BOB}\n```", 0.0, 0.0),
    (f"[{ADA}]", 0.0, 0.0),
    (f"The answer is not {ADA}.", 0.0, 0.0),
    (f"<think>{ADA}", 0.0, 0.0),
    (f"<think>{ADA}</think>", 0.0, 0.0),
    ('{"name": "Ada", "age": 36', 0.0, 0.0),
    ("name: Ada, age: 36", 0.0, 0.0),
    ("", 0.0, 0.0),
    (json.dumps(ADA), 0.0, 0.0),
]


def test_a_schema_is_met_whole_or_by_fields() -> None:
    for credit, place in (("all", 1), ("fraction", 2)):
        reward = get_reward("json_schema", credit=credit)
        values = reward(completions=[case[0] for case in SCHEMA_CASES], schema=[SCHEMA] * len(SCHEMA_CASES))
        for case, value in zip(SCHEMA_CASES, values, strict=True):
            assert value == pytest.approx(case[place]), case
    assert get_reward("json_schema").score(ADA, prompt="Go.<think>", schema=SCHEMA).value == 0.0


def test_where_a_document_stands_and_which_counts_are_settings() -> None:
    two = f"{BOB}\n{ADA}"
    for which, good in (("last", ADA), ("first", BOB)):
        assert get_reward("json_schema", which=which).score(two, expected=good).value == 1.0
    for where, values in (("whole", (1.0, 0.0, 0.0)), ("fence", (0.0, 1.0, 0.0)), ("any", (1.0, 1.0, 1.0))):
        reward = get_reward("json_schema", where=where)
        found = [reward.score(text, expected=ADA).value for text in (ADA, f"```json\n{ADA}\n```", f"It is {ADA}.")]
        assert tuple(found) == values


def test_fields_are_compared_with_exact_types() -> None:
    reward = get_reward("json_schema", credit="fraction")
    expected = {"a": 1, "b": {"c": [True, "x"], "d.e": None}}
    for given, value in (
        (expected, 1.0),
        ({"b": {"d.e": None, "c": [True, "x"]}, "a": 1}, 1.0),
        ({**expected, "a": True}, 0.75),
        ({**expected, "a": 1.0}, 0.75),
        ({**expected, "a": "1"}, 0.75),
        ({**expected, "z": 0}, 0.8),
        ({"a": 1, "b": {"c": [1, "x"], "d": {"e": None}}}, 2 / 5),
        ({}, 0.0),
    ):  # fmt: skip
        assert reward.score(json.dumps(given), expected=expected).value == pytest.approx(value), given
    number = {"type": "object", "properties": {"a": {"type": "number"}}}
    assert reward.score('{"a": 1}', expected={"a": 1.0}, schema=number).value == 1.0
    assert reward.score('{"a": 1}', expected={"a": 1.0}).value == 0.0
    score = reward.score('{"a": 2}', expected={"a": 1})
    assert "a is 2, not 1" in score.reason


def test_rows_hold_schemas_as_data_sets_have_them() -> None:
    reward = get_reward("json_schema")
    wrapped = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": SCHEMA}}
    table = {**SCHEMA, "items": None, "enum": None}
    for schema in (SCHEMA, json.dumps(SCHEMA), wrapped, json.dumps(wrapped), wrapped["json_schema"], table):
        assert reward.score(ADA, schema=schema).value == 1.0
        assert reward.score("{}", schema=schema).value == 0.0
    assert reward.score("[1, 2]", expected=np.array([1, 2])).value == 1.0
    assert get_verifier("json_schema").verify(ADA, {"schema": SCHEMA, "expected": ADA}).correct is True
    assert get_verifier("json_schema").verify(BOB, {"schema": SCHEMA, "expected": ADA}).correct is False
    assert get_verifier("json_schema").verify("{}", SCHEMA).correct is False
    bad: list[Any] = ["no schema", {"type": "strin"}, None, 5, {"$ref": "#"}, {"$ref": "https://example.invalid/s"}]
    for schema in bad:
        score = reward.score(ADA, schema=schema)
        assert (score.value, score.cause) == (None, Cause.INVALID_GOLD), schema
    with pytest.raises(ColumnError, match="schema or expected"):
        reward.score(ADA, gold="x")


def test_formats_are_checked_where_they_are_asked_for() -> None:
    schema = {"type": "string", "format": "date"}
    assert get_reward("json_schema").score('"2026-02-30"', schema=schema).value == 0.0
    assert get_reward("json_schema", formats=False).score('"2026-02-30"', schema=schema).value == 1.0


YAML_CASES: list[tuple[str, float]] = [
    ("name: Ada\nage: 36", 1.0),
    ("Here:\n```yaml\nage: 36 # years\nname: 'Ada'\n```", 1.0),
    ("```yml\n{name: Ada, age: 36}\n```", 1.0),
    ("<answer>\nname: Ada\nage: 36\n</answer>", 1.0),
    ("---\nname: Ada\nage: 36\n...\n", 1.0),
    ("name: Ada\nage: 36\n```", 1.0),
    ("name: Ada\nage: '36'", 0.0),
    ("name: Ada\nage: 36\nage: 36", 0.0),
    ("name: Ada\n age: 36", 0.0),
    ("name: !canary Ada\nage: 36", 0.0),
    ("It is\nname: Ada\nage: 36\nI think", 0.0),
    ("```yaml\nname: Ada\n```\n```yaml\nage: 36\n```", 0.0),
    ("- name: Ada\n- age: 36", 0.0),
    ("", 0.0),
]


def test_yaml_is_checked_as_json_is() -> None:
    for text, value in YAML_CASES:
        assert get_reward("yaml").score(text, schema=SCHEMA, expected="name: Ada\nage: 36").value == value, text
        assert get_verifier("yaml").verify(text, {"expected": {"name": "Ada", "age": 36}}).correct is (value == 1.0), (
            text
        )


PERSON: dict[str, Any] = {"person": {"@id": "7", "name": "Ada", "skill": ["sums", "looms"], "note": None}}
GOOD = '<person id="7"><name> Ada </name><skill>sums</skill><skill>looms</skill><note>x</note></person>'
XML_CASES: list[tuple[str, float]] = [
    (GOOD, 1.0),
    (f'<?xml version="1.0"?>\n{GOOD}', 1.0),
    (f"Sure:\n```xml\n{GOOD}\n```", 1.0),
    (f"Here is {GOOD} for you.", 1.0),
    (f"<answer>{GOOD}</answer>", 1.0),
    (GOOD.replace("<note>x</note>", "<note><b>x</b></note>"), 1.0),
    (GOOD.replace("Ada", "<![CDATA[Ada]]>"), 1.0),
    (GOOD.replace('"7"', '"8"'), 4 / 5),
    (GOOD.replace("sums", "x"), 4 / 5),
    (GOOD.replace("<note>x</note>", "<note/>"), 4 / 5),
    (GOOD.replace("<note>x</note>", ""), 4 / 5),
    (GOOD.replace("</person>", "<more/></person>"), 5 / 6),
    (GOOD.replace("</person>", ""), 0.0),
    (f"{GOOD}{GOOD}", 0.0),
    (f"<!-- {GOOD} -->", 0.0),
    (f"<!DOCTYPE person>{GOOD}", 0.0),
    (f"It is not {GOOD}", 0.0),
    (f"<think>{GOOD}</think>", 0.0),
    ("Ada", 0.0),
]


def test_xml_has_the_elements_attributes_and_texts_asked_for() -> None:
    for text, value in XML_CASES:
        assert get_reward("xml", credit="fraction").score(text, elements=PERSON).value == pytest.approx(value), text
        assert get_reward("xml").score(text, elements=GOOD).value in (float(value == 1.0), 0.0), text
    more = GOOD.replace("</person>", "<more/></person>")
    assert get_reward("xml", extra="allow").score(more, elements=PERSON).value == 1.0
    for text, value in (
        ("<title>A</title>\n<body>b</body>", 1.0),
        ("Here: <title>A</title> and <body>b</body>.", 1.0),
        ("<body>b</body><title>A</title>", 0.0),
        ("<title></title><body>b</body>", 0.0),
        ("<title>A</title><title>A</title><body>b</body>", 0.0),
        ("<title>A</title>", 0.0),
    ):
        assert get_reward("xml").score(text, elements=["title", "body"]).value == value, text
    unreadable: list[Any] = [None, {}, [], 5, "person", {"a b": None}, '{"a": }']
    for bad in unreadable:
        assert get_reward("xml").score(GOOD, elements=bad).cause is Cause.INVALID_GOLD, bad


def test_a_pattern_matches_the_whole_answer_or_a_part_of_it() -> None:
    date, full, part = r"[0-9]{4}-[0-9]{2}", get_reward("regex"), get_reward("regex", match="search")
    rows = [
        ("2026-11", 1.0, 1.0), (" 2026-11\n", 1.0, 1.0), ("<think>no</think>2026-11", 1.0, 1.0),
        ("in 2026-11", 0.0, 1.0),
        ("2026-1", 0.0, 0.0), ("<think>2026-11</think>", 0.0, 0.0), ("<think>2026-11", 0.0, 0.0), ("", 0.0, 0.0),
    ]  # fmt: skip
    for text, whole, somewhere in rows:
        assert full.score(text, pattern=date).value == whole, text
        assert part.score(text, pattern=date).value == somewhere, text
    assert [full.score("a", pattern=bad).cause for bad in ("(", None, 5, "")] == [Cause.INVALID_GOLD] * 4


def test_what_never_ends_costs_its_deadline_and_is_undecided() -> None:
    slow = "^(a+)+$"
    text = "a" * 40 + "!"
    assert get_reward("regex", deadline=0.2).score(text, pattern=slow).cause is Cause.TIMEOUT
    schema = {"type": "string", "pattern": slow}
    found = get_reward("json_schema", deadline=0.2)(completions=[f'"{text}"', '"aa"', '"b"'], schema=[schema] * 3)
    assert found == [None, 1.0, 0.0]


def test_hostile_texts_are_bounded_and_never_raise() -> None:
    big = 30_000
    signs = [
        "[{", '{"', "{ ", "{} ", "[1] ", "```json\n{\n", '"', "<person>", "<person ", "</person>", "- ", "a: ", "&a ",
        "*a ", "? ", "|\n ", "'", "%", "<!--", "&amp;", "\\", "\ud800", "\u0000", "\t", "<?xml",
    ]  # fmt: skip
    golds = {"json_schema": {"expected": {"a": 1}}, "yaml": {"expected": {"a": 1}}, "xml": PERSON}
    start = time.process_time()
    for sign in signs:
        for name, gold in golds.items():
            verdict = get_verifier(name).verify(sign * big, gold)
            assert verdict.correct is False, (sign, name, verdict)
    assert time.process_time() - start < 30


@pytest.mark.parametrize("name", ["json_schema", "yaml", "xml", "regex"])
def test_the_lab_finds_nothing_that_pays(name: str) -> None:
    report = attack(get_reward(name), pool=_pool, budget=110)
    assert not report.failed, str(report)
    assert report.counts["holds"] > 80


_pool = worker_pool(1, 2.0)


@pytest.mark.parametrize(
    ("elements", "text", "value"),
    [(["reasoning", "answer"], "<reasoning>a</reasoning>\n<answer>b</answer>", 1.0),
     (["reasoning", "answer"], "<answer>b</answer>", 0.5),
     (["think", "answer"], "<think>a</think><answer>b</answer>", 1.0),
     (["analysis", "summary"], "<analysis>a</analysis><summary>b</summary>", 1.0),
     (["thought", "reflection", "answer"], "<thought>a</thought><reflection>c</reflection><answer>b</answer>", 1.0),
     (["reasoning", "summary"], "<think>x</think><reasoning>a</reasoning><summary>b</summary>", 1.0),
     (["reasoning", "summary"], "<think><reasoning>a</reasoning><summary>b</summary></think>", 0.0),
     (["reasoning", "summary"], "<reasoning>a</reasoning><summary></summary>", 0.5),
     ({"doc": {"reasoning": "a", "answer": "b"}}, "<doc><reasoning>a</reasoning><answer>b</answer></doc>", 1.0),
     (["summary"], "<reasoning>a</reasoning><summary>b</summary>", 1.0)],
)  # fmt: skip
def test_elements_that_a_row_asks_for_are_no_thinking(elements: Any, text: str, value: float) -> None:
    assert get_reward("xml", credit="fraction").score(text, elements=elements).value == value


def test_an_element_that_the_prompt_opened_is_there() -> None:
    score = get_reward("xml").score(
        "a</think>\n<answer>b</answer>", prompt="Go.\n<think>\n", elements=["think", "answer"]
    )
    assert score.value == 1.0


@pytest.mark.parametrize(
    ("elements", "text", "value"),
    [("<a><b>1</b><c>2</c></a>", "<a><b>1</b><c>3</c></a>", 1 / 2),
     ("<a><b>1</b><c>2</c></a>", "<a><b>1</b></a>", 1 / 2),
     ("<a><b>1</b></a>", "<a><b>1</b><c>2</c></a>", 1 / 2),
     ("<a><b>1</b></a>", "<a><b>1</b><c><d>2</d><e/></c></a>", 1 / 3),
     ("<a><b>1</b><c><d>2</d><e>3</e></c></a>", "<a><b>1</b></a>", 1 / 3),
     ('<a x="1"><b>1</b></a>', "<a><b>1</b></a>", 1 / 2),
     ("<a><b>1</b></a>", "<a><b>2</b></a>", 0.0), ("<a><b><c>1</c></b></a>", "<a><b><c>2</c></b></a>", 0.0),
     ("<a><b>1</b></a>", "<a><b>1</b><b>1</b><b>1</b></a>", 1 / 3)],
)  # fmt: skip
def test_the_share_of_xml_is_of_leaves(elements: str, text: str, value: float) -> None:
    assert get_reward("xml", credit="fraction").score(text, elements=elements).value == pytest.approx(value)
