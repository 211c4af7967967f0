"""Advantages against sums written out by hand, and what undecided samples may not do."""

from __future__ import annotations

import math
import statistics

import pytest
import torch

from veritune.trainer.objective.advantages import advantages, gdpo_sum, signal_groups
from veritune.trainer.objective.algorithms import ALGORITHMS, Objective

NAN = float("nan")
REWARDS = torch.tensor([[1.0, 0.0, 0.5, 1.0], [0.2, 0.9, 0.4, 0.4], [0.0, 0.0, 1.0, 0.0]])


def _dense(objective: Objective) -> list[list[float]]:
    """The definition, sample by sample."""
    centred = []
    for group in REWARDS.tolist():
        row = []
        for i, r in enumerate(group):
            others = group[:i] + group[i + 1 :]
            base = {"group": statistics.mean(group), "leave_one_out": statistics.mean(others), "none": 0.0}
            row.append(r - base[objective.baseline])
        if objective.scale == "group":
            row = [a / (statistics.stdev(group) + 1e-4) for a in row]
        centred.append(row)
    if objective.scale == "batch":
        flat = [a for row in centred for a in row]
        mean, std = statistics.mean(flat), statistics.stdev(flat)
        centred = [[(a - mean) / (std + 1e-4) for a in row] for row in centred]
    return centred


@pytest.mark.parametrize("name", [n for n in ALGORITHMS if n != "gdpo"])
def test_advantages_match_the_written_out_definition(name: str) -> None:
    objective = Objective(**ALGORITHMS[name])
    torch.testing.assert_close(advantages(REWARDS, objective), torch.tensor(_dense(objective)), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("value", [0.3, 0.7, 1.3, 1e6])
@pytest.mark.parametrize("scale", ["group", "batch", "none"])
@pytest.mark.parametrize("baseline", ["group", "leave_one_out"])
def test_identical_rewards_give_exactly_zero(value: float, scale: str, baseline: str) -> None:
    rewards = torch.full((2, 8), value)
    objective = Objective(scale=scale, baseline=baseline)  # type: ignore[arg-type]
    assert advantages(rewards, objective).abs().max() == 0


@pytest.mark.parametrize("name", [n for n in ALGORITHMS if n != "gdpo"])
def test_an_undecided_sample_changes_nobody_elses_advantage_beyond_its_absence(name: str) -> None:
    """With one sample undecided in each group, the others get what they would get in groups without it."""
    objective = Objective(**ALGORITHMS[name])
    with_none = torch.cat([REWARDS, torch.full((3, 1), NAN)], 1)
    found = advantages(with_none, objective)
    torch.testing.assert_close(found[:, :4], advantages(REWARDS, objective))
    assert found[:, 4].isnan().all()


def test_a_group_with_one_decided_sample_gives_it_no_gradient() -> None:
    for name in ("grpo", "dr_grpo", "rloo"):
        found = advantages(torch.tensor([[1.0, NAN, NAN]]), Objective(**ALGORITHMS[name]))
        assert found[0, 0] == 0
        assert not math.isnan(found[0, 0])


def test_leave_one_out_is_the_group_mean_times_g_over_g_minus_one() -> None:
    """A_grpo without std = (G − 1)/G · A_rloo (2402.14740)."""
    rloo = advantages(REWARDS, Objective(**ALGORITHMS["rloo"]))
    plain = advantages(REWARDS, Objective(**ALGORITHMS["dr_grpo"]))
    torch.testing.assert_close(plain, rloo * 3 / 4)


def test_gdpo_gives_a_rare_and_a_common_reward_the_same_say() -> None:
    """Two components of very different spread count by their weights; a sum of raw rewards would drown the small."""
    small, large = torch.tensor([[0.0, 0.0, 0.01, 0.01]]), torch.tensor([[0.0, 100.0, 0.0, 100.0]])
    components, weights = torch.stack([small, large]), torch.tensor([1.0, 1.0])
    found = gdpo_sum(components, weights, (small + large))
    std = statistics.stdev([0.0, 0.0, 0.01, 0.01])
    scale = 0.005 / (std + 1e-4)
    big = 50 / (statistics.stdev([0.0, 100.0, 0.0, 100.0]) + 1e-4)
    torch.testing.assert_close(found, torch.tensor([[-scale - big, -scale + big, scale - big, scale + big]]))
    whitened = advantages(small + large, Objective(**ALGORITHMS["gdpo"]), components, weights)
    assert whitened.mean().abs() < 1e-6
    assert abs(float(whitened.std()) - 1) < 1e-3


def test_only_groups_with_two_different_decided_rewards_have_signal() -> None:
    rewards = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, NAN], [1.0, NAN, NAN], [NAN, NAN, NAN], [0.3, 0.3, NAN]])
    assert signal_groups(rewards).tolist() == [False, True, False, False, False]
