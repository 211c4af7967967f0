"""Supervised fine-tuning: cross-entropy on the assistant's tokens of rows to imitate. Cold start, black-box
distillation, and what follows a selection of the policy's own completions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from veritune.plugins import ConfigError, DataError, VerituneError
from veritune.trainer.config import SFTConfig, SFTRunConfig
from veritune.trainer.data.conversation_tokens import ConversationEncoder
from veritune.trainer.data.conversations import TURNS, load_conversations, summary
from veritune.trainer.data.packing import why_unpacked
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import FileSource, Mixture, Row, Source, TaskSource
from veritune.trainer.observe.metrics import Clock, peak_memory
from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.experts.routing import load_metrics
from veritune.trainer.policy.fused import takes_rows_unpadded
from veritune.trainer.policy.logprobs import HEADS
from veritune.trainer.policy.models import Policy, positions_of
from veritune.trainer.policy.optimization import BadSteps, gradient_step, make_optimizer, set_lr
from veritune.trainer.policy.passes import Passes
from veritune.trainer.policy.pipeline.step import Pipeline
from veritune.trainer.stages.future_loss import FutureLoss
from veritune.trainer.stages.inputs import read_inputs, with_steps
from veritune.trainer.stages.interface import Context, Inputs, Records, Say
from veritune.trainer.stages.policy_stage import PolicyStage
from veritune.trainer.stages.preflight import numbered_rows
from veritune.trainer.stages.progress import Progress
from veritune.trainer.stages.supervised import has_rewards
from veritune.trainer.stages.warmup import check_habits, current_habit

LEAST_LEFT = 1000
"""So many rows in a row that are too long end the run."""


@dataclass
class Imitated:
    """The rows of a run: those to learn from, and those whose loss is measured."""

    train: Source
    held_out: Source | None
    dropped: Counter[str] = field(default_factory=Counter)


class SFT(PolicyStage):
    """The stage. ``step`` does one step and returns its metrics."""

    name, title, config_type = "sft", "SFT", SFTRunConfig
    pipelines = True
    optimizer: torch.optim.Optimizer

    def __init__(
        self,
        config: SFTRunConfig,
        policy: Policy,
        rows: Imitated,
        encode: PromptEncoder,
        progress: Progress,
        world: World = ALONE,
    ) -> None:
        self.run, self.config, self.progress, self.world = config, config.sft, progress, world
        self.policy, self.model, self.rows = policy, policy.model, rows
        self.encode = ConversationEncoder(encode, policy.eos_ids)
        self.longest = longest(config.sft, policy.model)
        self.passes = Passes(config, policy, None, world, temperature=1.0)
        self.optimizer = make_optimizer(policy.model, config.sft)
        self.bad_steps = BadSteps(config.sft.bad_steps)
        self.pipeline = None if world.pipeline is None else self._pipeline(policy, world)

    # -- before there are steps ------------------------------------------------------------------------------------

    @classmethod
    def read(cls, config: SFTRunConfig, world: World, say: Say) -> Inputs:
        inputs = read_inputs(config, world, say, prompts=False, scored=has_rewards(config))
        rows = inputs.own = read_rows(config, inputs, say)
        inputs.config = with_steps(config, rows.train, cls.name, config.sft.batch)
        return inputs

    @classmethod
    def numbers(cls, inputs: Inputs) -> list[str]:
        return [*super().numbers(inputs), *(["loss"] if inputs.own.held_out is not None else [])]

    @classmethod
    def check_model(cls, inputs: Inputs, policy: Policy, encode: PromptEncoder, say: Say) -> None:
        super().check_model(inputs, policy, encode, say)
        config, encoder = inputs.config.sft, ConversationEncoder(encode, policy.eos_ids)
        reason = why_unpacked(policy.model) if config.packing and inputs.config.distributed.pipeline is None else None
        with policy.autocast():
            unpadded = reason is not None and takes_rows_unpadded(policy.model, policy.device)
        if reason is not None and not unpadded:
            say(f"sft.packing: rows are padded, not packed: {reason}")
        for what, source in (("sft.train", inputs.own.train), ("sft.eval", inputs.own.held_out)):
            if source is not None:
                check_rows(source, encoder, config, longest(config, policy.model), what, say)

    @classmethod
    def begin(cls, context: Context) -> SFT:
        rows: Imitated = context.inputs.own
        return cls(context.config, context.policy, rows, context.encode, context.progress, context.world)

    # -- steps -----------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        return self.config.steps

    def step(self) -> dict[str, float]:
        """Loss = −Σ log π(assistant token) / number of assistant tokens in the step's rows; with multi-token prediction
        λ times the modules' added, as a metric apart."""
        clock = Clock()
        with clock.phase("update"):
            lr = set_lr(self.optimizer, self.config, self.progress.step, self.config.steps)
            rollouts = self.take(self.config.batch)
            future = FutureLoss(self.run.model.mtp, self.progress.step, self.config.steps)
            loss = self.backward(rollouts, future)
            norm = None if loss is None else self._gradient_step()
        self.progress.step += 1
        self.bad_steps.watch(norm is not None, f"SFT step {self.progress.step}", "lower sft.lr or sft.clip_norm")
        tokens = sum(rollout.tokens_written for rollout in rollouts)
        seconds = sum(clock.seconds.values())
        return {
            "loss": math.nan if loss is None else loss,
            "grad_norm": math.nan if norm is None else norm,
            **future.metrics(),
            "lr": lr,
            "tokens": float(tokens),
            "epoch": self._epoch(),
            **load_metrics(self.model),
            **clock.metrics(),
            "seconds": seconds,
            "tokens_per_second": tokens / max(seconds, 1e-9),
            "peak_memory_mib": peak_memory(self.policy.device),
        }

    def take(self, count: int) -> list[Rollout]:
        """The next rows of the data that are not too long, as tokens; a conversation may be several sequences."""
        found: list[Rollout] = []
        left_out = 0
        while count:
            row = self._row(self.rows.train, self.progress.position, self.progress.step)
            self.progress.position += 1
            sequences = [each for each in self.encode(row) if length(each) <= self.longest]
            if sequences:
                found += sequences
                count, left_out = count - 1, 0
                continue
            left_out += 1
            if left_out == LEAST_LEFT:
                raise DataError(f"{left_out} rows in a row are longer than {self.longest:.0f} tokens (sft.max_tokens)")
        return found

    def backward(self, rollouts: Sequence[Rollout], future: FutureLoss | None = None) -> float | None:
        """Gradients of the loss, over micro-batches and processes; None where it is not finite. The value is without
        that of multi-token prediction."""
        if self.pipeline is not None:
            return self._finite(self.pipeline.backward(rollouts))
        future = future or FutureLoss(self.run.model.mtp, self.progress.step, self.config.steps)
        tokens = sum(rollout.tokens_written for rollout in rollouts)
        total = 0.0
        for rows in self.world.passes(self.model, self.passes.cuts(rollouts, range(len(rollouts)))):
            logps_BT, _, sums_D = self.passes.with_future([rollouts[row] for row in rows])
            loss = -logps_BT.sum() / tokens
            total += float(loss.detach())
            self.world.backward(loss + future.part(sums_D, tokens))
        summed = sum(self.world.gather(total))
        found = self._finite(summed, future.gathered(self.world, tokens))
        if found is not None:
            self.world.sum_gradients(self.model)
        return found

    def _finite(self, loss: float, more: float = 0.0) -> float | None:
        if math.isfinite(loss + more):
            return loss
        self.optimizer.zero_grad(set_to_none=True)
        return None

    def _gradient_step(self) -> float | None:
        if self.pipeline is None:
            return gradient_step(self.model, self.optimizer, self.config.clip_norm)
        norm = self.pipeline.clip(self.config.clip_norm)  # over all stages
        if not math.isfinite(norm):
            self.optimizer.zero_grad(set_to_none=True)
            return None
        gradient_step(self.model, self.optimizer, None)
        return norm

    def _pipeline(self, policy: Policy, world: World) -> Pipeline:
        section = self.config
        return Pipeline(policy, world, HEADS[section.head], self.passes.budget(), self.passes.row_limit)

    def _row(self, source: Source, position: int, step: int) -> Row:
        """A row with its turns; of a task with a demonstration by the habit of the step."""
        row = source.row(position)
        if not isinstance(source, TaskSource):
            return row
        habit = current_habit(self.config.habits, step, self.config.steps)
        text = source.task.demonstration(row.columns, source.random(position, "demonstration"), **habit)
        return Row(row.prompt, {TURNS: [{"role": "assistant", "content": text}]})

    def _epoch(self) -> float:
        source = self.rows.train
        return self.progress.position / len(source.rows) if isinstance(source, FileSource) else math.nan

    # -- evaluation ------------------------------------------------------------------------------------------------

    def evaluate(self, context: Context) -> tuple[dict[str, float], Records] | None:
        """Held-out prompts, drawn and scored, where there are rewards; and the loss of held-out rows."""
        drawn = super().evaluate(context)
        if drawn is None and self.rows.held_out is None:
            return None
        metrics, records = drawn or ({}, [])
        if self.rows.held_out is not None:
            metrics["loss"] = self.held_out_loss(self.rows.held_out, self.run.evaluation.prompts)
        return metrics, records

    @torch.no_grad()
    def held_out_loss(self, source: Source, count: int) -> float:
        """−log π of a token, a mean over the first rows' assistant tokens."""
        if isinstance(source, FileSource):
            count = min(count, len(source.rows))
        rows = [self._row(source, position, self.config.steps - 1) for position in range(count)]
        rollouts = [each for row in rows for each in self.encode(row) if length(each) <= self.longest]
        if self.pipeline is not None:
            return self.pipeline.loss(rollouts) if rollouts else 0.0
        total = 0.0
        for cut in self.passes.cuts(rollouts, range(len(rollouts))):
            logps_BT, _ = self.passes.policy([rollouts[row] for row in cut])
            total -= float(logps_BT.sum())
        return sum(self.world.gather(total)) / max(1, sum(rollout.tokens_written for rollout in rollouts))


def length(rollout: Rollout) -> int:
    return len(rollout.prompt_ids) + len(rollout.token_ids)


def longest(config: SFTConfig, model: object) -> float:
    """The most tokens of a row."""
    return min(config.max_tokens or math.inf, positions_of(model) or math.inf)


def read_rows(config: SFTRunConfig, inputs: Inputs, say: Say) -> Imitated:
    """The rows that the config names. Raises ConfigError, DataError, ColumnError."""
    section, dropped = config.sft, Counter[str]()

    def read(path: str, what: str) -> list[Row]:
        rows, left_out = load_conversations(path, config.data, section)
        dropped.update(left_out)
        if left_out:
            say(summary(left_out, len(rows) + sum(left_out.values()), what))
        return rows

    train = section.train or config.data.train
    held_out: Source | None = None
    if section.eval is not None:
        held_out = FileSource(read(section.eval, "sft.eval"), config.seed, shuffle=False)
    if train is None:
        assert inputs.task is not None
        source = TaskSource(inputs.task, config.seed)
        check_habits(source, section.habits, "sft")
        return Imitated(source, held_out or TaskSource(inputs.task, 0, held_out=True), dropped)
    if section.habits:
        raise ConfigError("sft.habits are of a task; demonstrations of a file are its rows")
    if isinstance(train, str):
        return Imitated(FileSource(read(train, "sft.train"), config.seed), held_out, dropped)
    files = [read(path, f"sft.train {path}") for path in train]
    return Imitated(Mixture(files, list(train.values()), config.seed), held_out, dropped)


def check_rows(
    source: Source, encoder: ConversationEncoder, config: SFTConfig, limit: float, what: str, say: Say
) -> None:
    """Every row (of a large file a sample) as tokens. Raises DataError naming the row, ConfigError where none is short
    enough; says how many are left out."""
    if isinstance(source, TaskSource):
        return
    count, long = 0, 0
    for number, row in numbered_rows(source):
        try:
            sequences = encoder(row)
        except (VerituneError, ValueError, TypeError) as error:
            raise DataError(f"{what}, row {number}: {error}") from error
        count += 1
        long += any(length(each) > limit for each in sequences)
    if long == count:
        raise ConfigError(f"{what}: every row is longer than {limit:.0f} tokens; raise sft.max_tokens")
    if long:
        say(f"{what}: {long} of {count} rows are longer than {limit:.0f} tokens and left out")
