"""The judge: right programs pass, wrong ones and cheats do not, whatever they do to their own sandbox."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from veritune.plugins import Cause
from veritune.sandbox import SandboxUnavailable
from veritune.sandbox.conformance.corpus import descendants
from veritune.verifiers.code import CodeVerifier

Rows = Callable[[str], list[dict[str, Any]]]
LIMITS = {"cpu_s": 2, "wall_s": 10, "memory_mb": 256, "processes": 16}
SHARED_ATTACKS = Path(__file__).resolve().parents[4] / "shared" / "attacks"


def attacks() -> list[dict[str, Any]]:
    manifest = SHARED_ATTACKS / "manifest.jsonl"
    if not manifest.is_file():
        return []
    rows = map(json.loads, manifest.read_text(encoding="utf-8").splitlines())
    return [row for row in rows if row["mode"] in ("func", "assert", "unittest")]


def problem(mode: str) -> dict[str, Any]:
    found = json.loads((SHARED_ATTACKS / "problems.json").read_text(encoding="utf-8"))[mode]
    return {"entry_point": found["entry"], **({"tests": found["tests"]} if mode == "func" else {"test": found["test"]})}


@pytest.mark.parametrize("attack", attacks(), ids=lambda row: row["file"])
def test_a_cheat_fails_and_a_right_program_passes(attack: dict[str, Any]) -> None:
    code = (SHARED_ATTACKS / attack["file"]).read_text(encoding="utf-8")
    verdict = CodeVerifier(limits=LIMITS).verify(f"```python\n{code}\n```", problem(attack["mode"]))
    assert verdict.correct is (attack["verdict"] == "pass"), verdict.reason


def judge(code: str, test: str | list[str], entry: str | None = None, **options: Any) -> Any:
    row = {"test_list": test} if isinstance(test, list) else {"test": test, "entry_point": entry}
    return CodeVerifier(limits=LIMITS, **options).verify(f"```python\n{code}\n```", row)


CHEATS: dict[str, tuple[str, str | list[str]]] = {
    "abs is not the program's": ("def abs(x): return 0\ndef f(x): return 7", ["assert abs(f(1) - 3) < 1e-6"]),
    "math is not the program's": (
        "class math:\n    isclose = staticmethod(lambda *a: True)\ndef f(x): return 7",
        ["assert math.isclose(f(1), 3)"],
    ),
    "isclose is not the program's": ("def isclose(*a): return True\ndef f(x): return 7", ["assert isclose(f(1), 3)"]),
    "a result sees no operand": (
        "class L:\n    def __sub__(s, o): return 0\n    __rsub__ = __sub__\ndef f(x): return L()",
        ["assert abs(f(1) - 3) < 1e-6"],
    ),
    "a result does not decide contains": (
        "class L:\n    def __contains__(s, o): return True\n    def __iter__(s): return iter([])\ndef f(x): return L()",
        ["assert 3 in f(1)"],
    ),
    "a result does not decide startswith": (
        "class L:\n    def startswith(s, o): return True\ndef f(x): return L()",
        ["assert f(1).startswith('ab')"],
    ),
    "exit 0 while called": ("import os\ndef f(x): os._exit(0)", ["assert f(1) == 3"]),
    "SystemExit while called": ("def f(x): raise SystemExit(0)", ["assert f(1) == 3"]),
    "a skipped test": (
        "import unittest\ndef f(x): raise unittest.SkipTest('no')",
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(f(1), 3)",
    ),
    "a test that catches everything": (
        "import os\ndef f(x): os._exit(0)",
        ["def test_a():\n    try: r = f(1)\n    except: r = 3\n    assert r == 3"],
    ),
}


@pytest.mark.parametrize("about", CHEATS)
def test_a_cheat_of_another_kind_fails(about: str) -> None:
    verdict = judge(*CHEATS[about])
    assert verdict.correct is False, verdict.reason


RIGHT: dict[str, tuple[str, str | list[str]]] = {
    "changes its argument": ("def f(x): x.sort()", ["a = [2, 1]\nf(a)\nassert a == [1, 2]"]),
    "changes an inner list": ("def f(x): x[0].append(3)", ["i = [1]\na = [i]\nf(a)\nassert i == [1, 3]"]),
    "raises": (
        "def f(x): raise ValueError('no')",
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n"
        "        with self.assertRaisesRegex(ValueError, 'no'): f(1)",
    ),
    "raises its own exception": (
        "class Bad(KeyError): pass\ndef f(x): raise Bad('no')",
        ["try:\n    f(1)\n    assert False\nexcept Bad: pass"],
    ),
    "defines a class": (
        "class P:\n    def __init__(s, a): s.a = a\n    def __add__(s, o): return s.a + o.a",
        ["assert P(1) + P(2) == 3", "assert P(5).a == 5"],
    ),
    "calls a function of the test": ("def f(g, x): return g(x) + 1", ["assert f(lambda v: v * 2, 3) == 7"]),
    "takes a type": ("def f(x, t): return isinstance(x, t)", ["assert f(1, int) and not f('1', int)"]),
    "yields": ("def f(n):\n    yield from range(n)", ["assert list(f(3)) == [0, 1, 2]", "assert next(f(2)) == 0"]),
    "returns a function": ("def f(n): return lambda x: x + n", ["assert f(2)(3) == 5"]),
    "is called like a built-in": ("def sum(a, b): return a + b", ["assert sum(1, 2) == 3"]),
    "returns tuples in a dict": ("def f(): return {(1, 2): {3}}", ["assert f() == {(1, 2): {3}}"]),
    "returns large numbers": ("def f(n): return 10 ** n", ["assert f(5000) == 10 ** 5000"]),
    "recurses": ("def f(n): return 0 if n == 0 else 1 + f(n - 1)", ["assert f(980) == 980"]),
    "uses its imports in the test": (
        "import math\ndef f(): return math.pi",
        ["assert math.isclose(f(), math.pi)"],
    ),
    "test functions": ("def f(): return 1", "from solution import f\ndef test_a(): assert f() == 1"),
    "a main guard": ("def f(): return 1\nif __name__ == '__main__':\n    print(f(), input())", ["assert f() == 1"]),
}


HALF: dict[str, str] = {
    "an interrupt": "def f(x): raise KeyboardInterrupt",
    "an end after the first test": "import os\ndef f(x): return 3 if x == 1 else os._exit(0)",
}
THREE = (
    "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(f(1), 3)\n"
    "    def test_b(self): self.assertEqual(f(2), 5)\n    def test_c(self): self.assertEqual(f(4), 9)"
)


@pytest.mark.parametrize("about", HALF)
def test_tests_that_a_program_cuts_short_still_count(about: str) -> None:
    verdict = judge(HALF[about], THREE, "f")
    assert verdict.evidence["total"] == 3
    assert verdict.score == pytest.approx(0.0 if "interrupt" in about else 1 / 3)


LIAR = "class P:\n    def __init__(s, a): s.a = a\n    def __lt__(s, o): return True\n    def __add__(s, o): return 3"


@pytest.mark.parametrize("test", ["assert P(9) < 1", "assert P(1) + 2 == 3"])
def test_a_verdict_that_rests_on_a_programs_operators_is_tamperable(test: str) -> None:
    assert judge(LIAR, ["assert P(5).a == 5", test]).evidence["tamperable"] is True
    assert judge(LIAR, ["assert P(5).a == 5"]).evidence["tamperable"] is False


def test_tests_that_import_what_is_not_there_are_undecided() -> None:
    verdict = judge("def f(): return 1", "import no_such_module\ndef test_a(): assert f() == 1")
    assert verdict.cause is Cause.ABSTAIN


FRAME = "import json, os\ndef frame(m):\n    b = json.dumps(m).encode()\n    return len(b).to_bytes(4, 'big') + b\n"
FORGED: dict[str, str] = {
    "answers before questions": FRAME + "for m in ({'loaded': None}, {'value': 6}, {'value': 0}, {'value': 42}):\n"
    "    os.write(3, frame(m))\nos._exit(0)",
    "too long": "import os\ndef add_all(x):\n    os.write(3, b'\\xff' * 1000)\n    os._exit(0)",
    "too deep": "import os\ndef add_all(x):\n    b = b'[' * 200000\n    os.write(3, len(b).to_bytes(4, 'big') + b)",
    "no number": FRAME + "def add_all(x):\n    os.write(3, frame({'value': float('nan')}))",
    "closed": "import os\ndef add_all(x):\n    os.close(3)\n    return sum(x)",
    "findings everywhere": FRAME + "def add_all(x):\n    for n in range(20):\n        try:\n"
    "            os.write(n, frame({'found': [[True, '']] * 3, 'gone': None}))\n        except OSError: pass\n"
    "    return -1",
    "lying type": "class I(int):\n    def __eq__(s, o): return True\n    __hash__ = int.__hash__\n"
    "def add_all(x): return I(-1)",
}


@pytest.mark.parametrize("mode", ["func", "assert", "unittest"])
def test_forged_answers_do_not_pay_in_either_tier(mode: str) -> None:
    tests: list[Any] = [[[[1, 2, 3]], 6], [[[]], 0], [[[41, 1]], 42]]
    asserts = [f"assert add_all({args[0]}) == {expected}" for args, expected in tests]
    body = "\n".join(f"    def test_{n}(self): {line}" for n, line in enumerate(asserts))
    rows: dict[str, dict[str, Any]] = {
        "func": {"entry_point": "add_all", "tests": tests},
        "assert": {"test_list": asserts},
        "unittest": {"entry_point": "add_all", "test": f"import unittest\nclass T(unittest.TestCase):\n{body}"},
    }
    row = rows[mode]
    for tier in ("namespaces", "confined"):
        sandbox = {"name": "local", "tier": tier, "workers": 1}
        verifier = CodeVerifier(limits=LIMITS, sandbox=sandbox)
        try:
            verdicts = verifier.verify_batch([(code, row) for code in [*FORGED.values(), "add_all = sum"]])
        except SandboxUnavailable as error:
            pytest.skip(str(error))
        assert [v.correct for v in verdicts] == [False] * len(FORGED) + [True], [v.reason for v in verdicts]
        assert verdicts[-1].evidence["isolation"]["tier"] == tier


@pytest.mark.parametrize("about", RIGHT)
def test_a_right_program_passes(about: str) -> None:
    verdict = judge(*RIGHT[about])
    assert verdict.correct is True, verdict.reason


def test_a_crash_costs_its_own_test_only() -> None:
    code = "import os\ndef f(x):\n    if x == 2: os.abort()\n    return x"
    verdict = judge(code, [f"assert f({n}) == {n}" for n in range(4)])
    assert verdict.score == 0.75
    assert [test["passed"] for test in verdict.evidence["tests"]] == [True, True, False, True]


def test_an_endless_call_costs_its_own_test_only() -> None:
    code = "def f(x):\n    while x == 1: pass\n    return x"
    verdict = CodeVerifier(limits={"cpu_s": 0.5, "wall_s": 10}).verify(
        code, {"entry_point": "f", "tests": [[[0], 0], [[1], 1], [[2], 2]]}
    )
    assert verdict.score == pytest.approx(2 / 3)
    assert verdict.evidence["limit"] == "cpu"


def test_the_same_process_is_used_only_when_asked_and_marked() -> None:
    test = "from unittest import mock\ndef check(c):\n    import solution\n    assert c() == 1"
    verdict = judge("def f(): return 1", test, "f", isolation="same-process")
    assert verdict.correct is True
    assert verdict.evidence["tamperable"] is True


def test_test_code_without_tests_is_undecided() -> None:
    assert judge("def f(): return 1", "x = 1", "f").cause is Cause.INVALID_GOLD


def test_a_deadline_leaves_the_rest_undecided() -> None:
    row = {"tests": [{"stdin": "", "stdout": "1"}] * 3}
    slow = "import time; time.sleep(1); print(1)"
    verdicts = CodeVerifier(deadline_s=0.5).verify_batch([(slow, row)] * 4)
    assert {v.cause for v in verdicts} == {Cause.TIMEOUT}


def test_killing_the_sandboxes_processes_leaves_every_sample_its_verdict() -> None:
    row = {"entry_point": "f", "tests": [[[n], n] for n in range(3)]}
    code = "import time\ndef f(x):\n    time.sleep(0.05)\n    return x"
    verifier = CodeVerifier(limits={"cpu_s": 5, "wall_s": 20})
    verifier.verify(code, row)  # warm
    before = os.getpid()
    stop = threading.Event()

    def kill_some() -> None:
        for _ in range(3):
            time.sleep(0.15)
            for pid in sorted(descendants())[:1]:
                if not stop.is_set() and pid != before:
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_some)
    killer.start()
    verdicts = verifier.verify_batch([(code, row)] * 8 + [("def f(x): return -1", row)] * 2)
    stop.set()
    killer.join()
    assert [v.correct for v in verdicts] == [True] * 8 + [False] * 2


def test_references_of_humaneval_mbpp_and_quixbugs_pass(shared_rows: Rows) -> None:
    """A sample; the whole sets are in benchmarks/code.py."""
    human, mbpp = shared_rows("code/humaneval.jsonl")[::7], shared_rows("code/mbpp.jsonl")[::25]
    pairs = [(row["canonical_solution"], row) for row in human] + [(row["code"], row) for row in mbpp]
    verdicts = CodeVerifier(all_tests=False).verify_batch(pairs)
    assert [(row["id"], v.reason) for (_, row), v in zip(pairs, verdicts, strict=True) if v.correct is not True] == []


def test_buggy_programs_fail(shared_rows: Rows) -> None:
    rows = [row for row in shared_rows("code/quixbugs_python.jsonl") if row["buggy_verdict"] != "tle"]
    verifier = CodeVerifier(all_tests=False, limits={"cpu_s": 5, "wall_s": 30})
    assert all(v.correct is False for v in verifier.verify_batch([(row["buggy_code"], row) for row in rows]))


def test_a_model_program_gets_the_verdict_of_plain_execution(shared_rows: Rows) -> None:
    problems = {row["id"]: row for row in shared_rows("code/humaneval.jsonl")}
    rows = shared_rows("code/humaneval_codegen16b_solutions.jsonl")[::40]
    verifier = CodeVerifier(all_tests=False, limits={"cpu_s": 4, "wall_s": 20})
    verdicts = verifier.verify_batch([(row["completion"], problems[row["task_id"]]) for row in rows])
    assert [v.correct for v in verdicts] == [row["passed"] for row in rows]
