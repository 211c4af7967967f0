# ruff: noqa: E501
"""More forms of test code: variations that were tried unseen, and kept."""

from __future__ import annotations

from typing import Any

from tests.verifiers.code.forms import RIGHT, WRONG, A, B, Form, code

U = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        "
RAISER = "def add_all(xs):\n    if not xs:\n        raise ValueError('it is empty')\n    return sum(xs)\n"

MORE: dict[str, Form] = {
    "table with result var": code(
        "cases = [([1,2,3], 6), ([], 0)]\nfor inp, out in cases:\n    result = add_all(inp)\n    assert result == out, f'{inp}'\nprint('All passed')\n"
    ),
    "runner try": code(
        f"def test_a():\n    {A}\ndef test_b():\n    {B}\ntry:\n    test_a()\n    test_b()\n    print('PASS')\nexcept AssertionError as e:\n    print('FAIL', e)\n"
    ),
    "runner loop": code(
        f"def case_a():\n    {A}\ndef case_b():\n    {B}\nfor t in [case_a, case_b]:\n    try:\n        t()\n        print('ok')\n    except AssertionError:\n        print('fail')\n"
    ),
    "exit flag": code("import sys\nok = add_all([1,2,3]) == 6\nsys.exit(0 if ok else 1)\n"),
    "exit not": code("import sys\nok = add_all([1,2,3]) == 6\nexit(not ok)\n"),
    "raise SystemExit computed": code(
        "def run():\n    return 0 if add_all([1,2,3]) == 6 else 1\nraise SystemExit(run())\n"
    ),
    "own assertEqual": code("def assertEqual(a, b):\n    assert a == b\nassertEqual(add_all([1,2,3]), 6)\n"),
    "unittest star": code(
        "from unittest import *\nclass T(TestCase):\n    def test_a(self):\n        self.assertEqual(add_all([1,2]), 3)\nif __name__ == '__main__':\n    main()\n"
    ),
    "unittest as": code(
        "import unittest as ut\nclass T(ut.TestCase):\n    def test_a(self):\n        self.assertEqual(add_all([1,2]), 3)\n"
    ),
    "pytest class fixture": code(
        "import pytest\nclass TestA:\n    @pytest.fixture\n    def xs(self):\n        return [1,2,3]\n    def test_a(self, xs):\n        assert add_all(xs) == 6\n"
    ),
    "param function": code(
        "import pytest\n@pytest.mark.parametrize('f', [add_all])\ndef test_a(f):\n    assert f([1,2]) == 3\n"
    ),
    "param range": code(
        "import pytest\n@pytest.mark.parametrize('n', range(1, 4))\ndef test_a(n):\n    assert add_all([n]) == n\n",
        total=3,
    ),
    "raises tuple": code(
        "import pytest\ndef test_a():\n    with pytest.raises((ValueError, TypeError)):\n        add_all([])\n",
        right=RAISER,
    ),
    "raises kw": code(
        "import pytest\ndef test_a():\n    with pytest.raises(expected_exception=ValueError):\n        add_all([])\n",
        right=RAISER,
        wrong="def add_all(xs):\n    raise KeyError\n",
    ),
    "assertRaises": code(
        U
        + "with self.assertRaises(ValueError) as cm:\n            add_all([])\n        self.assertIn('empty', str(cm.exception))\n",
        right=RAISER,
    ),
    "assertRaises call": code(U + "self.assertRaises(ValueError, add_all, [])\n", right=RAISER),
    "assertRaisesRegex": code(
        U + "self.assertRaisesRegex(ValueError, 'empty', add_all, [])\n",
        right=RAISER,
        wrong="def add_all(xs):\n    raise ValueError('no')\n",
    ),
    "walrus": code("assert (r := add_all([1, 2, 3])) == 6\nassert r > 5\n"),
    "chained": code("assert 5 < add_all([1, 2, 3]) < 7\n"),
    "all list": code("assert all([add_all([1]) == 1, add_all([2]) == 2])\n"),
    "comprehension": code("assert [add_all(x) for x in ([1], [2, 3])] == [1, 5]\n"),
    "lambda check": code("check = lambda got, want: got == want\nassert check(add_all([1]), 1)\n"),
    "finally": code(f"try:\n    {A}\nfinally:\n    print('done')\n"),
    "reraise": code(f"try:\n    {A}\nexcept AssertionError:\n    print('x')\n    raise\n"),
    "exit in handler": code(f"import sys\ntry:\n    {A}\nexcept AssertionError:\n    sys.exit(1)\n"),
    "exit 0 in handler": code(f"import sys\ntry:\n    {A}\nexcept AssertionError:\n    sys.exit(0)\n"),
    "returns False": code(
        f"import sys\ndef run():\n    try:\n        {A}\n        return True\n    except AssertionError:\n        return False\nif not run():\n    sys.exit(1)\n"
    ),
    "returns False printed": code(
        f"def run():\n    try:\n        {A}\n        return True\n    except AssertionError:\n        return False\nprint(run())\n"
    ),
    "errors list": code(
        "errors = []\nfor xs, w in [([1], 1), ([2], 2)]:\n    try:\n        assert add_all(xs) == w\n    except Exception as e:\n        errors.append(e)\nif errors:\n    raise SystemExit(1)\n"
    ),
    "errors list assert": code(
        f"def test_all():\n    errors = []\n    try:\n        {A}\n    except AssertionError as e:\n        errors.append(str(e))\n    assert not errors, errors\n"
    ),
    "exit len errors": code(
        f"import sys\nerrors = []\ntry:\n    {A}\nexcept AssertionError as e:\n    errors.append(str(e))\nsys.exit(len(errors))\n"
    ),
    "printed counts": code(
        "passed = 0\nfor xs, w in [([1], 1), ([2], 2)]:\n    try:\n        assert add_all(xs) == w\n        passed += 1\n    except AssertionError:\n        print('fail')\nprint(f'{passed}/2')\n"
    ),
    "alternatives loop": code(
        "for alt in (7, 6):\n    try:\n        assert add_all([1, 2, 3]) == alt\n        break\n    except AssertionError:\n        continue\nelse:\n    raise AssertionError('none')\n"
    ),
    "alternatives flag": code(
        "ok = False\nfor alt in (7, 6):\n    try:\n        assert add_all([1, 2, 3]) == alt\n        ok = True\n    except AssertionError:\n        pass\nassert ok\n"
    ),
    "retry": code(
        "for attempt in range(3):\n    try:\n        assert add_all([1]) == 1\n        break\n    except AssertionError:\n        if attempt == 2:\n            raise\n"
    ),
    "thread": code(
        "import threading\nout = []\nt = threading.Thread(target=lambda: out.append(add_all([1, 2])))\nt.start()\nt.join()\nassert out == [3]\n"
    ),
    "assert in thread": code(
        "import threading\ndef work():\n    assert add_all([1, 2]) == 3\nt = threading.Thread(target=work)\nt.start()\nt.join()\n"
    ),
    "asyncio.run": code("import asyncio\nasync def main():\n    assert add_all([1, 2]) == 3\nasyncio.run(main())\n"),
    "loop": code(
        "import asyncio\nasync def main():\n    assert add_all([1, 2]) == 3\nasyncio.new_event_loop().run_until_complete(main())\n"
    ),
    "gather": code(
        "import asyncio\nasync def one(xs, w):\n    assert add_all(xs) == w\nasync def main():\n    await asyncio.gather(one([1], 1), one([2], 2))\nif __name__ == '__main__':\n    asyncio.run(main())\n"
    ),
    "dynamic functions": code(
        "def make(xs, w):\n    def t():\n        assert add_all(xs) == w\n    return t\nfor i, (xs, w) in enumerate([([1], 1), ([2], 2)]):\n    globals()[f'test_{i}'] = make(xs, w)\n",
        total=2,
    ),
    "dynamic methods": code(
        "import unittest\nclass T(unittest.TestCase):\n    pass\ndef make(xs, w):\n    def t(self):\n        self.assertEqual(add_all(xs), w)\n    return t\nfor i, (xs, w) in enumerate([([1], 1), ([2], 2)]):\n    setattr(T, f'test_{i}', make(xs, w))\n",
        total=2,
    ),
    "type()": code(
        "import unittest\nT = type('T', (unittest.TestCase,), {'test_a': lambda self: self.assertEqual(add_all([1]), 1)})\n"
    ),
    "suite": code(
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(add_all([1]), 1)\ndef suite():\n    s = unittest.TestSuite()\n    s.addTest(T('test_a'))\n    return s\nif __name__ == '__main__':\n    unittest.TextTestRunner().run(suite())\n"
    ),
    "runner exit": code(
        "import unittest, sys\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(add_all([1]), 1)\nresult = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\nsys.exit(not result.wasSuccessful())\n"
    ),
    "FunctionTestCase": code(
        "import unittest\ndef check():\n    assert add_all([1]) == 1\nresult = unittest.TestResult()\nunittest.FunctionTestCase(check).run(result)\nassert result.wasSuccessful()\n"
    ),
    "class in function": code(
        "import unittest\ndef run():\n    class T(unittest.TestCase):\n        def test_a(self):\n            self.assertEqual(add_all([1]), 1)\n    r = unittest.TextTestRunner().run(unittest.TestLoader().loadTestsFromTestCase(T))\n    assert r.wasSuccessful()\nrun()\n"
    ),
    "indented": code("    assert add_all([1, 2, 3]) == 6\n    assert add_all([1]) == 1\n"),
    "fenced": code("Here are tests:\n```python\nassert add_all([1, 2, 3]) == 6\n```\n"),
    "bom": code("\ufeffassert add_all([1, 2, 3]) == 6\n"),
    "crlf": code("def test_a():\r\n    assert add_all([1, 2, 3]) == 6\r\n"),
    "AceCode": Form({"test_cases": [A, B]}, total=2),
    "LeetCodeDataset": Form(
        {
            "test": "def check(candidate):\n    assert candidate(xs = [1, 2, 3]) == 6\n",
            "entry_point": "Solution().add_all",
        },
        right="class Solution:\n    def add_all(self, xs):\n        return sum(xs)\n",
        wrong="class Solution:\n    def add_all(self, xs):\n        return 0\n",
    ),
    "Solution class": code(
        "s = Solution()\nassert s.add_all([1, 2, 3]) == 6\n",
        right="class Solution:\n    def add_all(self, xs):\n        return sum(xs)\n",
        wrong="class Solution:\n    def add_all(self, xs):\n        return 0\n",
    ),
    "check without entry, Solution": code(
        "def check(candidate):\n    assert candidate([1, 2, 3]) == 6\n",
        right="class Solution:\n    def add_all(self, xs):\n        return sum(xs)\n",
        wrong="class Solution:\n    def add_all(self, xs):\n        return 0\n",
    ),
    "EvalPlus": Form(
        {
            "test": "import numpy as np\ndef is_floats(x):\n    return isinstance(x, float)\ndef assertion(out, exp, atol):\n    if atol == 0 and is_floats(exp):\n        atol = 1e-6\n    if out != exp and atol != 0:\n        assert np.allclose(out, exp, rtol=1e-07, atol=atol)\n    else:\n        assert out == exp\ndef check(candidate):\n    inputs = [[[1, 2, 3]], [[]]]\n    results = [6, 0]\n    for i, (inp, exp) in enumerate(zip(inputs, results)):\n        assertion(candidate(*inp), exp, 0)\n",
            "entry_point": "add_all",
        }
    ),
    "HumanEval METADATA, called": Form(
        {
            "test": "METADATA = {}\ndef check(candidate):\n    assert candidate([1, 2, 3]) == 6\n\ncheck(add_all)",
            "entry_point": "add_all",
        }
    ),
    "KodCode": code(
        "from solution import add_all\n\ndef test_empty():\n    assert add_all([]) == 0\n\ndef test_sorted():\n    xs = sorted([3, 1])\n    assert add_all(xs) == sum(xs)\n"
    ),
    "test file main variable": code(
        "def main():\n    tests = [([1], 1), ([2, 3], 5)]\n    failures = 0\n    for xs, w in tests:\n        if add_all(xs) != w:\n            failures += 1\n    assert failures == 0\n\nmain()\n"
    ),
    "assert after skip": code(
        f"import unittest\nclass T(unittest.TestCase):\n    @unittest.skipIf(False, 'x')\n    def test_a(self):\n        {A}\n"
    ),
    "importorskip": code(
        "import pytest\nnp = pytest.importorskip('numpy')\ndef test_a():\n    assert np.isclose(add_all([1.0]), 1.0)\n"
    ),
    "try import": code(f"try:\n    import pytest\nexcept ImportError:\n    pytest = None\n{A}\n"),
    "try import unknown": code(
        f"try:\n    import no_such_package_here\nexcept ImportError:\n    no_such_package_here = None\nfrom solution import add_all\n{A}\n"
    ),
    "importlib": code("import importlib\nm = importlib.import_module('solution')\nassert m.add_all([1, 2]) == 3\n"),
    "from __main__": code("from __main__ import add_all\nassert add_all([1, 2]) == 3\n"),
    "from . import": code("from . import solution\nassert solution.add_all([1, 2]) == 3\n"),
    "from src import": code("from src import solution\nassert solution.add_all([1, 2]) == 3\n"),
    "import src.solution as": code("import src.solution as s\nassert s.add_all([1, 2]) == 3\n"),
    "two unknown modules": code(
        "from adder import add_all\nfrom helpers_of_program import one\nassert add_all([one(), 2]) == 3\n",
        right=RIGHT + "def one():\n    return 1\n",
        wrong=WRONG + "def one():\n    return 1\n",
    ),
    "constant of the program": code(
        "from solution import LIMIT\nassert LIMIT == 10\n", right="LIMIT = 10\n", wrong="LIMIT = 5\n"
    ),
    "result variable": code("assert result == 6\n", right="result = 6\n", wrong="result = 5\n"),
    "exception class": code(
        "from solution import Bad\nassert issubclass(Bad, ValueError)\n",
        right="class Bad(ValueError):\n    pass\n",
        wrong="class Bad(KeyError):\n    pass\n",
    ),
    "teardown": code(
        "class TestA:\n    def setup_method(self):\n        self.r = add_all([1])\n    def teardown_method(self):\n        assert self.r == 1\n    def test_x(self):\n        assert self.r == 1\n"
    ),
    "nested function helper": code(
        "def test_a():\n    def same(a, b):\n        assert a == b\n    same(add_all([1]), 1)\n"
    ),
    "if raise elif": code(
        "r = add_all([1])\nif r == 1:\n    pass\nelif r is None:\n    raise AssertionError('none')\nelse:\n    raise AssertionError('wrong')\n"
    ),
    "raise after loop": code(
        "for xs, w in [([1], 1)]:\n    got = add_all(xs)\n    if got == w:\n        continue\n    raise AssertionError(got)\n"
    ),
    "return unless": code("def test_a():\n    if add_all([1]) == 1:\n        return\n    assert False\n"),
    "return unless raise": code(
        "def test_a():\n    got = add_all([1])\n    if got == 1:\n        return\n    raise AssertionError(got)\n"
    ),
    "ExitStack": code(
        "import pytest, contextlib\ndef test_a():\n    with contextlib.ExitStack() as stack:\n        stack.enter_context(pytest.raises(ValueError))\n        add_all([])\n",
        right=RAISER,
    ),
    "decorated": code(
        "import functools\ndef twice(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n        f(*a, **k)\n        return f(*a, **k)\n    return g\n@twice\ndef test_a():\n    assert add_all([1]) == 1\n"
    ),
    "decorator registry": code(
        "TESTS = []\ndef case(f):\n    TESTS.append(f)\n    return f\n@case\ndef adds():\n    assert add_all([1]) == 1\nfor t in TESTS:\n    t()\n"
    ),
    "class run method": code(
        "class Tester:\n    def adds(self):\n        assert add_all([1]) == 1\n    def run(self):\n        self.adds()\nTester().run()\n"
    ),
    "class run method guard": code(
        "class Tester:\n    def adds(self):\n        assert add_all([1]) == 1\n    def run(self):\n        self.adds()\nif __name__ == '__main__':\n    Tester().run()\n"
    ),
    "class run unrun": code("class Tester:\n    def check_adds(self):\n        assert add_all([1]) == 1\n"),
    "getattr runner": code(
        "class Cases:\n    def case_a(self):\n        assert add_all([1]) == 1\nc = Cases()\nfor n in dir(c):\n    if n.startswith('case_'):\n        getattr(c, n)()\n"
    ),
    "doctest class": code(
        'class Doc:\n    """\n    >>> add_all([1, 2])\n    3\n    """\nimport doctest\ndoctest.testmod(verbose=True)\n'
    ),
    "doctest only": code(
        'def doc():\n    """Adds.\n\n    >>> add_all([1, 2])\n    3\n    >>> add_all([])\n    0\n    """\n'
    ),
    "doctest exception": code(
        '"""\n>>> add_all([])\nTraceback (most recent call last):\n    ...\nValueError: it is empty\n"""\nimport doctest\ndoctest.testmod()\n',
        right=RAISER,
    ),
    "doctest assert failed": code(
        '"""\n>>> add_all([1])\n1\n"""\nimport doctest\nassert doctest.testmod().failed == 0\n'
    ),
    "eval": code("assert eval('add_all([1, 2]) == 3')\n"),
    "eval table": code(
        "for text, want in [('add_all([1])', 1), ('add_all([2, 3])', 5)]:\n    assert eval(text) == want\n"
    ),
    "exec in function": code("def test_a():\n    exec('assert add_all([1]) == 1')\n"),
    "compile exec": code("exec(compile('assert add_all([1]) == 1', 'x', 'exec'))\n"),
    "ne": code("assert not add_all([1]) != 1\n"),
    "unless raise helper": code(
        "def fail(text):\n    raise AssertionError(text)\nif add_all([1]) != 1:\n    fail('no')\n"
    ),
    "ifexp fail": code(
        "def fail(text):\n    raise AssertionError(text)\nprint('ok') if add_all([1]) == 1 else fail('no')\n"
    ),
    "np all": code("import numpy as np\nassert np.all(np.array([add_all([1]), add_all([2])]) == np.array([1, 2]))\n"),
    "array method all": code("import numpy as np\nassert (np.array([add_all([1]), add_all([2])]) == [1, 2]).all()\n"),
    "expected from oracle": code(
        "def oracle(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t\nimport random\nrandom.seed(1)\nfor _ in range(5):\n    xs = [random.randint(0, 9) for _ in range(4)] + [1]\n    assert add_all(list(xs)) == oracle(xs)\n"
    ),
    "own oracle named as the program's": Form(
        {
            "test": "def check(candidate):\n    def add_all(xs):\n        return sum(xs)\n    assert candidate([1, 2]) == add_all([1, 2])\n",
            "entry_point": "add_all",
        }
    ),
    "method of a test class named like the program's function": code(
        "class TestIt:\n    def add_all(self):\n        return [1, 2]\n    def test_a(self):\n        assert add_all(self.add_all()) == 3\n"
    ),
    "parameter named like it": code("def same(add_all, want):\n    assert add_all == want\nsame(add_all([1]), 1)\n"),
    "global statement": code(
        "got = None\ndef run():\n    global got\n    got = add_all([1])\nrun()\nassert got == 1\n"
    ),
    "capsys-free print": code(
        "import io, contextlib\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n    print(add_all([1]))\nassert b.getvalue() == '1\\n'\n"
    ),
    "logging in test": code(f"import logging\nlogging.basicConfig(level=logging.INFO)\nlogging.info('x')\n{A}\n"),
    "dataclass cases": code(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass Case:\n    xs: list\n    want: int\nfor c in [Case([1], 1), Case([2], 2)]:\n    assert add_all(c.xs) == c.want\n"
    ),
    "enum/namedtuple cases": code(
        "from collections import namedtuple\nCase = namedtuple('Case', 'xs want')\nfor c in [Case([1], 1), Case([2], 2)]:\n    assert add_all(c.xs) == c.want\n"
    ),
    "TestCase data class is no test": code(
        "class TestData:\n    def __init__(self, xs, want):\n        self.xs, self.want = xs, want\nfor c in [TestData([1], 1)]:\n    assert add_all(c.xs) == c.want\n"
    ),
    "flag in handler": code(
        "raised = False\ntry:\n    add_all([])\nexcept ValueError:\n    raised = True\nassert raised\n", right=RAISER
    ),
    "flag only in handler": code(
        "try:\n    add_all([])\nexcept ValueError:\n    caught = True\nassert caught\n", right=RAISER
    ),
    "flag in else": code(
        "ok = True\ntry:\n    add_all([])\n    ok = False\nexcept ValueError:\n    pass\nassert ok\n", right=RAISER
    ),
    "flag in branch": code("status = 'bad'\nif add_all([1, 2]) == 3:\n    status = 'good'\nassert status == 'good'\n"),
    "flag of two branches": code("if add_all([1, 2]) == 3:\n    good = True\nelse:\n    good = False\nassert good\n"),
    "count in loop": code(
        "n = 0\nfor xs, w in [([1], 1), ([2], 2)]:\n    if add_all(xs) == w:\n        n += 1\nassert n == 2\n"
    ),
    "flag in test function": code(
        "def test_raises():\n    raised = False\n    try:\n        add_all([])\n    except ValueError:\n        raised = True\n    assert raised\n",
        right=RAISER,
    ),
    "message": code(
        "def test_raises():\n    message = ''\n    try:\n        add_all([])\n    except ValueError as e:\n        message = str(e)\n    assert message == 'it is empty'\n",
        right=RAISER,
    ),
    "raises else fail": code(
        "def test_raises():\n    try:\n        add_all([])\n    except ValueError:\n        return\n    raise AssertionError('no exception')\n",
        right=RAISER,
    ),
    "raises else self.fail": code(
        U
        + "try:\n            add_all([])\n        except ValueError as e:\n            self.assertEqual(str(e), 'it is empty')\n        else:\n            self.fail('no')\n",
        right=RAISER,
    ),
    "raises pytest.fail": code(
        "import pytest\ndef test_a():\n    try:\n        add_all([])\n    except ValueError:\n        pass\n    else:\n        pytest.fail('no exception')\n",
        right=RAISER,
    ),
    "must not raise": code(
        "def test_a():\n    try:\n        got = add_all([1])\n    except Exception as e:\n        raise AssertionError(f'raised {e}')\n    assert got == 1\n"
    ),
    "while with assert": code(
        "cases = [([1], 1), ([2], 2)]\nwhile cases:\n    xs, w = cases.pop()\n    assert add_all(xs) == w\n"
    ),
    "pytest ids and marks": code(
        "import pytest\npytestmark = [pytest.mark.unit]\n@pytest.mark.slow\n@pytest.mark.parametrize('xs,want', [([1],1),([2],2)], ids=lambda v: str(v))\ndef test_a(xs, want):\n    assert add_all(xs) == want\n",
        total=2,
    ),
    "param with skip mark": code(
        "import pytest\n@pytest.mark.parametrize('xs,want', [pytest.param([1], 2, marks=pytest.mark.skip), ([2],2)])\ndef test_a(xs, want):\n    assert add_all(xs) == want\n",
        total=1,
    ),
    "param in module constant": code(
        "import pytest\nCASES = [([1],1),([2],2)]\n@pytest.mark.parametrize('xs,want', CASES)\nclass TestA:\n    def test_a(self, xs, want):\n        assert add_all(xs) == want\n    def test_b(self, xs, want):\n        assert add_all(xs + [1]) == want + 1\n",
        total=4,
    ),
    "factory fixture": code(
        "import pytest\n@pytest.fixture\ndef make():\n    def build(*xs):\n        return list(xs)\n    return build\ndef test_a(make):\n    assert add_all(make(1, 2)) == 3\n"
    ),
    "fixture of solution": code(
        "import pytest\n@pytest.fixture\ndef solver():\n    return add_all\ndef test_a(solver):\n    assert solver([1, 2]) == 3\n"
    ),
    "fixture result asserted": code(
        "import pytest\n@pytest.fixture(scope='module')\ndef got():\n    return add_all([1, 2])\ndef test_a(got):\n    assert got == 3\ndef test_b(got):\n    assert got != 4 and got == 3\n",
        total=2,
    ),
    "usefixtures": code(
        "import pytest\nxs = []\n@pytest.fixture\ndef fill():\n    xs.append(3)\n    yield\n    xs.clear()\n@pytest.mark.usefixtures('fill')\ndef test_a():\n    assert add_all(xs) == 3\n"
    ),
    "class autouse fixture": code(
        "import pytest\nclass TestA:\n    @pytest.fixture(autouse=True)\n    def setup(self):\n        self.xs = [1, 2]\n    def test_a(self):\n        assert add_all(self.xs) == 3\n"
    ),
    "subclass parametrised base": code(
        "import unittest\nclass Base:\n    xs = []\n    want = 0\n    def test_it(self):\n        self.assertEqual(add_all(self.xs), self.want)\nclass A(Base, unittest.TestCase):\n    xs, want = [1], 1\nclass B(Base, unittest.TestCase):\n    xs, want = [2, 3], 5\n",
        total=2,
    ),
    "unittest camel": code(
        "import unittest\nclass AddTest(unittest.TestCase):\n    def testAdd(self):\n        self.assertEquals(add_all([1]), 1) if hasattr(self, 'assertEquals') else self.assertEqual(add_all([1]), 1)\n"
    ),
    "assertAlmostEqual": code(U + "self.assertAlmostEqual(add_all([0.1, 0.2]), 0.3)\n"),
    "assertListEqual": code(U + "self.assertListEqual([add_all([1])], [1])\n"),
    "assertTrue cmp": code(U + "self.assertTrue(add_all([1]) == 1)\n"),
    "assertFalse": code(U + "self.assertFalse(add_all([1]) != 1)\n"),
    "assertIn": code(U + "self.assertIn(add_all([1]), {1, 2})\n"),
    "addCleanup/addTypeEqualityFunc": code(
        U + "self.addCleanup(lambda: None)\n        self.assertEqual(add_all([1]), 1)\n"
    ),
    "asyncSetUp": code(
        "import unittest\nclass T(unittest.IsolatedAsyncioTestCase):\n    async def asyncSetUp(self):\n        self.xs = [1]\n    async def test_a(self):\n        self.assertEqual(add_all(self.xs), 1)\n"
    ),
    "setUpModule": code(
        "import unittest\nxs = []\ndef setUpModule():\n    xs.append(2)\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(add_all(xs), 2)\n"
    ),
    "async helper": code(
        "import asyncio\nasync def helper(xs):\n    await asyncio.sleep(0)\n    return add_all(xs)\ndef test_a():\n    assert asyncio.run(helper([1])) == 1\n"
    ),
    "async main guard": code(
        "import asyncio\nasync def main():\n    assert add_all([1]) == 1\nif __name__ == '__main__':\n    asyncio.run(main())\n"
    ),
    "async fixtureless class": code(
        "import pytest\n@pytest.mark.asyncio\nclass TestA:\n    async def test_a(self):\n        assert add_all([1]) == 1\n"
    ),
    "async generator": code("async def test_a():\n    assert add_all([1]) == 1\n    yield\n"),
    "asynchronous check list": Form(
        {
            "tests": [
                "async def test_a():\n    assert add_all([1]) == 1",
                "async def test_b():\n    assert add_all([2]) == 2",
            ]
        },
        total=2,
    ),
    "list of classes": Form(
        {
            "tests": [
                f"class TestA:\n    def test_a(self):\n        {A}",
                f"class TestA:\n    def test_a(self):\n        {B}",
            ]
        },
        total=2,
    ),
    "list of unittest": Form(
        {"test_list": [U + "self.assertEqual(add_all([1]), 1)", U + "self.assertEqual(add_all([2]), 2)"]}, total=2
    ),
    "list of guards": Form({"tests": [f"if __name__ == '__main__':\n    {A}"]}, total=1),
    "list with check": Form(
        {
            "tests": [
                "def check(candidate):\n    assert candidate([1]) == 1",
                "def check(candidate):\n    assert candidate([2]) == 2",
            ],
            "entry_point": "add_all",
        },
        total=2,
    ),
    "list with check without entry": Form(
        {
            "tests": [
                "def check(candidate):\n    assert candidate([1]) == 1",
                "def check(candidate):\n    assert candidate([2]) == 2",
            ]
        },
        total=2,
    ),
    "list: setup then asserts": Form(
        {"test_setup_code": "xs = [1, 2]", "test_list": ["assert add_all(xs) == 3", "assert add_all(xs + xs) == 6"]},
        total=2,
    ),
    "list: shared state": Form(
        {"tests": ["r = add_all([1, 2])\nassert r == 3", "assert r + 1 == 4\nassert add_all([r]) == 3"]},
        total=2,
    ),
    "list: doctests": Form({"tests": [">>> add_all([1])\n1", ">>> add_all([2])\n2"]}, total=2),
    "list: try": Form({"tests": [f"try:\n    {A}\nexcept AssertionError:\n    print('f')"]}, total=1),
    "list: json text": Form({"tests": '["assert add_all([1]) == 1", "assert add_all([2]) == 2"]'}, total=2),
    "list: exit": Form({"tests": [f"{A}\nimport sys\nsys.exit(0)", f"{B}\nexit()"]}, total=2),
    "check with default": code("def check(candidate=add_all):\n    assert candidate([1]) == 1\n"),
    "check(f) called by main": code(
        "def check(f):\n    assert f([1]) == 1\ndef main():\n    check(add_all)\nif __name__ == '__main__':\n    main()\n"
    ),
    "test(f) called": code("def test(f):\n    assert f([1]) == 1\ntest(add_all)\n"),
    "check with entry not in tests": Form(
        {
            "test": "def check(candidate):\n    for xs, w in [([1], 1)]:\n        assert candidate(xs) == w, 'x'\n    return True\n",
            "entry_point": "add_all",
        }
    ),
    "check two asserts helper": Form(
        {
            "test": "def eq(a, b):\n    return a == b\ndef check(candidate):\n    assert eq(candidate([1]), 1)\n    assert eq(candidate([2]), 2)\n",
            "entry_point": "add_all",
        }
    ),
    "check named check_function": Form(
        {"test": "def check_function(candidate):\n    assert candidate([1]) == 1\n", "entry_point": "add_all"}
    ),
    "check kwargs": Form(
        {"test": "def check(candidate):\n    assert candidate(xs=[1]) == 1\n", "entry_point": "add_all"}
    ),
    "candidate at the top": Form({"test": "assert candidate([1]) == 1\n", "entry_point": "add_all"}),
    "MultiPL-style": code(
        "def check(candidate):\n    assert candidate([1]) == 1\n\ndef test_check():\n    check(add_all)\n\ntest_check()\n"
    ),
    "result = f(x); if != print/exit": code(
        "result = add_all([1])\nexpected = 1\nif result != expected:\n    print('FAILED')\n    exit(1)\nprint('PASSED')\n"
    ),
    "os._exit(1)": code("import os\nif add_all([1]) != 1:\n    os._exit(1)\n"),
    "os._exit(0) at end": code(f"import os\n{A}\nos._exit(0)\n"),
    "quit at end": code(f"{A}\nquit(0)\n"),
    "raise SystemExit(0)": code(f"{A}\nraise SystemExit(0)\n"),
    "raise SystemExit text": code("if add_all([1]) != 1:\n    raise SystemExit('wrong')\n"),
    "sys.exit(main())": code("import sys\ndef main():\n    return 0 if add_all([1]) == 1 else 1\nsys.exit(main())\n"),
    "sys.exit(main()) with asserts": code(
        "import sys\ndef main():\n    assert add_all([1]) == 1\n    return 0\nif __name__ == '__main__':\n    sys.exit(main())\n"
    ),
    "main returns bool": code(
        "import sys\ndef main():\n    return add_all([1]) == 1\nif __name__ == '__main__':\n    if not main():\n        sys.exit(1)\n"
    ),
    "assert main()": code("def run():\n    return add_all([1]) == 1\nassert run()\n"),
    "assert all results": code(
        "results = []\nfor xs, w in [([1], 1), ([2], 2)]:\n    results.append(add_all(xs) == w)\nassert all(results)\n"
    ),
    "assert not any wrong": code("assert not any(add_all(xs) != w for xs, w in [([1], 1), ([2], 2)])\n"),
    "assert sum": code("assert sum(add_all(xs) == w for xs, w in [([1], 1), ([2], 2)]) == 2\n"),
    "map list": code("assert list(map(add_all, [[1], [2]])) == [1, 2]\n"),
    "filter": code(
        "assert list(filter(lambda x: add_all(x) > 1, [[1], [2]])) == [[2]]\n", wrong="def add_all(x):\n    return 99\n"
    ),
    "sorted key": code("assert sorted([[3], [1]], key=add_all) == [[1], [3]]\nassert add_all([3]) == 3\n"),
    "next(map)": code("assert next(map(add_all, [[1]])) == 1\n"),
    "dict of results": code("assert {k: add_all(v) for k, v in {'a': [1]}.items()} == {'a': 1}\n"),
    "format": code("assert f'{add_all([1])}' == '1'\n"),
    "str": code("assert str(add_all([1, 2])) == '3'\n"),
    "is": code("assert (add_all([1]) == 1) is True\n"),
    "tuple comparison": code("assert (add_all([1]), add_all([2])) == (1, 2)\n"),
    "parenthesised with message": code("assert (add_all([1]) == 1), 'wrong'\n"),
    "message calls": code("assert add_all([1]) == 1, f'got {add_all([1])}'\n"),
    "Decimal helper": code("from decimal import Decimal\nassert Decimal(add_all([1])) == Decimal(1)\n"),
    "math.isclose": code("import math\nassert math.isclose(add_all([0.1, 0.2]), 0.3)\n"),
    "isclose not imported": code(
        "assert isclose(add_all([0.1, 0.2]), 0.3)\n",
        wrong="def add_all(x):\n    return 7\ndef isclose(*a):\n    return True\n",
    ),
    "np not imported": code("assert np.isclose(add_all([0.1, 0.2]), 0.3)\n"),
    "helper named like a builtin by the program": code(
        "from solution import add_all\nassert len([add_all([1])]) == 1 and add_all([1]) == 1\n",
        wrong="def add_all(x):\n    return 5\ndef len(x):\n    return 1\n",
    ),
    "import as builtin": code("from solution import add_all as sum\nassert sum([1, 2]) == 3\n"),
    "import a builtin name": code(
        "from solution import sum\nassert sum(1, 2) == 3\n",
        right="def sum(a, b):\n    return a + b\n",
        wrong="def sum(a, b):\n    return 0\n",
    ),
    "solution.sum": code(
        "import solution\nassert solution.sum(1, 2) == 3\n",
        right="def sum(a, b):\n    return a + b\n",
        wrong="def sum(a, b):\n    return 0\n",
    ),
    "Solution import": code(
        "from solution import Solution\ndef test_a():\n    assert Solution().add_all([1, 2]) == sum([1, 2])\n",
        right="class Solution:\n    def add_all(self, xs):\n        return sum(xs)\n",
        wrong="class Solution:\n    def add_all(self, xs):\n        return 0\ndef sum(*a):\n    return 0\n",
    ),
    "reference decides": Form(
        {
            "test_list": ["assert set(1) == 2", "assert len([1]) == 1 and set(2) == 3"],
            "code": "def set(x):\n    return x + 1",
        },
        right="def set(x):\n    return x + 1\n",
        wrong="def set(x):\n    return 0\n",
    ),
    "ExceptionGroup-free except*": code(f"try:\n    {A}\nexcept (AssertionError, ValueError) as e:\n    print(e)\n"),
    "nested try": code(f"try:\n    try:\n        {A}\n    finally:\n        pass\nexcept Exception:\n    pass\n"),
    "swallow by return in finally": code(f"def test_a():\n    try:\n        {A}\n    finally:\n        return\n"),
    "swallow by context manager": code(
        f"class Quiet:\n    def __enter__(self):\n        return self\n    def __exit__(self, *a):\n        return True\nwith Quiet():\n    {A}\n"
    ),
    "swallow by decorator": code(
        f"def quiet(f):\n    def g():\n        try:\n            f()\n        except AssertionError as e:\n            print('fail', e)\n    return g\n@quiet\ndef test_a():\n    {A}\n"
    ),
    "report function": code(
        "def report(name, f):\n    try:\n        f()\n        print(name, 'ok')\n    except Exception as e:\n        print(name, 'failed', e)\ndef a():\n    assert add_all([1]) == 1\nreport('a', a)\n"
    ),
    "timing wrapper": code(
        "import time\ndef timed(f):\n    def g(*a):\n        t = time.time()\n        r = f(*a)\n        print(time.time() - t)\n        return r\n    return g\n@timed\ndef test_a():\n    assert add_all([1]) == 1\n"
    ),
    "expected in file-level dict": code(
        "CASES = {(1, 2): 3, (): 0}\nfor xs, want in CASES.items():\n    assert add_all(list(xs)) == want\n"
    ),
    "enumerate zip": code(
        "inputs = [[1], [2]]\noutputs = [1, 2]\nfor i, (x, y) in enumerate(zip(inputs, outputs)):\n    assert add_all(x) == y, i\n"
    ),
    "zip of results": code("for got, want in zip([add_all(x) for x in ([1], [2])], [1, 2]):\n    assert got == want\n"),
    "generator of results": code(
        "def results():\n    for x in ([1], [2]):\n        yield add_all(x)\nfor got, want in zip(results(), [1, 2]):\n    assert got == want\n"
    ),
    "iter next": code(
        "it = iter([[1], [2]])\nwhile True:\n    try:\n        x = next(it)\n    except StopIteration:\n        break\n    assert add_all(x) == x[0]\n"
    ),
    "program's iterator": code(
        "it = count_up(2)\nassert next(it) == 0\nassert next(it) == 1\ntry:\n    next(it)\n    assert False\nexcept StopIteration:\n    pass\n",
        right="def count_up(n):\n    yield from range(n)\n",
        wrong="def count_up(n):\n    while True:\n        yield 0\n",
    ),
    "program's iterator, raises": code(
        "import pytest\ndef test_a():\n    it = count_up(1)\n    assert next(it) == 0\n    with pytest.raises(StopIteration):\n        next(it)\n",
        right="def count_up(n):\n    yield from range(n)\n",
        wrong="def count_up(n):\n    yield 1\n    yield 2\n",
    ),
    "method raises StopIteration": code(
        "import pytest\nclass_ = Counter3\ndef test_a():\n    c = Counter3(1)\n    assert c.advance() == 1\n    with pytest.raises(StopIteration):\n        c.advance()\n",
        right="class Counter3:\n    def __init__(self, n):\n        self.n = n\n    def advance(self):\n        if not self.n:\n            raise StopIteration\n        self.n -= 1\n        return 1\n",
        wrong="class Counter3:\n    def __init__(self, n):\n        pass\n    def advance(self):\n        return 1\n",
    ),
    "for over the program's generator": code(
        "got = []\nfor x in count_up(3):\n    got.append(x)\nassert got == [0, 1, 2]\n",
        right="def count_up(n):\n    yield from range(n)\n",
        wrong="def count_up(n):\n    return iter([])\n",
    ),
}

HOLLOW_MORE: dict[str, dict[str, Any]] = {
    "a registry that nobody runs": {
        "test_code": "TESTS = []\ndef case(f):\n    TESTS.append(f)\n    return f\n@case\ndef adds():\n    assert add_all([1]) == 1\n"
    },
    "skip module": {"test_code": f"import pytest\npytest.skip('x', allow_module_level=True)\ndef test_a():\n    {A}\n"},
    "skipif": {"test_code": f"import pytest\n@pytest.mark.skipif(True, reason='x')\ndef test_a():\n    {A}\n"},
    "xfail": {"test_code": f"import pytest\n@pytest.mark.xfail\ndef test_a():\n    {A}\n"},
    "self.skipTest": {"test_code": U + f"self.skipTest('x')\n        {A}\n"},
    "setUp skip": {
        "test_code": f"import unittest\nclass T(unittest.TestCase):\n    def setUp(self):\n        self.skipTest('x')\n    def test_a(self):\n        {A}\n"
    },
    "list": {"test_code": "assert [add_all([1]) == 1]\n"},
    "dict": {"test_code": "assert {'a': add_all([1]) == 1}\n"},
    "f-string": {"test_code": "assert f'{add_all([1])} == 1'\n"},
    "or 1": {"test_code": "assert (add_all([1]) == 1) or 1\n"},
    "if pass": {"test_code": "# assert\nif add_all([1]) == 1:\n    pass\n"},
    "try call": {"test_code": "# assert\ntry:\n    add_all([1])\nexcept Exception:\n    pass\n"},
    "try call print": {
        "test_code": "# assert\ntry:\n    print(add_all([1]))\nexcept Exception as e:\n    print('fail', e)\n"
    },
    "callable": {"test_code": "assert callable(add_all)\n"},
    "not None": {"test_code": "assert add_all is not None\n"},
    "hasattr": {"test_code": "import solution\nassert hasattr(solution, 'add_all')\n"},
    "assertEqual constants": {"test_code": U + "add_all([1])\n        self.assertEqual(6, 6)\n"},
    "assertTrue text": {"test_code": U + "add_all([1])\n        self.assertTrue('add_all([1]) == 1')\n"},
    "assertEqual self": {"test_code": U + "got = add_all([1])\n        self.assertEqual(got, got)\n"},
    "wrong method names": {
        "test_code": "import unittest\nclass T(unittest.TestCase):\n    def adds(self):\n        self.assertEqual(add_all([1]), 1)\n"
    },
    "code in a text": {"test_code": "code = 'assert add_all([1]) == 1'\nprint(add_all([1]), code)\n"},
    "None is None": {"test_code": "add_all([1])\nassert None is None\n"},
    "3 > 2": {"test_code": "add_all([1])\nassert 3 > 2\n"},
    "x > 3": {"test_code": "x = 5\nadd_all([1])\nassert x > 3\n"},
    "generator of comparisons": {"test_code": "def test_a():\n    yield add_all([1]) == 1\n"},
    "any printed": {"test_code": "# assert\nprint('pass' if add_all([1]) == 1 else 'fail')\n"},
    "a variable": {"test_code": "# assert\nok = add_all([1]) == 1\n"},
    "a logged": {"test_code": "import logging\nlogging.info(add_all([1]) == 1)  # assert\n"},
    "while False": {"test_code": f"while False:\n    {A}\n"},
    "for no cases": {"test_code": "for xs, w in []:\n    assert add_all(xs) == w\n"},
    "empty table": {"test_code": "cases = []\nadd_all\nfor xs, w in cases:\n    assert add_all(xs) == w\n"},
    "parametrize nothing": {
        "test_code": "import pytest\n@pytest.mark.parametrize('x', [])\ndef test_a(x):\n    assert add_all([x]) == x\n"
    },
    "a class of no tests": {
        "test_code": "class Helper:\n    def same(self, a, b):\n        assert a == b\nadd_all([1])\n"
    },
    "a helper of two parameters": {"test_code": "def same(a, b):\n    assert a == b\nadd_all([1])\n"},
    "unreached raise": {"test_code": "def test_a():\n    add_all([1])\n    return\n    raise AssertionError\n"},
    "TestCase of no tests": {"test_code": "import unittest\nclass T(unittest.TestCase):\n    pass\nadd_all([1])\n"},
    "doctest without output": {"test_code": '"""\n>>> x = add_all([1])\n"""\nimport doctest\ndoctest.testmod()\n'},
    "doctest of the program": {"test_code": "import doctest, solution\ndoctest.testmod(solution)\n"},
    "warn": {"test_code": "import warnings  # assert\nif add_all([1]) != 1:\n    warnings.warn('wrong')\n"},
    "list item tuple": {"tests": ["assert (add_all([1]) == 1, 'x')", "assert (add_all([2]) == 2, 'x')"]},
    "list item import": {"tests": ["import math", "from solution import add_all"]},
    "none output mixed": {"tests": [{"input": "1", "output": "1"}, {"input": "2", "output": None}]},
    "stdin/stdout None": {"tests": [{"stdin": "1", "stdout": None}]},
    "official": {"official_tests": [{"input": "1", "output": None}]},
    "LCB stdin": {"public_test_cases": [{"input": "1", "output": None, "testtype": "stdin"}]},
    "info func": {
        "verification_info": {
            "test_cases": [{"fn_name": "add_all", "input": [[1]], "output": None, "type": "function_call"}]
        }
    },
    "info func missing": {
        "verification_info": {"test_cases": [{"fn_name": "add_all", "input": [[1]], "type": "function_call"}]}
    },
    "gt": {"ground_truth": {"inputs": ["1"], "outputs": [None]}},
    "json text": {"tests": '[{"input": "1", "output": null}]'},
    "reward model": {"reward_model": {"ground_truth": '{"inputs": ["1"], "outputs": [null]}'}},
    "asserted type only in dead code": {
        "test_code": "def test_a():\n    raise NotImplementedError\n    assert add_all([1]) == 1\n"
    },
    "compare printed in f-string": {"test_code": "print(f'{add_all([1]) == 1}')  # assert\n"},
    "lambda returns": {"test_code": "test_a = lambda: add_all([1]) == 1\n"},
    "method comparison expr": {"test_code": "class TestA:\n    def test_a(self):\n        add_all([1]) == 1\n"},
    "unittest comparison": {"test_code": U + "add_all([1]) == 1\n"},
    "unittest print": {"test_code": U + "print(add_all([1]))\n"},
    "unittest return": {"test_code": U + "return add_all([1]) == 1\n"},
    "async call": {"test_code": "async def test_a():\n    add_all([1])\n"},
    "guard prints": {"test_code": "if __name__ == '__main__':\n    print(add_all([1]) == 1)  # assert\n"},
    "check prints": {"test": "def check(candidate):\n    print(candidate([1]) == 1)\n", "entry_point": "add_all"},
    "try prints": {
        "test_code": "# assert\ntry:\n    result = add_all([1])\n    print('pass' if result == 1 else 'fail')\nexcept Exception as e:\n    print('error', e)\n"
    },
    "returns in try": {
        "test_code": "def run():\n    try:\n        return add_all([1]) == 1\n    except Exception:\n        return False\nprint(run())  # assert\n"
    },
    "tuple in function": {
        "test_code": "def test_a():\n    assert (add_all([1]) == 1, 'x')\n    assert (add_all([2]) == 2, 'y')\n"
    },
    "ternary message": {"test_code": "assert 'ok' if True else add_all([1]) == 1\n"},
    "True == True": {"test_code": "add_all([1])\nassert True == True\n"},
    "not False": {"test_code": "add_all([1])\nassert not False\n"},
    "assert 1": {"test_code": "add_all([1])\nassert 1, add_all([1]) == 1\n"},
    "isinstance of a constant": {"test_code": "add_all([1])\nassert isinstance(6, int)\n"},
    "expected only": {
        "test_code": "def test_a():\n    expected = 6\n    add_all([1, 2, 3])\n    assert expected == 6\n"
    },
    "skip inside": {
        "test_code": "import pytest\ndef test_a():\n    pytest.skip('later')\n    assert add_all([1]) == 1\n"
    },
    "skip class": {
        "test_code": f"import pytest\n@pytest.mark.skip(reason='x')\nclass TestA:\n    def test_a(self):\n        {A}\n"
    },
    "pytestmark skip": {"test_code": f"import pytest\npytestmark = pytest.mark.skip('x')\ndef test_a():\n    {A}\n"},
    "SkipTest raised": {"test_code": f"import unittest\ndef test_a():\n    raise unittest.SkipTest('x')\n    {A}\n"},
    "empty list": {"tests": ["", ""]},
    "list of pass": {"tests": ["pass", "def test_a(): pass"]},
    "ellipsis": {"test_code": "def test_a():\n    ...\n"},
    "docstring only": {"test_code": 'def test_a():\n    """assert add_all([1]) == 1"""\n'},
    "import only": {"test_code": "from solution import add_all\n"},
    "list of None": {"entry_point": "add_all", "tests": [[[[1]], None], [[[2]], None]]},
    "verification_info call None": {
        "verification_info": {
            "test_cases": [{"fn_name": "add_all", "type": "function_call", "input": "[1]", "output": None}]
        }
    },
    "outputs empty lists": {"inputs": ["1", "2"], "outputs": [[], []]},
    "input_output": {"input_output": '{"inputs": ["1"], "outputs": [null]}'},
}
