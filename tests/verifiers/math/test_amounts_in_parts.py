"""A fraction of a decimal is an amount like any other."""

from __future__ import annotations

import pytest

from veritune import get_reward


@pytest.mark.parametrize(
    ("completion", "gold", "value"),
    [
        (r"\boxed{2.5/5 hours}", "0.5 hours", 1.0),
        (r"\boxed{1.5/2 cups and 3 spoons}", "3/4 cups and 3 spoons", 1.0),
        (r"\boxed{1.5/2 cups and 4 spoons}", "3/4 cups and 3 spoons", 0.0),
        (r"\boxed{0.5\le/2≤k}", "12", 0.0),
        ("A: there are 6.0/3 sed", "42", 0.0),
        ("A: there are 6.0/0.5 sed", "42", 0.0),
    ],
)
def test_a_decimal_over_a_number_is_read_and_never_a_fault_of_ours(completion: str, gold: str, value: float) -> None:
    score = get_reward("accuracy").score(completion, gold=gold)
    assert score.value == value, score.reason
