"""A checker's exit status and its own words decide, never text of the program that it repeats."""

from __future__ import annotations

from typing import Any

import pytest

from veritune.plugins import Cause, Sample, get_reward
from veritune.sandbox import default_sandbox
from veritune.sandbox.interface import IsolationReport, Outcome
from veritune.verifiers.code import InvalidProblem
from veritune.verifiers.code.checker import verdict_of

NOTHING = IsolationReport("test", "none", *("none",) * 7)


def outcome(status: int | None, stdout: str = "", stderr: str = "") -> Outcome:
    return Outcome(status, None if status is not None else 9, stdout.encode(), stderr.encode(), NOTHING)


SAID: list[tuple[int | None, str, str, float | None]] = [
    (0, "", "", 1.0), (1, "", "", 0.0), (2, "", "", 0.0), (4, "", "", 0.0), (8, "", "", 0.0), (5, "", "", None),
    (None, "", "", None), (139, "", "", None), (0, "1\n", "", 1.0), (0, "0\n", "", 0.0), (0, "0.25", "", 0.25),
    (0, "true", "", 1.0), (0, "False", "", 0.0), (0, "Wrong answer.", "", 0.0), (0, "ACCEPTED", "", 1.0),
    (0, "0 line 3 differs", "", 0.0), (0, "comparing\nok\n", "", 1.0), (0, "got 5\n0\n", "", 0.0), (0, "2", "", 1.0),
    (0, "-3", "", 0.0), (0, "0\nyes", "", 0.0), (0, "yes\n0", "", 0.0), (0, "fine words", "", 1.0),
    (1, "yes", "", 0.0), (1, "OK", "", 0.0), (1, "1", "", 0.0), (1, "true", "", 0.0), (2, "accepted", "", 0.0),
    (1, "", "Traceback (most recent call last):\nZeroDivisionError: division by zero", None),
    (7, "", "points 0.5 half", 0.5), (7, "", "points 40", 0.4), (7, "", "points 7000", 1.0), (7, "", "", None),
    (16, "", "", 0.0), (116, "", "", 0.5), (7, "1", "points x", None),
]  # fmt: skip


@pytest.mark.parametrize(("status", "stdout", "stderr", "score"), SAID)
def test_status_and_words_have_to_agree(status: int | None, stdout: str, stderr: str, score: float | None) -> None:
    assert verdict_of(outcome(status, stdout, stderr)).score == score


def test_a_checker_that_blames_the_test_leaves_it_undecided() -> None:
    with pytest.raises(InvalidProblem, match="at fault"):
        verdict_of(outcome(3, "", "FAIL the answer is worse than the output"))


ECHO = (
    "import sys\nout, ans = open(sys.argv[3]).read(), open(sys.argv[2]).read()\n"
    "if out.split() != ans.split():\n    print({said})\n    sys.exit(1)\n"
)
REPEATED = ("out.split()[0], 'instead of', ans", "out", "'0\\n' + out", "out + '\\n0'")


def scores(texts: list[str], row: dict[str, Any], name: str = "code_stdio", **options: Any) -> list[Any]:
    return get_reward(name, **options).score_batch([Sample(f"```python\n{text}\n```", columns=row) for text in texts])


@pytest.mark.parametrize("said", REPEATED)
@pytest.mark.parametrize("name", ["code_stdio", "cf_code"])
def test_what_a_checker_repeats_of_a_program_is_no_verdict(said: str, name: str) -> None:
    row = {"official_tests": [{"input": "", "output": "42"}], "language": "python"}
    row["generated_checker"] = ECHO.format(said=said)
    words = ["yes", "OK", "true", "1", "Accepted", "1.0", "0.9 points"]
    found = scores([f"print({word!r})" for word in words] + ["print(42)"], row, name)
    assert [score.value for score in found[:-1]] == [0.0] * len(words)
    assert found[-1].value == (1.1 if name == "cf_code" else 1.0)


BROKEN = {
    "does not parse": "def",
    "raises": "1/0",
    "imports what is not there": "import no_such_module",
    "says so": "import sys\nsys.exit(3)",
    "rejects the expected output with a crash": "import sys\nassert open(sys.argv[3]).read() == 'x'",
    "never ends": "while True: pass",
    "does not compile": "#include <nothing_of_this_name.h>\nint main() {}",
}


@pytest.mark.parametrize("about", [about for about in BROKEN if about != "never ends"])
def test_a_broken_checker_is_the_datasets_fault(about: str) -> None:
    if "include" in BROKEN[about] and "cpp" not in default_sandbox().languages():
        pytest.skip("needs g++")
    row = {"tests": [{"stdin": "", "stdout": "42"}], "checker": BROKEN[about]}
    [found] = scores(["print(42)"], row)
    assert (found.value, found.cause) == (None, Cause.INVALID_GOLD), found.reason


def test_a_checker_that_breaks_on_this_output_alone_is_the_programs_fault() -> None:
    checker = "import sys\nprint(int(int(open(sys.argv[3]).read()) == int(open(sys.argv[2]).read())))"
    row = {"tests": [{"stdin": "", "stdout": "42"}], "checker": checker}
    right, wrong, junk = scores(["print(42)", "print(41)", "print('junk')"], row)
    assert (right.value, wrong.value, junk.value) == (1.0, 0.0, 0.0)
    assert "fails on this output" in junk.reason


HEAD = '#include "testlib.h"\nusing namespace std;\nint main(int argc, char** argv) {\n'
TESTLIB: dict[str, tuple[str, str, str, dict[str, float | None]]] = {
    "whole numbers": (
        "registerTestlibCmd(argc, argv); int a = ans.readInt(), b = ouf.readInt();\n"
        'if (a != b) quitf(_wa, "expected %d, found %d", a, b); quitf(_ok, "the same");',
        "", "42", {"42": 1, " 42 \n\n": 1, "41": 0, "42 1": 0, "042": 0, "42.0": 0, "": 0, "yes": 0, "99999999999": 0},
    ),
    "reals": (
        "registerTestlibCmd(argc, argv); double a = ans.readDouble(), b = ouf.readDouble();\n"
        'if (!doubleCompare(a, b, 1e-6)) quitf(_wa, "%.9f", b); quitf(_ok, "");',
        "", "0.333333333", {"0.3333333": 1, "3.3333333e-1": 1, "0.334": 0, "nan": 0, "inf": 0, "1/3": 0},
    ),
    "any pair with this sum": (
        'registerTestlibCmd(argc, argv); int n = inf.readInt(); auto v = ouf.readInts(2, 1, n, "x"); setName("pair");\n'
        'if (v[0] + v[1] != n) quitf(_wa, "sum is %d", v[0] + v[1]); quitf(_ok, "%s", vtos(v[0]).c_str());',
        "9", "1 8", {"1 8": 1, "4\n5": 1, "0 9": 0, "10 -1": 0, "4 4": 0, "4": 0, "4 5 6": 0},
    ),
    "patterns": (
        'registerTestlibCmd(argc, argv); ouf.readToken("(ab|c[0-9]{2,3})+"); ouf.readWord("[^a-z]?x*y", "w");\n'
        'quitf(_ok, "");', "", "ab y",
        {"ab y": 1, "c12abc345 Axxy": 1, "c1 y": 0, "c1234 y": 0, "abx y": 0, "ab axy": 0, "ab xz": 0, "abab xxxy": 1},
    ),
    "lines and words": (
        "registerTestlibCmd(argc, argv); for (int n = 1; !ans.seekEof(); n++) {\n"
        'string a = lowerCase(ans.readToken()), b = lowerCase(ouf.readWord());\n'
        'if (a != b) quitf(_wa, "%d%s word", n, englishEnding(n).c_str()); } quitf(_ok, "");',
        "", "YES no", {"yes NO": 1, "Yes\nNo\n": 1, "yes": 0, "yes no no": 0},
    ),
    "part of the points": (
        "registerTestlibCmd(argc, argv); int a = ans.readInt(), b = ouf.readInt(0, a);\n"
        'quitp(1.0 * b / a, "%d of %d", b, a);',
        "", "4", {"4": 1, "1": 0.25, "0": 0, "5": 0},
    ),
    "blames the test": (
        "registerTestlibCmd(argc, argv); int a = ans.readInt(), b = ouf.readInt();\n"
        'if (b > a) quitf(_fail, "better than the jury"); quitif(b < a, _wa, "less"); quit(_ok, "");',
        "", "4", {"4": 1, "3": 0, "5": None},
    ),
    "a broken answer": (
        'registerTestlibCmd(argc, argv); ans.readInt(); ouf.readInt(); quitf(_ok, "");',
        "", "x", {"4": None, "x": None},
    ),
    "without testlib": (
        "ifstream out(argv[2]), ans(argv[3]); string a, b; out >> b; ans >> a; cout << b << endl; return a != b;",
        "", "4", {"4": 1, "yes": 0, "1": 0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("about", TESTLIB)
def test_checkers_written_for_testlib(about: str) -> None:
    if "cpp" not in default_sandbox().languages():
        pytest.skip("needs g++")
    body, given, answer, outputs = TESTLIB[about]
    head = HEAD if about != "without testlib" else "#include <iostream>\n#include <fstream>\n" + HEAD.partition("\n")[2]
    row = {"tests": [{"stdin": given, "stdout": answer}], "checker": f"{head}{body}\n}}\n"}
    found = scores([f"print({text!r}, end='')" for text in outputs], row, "code")
    assert {text: score.value for text, score in zip(outputs, found, strict=True)} == outputs, [s.reason for s in found]


def test_a_row_may_bring_its_own_header() -> None:
    if "cpp" not in default_sandbox().languages():
        pytest.skip("needs g++")
    source = '#include "testlib.h"\n#include "rules.h"\nint main() { return VERDICT + RULE; }'
    row = {"tests": [{"stdin": "", "stdout": ""}], "checker": source, "checker_language": "c++17"}
    row["checker_files"] = [["testlib.h", "#define VERDICT 0"], ["dir/rules.h", "#define RULE 1"]]
    assert [score.value for score in scores(["print(1)"], row)] == [0.0]
