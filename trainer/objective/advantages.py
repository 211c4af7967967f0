"""From rewards to advantages. Undecided samples (NaN) take no part: not in any mean, not in the gradient.

Shapes: rewards and advantages are (groups P, samples G); a component tensor is (components K, P, G).
"""

from __future__ import annotations

import torch
from torch import Tensor

from veritune.trainer.objective.algorithms import Objective

EPSILON = 1e-4
"""Added to a standard deviation. Identical rewards are caught before: rounding noise over a tiny std is no signal."""


def advantages(
    rewards_PG: Tensor,
    objective: Objective,
    components_KPG: Tensor | None = None,
    weights_K: Tensor | None = None,
) -> Tensor:
    """Advantages by the objective's baseline and scale; NaN where the sample is undecided.

    ``group``: A = (r − mean) / (std + ε); ``leave_one_out``: A = r − mean of the others; ``batch``: A is centred and
    divided by its standard deviation over the whole batch. Standard deviations are the unbiased ones.
    """
    if objective.per_component:
        if components_KPG is None or weights_K is None:
            raise ValueError("per-component normalisation (GDPO) needs the components and their weights")
        return _whiten(gdpo_sum(components_KPG, weights_K, rewards_PG))
    centred_PG = _centre(rewards_PG, objective.baseline)
    if objective.scale == "group":
        return _scale_by_group(centred_PG, rewards_PG)
    if objective.scale == "batch":
        return _whiten(centred_PG)
    return centred_PG


def gdpo_sum(components_KPG: Tensor, weights_K: Tensor, rewards_PG: Tensor) -> Tensor:
    """Σ_k w_k (r_k − group mean) / (group std + ε). A component that is not applicable to a sample adds nothing."""
    scaled_KPG = torch.stack([_scale_by_group(_centre(c, "group"), c) for c in components_KPG])
    total_PG = (weights_K[:, None, None] * scaled_KPG.nan_to_num(0.0)).sum(0)
    return torch.where(rewards_PG.isnan(), rewards_PG, total_PG)


def signal_groups(rewards_PG: Tensor) -> Tensor:
    """(P,) True where a group has at least two decided samples with different rewards."""
    decided_PG = ~rewards_PG.isnan()
    low_P = torch.where(decided_PG, rewards_PG, torch.inf).amin(1)
    high_P = torch.where(decided_PG, rewards_PG, -torch.inf).amax(1)
    return (decided_PG.sum(1) > 1) & (high_P > low_P)


def with_signal(rewards_PG: Tensor, baseline: str) -> Tensor:
    """(P,) True where a group teaches something: of a baseline within the group, where its rewards differ; without
    one, where any reward of the whole batch differs from the others."""
    if baseline != "none":
        return signal_groups(rewards_PG)
    decided_PG = ~rewards_PG.isnan()
    differ = bool(signal_groups(rewards_PG.reshape(1, -1))[0]) if rewards_PG.numel() else False
    return decided_PG.any(1) & differ


def _centre(rewards_PG: Tensor, baseline: str) -> Tensor:
    if baseline == "none":
        return rewards_PG
    count_P1 = (~rewards_PG.isnan()).sum(1, keepdim=True)
    centred_PG = rewards_PG - rewards_PG.nanmean(1, keepdim=True)
    flat_P1 = ~signal_groups(rewards_PG)[:, None]
    centred_PG = torch.where(flat_P1 & ~rewards_PG.isnan(), 0.0, centred_PG)
    if baseline == "leave_one_out":
        return centred_PG * count_P1 / (count_P1 - 1).clamp(min=1)
    return centred_PG


def _scale_by_group(centred_PG: Tensor, rewards_PG: Tensor) -> Tensor:
    return centred_PG / (_nanstd(rewards_PG, dim=1) + EPSILON)


def _whiten(values_PG: Tensor) -> Tensor:
    """Centre and scale over the whole batch; all zeros where every value is the same."""
    decided_N = values_PG[~values_PG.isnan()]
    if decided_N.numel() < 2 or bool(decided_N.max() == decided_N.min()):
        return torch.where(values_PG.isnan(), values_PG, 0.0)
    return (values_PG - decided_N.mean()) / (decided_N.std() + EPSILON)


def _nanstd(values_PG: Tensor, dim: int) -> Tensor:
    count = (~values_PG.isnan()).sum(dim, keepdim=True)
    squares = (values_PG - values_PG.nanmean(dim, keepdim=True)).square().nansum(dim, keepdim=True)
    return (squares / (count - 1).clamp(min=1)).sqrt()
