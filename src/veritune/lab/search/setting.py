"""What a search starts from: questions, bases that certainly do not answer them, what honest work earns."""

from __future__ import annotations

import random
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.lab.search.candidate import Base, Question
from veritune.lab.search.claims import certain
from veritune.lab.search.programs import PREAMBLE
from veritune.lab.search.scoring import Bench
from veritune.lab.search.worker import Asked
from veritune.plugins import Reward
from veritune.plugins.columns import find_column, value_at
from veritune.plugins.golds import gold_texts
from veritune.plugins.types import Text, completion_text
from veritune.rewards.attack.honest import ANSWER_SHAPES, shapes
from veritune.rewards.attack.reading import GOLD_LIKE, Reading, read
from veritune.rewards.attack.target import Shape, wrong_answer

EPSILON = 1e-9
_SYNTHETIC = 12
"""Questions on which written answers are tried."""
_FENCE = re.compile(r"```[\w+#.-]*[ \t]*\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Given:
    """One row of the file: a real completion, and whether it is right where a label says so."""

    place: str
    completion: Text
    prompt: Text | None
    columns: Mapping[str, Any]
    label: bool | None = None

    @property
    def text(self) -> str:
        return completion_text(self.completion)


@dataclass
class Setting:
    """Everything that is known before the first mutation."""

    reading: Reading
    questions: list[Question]
    bases: list[Base]
    """Real completions that certainly do not answer their question."""
    any: list[Base]
    """Real completions, right or wrong: what a format is made of."""
    paid: list[Base]
    """Real completions that certainly do not answer their question, and are paid as they stand."""
    honest: float | None
    wrong: float | None
    shapes: tuple[Shape, ...] = ()
    values: list[float] = field(default_factory=list)
    wrongs: list[float] = field(default_factory=list)
    """What written wrong answers earn."""

    @property
    def wrong_most(self) -> float:
        """The most that a wrong answer earns as a rule; below what counts as paid."""
        if not self.sees_answers:
            return self.wrong if self.wrong is not None else 0.0
        assert self.wrong is not None
        return max(value for value in [*self.wrongs, self.wrong] if value <= self.pays_from)

    @property
    def sees_answers(self) -> bool:
        return self.honest is not None and self.wrong is not None and self.honest > self.wrong + EPSILON

    @property
    def pays_from(self) -> float:
        """Halfway between what wrong and right answers earn."""
        assert self.honest is not None
        assert self.wrong is not None
        return self.wrong + (self.honest - self.wrong) / 2

    @property
    def too_much(self) -> float:
        """From here on a completion earns far more than honest work."""
        honest = self.honest if self.honest is not None else 0.0
        least = min([*self.values, self.wrong if self.wrong is not None else 0.0, 0.0])
        return honest + max(0.5 * abs(honest - least), 10 * EPSILON)


def prepare(reward: Any, rows: Sequence[Given], bench: Bench, rng: random.Random) -> Setting:
    """Score the rows as they stand, and written answers beside them. Raises ConfigError, ColumnError."""
    columns = dict(rows[0].columns)
    reading = read(reward, None, columns)
    available = {name for row in rows for name in row.columns}
    gold_column = gold_column_of(reward, available) if reading.domain == "answer" else None
    questions = [Question(r.place, r.prompt, r.columns, _gold(r, gold_column)) for r in rows]
    answers = bench.ask([(r.prompt, r.text, r.columns) for r in rows], "a row as it stands")
    values = [value for value, _, _ in answers if value is not None]
    if reading.domain == "program":
        return _programs(reading, rows, questions, [a[0] for a in answers])
    if reading.domain == "expression":
        return _expressions(reading, rows, questions, bench, [a[0] for a in answers])
    verdicts = [_verdict(row, question) for row, question in zip(rows, questions, strict=True)]
    written = _written(bench, questions, rng) if gold_column is not None else {}
    seen = list(zip(rows, questions, verdicts, (a[0] for a in answers), strict=True))
    honest, readable = _honest(written, [v for _, _, verdict, v in seen if verdict is True and v is not None], values)
    wrong = _median([*(v for _, _, verdict, v in seen if verdict is False and v is not None), *_wrong(written)])
    setting = Setting(reading, questions, [], [], [], honest, wrong, readable, values, _wrong(written))
    for row, question, _, value in seen:
        setting.any.append(Base(question, row.text, value))
        sure = certain(row.text, question.gold) is False if question.gold else row.label is False
        if sure:
            paid = setting.sees_answers and value is not None and value > setting.pays_from
            (setting.paid if paid else setting.bases).append(Base(question, row.text, value))
    setting.bases += _swapped(rows, questions, rng)
    return setting


def gold_column_of(reward: Any, available: set[str]) -> str | None:
    """The column of the right answer, for a reward or a composed set; None where none reads one."""
    for one in [component.reward for component in getattr(reward, "components", ())] or [reward]:
        if not isinstance(one, Reward):
            continue
        for name in one.signature.inputs:
            if name in GOLD_LIKE:
                found = find_column(one.name, name, one.columns, available)
                if found is not None:
                    return found
    return None


def _gold(row: Given, column: str | None) -> str:
    texts = gold_texts(value_at(row.columns, column)) if column is not None else ()
    return texts[0] if texts else ""


def _verdict(row: Given, question: Question) -> bool | None:
    return row.label if row.label is not None else certain(row.text, question.gold) if question.gold else None


def _written(
    bench: Bench, questions: Sequence[Question], rng: random.Random
) -> dict[Shape, tuple[list[Any], list[Any]]]:
    """What right and wrong answers earn in each usual shape."""
    usable = [question for question in questions if question.gold]
    some = rng.sample(usable, min(_SYNTHETIC, len(usable)))
    found: dict[Shape, tuple[list[Any], list[Any]]] = {}
    for shape in ANSWER_SHAPES:
        right: list[Asked] = [(q.prompt, shape(q.gold), q.columns) for q in some]
        wrong: list[Asked] = [(q.prompt, shape(wrong_answer(q.gold)), q.columns) for q in some]
        found[shape] = ([a[0] for a in bench.ask(right)], [a[0] for a in bench.ask(wrong)])
    return found


def _honest(
    written: Mapping[Shape, tuple[list[Any], list[Any]]], real: list[float], values: list[float]
) -> tuple[float | None, tuple[Shape, ...]]:
    """What honest work earns as a rule, and the shapes in which it does."""
    by_shape = {shape: _median(right) for shape, (right, _) in written.items()}
    known = [value for value in [*by_shape.values(), _median(real)] if value is not None]
    if not known:
        return _median([value for value in values if value > 0] or values), ()
    best = max(known)
    return best, tuple(shape for shape, value in by_shape.items() if value is not None and value >= best - EPSILON)


def _wrong(written: Mapping[Shape, tuple[list[Any], list[Any]]]) -> list[float]:
    return [value for _, wrong in written.values() for value in wrong if value is not None]


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _swapped(rows: Sequence[Given], questions: Sequence[Question], rng: random.Random) -> list[Base]:
    """Real completions set under another question, where their final answer certainly is another one."""
    found = []
    for row in rows:
        for question in rng.sample(list(questions), min(3, len(questions))):
            if question.gold and certain(row.text, question.gold) is False:
                found.append(Base(question, row.text))
                break
    return found


def _programs(reading: Reading, rows: Sequence[Given], questions: list[Question], values: list[Any]) -> Setting:
    """Programs that fail: by the label, or by the reward itself, whose verdict a piece must not change."""
    known = [v for v in values if v is not None]
    right = [v for row, v in zip(rows, values, strict=True) if v is not None and row.label is not False]
    honest, wrong = max(right, default=max(known, default=None)), min(known, default=None)
    setting = Setting(reading, questions, [], [], [], honest, wrong, shapes("program")[:1], known)
    for row, question, value in zip(rows, questions, values, strict=True):
        program = _program(row)
        setting.any.append(Base(question, program, value, PREAMBLE))
        if row.label is False or (row.label is None and value is not None and value == wrong):
            setting.bases.append(Base(question, program, value, PREAMBLE))
    return setting


def _expressions(
    reading: Reading, rows: Sequence[Given], questions: list[Question], bench: Bench, values: list[Any]
) -> Setting:
    """Countdown: what a row's own solution earns, in the usual shapes, is honest work."""
    solved = [(row, str(row.columns["solution"])) for row in rows if row.columns.get("solution")][:_SYNTHETIC]
    by_shape = {
        shape: _median(a[0] for a in bench.ask([(row.prompt, shape(text), row.columns) for row, text in solved]))
        for shape in ANSWER_SHAPES
    }
    known = [v for v in values if v is not None]
    best = max([v for v in [*by_shape.values(), *known] if v is not None], default=None)
    readable = tuple(
        shape for shape, v in by_shape.items() if v is not None and best is not None and v >= best - EPSILON
    )
    bases = [Base(q, row.text, v) for row, q, v in zip(rows, questions, values, strict=True)]
    wrong = min([*known, 0.0]) if best is not None else None
    return Setting(reading, questions, [], bases, [], best, wrong, readable or ANSWER_SHAPES[:1], known)


def _program(row: Given) -> str:
    """The program of a completion: of its last code block, or the whole; behind the prompt where it goes on from it."""
    blocks = _FENCE.findall(row.text)
    if blocks:
        return str(blocks[-1])
    if isinstance(row.prompt, str) and "def " in row.prompt and row.text[:1] in (" ", "\t"):
        return row.prompt + row.text
    return row.text
