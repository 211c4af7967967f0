"""What every section is."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

LARGEST = 2**62
"""Whole numbers beyond it do not fit into what torch counts with."""


class Strict(BaseModel):
    """Unknown keys are errors, and so are numbers that are none (``.nan``, ``.inf``)."""

    model_config = ConfigDict(extra="forbid", validate_default=True, allow_inf_nan=False)

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
