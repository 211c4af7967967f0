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
from veritune.trainer.data.packing import make_batch, make_packed, make_rows_packed, pack_limit, packed_saves
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.logprobs import HEADS, EntropyMode, completion_logprobs
from veritune.trainer.policy.models import Policy
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
        cut = token_batches if self.row_limit else micro_batches
        return self.world.even(cut(self.world.share(rows, lengths), lengths, self.config.micro_batch_tokens))

    def policy(self, rollouts: Sequence[Rollout], entropy: EntropyMode = "none") -> tuple[Tensor, Tensor | None]:
        """(B, T) log-probs of the tokens that the policy wrote, 0 elsewhere, and entropies likewise."""
        return self._run(self.policy_.model, self.policy_.device, rollouts, entropy)

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

    def _run(
        self, model: Any, device: torch.device, rollouts: Sequence[Rollout], entropy: EntropyMode
    ) -> tuple[Tensor, Tensor | None]:
        if not rollouts:
            assert self._filler is not None
            logps_BT, entropy_BT = self._run(model, device, [self._filler], entropy)
            return logps_BT[:0], None if entropy_BT is None else entropy_BT[:0]
        prompts, completions = [r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts]
        if packed_saves(prompts, completions, self.pack_limit):
            tokens = make_packed(prompts, completions, self.pack_limit, device)
        elif self.row_limit:
            longest = max(len(p) + len(c) for p, c in zip(prompts, completions, strict=True))
            tokens = make_rows_packed(prompts, completions, min(self.row_limit, longest), device)
        else:
            tokens = make_batch(prompts, completions, device)
        on = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
        with on, self._autocast(device), self._quiet():
            found = completion_logprobs(model, tokens, self.temperature, entropy, HEADS[self.config.head])
        if all(r.written is None for r in rollouts):
            return found
        written_BT = written_mask(rollouts, found[0].shape[1], device)
        return found[0] * written_BT, None if found[1] is None else found[1] * written_BT
