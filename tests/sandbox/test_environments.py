"""Wherever it is run, the judge gives right programs their 1.0, or refuses and says why."""

from __future__ import annotations

import pytest

from tests.sandbox import environments
from tests.sandbox.environments import ENVIRONMENTS, Environment

QUICK = ("root without CAP_SYS_ADMIN", "docker's filter and capabilities", "a user namespace of one id, of a user")
"""The rest by ``benchmarks/code_environments.py``."""


@pytest.mark.parametrize("place", [e for e in ENVIRONMENTS if e.name in QUICK], ids=lambda place: place.name)
def test_right_programs_pass_or_it_says_why_not(place: Environment) -> None:
    said = environments.judged_in(place)
    if isinstance(said, str):
        pytest.skip(said)
    assert environments.problem_with(said) == ""


def test_the_check_itself_can_fail() -> None:
    fine = {"refused": None, "tier": "namespaces", "right": [1.0] * 3, "wrong": [0.0] * 3}
    assert environments.problem_with(fine) == ""
    for broken in ({"right": [1.0, 0.0, 1.0]}, {"right": [None] * 3}, {"wrong": [0.0, 1.0, 0.0]}, {"refused": "no"}):
        assert environments.problem_with({**fine, **broken}) != ""
