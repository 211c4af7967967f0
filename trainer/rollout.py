"""Drawing completions: one interface, and the built-in sampler for transformers models.

The built-in sampler runs each prompt once and copies its cache to the group's samples, takes finished rows out of the
batch, and returns the log-probs it sampled with: those of the temperature-scaled distribution before truncation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from veritune.plugins import RunError
from veritune.trainer.config import SamplingConfig

Finish = Literal["eos", "stop", "length"]


@dataclass
class Rollout:
    """One completion as tokens. ``token_ids`` includes the end-of-sequence token where the model wrote it."""

    prompt_index: int
    prompt_ids: list[int]
    token_ids: list[int]
    logprobs: list[float]
    finish: Finish
    text: str = ""
    written: list[bool] | None = None
    """Which tokens the policy wrote; None: all. What an environment put between its turns is not trained on."""
    messages: list[dict[str, Any]] | None = None
    """The completion as chat messages, where a conversation went to and fro; rewards then see these."""
    turns: int = 1
    """How often the policy had the word."""

    @property
    def truncated(self) -> bool:
        return self.finish == "length"

    @property
    def tokens_written(self) -> int:
        return len(self.token_ids) if self.written is None else sum(self.written)


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


@dataclass
class _Rows:
    """Rows being decoded: their slot in the output, the last token, its position, and the attention mask."""

    slots_B: Tensor
    tokens_B: Tensor
    positions_B: Tensor
    mask_BL: Tensor

    def select(self, index: Tensor) -> _Rows:
        return _Rows(self.slots_B[index], self.tokens_B[index], self.positions_B[index], self.mask_BL[index])


@dataclass
class TransformersSampler:
    """Sampling with a transformers causal language model and its dynamic cache."""

    model: Any
    tokenizer: Any
    eos_ids: Sequence[int]
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    drop_at: float = 0.8
    """Finished rows leave the batch once fewer than this share of its rows is alive."""
    _vocabulary: list[str] = field(default_factory=list)

    def sync(self) -> None:
        return None

    @torch.no_grad()
    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None = None,
    ) -> list[Rollout]:
        was_training = self.model.training
        self.model.eval()
        try:
            rollouts: list[Rollout] = []
            for first, chunk in _chunks(prompts, max(1, sampling.batch // samples)):
                with self.autocast():
                    drawn = self._generate(chunk, first, samples, sampling, generator)
                for place, rollout in enumerate(drawn, len(rollouts)):
                    if done is not None:
                        done(place, rollout)
                rollouts += drawn
            return rollouts
        finally:
            self.model.train(was_training)

    def _generate(
        self,
        prompts: Sequence[Sequence[int]],
        first: int,
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
    ) -> list[Rollout]:
        logits_BV, cache, rows = self._prefill(prompts, samples)
        device = logits_BV.device
        count = len(prompts) * samples
        tokens_NT = torch.zeros(count, sampling.max_tokens, dtype=torch.long, device=device)
        logps_NT = torch.zeros(count, sampling.max_tokens, device=device)
        lengths_N = torch.full((count,), sampling.max_tokens, dtype=torch.long, device=device)
        finish: list[Finish] = ["length"] * count
        eos = torch.tensor(list(self.eos_ids), device=device)
        stops = StopStrings(self.tokenizer, sampling.stop) if sampling.stop else None
        alive_B = torch.ones(count, dtype=torch.bool, device=device)
        for step in range(sampling.max_tokens):
            tokens_B, logps_B = draw(logits_BV, sampling, generator)
            tokens_NT[rows.slots_B[alive_B], step] = tokens_B[alive_B]
            logps_NT[rows.slots_B[alive_B], step] = logps_B[alive_B]
            ended_B = torch.isin(tokens_B, eos) & alive_B
            for slot in rows.slots_B[ended_B].tolist():
                finish[slot] = "eos"
            if stops is not None:
                ended_B |= self._stop(stops, rows, alive_B & ~ended_B, tokens_NT, step, finish)
            lengths_N[rows.slots_B[ended_B]] = step + 1
            alive_B = alive_B & ~ended_B
            alive = int(alive_B.sum())
            if alive == 0 or step + 1 == sampling.max_tokens:
                break
            rows.tokens_B = tokens_B
            if alive < self.drop_at * len(alive_B):
                index = alive_B.nonzero()[:, 0]
                cache.batch_select_indices(index)
                rows, alive_B = rows.select(index), alive_B[index]
            logits_BV = self._decode(rows, cache)
        return self._collect(prompts, first, samples, tokens_NT, logps_NT, lengths_N, finish, sampling.stop)

    def _prefill(self, prompts: Sequence[Sequence[int]], samples: int) -> tuple[Tensor, Any, _Rows]:
        from transformers import DynamicCache

        device = next(self.model.parameters()).device
        longest = max(len(p) for p in prompts)
        ids_PL = torch.zeros(len(prompts), longest, dtype=torch.long)
        mask_PL = torch.zeros(len(prompts), longest, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids_PL[row, longest - len(prompt) :] = torch.tensor(prompt)
            mask_PL[row, longest - len(prompt) :] = 1
        ids_PL, mask_PL = ids_PL.to(device), mask_PL.to(device)
        positions_PL = (mask_PL.cumsum(1) - 1).clamp(min=0)
        cache = DynamicCache(config=self.model.config)
        output = self.model(
            input_ids=ids_PL,
            attention_mask=mask_PL,
            position_ids=positions_PL,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        if samples > 1:
            cache.batch_repeat_interleave(samples)
        count = len(prompts) * samples
        rows = _Rows(
            torch.arange(count, device=device),
            torch.zeros(count, dtype=torch.long, device=device),
            positions_PL[:, -1].repeat_interleave(samples),
            mask_PL.repeat_interleave(samples, 0),
        )
        return output.logits[:, -1].repeat_interleave(samples, 0), cache, rows

    def _decode(self, rows: _Rows, cache: Any) -> Tensor:
        rows.mask_BL = torch.cat([rows.mask_BL, rows.mask_BL.new_ones(len(rows.mask_BL), 1)], 1)
        rows.positions_B = rows.positions_B + 1
        output = self.model(
            input_ids=rows.tokens_B[:, None],
            attention_mask=rows.mask_BL,
            position_ids=rows.positions_B[:, None],
            past_key_values=cache,
            use_cache=True,
        )
        logits: Tensor = output.logits[:, -1]
        return logits

    def _stop(
        self, stops: StopStrings, rows: _Rows, alive_B: Tensor, tokens_NT: Tensor, step: int, finish: list[Finish]
    ) -> Tensor:
        """Which of the alive rows now contain a stop string; only the last few tokens are decoded."""
        ended_B = torch.zeros_like(alive_B)
        for row in alive_B.nonzero()[:, 0].tolist():
            slot = int(rows.slots_B[row])
            if stops.found(tokens_NT[slot, : step + 1].tolist()):
                ended_B[row] = True
                finish[slot] = "stop"
        return ended_B

    def _collect(
        self,
        prompts: Sequence[Sequence[int]],
        first: int,
        samples: int,
        tokens_NT: Tensor,
        logps_NT: Tensor,
        lengths_N: Tensor,
        finish: list[Finish],
        stop: Sequence[str],
    ) -> list[Rollout]:
        tokens, logps, lengths = tokens_NT.tolist(), logps_NT.tolist(), lengths_N.tolist()
        rollouts = []
        for slot, length in enumerate(lengths):
            ids = tokens[slot][:length]
            row = slot // samples
            rollout = Rollout(first + row, list(prompts[row]), ids, logps[slot][:length], finish[slot])
            rollout.text = decode(self.tokenizer, ids, self.eos_ids, stop)
            rollouts.append(rollout)
        return rollouts


class StopStrings:
    """Looks for stop strings at the end of a growing completion."""

    def __init__(self, tokenizer: Any, stop: Sequence[str]) -> None:
        self.tokenizer, self.stop = tokenizer, list(stop)
        self.window = max(len(s) for s in stop) + 4

    def found(self, ids: Sequence[int], extra: int = 0) -> bool:
        """Whether one ends within the last ``1 + extra`` tokens (or a little before: as far back as it may reach)."""
        tail = self.tokenizer.decode(ids[-self.window - extra :], skip_special_tokens=False)
        return any(s in tail for s in self.stop)


def draw(logits_BV: Tensor, sampling: SamplingConfig, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One token a row and its log-prob under softmax(logits / temperature), in float32."""
    logps_BV = torch.log_softmax(logits_BV.float() / sampling.temperature, -1)
    if bool(logps_BV.isnan().any()):
        raise NotFiniteError("the policy's logits are not finite: lower the learning rate, or go back to a checkpoint")
    probs_BV = truncate(logps_BV, sampling).exp()
    tokens_B = torch.multinomial(probs_BV, 1, generator=generator)[:, 0]
    return tokens_B, logps_BV.gather(1, tokens_B[:, None])[:, 0]


def truncate(logps_BV: Tensor, sampling: SamplingConfig) -> Tensor:
    """Log-probs with everything outside top_k, min_p and top_p (in this order) at −inf; not normalised again."""
    if 0 < sampling.top_k < logps_BV.shape[1]:
        threshold_B1 = logps_BV.topk(sampling.top_k, -1).values[:, -1:]
        logps_BV = logps_BV.masked_fill(logps_BV < threshold_B1, -torch.inf)
    if sampling.min_p > 0:
        limit_B1 = logps_BV.amax(-1, keepdim=True) + math.log(sampling.min_p)
        logps_BV = logps_BV.masked_fill(logps_BV < limit_B1, -torch.inf)
    if sampling.top_p < 1:
        sorted_BV, order_BV = torch.log_softmax(logps_BV, -1).sort(-1, descending=True)
        before_BV = sorted_BV.exp().cumsum(-1) - sorted_BV.exp()
        drop_BV = torch.zeros_like(before_BV, dtype=torch.bool).scatter(1, order_BV, before_BV >= sampling.top_p)
        logps_BV = logps_BV.masked_fill(drop_BV, -torch.inf)
    return logps_BV


def decode(tokenizer: Any, ids: Sequence[int], eos_ids: Sequence[int], stop: Sequence[str] = ()) -> str:
    """The completion's text: the closing end-of-sequence token cut off, every other token kept as it is.

    It ends with the first of the ``stop`` strings, though the token that brought it may have held more.
    """
    ids = list(ids)
    if ids and ids[-1] in eos_ids:
        ids = ids[:-1]
    text: str = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    ends = [text.find(each) + len(each) for each in stop if each in text]
    return text[: min(ends)] if ends else text


def _chunks(prompts: Sequence[Sequence[int]], size: int) -> Iterator[tuple[int, Sequence[Sequence[int]]]]:
    for first in range(0, len(prompts), size):
        yield first, prompts[first : first + size]
