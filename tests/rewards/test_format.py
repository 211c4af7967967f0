"""``format``: what each style asks for, whoever wrote ``<think>``, and patterns that cannot hang."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from veritune.plugins import Cause, ParameterError, Sample, get_reward

GOOD = "<think>\nadd them\n</think>\n<answer>\n42\n</answer>"
PASSES: dict[str, list[str]] = {
    "think_answer": [GOOD, f"{GOOD}\n", "<think>\n三\n\n四\n</think>\n<answer>\n七\n</answer>"],
    "think_answer_soft": [GOOD, "<think>a</think><answer>b</answer>", " <think> a </think>\n\n<answer>b</answer> \n"],
    "think": [GOOD, "<think>a</think>b", "<think>\na\n</think>\n\nThe answer is 4."],
    "tags": [GOOD, "so <think>a</think> and <answer>b</answer> it is"],
    "boxed": [r"so \boxed{4}", r"<think>x</think> $\boxed{\frac{1}{2}}$ and that is it", r"\fbox {4}"],
    "answer": [
        GOOD,
        "<answer>b</answer>",
        "<think><answer>no</answer></think> so <answer>b</answer>.",
        "a</think>b <answer>b</answer>",
    ],
}
FAILS: dict[str, dict[str, str]] = {
    "think_answer": {
        f"{GOOD}\njunk": "text after",
        f"{GOOD}\n\n": "white space",
        f"{GOOD}\n{GOOD}": "2 times",
        f" {GOOD}": "white space",
        f"so {GOOD}": "text before",
        "<think>a</think>\n<answer>\nb\n</answer>": "lines of their own",
        "<think>\na\n</think>\n\n<answer>\nb\n</answer>": "white space",
        "<think>\na\n</think>\nso\n<answer>\nb\n</answer>": "between",
        "<think>\n\n</think>\n<answer>\nb\n</answer>": "<think> block is empty",
        "<think>\na\n</think>\n<answer>\n \n</answer>": "<answer> block is empty",
        "<answer>\nb\n</answer>\n<think>\na\n</think>": "order",
        "<think>\na\n</think>\nb": "<answer> is missing",
        "": "<think> is missing",
    },
    "think_answer_soft": {
        f"{GOOD}x": "text after",
        "<think> </think><answer>b</answer>": "empty",
        GOOD + GOOD: "2 times",
    },
    "think": {
        "<think>a</think>": "no answer",
        "<think>a</think> <answer>\n</answer>": "no answer",
        "so <think>a</think>b": "text before",
        "<think>\n</think>b": "empty",
        "<think>a</think>b</think>": "2 times",
    },
    "tags": {"<think></think><answer>": "</answer> is missing", "<think><answer></think></answer>": "order"},
    "boxed": {
        "4": "no complete",
        r"\boxed{}": "empty",
        r"\boxed{4": "no complete",
        r"<think>\boxed{4}</think>": "no complete",
    },
    "answer": {"b": "missing", "<answer>a</answer><answer>b</answer>": "2 times", "<answer> </answer>": "empty"},
}


@pytest.mark.parametrize(("style", "text"), [(style, text) for style, texts in PASSES.items() for text in texts])
def test_a_style_accepts_its_shape(style: str, text: str) -> None:
    assert get_reward("format", style=style).score(text).value == 1.0


@pytest.mark.parametrize(
    ("style", "text", "why"), [(style, text, why) for style, texts in FAILS.items() for text, why in texts.items()]
)
def test_a_style_refuses_anything_else_and_says_why(style: str, text: str, why: str) -> None:
    score = get_reward("format", style=style, wrong=-0.5).score(text)
    assert score.value == -0.5
    assert why in score.reason


@pytest.mark.parametrize("style", FAILS)
@pytest.mark.parametrize("between", ["", "\n", " so "])
@pytest.mark.parametrize(
    "block", [GOOD, r"<think>a</think>\boxed{4}", "<think>a</think><answer>4</answer>", "a</think><answer>4</answer>"]
)
def test_no_style_takes_thinking_and_answer_twice(style: str, between: str, block: str) -> None:
    assert get_reward("format", style=style).score(block + between + block).value == 0.0


@pytest.mark.parametrize("style", ["answer", "boxed"])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (r"<think>a <answer>\boxed{4}</answer>", "</think> is missing"),
        (r"<think>a</think><think>b</think><answer>\boxed{4}</answer>", "<think> stands 2 times"),
        (r"a</think>b</think><answer>\boxed{4}</answer>", "<think> is missing"),
        (r"</think>a<think><answer>\boxed{4}</answer>", "order"),
    ],
)
def test_an_answer_comes_after_one_complete_thinking(style: str, text: str, why: str) -> None:
    score = get_reward("format", style=style).score(text)
    assert score.value == 0.0
    assert why in score.reason


def test_an_answer_before_the_thinking_is_a_second_one() -> None:
    text = "<answer>3</answer><think>a</think><answer>4</answer>"
    assert "before <think>" in get_reward("format", style="answer").score(text).reason


TAIL = GOOD.removeprefix("<think>")


@pytest.mark.parametrize("prompt", ["2+2?<think>", "2+2?<think>\n", [{"role": "assistant", "content": "<think>\n"}]])
def test_a_think_that_the_prompt_wrote_counts(prompt: Any) -> None:
    for completion in (TAIL, TAIL.removeprefix("\n")):
        assert get_reward("format").score(completion, prompt).value == 1.0
        assert get_reward("tag_count").score(completion, prompt).value == 1.0
    assert get_reward("format").score(GOOD, prompt).value == 0.0, "opened twice"


def test_prefilled_can_be_stated_where_the_template_hides_it() -> None:
    assert get_reward("format").score(TAIL, "2+2?").value == 0.0
    assert get_reward("format", prefilled=True).score(TAIL, "2+2?").value == 1.0
    assert get_reward("think_format", prefilled="true").score("so\n</think>4").value == 1.0
    assert get_reward("format", prefilled=False).score(GOOD, "2+2?<think>").value == 1.0


def test_a_pattern_replaces_the_style() -> None:
    scores = get_reward("format", pattern=r"(?s)\A<plan>.+</plan>", right=2).score_batch(
        [Sample("<plan>a\nb</plan>"), Sample("no plan")]
    )
    assert [score.value for score in scores] == [2.0, 0.0]


def test_a_catastrophic_pattern_is_undecided_and_the_rest_of_the_batch_lives() -> None:
    start = time.monotonic()
    scores = get_reward("format", pattern="^(a+)+$", deadline=0.3).score_batch(
        [Sample("aaa"), Sample("a" * 50 + "b"), Sample("b")]
    )
    assert [score.value for score in scores] == [1.0, None, 0.0]
    assert scores[1].cause is Cause.TIMEOUT
    assert time.monotonic() - start < 30


def test_a_wrong_pattern_or_style_is_refused_before_the_run() -> None:
    with pytest.raises(ParameterError, match="not a regular expression"):
        get_reward("format", pattern="(")
    with pytest.raises(ParameterError, match="think_answer"):
        get_reward("format", style="thinking")


def test_soft_style_is_the_strict_label_of_real_rollouts(shared_rows: Callable[[str], list[dict[str, Any]]]) -> None:
    """Their label: ``<think>…</think>``, white space, ``<answer>…</answer>`` and nothing else, each tag once."""
    rows = shared_rows("traces/grpo_rollouts_countdown_mist.jsonl")
    soft = get_reward("format", style="think_answer_soft")(completions=[row["text"] for row in rows])
    assert [value == 1.0 for value in soft] == [row["strict_format"] for row in rows]
    strict = get_reward("format")(completions=[row["text"] for row in rows])
    assert all(wide or not narrow for narrow, wide in zip(strict, soft, strict=True))
    tags = get_reward("format", style="tags")(completions=[row["text"] for row in rows])
    assert sum(bool(value) for value in tags) >= sum(bool(value) for value in soft) > 0


def test_think_style_on_real_reasoning_models(shared_rows: Callable[[str], list[dict[str, Any]]]) -> None:
    """Joined traces have the shape unless a tag is quoted or a part is blank; traces that never close never do."""
    rows = shared_rows("traces/think_misguided_attention.jsonl")
    reward = get_reward("format", style="think")
    for row in rows:
        score = reward.score(row["text"])
        whole = row["text"].count("<think>") == row["text"].count("</think>") == 1
        if row["tags"] == "raw_malformed" or not whole:
            assert score.value == 0.0, row["id"]
        else:
            assert score.value == 1.0 or "empty" in score.reason or "no answer" in score.reason, (
                row["id"],
                score.reason,
            )
    assert sum(reward.score(row["text"]).value or 0 for row in rows) > 0.8 * len(rows)
