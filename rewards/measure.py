"""How long a completion is, in the unit that the config names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from veritune.plugins.errors import ColumnError
from veritune.plugins.types import Sample

Unit: TypeAlias = Literal["characters", "tokens"]


def token_ids(owner: str, sample: Sample, otherwise: str = "set unit: characters") -> Sequence[int]:
    """The completion's token ids. Raises ColumnError where nobody passed them."""
    if sample.completion_ids is None:
        raise ColumnError(
            f"reward {owner!r} counts tokens, and completion_ids are not in the data; "
            f"pass them (trainers do), or {otherwise}."
        )
    return sample.completion_ids


def length_of(owner: str, sample: Sample, unit: Unit) -> int:
    """Characters of the completion's text, or its number of token ids."""
    return len(sample.text) if unit == "characters" else len(token_ids(owner, sample))
