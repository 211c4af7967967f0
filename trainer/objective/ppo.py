"""PPO with a value model: what is minimised, beside the surrogate that it shares with the others."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from veritune.trainer.objective.algorithms import Objective


class PPOObjective(BaseModel):
    """Clipped surrogate (1707.06347) over generalised advantages (1506.02438), and value_weight · value loss, both
    means over tokens."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    gamma: float = Field(default=1.0, gt=0, le=1)
    lam: float = Field(default=0.95, ge=0, le=1)
    """λ of the generalised advantages: 0 trusts the value model alone, 1 the rewards alone."""
    whiten: bool = True
    """Advantages to mean 0 and variance 1 over the step's tokens."""
    beta: float = Field(default=0.05, ge=0)
    """Weight of the KL to the reference, taken off every token's reward (the estimate k1); 0 loads no reference."""
    epsilon_low: float = Field(default=0.2, ge=0)
    epsilon_high: float = Field(default=0.2, ge=0)
    dual_clip: float | None = Field(default=None, gt=1)
    entropy_bonus: float = Field(default=0.0, ge=0)
    value_clip: float | None = Field(default=0.2, gt=0)
    """How far an update may move a value from what it was when the batch was drawn."""
    value_weight: float = Field(default=0.1, ge=0)
    truncated: Literal["both", "bootstrap", "reward"] = "both"
    """What a completion that was cut off is worth at its end: its reward and what the value model expects of going on;
    that alone (the reward is due to completions that end); its reward alone, as if it had ended. Where most completions
    are cut off and paid all the same, ``both`` lets values grow without end."""
    importance: Literal["none", "truncate", "mask", "icepop", "sequence_mask"] = "none"
    """As in ``grpo.objective``: the correction between the sampler's log-probs and the trainer's."""
    importance_cap: float = Field(default=2.0, gt=1)

    @property
    def surrogate(self) -> Objective:
        """The policy's part, as the shared loss takes it."""
        names = ("epsilon_low", "epsilon_high", "dual_clip", "entropy_bonus", "importance", "importance_cap")
        return Objective(aggregate="token", **{name: getattr(self, name) for name in names})
