"""DPO, whole: pairs → log-probs of both answers → loss → step. Read :meth:`DPO.step` first.

- Log-probs are sums over the completion's tokens, its end-of-sequence token included, at temperature 1 and in float32.
- The reference is the policy as the run begins (with a new adapter: its base model). Its log-probs of every pair are
  computed once and kept in the run's folder, ``reference.pt``: no second model is held.
- The mean is over the pairs of the whole optimizer step, whatever the micro-batches and processes.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from veritune.plugins import ConfigError
from veritune.trainer.config.dpo import DPORunConfig
from veritune.trainer.data.conversation_tokens import ConversationEncoder
from veritune.trainer.data.order import EpochOrder
from veritune.trainer.data.pairs import Pair
from veritune.trainer.data.preferences import TokenPair, encode_preferences, load_preferences, prompts_by_text
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import FileSource, Source
from veritune.trainer.objective.dpo import PairBatch, PairLoss, pair_loss
from veritune.trainer.observe.metrics import Clock, peak_memory
from veritune.trainer.observe.pair_metrics import pair_metrics
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.models import Policy, positions_of
from veritune.trainer.policy.optimization import BadSteps, gradient_step, make_optimizer, set_lr
from veritune.trainer.policy.passes import Passes
from veritune.trainer.policy.weights import load_or_none
from veritune.trainer.stages.interface import Context, Inputs, Records, Say
from veritune.trainer.stages.supervised import SupervisedStage

REFERENCE = "reference.pt"


class DPO(SupervisedStage):
    """The stage. ``step`` does one step and returns its metrics."""

    name, title, config_type = "dpo", "DPO", DPORunConfig
    optimizer: torch.optim.Optimizer

    def __init__(self, context: Context) -> None:
        run: DPORunConfig = context.config
        self.config, self.objective = run.dpo, run.dpo.objective
        self.policy, self.model = context.policy, context.policy.model
        self.world, self.progress = context.world, context.progress
        self.pairs: list[TokenPair]
        self.held_out: list[TokenPair]
        self.pairs, self.held_out = context.inputs.own
        self.order = EpochOrder(len(self.pairs), run.seed)
        self.passes = Passes(run, self.policy, None, self.world, temperature=1.0)
        self.optimizer = make_optimizer(self.model, self.config)
        self.bad_steps = BadSteps(self.config.bad_steps)
        self.reference_, self.held_reference = self._reference(context.folder / REFERENCE)
        self.evaluated: tuple[int, dict[str, float]] | None = None

    # -- before there are steps ------------------------------------------------------------------------------------

    @classmethod
    def describe(cls, config: DPORunConfig) -> str:
        return f"DPO ({config.dpo.objective.loss})"

    @classmethod
    def reads_prompts(cls, config: DPORunConfig) -> bool:
        return config.dpo.pairs.train is not None or config.dpo.pairs.completions is not None

    @classmethod
    def read(cls, config: DPORunConfig, world: World, say: Say) -> Inputs:
        section, file = config.dpo.pairs, config.data.train
        if not cls.reads_prompts(config) and not isinstance(file, str):
            raise ConfigError("dpo.pairs: name a file of pairs (train) or scored completions to make them of")
        inputs = super().read(config, world, say)
        train, held_out = inputs.own = load_preferences(section, file if isinstance(file, str) else None)
        out = f", {len(held_out)} held out" if held_out else ""
        say(f"dpo.pairs: {len(train)} pairs to train on{out}")
        return inputs

    @classmethod
    def numbers(cls, inputs: Inputs) -> list[str]:
        drawn = super().numbers(inputs)
        pairs = [f"pairs/{name}" for name in ("accuracy", "loss", "brier", "ece")] if inputs.own[1] else []
        return [*drawn, *pairs, *(["accuracy", "loss"] if pairs and not drawn else [])]

    @classmethod
    def check_model(cls, inputs: Inputs, policy: Policy, encode: PromptEncoder, say: Say) -> None:
        super().check_model(inputs, policy, encode, say)
        inputs.own = encode_sides(inputs, policy, encode, say)
        if not inputs.own[0]:
            raise ConfigError("dpo.pairs: every pair is left out (longer than dpo.max_tokens, or a text twice)")

    @classmethod
    def begin(cls, context: Context) -> DPO:
        return cls(context)

    def _reference(self, path: Path) -> tuple[Tensor, Tensor]:
        """(pairs, 2) log-probs of chosen and rejected answers under the policy as the run begins, also held-out."""
        pairs = [*self.pairs, *self.held_out]
        digest = hashlib.sha256()
        for pair in pairs:
            digest.update(repr((pair.chosen.prompt_ids, pair.chosen.token_ids, pair.rejected.token_ids)).encode())
        kept = self.world.only_first(lambda: load_or_none(path))
        if kept is None or kept["pairs"] != digest.hexdigest():
            if self.progress.step:
                raise ConfigError(
                    f"{path} is missing, damaged or of other pairs, and the policy is not what it was when the run "
                    "began: go on with the same pairs and file, or start a new run"
                )
            kept = {"pairs": digest.hexdigest(), "logps": self._all_logps(pairs)}
            self.world.only_first(lambda: _save(kept, path))
        logps_N2: Tensor = kept["logps"]
        return logps_N2[: len(self.pairs)], logps_N2[len(self.pairs) :]

    # -- steps -----------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        if self.config.steps is not None:
            return self.config.steps
        return math.ceil(self.config.epochs * len(self.pairs) / self.config.batch)

    def step(self) -> dict[str, float]:
        """One batch of pairs; every epoch is over all pairs in a new order."""
        clock = Clock()
        with clock.phase("update"):
            lr = set_lr(self.optimizer, self.config, self.progress.step, self.steps)
            taken = self.order.take(self.progress.position, self.config.batch)
            loss, sums = self._accumulate([self.pairs[i] for i in taken], self.reference_[taken])
            norm = gradient_step(self.model, self.optimizer, self.config.clip_norm) if math.isfinite(loss) else None
            self.optimizer.zero_grad(set_to_none=True)
        self.progress.step += 1
        self.progress.position += len(taken)
        self.bad_steps.watch(norm is not None, f"DPO step {self.progress.step}", "lower dpo.lr")
        metrics = {"loss": loss, "grad_norm": math.nan if norm is None else norm, "lr": lr}
        metrics |= {name: value / len(taken) for name, value in sums.items()}
        metrics["epoch"] = self.progress.position / len(self.pairs)
        return {**metrics, **clock.metrics(), "peak_memory_mib": peak_memory(self.policy.device)}

    def _accumulate(self, pairs: Sequence[TokenPair], reference_N2: Tensor) -> tuple[float, dict[str, float]]:
        """Gradients of one step, over micro-batches and processes; the loss, and sums over its pairs."""
        tokens = sum(len(p.chosen.token_ids) for p in pairs)
        total, sums = 0.0, defaultdict[str, float](float)
        for rows in self.world.passes(self.model, self._cuts(pairs)):
            if not rows:
                self.world.backward(self.passes.policy([])[0].sum())
                continue
            found = self._pair_loss([pairs[i] for i in rows], reference_N2[rows], len(pairs), tokens)
            self.world.backward(found.loss)
            total += float(found.loss.detach())
            for name, value in found.sums.items():
                sums[name] += value
        self.world.sum_gradients(self.model)
        return sum(self.world.gather(total)), self.world.sum(sums)

    def _pair_loss(self, pairs: Sequence[TokenPair], reference_B2: Tensor, count: int, tokens: int) -> PairLoss:
        return self._loss_of(pairs, self._logps(pairs), reference_B2, count, tokens)

    def _loss_of(
        self, pairs: Sequence[TokenPair], logps: Sequence[Tensor], reference_B2: Tensor, count: int, tokens: int
    ) -> PairLoss:
        """``logps``: of the chosen and of the rejected answers."""
        chosen_B, rejected_B = logps
        device = chosen_B.device
        lengths = [[len(p.chosen.token_ids) for p in pairs], [len(p.rejected.token_ids) for p in pairs]]
        reference = reference_B2.to(device).unbind(1)
        batch = PairBatch(chosen_B, rejected_B, *reference, *(torch.tensor(n, device=device) for n in lengths))
        return pair_loss(batch, self.objective, count, tokens)

    def _cuts(self, pairs: Sequence[TokenPair]) -> list[list[int]]:
        """Micro-batches of this process's share of the pairs, by their places in ``pairs``."""
        return self.passes.cuts([r for p in pairs for r in (p.chosen, p.rejected)], range(len(pairs)), together=2)

    def _logps(self, pairs: Sequence[TokenPair]) -> tuple[Tensor, Tensor]:
        """(B,) Σ log π of the chosen answers, and of the rejected ones."""
        logps_RT, _ = self.passes.policy([*(p.chosen for p in pairs), *(p.rejected for p in pairs)])
        sums_R = logps_RT.sum(1)
        return sums_R[: len(pairs)], sums_R[len(pairs) :]

    @torch.no_grad()
    def _all_logps(self, pairs: Sequence[TokenPair]) -> Tensor:
        """(pairs, 2) on every process."""
        found: dict[int, list[float]] = {}
        for rows in self.world.passes(self.model, self._cuts(pairs)):
            if not rows:
                self.passes.policy([])
                continue
            both_B2 = torch.stack(self._logps([pairs[i] for i in rows]), 1)
            found.update(zip(rows, both_B2.tolist(), strict=True))
        everywhere = {row: logps for part in self.world.gather(found) for row, logps in part.items()}
        return torch.tensor([everywhere[row] for row in range(len(pairs))])

    # -- evaluation ------------------------------------------------------------------------------------------------

    def evaluate(self, context: Context) -> tuple[dict[str, float], Records] | None:
        """Held-out prompts, drawn and scored; held-out pairs, as ``pairs/…`` (alone, also as the accuracy)."""
        drawn, pairs = super().evaluate(context), self._judge() if self.held_out else {}
        if drawn is None:
            return ({**pairs, "accuracy": pairs["pairs/accuracy"], "loss": pairs["pairs/loss"]}, []) if pairs else None
        return {**drawn[0], **pairs}, drawn[1]

    def _judge(self) -> dict[str, float]:
        """Accuracy and calibration of σ(βΔ); ``loss`` is the one that is trained on, whatever the objective."""
        pairs, logps_N2 = self.held_out, self._all_logps(self.held_out)
        moved_N2 = logps_N2 - self.held_reference
        found = pair_metrics((self.objective.beta * (moved_N2[:, 0] - moved_N2[:, 1])).tolist())
        tokens = sum(len(pair.chosen.token_ids) for pair in pairs)
        trained = self._loss_of(pairs, logps_N2.unbind(1), self.held_reference, len(pairs), tokens)
        found["loss"] = float(trained.loss)
        found |= {"shift/chosen": float(moved_N2[:, 0].mean()), "shift/rejected": float(moved_N2[:, 1].mean())}
        return {f"pairs/{name}": value for name, value in found.items()}


def encode_sides(
    inputs: Inputs, policy: Policy, encode: PromptEncoder, say: Say
) -> tuple[list[TokenPair], list[TokenPair]]:
    """Training and held-out pairs as the policy sees them, those left out that are longer than ``dpo.max_tokens``.

    Raises ConfigError where a pair is longer than the model has positions.
    """
    known, end = _known(inputs.source), ConversationEncoder(encode, policy.eos_ids).end
    limit, positions = inputs.config.dpo.max_tokens or math.inf, positions_of(policy.model)
    sides = []
    pairs: Sequence[Pair]
    for what, pairs in zip(("dpo.pairs", "dpo.pairs, held out"), inputs.own, strict=True):
        encoded = encode_preferences(pairs, encode, end, known, what)
        differ = [pair for pair in encoded if pair.chosen.token_ids != pair.rejected.token_ids]
        if len(differ) < len(encoded):
            say(f"{what}: {len(encoded) - len(differ)} of {len(encoded)} prefer a text to itself and are left out")
        kept = [pair for pair in differ if pair.tokens <= limit]
        if len(kept) < len(differ):
            say(f"{what}: {len(differ) - len(kept)} of {len(differ)} are longer than dpo.max_tokens and left out")
        longest = max((pair.tokens for pair in kept), default=0)
        if positions is not None and longest - 1 > positions:
            raise ConfigError(
                f"{what}: a prompt with its answer has {longest} tokens, and the model {positions} positions; set "
                f"dpo.max_tokens={positions}"
            )
        sides.append(kept)
    return sides[0], sides[1]


def _known(source: Source | None) -> dict[str, Any]:
    """The conversations of ``data.train`` by their texts: files of completions keep only those."""
    return prompts_by_text([row.prompt for row in source.rows]) if isinstance(source, FileSource) else {}


def _save(kept: dict[str, Any], path: Path) -> None:
    partial = path.with_suffix(".partial")
    torch.save(kept, partial)
    os.replace(partial, path)
