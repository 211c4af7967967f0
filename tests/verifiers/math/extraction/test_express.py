"""The short way to a boxed answer gives what the long way gives, or nothing."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pytest

from veritune.verifiers.math.extraction import extract as long_way
from veritune.verifiers.math.extraction.express import express
from veritune.verifiers.math.options import DEFAULT

BEFORE = [
    "Thus, the area is ", "The answer is not ", "It can't be that the answer is ", "Maybe ",
    "If x were 1, it would be ", "Many think that the value is ",
    "the numbers that are not prime are 4 and 6, so we get ", "We get \\boxed{3} and ", "Is it ", "\\text{So ",
    "\\phantom{", "<b>", "Let us show that the result is ", "% ", "The final answer: 7. So ", "It isn't\n",
    "\\fbox{2}, ", "{\"answer\": \"5\", \"x\": \"", "```\n", "\\color{white} ", "~~", "#### 12\n", "less than ",
    "\\def\\x{1} ", "\\iffalse ", "[/INST] ", "<think>", "I doubt it: ", "No. ", "x = ", "\\[\n",
    "`x` < 3 so ", "As \"they\" say, a < b: ", "Twice the answer is ", "I made it up: ", "< think > so ",
]  # fmt: skip
BOXES = [
    "\\boxed{7}", "\\boxed{\\frac{1}{2}}", "\\boxed{7", "\\boxed{7\\}", "\\boxed{ }", "\\boxed{\\text{not } 7}",
    "\\boxed{}", "\\boxed{\\text{the final answer is } 9}", "\\boxed{\\boxed{7}}", "\\boxed 7",
    "\\boxed{7 \\text{ or } 8}",
]  # fmt: skip
BEHIND = [
    "", ".", "$.", "\\).", "\\]", " cm.", " is wrong.", ". That is wrong.", ". Wait, no: 8.", "?",
    " is not it.", "}", "~~", " and \\boxed{8}", " or \\boxed{8", ". The final answer is 9.", "\n\\blacksquare",
    " QED", "</think>", " square feet.", ". I made a mistake.", ", which is right.", ". Hmm.", " = 7.",
    "\n\nI hope it is correct.", " -->", "\\fi", "<|im_end|> x",
]  # fmt: skip


def agrees(text: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    quick = express(text, DEFAULT)
    if quick is None:
        return False
    with monkeypatch.context() as patched:
        patched.setattr(long_way, "express", lambda text, options: None)
        slow = long_way.extract(text)
    assert (slow.answer, slow.marker) == (quick.answer, "boxed"), text
    assert slow == long_way.extract(text)
    return True


def test_both_ways_agree_on_every_way_to_say_deny_hide_and_join(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = sum(agrees("".join(parts), monkeypatch) for parts in itertools.product(BEFORE, BOXES, BEHIND))
    assert taken > 300


def test_both_ways_agree_on_real_completions_cut_and_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(__file__).parents[5] / "shared" / "data" / "labelled_responses" / "math_qwen_boxed_x8.jsonl"
    if not path.exists():
        pytest.skip("../shared/data is not here")
    texts = [json.loads(line)["response"] for line in path.read_text(encoding="utf-8").splitlines()]
    taken = sum(agrees(text, monkeypatch) for text in texts)
    assert taken > len(texts) // 2
    pick = random.Random(0)
    for text in texts:
        at = pick.randrange(len(text))
        agrees(text[:at], monkeypatch)
        agrees(text[at:] + " " + pick.choice(texts)[:300], monkeypatch)
