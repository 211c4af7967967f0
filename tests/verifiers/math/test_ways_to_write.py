"""Further ways to write one thing: turned brackets, letters of functions, ordinals, pounds, joined words."""

from __future__ import annotations

import pytest

from veritune.verifiers.math import MathVerifier

VERIFIER = MathVerifier()


def boxed(gold: str, answer: str) -> bool | None:
    return VERIFIER.verify(f"The answer is \\boxed{{{answer}}}.", gold).correct


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("]2,3[", "(2,3)"),
        ("(2,3]", "]2,3]"),
        ("[2,3)", "[2,3["),
        (r"(1,2)\cup[3,4)", r"]1,2[\cup[3,4["),
        ("f(x,y)=x-y", "f(a,b)=a-b"),
        ("f(x,y)=x-y", "f(y,x)=y-x"),
        ("g^{-1}(x)=x+2", "g^{-1}(y)=y+2"),
        (r"{}_8P_3", "336"),
        ("P(5,3)", "60"),
        ("£3", r"\text{3 pounds}"),
        (r"l\perp\alpha", r"l\bot\alpha"),
        ("(2A)_{16}", "2A_{16}"),
        ("5", r"\ensuremath{5}"),
        ("third", r"\text{3rd}"),
        (r"\text{Monday and Friday}", r"\text{Friday and Monday}"),
        ("No real solutions", r"\text{There are no real solutions}"),
        ("does not exist", r"\text{The limit does not exist}"),
    ],
)
def test_other_ways_to_write_the_gold_are_the_gold(gold: str, answer: str) -> None:
    assert boxed(gold, answer) is True


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("]2,3[", "[2,3]"),
        ("(2,3]", "[2,3["),
        ("f(x,y)=x-y", "f(a,b)=b-a"),
        ("f(x,y)=x-y", "f(y,x)=x-y"),
        ("g^{-1}(x)=x+2", "g^{-1}(y)=y-2"),
        ("f(x)=xy", "f(y)=y^2"),
        (r"{}_8P_3", "56"),
        ("P(5,3)", "15"),
        ("£3", r"\text{3 euros}"),
        ("(2A)_{16}", "2B_{16}"),
        ("a third", "3"),
        ("third", r"\text{4th}"),
        (r"\text{Monday and Friday}", r"\text{Friday and Sunday}"),
        (r"\text{first A and then B}", r"\text{first B and then A}"),
        ("No real solutions", r"\text{There are real solutions}"),
        ("does not exist", r"\text{The limit exists}"),
    ],
)
def test_what_only_looks_like_another_way_is_wrong(gold: str, answer: str) -> None:
    assert boxed(gold, answer) is False
