"""Models with experts: the ``model.moe`` section."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from veritune.trainer.config.base import Strict


class MoEConfig(Strict):
    """How the routed experts of a mixture are kept busy, and whether training repeats the sampler's choice of them.
    See docs/deepseek.md."""

    balance: Literal["bias", "loss", "both", "none"] = "bias"
    """``bias``: after every optimizer step the router's bias moves towards the experts with less load (DeepSeek-V3,
    without a loss); ``loss``: the losses below; ``both``; ``none``: measured alone."""
    bias_rate: float = Field(default=0.001, gt=0)
    """γ: how far the bias of an expert moves in a step."""
    sequence_loss: float = Field(default=0.0001, ge=0)
    """α of the sequence-wise balance loss, with ``loss`` and ``both``."""
    aux_loss: float = Field(default=0.0, ge=0)
    """Weight of the classic auxiliary loss, over all sequences of a micro-batch at once, with ``loss`` and ``both``."""
    replay: bool = False
    """Router replay (R3): training takes the experts that the sampler took, token by token; their gates are computed
    anew. Needs ``sampling.engine: transformers``, or ``auto`` where it is that."""

    @property
    def moves_bias(self) -> bool:
        return self.balance in ("bias", "both")

    @property
    def losses(self) -> tuple[float, float]:
        """The weights of the sequence-wise and of the classic loss."""
        return (self.sequence_loss, self.aux_loss) if self.balance in ("loss", "both") else (0.0, 0.0)

    @model_validator(mode="after")
    def _has_a_loss(self) -> MoEConfig:
        if self.balance in ("bias", "none"):
            why = f"is of balance: loss and both, and with balance: {self.balance} no loss is added"
            self._refuse(*(("sequence_loss",) if self.sequence_loss else ()), "aux_loss", why=why)
        if not self.moves_bias:
            self._refuse(
                "bias_rate", why=f"is of balance: bias and both, and with balance: {self.balance} no bias moves"
            )
        if self.balance in ("loss", "both") and not any(self.losses):
            raise ValueError(f"balance: {self.balance} with sequence_loss and aux_loss at 0 has no loss; raise one")
        return self
