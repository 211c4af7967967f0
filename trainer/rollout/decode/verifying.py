"""Which drafts are accepted, and what is drawn in place of the others or after them: the law, and the CPU's path."""

from __future__ import annotations

import torch
from torch import Tensor

from veritune.trainer.config import SamplingConfig
from veritune.trainer.rollout.decode.speculative_rows import SpeculativeRows
from veritune.trainer.rollout.decode.tokens import truncate


def draw_verified(
    logits_NV: Tensor, rows: SpeculativeRows, sampling: SamplingConfig
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of logits at the draft's place (the first half) and at the one after it: the token drawn, whether the draft
    before it is accepted, the token's log-prob, and the draft's."""
    count = len(rows.draft_B)
    logps_NV = torch.log_softmax(logits_NV / sampling.temperature, -1)
    weights_NV = truncate(logps_NV, sampling).double().softmax(-1)
    here_BV, after_BV = weights_NV[:count], weights_NV[count:]
    draft_BV = rows.draft_BV.double().softmax(-1)
    draft_B1, drafted_B1 = rows.draft_B.clamp(min=0)[:, None], rows.draft_B[:, None] >= 0
    last = rows.uniforms_BT.shape[1] - 1
    at_B1 = rows.steps_B.clamp(max=last)[:, None]
    chance_B1 = rows.accepts_BT.gather(1, at_B1)
    accepted_B1 = drafted_B1 & (chance_B1 * draft_BV.gather(1, draft_B1) < here_BV.gather(1, draft_B1))
    left_BV = (here_BV - draft_BV * drafted_B1).clamp(min=0)
    left_BV = torch.where(left_BV.sum(-1, keepdim=True) > 0, left_BV, here_BV)  # equal but for rounding
    cumulative_BV = torch.where(accepted_B1, after_BV, left_BV).cumsum(-1)
    uniform_B1 = rows.uniforms_BT.gather(1, (at_B1 + accepted_B1).clamp(max=last))
    token_B1 = torch.searchsorted(cumulative_BV, uniform_B1 * cumulative_BV[:, -1:], right=True)
    token_B1 = token_B1.clamp(max=logits_NV.shape[1] - 1)
    logps_BV = torch.where(accepted_B1, logps_NV[count:], logps_NV[:count])
    draft_logps_B = logps_NV[:count].gather(1, draft_B1)[:, 0]
    return token_B1[:, 0], accepted_B1[:, 0], logps_BV.gather(1, token_B1)[:, 0], draft_logps_B
