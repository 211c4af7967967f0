"""What is no number stops a run with a sentence; what is a large number is bounded and changes nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from veritune.plugins import RunError
from veritune.trainer.config import RunConfig
from veritune.trainer.objective.algorithms import Objective
from veritune.trainer.objective.losses import LossBatch, kl_estimate, policy_loss
from veritune.trainer.run import train
from veritune.trainer.run.checkpoint import list_checkpoints
from veritune.trainer.stages.grpo import GRPO

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
