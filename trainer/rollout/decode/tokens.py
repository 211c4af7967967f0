"""One token at a time: truncated distributions, draws, stop strings, and the text of token ids."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from veritune.trainer.config import SamplingConfig
from veritune.trainer.rollout.interface import NotFiniteError


class StopStrings:
    """Looks for stop strings at the end of a growing completion."""

    def __init__(self, tokenizer: Any, stop: Sequence[str]) -> None:
        self.tokenizer, self.stop = tokenizer, list(stop)
        self.window = max(len(s) for s in stop) + 4

    def found(self, ids: Sequence[int], extra: int = 0) -> bool:
        """Whether one ends within the last ``1 + extra`` tokens (or a little before: as far back as it may reach)."""
        tail = self.tokenizer.decode(ids[-self.window - extra :], skip_special_tokens=False)
        return any(s in tail for s in self.stop)


def draw(logits_BV: Tensor, sampling: SamplingConfig, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One token a row and its log-prob under softmax(logits / temperature), in float32."""
    logps_BV = torch.log_softmax(logits_BV.float() / sampling.temperature, -1)
    if bool(logps_BV.isnan().any()):
        raise NotFiniteError("the policy's logits are not finite: lower the learning rate, or go back to a checkpoint")
    probs_BV = truncate(logps_BV, sampling).exp()
    tokens_B = torch.multinomial(probs_BV, 1, generator=generator)[:, 0]
    return tokens_B, logps_BV.gather(1, tokens_B[:, None])[:, 0]


def truncate(logps_BV: Tensor, sampling: SamplingConfig) -> Tensor:
    """Log-probs with everything outside top_k, min_p and top_p (in this order) at −inf; not normalised again."""
    if 0 < sampling.top_k < logps_BV.shape[1]:
        threshold_B1 = logps_BV.topk(sampling.top_k, -1).values[:, -1:]
        logps_BV = logps_BV.masked_fill(logps_BV < threshold_B1, -torch.inf)
    if sampling.min_p > 0:
        limit_B1 = logps_BV.amax(-1, keepdim=True) + math.log(sampling.min_p)
        logps_BV = logps_BV.masked_fill(logps_BV < limit_B1, -torch.inf)
    if sampling.top_p < 1:
        sorted_BV, order_BV = torch.log_softmax(logps_BV, -1).sort(-1, descending=True)
        before_BV = sorted_BV.exp().cumsum(-1) - sorted_BV.exp()
        drop_BV = torch.zeros_like(before_BV, dtype=torch.bool).scatter(1, order_BV, before_BV >= sampling.top_p)
        logps_BV = logps_BV.masked_fill(drop_BV, -torch.inf)
    return logps_BV


def decode(tokenizer: Any, ids: Sequence[int], eos_ids: Sequence[int], stop: Sequence[str] = ()) -> str:
    """The completion's text: the closing end-of-sequence token cut off, every other token kept as it is.

    It ends with the first of the ``stop`` strings, though the token that brought it may have held more.
    """
    ids = list(ids)
    if ids and ids[-1] in eos_ids:
        ids = ids[:-1]
    text: str
    if _plain(type(tokenizer)):  # type: ignore[arg-type]
        text = tokenizer.backend_tokenizer.decode(ids, skip_special_tokens=False)
    else:
        text = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    ends = [text.find(each) + len(each) for each in stop if each in text]
    return text[: min(ends)] if ends else text


@functools.cache
def _plain(kind: type) -> bool:
    """Whether tokenizers of a class decode as their library does, and nothing more: transformers looks at every token
    before it asks the library, which takes longer than the decoding."""
    from transformers import PreTrainedTokenizerFast

    names = ("decode", "_decode")
    return all(getattr(kind, name, None) is getattr(PreTrainedTokenizerFast, name) for name in names)
