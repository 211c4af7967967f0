"""Forward passes of the policy and of the reference model over completions, in micro-batches of a token budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from veritune.trainer.config import PolicyRunConfig, UpdateConfig
from veritune.trainer.data.batching import micro_batches, token_batches, written_mask
from veritune.trainer.data.future import future_tokens
from veritune.trainer.data.packing import (
    TokenBatch,
    make_batch,
    make_packed,
    make_rows_packed,
    make_unpadded,
    pack_limit,
    packed_saves,
    padding_costs,
)
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.budget import micro_batch_tokens
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.experts.replay import add_choices
from veritune.trainer.policy.experts.routing import expect_sequences
from veritune.trainer.policy.fused import takes_rows_unpadded
from veritune.trainer.policy.logprobs import HEADS, EntropyMode, completion_logprobs
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.mtp import logprobs_and_future, mtp_of
from veritune.trainer.policy.reference import Reference
from veritune.trainer.policy.sharding import is_sharded


class Passes:
    """Log-probs of completions, this process's share of the rows at a time.

    With sharded models all processes make as many passes: where one has no rows left, its micro-batches are empty, and
    a pass over none runs a few tokens whose log-probs nobody sees.
    """

    def __init__(
        self,
        run: PolicyRunConfig,
        policy: Policy,
        reference: Reference | None,
        world: World,
        temperature: float | None = None,
    ) -> None:
        """``temperature``: by default that of sampling."""
        self.config: UpdateConfig = getattr(run, run.stage)
        self.temperature = run.sampling.temperature if temperature is None else temperature
        self.policy_, self.reference_, self.world = policy, reference, world
        models = [policy.model] if reference is None else [policy.model, reference.model]
        self._models = models
        limit = min(map(pack_limit, models))
        self.pack_limit = limit if self.config.share_prompts else 0
        self.row_limit = limit if getattr(self.config, "packing", False) else 0
        """Longest pack of whole rows; 0: every row is a sequence of its own."""
        self._noisy = [m for m in policy.model.modules() if isinstance(m, torch.nn.Dropout) and m.p > 0]
        self._filler: Rollout | None = None

    def cuts(self, rollouts: Sequence[Rollout], rows: Sequence[int], together: int = 1) -> list[list[int]]:
        """Micro-batches of this process's share of the rows. ``together``: a row is so many neighbours in
        ``rollouts``, which are never parted."""
        each = [len(r.prompt_ids) + len(r.token_ids) for r in rollouts]
        lengths = [together * max(each[i : i + together]) for i in range(0, len(each), together)]
        if rollouts:
            first = rollouts[0]
            self._filler = replace(first, prompt_ids=first.prompt_ids[:1], token_ids=first.token_ids[:1], written=None)
        expect_sequences(self.policy_.model, len(rows) * together, self.world)
        cut = token_batches if self.row_limit or self._unpadded(self.policy_.device) else micro_batches
        return self.world.even(cut(self.world.share(rows, lengths), lengths, self.budget()))

    def budget(self) -> int:
        """Tokens of a micro-batch."""
        asked = self.config.micro_batch_tokens
        return micro_batch_tokens(self.policy_, self._models) if asked == "auto" else asked

    def policy(self, rollouts: Sequence[Rollout], entropy: EntropyMode = "none") -> tuple[Tensor, Tensor | None]:
        """(B, T) log-probs of the tokens that the policy wrote, 0 elsewhere, and entropies likewise."""
        return self._run(self.policy_.model, self.policy_.device, rollouts, entropy, replay=True)

    def with_future(
        self, rollouts: Sequence[Rollout], entropy: EntropyMode = "none"
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """What :meth:`policy` gives, and (D,) the sum of the log-probs under each module of multi-token prediction of
        the tokens that the policy wrote; None where it has no modules."""
        modules = mtp_of(self.policy_.model)
        if modules is None:
            return (*self.policy(rollouts, entropy), None)
        if not rollouts:
            assert self._filler is not None
            logps_BT, entropy_BT, sums_D = self.with_future([self._filler], entropy)
            assert sums_D is not None
            return logps_BT[:0], None if entropy_BT is None else entropy_BT[:0], sums_D * 0.0
        model, device = self.policy_.model, self.policy_.device
        tokens = self._tokens(rollouts, torch.device("cpu"))
        add_choices(model, tokens, rollouts)
        prompts, completions = [r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts]
        written = [r.written for r in rollouts]
        future = future_tokens(tokens, prompts, completions, modules.depth, written).to(device)
        head = HEADS[self.config.head]
        with self._running(device):
            found = logprobs_and_future(model, tokens.to(device), future, self.temperature, entropy, head)
        return (*self._written(rollouts, found[0], found[1]), found[2])

    @torch.no_grad()
    def reference(self, rollouts: Sequence[Rollout]) -> Tensor:
        """(B, T) log-probs under the reference model, on the policy's device."""
        assert self.reference_ is not None
        with self.reference_.active():
            logps_BT, _ = self._run(self.reference_.model, self.reference_.device, rollouts, "none")
        if not self.reference_.adapter and is_sharded(self.reference_.model):
            self.reference_.model.reshard()  # without a backward, embedding and head would stay whole
        return logps_BT.to(self.policy_.device)

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Without gradient there is no dropout: π_old and the reference are models, not draws of one."""
        noisy = [] if torch.is_grad_enabled() else [m for m in self._noisy if m.training]
        for module in noisy:
            module.eval()
        try:
            yield
        finally:
            for module in noisy:
                module.train()

    def _autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        """The policy's precision, on another device too."""
        kind = self.policy_.device.type
        if device.type == kind:
            return self.policy_.autocast()
        with self.policy_.autocast():
            on, dtype = torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
        return torch.autocast(device.type, dtype) if on else nullcontext()

    def _unpadded(self, device: torch.device) -> bool:
        """Whether rows may lie one behind the other with neither padding nor mask."""
        with self._autocast(device):
            return mtp_of(self.policy_.model) is None and all(takes_rows_unpadded(m, device) for m in self._models)

    def _run(
        self,
        model: Any,
        device: torch.device,
        rollouts: Sequence[Rollout],
        entropy: EntropyMode,
        replay: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        if not rollouts:
            assert self._filler is not None
            logps_BT, entropy_BT = self._run(model, device, [self._filler], entropy)
            return logps_BT[:0], None if entropy_BT is None else entropy_BT[:0]
        tokens = self._tokens(rollouts, device)
        if replay:
            add_choices(model, tokens, rollouts)
        with self._running(device):
            found = completion_logprobs(model, tokens, self.temperature, entropy, HEADS[self.config.head])
        return self._written(rollouts, *found)

    def _tokens(self, rollouts: Sequence[Rollout], device: torch.device) -> TokenBatch:
        """The rollouts as the model is given them, packed where that spares something."""
        tokens = self._packed(rollouts, device)
        if rollouts[0] is self._filler:
            tokens.prompts_R = None
        return tokens

    def _packed(self, rollouts: Sequence[Rollout], device: torch.device) -> TokenBatch:
        prompts, completions = [r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts]
        if packed_saves(prompts, completions, self.pack_limit):
            return make_packed(prompts, completions, self.pack_limit, device)
        if padding_costs(prompts, completions) and self._unpadded(device):
            return make_unpadded(prompts, completions, device)
        if self.row_limit:
            longest = max(len(p) + len(c) for p, c in zip(prompts, completions, strict=True))
            return make_rows_packed(prompts, completions, min(self.row_limit, longest), device)
        return make_batch(prompts, completions, device)

    @contextmanager
    def _running(self, device: torch.device) -> Iterator[None]:
        """On a device, in the policy's precision."""
        on = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
        with on, self._autocast(device), self._quiet():
            yield

    @staticmethod
    def _written(
        rollouts: Sequence[Rollout], logps_BT: Tensor, entropy_BT: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """0 on what the policy did not write."""
        if all(r.written is None for r in rollouts):
            return logps_BT, entropy_BT
        written_BT = written_mask(rollouts, logps_BT.shape[1], logps_BT.device)
        return logps_BT * written_BT, None if entropy_BT is None else entropy_BT * written_BT
