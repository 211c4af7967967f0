"""What multi-token prediction adds to a step's loss: λ/D Σ_k L^k, L^k = −Σ log P^k(token) / trained tokens of the step
(arXiv 2412.19437, eqs 24 and 25)."""

from __future__ import annotations

from torch import Tensor

from veritune.trainer.config import MTPConfig
from veritune.trainer.policy.distributed import World


class FutureLoss:
    """Of one step; without ``model.mtp`` 0 and no metrics. A target without a place that could predict it, at the
    beginning of a row whose prompt is shorter than the depth, counts 0, as in the report."""

    def __init__(self, config: MTPConfig | None, step: int, steps: int) -> None:
        self.config = config
        self.weight = 0.0 if config is None else config.weight_at(step, steps)
        self.total, self.updates = 0.0, 0
        self._part = 0.0

    def part(self, sums_D: Tensor | None, tokens: int) -> Tensor | float:
        """A micro-batch's share, of its modules' summed log-probs and the optimizer step's trained tokens."""
        if sums_D is None:
            return 0.0
        loss = -sums_D.mean() / max(tokens, 1)
        self._part += float(loss.detach())
        return self.weight * loss

    def gathered(self, world: World, tokens: int) -> float:
        """The loss without λ of an optimizer step, over processes; all call it after their last micro-batch."""
        if self.config is None:
            return 0.0
        found, self._part = sum(world.gather(self._part)), 0.0
        self.total, self.updates = self.total + found, self.updates + bool(tokens)
        return found

    def metrics(self) -> dict[str, float]:
        """λ, and the loss as a mean over the step's optimizer steps, where there was one."""
        if self.config is None:
            return {}
        loss = {"mtp_loss": self.total / self.updates} if self.updates else {}
        return {**loss, "mtp_weight": self.weight}
