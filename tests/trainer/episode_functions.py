"""Episode functions for tests, and a sampler that writes what it is told."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Finish, Rollout
from veritune.trainer.rollout.decode.tokens import decode
from veritune.trainer.rollout.episodes import Turn

Told = Generator[Any, Turn, Any]


def echo(prompt: str, *, times: int = 2, word: str = "=") -> Told:
    """Answers every turn with ``word``, ``times`` times."""
    yield
    for _ in range(times):
        yield word


def dice(seed: int, *, sides: int = 6) -> Told:
    """Begins with a number of its own luck."""
    yield str(seed % sides)


def plain(prompt: str) -> str:
    return prompt


async def waiting(prompt: str) -> Any:
    yield


@dataclass
class Scripted:
    """A sampler whose turns are ``write(context, number of the call)``, each ended by the first end-of-sequence token
    unless it ends with a stop string or at the limit."""

    tokenizer: Any
    eos_ids: Sequence[int]
    write: Callable[[str, int], str]
    calls: list[tuple[list[list[int]], int, SamplingConfig]] = field(default_factory=list)

    def sync(self) -> None:
        return None

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Any = None,
    ) -> list[Rollout]:
        self.calls.append(([list(p) for p in prompts], samples, sampling))
        return [self._one(i, list(p), sampling) for i, p in enumerate(prompts) for _ in range(samples)]

    def _one(self, index: int, prompt: list[int], sampling: SamplingConfig) -> Rollout:
        text = self.write(self.tokenizer.decode(prompt), len(self.calls))
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        finish: Finish = "stop"
        if not text.endswith(tuple(sampling.stop) or ("\0",)):
            ids, finish = [*ids, self.eos_ids[0]], "eos"
        if len(ids) > sampling.max_tokens:
            ids, finish = ids[: sampling.max_tokens], "length"
        logprobs = [-0.5 - i for i in range(len(ids))]
        return Rollout(index, prompt, ids, logprobs, finish, decode(self.tokenizer, ids, self.eos_ids))
