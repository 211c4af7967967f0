"""Rows of code datasets, as they are: the form is recognised by its fields."""

from __future__ import annotations

import ast
import base64
import io
import json
import pickle
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from veritune.plugins.errors import ConfigError
from veritune.verifiers.code.compare import Comparison
from veritune.verifiers.code.problem import (
    CallTests,
    Examiner,
    InputOutput,
    InvalidProblem,
    Problem,
    ScriptTests,
    StdioTests,
)

Row = Mapping[str, Any]
MAX_UNPACKED = 256 << 20

LEETCODE_PRELUDE = """
import bisect, collections, copy, functools, heapq, itertools, math, operator, random, re, string, sys
from bisect import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import *
from builtins import *
from typing import *
"""

FORMS = (
    "verification_info (open-r1)",
    "prompt + entry_point + test (HumanEval)",
    "test_list (MBPP)",
    "public_test_cases / private_test_cases (LiveCodeBench)",
    "inputs + outputs [+ fn_name], also in input_output or a ground truth (APPS, verl)",
    "official_tests (Codeforces)",
    "public_tests, private_tests, generated_tests: {input, output} (code_contests; compared by tokens)",
    "tests: [{stdin, stdout}] or [{input, output}]",
    "entry_point + tests: [[args, expected]]",
    "test or tests: test code (asserts, unittest, test functions)",
)


def read_row(row: Any) -> Problem:
    """The problem that a row describes: a mapping of columns, or such a mapping as JSON text.

    Raises InvalidProblem where the form is known and the tests are missing or unreadable, and where no form fits.
    """
    row = _mapping(row)
    for fits, read in _READERS:
        if fits(row):
            try:
                problem = read(row)
            except (KeyError, TypeError, IndexError, AttributeError) as error:
                raise InvalidProblem(f"the row's tests cannot be read: {type(error).__name__}: {error}") from None
            except ConfigError as error:
                raise InvalidProblem(str(error)) from None
            if len(problem.tests) == 0:
                raise InvalidProblem(f"the row ({problem.form}) has no tests")
            return problem
    raise InvalidProblem(
        f"no tests are recognised in a row with the columns {', '.join(map(str, row)) or 'none'}. Known forms: "
        + "; ".join(FORMS)
        + ". Name the column that holds the tests with columns: {tests: COLUMN}."
    )


def _mapping(row: Any) -> Row:
    if isinstance(row, str):
        row = loaded(row)
    if isinstance(row, list | tuple):
        row = {"tests": row}
    if not isinstance(row, Mapping):
        raise InvalidProblem(f"the tests must be a mapping, a list of tests or JSON text, got {type(row).__name__}")
    return row


def loaded(text: Any) -> Any:
    """JSON text, or the text of a Python literal, as its value; anything else is given back as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            return text


def _value(row: Row, name: str) -> Any:
    """A field; structured ones are often stored as JSON text."""
    value = row.get(name)
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return loaded(value)
    return value


def _language(row: Row) -> str:
    language = row.get("language") or row.get("lang")
    return language if isinstance(language, str) and language else "python"


def _text(value: Any) -> str:
    """Stdin or stdout as text; some datasets keep a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "\n".join(_text(item) for item in value)
    return "" if value is None else str(value)


def _limits(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seconds, memory = row.get("time_limit"), row.get("memory_limit")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < 1e4:
        found["cpu_s"] = float(seconds)
    if isinstance(memory, int | float) and not isinstance(memory, bool) and 0 < memory < 1e6:
        found["memory_mb"] = int(memory)
    return found


def _comparison(row: Row) -> Comparison:
    compare = row.get("compare")
    return Comparison.parse(compare) if isinstance(compare, str) and compare else Comparison()


def _examiner(row: Row, *names: str) -> Examiner | None:
    """A checker or interactor: source text, with its language and headers in columns beside it."""
    for name in names:
        source = row.get(name)
        if isinstance(source, str) and source.strip():
            language = row.get(f"{names[0]}_language")
            beside = _value(row, f"{names[0]}_files") or _value(row, "grader_files") or ()
            pairs = beside.items() if isinstance(beside, Mapping) else [pair for pair in beside if len(pair) == 2]
            headers = {str(path).rpartition("/")[2]: str(text) for path, text in pairs}
            return Examiner.of(source, language if isinstance(language, str) and language else None, headers)
    return None


def _stdio(tests: Sequence[InputOutput], row: Row) -> StdioTests:
    checker, interactor = _examiner(row, "checker", "generated_checker"), _examiner(row, "interactor")
    return StdioTests(tests, _comparison(row), checker, interactor)


# -- forms -------------------------------------------------------------------------------------------------------------


_BESIDE = (
    "time_limit", "memory_limit", "compare", "checker", "checker_language", "checker_files", "interactor",
    "interactor_language", "interactor_files", "grader_files",
)  # fmt: skip


def _verification_info(row: Row) -> Problem:
    info = _mapping(row["verification_info"])
    cases = _value(info, "test_cases")
    if not isinstance(cases, list | tuple):
        raise InvalidProblem("verification_info has no list test_cases")
    merged = {**{name: row[name] for name in _BESIDE if name in row}, **info}
    return _from_cases(cases, merged, "open-r1")


def _from_cases(cases: Sequence[Any], row: Row, form: str) -> Problem:
    """Mappings with input and output; of one kind, stdin or a call."""
    cases = [_mapping(case) for case in cases]
    functional = [c for c in cases if c.get("fn_name") or "func" in str(c.get("type") or c.get("testtype") or "")]
    if functional and len(functional) < len(cases):
        raise InvalidProblem("the tests mix stdin and function calls")
    if functional:
        entry = next((c["fn_name"] for c in cases if c.get("fn_name")), None) or row.get("fn_name")
        if not entry:
            raise InvalidProblem("function-call tests without fn_name")
        calls = [(_arguments(c["input"]), _literal(_answer(c["output"], row))) for c in cases]
        return Problem(CallTests(str(entry), calls, prelude=LEETCODE_PRELUDE), _language(row), form, **_limits(row))
    tests = [InputOutput(_text(_first(c, "stdin", "input")), _expected(c, row)) for c in cases]
    return Problem(_stdio(tests, row), _language(row), form, **_limits(row))


def _expected(case: Row, row: Row) -> str:
    """A test's output; where a checker or an interactor decides, there may be none."""
    if row.get("checker") or row.get("interactor") or row.get("generated_checker"):
        return _text(next((case[name] for name in ("stdout", "output", "answer") if name in case), ""))
    return _output(_first(case, "stdout", "output"))


def _first(case: Row, *names: str) -> Any:
    for name in names:
        if name in case:
            return case[name]
    raise InvalidProblem(f"a test has none of the fields {', '.join(names)}")


def _output(value: Any) -> str:
    """What a program must print. InvalidProblem for None and for no lines at all: the answer is missing."""
    if value is None or (isinstance(value, list | tuple) and not value):
        raise InvalidProblem(f"a test has no expected output ({value!r})")
    return _text(value)


def _answer(value: Any, row: Row) -> Any:
    """What a call must give. None is a missing answer, unless the row has ``expected_none: true``.

    An answer that is written as text, ``"null"`` or ``"None"``, is meant.
    """
    if value is None and row.get("expected_none") is not True:
        raise InvalidProblem("a test has no expected value (None); if None is meant the row says expected_none: true")
    return value


def _literal(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return loaded(value.strip())


def _arguments(value: Any) -> list[Any]:
    """Arguments of a call: a list of them, or one literal a line (LiveCodeBench)."""
    if isinstance(value, list | tuple):
        return list(value)
    return [_literal(line) for line in str(value).split("\n") if line.strip()]


def _human_eval(row: Row) -> Problem:
    entry, prompt = _entry(row["entry_point"]) or "", row.get("prompt")
    before = prompt if isinstance(prompt, str) and re.search(rf"^\s*def\s+{re.escape(entry)}\b", prompt, re.M) else ""
    tests = ScriptTests([str(row["test"])], entry, before)
    return Problem(tests, _language(row), "HumanEval", before, entry, **_limits(row))


def _mbpp(row: Row) -> Problem:
    tests = _value(row, "test_list")
    if isinstance(tests, str):
        tests = [tests]
    imports = _value(row, "test_imports") or ()
    setup = row.get("test_setup_code") or ""
    head = "\n".join([*([imports] if isinstance(imports, str) else imports), setup])
    reference = row.get("code")
    script = ScriptTests(
        [str(test) for test in tests],
        row.get("entry_point"),
        setup=head if head.strip() else "",
        reference=reference if isinstance(reference, str) else "",
    )
    return Problem(script, _language(row), "MBPP", entry_hint=row.get("entry_point"), **_limits(row))


def _live_code_bench(row: Row) -> Problem:
    cases = [*_cases(row.get("public_test_cases")), *_cases(row.get("private_test_cases"))]
    metadata = _value(row, "metadata")
    name = metadata.get("func_name") if isinstance(metadata, Mapping) else None
    if name is None and row.get("starter_code"):
        found = re.search(r"^\s*def\s+(\w+)\s*\(\s*self", str(row["starter_code"]), re.MULTILINE)
        name = found[1] if found else None
    functional = any(case.get("testtype") == "functional" for case in cases)
    merged = {**row, "fn_name": name}
    if functional:
        cases = [{**case, "fn_name": name, "type": "functional"} for case in cases]
    return _from_cases(cases, merged, "LiveCodeBench")


def _cases(stored: Any) -> list[dict[str, Any]]:
    """Tests as a list, as JSON text, or packed: JSON, pickled, compressed, base64."""
    if stored is None or stored == "":
        return []
    if isinstance(stored, str):
        value = loaded(stored) if stored.lstrip()[:1] == "[" else stored
        stored = json.loads(_unpacked(value)) if isinstance(value, str) else value
    return [dict(case) for case in stored]


class _NothingToImport(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise InvalidProblem(f"the packed tests ask for {module}.{name}; only text is unpacked")


def _unpacked(text: str) -> str:
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(text), MAX_UNPACKED)
        if stream.unconsumed_tail:
            raise InvalidProblem(f"the packed tests are larger than {MAX_UNPACKED >> 20} MiB")
        value = _NothingToImport(io.BytesIO(data)).load() if data[:1] != b"[" else data
    except (ValueError, zlib.error, pickle.UnpicklingError, EOFError) as error:
        raise InvalidProblem(f"the packed tests cannot be read: {error}") from None
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if not isinstance(value, str):
        raise InvalidProblem("the packed tests are no text")
    return value


def _apps(row: Row) -> Problem:
    pairs = _pairs(row)
    inputs, outputs = pairs.get("inputs"), pairs.get("outputs")
    if not isinstance(inputs, list | tuple) or not isinstance(outputs, list | tuple) or len(inputs) != len(outputs):
        raise InvalidProblem("inputs and outputs must be lists of one length")
    entry = pairs.get("fn_name") or row.get("fn_name")
    if entry:
        # APPS wraps the one result of a call in a list, in every test of a row or in none.
        wrapped = all(isinstance(o, list | tuple) and len(o) == 1 for o in outputs)
        values = [_answer(o[0], row) if wrapped else _literal(_answer(o, row)) for o in outputs]
        calls = [(_arguments(i), v) for i, v in zip(inputs, values, strict=True)]
        tests: CallTests | StdioTests = CallTests(str(entry), calls, prelude=LEETCODE_PRELUDE)
    else:
        lines = [InputOutput(_text(i), _output(o)) for i, o in zip(inputs, outputs, strict=True)]
        tests = _stdio(lines, row)
    return Problem(tests, _language(row), "APPS", **_limits(row))


_HOLDERS = ("input_output", "ground_truth", "gold", "test_cases", "tests")


def _pairs(row: Row) -> Row:
    if "inputs" in row and "outputs" in row:
        return {**row, "inputs": _value(row, "inputs"), "outputs": _value(row, "outputs")}
    for name in _HOLDERS:
        value = _value(row, name)
        if isinstance(value, Mapping) and "inputs" in value and "outputs" in value:
            return value
    model = row.get("reward_model")
    return _pairs(model) if isinstance(model, Mapping) else {}


def _codeforces(row: Row) -> Problem:
    cases = [*(_value(row, "official_tests") or ()), *(_value(row, "generated_tests") or ())]
    return _from_cases(cases, row, "Codeforces")


_CODE_CONTESTS = ("public_tests", "private_tests", "generated_tests")


def _is_code_contests(row: Row) -> bool:
    return any(isinstance(_value(row, name), Mapping) and "input" in _value(row, name) for name in _CODE_CONTESTS)


def _code_contests(row: Row) -> Problem:
    """DeepMind's code_contests: columns of inputs and outputs. Its own judge compares words, wherever lines break."""
    cases: list[InputOutput] = []
    for name in _CODE_CONTESTS:
        tests = _value(row, name)
        if isinstance(tests, Mapping):
            pairs = zip(tests["input"], tests["output"], strict=True)
            cases += [InputOutput(_text(given), _text(expected)) for given, expected in pairs]
    limits = dict(_limits(row))
    seconds = row.get("time_limit")
    if isinstance(seconds, Mapping):
        limits["cpu_s"] = float(seconds.get("seconds") or 0) + float(seconds.get("nanos") or 0) / 1e9 or 2.0
    memory = row.get("memory_limit_bytes")
    if isinstance(memory, int) and memory > 0:
        limits["memory_mb"] = max(16, memory >> 20)
    return Problem(_stdio(cases, {"compare": "tokens", **row}), _language(row), "code_contests", **limits)


def _listed(row: Row) -> Problem:
    return _from_cases(_case_list(row) or (), row, "tests")


def _case_list(row: Row) -> list[Any] | None:
    for name in ("tests", "test_cases", "gold", "ground_truth"):
        value = _value(row, name)
        if isinstance(value, list | tuple) and value and all(isinstance(v, Mapping) for v in value):
            return list(value)
    return None


def _calls(row: Row) -> Problem:
    calls = [(list(args), _answer(expected, row)) for args, expected in _value(row, "tests")]
    entry = row.get("entry_point") or row.get("fn_name")
    return Problem(CallTests(str(entry), calls), _language(row), "calls", **_limits(row))


def _is_calls(row: Row) -> bool:
    tests = _value(row, "tests")
    if not (row.get("entry_point") or row.get("fn_name")) or not isinstance(tests, list | tuple):
        return False
    return all(isinstance(t, list | tuple) and len(t) == 2 and isinstance(t[0], list | tuple) for t in tests)


def _entry(name: Any) -> str | None:
    """The function's name; LeetCode sets have it as ``Solution().name``."""
    return name.rpartition(".")[2] if isinstance(name, str) and name else None


def _code(row: Row) -> Problem:
    tests = _code_list(row) or []
    return Problem(ScriptTests(tests, _entry(row.get("entry_point"))), _language(row), "test code")


_CODE = re.compile(r"\bassert|\bdef (?:test|check)|\bTestCase\b|\braise \w+|^>>> ", re.MULTILINE)
_CODE_COLUMNS = ("test_code", "unit_tests", "test")


def _code_list(row: Row) -> list[str] | None:
    for name in ("tests", "test", "test_code", "unit_tests", "test_cases", "gold", "ground_truth"):
        value = _value(row, name)
        if isinstance(value, str) and (_CODE.search(value) or (name in _CODE_COLUMNS and value.strip())):
            return [value]
        if isinstance(value, list | tuple) and value and all(isinstance(v, str) for v in value):
            return [str(v) for v in value]
    return None


def _empty_tests(row: Row) -> Problem:
    return Problem(StdioTests(()), _language(row), "tests")


_READERS: tuple[tuple[Callable[[Row], bool], Callable[[Row], Problem]], ...] = (
    (lambda row: row.get("verification_info") is not None, _verification_info),
    (lambda row: isinstance(row.get("test"), str) and isinstance(row.get("entry_point"), str), _human_eval),
    (lambda row: row.get("test_list") is not None, _mbpp),
    (lambda row: bool(row.get("public_test_cases") or row.get("private_test_cases")), _live_code_bench),
    (lambda row: bool(_pairs(row)), _apps),
    (lambda row: row.get("official_tests") is not None, _codeforces),
    (_is_code_contests, _code_contests),
    (_is_calls, _calls),
    (lambda row: _case_list(row) is not None, _listed),
    (lambda row: _code_list(row) is not None, _code),
    (lambda row: any(_value(row, name) == [] for name in ("tests", "test_cases")), _empty_tests),
)
