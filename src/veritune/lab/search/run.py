"""The search: bases and pieces, tried until the time is up; what is paid is shrunk and put into groups."""

from __future__ import annotations

import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from veritune.lab.search.candidate import Base, Candidate, Question
from veritune.lab.search.claims import certain
from veritune.lab.search.found import Counterexample, SearchReport
from veritune.lab.search.moves import Moves
from veritune.lab.search.oracle import Oracle
from veritune.lab.search.scoring import Bench, Tried, make_pool, question_of
from veritune.lab.search.setting import EPSILON, Given, Setting, gold_column_of, prepare
from veritune.lab.search.shrink import shrink
from veritune.plugins import ConfigError, Sample, Score
from veritune.plugins.golds import gold_texts
from veritune.sandbox.workers import WorkerPool

SHRUNK = 4
"""Finds of one kind that are shrunk; the others are only counted."""
KEPT = 6
"""Unlike smallest cases of one kind that are kept."""


class Scorer(Protocol):
    """A reward, or a composed set of them."""

    name: str

    def score_batch(self, samples: Sequence[Sample]) -> list[Score]: ...


def search(
    reward: Scorer,
    rows: Sequence[Given],
    *,
    oracle: Scorer | None = None,
    seconds: float = 60.0,
    tries: int | None = None,
    seed: int = 0,
    workers: int = 1,
    deadline: float = 2.0,
    policy: Path | None = None,
    pool: WorkerPool | None = None,
    progress: Callable[[int], None] | None = None,
) -> SearchReport:
    """Look for completions that ``reward`` pays and should not, beginning with real ones.

    ``rows`` are real completions with their columns. A candidate is a completion that certainly does not answer its
    question (its final answer is another plain number or letter, or its label says so; a failing program; nothing at
    all), with pieces put in that do not answer it either: denials, retractions, lists, other numbers, code, marks of
    a format, tampering with tests. It *pays* where it earns over half of what right answers add, *pays too much* where
    it earns far more than honest work does. With ``oracle``, what is paid counts only where the oracle pays less than
    half of what it can. What is found is shrunk, and grouped by the pieces that are left.

    ``policy`` is the config of a run: its model is trained on reward minus oracle (the gold check where none is given)
    first, and what it is paid for is looked at and mutated further.

    The search itself ends after ``seconds`` (or ``tries`` candidates). Raises ConfigError where nothing can be scored.
    """
    if not rows:
        raise ConfigError("no rows to begin with: give real completions")
    rng = random.Random(seed)
    with (
        nullcontext(pool) if pool is not None else make_pool(workers, deadline) as running,
        tempfile.TemporaryDirectory(prefix="veritune-search-") as folder,
    ):
        slow = 60.0 if _is_program(reward, rows) else 5.0
        bench = Bench(reward, running, deadline, slow)
        setting = prepare(reward, rows, bench, rng)
        judge = Oracle(oracle, rows, bench.pool) if oracle is not None else None
        column = gold_column_of(reward, {name for row in rows for name in row.columns})
        hunt = _Hunt(setting, bench, Moves(setting, rng, folder), rng, judge, column)
        drawn = []
        if policy is not None:
            from veritune.lab.search.policy import drawn_by_policy

            drawn = drawn_by_policy(reward, oracle, setting, policy, column, judge.high if judge else 1.0)
        started = time.monotonic()
        hunt.as_they_stand()
        hunt.look_at(drawn)
        size = 8 if setting.reading.domain == "program" else 64
        while (time.monotonic() - started < seconds) if tries is None else (bench.scored < tries):
            hunt.step(size)
            if progress is not None:
                progress(bench.scored)
        return hunt.report(reward.name, time.monotonic() - started, len(rows))


def _is_program(reward: Any, rows: Sequence[Given]) -> bool:
    from veritune.rewards.attack.reading import read

    return read(reward, None, dict(rows[0].columns)).domain == "program"


class _Hunt:
    """The state of a search: how often each kind was tried and paid, and what was found."""

    def __init__(
        self,
        setting: Setting,
        bench: Bench,
        moves: Moves,
        rng: random.Random,
        oracle: Oracle | None,
        column: str | None,
    ) -> None:
        self.gold_column = column
        self.setting, self.bench, self.moves, self.rng, self.oracle = setting, bench, moves, rng, oracle
        self.arms: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        self.raw: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.groups: dict[tuple[str, tuple[str, ...]], dict[str, Counterexample]] = defaultdict(dict)
        self.times: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.ends: dict[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]]] = {}
        self.elite: list[tuple[float, Candidate]] = []

    def as_they_stand(self) -> None:
        """Real completions that certainly do not answer, and are paid without any mutation."""
        if self.setting.sees_answers:
            for base in self.setting.paid:
                one = Candidate(base, tuple(base.text.splitlines()), tags=frozenset(["a real completion"]))
                self._look(Tried(one, "scored", base.value))

    def look_at(self, rows: Sequence[Given]) -> None:
        """Completions of somebody who was paid for cheating; what earns becomes something to go on from."""
        for start in range(0, len(rows), 64):
            batch = [self._as_candidate(row) for row in rows[start : start + 64]]
            for tried in self.bench.run(batch):
                if not self._look(tried) and tried.value is not None:
                    self._remember(tried)

    def _as_candidate(self, row: Given) -> Candidate:
        gold = row.columns.get(self.gold_column) if self.gold_column else None
        texts = gold_texts(gold)
        base = Base(Question(row.place, row.prompt, row.columns, texts[0] if texts else ""), row.text)
        return Candidate(base, tuple(row.text.splitlines()), tags=frozenset(["a policy's completion"]))

    def step(self, size: int) -> None:
        """One batch of candidates."""
        batch, names = [], []
        for _ in range(size):
            if self.elite and self.rng.random() < 0.15:
                name, candidate = "goes on from what earned", self.moves.more(self.rng.choice(self.elite)[1])
            else:
                name = self._kind()
                candidate = self.moves.kinds[name]()
            batch.append(candidate)
            names.append(name)
            self.arms[name] += 1
        for name, tried in zip(names, self.bench.run(batch), strict=True):
            if self._look(tried):
                self.hits[name] += 1
            elif tried.value is not None:
                self._remember(tried)

    def _kind(self) -> str:
        """The kinds in turn; those that were found often, less."""
        names = list(self.moves.kinds)
        weights = [1.0 / (1 + 0.2 * self.hits[name]) for name in names]
        return self.rng.choices(names, weights)[0]

    def _remember(self, tried: Tried) -> None:
        """What earned more than its base did, or more than wrong answers do: to go on from."""
        least = tried.candidate.base.value
        least = self.setting.wrong if least is None else least
        gain = tried.value - least if tried.value is not None and least is not None else 0.0
        if gain > EPSILON:
            self.elite = sorted([*self.elite, (gain, tried.candidate)], key=lambda pair: -pair[0])[:40]

    def _look(self, tried: Tried) -> bool:
        finding = self._finding(tried)
        if finding is None:
            return False
        key = (finding, tried.candidate.kinds)
        self.raw[key] += 1
        if self.raw[key] > SHRUNK:
            self.times[self.ends.get(key, key)] += 1
            return True
        small = shrink(tried.candidate, lambda one: self._still(one, finding), 60 if tried.candidate.fenced else 250)
        end = (finding, small.kinds or ("a real completion",))
        self.ends.setdefault(key, end)
        self.times[end] += 1
        self._keep(end, small, tried)
        return True

    def _still(self, candidate: Candidate, finding: str) -> bool:
        return self._finding(self.bench.run([candidate])[0]) == finding

    def _finding(self, tried: Tried) -> str | None:
        if tried.happened != "scored":
            return tried.happened
        value, candidate, setting = tried.value, tried.candidate, self.setting
        if value is None:
            return None
        if self.oracle is not None:
            paid = setting.sees_answers and value > setting.pays_from + EPSILON
            return "pays beyond the oracle" if paid and self.oracle.refuses(candidate) else None
        if value > setting.too_much:
            return "pays too much"
        paid = setting.sees_answers and value > setting.pays_from + EPSILON
        return "pays" if paid and self._wrong(candidate) else None

    def _wrong(self, candidate: Candidate) -> bool:
        """Whether it certainly does not answer its question."""
        if any(piece.honest for piece in candidate.pieces):
            return False
        text, gold = "\n".join(candidate.lines), candidate.base.question.gold
        if candidate.fenced:
            return bool(candidate.pieces) and self._fails_without(candidate)
        if self.setting.reading.domain == "expression":
            return not text.strip() and bool(candidate.pieces)
        if text.strip() and certain(text, gold) is not False:
            return False
        return bool(candidate.pieces or text.strip())

    def _fails_without(self, candidate: Candidate) -> bool:
        """Whether the program without its pieces (but with their imports) fails: a right one is no counterexample."""
        plain = self.bench.run([replace(candidate, before=(), behind=())])[0]
        return plain.value is not None and plain.value <= self.setting.pays_from

    def _keep(self, end: tuple[str, tuple[str, ...]], small: Candidate, tried: Tried) -> None:
        again = self.bench.run([small])[0]
        known = self.groups[end]
        name = _signature(small.text, small.base.question.gold)
        if len(known) >= KEPT and name not in known:
            return
        finding = end[0]
        most = self.setting.honest if finding == "pays too much" else self.setting.wrong_most
        if name not in known or len(known[name].completion) > len(small.text):
            question = small.base.question
            known[name] = Counterexample(
                finding, end[1], small.text, question_of(small)[0], question.columns, again.value, most or 0.0,
                again.reason or tried.reason, question.place,
            )  # fmt: skip

    def report(self, name: str, seconds: float, rows: int) -> SearchReport:
        setting = self.setting
        threshold = setting.pays_from if setting.sees_answers else float("inf")
        report = SearchReport(
            name, setting.honest, setting.wrong, threshold, self.bench.scored, seconds, len(setting.bases), rows,
            setting.sees_answers, self.arms,
        )  # fmt: skip
        order = sorted(self.groups, key=lambda key: (-self.times[key], key))
        report.found = [
            replace(one, times=self.times[key])
            for key in order
            for one in sorted(self.groups[key].values(), key=lambda one: len(one.completion))
        ]
        return report


def _signature(text: str, gold: str) -> str:
    """What two cases that differ only in their numbers have in common."""
    return re.sub(r"\d+", "0", text.replace(gold, "…") if gold else text)
