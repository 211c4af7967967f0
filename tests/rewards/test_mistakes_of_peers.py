"""Each measured mistake of the peers' rewards: present in their mode, gone in ours."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest

from veritune.plugins import Cause, Reward, Sample, get_reward

GOOD = "<think>\nadd\n</think>\n<answer>\n42\n</answer>"
TOKENS: dict[str, Any] = {"completion_ids": [[0] * 10]}


def value(reward: Reward, completion: str, **columns: Any) -> float | None:
    return reward.score(completion, **columns).value


def test_a_bare_gold_is_read_whole() -> None:
    """math-verify reads the bare gold ``2\\sqrt{3}`` as 2, ``10^{5}`` as 10, ``1,2`` as 1.2, ``\\pm 2021`` as 2021."""
    golds = [r"2\sqrt{3}", "10^{5}", r"\pm 2021"]
    misread = [r"\boxed{2}", r"\boxed{10}", r"\boxed{2021}"]
    right = [rf"\boxed{{{gold}}}" for gold in golds]
    for peer in ("trl", "open-r1"):
        inverted = get_reward("accuracy", compat=peer)
        assert inverted(completions=misread[:2], solution=golds[:2]) == [1.0, 1.0]
        assert 1.0 not in inverted(completions=right[:2], solution=golds[:2])
    ours = get_reward("accuracy")
    assert ours(completions=right, solution=golds) == [1.0, 1.0, 1.0]
    assert ours(completions=misread, solution=golds) == [0.0, 0.0, 0.0]


def test_work_without_end_is_bounded_off_the_main_thread_too() -> None:
    found: list[float | None] = []
    texts = [r"\boxed{(10^{10})!}", r"\boxed{9^{9^{9^9}}}", r"\boxed{\sum_{k=1}^{10^8} 1/k}", r"\boxed{4}"]
    reward = get_reward("accuracy")
    thread = threading.Thread(target=lambda: found.extend(reward(completions=texts, gold=["4"] * 4)))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert [score == 1.0 for score in found] == [False, False, False, True]


@pytest.mark.parametrize("name", ["cosine", "length"])
@pytest.mark.parametrize("gold", [None, "", "   "])
def test_a_missing_gold_never_pays(name: str, gold: str | None) -> None:
    samples = [Sample(text, "same prompt", columns={"gold": gold}) for text in (r"\boxed{3}", r"so \boxed{3}")]
    for score in get_reward(name).score_batch(samples):
        assert (score.value, score.cause) == (None, Cause.INVALID_GOLD)
    peer = get_reward(name, compat="open-r1")([s.completion for s in samples], solution=[gold, gold])
    assert max(v for v in peer if v is not None) > 0, "as the peer has it"


def test_a_bare_gold_does_not_make_a_wrong_answer_right() -> None:
    """open-r1 reads nothing in the gold ``6`` and pays the answer 3 in full."""
    assert get_reward("cosine", compat="open-r1")([r"\boxed{3}"], solution=["6"]) == [1.0]
    ours = value(get_reward("cosine"), r"\boxed{3}", solution="6")
    assert ours is not None
    assert ours < 0


def test_length_does_not_mix_prompt_groups() -> None:
    short, long = [r"\boxed{4}", r"x\boxed{4}"], ["y" * 500 + r"\boxed{4}", "y" * 900 + r"\boxed{4}"]
    call: dict[str, Any] = {"completions": short + long, "solution": ["$4$"] * 4}
    mixed = get_reward("length", compat="open-r1")(**call)
    assert mixed[2] is not None
    assert mixed[2] < 0.0, "the better of the second prompt's answers is punished by the peer"
    assert get_reward("length")(prompts=["a", "a", "b", "b"], **call) == [0.5, -0.5, 0.5, -0.5]


def test_cosine_does_not_wrap_past_its_end() -> None:
    text = "x" * 1991 + r"\boxed{4}"
    assert get_reward("cosine", compat="open-r1")([text], solution=["$4$"]) == [1.0]
    assert value(get_reward("cosine", max_len=1000), text, gold="4") == pytest.approx(0.5)


def test_cosine_bounds_that_punish_longer_wrong_answers_more_are_refused() -> None:
    """open-r1's script passes min_value_wrong 0.0 with max_value_wrong −0.5."""
    with pytest.raises(ValueError, match="turned round"):
        value(get_reward("cosine", min_value_wrong=0.0, max_value_wrong=-0.5), "x", gold="4")


def test_cosine_by_default_punishes_longer_wrong_answers_less() -> None:
    reward = get_reward("cosine", max_len=100)
    short, long = value(reward, r"\boxed{5}", gold="4"), value(reward, "x" * 90 + r"\boxed{5}", gold="4")
    assert short is not None
    assert long is not None
    assert -1.0 <= short < long <= -0.5


@pytest.mark.parametrize("text", [GOOD + "\njunk", GOOD + "\n" + GOOD, GOOD + GOOD])
def test_format_takes_no_junk_and_no_second_block(text: str) -> None:
    assert get_reward("format", compat="open-r1")([text]) == [1.0]
    assert get_reward("format")([text]) == [0.0]


@pytest.mark.parametrize("name", ["format", "think_format"])
def test_think_format_takes_no_empty_answer(name: str) -> None:
    params: dict[str, Any] = {"style": "think"} if name == "format" else {}
    assert get_reward(name, compat="trl")(["<think>a</think>"]) == [1.0]
    assert get_reward(name, **params)(["<think>a</think>"]) == [0.0]


def test_a_prefilled_think_is_no_fault_of_the_completion() -> None:
    assert get_reward("think_format", compat="trl")(["a</think>4"], prompts=["2+2?<think>"]) == [0.0]
    assert get_reward("think_format")(["a</think>4"], prompts=["2+2?<think>"]) == [1.0]
    assert get_reward("format")([GOOD.removeprefix("<think>")], prompts=["2+2?<think>"]) == [1.0]


def test_a_numbered_list_is_three_steps_and_a_chant_is_none() -> None:
    peer, ours = get_reward("reasoning_steps", compat="open-r1"), get_reward("reasoning_steps")
    texts = ["1. add\n2. double\n3. answer", "First,First,First,"]
    assert peer(texts) == pytest.approx([1 / 3, 1.0])
    assert ours(texts) == [1.0, 0.0]


def test_one_name_has_one_meaning_and_the_unit_is_written_down() -> None:
    text, ids = "a b a b a b", list(range(6))
    peers = [get_reward("repetition_penalty", compat=p)([text], completion_ids=[ids]) for p in ("open-r1", "trl")]
    assert peers[0] != peers[1]
    for unit in ("words", "characters", "tokens"):
        score = get_reward("repetition_penalty", unit=unit).score(text, completion_ids=ids)
        assert unit in score.reason
    for unit, length in (("characters", 9), ("tokens", 10)):
        scored = get_reward("cosine", unit=unit).score(
            r"\boxed{4}", gold="4", completion_ids=TOKENS["completion_ids"][0]
        )
        assert f"{length} of 1000 {unit}" in scored.reason


def test_no_negative_zero_comes_out() -> None:
    for compat, sign in (("open-r1", -1.0), (None, 1.0)):
        (zero,) = get_reward("repetition_penalty", compat=compat)(["a b c d"])
        assert zero == 0.0
        assert math.copysign(1.0, zero) == sign


def test_an_exception_is_never_a_zero() -> None:
    """A gold that the reward cannot handle stops the run or is undecided; it does not train as a zero."""
    for name in ("accuracy", "cosine", "reasoning_accuracy", "exact_answer"):
        score = get_reward(name).score(r"<think>a</think>\boxed{4}", "a prompt", gold=None)
        assert (score.value, score.cause) == (None, Cause.INVALID_GOLD)
