"""Row by row: is the right answer paid, and is anything else?"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veritune.lab.audit.asking import Answer, Asker
from veritune.lab.audit.cures import cure
from veritune.lab.audit.findings import Finding
from veritune.lab.audit.rows import AuditRow
from veritune.lab.search.answers import near
from veritune.lab.search.claims import certain, number
from veritune.lab.search.worker import Asked
from veritune.plugins.types import Text
from veritune.rewards.attack.honest import ANSWER_SHAPES, PLAIN
from veritune.rewards.attack.reading import Reading, read
from veritune.rewards.attack.target import Shape, wrong_answer

EPSILON = 1e-9
SAMPLE = 48
"""Rows on which all shapes of an answer are tried."""

CHEATS: Mapping[str, Callable[[str, str, Shape], str]] = {
    "another answer in its place": lambda gold, wrong, shape: shape(wrong),
    "the answer denied": lambda gold, wrong, shape: f"The answer is not {gold}.",
    "the answer denied in its place": lambda gold, wrong, shape: shape(f"not {gold}"),
    "two answers": lambda gold, wrong, shape: shape(f"{wrong} or {gold}"),
    "a list of guesses": lambda gold, wrong, shape: shape(", ".join([wrong, *map(str, range(1, 9)), gold])),
    "the answer in passing": lambda gold, wrong, shape: f"See page {gold}. I do not know.",
}  # fmt: skip
"""Completions that do not give the answer: name → from gold, a wrong answer and the shape that the reward reads."""


@dataclass(frozen=True)
class Scale:
    """What right and wrong answers earn as a rule, and in which shape."""

    reading: Reading
    honest: float | None
    wrong: float | None
    shape: Shape

    @property
    def tells(self) -> bool:
        return self.honest is not None and self.wrong is not None and self.honest > self.wrong + EPSILON

    @property
    def pays_from(self) -> float:
        assert self.honest is not None
        assert self.wrong is not None
        return self.wrong + (self.honest - self.wrong) / 2

    def pays(self, value: float | None) -> bool:
        return self.tells and value is not None and value > self.pays_from + EPSILON


def find_scale(rewards: Any, rows: Sequence[AuditRow], asker: Asker) -> Scale:
    """Written answers, right and wrong, in all usual shapes on some rows."""
    reading = read(rewards, None, dict(rows[0].data))
    step = max(1, len(rows) // SAMPLE)
    some = [row for row in rows[::step] if _honest(row, reading)][: 2 * SAMPLE]
    right = [(_asked(row, shape(_honest(row, reading)))) for shape in ANSWER_SHAPES for row in some]
    wrong = [(_asked(row, shape(wrong_answer(_honest(row, reading))))) for shape in ANSWER_SHAPES for row in some]
    answers = asker.ask([*right, *wrong])
    best: tuple[float, float, Shape] | None = None
    for index, shape in enumerate(ANSWER_SHAPES):
        paid = _median(a.value for a in answers[index * len(some) : (index + 1) * len(some)])
        start = len(right) + index * len(some)
        not_paid = _median(a.value for a in answers[start : start + len(some)])
        if paid is not None and (best is None or paid > best[0] + EPSILON):
            best = (paid, not_paid if not_paid is not None else 0.0, shape)
    if best is None:
        return Scale(reading, None, None, ANSWER_SHAPES[0])
    return Scale(reading, *best)


def right_answers(rows: Sequence[AuditRow], scale: Scale, asker: Asker) -> Iterator[Finding]:
    """The row's own answer, in the shape that is read best; where that is not paid, in all others."""
    usable = [index for index, row in enumerate(rows) if _honest(row, scale.reading)]
    first = asker.ask([_asked(rows[i], scale.shape(_honest(rows[i], scale.reading))) for i in usable])
    unpaid = [(i, a) for i, a in zip(usable, first, strict=True) if not scale.pays(a.value)]
    others = [shape for shape in ANSWER_SHAPES if shape is not scale.shape]
    again = asker.ask([_asked(rows[i], shape(_honest(rows[i], scale.reading))) for i, _ in unpaid for shape in others])
    for number_of, (index, answer) in enumerate(unpaid):
        tried = again[number_of * len(others) : (number_of + 1) * len(others)]
        if any(scale.pays(one.value) for one in tried):
            continue
        yield _unpaid(index, answer, scale)


def _unpaid(index: int, answer: Answer, scale: Scale) -> Finding:
    if answer.failed:
        return Finding(index, "reward fails", answer.reason, cure(answer.cause, answer.reason))
    if answer.value is None:
        why = f"{answer.cause}: {answer.reason}" if answer.reason else answer.cause
        return Finding(index, "undecided", why, cure(answer.cause, answer.reason))
    earned = f"the right answer earns {answer.value:g} ({answer.reason}), others {scale.honest:g}"
    return Finding(
        index, "right is not paid", earned, "write the answer as text or LaTeX alone; check the row's answer"
    )


def other_completions(rows: Sequence[AuditRow], scale: Scale, asker: Asker) -> Iterator[Finding]:
    """No work, cheating, and the prompt given back: none may be paid."""
    asked: list[tuple[int, str, str, Asked]] = []
    for index, row in enumerate(rows):
        asked += [(index, "no work pays", repr(text), _asked(row, text)) for text in PLAIN[:2]]
        gold = row.gold
        if scale.reading.domain == "answer" and gold:
            asked += [(index, "cheating pays", name, _asked(row, text)) for name, text in _cheats(gold, scale.shape)]
        asked += [(index, "echo pays", name, _asked(row, text)) for name, text in echoes(row.prompt_text)]
    answers = asker.ask([one for *_, one in asked])
    seen: set[tuple[int, str]] = set()
    for (index, check, name, one), answer in zip(asked, answers, strict=True):
        if answer.failed and (index, "reward fails") not in seen:
            seen.add((index, "reward fails"))
            yield Finding(index, "reward fails", f"{name}: {answer.reason}", cure(answer.cause, answer.reason))
        elif scale.pays(answer.value) and (index, check) not in seen:
            seen.add((index, check))
            earned = f"{name} earns {answer.value:g} ({answer.reason or 'no reason'}): {_short(one[1])!r}"
            yield Finding(index, check, earned, _cure_of(check))


def _cure_of(check: str) -> str:
    if check == "echo pays":
        return "take the example out of the prompt or change its answer; a reward that sees the prompt tells a copy"
    return "veritune attack REWARD with this row's answer says more"


def _cheats(gold: str, shape: Shape) -> Iterator[tuple[str, str]]:
    wrong = wrong_answer(gold)
    for name, write in CHEATS.items():
        text = write(gold, wrong, shape)
        if certain(text, gold) is not True:
            yield name, text
    value = number(gold)
    if value is not None:
        for content in near(gold, value)[:6]:
            yield "another number", shape(content)


def echoes(prompt: str) -> Iterator[tuple[str, str]]:
    """The prompt again, and every example in it: what stands before and at a mark of a final answer."""
    if not prompt.strip():
        return
    yield "the prompt again", prompt
    lines = prompt.splitlines()
    for index, line in enumerate(lines):
        if any(mark in line for mark in ("\\boxed", "</answer>", "####")) or _says_answer(line):
            for start in sorted({0, max(0, index - 4), max(0, index - 1), index}):
                text = "\n".join(lines[start : index + 1])
                if text.strip() and text != prompt:
                    yield "an example of the prompt's", text


def _says_answer(line: str) -> bool:
    return "answer is" in line.lower() or "answer:" in line.lower()


def _honest(row: AuditRow, reading: Reading) -> str:
    """What deserves the reward: the gold, or the row's own solution of a puzzle."""
    if reading.domain == "expression":
        found = row.data.get("solution")
        return found if isinstance(found, str) else ""
    return row.gold


def _asked(row: AuditRow, text: str) -> Asked:
    prompt: Text | None = row.prompt
    return prompt, text, row.data


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _short(text: str, limit: int = 80) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
