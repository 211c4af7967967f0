"""An answer in words earns where it says a gold: not where it denies, doubts or lists it, or hides it in a word."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from veritune import Cause, get_reward, get_verifier
from veritune.plugins import ParameterError

SQUAD = {"text": ["Denver Broncos", "The Denver Broncos"], "answer_start": [177, 173]}
TRIVIA = {"value": "Sinclair Lewis", "aliases": ["(Harry) Sinclair Lewis", "Grace Hegger"], "type": "WikipediaEntity"}

EXACT: list[tuple[str, Any, float | None]] = [
    ("Paris", "Paris", 1.0),
    ("The capital of France is Paris.", "Paris", 1.0),
    ("I think it's Paris.", "Paris", 1.0),
    ("Some thoughts first.\nParis", "Paris", 1.0),
    ("Paris\n\nIt has been the capital of France since the tenth century.", "Paris", 1.0),
    ("<think>London?</think>\n<answer>Paris</answer>", "Paris", 1.0),
    (r"So it is \boxed{\text{Paris}}.", "Paris", 1.0),
    ("Final answer: The Great Gatsby", "great gatsby", 1.0),
    ("The answer is U.S.A.", "USA", 1.0),
    ("The author is J. K. Rowling.", "JK Rowling", 1.0),
    ("The answer is J. R. R. Tolkien.", "J.R.R. Tolkien", 1.0),
    ("Jean Paul Sartre", "Jean-Paul Sartre", 1.0),
    ("Rock 'n' Roll", "Rock ’n’ Roll", 1.0),
    ("Cafe\u0301 de Flore", "Café de Flore", 1.0),
    ("ＰＡＲＩＳ", "paris", 1.0),
    ("Straße", "STRASSE", 1.0),
    ("1,000", 1000, 1.0),
    ("1914–1918", "1914-1918", 1.0),
    ("50%", "50", 1.0),
    ("$5 million", "5 million", 1.0),
    ("٣", "3", 1.0),
    ("½", "1/2", 1.0),
    ("Yes.", True, 1.0),
    ("The answer is 42.", "42.0", 1.0),
    ("3.10", "3.1", 0.0),
    ("La capital de España no es Madrid.", "Madrid", 0.0),
    ("no", np.bool_(False), 1.0),
    ("巴黎。", "巴黎", 1.0),
    ("法国的首都是巴黎。", "巴黎", 1.0),
    ("答案是北京", "北京", 1.0),
    ("La capital es Madrid.", "Madrid", 1.0),
    ("denver broncos", SQUAD, 1.0),
    ("Harry Sinclair Lewis", TRIVIA, 1.0),
    ("Obama", ["Barack Obama", "Obama"], 1.0),
    ("Obama", np.array(["Barack Obama", "Obama"]), 1.0),
    ("To be, or not to be", "To be or not to be", 1.0),
    ("London", "Paris", 0.0),
    ("It is not Paris.", "Paris", 0.0),
    ("Paris or London", "Paris", 0.0),
    ("Is it Paris?", "Paris", 0.0),
    ("It is false that the capital is Paris.", "Paris", 0.0),
    ("<answer>Paris</answer> is wrong.", "Paris", 0.0),
    ("The answer is Paris. Wait, no, it is London.", "Paris", 0.0),
    ("<think>Paris", "Paris", 0.0),
    ("The answer is U.S. Steel.", "US", 0.0),
    ("3.5", "35", 0.0),
    ("-5", "5", 0.0),
    ("12²", "122", 0.0),
    ("C++", "C", 0.0),
    ("C#", "C", 0.0),
    ("$5", "€5", 0.0),
    ("vitamin", "Vitamin A", 0.0),
    ("Who", "The Who is on first", 0.0),
    ("10:30", "1030", 0.0),
    ("", "Paris", 0.0),
    ("!!!", "Paris", 0.0),
    ("Paris", "", None),
    ("Paris", None, None),
    ("Paris", [], None),
    ("Paris", float("nan"), None),
]
F1: list[tuple[str, Any, float | None]] = [
    ("Paris", "Paris", 1.0),
    ("Barack Obama", "Obama", 2 / 3),
    ("the tall dark man", "tall man", 0.8),
    ("New York", ["York", "New York City"], 0.8),
    ("北京市", "北京", 0.8),
    ("The city is Paris, not London.", "Paris", 1 / 3),
    ("<answer>not Paris</answer>", "Paris", 0.0),
    ("<answer>≠ Paris</answer>", "Paris", 0.0),
    ("<answer>Paris or London</answer>", "Paris", 0.0),
    ("<answer>Paris, London, Rome, Berlin</answer>", "Paris", 0.0),
    ("<answer>Paris\nLondon\nRome</answer>", "Paris", 0.0),
    ("<answer>12 7</answer>", "12", 0.0),
    ("<answer>13</answer>", "12", 0.0),
    ("London", "Paris", 0.0),
    ("Paris", None, None),
]
CONTAINS: list[tuple[str, Any, float | None]] = [
    ("Its capital is Paris, which lies on the Seine.", "Paris", 1.0),
    ("The city is Paris, not London.", "Paris", 1.0),
    ("In 1969, Neil Armstrong, an American astronaut, walked on the moon.", "Neil Armstrong", 1.0),
    ("The capital is Washington, D.C., on the Potomac.", "Washington DC", 1.0),
    ("It was written by J. K. Rowling in 1997.", "JK Rowling", 1.0),
    ("Paris's mayor signed it.", "Paris", 1.0),
    ("法国的首都是巴黎，位于塞纳河。", "巴黎", 1.0),
    ("It is nothing but Paris.", "Paris", 1.0),
    ("Yes", "yes", 1.0),
    ("The answer is 12.", "12", 1.0),
    ("Barack Obama", "Obama", 1.0),
    ("He read The Great Gatsby twice.", "the great gatsby", 1.0),
    ("The city is London, not Paris.", "Paris", 0.0),
    ("It is anything but Paris.", "Paris", 0.0),
    ("Everybody except Paris", "Paris", 0.0),
    ("Paris is not the capital.", "Paris", 0.0),
    ("Paris is wrong.", "Paris", 0.0),
    ("It could be Paris.", "Paris", 0.0),
    ("Paris or London", "Paris", 0.0),
    ("Paris/London", "Paris", 0.0),
    ("Is it Paris?", "Paris", 0.0),
    ("If it were Paris, it would rain.", "Paris", 0.0),
    ("The capital is Paris. The capital is London.", "Paris", 0.0),
    ("- Paris\n- London\n- Rome", "Paris", 0.0),
    ("Paris, London, Rome, Berlin, Madrid", "Paris", 0.0),
    ("Paris London Rome Berlin Madrid", "Paris", 0.0),
    ("Parisian cafés are nice.", "Paris", 0.0),
    ("non-Paris cities", "Paris", 0.0),
    ("yesterday", "yes", 0.0),
    ("There are 112 eggs.", "12 eggs", 0.0),
    ("There are 12.5 eggs", "12", 0.0),
    ("London", "Paris", 0.0),
    ("他去了北京大学", "北京", None),
    ("It was founded by Steve Jobs, Steve Wozniak and Ronald Wayne.", "Steve Jobs", None),
    (f"{'So he said and went on and on. ' * 30}Paris it was, he said. {'And he went on.' * 3}", "Paris", None),
    ("Paris", "", None),
    ("Some say it is London; in fact it is Paris.", "Paris", 1.0),
    ("Some say it is London; in fact it is Paris.", "London", 0.0),
    ("La capital de España es Madrid, no Barcelona.", "Madrid", 1.0),
    ("La capital de España no es Madrid.", "Madrid", 0.0),
    ("Die Hauptstadt ist nicht Berlin.", "Berlin", 0.0),
    ("北京或上海", "北京", 0.0),
    ("中国的首都不是上海而是北京。", "北京", 1.0),
    ("The capital is one of: Paris, London.", "Paris", 0.0),
    ("paris london rome berlin madrid", "Paris", None),
    ("I believe it was Marie Curie who did this.", "Marie Curie", 1.0),
    ("Marie Curie, not Pierre Curie, won twice.", "Marie Curie", 1.0),
    ("The answer is Marie. Curie is a unit.", "Marie Curie", 0.0),
    (r"The answer is \boxed{Lise Meitner}. Marie Curie was another.", "Marie Curie", 0.0),
    ("<!-- Marie Curie --> Lise Meitner", "Marie Curie", 0.0),
    ("Qqgoldqq is the answer. It is not Paris.", "Paris", 0.0),
]


@pytest.mark.parametrize(("completion", "gold", "value"), EXACT)
def test_exact_match(completion: str, gold: Any, value: float | None) -> None:
    score = get_reward("exact_match").score(completion, gold=gold)
    assert score.value == value, score.reason
    assert score.reason


@pytest.mark.parametrize(("completion", "gold", "value"), F1)
def test_f1(completion: str, gold: Any, value: float | None) -> None:
    score = get_reward("f1").score(completion, gold=gold)
    assert score.value == (None if value is None else pytest.approx(value)), score.reason


@pytest.mark.parametrize(("completion", "gold", "value"), CONTAINS)
def test_contains(completion: str, gold: Any, value: float | None) -> None:
    score = get_reward("contains").score(completion, gold=gold)
    assert score.value == value, score.reason


def test_squad_s_own_normalisation_is_a_setting() -> None:
    squad = get_reward("exact_match", normalise="squad")
    assert [squad.score(text, gold="35").value for text in ("3.5", "35", "the 35!", "36")] == [1.0, 1.0, 1.0, 0.0]
    assert get_reward("f1", normalise="squad").score("vitamin", gold="Vitamin A").value == 1.0


def test_a_language_s_articles_are_left_out_and_unknown_ones_refused() -> None:
    assert get_reward("exact_match", language="de").score("der Eiffelturm", gold="Eiffelturm").value == 1.0
    assert get_reward("exact_match").score("der Eiffelturm", gold="Eiffelturm").value == 0.0
    with pytest.raises(ParameterError, match="'tlh'"):
        get_reward("f1", language="tlh").score("a", gold="a")


def test_hedges_are_left_to_a_judge_where_asked() -> None:
    assert get_reward("contains", hedged="undecided").score("Paris or London", gold="Paris").cause is Cause.ABSTAIN
    assert get_reward("f1", hedged="undecided").score("Paris or London", gold="Paris").cause is Cause.ABSTAIN


def test_a_known_wrong_answer_beside_the_gold_is_wrong() -> None:
    row: dict[str, Any] = {"gold": "Paris", "incorrect_answers": ["Lyon", "Marseille"]}
    contains = get_reward("contains")
    assert contains.score("It was Paris in the north. Lyon was it in the south.", **row).value == 0.0
    assert contains.score("It was Paris.", **row).value == 1.0


def test_every_gold_is_asked_for_where_all_are() -> None:
    everyone = get_reward("contains", several="all")
    golds = ["magic number 4821", "magic number 77"]
    assert everyone.score("The magic number 4821 and the magic number 77.", gold=golds).value == 1.0
    assert everyone.score("The magic number 4821.", gold=golds).value == 0.0
    assert get_verifier("contains", several="all").verify("The magic number 4821.", golds).score == 0.5


def test_an_answer_copied_from_the_prompt_s_example_is_none() -> None:
    prompt = "Example of a solved problem:\nThe capital of Spain? <answer>Paris</answer>\n\nNow: what is it?"
    copied = "Example of a solved problem:\nThe capital of Spain? <answer>Paris</answer>"
    assert get_reward("exact_match").score(copied, prompt=prompt, gold="Paris").value == 0.0


HOSTILE = ["Paris, ", "or Paris. ", "\n", "巴", "<answer>", "J. ", "\ufdfa"]
HOSTILE += [f"<answer>{' ' * 99_000}x</answer>", f"Paris{chr(9) * 99_000}Paris", f"\\boxed{{{chr(10) * 99_000}x}}"]


@pytest.mark.parametrize("piece", HOSTILE, ids=[ascii(piece)[:20] for piece in HOSTILE])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    start = time.process_time()
    for name, gold in (("exact_match", "Paris"), ("f1", "Paris"), ("contains", "Paris"), ("choice", "B")):
        score = get_reward(name).score(piece * (100_000 // len(piece)), gold=gold)
        assert score.cause is not Cause.INTERNAL_ERROR
    assert time.process_time() - start < 3.0
