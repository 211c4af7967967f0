# ruff: noqa: E501
"""Forms of test code as data sets have them. Each has a right program and a wrong one; HOLLOW ones assert nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

RIGHT = "def add_all(xs):\n    return sum(xs)\n"
WRONG = "def add_all(xs):\n    return -12345\n"
A, B = "assert add_all([1, 2, 3]) == 6", "assert add_all([4, 5]) == 9"


@dataclass(frozen=True)
class Form:
    """A row's columns, and two programs."""

    row: dict[str, Any]
    right: str = RIGHT
    wrong: str = WRONG
    total: int | None = field(default=None, compare=False)
    """How many tests must be reported, where that is the point."""


def code(text: str, **more: Any) -> Form:
    """A row whose column ``test_code`` is this text."""
    options = {name: more.pop(name) for name in ("right", "wrong", "total") if name in more}
    return Form({"test_code": text, **more}, **options)


PYTEST = {
    "functions": code(f"def test_a():\n    {A}\ndef test_b():\n    {B}\n", total=2),
    "functions, imported": code(
        f"from solution import add_all\ndef test_a():\n    {A}\ndef test_b():\n    {B}\n", total=2
    ),
    "class": code(f"class TestAdd:\n    def test_a(self):\n        {A}\n    def test_b(self):\n        {B}\n", total=2),
    "class, imported": code(f"from solution import add_all\nclass TestAdd:\n    def test_a(self):\n        {A}\n"),
    "class of another name": code(f"class AddTests:\n    def test_a(self):\n        {A}\n"),
    "class with setup_method": code(
        "class TestAdd:\n    def setup_method(self, method):\n        self.xs = [1, 2, 3]\n"
        "    def teardown_method(self):\n        self.xs = None\n"
        "    def test_a(self):\n        assert add_all(self.xs) == 6\n"
    ),
    "class with setup_class": code(
        "class TestAdd:\n    @classmethod\n    def setup_class(cls):\n        cls.xs = [1, 2, 3]\n"
        "    def test_a(self):\n        assert add_all(self.xs) == 6\n"
    ),
    "class with setup": code(
        "class TestAdd:\n    def setup(self):\n        self.got = add_all([1, 2, 3])\n"
        "    def test_a(self):\n        assert self.got == 6\n"
    ),
    "nested classes": code(f"class TestAdd:\n    class TestSmall:\n        def test_a(self):\n            {A}\n"),
    "static and class methods": code(
        f"class TestAdd:\n    @staticmethod\n    def test_a():\n        {A}\n    @classmethod\n    def test_b(cls):\n"
        f"        {B}\n",
        total=2,
    ),
    "inherited methods": code(
        "class Base:\n    def test_a(self):\n        assert self.f([1, 2, 3]) == 6\n"
        "class TestAdd(Base):\n    def f(self, xs):\n        return add_all(xs)\n"
    ),
    "module setup": code(
        "xs = []\ndef setup_module(module):\n    xs.extend([1, 2, 3])\ndef teardown_module():\n    xs.clear()\n"
        "def test_a():\n    assert add_all(xs) == 6\n"
    ),
    "setup_function": code(
        "xs = []\ndef setup_function(f):\n    xs[:] = [1, 2, 3]\ndef test_a():\n    assert add_all(xs) == 6\n"
    ),
    "parametrize": code(
        "import pytest\n@pytest.mark.parametrize('xs, want', [([1, 2, 3], 6), ([], 0)])\n"
        "def test_a(xs, want):\n    assert add_all(xs) == want\n",
        total=2,
    ),
    "parametrize one name, ids": code(
        "import pytest\n@pytest.mark.parametrize('case', [([1], 1), ([2, 3], 5)], ids=['one', 'two'])\n"
        "def test_a(case):\n    xs, want = case\n    assert add_all(xs) == want\n",
        total=2,
    ),
    "parametrize stacked": code(
        "import pytest\n@pytest.mark.parametrize('a', [1, 2])\n@pytest.mark.parametrize('b', (3, 4))\n"
        "def test_a(a, b):\n    assert add_all([a, b]) == a + b\n",
        total=4,
    ),
    "parametrize with param": code(
        "import pytest\n@pytest.mark.parametrize(('xs', 'want'), [pytest.param([1, 2], 3, id='x'), ([5], 5)])\n"
        "def test_a(xs, want):\n    assert add_all(xs) == want\n",
        total=2,
    ),
    "parametrize on a class": code(
        "import pytest\n@pytest.mark.parametrize('xs, want', [([1, 2, 3], 6), ([], 0)])\nclass TestAdd:\n"
        "    def test_a(self, xs, want):\n        assert add_all(xs) == want\n",
        total=2,
    ),
    "parametrize through pytestmark": code(
        "import pytest\npytestmark = pytest.mark.parametrize('xs, want', [([1, 2, 3], 6)])\n"
        "def test_a(xs, want):\n    assert add_all(xs) == want\n"
    ),
    "fixture": code(
        "import pytest\n@pytest.fixture\ndef xs():\n    return [1, 2, 3]\ndef test_a(xs):\n    assert add_all(xs) == 6\n"
    ),
    "fixture that yields, of a fixture": code(
        "import pytest\n@pytest.fixture(scope='module')\ndef one():\n    return 1\n"
        "@pytest.fixture()\ndef xs(one):\n    yield [one, 2, 3]\n"
        "class TestAdd:\n    def test_a(self, xs):\n        assert add_all(xs) == 6\n"
    ),
    "fixture with params": code(
        "import pytest\n@pytest.fixture(params=[([1], 1), ([2], 2)])\ndef case(request):\n    return request.param\n"
        "def test_a(case):\n    assert add_all(case[0]) == case[1]\n",
        total=2,
    ),
    "autouse fixture": code(
        "import pytest\nxs = []\n@pytest.fixture(autouse=True)\ndef fill():\n    xs[:] = [1, 2, 3]\n    yield\n    xs.clear()\n"
        "def test_a():\n    assert add_all(xs) == 6\n"
    ),
    "approx": code("from pytest import approx\ndef test_a():\n    assert add_all([0.1, 0.2]) == approx(0.3)\n"),
    "approx of a list": code(
        "import pytest\ndef test_a():\n    assert [add_all([0.1, 0.2]), 1.0] == pytest.approx([0.3, 1.0], abs=1e-6)\n"
    ),
    "raises": code(
        "import pytest\ndef test_a():\n    with pytest.raises(ValueError, match='empty'):\n        add_all([])\n",
        right="def add_all(xs):\n    if not xs:\n        raise ValueError('it is empty')\n    return sum(xs)\n",
    ),
    "raises, then its value": code(
        "import pytest\ndef test_a():\n    with pytest.raises(ValueError) as info:\n        add_all([])\n"
        "    assert 'empty' in str(info.value)\n",
        right="def add_all(xs):\n    if not xs:\n        raise ValueError('it is empty')\n    return sum(xs)\n",
        wrong="def add_all(xs):\n    raise ValueError('no')\n",
    ),
    "raises, called": code(
        "import pytest\ndef test_a():\n    pytest.raises(ValueError, add_all, [])\n",
        right="def add_all(xs):\n    if not xs:\n        raise ValueError('it is empty')\n    return sum(xs)\n",
    ),
    "pytest.fail": code(
        "import pytest\ndef test_a():\n    if add_all([1, 2, 3]) != 6:\n        pytest.fail('wrong sum')\n"
    ),
    "pytest.main under the guard": code(
        f"import pytest, sys\ndef test_a():\n    {A}\nif __name__ == '__main__':\n    sys.exit(pytest.main([__file__]))\n"
    ),
    "asynchronous": code(f"async def test_a():\n    {A}\n"),
    "asynchronous, marked": code(
        f"import pytest, asyncio\n@pytest.mark.asyncio\nasync def test_a():\n    await asyncio.sleep(0)\n    {A}\n"
    ),
    "asynchronous method": code(f"class TestAdd:\n    async def test_a(self):\n        {A}\n"),
    "generator": code(f"def test_a():\n    {A}\n    yield\n    {B}\n"),
    "generator of checks": code(
        "def check_one(xs, want):\n    assert add_all(xs) == want\n"
        "def test_a():\n    for xs, want in [([1], 1), ([2, 3], 5)]:\n        yield check_one, xs, want\n"
    ),
    "lambda": code("def same(a, b):\n    assert a == b\ntest_a = lambda: same(add_all([1, 2, 3]), 6)\n"),
    "skipped beside run": code(
        f"import pytest\n@pytest.mark.skip(reason='slow')\ndef test_a():\n    assert False\ndef test_b():\n    {B}\n",
        total=1,
    ),
}

UNITTEST = {
    "TestCase": code(
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(add_all([1, 2, 3]), 6)\n"
        "if __name__ == '__main__':\n    unittest.main()\n"
    ),
    "TestCase, another name": code(
        "from unittest import TestCase as TC, main\nclass T(TC):\n    def test_a(self):\n"
        "        self.assertEqual(add_all([1, 2, 3]), 6)\nmain()\n"
    ),
    "own base class": code(
        "import unittest\nclass Base(unittest.TestCase):\n    def same(self, xs, want):\n        self.assertEqual(add_all(xs), want)\n"
        "class More(Base):\n    def test_a(self):\n        self.same([1, 2, 3], 6)\n"
    ),
    "IsolatedAsyncioTestCase": code(
        "from unittest import IsolatedAsyncioTestCase\nclass T(IsolatedAsyncioTestCase):\n    async def test_a(self):\n"
        "        self.assertEqual(add_all([1, 2, 3]), 6)\n"
    ),
    "async in a plain TestCase": code(
        "import unittest\nclass T(unittest.TestCase):\n    async def test_a(self):\n        self.assertEqual(add_all([1, 2, 3]), 6)\n"
    ),
    "setUp and setUpClass": code(
        "import unittest\nclass T(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls):\n        cls.xs = [1, 2]\n"
        "    def setUp(self):\n        self.got = add_all(self.xs)\n    def test_a(self):\n        self.assertEqual(self.got, 3)\n"
    ),
    "subTest": code(
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        for xs, want in [([1], 1), ([2, 3], 5)]:\n"
        "            with self.subTest(xs=xs):\n                self.assertEqual(add_all(xs), want)\n"
    ),
    "runTest": code(
        "import unittest\nclass T(unittest.TestCase):\n    def runTest(self):\n        self.assertEqual(add_all([1]), 1)\n"
    ),
    "a runner in the code": code(
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(add_all([1, 2, 3]), 6)\n"
        "suite = unittest.TestLoader().loadTestsFromTestCase(T)\nresult = unittest.TextTestRunner().run(suite)\n"
    ),
    "the alias of a method": code(
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        eq = self.assertEqual\n        eq(add_all([1, 2, 3]), 6)\n"
    ),
    "self.fail": code(
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        if add_all([1, 2, 3]) != 6:\n            self.fail('no')\n"
    ),
    "bare assert in a method": code(
        f"import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        {A}\n"
    ),
    "with functions": code(
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertTrue(add_all([1]) == 1)\n"
        f"def test_b():\n    {B}\n",
        total=2,
    ),
    "with functions and asserts": code(
        "import unittest\nassert add_all([]) == 0\nclass T(unittest.TestCase):\n    def test_a(self):\n"
        f"        self.assertEqual(add_all([1]), 1)\ndef test_b():\n    {B}\n",
        total=3,
    ),
    "load_tests": code(
        "import unittest\nclass T(unittest.TestCase):\n    def a(self):\n        self.assertEqual(add_all([1, 2, 3]), 6)\n"
        "def load_tests(loader, tests, pattern):\n    return unittest.TestSuite([T('a')])\n"
    ),
}

SCRIPTS = {
    "asserts": code(f"{A}\n{B}\n"),
    "asserts, imported": code(f"import solution\n{A.replace('add_all', 'solution.add_all')}\n"),
    "import as": code(f"import solution as s\ndef test_a():\n    {A.replace('add_all', 's.add_all')}\n"),
    "import *": code(f"from solution import *\ndef test_a():\n    {A}\n"),
    "import of an unknown module": code(f"from your_module import add_all\ndef test_a():\n    {A}\n"),
    "import of an unknown module as": code(
        f"import add_everything as ae\ndef test_a():\n    {A.replace('add_all', 'ae.add_all')}\n"
    ),
    "relative import": code(f"from .solution import add_all\ndef test_a():\n    {A}\n"),
    "dotted import": code(f"from src.adding.core import add_all\ndef test_a():\n    {A}\n"),
    "import of a module that the library has, too": code(f"from code import add_all\ndef test_a():\n    {A}\n"),
    "sys.path first": code(
        f"import os, sys\nsys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))\nfrom solution import add_all\n{A}\n"
    ),
    "import in a function": code(f"def test_a():\n    from solution import add_all\n    {A}\n"),
    "run_tests under the guard": code(f"def run_tests():\n    {A}\n\nif __name__ == '__main__':\n    run_tests()\n"),
    "main under the guard": code(
        f"def main():\n    {A}\n    print('passed')\n\nif __name__ == \"__main__\":\n    main()\n"
    ),
    "asserts under the guard": code(f"if __name__ == '__main__':\n    {A}\n    print('ok')\n"),
    "tests called under the guard": code(
        f"def test_a():\n    {A}\ndef test_b():\n    {B}\nif '__main__' == __name__:\n    test_a()\n    test_b()\n",
        total=2,
    ),
    "tests called at the end": code(f"def test_a():\n    {A}\ndef test_b():\n    {B}\ntest_a()\ntest_b()\n", total=2),
    "run_tests that nobody calls": code(f"def run_tests():\n    {A}\n"),
    "check_add": code(f"def check_add():\n    {A}\n"),
    "verify_add": code(f"def verify_add():\n    {A}\ndef verify_more():\n    {B}\n", total=2),
    "it_adds": code(f"def it_adds():\n    {A}\n"),
    "check(candidate) without an entry": code("def check(candidate):\n    assert candidate([1, 2, 3]) == 6\n"),
    "check(candidate) without an entry, a program of several": code(
        "def check(candidate):\n    assert candidate([1, 2, 3]) == 6\n",
        right="def _one(a, b):\n    return a + b\ndef add_all(xs):\n    n = 0\n    for x in xs:\n        n = plus(n, x)\n    return n\n"
        "def plus(a, b):\n    return a + b\n",
        wrong="def add_all(xs):\n    return 0\ndef plus(a, b):\n    return a + b\n",
    ),
    "check(candidate) with an entry": code(
        "def check(candidate):\n    assert candidate([1, 2, 3]) == 6\n", entry_point="add_all"
    ),
    "check that calls itself": code("def check(candidate):\n    assert candidate([1, 2, 3]) == 6\ncheck(add_all)\n"),
    "async check": Form(
        {"test": "async def check(candidate):\n    assert candidate([1, 2, 3]) == 6\n", "entry_point": "add_all"}
    ),
    "HumanEval with a class": Form(
        {"test": f"class TestAdd:\n    def test_a(self):\n        {A}\n", "entry_point": "add_all"}
    ),
    "HumanEval with candidate in a class": Form(
        {
            "test": "class TestAdd:\n    def test_a(self):\n        assert candidate([1, 2, 3]) == 6\n",
            "entry_point": "add_all",
        }
    ),
    "test(candidate)": Form(
        {"test": "def test_it(candidate):\n    assert candidate([1, 2, 3]) == 6\n", "entry_point": "add_all"}
    ),
    "helper that compares": code(
        "def same(got, want):\n    if got != want:\n        raise AssertionError(f'{got} != {want}')\n"
        "same(add_all([1, 2, 3]), 6)\n"
    ),
    "helper that raises another exception": code(
        "def expect(got, want):\n    if got == want:\n        print('ok')\n    else:\n        raise Exception('wrong')\n"
        "expect(add_all([1, 2, 3]), 6)\n"
    ),
    "a table": code("for xs, want in [([1], 1), ([2, 3], 5)]:\n    assert add_all(xs) == want, (xs, want)\n"),
    "zip and map": code("for got, want in zip(map(add_all, [[1], [2, 3]]), [1, 5]):\n    assert got == want\n"),
    "all and map": code("assert all(map(lambda t: add_all(t[0]) == t[1], [([1], 1), ([2, 3], 5)]))\n"),
    "a swallowed assertion": code(f"try:\n    {A}\n    print('passed')\nexcept AssertionError:\n    print('fail')\n"),
    "a swallowed assertion, of everything": code(f"try:\n    {A}\nexcept Exception as e:\n    print('fail', e)\n"),
    "a swallowed assertion in a test": code(f"def test_a():\n    try:\n        {A}\n    except:\n        pass\n"),
    "counted failures": code(
        "failed = 0\nfor xs, want in [([1], 1), ([2, 3], 5)]:\n    try:\n        assert add_all(xs) == want\n"
        "    except AssertionError:\n        failed += 1\nassert failed == 0\n"
    ),
    "counted failures and exit": code(
        "import sys\nfailed = 0\nif add_all([1, 2, 3]) != 6:\n    failed += 1\nsys.exit(1 if failed else 0)\n"
    ),
    "exit(1) on failure": code(
        "import sys\nif add_all([1, 2, 3]) != 6:\n    print('no')\n    sys.exit(1)\nprint('yes')\n"
    ),
    "sys.exit(0) at the end": code(f"import sys\n{A}\nsys.exit(0)\n"),
    "exit() at the end": code(f"{A}\nexit()\n"),
    "exit in the guard": code(
        f"import sys\ndef test_a():\n    {A}\nif __name__ == '__main__':\n    test_a()\n    sys.exit(0)\n"
    ),
    "one of two answers": code(
        "got = add_all([1, 2, 3])\ntry:\n    assert got == 7\nexcept AssertionError:\n    assert got == 6\n"
    ),
    "an exception that must come": code(
        "try:\n    add_all([])\n    assert False, 'no exception'\nexcept ValueError:\n    pass\n",
        right="def add_all(xs):\n    if not xs:\n        raise ValueError\n    return sum(xs)\n",
    ),
    "an exception that must come, else": code(
        "try:\n    add_all([])\nexcept ValueError:\n    pass\nelse:\n    raise AssertionError('no exception')\n",
        right="def add_all(xs):\n    if not xs:\n        raise ValueError\n    return sum(xs)\n",
    ),
    "doctest": code(
        'import doctest\ndef test_add():\n    """\n    >>> add_all([1, 2, 3])\n    6\n    """\ndoctest.testmod()\n'
    ),
    "doctest of the module": code(
        '"""\n>>> add_all([1, 2, 3])\n6\n"""\nimport doctest\nif __name__ == "__main__":\n    doctest.testmod()\n'
    ),
    "doctest text": Form({"test_code": ">>> add_all([1, 2, 3])\n6\n>>> [add_all([4, 5])]\n[9]\n"}),
    "exec of texts": code(
        "for line in ['assert add_all([1, 2, 3]) == 6', 'assert add_all([4, 5]) == 9']:\n    exec(line)\n"
    ),
    "suppress": code(f"import contextlib\nwith contextlib.suppress(AssertionError):\n    {A}\n"),
    "numpy.testing": code("import numpy as np\nnp.testing.assert_allclose(add_all([1.0, 2.0]), 3.0)\n"),
    "numpy.testing, renamed": code(
        "from numpy.testing import assert_equal as same\ndef test_a():\n    same(add_all([1, 2]), 3)\n"
    ),
    "np.allclose": code("import numpy as np\nassert np.allclose(add_all([0.1, 0.2]), 0.3)\n"),
    "match": code(
        "match add_all([1, 2, 3]):\n    case 6:\n        pass\n    case other:\n        raise AssertionError(other)\n"
    ),
    "or raise": code("import sys\nadd_all([1, 2, 3]) == 6 or sys.exit('wrong')\n"),
    "built-ins in the test": code(
        "from solution import add_all\ndef test_a():\n    assert add_all([3, 1, 2]) == sum([3, 1, 2])\n",
        wrong="def add_all(xs):\n    return 0\ndef sum(*a):\n    return 0\n",
    ),
    "built-ins in the test, module": code(
        "import solution\nassert solution.add_all([3, 1, 2]) == sum([3, 1, 2])\nassert isinstance(solution.add_all([1]), int)\n",
        wrong="def add_all(xs):\n    return 0\ndef sum(*a):\n    return 0\ndef isinstance(*a):\n    return True\n",
    ),
    "a built-in as the row's entry": Form(
        {"test": "def check(candidate):\n    assert candidate(1, 2) == 3\n", "entry_point": "sum"},
        right="def sum(a, b):\n    return a + b\n",
        wrong="def sum(a, b):\n    return 0\n",
    ),
    "annotations without imports": code(
        "def test_a(xs: List[int] = [1, 2, 3]) -> Optional[bool]:\n    assert add_all(xs) == 6\n"
    ),
}

LISTS = {
    "asserts": Form({"test_list": [A, B]}, total=2),
    "functions": Form({"test_list": [f"def test_a():\n    {A}", f"def test_b():\n    {B}"]}, total=2),
    "functions, tests": Form({"tests": [f"def test_a():\n    {A}", f"def test_b():\n    {B}"]}, total=2),
    "functions of one name": Form({"tests": [f"def test():\n    {A}", f"def test():\n    {B}"]}, total=2),
    "a class": Form(
        {"tests": [f"import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        {A}"]}, total=1
    ),
    "a helper first": Form(
        {"tests": ["def same(a, b):\n    assert a == b", "same(add_all([1, 2, 3]), 6)", "same(add_all([4, 5]), 9)"]},
        total=2,
    ),
    "an import first": Form({"tests": ["import math", "assert math.isclose(add_all([1.0]), 1.0)"]}, total=1),
    "checks": Form(
        {
            "tests": [f"def check_a():\n    {A}", f"def check(candidate):\n    {B.replace('add_all', 'candidate')}"],
            "entry_point": "add_all",
        },
        total=2,
    ),
}

FORMS: dict[str, Form] = {
    f"{kind}: {name}": form
    for kind, forms in (("pytest", PYTEST), ("unittest", UNITTEST), ("script", SCRIPTS), ("list", LISTS))
    for name, form in forms.items()
}

_T = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        "
HOLLOW: dict[str, dict[str, Any]] = {
    "a print": {"test_code": "print(add_all([1, 2, 3]) == 6)  # assert\n"},
    "a comparison": {"test_code": "from solution import add_all\nadd_all([1, 2, 3]) == 6\n# def test\n"},
    "comparisons in a list": {"tests": ["add_all([1, 2, 3]) == 6", "add_all([4, 5]) == 9"]},
    "prints in a list": {"test_list": ["print(add_all([1, 2, 3]) == 6)"]},
    "a tuple": {"test_code": "assert (add_all([1, 2, 3]) == 6, 'wrong')\n"},
    "a returned comparison": {"test_code": "def test_a():\n    return add_all([1, 2, 3]) == 6\n"},
    "a returned comparison in a method": {
        "test_code": "class TestAdd:\n    def test_a(self):\n        return add_all([1]) == 1\n"
    },
    "check that returns": {
        "test": "def check(candidate):\n    return candidate([1, 2, 3]) == 6\n",
        "entry_point": "add_all",
    },
    "a printed verdict": {
        "test_code": "# assert\nif add_all([1, 2, 3]) == 6:\n    print('pass')\nelse:\n    print('fail')\n"
    },
    "a call": {"test_code": "def test_a():\n    add_all([1, 2, 3])\n"},
    "pass": {"test_code": "def test_a():\n    pass\n"},
    "a constant": {"test_code": "def test_a():\n    add_all([1])\n    assert True\n"},
    "constants that are equal": {
        "test_code": "def test_a():\n    got = add_all([1])\n    want = 1\n    assert want == 1\n"
    },
    "a generator": {"test_code": "assert (x == 6 for x in [add_all([1, 2, 3])])\n"},
    "a text": {"test_code": "assert 'add_all([1, 2, 3]) == 6'\n"},
    "or True": {"test_code": "assert add_all([1, 2, 3]) == 6 or True\n"},
    "itself": {"test_code": "got = add_all([1, 2, 3])\nassert got == got\n"},
    "a lambda": {"test_code": "assert lambda: add_all([1, 2, 3]) == 6\n"},
    "a function": {"test_code": "add_all([1])\nassert add_all\n"},
    "never": {"test_code": "if False:\n    assert add_all([1, 2, 3]) == 6\n"},
    "after a return": {"test_code": "def test_a():\n    return\n    assert add_all([1, 2, 3]) == 6\n"},
    "about something else": {
        "test_code": "def test_a():\n    assert 1 + 1 == 2\n    assert len([1]) == 1\nx = add_all\n"
    },
    "never asked": {"test_code": "import math\ndef test_a():\n    assert math.sqrt(4) == 2\n"},
    "skipped": {"test_code": f"import pytest\n@pytest.mark.skip\ndef test_a():\n    {A}\n"},
    "skipped unittest": {
        "test_code": f"import unittest\n@unittest.skip('no')\nclass T(unittest.TestCase):\n    def test_a(self):\n        {A}\n"
    },
    "expected to fail": {
        "test_code": f"{_T.replace('    def', '    @unittest.expectedFailure' + chr(10) + '    def')}self.assertEqual(add_all([1, 2]), 4)\n"
    },
    "assertTrue(True)": {"test_code": f"{_T}add_all([1])\n        self.assertTrue(True)\n"},
    "assertEqual without a call": {"test_code": f"{_T}self.assertEqual\n"},
    "assertTrue of a tuple": {"test_code": f"{_T}self.assertTrue((add_all([1]) == 1, 'no'))\n"},
    "only comments": {"test_code": "# def test_a(): assert add_all([1]) == 1\n"},
    "a collected list": {
        "test_code": "# assert\nresults = []\nresults.append(add_all([1]) == 1)\nprint(all(results))\n"
    },
    "an inner function": {"test_code": f"def test_a():\n    def inner():\n        {A}\n    add_all([1])\n"},
    "an exit without a verdict": {"test_code": "import sys\nprint(add_all([1]))  # assert\nsys.exit(0)\n"},
    "no expected output": {"tests": [{"input": "1", "output": None}, {"input": "2", "output": None}]},
    "no expected output, open-r1": {
        "verification_info": {"language": "python", "test_cases": [{"input": "1", "output": None}]}
    },
    "no expected output, a missing key": {"verification_info": {"language": "python", "test_cases": [{"input": "1"}]}},
    "an empty list as output": {"tests": [{"input": "1", "output": []}]},
    "no expected value": {"entry_point": "add_all", "tests": [[[[1, 2]], None]]},
    "no expected value, APPS": {"inputs": [[[1, 2]]], "outputs": [None], "fn_name": "add_all"},
    "no expected output, APPS": {"inputs": ["1\n"], "outputs": [None]},
    "no expected value, LiveCodeBench": {
        "public_test_cases": [{"input": "[1, 2]", "output": None, "testtype": "functional"}],
        "metadata": {"func_name": "add_all"},
    },
}
