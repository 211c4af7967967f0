"""An answer that the words behind its mark take back is none, whatever the mark; what is put in its place counts."""

from __future__ import annotations

import pytest

from veritune.verifiers.math.extraction.extract import extract

MARKS = ("\\boxed{5}", "<answer>5</answer>", "#### 5", "Answer: 5")
TAKEN_BACK = (
    "\nThat is wrong.",
    "\nScratch that.",
    "\nHmm, that cannot be.",
    "\nI was wrong.",
    "\nChecking again, I was wrong.",
    "\nI made a mistake.",
)
STANDS = (
    "",
    "\nThat cannot be simplified further.",
    "\nThat is right.",
    "\nIt is false that the answer is 18.",
    "\nThis is the number of apples.",
)


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("behind", TAKEN_BACK)
def test_what_is_taken_back_behind_its_mark_is_no_answer(mark: str, behind: str) -> None:
    assert not extract(f"I count them.\n{mark}{behind}").answer


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("behind", TAKEN_BACK)
def test_the_answer_in_its_place_counts(mark: str, behind: str) -> None:
    assert extract(f"I count them.\n{mark}{behind}\nThe answer is 6.").answer == "6"


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("behind", STANDS)
def test_what_takes_nothing_back_leaves_it(mark: str, behind: str) -> None:
    assert extract(f"I count them.\n{mark}{behind}").answer == "5"


@pytest.mark.parametrize(
    "text", ["\\boxed{5} is a lie.", "<answer>5</answer> is incorrect.", "<answer>5</answer> is wrong."]
)
def test_what_is_called_wrong_in_one_sentence_with_its_mark_is_no_answer(text: str) -> None:
    assert extract(text).answer != "5"
