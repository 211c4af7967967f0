"""One run: config → model, data, rewards → evaluation, warm-up, GRPO, evaluation → a folder with everything."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import torch
import yaml

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean
from veritune.rewards.composition import RewardSet, compose
from veritune.trainer.checkpoint import (
    PHASES,
    Progress,
    check_folder,
    list_checkpoints,
    load_state,
    load_weights,
    read_progress,
    save_checkpoint,
    save_model,
)
from veritune.trainer.config import RunConfig, changed_keys, dump_config, parse_config, read_values, rewards_section
from veritune.trainer.console import Console
from veritune.trainer.data import PromptEncoder, make_sources
from veritune.trainer.decode.choose import make_sampler, replicated
from veritune.trainer.distributed import ALONE, World, start_world
from veritune.trainer.drawing import Drawing
from veritune.trainer.episodes import Episodes, load_episode
from veritune.trainer.evaluation import Evaluator
from veritune.trainer.grpo import GRPO
from veritune.trainer.metrics import Observer, forget_after, make_observers, read_metrics, write_completions
from veritune.trainer.models import load_policy, pick_device
from veritune.trainer.optimization import make_optimizer
from veritune.trainer.ray_scoring import RayRewardSet
from veritune.trainer.reference import Reference
from veritune.trainer.report import write_report
from veritune.trainer.scoring import completion_records
from veritune.trainer.sft import Warmup
from veritune.trainer.sharding import spare_copy
from veritune.trainer.watch import Watch

STAGES = ("grpo", "reward_model")
"""What ``stage:`` of a config may say; ``grpo`` includes the warm-up."""

SEED_STRIDE = 1_000_003
"""Between the sampling seeds of processes."""

TERMINATED = 128 + signal.SIGTERM


def train_from_cli(path: Path, overrides: list[str]) -> None:
    """``veritune train CONFIG key=value …``. Raises ConfigError before anything has run."""
    values = read_values(path, overrides)
    stage = values.get("stage", "grpo")
    if stage not in STAGES:
        raise ConfigError(f"{path}: unknown stage {stage!r}.{did_you_mean(stage, STAGES)} Stages: {', '.join(STAGES)}")
    if stage == "reward_model":
        from veritune.trainer.reward_model import train_reward_model  # it imports this module

        folder = train_reward_model(values, str(path))
        print(f"the reward model is in {folder / 'model'}: use it as preference with params: {{model: …}}")
        return
    train(parse_config({key: value for key, value in values.items() if key != "stage"}, str(path)))


def train(config: RunConfig, quiet: bool = False) -> Path:
    """Run a configuration; returns the run folder."""
    world = start_world(config.device, config.distributed.strategy)
    try:
        run = Run(config, Console(quiet=quiet or not world.first), world)
        try:
            run.execute()
        finally:
            run.close()
    finally:
        world.close()
    return run.folder


class Run:
    """Everything a run holds. Building it checks all that can be checked before training."""

    def __init__(self, config: RunConfig, console: Console, world: World = ALONE) -> None:
        self.config, self.console, self.world = config, console, world
        self.rewards = make_rewards(config)
        self.source, self.held_out, task = make_sources(config.data, config.seed)
        self.rewards.check_columns(self.source.columns())
        self.episode = None if config.rollout is None else load_episode(config.rollout)
        if self.episode is not None:
            self.episode.check_columns(self.source.columns())
        check_stages(config, world)
        _seed(config.seed)
        placed = config.model_copy(update={"device": world.device(config.device)})
        self.policy = load_policy(placed, task, place=not world.sharded)
        world.same_weights(self.policy.model)
        self.encode = PromptEncoder(self.policy.tokenizer, config.data)
        self.folder = world.only_first(self._folder)
        self.checkpoints = self.folder / "checkpoints"
        self.generator = torch.Generator(self.policy.device).manual_seed(config.seed + SEED_STRIDE * world.rank)
        self.progress = Progress("warmup" if config.warmup else "grpo")
        self.start = self._resume_point()
        world.only_first(self._write_config)
        self.observers = self._observe() if world.first else []
        self._shard()
        self.drawing = self._drawing()
        self.watch = Watch(config.evaluation.metric)
        self.last_records: list[dict[str, Any]] = []
        self._stop = False

    # -- the run ---------------------------------------------------------------------------------------------------

    def execute(self) -> None:
        """Warm-up, evaluation, GRPO, evaluation, report."""
        self.console.begin(self.config, self.folder, self.policy, self.rewards, self.world)
        with _on_terminate(self._terminate):
            if self.config.warmup is not None and self.progress.phase == "warmup":
                self._warm_up()
                self.progress = Progress("grpo", 0, self.progress.position)
            self._reinforce()
        save_model(self.folder / "model", self.policy, self.world)
        self.world.only_first(self._finish)

    def _finish(self) -> None:
        report = write_report(self.folder)
        lines = read_metrics(self.folder / "metrics.jsonl")
        self.console.finish([r for r in lines if r["phase"] == "evaluation"], self.last_records, report)

    def _warm_up(self) -> None:
        assert self.config.warmup is not None
        stage = Warmup(self.config, self.policy, self.source, self.encode, self.progress, self.world)
        self._restore(stage.optimizer)
        steps = self.config.warmup.steps
        with self.console.stage("warm-up", self.progress.step, steps) as show:
            while self.progress.step < steps:
                metrics = stage.step()
                self.log(metrics)
                show(self.progress.step, metrics)
                self._after_step(stage.optimizer, last=self.progress.step == steps)

    def _reinforce(self) -> None:
        stage = GRPO(self.config, self.policy, self.drawing, self.source, self.encode, self.generator, self.progress)
        self.policy.spare = None  # whoever needs a copy has made it
        self._restore(stage.optimizer, stage.reference)
        steps, every = self.config.grpo.steps, self.config.evaluation.every
        if self.progress.step == 0:
            self._evaluate()
        with self.console.stage("GRPO", self.progress.step, steps) as show:
            while self.progress.step < steps:
                metrics = stage.step()
                stage.refresh_reference()
                self.log(metrics)
                self._warn(metrics)
                self._save_completions(stage)
                show(self.progress.step, metrics)
                last = self.progress.step == steps
                if every and self.progress.step % every == 0 and not last:
                    self._evaluate()
                self._after_step(stage.optimizer, last, stage.reference)
        if steps:
            self._evaluate()

    # -- what happens around a step --------------------------------------------------------------------------------

    def log(self, metrics: Mapping[str, Any], phase: str | None = None) -> None:
        for observer in self.observers:
            observer.log(phase or self.progress.phase, self.progress.step, metrics)

    def _warn(self, metrics: Mapping[str, float]) -> None:
        for warning in self.watch.step(self.progress.step, metrics):
            self.warn(warning)
            self.log({"of": self.progress.phase, "warning": warning}, "warning")

    def _evaluate(self) -> None:
        if self.held_out is None:
            return
        evaluator = Evaluator(self.config, self.policy, self.drawing, self.held_out, self.encode)
        begun = time.perf_counter()
        metrics, records = evaluator.run(self.progress.step)
        metrics["seconds"] = time.perf_counter() - begun
        self.last_records = records
        self.watch.evaluation(self.progress.step, metrics)
        self.console.evaluation(self.progress.step, metrics)
        self.log({"of": self.progress.phase, **metrics}, "evaluation")
        self._write_completions(f"evaluation-{self.progress.step:06d}", records)

    def _save_completions(self, stage: GRPO) -> None:
        step, every = self.progress.step, self.config.log.completions_every
        if step != 1 and step % every and step != self.config.grpo.steps:
            return
        batch = stage.batch
        found = [None if a != a else a for a in batch.advantages_PG.flatten().tolist()]
        records = completion_records(
            batch.rollouts, batch.samples, batch.scores, self.rewards.aliases, found, phase="grpo", step=step
        )
        self._write_completions(f"step-{step:06d}", records)

    def _write_completions(self, name: str, records: list[dict[str, Any]]) -> None:
        self.world.only_first(lambda: write_completions(self.folder / "completions", name, records))

    def _after_step(self, optimizer: torch.optim.Optimizer, last: bool, reference: Reference | None = None) -> None:
        every = self.config.checkpoint.every
        self._stop = self.world.any(self._stop)
        if self._stop or last or (every and self.progress.step % every == 0):
            save_checkpoint(
                self.checkpoints,
                self.policy,
                optimizer,
                self.generator,
                self.progress,
                self.config.checkpoint.keep,
                reference,
                self.world,
            )
        if self._stop:
            self.world.only_first(lambda: write_report(self.folder))
            self.warn(f"terminated; the state is saved. Go on with resume=true output={self.folder}")
            sys.exit(TERMINATED)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self._stop = True

    # -- resuming --------------------------------------------------------------------------------------------------

    def _resume_point(self) -> Path | None:
        """The newest checkpoint, its weights loaded and later lines of the log removed."""
        found = list_checkpoints(self.checkpoints) if self.config.resume else []
        order = ["start", *PHASES]
        if not found:
            if self.config.resume:
                self.world.only_first(lambda: forget_after(self.folder / "metrics.jsonl", order, "start", 0))
            return None
        self.progress = read_progress(found[-1])
        load_weights(found[-1], self.policy.model)
        done = self.progress.phase, self.progress.step
        self.world.only_first(lambda: forget_after(self.folder / "metrics.jsonl", order, *done))
        self.warn(f"going on after {self.progress.phase} step {self.progress.step} ({found[-1]})")
        return found[-1]

    def _restore(self, optimizer: torch.optim.Optimizer, reference: Reference | None = None) -> None:
        """Optimizer, reference model and random states, once, in the phase that the checkpoint was written in."""
        if self.start is None or read_progress(self.start).phase != self.progress.phase:
            return
        weights, processes = load_state(self.start, optimizer, self.generator, self.world)
        if reference is not None:
            reference.restore(weights)
        if processes != self.world.size:
            self.warn(
                f"the checkpoint was written by {processes} processes and these are {self.world.size}: the run goes "
                "on, but not to the same numbers"
            )

    def _folder(self) -> Path:
        folder = pick_folder(Path(self.config.output), self.config.resume)
        check_folder(folder, self.policy.parameters)
        return folder

    def _shard(self) -> None:
        """Spread the policy over the processes, keeping a copy of its shape where one will be needed."""
        if self.world.sharded:
            needed = self.config.grpo.objective.beta > 0 and self.config.model.lora is None
            if needed or replicated(self.policy.model, self.config.sampling.engine):
                self.policy.spare = spare_copy(self.policy.model)
            self.world.shard(self.policy.model)

    def _drawing(self) -> Drawing:
        config, policy = self.config, self.policy
        sampler = make_sampler(policy, config.sampling, self.warn, self.world)
        episodes = None
        if self.episode is not None and config.rollout is not None:
            eos_ids, chat = policy.eos_ids, self.encode.chat
            episodes = Episodes(self.episode, config.rollout, sampler, policy.tokenizer, eos_ids, chat)
        overlap = config.scoring.overlap
        return Drawing(sampler, self.rewards, self.folder, config.data.prefill, overlap, self.world, episodes)

    def _observe(self) -> list[Observer]:
        return make_observers(self.folder, self.config.log.to, self.config.model_dump(mode="json"))

    def warn(self, text: str) -> None:
        if self.world.first:
            self.console.warn(text)

    def _write_config(self) -> None:
        path = self.folder / "config.yaml"
        resolved = dump_config(self.config)
        if path.is_file() and self.config.resume:
            before = yaml.safe_load(path.read_text(encoding="utf-8"))
            changes = changed_keys(before, yaml.safe_load(resolved))
            for change in (c for c in changes if not c.startswith("resume:")):
                self.warn(f"config changed since the checkpoint: {change}")
        path.write_text(resolved, encoding="utf-8")

    def close(self) -> None:
        self.drawing.close()
        release = getattr(self.drawing.sampler, "close", None)  # an engine with connections or files of its own
        if release is not None:
            release()
        for observer in self.observers:
            observer.close()
        if isinstance(self.rewards, RayRewardSet):
            self.rewards.close()


def check_stages(config: RunConfig, world: World) -> None:
    """Raise ConfigError for what the stages would only find when they begin: optimizers and the reference's device."""
    for stage in (config.warmup, config.grpo):
        if stage is not None:
            make_optimizer(torch.nn.Linear(2, 2), stage)
            if stage.optimizer == "adafactor" and world.sharded:
                raise ConfigError(
                    "optimizer: adafactor cannot go on from a checkpoint of sharded weights; use adamw with fsdp2"
                )
    device = config.grpo.reference_device
    if device is not None:
        pick_device(device)
        if config.model.lora is not None:
            raise ConfigError("grpo.reference_device: with model.lora the reference is the policy without its adapter")
        if world.sharded:
            raise ConfigError("grpo.reference_device: with fsdp2 the reference model is sharded like the policy")


def make_rewards(config: RunConfig) -> RewardSet:
    """The composed rewards, here or on Ray."""
    rewards = compose(rewards_section(config), where="rewards")
    return RayRewardSet(rewards, config.scoring.actors) if config.scoring.executor == "ray" else rewards


def pick_folder(wanted: Path, resume: bool) -> Path:
    """The folder itself to resume, or if it is new or empty; otherwise the first free of ``-2``, ``-3`` …"""
    if resume:
        if not (wanted / "config.yaml").is_file():
            raise ConfigError(f"resume=true, but {str(wanted)!r} holds no run; name its folder with output=FOLDER")
        return wanted
    folder, number = wanted, 1
    try:
        while folder.is_dir() and any(folder.iterdir()):
            number += 1
            folder = wanted.with_name(f"{wanted.name}-{number}")
    except OSError as error:
        raise ConfigError(f"cannot read the output folder {str(folder)!r}: {error.strerror}") from error
    return folder


class _on_terminate:
    """Within it, SIGTERM calls ``handler``; in a thread other than the main one it changes nothing."""

    def __init__(self, handler: Callable[[int, FrameType | None], None]) -> None:
        self.handler = handler

    def __enter__(self) -> None:
        try:
            self._before: Any = signal.signal(signal.SIGTERM, self.handler)
        except ValueError:
            self._before = None

    def __exit__(self, *exc: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)


def _seed(seed: int) -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    random.seed(seed)
    torch.manual_seed(seed)
