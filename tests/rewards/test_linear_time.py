"""No completion of 100,000 characters, however it was made, holds a rule-based reward for long."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.rewards.test_every_rule import RULES as EVERY_RULE
from veritune.plugins import Sample, get_reward

SIZE = 100_000
ATTACKS = {
    "separators": "\n</think>\n<answer>\n",
    "open think": "<think>\n",
    "closed answers": "\n</answer>",
    "half tags": "<think><answer></think",
    "boxes": r"\boxed{",
    "box spaces": "\\boxed" + " " * 500,
    "braces": "{}",
    "closing braces": "}",
    "fences": "```python\n",
    "backticks": "`",
    "fences in comments": "# ```\n",
    "fences after quotes": '""" ```\n',
    "spaces": " ",
    "line breaks": "\n",
    "tabs": "\n\t\t\t\t\t\t\t\t\t",
    "digits": "1",
    "digit commas": "1,",
    "numbered": "1. a\n",
    "steps": "Step 1111",
    "step spaces": "Step 1 ",
    "words": "First, ",
    "one letter": "a",
    "Chinese": "我们来计算",
    "one han": "我",
    "combining": "á",
}
RULES: list[tuple[str, dict[str, Any]]] = [
    *(
        ("format", {"style": style})
        for style in ("think_answer", "think_answer_soft", "think", "tags", "boxed", "answer")
    ),
    ("format", {"compat": "open-r1"}),
    ("format", {"compat": "trl"}),
    ("think_format", {}),
    ("tag_count", {}),
    ("tag_count", {"compat": "open-r1"}),
    ("digit", {}),
    ("exact_answer", {}),
    ("reasoning_steps", {}),
    ("reasoning_steps", {"compat": "open-r1"}),
    ("repetition_penalty", {"segmenter": "characters"}),
    ("repetition_penalty", {"segmenter": "jieba"}),
    ("repetition_penalty", {"unit": "characters"}),
    ("repetition_penalty", {"compat": "open-r1"}),
    ("soft_overlong_punishment", {"unit": "characters"}),
    ("code_format", {}),
    ("code_format", {"strict": False}),
    ("code_format", {"compat": "open-r1"}),
]


def attacks(shaped: bool) -> list[str]:
    """Each piece over and over, bare and (``shaped``) inside the shapes that let an expression get going."""
    texts = []
    for piece in ATTACKS.values():
        body = piece * (SIZE // len(piece))
        texts.append(body)
        if not shaped:
            continue
        texts += [
            f"<think>\n{body}",
            f"<think>\na\n</think>\n<answer>\n{body}",
            f"<think>a</think><answer>{body}</answer>",
        ]
    return texts


@pytest.mark.parametrize(("name", "params"), RULES, ids=[f"{n}-{'-'.join(map(str, p.values()))}" for n, p in RULES])
def test_time_is_linear_in_the_completion(name: str, params: dict[str, Any]) -> None:
    if params.get("segmenter") == "jieba":
        pytest.importorskip("jieba")
    reward = get_reward(name, **params)
    reward.score("我们", gold="4")  # what is loaded once is not the completion's doing
    slowest = 0.0
    for text in attacks(shaped=name != "repetition_penalty"):
        start = time.process_time()
        reward.score(Sample(text, "prompt", columns={"gold": "4"}))
        slowest = max(slowest, time.process_time() - start)
    assert slowest < 1.5, f"{slowest:.2f} s of CPU on one completion of {SIZE} characters"


def test_long_ngrams_cost_no_square_of_time_or_memory() -> None:
    reward = get_reward("repetition_penalty", unit="characters", ngram_size=SIZE // 2)
    start = time.process_time()
    assert reward.score("ab" * (SIZE // 2)).value == pytest.approx(-1.0, abs=1e-3)
    assert time.process_time() - start < 2.0


def test_chinese_words_in_the_peers_mode_cost_no_square_of_time() -> None:
    pytest.importorskip("jieba")
    reward = get_reward("repetition_penalty", compat="open-r1", language="zh")
    reward.score("我们")
    start = time.process_time()
    reward.score("我" * SIZE)
    assert time.process_time() - start < 5.0


def test_every_rule_is_attacked() -> None:
    by_the_verifiers_own_bounds = {"accuracy", "reasoning_accuracy", "cosine", "length"}
    assert {name for name, _ in RULES} == set(EVERY_RULE) - by_the_verifiers_own_bounds
