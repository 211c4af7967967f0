"""The supervised warm-up: cross-entropy on demonstrations, of a task or of a file's prompt and completion columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from veritune.plugins import ColumnError, ConfigError, Text
from veritune.trainer.config import RunConfig
from veritune.trainer.data.future import future_tokens
from veritune.trainer.data.packing import make_batch
from veritune.trainer.data.prompts import PromptEncoder, without_beginning
from veritune.trainer.data.sources import FileSource, Row, Source, TaskSource, load_rows
from veritune.trainer.observe.metrics import Clock
from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.experts.routing import expect_sequences, load_metrics
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.mtp import logprobs_and_future, mtp_of
from veritune.trainer.policy.optimization import BadSteps, gradient_step, make_optimizer, set_lr
from veritune.trainer.stages.future_loss import FutureLoss
from veritune.trainer.stages.interface import Context, Stage
from veritune.trainer.stages.progress import Progress


class Warmup(Stage):
    """The phase before GRPO. ``step`` does one step and returns its metrics."""

    name, title, config_type = "warmup", "warm-up", RunConfig
    optimizer: torch.optim.Optimizer

    def __init__(
        self,
        config: RunConfig,
        policy: Policy,
        source: Source,
        encode: PromptEncoder,
        progress: Progress,
        world: World = ALONE,
    ) -> None:
        assert config.warmup is not None
        self.config, self.policy, self.encode, self.progress = config.warmup, policy, encode, progress
        self.mtp = config.model.mtp
        self.world = world
        self.source, self.longest = source, config.data.max_prompt_tokens
        self.optimizer = make_optimizer(policy.model, self.config)
        self.bad_steps = BadSteps(config.grpo.bad_steps)

    @classmethod
    def due(cls, config: RunConfig) -> bool:
        return config.warmup is not None

    @classmethod
    def begin(cls, context: Context) -> Warmup:
        source = context.inputs.demonstrations
        assert source is not None
        return cls(context.config, context.policy, source, context.encode, context.progress, context.world)

    @property
    def steps(self) -> int:
        return self.config.steps

    def step(self) -> dict[str, float]:
        """Loss = −Σ log π(demonstration token) / number of tokens in the batch."""
        clock = Clock()
        with clock.phase("update"):
            lr = set_lr(self.optimizer, self.config, self.progress.step, self.config.steps)
            prompts: list[Text] = []
            completions: list[str] = []
            while len(prompts) < self.config.batch:
                row = self.source.row(self.progress.position)
                if self.longest is not None and len(self.encode(row.prompt)) > self.longest:
                    self.progress.position += 1
                    continue
                prompts.append(row.prompt)
                completions.append(without_beginning(self._completion(row), self.encode.begun(row.prompt)))
                self.progress.position += 1
            targets = self._targets(completions)
            tokens = sum(map(len, targets))
            mine = self.world.part(len(targets))
            expect_sequences(self.policy.model, len(targets), self.world)
            future = FutureLoss(self.mtp, self.progress.step, self.config.steps)
            loss = sum(self.world.gather(self._loss(prompts, targets, mine, tokens, future)))
            future.gathered(self.world, tokens)
            self.world.sum_gradients(self.policy.model)
            norm = gradient_step(self.policy.model, self.optimizer, self.config.clip_norm)
        self.progress.step += 1
        finite = norm is not None and math.isfinite(loss)
        self.bad_steps.watch(finite, f"warm-up step {self.progress.step}", "lower warmup.lr or warmup.clip_norm")
        metrics = {"loss": loss, "grad_norm": math.nan if norm is None else norm, "lr": lr, "tokens": float(tokens)}
        return {**metrics, **future.metrics(), **load_metrics(self.policy.model), **clock.metrics()}

    def _loss(
        self, prompts: list[Text], targets: list[list[int]], mine: range, tokens: int, future: FutureLoss
    ) -> float:
        """This process's part of the loss, back-propagated."""
        if not mine and not self.world.sharded:
            return 0.0
        weight = 1 / tokens if mine else 0.0
        mine = mine or range(1)  # without rows it takes part in the passes of a sharded model all the same
        encoded, completions = self.encode.many([prompts[i] for i in mine]), [targets[i] for i in mine]
        batch, modules = make_batch(encoded, completions, "cpu"), mtp_of(self.policy.model)
        batch.prompts_R = batch.prompts_R if weight else None
        sums_D = None
        with self.policy.autocast():
            if modules is None:
                logps_BT, _ = completion_logprobs(self.policy.model, batch.to(self.policy.device))
            else:
                given = future_tokens(batch, encoded, completions, modules.depth).to(self.policy.device)
                batch = batch.to(self.policy.device)
                logps_BT, _, sums_D = logprobs_and_future(self.policy.model, batch, given)
        loss = -logps_BT.sum() * weight
        self.world.backward(loss + future.part(sums_D if weight or sums_D is None else 0.0 * sums_D, tokens))
        return float(loss.detach())

    def _targets(self, completions: list[str]) -> list[list[int]]:
        encoded = self.policy.tokenizer(completions, add_special_tokens=False)["input_ids"]
        end = self.policy.tokenizer.eos_token_id
        return [[*ids, end] if ids[-1:] != [end] else list(ids) for ids in encoded]

    def _completion(self, row: Row) -> str:
        if isinstance(self.source, TaskSource):
            habit = current_habit(self.config.habits, self.progress.step, self.config.steps)
            random = self.source.random(self.progress.position, "demonstration")
            try:
                return self.source.task.demonstration(row.columns, random, **habit)
            except (TypeError, ValueError) as error:
                raise ConfigError(f"warmup.habits: {error}") from error
        completion = row.columns.get(self.config.completion)
        if not isinstance(completion, str):
            raise ColumnError(
                f"warmup: a row has no text in the column {self.config.completion!r}; its columns: "
                f"{', '.join(sorted(row.columns))}. Name yours with warmup.completion"
            )
        return completion


def current_habit(habits: Sequence[Mapping[str, Any]], step: int, steps: int) -> dict[str, Any]:
    """The entry of ``habits`` in force, each lasting its ``share`` of the steps; the last one lasts to the end."""
    done, passed = step / max(1, steps), 0.0
    options: dict[str, Any] = {}
    for habit in habits:
        options = {k: v for k, v in habit.items() if k != "share"}
        passed += float(habit.get("share", 1.0))
        if done < passed - 1e-9:
            break
    return options


def check_habits(source: TaskSource, habits: Sequence[Mapping[str, Any]], where: str) -> None:
    """Raise ConfigError for a habit that the task does not have. ``where``: the section."""
    row = source.row(0)
    for habit in habits or [{}]:
        for name, value in habit.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ConfigError(f"{where}.habits: {name}: a share from 0 to 1 is expected, got {value!r}")
        options = {k: v for k, v in habit.items() if k != "share"}
        try:
            source.task.demonstration(row.columns, source.random(0), **options)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{where}.habits: {error}") from error


def demonstrations(config: RunConfig, source: Source) -> Source:
    """The rows to imitate: those of ``warmup.train``, else the training rows themselves."""
    if config.warmup is not None and config.warmup.train is not None:
        return FileSource(load_rows(config.warmup.train, config.data), config.seed)
    return source
