"""What a trainer or user passes as columns and completions fits the batch, or is refused by name."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veritune.plugins import ColumnError, ConfigError, ParameterError, get_reward, reward
from veritune.rewards.composition import compose


@reward
def equal(completion: str, gold: Any) -> float:
    return float(completion == gold)


@reward
def scaled(completion: str, *, factor: float = 1.0, count: int = 1, on: bool = False) -> float:
    return factor * len(completion)


class LazyColumn:
    """Looks like a dataset's column: sized and indexable, but no list."""

    def __init__(self, values: list[str]) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> str:
        return self.values[index]


@pytest.mark.parametrize("kind", [list, tuple, np.array, LazyColumn])
def test_every_kind_of_column_is_spread_over_the_rows(kind: Any) -> None:
    assert equal(completions=["4", "4"], answer=kind(["4", "5"])) == [1.0, 0.0]


@pytest.mark.parametrize("completions", [["4"], ["4", "4", "4"]])
def test_a_column_of_another_length_is_refused_not_repeated(completions: list[str]) -> None:
    with pytest.raises(ValueError, match=rf"'answer' has 2 values for {len(completions)} completions"):
        equal(completions=completions, answer=["4", "5"])
    with pytest.raises(ValueError, match="'answer' has 2 values"):
        compose({"rewards": {"equal": {"use": equal}}})(completions=completions, answer=["4", "5"])


def test_single_values_and_lists_that_nothing_reads_are_repeated() -> None:
    assert equal(completions=["4", "5"], answer="4", temperature=0.7, seen=[1, 2, 3]) == [1.0, 0.0]


def test_several_golds_of_one_row_stay_together() -> None:
    accuracy = get_reward("accuracy")
    assert accuracy(completions=[r"\boxed{4}", r"\boxed{4}"], answer=[["4", "5"], ["6"]]) == [1.0, 0.0]


@pytest.mark.parametrize("broken", [3, None, {"role": "assistant", "content": "x"}, ["x"]])
def test_a_malformed_completion_is_named(broken: Any) -> None:
    with pytest.raises(TypeError, match="completion 1 is neither a text nor a chat"):
        equal(completions=["4", broken], answer=["4", "5"])


def test_a_composed_set_refuses_a_mistyped_routing_column_when_called() -> None:
    routed = compose({"rewards": {"equal": {"use": equal}, "scaled": {"use": scaled, "where": {"kindd": "x"}}}})
    with pytest.raises(ColumnError, match="Did you mean 'kind'"):
        routed(completions=["4"], answer=["4"], kind=["x"])


def test_a_columns_mapping_names_inputs_that_exist() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'gold'"):
        get_reward(equal, columns={"goldd": "answer"})
    with pytest.raises(ConfigError, match="columns is a mapping"):
        get_reward(equal, columns="answer")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "params", [{"factor": float("nan")}, {"factor": float("inf")}, {"count": True}, {"factor": True}]
)
def test_numbers_are_finite_and_no_truth_values(params: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="must be"):
        get_reward(scaled, **params)


def test_a_truth_value_is_fine_where_one_is_wanted() -> None:
    assert get_reward(scaled, on=True).params == {"on": True}


def test_a_weight_of_true_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"rewards\.equal\.weight"):
        compose({"rewards": {"equal": {"use": equal, "weight": True}}})


def test_a_reward_on_a_method_says_where_it_belongs() -> None:
    with pytest.raises(ParameterError, match="put it on the class"):

        class Holder:
            @reward
            def method(self, completion: str) -> float:
                return 1.0


def test_a_reward_without_a_module_is_not_pickled() -> None:
    names: dict[str, Any] = {}
    exec("def anonymous(completion): return 1.0", names)
    with pytest.raises(pickle.PicklingError, match="move it to the top of a module"):
        pickle.dumps(get_reward(names["anonymous"]))


def test_a_reward_by_relative_path_is_found_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "near.py").write_text("def near(completion):\n    return 1.0\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    packed = pickle.dumps(get_reward("near.py:near"))
    monkeypatch.chdir("/")
    assert pickle.loads(packed)(completions=["x"]) == [1.0]
