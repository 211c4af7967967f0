"""Reasoning that a server parsed out of a message costs no style that the tags themselves have."""

from __future__ import annotations

import pytest

from veritune import Sample, get_reward
from veritune.plugins.types import completion_text

REASONINGS = ("hm", "\nhm", "hm\n", "\nhm\n", "\n\n hm \n\n")
SEAMS = ("", "\n", "\n\n", " ", "\r\n", "\n \n")


def _messages(reasoning: str, content: str) -> list[list[dict[str, object]]]:
    blocks = [{"type": "thinking", "thinking": reasoning}, {"type": "text", "text": content}]
    fields = ("reasoning_content", "reasoning", "thinking")
    found: list[dict[str, object]] = [{"role": "assistant", name: reasoning, "content": content} for name in fields]
    found.append({"role": "assistant", "content": blocks})
    return [[message] for message in found]


@pytest.mark.parametrize("style", ["think_answer", "think_answer_soft", "think", "tags", "answer"])
def test_every_style_that_the_tags_have_is_paid_whatever_stands_at_the_seam(style: str) -> None:
    reward = get_reward("format", style=style)
    samples = [
        Sample(message, prompt)
        for reasoning in REASONINGS
        for seam in SEAMS
        for message in _messages(reasoning, f"{seam}<answer>\n4\n</answer>")
        for prompt in (None, "2+2? <think>\n")
    ]
    assert {score.value for score in reward.score_batch(samples)} == {1.0}


def test_the_strict_style_still_holds_what_the_model_wrote_to_it() -> None:
    reward = get_reward("format")
    for content in (
        "<answer>4</answer>",
        "so <answer>\n4\n</answer>",
        "<answer>\n4\n</answer>\n\n",
        "4",
        "<answer>\n\n</answer>",
    ):
        assert [score.value for score in reward.score_batch([Sample(m) for m in _messages("hm", content)])] == [0.0] * 4
    written = "<think>\nhm\n</think>\n\n<answer>\n4\n</answer>"
    assert reward.score_batch([Sample(written)])[0].value == 0.0


def test_an_indented_first_line_stays_indented() -> None:
    (message, *_) = _messages("hm", "\n\n    return x\n")
    assert completion_text(message) == "<think>\nhm\n</think>\n    return x\n"
