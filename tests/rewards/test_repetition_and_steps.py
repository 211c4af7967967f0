"""``repetition_penalty``, ``reasoning_steps`` and ``code_format``."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import pytest

from veritune.plugins import ParameterError, Sample, VerituneError, get_reward
from veritune.rewards import repetition


def test_repetition_is_the_share_of_ngrams_seen_before() -> None:
    assert get_reward("repetition_penalty").score("a b c a b c").value == pytest.approx(-1 / 4)
    assert get_reward("repetition_penalty", ngram_size=1, max_penalty=-2).score("Go go GO").value == pytest.approx(
        -4 / 3
    )
    assert "1 of 4 3-grams of words" in get_reward("repetition_penalty").score("a b c a b c").reason


@pytest.mark.parametrize("text", ["", "a b", "a b c", "a b c d e", "我们"])
def test_no_repetition_is_plain_zero(text: str) -> None:
    value = get_reward("repetition_penalty").score(text).value
    assert value == 0.0
    assert math.copysign(1, value) == 1.0


def test_the_unit_is_the_users_word() -> None:
    sample = Sample("abab", completion_ids=[1, 1, 1, 1])
    values = {
        unit: get_reward("repetition_penalty", ngram_size=2, unit=unit).score(sample).value
        for unit in ("words", "characters", "tokens")
    }
    assert values == pytest.approx({"words": 0.0, "characters": -1 / 3, "tokens": -2 / 3})
    with pytest.raises(ParameterError, match="unit"):
        get_reward("repetition_penalty", unit="bytes")
    with pytest.raises(ParameterError, match="language"):
        get_reward("repetition_penalty", language="fr")


def test_chinese_repetition_is_seen_without_spaces() -> None:
    loop = "我们来计算，" * 20
    for segmenter in ("auto", "characters"):
        value = get_reward("repetition_penalty", segmenter=segmenter).score(loop).value
        assert value is not None
        assert value < -0.9
    assert get_reward("repetition_penalty", language="en").score(loop).value == 0.0
    assert "Chinese by character" in get_reward("repetition_penalty", segmenter="characters").score(loop).reason


def test_without_jieba_chinese_is_read_by_character(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(__import__("sys").modules, "jieba", None)
    assert "by character" in get_reward("repetition_penalty").score("我们我们我们").reason
    with pytest.raises(VerituneError, match=r"veritune\[zh\]"):
        get_reward("repetition_penalty", segmenter="jieba").score("我们我们我们")


def test_long_ngrams_are_counted_as_short_ones_are() -> None:
    items = [i * i % 7 for i in range(300)]
    for n in (9, 10, 13, 64, 290, 300, 301):
        plain = max(len(items) - n + 1, 0)
        different = len({tuple(items[i : i + n]) for i in range(plain)})
        assert repetition._repeated(items, n) == (plain - different, plain)


def test_real_repetition_loops_cost_more_than_real_answers(
    shared_rows: Callable[[str], list[dict[str, Any]]],
) -> None:
    rows = shared_rows("traces/grpo_rollouts_countdown_mist.jsonl")
    reward = get_reward("repetition_penalty")
    values = {row["id"]: reward.score(row["text"]).value or 0.0 for row in rows}
    strict = [values[row["id"]] for row in rows if row["strict_format"]]
    worst = sorted(values.values())[:20]
    assert sum(strict) / len(strict) > -0.2
    assert sum(worst) / len(worst) < -0.5


THREE = {
    "numbered": "1. add\n2. double\n3. answer",
    "numbered, bracket": "Plan\n 1) add\n 2) double\n 3) answer",
    "steps": "Step 1: add\nStep 2: double\nStep 3: answer",
    "markdown": "**Step 1:** add\n\n### Step 2: double\n\n**3.** answer",
    "bullets": "- add\n* double\n• answer",
    "words": "First, add. Next, double. Finally, answer.",
    "words on lines": "First we add\nThen we double\nFinally we answer",
    "zh words": "首先，三加四。其次，乘以二。最后，得到十四。",
    "zh steps": "第一步：相加。\n第二步：加倍。\n第3步，回答。",
}


@pytest.mark.parametrize("about", THREE)
def test_three_steps_are_enough(about: str) -> None:
    assert get_reward("reasoning_steps").score(THREE[about]).value == 1.0
    assert get_reward("reasoning_steps", enough=6).score(THREE[about]).value == 0.5


GAMED = {
    "markers only": ("First,First,First,", 0),
    "markers on lines": ("First,\nSecond,\nNext,\nFinally,", 0),
    "empty numbers": ("1.\n2.\n3.\n", 0),
    "rules": ("---\n---\n---", 0),
    "the same step": ("- add\n- add\n-  ADD!", 1),
    "the same label": ("Step 1: add\nStep 1: bring\nStep 1: count", 1),
    "the same word": ("First, add. First, bring. First, count.", 1),
    "decimals": ("1.5\n2.5\n3.5", 0),
    "inside a sentence": ("the First, the Second, the Finally, and so on", 0),
    "one of them": ("Finally, done", 1),
    "nothing": ("", 0),
}


@pytest.mark.parametrize("about", GAMED)
def test_markers_without_steps_earn_nothing(about: str) -> None:
    text, steps = GAMED[about]
    assert get_reward("reasoning_steps").score(text).value == pytest.approx(steps / 3)


def test_real_reasoning_has_steps(shared_rows: Callable[[str], list[dict[str, Any]]]) -> None:
    rows = shared_rows("traces/think_misguided_attention.jsonl")[::4]
    values = get_reward("reasoning_steps")(completions=[row["text"] for row in rows])
    assert sum(value or 0 for value in values) / len(values) > 0.6


def coded(answer: str) -> str:
    return f"<think>\nhm\n</think>\n<answer>\n{answer}\n</answer>"


FENCE = "```python\nprint(1)\n```"


@pytest.mark.parametrize("language", [None, float("nan"), "", "  ", " Python "])
def test_code_format_takes_python_where_the_row_names_no_language(language: Any) -> None:
    assert get_reward("code_format").score(coded("```python\nx = 1\n```"), language=language).value == 1.0


@pytest.mark.parametrize(
    "answer", [FENCE, f"see\n{FENCE}\nso", "```py\nx\n```", "```Python3\nx\n```", f"```\nx\n```\n{FENCE}"]
)
def test_code_format_finds_a_closed_block_in_the_answer(answer: str) -> None:
    assert get_reward("code_format").score(coded(answer)).value == 1.0


@pytest.mark.parametrize(
    "text",
    [
        coded("```python\n```"),
        coded("```python\n  \n```"),
        coded("```python\nprint(1)"),
        coded("```javascript\nx\n```"),
        coded("```\n```python\nx"),
        coded("```python print(1)```"),
        coded(FENCE) + "\njunk",
        coded(FENCE) + "\n" + coded(FENCE),
        f"<think>\n{FENCE}\n</think>\n<answer>\nb\n</answer>",
        FENCE,
        "",
    ],
)
def test_code_format_refuses_the_rest(text: str) -> None:
    score = get_reward("code_format").score(text)
    assert score.value == 0.0
    assert score.reason


def test_code_format_takes_the_language_from_the_column_and_knows_aliases() -> None:
    script = coded("```c++\nint x;\n```")
    assert get_reward("code_format").score(script, language="cpp").value == 1.0
    assert get_reward("code_format", language="cpp").score(script).value == 1.0
    assert get_reward("code_format").score(script).value == 0.0
    assert get_reward("code_format", strict=False).score(f"<think>a</think>{FENCE}").value == 1.0
    assert get_reward("code_format").score(coded(FENCE).removeprefix("<think>"), "2+2?<think>").value == 1.0
