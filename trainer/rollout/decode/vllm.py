"""Sampling with vLLM in this process, its weights overwritten with the policy's before every rollout.

Run with vLLM 0.32's build for CPUs (``make peers PEER=vllm``).
"""

from __future__ import annotations

import copy
import inspect
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from veritune.plugins import ConfigError, MissingExtraError, VerituneError
from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Finish, Rollout
from veritune.trainer.policy.sharding import bare, is_sharded
from veritune.trainer.rollout.decode.export import policy_weights, published
from veritune.trainer.rollout.decode.probe import (
    EXACT_TOLERANCE,
    PROBE,
    PROBE_SAMPLES,
    TOLERANCE,
    flat,
    gap,
    probe_prompt,
)
from veritune.trainer.rollout.decode.rescore import rescore, truncated
from veritune.trainer.rollout.decode.tokens import decode
from veritune.trainer.rollout.interface import Done


class VLLMSampler:
    """Completions by vLLM, which holds its own copy of the model on the same GPU, in ``dtype``.

    Log-probs are vLLM's ``processed_logprobs``. With top_k, top_p or min_p those are of the truncated distribution;
    there, one more forward pass of the policy gives those of the whole one. ``memory`` is the share of the GPU's memory
    that vLLM takes. Once at the start its log-probs are compared with the policy's (not of a sharded one). Raises
    MissingExtraError where vLLM is not installed, and ConfigError where it computes another model: its own code of an
    architecture may leave out what transformers has.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        eos_ids: Sequence[int],
        dtype: torch.dtype = torch.bfloat16,
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
        memory: float = 0.3,
    ) -> None:
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # the weights are written from this process
        try:
            import vllm
        except ImportError as error:
            raise MissingExtraError("vllm", "vllm", "sampling.engine: vllm") from error
        self.vllm, self.model, self.tokenizer, self.eos_ids = vllm, model, tokenizer, list(eos_ids)
        self.autocast = autocast
        self._folder = tempfile.TemporaryDirectory(prefix="veritune-vllm-")
        config = copy.deepcopy(bare(model).config)
        config.architectures = [type(bare(model)).__name__]  # one made from a config has none, and would be pooled
        config.save_pretrained(self._folder.name)
        tokenizer.save_pretrained(self._folder.name)
        several = dist.is_initialized() and dist.get_world_size() > 1
        with torch.random.fork_rng():  # vLLM seeds its process, which is this one
            self.engine = vllm.LLM(
                model=self._folder.name,
                load_format="dummy",
                dtype=str(dtype).removeprefix("torch."),  # its auto makes float32 models 16 bits wide
                generation_config="vllm",
                gpu_memory_utilization=memory,
                logprobs_mode="processed_logprobs",
                **({"distributed_executor_backend": "external_launcher"} if several else {}),
            )
        self.sync()
        if not is_sharded(model):
            self._compare(EXACT_TOLERANCE if dtype is torch.float32 else TOLERANCE)

    def _compare(self, tolerance: float) -> None:
        prompt = probe_prompt(self.tokenizer, self.eos_ids)
        rollouts = self.generate([prompt], PROBE_SAMPLES, PROBE, torch.Generator().manual_seed(0))
        off = gap(self.model, rollouts, flat(rollouts), PROBE.temperature, self.autocast)
        if not off <= tolerance:
            raise ConfigError(
                f"log-probs of vLLM are {off:.2f} nats off the policy's on average: vLLM's own code of "
                f"{type(bare(self.model)).__name__} computes another model than transformers' with these settings. "
                "Use sampling.engine: static, transformers or continuous"
            )

    def sync(self) -> None:
        """Write the policy's current weights over vLLM's. With a sharded policy all processes call it together."""
        self.engine.collective_rpc(_load, args=(published(policy_weights(self.model)),))
        self.engine.reset_prefix_cache()

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None = None,
    ) -> list[Rollout]:
        """See :class:`veritune.trainer.rollout.interface.Sampler`. :meth:`sync` comes before."""
        # vLLM numbers the samples of a prompt from its seed on: seeds in a row would share random numbers.
        seeds = torch.randint(2**62, (len(prompts),), device=generator.device, generator=generator).tolist()
        parameters = [self._parameters(samples, sampling, seed) for seed in seeds]
        asked = [{"prompt_token_ids": list(prompt)} for prompt in prompts]
        answers = self.engine.generate(asked, parameters, use_tqdm=False)
        rollouts = [
            self._rollout(index, prompts[index], output, sampling)
            for index, answer in enumerate(answers)
            for output in sorted(answer.outputs, key=lambda each: int(each.index))
        ]
        if len(rollouts) != len(prompts) * samples:
            raise VerituneError(f"vLLM gave {len(rollouts)} completions, {len(prompts) * samples} were asked for")
        if truncated(sampling):
            rescore(self.model, rollouts, sampling.temperature, self.autocast)
        for place, rollout in enumerate(rollouts):
            if done is not None:
                done(place, rollout)
        return rollouts

    def _parameters(self, samples: int, sampling: SamplingConfig, seed: int) -> Any:
        return self.vllm.SamplingParams(
            n=samples,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k or -1,
            min_p=sampling.min_p,
            max_tokens=sampling.max_tokens,
            stop=sampling.stop or None,
            include_stop_str_in_output=True,
            detokenize=bool(sampling.stop),
            skip_special_tokens=False,  # a stop string may be one
            spaces_between_special_tokens=False,
            stop_token_ids=self.eos_ids,
            logprobs=0,
            seed=seed,
        )

    def _rollout(self, index: int, prompt: Sequence[int], output: Any, sampling: SamplingConfig) -> Rollout:
        ids = list(output.token_ids)
        logps = [float(step[token].logprob) for step, token in zip(output.logprobs, ids, strict=True)]
        finish: Finish = "length" if output.finish_reason == "length" else "stop"
        if ids and ids[-1] in self.eos_ids:
            finish = "eos"
        rollout = Rollout(index, list(prompt), ids, logps, finish)
        rollout.text = decode(self.tokenizer, ids, self.eos_ids, sampling.stop)
        return rollout


def _load(worker: Any, weights: Iterable[tuple[str, Tensor]]) -> None:
    """Run by vLLM's worker, which lives in this process. Newer ones take the weights themselves: what they have made
    of the parameters since they were loaded, a model's own loader no longer knows."""
    reload = getattr(worker.model_runner, "reload_weights", None)  # the worker's own hands on whatever it is given
    if reload is not None and "weights_iterator" in inspect.signature(reload).parameters:
        worker.reload_weights(weights_iterator=iter(weights))
    else:
        worker.model_runner.model.load_weights(weights)
