"""White-box distillation: the student against a teacher's whole distribution, or against its most likely tokens.

The divergences themselves are :mod:`veritune.kernels.distillation`'s. Here is what it lacks: a teacher that is kept as
its top k tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from veritune.kernels import divergence
from veritune.kernels.distillation.kinds import divergence_named

SLICE = 2**24
"""So many of the student's logits at once; more tokens are cut up, and recomputed in the backward."""


class DistillationObjective(BaseModel):
    """ce_weight · (−log p_s of the token) + (1 − ce_weight) · D(p_t, p_s), a mean over tokens.

    D is summed over the vocabulary, at ``temperature`` on both sides; there is no factor temperature².
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    divergence: Literal["forward_kl", "reverse_kl", "skew_forward_kl", "skew_reverse_kl", "jsd"] = "forward_kl"
    """KL(p_t‖p_s), KL(p_s‖p_t) (2306.08543), KL(p_t‖skew·p_t + (1 − skew)·p_s), KL(p_s‖(1 − skew)·p_t + skew·p_s)
    (2402.03898), skew·KL(p_t‖m) + (1 − skew)·KL(p_s‖m) with m = skew·p_t + (1 − skew)·p_s (2306.13649)."""
    skew: float | None = Field(default=None, ge=0, le=1)
    """By default 0.1, of ``jsd`` 0.5."""
    temperature: float = Field(default=1.0, gt=0)
    ce_weight: float = Field(default=0.0, ge=0, le=1)
    """The share of the cross-entropy on the rows' own tokens (at temperature 1)."""

    @model_validator(mode="after")
    def _skew_fits(self) -> DistillationObjective:
        if self.skew is not None and self.divergence in ("forward_kl", "reverse_kl"):
            raise ValueError(f"skew is of the skewed divergences and of jsd; {self.divergence} has none")
        divergence_named(self.divergence, self.alpha, self.beta)  # says what is wrong
        return self

    @property
    def alpha(self) -> float:
        """The skew of the skewed KLs, as the kernels take it."""
        return self.skew if self.skew is not None and self.divergence != "jsd" else 0.1

    @property
    def beta(self) -> float:
        """That of the Jensen-Shannon divergence."""
        return self.skew if self.skew is not None and self.divergence == "jsd" else 0.5


@dataclass
class TopTokens:
    """A teacher's distribution at one temperature as its most likely tokens: what a cache keeps of it."""

    ids_NK: Tensor
    logps_NK: Tensor
    """float32 log-probs at the temperature."""
    rest_N: Tensor
    """log of the probability of all other tokens together; −inf where there are none."""

    def to(self, device: torch.device) -> TopTokens:
        return TopTokens(self.ids_NK.to(device), self.logps_NK.to(device), self.rest_N.to(device))


def top_tokens(logits_NV: Tensor, count: int, temperature: float) -> TopTokens:
    """The ``count`` most likely tokens of every row. The vocabulary is the one that student and teacher share."""
    logps_NV = torch.log_softmax(_wide(logits_NV) / temperature, -1)
    logps_NK, ids_NK = logps_NV.topk(min(count, logps_NV.shape[1]), -1)
    return TopTokens(ids_NK, logps_NK, _others(logps_NV, ids_NK))


def linear_top_tokens(
    hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor | None, count: int, temperature: float
) -> TopTokens:
    """The same from hidden states and the head's rows of the shared vocabulary, some positions at a time."""
    found = [
        top_tokens(_logits(part, weight_VH, bias_V), count, temperature)
        for part in torch.split(hidden_NH, max(1, SLICE // weight_VH.shape[0]))
    ]
    return TopTokens(*(torch.cat([getattr(top, name) for top in found]) for name in ("ids_NK", "logps_NK", "rest_N")))


def top_divergence(student_NV: Tensor, teacher: TopTokens, objective: DistillationObjective) -> Tensor:
    """(N,) divergence of the two distributions over the teacher's top k tokens and one event more: any other token.

    All probability is accounted for on both sides, so it is a divergence (never negative, 0 only where the student
    agrees on the k tokens and on the rest as a whole), and never larger than that of the whole distributions, for any
    of the kinds: what it cannot see is how the student spreads the rest. ``student_NV``: logits of the shared
    vocabulary.
    """
    logps_NV = torch.log_softmax(_wide(student_NV) / objective.temperature, -1)
    student_NK, teacher_NK = logps_NV.gather(1, teacher.ids_NK), teacher.logps_NK.to(logps_NV.dtype)
    if teacher.ids_NK.shape[1] < logps_NV.shape[1]:
        student_NK = torch.cat([student_NK, _others(logps_NV, teacher.ids_NK)[:, None]], 1)
        teacher_NK = torch.cat([teacher_NK, teacher.rest_N.to(logps_NV.dtype)[:, None]], 1)
    kind, alpha, beta = objective.divergence, objective.alpha, objective.beta
    return divergence(student_NK, teacher_NK, kind, alpha=alpha, beta=beta, backend="reference")


def linear_top_divergence(
    hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor | None, teacher: TopTokens, objective: DistillationObjective
) -> Tensor:
    """The same from hidden states and the head's rows of the shared vocabulary: the logits of all tokens never exist
    at once."""

    def of_slice(h: Tensor, w: Tensor, b: Tensor | None, ids: Tensor, logps: Tensor, rest: Tensor) -> Tensor:
        return top_divergence(_logits(h, w, b), TopTokens(ids, logps, rest), objective)

    size = max(1, SLICE // weight_VH.shape[0])
    if hidden_NH.shape[0] <= size:
        return of_slice(hidden_NH, weight_VH, bias_V, teacher.ids_NK, teacher.logps_NK, teacher.rest_N)
    pieces = [torch.split(t, size) for t in (hidden_NH, teacher.ids_NK, teacher.logps_NK, teacher.rest_N)]
    found = [
        checkpoint(of_slice, h, weight_VH, bias_V, *rest, use_reentrant=False, preserve_rng_state=False)
        for h, *rest in zip(*pieces, strict=True)
    ]
    return torch.cat(found)


def _logits(hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor | None) -> Tensor:
    """In at least float32."""
    with torch.autocast(hidden_NH.device.type, enabled=False):
        logits_NV = _wide(hidden_NH) @ _wide(weight_VH).T
    return logits_NV if bias_V is None else logits_NV + bias_V.to(logits_NV.dtype)


def _others(logps_NV: Tensor, ids_NK: Tensor) -> Tensor:
    """(N,) log of what all but these tokens have together, without the cancellation of 1 − Σ p; −inf for no others."""
    if ids_NK.shape[1] == logps_NV.shape[1]:
        return logps_NV.new_full((logps_NV.shape[0],), -torch.inf)
    return logps_NV.scatter(1, ids_NK, -torch.inf).logsumexp(-1)


def _wide(tensor: Tensor) -> Tensor:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
