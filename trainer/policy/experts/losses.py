"""Balance losses of a router: pure functions of scores and counts."""

from __future__ import annotations

from torch import Tensor


def sequence_balance(shares_RE: Tensor, counts_RE: Tensor, tokens_R: Tensor) -> Tensor:
    """(R,) Σ_i f_i P_i of every sequence (DeepSeek-V3, arXiv 2412.19437, eq. 17–20, without α).

    ``shares_RE``: Σ over the sequence's tokens of s_i / Σ_j s_j; ``counts_RE``: how many of them expert i was chosen
    for; ``tokens_R``: T. f_i = N/(K T) · count, P_i = share / T: 1 where the load is even. The gradient is P's alone.
    """
    experts = counts_RE.shape[1]
    choices_R1 = counts_RE.sum(1, keepdim=True).clamp(min=1)  # K·T
    frequency_RE = counts_RE * experts / choices_R1
    return (frequency_RE * shares_RE / tokens_R.clamp(min=1)[:, None]).sum(1)


def auxiliary_balance(shares_RE: Tensor, counts_RE: Tensor, tokens_R: Tensor) -> Tensor:
    """The classic loss (GShard, Switch Transformer): the same sum with f and P over all sequences at once, a scalar."""
    whole = shares_RE.sum(0, keepdim=True), counts_RE.sum(0, keepdim=True), tokens_R.sum()[None]
    return sequence_balance(*whole)[0]
