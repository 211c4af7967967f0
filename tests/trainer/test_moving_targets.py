"""What changes along with the policy: an entropy bonus that seeks a target, a reference that follows."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY
from veritune.plugins import ConfigError
from veritune.trainer.config import RunConfig
from veritune.trainer.objective.algorithms import Objective
from veritune.trainer.objective.entropy import EntropyControl
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.reference import Reference
from veritune.trainer.run import train
from veritune.trainer.stages.inputs import check_stages

Make = Callable[..., RunConfig]
LORA = {"rank": 2, "alpha": 8}


def _control(**values: Any) -> EntropyControl:
    return EntropyControl(Objective(entropy_target=0.5, entropy_step=0.1, **values))


def test_the_bonus_grows_below_the_target_falls_above_it_and_is_none_there() -> None:
    """By hand: c is 0, .1, .2, .1, 0, 0, .1 and the bonus is c while the entropy is at most .5."""
    control = _control()
    assert control.objective().entropy_bonus == 0.0
    found = []
    for entropy in (0.4, 0.3, 0.6, 0.7, 0.9, 0.1):
        control.see(entropy)
        found.append(round(control.objective().entropy_bonus, 6))
    assert found == [0.1, 0.2, 0.0, 0.0, 0.0, 0.1]
    control.see(0.5)  # exactly there: neither
    assert control.coefficient == pytest.approx(0.1)


def test_the_bonus_stays_within_its_bounds_and_no_number_changes_nothing() -> None:
    control = _control(entropy_most=0.25, entropy_bonus=0.2)
    assert control.objective().entropy_bonus == 0.2
    for _ in range(5):
        control.see(0.1)
    control.see(math.nan)
    assert control.objective().entropy_bonus == 0.25
    again = _control(entropy_most=0.25, entropy_bonus=0.2)
    again.restore(control.state())
    assert again.objective() == control.objective()
    fixed = EntropyControl(Objective(entropy_bonus=0.01))
    fixed.see(0.0)
    assert fixed.objective() is fixed.given


def test_a_run_with_a_target_holds_more_entropy_and_resumes_to_the_same_bits(make_config: Make, tmp_path: Path) -> None:
    objective = {"entropy_target": 5.0, "entropy_step": 0.2}  # above what 73 tokens can have
    base = {"steps": 4, "lr": 3e-2}
    runs: dict[str, dict[str, Any]] = {"plain": base, "held": {**base, "objective": objective}}
    steps = {name: _steps(make_config, tmp_path / name, grpo, {}) for name, grpo in runs.items()}
    assert [round(r["entropy_bonus"], 6) for r in steps["held"]] == [0.0, 0.2, 0.4, 0.6]
    assert "entropy_bonus" not in steps["plain"][0]
    assert steps["held"][-1]["entropy"] > steps["plain"][-1]["entropy"]
    _same_after_a_resume(make_config, tmp_path, "held", runs["held"], {})


FEW = {"prompts": 1, "metric": "even"}


def _steps(make_config: Make, folder: Path, grpo: dict[str, Any], model: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics of a run's steps; there is a checkpoint after the third."""
    config = make_config(model=model, grpo=grpo, output=str(folder), evaluation=FEW, checkpoint={"every": 3, "keep": 9})
    return [r for r in read_metrics(train(config, quiet=True) / "metrics.jsonl") if r["phase"] == "grpo"]


def _same_after_a_resume(
    make_config: Make, tmp_path: Path, name: str, grpo: dict[str, Any], model: dict[str, Any]
) -> None:
    whole, part = tmp_path / name, tmp_path / f"{name}-part"
    (part / "checkpoints").mkdir(parents=True)
    for file in ("config.yaml", "metrics.jsonl"):
        (part / file).write_bytes((whole / file).read_bytes())
    (part / "checkpoints" / "grpo-000003").symlink_to(whole / "checkpoints" / "grpo-000003")
    train(make_config(grpo=grpo, model=model, output=str(part), evaluation=FEW, resume=True), quiet=True)
    for weights in (whole / "model").glob("*.safetensors"):
        assert weights.read_bytes() == (part / "model" / weights.name).read_bytes()


# -- the reference -----------------------------------------------------------------------------------------------------


def test_the_average_is_that_of_every_weight_tied_ones_once(policy: Policy) -> None:
    reference = Reference(policy, averaged=True)
    first = copy.deepcopy(policy.model.state_dict())
    with torch.no_grad():
        for parameter in policy.model.parameters():
            parameter += 1.0
    for _ in range(2):
        reference.blend(policy.model, 0.75)
    for name, value in reference.model.state_dict().items():
        torch.testing.assert_close(value, first[name] + (1 - 0.75**2), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("lora", [None, LORA])
def test_a_reference_that_follows_is_nearer_than_one_that_stays(
    make_config: Make, tmp_path: Path, lora: dict[str, Any] | None
) -> None:
    model = {"build": TINY, "lora": lora}
    grpo = {"steps": 4, "lr": 1e-2, "objective": {"beta": 0.05}}
    runs: dict[str, dict[str, Any]] = {"stays": grpo, "follows": {**grpo, "reference_ema": 0.5}}
    if lora is None:
        runs["rarely"] = {**runs["follows"], "reference_every": 3}
    kl = {name: [r["kl"] for r in _steps(make_config, tmp_path / name, way, model)] for name, way in runs.items()}
    assert kl["follows"][-1] < kl["stays"][-1]
    if lora is None:
        assert kl["rarely"][:3] == kl["stays"][:3]
        assert kl["rarely"][3] < kl["stays"][3]
    else:
        _same_after_a_resume(make_config, tmp_path, "follows", runs["follows"], model)


def test_a_reference_that_cannot_follow_is_refused(make_config: Make) -> None:
    beta = {"objective": {"beta": 0.1}}
    for changes, message in (
        ({"grpo": {"reference_ema": 0.9}}, "no KL is measured"),
        ({"grpo": {"reference_ema": 0.9, **beta}, "model": {"dtype": "bfloat16"}}, "lose such small steps"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_stages(make_config(**changes), ALONE)
    with pytest.raises(ConfigError, match="leave out reference_ema"):
        make_config(grpo={"reference_ema": 0.9, "reference": "base", **beta})
