"""The law for linear -> log-prob and entropy, in plain PyTorch, a slice of tokens at a time."""

from __future__ import annotations

import torch
from torch.utils.checkpoint import checkpoint

from veritune.kernels.logits import reference as from_logits

# Logits of one slice, in elements: more tokens than this allows are cut up and recomputed in the backward.
SLICE_ELEMENTS = 1 << 24


def head_logits(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, softcap: float | None
) -> torch.Tensor:
    """hidden @ weight.T + bias in at least float32, soft-capped to cap * tanh(logits / cap)."""
    wide = torch.promote_types(hidden.dtype, torch.float32)
    with torch.autocast(hidden.device.type, enabled=False):
        logits = hidden.to(wide) @ weight.to(wide).T
    if bias is not None:
        logits = logits + bias.to(wide)
    return logits if softcap is None else softcap * torch.tanh(logits / softcap)


def linear_logprob(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    targets: torch.Tensor,
    bias: torch.Tensor | None,
    softcap: float | None,
    temperature: float,
    want_entropy: bool,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Log-probs and entropies `[N]` of tokens with hidden states `[N, H]` under the head `[V, H]`."""

    def slice_of(
        h: torch.Tensor, w: torch.Tensor, t: torch.Tensor, b: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        return from_logits.logprob_entropy(head_logits(h, w, b, softcap), t, None, temperature, want_entropy)

    n, v = hidden.shape[0], weight.shape[0]
    if n * v <= SLICE_ELEMENTS:
        return slice_of(hidden, weight, targets, bias)
    size = max(1, SLICE_ELEMENTS // v)
    parts = [
        checkpoint(slice_of, h, weight, t, bias, use_reentrant=False, preserve_rng_state=False)
        for h, t in zip(torch.split(hidden, size), torch.split(targets, size), strict=True)
    ]
    entropy = torch.cat([ent for _, ent in parts]) if want_entropy else None
    return torch.cat([logp for logp, _ in parts]), entropy
