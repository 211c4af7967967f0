"""Law: expressions in pieces are equal only if every piece was met, or is empty, or stands on both sides."""

from __future__ import annotations

import pytest

from veritune.verifiers.math.cascade import decide
from veritune.verifiers.math.decision import Outcome
from veritune.verifiers.math.syntax.parser import parse
from veritune.verifiers.math.values.bounds import bounds

CASES = r"\begin{cases}%s & %s\\ %s & %s\end{cases}"
SAME = [
    (r"\max(\sin(|100|),\ln x+|n|)", r"\max(|n|+\ln x,\sin 100)"),
    ("|x^2+1|", "x^2+1"),
    (r"\max(x^2,-1)", "x^2"),
    (r"\max(x,\min(y,z))", r"\max(x,\min(z,y))"),
    (r"\max(x,y)", r"\frac{x+y+|x-y|}{2}"),
    (r"|\sin x-2|", r"2-\sin x"),
    ("|a-b|+|b-c|", "|b-a|+|c-b|"),
    (r"\max(x,2-x)", "|x-1|+1"),
    (CASES % ("x", r"x\ge 0", "-x", r"\text{otherwise}"), "|x|"),
    (CASES % ("0", "xy<77", "1", r"xy\ge 77"), CASES % ("1", r"yx\ge 77", "0", "yx<77")),
    (CASES % ("1", "x<3", "0", r"x\ge 3"), CASES % ("1", r"\text{if } x<3", "0", r"\text{otherwise}")),
    (r"\lfloor x/2\rfloor", r"\lfloor\lfloor x\rfloor/2\rfloor"),
]
OTHER = [
    (
        CASES % (r"\sin(25^{50})", r"\sqrt n<\sin x", r"\ln 5", r"\sqrt n\ge\sin x"),
        CASES % (r"\sin(25^{50})", r"\sqrt n<\sin x+1", r"\ln 5", r"\sqrt n\ge\sin x+1"),
    ),
    (r"\max(\sin(|100|),\ln x+|n|)", r"\max(\sin(|101|),\ln x+|n|)"),
    (r"\max(x,y)", r"\max(x,y,-4000000)"),
    (r"\max(0,x-1000)\cdot\max(0,y-1000)", "0"),
    (r"\max(0,1-1000|x-y-37/10|)", r"\max(0,1-1000|x-y-37/10|/2)"),
    (r"\lfloor\frac{x+y}{5001}\rfloor", r"\lfloor\frac{x+y}{5000}\rfloor"),
    (CASES % ("x", r"x\ge 0", "-x", "x<0"), "x"),
    (
        CASES % ("x", r"\sqrt a n<24", "2x", r"\sqrt a n\ge 24"),
        CASES % ("x", r"\sqrt a n<23", "2x", r"\sqrt a n\ge 23"),
    ),
    (CASES % ("1", "n<700", "0", r"n\ge 700"), CASES % ("1", r"n\le 700", "0", "n>700")),
    (CASES % ("0", "xy<77", "1", r"xy\ge 77"), CASES % ("0", "xy<77.01", "1", r"xy\ge 77.01")),
    (CASES % ("5", "x=y", "x", r"x\ne y"), "x"),
    (r"\min(x,\max(y,-900))", r"\min(x,y)"),
    (r"|x+y+250|", "x+y+250"),
    (
        "n^n+" + CASES % (r"\sin x", "n<12", "1000", r"n\ge 12"),
        "n^n+" + CASES % (r"\sin x", "n<12", "1001", r"n\ge 12"),
    ),
    (r"x^{20}+\max(y,50)", r"x^{20}+\max(y,50)+\max(0,x-900)"),
]


@pytest.mark.parametrize(("gold", "answer"), SAME)
def test_every_piece_agrees(gold: str, answer: str) -> None:
    assert decide(answer, gold).outcome is Outcome.RIGHT
    assert decide(gold, answer).outcome is Outcome.RIGHT or "max" in gold + answer


@pytest.mark.parametrize(("gold", "answer"), OTHER)
def test_a_piece_that_differs_is_met_or_nothing_is_claimed(gold: str, answer: str) -> None:
    assert decide(answer, gold).outcome is not Outcome.RIGHT
    assert decide(gold, answer).outcome is not Outcome.RIGHT


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("x^2+1", 1, None), (r"2-\sin x", 1, 3), (r"e^x\cdot|x|", 0, None), ("n+x^4", 1, None),
     (r"\frac{1}{x^2+4}", 0, 0.25), (r"\max(x,5)", 5, None), (r"-|x|-2", None, -2),
     (r"\sqrt{x}+\lfloor n\rfloor", 1, None)],
)  # fmt: skip
def test_bounds_hold_every_value(text: str, low: float | None, high: float | None) -> None:
    found = bounds(parse(text), lambda name: name == "n")
    assert found[0] == (pytest.approx(low) if low is not None else float("-inf"))
    assert found[1] == (pytest.approx(high) if high is not None else float("inf"))
