"""An entropy bonus that finds its own weight: adaptive entropy control (Skywork-OR1, 2505.22312)."""

from __future__ import annotations

import math
from typing import Any

from veritune.trainer.objective.algorithms import Objective


class EntropyControl:
    """Below the target entropy c grows by a step, above it c falls by one, never below 0 nor above ``entropy_most``;
    the bonus is c where the entropy is at most the target, else 0.

    The entropy is that of the step before (over the tokens it trained on): it costs no pass of its own.
    """

    def __init__(self, objective: Objective) -> None:
        self.given = objective
        self.coefficient = objective.entropy_bonus
        self.entropy = math.nan
        """Of the last step that trained on anything."""

    @property
    def target(self) -> float | None:
        return self.given.entropy_target

    def objective(self) -> Objective:
        """For the next step."""
        if self.target is None:
            return self.given
        active = not self.entropy > self.target  # unknown at first: the weight that was given
        return self.given.model_copy(update={"entropy_bonus": self.coefficient if active else 0.0})

    def see(self, entropy: float) -> None:
        """What a step measured; without a number nothing changes."""
        if self.target is None or math.isnan(entropy):
            return
        self.entropy = entropy
        step = math.copysign(self.given.entropy_step, self.target - entropy) if entropy != self.target else 0.0
        self.coefficient = min(max(self.coefficient + step, 0.0), self.given.entropy_most)

    def state(self) -> dict[str, float]:
        return {"coefficient": self.coefficient, "entropy": self.entropy}

    def restore(self, state: Any) -> None:
        if isinstance(state, dict):
            self.coefficient, self.entropy = state["coefficient"], state["entropy"]
