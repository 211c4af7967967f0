"""Sampling with vLLM in this process, its weights overwritten with the policy's before every rollout."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from veritune.plugins import ConfigError, MissingExtraError
from veritune.trainer.config import SamplingConfig
from veritune.trainer.rollout import Finish, Rollout, decode
from veritune.trainer.sharding import bare


class VLLMSampler:
    """Completions by vLLM, which holds its own copy of the model on the same GPU.

    Log-probs are vLLM's ``processed_logprobs``: with top_k, top_p or min_p, those of the truncated distribution.
    Raises MissingExtraError where vLLM is not installed, ConfigError for a model with adapters.
    """

    def __init__(self, model: Any, tokenizer: Any, eos_ids: Sequence[int], memory: float = 0.3) -> None:
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # the weights are written from this process
        try:
            import vllm
        except ImportError as error:
            raise MissingExtraError("vllm", "vllm", "sampling.engine: vllm") from error
        if hasattr(model, "get_base_model"):
            raise ConfigError("sampling.engine: vllm does not take model.lora; use sampling.engine: auto")
        self.vllm, self.model, self.tokenizer, self.eos_ids = vllm, bare(model), tokenizer, list(eos_ids)
        with tempfile.TemporaryDirectory() as folder:
            self.model.config.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            self.engine = vllm.LLM(
                model=str(Path(folder)),
                load_format="dummy",
                gpu_memory_utilization=memory,
                logprobs_mode="processed_logprobs",
            )
        self.sync()

    def sync(self) -> None:
        """Write the policy's current weights over vLLM's."""
        target = self.engine.llm_engine.model_executor.driver_worker.model_runner.model
        target.load_weights((name, parameter.detach()) for name, parameter in self.model.named_parameters())
        self.engine.reset_prefix_cache()

    def generate(
        self, prompts: Sequence[Sequence[int]], samples: int, sampling: SamplingConfig, generator: torch.Generator
    ) -> list[Rollout]:
        """See :class:`veritune.trainer.rollout.Sampler`."""
        self.sync()
        seed = int(torch.randint(2**31, (), device=generator.device, generator=generator))
        parameters = [
            self.vllm.SamplingParams(
                n=samples,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=sampling.top_k or -1,
                min_p=sampling.min_p,
                max_tokens=sampling.max_tokens,
                stop=sampling.stop or None,
                include_stop_str_in_output=True,
                stop_token_ids=self.eos_ids,
                logprobs=0,
                seed=(seed + index) % 2**31,
            )
            for index in range(len(prompts))
        ]
        asked = [{"prompt_token_ids": list(prompt)} for prompt in prompts]
        answers = self.engine.generate(asked, parameters, use_tqdm=False)
        return [
            self._rollout(index, prompts[index], output)
            for index, answer in enumerate(answers)
            for output in sorted(answer.outputs, key=lambda each: int(each.index))
        ]

    def _rollout(self, index: int, prompt: Sequence[int], output: Any) -> Rollout:
        ids = list(output.token_ids)
        logps = [float(step[token].logprob) for step, token in zip(output.logprobs, ids, strict=True)]
        finish: Finish = "length" if output.finish_reason == "length" else "stop"
        if ids and ids[-1] in self.eos_ids:
            finish = "eos"
        rollout = Rollout(index, list(prompt), ids, logps, finish)
        rollout.text = decode(self.tokenizer, ids, self.eos_ids)
        return rollout
