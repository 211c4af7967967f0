"""GRPO, whole: rollout → score → advantage → loss → step. Read :meth:`GRPO.step` first.

Departures from the textbook, each exact or stated:

- Samples without a reward (undecided) are in no mean, in no denominator, and get no gradient.
- Rows with advantage 0 are not run through the model: their gradient is 0. With a KL loss, an entropy bonus or local
  means they are.
- On the first update of a batch the policy is the one that sampled: π_old is π without gradient, no extra forward.
- Denominators are those of the whole optimizer step, whatever the micro-batches (except ``bnpo``, which is local).
- The head runs on completion tokens only; log-softmax is in float32; masks are made from lengths.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from veritune.plugins import Text
from veritune.trainer.config import RunConfig
from veritune.trainer.data.batching import pad, placed, split, written_mask
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Source
from veritune.trainer.objective.advantages import advantages, with_signal
from veritune.trainer.objective.entropy import EntropyControl
from veritune.trainer.objective.losses import (
    LossBatch,
    LossParts,
    entropy_threshold,
    kl_estimate,
    policy_loss,
    row_weights,
)
from veritune.trainer.observe.metrics import Clock, peak_memory
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.experts.routing import load_metrics
from veritune.trainer.policy.logprobs import EntropyMode
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.optimization import BadSteps, gradient_step, make_optimizer, set_lr
from veritune.trainer.policy.passes import Passes
from veritune.trainer.policy.reference import make_reference
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.rollout.scoring import batch_metrics, component_tensors, reward_tensor
from veritune.trainer.stages.batch import Batch
from veritune.trainer.stages.curriculum import make_curriculum
from veritune.trainer.stages.draws_ahead import DrawsAhead
from veritune.trainer.stages.future_loss import FutureLoss
from veritune.trainer.stages.interface import Context, Records
from veritune.trainer.stages.progress import Progress


class GRPO(DrawsAhead):
    """The reinforcement stage. ``step`` does one step and returns its metrics; ``batch`` holds what it saw."""

    def __init__(
        self,
        config: RunConfig,
        policy: Policy,
        drawing: Drawing,
        source: Source,
        encode: Callable[[Text], list[int]],
        generator: torch.Generator,
        progress: Progress,
        world: World | None = None,
    ) -> None:
        self.run, self.config = config, config.grpo
        self.entropy = EntropyControl(config.grpo.objective)
        self.objective = self.entropy.objective()
        self.policy, self.model = policy, policy.model
        self.drawing, self.rewards, self.world = drawing, drawing.rewards, world or drawing.world
        self.source, self.encode, self.generator, self.progress = source, encode, generator, progress
        self.reference = make_reference(config, policy, self.world) if self.objective.beta > 0 else None
        self.passes = Passes(config, policy, self.reference, self.world)
        self.optimizer = make_optimizer(self.model, self.config)
        self.batch = Batch()
        self.bad_steps = BadSteps(self.config.bad_steps)
        self.clock = Clock()
        self.curriculum = make_curriculum(config, source)
        self.begin_ahead()

    @classmethod
    def begin(cls, context: Context) -> GRPO:
        drawing, source = context.drawing, context.inputs.source
        assert drawing is not None and source is not None  # noqa: PT018
        given = context.encode, context.generator, context.progress
        made = cls(context.config, context.policy, drawing, source, *given, context.world)
        made.asked_to_end = context.asked_to_end
        return made

    @property
    def steps(self) -> int:
        return self.config.steps

    def step(self) -> dict[str, float]:
        """One step: rollouts are drawn and scored, advantages computed, the policy updated."""
        self.clock = Clock()
        self.objective = self.entropy.objective()
        batch, stale = self.next_batch()
        self.batch, self.progress.position = batch, batch.position
        with self.clock.phase("advantage"):
            batch.advantages_PG = self.advantages(batch)
        with self.clock.phase("update"):
            updates = self.update(batch)
        self.progress.step += 1
        drawn = batch_metrics(batch.rollouts, batch.scores, self._signal(batch.rewards_PG), self.rewards.aliases)
        drawn["groups_drawn"] = float(batch.drawn)
        metrics = {**batch.logged, **drawn, **stale, **updates, **load_metrics(self.model), **self.clock.metrics()}
        seconds = sum(self.clock.seconds.values())
        metrics["seconds"] = seconds
        metrics["tokens_per_second"] = sum(r.tokens_written for r in batch.rollouts) / max(seconds, 1e-9)
        metrics["peak_memory_mib"] = peak_memory(self.policy.device)
        if self.reference is not None:
            every, ema = self.config.reference_every, self.config.reference_ema
            self.reference.follow(self.model, self.progress.step, every, ema)
        if self.entropy.target is not None:
            metrics["entropy_bonus"] = self.objective.entropy_bonus
            self.entropy.see(metrics["entropy"])
        return metrics if self.curriculum is None else {**metrics, **self.curriculum.commit()}

    def state(self, keep: bool) -> dict[str, Any]:
        return {
            "entropy": self.entropy.state(),
            "curriculum": None if self.curriculum is None else self.curriculum.state(),
            "in_flight": self.in_flight(),
        }

    def restore(self, state: Any) -> None:
        if isinstance(state, dict):
            self.entropy.restore(state["entropy"])
            if self.curriculum is not None:
                self.curriculum.restore(state["curriculum"])
            self.go_on_with(state.get("in_flight"))

    def records(self) -> Records:
        return self.batch.records(self.rewards.aliases, self.name, self.progress.step)

    # -- rollout and score -----------------------------------------------------------------------------------------

    def draw(self, step: int | None = None, clock: Clock | None = None) -> Batch:
        """The groups of a step with their scores; with dynamic sampling, drawn until enough have signal or the rounds
        are used. With ``staleness`` from another thread, perhaps, and before the step."""
        step, clock = self.progress.step if step is None else step, clock or self.clock
        samples, wanted = self.config.samples, self.config.prompts
        batch = self.draw_groups(wanted, step, clock)
        if not self.config.dynamic_sampling:
            batch.rewards_PG, batch.position = reward_tensor(batch.scores, samples), self.position
            return batch
        kept, spare = Batch(drawn=batch.drawn, logged=batch.logged), Batch()
        for _ in range(self.config.max_draws):
            signal_P = self._signal(reward_tensor(batch.scores, samples)).tolist()
            kept.take(batch, [p for p, signal in enumerate(signal_P) if signal][: wanted - len(kept.rows)], samples)
            spare.take(batch, [p for p, signal in enumerate(signal_P) if not signal], samples)
            if len(kept.rows) == wanted or kept.drawn == wanted * self.config.max_draws:
                break
            batch = self.draw_groups(wanted, step, clock)
            kept.add_logged(batch)
        if not kept.rows:
            kept.take(spare, range(min(wanted, len(spare.rows))), samples)
        kept.rewards_PG, kept.position = reward_tensor(kept.scores, samples), self.position
        return kept

    # -- advantage -------------------------------------------------------------------------------------------------

    def advantages(self, batch: Batch) -> Tensor:
        """(groups, samples), NaN where undecided."""
        rewards_PG = batch.rewards_PG
        if self.objective.beta > 0 and self.objective.kl_in == "reward":
            rewards_PG = rewards_PG - self.objective.beta * self._sequence_kl(batch).view_as(rewards_PG)
        if not self.objective.per_component:
            return advantages(rewards_PG, self.objective)
        weights = self.rewards.weights(self.progress.step)
        components, weights_K = component_tensors(batch.scores, self.config.samples, weights)
        return advantages(rewards_PG, self.objective, components, weights_K)

    @torch.no_grad()
    def _sequence_kl(self, batch: Batch) -> Tensor:
        """(N,) Σ_t KL estimate of every rollout, for the KL in the reward."""
        found: dict[int, float] = {}
        for rows in self.passes.cuts(batch.rollouts, range(len(batch.rollouts))):
            logps_BT, _ = self.passes.policy([batch.rollouts[r] for r in rows])
            reference_BT = self.passes.reference([batch.rollouts[r] for r in rows])
            found.update(zip(rows, kl_estimate(logps_BT, reference_BT, self.objective.kl).sum(1).tolist(), strict=True))
        everywhere = {row: kl for part in self.world.gather(found) for row, kl in part.items()}
        return torch.tensor([everywhere[row] for row in range(len(batch.rollouts))])

    # -- loss and step ---------------------------------------------------------------------------------------------

    def update(self, batch: Batch) -> dict[str, float]:
        """All optimizer steps on one batch."""
        advantages_N = batch.advantages_PG.flatten()
        counted = [
            row
            for row, (rollout, advantage) in enumerate(zip(batch.rollouts, advantages_N.tolist(), strict=True))
            if not math.isnan(advantage) and not (self.config.mask_truncated and rollout.truncated)
        ]
        lr = set_lr(self.optimizer, self.config, self.progress.step, self.config.steps)
        self.future = FutureLoss(self.run.model.mtp, self.progress.step, self.config.steps)
        parts = split(counted, self.config.minibatches)
        old, threshold = self._before_update(batch, advantages_N, parts)
        sums: dict[str, Any] = defaultdict(float)
        extremes: list[Any] = [torch.ones((), device=self.policy.device)] * 2
        norms: list[float] = []
        total = 0.0
        left = len(parts) * self.config.updates
        for _ in range(self.config.updates):
            for rows in parts:
                self.draw_ahead(self.version(1) - left)
                left -= 1
                losses = self._accumulate(batch, advantages_N, rows, old, threshold, sums, extremes)
                norm = gradient_step(self.model, self.optimizer, self.config.clip_norm) if losses is not None else None
                self.bad_steps.watch(
                    norm is not None,
                    f"step {self.progress.step}",
                    f"lower grpo.lr, or look at the last completions in {self.drawing.folder}",
                )
                norms += [] if norm is None else [norm]
                total += losses or 0.0
        sums = {**self.world.sum({name: float(value) for name, value in sums.items()}), "loss": total}
        found = self.world.gather([float(value) for value in extremes])
        extremes = [min(low for low, _ in found), max(high for _, high in found)]
        return self._update_metrics(sums, extremes, norms, len(parts) * self.config.updates, lr)

    def _accumulate(
        self,
        batch: Batch,
        advantages_N: Tensor,
        counted: Sequence[int],
        old: dict[int, Tensor],
        threshold: float,
        sums: dict[str, Any],
        extremes: list[Any],
    ) -> float | None:
        """Gradients of one optimizer step, over micro-batches and processes; None where the loss is not finite.

        Nothing here reads a number from the device before the last micro-batch is launched: a GPU never waits.
        """
        lengths_N = torch.tensor([batch.rollouts[r].tokens_written for r in counted])
        found = row_weights(self.objective, lengths_N, self.run.sampling.max_tokens).tolist()
        weights, advantages = dict(zip(counted, found, strict=True)), advantages_N.tolist()
        trained = [r for r in counted if self._every_row or advantages[r] != 0]
        cuts = self.passes.cuts(batch.rollouts, trained)
        everybody = sum(self.world.gather(sum(map(bool, cuts)))) if self.objective.aggregate == "micro_batch" else 0
        tokens = sum(batch.rollouts[r].tokens_written for r in trained)
        losses: list[Tensor] = []
        for rows in self.world.passes(self.model, cuts):
            rollouts = [batch.rollouts[r] for r in rows]
            if not rows:
                self._idle()
                continue
            weights_B = torch.tensor([weights[r] for r in rows])
            if self.objective.aggregate == "micro_batch":
                own = sum(r.tokens_written for r in rollouts)
                weights_B = torch.full((len(rows),), 1.0 / (max(own, 1) * everybody))
            loss, sums_D = self._micro_batch(rollouts, rows, advantages_N[rows], weights_B, old, threshold, sums)
            losses.append(loss.loss.detach())
            self.world.backward(loss.loss + self.future.part(sums_D, tokens))
            # a ratio that is no number is left out
            extremes[:] = torch.fmin(extremes[0], loss.ratio_min), torch.fmax(extremes[1], loss.ratio_max)
            sums["trained_rows"] += len(rows)
        total = sum(self.world.gather(sum(torch.stack(losses).tolist()) if losses else 0.0))
        if not math.isfinite(total + self.future.gathered(self.world, tokens)):
            self.optimizer.zero_grad(set_to_none=True)
            return None
        if trained:
            self.world.sum_gradients(self.model)
        return total

    def _micro_batch(
        self,
        rollouts: Sequence[Rollout],
        rows: Sequence[int],
        advantages_B: Tensor,
        weights_B: Tensor,
        old: dict[int, Tensor],
        threshold: float,
        sums: dict[str, Any],
    ) -> tuple[LossParts, Tensor | None]:
        """The policy's loss, and what multi-token prediction adds."""
        device = self.policy.device
        logps_BT, entropy_BT, sums_D = self.passes.with_future(rollouts, self._entropy_mode)
        width = logps_BT.shape[1]
        mask_BT = written_mask(rollouts, width, device)
        sampler_BT = pad([r.logprobs for r in rollouts], width, device)
        old_BT = self._old(rows, rollouts, old, logps_BT)
        reference_BT = self.passes.reference(rollouts) if self._kl_in_loss else None
        keep_BT = None
        if entropy_BT is not None and self.objective.top_entropy < 1:
            keep_BT = (entropy_BT.detach() >= threshold).float()
        loss_batch = LossBatch(
            logps_BT=logps_BT,
            advantages_B=placed(advantages_B, device),
            mask_BT=mask_BT,
            weights_B=placed(weights_B, device),
            old_BT=old_BT,
            sampler_BT=sampler_BT,
            reference_BT=reference_BT,
            entropy_BT=entropy_BT,
            keep_BT=keep_BT,
        )
        parts = policy_loss(loss_batch, self.objective)
        sums["tokens"] += mask_BT.sum()
        before_BT = logps_BT.detach() if old_BT is None else old_BT
        sums["mismatch"] += ((before_BT - sampler_BT).abs() * mask_BT).sum()
        if entropy_BT is not None:
            sums["entropy"] += (entropy_BT.detach() * mask_BT).sum()
        for name, value in parts.sums.items():
            sums[name] += value
        return parts, sums_D

    def _before_update(
        self, batch: Batch, advantages_N: Tensor, parts: Sequence[Sequence[int]]
    ) -> tuple[dict[int, Tensor], float]:
        """Log-probs of rows that are first trained on after the policy has moved, and the entropy to reach.

        The first minibatch needs no pass of its own: its log-probs are kept when it is trained on.
        """
        masked = self.objective.top_entropy < 1
        whole = masked or self._every_row  # the share is of all tokens, whatever their advantage
        later = [[r for r in part if whole or advantages_N[r] != 0] for part in parts[not masked :]]
        old: dict[int, Tensor] = {}
        entropies: list[Tensor] = []
        cuts = [cut for part in later for cut in self.passes.cuts(batch.rollouts, part)]
        for rows in self.world.passes(self.model, cuts):
            rollouts = [batch.rollouts[r] for r in rows]
            with torch.no_grad():
                logps_BT, entropy_BT = self.passes.policy(rollouts, "metric" if masked else "none")
            old.update({row: logps_BT[i, : len(batch.rollouts[row].token_ids)] for i, row in enumerate(rows)})
            if entropy_BT is not None and rows:
                entropies.append(entropy_BT[written_mask(rollouts, entropy_BT.shape[1], entropy_BT.device).bool()])
        entropies = [e for part in self.world.gather([e.cpu() for e in entropies]) for e in part]
        threshold = entropy_threshold(torch.cat(entropies), self.objective.top_entropy) if entropies else -math.inf
        return old, threshold

    def _idle(self) -> None:
        """What a process without rows does while others train with a sharded model: the same passes, for nothing."""
        logps_BT, _, sums_D = self.passes.with_future([], self._entropy_mode)
        if self._kl_in_loss:
            self.passes.reference([])
        self.world.backward(logps_BT.sum() + self.future.part(sums_D, 1))

    def _old(
        self, rows: Sequence[int], rollouts: Sequence[Rollout], old: dict[int, Tensor], logps_BT: Tensor
    ) -> Tensor | None:
        """(B, T) log π_old; None (and kept for later passes) where the policy is still the one that sampled."""
        if all(row in old for row in rows):
            width = logps_BT.shape[1]
            return torch.stack([torch.nn.functional.pad(old[r], (0, width - len(old[r]))) for r in rows])
        if self.config.updates > 1 or self.config.minibatches > 1:
            for row, rollout, logps_T in zip(rows, rollouts, logps_BT.detach(), strict=True):
                old[row] = logps_T[: len(rollout.token_ids)]
        return None

    def _signal(self, rewards_PG: Tensor) -> Tensor:
        return with_signal(rewards_PG, self.objective.baseline)

    @property
    def _every_row(self) -> bool:
        """Whether rows with advantage 0 have a gradient too."""
        local_mean = self.objective.aggregate == "micro_batch"  # over whatever rows stand beside
        return self._kl_in_loss or self.objective.entropy_bonus > 0 or local_mean

    @property
    def _kl_in_loss(self) -> bool:
        return self.objective.beta > 0 and self.objective.kl_in == "loss"

    @property
    def _entropy_mode(self) -> EntropyMode:
        if self.objective.entropy_bonus > 0:
            return "gradient"
        wanted = self.config.entropy or self.objective.top_entropy < 1 or self.objective.entropy_target is not None
        return "metric" if wanted else "none"

    # -- metrics ---------------------------------------------------------------------------------------------------

    def _update_metrics(
        self, sums: dict[str, float], extremes: Sequence[float], norms: Sequence[float], updates: int, lr: float
    ) -> dict[str, float]:
        tokens = max(sums.pop("tokens", 0.0), 1.0)
        rows = len(self.batch.rollouts) * self.config.updates
        metrics = {
            "loss": sums.pop("loss", 0.0) / max(updates, 1),
            "grad_norm": sum(norms) / len(norms) if norms else math.nan,
            "skipped_updates": float(updates - len(norms)),
            "trained_share": sums.pop("trained_rows", 0.0) / max(rows, 1),
            "ratio_min": extremes[0],
            "ratio_max": extremes[1],
            "lr": lr,
        }
        unseen = dict.fromkeys(["mismatch", "approx_kl", "clip_low", "clip_high"], math.nan)  # of a step without signal
        unseen |= {"entropy": math.nan} if self._entropy_mode != "none" else {}
        unseen |= {"kl": math.nan} if self._kl_in_loss else {}
        found = {**metrics, **unseen, **{name: value / tokens for name, value in sums.items()}}
        return {**found, **self.future.metrics()}
