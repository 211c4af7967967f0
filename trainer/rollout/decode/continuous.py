"""Sampling with transformers' continuous batching: a paged cache, rows that join and leave at every token step.

It runs whatever attention transformers can page, also where a static cache cannot be had. The model is the policy's
own, nothing is copied. It computes in the weights' dtype: autocast does not reach its thread.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import fields
from typing import Any

import torch

from veritune.plugins import ConfigError, VerituneError
from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Finish, Rollout
from veritune.trainer.policy.sharding import bare, is_sharded
from veritune.trainer.rollout.decode.rescore import rescore, truncated
from veritune.trainer.rollout.decode.tokens import StopStrings, decode
from veritune.trainer.rollout.interface import Done

INSTEAD = "use sampling.engine: auto or transformers"
STOP_SECONDS = 60.0
"""How long the generating thread may take to end."""
STALL_SECONDS = 1800.0
"""No completion for so long is an error."""
GPU_SHARE = 0.5
"""Of the GPU's free memory, for the cache and what comes with it; transformers' own 0.9 leaves training nothing."""
CPU_PAGE, CPU_PAGES, CPU_TOKENS = 32, 2048, 1024
"""On a CPU: tokens of a page, most pages, and tokens of one forward pass. transformers would take 60 % of the memory,
and its attention mask has a row for every token of the pass and a column for every one of the cache."""


class ContinuousSampler:
    """Completions by transformers' ``ContinuousBatchingManager``.

    Its log-probs are those of the distribution it drew from: with top_k, top_p or min_p the truncated one. There, one
    more forward pass over the completions gives those of the whole distribution. Truncation is applied in transformers'
    order: top_k, top_p, min_p.

    Requests are in the queue before the first token step, and stop strings are looked for between token steps: the seed
    alone decides. The random state outside, the attention implementation and the training mode are as before
    afterwards. Raises ConfigError for what transformers cannot batch so.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        eos_ids: Sequence[int],
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.model, self.tokenizer, self.eos_ids, self.autocast = model, tokenizer, list(eos_ids), autocast
        self.base = bare(model)
        self.options = _options()
        if not hasattr(self.base, "init_continuous_batching") or not {"return_logprobs", "seed"} <= self.options:
            raise ConfigError(f"sampling.engine: continuous needs transformers 5.17 or newer; {INSTEAD}")
        if getattr(self.base.config, "kv_lora_rank", None):
            raise ConfigError(
                "sampling.engine: continuous has pages of one width for keys and values, and latent attention keys and "
                f"values of others; {INSTEAD}"
            )
        if is_sharded(model):
            raise ConfigError(f"sampling.engine: continuous does not run sharded models; {INSTEAD}")

    def sync(self) -> None:
        """Nothing to do: the weights are the policy's."""

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
        if not prompts or samples < 1:
            return []
        seed = int(torch.randint(2**31, (), device=generator.device, generator=generator))
        rollouts: list[Rollout | None] = [None] * (len(prompts) * samples)
        was_training = self.base.training
        device = self.base.device
        try:
            with (
                _same_attention(self.base),
                torch.random.fork_rng([device] if device.type == "cuda" else []),
                closing(self._drawn(prompts, samples, sampling, seed)) as drawn,
            ):
                for place, ids, logps, finish in drawn:
                    rollout = Rollout(place // samples, list(prompts[place // samples]), ids, logps, finish)
                    rollout.text = decode(self.tokenizer, ids, self.eos_ids, sampling.stop)
                    rollouts[place] = rollout
            found = [rollout for rollout in rollouts if rollout is not None]
            if truncated(sampling):
                rescore(self.model, found, sampling.temperature, self.autocast)
            for place, rollout in enumerate(found):
                if done is not None:  # not before: a reward that drew torch's random numbers would change the rest
                    done(place, rollout)
            return found
        finally:
            self.model.train(was_training)

    def _drawn(
        self, prompts: Sequence[Sequence[int]], samples: int, sampling: SamplingConfig, seed: int
    ) -> Generator[tuple[int, list[int], list[float], Finish]]:
        """Completions as they end: place in the result, tokens, log-probs and finish."""
        manager = self._manager(prompts, samples, sampling, seed)
        stops = StopStrings(self.tokenizer, sampling.stop) if sampling.stop else None
        results = manager.output_router.output_queue = _Results(manager, stops, self.eos_ids)
        # Sample by sample, not prompt by prompt: a later sample finds the full pages of its prompt in the cache.
        for sample in range(samples):
            for number, prompt in enumerate(prompts):
                manager.add_request(
                    list(prompt),
                    request_id=str(number * samples + sample),
                    max_new_tokens=sampling.max_tokens,
                    eos_token_id=self.eos_ids,
                    streaming=stops is not None,
                )
        left = len(prompts) * samples
        try:
            manager.start()
            while left:
                output, finish = _next(manager, results)
                if output.error is not None:
                    raise VerituneError(f"transformers' continuous batching failed: {output.error}; {INSTEAD}")
                ids = list(output.generated_tokens)
                yield int(output.request_id), ids, list(output.logprobs), finish
                left -= 1
        finally:
            if manager.is_running():
                manager.stop(block=True, timeout=STOP_SECONDS, hard_stop=True)
            manager.destroy()

    def _manager(self, prompts: Sequence[Sequence[int]], samples: int, sampling: SamplingConfig, seed: int) -> Any:
        from transformers import GenerationConfig
        from transformers.generation.configuration_utils import ContinuousBatchingConfig

        rows = min(len(prompts) * samples, sampling.batch)
        options: dict[str, Any] = {"return_logprobs": True, "seed": seed, "max_requests_per_batch": rows}
        if "auto_switch_to_flash" in self.options:
            options["auto_switch_to_flash"] = False  # it would fetch kernels; model.attention says what to run
        if self.base.device.type == "cpu":
            options |= _cpu_cache(max(map(len, prompts)) + sampling.max_tokens, rows, self.options)
        else:
            options["max_memory_percent"] = GPU_SHARE
        settings = GenerationConfig(
            do_sample=True,
            temperature=sampling.temperature,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            min_p=sampling.min_p or None,
            max_new_tokens=sampling.max_tokens,
            eos_token_id=self.eos_ids,
        )
        attention = self.base.config._attn_implementation
        try:
            if "auto_switch_to_flash" not in self.options and "paged|" not in attention:
                self.base.set_attn_implementation(f"paged|{attention}")  # what older ones leave alone
            return self.base.init_continuous_batching(
                generation_config=settings, continuous_batching_config=ContinuousBatchingConfig(**options)
            )
        except (ValueError, NotImplementedError) as error:
            raise ConfigError(f"sampling.engine: continuous cannot run this model: {error}; {INSTEAD}") from error


class _Results(queue.Queue[tuple[Any, Finish]]):
    """What the generating thread hands out: completions that have ended, by themselves or with a stop string.

    A stop string is found in the generating thread, which then drops the request before its next token step. Were it
    found elsewhere, the time would decide which rows a step has, and with them the random numbers.
    """

    def __init__(self, manager: Any, stops: StopStrings | None, eos_ids: Sequence[int]) -> None:
        super().__init__()
        self.manager, self.stops, self.eos_ids = manager, stops, eos_ids
        self.stopped: set[str] = set()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Called by transformers, with a request's output so far."""
        ids = item.generated_tokens
        if item.request_id in self.stopped:
            return
        if ids and ids[-1] in self.eos_ids:
            super().put((item, "eos"), block, timeout)
        elif self.stops is not None and ids and item.error is None and self.stops.found(ids):
            self.stopped.add(item.request_id)
            self.manager.cancel_request(item.request_id)
            super().put((item, "stop"), block, timeout)
        elif item.is_finished():
            super().put((item, "length"), block, timeout)


def _next(manager: Any, results: _Results) -> tuple[Any, Finish]:
    """The next completion that has ended. Raises VerituneError where none will come."""
    waited = 0.0
    while True:
        alive = manager.is_running()  # asked first: what a dying thread leaves behind is still read
        try:
            return results.get(timeout=1.0 if alive else 0.01)
        except queue.Empty:
            waited += 1.0
            if not alive or waited > STALL_SECONDS:
                cause = getattr(manager.background_thread_status, "fatal_error", None)
                reason = cause or ("its thread ended" if not alive else f"no completion in {STALL_SECONDS:.0f} s")
                raise VerituneError(
                    f"transformers' continuous batching stopped before all completions were drawn: {reason}; {INSTEAD}"
                ) from cause


@contextmanager
def _same_attention(model: Any) -> Iterator[None]:
    """The attention implementation is afterwards what it was before."""
    before = model.config._attn_implementation
    try:
        yield
    finally:
        if model.config._attn_implementation != before:
            model.set_attn_implementation(before)


def _cpu_cache(longest: int, rows: int, options: set[str]) -> dict[str, Any]:
    """A cache that holds ``rows`` completions of the longest length, within bounds."""
    pages = -(-longest // CPU_PAGE) + 1
    size = "page_size" if "page_size" in options else "block_size"
    return {size: CPU_PAGE, "num_blocks": min(rows * pages, max(CPU_PAGES, pages)), "max_batch_tokens": CPU_TOKENS}


def _options() -> set[str]:
    """What this version of transformers lets one say about continuous batching."""
    try:
        from transformers.generation.configuration_utils import ContinuousBatchingConfig
    except ImportError:
        return set()
    return {field.name for field in fields(ContinuousBatchingConfig)}
