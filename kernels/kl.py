"""Monte-Carlo estimators of the KL divergence from per-token log-probs."""

from __future__ import annotations

from typing import Literal, get_args

import torch

Estimator = Literal["k1", "k2", "k3"]


def kl_estimate(logp: torch.Tensor, ref_logp: torch.Tensor, kind: Estimator = "k3") -> torch.Tensor:
    """Per-token estimate, in nats, of KL(policy || reference) on tokens that the policy sampled.

    With d = ref_logp - logp: k1 = -d (unbiased, high variance), k2 = d^2 / 2 (biased; its gradient is that of the
    true KL on-policy), k3 = exp(d) - 1 - d (unbiased, never negative). Computed in float32 and differentiable in both
    arguments. Source: http://joschu.net/blog/kl-approx.html.

    Raises:
        ValueError: `kind` is none of the three.
    """
    if kind not in get_args(Estimator):
        raise ValueError(f"kind={kind!r}: expected one of {', '.join(get_args(Estimator))}")
    dtype = torch.promote_types(torch.promote_types(logp.dtype, ref_logp.dtype), torch.float32)
    d = ref_logp.to(dtype) - logp.to(dtype)
    if kind == "k1":
        return -d
    if kind == "k2":
        return 0.5 * d.square()
    # expm1 keeps k3 from going negative where d is near zero.
    return torch.expm1(d) - d
