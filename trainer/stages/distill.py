"""White-box distillation, whole: completions → both models' distributions → divergence → step. Read
:meth:`Distill.step` first.

- A step's completions are rows of a file, the student's own, or both by share (``on_policy``, GKD 2306.13649). What the
  student draws is held fixed: no gradient goes through the drawing.
- The divergence of a token is summed over the vocabulary that both models have, and the loss is a mean over all tokens
  of the optimizer step, whatever the micro-batches and processes.
- From hidden states: where both heads are plain matrices, the logits of neither model are ever whole in memory.
- The cross-entropy, where it has a share, is of the rows' own tokens; the student's own have none.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from veritune.plugins import ConfigError, DataError, VerituneError
from veritune.trainer.config.distill import DistillRunConfig
from veritune.trainer.data.batching import written_mask
from veritune.trainer.data.conversation_tokens import ConversationEncoder
from veritune.trainer.data.conversations import load_conversations, summary
from veritune.trainer.data.order import EpochOrder
from veritune.trainer.data.packing import make_batch
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Row
from veritune.trainer.objective.distillation import TopTokens
from veritune.trainer.observe.metrics import Clock, peak_memory
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.logprobs import HEADS, from_logits
from veritune.trainer.policy.models import Policy, looks_like_a_folder, pick_device, positions_of
from veritune.trainer.policy.optimization import BadSteps, gradient_step, make_optimizer, set_lr
from veritune.trainer.policy.passes import Passes
from veritune.trainer.policy.teacher import (
    Predictions,
    Teacher,
    TopCache,
    cached_divergence,
    check_tokens,
    embedded,
    output_head,
    predictions,
)
from veritune.trainer.rollout.scoring import score_metrics
from veritune.trainer.stages.batch import Batch, next_prompts, prompt_limit
from veritune.trainer.stages.interface import Context, Inputs, Records, Say
from veritune.trainer.stages.preflight import check_prompts
from veritune.trainer.stages.supervised import SupervisedStage

CACHE = "teacher.pt"
PROBES = 64
"""Prompts that both tokenizers are shown."""


@dataclass
class Lesson:
    """What there is to learn from: the rows as tokens, and the teacher, where it is not kept as its top tokens."""

    rows: list[Rollout]
    teacher: Teacher | None = None


class Distill(SupervisedStage):
    """The stage. ``step`` does one step and returns its metrics."""

    name, title, config_type = "distill", "distillation", DistillRunConfig
    optimizer: torch.optim.Optimizer

    def __init__(self, context: Context) -> None:
        run: DistillRunConfig = context.config
        self.run, self.config, self.objective = run, run.distill, run.distill.objective
        self.policy, self.model, self.world = context.policy, context.policy.model, context.world
        self.progress, self.generator = context.progress, context.generator
        self.source, self.drawing, self.encode = context.inputs.source, context.drawing, context.encode
        own: Lesson = context.inputs.own
        self.rows, self.teacher = own.rows, own.teacher
        self.order = EpochOrder(max(len(self.rows), 1), self.run.seed)
        self.passes = Passes(self.run, self.policy, None, self.world)
        self.optimizer = make_optimizer(self.model, self.config)
        self.bad_steps = BadSteps(self.config.bad_steps)
        self.drawn = Batch()
        self.cache = None if self.teacher is not None else self._cached(context.folder / CACHE)
        self.linear = output_head(self.model) is not None and (self.teacher is None or self.teacher.linear)

    # -- before there are steps ------------------------------------------------------------------------------------

    @classmethod
    def describe(cls, config: DistillRunConfig) -> str:
        return f"distillation ({config.distill.objective.divergence})"

    @classmethod
    def reads_prompts(cls, config: DistillRunConfig) -> bool:
        return config.distill.on_policy > 0

    @classmethod
    def read(cls, config: DistillRunConfig, world: World, say: Say) -> Inputs:
        path = config.teacher.path
        if looks_like_a_folder(path) and not Path(path).expanduser().is_dir():
            raise ConfigError(f"teacher.path: there is no folder {path!r}")
        if config.teacher.device is not None:
            pick_device(config.teacher.device)
        inputs, section = super().read(config, world, say), config.distill
        if section.on_policy < 1:
            file = section.train or config.data.train
            if not isinstance(file, str):
                raise ConfigError("distill.train: name a file of prompts and answers, or set distill.on_policy: 1")
            inputs.own, dropped = load_conversations(file, config.data, section)
            if dropped:
                say(summary(dropped, len(inputs.own) + sum(dropped.values()), "distill.train"))
        elif section.steps is None:
            raise ConfigError("distill.steps: with on_policy: 1 there is no end; say how many")
        inputs.draws = inputs.draws or section.on_policy > 0
        return inputs

    @classmethod
    def check_model(cls, inputs: Inputs, policy: Policy, encode: PromptEncoder, say: Say) -> None:
        super().check_model(inputs, policy, encode, say)
        config: DistillRunConfig = inputs.config
        rows, source = inputs.own or [], inputs.source
        found = inputs.own = Lesson(_encoded(rows, config, encode, policy, say) if rows else [])
        shown = rows[:PROBES] if source is None else [source.row(n) for n in range(PROBES)]
        check_tokens(policy.tokenizer, config.teacher.path, [encode.text(row.prompt) for row in shown], say)
        limits = [positions_of(policy.model)]
        if config.teacher.top_k is None:
            found.teacher = Teacher(config, config.teacher, policy)
            check_readable(found.teacher, found.rows)
            limits.append(positions_of(found.teacher.policy.model))
        positions = min((limit for limit in limits if limit is not None), default=None)
        if source is not None:
            check_prompts(source, encode, config, positions, say, "data.train")
        longest = max(map(_tokens, found.rows), default=0)
        if positions is not None and longest - 1 > positions:
            raise ConfigError(
                f"a prompt with its answer has {longest} tokens, and student or teacher {positions} positions; set "
                f"distill.max_tokens={positions}"
            )

    @classmethod
    def begin(cls, context: Context) -> Distill:
        return cls(context)

    def _cached(self, path: Path) -> TopCache:
        """The teacher's most likely tokens of every row: from the run's folder, else from the teacher, once."""
        settings, count = self.run.teacher, self.run.teacher.top_k
        assert count is not None
        key = hashlib.sha256(repr((settings.path, count, self.objective.temperature)).encode())
        for row in self.rows:
            key.update(repr((row.prompt_ids, row.token_ids)).encode())
        found = self.world.only_first(lambda: TopCache.read(path, key.hexdigest()))
        if found is not None:
            return found
        teacher = Teacher(self.run, settings, self.policy)
        check_readable(teacher, self.rows)
        size, tops = min(teacher.embedded, embedded(self.model)), dict[int, TopTokens]()
        for cut in filter(None, self.passes.cuts(self.rows, range(len(self.rows)))):
            rows = [self.rows[i] for i in cut]
            batch = make_batch([r.prompt_ids for r in rows], [r.token_ids for r in rows], self.policy.device)
            top, at = teacher.top(batch, count, size, self.objective.temperature), 0
            for i, row in zip(cut, rows, strict=True):
                span = slice(at, at := at + len(row.token_ids))
                tops[i] = TopTokens(top.ids_NK[span].int(), top.logps_NK[span], top.rest_N[span])
        tops = {i: top for part in self.world.gather(tops) for i, top in part.items()}
        order = [tops[i] for i in range(len(self.rows))]
        flat = [torch.cat([getattr(top, name) for top in order]) for name in ("ids_NK", "logps_NK", "rest_N")]
        cache = TopCache(TopTokens(*flat), [len(r.token_ids) for r in self.rows], size)
        self.world.only_first(lambda: cache.save(path, key.hexdigest()))
        return cache

    # -- steps -----------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        if self.config.steps is not None:
            return self.config.steps
        fresh = self.config.batch * (1 - self.config.on_policy)
        return math.ceil((self.config.epochs or 1.0) * len(self.rows) / fresh)

    def step(self) -> dict[str, float]:
        """One batch of completions, given and drawn; one update."""
        clock = Clock()
        own = self._own(self.progress.step + 1) - self._own(self.progress.step)
        used = self.progress.step * self.config.batch - self._own(self.progress.step)
        given = self.order.take(used, self.config.batch - own) if self.rows else []
        rollouts = [*(self.rows[i] for i in given), *self._draw(own, clock)]
        with clock.phase("update"):
            lr = set_lr(self.optimizer, self.config, self.progress.step, self.steps)
            loss, sums = self._accumulate(rollouts, given)
            norm = gradient_step(self.model, self.optimizer, self.config.clip_norm) if math.isfinite(loss) else None
            self.optimizer.zero_grad(set_to_none=True)
        self.progress.step += 1
        self.bad_steps.watch(norm is not None, f"distillation step {self.progress.step}", "lower distill.lr")
        tokens = max(sums["tokens"], 1.0)
        metrics = {"loss": loss, "grad_norm": math.nan if norm is None else norm, "lr": lr, "tokens": sums["tokens"]}
        metrics |= {"divergence": sums["divergence"] / tokens, "on_policy": own / self.config.batch}
        if self.objective.ce_weight:
            metrics["cross_entropy"] = sums["cross_entropy"] / max(sums["given"], 1.0)
        if own:
            metrics["length"] = sum(len(r.token_ids) for r in self.drawn.rollouts) / own
            aliases = self.drawing.rewards.aliases if self.drawing is not None else []
            metrics |= score_metrics(self.drawn.scores, aliases) if aliases else {}
        return {**metrics, **clock.metrics(), "peak_memory_mib": peak_memory(self.policy.device)}

    def records(self) -> Records | None:
        """What the student drew, where it is scored."""
        if not self.drawn.rollouts or self.drawing is None or not self.drawing.rewards.aliases:
            return None
        return self.drawn.records(self.drawing.rewards.aliases, self.name, self.progress.step)

    def _own(self, steps: int) -> int:
        """Completions that the student has drawn itself after so many steps."""
        return math.floor(steps * self.config.batch * self.config.on_policy + 1e-9)

    def _draw(self, count: int, clock: Clock) -> list[Rollout]:
        """The student's own completions, one a prompt; those with tokens that the teacher cannot read are left out."""
        self.drawn = Batch()
        if not count:
            return []
        assert self.drawing is not None
        assert self.source is not None
        assert self.teacher is not None
        limit = prompt_limit(self.run, self.model)
        at, sampling = self.progress.position, self.run.sampling
        rows, prompts, self.progress.position = next_prompts(self.source, self.encode, at, count, limit)
        found = self.drawing.draw(rows, prompts, 1, sampling, self.generator, self.progress.step, clock)
        unknown = torch.full((count, 1), math.nan)
        self.drawn = Batch(rows, found.rollouts, found.samples, found.scores, unknown, unknown, count, found.logged)
        most = self.teacher.embedded
        return [r for r in found.rollouts if max(*r.prompt_ids, *r.token_ids) < most]

    def _accumulate(self, rollouts: Sequence[Rollout], given: Sequence[int]) -> tuple[float, dict[str, float]]:
        """Gradients of one step, over micro-batches and processes; the loss, and sums over tokens. The first rollouts
        are the rows ``given``."""
        tokens = sum(r.tokens_written for r in rollouts)
        total, sums = 0.0, defaultdict[str, float](float)
        for rows in self.world.passes(self.model, self.passes.cuts(rollouts, range(len(rollouts)))):
            if not rows:  # of a sharded student, while others still have some
                self.world.backward(self.passes.policy([])[0].sum())
                continue
            found = self._loss([rollouts[i] for i in rows], [given[i] if i < len(given) else None for i in rows], sums)
            loss = found / max(tokens, 1)
            self.world.backward(loss)
            total += float(loss.detach())
        self.world.sum_gradients(self.model)
        return sum(self.world.gather(total)), self.world.sum(sums)

    def _loss(self, rollouts: Sequence[Rollout], rows: Sequence[int | None], sums: dict[str, float]) -> Tensor:
        """Σ over the tokens of a micro-batch; ``rows``: each one's row of the file, None where the student drew it."""
        device, share = self.policy.device, self.objective.ce_weight
        batch = make_batch([r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts], device)
        with self.policy.autocast():
            student = predictions(self.model, batch, self.linear)
        if self.cache is not None:
            kept = [row for row in rows if row is not None]
            divergence_N = cached_divergence(student, self.cache, kept, device, self.objective)
        else:
            assert self.teacher is not None
            divergence_N = self.teacher.divergence(student, batch, self.objective)
        mask_RT = batch.mask_RT
        written_N = written_mask(rollouts, mask_RT.shape[1], device)[mask_RT]
        given_R = torch.tensor([row is not None for row in rows], device=device)
        given_N = given_R.repeat_interleave(batch.lengths_R).float()
        loss_N = (1 - share * given_N) * divergence_N
        if share:
            entropy_N = -self._logps(student, batch.targets_RT[mask_RT])
            loss_N = loss_N + share * given_N * entropy_N
            sums["cross_entropy"] += float((entropy_N.detach() * given_N * written_N).sum())
        sums["divergence"] += float((divergence_N.detach() * written_N).sum())
        sums["tokens"] += float(written_N.sum())
        sums["given"] += float((given_N * written_N).sum())
        return (loss_N * written_N).sum()

    def _logps(self, student: Predictions, targets_N: Tensor) -> Tensor:
        """log p_s of the completions' own tokens, at temperature 1."""
        if student.logits_NV is not None:
            return from_logits(student.logits_NV, targets_N, 1.0, "none")[0]
        assert student.states_NH is not None
        head = output_head(self.model)
        assert head is not None
        return HEADS[self.config.head](head, student.states_NH, targets_N, 1.0, "none")[0]


def _encoded(
    rows: Sequence[Row], config: DistillRunConfig, encode: PromptEncoder, policy: Policy, say: Say
) -> list[Rollout]:
    """Rows as tokens, those left out that are longer than ``distill.max_tokens``; a conversation may be several.

    Raises DataError for what cannot be rendered, naming the row, ConfigError where nothing is left.
    """
    encoder, found = ConversationEncoder(encode, policy.eos_ids), list[Rollout]()
    for number, row in enumerate(rows, 1):
        try:
            found += encoder(row)
        except (VerituneError, ValueError, TypeError) as error:
            raise DataError(f"distill.train, row {number}: {error}") from error
    limit = config.distill.max_tokens or math.inf
    kept = [row for row in found if _tokens(row) <= limit]
    if not kept:
        raise ConfigError(f"distill.max_tokens={limit}: every row is longer")
    if len(kept) < len(found):
        say(f"{len(found) - len(kept)} of {len(found)} rows are longer than distill.max_tokens and left out")
    return kept


def check_readable(teacher: Teacher, rows: Sequence[Rollout]) -> None:
    """Raise ConfigError where a row has tokens that the teacher's embedding has not, or more than it has positions."""
    most = max((max(*row.prompt_ids, *row.token_ids) for row in rows), default=0)
    if most >= teacher.embedded:
        raise ConfigError(
            f"a row has token {most}, and the teacher reads {teacher.embedded} tokens; leave such rows out"
        )
    positions, longest = positions_of(teacher.policy.model), max(map(_tokens, rows), default=0)
    if positions is not None and longest - 1 > positions:
        raise ConfigError(
            f"a prompt with its answer has {longest} tokens, and the teacher {positions} positions; set "
            f"distill.max_tokens={positions}"
        )


def _tokens(row: Rollout) -> int:
    return len(row.prompt_ids) + len(row.token_ids)
