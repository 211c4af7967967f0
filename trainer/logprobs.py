"""Hidden states → log-probs of the sampled tokens (and entropies). The seam where fused kernels plug in.

The language head runs on completion positions only, the softmax in float32. Rows are right-padded and attention is
causal: real tokens never see padding, so no attention mask is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

EntropyMode = Literal["none", "metric", "gradient"]


class Head(Protocol):
    """(tokens N, hidden H) and targets (N,) → log-probs (N,) and, on request, entropies (N,); both float32."""

    def __call__(
        self, head: torch.nn.Module, hidden_NH: Tensor, targets_N: Tensor, temperature: float, entropy: EntropyMode
    ) -> tuple[Tensor, Tensor | None]: ...


@dataclass
class TokenBatch:
    """Prompt and completion a row, right-padded. Column t of the (B, T) tensors is the row's t-th completion token."""

    ids_BL: Tensor
    prompt_lengths_B: Tensor
    lengths_B: Tensor
    """Completion lengths."""

    @property
    def mask_BT(self) -> Tensor:
        steps_T = torch.arange(int(self.lengths_B.max()), device=self.ids_BL.device)
        return (steps_T < self.lengths_B[:, None]).float()


def make_batch(prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]], device: Any) -> TokenBatch:
    """Pad to the longest row; the padding id is never looked at."""
    rows = [[*p, *c] for p, c in zip(prompts, completions, strict=True)]
    width = max(len(r) for r in rows)
    ids_BL = torch.tensor([r + [0] * (width - len(r)) for r in rows])
    prompt_lengths_B = torch.tensor([len(p) for p in prompts])
    lengths_B = torch.tensor([len(c) for c in completions])
    return TokenBatch(ids_BL.to(device), prompt_lengths_B.to(device), lengths_B.to(device))


def reference_head(
    head: torch.nn.Module, hidden_NH: Tensor, targets_N: Tensor, temperature: float, entropy: EntropyMode
) -> tuple[Tensor, Tensor | None]:
    """The plain PyTorch head."""
    return from_logits(head(hidden_NH), targets_N, temperature, entropy)


def from_logits(
    logits_NV: Tensor, targets_N: Tensor, temperature: float, entropy: EntropyMode
) -> tuple[Tensor, Tensor | None]:
    """log softmax(logits / temperature) at the targets, and H = −Σ p log p."""
    logps_NV = torch.log_softmax(logits_NV.float() / temperature, -1)
    chosen_N = logps_NV.gather(1, targets_N[:, None])[:, 0]
    if entropy == "none":
        return chosen_N, None
    with torch.set_grad_enabled(entropy == "gradient" and torch.is_grad_enabled()):
        source_NV = logps_NV if entropy == "gradient" else logps_NV.detach()
        entropy_N = -(source_NV.exp() * source_NV).sum(-1)
    return chosen_N, entropy_N


def completion_logprobs(
    model: Any,
    batch: TokenBatch,
    temperature: float = 1.0,
    entropy: EntropyMode = "none",
    head: Head = reference_head,
) -> tuple[Tensor, Tensor | None]:
    """(B, T) log-probs of the completion tokens, 0 beyond each row's length, and entropies likewise."""
    mask_BT = batch.mask_BT.bool()
    row_N, step_N = mask_BT.nonzero(as_tuple=True)
    position_N = batch.prompt_lengths_B[row_N] + step_N
    targets_N = batch.ids_BL[row_N, position_N]
    inputs_BL = batch.ids_BL[:, :-1]
    if plain_head(model):
        hidden_BLH = model.get_decoder()(input_ids=inputs_BL, use_cache=False).last_hidden_state
        hidden_NH = hidden_BLH[row_N, position_N - 1]
        logps_N, entropy_N = head(model.get_output_embeddings(), hidden_NH, targets_N, temperature, entropy)
    else:
        logits_BLV = model(input_ids=inputs_BL, use_cache=False).logits
        logps_N, entropy_N = from_logits(logits_BLV[row_N, position_N - 1], targets_N, temperature, entropy)
    return _scatter(logps_N, mask_BT), None if entropy_N is None else _scatter(entropy_N, mask_BT)


def plain_head(model: Any) -> bool:
    """Whether logits are head(hidden) and nothing else: no soft-capping, no scaling, no wrapper around the model."""
    if not hasattr(model, "get_decoder") or not hasattr(model, "get_output_embeddings"):
        return False
    if not hasattr(model, "config") or type(model).__name__.startswith("Peft"):
        return False
    scalers = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
    return all(getattr(model.config, name, None) in (None, 1, 1.0) for name in scalers)


def _scatter(values_N: Tensor, mask_BT: Tensor) -> Tensor:
    out_BT = values_N.new_zeros(mask_BT.shape)
    return out_BT.masked_scatter(mask_BT, values_N)
