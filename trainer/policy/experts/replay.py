"""Router replay (R3, arXiv 2510.11370): the experts that a sampler chose, recorded, and given to training again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from veritune.trainer.data.packing import TokenBatch
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.experts.routing import Routing, routing_of

UNKNOWN = -1


def replaying(model: Any) -> Routing | None:
    """The routing of a model whose sampler's choices are to be repeated; else None."""
    routing = routing_of(model)
    return routing if routing is not None and routing.config.replay else None


class ChoiceRecorder:
    """The experts of every token that a sampler's model is given: prompts at once, then a token a row."""

    def __init__(self, routing: Routing, prompts: Sequence[Sequence[int]], samples: int, tokens: int) -> None:
        """``tokens``: the most of a completion."""
        self.routing, self.samples = routing, samples
        self.lengths = [len(prompt) for prompt in prompts]
        count, routers = len(prompts) * samples, len(routing.routers)
        choices = routing.routers[0].top_k
        device = routing.routers[0].weight.device
        self.prompts: list[Tensor] = []
        self.drawn_NTMK = torch.full((count, tokens, routers, choices), UNKNOWN, dtype=torch.int16, device=device)
        routing.recorded = [[] for _ in routing.routers]

    def prompt(self) -> None:
        """Take what a pass over left-padded prompts chose."""
        chosen_NMK = self._take()
        chosen_PLMK = chosen_NMK.view(len(self.lengths), -1, *chosen_NMK.shape[1:])
        width = chosen_PLMK.shape[1]
        self.prompts = [row[width - length :].cpu() for row, length in zip(chosen_PLMK, self.lengths, strict=True)]

    def token(self, slots_B: Tensor, step: int) -> None:
        """Take what a pass over token number ``step`` of these completions chose."""
        self.drawn_NTMK[slots_B, step] = self._take()

    def close(self) -> None:
        self.routing.recorded = None

    def of(self, slot: int, length: int) -> Tensor:
        """(L, M, K) of a prompt and its completion of so many tokens, without the last one, which no pass saw."""
        return torch.cat([self.prompts[slot // self.samples], self.drawn_NTMK[slot, : length - 1].cpu()])

    def _take(self) -> Tensor:
        """(N, M, K) of the pass that was run; routers that were not, as modules of multi-token prediction, unknown."""
        recorded = self.routing.recorded
        assert recorded is not None
        unknown = torch.full_like(next(each[0] for each in recorded if each), UNKNOWN)
        found = [(each[0] if each else unknown).to(torch.int16) for each in recorded]
        for each in recorded:
            each.clear()
        return torch.stack(found, 1)


def add_choices(model: Any, batch: TokenBatch, rollouts: Sequence[Rollout]) -> None:
    """Give a batch made of these rollouts the experts that their tokens had, where the model is to repeat them."""
    known = next((rollout.experts for rollout in rollouts if rollout.experts is not None), None)
    if known is None or batch.prompts_R is None or replaying(model) is None:
        return
    experts_BLMK = torch.full((*batch.ids_BL.shape, *known.shape[1:]), UNKNOWN, dtype=torch.int16)
    before_RT, packs = batch.before_RT.tolist(), batch.packs_R.tolist()
    for row, rollout in enumerate(rollouts):
        if rollout.experts is None:
            continue
        prompt, length, last = len(rollout.prompt_ids), len(rollout.token_ids), before_RT[row][0]
        experts_BLMK[packs[row], last + 1 - prompt : last + 1] = rollout.experts[:prompt]
        if length > 1:
            body = before_RT[row][1]
            experts_BLMK[packs[row], body : body + length - 1] = rollout.experts[prompt:]
    batch.experts_BLMK = experts_BLMK.to(batch.ids_BL.device)
