"""Rollouts and their scores: whole groups are scored while others are still being drawn.

Each process draws its part of the completions and scores its part of the groups; then every process has all of them.
"""

from __future__ import annotations

import math
import queue
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from veritune.plugins import Sample, Score, Text
from veritune.rewards.composition import RewardSet
from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Row
from veritune.trainer.observe.metrics import Clock
from veritune.trainer.policy.distributed import ALONE, World, same_device
from veritune.trainer.rollout.cancelling import check_cancelled, result
from veritune.trainer.rollout.episodes import Episodes
from veritune.trainer.rollout.interface import Done, NotFiniteError, Sampler
from veritune.trainer.rollout.patience import Patience
from veritune.trainer.rollout.scoring import make_samples, score


@dataclass
class Drawn:
    """Completions in prompt order, what rewards saw of them, and their scores."""

    rollouts: list[Rollout] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    logged: dict[str, float] = field(default_factory=dict)
    """What rewards logged through ``log_metric``, averaged over samples: a value counts for all of its call."""


@dataclass
class Drawing:
    """Draws and scores completions.

    ``overlap``: score groups as they are complete, in a thread of its own; which groups share a call of a reward is
    then a matter of time, as it is with several processes. Otherwise all are scored together, in the calling thread.
    """

    sampler: Sampler
    rewards: RewardSet
    folder: Path
    begun: Callable[[Text], str] = lambda prompt: ""
    """What a prompt has begun of the policy's turn; rewards see it with the completion."""
    overlap: bool = True
    world: World = ALONE
    episodes: Episodes | None = None
    """Completions of several turns, with a function of the user's."""
    patience: Patience = field(default_factory=Patience)
    """How long scoring may take, and who is told what it waits for."""
    interrupt: Callable[[BaseException], None] = lambda error: None
    """Raises an error in the main thread, where the main thread is what takes too long."""
    device: torch.device | None = None
    """Where completions are drawn, if not where the policy is: random numbers come from there too."""
    begin: Callable[[], None] = field(default_factory=same_device)
    """What the scoring thread begins with: this thread's GPU, whatever thread draws."""
    settle: Callable[[], None] = lambda: None
    """Waits until nothing is being drawn in another thread: an evaluation has the sampler to itself."""
    closed: bool = False
    _thread: ScoringThread | None = None

    def draw(
        self,
        rows: Sequence[Row],
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        step: int,
        clock: Clock,
        evaluation: bool = False,
        sync: bool = True,
    ) -> Drawn:
        """``samples`` completions of every prompt, with their scores, on every process.

        Processes draw and score whole groups; with fewer prompts than processes, each draws a part of every group, and
        scoring waits until groups are whole. In ``clock``, ``score`` is what scoring takes beyond the drawing. Without
        ``sync`` it is drawn with the weights that the sampler has.
        """
        if evaluation:
            self.settle()
        if sync:
            with clock.phase("rollout"):
                self.sampler.sync()  # on every process, drawing or not: sharded weights are gathered by all
        job = _Job(rows, prompts, samples, sampling, generator, step, evaluation)
        split = len(prompts) < self.world.size
        drawn = self._draw_split(job, clock) if split else self._draw_groups(job, clock)
        for position, rollout in enumerate(drawn.rollouts):
            rollout.prompt_index = position // samples
        check_finite(drawn.rollouts, step)
        return drawn

    def close(self) -> None:
        """End the scoring thread, when it is done with what it does: a reward that hangs is not waited for."""
        self.closed = True
        if self._thread is not None:
            self._thread.close()
            self._thread = None

    # -- whole groups ----------------------------------------------------------------------------------------------

    def _draw_groups(self, job: _Job, clock: Clock) -> Drawn:
        mine = job.part(self.world.part(len(job.prompts)))
        return _join(self.world.run(lambda: self._draw_and_score(mine, clock)))

    def _draw_and_score(self, job: _Job, clock: Clock) -> _Scored:
        if not job.prompts:
            return _Scored()
        scorer = _Scorer(self, job)
        try:
            with clock.phase("rollout"):
                rollouts = self._generate(job, job.samples, scorer.done if self.overlap else None)
            with clock.phase("score"):
                return scorer.finish(rollouts)
        except Exception:
            with suppress(Exception):  # the first error is the one to tell
                scorer.wait()
            raise

    def _generate(self, job: _Job, samples: int, done: Done | None = None) -> list[Rollout]:
        if self.episodes is not None:
            return self.episodes.play(job.rows, job.prompts, samples, job.sampling, job.generator, done)
        return self.sampler.generate(job.prompts, samples, job.sampling, job.generator, done)

    def submit(self, work: Callable[[Sequence[int]], None], groups: Sequence[int]) -> Future[None]:
        """Run ``work`` in the scoring thread: one for the whole run, since workers may be bound to their thread."""
        if self._thread is None:
            self._thread = ScoringThread(self.patience, self.begin)
        return self._thread.submit(work, groups)

    def run_here(self, work: Callable[[Sequence[int]], None], groups: Sequence[int]) -> None:
        """Run ``work`` in this thread: some rewards need the main one."""
        with self.patience.watch(self.interrupt):
            work(groups)

    # -- groups in parts -------------------------------------------------------------------------------------------

    def _draw_split(self, job: _Job, clock: Clock) -> Drawn:
        """Fewer prompts than processes: parts of every group, scored whole afterwards."""
        count, prompts = len(self.world.part(job.samples)), len(job.prompts)
        with clock.phase("rollout"):
            parts = self.world.run(lambda: self._generate(job, count) if count else [])
        rollouts: list[Rollout] = []
        for prompt in range(prompts):
            for part in parts:
                size = len(part) // prompts
                rollouts += part[prompt * size : (prompt + 1) * size]
        mine = self.world.part(prompts)
        chosen = rollouts[mine.start * job.samples : mine.stop * job.samples]
        with clock.phase("score"):
            scored = _join(self.world.run(lambda: _Scorer(self, job.part(mine)).finish(chosen)))
        return Drawn(rollouts, scored.samples, scored.scores, scored.logged)


@dataclass
class _Job:
    """What is to be drawn and scored."""

    rows: Sequence[Row]
    prompts: Sequence[Sequence[int]]
    samples: int
    sampling: SamplingConfig
    generator: torch.Generator
    step: int
    evaluation: bool

    def part(self, groups: range) -> _Job:
        """Some of the groups."""
        return replace(self, rows=[self.rows[i] for i in groups], prompts=[self.prompts[i] for i in groups])


@dataclass
class _Scored:
    """The results of one process."""

    rollouts: list[Rollout] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    logged: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """Values with the numbers of samples they were of."""


class _Scorer:
    """Takes completions in any order, and scores every group that is complete."""

    def __init__(self, drawing: Drawing, job: _Job) -> None:
        self.drawing, self.job = drawing, job
        self.groups: dict[int, dict[int, Rollout]] = defaultdict(dict)
        self.ready: list[int] = []
        self.samples: dict[int, list[Sample]] = {}
        self.scores: dict[int, list[Score]] = {}
        self.logged: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.running: Future[None] | None = None

    def done(self, place: int, rollout: Rollout) -> None:
        """A completion is there. An exception of a reward that has run meanwhile is raised here."""
        check_cancelled()
        group = place // self.job.samples
        self.groups[group][place] = rollout
        if len(self.groups[group]) == self.job.samples:
            self.ready.append(group)
        if self.running is not None and self.running.done():
            self.wait()
        if self.ready and self.running is None:
            groups, self.ready = sorted(self.ready), []
            self.running = self.drawing.submit(self._score, groups)

    def finish(self, rollouts: list[Rollout]) -> _Scored:
        """Score what is left and put everything in order."""
        self.wait()
        size = self.job.samples
        left = [g for g in range(len(self.job.rows)) if g not in self.scores]
        for group in left:
            self.groups[group] = dict(enumerate(rollouts[group * size : (group + 1) * size], group * size))
        if left and self.drawing.overlap:
            result(self.drawing.submit(self._score, left))
        elif left:
            self.drawing.run_here(self._score, left)
        order = range(len(self.job.rows))
        samples = [sample for g in order for sample in self.samples[g]]
        return _Scored(rollouts, samples, [s for g in order for s in self.scores[g]], dict(self.logged))

    def wait(self) -> None:
        """Until nothing is being scored; raises what a reward raised."""
        running, self.running = self.running, None
        if running is not None:
            result(running)

    def _score(self, groups: Sequence[int]) -> None:
        """In the scoring thread."""
        size, job = self.job.samples, self.job
        rollouts = [rollout for g in groups for _, rollout in sorted(self.groups[g].items())]
        rows = [job.rows[g] for g in groups for _ in range(size)]
        samples = make_samples(rollouts, rows, self.drawing.begun)
        for rollout in rollouts:
            rollout.scored_at = job.step
        rewards, folder = self.drawing.rewards, self.drawing.folder
        logged: list[tuple[str, float]] = []
        log = lambda name, value: logged.append((name, float(value)))  # noqa: E731
        wanted = lambda: not self.drawing.closed  # noqa: E731
        scores = score(rewards, samples, folder, job.step, job.evaluation, log, wanted)
        times = Counter(name for name, _ in logged)
        for name, value in logged:
            self.logged[name].append((value, len(samples) / times[name]))
        for number, group in enumerate(groups):
            span = slice(number * size, (number + 1) * size)
            self.samples[group], self.scores[group] = samples[span], scores[span]


def check_finite(rollouts: Sequence[Rollout], step: int) -> None:
    """Raise NotFiniteError where a completion was drawn with a log-prob that is no number: the weights are broken."""
    broken = sum(not math.isfinite(sum(rollout.logprobs)) for rollout in rollouts)
    if broken:
        raise NotFiniteError(
            f"{broken} of {len(rollouts)} completions were drawn with log-probs that are not finite: the policy is "
            f"broken after step {step}; lower the learning rate, or go back to an older checkpoint"
        )


class ScoringThread:
    """One thread for all scoring, its calls watched. It is a daemon: the end of the process does not wait for it."""

    def __init__(self, patience: Patience, begin: Callable[[], None] | None = None) -> None:
        self.patience = patience
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._begin = begin or same_device()
        self._thread = threading.Thread(target=self._work, name="veritune-score", daemon=True)
        self._thread.start()
        self._last: Future[None] | None = None

    def submit(self, work: Callable[[Sequence[int]], None], groups: Sequence[int]) -> Future[None]:
        """A call too long is an error of the future, though the thread still runs it."""
        future: Future[None] = Future()
        self._last = future

        def stop(error: BaseException) -> None:
            with suppress(InvalidStateError):
                future.set_exception(error)

        def job() -> None:
            try:
                with self.patience.watch(stop):
                    work(groups)
            except BaseException as error:
                stop(error)
            else:
                with suppress(InvalidStateError):
                    future.set_result(None)

        self._jobs.put(job)
        return future

    def close(self) -> None:
        """No more jobs. The thread is waited for only where it has answered all."""
        self._jobs.put(None)
        if self._last is None or self._last.done():
            self._thread.join(timeout=1.0)

    def _work(self) -> None:
        self._begin()
        while (job := self._jobs.get()) is not None:
            job()


def _join(parts: Sequence[_Scored]) -> Drawn:
    """Everybody's results, in order of process."""
    logged: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for part in parts:
        for name, values in part.logged.items():
            logged[name] += values
    return Drawn(
        [rollout for part in parts for rollout in part.rollouts],
        [sample for part in parts for sample in part.samples],
        [found for part in parts for found in part.scores],
        {name: sum(v * n for v, n in values) / sum(n for _, n in values) for name, values in logged.items()},
    )
