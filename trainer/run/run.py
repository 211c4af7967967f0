"""One run: config → model, data, rewards → evaluation, warm-up, GRPO, evaluation → a folder with everything."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
import yaml

from veritune.plugins import ConfigError, Text, VerituneError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config import RunConfig, changed_keys, dump_config, parse_config, read_values
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import make_sources
from veritune.trainer.observe.console import Console
from veritune.trainer.observe.metrics import Observer, forget_after, read_metrics, write_completions
from veritune.trainer.observe.report import write_report
from veritune.trainer.observe.trackers import make_observers
from veritune.trainer.policy.distributed import ALONE, World, everywhere, start_world
from veritune.trainer.policy.lora import BASE, save_base
from veritune.trainer.policy.models import load_policy
from veritune.trainer.policy.reference import Reference
from veritune.trainer.policy.sharding import spare_copy
from veritune.trainer.rollout.decode.choose import make_sampler, replicated
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.rollout.episodes import Episodes, load_episode
from veritune.trainer.rollout.held_out import evaluate
from veritune.trainer.rollout.patience import Patience
from veritune.trainer.rollout.ray_scoring import RayRewardSet
from veritune.trainer.rollout.scoring import completion_records
from veritune.trainer.run.best import Best
from veritune.trainer.run.checkpoint import load_state, read_progress, save_checkpoint, save_model
from veritune.trainer.run.ending import Ending, Interrupted, Overtime
from veritune.trainer.run.folders import check_folder, forget_start, pick_folder
from veritune.trainer.run.preflight import check_data, check_model_limits
from veritune.trainer.run.rescue import Rescue, as_run_error
from veritune.trainer.run.resuming import resume_point
from veritune.trainer.run.starting import check_stages, make_rewards, seed_all, with_steps
from veritune.trainer.run.watch import Watch
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.progress import PHASES, Progress
from veritune.trainer.stages.sft import Warmup, demonstrations

STAGES = ("grpo", "reward_model")
"""What ``stage:`` of a config may say; ``grpo`` includes the warm-up."""

SEED_STRIDE = 1_000_003
"""Between the sampling seeds of processes."""


def train_from_cli(path: Path, overrides: list[str]) -> None:
    """``veritune train CONFIG key=value …``. Raises ConfigError before anything has run."""
    values = read_values(path, overrides)
    stage = values.get("stage", "grpo")
    if stage not in STAGES:
        raise ConfigError(f"{path}: unknown stage {stage!r}.{did_you_mean(stage, STAGES)} Stages: {', '.join(STAGES)}")
    if stage == "reward_model":
        from veritune.trainer.stages.reward_model import train_reward_model  # it imports this module

        folder = train_reward_model(values, str(path))
        print(f"the reward model is in {folder / 'model'}: use it as preference with params: {{model: …}}")
        return
    try:
        train(parse_config({key: value for key, value in values.items() if key != "stage"}, str(path)))
    except Interrupted as error:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(error.status)  # at once: what still runs, such as a reward that hangs, is not waited for


def train(config: RunConfig, quiet: bool = False) -> Path:
    """Run a configuration; returns the run folder."""
    world = start_world(config.device, config.distributed.strategy)
    try:
        run = start_run(config, Console(quiet=quiet or not world.first), world)
        try:
            run.execute()
        finally:
            run.close()
    finally:
        world.close()
    return run.path


def start_run(config: RunConfig, console: Console, world: World) -> Run:
    """A run that can begin. Where it cannot, its new folder is removed: the next try has the same name."""
    run = Run(config, console, world)
    try:
        run.prepare()
    except BaseException:
        if run.folder is not None and not config.resume and world.first:
            forget_start(run.folder)
        raise
    return run


class Run:
    """Everything a run holds. Building it and :meth:`prepare` check all that can be checked before training."""

    def __init__(self, config: RunConfig, console: Console, world: World = ALONE) -> None:
        self.config, self.console, self.world = config, console, world
        self.rewards = make_rewards(config)
        self.source, self.held_out, self.task = make_sources(config.data, config.seed)
        config = self.config = with_steps(config, self.source)
        self.demonstrations = demonstrations(config, self.source)
        check_data(config, self.rewards, self.source, self.held_out, self.demonstrations, self.warn)
        self.episode = None if config.rollout is None else load_episode(config.rollout)
        if self.episode is not None:
            self.episode.check_columns(self.source.columns())
        check_stages(config, world)
        self.ending = Ending(self.warn)
        self.folder: Path | None = None
        self.observers: list[Observer] = []
        self.drawing: Drawing | None = None
        self.last_records: list[dict[str, Any]] = []
        self.evaluated: set[int] = set()
        """GRPO steps whose evaluation is in the log."""

    def prepare(self) -> None:
        """The model, the folder, where to go on, the sampler."""
        config, world = self.config, self.world
        seed_all(config.seed)
        placed = config.model_copy(update={"device": world.device(config.device)})
        self.policy = load_policy(placed, self.task, place=not world.sharded, say=self.warn)
        world.same_weights(self.policy.model)
        self.encode = PromptEncoder(self.policy.tokenizer, config.data)
        check_model_limits(
            config, self.policy.model, self.encode, self.source, self.held_out, self.demonstrations, self.warn
        )
        self.folder = folder = world.only_first(self._folder)
        self.checkpoints = folder / "checkpoints"
        if self.policy.rootless:
            world.only_first(lambda: save_base(self.policy.model, self.policy.tokenizer, folder / BASE))
        self.generator = torch.Generator(self.policy.device).manual_seed(config.seed + SEED_STRIDE * world.rank)
        self.progress = Progress("warmup" if config.warmup else "grpo")
        self.watch, self.best = (
            Watch(config.evaluation.metric),
            Best(config.evaluation.patience, config.evaluation.best),
        )
        self.start = self._resume_point()
        world.only_first(self._write_config)
        if world.first:
            self.observers = make_observers(folder, config.model_dump(mode="json"), config.log)
        self._shard()
        self.drawing = self._drawing()
        self.rescue = Rescue(
            self.checkpoints, self.policy, self.generator, config.checkpoint.keep, world, self.progress
        )

    # -- the run ---------------------------------------------------------------------------------------------------

    def execute(self) -> None:
        """Warm-up, evaluation, GRPO, evaluation, report. Whatever ends it early, its state is saved."""
        self.console.begin(self.config, self.path, self.policy, self.rewards, self.world)
        with self.ending:
            try:
                self._stages()
            except SystemExit:
                raise  # asked to end: saved already
            except BaseException as error:
                raise self._failed(error) from error

    @property
    def path(self) -> Path:
        assert self.folder is not None
        return self.folder

    def _stages(self) -> None:
        if self.progress.phase == "warmup":
            if self.config.warmup is not None:
                self._warm_up()
            self.progress = Progress("grpo", 0, self.progress.position)
        self._reinforce()
        lora = self.config.model.lora
        save_model(self.path / "model", self.policy, self.world, merge=lora is not None and lora.save == "merged")
        self.world.only_first(self._finish)

    def _finish(self) -> None:
        report = write_report(self.path)
        lines = read_metrics(self.path / "metrics.jsonl")
        self.console.finish([r for r in lines if r["phase"] == "evaluation"], self.last_records, report)

    def _warm_up(self) -> None:
        assert self.config.warmup is not None
        stage = Warmup(self.config, self.policy, self.demonstrations, self.encode, self.progress, self.world)
        self._restore(stage.optimizer)
        self.rescue.watch(stage.optimizer, None, self.progress)
        steps = self.config.warmup.steps
        with self.console.stage("warm-up", self.progress.step, steps) as show:
            while self.progress.step < steps:
                metrics = stage.step()
                self.rescue.mark(self.progress)
                self.log(metrics)
                show(self.progress.step, metrics)
                self._after_step(stage.optimizer, last=self.progress.step == steps)

    def _reinforce(self) -> None:
        assert self.drawing is not None
        stage = GRPO(self.config, self.policy, self.drawing, self.source, self.encode, self.generator, self.progress)
        self.policy.spare = None  # whoever needs a copy has made it
        self._restore(stage.optimizer, stage.reference)
        self.rescue.watch(stage.optimizer, stage.reference, self.progress)
        steps = self.config.grpo.steps
        self._evaluate()
        self._end_if_asked(stage.optimizer, stage.reference)
        with self.console.stage("GRPO", self.progress.step, steps) as show:
            while self.progress.step < steps and not self.best.exhausted():
                metrics = stage.step()
                stage.refresh_reference()
                self.rescue.mark(self.progress)
                self.log(metrics)
                self._warn(metrics)
                self._save_completions(stage)
                show(self.progress.step, metrics)
                last = self.progress.step == steps
                if not last:
                    self._evaluate()
                self._after_step(stage.optimizer, last or self.best.exhausted(), stage.reference)
        if self.best.exhausted():
            self.warn(f"step {self.progress.step}: {self.best}")
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
        """Where one is due at this step (before, after, every so many steps) and not in the log yet."""
        step, every = self.progress.step, self.config.evaluation.every
        due = step in (0, self.config.grpo.steps) or (every and step % every == 0)
        if not self.held_out or not due or step in self.evaluated:
            return
        assert self.drawing is not None
        begun = time.perf_counter()
        metrics, records = evaluate(self.config, self.policy, self.drawing, self.held_out, self.encode, step)
        metrics["seconds"] = time.perf_counter() - begun
        self.last_records = records
        self.watch.evaluation(step, metrics)
        self.console.evaluation(step, metrics)
        self.log({"of": self.progress.phase, **metrics}, "evaluation")
        self.evaluated.add(step)
        self._write_completions(f"evaluation-{step:06d}", records)
        if self.best.see(step, metrics) and self.config.checkpoint.best:
            save_model(self.path / "best", self.policy, self.world)

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
        self.world.only_first(lambda: write_completions(self.path / "completions", name, records))

    def _after_step(self, optimizer: torch.optim.Optimizer, last: bool, reference: Reference | None = None) -> None:
        every = self.config.checkpoint.every
        if last or (every and self.progress.step % every == 0):
            self._save(optimizer, reference)
        self._end_if_asked(optimizer, reference)

    def _save(self, optimizer: torch.optim.Optimizer, reference: Reference | None) -> None:
        keep = self.config.checkpoint.keep
        save_checkpoint(
            self.checkpoints, self.policy, optimizer, self.generator, self.progress, keep, reference, self.world
        )

    # -- early ends ------------------------------------------------------------------------------------------------

    def _end_if_asked(self, optimizer: torch.optim.Optimizer, reference: Reference | None) -> None:
        if self.world.any(self.ending.asked is not None):
            self._save(optimizer, reference)
            self.world.only_first(lambda: write_report(self.path))
            self.warn(f"ended as asked; the state is saved. Go on with resume=true output={self.path}")
            sys.exit(self.ending.status)

    def _failed(self, error: BaseException) -> BaseException:
        """Save the last whole step; the error, with where that is."""
        error = error.reason if isinstance(error, Overtime) else error
        saved = self.rescue.save(everywhere(error))
        if self.world.first:
            with suppress(Exception):  # the error is what matters
                write_report(self.path)
        found = as_run_error(error)
        if isinstance(found, VerituneError):
            found.args = (f"{found}\n  {saved}",)
        else:
            self.warn(saved)
        return found

    # -- resuming --------------------------------------------------------------------------------------------------

    def _resume_point(self) -> Path | None:
        """The newest checkpoint, its weights loaded, later lines of the log removed and the others read again."""
        if not self.config.resume:
            return None
        found = resume_point(self.checkpoints, self.config, self.policy.model, self.warn)
        at, self.progress = found or (None, self.progress)
        done = ("start", 0) if at is None else (self.progress.phase, self.progress.step)
        log = self.path / "metrics.jsonl"
        self.world.only_first(lambda: forget_after(log, ["start", *PHASES], *done))
        lines = self.world.only_first(lambda: read_metrics(log) if log.is_file() else [])
        self.watch.replay(lines)
        self.best.replay(lines)
        self.evaluated = {int(r["step"]) for r in lines if r["phase"] == "evaluation" and r.get("of") == "grpo"}
        if at is not None:
            self.warn(f"going on after {self.progress.phase} step {self.progress.step} ({at})")
        return at

    def _restore(self, optimizer: torch.optim.Optimizer, reference: Reference | None = None) -> None:
        """Optimizer, reference model and random states, once, in the phase that the checkpoint was written in."""
        if self.start is None or read_progress(self.start).phase != self.progress.phase:
            return
        weights, processes = load_state(self.start, optimizer, self.generator, self.world)
        if reference is not None and weights is not None:
            reference.restore(weights)
        elif reference is not None and not reference.fixed:
            self.warn(f"the checkpoint has no reference model: it is the policy after step {self.progress.step}")
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
        patience = Patience(self.warn, config.scoring.timeout)
        return Drawing(
            sampler,
            self.rewards,
            self.path,
            self._begun(),
            overlap,
            self.world,
            episodes,
            patience,
            self.ending.fail,
        )

    def _begun(self) -> Callable[[Text], str]:
        """What rewards see before a completion. A reward that was told of a prefilled tag puts it there itself."""
        told = any(component.reward.params.get("prefilled") is True for component in self.rewards.components)
        prefill = self.config.data.prefill
        return (lambda prompt: prefill) if told else self.encode.begun

    def warn(self, text: str) -> None:
        if self.world.first:
            self.console.warn(text)

    def _write_config(self) -> None:
        path = self.path / "config.yaml"
        resolved = dump_config(self.config)
        if path.is_file() and self.config.resume:
            before = yaml.safe_load(path.read_text(encoding="utf-8"))
            changes = changed_keys(before, yaml.safe_load(resolved))
            for change in (c for c in changes if not c.startswith("resume:")):
                self.warn(f"config changed since the checkpoint: {change}")
        path.write_text(resolved, encoding="utf-8")

    def close(self) -> None:
        if self.drawing is not None:
            self.drawing.close()
            release = getattr(self.drawing.sampler, "close", None)  # an engine with connections or files of its own
            if release is not None:
                release()
        for observer in self.observers:
            with suppress(OSError):  # a full disk has been told already
                observer.close()
        if isinstance(self.rewards, RayRewardSet):
            self.rewards.close()
