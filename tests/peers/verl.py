"""verl's own reward loop, reward managers and metrics, over our ``compute_score``."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
import torch
import verl
from omegaconf import OmegaConf
from tensordict import TensorDict
from verl import DataProto
from verl.experimental.reward_loop import RewardLoopManager
from verl.trainer.ppo.metric_utils import process_validation_metrics
from verl.trainer.ppo.reward import extract_reward, load_reward_manager
from verl.workers.reward_manager.prime import run_reward_scoring

from tests.peers.tiny import tokenizer
from veritune.adapters.verl import compute_score_function

Remark = Callable[[str, object], None]
REWARDS = """
from veritune.adapters.verl import compute_score_function
compute_score = compute_score_function(
    {"rewards": {"accuracy": {}, "format": {"weight": 0.2}}, "combine": "first_decided"}, undecided=0.0
)
strict = compute_score_function(["accuracy"])
summed = compute_score_function({"rewards": {"accuracy": {}, "format": {"weight": 0.2}}}, undecided=0.0)
countdown = compute_score_function(
    {"rewards": {"countdown": {"columns": {"nums": "ground_truth.numbers", "target": "ground_truth.target"}}}}
)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verl")
    tokenizer().save_pretrained(path / "model")
    (path / "rewards.py").write_text(REWARDS)
    return path


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def config(folder: Path, name: str, manager: str = "naive") -> Any:
    reward = OmegaConf.load(Path(verl.__file__).parent / "trainer/config/reward/reward.yaml")
    reward.num_workers = 1
    reward.custom_reward_function.path = str(folder / "rewards.py")
    reward.custom_reward_function.name = name
    reward.reward_manager.name = manager
    reward.reward_kwargs = {}
    model = {"path": str(folder / "model"), "tokenizer_path": None}
    return OmegaConf.create({"reward": reward, "actor_rollout_ref": {"model": model}})


def end(loop: Any) -> None:
    for worker in loop.reward_loop_workers:
        ray.kill(worker)


def gsm8k(answers: list[tuple[str, Any]]) -> DataProto:
    """Rows as verl's own preprocessing of GSM8K makes them: the worked solution lies in ``extra_info``."""
    encoder = tokenizer()
    texts = [encoder(f"{text}<eos>", add_special_tokens=False)["input_ids"] for text, _ in answers]
    width = max(map(len, texts))
    responses = torch.tensor([ids + [0] * (width - len(ids)) for ids in texts])
    mask = torch.tensor([[1] * (1 + len(ids)) + [0] * (width - len(ids)) for ids in texts])
    prompts = torch.full((len(texts), 1), 10)
    batch = {"prompts": prompts, "responses": responses, "attention_mask": mask}
    extra = {"split": "train", "index": 0, "answer": "4*9=<<4*9=36>>36.\n#### 31", "question": "How many?"}
    return DataProto(
        TensorDict(batch, batch_size=len(texts)),
        {
            "data_source": np.array(["openai/gsm8k"] * len(texts), dtype=object),
            "reward_model": np.array([{"style": "rule", "ground_truth": gold} for _, gold in answers], dtype=object),
            "extra_info": np.array([dict(extra) for _ in texts], dtype=object),
        },
    )


@pytest.mark.parametrize("manager", ["naive", "dapo"])
def test_a_reward_manager_grades_its_own_gsm8k_rows_against_the_ground_truth(folder: Path, manager: str) -> None:
    managed = load_reward_manager(config(folder, "strict", manager), tokenizer())
    data = gsm8k([("36-6=30\n#### 30", "30"), ("#### 31", "30")])
    found = [managed.loop.run_until_complete(managed.run_single(data[i : i + 1])) for i in range(2)]
    assert [one["reward_score"] for one in found] == [1.0, 0.0]
    assert found[0]["reward_extra_info"]["reward/accuracy"] == 1.0


def test_the_reward_loop_with_five_percent_undecided(cluster: None, folder: Path, record_property: Remark) -> None:
    answers: list[tuple[str, Any]] = [(f"#### {n}", str(n + n % 2)) for n in range(40)]
    answers[0] = ("#### 1", "")
    answers[20] = ("#### 1", None)
    loop = RewardLoopManager(config(folder, "summed"))
    result = loop.compute_rm_score(gsm8k(answers))
    rewards, extra = extract_reward(result)
    assert set(extra) == {"score", "undecided", "reward/accuracy", "reward/format"}
    assert extra["undecided"].sum() == 2
    assert list(extra["reward/accuracy"][:4]) == [None, 0.0, 1.0, 0.0]
    assert rewards.sum().item() == pytest.approx(sum(n % 2 == 0 for n in range(40)) - 2)
    record_property(
        "remark", "2 of 40 undecided in the reward loop: the number chosen with `undecided=`, column `undecided` 1"
    )
    end(loop)


def test_first_decided_gives_the_loop_the_same_keys_for_each_sample(cluster: None, folder: Path) -> None:
    loop = RewardLoopManager(config(folder, "compute_score"))
    for order in (["", "4"], ["4", ""]):  # verl takes the first sample's keys for the batch
        result = loop.compute_rm_score(gsm8k([(r"\boxed{4}", gold) for gold in order]))
        assert "reward/format" in result.meta_info["reward_extra_keys"]
    end(loop)


def test_an_undecided_sample_without_a_number_ends_the_step(
    cluster: None, folder: Path, record_property: Remark
) -> None:
    loop = RewardLoopManager(config(folder, "strict"))
    with pytest.raises(Exception, match="UndecidedError"):
        loop.compute_rm_score(gsm8k([("#### 1", "1"), ("#### 1", None)]))
    record_property("remark", "without `undecided=` UndecidedError ends the step")
    end(loop)


def test_countdown_rows_of_tinyzero(folder: Path) -> None:
    truth = {"target": 24, "numbers": np.array([4, 6])}  # as parquet gives them
    managed = load_reward_manager(config(folder, "countdown"), tokenizer())
    data = gsm8k([("<answer>4*6</answer>", truth), ("<answer>4+6</answer>", truth)])
    found = [
        asyncio.get_event_loop_policy().get_event_loop().run_until_complete(managed.run_single(data[i : i + 1]))
        for i in range(2)
    ]
    assert [one["reward_score"] for one in found] == [1.0, 0.0]


def test_validation_metrics_leave_out_what_has_no_value() -> None:
    compute_score = compute_score_function({"rewards": {"accuracy": {}, "tag_count": {}}}, undecided=0.0)
    answers = [compute_score("math", r"\boxed{4}", gold) for gold in ("4", "5", "", "4")]
    columns = {key: [answer[key] for answer in answers] for key in answers[0]}
    metrics = process_validation_metrics(["math"] * 4, ["a", "a", "b", "b"], columns)["math"]
    means = {
        key: value for name, each in metrics.items() for key, value in ((f"{name}:{k}", v) for k, v in each.items())
    }
    assert not any(math.isnan(value) for value in means.values())
    assert any(name.startswith("reward/accuracy:mean") for name in means)


def test_the_prime_managers_process_pool_gets_numbers() -> None:
    number = compute_score_function(["accuracy"], details=False, undecided=0.0)
    found = run_reward_scoring(number, [r"\boxed{4}", r"\boxed{5}"], ["4", "4"], ["math"] * 2, num_processes=1)
    assert found == [1.0, 0.0]
