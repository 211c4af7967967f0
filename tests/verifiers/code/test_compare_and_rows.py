"""Comparing outputs, and reading the rows of datasets as they are."""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from typing import Any

import pytest

from veritune.plugins import ConfigError
from veritune.verifiers.code import CallTests, Comparison, InvalidProblem, ScriptTests, StdioTests, read_row

SAME = [
    ("exact", "a\n", "a", True), ("exact", "a\r\nb", "a\nb", True), ("exact", "a ", "a", False),
    ("lines", "a  b \n\n", "a b", True), ("lines", "a b", "a\nb", False), ("lines", "1.50", "1.5", True),
    ("lines", "a", "a\nb", False), ("lines", "a\nb", "a", False), ("lines", "", "a", False),
    ("tokens", "a b", "a\nb", True), ("tokens", "1.0", "1", False),
    ("float_tolerance 1e-6", "0.3333333", "0.33333333333", True), ("float_tolerance 1e-6", "0.334", "0.3333", False),
    ("float_tolerance 1e-6", "1000000001", "1000000000", False), ("float_tolerance 1e-6", "nan", "1.0", False),
    ("float", "NaN", "nan", True), ("lines", "-nan", "NaN", True), ("float", "Infinity", "inf", True),
    ("float", "-inf", "inf", False), ("float", "1.0", "nan", False), ("float", "infinite", "inf", False),
    ("tokens", "NaN", "nan", False), ("float", "1000000007.4", "1000000008", True),
    ("float_tolerance 1e-6", "1_0.0", "10.0", False), ("float", "6\0", "6", False), ("float", "inf", "1e999", False),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "output", "expected", "same"), SAME)
def test_outputs_are_compared(mode: str, output: str, expected: str, same: bool) -> None:
    assert (Comparison.parse(mode).difference(output, expected) is None) is same


def test_an_unknown_comparison_is_refused() -> None:
    with pytest.raises(ConfigError, match="float_tolerance"):
        Comparison.parse("roughly")


CALL = {"input": "[1, 2]\n3", "output": "4", "testtype": "functional"}
PACKED = base64.b64encode(zlib.compress(pickle.dumps(json.dumps([CALL])))).decode()
ROWS: list[tuple[dict[str, Any], type, int]] = [
    ({"verification_info": {"test_cases": [{"input": "1", "output": "2"}]}}, StdioTests, 1),
    ({"verification_info": json.dumps({"test_cases": [{"input": "1", "output": "2"}] * 2})}, StdioTests, 2),
    ({"prompt": "def f():\n", "entry_point": "f", "test": "def check(c):\n    assert c() == 1"}, ScriptTests, 1),
    ({"test_list": ["assert f(1) == 2", "assert f(2) == 3"], "test_setup_code": ""}, ScriptTests, 2),
    ({"public_test_cases": json.dumps([{"input": "1", "output": "2", "testtype": "stdin"}])}, StdioTests, 1),
    (
        {"public_test_cases": json.dumps([CALL]), "private_test_cases": PACKED, "metadata": '{"func_name": "f"}'},
        CallTests,
        2,
    ),
    ({"input_output": json.dumps({"inputs": ["1\n"], "outputs": ["2\n"]})}, StdioTests, 1),
    ({"ground_truth": json.dumps({"inputs": [[1]], "outputs": [[2]], "fn_name": "f"})}, CallTests, 1),
    ({"reward_model": {"ground_truth": {"inputs": ["1"], "outputs": ["2"]}}}, StdioTests, 1),
    ({"official_tests": [{"input": "1", "output": "2"}]}, StdioTests, 1),
    ({"tests": [{"stdin": "1", "stdout": "2"}], "compare": "tokens"}, StdioTests, 1),
    (
        {
            "public_tests": {"input": ["1"], "output": ["2"]},
            "private_tests": {"input": ["3", "4"], "output": ["5", "6"]},
        },
        StdioTests,
        3,
    ),
    ({"entry_point": "f", "tests": [[[1], 2]]}, CallTests, 1),
    ({"test": "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass"}, ScriptTests, 1),
]


@pytest.mark.parametrize(("row", "kind", "count"), ROWS)
def test_a_row_is_recognised(row: dict[str, Any], kind: type, count: int) -> None:
    problem = read_row(row)
    assert isinstance(problem.tests, kind)
    assert len(problem.tests) == count


def test_apps_unwraps_the_result_of_a_call() -> None:
    tests = read_row({"inputs": [[1], [2]], "outputs": [[2], [3]], "fn_name": "f"}).tests
    assert isinstance(tests, CallTests)
    assert [expected for _, expected in tests.tests] == [2, 3]


@pytest.mark.parametrize(
    "row",
    [{}, {"question": "?"}, {"tests": []}, {"test_list": []}, {"inputs": ["1"], "outputs": []}, "text", None,
     {"verification_info": {"test_cases": []}}, {"public_test_cases": "not packed"}],
)  # fmt: skip
def test_a_row_without_tests_is_invalid_and_says_why(row: Any) -> None:
    with pytest.raises(InvalidProblem, match=r"\w+ \w+"):
        read_row(row)


class Evil:
    def __reduce__(self) -> Any:
        return print, ("unpickled",)


def test_packed_tests_import_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    packed = base64.b64encode(zlib.compress(pickle.dumps(Evil()))).decode()
    with pytest.raises(InvalidProblem, match="only text"):
        read_row({"private_test_cases": packed})
    assert capsys.readouterr().out == ""


def test_code_contests_are_compared_by_words_within_their_limits() -> None:
    tests = {"input": ["1"], "output": ["1 2"]}
    problem = read_row({"public_tests": tests, "time_limit": {"seconds": 1, "nanos": 500_000_000},
                        "memory_limit_bytes": 256 << 20})  # fmt: skip
    assert isinstance(problem.tests, StdioTests)
    assert problem.tests.comparison.difference("1\n2\n", "1 2") is None
    assert (problem.cpu_s, problem.memory_mb) == (1.5, 256)
    problem = read_row({"public_tests": tests, "compare": "lines"})
    assert isinstance(problem.tests, StdioTests)
    assert problem.tests.comparison.difference("1\n2\n", "1 2") is not None
