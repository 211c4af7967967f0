"""The shape of a composition in a config: what DESIGN calls ``rewards:``, ``combine:`` and ``undecided:``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, field_validator, model_validator

from veritune.rewards.appeal.settings import AppealConfig, NoiseConfig

ALIAS = re.compile(r"[A-Za-z_][\w.-]*")
"""What an alias may look like: it becomes the name of a metric and of a column."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"a number is expected, got {str(value).lower()}")
    return value


Number = Annotated[FiniteFloat, BeforeValidator(_no_bool)]
"""A finite number; ``true`` is none."""


class Affine(_Strict):
    """``scale · x + shift``."""

    scale: Number = 1.0
    shift: Number = 0.0


Step = Annotated[int, Field(ge=0)]


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ComponentConfig(_Strict):
    """One reward of a composition. Its value is ``clip(scale · x + shift)``, times 0 where a gate is closed."""

    use: Any = None
    """Registered name, ``file.py:name``, ``package.module:name``, or in Python a reward or function. Default: the
    alias."""
    weight: Number | dict[Step, Number] = 1.0
    """A number, or step → weight: linear between the steps, constant before the first and after the last. 0 makes a
    shadow reward: logged, not counted."""
    params: dict[str, Any] = Field(default_factory=dict)
    """The reward's own parameters."""
    compat: str | None = None
    """A peer's exact semantics, where the reward has them."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Input of the reward → column of the dataset."""
    gate: Annotated[list[str], BeforeValidator(_one_or_many)] = Field(default_factory=list)
    """Aliases that must all be > 0 for this component to count (0 otherwise)."""
    where: dict[str, Any] = Field(default_factory=dict)
    """Column → value, or list of values: the rows this component applies to."""
    from_step: Step | None = None
    """First step at which the component is evaluated."""
    until_step: Step | None = None
    """First step at which it no longer is."""
    affine: Affine = Affine()
    clip: tuple[Number | None, Number | None] = (None, None)
    """Lower and upper bound of the value, after the affine map; null leaves a side open."""
    eval_only: bool = False
    """Evaluated and logged at evaluation only; never counted."""
    deadline: Annotated[Number, Field(gt=0)] | None = None
    """CPU seconds that one call of the reward may take, in a process of its own that is ended then: the sample is
    undecided (``timeout``)."""
    isolate: bool = False
    """Run in processes of its own, so that a crash costs its sample only; with a deadline of 60 s unless one is
    given."""
    groups: bool | None = None
    """Whether the reward must see whole prompt groups (default: what the reward itself declares)."""
    appeal: AppealConfig | None = None
    """A second opinion on a sampled share of its verdicts, from which its error rates are estimated."""
    noise: NoiseConfig | None = None
    """Known error rates, by which its share of the reward is corrected in training."""

    @field_validator("use")
    @classmethod
    def _usable(cls, use: Any) -> Any:
        if use is None or isinstance(use, str) or callable(use):
            return use
        raise ValueError("a reward's name or path (in Python also a reward or function) is expected")

    @field_validator("weight", mode="before")
    @classmethod
    def _number_or_schedule(cls, weight: Any) -> Any:
        if isinstance(weight, bool) or not isinstance(weight, int | float | dict):
            raise ValueError("a number, or a schedule {step: weight}, is expected")
        return weight

    @field_validator("weight")
    @classmethod
    def _has_points(cls, weight: Any) -> Any:
        if isinstance(weight, dict) and not weight:
            raise ValueError("a schedule needs at least one step: weight")
        return weight

    @model_validator(mode="after")
    def _ordered(self) -> ComponentConfig:
        low, high = self.clip
        if low is not None and high is not None and low > high:
            raise ValueError(f"clip: the lower bound {low:g} is above the upper bound {high:g}")
        if self.from_step is not None and self.until_step is not None and self.from_step >= self.until_step:
            raise ValueError(f"from_step {self.from_step} must be below until_step {self.until_step}")
        return self

    @property
    def scheduled(self) -> bool:
        """Whether anything about it depends on the step."""
        return isinstance(self.weight, dict) or self.from_step is not None or self.until_step is not None


class CompositionConfig(_Strict):
    """A whole composition, presets resolved."""

    rewards: dict[str, ComponentConfig] = Field(min_length=1)
    """Alias → component, in the order that ``first_decided`` tries them."""
    combine: Literal["sum", "product", "min", "first_decided"] = "sum"
    undecided: Literal["sample", "component"] = "sample"

    @field_validator("rewards")
    @classmethod
    def _aliases(cls, rewards: dict[str, ComponentConfig]) -> dict[str, ComponentConfig]:
        for alias in rewards:
            if not ALIAS.fullmatch(alias):
                raise ValueError(f"{alias!r} is no alias: letters, digits, _ . - are expected; put a path under use:")
        return rewards
