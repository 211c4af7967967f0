"""Direct preference optimisation: a loss on the log-probs of two answers, the better and the worse one.

Shapes: (pairs B,). Log-probs are sums over the completion's tokens, the end-of-sequence token included where the answer
has one, the prompt's never.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor
from torch.nn.functional import logsigmoid


class PairObjective(BaseModel):
    """What is minimised, with Δ = [log π(w) − log π_ref(w)] − [log π(l) − log π_ref(l)].

    ``sigmoid``: −log σ(βΔ) (2305.18290 eq. 7), with ``label_smoothing`` ε the conservative −(1 − ε) log σ(βΔ) −
    ε log σ(−βΔ); ``robust``: the same, unbiased under a share ε of flipped labels (2403.00409 eq. 12); ``ipo``:
    (Δ̄ − 1/(2β))² with every log-ratio divided by its answer's tokens (2310.12036 eq. 17, by token as its authors and
    trl have it).
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    loss: Literal["sigmoid", "robust", "ipo"] = "sigmoid"
    beta: float = Field(default=0.1, gt=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    """The share of pairs that are held to be the wrong way round."""
    sft_weight: float = Field(default=0.0, ge=0)
    """Weight of −log π of the chosen answers, a mean over their tokens: it holds up their likelihood, which the
    difference alone lets fall (RPO, 2404.19733)."""

    @model_validator(mode="after")
    def _smoothing_is_of_labels(self) -> PairObjective:
        if self.label_smoothing and self.loss == "ipo":
            raise ValueError("label_smoothing belongs to the losses sigmoid and robust; ipo has none")
        return self


@dataclass
class PairBatch:
    """What one micro-batch of pairs brings to the loss."""

    chosen_B: Tensor
    """log π of the better answers, with gradient; ``rejected_B`` likewise."""
    rejected_B: Tensor
    reference_chosen_B: Tensor
    reference_rejected_B: Tensor
    chosen_tokens_B: Tensor
    rejected_tokens_B: Tensor


@dataclass
class PairLoss:
    """The scalar to back-propagate, and sums over pairs for the log (detached)."""

    loss: Tensor
    sums: dict[str, float] = field(default_factory=dict)


def pair_loss(batch: PairBatch, objective: PairObjective, pairs: int, chosen_tokens: int) -> PairLoss:
    """The micro-batch's part of the mean over the ``pairs`` of an optimizer step, and of the mean over their
    ``chosen_tokens``: the sum over micro-batches does not depend on how the step is cut.

    ``sums`` hold β times the log-ratio of each side (``rewards/…``), the log-probs, by how much they have moved from
    the reference (``shift/…``), and ``displaced``: pairs whose *chosen* answer is less likely than under the reference.
    """
    chosen_B = batch.chosen_B - batch.reference_chosen_B
    rejected_B = batch.rejected_B - batch.reference_rejected_B
    each_B = _losses(chosen_B, rejected_B, batch, objective)
    loss = each_B.sum() / max(pairs, 1)
    if objective.sft_weight:
        loss = loss - objective.sft_weight * batch.chosen_B.sum() / max(chosen_tokens, 1)
    with torch.no_grad():
        margin_B = chosen_B - rejected_B
        sums = {
            "rewards/chosen": objective.beta * _sum(chosen_B),
            "rewards/rejected": objective.beta * _sum(rejected_B),
            "margin": objective.beta * _sum(margin_B),
            "accuracy": _sum((margin_B > 0).float() + 0.5 * (margin_B == 0).float()),
            "logps/chosen": _sum(batch.chosen_B),
            "logps/rejected": _sum(batch.rejected_B),
            "shift/chosen": _sum(chosen_B),
            "shift/rejected": _sum(rejected_B),
            "displaced": _sum((chosen_B < 0).float()),
        }
    return PairLoss(loss, sums)


def _losses(chosen_B: Tensor, rejected_B: Tensor, batch: PairBatch, objective: PairObjective) -> Tensor:
    beta, smoothing = objective.beta, objective.label_smoothing
    if objective.loss == "ipo":
        by_token_B = chosen_B / batch.chosen_tokens_B.clamp(min=1) - rejected_B / batch.rejected_tokens_B.clamp(min=1)
        return (by_token_B - 1 / (2 * beta)).square()
    right_B, wrong_B = -logsigmoid(beta * (chosen_B - rejected_B)), -logsigmoid(beta * (rejected_B - chosen_B))
    if objective.loss == "robust":
        return ((1 - smoothing) * right_B - smoothing * wrong_B) / (1 - 2 * smoothing)
    return right_B if not smoothing else (1 - smoothing) * right_B + smoothing * wrong_B


def _sum(values: Tensor) -> float:
    return float(values.sum())
