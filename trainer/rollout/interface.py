"""What draws completions, whichever engine it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from veritune.plugins import RunError
from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Rollout


class NotFiniteError(RunError):
    """The policy's logits are no numbers."""


Done = Callable[[int, Rollout], Any]
"""Told of every finished completion with its place in the result."""


class Sampler(Protocol):
    """Draws ``samples`` completions of every prompt, in prompt order, samples of one prompt side by side."""

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None = None,
    ) -> list[Rollout]:
        """``done`` is called from this thread as each completion ends, in any order."""

    def sync(self) -> None:
        """Take over the policy's current weights. With several processes a meeting: all call it before a draw."""
