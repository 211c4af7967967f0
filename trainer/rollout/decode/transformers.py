"""Sampling with a transformers causal language model.

It runs each prompt once and copies its cache to the group's samples, takes finished rows out of the
batch, and returns the log-probs it sampled with: those of the temperature-scaled distribution before truncation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Finish, Rollout
from veritune.trainer.policy.experts.replay import ChoiceRecorder, replaying
from veritune.trainer.policy.sharding import bare
from veritune.trainer.rollout.cancelling import check_cancelled
from veritune.trainer.rollout.decode.tokens import StopStrings, decode, draw
from veritune.trainer.rollout.interface import Done


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
    even: bool = False
    """Whether only prompts of one length are drawn together: for models that do not pass over padding."""
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
            for first, chunk in _chunks(prompts, max(1, sampling.batch // samples), self.even):
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
        routing = replaying(self.model)
        if routing is None:
            return self._loop(prompts, first, samples, sampling, generator, None)
        recorder = ChoiceRecorder(routing, prompts, samples, sampling.max_tokens)
        try:
            return self._loop(prompts, first, samples, sampling, generator, recorder)
        finally:
            recorder.close()

    def _loop(
        self,
        prompts: Sequence[Sequence[int]],
        first: int,
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        recorder: ChoiceRecorder | None,
    ) -> list[Rollout]:
        logits_BV, cache, rows = self._prefill(prompts, samples)
        if recorder is not None:
            recorder.prompt()
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
            check_cancelled()
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
                cache.reorder_cache(index)
                rows, alive_B = rows.select(index), alive_B[index]
            logits_BV = self._decode(rows, cache)
            if recorder is not None:
                recorder.token(rows.slots_B, step)
        rollouts = self._collect(prompts, first, samples, tokens_NT, logps_NT, lengths_N, finish, sampling.stop)
        if recorder is not None:
            for slot, rollout in enumerate(rollouts):
                rollout.experts = recorder.of(slot, len(rollout.token_ids))
        return rollouts

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
            use_cache=True,
            logits_to_keep=1,
            **{cache_name(self.model): cache},
        )
        if samples > 1:  # what reorders a cache knows the states of linear attention, what repeats one does not
            cache.reorder_cache(torch.arange(len(prompts), device=device).repeat_interleave(samples))
        count = len(prompts) * samples
        rows = _Rows(
            torch.arange(count, device=device),
            torch.zeros(count, dtype=torch.long, device=device),
            positions_PL[:, -1].repeat_interleave(samples),
            mask_PL.repeat_interleave(samples, 0),
        )
        return output.logits[:, -1].repeat_interleave(samples, 0), cache, rows

    def _decode(self, rows: _Rows, cache: Any) -> Tensor:
        name = cache_name(self.model)
        rows.mask_BL = torch.cat([rows.mask_BL, rows.mask_BL.new_ones(len(rows.mask_BL), 1)], 1)
        rows.positions_B = rows.positions_B + 1
        output = self.model(
            input_ids=rows.tokens_B[:, None],
            attention_mask=rows.mask_BL if name == "past_key_values" else None,  # a state has nothing to pass over
            position_ids=rows.positions_B[:, None],
            use_cache=True,
            **{name: cache},
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


def cache_name(model: Any) -> str:
    """What the model's forward calls its cache: state-space models call it otherwise."""
    takes = inspect.signature(bare(model).forward).parameters
    return "cache_params" if "cache_params" in takes and "past_key_values" not in takes else "past_key_values"


def _chunks(
    prompts: Sequence[Sequence[int]], size: int, even: bool = False
) -> Iterator[tuple[int, Sequence[Sequence[int]]]]:
    """At most ``size`` prompts at once, with ``even`` of one length; and the number of the first."""
    first = 0
    while first < len(prompts):
        last = min(first + size, len(prompts))
        if even:
            last = next((n for n in range(first, last) if len(prompts[n]) != len(prompts[first])), last)
        yield first, prompts[first:last]
        first = last
