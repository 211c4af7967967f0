"""What a config may say of second opinions and of known errors."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AppealConfig(_Strict):
    """A second opinion on a sampled share of what a component decided. It changes no reward."""

    to: Any
    """A reward's name or path (a judge, a stricter verifier), or ``person``: a file to be filled in."""
    params: dict[str, Any] = Field(default_factory=dict)
    """The second reward's parameters."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Its inputs → columns of the dataset."""
    rate: float = Field(0.02, gt=0, le=1)
    """The chance of a decided sample to be asked about."""
    near: float = Field(0.2, gt=0, le=1)
    """The same of a near miss, where a verdict is most likely to be wrong; at least ``rate``."""
    above: float = 0.0
    """The second opinion says "right" where its value is above this."""
    seed: int = 0


class NoiseConfig(_Strict):
    """Known error rates of a component of 0 and 1, by which its share of the reward is corrected (2510.00915)."""

    correct: Literal["backward", "forward"]
    """``backward``: (r − false_accept) / (1 − false_accept − false_reject), whose mean over the verifier's errors is
    the true reward. ``forward``: r + false_reject − 1, which needs no false_accept: its mean is the true reward − 1,
    times 1 − false_accept − false_reject."""
    false_accept: float = Field(0.0, ge=0, lt=0.5)
    """The chance that a wrong completion is accepted."""
    false_reject: float = Field(0.0, ge=0, lt=0.5)
    """The chance that a right one is rejected."""

    @model_validator(mode="after")
    def _corrects(self) -> NoiseConfig:
        if not self.false_accept and not self.false_reject:
            raise ValueError("give false_accept, false_reject, or both: without them there is nothing to correct")
        return self

    def corrected(self, value: float) -> float:
        """What stands for an observed 0 or 1."""
        if self.correct == "forward":
            return value + self.false_reject - 1
        return (value - self.false_accept) / (1 - self.false_accept - self.false_reject)
