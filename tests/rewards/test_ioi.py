"""Grader and submission are separate units of one program, and only the grader's own end counts."""

from __future__ import annotations

from typing import Any

import pytest

from veritune.plugins import Cause, Sample, get_reward
from veritune.rewards.grader import graded
from veritune.sandbox import Limits, default_sandbox
from veritune.verifiers.code import Comparison, InputOutput, StdioTests
from veritune.verifiers.code.stdio import SEAL_FILE, stdio_task

HEADER = "#ifndef TWICE_H\n#define TWICE_H\nint twice(int x);\n#endif\n"
GRADER = """
#include <cstdio>
#include <cstdlib>
#include "twice.h"
int n;
static int calls;
int main() {
    if (scanf("%d", &n) != 1) return 1;
    calls++;
    if (twice(n) == 2 * n) puts("Correct"); else puts("Wrong");
    END
}
"""
FILES = [["grader.cpp", GRADER.replace("END", "")], ["include/twice.h", HEADER], ["twice.cpp", "int twice(int x) {"]]
ROW = {"id": "twice", "test_names": ["1", "2"], "test_cases": [["3\n", "Correct\n"], ["4\n", "Correct\n"]]}
RIGHT = {
    "plain": "int twice(int x) { return 2 * x; }",
    "with its header": '#include "twice.h"\nint twice(int x) { return 2 * x; }',
    "static with the grader's name": "static int n; static int calls; int twice(int x) { n = x; return n + n; }",
    "its own macros": "#define n 7\n#define puts(x) 0\n#define main nothing\nint twice(int x) { return 2 * x; }",
    "a class of its own": "struct Calls { int calls = 2; } own;\nint twice(int x) { return own.calls * x; }",
    "talks to stderr": 'int twice(int x) { fputs("asked", stderr); return 2 * x; }',
    "C++20": "template <class T> concept any_ = true;\nint twice(int x) { return 2 * x; }",
}
WRONG = {
    "wrong": "int twice(int x) { return x; }",
    "a macro": '#define puts(x) puts("Correct")\nint twice(int x) { return x; }',
    "a digraph's macro": '%:define puts(x) puts("Correct")\nint twice(int x) { return x; }',
    "a spliced macro": '#\\\ndefine puts(x) puts("Correct")\nint twice(int x) { return x; }',
    "a commented macro": '#/**/define puts(x) puts("Correct")\nint twice(int x) { return x; }',
    "a static initialiser": 'struct A { A() { puts("Correct"); fflush(stdout); _Exit(0); } } a;\n'
    "int twice(int x) { return x; }",
    "a constructor function": '__attribute__((constructor)) void a() { puts("Correct"); exit(0); }\n'
    "int twice(int x) { return x; }",
    "prints and exits": 'int twice(int x) { puts("Correct"); exit(0); }',
    "prints and exits at once": 'int twice(int x) { write(1, "Correct", 7); _exit(0); }',
    "prints, and the grader too": 'int twice(int x) { puts("Correct"); return x; }',
    "prints at its end": 'struct A { ~A() { puts("Correct"); } } a;\nint twice(int x) { return x; }',
    "prints at exit": 'int twice(int x) { atexit([] { puts("Correct"); }); return x; }',
    "a main of its own": 'int twice(int x) { return x; }\nint main() { puts("Correct"); }',
    "no function": "int once(int x) { return x; }",
    "crashes": "int twice(int x) { abort(); }",
    "does not compile": "int twice(int x) {",
    "the seal's file": 'int twice(int x) { puts("Correct"); fflush(stdout); char s[99]; FILE* f = fopen("'
    f'{SEAL_FILE}", "r"); if (f) fwrite(s, 1, fread(s, 1, 99, f), stdout); exit(0); }}',
}  # fmt: skip


HEAD = "#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n"


def results(codes: list[str], end: str = "") -> list[Any]:
    """How a test ends, without what the reward adds to a submission: that takes a second to compile."""
    if "cpp" not in default_sandbox().languages():
        pytest.skip("needs g++")
    beside = graded([["grader.cpp", GRADER.replace("END", end)], *FILES[1:]])
    tests = StdioTests([InputOutput("3\n", "Correct\n")], Comparison("tokens"))
    tasks = [
        stdio_task(HEAD + code, "cpp", tests, Limits(), False, units=beside.units, options=beside.options, sealed=True)
        for code in codes
    ]
    found: list[Any] = list(default_sandbox().run_tasks(tasks))
    return [judged.results[0] for judged in found]


def test_what_does_not_pass_through_the_grader_earns_nothing() -> None:
    found = dict(zip([*RIGHT, *WRONG], results([*RIGHT.values(), *WRONG.values()]), strict=True))
    expected = dict.fromkeys(RIGHT, True) | dict.fromkeys(WRONG, False)
    assert {about: result.passed for about, result in found.items()} == expected, found
    assert "before the grader" in found["prints and exits"].reason


def scores(codes: list[str], **columns: Any) -> list[Any]:
    if "cpp" not in default_sandbox().languages():
        pytest.skip("needs g++")
    row = {**ROW, "grader_files": FILES, **columns}
    return get_reward("ioi_code").score_batch([Sample(f"```cpp\n{code}\n```", columns=row) for code in codes])


def test_a_subtask_is_scored_with_its_grader() -> None:
    right, wrong = scores([RIGHT["static with the grader's name"], WRONG["prints and exits"]])
    assert (right.value, wrong.value) == (1.0, 0.0), (right.reason, wrong.reason)
    assert right.verdict.evidence["tamperable"] is True


@pytest.mark.parametrize("end", ["exit(0);", "std::exit(EXIT_SUCCESS);", "return 0;", "fflush(stdout); exit(0);"])
def test_a_grader_ends_as_it_likes(end: str) -> None:
    right, wrong = results([RIGHT["plain"], WRONG["prints and exits"]], end)
    assert (right.passed, wrong.passed) == (True, False)


def test_a_grader_that_does_not_compile_is_the_datasets_fault() -> None:
    files = [["grader.cpp", GRADER.replace("END", "undeclared;")], *FILES[1:]]
    [found] = scores([RIGHT["plain"]], grader_files=files)
    assert (found.value, found.cause) == (None, Cause.INVALID_GOLD)
    assert "undeclared" in found.reason


def test_without_a_grader_the_submission_is_a_whole_program() -> None:
    whole = 'int main() { int n; cin >> n; puts("Correct"); }'
    [found] = scores([whole], grader_files=[["twice.h", HEADER]])
    assert found.value == 1.0
    assert found.verdict.evidence["tamperable"] is False
