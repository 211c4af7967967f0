"""Which sampler a run uses."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch

from veritune.plugins import ConfigError
from veritune.trainer.config import SamplingConfig, VLLMServerConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.experts.replay import replaying
from veritune.trainer.policy.layers import unsupported
from veritune.trainer.policy.models import Policy, pick_device
from veritune.trainer.policy.quantized import is_quantized
from veritune.trainer.policy.sharding import bare, copy_values, copy_weights, is_sharded, trained
from veritune.trainer.rollout.decode.continuous import ContinuousSampler
from veritune.trainer.rollout.decode.probe import check_cache, probe_prompt
from veritune.trainer.rollout.decode.rescore import check_rescore
from veritune.trainer.rollout.decode.sampler import StaticSampler
from veritune.trainer.rollout.decode.transformers import TransformersSampler
from veritune.trainer.rollout.interface import Done, Sampler

RECORDS = "only sampling.engine: transformers records which experts it takes"


class Replica:
    """A sampler that runs a whole copy of a policy: of one whose own parameters are spread over the processes, or on
    another device."""

    def __init__(self, source: Any, copied: Any, inner: Sampler) -> None:
        self.source, self.copied, self.inner = source, copied, inner

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None = None,
    ) -> list[Rollout]:
        """See :class:`veritune.trainer.rollout.Sampler`."""
        with self._on_device():
            return self.inner.generate(prompts, samples, sampling, generator, done)

    def sync(self) -> None:
        """Take the policy's weights into the copy; of a sharded one gathered, by all processes together."""
        with self._on_device():
            if is_sharded(self.source):
                copy_weights(self.source, self.copied)
            else:
                copy_values(trained(self.source), self.copied)
            self.inner.sync()

    def hold(self, busy: bool) -> Callable[[], None]:
        """Take the policy's weights now, for a draw in another thread. Where the copy is ``busy`` with an earlier one
        they wait in main memory, and the function returned puts them in place."""
        if not busy:
            copy_values(trained(self.source), self.copied)
            return lambda: None
        state = {name: value.detach().to("cpu", copy=True) for name, value in trained(self.source).items()}

        def load() -> None:
            copy_values(state, self.copied)
            state.clear()

        return load

    def _on_device(self) -> AbstractContextManager[Any]:
        """Kernels are launched on the current GPU, which is the policy's."""
        device = bare(self.copied).device
        return torch.cuda.device(device) if device.type == "cuda" else nullcontext()

    def close(self) -> None:
        """What the sampler inside has to end."""
        release = getattr(self.inner, "close", None)
        if release is not None:
            release()


def replicated(model: Any, engine: str) -> bool:
    """Whether an engine runs the model's own forward, so that it cannot draw from a sharded policy itself."""
    ours = engine == "auto" and replaying(model) is None and unsupported(model) is None
    return engine in ("transformers", "continuous") or (engine == "auto" and not ours)


def make_sampler(
    policy: Policy, sampling: SamplingConfig, say: Callable[[str], Any] = print, world: World = ALONE
) -> Sampler:
    """The sampler that ``sampling.engine`` names; ``say`` is told where ``auto`` has to take the slower one.

    Raises ConfigError where the engine cannot run the model or its server is not right, MissingExtraError where a
    package is not installed.
    """
    if sampling.device is not None:
        device = pick_device(sampling.device)
        moved = replace(policy, model=copy.deepcopy(policy.model).to(device), device=device)
        here = sampling.model_copy(update={"device": None})
        return Replica(policy.model, moved.model, make_sampler(moved, here, say, world))
    if is_sharded(policy.model) and replicated(policy.model, sampling.engine):
        copied = copy.deepcopy(policy.spare).to(policy.device)
        return Replica(policy.model, copied, make_sampler(replace(policy, model=copied), sampling, say, world))
    if replaying(policy.model) is not None and sampling.engine not in ("auto", "transformers"):
        raise ConfigError(f"model.moe.replay with sampling.engine: {sampling.engine}: {RECORDS}")
    if replaying(policy.model) is not None and sampling.speculative:
        raise ConfigError(f"model.moe.replay with sampling.speculative: {RECORDS}")
    if sampling.engine == "vllm":
        from veritune.trainer.rollout.decode.vllm import VLLMSampler

        check_rescore(policy.model, sampling)
        return VLLMSampler(policy.model, policy.tokenizer, policy.eos_ids, _dtype(policy), policy.autocast)
    if sampling.engine == "vllm_server":
        from veritune.trainer.rollout.decode.vllm_server import VLLMServerSampler

        check_rescore(policy.model, sampling)
        server, dtype = sampling.server or VLLMServerConfig(), _dtype(policy)
        return VLLMServerSampler(policy.model, policy.tokenizer, policy.eos_ids, server, dtype, policy.autocast, world)
    if sampling.engine == "continuous":
        return ContinuousSampler(policy.model, policy.tokenizer, policy.eos_ids, policy.autocast)
    reason = _reason(policy.model) if sampling.engine == "auto" and not sampling.speculative else None
    if sampling.engine == "transformers" or reason:
        if reason:
            say(f"completions are drawn by transformers, which is slower: {reason}")
        drawn = TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids, policy.autocast)
        if policy.spare is None and replaying(policy.model) is None:
            exact = _dtype(policy) is torch.float32 and not is_quantized(policy.model)
            prompt = probe_prompt(policy.tokenizer, policy.eos_ids)
            apart = check_cache(drawn, policy.model, prompt, policy.autocast, exact)
            if apart is not None:
                say(apart)
        return drawn
    dtype = _dtype(policy)
    return StaticSampler(policy.model, policy.tokenizer, policy.eos_ids, dtype, speculative=sampling.speculative)


def _reason(model: Any) -> str | None:
    """Why ``auto`` does not take our own decoding."""
    if replaying(model) is not None:
        return RECORDS
    if is_quantized(model):
        return "our own decoding (sampling.engine: static) would hold the quantised weights once more in full"
    return unsupported(model)


def _dtype(policy: Policy) -> torch.dtype:
    """The dtype that products of the policy run in."""
    kind = policy.device.type
    with policy.autocast():
        if torch.is_autocast_enabled(kind):
            return torch.get_autocast_dtype(kind)
    own: torch.dtype = bare(policy.model).get_output_embeddings().weight.dtype
    return own
