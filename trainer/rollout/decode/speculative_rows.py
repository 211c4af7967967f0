"""What the static sampler keeps of rows that are drafted."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from veritune.trainer.rollout.decode.rows import Rows


@dataclass
class SpeculativeRows(Rows):
    """Rows with the draft of each's next token, −1 where there is none yet."""

    accepts_BT: Tensor
    draft_uniforms_BT: Tensor
    draft_B: Tensor
    draft_BV: Tensor
    """The logits that the draft was drawn from: softmax of them is its distribution, truncated as the model's is."""
    forwards_B: Tensor
    """Steps of the model."""
    drafted_B: Tensor
    accepted_B: Tensor
