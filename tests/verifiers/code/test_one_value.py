"""Law: what a tested function gives back is one value; an object cannot tell each question of a test something else."""

from __future__ import annotations

import pytest

from veritune import get_reward

SORTED_AND_COUNTED = "assert sorted(uniq([2, 1, 2])) == [1, 2]\nassert len(uniq([5, 5])) == 1\n"
SUMMED_AND_COUNTED = "assert sum(parts(10)) == 10\nassert all(p > 0 for p in parts(10))\nassert len(parts(10)) == 4\n"
AS_A_SET = "assert set(uniq([1, 2, 1])) == {1, 2}\nassert isinstance(uniq([1]), list)\n"

LIES = {
    "a list that iterates as one thing and counts as another": (
        SORTED_AND_COUNTED,
        "class U(list):\n    def __iter__(self): return iter([1, 2])\n    def __len__(self): return 1\n"
        "def uniq(xs): return U()\n",
    ),
    "a list that adds up to what it does not hold": (
        SUMMED_AND_COUNTED,
        "class U(list):\n    def __len__(self): return 4\n    def __radd__(self, other): return 10\n"
        "    def __iter__(self): return iter([10])\ndef parts(n): return U()\n",
    ),
    "a list that holds one thing and iterates as another": (
        AS_A_SET,
        "class U(list):\n    def __iter__(self): return iter([1, 2])\ndef uniq(xs): return U([7])\n",
    ),
    "an object of no built-in type whose length is not that of what it holds": (
        SORTED_AND_COUNTED,
        "class U:\n    def __iter__(self): return iter([1, 2])\n    def __len__(self): return 1\n"
        "def uniq(xs): return U()\n",
    ),
    "an integer that is true of everything it is asked": (
        "assert half(4) == 2\nassert half(6) > 2\nassert str(half(4)) == '2'\n",
        "class N(int):\n    def __gt__(self, other): return True\n    def __int__(self): return 3\n"
        "def half(n): return N(2) if n == 4 else N(0)\n",
    ),
}

TRUE = {
    "fields of a named tuple that are called as a tuple's methods are": (
        "p = corner(3)\nassert p.count == 2 and p.index == 5 and p == (2, 5)\nassert len(p) == 2\n",
        "from collections import namedtuple\nP = namedtuple('P', 'count index')\ndef corner(n): return P(2, 5)\n",
    ),
    "a list with a method of its own": (
        "s = make([1, 2])\nassert s.total() == 3\nassert s == [1, 2] and len(s) == 2 and s[0] == 1\n",
        "class L(list):\n    def total(self): return sum(self)\ndef make(xs): return L(xs)\n",
    ),
    "a list whose class is what is tested": (
        "from solution import Bag\nb = Bag([1, 2, 2])\nassert len(b) == 2\nb.add(3)\nassert 3 in b and len(b) == 3\n",
        "class Bag(list):\n    def __init__(self, xs): super().__init__(sorted(set(xs)))\n"
        "    def add(self, x): self.append(x)\n",
    ),
    "a number with a text of its own": (
        "assert str(cash(3)) == '$3.00'\nassert cash(3) == 3.0\n",
        "class M(float):\n    def __str__(self): return '$%.2f' % float(self)\ndef cash(x): return M(x)\n",
    ),
}


def _value(tests: str, program: str) -> float | None:
    return get_reward("binary_code").score(f"```python\n{program}```", test_code=tests).value


@pytest.mark.parametrize("name", LIES)
def test_an_object_that_answers_each_question_differently_is_wrong(name: str) -> None:
    assert _value(*LIES[name]) == 0.0


@pytest.mark.parametrize("name", TRUE)
def test_a_subclass_of_a_built_in_type_keeps_what_is_its_own(name: str) -> None:
    assert _value(*TRUE[name]) == 1.0


def test_threads_of_the_tests_take_turns_with_the_program() -> None:
    tests = (
        "import threading\nfrom solution import Counter\nc = Counter()\n"
        "ts = [threading.Thread(target=lambda: [c.inc() for _ in range(20)]) for _ in range(3)]\n"
        "for t in ts:\n    t.start()\nfor t in ts:\n    t.join()\nassert c.value == 60\n"
    )
    program = "class Counter:\n    value = 0\n    def inc(self): self.value += {}\n"
    assert _value(tests, program.format(1)) == 1.0
    assert _value(tests, program.format(2)) == 0.0
