"""What a dataset's column may hold, and what a user may ask for."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from veritune import get_reward
from veritune.cli.app import app
from veritune.plugins.errors import ParameterError
from veritune.verifiers.math import MathVerifier
from veritune.verifiers.math.cascade import decide
from veritune.verifiers.math.gold import read_golds
from veritune.verifiers.math.options import DEFAULT, MathOptions, option_rows

READ: list[tuple[Any, tuple[str, ...]]] = [
    (True, ("True",)),
    (False, ("False",)),
    ({"answer": "5"}, ("5",)),
    ({"final_answer": 7.0, "id": 3}, ("7",)),
    ({"x": 1, "y": 2}, ("x = 1, y = 2",)),
    ({"answer": ["4", "four"]}, ("4", "four")),
    (r"so \boxed{4} is it", ("4",)),
    (r"\boxed{1} and \boxed{2}", ("1, 2",)),
    (r"Area $= \boxed{5}$", ("5",)),
    ("The value is 5.", ("5",)),
    ("There are 5 such numbers.", ("5",)),
    (r"the solution is $m\in[3,\infty)$", (r"m\in[3,\infty)",)),
    ("The function is odd", ("The function is odd",)),
    (["1", 2, None], ("1", "2")),
]
UNUSABLE: list[Any] = ["", None, "#### 4", "There are 5 red and 6 blue balls.", {"a": None}, {}, float("nan"), object()]


@pytest.mark.parametrize(("gold", "answers"), READ)
def test_a_gold_is_what_its_column_means(gold: Any, answers: tuple[str, ...]) -> None:
    assert read_golds(gold, DEFAULT).answers == answers


@pytest.mark.parametrize("gold", UNUSABLE)
def test_a_gold_that_says_no_answer_is_invalid_and_says_why(gold: Any) -> None:
    golds = read_golds(gold, DEFAULT)
    assert not golds.answers
    assert golds.problem


def test_a_list_of_texts_is_the_list_of_their_values() -> None:
    assert decide("[-7.8, -5.7]", "['-7.8', '-5.7']").correct
    assert decide("[-7.8, -5.8]", "['-7.8', '-5.7']").correct is False


def test_a_column_of_true_and_false_is_graded() -> None:
    reward = get_reward("accuracy")
    for gold in (True, False):
        assert reward.score(rf"\boxed{{{gold}}}", gold=gold).value == 1.0
        assert reward.score(rf"\boxed{{{not gold}}}", gold=gold).value == 0.0


SIMPLIFIED = MathOptions(form="simplified")


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("391", r"17\cdot 23"),
        ("5", "10-5"),
        ("5", r"\sqrt{25}"),
        ("1024", "2^{10}"),
        ("120", "5!"),
        (r"\frac12", r"\frac24"),
        (r"2\sqrt2", r"\sqrt8"),
        (r"\frac{\pi}{2}", r"\frac{2\pi}{4}"),
        (r"\{1,2\}", r"\{1,1+1\}"),
        ("x+3", "x+1+2"),
        ("6x", r"2\cdot 3x"),
        ("0.5", r"\frac{3}{6}"),
    ],
)
def test_a_simplified_answer_is_worked_out_where_that_is_asked(gold: str, answer: str) -> None:
    assert decide(answer, gold).correct
    refused = decide(answer, gold, SIMPLIFIED)
    assert refused.correct is False
    assert refused.stage == "form"


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("391", "391"),
        ("391", r"x=17\cdot 23=391"),
        (r"\frac12", "0.5"),
        (r"\frac12", r"\frac{1}{2}"),
        (r"2\sqrt2", r"2\sqrt{2}"),
        ("2^{100}", "2^{100}"),
        ("-\\frac{3}{4}", r"-\frac34"),
        (r"2\frac12", r"\frac52"),
        ("12", r"12\text{ cm}"),
        ("1200000", r"1.2\times10^{6}"),
        (r"\frac{\sqrt3}{2}", r"\frac{\sqrt{3}}{2}"),
        ("3x+2", "2+3x"),
    ],
)
def test_a_simplified_answer_passes_in_any_notation(gold: str, answer: str) -> None:
    assert decide(answer, gold, SIMPLIFIED).correct


def test_a_users_units_convert() -> None:
    options = MathOptions(unit_table=(("furlong", "201.168 m"), ("smoot", "1.7018 m"), ("zloty", "zloty")))
    assert decide("402.336 m", r"2\text{ furlongs}", options).correct
    assert decide("2 m", r"2\text{ furlongs}", options).correct is False
    assert decide(r"5\text{ smoots}", "8.509 m", options).correct
    assert decide(r"5\text{ zloty}", "5 dollars", options).correct is False


def test_a_unit_in_unknown_units_is_refused_before_anything_is_scored() -> None:
    with pytest.raises(ParameterError, match="parsec"):
        MathVerifier(unit_table={"smoot": "2 parsec"})


@pytest.mark.parametrize(("base", "decimal", "natural"), [("any", True, True), ("e", False, True), ("10", True, False)])
def test_log_without_a_base_is_what_the_option_says(base: Any, decimal: bool, natural: bool) -> None:
    options = MathOptions(log_base=base)
    assert decide("2", r"\log 100", options).correct is decimal
    assert decide(r"\ln x", r"\log x", options).correct is natural


def test_an_option_of_the_verifier_is_a_parameter_of_the_rewards_that_use_it() -> None:
    for name in ("accuracy", "cosine"):
        reward = get_reward(name, options={"form": "simplified", "unit_table": {"smoot": "1.7018 m"}})
        assert reward.score(r"\boxed{17\cdot 23}", gold="391").value != reward.score(r"\boxed{391}", gold="391").value


@pytest.mark.parametrize("wrong", [{"form": "simple"}, {"log_base": "2"}, {"boxes": "lst"}])
def test_a_value_that_an_option_does_not_have_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        MathVerifier(**wrong)


def test_every_option_is_listed_with_its_default() -> None:
    shown = CliRunner().invoke(app, ["rewards", "accuracy"], env={"COLUMNS": "160"}).output
    for name, _, default in option_rows():
        assert name in shown
        assert default[:12] in shown
