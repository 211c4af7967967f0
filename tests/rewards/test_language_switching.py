"""Words of another language inside a sentence count for what they are, and two words alone are right or undecided."""

from __future__ import annotations

import pytest

from veritune import get_reward
from veritune.rewards.language.instructions import put, without_instructions
from veritune.verifiers.language.common_words import listed
from veritune.verifiers.language.scripts import runs

MIXED = [
    ("en", "We first add the two numbers ", "und danach ziehen wir drei davon ab ", "before we check the sum again."),
    ("de", "Zuerst addieren wir die Zahlen ", "and then we take three of them away ", "bevor wir alles noch prüfen."),
    (
        "fr",
        "Nous commençons par la somme ",
        "porque después hay que dividirla entre tres ",
        "et nous vérifions le tout.",
    ),
    ("es", "Primero sumamos los dos números ", "puis nous retirons trois de ce total ", "antes de revisar todo."),
    ("sw", "Kwanza tunajumlisha namba hizi mbili ", "and then we take away three of them ", "kabla ya kuangalia jibu."),
    ("en", "So the farmer has seven sheep ", "kwa sababu kila siku ananunua moja ", "which is what they asked."),
    ("zh", "我们先把这两个数加起来", "そして三つを引いてから確かめます", "然后再检查一遍这个结果对不对。"),
    ("ja", "まず二つの数を足してから", "这个时候我们还要减去三个苹果", "もう一度答えを確かめましょう。"),
    ("zh", "我们先把这两个数加起来 ", "and then we take three away ", "然后再检查一遍这个结果。"),
    ("ru", "Сначала мы складываем оба числа ", "and then we take three away ", "а потом проверяем ответ."),
]


def letters(text: str) -> int:
    return sum(run.end - run.start for run in runs(text))


@pytest.mark.parametrize(("target", "before", "inside", "after"), MIXED)
def test_words_of_another_language_inside_a_sentence_count_for_what_they_are(
    target: str, before: str, inside: str, after: str
) -> None:
    value = get_reward("language", target=target).score(f"<think>{before}{inside}{after}</think>7").value
    true = letters(before + after) / letters(before + inside + after)
    assert value == pytest.approx(true, abs=0.07)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("ja", "東京都千代田区永田町一丁目に住む佐藤さんは三個買いました。合計金額計算方法を説明します。"),
        ("zh", "她很喜欢“の”这个字，所以每天都写三遍，一共写了多少遍呢？"),
        ("en", "Lori buys pens on Tuesday, Jean-Pierre and Günter buy none, and Señora Lopez sells nine of hers."),
        ("de", "Mary kauft am Montag drei Hefte für John, und Billy bezahlt am Ende für alle zusammen."),
        ("fr", "Mary et John achètent trois cahiers lundi, et Billy les paie tous à la fin du mois."),
    ],
)
def test_names_and_loan_letters_are_no_change_of_language(target: str, text: str) -> None:
    value = get_reward("language", target=target).score(f"<think>{text}</think>7").value
    assert value is not None
    assert value > 0.97


SHORT = {
    "en": "Wait, no|I see|So seven|That's it|Not quite|We add them|Try again|Well then",
    "de": "Also sieben|Das stimmt|Moment mal|Nicht ganz|Wir addieren|Noch einmal",
    "fr": "Donc sept|C'est juste|Pas encore|On additionne|Je réfléchis|Bon alors",
    "es": "Entonces siete|Está bien|Todavía no|Lo sumamos|Muy bien|Un momento",
    "sw": "Sawa basi|Ngoja kwanza|Jibu saba|Hapana bado|Tunajumlisha sasa",
    "ru": "Значит семь|Всё верно|Подождите|Не совсем",
    "zh": "所以是七|再算一次|我们相加|答案正确",
    "ja": "つまり七です|もう一度|合っています|足します",
    "th": "ลองคิดดู|เดี๋ยวก่อน|บวกกัน",
}


@pytest.mark.parametrize("code", SHORT)
def test_two_words_are_right_or_undecided(code: str) -> None:
    for thought in SHORT[code].split("|"):
        for target in {code, "en", "zh", "fr", "de"}:
            value = get_reward("language", target=target).score(f"<think>{thought}</think>").value
            assert value in (None, float(target == code)), (thought, target)


def test_what_ends_in_a_question_mark_or_counts_is_what_is_asked() -> None:
    prompt = "¿Cuántos metros corre en total por semana?\nВ последней строке напиши только число."
    assert put(without_instructions(prompt)) == "¿Cuántos metros corre en total por semana?"
    thought = "<think>Corre tres veces por semana y cada vez corre ciento ochenta metros.</think>"
    assert get_reward("language").score(thought, prompt).value == 1.0
    assert put("Prove that the sum of two odd numbers is even.").startswith("Prove")


def test_common_words_speak_only_where_every_candidate_has_a_list() -> None:
    assert len(listed(("de", "en"))) == 2
    assert not listed(("en", "ro"))
