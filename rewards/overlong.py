"""A soft penalty near the length limit."""

from __future__ import annotations

from pydantic import NonNegativeInt, PositiveInt

from veritune.plugins.errors import ParameterError
from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.measure import Unit, length_of, token_ids


@reward
def soft_overlong_punishment(
    sample: Sample,
    *,
    max_completion_len: PositiveInt = 16384,
    soft_punish_cache: NonNegativeInt = 4096,
    unit: Unit = "tokens",
) -> Score:
    """0 until the last ``soft_punish_cache`` before ``max_completion_len``, then down to −1 there, and −1 beyond.

    With L the length in ``unit``: 0 for L ≤ max − cache; (max − cache − L) / cache for L ≤ max; −1 beyond.

    Raises ParameterError where the cache is larger than the maximum. Source: DAPO, eq. 13.
    """
    length = length_of("soft_overlong_punishment", sample, unit)
    return _punish(length, max_completion_len, soft_punish_cache, unit)


@soft_overlong_punishment.check
def _bounds(max_completion_len: int, soft_punish_cache: int) -> None:
    if soft_punish_cache > max_completion_len:
        raise ParameterError(
            f"reward 'soft_overlong_punishment': soft_punish_cache ({soft_punish_cache}) is the last stretch of "
            f"max_completion_len ({max_completion_len}) and cannot be longer."
        )


@soft_overlong_punishment.compat("open-r1")
def _open_r1(sample: Sample, *, max_completion_len: int = 16384, soft_punish_cache: int = 4096) -> Score:
    """open-r1 ``get_soft_overlong_punishment`` with the defaults of its script arguments; token ids."""
    return _punish(len(token_ids(_NAME, sample, _NO_COMPAT)), max_completion_len, soft_punish_cache, "tokens")


@soft_overlong_punishment.compat("trl")
def _trl(sample: Sample, *, max_completion_len: int, soft_punish_cache: int) -> Score:
    """TRL ``get_soft_overlong_punishment``: both limits required; token ids."""
    return _punish(len(token_ids(_NAME, sample, _NO_COMPAT)), max_completion_len, soft_punish_cache, "tokens")


_NAME = "soft_overlong_punishment"
_NO_COMPAT = "leave compat out and set unit: characters"


def _punish(length: int, maximum: int, cache: int, unit: str) -> Score:
    free = maximum - cache
    if length <= free:
        return Score(0.0, f"{length} {unit}, free of penalty up to {free}")
    if length <= maximum:
        return Score(
            (free - length) / cache, f"{length} {unit}, {length - free} into the last {cache} before {maximum}"
        )
    return Score(-1.0, f"{length} {unit}, over the maximum of {maximum}")
