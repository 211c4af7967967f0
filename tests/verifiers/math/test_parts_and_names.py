"""Law: a value stays with its name, its condition and its place; words behind a number are done to it."""

from __future__ import annotations

import pytest

from veritune import get_reward

WRONG = [
    ("x=0", r"\boxed{0=0}"),
    ("5", r"\boxed{5=5}"),
    ("F_{10}=55", r"\boxed{F_{11}=55}"),
    ("F_{12}=144", r"\boxed{F_{16}=144}"),
    ("x>0, y<0", r"\boxed{x<0,\ y>0}"),
    ("a\\le 2, b\\ge 3", r"\boxed{a\ge 3, b\le 2}"),
    ("m>1, n>2", r"\boxed{m>1}"),
    ("(a) 3 (b) 5", "(a) 5\n(b) 3"),
    ("(a) 3 (b) 5", r"\boxed{15}"),
    (
        r"\begin{cases}0&n\text{ even}\\1&n\text{ odd}\end{cases}",
        r"\boxed{\begin{cases}1&n\text{ even}\\0&n\text{ odd}\end{cases}}",
    ),
    (r"5\%", r"\boxed{5 \text{ per mille}}"),
    (r"5\%", r"\boxed{5‰}"),
    ("$12.50", r"\boxed{\text{€}12.50}"),
    ("3", "The answer is 3 factorial."),
    ("3", "The answer is 3 squared."),
    ("[a_0;a_1,a_2]", r"\boxed{[a_0;a_2,a_1]}"),
    ("42", "I refuse to accept that the answer is 42."),
    ("3", "Keinesfalls ist die Antwort 3."),
    ("五", "没有任何理由认为答案是五。"),
]
RIGHT = [
    ("x=0", r"\boxed{x=0}"),
    ("5", r"\boxed{2+3=5}"),
    ("F_{10}=55", r"\boxed{55}"),
    ("F_{10}=55", r"\boxed{F_{10} = 55}"),
    ("x>0, y<0", r"\boxed{y<0, x>0}"),
    ("x>0, y<0", r"\boxed{0<x, 0>y}"),
    ("a\\le 2, b\\ge 3", r"\boxed{b\ge3,\ a\le2}"),
    ("(a) 3 (b) 5", "(a) 3\n(b) 5"),
    ("(a) 3 (b) 5", r"\boxed{a) 3, b) 5}"),
    (
        r"\begin{cases}0&n\text{ even}\\1&n\text{ odd}\end{cases}",
        r"\boxed{\begin{cases}1&n\text{ odd}\\0&n\text{ even}\end{cases}}",
    ),
    (r"0.005", r"\boxed{5‰}"),
    ("$12.50", r"\boxed{\text{\$}12.50}"),
    ("6", "The answer is 3 factorial."),
    ("9", "The answer is 3 squared."),
    ("9 m^2", "The answer is 9 meters squared."),
    ("[a_0;a_1,a_2]", r"\boxed{[a_0; a_1, a_2]}"),
    ("15_{16}", r"\boxed{15_{16}}"),
    ("42", "We refuse nothing: the answer is 42."),
]


@pytest.mark.parametrize(("gold", "completion"), WRONG)
def test_another_name_place_or_operation_is_another_answer(gold: str, completion: str) -> None:
    assert get_reward("accuracy").score(completion, gold=gold).value == 0.0


@pytest.mark.parametrize(("gold", "completion"), RIGHT)
def test_the_same_with_its_names_places_and_operations_is_right(gold: str, completion: str) -> None:
    assert get_reward("accuracy").score(completion, gold=gold).value == 1.0
