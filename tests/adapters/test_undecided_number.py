"""What stands for an undecided sample is a number or ``raise``, and is known when the adapter is made."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from veritune.adapters.slime import custom_rm
from veritune.adapters.undecided import checked
from veritune.adapters.verifiers import rubric_function
from veritune.adapters.verl import compute_score_function
from veritune.plugins import ConfigError, ParameterError
from veritune.serve.settings import Settings

NO_NUMBERS: list[Any] = [float("nan"), float("inf"), -float("inf"), True, False, "x", "", "0", None, [], Decimal(1), 1j]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_no_finite_number_is_refused_when_made(value: Any) -> None:
    for make in (compute_score_function, custom_rm, rubric_function):
        with pytest.raises(ParameterError, match="undecided"):
            make("accuracy", undecided=value)


def test_numbers_of_every_kind_stand() -> None:
    for value in (0, -1, 0.5, np.float32(0.5), np.int64(3), Fraction(1, 2)):
        assert checked(value) == float(value)
    assert checked("raise") == "raise"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), True])
def test_a_server_refuses_it_at_its_start(value: Any) -> None:
    with pytest.raises(ConfigError, match="--undecided"):
        Settings(undecided=value)


def test_info_is_an_object_or_its_json_text() -> None:
    reward = rubric_function("accuracy")
    rows: list[Any] = [{"gold": "4"}, '{"gold": "4"}']
    for info in rows:
        assert reward(r"\boxed{4}", info=info) == 1.0
        assert reward(r"\boxed{5}", info=info) == 0.0
    for nothing in ("", "[1]", "no json", None):
        assert reward(r"\boxed{4}", answer="4", info=nothing) == 1.0
