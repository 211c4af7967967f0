"""The law for log-prob and entropy from logits, in plain PyTorch."""

from __future__ import annotations

import torch


def logprob_entropy(
    logits: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor | None, temperature: float, want_entropy: bool
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Log-prob of the target and entropy of softmax(logits / temperature); shapes `[N, V]`, `[N]` to `[N]`, `[N]`."""
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32)) / temperature
    logp_all = torch.log_softmax(wide, dim=-1)
    logp = logp_all.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    entropy = None
    if want_entropy:
        # A token that is ruled out (-inf) adds nothing; 0 * -inf would be NaN.
        entropy = -(logp_all.exp() * logp_all.masked_fill(logp_all == -torch.inf, 0.0)).sum(-1)
    if mask is None:
        return logp, entropy
    zero = torch.zeros((), dtype=logp.dtype, device=logp.device)
    return torch.where(mask, logp, zero), None if entropy is None else torch.where(mask, entropy, zero)
