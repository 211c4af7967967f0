"""`StaticSampler`: rows of a static cache, refilled and closed up as completions end; on a GPU a graph a token step."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from veritune.kernels.backend import has_triton, interpreting
from veritune.plugins import ConfigError
from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Finish, Rollout
from veritune.trainer.policy.layers import unsupported
from veritune.trainer.policy.mtp import mtp_of
from veritune.trainer.rollout.cancelling import check_cancelled
from veritune.trainer.rollout.decode.calls import Call, by_tokens
from veritune.trainer.rollout.decode.looks import Look, Looks
from veritune.trainer.rollout.decode.make_engine import make_engine
from veritune.trainer.rollout.decode.ops import Ops, TorchOps
from veritune.trainer.rollout.decode.rows import State
from veritune.trainer.rollout.decode.tokens import StopStrings, decode
from veritune.trainer.rollout.interface import Done

logger = logging.getLogger(__name__)

PREFILL_TOKENS = 16_384
"""Prompt tokens of one forward pass."""
STEPS_BETWEEN_LOOKS = 16
"""On a GPU, token steps between two looks at which rows have ended: each look waits for the device."""
STEPS_AHEAD = 2
"""Of the steps after a look, those begun before it: the device goes on while the host looks and begins the others."""
KEPT = 0.1
"""A cache of at most this share of the GPU's memory is kept between calls; a larger one would be in training's way."""


class StaticSampler:
    """Sampling with the policy's weights in ``dtype`` (by default their own) and a cache of fixed shape.

    Each prompt is run once for its group. A row that ends is given the next waiting completion, or the rows are closed
    up into a smaller batch. Sampling happens on the device: the host looks at the rows every few tokens only. The
    random numbers belong to a completion, not to its place in the batch.

    Memory: the weights once more in the compute dtype, and the cache: at most half of what is free on the GPU, rows
    waiting where there is no room. Raises ConfigError where :func:`unsupported` says why the model cannot be run.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        eos_ids: Sequence[int],
        dtype: torch.dtype | None = None,
        ops: Ops | None = None,
        graphs: bool | None = None,
        speculative: bool = False,
    ) -> None:
        reason = unsupported(model)
        if reason and speculative:
            raise ConfigError(
                f"sampling.speculative: our own decoding, which drafts, cannot run this model: {reason}; leave it out"
            )
        if reason:
            raise ConfigError(f"sampling.engine: static cannot run this model: {reason}; use auto or transformers")
        self.model, self.tokenizer, self.eos_ids = model, tokenizer, list(eos_ids)
        if speculative and mtp_of(model) is None:
            raise ConfigError("sampling.speculative drafts with a module for multi-token prediction: set model.mtp")
        device = model.get_output_embeddings().weight.device
        self.on_gpu = device.type == "cuda"
        self.ops = ops or _ops(device)
        dtype = dtype or model.get_output_embeddings().weight.dtype
        self.engine = make_engine(model, dtype, self.ops, speculative)
        self.weights = self.engine.weights
        self.graphs = self.on_gpu if graphs is None else graphs
        self.every, self.ahead = (STEPS_BETWEEN_LOOKS, STEPS_AHEAD) if self.on_gpu else (1, 0)
        self.eos_E = torch.tensor(self.eos_ids, dtype=torch.long, device=device)
        self.state: State | None = None
        self._looks = Looks(device)
        self._most = 0
        """Rows there is room for, where that is fewer than were asked for."""
        self._captured: dict[tuple[Any, ...], torch.cuda.CUDAGraph] = {}
        self._pool: Any = None

    def sync(self) -> None:
        """Take over the policy's current weights; ``generate`` does so itself where they are whole."""
        if self.weights.sync():
            self._forget()

    def _forget(self) -> None:
        """Drop the graphs, and their memory pool with them: a pool without a graph cannot be captured into."""
        self._captured.clear()
        self._pool = None

    def release(self) -> None:
        """Give the cache and the graphs back to the device."""
        self._forget()
        self.state = None
        if self.on_gpu:
            torch.cuda.empty_cache()

    @torch.no_grad()
    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None = None,
    ) -> list[Rollout]:
        """See :class:`veritune.trainer.rollout.interface.Sampler`."""
        if not all(prompts):
            raise ValueError("a prompt has no tokens: there is nothing to predict the first one from")
        if not self.weights.sharded:
            self.sync()
        with torch.autocast(self.weights.device.type, enabled=False):
            rollouts = self._generate(prompts, samples, sampling, generator, done)
        if self.on_gpu and self.state is not None:
            total = torch.cuda.get_device_properties(self.weights.device).total_memory
            if self.state.bytes > KEPT * total:
                self.release()
        return rollouts

    def _generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None,
    ) -> list[Rollout]:
        count = len(prompts) * samples
        longest = max(map(len, prompts)) + sampling.max_tokens + self.engine.most - 1
        state = self._prepare(min(count, sampling.batch), longest, sampling)
        rows = min(state.count, count, sampling.batch)
        stops = StopStrings(self.tokenizer, sampling.stop) if sampling.stop else None
        rollouts: list[Rollout | None] = [None] * count
        free, zeros = [-1] * state.count, [0] * state.count
        waiting = deque(range(count))
        call = Call(
            prompts, samples, sampling, generator, waiting, rollouts, free, list(zeros), zeros, stops, list(zeros), done
        )
        bucket = begun = 0
        while call.waiting or call.busy:
            check_cancelled()
            self._admit(call, state, rows)
            if not call.waiting:
                bucket = self._close_up(call, state, bucket)
            else:
                bucket = self._bucket(rows, state.count, 0)
            self._run(call, state, bucket, max(1, self.every - begun))
            self._hand_over(call)
            look = self._looks.take(state.rows, bucket)
            begun = self._run(call, state, bucket, self.ahead)
            self._look(call, state, look, begun)
            if not begun:
                self._hand_over(call)
        self._hand_over(call)
        return [rollout for rollout in call.rollouts if rollout is not None]

    # -- rows ------------------------------------------------------------------------------------------------------

    def _prepare(self, count: int, length: int, sampling: SamplingConfig) -> State:
        """The state, made anew where it is too small; fewer rows than asked for where memory is short."""
        state = self.state
        enough = state is not None and state.count >= (min(count, self._most) if self._most else count)
        if state and enough and state.length >= length and state.tokens >= sampling.max_tokens:
            return state
        length, tokens = _rounded(length, self.weights.device), sampling.max_tokens
        if state is not None:
            count, length, tokens = max(count, state.count), max(length, state.length), max(tokens, state.tokens)
            state = None
            self.release()
        room = int(_memory(self.weights.device) // 2 // self.engine.row_bytes(length))
        self._most = max(1, room) if room < count else 0
        if self._most:
            logger.info("the sampler decodes %d completions at once: there is no room for %d", self._most, count)
        self.weights.prepare(length)
        self.state = self.engine.empty(self._most or count, length, tokens)
        return self.state

    def _admit(self, call: Call, state: State, rows: int) -> None:
        """Give free rows the next waiting completions, a fair number at a time: a prefill costs a few token steps."""
        free = [row for row in range(rows) if call.taken[row] < 0]
        if not call.waiting or len(free) < min(max(1, rows // 8), len(call.waiting)):
            return
        free = free[: len(call.waiting)]
        for row in free:
            call.taken[row], call.steps[row], call.looked[row] = call.waiting.popleft(), 0, 0
            call.lengths[row] = len(call.prompt(row))
        device, width = self.weights.device, call.sampling.max_tokens
        index_R = torch.tensor(free, device=device)
        state.rows.tokens_B[index_R] = torch.tensor([call.prompt(row)[-1] for row in free], device=device)
        state.rows.positions_B[index_R] = torch.tensor([len(call.prompt(row)) - 1 for row in free], device=device)
        state.rows.steps_B[index_R] = 0
        state.rows.limits_B[index_R] = width
        state.rows.alive_B[index_R] = True
        uniforms = call.uniforms(len(free), width * self.engine.tables)
        self.engine.give_uniforms(state, index_R, uniforms.to(device))
        for part in by_tokens(free, call, PREFILL_TOKENS):
            self.engine.prefill(state, [call.prompt(row) for row in part], part, call.sampling)

    def _close_up(self, call: Call, state: State, bucket: int) -> int:
        """Move rows down into the smallest batch that holds them; returns its size."""
        busy = call.busy
        fitting = self._bucket(len(busy), state.count, bucket)
        high = [row for row in busy if row >= fitting]
        if high:
            low = [row for row in range(fitting) if call.taken[row] < 0][: len(high)]
            state.move(high, low, call.span())
            for source, target in zip(high, low, strict=True):
                for values in (call.taken, call.lengths, call.steps, call.looked):
                    values[target] = values[source]
                call.taken[source] = -1
        return fitting

    def _bucket(self, rows: int, most: int, current: int) -> int:
        """Batch sizes: with graphs, halves of the largest down to 8; without, any, changed where it saves a fifth."""
        if not self.graphs:
            return current if current and 0.8 * current <= rows <= current else rows
        while most // 2 >= max(rows, 8):
            most //= 2
        return most

    # -- steps -----------------------------------------------------------------------------------------------------

    def _run(self, call: Call, state: State, bucket: int, count: int) -> int:
        """Begin so many steps, or those that a row can still need; how many."""
        busy, most = call.busy, self.engine.most
        left = call.sampling.max_tokens - min(call.steps[row] for row in busy)
        count = max(0, min(count, -(-left // most)))
        for _ in range(count):
            if not self.graphs:  # a graph reads as far as each row has come, whatever the host knows
                call.advance(busy, most)
            self._advance(state, bucket, state.length if self.graphs else call.span(), call.sampling)
        if self.graphs:
            call.advance(busy, count * most)
        return count

    def _advance(self, state: State, bucket: int, span: int, sampling: SamplingConfig) -> None:
        if not self.graphs:
            self.engine.step(state, bucket, span, sampling, self.eos_E)
            return
        key = (bucket, sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p)
        if key not in self._captured:
            self._captured[key] = self._capture(state, bucket, sampling)
        self._captured[key].replay()

    def _capture(self, state: State, bucket: int, sampling: SamplingConfig) -> torch.cuda.CUDAGraph:
        """One token step as a graph. It is run once before, on rows that count as ended, which changes nothing."""
        alive_B = state.rows.alive_B.clone()
        state.rows.alive_B.zero_()
        self.engine.step(state, bucket, state.length, sampling, self.eos_E)
        state.rows.alive_B.copy_(alive_B)
        graph = torch.cuda.CUDAGraph()
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        # torch's own capture stream is one a process, on the GPU that was the first to capture
        stream = torch.cuda.Stream(self.weights.device)  # type: ignore[no-untyped-call]
        with torch.cuda.graph(graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"):
            self.engine.step(state, bucket, state.length, sampling, self.eos_E)
        return graph

    # -- results ---------------------------------------------------------------------------------------------------

    def _look(self, call: Call, state: State, look: Look, since: int) -> None:
        """Collect what had ended by then, by EOS, limit or stop string; ``since``: steps begun after it."""
        alive, steps = look.read()
        busy = call.busy
        if self.engine.most > 1:  # what was an upper bound
            for row in busy:
                call.steps[row] = steps[row]
            call.advance(busy, since * self.engine.most)
        ended = busy if call.stops is not None else [row for row in busy if not alive[row]]
        if not ended:
            return
        lengths = [steps[row] for row in ended]
        with self._looks.beside():  # a row that has ended no longer changes
            index_R = torch.tensor(ended, device=self.weights.device)
            width = max(lengths)
            tokens = state.rows.out_BT[index_R, :width].tolist()
            logps = state.rows.logps_BT[index_R, :width].tolist()
            counts = self.engine.counts(state, index_R)
        stopped: list[int] = []
        for row, length, ids, logps_T, count in zip(ended, lengths, tokens, logps, counts, strict=True):
            ids = ids[:length]
            end = self._stop(call, row, ids) if call.stops is not None else None
            if end is not None:
                stopped.append(row)
                self._collect(call, row, ids[:end], logps_T, "stop", count)
            elif not alive[row]:
                self._collect(call, row, ids, logps_T, "eos" if ids[-1] in self.eos_ids else "length", count)
        if stopped:
            state.rows.alive_B[torch.tensor(stopped, device=self.weights.device)] = False

    def _stop(self, call: Call, row: int, ids: list[int]) -> int | None:
        """How many tokens the completion has up to its first stop string."""
        assert call.stops is not None
        first, call.looked[row] = call.looked[row], len(ids)
        last = len(ids) - 1 if ids[-1] in self.eos_ids else len(ids)
        if last <= first or not call.stops.found(ids[:last], last - first - 1):
            return None
        return next((end for end in range(first + 1, last + 1) if call.stops.found(ids[:end])), None)

    def _collect(
        self, call: Call, row: int, ids: list[int], logps_T: list[float], finish: Finish, count: Mapping[str, Any]
    ) -> None:
        slot, prompt = call.taken[row], call.prompt(row)
        call.ended.append(
            (slot, Rollout(slot // call.samples, list(prompt), ids, logps_T[: len(ids)], finish, **count))
        )
        call.taken[row] = -1

    def _hand_over(self, call: Call) -> None:
        """The texts of what has ended, while the device goes on, and who waits for them."""
        ended, call.ended = call.ended, []
        for slot, rollout in ended:
            rollout.text = decode(self.tokenizer, rollout.token_ids, self.eos_ids, call.sampling.stop)
            call.rollouts[slot] = rollout
            if call.done is not None:
                call.done(slot, rollout)


def _ops(device: torch.device) -> Ops:
    if has_triton() and (device.type == "cuda" or interpreting()):
        from veritune.trainer.rollout.decode.triton_ops import TritonOps

        return TritonOps()
    return TorchOps()


def _rounded(length: int, device: torch.device) -> int:
    """Cache positions to make room for. On a CPU an odd number: at distances of a power of two the rows would drive
    each other out of its caches."""
    return -(-length // 16) * 16 + 1 if device.type == "cpu" else -(-length // 128) * 128


def _memory(device: torch.device) -> float:
    """Bytes that a new tensor could have."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return float(torch.cuda.mem_get_info(device)[0] + unused)
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError):  # not on this system
        return 8e9
