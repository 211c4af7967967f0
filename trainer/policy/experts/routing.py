"""What a pass asks of a model's routers: counting the load, the balance losses, and choices made elsewhere.

A router of transformers gives (logits, gates, indices). Its ``forward`` is wrapped, per instance: logits are made in
high precision whatever autocast says, and :meth:`Routing.follow` sees what it chose. The losses' gradients are added on
the way through the gates, so that no tensor of a checkpointed or sharded layer has to leave it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import MethodType
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor

from veritune.plugins import ConfigError
from veritune.trainer.config import MoEConfig
from veritune.trainer.data.future import FutureTokens
from veritune.trainer.data.packing import TokenBatch
from veritune.trainer.policy.experts.load import LoadMetrics
from veritune.trainer.policy.experts.losses import auxiliary_balance, sequence_balance
from veritune.trainer.policy.experts.routers import BIAS, Scoring, find_routers, gates_of, scores_of, scoring_of

ROUTING = "veritune_routing"
"""The name of a model's :class:`Routing`."""


@dataclass
class Plan:
    """One pass: which of its tokens belong to which sequences, and whose choice of experts it repeats."""

    members_RN: Tensor | None = None
    """1 where token n of the pass is of sequence r; None where the pass counts for nothing."""
    future_DRN: list[Tensor] | None = None
    """The same, a module of multi-token prediction, of the positions that modules run over."""
    replay_NMK: Tensor | None = None
    """The experts of every token and router, −1 where nobody chose before."""
    counted: set[int] = field(default_factory=set)
    """Routers that have counted it: a checkpointed layer runs twice."""


@dataclass
class Routing:
    """The routers of a model, their load since the last optimizer step, and what the current pass asks of them."""

    routers: list[Any]
    scorings: list[Scoring]
    config: MoEConfig
    loads_ME: Tensor
    ahead: dict[int, int] = field(default_factory=dict)
    """Routers of modules of multi-token prediction, number to module: they run over positions of their own, and no
    sampler has recorded what they choose."""
    metrics: LoadMetrics = field(default_factory=LoadMetrics)
    sequences: int = 0
    """Of the optimizer step, over all processes; 0 outside of one."""
    world: Any = None
    plan: Plan | None = None
    """Of passes with gradient, and of what a backward computes again."""
    quiet: Plan | None = None
    """Of a pass without gradient."""
    recorded: list[list[Tensor]] | None = None
    """By router, the choices of every pass, while a sampler records them."""

    def expect(self, sequences: int, world: Any) -> None:
        """The passes that follow are an optimizer step's, over so many sequences in all processes."""
        self.sequences, self.world = sequences, world
        self.plan = None
        here = (router.weight.device for router in self.routers if not router.weight.is_meta)  # of a pipeline some
        self.loads_ME = torch.zeros_like(self.loads_ME, device=next(here, world.device_here))

    def over_rows(self, valid_BL: Tensor) -> None:
        """A pass with gradient over rows that are a sequence each, in a pipeline's stage: True on real tokens."""
        rows_R = valid_BL.any(1).nonzero()[:, 0]
        members_RBL = valid_BL.new_zeros(len(rows_R), *valid_BL.shape, dtype=torch.float32)
        members_RBL[torch.arange(len(rows_R), device=rows_R.device), rows_R] = valid_BL[rows_R].float()
        self.plan = Plan(members_RBL.flatten(1) if self.sequences > 0 else None)

    @contextmanager
    def over(self, batch: TokenBatch, future: FutureTokens | None = None) -> Iterator[None]:
        """A pass over these tokens. With gradient its plan stays for the backward, which may compute layers again."""
        training = torch.is_grad_enabled()
        counts = training and self.sequences > 0
        replay_BLMK = batch.experts_BLMK
        plan = Plan(
            members(batch) if counts else None, None, None if replay_BLMK is None else replay_BLMK.flatten(0, 1)
        )
        if plan.members_RN is not None and future is not None:
            plan.future_DRN = members_ahead(plan.members_RN, batch.ids_BL, future)
        if training:
            self.plan = plan
            yield
            return
        before, self.quiet = self.quiet, plan
        try:
            yield
        finally:
            self.quiet = before

    def follow(self, number: int, logits_NE: Tensor, gates_NK: Tensor, indices_NK: Tensor) -> tuple[Tensor, ...]:
        """What router ``number`` gives, by the plan of the pass."""
        plan = self.plan if torch.is_grad_enabled() else self.quiet
        if plan is not None:
            module = self.ahead.get(number)
            if plan.replay_NMK is not None and module is None:
                gates_NK, indices_NK = self._replayed(plan.replay_NMK, number, logits_NE, gates_NK, indices_NK)
            members_RN = plan.members_RN
            if module is not None:
                members_RN = None if plan.future_DRN is None else plan.future_DRN[module]
            if members_RN is not None:
                gates_NK = self._counted(plan, members_RN, number, logits_NE, gates_NK, indices_NK)
        if self.recorded is not None and not torch.is_grad_enabled():
            self.recorded[number].append(indices_NK.detach())
        return logits_NE, gates_NK, indices_NK

    def _replayed(
        self, replay_NMK: Tensor, number: int, logits_NE: Tensor, gates_NK: Tensor, indices_NK: Tensor
    ) -> tuple[Tensor, Tensor]:
        chosen_NK = replay_NMK[:, number].long()
        indices_NK = torch.where(chosen_NK >= 0, chosen_NK, indices_NK)
        router, scoring = self.routers[number], self.scorings[number]
        return gates_of(router, scoring, logits_NE, indices_NK).to(gates_NK.dtype), indices_NK

    def _counted(
        self, plan: Plan, members_RN: Tensor, number: int, logits_NE: Tensor, gates_NK: Tensor, indices_NK: Tensor
    ) -> Tensor:
        with torch.no_grad():
            chosen_NE = torch.zeros_like(logits_NE, dtype=torch.float32).scatter_(1, indices_NK, 1.0)
            counts_RE = members_RN @ chosen_NE
        first = number not in plan.counted
        plan.counted.add(number)
        if first:
            self.loads_ME[number] += counts_RE.sum(0)
        by_sequence, classic = self.config.losses
        if not (by_sequence or classic):
            return gates_NK
        scores_NE = scores_of(self.scorings[number], logits_NE)
        shares_RE = members_RN @ (scores_NE / scores_NE.sum(-1, keepdim=True))
        tokens_R = members_RN.sum(1)
        of_step = 1 / self.sequences
        loss = by_sequence * of_step * sequence_balance(shares_RE, counts_RE, tokens_R).sum()
        if classic:
            loss = loss + classic * of_step * len(members_RN) * auxiliary_balance(shares_RE, counts_RE, tokens_R)
        if first:
            self.metrics.add_loss(loss.detach())
        averaged = self.world.size if self.world.mesh is not None else 1  # FSDP2 averages gradients over the processes
        return cast(Tensor, cast(Any, _WithLoss.apply)(gates_NK, loss * averaged))

    @torch.no_grad()
    def after_step(self, stepped: bool) -> None:
        """Once an optimizer step is done (or was skipped): the load of all processes, and the bias by it. A meeting."""
        if not self.sequences:
            return
        self.sequences, self.plan = 0, None
        if not stepped:
            return
        loads_ME = self.loads_ME.clone()
        if self.world.size > 1:
            dist.all_reduce(loads_ME)
        if self.config.moves_bias:
            for router, load_E in zip(self.routers, loads_ME, strict=True):
                getattr(router, BIAS).add_(self.config.bias_rate * torch.sign(load_E.mean() - load_E))
        self.metrics.see(loads_ME)

    def read_metrics(self) -> dict[str, float]:
        """What the steps since the last call had, a mean over them and over layers; a meeting."""
        biases = [getattr(router, BIAS) for router in self.routers if hasattr(router, BIAS)]
        return self.metrics.read(biases, self.world, any(self.config.losses))


class _WithLoss(torch.autograd.Function):
    """Gates as they are; in the backward the loss has the gradient 1, as if it had been added to the loss trained."""

    @staticmethod
    def forward(ctx: Any, gates_NK: Tensor, loss: Tensor) -> Tensor:
        return gates_NK.view_as(gates_NK)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor]:
        return upstream[0], upstream[0].new_ones((), dtype=torch.float32)


def members(batch: TokenBatch) -> Tensor | None:
    """(R, B·L) 1 where a token of the pass is of a completion's sequence: its prompt and itself. A prompt that several
    completions share is of each, padding of none. None of a pass that stands in for one without rows."""
    if batch.prompts_R is None:
        return None
    width = batch.ids_BL.shape[1]
    made_RN = torch.zeros(len(batch.prompts_R), batch.ids_BL.numel())
    rows = zip(batch.prompts_R.tolist(), batch.lengths_R.tolist(), batch.packs_R.tolist(), strict=True)
    before_RT = batch.before_RT.tolist()
    for row, (prompt, length, pack) in enumerate(rows):
        last, start = before_RT[row][0], pack * width
        made_RN[row, start + last + 1 - prompt : start + last + 1] = 1
        if length > 1:
            body = start + before_RT[row][1]
            made_RN[row, body : body + length - 1] = 1
    return made_RN.to(batch.ids_BL.device)


def members_ahead(members_RN: Tensor, ids_BL: Tensor, future: FutureTokens) -> list[Tensor]:
    """A module of multi-token prediction, (R, B·L') :func:`members` of the positions that it predicts a token of the
    same row from: of a sequence of T the first T − k. Behind them it is given no token of the text."""
    if future.source_BL is not None and future.owners_BL is not None:
        starts_B1 = torch.arange(len(ids_BL), device=ids_BL.device)[:, None] * ids_BL.shape[1]
        sources_N, owners_N = (starts_B1 + future.source_BL).flatten(), future.owners_BL.flatten()
        rows_R1 = torch.arange(len(members_RN), device=ids_BL.device)[:, None]
        members_RN = members_RN[:, sources_N] * ((owners_N == rows_R1) | (owners_N == -1))
    left_RN = members_RN.int().flip(1).cumsum(1).flip(1)  # of the sequence, from here to its end
    return [members_RN * (left_RN > module) for module in range(1, len(future.ids_DBL) + 1)]


def routing_of(model: Any) -> Routing | None:
    """The routing of a model, peft's wrapper or not; None of one without experts."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return getattr(inner, ROUTING, None)


def expect_sequences(model: Any, sequences: int, world: Any) -> None:
    """Of a model with experts, that an optimizer step's passes follow: see :meth:`Routing.expect`."""
    routing = routing_of(model)
    if routing is not None:
        routing.expect(sequences, world)


def balance_after_step(model: Any, stepped: bool) -> None:
    """Of a model with experts, that an optimizer step is done, or was skipped: see :meth:`Routing.after_step`."""
    routing = routing_of(model)
    if routing is not None:
        routing.after_step(stepped)


def load_metrics(model: Any) -> dict[str, float]:
    """Of a model with experts, how even their load was since the last call; a meeting."""
    routing = routing_of(model)
    return {} if routing is None else routing.read_metrics()


def routed(model: Any, batch: TokenBatch, future: FutureTokens | None = None) -> AbstractContextManager[None]:
    """A pass of the model over these tokens: see :meth:`Routing.over`."""
    routing = routing_of(model)
    return nullcontext() if routing is None else routing.over(batch, future)


def follow_routers(model: Any, config: MoEConfig | None) -> Routing | None:
    """Wrap the routers of a model, in place; None of a model without experts. ``config`` None: nothing is balanced.

    Raises ConfigError where the section asks for what the model does not have.
    """
    routers = find_routers(model)
    if not routers:
        if config is not None:
            raise ConfigError(f"model.moe: {model.config.model_type} has no routers of experts that can be followed")
        return None
    without = [type(router).__name__ for router in routers if not hasattr(router, BIAS)]
    if config is not None and config.moves_bias and without:
        raise ConfigError(
            f"model.moe.balance: {config.balance} needs routers with a bias ({BIAS}), and {without[0]} has none; use "
            "loss"
        )
    scorings = [found for found in map(scoring_of, routers) if found is not None]
    experts = {router.num_experts for router in routers}
    if len(experts) > 1:
        raise ConfigError(f"model.moe: layers with different numbers of experts ({sorted(experts)}) are not supported")
    loads_ME = torch.zeros(len(routers), experts.pop())
    inside = set(map(id, model.get_decoder().modules()))
    outside = [number for number, router in enumerate(routers) if id(router) not in inside]
    ahead = {number: module for module, number in enumerate(outside)}
    routing = Routing(routers, scorings, config or MoEConfig(balance="none"), loads_ME, ahead)
    for number, router in enumerate(routers):
        router.routing_place = (routing, number)
        router.forward = MethodType(_forward, router)
    setattr(model, ROUTING, routing)
    return routing


def _forward(self: Any, hidden_states: Tensor) -> tuple[Tensor, ...]:
    routing, number = self.routing_place
    with torch.autocast(hidden_states.device.type, enabled=False):
        given = type(self).forward(self, hidden_states.to(self.weight.dtype))
        return cast(tuple[Tensor, ...], routing.follow(number, *given))
