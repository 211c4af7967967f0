"""Batches that were drawn ahead and not trained on yet, as a checkpoint keeps them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import torch

from veritune.trainer.config import RunConfig
from veritune.trainer.policy.distributed import World
from veritune.trainer.rollout.ahead import Ahead
from veritune.trainer.stages.batch import Batch

PLACES = ("device", "staleness", "server", "batch")
"""Of ``sampling``: what does not say what is drawn."""


@dataclass
class InFlight:
    """What was asked for and not taken: enough to go on with it, and enough to draw it again."""

    batches: list[tuple[int, int, Batch]]
    """Step, version of the weights, completions with their scores."""
    before: list[list[torch.Tensor]]
    """By process, the state of the sampling generator before each was drawn."""
    drawn_by: str

    @classmethod
    def of(cls, ahead: Ahead[Batch], config: RunConfig, world: World) -> InFlight | None:
        """Waits until all of it is there. A meeting."""
        kept = ahead.kept()
        if not kept:
            return None
        before = world.gather([one.before for one in kept])
        return cls([(one.step, one.version, one.found.result()) for one in kept], before, _drawn_by(config))

    def go_on(
        self, ahead: Ahead[Batch] | None, config: RunConfig, world: World, generator: torch.Generator, version: int
    ) -> bool:
        """Hand the batches back, where they are what would be drawn now. Else the generator goes back to before them,
        and their prompts are drawn again."""
        updates, staleness = config.grpo.updates * config.grpo.minibatches, config.sampling.staleness
        young = all(step * updates - drawn <= staleness for step, drawn, _ in self.batches)
        follows = self.batches[0][0] * updates == version
        before = self.before[world.rank] if world.rank < len(self.before) else None
        same = self.drawn_by == _drawn_by(config) and len(self.before) == world.size
        if ahead is not None and before is not None and young and follows and same:
            ahead.restore(self.batches, before)
            return True
        if before is not None and before[0].numel() == generator.get_state().numel():  # else of another device
            generator.set_state(before[0])
        return False


def _drawn_by(config: RunConfig) -> str:
    """Everything that decides what a batch is."""
    read = config.model_dump(
        mode="json", include={"seed", "data", "rewards", "preset", "combine", "undecided", "rollout", "sampling"}
    )
    read["sampling"] = {key: value for key, value in read["sampling"].items() if key not in PLACES}
    of_a_step = ("prompts", "samples", "dynamic_sampling", "max_draws", "updates", "minibatches")
    read["grpo"] = {name: getattr(config.grpo, name) for name in of_a_step}
    return json.dumps(read, sort_keys=True, default=str)
