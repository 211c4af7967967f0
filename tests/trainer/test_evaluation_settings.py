"""Evaluation draws as it is told; what is cut and what teaches nothing is told as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY
from veritune.plugins import ConfigError
from veritune.trainer.config import RunConfig, SamplingConfig
from veritune.trainer.objective.advantages import with_signal
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.models import Policy, make_tokenizer
from veritune.trainer.rollout.decode.tokens import decode
from veritune.trainer.rollout.decode.transformers import TransformersSampler
from veritune.trainer.rollout.evaluation import evaluation_sampling
from veritune.trainer.run import train
from veritune.trainer.run.watch import Watch
from veritune.trainer.stages.inputs import check_stages

Make = Callable[..., RunConfig]


@pytest.mark.parametrize("engine", ["static", "transformers"])
def test_greedy_evaluation_draws_the_likeliest_tokens(make_config: Make, policy: Policy, engine: str) -> None:
    from veritune.trainer.rollout.decode.choose import make_sampler

    config = make_config(sampling={"engine": engine, "temperature": 0.7}, evaluation={"temperature": 0})
    sampling = evaluation_sampling(config)
    sampler = make_sampler(policy, sampling)
    first, second = (sampler.generate([[5, 6, 7]], 3, sampling, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert len({tuple(r.token_ids) for r in [*first, *second]}) == 1
    ids = [5, 6, 7]
    for token in first[0].token_ids:
        assert int(policy.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()) == token
        ids.append(token)


def test_evaluation_has_settings_of_its_own(make_config: Make) -> None:
    config = make_config(sampling={"top_p": 0.9}, evaluation={"max_tokens": 3, "top_k": 5})
    found = evaluation_sampling(config)
    assert (found.max_tokens, found.top_k, found.top_p, found.temperature) == (3, 5, 0.9, 1.0)
    assert config.sampling.max_tokens == 8


@pytest.mark.parametrize("temperature", [0.005, 2.5])
def test_temperatures_that_vllm_would_change_are_refused(make_config: Make, temperature: float) -> None:
    for engine in ("vllm", "vllm_server"):
        with pytest.raises(ConfigError, match=r"sampling\.temperature"):
            check_stages(make_config(sampling={"engine": engine, "temperature": temperature}), ALONE)
    check_stages(make_config(sampling={"temperature": temperature}), ALONE)


def test_a_text_ends_right_after_its_stop_string_whatever_the_token_holds() -> None:
    tokenizer = make_tokenizer(["a", "}.", "b"])
    ids = tokenizer("aa}.", add_special_tokens=False)["input_ids"]
    assert len(ids) == 3
    assert decode(tokenizer, ids, [], ["}"]) == "aa}"
    assert decode(tokenizer, ids, [], []) == "aa}."
    assert decode(tokenizer, ids, [], ["}.", "a"]) == "a"


def test_a_stopped_completion_is_trained_on_as_drawn(policy: Policy) -> None:
    sampler = TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids)
    found = sampler.generate([[5, 6]], 40, SamplingConfig(max_tokens=12, stop=["e"]), torch.Generator().manual_seed(0))
    stopped = [r for r in found if r.finish == "stop"]
    assert stopped
    for rollout in stopped:
        assert rollout.text.endswith("e")
        assert decode(policy.tokenizer, rollout.token_ids, []).startswith(rollout.text)


def test_without_a_baseline_a_group_of_one_teaches() -> None:
    rewards = torch.tensor([[1.0], [0.0], [float("nan")]])
    assert with_signal(rewards, "none").tolist() == [True, True, False]
    assert with_signal(torch.ones(3, 1), "none").tolist() == [False] * 3
    assert with_signal(rewards, "group").tolist() == [False] * 3


def test_reinforce_with_single_samples_is_not_said_to_learn_nothing(make_config: Make) -> None:
    config = make_config(grpo={"steps": 2, "prompts": 8, "samples": 1, "algorithm": "reinforce_pp"})
    steps = [r for r in read_metrics(train(config, quiet=True) / "metrics.jsonl") if r["phase"] == "grpo"]
    assert {r["groups_without_signal"] for r in steps} == {0}


def test_every_step_has_the_same_metrics(make_config: Make, tmp_path: Path) -> None:
    toy = Path(__file__).with_name("toy_rewards.py")
    rewards = {"constant": {"use": f"{toy}:constant"}}
    names: list[set[str]] = []
    for name, changes in {"flat": {"rewards": rewards, "evaluation": {"metric": "constant"}}, "other": {}}.items():
        values: dict[str, Any] = {
            **changes,
            "grpo": {"steps": 1},
            "output": str(tmp_path / name),
            "model": {"build": TINY},
        }
        lines = read_metrics(train(make_config(**values), quiet=True) / "metrics.jsonl")
        (step,) = (r for r in lines if r["phase"] == "grpo")
        names.append({key for key in step if not key.startswith("reward/")})
    assert names[0] == names[1]


def test_what_cut_a_completion_is_named() -> None:
    (alone,) = Watch("x").step(1, {"truncated": 0.9})
    assert alone.endswith("cut at sampling.max_tokens")
    (episode,) = Watch("x").step(1, {"truncated": 0.9, "turns": 2.0})
    assert "rollout.max_turns" in episode
