"""The policy loss. Shapes: (rows B, completion tokens T); masks are made from lengths, never from token ids.

Every aggregation is a weight a row, computed once over all rows of an optimizer step: the result does not depend on
how the rows are cut into micro-batches or spread over processes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from veritune.trainer.objective.algorithms import Objective


@dataclass
class LossBatch:
    """What one micro-batch brings to the loss."""

    logps_BT: Tensor
    """log π of the sampled tokens, with gradient."""
    advantages_B: Tensor
    """One a row, or (B, T): one a token."""
    mask_BT: Tensor
    """1 on completion tokens, by length."""
    weights_B: Tensor
    """From :func:`row_weights`."""
    old_BT: Tensor | None = None
    """log π_old; None where the policy has not moved since the rollout (then it is ``logps_BT`` without gradient)."""
    sampler_BT: Tensor | None = None
    """The sampler's own log-probs, for the importance correction and the off-policy mask."""
    reference_BT: Tensor | None = None
    entropy_BT: Tensor | None = None
    keep_BT: Tensor | None = None
    """1 on the tokens to train on (top_entropy)."""


@dataclass
class LossParts:
    """The scalar to back-propagate, and sums over tokens for the log (detached)."""

    loss: Tensor
    sums: dict[str, Tensor] = field(default_factory=dict)
    """On the device: reading one waits for it."""
    ratio_min: Tensor = field(default_factory=lambda: torch.ones(()))
    """Of all ratios and 1."""
    ratio_max: Tensor = field(default_factory=lambda: torch.ones(()))


def row_weights(objective: Objective, lengths_N: Tensor, max_tokens: int) -> Tensor:
    """(N,) weight of each row's token sum in the loss, over all N rows of an optimizer step.

    ``sequence``: 1/(N·|o|); ``token`` and ``micro_batch``: 1/Σ|o|; ``constant``: 1/(N·max_tokens); ``sum``: 1/N.
    """
    lengths_N = lengths_N.float()
    rows = max(len(lengths_N), 1)
    if objective.aggregate == "sequence":
        return 1.0 / (rows * lengths_N.clamp(min=1))
    if objective.aggregate in ("token", "micro_batch"):
        return torch.ones_like(lengths_N) / lengths_N.sum().clamp(min=1)
    if objective.aggregate == "constant":
        return torch.full_like(lengths_N, 1.0 / (rows * max_tokens))
    return torch.full_like(lengths_N, 1.0 / rows)


def policy_loss(batch: LossBatch, objective: Objective) -> LossParts:
    """Σ_i w_i Σ_t [ℓ_it · c_it + β KL_it − η H_it]: surrogate, importance weight, KL and entropy."""
    mask_BT = batch.mask_BT
    old_BT = batch.logps_BT.detach() if batch.old_BT is None else batch.old_BT
    log_ratio_BT = (batch.logps_BT - old_BT) * mask_BT
    if objective.ratio == "sequence":
        lengths_B1 = mask_BT.sum(1, keepdim=True).clamp(min=1)
        ratio_BT = _exp(log_ratio_BT.sum(1, keepdim=True) / lengths_B1).expand_as(log_ratio_BT)
    else:
        ratio_BT = _exp(log_ratio_BT)
    advantages_BT = batch.advantages_B
    if advantages_BT.dim() == 1:
        advantages_BT = advantages_BT[:, None].expand_as(log_ratio_BT)
    loss_BT, clipped_BT = surrogate(ratio_BT, advantages_BT, batch.logps_BT, objective)
    if objective.off_policy_mask is not None:
        drawn_BT = old_BT if batch.sampler_BT is None else batch.sampler_BT  # whose samples these are
        drift_BT = (batch.logps_BT.detach() - drawn_BT) * mask_BT
        loss_BT = loss_BT * _on_policy_rows(drift_BT, advantages_BT, mask_BT, objective.off_policy_mask)
    if batch.keep_BT is not None:
        loss_BT = loss_BT * batch.keep_BT
    if objective.importance != "none" and batch.sampler_BT is not None:
        loss_BT = loss_BT * importance_weights((old_BT - batch.sampler_BT) * mask_BT, mask_BT, objective)
    sums: dict[str, Tensor] = {}
    if batch.reference_BT is not None and objective.kl_in == "loss":
        kl_BT = kl_estimate(batch.logps_BT, batch.reference_BT, objective.kl).masked_fill(mask_BT == 0, 0.0)
        sums["kl"] = (kl_BT.detach() * mask_BT).sum()
        if objective.kl_ratio and objective.kl != "k2":
            d_BT = (batch.reference_BT - old_BT) * mask_BT
            kl_BT = _kl_times_ratio(kl_BT, d_BT, log_ratio_BT, objective.kl)
        loss_BT = loss_BT + objective.beta * kl_BT
    if objective.entropy_bonus and batch.entropy_BT is not None:
        loss_BT = loss_BT - objective.entropy_bonus * batch.entropy_BT
    loss = (batch.weights_B[:, None] * loss_BT * mask_BT).sum()
    with torch.no_grad():
        outside_BT = mask_BT == 0
        sums["clip_low"] = (clipped_BT * mask_BT * (advantages_BT < 0)).sum()
        sums["clip_high"] = (clipped_BT * mask_BT * (advantages_BT > 0)).sum()
        sums["approx_kl"] = (_expm1(-log_ratio_BT) + log_ratio_BT).masked_fill(outside_BT, 0.0).sum()
        if mask_BT.numel() == 0:
            return LossParts(loss, sums)
        low, high = ratio_BT.masked_fill(outside_BT, 1.0).aminmax()
    return LossParts(loss, sums, low, high)


FURTHEST = 80.0
"""e^80 is far from float32's end, and so are its products with advantages and weights."""


def _exp(log_ratio: Tensor) -> Tensor:
    """The ratio. Beyond e^80 the gradient of exp would be NaN even where the clip lets none through."""
    return log_ratio.clamp(max=FURTHEST).exp()


def _expm1(value: Tensor) -> Tensor:
    """e^x − 1, beyond e^80 its tangent."""
    beyond = (value - FURTHEST).clamp(min=0.0)
    return torch.expm1(value.clamp(max=FURTHEST)) + math.exp(FURTHEST) * beyond


def surrogate(ratio_BT: Tensor, advantages_BT: Tensor, logps_BT: Tensor, objective: Objective) -> tuple[Tensor, Tensor]:
    """The loss a token (to minimise) and where the clip holds back the gradient."""
    low, high = 1 - objective.epsilon_low, 1 + objective.epsilon_high
    clipped_BT = ((ratio_BT < low) & (advantages_BT < 0)) | ((ratio_BT > high) & (advantages_BT > 0))
    if objective.surrogate == "clip":
        capped_BT = ratio_BT if objective.delta is None else ratio_BT.clamp(max=objective.delta)
        gain_BT = torch.min(capped_BT * advantages_BT, ratio_BT.clamp(low, high) * advantages_BT)
        if objective.dual_clip is not None:
            floor_BT = torch.max(gain_BT, objective.dual_clip * advantages_BT)
            gain_BT = torch.where(advantages_BT < 0, floor_BT, gain_BT)
        return -gain_BT, clipped_BT
    if objective.surrogate == "cispo":
        weight_BT = ratio_BT.detach().clamp(max=objective.epsilon_high)
        return -weight_BT * advantages_BT * logps_BT, ratio_BT > objective.epsilon_high
    if objective.surrogate == "sapo":
        positive, other = objective.sapo_temperatures
        temperature_BT = torch.where(advantages_BT > 0, positive, other)
        gate_BT = torch.sigmoid(temperature_BT * (ratio_BT - 1)) * 4 / temperature_BT
        return -gate_BT * advantages_BT, torch.zeros_like(clipped_BT)
    return -ratio_BT * advantages_BT, torch.zeros_like(clipped_BT)


def kl_estimate(logps_BT: Tensor, reference_BT: Tensor, kind: str) -> Tensor:
    """Estimates of KL(π‖π_ref) on samples of π, with d = log π_ref − log π: k1 = −d, k2 = d²/2, k3 = e^d − 1 − d.

    Beyond d = 80 (a token all but impossible under π) k3 goes on along its tangent: finite, and still pulling back.
    """
    d_BT = reference_BT - logps_BT
    if kind == "k1":
        return -d_BT
    if kind == "k2":
        return d_BT.square() / 2
    return _expm1(d_BT) - d_BT


def _kl_times_ratio(kl_BT: Tensor, d_old_BT: Tensor, log_ratio_BT: Tensor, kind: str) -> Tensor:
    """The estimate times r = π/π_old. For k3 that is π_ref/π_old − r(1 + d), whose gradient −r·d is exact: that of the
    product itself is a difference of two numbers of size e^d."""
    ratio_BT = _exp(log_ratio_BT)
    if kind != "k3":
        return kl_BT * ratio_BT
    return _exp(d_old_BT) - ratio_BT * (1 + d_old_BT - log_ratio_BT)


def importance_weights(log_ratio_BT: Tensor, mask_BT: Tensor, objective: Objective) -> Tensor:
    """The weight for w = π_old/π_sampler, without gradient; see :attr:`Objective.importance`."""
    with torch.no_grad():
        ratio_BT, cap = log_ratio_BT.exp(), objective.importance_cap
        if objective.importance == "truncate":
            return ratio_BT.clamp(max=cap)
        if objective.importance == "mask":
            return torch.where(ratio_BT <= cap, ratio_BT, 0.0)
        if objective.importance == "icepop":
            return torch.where((ratio_BT <= cap) & (ratio_BT >= 1 / cap), ratio_BT, 0.0)
        sequence_B1 = (log_ratio_BT * mask_BT).sum(1, keepdim=True).exp()
        return torch.where(sequence_B1 <= cap, sequence_B1, 0.0).expand_as(ratio_BT)


def entropy_threshold(entropy_N: Tensor, share: float) -> float:
    """The entropy that the top ``share`` of tokens reach, over all tokens of the batch."""
    if share >= 1 or entropy_N.numel() == 0:
        return float("-inf")
    kept = max(1, math.ceil(share * entropy_N.numel()))
    return float(entropy_N.float().kthvalue(entropy_N.numel() - kept + 1).values)


def _on_policy_rows(log_ratio_BT: Tensor, advantages_BT: Tensor, mask_BT: Tensor, limit: float) -> Tensor:
    drift_B1 = -(log_ratio_BT.detach() * mask_BT).sum(1, keepdim=True) / mask_BT.sum(1, keepdim=True).clamp(min=1)
    return 1.0 - ((advantages_BT < 0) & (drift_B1 > limit)).float()
