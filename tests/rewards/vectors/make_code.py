"""Writes the golden vectors in ``code/``: what open-r1's code rewards return, for ``test_code_compat.py``.

    python tests/rewards/vectors/make_code.py          # needs g++

The values come from the small oracles below, written from the peer's documented semantics. They run the programs with
``python3 -c`` and g++ in plain subprocesses (the programs are ours) and know nothing of veritune.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ADD = "print(sum(map(int, input().split())))"
ECHO = "import sys\nfor line in sys.stdin: print(line.strip())"


def block(code: str, tag: str = "python") -> str:
    return f"<think>\nadd\n</think>\n```{tag}\n{code}\n```"


def chat(*contents: str) -> list[dict[str, str]]:
    return [{"role": "tool" if i % 2 else "assistant", "content": text} for i, text in enumerate(contents)]


def extract(text: str, language: str = "python") -> str:
    found = re.compile(rf"```{language}\n(.*?)```", re.DOTALL).findall(text)
    return found[-1] if found else ""


# -- code, binary_code -------------------------------------------------------------------------------------------------


def code_score(text: str, cases: list[dict[str, str]]) -> float:
    passed = 0
    try:
        for case in cases:
            done = subprocess.run(
                ["python3", "-c", extract(text)], input=case["input"], text=True, capture_output=True, timeout=5
            )
            if done.returncode != 0:
                continue
            lines = done.stdout.strip().split("\n")
            wanted = case["output"].split("\n")
            passed += all(lines[i].strip() == wanted[i].strip() for i in range(min(len(lines), len(wanted))))
        return passed / len(cases)
    except Exception:
        return 0.0


def case(given: str, expected: str) -> dict[str, str]:
    return {"input": given, "output": expected}


SUMS = [case("1 2", "3"), case("4 5", "9"), case("-1 1", "0")]
TWO = [case("a\nb\n", "a\nb\n")]
PROGRAMS: dict[str, tuple[str, list[dict[str, str]]]] = {
    "right": (block(ADD), SUMS),
    "a constant": (block("print(3)"), SUMS),
    "wrong everywhere": (block("print('no')"), SUMS),
    "no code": ("no code at all", SUMS),
    "no code, nothing expected": ("no code at all", [case("", "")]),
    "unclosed fence": (f"```python\n{ADD}", SUMS),
    "py is not python": (block(ADD, "py"), SUMS),
    "python3 is not python": (block(ADD, "python3"), SUMS),
    "capital": (block(ADD, "Python"), SUMS),
    "the last block": (block("print(3)") + "\n" + block(ADD), SUMS),
    "the last block is wrong": (block(ADD) + "\n" + block("print(3)"), SUMS),
    "code in the thinking": (f"<think>\n```python\n{ADD}\n```\n</think>\nno", SUMS),
    "a prefix of the lines passes": (block("print('a')"), TWO),
    "nothing printed against one empty line": (block("pass"), [case("", "\n")]),
    "nothing printed is one empty line": (block("pass"), TWO),
    "more lines pass": (block("print('a');print('b');print('c')"), TWO),
    "second line wrong": (block("print('a');print('c')"), TWO),
    "spaces around a line": (block("print(' a ');print('b  ')"), TWO),
    "leading empty lines are cut from the output": (block("print();print('a');print('b')"), TWO),
    "leading empty line expected": (block("print('a')"), [case("", "\na")]),
    "spaces inside a line": (block("print('a  b')"), [case("", "a b")]),
    "right output, then an error": (block(ADD + "\n1/0"), SUMS),
    "right output, exit 1": (block(ADD + "\nimport sys; sys.exit(1)"), SUMS),
    "exit 0": (block(ADD + "\nimport sys; sys.exit(0)"), SUMS),
    "syntax error": (block("print("), SUMS),
    "a third fails": (block("a, b = map(int, input().split())\nprint(a + b if a < 4 else 0)"), SUMS),
    "zero tests": (block(ADD), []),
    "one timeout voids the sample": (
        block("a, b = map(int, input().split())\nwhile a == 4: pass\nprint(a + b)"),
        SUMS[:2],
    ),
    "output that is no UTF-8 voids the sample": (
        block("import sys\nsys.stdout.buffer.write(b'\\xff' if input()[0] == '4' else b'3')"),
        SUMS[:2],
    ),
    "carriage returns are line ends": (block("print('a\\r')\nprint('b')"), TWO),
    "floats are text": (block("print(1.50)"), [case("", "1.5"), case("", "1.50")]),
    "two hundred tests": (block("print(int(input()) % 7)"), [case(str(i), str(i % 7 if i else 1)) for i in range(8)]),
    "echo": (block(ECHO), TWO),
}


def code_calls() -> Iterator[tuple[str, dict[str, Any], list[float]]]:
    for about, (text, cases) in PROGRAMS.items():
        info = {"language": "python", "test_cases": cases}
        yield about, {"completions": [chat(text)], "verification_info": [info]}, [code_score(text, cases)]
    last = chat(block("print(3)"), "tool", block(ADD))
    info = {"language": "python", "test_cases": SUMS}
    yield "reads the last message", {"completions": [last], "verification_info": [info]}, [1.0]
    both = [chat(block(ADD)), chat(block("print(3)"))]
    yield "a whole call", {"completions": both, "verification_info": [info, info]}, [
        code_score(block(ADD), SUMS), code_score(block("print(3)"), SUMS),
    ]  # fmt: skip
    script = {"language": "javascript", "test_cases": SUMS}
    yield "python whatever the row says", {"completions": [chat(block(ADD))], "verification_info": [script]}, [1.0]


# -- ioi_code ----------------------------------------------------------------------------------------------------------

HEADER = "#pragma once\nint add(int a, int b);\n"
GRADER = (
    '#include "add.h"\n#include <cstdio>\nstatic int n, m;\n'
    'int main() { if (scanf("%d %d", &n, &m) != 2) return 1; printf("%d\\n", add(n, m)); }\n'
)
CASES = {"1-01": ("1 2", "3"), "1-02": ("4 5", "9"), "1-03": ("-1 1", "0")}
BODIES = {
    "right": "int add(int a, int b) { return a + b; }",
    "right on the first only": "int add(int a, int b) { return 3; }",
    "right but for the last": "int add(int a, int b) { return a < 0 ? 7 : a + b; }",
    "wrong": "int add(int a, int b) { return 100; }",
    "does not compile": "int add(int a, int b) { return a + ; }",
    "another name": "int sum(int a, int b) { return a + b; }",
    "includes the header": '#include "add.h"\nint add(int a, int b) { return a + b; }',
    "uses the standard library without naming it": (
        "int add(int a, int b) { vector<int> v{a, b}; return accumulate(v.begin(), v.end(), 0); }"
    ),
    "uses std::": "int add(int a, int b) { return std::max(a + b, a + b); }",
    "a global of the grader's name": "int n; int m[4];\nint add(int a, int b) { n = a; m[0] = b; return n + m[0]; }",
    "crashes": "int add(int a, int b) { abort(); }",
    "exits": 'int add(int a, int b) { printf("%d\\n", a + b); exit(0); }',
    "exits with an error": 'int add(int a, int b) { printf("%d\\n", a + b); exit(1); }',
    "macros": "#define int long long\n#undef int\n#define n 5\nint add(int a, int b) { return a + b; }",
}
ROW = {"id": "add", "year": 2024, "subtask": "1", "score": 30.0, "score_precision": 2, "time_limit": 2.0,
       "memory_limit": 256, "grader_files": [["add.h", HEADER], ["grader.cpp", GRADER]]}  # fmt: skip


def includes(code: str) -> str:
    head = "#include <bits/stdc++.h>\n"
    if '#include "add.h"' not in code:
        head += '#include "add.h"\n'
    if "using namespace std;" not in code and "std::" not in code:
        head += "\nusing namespace std;\n\n"
    return head + code


def ioi_tests(code: str, names: list[str]) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in (("add.h", HEADER), ("grader.cpp", GRADER), ("add.cpp", includes(code))):
            (root / name).write_text(text)
        built = subprocess.run(["g++", "-std=gnu++17", "-O1", "-o", "a.out", "grader.cpp", "add.cpp"], cwd=root,
                               capture_output=True, check=False)  # fmt: skip
        if built.returncode:
            return [0.0] * len(names)
        scores = []
        for name in names:
            given, expected = CASES[name]
            done = subprocess.run(["./a.out"], input=given, text=True, capture_output=True, cwd=root, check=False)
            scores.append(float(done.returncode == 0 and done.stdout.split() == expected.split()))
        return scores


def ioi_calls() -> Iterator[tuple[str, dict[str, Any], dict[str, Any], list[float]]]:
    names = list(CASES)
    columns = {**ROW, "test_names": names, "test_cases": [list(CASES[n]) for n in names]}
    for about, body in BODIES.items():
        text = block(body, "cpp")
        for size in (1, 2):
            scores = ioi_tests(body, names)
            for end in range(size, len(names) + size, size):
                if 0.0 in scores[:end]:
                    scores = scores[:end] + [0.0] * (len(names) - end)
                    break
            yield f"{about}, batches of {size}", {"test_batch_size": size}, call(text, columns), [round(min(scores), 2)]
    good = block(BODIES["right"], "cpp")
    yield "a batch size of -1 runs nothing", {"test_batch_size": -1}, call(good, columns), [0.0]
    yield "no code", {}, call("none", columns), [0.0]
    yield "c++ is not cpp", {}, call(block(BODIES["right"], "c++"), columns), [0.0]
    by_name = {**columns, "test_cases": {n: list(c) for n, c in CASES.items()}}
    yield "tests by name", {}, call(good, by_name), [1.0]


def call(text: str, columns: dict[str, Any]) -> dict[str, Any]:
    return {"completions": [chat(text)], **{name: [value] for name, value in columns.items()}}


# -- cf_code -----------------------------------------------------------------------------------------------------------

CPP = {
    "right": "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }",
    "one of three": "#include <iostream>\nint main() { std::cout << 3; }",
    "none": "#include <iostream>\nint main() { std::cout << 100; }",
    "does not compile": "int main() { return }",
    "crashes": "#include <cstdlib>\nint main() { abort(); }",
}
PYTHON = {"right": ADD, "one of three": "print(3)", "error": "1/0", "syntax error": "print("}
MODES = ("pass_fail", "partial", "weighted_sum")


def cf_passed(code: str, language: str) -> list[bool] | None:
    with tempfile.TemporaryDirectory() as folder:
        command = ["python3", "-c", code]
        if language == "cpp":
            (Path(folder) / "a.cpp").write_text(code)
            command = [f"{folder}/a.out"]
            built = ["g++", "-std=gnu++17", "-o", command[0], f"{folder}/a.cpp"]
            if subprocess.run(built, capture_output=True, check=False).returncode:
                return None
        passed = []
        for test in SUMS:
            done = subprocess.run(command, input=test["input"], text=True, capture_output=True, check=False)
            passed.append(done.returncode == 0 and done.stdout.split() == test["output"].split())
        return passed


def cf_value(code: str, language: str, mode: str) -> float:
    passed = cf_passed(code, language)
    if passed is None:
        return -0.1
    whole, share = (1.0 if all(passed) else 0.0), sum(passed) / len(passed)
    return {"pass_fail": whole, "partial": share, "weighted_sum": whole + 0.1 * share}[mode]


def cf_calls() -> Iterator[tuple[str, dict[str, Any], dict[str, Any], list[float | None]]]:
    row = {"id": "1/A", "official_tests": SUMS, "generated_tests": 0, "time_limit": 2.0, "memory_limit": 256.0}
    for mode in MODES:
        for language, programs in (("cpp", CPP), ("python", PYTHON)):
            columns = {**row, "language": language}
            for about, code in programs.items():
                value = cf_value(code, language, mode)
                yield (
                    f"{language}, {about}, {mode}",
                    {"scoring_mode": mode},
                    call(block(code, language), columns),
                    [value],
                )
        cpp = {**row, "language": "cpp"}
        yield f"no code, {mode}", {"scoring_mode": mode}, call("none", cpp), [-1.0]
        yield f"the other language, {mode}", {"scoring_mode": mode}, call(block(ADD), cpp), [-1.0]
        empty = {**cpp, "official_tests": []}
        yield f"no tests, {mode}", {"scoring_mode": mode}, call(block(CPP["right"], "cpp"), empty), [None]
        foreign = {**row, "language": "rust"}
        yield f"unknown language, {mode}", {"scoring_mode": mode}, call(block("fn main() {}", "rust"), foreign), [None]


def write(name: str, lines: list[dict[str, Any]]) -> None:
    path = HERE / "code" / f"open-r1.{name}.jsonl"
    head = {"peer": "open-r1", "name": name}
    path.write_text("".join(json.dumps({**head, **line}) + "\n" for line in lines), encoding="utf-8")
    print(f"{path.name}: {len(lines)}")


def main() -> None:
    code, binary = [], []
    for about, inputs, expected in code_calls():
        code.append({"params": {}, "inputs": inputs, "expected": expected, "about": about})
        rounded = [1.0 if value > 0.99 else 0.0 for value in expected]
        binary.append({"params": {}, "inputs": inputs, "expected": rounded, "about": about})
    write("code", code)
    write("binary_code", binary)
    for name, calls in (("ioi_code", ioi_calls()), ("cf_code", cf_calls())):
        lines = [{"params": p, "inputs": i, "expected": e, "about": about} for about, p, i, e in calls]
        write(name, lines)


if __name__ == "__main__":
    main()
