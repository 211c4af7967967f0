"""Rewards for tests/test_ray_cluster.py, imported on the machines of a Ray cluster by this file's path."""

from __future__ import annotations

import os
import time

from veritune import reward


@reward
def digits(completion: str) -> float:
    """How many digits there are, found slowly enough for a machine to leave meanwhile."""
    time.sleep(0.05)
    return float(sum(character.isdigit() for character in completion))


@reward
def share(completion: str) -> float:
    """As ``digits``, and the completion that says so ends its process."""
    if completion == "end":
        os._exit(3)
    return float(len(completion))


@reward
def picky(completion: str) -> float:
    """A reward with a bug."""
    if completion == "7":
        raise KeyError("seven")
    return 1.0
