"""What mathematics reads as, and that reading is bounded."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from veritune.verifiers.math.syntax.cursor import ParseError
from veritune.verifiers.math.syntax.nodes import Based, Degree, Group, Listing, Matrix, Percent, Relation, SetOp, Unit
from veritune.verifiers.math.syntax.parser import parse
from veritune.verifiers.math.text.normalise import clean
from veritune.verifiers.math.values.exact import TooBigError, UndefinedError, exact

Rows = Callable[[str], list[dict[str, Any]]]

NUMBERS = [
    ("1,234", 1234),
    (r"1{,}234", 1234),
    (r"50,\!625", 50625),
    (r"10\,000", 10000),
    ("1 000 000", 1000000),
    (r"2\frac{1}{3}", Fraction(7, 3)),
    ("2 1/3", Fraction(7, 3)),
    ("2½", Fraction(5, 2)),
    (r"\frac12", Fraction(1, 2)),
    (r"\frac{1}2", Fraction(1, 2)),
    (r"2\cdot\frac13", Fraction(2, 3)),
    (r"0.1\overline{6}", Fraction(1, 6)),
    ("0.(3)", Fraction(1, 3)),
    ("0.363636...", Fraction(4, 11)),
    ("6.02e23", 602 * 10**21),
    (r"1.5\times10^{-3}", Fraction(3, 2000)),
    ("４２", 42),
    ("١٢", 12),
    ("−5", -5),
    ("2^10", 1024),
    (r"\sqrt{\frac{4}{9}}", Fraction(2, 3)),
    (r"\sqrt[3]{-8}", -2),
    (r"\binom{5}{2}", 10),
    ("5!", 120),
    ("三分之一", Fraction(1, 3)),
    ("负二", -2),
    ("3-2/4*2", 2),
    ("-2^2", -4),
    ("2^{-1}", Fraction(1, 2)),
]


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_numbers_have_their_exact_value(text: str, value: Fraction | int) -> None:
    assert exact(parse(clean(text))) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("(1,2)", Group),
        ("1,2", Listing),
        ("32, 349", Listing),
        ("[0,1)", Group),
        (r"(-\infty,2)\cup(3,5]", SetOp),
        ("x<2", Relation),
        (r"44\%", Percent),
        (r"90^\circ", Degree),
        ("1011_2", Based),
        (r"5\text{ cm}", Unit),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", Matrix),
    ],
)
def test_shapes(text: str, kind: type) -> None:
    assert isinstance(parse(text), kind)


@pytest.mark.parametrize("text", ["{", "1 2", r"\unknown{3}", "x^", ")", "2+", r"\frac{1}", "3 of 5 4"])
def test_what_is_no_mathematics_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


@pytest.mark.parametrize("text", ["9^{9^{9^9}}", "100000!", r"\binom{10^9}{10^8}", "2^{10^{9}}"])
def test_sizes_are_estimated_before_they_are_computed(text: str) -> None:
    start = time.process_time()
    with pytest.raises(TooBigError):
        exact(parse(text))
    assert time.process_time() - start < 0.1


def test_a_division_by_zero_is_undefined() -> None:
    with pytest.raises(UndefinedError):
        exact(parse(r"\frac{0}{0}"))


@pytest.mark.parametrize(
    "unit", ["(", "{", r"\sqrt{", r"\frac{1}{", "-", "!", "^2", r"\ln ", "f(", r"\text{", "1,", "|", "<1"]
)
def test_reading_is_bounded(unit: str) -> None:
    with contextlib.suppress(ParseError):
        parse(clean("2" + unit))  # patterns are compiled when they are first needed
    took = []
    for _ in range(3):  # the least of three: a collection of garbage may fall into one
        start = time.process_time()
        with contextlib.suppress(ParseError):
            parse(clean("2" + unit * (2000 // len(unit))))
        took.append(time.process_time() - start)
    assert min(took) < 0.2


def test_every_math_gold_is_read(shared_rows: Rows) -> None:
    unread = []
    for row in shared_rows("math/math_test.jsonl")[::3]:
        try:
            parse(clean(row["answer"]))
        except ParseError:
            unread.append(row["answer"])
    assert unread == []
