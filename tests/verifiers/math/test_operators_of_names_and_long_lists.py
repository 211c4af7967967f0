"""Operators of names, equations of one operator, lists past the number of items that are weighed, dates."""

from __future__ import annotations

import pytest

from veritune.verifiers.math import MathVerifier

VERIFIER = MathVerifier()
MANY = [str(n) for n in range(1, 61)]
NAMED = [f"x_{{{n}}}" for n in range(1, 61)]


def boxed(gold: str, answer: str) -> bool | None:
    return VERIFIER.verify(f"The answer is $\\boxed{{{answer}}}$.", gold).correct


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (r"\gcd(a,b)=1", r"\gcd(b,a)=1"),
        (r"\det A=5", "5"),
        (r"\operatorname{lcm}(m,n)=12", r"\operatorname{lcm}(n,m)=12"),
        (r"\{" + ",".join(MANY) + r"\}", r"\{" + ",".join(reversed(MANY)) + r"\}"),
        (",".join(MANY), ",".join(reversed(MANY))),
        (r"\{" + ",".join(NAMED) + r"\}", r"\{" + ",".join(reversed(NAMED)) + r"\}"),
    ],
)
def test_what_is_written_alike_is_equal(gold: str, answer: str) -> None:
    assert boxed(gold, answer) is True


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (r"\gcd(a,b)=1", r"\gcd(a,b)=2"),
        (r"\gcd(a,b)=1", r"\gcd(a,c)=1"),
        (r"\operatorname{lcm}(m,n)=12", r"\operatorname{lcm}(m,n)=24"),
        (r"\min f", "3"),
        (r"\max f", "-1"),
        (r"\det A", "5"),
        (r"\dim V", "3"),
        (r"\sup S", "1"),
        (r"\det A", r"\det B"),
        (r"\operatorname{rank} A", "2"),
        (r"\{" + ",".join(MANY) + r"\}", r"\{" + ",".join([*MANY[:-1], "61"]) + r"\}"),
        (",".join(MANY), ",".join(MANY[1:])),
    ],
)
def test_a_number_is_no_operator_of_a_name_and_one_item_makes_another_list(gold: str, answer: str) -> None:
    assert boxed(gold, answer) is False


@pytest.mark.parametrize(
    "completion",
    [
        "The answer is July 4th.",
        "The answer is the 4th of July.",
        "The date is July 4th.",
        "So the party was on July 4th.",
        "The answer is Tuesday, July 4th.",
        "The answer is 4th July.",
        "The answer is July 4.",
    ],
)
def test_a_date_in_a_sentence_is_read_whole(completion: str) -> None:
    assert VERIFIER.verify(completion, "July 4").correct is True
    assert VERIFIER.verify(completion, "August 4").correct is False
