"""Fronts: the conventions of trainers that ask over HTTP by themselves, on the same server."""

from veritune.serve.fronts import nemo_gym, openrlhf, slime, trl, verl
from veritune.serve.fronts.front import Front

FRONTS: tuple[Front, ...] = (openrlhf.FRONT, slime.FRONT, slime.FULL, nemo_gym.FRONT, trl.FRONT, verl.FRONT)

PLAIN = nemo_gym.STATELESS
"""Paths that are answered from their body alone."""

__all__ = ["FRONTS", "PLAIN", "Front"]
