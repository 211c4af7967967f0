"""Value estimates for PPO: rewards a token, generalised advantages, the value loss.

Shapes: (rows B, completion tokens T), left-aligned. ``mask_BT`` is 1 on the tokens that the policy wrote; what stands
between them (an environment's words) and after them is no step: the value that follows a token is that of the next
*written* one.
"""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-8
"""Under the square root of a variance."""


def token_rewards(rewards_B: Tensor, mask_BT: Tensor, kl_BT: Tensor | None = None, beta: float = 0.0) -> Tensor:
    """(B, T) −β·KL_t on every written token, and the completion's reward on the last one.

    ``kl_BT``: log π_old − log π_ref of the sampled tokens, the estimate k1: as a reward it has the KL's own gradient.
    """
    found_BT = torch.zeros_like(mask_BT) if kl_BT is None else -beta * kl_BT * mask_BT
    return found_BT + last_written(mask_BT) * rewards_B[:, None]


def last_written(mask_BT: Tensor) -> Tensor:
    """(B, T) 1 on each row's last written token; nowhere in a row without any."""
    after_BT = mask_BT.flip(1).cumsum(1).flip(1)  # written tokens from here on
    return mask_BT * (after_BT == 1).to(mask_BT.dtype)


def generalised_advantages(
    rewards_BT: Tensor, values_BT: Tensor, bootstrap_B: Tensor, mask_BT: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Advantages and returns, (B, T) each, 0 where nothing was written (GAE, 1506.02438 eq. 16).

    δ_t = r_t + γ V_{t+1} − V_t, A_t = δ_t + γλ A_{t+1}, R_t = A_t + V_t. ``values_BT``: V of the state in which each
    token was drawn. ``bootstrap_B``: V after the last token: 0 where the completion has ended, the value model's own
    estimate where it was cut off.
    """
    following_B, advantage_B = bootstrap_B.to(values_BT.dtype), torch.zeros_like(bootstrap_B, dtype=values_BT.dtype)
    advantages_BT = torch.zeros_like(values_BT)
    for t in reversed(range(values_BT.shape[1])):
        written_B = mask_BT[:, t] > 0
        delta_B = rewards_BT[:, t] + gamma * following_B - values_BT[:, t]
        advantage_B = torch.where(written_B, delta_B + gamma * lam * advantage_B, advantage_B)
        following_B = torch.where(written_B, values_BT[:, t], following_B)
        advantages_BT[:, t] = torch.where(written_B, advantage_B, 0.0)
    return advantages_BT, (advantages_BT + values_BT) * (mask_BT > 0)


def whiten(values_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Mean 0 and (unbiased) variance 1 over the masked tokens of the whole batch, 0 elsewhere.

    All zeros where every masked value is the same: rounding noise over a tiny deviation is no signal.
    """
    inside_N = values_BT[mask_BT > 0]
    if inside_N.numel() < 2 or bool(inside_N.max() == inside_N.min()):
        return torch.zeros_like(values_BT)
    scaled_BT = (values_BT - inside_N.mean()) * torch.rsqrt(inside_N.var() + EPSILON)
    return torch.where(mask_BT > 0, scaled_BT, 0.0)


def value_loss(
    values_BT: Tensor, old_BT: Tensor, returns_BT: Tensor, mask_BT: Tensor, clip: float | None
) -> tuple[Tensor, Tensor]:
    """½ max[(V − R)², (V_clipped − R)²] a token (0 outside the mask), and where the clip holds back the gradient.

    V_clipped = V_old + clamp(V − V_old, −clip, clip); without ``clip`` it is ½ (V − R)².
    """
    plain_BT = (values_BT - returns_BT).square()
    if clip is None:
        return 0.5 * plain_BT * mask_BT, torch.zeros_like(mask_BT, dtype=torch.bool)
    moved_BT = values_BT - old_BT
    clipped_BT = (old_BT + moved_BT.clamp(-clip, clip) - returns_BT).square()
    held_BT = (moved_BT.abs() > clip) & (clipped_BT > plain_BT) & (mask_BT > 0)
    return 0.5 * torch.maximum(plain_BT, clipped_BT) * mask_BT, held_BT


def explained_variance(count: float, returns: float, returns_2: float, errors: float, errors_2: float) -> float:
    """1 − Var(R − V) / Var(R), from sums of R, R², R − V and (R − V)² over tokens; NaN where R does not vary."""
    if count < 2:
        return float("nan")
    variance = returns_2 / count - (returns / count) ** 2
    rest = errors_2 / count - (errors / count) ** 2
    return 1 - rest / variance if variance > 1e-12 else float("nan")
