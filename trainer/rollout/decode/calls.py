"""What one call of the static sampler has been asked for, and how far it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.rollout.decode.tokens import StopStrings
from veritune.trainer.rollout.interface import Done

RANDOM_NUMBERS = 1 << 25
"""Drawn in one go: 256 MiB."""


@dataclass
class Call:
    """What one call of ``generate`` asks for, and what it has so far."""

    prompts: Sequence[Sequence[int]]
    samples: int
    sampling: SamplingConfig
    generator: torch.Generator
    waiting: deque[int]
    """Completions not yet begun, by their place in the result."""
    rollouts: list[Rollout | None]
    taken: list[int]
    """The completion in each row, −1 where the row is free."""
    lengths: list[int]
    """Tokens of each row's prompt."""
    steps: list[int]
    """An upper bound of the tokens each row has, known without asking the device."""
    stops: StopStrings | None
    looked: list[int] = field(default_factory=list)
    """Tokens of each row that have been searched for stop strings."""
    done: Done | None = None
    ended: list[tuple[int, Rollout]] = field(default_factory=list)
    """Completions without their texts yet, by their place in the result."""
    numbered: int = 0
    """Completions whose random numbers have been drawn."""
    drawn: Tensor | None = None
    """Random numbers of the next completions to begin."""

    @property
    def busy(self) -> list[int]:
        return [row for row, slot in enumerate(self.taken) if slot >= 0]

    def prompt(self, row: int) -> Sequence[int]:
        return self.prompts[self.taken[row] // self.samples]

    def advance(self, rows: Sequence[int], tokens: int) -> None:
        """So many tokens more may be in these rows, none of which goes beyond its limit."""
        for row in rows:
            self.steps[row] = min(self.steps[row] + tokens, self.sampling.max_tokens)

    def uniforms(self, count: int, width: int) -> Tensor:
        """(count, width) random numbers in [0, 1) of the next completions. They are drawn in runs that no batch
        decides: on a GPU the numbers of a draw depend on how many it is asked for."""
        have = self.drawn
        while have is None or len(have) < count:
            left = len(self.prompts) * self.samples - self.numbered
            rows = min(left, max(1, RANDOM_NUMBERS // width))
            source = self.generator
            more = torch.rand(rows, width, dtype=torch.float64, device=source.device, generator=source)
            self.numbered += rows
            have = more if have is None else torch.cat([have, more])
        self.drawn = have[count:]
        return have[:count]

    def span(self) -> int:
        """No row holds a cache position at or beyond this."""
        rows = zip(self.taken, self.lengths, self.steps, strict=True)
        return max(length + steps for slot, length, steps in rows if slot >= 0)


def by_tokens(rows: Sequence[int], call: Call, budget: int) -> Iterator[list[int]]:
    """Rows in order, cut so that the different prompts of a part hold at most ``budget`` padded tokens."""
    part: list[int] = []
    places: set[int] = set()
    widest = 0
    for row in rows:
        place = call.taken[row] // call.samples
        wider = max(widest, len(call.prompt(row)))
        if part and wider * len(places | {place}) > budget:
            yield part
            part, places, wider = [], set(), len(call.prompt(row))
        part.append(row)
        places.add(place)
        widest = wider
    if part:
        yield part
