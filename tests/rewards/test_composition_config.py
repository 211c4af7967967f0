"""What a config may say, and what is answered to a wrong one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.rewards import composition_rewards as small
from tests.rewards.composition_rewards import use
from veritune.plugins import ConfigError, ParameterError, PluginError, UnknownNameError, get_manager, hookimpl
from veritune.plugins.manager import reset_manager
from veritune.rewards.composition import compose, read_config


class Plugin:
    """A plugin with the tests' rewards by name, and presets."""

    @hookimpl
    def veritune_rewards(self) -> Mapping[str, Any]:
        return {"t_right": small.right, "t_size": small.size, "t_judge": small.judge}

    @hookimpl
    def veritune_presets(self) -> Mapping[str, Any]:
        sizes = {"t_size": {"weight": 0.5, "params": {"per": 2}}, "t_judge": {}}
        return {"t-sizes": {"rewards": sizes, "undecided": "component"}}


@pytest.fixture(autouse=True)
def _plugin() -> Iterator[None]:
    reset_manager()
    get_manager()._register(Plugin(), "composition-tests", "tests")
    yield
    reset_manager()


def problem(config: Any, kind: type[Exception] = ConfigError) -> str:
    with pytest.raises(kind) as caught:
        compose(config, where="run.yaml")
    return str(caught.value)


# -- the forms


def test_the_alias_is_the_name_unless_use_says_otherwise() -> None:
    rewards = compose({"rewards": {"t_size": {}, "small": {"use": "t_size", "params": {"per": 4}}}})
    assert rewards.aliases == ["t_size", "small"]
    assert rewards.score("abcd").value == 5.0


def test_a_list_of_names_is_enough() -> None:
    assert compose({"rewards": ["t_size", "t_judge"]}).aliases == ["t_size", "t_judge"]
    assert compose(["t_size", {"t_judge": {"weight": 2}}, {"use": use("right")}]).aliases == [
        "t_size",
        "t_judge",
        "right",
    ]


def test_a_number_is_a_weight_and_nothing_is_the_default() -> None:
    assert compose({"rewards": {"t_size": 0.2, "t_judge": None}}).weights() == {"t_size": 0.2, "t_judge": 1.0}


def test_rewards_themselves_and_plain_functions_can_be_used() -> None:
    rewards = compose([small.size, small.plain, small.Strict])
    assert rewards.aliases == ["size", "plain", "Strict"]
    assert rewards.score("abc").value == 4.0


def test_one_name_one_path_and_one_preset() -> None:
    assert compose("t_size").score("abc").value == 3.0
    assert compose(use("size")).aliases == ["size"]
    assert compose("t-sizes").aliases == ["t_size", "t_judge"]


def test_a_set_is_itself() -> None:
    rewards = compose("t_size")
    assert compose(rewards) is rewards


def test_a_yaml_file(tmp_path: Path) -> None:
    path = tmp_path / "rewards.yaml"
    path.write_text("rewards:\n  t_size: {weight: 0.5, clip: [null, 2]}\n  t_judge:\ncombine: product\n")
    for source in (path, str(path)):
        assert compose(source).score("abcdef").value == 0.5


# -- presets


def test_settings_override_a_preset_key_by_key() -> None:
    config = read_config({"preset": "t-sizes", "rewards": {"t_size": {"weight": 3}, "t_right": {}}})
    assert config.rewards["t_size"].weight == 3
    assert config.rewards["t_size"].params == {"per": 2}
    assert list(config.rewards) == ["t_size", "t_judge", "t_right"]
    assert config.undecided == "component"


def test_false_removes_a_component_of_a_preset() -> None:
    assert compose({"preset": "t-sizes", "rewards": {"t_judge": False}}).aliases == ["t_size"]
    message = problem({"preset": "t-sizes", "rewards": {"t_juge": False}})
    assert "not in the preset, so it cannot be removed. Did you mean 't_judge'?" in message


def test_another_reward_under_a_presets_alias_does_not_inherit_its_parameters() -> None:
    config = read_config({"preset": "t-sizes", "rewards": {"t_size": {"use": "t_judge"}}})
    assert config.rewards["t_size"].params == {}


def test_an_unknown_preset_names_the_nearest() -> None:
    assert "run.yaml: preset: unknown preset 't-size'. Did you mean 't-sizes'?" in problem({"preset": "t-size"})


# -- wrong ones: every message names the place and the way out


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"reward": {"t_size": {}}}, "reward: unknown key. Did you mean 'rewards'?"),
        ({"rewards": {"t_size": {"wieght": 1}}}, "rewards.t_size.wieght: unknown key. Did you mean 'weight'?"),
        ({"rewards": {"t_size": {"affine": {"scal": 1}}}}, "rewards.t_size.affine.scal: unknown key. Did you mean"),
        ({"rewards": {"t_size": {"weight": "much"}}}, "rewards.t_size.weight: "),
        ({"rewards": {"t_size": {"weight": float("nan")}}}, "rewards.t_size.weight: "),
        ({"rewards": {"t_size": {"weight": {}}}}, "a schedule needs at least one step"),
        ({"rewards": {"t_size": {"clip": [2, 1]}}}, "rewards.t_size: clip: the lower bound 2 is above"),
        ({"rewards": {"t_size": {"from_step": 5, "until_step": 5}}}, "from_step 5 must be below until_step 5"),
        ({"rewards": {"t_size": {"from_step": -1}}}, "rewards.t_size.from_step: "),
        ({"rewards": {"t_size": "yes"}}, "rewards.t_size: "),
        ({"rewards": {"t_size": {"use": 5}}}, "rewards.t_size.use: a reward's name or path"),
        ({"rewards": {"a b": {"use": "t_size"}}}, "'a b' is no alias"),
        ({"rewards": {}}, "rewards: required"),
        ({}, "rewards: required"),
        ({"rewards": 5}, "rewards: a mapping (alias: settings) or a list of names is expected, got 5 (int)"),
        ({"rewards": ["t_size", "t_size"]}, "rewards[1]: the alias 't_size' is taken"),
        ({"rewards": ["t_size", 5]}, "rewards[1]: a reward's name"),
        (
            {"rewards": {"t_size": {}}, "combine": "avg"},
            "combine: 'sum', 'product', 'min' or 'first_decided' is expected",
        ),
        ({"rewards": {"t_size": {"gate": "t_right"}}}, "rewards.t_size.gate: no component 't_right'."),
        ({"rewards": {"t_size": {"gate": "t_size"}}}, "gates in a circle: t_size → t_size"),
        (
            {"rewards": {"t_size": {"gate": "t_judge"}, "t_judge": {"gate": "t_size"}}},
            "rewards.t_size.gate: gates in a circle: t_size → t_judge → t_size",
        ),
        (
            {"rewards": {"t_size": {"gate": "t_judge"}, "t_judge": {"eval_only": True}}},
            "'t_judge' is eval_only, so in training nothing would open this gate",
        ),
        ({"rewards": {"t_size": {"weight": 0}, "t_judge": {"eval_only": True}}}, "none of them counts"),
        ({"rewards": {"t_size": {"params": {"compat": "trl"}}}}, "compat is no parameter; put it beside params:"),
    ],
)
def test_a_wrong_config_is_refused_before_anything_runs(config: Any, expected: str) -> None:
    message = problem(config)
    assert message.startswith("run.yaml: ")
    assert expected in message


def test_every_problem_is_reported_at_once() -> None:
    message = problem({"rewards": {"t_size": {"wieght": 1}, "t_judge": {"clip": "x"}}})
    assert len(message.splitlines()) == 2


def test_an_unknown_reward_names_the_nearest_and_the_place() -> None:
    message = problem({"rewards": {"t_sise": {}}}, UnknownNameError)
    assert message.startswith("run.yaml: rewards.t_sise: unknown reward 't_sise'. Did you mean 't_size'?")


def test_an_unknown_parameter_names_the_nearest_and_the_place() -> None:
    message = problem({"rewards": {"t_size": {"params": {"par": 2}}}}, ParameterError)
    assert message.startswith("run.yaml: rewards.t_size: reward 't_size' has no parameter 'par'. Did you mean 'per'?")


def test_a_parameter_of_the_wrong_type_names_the_place() -> None:
    assert "run.yaml: rewards.t_size: reward 't_size': parameter 'per' must be float" in problem(
        {"rewards": {"t_size": {"params": {"per": "many"}}}}, ParameterError
    )


def test_a_reward_file_that_does_not_import_names_the_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import math\nmath.nothing\n")
    message = problem({"rewards": {"mine": {"use": f"{broken}:fn"}}}, PluginError)
    assert "run.yaml: rewards.mine: reward file" in message
    assert "(line 2)" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rewards:\n  t_size: {}\n  t_size: {}\n", ":3: not valid YAML: key 't_size' is given twice (first in line 2)"),
        ("rewards: [t_size\n", "not valid YAML"),
        ("- t_size\n", "a mapping (key: value) is expected at the top, found list"),
        ("", "found nothing"),
    ],
)
def test_yaml_mistakes_name_file_and_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        compose(path)
    assert expected in str(caught.value)
    assert "bad.yaml" in str(caught.value)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        compose(tmp_path / "none.yaml")


def test_neither_preset_nor_reward_lists_both() -> None:
    with pytest.raises(ConfigError, match=r"'t_sizes' is neither a preset, nor a reward, .* Did you mean 't.sizes?'"):
        compose("t_sizes")
