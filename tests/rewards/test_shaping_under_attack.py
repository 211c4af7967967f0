"""What form alone can earn: nothing for nothing, and for honest forms the same whatever they look like."""

from __future__ import annotations

import pytest

from veritune import Cause, compose, get_reward

LOOPS = {
    "underscores": "so_we_add_" * 40,
    "hyphens": "so-we-add-" * 40,
    "zero width": " ".join(f"so{chr(0x200B) * (i % 5)} we add" for i in range(40)),
    "marks on letters": " ".join("s" + chr(0x300 + i % 40) + "o we add" for i in range(40)),
    "a counter": " ".join(f"the answer {i}" for i in range(1, 60)),
    "a counter with marks": " ".join(f"step {i}: add," for i in range(1, 60)),
    "Thai": "เราบวกกัน" * 30,
    "half width kana": "ﾀｼﾏｽ" * 40,
    "Lao": "ພວກເຮົາບວກ" * 30,
}


@pytest.mark.parametrize("how", LOOPS)
def test_a_loop_is_a_loop_however_it_is_joined(how: str) -> None:
    value = get_reward("repetition_penalty").score(LOOPS[how]).value
    assert value is not None
    assert value < -0.8


def test_honest_enumerations_and_tables_are_no_loop() -> None:
    proof = (
        "Case 1: n is even. Then n = 2k, so n squared is 4k squared, which is even. "
        "Case 2: n is odd. Then n = 2k + 1, so n squared is 4k squared + 4k + 1, which is odd. "
        "In both cases the parity of n squared is the parity of n."
    )
    table = "\n".join(f"{i} × {3} = {3 * i}" for i in range(1, 12))
    reward = get_reward("repetition_penalty", spare=2)
    values = [reward.score(text).value or 0.0 for text in (proof, table, "so we add and " * 40)]
    assert values[0] > -0.05
    assert values[1] > -0.25
    assert values[2] < -0.9


STEPS = {
    "round brackets": "(1) add the apples\n(2) take two away\n(3) count the rest",
    "a dash": "Step 1 - add the apples\nStep 2 - take two away\nStep 3 - count the rest",
    "spelled": "Step one: add the apples\nStep two: take two away\nStep three: count the rest",
    "Chinese numerals": "一、把苹果加起来\n二、拿走两个\n三、数一数剩下的",
    "Russian": "Шаг 1: сложим яблоки\nШаг 2: вычтем два\nШаг 3: посчитаем",
    "Japanese": "まず、りんごを足します。次に、二つ引きます。最後に、数えます。",
    "French": "Étape 1 : on additionne\nÉtape 2 : on retire deux\nÉtape 3 : on compte",
    "circled": "① add the apples\n② take two away\n③ count the rest",
    "calculations": "1. 3 + 4 = 7\n2. 7 - 2 = 5\n3. 5 * 2 = 10",
    "German words": "Zuerst addieren wir. Dann ziehen wir zwei ab. Schließlich zählen wir.",
}


@pytest.mark.parametrize("form", STEPS)
def test_steps_count_in_every_form(form: str) -> None:
    assert get_reward("reasoning_steps").score(STEPS[form]).value == 1.0


@pytest.mark.parametrize("text", ["- 1\n- 2\n- 3", "1. 1\n2. 2\n3. 3", "- .\n- ,\n- ;", "(1) \n(2) \n(3) "])
def test_numbers_alone_are_no_steps(text: str) -> None:
    assert get_reward("reasoning_steps").score(text).value == 0.0


NOTHING = ["", " ", "\u200b", "\u200b\u2060\ufeff", "...", "\u3164", "\u2800", "—"]


@pytest.mark.parametrize("nothing", NOTHING)
def test_blocks_with_nothing_in_them_earn_nothing(nothing: str) -> None:
    text = f"<think>\n{nothing}\n</think>\n<answer>\n{nothing}\n</answer>"
    assert get_reward("tag_count").score(text).value == 0.0
    for style in ("think_answer", "think_answer_soft", "tags", "think", "answer"):
        assert get_reward("format", style=style).score(text).value == 0.0, style
    assert get_reward("format", style="boxed").score(f"so \\boxed{{{nothing}}}").value == 0.0


@pytest.mark.parametrize("space", [r"\,", r"\quad", "~", r"\text{}", r"\text{ }", "{}", "$ $"])
def test_a_box_of_spaces_is_empty(space: str) -> None:
    assert get_reward("format", style="boxed").score(f"so \\boxed{{{space}}}").value == 0.0
    assert get_reward("format", style="boxed").score("so \\boxed{\\emptyset}").value == 1.0


def test_marks_out_of_order_earn_nothing() -> None:
    assert get_reward("tag_count").score("<answer>\n5\n</answer>\n\n</think>\n<think>\n").value == 0.0
    right = "<think>\nadd\n</think>\n<answer>\n5\n</answer>"
    assert get_reward("tag_count").score(right).value == 1.0
    half = "<think>\nadd\n</think>\n<answer>\n\n</answer>"
    assert get_reward("tag_count").score(half).value == 0.5


def test_countdown_reads_what_stands_around_an_expression_and_pays_no_empty_tag() -> None:
    reward = get_reward("countdown", format_score=0.1)
    for written in ("1*2*3*4.", "\\boxed{1*2*3*4}", "$\\boxed{1*2*3*4}$", "１*２*３*４", "1＊2＊3＊4＝24"):
        assert reward.score(f"<answer>{written}</answer>", nums=[1, 2, 3, 4], target=24).value == 1.0, written
    for empty in ("", " ", "$$", "\u200b", "."):
        assert reward.score(f"<answer>{empty}</answer>", nums=[1, 2, 3, 4], target=24).value == 0.0
    assert reward.score("<answer>1+1</answer>", nums=[1, 2, 3, 4], target=24).value == 0.1


def test_numbers_that_no_expression_can_use_are_a_fault_of_the_row() -> None:
    score = get_reward("countdown").score("<answer>5 - 3</answer>", nums=[-3, 5], target=2)
    assert score.value is None
    assert score.cause is Cause.INVALID_GOLD


@pytest.mark.parametrize("gates", [["closed", "unsure"], ["unsure", "closed"]])
def test_a_closed_gate_decides_in_whichever_order_gates_are_named(gates: list[str]) -> None:
    rewards = {
        "closed": {"use": "format", "params": {"style": "boxed"}, "weight": 0.0},
        "unsure": {"use": "accuracy", "weight": 0.0},
        "gated": {"use": "length", "gate": gates},
    }
    config = {"rewards": rewards, "undecided": "component"}
    score = compose(config).score("no box here, 7", gold="\\frac{")
    assert score.parts["gated"].value == 0.0, score
