"""One optimizer step's rows through the pipeline: forward, backward, and the gradients' norm over all stages."""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from veritune.trainer.config.pipeline import PipelineConfig
from veritune.trainer.data.batching import written_mask
from veritune.trainer.data.packing import TokenBatch, make_batch, make_rows_packed
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.experts.routing import expect_sequences
from veritune.trainer.policy.logprobs import Head
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.pipeline.cut import shared_between
from veritune.trainer.policy.pipeline.places import chunks, layers_of, micro_batches, process_of, stages_of
from veritune.trainer.policy.pipeline.stage import StageModule
from veritune.trainer.policy.sharding import home_of

CLASSES = {
    "gpipe": "GPipe",
    "1f1b": "1F1B",
    "interleaved": "Interleaved1F1B",
    "interleaved_zb": "InterleavedZeroBubble",
    "zbv": "ZBVZeroBubble",
    "dualpipev": "DualPipeV",
}
"""As torch.distributed.pipelining calls them."""
LOGGER = "torch.distributed.pipelining.schedules"
"""Writes the whole schedule, a line an action, where one of its actions fails; the error is raised as well."""
ROUND = 64
"""Rows are padded to a multiple of so many tokens: for each new shape the stages have to agree anew."""


class Pipeline:
    """The stages of this process, and the schedules by shape. Every method is a meeting: each process is given the same
    rows, of which the first stage reads the ids and the last one the targets."""

    def __init__(
        self, policy: Policy, world: World, head: Head, budget: int, pack: int = 0, round_to: int = ROUND
    ) -> None:
        """``budget``: tokens of one micro-batch. ``pack``: tokens of a pack of whole rows; 0: a row each."""
        assert world.pipeline is not None
        self.config: PipelineConfig = world.pipeline
        self.policy, self.world, self.budget, self.pack, self.round_to = policy, world, budget, pack, round_to
        self.numbers = stages_of(world.rank, self.config)
        self.count = self.config.stages * chunks(self.config)
        parts = layers_of(len(policy.model.get_decoder().layers), self.config)
        self.modules = [
            StageModule(policy.model, parts[n], n == 0, n == self.count - 1, head, policy.autocast)
            for n in self.numbers
        ]
        self.groups = [
            (dist.new_group(list(held)) if len(held) < world.size else None, held, parameters)
            for held, parameters in shared_between(policy.model).items()
        ]
        self._schedules: dict[tuple[int, ...], Any] = {}

    def backward(self, rollouts: Sequence[Rollout]) -> float:
        """Adds the gradients of −Σ log π / number of written tokens to those of this process's parameters; returns
        that loss, in every process."""
        expect_sequences(self.policy.model, len(rollouts), self.world)
        loss = self._run(rollouts)
        self._add_shared()
        return loss

    @torch.no_grad()
    def loss(self, rollouts: Sequence[Rollout]) -> float:
        """The same loss without gradients, one micro-batch after the other through all stages: not every schedule of
        torch's can run forwards alone."""
        ids_BL, given, count = self._step_of(rollouts)
        model = self.policy.model.get_input_embeddings().weight
        total = 0.0
        for number, ids in enumerate(ids_BL.chunk(count)):
            mine = {name: tensor.chunk(count)[number] for name, tensor in given.items()}
            states = ids
            for stage in range(self.count):
                holder, before = (process_of(n, self.config) for n in (stage, max(0, stage - 1)))
                if holder == self.world.rank:
                    if before != holder:
                        states = torch.empty(*ids.shape, model.shape[1], dtype=model.dtype, device=ids.device)
                        dist.recv(states, before)
                    states = self.modules[self.numbers.index(stage)](states, **mine)
                elif before == self.world.rank:
                    dist.send(states.contiguous(), holder)
            if self.count - 1 in self.numbers:
                total -= float(states.sum())
        return math.fsum(self.world.gather(total))

    def clip(self, most: float | None) -> float:
        """Scale the gradients of all stages to a common norm of at most ``most``; returns the norm they had."""
        mine = [p for p in self.policy.model.parameters() if p.grad is not None]
        own = [p.grad for p in mine if home_of(p).held[0] == self.world.rank]  # type: ignore[union-attr]
        square = float(torch.nn.utils.get_total_norm(own)) ** 2 if own else 0.0
        norm = math.sqrt(sum(self.world.gather(square)))
        if most is not None and math.isfinite(norm):
            torch.nn.utils.clip_grads_with_norm_(mine, most, torch.tensor(norm, device=self.policy.device))
        return norm

    # -- inside ------------------------------------------------------------------------------------------------------

    def _run(self, rollouts: Sequence[Rollout]) -> float:
        ids_BL, given, count = self._step_of(rollouts)
        schedule = self._schedule(count, tuple(ids_BL.shape))
        losses: list[Tensor] = []
        args = [ids_BL] if 0 in self.numbers else []
        last = self.count - 1 in self.numbers
        how: dict[str, Any] = {"target": given["weights"], "losses": losses} if last else {}
        if "return_outputs" in inspect.signature(schedule.step).parameters:
            how["return_outputs"] = False
        schedule.step(*args, **how, **given)
        total = float(torch.stack([loss.detach() for loss in losses]).sum()) if losses else 0.0
        return math.fsum(self.world.gather(total))

    def _step_of(self, rollouts: Sequence[Rollout]) -> tuple[Tensor, dict[str, Tensor], int]:
        """Token ids, what every stage is given beside them, and the number of micro-batches that divides the rows."""
        tokens = sum(rollout.tokens_written for rollout in rollouts)
        batch, targets_BL, weights_BL = self._tensors(rollouts)
        rows, length = batch.ids_BL.shape
        count = micro_batches(rows, length, self.budget, self.config)
        fill = -rows % count
        lengths_B1 = torch.tensor([len(r.prompt_ids) + len(r.token_ids) - 1 for r in rollouts])[:, None]
        valid_BL = (torch.arange(length) < lengths_B1).to(batch.ids_BL.device)
        given: dict[str, Tensor] = {"targets": _filled(targets_BL, fill), "weights": _filled(weights_BL, fill) / tokens}
        given["valid"] = _filled(valid_BL, fill) if rows == len(rollouts) else torch.ones_like(given["targets"]).bool()
        if batch.attention_B1LL is not None:
            assert batch.positions_BL is not None
            given["attention"] = _filled(batch.attention_B1LL, fill, repeat=True)
            given["positions"] = _filled(batch.positions_BL, fill)
        return _filled(batch.ids_BL, fill, repeat=True), given, count

    def _schedule(self, count: int, shape: tuple[int, ...]) -> Any:
        """The schedule for a shape, made when it is first seen."""
        from torch.distributed.pipelining import PipelineStage
        from torch.distributed.pipelining.schedules import PipelineScheduleMulti, get_schedule_class

        key = (count, *shape)
        if key not in self._schedules:
            logging.getLogger(LOGGER).setLevel(logging.CRITICAL)
            stages = [
                PipelineStage(module, number, self.count, self.policy.device, **self._shapes(module, count, shape))
                for module, number in zip(self.modules, self.numbers, strict=True)
            ]
            kind = get_schedule_class(CLASSES[self.config.schedule])
            several = issubclass(kind, PipelineScheduleMulti)
            self._schedules[key] = kind(
                stages if several else stages[0], count, loss_fn=_negative_sum, scale_grads=False
            )
        return self._schedules[key]

    def _shapes(self, module: StageModule, count: int, shape: tuple[int, ...]) -> dict[str, Any]:
        """What goes into a stage and comes out for one micro-batch: told, so that it is not found out by running it."""
        rows, length = shape[0] // count, shape[1]
        model = self.policy.model
        embedding = model.get_input_embeddings().weight
        ids = torch.zeros(rows, length, dtype=torch.long, device="meta")
        states = torch.zeros(rows, length, embedding.shape[1], dtype=embedding.dtype, device="meta", requires_grad=True)
        logps = torch.zeros(rows, length, device="meta", requires_grad=True)
        return {"input_args": ids if module.first else states, "output_args": logps if module.last else states}

    def _tensors(self, rollouts: Sequence[Rollout]) -> tuple[TokenBatch, Tensor, Tensor]:
        """The rows, and by the token that predicts it: the target, and 1 where it is learned from."""
        prompts, completions = [r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts]
        if self.pack:
            longest = max(len(p) + len(c) for p, c in zip(prompts, completions, strict=True))
            batch = make_rows_packed(prompts, completions, max(self.pack, longest), "cpu")
        else:
            batch = make_batch(prompts, completions, "cpu")
        written_RT = written_mask(rollouts, batch.targets_RT.shape[1], batch.ids_BL.device) * batch.mask_RT
        targets_BL = torch.zeros_like(batch.ids_BL)
        weights_BL = torch.zeros(batch.ids_BL.shape)
        mask_RT = batch.mask_RT
        places = batch.pack_N, batch.before_RT[mask_RT]
        targets_BL[places] = batch.targets_RT[mask_RT]
        weights_BL[places] = written_RT[mask_RT].float()
        wide = -batch.ids_BL.shape[1] % self.round_to
        return (
            _widened(batch, wide).to(self.policy.device),
            torch.nn.functional.pad(targets_BL, (0, wide)).to(self.policy.device),
            torch.nn.functional.pad(weights_BL, (0, wide)).to(self.policy.device),
        )

    def _add_shared(self) -> None:
        """A tied embedding is at both ends: each has the sum of both gradients."""
        for group, held, parameters in self.groups:
            if self.world.rank in held:
                for parameter in parameters:
                    if parameter.grad is None:
                        parameter.grad = torch.zeros_like(parameter)
                    dist.all_reduce(parameter.grad, group=group)


def _negative_sum(logps: Tensor, weights: Tensor) -> Tensor:
    """The loss of a micro-batch; the last stage has applied the weights already."""
    return -logps.sum()


def _widened(batch: TokenBatch, by: int) -> TokenBatch:
    """Right padding that nothing looks at."""
    pad: Callable[..., Tensor] = torch.nn.functional.pad
    batch.ids_BL = pad(batch.ids_BL, (0, by))
    if batch.attention_B1LL is not None and batch.positions_BL is not None:
        length = batch.attention_B1LL.shape[-1]
        batch.attention_B1LL = pad(batch.attention_B1LL, (0, by, 0, by))
        for place in range(length, length + by):  # a row that sees nothing is NaN on some back-ends
            batch.attention_B1LL[..., place, place] = True
        batch.positions_BL = pad(batch.positions_BL, (0, by))
    return batch


def _filled(tensor: Tensor, rows: int, repeat: bool = False) -> Tensor:
    """With so many further rows: of zeros, or the first one again."""
    if not rows:
        return tensor
    more = tensor[:1].expand(rows, *tensor.shape[1:]) if repeat else tensor.new_zeros(rows, *tensor.shape[1:])
    return torch.cat([tensor, more])
