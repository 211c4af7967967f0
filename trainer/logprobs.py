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

from veritune.plugins import ConfigError

LARGE = 2**26
"""So many logits (0.25 GB in float32) are not made at once."""

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


def fused_head(
    head: torch.nn.Module, hidden_NH: Tensor, targets_N: Tensor, temperature: float, entropy: EntropyMode
) -> tuple[Tensor, Tensor | None]:
    """:func:`veritune.kernels.linear_logprob`: the logits of all tokens never exist at once."""
    from veritune.kernels import linear_logprob

    weight, bias = getattr(head, "weight", None), getattr(head, "bias", None)
    if not isinstance(weight, Tensor):
        raise ConfigError(f"grpo.head: fused needs a linear head, this model has {type(head).__name__}; use reference")
    logps_N, entropy_N = linear_logprob(
        hidden_NH,
        weight,
        targets_N,
        temperature=temperature,
        bias=bias,
        want_entropy=entropy != "none",
    )
    if entropy_N is not None and entropy == "metric":
        entropy_N = entropy_N.detach()
    return logps_N, entropy_N


def auto_head(
    head: torch.nn.Module, hidden_NH: Tensor, targets_N: Tensor, temperature: float, entropy: EntropyMode
) -> tuple[Tensor, Tensor | None]:
    """Fused on a GPU, and wherever the logits would be large; plain where they are small or the head is no matrix."""
    weight = getattr(head, "weight", None)
    if type(head) is not torch.nn.Linear or weight is None:
        return reference_head(head, hidden_NH, targets_N, temperature, entropy)
    large = hidden_NH.shape[0] * weight.shape[0] > LARGE
    chosen = fused_head if large or hidden_NH.is_cuda else reference_head
    return chosen(head, hidden_NH, targets_N, temperature, entropy)


HEADS: dict[str, Head] = {"auto": auto_head, "fused": fused_head, "reference": reference_head}


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
    head: Head = auto_head,
) -> tuple[Tensor, Tensor | None]:
    """(B, T) log-probs of the completion tokens, 0 beyond each row's length, and entropies likewise."""
    mask_BT = batch.mask_BT.bool()
    row_N, step_N = mask_BT.nonzero(as_tuple=True)
    position_N = batch.prompt_lengths_B[row_N] + step_N
    targets_N = batch.ids_BL[row_N, position_N]
    inputs_BL = batch.ids_BL[:, :-1]
    if hasattr(model, "get_base_model"):
        model = model.get_base_model()  # peft's wrapper: the adapters are inside
    if plain_head(model):
        hidden_BLH = model.get_decoder()(input_ids=inputs_BL, use_cache=False).last_hidden_state
        hidden_NH = hidden_BLH[row_N, position_N - 1]
        logps_N, entropy_N = head(model.get_output_embeddings(), hidden_NH, targets_N, temperature, entropy)
    else:
        logits_BLV = model(input_ids=inputs_BL, use_cache=False).logits
        logps_N, entropy_N = from_logits(logits_BLV[row_N, position_N - 1], targets_N, temperature, entropy)
    return _scatter(logps_N, mask_BT), None if entropy_N is None else _scatter(entropy_N, mask_BT)


def plain_head(model: Any) -> bool:
    """Whether logits are head(hidden) and nothing else: no soft-capping, no scaling."""
    if not all(hasattr(model, name) for name in ("get_decoder", "get_output_embeddings", "config")):
        return False
    scalers = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
    return all(getattr(model.config, name, None) in (None, 1, 1.0) for name in scalers)


def _scatter(values_N: Tensor, mask_BT: Tensor) -> Tensor:
    out_BT = values_N.new_zeros(mask_BT.shape)
    return out_BT.masked_scatter(mask_BT, values_N)
