"""Which part of a completion counts as its answer, and that the rest never does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from veritune.verifiers.math.extraction.extract import extract
from veritune.verifiers.math.options import MathOptions

Rows = Callable[[str], list[dict[str, Any]]]

MARKED = [
    (r"First \boxed{41}. No: the answer is \boxed{42}", "42", "boxed"),
    (r"\boxed{\frac{a}{\sqrt{b}}}", r"\frac{a}{\sqrt{b}}", "boxed"),
    (r"\fbox{7}", "7", "boxed"),
    (r"\boxed{1} and \boxed{2}", "1, 2", "boxed (joined)"),
    (r"$\boxed{(3, 3)} \text{ for part (a) and } \boxed{(1, 1)}$", "(3, 3), (1, 1)", "boxed (joined)"),
    (r"\boxed{1}\boxed{234}", "234", "boxed"),
    (r"\boxed{3}, so then \boxed{5}", "5", "boxed"),
    ("reasoning\n#### 1,234", "1,234", "####"),
    ("<think>x</think><answer>42</answer>", "42", "answer tag"),
    (r"<answer>So it is \boxed{42}.</answer>", "42", "boxed"),
    ("The answer is 42.", "42", "the answer is"),
    ("Final Answer: The final answer is $(0, 1)$. I hope it is correct.", "$(0, 1)$", "final answer"),
    ("Answer: 42\nAnswer: 41", "41", "the answer is"),
    ("work\nA: 21", "21", "A:"),
    ("### Answer\n42", "42", "A:"),
    ("解得……\n【答案】$a=-3$", "$a=-3$", "【答案】"),
    ("因此，答案是42。", "42", "答案是"),
    ("所以选C。故选：C", "C", "故选"),
    ('{"reasoning": "so 3", "answer": "42"}', "42", "json"),
    ('```json\n{"reasoning": "so 3",\n "answer": 42}\n```', "42", "json"),
    ("It follows.\n\n**42**", "42", "bold"),
    ("Long work. Therefore, the probability is $\\frac{2}{3}$.", "$\\frac{2}{3}$", "conclusion"),
    ("42", "42", "bare"),
    ("```\n42\n```", "42", "bare"),
    ("Therefore, x = 5 or x = 7.", "x = 5 or x = 7", "conclusion"),
    ("The correct answer is B) 12.", "B) 12", "the answer is"),
    (r"Therefore, she makes \$18 every day.", "18", "conclusion"),
    ("所以，小明有3个苹果。", "3", "conclusion"),
    ("综上所述，本题选B。", "B", "本题选"),
    ("The answer is 10, not 12.", "10", "the answer is"),
]

UNMARKED = [
    r"<think>\boxed{42}</think>",
    r"<think> so it must be \boxed{42}",
    "The answer is not 42.",
    r"The answer is not \boxed{42}",
    "We see that $x \\ne \\boxed{42}$ here, and go on with the next case of\n\nthe argument, which is longer",
    "There are 40 birds. Two more come. I do not know how many there are, 42 seems high, but who can tell.\n\nStop",
    "",
    "<think></think>",
]


@pytest.mark.parametrize(("text", "answer", "marker"), MARKED)
def test_the_answer_and_what_marked_it(text: str, answer: str, marker: str) -> None:
    found = extract(text)
    assert (found.answer, found.marker) == (answer, marker)


@pytest.mark.parametrize("text", UNMARKED)
def test_no_answer_where_none_is_marked(text: str) -> None:
    found = extract(text)
    assert found.answer is None
    assert found.reason


def test_a_trailing_number_counts_only_when_asked() -> None:
    text = "We count them one by one.\n\nIn the end that makes about 12 apples"
    assert extract(text).answer is None
    assert extract(text, MathOptions(trailing=True)).answer == "12"


def test_reasoning_counts_only_when_asked() -> None:
    text = r"<think>\boxed{42}</think>"
    assert extract(text, MathOptions(in_reasoning=True)).answer == "42"


def test_all_boxes_or_the_first_when_asked() -> None:
    text = r"\boxed{1} then something else. \boxed{2}"
    assert extract(text, MathOptions(boxes="all")).answer == "1, 2"
    assert extract(text, MathOptions(boxes="first")).answer == "1"


def test_every_candidate_is_reported() -> None:
    found = extract("#### 41\nand so \\boxed{42}")
    assert [c.marker for c in found.candidates] == ["boxed", "####"]


@pytest.mark.parametrize(
    "unit",
    [
        "<think>",
        r"\boxed{",
        "$",
        "the answer is ",
        "\n",
        "A:\n",
        "\n#### ",
        "【答案】",
        r"\$",
        r"\[",
        '{"answer":',
        "**",
    ],
)
def test_extraction_is_linear(unit: str) -> None:
    start = time.process_time()
    extract(unit * (200_000 // len(unit)))
    assert time.process_time() - start < 0.5


def test_gsm8k_solutions_give_the_number_behind_a(shared_rows: Rows) -> None:
    for row in shared_rows("labelled_responses/gsm8k_model_solutions.jsonl")[::9]:
        before, marker, tail = row["response"].rpartition("A:")
        if marker and tail.strip():
            assert extract(row["response"]).answer == tail.strip(), row["id"]
        assert before or not marker
