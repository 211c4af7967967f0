"""How even the load of the experts is, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def load_numbers(loads_ME: Tensor) -> dict[str, float]:
    """Of the tokens that each expert (columns) of each layer (rows) had, a mean over layers.

    ``max_violation``: MaxVio = (max load − mean load) / mean load (arXiv 2408.15664), 0 where all have the same.
    ``load_entropy``: entropy of the shares by that of even ones, 1 at best. ``dead_share``: experts without a token.
    """
    loads_ME = loads_ME.double()
    mean_M = loads_ME.mean(1).clamp(min=1e-12)
    shares_ME = loads_ME / loads_ME.sum(1, keepdim=True).clamp(min=1e-12)
    entropy_M = -torch.special.xlogy(shares_ME, shares_ME).sum(1) / torch.tensor(float(loads_ME.shape[1])).log()
    found = {
        "moe_max_violation": (loads_ME.amax(1) / mean_M - 1).mean(),
        "moe_load_entropy": entropy_M.mean(),
        "moe_dead_share": (loads_ME == 0).double().mean(),
    }
    return {name: float(value) for name, value in found.items()}


class LoadMetrics:
    """Collects what optimizer steps had, until it is read."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self.loss: Tensor | float = 0.0

    def see(self, loads_ME: Tensor) -> None:
        """The load of a step, over all processes; layers that ran in no pass are left out."""
        ran_ME = loads_ME[loads_ME.sum(1) > 0]
        if len(ran_ME):
            self.steps.append(load_numbers(ran_ME.cpu()))

    def add_loss(self, loss: Tensor) -> None:
        """A part of this process's balance loss."""
        self.loss = self.loss + loss

    def read(self, biases: Sequence[Tensor], world: Any, lossy: bool) -> dict[str, float]:
        """Means over the steps, and the bias now; empty where there was no step. ``moe_balance_loss`` (where there is
        a loss) is that of an optimizer step, over all layers and processes; ``moe_bias_drift`` the mean distance of an
        expert's bias from the mean one."""
        steps, loss = self.steps, float(self.loss)
        self.steps, self.loss = [], 0.0
        if not steps:
            return {}
        found = {name: sum(step[name] for step in steps) / len(steps) for name in steps[0]}
        if biases:
            found["moe_bias_drift"] = float(torch.stack([(b - b.mean()).abs().mean() for b in biases]).mean())
        if lossy:
            found["moe_balance_loss"] = sum(world.gather(loss)) / len(steps)
        return found
