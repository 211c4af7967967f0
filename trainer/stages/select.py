"""Rejection sampling: the policy's own completions, the good ones of them, as rows to imitate.

What is kept is written as it is found; a run that goes on cuts the file back to its last whole step. ``selected.jsonl``
has every row's provenance, ``summary.json`` what was dropped for which reason.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from veritune.plugins import ConfigError, Sample, Score
from veritune.plugins.errors import did_you_mean
from veritune.plugins.types import completion_text, prompt_text
from veritune.trainer.config.select import SelectConfig, SelectRunConfig
from veritune.trainer.data.conversations import TURNS, load_conversations, summary
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.selection import Candidate, Selection
from veritune.trainer.data.sources import FileSource, Row
from veritune.trainer.observe.metrics import Clock, peak_memory
from veritune.trainer.policy.distributed import World
from veritune.trainer.rollout.scoring import completion_records, part_value, score_metrics, speculative_metrics
from veritune.trainer.stages.batch import next_prompts, prompt_limit
from veritune.trainer.stages.inputs import with_steps
from veritune.trainer.stages.interface import Context, Inputs, Records, Say
from veritune.trainer.stages.policy_stage import PolicyStage

ROWS = "selected.jsonl"
PART = "selected.partial.jsonl"
WHOLE = "reward"
"""In ``select.keep``, the composed reward."""


class Select(PolicyStage):
    """The stage. ``step`` draws the completions of some prompts and keeps the good ones."""

    name, title, config_type = "select", "selection", SelectRunConfig
    product, product_path = "rows", ROWS
    changes_policy = False

    def __init__(self, context: Context) -> None:
        assert context.drawing is not None
        assert context.inputs.source is not None
        self.run: SelectRunConfig = context.config
        self.config: SelectConfig = self.run.select
        self.context, self.progress = context, context.progress
        self.drawing, self.source, self.encode = context.drawing, context.inputs.source, context.encode
        self.aliases = context.inputs.rewards.aliases
        self.selection = Selection(self.config, least_values(self.run, self.aliases))
        self.dropped: Counter[str] = Counter()
        self.written = self.drawn = 0
        self.end = self._end()
        self.part, self.bytes = context.folder / PART, 0
        self.last: Records = []

    # -- before there are steps ------------------------------------------------------------------------------------

    @classmethod
    def read(cls, config: SelectRunConfig, world: World, say: Say) -> Inputs:
        inputs = super().read(config, world, say)
        assert inputs.source is not None
        least_values(config, inputs.rewards.aliases)
        settled = with_steps(config, inputs.source, cls.name, config.select.prompts)
        section = settled.select.model_copy(update={"epochs": config.select.epochs})  # says where the last step ends
        inputs.config = settled.model_copy(update={"select": section})
        if config.select.mix is not None:
            rows, dropped = load_conversations(config.select.mix.train, config.data, config.select.mix)
            inputs.own = rows
            if dropped:
                say(summary(dropped, len(rows) + sum(dropped.values()), "select.mix"))
        return inputs

    @classmethod
    def numbers(cls, inputs: Inputs) -> list[str]:
        """None: the policy stays what it was, and is not evaluated."""
        return []

    @classmethod
    def begin(cls, context: Context) -> Select:
        return cls(context)

    # -- steps -----------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        return self.config.steps

    def step(self) -> dict[str, float]:
        """Draw, score, choose, write."""
        clock, config = Clock(), self.config
        rows, prompts, places = self._next_prompts()
        if not rows:  # of the last pass only prompts were left that are too long
            self.progress.step += 1
            self.last = []
            return {"kept": 0.0}
        found = self.drawing.draw(
            rows, prompts, config.samples, self.run.sampling, self.context.generator, self.progress.step, clock
        )
        self.progress.step += 1
        reasons = [
            reason
            for n in range(len(rows))
            for reason in self._choose(found.samples, found.scores, found.rollouts, n * config.samples)
        ]
        lines = [
            self._line(rows[n // config.samples], found.samples[n], found.scores[n], places[n // config.samples], n)
            for n, reason in enumerate(reasons)
            if reason is None
        ]
        self.bytes = self.context.world.only_first(lambda: append(self.part, self.bytes, lines))
        served = len({n // config.samples for n, reason in enumerate(reasons) if reason is None})
        self._count(reasons)
        records = completion_records(
            found.rollouts, found.samples, found.scores, self.aliases, None, phase=self.name, step=self.progress.step
        )
        self.last = [{**r, "dropped": reason} for r, reason in zip(records, reasons, strict=True)]
        return {
            **found.logged,
            **score_metrics(found.scores, self.aliases),
            **speculative_metrics(found.rollouts),
            "length": sum(len(r.token_ids) for r in found.rollouts) / len(reasons),
            "truncated": sum(r.truncated for r in found.rollouts) / len(reasons),
            "kept": float(len(lines)),
            "kept_share": len(lines) / len(reasons),
            "prompts_served": served / len(rows),
            **clock.metrics(),
            "seconds": sum(clock.seconds.values()),
            "peak_memory_mib": peak_memory(self.context.policy.device),
        }

    def _next_prompts(self) -> tuple[list[Row], list[list[int]], list[int]]:
        """Rows, their prompts as tokens, and their places in the data's order."""
        limit = prompt_limit(self.run, self.context.policy.model)
        rows: list[Row] = []
        prompts: list[list[int]] = []
        places: list[int] = []
        for _ in range(self.config.prompts):
            if self.progress.position >= self.end:
                break
            row, ids, position = next_prompts(self.source, self.encode, self.progress.position, 1, limit)
            self.progress.position = position
            if position > self.end:
                break
            rows += row
            prompts += ids
            places.append(position - 1)
        return rows, prompts, places

    def _end(self) -> float:
        """The place in the data at which ``epochs`` end, which need not be that of a whole step."""
        if self.config.epochs is None or not isinstance(self.source, FileSource):
            return math.inf
        return math.ceil(self.config.epochs * len(self.source.rows))

    def _choose(
        self, samples: Sequence[Sample], scores: Sequence[Score], rollouts: Sequence[Rollout], begin: int
    ) -> list[str | None]:
        """Of one prompt's completions why each is dropped."""
        span = range(begin, begin + self.config.samples)
        candidates = [
            Candidate(
                completion_text(samples[n].completion),
                len(rollouts[n].token_ids),
                rollouts[n].truncated,
                self._rewards(scores[n]),
            )
            for n in span
        ]
        return self.selection.choose(prompt_text(samples[begin].prompt), candidates)

    def _rewards(self, score: Score) -> dict[str, float | None]:
        parts = {alias: _number(part_value(score, alias)) for alias in self.aliases}
        return {**parts, WHOLE: score.value}

    def _line(self, row: Row, sample: Sample, score: Score, position: int, place: int) -> dict[str, Any]:
        """A row to imitate, and where it comes from."""
        source = {
            "kind": "drawn",
            "policy": self.run.model.path or "built",
            "seed": self.run.seed,
            "step": self.progress.step,
            "position": position,
            "sample": place % self.config.samples,
            "temperature": self.run.sampling.temperature,
            "reward": score.value,
            "rewards": {k: v for k, v in self._rewards(score).items() if k != WHOLE},
        }
        columns = {k: v for k, v in row.columns.items() if k not in ("prompt", "completion", "source")}
        turns = sample.completion if isinstance(sample.completion, str) else [dict(m) for m in sample.completion]
        prompt = row.prompt if isinstance(row.prompt, str) else [dict(m) for m in row.prompt]
        return {"prompt": prompt, "completion": turns, "columns": columns, "source": source}

    def _count(self, reasons: Sequence[str | None]) -> None:
        self.dropped.update(reason for reason in reasons if reason is not None)
        self.written += sum(reason is None for reason in reasons)
        self.drawn += len(reasons)

    def records(self) -> Records:
        return self.last

    def evaluation_due(self, every: int | None) -> bool:
        """Never: the policy stays what it was."""
        return False

    # -- what is kept ----------------------------------------------------------------------------------------------

    def state(self, keep: bool) -> Any:
        return {
            "bytes": self.bytes,
            "seen": sorted(self.selection.seen),
            "kept": dict(self.selection.kept),
            "dropped": dict(self.dropped),
            "counts": (self.written, self.drawn),
        }

    def restore(self, state: Any) -> None:
        self.selection.seen, self.dropped = set(state["seen"]), Counter(state["dropped"])
        self.selection.kept = Counter(state["kept"])
        self.written, self.drawn = state["counts"]
        self.bytes = state["bytes"]

    def finish(self, context: Context) -> str:
        """``selected.jsonl`` and ``summary.json``."""
        found = context.world.only_first(lambda: self._write(context.folder, context.inputs.own))
        if not found["kept"]:
            context.say("select: nothing is kept; selected.jsonl has no row that was drawn")
        mix, rows = self.config.mix, found["kept"] + found["mixed"]
        if mix is not None and found["mixed"] == len(context.inputs.own or []) < round(mix.share * rows):
            context.say(
                f"select.mix: all {found['mixed']} rows of {mix.train} are {found['mixed'] / rows:.0%} of what is "
                f"written, and share asks for {mix.share:.0%}"
            )
        dropped = "\n".join(f"  {count:8}  {reason}" for reason, count in self.dropped.most_common())
        return (
            f"{found['kept']} of {found['drawn']} completions kept, of {found['prompts_served']} of {found['prompts']} "
            f"prompts; {found['mixed']} rows mixed in: {context.folder / ROWS}" + (f"\n{dropped}" if dropped else "")
        )

    def _write(self, folder: Path, others: list[Row] | None) -> dict[str, Any]:
        mixed = self._mixed(others or [])
        partial = folder / f".partial-{ROWS}"
        with partial.open("w", encoding="utf-8") as file:
            if self.bytes:
                file.write(self.part.read_bytes()[: self.bytes].decode("utf-8"))
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in mixed)
        partial.replace(folder / ROWS)
        found = {
            "kept": self.written, "drawn": self.drawn, "prompts": len(self.selection.kept),
            "prompts_served": sum(count > 0 for count in self.selection.kept.values()),
            "mixed": len(mixed), "dropped": dict(self.dropped.most_common()),
        }  # fmt: skip
        (folder / "summary.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return found

    def _mixed(self, others: Sequence[Row]) -> list[dict[str, Any]]:
        """As many of the other rows as their share of the whole asks for; all, where there are fewer."""
        mix = self.config.mix
        if mix is None:
            return []
        wanted = min(len(others), round(self.written * mix.share / (1 - mix.share)))
        chosen = sorted(Random(f"mix:{self.run.seed}").sample(range(len(others)), wanted))
        return [
            {
                "prompt": others[n].prompt,
                "completion": [dict(turn) for turn in others[n].columns[TURNS]],
                "source": {"kind": "mixed", "file": mix.train, "row": n},
            }
            for n in chosen
        ]


def least_values(config: SelectRunConfig, aliases: Sequence[str]) -> Mapping[str, float]:
    """``select.keep``, or its default. Raises ConfigError for names that are no reward's."""
    keep, metric = config.select.keep, config.evaluation.metric
    if not keep:
        if metric not in aliases:
            raise ConfigError(f"select.keep: say which reward decides, such as {{{aliases[0]}: 1}}")
        return {metric: 1.0}
    for name in keep:
        if name not in (WHOLE, *aliases):
            raise ConfigError(
                f"select.keep: no reward is called {name!r}.{did_you_mean(name, aliases)} Rewards: "
                f"{', '.join([*aliases, WHOLE])}"
            )
    return keep


def append(path: Path, begin: int, lines: Sequence[Mapping[str, Any]]) -> int:
    """Write them behind the first ``begin`` bytes, on the disk before this returns; what stood there was of a step that
    was not whole. Returns the file's size."""
    with path.open("ab") as file:
        file.truncate(begin)
        for line in lines:
            file.write((json.dumps(line, ensure_ascii=False, default=str) + "\n").encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _number(value: float) -> float | None:
    return None if value != value else value
