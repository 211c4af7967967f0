"""PPO: its step against the plain models token by token, its values, and that it runs as every stage does."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TOY
from tests.trainer.stage_runs import (
    begun,
    check_goes_on_to_the_same_bits,
    check_processes_are_one,
    logps_of,
    no_models,
    stage_config,
)
from tests.trainer.test_distributed import seeded  # noqa: F401 a fixture
from veritune.plugins import ConfigError, RunError
from veritune.trainer.observe.metrics import Clock, read_metrics
from veritune.trainer.policy.distributed import World
from veritune.trainer.run import train
from veritune.trainer.stages.ppo import PPO


def _config(folder: Path, /, **changes: Any) -> Any:
    ppo = {"steps": 4, "prompts": 4, "samples": 2, "updates": 2, "minibatches": 2, "lr": 1e-3, **changes.pop("ppo", {})}
    return stage_config(folder, "ppo", ppo=ppo, **changes)


def _values(value: Any, policy: Any, prompt: list[int], completion: list[int]) -> torch.Tensor:
    """(tokens + 1,) by the plain trunk."""
    trunk = (policy if value.copied is None else value.copied).model
    states: torch.Tensor = trunk(input_ids=torch.tensor([[*prompt, *completion]]), use_cache=False).last_hidden_state
    found: torch.Tensor = value.head(states[0, len(prompt) - 1 :].float())[:, 0]
    return found


def _advantages(rewards: list[float], values: list[float], lam: float) -> list[float]:
    """GAE with γ = 1, every sum written out; ``values`` has one more, after the last token."""
    deltas = [r + values[t + 1] - values[t] for t, r in enumerate(rewards)]
    return [sum(lam**k * d for k, d in enumerate(deltas[t:])) for t in range(len(deltas))]


@pytest.mark.parametrize(("value", "more"), [("copy", {}), ("head", {"micro_batch_tokens": 1})])
def test_a_step_is_the_gradient_of_the_written_out_losses(tmp_path: Path, value: str, more: Any) -> None:
    """After a first step has moved policy and values off their beginnings, and with a KL in the reward."""
    objective = {"beta": 0.3, "lam": 0.9, "value_weight": 0.5}
    plain = {
        "optimizer": "sgd",
        "lr": 0.05,
        "clip_norm": None,
        "updates": 1,
        "minibatches": 1,
        "value": value,
        "prompts": 8,
        **more,
    }
    _, stage = begun(
        _config(
            tmp_path / "run",
            ppo={**plain, "objective": objective},
            sampling={"max_tokens": 8, "stop": ["+", "1", "2", "3", "4"]},
        )
    )
    torch.nn.init.normal_(stage.value.head.weight, std=0.3)
    reference = copy.deepcopy(stage.model)
    stage.step()
    model, critic = copy.deepcopy(stage.model), copy.deepcopy(stage.value)
    metrics = stage.step()
    rows = []
    for rollout, reward in zip(stage.batch.rollouts, stage.batch.rewards_PG.flatten().tolist(), strict=True):
        prompt, ids = rollout.prompt_ids, rollout.token_ids
        places = range(len(ids)), ids
        ours, theirs = (logps_of(m, prompt, ids)[places] for m in (model, reference))
        values = _values(critic, model, prompt, ids)
        rewards = [-0.3 * kl for kl in (ours - theirs).tolist()]
        rewards[-1] += reward
        known = values.tolist() if rollout.truncated else [*values.tolist()[:-1], 0.0]
        rows.append((ours, values, _advantages(rewards, known, 0.9)))
    assert {r.truncated for r in stage.batch.rollouts} == {True, False}  # both kinds are met
    every = [a for _, _, advantages in rows for a in advantages]
    mean = sum(every) / len(every)
    deviation = math.sqrt(sum((a - mean) ** 2 for a in every) / (len(every) - 1))
    total = torch.zeros(())
    for ours, values, advantages in rows:
        wanted = torch.tensor(advantages) + values[:-1].detach()
        total = total - ((ours - ours.detach()).exp() * (torch.tensor(advantages) - mean) / deviation).sum()
        total = total + 0.5 * 0.5 * (values[:-1] - wanted).square().sum()
    total = total / len(every)
    assert metrics["loss"] == pytest.approx(total.item(), rel=1e-4, abs=1e-6)
    before = [*model.parameters(), *critic.parameters()]
    after = [*stage.model.parameters(), *stage.value.parameters()]
    gradients = torch.autograd.grad(total, before, allow_unused=True)
    for b, a, gradient in zip(before, after, gradients, strict=True):
        moved = torch.zeros_like(b) if gradient is None else gradient
        torch.testing.assert_close((b - a) / 0.05, moved, rtol=2e-3, atol=2e-5)


def test_values_are_read_before_every_token_and_after_the_last(tmp_path: Path) -> None:
    _, stage = begun(_config(tmp_path / "run"))
    torch.nn.init.normal_(stage.value.head.weight)
    stage.step()
    rollouts = stage.batch.rollouts
    with torch.no_grad():
        found = stage.value.values(rollouts)
        for row, rollout in zip(found, rollouts, strict=True):
            wanted = _values(stage.value, stage.model, rollout.prompt_ids, rollout.token_ids)
            torch.testing.assert_close(row[: len(wanted)], wanted, rtol=1e-4, atol=1e-5)
            assert not row[len(wanted) :].any()


def test_undecided_samples_are_in_nothing(tmp_path: Path) -> None:
    rewards = {"sometimes": {"use": f"{TOY}:sometimes"}}
    _, stage = begun(_config(tmp_path / "run", rewards=rewards, evaluation={"metric": "sometimes"}))
    metrics = stage.step()
    unknown = stage.batch.rewards_PG.isnan()
    assert unknown.any()
    assert not unknown.all()
    assert torch.equal(stage.batch.advantages_PG.isnan(), unknown)
    found = stage.estimate(
        stage.batch, stage.batch.rewards_PG.flatten(), [i for i, u in enumerate(unknown.flatten()) if not u]
    )
    assert not found.mask_NT[unknown.flatten()].any()
    assert math.isfinite(metrics["loss"])


def test_a_batch_without_any_reward_changes_nothing(tmp_path: Path) -> None:
    rewards = {"never": {"use": f"{TOY}:never"}}
    _, stage = begun(_config(tmp_path / "run", rewards=rewards, evaluation={"metric": "never"}))
    before = copy.deepcopy(stage.model.state_dict())
    assert stage.step()["undecided"] == 1.0
    assert all(torch.equal(p, before[name]) for name, p in stage.model.state_dict().items())


@pytest.mark.parametrize("worth", ["both", "bootstrap", "reward"])
def test_what_a_completion_that_was_cut_off_is_worth(tmp_path: Path, worth: str) -> None:
    objective = {"beta": 0.0, "lam": 1.0, "truncated": worth}
    stop = {"max_tokens": 8, "stop": ["+", "1", "2", "3", "4"]}
    _, stage = begun(_config(tmp_path / "run", ppo={"objective": objective}, sampling=stop))
    torch.nn.init.constant_(stage.value.head.bias, 2.0)  # the value of everything
    batch = stage.draw(Clock())
    rewards = batch.rewards_PG.flatten()
    found = stage.estimate(batch, rewards, range(len(rewards)))
    assert {r.truncated for r in batch.rollouts} == {True, False}
    for row, (rollout, reward) in enumerate(zip(batch.rollouts, rewards.tolist(), strict=True)):
        cut = {"both": reward + 2.0, "bootstrap": 2.0, "reward": reward}[worth]
        wanted = cut if rollout.truncated else reward
        assert found.returns_NT[row, 0].item() == pytest.approx(wanted, abs=1e-5)


def test_it_learns_and_so_do_its_values(tmp_path: Path) -> None:
    objective = {"beta": 0.0, "value_weight": 0.5, "truncated": "reward"}
    ppo = {"steps": 8, "prompts": 8, "lr": 8e-3, "objective": objective}
    folder = train(_config(tmp_path / "run", ppo=ppo, evaluation={"samples": 8}), quiet=True)
    lines = read_metrics(folder / "metrics.jsonl")
    steps = [r for r in lines if r["phase"] == "ppo"]
    judged = [r["accuracy"] for r in lines if r["phase"] == "evaluation"]
    assert judged[-1] > judged[0] + 0.15
    assert "kl" not in steps[0]
    assert sum(r["value_loss"] for r in steps[-3:]) < 0.5 * sum(r["value_loss"] for r in steps[:3])


@pytest.mark.parametrize("value", ["copy", "head"])
def test_it_goes_on_to_the_same_bits(tmp_path: Path, value: str) -> None:
    check_goes_on_to_the_same_bits(_config(tmp_path / "run", ppo={"value": value}))


@pytest.mark.usefixtures("seeded")
def test_two_processes_are_one(tmp_path: Path) -> None:
    sampling = {"engine": "transformers", "max_tokens": 8}
    ppo = {"prompts": 2, "samples": 4, "steps": 2, "updates": 1}
    changes = {"ppo": ppo, "evaluation": {"prompts": 1, "samples": 4}, "sampling": sampling}
    check_processes_are_one(_config(tmp_path / "run", **changes), tmp_path)


def test_adapters_alone_are_trained(tmp_path: Path) -> None:
    _, stage = begun(_config(tmp_path / "run", model={"lora": {"rank": 2}}))
    base = {n: p.clone() for n, p in stage.model.named_parameters() if "lora_" not in n}
    state = stage.value.trained_state()
    stage.step()
    assert all(torch.equal(p, base[n]) for n, p in stage.model.named_parameters() if n in base)
    after = stage.value.trained_state()
    assert all("lora_" in name or name.startswith("head.") for name in after)
    assert not torch.equal(after["head.weight"], state["head.weight"])


def test_steps_that_are_no_numbers_end_the_run(tmp_path: Path) -> None:
    config = _config(tmp_path / "run", ppo={"value_lr": 1e30, "bad_steps": 2, "updates": 4})
    with pytest.raises(RunError, match=r"2 updates in a row .* lower ppo\.lr or ppo\.value_lr"):
        train(config, quiet=True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ppo": {"value": "none"}}, r"ppo\.value"),
        ({"ppo": {"objective": {"lam": 1.5}}}, r"ppo\.objective\.lam"),
        ({"ppo": {"objective": {"lamda": 1.0}}}, "Did you mean 'lam'"),
        ({"ppo": {"reference_device": "cuda:77"}}, "cuda"),
        ({"rewards": None}, "rewards"),
    ],
)
def test_a_wrong_config_is_refused_before_a_model_is_loaded(
    tmp_path: Path, changes: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_models(monkeypatch)
    with pytest.raises(ConfigError, match=says):
        train(_config(tmp_path / "run", **changes), quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_value_model_is_not_spread_over_processes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"stage: ppo runs in one process or with .* ddp, not fsdp2"):
        PPO.read(_config(tmp_path / "run"), World(mesh="of two"), print)
