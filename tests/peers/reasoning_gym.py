"""reasoning-gym's data sets scored by our rewards, and its scorers as a reward."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import reasoning_gym

from veritune import get_reward
from veritune.adapters.reasoning_gym import scored
from veritune.adapters.undecided import UndecidedError

Remark = Callable[[str, object], None]
NAMES = ("gsm_symbolic", "leg_counting", "chain_sum", "fraction_simplification", "simple_equations", "countdown")


def test_a_data_set_scored_by_ours(record_property: Remark) -> None:
    dataset = scored(reasoning_gym.create_dataset("leg_counting", size=20, seed=1), ["accuracy"])
    assert [dataset.score_answer(f"So it is \\boxed{{{entry['answer']}}}.", entry) for entry in dataset] == [1.0] * 20
    assert dataset.score_answer("So it is \\boxed{-1}.", dataset[0]) == 0.0
    assert dataset.score_answer(None, dataset[0]) == 0.0
    with pytest.raises(UndecidedError):
        dataset.score_answer("\\boxed{1}", {**dataset[0], "answer": ""})
    record_property("remark", "undecided: UndecidedError, or the number chosen (score_answer returns a float)")


@pytest.mark.parametrize("name", NAMES)
def test_its_scorer_as_a_reward(name: str) -> None:
    puzzle = get_reward("veritune.adapters.reasoning_gym:reasoning_gym_score")
    for entry in reasoning_gym.create_dataset(name, size=5, seed=2):
        columns = {"answer": entry["answer"], "metadata": entry["metadata"]}
        said = f"<think>\nwell\n</think>\n<answer>{entry['answer']}</answer>"
        assert puzzle.score(said, entry["question"], **columns).value == 1.0
        wrong = puzzle.score("<answer>no idea at all</answer>", entry["question"], **columns).value
        assert wrong is not None
        assert wrong < 0.5


def test_a_row_without_its_data_set_is_undecided() -> None:
    puzzle = get_reward("veritune.adapters.reasoning_gym:reasoning_gym_score")
    assert str(puzzle.score("<answer>4</answer>", "q", answer="4", metadata={}).cause) == "invalid_gold"
