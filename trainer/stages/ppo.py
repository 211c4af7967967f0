"""PPO, whole: rollout → score → values → advantages → losses → step. Read :meth:`PPO.step` first.

- A token's reward is −β times its KL to the reference; the last token has the completion's reward too. What a
  completion is still worth after its last token is 0 where it ended, and the value model's own estimate where it was
  cut off (``truncated`` says otherwise).
- Samples without a reward (undecided) are in no mean, in no denominator, and get no gradient.
- Advantages are whitened over the tokens of the whole step, and denominators are those of the whole optimizer step,
  whatever the micro-batches and processes.
- π_old and V_old are the trainer's own, computed once before the first update.
- One optimizer moves policy and value model; their gradients are clipped apart.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from veritune.plugins import ConfigError
from veritune.trainer.config.ppo import PPORunConfig
from veritune.trainer.data.batching import pad, split, written_mask
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.objective.advantages import with_signal
from veritune.trainer.objective.losses import LossBatch, policy_loss
from veritune.trainer.objective.values import (
    explained_variance,
    generalised_advantages,
    token_rewards,
    value_loss,
    whiten,
)
from veritune.trainer.observe.metrics import Clock, peak_memory
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.logprobs import EntropyMode
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.optimization import BadSteps, gradient_step, make_optimizer, set_lr
from veritune.trainer.policy.passes import Passes
from veritune.trainer.policy.reference import make_reference
from veritune.trainer.policy.values import ValueModel, states_size
from veritune.trainer.rollout.scoring import batch_metrics, reward_tensor
from veritune.trainer.stages.batch import Batch, next_prompts, prompt_limit
from veritune.trainer.stages.interface import Context, Inputs, Records, Say
from veritune.trainer.stages.policy_stage import PolicyStage


@dataclass
class Estimates:
    """Of every row of a batch, (N, T), before the first update; rows without a reward are zero."""

    mask_NT: Tensor
    old_NT: Tensor
    kl_NT: Tensor
    values_NT: Tensor
    advantages_NT: Tensor
    returns_NT: Tensor


class PPO(PolicyStage):
    """The stage. ``step`` does one step and returns its metrics; ``batch`` holds what it saw."""

    name, title, config_type = "ppo", "PPO", PPORunConfig
    more_parameters = True
    optimizer: torch.optim.Optimizer

    def __init__(self, context: Context) -> None:
        run: PPORunConfig = context.config
        self.run, self.config, self.objective = run, run.ppo, run.ppo.objective
        self.surrogate = self.objective.surrogate
        self.policy, self.model, self.world = context.policy, context.policy.model, context.world
        self.source, self.encode, self.drawing = context.inputs.source, context.encode, context.drawing
        self.generator, self.progress = context.generator, context.progress
        self.reference = make_reference(run, self.policy, self.world) if self.objective.beta > 0 else None
        self.passes = Passes(run, self.policy, self.reference, self.world)
        self.value = ValueModel(self.policy, self.config.value)
        self.optimizer = make_optimizer(self.model, self.config)
        trained = [p for p in self.value.parameters() if p.requires_grad]
        self.optimizer.add_param_group({"params": trained, "weight_decay": 0.0})
        self.bad_steps = BadSteps(self.config.bad_steps)
        self.batch = Batch()

    @classmethod
    def read(cls, config: PPORunConfig, world: World, say: Say) -> Inputs:
        if world.sharded:
            raise ConfigError("stage: ppo runs in one process or with distributed.strategy: ddp, not fsdp2")
        if config.model.quantize is not None and config.ppo.value == "copy":
            raise ConfigError("ppo.value: a model of few bits is not copied; set ppo.value: head")
        return super().read(config, world, say)

    @classmethod
    def check_model(cls, inputs: Inputs, policy: Policy, encode: PromptEncoder, say: Say) -> None:
        super().check_model(inputs, policy, encode, say)
        states_size(policy.model)

    @classmethod
    def begin(cls, context: Context) -> PPO:
        return cls(context)

    @property
    def steps(self) -> int:
        return self.config.steps

    def state(self, keep: bool) -> Any:
        """The value model; its moments are in the optimizer's state."""
        return self.value.trained_state() if keep else None

    def restore(self, state: Any) -> None:
        self.value.load_trained(state)

    def step(self) -> dict[str, float]:
        """One step: rollouts are drawn and scored, values and advantages estimated, both models updated."""
        clock = Clock()
        batch = self.batch = self.draw(clock)
        rewards_N = batch.rewards_PG.flatten()
        counted = [row for row, reward in enumerate(rewards_N.tolist()) if not math.isnan(reward)]
        with clock.phase("advantage"):
            found = self.estimate(batch, rewards_N, counted)
            rows_N = found.advantages_NT.sum(1) / found.mask_NT.sum(1).clamp(min=1)
            batch.advantages_PG = torch.where(rewards_N.isnan(), math.nan, rows_N).view_as(batch.rewards_PG)
        with clock.phase("update"):
            updates = self.update(batch, found, counted)
        self.progress.step += 1
        signal_P = with_signal(batch.rewards_PG, "none")
        drawn = batch_metrics(batch.rollouts, batch.scores, signal_P, self.aliases)
        seconds = sum(clock.seconds.values())
        metrics = {**batch.logged, **drawn, **updates, **clock.metrics(), "seconds": seconds}
        metrics["tokens_per_second"] = sum(r.tokens_written for r in batch.rollouts) / max(seconds, 1e-9)
        metrics["peak_memory_mib"] = peak_memory(self.policy.device)
        return metrics

    def records(self) -> Records:
        return self.batch.records(self.aliases, self.name, self.progress.step)

    @property
    def aliases(self) -> list[str]:
        assert self.drawing is not None
        return list(self.drawing.rewards.aliases)

    def draw(self, clock: Clock) -> Batch:
        """Completions with their scores."""
        assert self.drawing is not None
        assert self.source is not None
        limit, at, count = prompt_limit(self.run, self.model), self.progress.position, self.config.prompts
        rows, prompts, self.progress.position = next_prompts(self.source, self.encode, at, count, limit)
        samples, step = self.config.samples, self.progress.step
        found = self.drawing.draw(rows, prompts, samples, self.run.sampling, self.generator, step, clock)
        batch = Batch(rows, found.rollouts, found.samples, found.scores, drawn=count, logged=found.logged)
        batch.rewards_PG = reward_tensor(batch.scores, samples)
        return batch

    # -- values and advantages -------------------------------------------------------------------------------------

    @torch.no_grad()
    def estimate(self, batch: Batch, rewards_N: Tensor, counted: Sequence[int]) -> Estimates:
        """Log-probs, values and advantages of all rows, on every process."""
        found: dict[int, tuple[list[float], list[float], list[float]]] = {}
        for rows in self.passes.cuts(batch.rollouts, counted):
            rollouts = [batch.rollouts[r] for r in rows]
            old_BT, _ = self.passes.policy(rollouts)
            kl_BT = old_BT - self.passes.reference(rollouts) if self.reference is not None else old_BT * 0
            values = self.value.values(rollouts)
            found.update(zip(rows, zip(old_BT.tolist(), kl_BT.tolist(), values.tolist(), strict=True), strict=True))
        found = {row: lists for part in self.world.gather(found) for row, lists in part.items()}
        cpu, width = torch.device("cpu"), max(len(r.token_ids) for r in batch.rollouts)
        cut = [found.get(row, ([], [], [])) for row in range(len(batch.rollouts))]
        old_NT, kl_NT = (pad([lists[k][:width] for lists in cut], width, cpu) for k in (0, 1))
        values = pad([lists[2] for lists in cut], width + 1, cpu)
        decided_N1 = ~rewards_N.isnan()[:, None]
        mask_NT = written_mask(batch.rollouts, width, cpu) * decided_N1
        lengths_N = torch.tensor([len(r.token_ids) for r in batch.rollouts])
        after_N = values.gather(1, lengths_N[:, None])[:, 0]
        cut_N, worth = torch.tensor([r.truncated for r in batch.rollouts]), self.objective.truncated
        bootstrap_N = torch.where(cut_N & (worth != "reward"), after_N, 0.0)
        paid_N = torch.where(cut_N & (worth == "bootstrap"), 0.0, rewards_N.nan_to_num(0.0))
        rewards_NT = token_rewards(paid_N, mask_NT, kl_NT, self.objective.beta)
        gamma, lam, values_NT = self.objective.gamma, self.objective.lam, values[:, :width]
        advantages_NT, returns_NT = generalised_advantages(rewards_NT, values_NT, bootstrap_N, mask_NT, gamma, lam)
        if self.objective.whiten:
            advantages_NT = whiten(advantages_NT, mask_NT)
        return Estimates(mask_NT, old_NT, kl_NT * mask_NT, values_NT, advantages_NT, returns_NT)

    # -- losses and step -------------------------------------------------------------------------------------------

    def update(self, batch: Batch, found: Estimates, counted: Sequence[int]) -> dict[str, float]:
        """All optimizer steps on one batch."""
        lr = set_lr(self.optimizer, self.config, self.progress.step, self.config.steps)
        self.optimizer.param_groups[-1]["lr"] = lr * (self.config.value_lr or self.config.lr) / self.config.lr
        parts = split(counted, self.config.minibatches)
        sums: dict[str, float] = defaultdict(float)
        norms: list[tuple[float, float]] = []
        for _ in range(self.config.updates):
            for rows in parts:
                norm = self._optimizer_step() if self._accumulate(batch, found, rows, sums) else None
                self.optimizer.zero_grad(set_to_none=True)
                self.bad_steps.watch(norm is not None, f"PPO step {self.progress.step}", "lower ppo.lr or ppo.value_lr")
                norms += [] if norm is None else [norm]
        return self._metrics(self.world.sum(sums), found, norms, len(parts) * self.config.updates, lr)

    def _accumulate(self, batch: Batch, found: Estimates, rows: Sequence[int], sums: dict[str, float]) -> bool:
        """Gradients of one optimizer step, over micro-batches and processes; whether its loss is finite."""
        tokens, device = max(float(found.mask_NT[list(rows)].sum()), 1.0), self.policy.device
        mode: EntropyMode = "metric" if self.config.entropy else "none"
        mode = "gradient" if self.objective.entropy_bonus > 0 else mode
        total = 0.0
        for cut in self.passes.cuts(batch.rollouts, rows):
            rollouts = [batch.rollouts[r] for r in cut]
            logps_BT, entropy_BT = self.passes.policy(rollouts, mode)
            width = logps_BT.shape[1]
            names = ("mask_NT", "old_NT", "advantages_NT", "values_NT", "returns_NT")
            mask, old, advantages, before, returns = (getattr(found, n)[cut, :width].to(device) for n in names)
            loss_batch = LossBatch(
                logps_BT=logps_BT,
                advantages_B=advantages,
                mask_BT=mask,
                weights_B=torch.full((len(cut),), 1 / tokens, device=device),
                old_BT=old,
                sampler_BT=pad([r.logprobs for r in rollouts], width, device),
                entropy_BT=entropy_BT,
            )
            policy = policy_loss(loss_batch, self.surrogate)
            values_BT = self.value.values(rollouts)[:, :width]
            value_BT, held_BT = value_loss(values_BT, before, returns, mask, self.objective.value_clip)
            loss = policy.loss + self.objective.value_weight * value_BT.sum() / tokens
            self.world.backward(loss)
            total += float(loss.detach())
            sums["tokens"] += float(mask.sum())
            sums["value_loss"] += float(value_BT.detach().sum())
            sums["value_clipped"] += float(held_BT.sum())
            if entropy_BT is not None:
                sums["entropy"] += float((entropy_BT.detach() * mask).sum())
            if loss_batch.sampler_BT is not None:
                sums["mismatch"] += float(((old - loss_batch.sampler_BT).abs() * mask).sum())
            for name, value in policy.sums.items():
                sums[name] += float(value)
        total = sum(self.world.gather(total))
        sums["loss"] += total / self.world.size
        self.world.sum_gradients(self.model)
        self.world.sum_gradients(self.value)
        return math.isfinite(total)

    def _optimizer_step(self) -> tuple[float, float] | None:
        """The norms of both gradients; None where one is not finite, and then nothing has moved."""
        own = [p for p in self.value.parameters() if p.grad is not None]
        clip = math.inf if self.config.clip_norm is None else self.config.clip_norm
        value_norm = float(torch.nn.utils.clip_grad_norm_(own, clip))
        if not math.isfinite(value_norm):
            return None
        norm = gradient_step(self.model, self.optimizer, self.config.clip_norm)
        return None if norm is None else (norm, value_norm)

    def _metrics(
        self, sums: dict[str, float], found: Estimates, norms: Sequence[tuple[float, float]], updates: int, lr: float
    ) -> dict[str, float]:
        tokens, inside = max(sums.pop("tokens", 0.0), 1.0), found.mask_NT > 0
        returns_N, errors_N = found.returns_NT[inside], (found.returns_NT - found.values_NT)[inside]
        moments = [float(x.double().sum()) for x in (returns_N, returns_N**2, errors_N, errors_N**2)]
        means = [sum(pair[k] for pair in norms) / len(norms) if norms else math.nan for k in (0, 1)]
        metrics = {
            "loss": sums.pop("loss", 0.0) / max(updates, 1),
            "grad_norm": means[0],
            "value_grad_norm": means[1],
            "skipped_updates": float(updates - len(norms)),
            "lr": lr,
            "returns": moments[0] / max(len(returns_N), 1),
            "explained_variance": explained_variance(len(returns_N), *moments),
        }
        if self.reference is not None:
            metrics["kl"] = float(found.kl_NT.sum()) / max(len(returns_N), 1)
        return {**metrics, **{name: value / tokens for name, value in sums.items()}}
