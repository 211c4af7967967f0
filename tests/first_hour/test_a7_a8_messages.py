"""A7 and A8: the slips of somebody's first reward, each told what to change."""

from __future__ import annotations

import functools
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from veritune import compose, get_reward, reward
from veritune.adapters.trl import reward_function
from veritune.plugins import ColumnError, ConfigError, ParameterError, PluginError, Reward, RewardError, Sample

CHAT = [{"role": "assistant", "content": "four"}]
FILE = """
from veritune import reward

def short(completion, *, limit: int = 200):
    return float(len(completion) <= limit)

def near(completions, target_length, *, tolerance: float = 0.1):
    return [float(abs(len(c) - t) <= tolerance * t) for c, t in zip(completions, target_length)]

def starless(completion, limit: int = 3):
    return 1.0

class Ratio:
    def __init__(self, low: float = 0.2, *, high: float = 0.8):
        self.low, self.high = low, high

    def __call__(self, completion):
        return self.low

class Child(Ratio):
    pass

class Needs:
    def __init__(self, low: float):
        self.low = low

    def __call__(self, completion):
        return self.low

class Broken:
    def __init__(self, low: float = 0.0):
        self.high = 1 / low

    def __call__(self, completion):
        return self.high

class NoCall:
    pass

def tutorial(completions, **kwargs):
    return [float(len(c[0]["content"])) for c in completions]

def tutorial_last(completions, **kwargs):
    return [float("x" in c[-1].get("content", "")) for c in completions]

def tutorial_prompt(prompts, completions, **kwargs):
    return [float(len(p[-1]["content"])) for p in prompts]

def tutorial_one(completion):
    return [m["content"] for m in completion]

def misspelt(completionz):
    return 1.0

def keyerror(completion):
    return {}["b"]

def nothing(completions):
    pass

def one_number(completions):
    return 0.5

def a_text(completions):
    return "good"

def a_mapping(completions):
    return {"a": 1.0}

def too_few(completions):
    return [1.0]

def a_list(completion):
    return [1.0]

def a_word(completion):
    return "good"

def with_reason(completion):
    return 1.0, "why"

def by_place(completion, /):
    return 1.0
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("mine") / "my_rewards.py"
    path.write_text(FILE)
    return str(path)


# -- A7: parameters given as inputs


@pytest.mark.parametrize("value", [5, None, "x", [1, 2, 3]])
def test_a7_a_parameter_given_to_score_is_refused_with_the_way_to_write_it(file: str, value: Any) -> None:
    short = get_reward(f"{file}:short")
    with pytest.raises(ParameterError, match=r"'limit' is a parameter.*with_params\(limit=") as caught:
        short.score("far too long", limit=value)
    assert "get_reward(…, limit=" in str(caught.value)
    adapted: Any = reward_function({"rewards": {"format": {}, "s": {"use": short}}})
    for composed in (compose([f"{file}:short"]), adapted):
        with pytest.raises(ParameterError, match="'limit' is a parameter"):
            composed.score("far too long", limit=value)


def test_a7_a_parameter_given_to_a_call_is_refused_and_a_column_of_that_name_is_not(file: str) -> None:
    near = get_reward(f"{file}:near")
    given: dict[str, Any] = {"completions": ["abcd", "ab"], "target_length": [4, 4]}
    for take in (near, compose([f"{file}:near"])):
        assert take(**given) == [1.0, 0.0]
        with pytest.raises(ParameterError, match=r"params: \{tolerance: 0.5\}"):
            take(**given, tolerance=0.5)
        assert take(**given, tolerance=["a", "column"]) == [1.0, 0.0], "a data set may have a column of that name"
    samples = [Sample("abcd", columns={"target_length": 4, "tolerance": 1})]
    for take in (near, compose([f"{file}:near"])):
        assert take.score_batch(samples)[0].value == 1.0
        with pytest.raises(ParameterError, match="'tolerance' is a parameter"):
            take.score_batch(samples, tolerance=0.5)


def test_a7_a_column_that_feeds_an_input_is_no_parameter() -> None:
    @reward
    def same(completion: str, gold: str, *, level: int = 0) -> float:
        return float(completion == gold)

    assert same.with_params(columns={"gold": "level"}).score("4", level="4").value == 1.0


# -- A8: writing a reward


def test_a8_an_input_given_as_a_parameter_is_told_about_the_star(file: str) -> None:
    with pytest.raises(ParameterError, match=r"'limit' is an input .* put it behind a \*"):
        get_reward(f"{file}:starless", limit=3)


def test_a8_whatever_a_class_s_init_takes_is_a_parameter(file: str) -> None:
    assert get_reward(f"{file}:Ratio", low=0.5, high=0.9).score("x").value == 0.5
    assert get_reward(f"{file}:Child", low=0.6).score("x").value == 0.6
    assert get_reward(f"{file}:Needs", low=0.7).score("x").value == 0.7
    with pytest.raises(ParameterError, match="needs 'low'"):
        get_reward(f"{file}:Needs")
    with pytest.raises(ParameterError, match="must be float, got 'much'"):
        get_reward(f"{file}:Ratio", low="much")
    with pytest.raises(ParameterError, match="'NoCall' is no reward: its __call__"):
        get_reward(f"{file}:NoCall")
    with pytest.raises(RewardError, match=r"ZeroDivisionError(.|\n)*my_rewards.py, line \d+, in __init__"):
        get_reward(f"{file}:Broken").score("x")


@pytest.mark.parametrize("name", ["tutorial", "tutorial_last", "tutorial_prompt", "tutorial_one"])
@pytest.mark.parametrize("text", ["four", ""])
def test_a8_a_reward_of_a_trl_tutorial_is_told_that_completions_are_texts(file: str, name: str, text: str) -> None:
    columns: dict[str, Any] = {"completions": [[{"role": "assistant", "content": text}]] * 2, "prompts": ["2+2?"] * 2}
    if name == "tutorial_one" and not text:
        return  # nothing to look into: an empty list is no number, which is told
    for take in (get_reward(f"{file}:{name}"), compose([f"{file}:{name}"])):
        with pytest.raises(RewardError, match="Completions arrive as texts") as caught:
            take(**columns)
        assert "sample.completion" in str(caught.value)
        assert re.search(r"my_rewards.py, line \d+", str(caught.value))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("keyerror", "KeyError: 'b'"),
        ("nothing", r"returned None \(NoneType\) \(is a `return` missing\?\)"),
        ("one_number", r"returned 0.5 \(float\): .*returns a list"),
        ("a_text", "returned 'good'"),
        ("a_mapping", "returned {'a': 1.0}"),
        ("too_few", "returned 1 values for 2 completions"),
        ("a_list", r"got \[1.0\] \(list\).*@reward\(batch=True\)"),
        ("a_word", "got 'good'"),
        ("with_reason", r"got \(1.0, 'why'\) \(tuple\); a number with its reason is Score\(number, reason\)"),
    ],
)
def test_a8_what_a_reward_returns_or_raises_is_told_with_file_and_line(file: str, name: str, said: str) -> None:
    with pytest.raises(RewardError, match=said) as caught:
        compose([f"{file}:{name}"])(completions=["a", "b"], gold=[None, None])
    assert re.search(r"at .*my_rewards.py, line \d+, in " + name, str(caught.value))
    assert "gold='None'" not in str(caught.value)


def test_a8_none_in_a_column_is_shown_as_none() -> None:
    assert "gold=None" in str(RewardError("r", "m", Sample("x", columns={"gold": None})))


def test_a8_columns_are_listed_without_what_the_trainer_passes(file: str) -> None:
    injected: dict[str, Any] = {"trainer_state": None, "log_metric": print, "log_extra": print}
    for take in (get_reward(f"{file}:misspelt"), compose([f"{file}:misspelt"])):
        with pytest.raises(ColumnError, match="Did you mean 'completion'") as caught:
            take(completions=["x"], kind=["a"], **injected)
        assert "Columns: kind. Inputs that need no column: completion, completion_ids, prompt, sample" in str(
            caught.value
        )


def test_a8_parameters_beside_params_are_told_where_they_belong() -> None:
    with pytest.raises(ConfigError, match=r"write cosine: \{params: \{max_len: 3\}\}"):
        compose({"rewards": {"cosine": {"max_len": 3}}})
    with pytest.raises(ConfigError, match=r"unknown key. Did you mean 'weight'"):
        compose({"rewards": {"cosine": {"wieght": 3}}})


@pytest.mark.parametrize("use", ["cosine:max_len", "{file}:short:limit"])
def test_a8_a_parameter_without_its_value_is_told(file: str, use: str) -> None:
    with pytest.raises(ConfigError, match=r"a parameter is written with its value, .*=VALUE"):
        get_reward(use.format(file=file))


def test_a8_near_misses_of_a_path_are_told(file: str) -> None:
    for use, said in (
        (f"{file}::short", "one colon stands between"),
        (f"{file[:-3]}:short", "ends in .py"),
        (f"{file}:by_place", "take the / out"),
    ):
        with pytest.raises(ConfigError, match=said):
            get_reward(use)


@pytest.mark.parametrize(
    ("rewards", "said"),
    [
        (
            {"format": {"affine": [2, 1]}},
            "rewards.format.affine: a mapping (key: value) is expected with the keys scale, shift, got [2, 1]",
        ),
        ({"format": {"gate": 0.5}}, "rewards.format.gate: a list is expected, got 0.5"),
        ({"format": {"eval_only": "perhaps"}}, "rewards.format.eval_only: true or false is expected, got 'perhaps'"),
        ({"format": {"from_step": "soon"}}, "rewards.format.from_step: a whole number is expected, got 'soon'"),
        ({"format": "yes"}, "rewards.format: a mapping (key: value) is expected with the keys use, weight"),
        ({"digit": False}, "rewards: none is left"),
    ],
)
def test_a8_a_config_s_mistakes_are_told_without_pydantic_s_words(rewards: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        compose({"rewards": rewards})


def test_a16_objects_without_a_name_of_their_own_are_rewards_that_stay_in_this_process() -> None:
    class Long:
        def __init__(self, limit: int) -> None:
            self.limit = limit

        def __call__(self, completion: str) -> float:
            return float(len(completion) > self.limit)

    def over(completion: str, *, limit: int = 0) -> float:
        return float(len(completion) > limit)

    for made in (Long(3), functools.partial(over, limit=3)):
        taken = get_reward(made)
        assert taken.score("four").value == 1.0
        with pytest.raises(pickle.PicklingError):
            pickle.dumps(taken)
        with pytest.raises(ConfigError, match=r"Save it to a file, my_rewards.py"):
            taken.check_portable()


def test_a16_a_plugin_error_keeps_the_place(tmp_path: Path) -> None:
    path = tmp_path / "late.py"
    path.write_text("x = 1\nraise ValueError('no')\n")
    with pytest.raises(PluginError, match=r"ValueError: no \(line 2\)"):
        get_reward(f"{path}:x")
    assert isinstance(get_reward("format"), Reward)
