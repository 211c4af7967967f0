"""SkyRL-gym makes, steps and measures an environment of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import skyrl_gym

from veritune.adapters.undecided import UndecidedError

Remark = Callable[[str, object], None]
skyrl_gym.register("veritune", entry_point="veritune.adapters.skyrl_gym:VerituneEnv")


def make(gold: Any, **settings: Any) -> Any:
    config = {"rewards": {"rewards": {"accuracy": {}, "tag_count": {"weight": 0.5}}}, **settings}
    extras = {"reward_spec": {"method": "rule", "ground_truth": gold}, "extra_info": {"answer": "7"}, "answer": "7"}
    return skyrl_gym.make("veritune", env_config=config, extras=extras)


def step(environment: Any) -> Any:
    environment.init([{"role": "user", "content": "2+2?"}])
    return environment.step("So it is \\boxed{4}.<|im_end|>")


def test_a_step_pays_by_our_rewards() -> None:
    right = step(make("4"))
    assert (right["reward"], right["done"], right["observations"]) == (1.0, True, [])
    assert right["metadata"]["components"]["accuracy"] == 1.0
    assert step(make("5"))["reward"] == 0.0


def test_undecided_steps(record_property: Remark) -> None:
    with pytest.raises(UndecidedError, match="invalid_gold"):
        step(make(""))
    environments = [make("" if n == 3 else "4", undecided=0.0) for n in range(20)]
    for environment in environments:
        step(environment)
    metrics = [environment.get_metrics() for environment in environments]
    found = type(getattr(environments[0], "unwrapped", environments[0])).aggregate_metrics(metrics)
    assert found["undecided"] == pytest.approx(0.05)
    assert found["accuracy"] == 1.0
    record_property(
        "remark",
        f"1 of 20 undecided: the number chosen, metric undecided {found['undecided']:g}; accuracy over the rest",
    )
