"""What every section is."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

LARGEST = 2**62
"""Whole numbers beyond it do not fit into what torch counts with."""

_NUMBERS: tuple[Any, ...] = (int, float, int | None, float | None)


class Strict(BaseModel):
    """Unknown keys are errors, and so are numbers that are none (``.nan``, ``.inf``)."""

    model_config = ConfigDict(extra="forbid", validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_number_from_yes(cls, value: Any, info: ValidationInfo) -> Any:
        """``steps: on`` is true to YAML, and true is 1 to Python."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in _NUMBERS:
            raise ValueError(f"a number is expected, not {str(value).lower()} (yes, no, on and off are that in YAML)")
        return value

    @field_validator("*")
    @classmethod
    def _fits_in_64_bits(cls, value: Any) -> Any:
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ValueError(f"a whole number of at most {LARGEST} in size is expected")
        return value

    def _refuse(self, *names: str, why: str) -> None:
        """Raise ValueError for a key of these that is not at its default, where it would come to nothing."""
        for name in names:
            value = getattr(self, name)
            if value != type(self).model_fields[name].default:
                raise ValueError(f"{name}: {value} {why}; leave {name} out")
