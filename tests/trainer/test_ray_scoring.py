"""Scoring on Ray changes nothing but the place: the same run, the same error with its sample."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rewards.test_preference import samples, save, values
from veritune import get_reward
from veritune.plugins import RewardError, Sample
from veritune.rewards.composition.on_ray import cut_groups
from veritune.trainer.config import RunConfig
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.run import train

TOY = Path(__file__).with_name("toy_rewards.py")
Make = Callable[..., RunConfig]
SCORING = {"executor": "ray", "actors": 2}

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    ray.shutdown()  # another test may have left one
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


def _rewards(folder: Path) -> list[dict[str, Any]]:
    clocks = ("seconds", "tokens_per_second", "peak_memory")
    return [{k: v for k, v in r.items() if not k.startswith(clocks)} for r in read_metrics(folder / "metrics.jsonl")]


@pytest.mark.ray
@pytest.mark.slow
def test_a_run_scored_on_ray_is_the_same_run(ray: Any, make_config: Make, tmp_path: Path) -> None:
    here = train(make_config(output=str(tmp_path / "here")), quiet=True)
    there = train(make_config(output=str(tmp_path / "there"), scoring=SCORING), quiet=True)
    assert _rewards(there) == _rewards(here)


@pytest.mark.ray
@pytest.mark.slow
def test_a_reward_that_raises_in_an_actor_stops_the_run_with_its_sample(
    ray: Any, make_config: Make, tmp_path: Path
) -> None:
    rewards = {"broken": {"use": f"{TOY}:broken"}}
    config = make_config(rewards=rewards, evaluation={"metric": "broken"}, scoring=SCORING)
    with pytest.raises(RewardError, match=r"a bug in the reward[\s\S]*failed_sample\.json"):
        train(config, quiet=True)
    saved = json.loads((tmp_path / "run" / "failed_sample.json").read_text())
    assert len(saved["samples"]) == 1


@pytest.mark.ray
def test_a_preference_models_actor_gives_the_same_numbers(ray: Any, tmp_path: Path) -> None:
    checkpoint = save(tmp_path)
    local = get_reward("preference", model=checkpoint, device="cpu")
    actor = get_reward("preference", model=checkpoint, device="cpu", executor="ray")
    assert values(actor.score_batch(samples())) == pytest.approx(values(local.score_batch(samples())), abs=1e-6)


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_a_group_is_never_cut(parts: int) -> None:
    samples = [Sample(f"{i}", f"prompt {i // 3}") for i in range(21)]
    found = cut_groups(samples, parts)
    assert [s for part in found for s in part] == samples
    assert len(found) <= parts
    assert all(len(part) % 3 == 0 for part in found)
    assert cut_groups([], parts) == []
