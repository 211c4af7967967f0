"""The GRPO objective on per-token log-probs: the law, O(N) work, plain PyTorch on every device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from veritune.kernels.kl import Estimator, kl_estimate

Importance = Literal["token", "sequence"]
Aggregation = Literal["grpo", "dr_grpo", "dapo", "bnpo"]


@dataclass(frozen=True)
class GRPOObjective:
    """What is maximised, per token t of sequence i:  min(r A, clip(r, 1 - clip_low, 1 + clip_high) A) - beta KL + c H.

    Source: DeepSeekMath (arXiv 2402.03300) eq. 3 with the variants named at each field.
    """

    clip_low: float = 0.2
    clip_high: float = 0.2
    """Upper bound of the ratio, 1 + clip_high; 0.28 is DAPO's clip-higher (arXiv 2503.14476)."""
    delta: float | None = None
    """Two-sided clip: the ratio itself is capped at delta > 1 + clip_high (INTELLECT-2, arXiv 2505.07291)."""
    dual_clip: float | None = None
    """Where A < 0 the objective is at least dual_clip * A (arXiv 1912.09729; dual_clip > 1)."""
    beta: float = 0.0
    """Weight of the KL to the reference policy, estimated by `kl`."""
    kl: Estimator = "k3"
    importance: Importance = "token"
    """`sequence`: r is exp(mean over the sequence of log r_t), the same for all its tokens (GSPO, arXiv 2507.18071)."""
    aggregation: Aggregation = "grpo"
    """`grpo`: mean over a sequence's tokens, then over sequences. `bnpo`: mean over all tokens here. `dapo`: sum over
    all tokens / `denominator` (tokens of the whole batch, all ranks; here by default). `dr_grpo`: sum over all tokens
    / (sequences * `max_completion_length`) (arXiv 2503.20783)."""
    max_completion_length: int | None = None
    entropy_coef: float = 0.0
    """Weight c of the entropy bonus."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("importance", self.importance, get_args(Importance)),
            ("aggregation", self.aggregation, get_args(Aggregation)),
            ("kl", self.kl, get_args(Estimator)),
        ):
            if value not in known:
                raise ValueError(f"{name}={value!r}: expected one of {', '.join(known)}")
        for name, bound in (("clip_low", self.clip_low), ("clip_high", self.clip_high)):
            if not bound >= 0:
                raise ValueError(f"{name}={bound}: expected a number of 0 or more")
        for name, cap in (("dual_clip", self.dual_clip), ("delta", self.delta)):
            if cap is not None and not cap > 1:
                raise ValueError(f"{name}={cap}: expected a number above 1, or None")
        if self.aggregation == "dr_grpo" and not self.max_completion_length:
            raise ValueError("aggregation='dr_grpo' divides by max_completion_length: give it, in tokens")


@dataclass
class TokenTerms:
    """Per-token parts of the objective `[B, T]`, zero where masked, and which tokens the clip holds back."""

    loss: torch.Tensor
    kl: torch.Tensor | None
    clipped: torch.Tensor


def token_weights(
    mask: torch.Tensor, objective: GRPOObjective, denominator: float | torch.Tensor | None = None
) -> torch.Tensor:
    """Weight `[B, T]` of each token in the loss; 0 where masked. `denominator` replaces the variant's own divisor
    (for `grpo` and `dr_grpo`, the number of sequences), so that it can be global over ranks and micro-batches."""
    live = mask.to(torch.float32)
    if objective.aggregation == "grpo":
        count = float(mask.shape[0]) if denominator is None else denominator
        return live / live.sum(-1, keepdim=True).clamp(min=1.0) / count
    if objective.aggregation == "dr_grpo":
        count = float(mask.shape[0]) if denominator is None else denominator
        return live / (count * float(objective.max_completion_length or 0))
    total = live.sum().clamp(min=1.0) if denominator is None else denominator
    return live / total


LARGEST_LOG_RATIO = 80.0
"""In nats; e to it is still a float32."""


def token_terms(
    logp: torch.Tensor,
    advantages: torch.Tensor,
    mask: torch.Tensor | None,
    objective: GRPOObjective,
    *,
    old_logp: torch.Tensor | None = None,
    ref_logp: torch.Tensor | None = None,
    policy_weight: torch.Tensor | None = None,
    entropy: torch.Tensor | None = None,
) -> TokenTerms:
    """Per-token loss, before aggregation; all arguments `[B, T]`, advantages `[B]` or `[B, T]`; no mask: no padding.

    `old_logp=None` means on-policy: the ratio is 1 and has the log-prob's gradient. `policy_weight` multiplies the
    policy term only (truncated importance weights of the sampler).
    """
    live = None if mask is None else mask.bool()

    # A product with the mask would turn a masked NaN into a NaN loss.
    def unmasked(x: torch.Tensor, other: torch.Tensor | float = 0.0) -> torch.Tensor:
        return x if live is None else torch.where(live, x, other)

    logp = unmasked(logp)
    a = advantages.to(logp.dtype)
    a = a.unsqueeze(-1) if a.dim() == 1 else unmasked(a)
    old = logp.detach() if old_logp is None else unmasked(old_logp.to(logp.dtype))
    log_ratio = logp - old
    if objective.importance == "sequence":
        count = logp.shape[-1] if live is None else live.sum(-1, keepdim=True).clamp(min=1)
        log_ratio = (log_ratio.sum(-1, keepdim=True) / count).expand_as(logp)
    # Beyond this exp overflows, and its gradient is NaN even where the clip lets none through.
    ratio = log_ratio.clamp(max=LARGEST_LOG_RATIO).exp()
    # What the clip holds back has no gradient, unless a delta below the clip's upper end holds back within its range.
    bounded = ratio.detach() if objective.delta is None else ratio
    clip = bounded.clamp(1.0 - objective.clip_low, 1.0 + objective.clip_high) * a
    plain = (ratio if objective.delta is None else ratio.clamp(max=objective.delta)) * a
    held = clip < plain
    gain = torch.where(held, clip, plain)  # minimum's gradient takes four times as many launches
    if objective.dual_clip is not None:
        floor = torch.where(a < 0, objective.dual_clip * a, torch.full_like(a, -torch.inf))
        held = held | (gain < floor)
        gain = torch.maximum(gain, floor)
    loss = -gain if policy_weight is None else -gain * unmasked(policy_weight.to(logp.dtype))
    kl = None
    if objective.beta:
        if ref_logp is None:
            raise ValueError(f"beta={objective.beta} needs ref_logp, the reference policy's log-probs")
        reference = unmasked(ref_logp.to(logp.dtype), logp.detach())
        kl = kl_estimate(logp, reference, objective.kl)
        loss = loss + objective.beta * kl
        kl = unmasked(kl)
    if objective.entropy_coef and entropy is not None:
        loss = loss - objective.entropy_coef * unmasked(entropy)
    return TokenTerms(unmasked(loss), kl, held if live is None else held & live)


def grpo_loss(
    logp: torch.Tensor,
    advantages: torch.Tensor,
    mask: torch.Tensor,
    objective: GRPOObjective | None = None,
    *,
    old_logp: torch.Tensor | None = None,
    ref_logp: torch.Tensor | None = None,
    policy_weight: torch.Tensor | None = None,
    entropy: torch.Tensor | None = None,
    denominator: float | torch.Tensor | None = None,
) -> torch.Tensor:
    """The scalar GRPO loss of per-token log-probs `[B, T]`: sum of token_weights * token_terms. Differentiable in
    logp, and in the entropy where the objective has an entropy bonus.

    Raises:
        ValueError: shapes do not match, `beta` without `ref_logp`, or an entropy bonus without `entropy`.
    """
    objective = objective or GRPOObjective()
    given = {
        "mask": mask, "old_logp": old_logp, "ref_logp": ref_logp, "policy_weight": policy_weight, "entropy": entropy
    }  # fmt: skip
    for name, tensor in given.items():
        if tensor is not None and tensor.shape != logp.shape:
            raise ValueError(f"{name} {tuple(tensor.shape)} does not match logp {tuple(logp.shape)}")
    if logp.dim() != 2 or advantages.shape not in (logp.shape, logp.shape[:1]):
        raise ValueError(
            f"advantages {tuple(advantages.shape)} do not match logp {tuple(logp.shape)}: expected log-probs "
            "[sequences, tokens] and advantages like them, or one a sequence"
        )
    if objective.entropy_coef and entropy is None:
        raise ValueError(f"entropy_coef={objective.entropy_coef} needs entropy, the per-token entropies")
    terms = token_terms(
        logp, advantages, mask, objective,
        old_logp=old_logp, ref_logp=ref_logp, policy_weight=policy_weight, entropy=entropy,
    )  # fmt: skip
    return (terms.loss * token_weights(mask, objective, denominator)).sum()


def needed_tokens(mask: torch.Tensor, advantages: torch.Tensor, objective: GRPOObjective) -> torch.Tensor:
    """Tokens `[B, T]` whose loss or gradient can differ from zero: the head need not see the others."""
    if objective.beta or objective.entropy_coef:
        return mask.bool()
    a = advantages.unsqueeze(-1) if advantages.dim() == 1 else advantages
    if objective.importance == "sequence":
        # A sequence's ratio averages over all its tokens, those of zero advantage too.
        return mask.bool() & (a.expand(mask.shape) != 0).any(-1, keepdim=True)
    return mask.bool() & (a != 0)
