"""One run: a stage's config → model, rows, rewards → its phases, step by step → a folder with everything.

What a stage is, and when its methods are called: :mod:`veritune.trainer.stages.interface`.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from veritune.plugins import RunError, VerituneError
from veritune.rewards.composition.on_ray import RayRewardSet
from veritune.trainer.config import CommonConfig, PolicyRunConfig
from veritune.trainer.observe.console import Console
from veritune.trainer.observe.metrics import Observer, forget_after, read_metrics, write_completions
from veritune.trainer.observe.report import write_report
from veritune.trainer.observe.trackers import make_observers
from veritune.trainer.observe.waiting import waiting
from veritune.trainer.policy.distributed import ALONE, World, everywhere, start_world
from veritune.trainer.policy.lora import BASE, save_base
from veritune.trainer.policy.saving import save_model
from veritune.trainer.policy.sharding import spare_copy
from veritune.trainer.policy.weights import all_finite
from veritune.trainer.rollout.ahead import in_background
from veritune.trainer.rollout.decode.choose import make_sampler, replicated
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.run.best import Best
from veritune.trainer.run.checkpoint import load_state, read_progress, save_checkpoint
from veritune.trainer.run.drawing import drawing_device, make_drawing
from veritune.trainer.run.ending import Ended, Ending, Overtime
from veritune.trainer.run.folders import Held
from veritune.trainer.run.kept import write_config, write_data_files, write_identity
from veritune.trainer.run.rescue import Rescue, as_run_error, lost_as_sentence
from veritune.trainer.run.resuming import resume_point
from veritune.trainer.run.watch import Watch, watched
from veritune.trainer.stages.interface import Context, Records, Stage
from veritune.trainer.stages.progress import Progress
from veritune.trainer.stages.reading import check_pipeline, read_stage
from veritune.trainer.stages.table import get_stage

SEED_STRIDE = 1_000_003
"""Between the sampling seeds of processes."""


def train(config: CommonConfig, quiet: bool = False) -> Path:
    """Run a configuration; returns the run folder."""
    how = config.distributed
    if how.pipeline is not None:  # before the processes that it lacks
        check_pipeline(get_stage(config.stage), config)
    world = start_world(config.device, how.strategy, how.gather, how.pipeline)
    with lost_as_sentence(world):
        return run_in(world, config, quiet)


def run_in(world: World, config: CommonConfig, quiet: bool = False) -> Path:
    """The same among processes that have met already."""
    run = start_run(config, Console(quiet=quiet or not world.first), world)
    try:
        run.execute()
    finally:
        run.close()
    return run.path


def start_run(config: CommonConfig, console: Console, world: World) -> Run:
    """A run that can begin. Where it cannot, its new folder is removed: the next try has the same name."""
    run = Run(config, console, world)
    try:
        run.prepare()
    except BaseException:
        if run.held is not None:
            run.held.give_up(config.resume)
        raise
    return run


class Run:
    """Everything a run holds. Building it and :meth:`prepare` check all that can be checked before training."""

    def __init__(self, config: CommonConfig, console: Console, world: World = ALONE) -> None:
        self.console, self.world = console, world
        self.whole = get_stage(config.stage)
        """The stage that the config names; its phases are what the run goes through."""
        self.inputs = read_stage(self.whole, config, world, self.warn)
        self.config = self.inputs.config
        self.order = [phase.name for phase in self.whole.phases()]
        self.ending = Ending(self.warn)
        self.folder: Path | None = None
        self.held: Held | None = None
        self.observers: list[Observer] = []
        self.drawing: Drawing | None = None
        self.last_records: Records = []
        self.evaluated: set[tuple[str, int]] = set()
        """Phases and steps whose evaluation is in the log."""
        rewards = self.inputs.rewards
        self.identity = {"rewards": rewards.identity_hash} if rewards.components else {}
        """Which rewards these are, in every line of the log and every record."""

    def prepare(self) -> None:
        """The model, the folder, where to go on, the sampler."""
        config, world = self.config, self.world
        if isinstance(self.inputs.rewards, RayRewardSet) and self.inputs.draws:
            self.inputs.rewards.crew.idle = self.ending.end_idling
            self.inputs.rewards.start()
        seed_all(config.seed)
        placed = config.model_copy(update={"device": world.device(config.device)})
        self.policy = self.whole.load_model(self.inputs, placed, world, self.warn)
        world.same_weights(self.policy.model)
        self.encode = self.whole.make_encoder(self.policy, config)
        self.whole.check_model(self.inputs, self.policy, self.encode, self.warn)
        self.folder = folder = world.only_first(self._folder)
        self.checkpoints = folder / "checkpoints"
        if self.policy.rootless:
            world.only_first(lambda: save_base(self.policy.model, self.policy.tokenizer, folder / BASE))
        draws = self.inputs.draws and isinstance(config, PolicyRunConfig)
        place = drawing_device(config, self.policy) if draws else self.policy.device
        self.generator = torch.Generator(place).manual_seed(config.seed + SEED_STRIDE * world.rank)
        self.progress = Progress(next(phase.name for phase in self.whole.phases() if phase.due(config)))
        settings = config.evaluation_or_default
        self.watch, self.best = Watch(settings.metric), Best(settings.patience, settings.best)
        self.start = self._resume_point()
        world.only_first(lambda: write_config(self.path, config, self.warn))
        world.only_first(lambda: write_data_files(self.path, config, self.warn))
        if self.identity:
            world.only_first(lambda: write_identity(self.path, config.resume, self.inputs.rewards, self.warn))
        if world.first:
            self.observers = make_observers(folder, config.model_dump(mode="json"), config.log)
        self._prepare_drawing()
        self.rescue = Rescue(
            self.checkpoints, self.policy, self.generator, config.checkpoint.keep, world, self.progress, self.order
        )

    def _prepare_drawing(self) -> None:
        """The sampler; the policy spread over the processes, a copy of its shape kept where one will be needed."""
        config, policy, inputs, world = self.config, self.policy, self.inputs, self.world
        draws = inputs.draws and isinstance(config, PolicyRunConfig)
        if world.sharded:
            needed = any(phase.keeps_copy(config) for phase in self.whole.phases())
            if needed or (draws and replicated(policy.model, config.sampling.engine)):
                policy.spare = spare_copy(policy.model)
            world.shard(policy.model)
        if not draws:
            return
        assert self.encode is not None
        if in_background(config.sampling):
            world = world.beside()
        sampler = make_sampler(policy, config.sampling, self.warn, world)
        scored = inputs.rewards, inputs.episode
        say, interrupt = self.warn, self.ending.fail
        self.drawing = make_drawing(config, policy, sampler, *scored, self.encode, self.path, world, say, interrupt)

    # -- the run ---------------------------------------------------------------------------------------------------

    def execute(self) -> None:
        """Every phase, the model, the report. Whatever ends it early, its state is saved."""
        what = self.whole.describe(self.config)
        self.console.begin(self.config, self.path, self.policy, self.inputs.rewards.aliases, what, self.world)
        with self.ending:
            try:
                self._phases()
            except Ended:
                raise
            except BaseException as error:
                raise self._failed(error) from error

    @property
    def path(self) -> Path:
        assert self.folder is not None
        return self.folder

    def _phases(self) -> None:
        said = None
        for kind in self.whole.phases():
            passed = self.order.index(kind.name) < self.order.index(self.progress.phase)
            if passed or not kind.due(self.config):
                continue
            if kind.name != self.progress.phase:
                self.progress = Progress(kind.name, 0, self.progress.position)
            context = self._context()
            stage = kind.begin(context)
            if kind is self.whole:
                self.policy.spare = None  # whoever needs a copy has made it
            self._restore(stage)
            self.rescue.watch(stage, self.progress)
            try:
                self._steps(stage, context)
            finally:
                if not stage.close():
                    self.warn(f"{stage.title}: a thread has not ended, since what it waits for does not answer")
            if kind is self.whole:
                self._check_weights(stage)
                said = stage.finish(context)
        self.world.only_first(lambda: self._finish(said))

    def _context(self) -> Context:
        given = self.config, self.inputs, self.policy, self.encode, self.drawing, self.generator, self.progress
        return Context(*given, self.world, self.path, self.warn, lambda: self.ending.asked is not None)

    def _steps(self, stage: Stage, context: Context) -> None:
        steps = stage.steps
        if self.start is not None and self.progress.step > steps:
            self.warn(
                f"{self.progress.phase}: {self.progress.step} steps are done, more than the {steps} asked for: "
                "nothing is left to train, and the model stays what it is"
            )
        self._evaluate(stage, context)
        self._end_if_asked(stage)
        with self.console.stage(stage.title, self.progress.step, steps) as show:
            while self.progress.step < steps and not self.best.exhausted():
                metrics = stage.step()
                self.rescue.mark(self.progress, stage.random_before())
                self.log(metrics)
                self._warn(metrics)
                self._save_completions(stage)
                show(self.progress.step, metrics)
                last = self.progress.step == steps
                if not last:
                    self._evaluate(stage, context)
                self._after_step(stage, last or self.best.exhausted())
        if self.best.exhausted():
            self.warn(f"step {self.progress.step}: {self.best}")
        self._evaluate(stage, context)

    def _finish(self, said: str | None) -> None:
        if not (self.path / "metrics.jsonl").is_file():
            self.warn(
                f"metrics.jsonl is not in {self.path} any more: somebody deleted or moved the run's folder while it "
                "went on. What came after is there, the model too; the log, the config and the report are lost"
            )
            return
        report = write_report(self.path)
        lines = read_metrics(self.path / "metrics.jsonl")
        evaluations = [r for r in lines if r["phase"] == "evaluation"]
        words = "\n".join(filter(None, [waiting(lines), said]))
        self.console.finish(evaluations, self.last_records, report, words)

    # -- what happens around a step --------------------------------------------------------------------------------

    def log(self, metrics: Mapping[str, Any], phase: str | None = None) -> None:
        for observer in self.observers:
            observer.log(phase or self.progress.phase, self.progress.step, {**metrics, **self.identity})

    def _warn(self, metrics: Mapping[str, float]) -> None:
        if not watched(metrics):
            return
        for warning in self.watch.step(self.progress.step, metrics):
            self.warn(warning)
            self.log({"of": self.progress.phase, "warning": warning}, "warning")

    def _evaluate(self, stage: Stage, context: Context) -> None:
        """Where one is due at this step and not in the log yet."""
        step = self.progress.step
        at = (self.progress.phase, step)
        if at in self.evaluated or not stage.evaluation_due(self.config.evaluation_or_default.every):
            return
        begun = time.perf_counter()
        found = stage.evaluate(context)
        if found is None:
            return
        metrics, records = found
        metrics["seconds"] = time.perf_counter() - begun
        self.last_records = records
        self.watch.evaluation(step, metrics)
        self.console.evaluation(step, metrics)
        self.log({"of": self.progress.phase, **metrics}, "evaluation")
        self.evaluated.add(at)
        if records:
            self._write_completions(f"evaluation-{step:06d}", records)
        if self.best.see(step, metrics) and self.config.checkpoint.best:
            self._check_weights(stage)
            save_model(self.path / "best", self.policy, self.world)

    def _save_completions(self, stage: Stage) -> None:
        step, every = self.progress.step, self.config.log.completions_every
        if step != 1 and step % every and step != stage.steps:
            return
        records = stage.records()
        if records:
            self._write_completions(f"step-{step:06d}", records)

    def _write_completions(self, name: str, records: Records) -> None:
        known = [{**record, **self.identity} for record in records]
        self.world.only_first(lambda: write_completions(self.path / "completions", name, known))

    def _after_step(self, stage: Stage, last: bool) -> None:
        every = self.config.checkpoint.every
        if last or (every and self.progress.step % every == 0):
            self._save(stage)
        self._end_if_asked(stage)

    def _check_weights(self, stage: Stage) -> None:
        """Before they are kept: raises RunError where a step has made something other than numbers of them."""
        trained = () if stage.optimizer is None else (p for g in stage.optimizer.param_groups for p in g["params"])
        if self.world.any(not all_finite(trained)):
            raise RunError(
                f"the weights are not finite after {self.progress.phase} step {self.progress.step}: lower "
                f"{self.progress.phase}.lr, or look at the loss and grad_norm of the steps before in metrics.jsonl"
            )

    def _save(self, stage: Stage) -> None:
        self._check_weights(stage)
        keep = self.config.checkpoint.keep
        save_checkpoint(self.checkpoints, self.policy, stage, self.generator, self.progress, keep, self.world)

    # -- early ends ------------------------------------------------------------------------------------------------

    def _end_if_asked(self, stage: Stage) -> None:
        if self.world.any(self.ending.asked is not None):
            self._save(stage)
            self.world.only_first(lambda: write_report(self.path))
            self.warn(f"ended as asked; the state is saved. Go on with resume=true output={self.path}")
            raise Ended(self.ending.status)

    def _failed(self, error: BaseException) -> BaseException:
        """Save the last whole step; the error, with where that is."""
        error = error.reason if isinstance(error, Overtime) else error
        saved = self.rescue.save(everywhere(error))
        if self.world.first:
            with suppress(Exception):  # the error is what matters
                write_report(self.path)
        found = as_run_error(error, self.world)
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
        found = resume_point(self.checkpoints, self.whole, self.config, self.policy.model, self.warn)
        at, self.progress = found or (None, self.progress)
        done = ("start", 0) if at is None else (self.progress.phase, self.progress.step)
        log = self.path / "metrics.jsonl"
        self.world.only_first(lambda: forget_after(log, ["start", *self.order], *done))
        lines = self.world.only_first(lambda: read_metrics(log) if log.is_file() else [])
        self.watch.replay(lines)
        self.best.replay(lines)
        self.evaluated = {(str(r.get("of")), int(r["step"])) for r in lines if r["phase"] == "evaluation"}
        if at is not None:
            self.warn(f"going on after {self.progress.phase} step {self.progress.step} ({at})")
        return at

    def _restore(self, stage: Stage) -> None:
        """All that a checkpoint holds, once, in the phase that it was written in."""
        if self.start is None or read_progress(self.start).phase != self.progress.phase:
            return
        state = load_state(self.start, stage, self.generator, self.world)
        if stage.reference is not None and state["reference"] is not None:
            stage.reference.restore(state["reference"])
        elif stage.reference is not None and not stage.reference.fixed:
            self.warn(f"the checkpoint has no reference model: it is the policy after step {self.progress.step}")
        stage.restore(state.get("stage"))
        processes = len(state["random"])
        if processes != self.world.size:
            self.warn(
                f"the checkpoint was written by {processes} processes and these are {self.world.size}: the run goes "
                "on, but not to the same numbers"
            )

    def _folder(self) -> Path:
        self.held = Held(Path(self.config.output), self.config.resume, self.policy.parameters)
        return self.held.folder

    def warn(self, text: str) -> None:
        if self.world.first:
            self.console.warn(text)

    def close(self) -> None:
        if self.drawing is not None:
            self.drawing.close()
            release = getattr(self.drawing.sampler, "close", None)  # an engine with connections or files of its own
            if release is not None:
                release()
        for observer in self.observers:
            with suppress(OSError):  # a full disk has been told already
                observer.close()
        if self.held is not None:
            self.held.let_go()
        if isinstance(self.inputs.rewards, RayRewardSet):
            self.inputs.rewards.close()


def seed_all(seed: int) -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    random.seed(seed)
    torch.manual_seed(seed)
