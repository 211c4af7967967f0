"""The ``curriculum:`` section."""

from __future__ import annotations

from pydantic import Field, model_validator

from veritune.trainer.config.base import Strict


class CurriculumConfig(Strict):
    """Which prompts are drawn, by the share of their completions that pass. For rows of files, each with its own
    record."""

    column: str | None = None
    """A column of pass rates (0 to 1) measured before the run: what is known of a prompt that was never drawn."""
    min: float = Field(default=0.0, ge=0, le=1)
    max: float = Field(default=1.0, ge=0, le=1)
    """Rows whose ``column`` is outside are left out of the run."""
    metric: str | None = None
    """The reward (by alias) that passes a completion where it is above 0; by default ``evaluation.metric``."""
    skip_solved: int | None = Field(default=None, ge=1)
    """A prompt whose completions all passed so many times in a row is passed over."""
    skip_unsolved: int | None = Field(default=None, ge=1)
    """A prompt of whose completions none passed so many times in a row is passed over."""
    revisit: int = Field(default=4, ge=1)
    """What was passed over so many times is drawn again: the policy has changed meanwhile."""
    band: tuple[float, float] | None = None
    """Pass rates, from and to, of the prompts to draw more of; those never drawn count as inside."""
    oversample: float = Field(default=2.0, ge=1)
    """How many times as often as others the prompts in ``band`` are drawn."""
    memory: float = Field(default=0.5, ge=0, lt=1)
    """Weight of what was known of a prompt against its newest visit, in its running pass rate."""

    @model_validator(mode="after")
    def _makes_sense(self) -> CurriculumConfig:
        if self.min > self.max:
            raise ValueError(f"min ({self.min:g}) is above max ({self.max:g})")
        if self.column is None and (self.min > 0 or self.max < 1):
            raise ValueError("min and max are of a column of pass rates; name it with column")
        if self.band is not None and not 0 <= self.band[0] < self.band[1] <= 1:
            raise ValueError(f"band goes from a lower to a higher pass rate, such as [0.2, 0.8]; got {self.band}")
        if not (self.online or self.column):
            raise ValueError("say what to do: skip_solved, skip_unsolved, band, or a column with min or max")
        return self

    @property
    def online(self) -> bool:
        """Whether anything depends on what the run sees."""
        return self.skip_solved is not None or self.skip_unsolved is not None or self.band is not None
