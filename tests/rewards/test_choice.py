"""Multiple choice: letters against letters, and what stays open for a judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from veritune import get_reward
from veritune.plugins import Cause, ParameterError

CASES: list[tuple[str, Any, float | None]] = [
    ("The answer is B.", "B", 1.0),
    (r"\boxed{\text{C}}", "C", 1.0),
    ("【答案】: D <eoa>", ["D"], 1.0),
    ("The answer is (A).", "B", 0.0),
    ("【答案】A、C", ["A", "C"], 1.0),
    ("【答案】AC", "AC", 1.0),
    ("【答案】C, A", "A, C", 1.0),
    ("【答案】A", "AC", 0.0),
    ("【答案】A和C", "C", None),
    ("【答案】A和C", "B", 0.0),
    ("【答案】无正确答案", "B", 0.0),
    ("The answer is none of the above.", "B", 0.0),
    ("I could not make up my mind about this one at all, so let us leave it.", "B", None),
    ("<think>The answer is B", "B", None),
    ("The answer is B.", None, None),
    ("The answer is B.", "2.5", None),
]


@pytest.mark.parametrize(("completion", "gold", "value"), CASES)
def test_letters_are_compared(completion: str, gold: Any, value: float | None) -> None:
    assert get_reward("choice").score(completion, gold=gold).value == value


def test_alternatives_and_hedging_are_settings() -> None:
    either = get_reward("choice", several="any")
    assert [either.score(f"The answer is {x}.", gold=["A", "C"]).value for x in "ABC"] == [1.0, 0.0, 1.0]
    strict = get_reward("choice", hedged="wrong")
    assert strict.score("【答案】A和C", gold="C").value == 0.0


def test_causes_tell_a_bad_gold_from_an_open_answer() -> None:
    choice = get_reward("choice")
    assert choice.score("The answer is B.", gold="").cause is Cause.INVALID_GOLD
    assert choice.score("【答案】A和C", gold="C").cause is Cause.ABSTAIN


def test_options_are_letters() -> None:
    with pytest.raises(ParameterError, match="letters"):
        get_reward("choice", options="12").score("A", gold="A")


@pytest.mark.parametrize("gold", [["A", "C"], ("A", "C"), np.array(["A", "C"]), np.array(["AC"]), "AC"])
def test_letters_in_any_kind_of_list_are_the_gold(gold: Any) -> None:
    assert get_reward("choice").score(r"\boxed{AC}", gold=gold).value == 1.0
    assert get_reward("choice").score(r"\boxed{A}", gold=gold).value == 0.0


@pytest.mark.parametrize("gold", [None, float("nan"), "", [], ["A", None], np.array([]), 3])
def test_a_gold_without_letters_is_undecided(gold: Any) -> None:
    assert get_reward("choice").score(r"\boxed{A}", gold=gold).cause is Cause.INVALID_GOLD


def test_pandas_missing_value_is_undecided() -> None:
    missing = pytest.importorskip("pandas").NA
    assert get_reward("choice").score(r"\boxed{A}", gold=missing).cause is Cause.INVALID_GOLD


TEXTS: list[tuple[str, str, float | None]] = [
    (r"\boxed{B: A car}", "B", 1.0),
    ("B. Vitamin C", "B", 1.0),
    ("C. Both A and B", "C", 1.0),
    ("D - None of A, B, C", "D", 1.0),
    ("B, Vitamin C", "B", 1.0),
    ("B (Vitamin C)", "B", 1.0),
    ("选B:维生素C", "B", 1.0),
    ("答案是C（A和B都对）", "C", 1.0),
    ("The correct answer is option C, both A and B.", "C", 1.0),
    ("A, all of B and C", "A", 1.0),
    ("(b)", "B", 1.0),
    (r"\boxed{b}", "B", 1.0),
    ("B, Vitamin C", "C", 0.0),
    ("The correct answer is option C, both A and B.", "A", 0.0),
    ("B, but C is also correct", "B", None),
    ("B (C is plausible)", "B", None),
    ("B, C, D all work", "B", None),
    ("B: C", "B", None),
    ("A car", "A", None),
    ("The answer is A because of it.", "A", 1.0),
]


@pytest.mark.parametrize(("completion", "gold", "value"), TEXTS)
def test_capitals_in_an_option_s_text_are_no_choices(completion: str, gold: str, value: float | None) -> None:
    assert get_reward("choice").score(completion, gold=gold).value == value


LETTERS: list[tuple[str, str, tuple[float | None, ...]]] = [
    ("Vitamin C", "C", (0, None)),
    ("Hepatitis B", "B", (0, None)),
    ("Plan B", "B", (0, None)),
    ("Type A", "A", (0, None)),
    ("Vitamin D deficiency", "D", (0, None)),
    ("The drug is C-peptide", "C", (0, None)),
    ("C major", "C", (0, None)),
    ("The answer is Vitamin C.", "C", (0, None)),
    ("<answer>Vitamin C</answer>", "C", (0, None)),
    ("\\boxed{Vitamin C}", "C", (0, None)),
    ("\\boxed{\\text{Vitamin C}}", "C", (0, None)),
    ("Answer: Hepatitis B", "B", (0, None)),
    ("The correct answer is Plan B.", "B", (0, None)),
    ("Vitamin A", "A", (0, None)),
    ("Grade A", "A", (0, None)),
    ("The answer is C major.", "C", (0, None)),
    ("the C programming language", "C", (0, None)),
    ("Team B won", "B", (0, None)),
    ("It is vitamin C", "C", (0, None)),
    ("Appendix A", "A", (0, None)),
    ("Malcolm B. Smith", "B", (0, None)),
    ("x = A", "A", (0, None)),
    ("The answer is (J).", "J", (1,)),
    ("J", "J", (1,)),
    ("G", "G", (1,)),
    ("The answer is (I).", "I", (1,)),
    ("I", "I", (1,)),
    ("H.", "H", (1,)),
    ("The answer is H", "H", (1,)),
    ("I think the answer is B.", "B", (1,)),
    ("I choose C.", "C", (1,)),
    ("C\n\nExplanation: A is wrong since ...", "C", (1,)),
    ("**C**\n\nA and B are wrong.", "C", (1,)),
    ("C. 42\n\nA is too small.", "C", (1,)),
    ("C, because A and B are false.", "C", (1,)),
    ("Eliminate A, C and D; that leaves B.", "B", (1,)),
    ("E. None of A, B, C or D", "E", (1,)),
    ("Option A is incorrect. Option B is incorrect. Option C is correct.", "C", (1,)),
    ("Let's see: A no, B no, D no. C yes.", "C", (1,)),
    ("(c) 42", "C", (1,)),
    ("Ｃ", "C", (1,)),
    ("C\n\nExplanation: A is wrong since ...", "A", (0,)),
    ("**C**\n\nA and B are wrong.", "A", (0,)),
    ("C\n\nThe reason is that A is not.", "C", (1,)),
    ("C\nExplanation: B is false.", "C", (1,)),
    ("Answer: C\n\nWhy not A? Because ...", "C", (1,)),
    ("(C) is the only one which holds.", "C", (1,)),
    ("B\n\nC", "C", (0, None)),
    ("C\n\nNo wait, it is D.", "C", (0, None)),
    ("C\n\nActually, D.", "C", (0, None)),
    ("C\n\nThe answer is D.", "C", (0,)),
    ("C. 42\nD. 43", "C", (0, None)),
    ("A\nB\nC\nD", "A", (0, None)),
    ("A. 1\nB. 2\nC. 3\nD. 4", "C", (0, None)),
    ("C or D", "C", (0, None)),
    ("A or C, because B is false.", "C", (0, None)),
    ("C\n\nExplanation: but D is also right", "C", (0, None)),
    ("C. 42 is too big. The answer is D.", "C", (0,)),
    ("C. 42", "C", (1,)),
    ("Option C", "C", (1,)),
    ("option c", "C", (1,)),
    ("Choice C", "C", (1,)),
    ("Letter C", "C", (1,)),
    ("choose C", "C", (1,)),
    ("Correct: C", "C", (1,)),
    ("C is correct", "C", (1,)),
    ("La respuesta es C", "C", (1,)),
    ("Réponse : C", "C", (1,)),
    ("A letra C", "C", (1,)),
    ("Antwort C", "C", (1,)),
    ("C ist richtig", "C", (1,)),
    ("Both A and B", "AB", (1,)),
    ("A and C", "AC", (1,)),
    ("A, B", "AB", (1,)),
    ("B。", "B", (1,)),
    ("\\textbf{(C)}", "C", (1,)),
    ("$C$", "C", (1,)),
    ("The answer is $\\mathbf{C}$", "C", (1,)),
    ("I would go with B.", "B", (1,)),
    ("My answer: C", "C", (1,)),
    ("Answer is option (D) 42", "D", (1,)),
    ("So B", "B", (1,)),
    ("Therefore C.", "C", (1,)),
    ("Hence, the answer is A", "A", (1,)),
    ("A", "A", (1,)),
    ("The answer is A.", "A", (1,)),
    ("A is the answer", "A", (1,)),
    ("Final answer: Vitamin C", "C", (0, None)),
    ("选项C", "C", (1,)),
    ("故选C", "C", (1,)),
    ("It must be D", "D", (1,)),
    ("Correct option: D", "D", (1,)),
    ("Statement B", "B", (1,)),
    ("D) is correct", "D", (1,)),
    ("Definitely C", "C", (1,)),
    ("Probably C", "C", (1,)),
    ("Answer C!", "C", (1,)),
    ("**Answer:** C", "C", (1,)),
    ("C (Vitamin B)", "C", (1,)),
    ("C: Vitamin B", "C", (1,)),
    ("Vitamin C, so D", "D", (1, None)),
    ("The answer is B, Vitamin C.", "B", (1,)),
    ("Vitamin C (option D)", "D", (1, None)),
    ("Vitamin C (option D)", "C", (0, None)),
    ("D, Vitamin C", "D", (1,)),
    ("A is wrong, B is wrong, so C", "C", (1,)),
    ("C. S. Lewis", "C", (0, None)),
    ("J. K. Rowling", "J", (0, None)),
    ("D.H. Lawrence", "D", (0, None)),
    ("George H. W. Bush", "H", (0, None)),
    ("I don't know", "I", (0, None)),
    ("I am not sure", "I", (0, None)),
    ("Is it I?", "I", (0, None)),
    ("C++", "C", (0, None)),
    ("C#", "C", (0, None)),
    ("F = ma", "F", (0, None)),
    ("E = mc^2", "E", (0, None)),
    ("B12", "B", (0, None)),
    ("B 12", "B", (1, None)),
    ("H2O", "H", (0, None)),
    ("X-ray of type A blood", "A", (0, None)),
    ("Blood group B", "B", (0, None)),
    ("vitamin C.", "C", (0, None)),
    ("The Answer Is B", "B", (1,)),
    ("Hep B", "B", (0, None)),
    ("维生素C", "C", (0, None)),
    ("答案是维生素C", "C", (0, None)),
    ("Витамин C", "C", (0, None)),
    ("Route A", "A", (0, None)),
    ("D-Day", "D", (0, None)),
    ("E. coli", "E", (1, None)),
    ("Option B: Vitamin C", "B", (1,)),
    ("B: Vitamin C", "C", (0,)),
    ("Answer: B) Plan C", "B", (1,)),
    ("A is wrong, so it is B, not C", "B", (1, None)),
]
"""A letter inside an option's words is no choice; a letter first and its reason behind is one."""


def test_a_letter_is_a_choice_where_its_sentence_makes_it_one() -> None:
    reward = get_reward("choice")
    found = [(text, gold, reward.score(text, gold=gold).value, wanted) for text, gold, wanted in LETTERS]
    assert [row for row in found if row[2] not in row[3]] == []


def test_letters_go_from_a_to_j_and_further_where_asked() -> None:
    assert [get_reward("choice").score(f"The answer is ({x}).", gold=x).value for x in "ABCDEFGHIJ"] == [1.0] * 10
    assert get_reward("choice").score("The answer is (K).", gold="K").cause is Cause.INVALID_GOLD
    many = get_reward("choice", options="ABCDEFGHIJKLMNOP")
    assert many.score("The answer is (K).", gold="K").value == 1.0
