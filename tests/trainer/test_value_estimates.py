"""PPO's estimates against references written out in float64, a token at a time."""

from __future__ import annotations

import math
import random

import pytest
import torch

from veritune.trainer.objective.algorithms import Objective
from veritune.trainer.objective.losses import LossBatch, policy_loss
from veritune.trainer.objective.values import (
    explained_variance,
    generalised_advantages,
    last_written,
    token_rewards,
    value_loss,
    whiten,
)

WIDTH = 9


def _row(rng: random.Random) -> tuple[list[float], list[float], list[bool]]:
    """Rewards, values, and which tokens the policy wrote: some with an environment's words between."""
    length = rng.randint(1, WIDTH)
    written = [rng.random() < 0.7 or i == 0 for i in range(length)]
    return [rng.gauss(0, 1) for _ in range(length)], [rng.gauss(0, 1) for _ in range(length)], written


def _padded(rows: list[list[float]], fill: float) -> torch.Tensor:
    return torch.tensor([[*row, *[fill] * (WIDTH - len(row))] for row in rows], dtype=torch.float64)


def _by_hand(
    rewards: list[float], values: list[float], written: list[bool], bootstrap: float, gamma: float, lam: float
) -> list[float]:
    """A_t = Σ_k (γλ)^k δ_{t+k}, each sum written out, over the written tokens alone."""
    steps = [i for i, w in enumerate(written) if w]
    after = [values[i] for i in steps[1:]] + [bootstrap]
    deltas = [rewards[i] + gamma * v - values[i] for i, v in zip(steps, after, strict=True)]
    found = [0.0] * len(rewards)
    for n, i in enumerate(steps):
        found[i] = sum((gamma * lam) ** k * d for k, d in enumerate(deltas[n:]))
    return found


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.8), (1.0, 1.0), (0.7, 0.0)])
def test_advantages_are_the_written_out_sums(gamma: float, lam: float) -> None:
    rng = random.Random(7)
    rows = [_row(rng) for _ in range(20)]
    bootstrap = [0.0 if n % 2 else rng.gauss(0, 1) for n in range(len(rows))]
    rewards, values = _padded([r[0] for r in rows], 9.0), _padded([r[1] for r in rows], 9.0)  # 9 is never looked at
    mask = _padded([list(map(float, r[2])) for r in rows], 0.0)
    got, returns = generalised_advantages(rewards, values, torch.tensor(bootstrap), mask, gamma, lam)
    for n, row in enumerate(rows):
        wanted = _by_hand(*row, bootstrap[n], gamma, lam)
        assert got[n, : len(wanted)].tolist() == pytest.approx(wanted, abs=1e-6)  # the bootstrap came in float32
        assert not got[n, len(wanted) :].any()
        assert not returns[n, len(wanted) :].any()
        for i, written in enumerate(row[2]):
            assert float(returns[n, i]) == pytest.approx(wanted[i] + row[1][i] if written else 0.0, abs=1e-6)


def test_an_ended_completion_has_no_value_after_it_and_a_cut_one_has() -> None:
    values, mask = torch.tensor([[0.5, 0.25]]).repeat(2, 1), torch.ones(2, 2)
    rewards = token_rewards(torch.tensor([1.0, 1.0]), mask)
    advantages, returns = generalised_advantages(rewards, values, torch.tensor([0.0, 2.0]), mask, 1.0, 1.0)
    assert returns[:, 0].tolist() == [1.0, 3.0]
    assert advantages[:, 1].tolist() == [0.75, 2.75]


def test_rewards_stand_on_the_last_written_token_and_the_kl_on_each() -> None:
    mask = torch.tensor([[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    kl = torch.full((3, 4), 0.5)
    got = token_rewards(torch.tensor([2.0, -1.0, 7.0]), mask, kl, beta=0.1)
    assert got[0].tolist() == pytest.approx([-0.05, 0.0, 1.95, 0.0])
    assert got[1].tolist() == pytest.approx([-0.05, -0.05, -0.05, -1.05])
    assert not got[2].any()
    assert not last_written(mask)[2].any()


def test_whitened_over_the_masked_tokens_alone() -> None:
    torch.manual_seed(0)
    values, mask = torch.randn(6, WIDTH, dtype=torch.float64) * 3 + 2, (torch.rand(6, WIDTH) < 0.6).double()
    inside = values[mask > 0].tolist()
    mean = sum(inside) / len(inside)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in inside) / (len(inside) - 1) + 1e-8)
    got = whiten(values, mask)
    assert got[mask > 0].tolist() == pytest.approx([(v - mean) / deviation for v in inside], abs=1e-12)
    assert not got[mask == 0].any()
    assert not whiten(torch.full((2, 3), 0.3), torch.ones(2, 3)).any()


def test_value_loss_takes_the_worse_of_plain_and_clipped() -> None:
    torch.manual_seed(1)
    shape = (4, WIDTH)
    values = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    old, returns = torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)
    mask = (torch.rand(shape) < 0.7).double()
    loss, held = value_loss(values, old, returns, mask, 0.2)
    (found,) = torch.autograd.grad(loss.sum(), values)
    for index in torch.cartesian_prod(*map(torch.arange, shape)).tolist():
        v, o, r, m = (float(t[tuple(index)]) for t in (values.detach(), old, returns, mask))
        clipped = o + min(max(v - o, -0.2), 0.2)
        worse = max((v - r) ** 2, (clipped - r) ** 2)
        assert float(loss.detach()[tuple(index)]) == pytest.approx(0.5 * m * worse, abs=1e-12)
        binds = (clipped - r) ** 2 > (v - r) ** 2
        gradient = 0.0 if binds and abs(v - o) > 0.2 else v - r
        assert float(found[tuple(index)]) == pytest.approx(m * gradient, abs=1e-12)
        assert bool(held[tuple(index)]) == (binds and abs(v - o) > 0.2 and m > 0)
    assert torch.equal(value_loss(values, old, returns, mask, None)[0], 0.5 * (values - returns) ** 2 * mask)


def test_the_surrogate_takes_an_advantage_a_token() -> None:
    """−min(rA, clip(r)A), weighted, with the advantage of each token."""
    torch.manual_seed(3)
    logps = (-torch.rand(3, 5, dtype=torch.float64)).requires_grad_()
    old, advantages = logps.detach() + 0.3 * torch.randn(3, 5), torch.randn(3, 5, dtype=torch.float64)
    mask, objective = (torch.rand(3, 5) < 0.8).double(), Objective(aggregate="token")
    weights = torch.full((3,), 1 / float(mask.sum()), dtype=torch.float64)
    got = policy_loss(LossBatch(logps, advantages, mask, weights, old), objective).loss
    ratio = (logps - old).exp()
    total = torch.zeros((), dtype=torch.float64)
    for i in range(3):
        for t in range(5):
            gain = torch.minimum(ratio[i, t] * advantages[i, t], ratio[i, t].clamp(0.8, 1.2) * advantages[i, t])
            total = total - mask[i, t] * gain
    torch.testing.assert_close(got, total / mask.sum())


def test_explained_variance_is_of_returns_by_values() -> None:
    returns, values = torch.randn(50, dtype=torch.float64), torch.randn(50, dtype=torch.float64)
    errors = returns - values
    sums = [float(x.sum()) for x in (returns, returns**2, errors, errors**2)]
    wanted = 1 - float(errors.var(correction=0) / returns.var(correction=0))
    assert explained_variance(50, *sums) == pytest.approx(wanted)
    assert math.isnan(explained_variance(3, 3.0, 3.0, 0.0, 0.0))
