"""Optimizers by name, the reference model's place, and what a loaded checkpoint is trained with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from veritune.plugins import ConfigError
from veritune.trainer.config import OPTIMIZERS, OptimizerConfig, RunConfig
from veritune.trainer.data.packing import TokenBatch, make_batch
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.models import Policy, load_policy
from veritune.trainer.policy.optimization import make_optimizer
from veritune.trainer.policy.passes import Passes
from veritune.trainer.policy.reference import Reference
from veritune.trainer.run import train

Make = Callable[..., RunConfig]


def test_on_a_cpu_adamw_is_one_operation_with_the_steps_of_many() -> None:
    def steps(**more: Any) -> tuple[torch.optim.Optimizer, list[torch.Tensor]]:
        torch.manual_seed(0)
        layer = torch.nn.Linear(24, 16)
        optimizer = make_optimizer(layer, OptimizerConfig(lr=1e-2, weight_decay=0.1, optimizer_params=more))
        for number in range(20):
            noise = torch.Generator().manual_seed(number)
            for parameter in layer.parameters():
                parameter.grad = torch.randn(parameter.shape, generator=noise)
            optimizer.step()
        return optimizer, [p.detach() for p in layer.parameters()]

    fused, found = steps()
    apart, right = steps(foreach=False)
    assert fused.defaults["fused"] is True
    assert not apart.defaults["fused"]
    torch.testing.assert_close(found, right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_moves_the_weights_and_resumes_to_the_same_bits(
    name: str, make_config: Make, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {
        "grpo": {"optimizer": name, "steps": 3, "lr": 1e-2},
        "checkpoint": {"every": 1, "keep": 9},
        "evaluation": {"prompts": 1, "metric": "even"},
    }
    whole = train(make_config(**changes, output=str(tmp_path / "whole")), quiet=True)
    first, last = (load_file(str(whole / "checkpoints" / f"grpo-00000{n}" / "model.safetensors")) for n in (1, 3))
    assert any(not torch.equal(first[key], last[key]) for key in first)
    part = tmp_path / "part"
    shutil.copytree(whole, part)
    for later in ("grpo-000002", "grpo-000003"):
        shutil.rmtree(part / "checkpoints" / later)
    train(make_config(**changes, output=str(part), resume=True), quiet=True)
    again = load_file(str(part / "model" / "model.safetensors"))
    for key, value in load_file(str(whole / "model" / "model.safetensors")).items():
        assert torch.equal(value, again[key]), key


@pytest.mark.parametrize("dtype", ["auto", "bfloat16"])
@pytest.mark.parametrize("changed", [{"weight_decay": 0.5}, {"betas": [0.5, 0.6]}, {"optimizer_params": {"eps": 0.1}}])
def test_settings_that_changed_before_a_resume_are_those_of_the_steps_after_it(
    dtype: str, changed: dict[str, Any], make_config: Make
) -> None:
    def steps(**more: Any) -> dict[str, torch.Tensor]:
        grpo = {"lr": 1e-2, "steps": 2 if more else 1, **(changed if more else {})}
        folder = train(make_config(model={"dtype": dtype}, grpo=grpo, evaluation={"prompts": 1}, **more), quiet=True)
        trainer = torch.load(folder / "checkpoints" / f"grpo-00000{grpo['steps']}" / "trainer.pt", weights_only=False)
        groups: list[dict[str, Any]] = trainer["optimizer"]["param_groups"]
        return groups[0]

    steps()
    group = steps(resume=True)
    settings = changed.get("optimizer_params", changed)
    assert {name: group[name] for name in settings} == {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            {},
            {"grpo": {"optimizer_params": {"amsgrad": True}}},
            r"optimizer_params\.amsgrad: True.*set it back to False",
        ),
        ({}, {"model": {"dtype": "bfloat16"}}, r"another AdamW.*set model\.dtype or grpo\.optimizer_params back"),
        ({"model": {"dtype": "bfloat16"}}, {"model": {"dtype": "auto"}}, r"another AdamW.*set model\.dtype or grpo"),
        (
            {"grpo": {"optimizer": "rmsprop"}},
            {"grpo": {"optimizer": "rmsprop", "optimizer_params": {"momentum": 0.9}}},
            r"optimizer_params\.momentum: 0\.9.*set it back to 0",
        ),
    ],
)
def test_a_resume_with_an_optimizer_that_needs_what_was_not_kept_says_which_setting(
    before: dict[str, Any], after: dict[str, Any], words: str, make_config: Make
) -> None:
    short = {"evaluation": {"prompts": 1}}
    train(make_config(**short, **{**before, "grpo": {**before.get("grpo", {}), "steps": 1}}), quiet=True)
    with pytest.raises(ConfigError, match=words):
        train(make_config(**short, **{**after, "grpo": {**after.get("grpo", {}), "steps": 2}}, resume=True), quiet=True)


def test_momentum_may_begin_with_a_resume_where_the_optimizer_can_begin_it(make_config: Make) -> None:
    sgd = {"optimizer": "sgd", "lr": 1e-2}
    train(make_config(grpo={**sgd, "steps": 1}), quiet=True)
    folder = train(
        make_config(grpo={**sgd, "steps": 2, "optimizer_params": {"momentum": 0.9}}, resume=True), quiet=True
    )
    state = torch.load(folder / "checkpoints" / "grpo-000002" / "trainer.pt", weights_only=False)["optimizer"]
    assert all("momentum_buffer" in entries for entries in state["state"].values())


@pytest.mark.parametrize("name", ["lr", "weight_decay"])
def test_what_has_a_key_of_its_own_is_no_argument(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is a key of its own"):
        make_optimizer(torch.nn.Linear(3, 2), OptimizerConfig(optimizer_params={name: 0.5}))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_that_could_be_differentiated_are_no_argument(name: str) -> None:
    """torch takes such steps only of parameters that are no leaves: the first one would raise."""
    with pytest.raises(ConfigError, match="takes no 'differentiable'"):
        make_optimizer(
            torch.nn.Linear(3, 2), OptimizerConfig(optimizer=name, optimizer_params={"differentiable": True})
        )


def test_arguments_of_the_optimizer_reach_it() -> None:
    config = OptimizerConfig(optimizer="sgd", optimizer_params={"momentum": 0.9}, weight_decay=0.1)
    optimizer = make_optimizer(torch.nn.Linear(3, 2), config)
    assert isinstance(optimizer, torch.optim.SGD)
    assert [g["momentum"] for g in optimizer.param_groups] == [0.9, 0.9]
    assert [g["weight_decay"] for g in optimizer.param_groups] == [0.1, 0.0]  # on the matrix, not on the bias


def test_an_argument_it_does_not_take_is_named_with_the_nearest() -> None:
    config = OptimizerConfig(optimizer="sgd", optimizer_params={"momentun": 0.9})
    with pytest.raises(ConfigError, match=r"takes no 'momentun'.*momentum"):
        make_optimizer(torch.nn.Linear(3, 2), config)


def test_a_value_it_refuses_is_a_config_error() -> None:
    config = OptimizerConfig(optimizer="sgd", optimizer_params={"nesterov": True})
    with pytest.raises(ConfigError, match="Nesterov"):
        make_optimizer(torch.nn.Linear(3, 2), config)


def test_an_unknown_optimizer_is_refused_before_the_run(make_config: Make) -> None:
    with pytest.raises(ConfigError, match="adamw"):
        make_config(grpo={"optimizer": "adamv"})


def test_the_reference_model_is_where_it_was_asked_to_be(
    make_config: Make, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device's name reaches the copy, and its passes get their tokens there."""
    asked: list[str] = []

    def device(name: str) -> torch.device:
        asked.append(name)
        return torch.device("meta")

    monkeypatch.setattr("veritune.trainer.policy.reference.pick_device", device)
    reference = Reference(policy, device="cuda:1")
    assert asked == ["cuda:1"]
    assert {p.device.type for p in reference.model.parameters()} == {"meta"}
    seen: list[torch.device] = []

    def logprobs(model: Any, tokens: TokenBatch, *_: Any) -> tuple[torch.Tensor, None]:
        seen.append(tokens.ids_BL.device)
        return torch.zeros(1, 2), None

    monkeypatch.setattr("veritune.trainer.policy.passes.completion_logprobs", logprobs)
    passes = Passes(make_config(), policy, reference, ALONE)
    found = passes.reference([Rollout(0, [5, 6], [7, 8], [-1.0, -1.0], "eos")])
    assert [d.type for d in seen] == ["meta"]
    assert found.device == policy.device


@pytest.mark.parametrize(
    ("grpo", "message"),
    [
        ({"reference_device": "gpu7"}, "unknown"),
        ({"reference_device": "gpu7", "objective": {"beta": 0.1}}, "unknown"),
        ({"optimizer": "sgd", "optimizer_params": {"momentun": 1}}, "momentum"),
    ],
)
def test_what_a_later_stage_would_refuse_is_refused_before_the_warm_up(
    grpo: dict[str, Any], message: str, make_config: Make, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(make_config(grpo=grpo, warmup={"steps": 2, "batch": 2, "habits": [{"think": 1.0}]}), quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_is_trained_with_checkpointed_activations_and_without_dropout(
    make_config: Make, policy: Policy, tmp_path: Path
) -> None:
    """Loaded models begin in evaluation mode, in which transformers checkpoints nothing."""
    policy.model.config.attention_dropout = 0.5
    policy.save(tmp_path / "checkpoint")
    counts = {}
    for on in (False, True):
        model = {"path": str(tmp_path / "checkpoint"), "build": None, "activation_checkpointing": on}
        loaded = load_policy(make_config(model=model), None)
        calls: list[int] = []
        loaded.model.get_decoder().layers[0].mlp.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        batch = make_batch([[5, 6]], [[7, 8, 9]], "cpu")
        first, second = (completion_logprobs(loaded.model, batch)[0] for _ in range(2))
        assert torch.equal(first, second)  # no dropout
        first.sum().backward()  # type: ignore[no-untyped-call]
        counts[on] = len(calls)
    assert counts == {False: 2, True: 3}
