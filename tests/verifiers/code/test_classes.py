"""Programs of class-level kinds across the split: right ones pass, wrong ones fail, objects that lie earn nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.code.class_rows import STYLES, ClassProblem, problems
from veritune.sandbox import SandboxUnavailable
from veritune.verifiers.code import CodeVerifier
from veritune.verifiers.code.classes import classes_under_test

LIMITS = {"cpu_s": 3, "wall_s": 20, "memory_mb": 256}
LIE = (
    "class Lie:\n"
    "    def __init__(self, *a): pass\n"
    "    def __eq__(self, o): return True\n"
    "    def __ne__(self, o): return False\n"
    "    def __sub__(self, o): return 0\n"
    "    __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __mod__ = __sub__\n"
    "    def __abs__(self): return 0\n"
    "    def __lt__(self, o): return True\n"
    "    __gt__ = __le__ = __ge__ = __contains__ = startswith = equals = __lt__\n"
    "    def __hash__(self): return 0\n"
    "    def __len__(self): return 3\n"
    "    def __iter__(self): return iter([self])\n"
)


def judged(pairs: list[tuple[str, Any]]) -> list[Any]:
    rows = [(code, row if isinstance(row, dict) else {"test_list": row}) for code, row in pairs]
    return CodeVerifier(limits=LIMITS).verify_batch(rows)


def sample() -> list[tuple[ClassProblem, str]]:
    return [(problem, STYLES[index % len(STYLES)]) for index, problem in enumerate(problems())]


def test_right_programs_of_class_level_kinds_pass_and_wrong_ones_fail() -> None:
    """Every problem in one style, the wrong ones of every third; all of them are in benchmarks/code_classes.py."""
    cases = [(problem.name, style, problem.right, problem.row(style), True) for problem, style in sample()]
    cases += [(problem.name, style, problem.wrong, problem.row(style), False) for problem, style in sample()[::3]]
    verdicts = judged([(code, row) for *_, code, row, _ in cases])
    odd = [
        (name, style, verdict.reason)
        for (name, style, _, _, right), verdict in zip(cases, verdicts, strict=True)
        if verdict.correct is not right
    ]
    assert odd == []


def test_paths_and_files_are_the_same_on_both_sides_in_the_confined_tier() -> None:
    """There each side has a folder of another name."""
    wanted = ("files_read_by_the_program", "files_of_a_class", "bigcodebench_csv")
    rows = [(problem.right, problem.row("functions")) for problem in problems() if problem.name in wanted]
    try:
        verdicts = CodeVerifier(limits=LIMITS, sandbox={"name": "local", "tier": "confined"}).verify_batch(rows)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    assert [v.correct for v in verdicts] == [True] * len(wanted), [v.reason for v in verdicts]


FUNCTION_TESTS = (
    "assert abs(Volume(3) - 3.5) < 0.1",
    "assert Volume(3) > 3",
    "assert 5 in Volume(3)",
    "assert Volume(3) == 3",
    "assert 2 * Volume(3) == 6",
    "assert Volume('a').startswith('b')",
    "x = Volume(3)\nassert x == 3.5",
    "assert [Volume(1)] == [1]",
    "assert sorted(Volume(1)) == [1, 2]",
)


META = (
    "class Meta(type, Lie):\n    __eq__ = Lie.__eq__\n    __ne__ = Lie.__ne__\n    __hash__ = Lie.__hash__\n"
    "    __init__ = type.__init__\nclass Made(metaclass=Meta): pass\ndef Volume(*a): return Made"
)
FORGED = (
    "import json, os\ndef frame(m):\n    b = json.dumps(m).encode()\n    return len(b).to_bytes(4, 'big') + b\n"
    "def Volume(*a):\n    about = {'n': 0, 'name': 'X', 'qualname': 'X', 'module': 'solution', 'base': 'list',\n"
    "        'defines': ['__sub__', '__rsub__', '__lt__', '__gt__', '__contains__', '__eq__', '__abs__', '__ne__'],\n"
    "        'overrides': ['__eq__', '__gt__', '__lt__', '__contains__', 'startswith', '__ne__'], 'bases': [],\n"
    "        'meta': {'defines': ['__sub__', '__eq__'], 'class': None}}\n"
    "    os.write(3, frame({'classes': [about], 'value': {'$': 'sub', 'c': 0, 'h': 0, 'v': [7]}}))\n"
    "    for n in range(4): os.write(3, frame({'value': True}))\n    os._exit(0)"
)


@pytest.mark.parametrize("how", ["class Volume(Lie): pass", "def Volume(*a): return Lie()", META, FORGED])
def test_an_object_where_a_function_is_tested_gains_nothing(how: str) -> None:
    """Whatever it is called: what decides is that the tests use it as a function."""
    verdicts = judged([(f"{LIE}{how}\n", [test]) for test in FUNCTION_TESTS])
    assert [v.correct for v in verdicts] == [False] * len(FUNCTION_TESTS), [v.reason for v in verdicts]


METHOD_TESTS = (
    "c = Calc(1)\nassert c.total() == 5",
    "c = Calc(1)\nc.add(2)\nassert c.value == 3",
    "assert Calc(1).total() in (5, 6)",
    "c = Calc(1)\nassert c.itself() == 5",
    "c = Calc(1)\nassert c.total() > 5",
    "c = Calc(1)\nassert [c.total(), 2] == [5, 2]",
    "c = Calc(1)\nassert {'a': c.total()} == {'a': 5}",
    "c = Calc(1)\nassert isinstance(c.total(), int)",
    "c = Calc(1)\nc.add(2)\nassert c.items().startswith('a')",
    "c = Calc(1)\nc.add(2)\nassert abs(c.total() - 5.0) < 0.1",
    "c = Calc(1)\nc.add(2)\nassert abs(5.0 - c.value) < 0.1",
    "c = Calc(1)\nc.add(2)\nassert round(c.value - 5.0, 3) == 0",
    "c = Calc(1)\nc.add(2)\nassert c.value + 5 == 8",
    "assert Calc.made() == 5",
    "assert Calc.of(2) == 5 and Calc.of(2) > 4",
    "import pickle\nassert pickle.loads(pickle.dumps(f(1))) == 5",
)


@pytest.mark.parametrize("made", ["Lie()", "Calc()", "self"])
def test_an_object_where_a_method_should_give_a_value_is_wrong(made: str) -> None:
    """It is never undecided either: a program must not choose that."""
    code = (
        f"{LIE}class Calc(Lie):\n    def total(self): return {made}\n    itself = items = total\n"
        f"    value = property(total)\n    def add(self, x): return None\n"
        "    made = staticmethod(lambda: Calc())\n    of = classmethod(lambda cls, x: cls())\n"
        "def f(x): return Calc()\n"
    )
    verdicts = judged([(code, [test]) for test in METHOD_TESTS])
    assert [v.correct for v in verdicts] == [False] * len(METHOD_TESTS), [v.reason for v in verdicts]


def test_a_comparison_that_the_program_makes_is_tamperable() -> None:
    code = "class P:\n    def __init__(s, a): s.a = a\n    def __eq__(s, o): return s.a == o.a\n"
    two, plain = judged([(code, ["assert P(1) == P(1)"]), (code, ["assert P(1).a == 1"])])
    assert (two.correct, two.evidence["tamperable"]) == (True, True)
    assert (plain.correct, plain.evidence["tamperable"]) == (True, False)


UNDECIDED = {
    "a class derived from the program's": "class Mine(Stack):\n    pass\nassert Mine().size() == 0",
    "an object of the tests'": "class Item:\n    pass\ns = Stack()\ns.push(Item())\nassert s.size() == 1",
    "a pickle": "import pickle\nassert pickle.loads(pickle.dumps(Stack())).size() == 0",
    "the source": "import inspect\nassert 'class' in inspect.getsource(Stack)",
}


@pytest.mark.parametrize("about", UNDECIDED)
def test_what_cannot_be_carried_is_undecided_with_its_reason(about: str) -> None:
    code = (
        "class Stack:\n    def __init__(s): s.i = []\n    def push(s, x): s.i.append(x)\n"
        "    def size(s): return len(s.i)"
    )
    (verdict,) = judged([(code, [UNDECIDED[about]])])
    assert verdict.correct is None
    assert "tests" in verdict.reason


def test_results_of_calls_are_compared_exactly_where_an_int_is_expected() -> None:
    """A float is equal within the tolerance, and NaN where NaN is expected; generators give lists."""
    nan = float("nan")
    values: list[tuple[str, Any, bool]] = [
        ("1000000007.4", 1000000007, False), ("1000000007.0", 1000000007, True), ("0.1 + 0.2", 0.3, True),
        ("float('nan')", nan, True), ("1.0", nan, False), ("float('nan')", 1.0, False), ("-0.0", 0.0, True),
        ("float('inf')", float("inf"), True), ("10**30", 10**30, True), ("10**30 + 1", 10**30, False),
        ("{1: {2: 'a'}}", {"1": {"2": "a"}}, True), ("{1: 'a', '1': 'b'}", {"1": "b"}, False),
        ("(i for i in [1, 2, 3])", [1, 2, 3], True), ("(i for i in [1, 2])", [1, 2, 3], False),
        ("iter([1])", [1], True), ("range(2)", [0, 1], True), ("map(str, [1])", ["1"], True),
        ("[1, 2.0000000001]", [1, 2.0], True), ("[1, (2, 3)]", [1, [2, 3]], True), ("{1, 2}", [1, 2], False),
        ("True", 1, True), ("'1'", 1, False), ("None", 0, False), ("Ellipsis", 0, False),
    ]  # fmt: skip
    rows = [(f"def f():\n    return {text}", {"entry_point": "f", "tests": [[[], want]]}) for text, want, _ in values]
    verdicts = judged(rows)
    assert [(v[0], d.correct) for v, d in zip(values, verdicts, strict=True)] == [(v[0], v[2]) for v in values]


def test_only_what_the_tests_use_as_a_class_is_one() -> None:
    def read(text: str, reference: str = "") -> set[str]:
        return set(classes_under_test((text,), reference))

    assert read("assert abs(Volume(3) - 3.5) < 0.1\nassert Volume(2) == 1") == set()
    assert read("assert Extract([1]).sort() is None\nassert Split('a').upper() == 'A'") == set()
    assert read("s = Stack()\ns.push(1)") == {"Stack"}
    assert read("s = Stack()\ns.append(1)\nassert s.pop() == 1") == {"Stack"}
    assert read("assert isinstance(f(), Stack)") == {"Stack"}
    assert read("assert 3 * V(2) == V(6)") == {"V"}
    assert read("import solution as s\nassert s.V(2).x == 1") == {"V"}
    assert read("from solution import Vector as W\nW(1).x") == {"Vector"}
    assert read("assert Volume(3) == 1", "class Volume: pass") == {"Volume"}
    assert read("assert Volume(3).x == 1", "def Volume(n): pass") == set()
