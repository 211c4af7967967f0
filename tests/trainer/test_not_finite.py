"""What is no number stops a run with a sentence; what is a large number is bounded and changes nothing else."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.stage_runs import stage_config
from veritune.plugins import ConfigError, RewardError, RunError, Sample
from veritune.rewards.composition import compose
from veritune.trainer.config import RunConfig
from veritune.trainer.objective.algorithms import Objective
from veritune.trainer.objective.losses import LossBatch, kl_estimate, policy_loss
from veritune.trainer.rollout.scoring import score
from veritune.trainer.run import train
from veritune.trainer.run.checkpoint import list_checkpoints
from veritune.trainer.run.watch import Watch
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.table import get_stage

Make = Callable[..., RunConfig]


def _loss(
    objective: Objective, mask: torch.Tensor | None = None, **more: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    logps = torch.tensor([[-150.0, -2.0], [-1.0, -3.0]], requires_grad=True)
    batch = LossBatch(
        logps_BT=logps,
        advantages_B=torch.tensor([1.0, -1.0]),
        mask_BT=torch.ones(2, 2) if mask is None else mask,
        weights_B=torch.ones(2),
        **more,
    )
    loss = policy_loss(batch, objective).loss
    loss.backward()  # type: ignore[no-untyped-call]
    assert logps.grad is not None
    return loss.detach(), logps.grad


@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
@pytest.mark.parametrize("ratio", [True, False])
def test_a_kl_of_a_token_that_the_policy_all_but_excludes_is_finite(kind: str, ratio: bool) -> None:
    reference = torch.tensor([[-1.0, -2.5], [-0.5, -2.0]])
    objective = Objective(beta=0.1, kl=kind, kl_ratio=ratio)  # type: ignore[arg-type]
    loss, gradient = _loss(objective, reference_BT=reference, old_BT=torch.tensor([[-150.0, -2.0], [-1.0, -3.0]]))
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()
    assert gradient[0, 0] < 0  # it pulls the token back up
    masked = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    loss, gradient = _loss(objective, masked, reference_BT=reference)
    assert torch.isfinite(loss)
    assert gradient[0, 0] == 0


def test_bounding_k3_changes_nothing_that_was_finite() -> None:
    logps = torch.linspace(-79.0, 20.0, 200)
    reference = torch.full_like(logps, -0.5)
    d = reference - logps
    assert torch.equal(kl_estimate(logps, reference, "k3"), torch.expm1(d) - d)


def test_an_off_policy_mask_sees_the_samplers_log_probs() -> None:
    """On the first update the policy is the one that is trained: only the engine that drew can be off."""
    objective = Objective(off_policy_mask=1e-3)
    plain, _ = _loss(Objective())
    same, _ = _loss(objective, sampler_BT=torch.tensor([[-150.0, -2.0], [-1.0, -3.0]]))
    off, gradient = _loss(objective, sampler_BT=torch.tensor([[-150.0, -2.0], [2.0, 0.0]]))
    assert torch.equal(plain, same)
    assert not torch.equal(plain, off)
    assert not gradient[1].any()  # A < 0, and the sampler thought otherwise of it
    kept, gradient = _loss(objective, sampler_BT=torch.tensor([[-140.0, 8.0], [-1.0, -3.0]]))
    assert torch.equal(plain, kept)  # A > 0 is kept
    assert gradient[0].any()


@pytest.mark.parametrize("engine", ["static", "transformers"])
def test_a_policy_that_breaks_ends_the_run_in_a_sentence(make_config: Make, tmp_path: Path, engine: str) -> None:
    config = make_config(grpo={"steps": 20, "lr": 1e30}, sampling={"engine": engine}, checkpoint={"every": 1})
    with pytest.raises(RunError, match="not finite"):
        train(config, quiet=True)


def test_weights_that_are_no_numbers_are_not_saved_over_those_that_are(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = GRPO.step

    def broken(stage: GRPO) -> dict[str, float]:
        found = step(stage)
        if stage.progress.step == 3:
            next(stage.model.parameters()).data.fill_(float("nan"))
        return found

    monkeypatch.setattr(GRPO, "step", broken)
    with pytest.raises(
        RunError, match=r"after step 3[\s\S]*not worth keeping; the newest checkpoint is \S*grpo-000002"
    ):
        train(make_config(grpo={"steps": 9}, checkpoint={"every": 2, "keep": 1}), quiet=True)
    assert [p.name for p in list_checkpoints(tmp_path / "run" / "checkpoints")] == ["grpo-000002"]


def test_a_warm_up_whose_loss_is_no_number_ends_the_run(make_config: Make) -> None:
    with pytest.raises(RunError, match=r"5 updates in a row.*warm-up step \d+\); lower warmup\.lr"):
        train(make_config(warmup={"steps": 20, "batch": 4, "lr": 1e30, "clip_norm": None}), quiet=True)


@pytest.mark.parametrize(
    ("stage", "wrong", "says"),
    [
        ("sft", {"sft": {"lr": math.inf}}, "sft.lr: a finite number"),
        ("sft", {"sft": {"lr": math.nan}}, "sft.lr: "),
        ("grpo", {"grpo": {"clip_norm": math.inf}}, "grpo.clip_norm: a finite number"),
        ("grpo", {"grpo": {"objective": {"beta": math.inf}}}, "grpo.objective.beta: a finite number"),
        ("dpo", {"dpo": {"objective": {"sft_weight": math.inf}}}, "dpo.objective.sft_weight: a finite number"),
        ("grpo", {"sampling": {"temperature": math.inf}}, "sampling.temperature: a finite number"),
        ("grpo", {"seed": 2**70}, "seed: a whole number of at most"),
        ("sft", {"sft": {"batch": 2**70}}, "sft.batch: a whole number of at most"),
    ],
)
def test_a_setting_is_a_number_that_can_be_counted_with(tmp_path: Path, stage: str, wrong: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        stage_config(tmp_path, stage, **wrong)


@pytest.mark.parametrize("stage", ["sft", "grpo"])
def test_no_run_ends_well_with_weights_that_are_no_numbers(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever step makes them so, the last one too."""
    kind = get_stage(stage)
    step = kind.step

    def broken(self: Any) -> dict[str, float]:
        found = step(self)
        next(self.model.parameters()).data.fill_(math.inf)
        return found

    monkeypatch.setattr(kind, "step", broken)
    with pytest.raises(RunError, match=rf"weights are not finite after {stage} step 1: lower {stage}.lr"):
        train(stage_config(tmp_path / "run", stage, **{stage: {"steps": 1}}), quiet=True)
    assert not (tmp_path / "run" / "model").exists()
    assert not list_checkpoints(tmp_path / "run" / "checkpoints")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "weights are not finite after sft step 1: lower sft.lr"),
        ({"foreach": False}, "the optimizer's step overflows"),
    ],
)
def test_an_optimizer_that_overflows_ends_the_run_in_a_sentence(
    params: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """The fused one, and the one of many operations."""
    settings = {"steps": 1, "batch": 2, "lr": 1e38, "optimizer_params": params}
    with pytest.raises(RunError, match=said):
        train(stage_config(tmp_path / "run", "sft", sft=settings), quiet=True)


def test_a_step_that_is_skipped_is_said_once() -> None:
    watch = Watch("accuracy")
    said = [watch.step(n, {"loss": loss}) for n, loss in enumerate([1.0, math.nan, math.inf])]
    assert [len(texts) for texts in said] == [0, 1, 0]
    assert "step 1: the loss or its gradient is not finite" in said[1][0]
    assert len(Watch("accuracy").step(1, {"loss": 1.0, "grad_norm": math.nan})) == 1
    assert not Watch("accuracy").step(1, {"loss": 0.0, "grad_norm": math.nan, "skipped_updates": 0.0})  # no signal


@pytest.mark.parametrize("value", [1e300, -1e300, 1e16])
def test_a_reward_that_no_advantage_survives_is_an_error_of_its_author(tmp_path: Path, value: float) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"from veritune import reward\n\n\n@reward\ndef big(completion):\n    return {value!r}\n")
    rewards = compose({"rewards": {"big": {"use": f"{file}:big"}}})
    with pytest.raises(RewardError, match=rf"reward 'big': returned {re.escape(f'{value:g}')}[\s\S]*mine.py, line 4"):
        score(rewards, [Sample("a", "b")], tmp_path, 1)
    assert json.loads((tmp_path / "failed_sample.json").read_text())["samples"][0]["completion"] == "a"


@pytest.mark.parametrize("how", ["sum", "product"])
def test_finite_rewards_whose_composition_is_not_are_named(tmp_path: Path, how: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from veritune import reward\n\n\n@reward\ndef big(completion):\n    return 1e308\n")
    two = {name: {"use": f"{file}:big"} for name in ("one", "two")}
    with pytest.raises(RewardError, match=f"the {how} of 1e\\+308 one, 1e\\+308 two is no finite number"):
        compose({"rewards": two, "combine": how}).score_batch([Sample("a", "b")])
