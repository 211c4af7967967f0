"""Which batch a step is trained on: drawn when it comes or, with ``sampling.staleness``, before its turn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from veritune.plugins import Text
from veritune.trainer.config import GRPOConfig, RunConfig
from veritune.trainer.data.sources import Row, Source
from veritune.trainer.observe.metrics import Clock
from veritune.trainer.policy.distributed import World
from veritune.trainer.rollout.ahead import Ahead, Hold, in_background, stale_metrics
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.stages.batch import Batch, next_prompts, prompt_limit
from veritune.trainer.stages.curriculum import Curriculum
from veritune.trainer.stages.grpo_inputs import GRPOInputs
from veritune.trainer.stages.in_flight import InFlight
from veritune.trainer.stages.progress import random_state


class DrawsAhead(GRPOInputs):
    """The part of :class:`veritune.trainer.stages.grpo.GRPO` that has batches ready, and keeps them in checkpoints."""

    run: RunConfig
    config: GRPOConfig
    model: Any
    source: Source
    encode: Callable[[Text], list[int]]
    curriculum: Curriculum | None
    drawing: Drawing
    generator: torch.Generator
    world: World
    clock: Clock
    position: int
    """The place in the data behind all that was drawn."""
    hold: Hold | None
    """How the sampler takes weights for a draw during the update; without it the two take turns."""
    ahead: Ahead[Batch] | None
    asked_to_end: Callable[[], bool] = staticmethod(lambda: False)

    def begin_ahead(self) -> None:
        self.position = self.progress.position
        self.hold = getattr(self.drawing.sampler, "hold", None) if in_background(self.run.sampling) else None
        self.ahead = None
        if self.run.sampling.staleness:
            updates, steps = self.config.updates * self.config.minibatches, (self.progress.step, self.config.steps)
            staleness, state = self.run.sampling.staleness, self.generator.get_state
            self.ahead = Ahead(self.draw, staleness, updates, *steps, state, self.hold)
            self.drawing.settle = self.ahead.settle

    def draw(self, step: int | None = None, clock: Clock | None = None) -> Batch:
        """The completions of a step."""
        raise NotImplementedError

    def draw_groups(self, count: int, step: int, clock: Clock) -> Batch:
        rows, prompts = self._next_prompts(count)
        samples, sampling = self.config.samples, self.run.sampling
        in_turn = self.hold is None
        found = self.drawing.draw(rows, prompts, samples, sampling, self.generator, step, clock, sync=in_turn)
        if self.curriculum is not None:
            self.curriculum.see(rows, found.scores, samples)
        return Batch(rows, found.rollouts, found.samples, found.scores, drawn=count, logged=found.logged)

    def _next_prompts(self, count: int) -> tuple[list[Row], list[list[int]]]:
        """The next rows of the data whose prompts are not too long."""
        limit = prompt_limit(self.run, self.model)
        choose = partial(next_prompts, self.source) if self.curriculum is None else self.curriculum.next_prompts
        rows, prompts, self.position = choose(self.encode, self.position, count, limit)
        return rows, prompts

    def next_batch(self) -> tuple[Batch, dict[str, float]]:
        """The completions of this step, and what there is to say about their age."""
        if self.ahead is None:
            return self.draw(), {}
        version = self.version()
        self.draw_ahead(version)
        batch, asked = self.ahead.take(version, self.clock)
        for rollout in batch.rollouts:
            rollout.age = version - asked.version
        return batch, stale_metrics(batch.rollouts, asked, self.hold is not None)

    def version(self, later: int = 0) -> int:
        """Optimizer steps behind the policy at the beginning of this step, or of a later one."""
        return (self.progress.step + later) * self.config.updates * self.config.minibatches

    def draw_ahead(self, version: int) -> None:
        if self.ahead is not None:
            ends = self.world.size == 1 and self.asked_to_end()  # of several processes one may know it before others
            self.ahead.offer(version, self.clock, not ends)

    def random_before(self) -> dict[str, Any] | None:
        """Those before what was drawn ahead: without a checkpoint it is drawn again."""
        before = None if self.ahead is None else self.ahead.before()
        return None if before is None else {**random_state(self.generator), "generator": before}

    def in_flight(self) -> InFlight | None:
        """What was drawn ahead, once all of it is there; nothing after :meth:`close`. A meeting."""
        return None if self.ahead is None else InFlight.of(self.ahead, self.run, self.world)

    def go_on_with(self, kept: InFlight | None) -> None:
        """Go on with what a checkpoint kept, where it is still what is to be trained on."""
        if kept is not None and kept.go_on(self.ahead, self.run, self.world, self.generator, self.version()):
            self.position = kept.batches[-1][2].position

    def close(self) -> bool:
        abort = getattr(self.drawing.sampler, "abort", lambda: None)
        return self.ahead is None or self.ahead.close(abort)
