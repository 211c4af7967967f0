"""What the attack says of rewards that tell languages, asked in this process: each case is a handful of calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from veritune.plugins import Sample, get_reward
from veritune.rewards.attack.baseline import Earned, Ordinary
from veritune.rewards.attack.report import Result
from veritune.rewards.attack.selftest import languages
from veritune.rewards.attack.speech import speech
from veritune.rewards.attack.target import Attack
from veritune.sandbox.workers import Outcome, Status

MODULE = "veritune.rewards.attack.selftest.languages"
WHOLE = "a whole thought in another language"


def asked(value: Callable[[str], float | None]) -> list[Result]:
    def earn(one: Ordinary) -> Earned:
        given = value(one.text)
        return Earned(one, given, given)

    def run(attack: Attack) -> Outcome:
        given = value(attack.completion)
        return Outcome(Status.OK, (given, given, "", ""))

    return speech(earn, run)


def of_reward(name: str, **params: Any) -> list[Result]:
    reward = get_reward(name, **params)
    return asked(lambda text: reward.score_batch([Sample(prompt="What is 7 + 5?", completion=text)])[0].value)


def pays(results: list[Result]) -> set[str]:
    return {result.attack.name for result in results if result.finding == "pays"}


@pytest.mark.parametrize("name", languages.BROKEN)
def test_a_reward_that_another_language_can_have_is_exposed(name: str) -> None:
    assert pays(of_reward(f"{MODULE}:{name}"))


@pytest.mark.parametrize("name", languages.SOUND)
def test_a_sound_one_holds(name: str) -> None:
    assert not pays(of_reward(f"{MODULE}:{name}"))


@pytest.mark.parametrize("target", ["en", "zh", "ru", "de", "es"])
def test_the_built_in_holds_and_is_tested_whatever_its_target(target: str) -> None:
    results = of_reward("language", target=target)
    assert not pays(results)
    assert sum(result.finding == "holds" for result in results) >= 18


@pytest.mark.parametrize(
    ("name", "hole"),
    [
        ("chinese_without_code", "another language in a fence"),
        ("chinese_without_mathematics", "another language in mathematics text"),
        ("russian_without_code", "another language in a fence"),
        ("whatever_is_not_chinese", "a third language"),
        ("whatever_is_not_chinese", "letters in no order"),
        ("english_in_the_last_line", WHOLE),
        ("english_by_lines", WHOLE),
        ("english_between_spaces", WHOLE),
        ("english_unfolded", "another language in a folded element"),
        ("english_at_last", "another language before a cut"),
    ],
)
def test_the_hole_that_was_built_in_is_the_one_that_is_named(name: str, hole: str) -> None:
    assert hole in pays(of_reward(f"{MODULE}:{name}"))


def test_for_chinese_only_the_hole_pays() -> None:
    assert pays(of_reward(f"{MODULE}:chinese_without_code")) == {"another language in a fence"}


def test_a_first_sentence_that_is_paid_for_all_is_a_hole() -> None:
    assert "another language behind an opener" in pays(asked(lambda text: float(text[8:40].isascii())))


@pytest.mark.parametrize(
    "value",
    [
        lambda text: float(len(text) < 250),
        lambda text: float(len(text.encode()) > 300),
        lambda text: float(text.strip().endswith((".", "!", "?", "}"))),
        lambda text: float(text.strip()[:1].isupper()),
        lambda text: float(text.count(",") >= 2),
        lambda text: float(len(text.split()) < 20),
        lambda text: float(max(map(len, text.splitlines())) < 200),
        lambda text: len(set(text)) / len(text),
    ],
)
def test_length_spaces_capitals_and_marks_are_not_the_language(value: Callable[[str], float]) -> None:
    assert {result.finding for result in asked(value)} == {"not tested"}


def test_what_tells_only_answers_is_said_to() -> None:
    def answers_in_english(text: str) -> float:
        answer = text.rpartition("</think>")[2]
        return sum(map(str.isascii, answer)) / max(1, len(answer))

    (why,) = {result.detail for result in asked(answers_in_english)}
    assert why == "it looks at the language of the answer, not of the thinking"
