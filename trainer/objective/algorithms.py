"""The objectives of the literature, each as a choice of the same few parts.

========================  =========================================================================================
grpo                      DeepSeekMath (2402.03300) eq. 3: group z-score, token ratio, mean over tokens, then samples
dr_grpo                   Understanding R1-Zero (2503.20783): no std, sum over tokens / max_tokens
dapo                      DAPO (2503.14476): clip-higher 0.28, mean over all tokens of the batch, no KL
bnpo                      TRL's BNPO: mean over the tokens of the micro-batch (depends on how the batch is cut)
gspo                      GSPO (2507.18071): length-normalised sequence ratio, clip 3e-4 / 4e-4
cispo                     MiniMax-M1 (2506.13585), ScaleRL (2510.13786): detached capped ratio times log-prob
sapo                      SAPO (2511.20347): a sigmoid gate in place of the clip
luspo                     LUSPO (2602.05261): GSPO weighted by length
rloo                      RLOO (2402.14740): leave-one-out baseline, sequence log-probs, no scaling
reinforce_pp              REINFORCE++ (2501.03262): no group baseline, advantage normalised over the batch
reinforce_pp_baseline     its variant with the group mean as baseline, then normalised over the batch
gdpo                      GDPO (2601.05242): each reward normalised in its group, weighted sum, then over the batch
========================  =========================================================================================
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Objective(BaseModel):
    """The parts of a policy-gradient objective. Every algorithm is a row of :data:`ALGORITHMS`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    baseline: Literal["group", "leave_one_out", "none"] = "group"
    """What is subtracted from a reward: its group's mean, the mean of the others in the group, or nothing."""
    scale: Literal["group", "batch", "none"] = "group"
    """What an advantage is divided by: the standard deviation of its group or of the batch (centred first)."""
    per_component: bool = False
    """Normalise every reward component in its group before the weighted sum (GDPO)."""
    ratio: Literal["token", "sequence"] = "token"
    surrogate: Literal["clip", "cispo", "sapo", "reinforce"] = "clip"
    aggregate: Literal["sequence", "token", "constant", "micro_batch", "sum"] = "sequence"
    """Mean over tokens then samples; over all tokens; sum / (samples · max_tokens); local tokens; sum / samples."""
    epsilon_low: float = Field(default=0.2, ge=0)
    epsilon_high: float = Field(default=0.2, ge=0)
    """The upper clip; with ``cispo`` the cap of the ratio itself."""
    delta: float | None = Field(default=None, gt=1)
    """Two-sided clip (INTELLECT-2, 2505.07291): cap on the ratio of the unclipped term."""
    dual_clip: float | None = Field(default=None, gt=1)
    """Lower bound c·A of the surrogate where A < 0 (1912.09729)."""
    sapo_temperatures: tuple[float, float] = (1.0, 1.05)
    """Of the gate for A > 0 and A ≤ 0."""
    beta: float = Field(default=0.0, ge=0)
    """Weight of the KL to the reference model; 0 loads none."""
    kl: Literal["k1", "k2", "k3"] = "k3"
    kl_in: Literal["loss", "reward"] = "loss"
    """In the reward, k1 has the KL's gradient; k2 and k3 there pull elsewhere."""
    kl_ratio: bool = True
    """Multiply the KL in the loss by the ratio: an unbiased gradient for k1 and k3 (k2 needs none)."""
    entropy_bonus: float = Field(default=0.0, ge=0)
    """Weight of the policy's entropy, which the loss wants high; with ``entropy_target`` where it begins."""
    entropy_target: float | None = Field(default=None, gt=0)
    """Adaptive entropy control (2505.22312): below so many nats a token the bonus grows, above it there is none."""
    entropy_step: float = Field(default=0.005, gt=0)
    """By how much a step changes the bonus then."""
    entropy_most: float = Field(default=1.0, gt=0)
    """It never grows beyond this."""
    top_entropy: float = Field(default=1.0, gt=0, le=1)
    """Train only on this share of tokens, those of highest entropy (2506.01939)."""
    importance: Literal["none", "truncate", "mask", "icepop", "sequence_mask"] = "none"
    """Correction between the sampler's log-probs and the trainer's, by w = π_old/π_sampler: min(w, cap); w where
    w ≤ cap else 0; w where 1/cap ≤ w ≤ cap else 0; the same test on the whole sequence's product."""
    importance_cap: float = Field(default=2.0, gt=1)
    off_policy_mask: float | None = Field(default=None, gt=0)
    """Drop rows with A < 0 and mean(log π_sampler − log π) above this (2512.02556): the drift since the sample was
    drawn, that of an engine with other numerics or older weights included."""

    @model_validator(mode="after")
    def _kl_is_no_component(self) -> Objective:
        if self.per_component and self.beta > 0 and self.kl_in == "reward":
            raise ValueError(
                "per_component (gdpo) normalises every reward by itself, and the KL is none of them; use kl_in: loss"
            )
        return self


ALGORITHMS: dict[str, dict[str, Any]] = {
    "grpo": {},
    "dr_grpo": {"scale": "none", "aggregate": "constant"},
    "dapo": {"aggregate": "token", "epsilon_high": 0.28},
    "bnpo": {"aggregate": "micro_batch"},
    "gspo": {"ratio": "sequence", "epsilon_low": 3e-4, "epsilon_high": 4e-4},
    "cispo": {"surrogate": "cispo", "aggregate": "token", "epsilon_high": 5.0},
    "sapo": {"surrogate": "sapo"},
    "luspo": {"ratio": "sequence", "aggregate": "sum", "epsilon_low": 3e-4, "epsilon_high": 4e-4},
    "rloo": {"baseline": "leave_one_out", "scale": "none", "surrogate": "reinforce", "aggregate": "sum"},
    "reinforce_pp": {"baseline": "none", "scale": "batch", "aggregate": "token"},
    "reinforce_pp_baseline": {"scale": "batch", "aggregate": "token"},
    "gdpo": {"per_component": True, "scale": "batch", "aggregate": "token", "epsilon_high": 0.28},
}
