"""Runs the attacks, each where it can be ended, and says what each one earned."""

from __future__ import annotations

import pickle
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Protocol

from veritune.plugins import ColumnError, ConfigError, Reward, Sample, Score
from veritune.rewards.attack.baseline import EPSILON, Baseline, Earned, Ordinary, ordinary
from veritune.rewards.attack.corpus import attacks
from veritune.rewards.attack.corpus.expression import WRONG as WRONG_EXPRESSION
from veritune.rewards.attack.honest import PLAIN, PLAIN_PROGRAM, WRONG_PROGRAM, shape_of, shapes
from veritune.rewards.attack.judge import Judge, differ
from veritune.rewards.attack.reading import Reading, read
from veritune.rewards.attack.report import WITHOUT_WORK, AttackReport, Result
from veritune.rewards.attack.speech import speech, told
from veritune.rewards.attack.target import Attack, Target, wrong_answer
from veritune.sandbox.workers import Outcome, Status, WorkerPool

_STARTUP_SECONDS = 60.0
UNITS = "12 cm"


class Scorer(Protocol):
    """A reward, or a composed set of them."""

    name: str

    def score_batch(self, samples: Sequence[Sample]) -> list[Score]: ...


def attack(
    reward: Scorer,
    *,
    gold: str | None = None,
    prompt: str = "What is 7 + 5?",
    columns: Mapping[str, Any] | None = None,
    right: Sequence[str] = (),
    side: bool = False,
    deadline: float = 2.0,
    workers: int | None = None,
    budget: int | None = None,
    pool: WorkerPool | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> AttackReport:
    """Try to earn ``reward`` without the work, to hang or crash it, and to have it run a completion's code.

    Every attack runs in a killable process with ``deadline`` CPU seconds (and a bound on the clock). ``gold``,
    ``prompt`` and ``columns`` are the row it is asked about (an ordinary question where they are not given), ``right``
    further completions that deserve full marks. Which attacks apply follows from what the reward reads; the others
    are *not tested*, with the reason. An attack without the right answer *pays* if it earns more than half of what
    the right answer adds, one on the format if it earns what honest work does, and anything that earns far more than
    honest work pays. No work at all *pays* where it earns as much as honest work; ``side`` says that this is meant:
    the reward only stands beside another one. ``budget`` bounds the number of attacks (taken evenly from
    all kinds), ``pool`` is a pool made by :func:`worker_pool` to use again.

    Raises ConfigError where the reward cannot be pickled, where it lacks a column, and where honest work earns
    nothing, so that nothing can be said: the message tells what to give.
    """
    packed = _packed(reward)
    reading = read(reward, gold, columns or {})
    wrongs = _wrongs(reading)
    rights = [*right]
    known = [*filter(None, (shape_of(text, reading.answer) for text in rights)), *shapes(reading.domain)]
    with (
        nullcontext(pool) if pool is not None else worker_pool(workers, deadline) as running,
        tempfile.TemporaryDirectory(prefix="veritune-attack-") as folder,
    ):
        patience = 60.0 if reading.domain == "program" else 5.0  # a program has limits of its own, on the clock
        bench = _Bench(packed, prompt, reading.row, running, deadline, patience)
        plain = (*PLAIN, PLAIN_PROGRAM) if reading.domain == "program" else PLAIN
        base = Baseline([bench.earn(one) for one in ordinary(rights, known, reading.answer, wrongs, plain)])
        language = told(bench.earn) if reading.domain == "answer" else "it does not read texts"
        if not isinstance(language, str) and language.shapes:  # honest work is in the language that it pays
            spoken = ordinary((), language.shapes, reading.answer, wrongs, ())
            base = Baseline([*base.earned, *(bench.earn(one) for one in spoken)])
        target = Target(
            reading.answer, prompt, wrongs[0], reading.domain, tuple(base.readable()), folder, _function(reading),
            reading.question,
        )  # fmt: skip
        judge = Judge(base, reading, side)
        todo = spread(list(attacks(target)), budget)
        results = [*_ordinary_faults(base)]
        for index, one in enumerate(todo):
            reason = judge.why_not(one)
            results.append(judge(one, bench.run(one)) if reason is None else Result(one, "not tested", detail=reason))
            if progress is not None:
                progress(index + 1, len(todo))
        if reading.gold and target.number is not None and base.sees_answers and not side and gold is None:
            results += _with_a_unit(bench, reading, target)
        if reading.domain == "answer":
            results += speech(bench.earn, bench.run, budget, language)
    results = _junk_judged(results, judge)
    results = [*_without_work(base, results, side), *_wrong_as_right(base, reading, side), *results]
    report = AttackReport(reward.name, base.honest, base.plain, base.wrong, results)
    if not report.broken:
        _refuse_unscored(reward, base, reading, results)
    return report


def spread(todo: Sequence[Attack], budget: int | None) -> list[Attack]:
    """At most ``budget`` of the attacks, evenly from beginning to end: each kind has its turn."""
    if budget is None or budget >= len(todo):
        return list(todo)
    return [todo[i * len(todo) // budget] for i in range(budget)]


def worker_pool(workers: int | None = None, deadline: float = 2.0) -> WorkerPool:
    """The processes that attacks run in."""
    function = "veritune.rewards.attack.worker:score"
    return WorkerPool(function, workers=workers, deadline=deadline, memory_mb=4096, recycle=10_000)


class _Bench:
    """Scores completions in the pool. One call each: a reward's own worker pools start again after a kill, which is
    not the time of the attack that follows."""

    def __init__(
        self,
        packed: bytes,
        prompt: str,
        row: Mapping[str, Any],
        pool: WorkerPool,
        deadline: float,
        patience: float = 5.0,
    ) -> None:
        self.packed, self.prompt, self.row, self.pool, self.deadline = packed, prompt, row, pool, deadline
        self.patience = patience

    def run(self, attack: Attack) -> Outcome:
        task = (self.packed, attack.prompt or self.prompt, attack.completion, self.row)
        limits = {"cpu": self.deadline, "deadline": 5 * self.deadline + self.patience}
        outcome = self.pool.run([task], **limits)[0]
        if outcome.status in (Status.WALL, Status.QUEUE):  # a busy machine, or the reward's own workers starting
            return self.pool.run([task], **limits)[0]
        return outcome

    def earn(self, one: Ordinary) -> Earned:
        task = (self.packed, self.prompt, one.text, self.row)
        outcome = self.pool.run([task], deadline=_STARTUP_SECONDS)[0]
        if not outcome.ok:
            if outcome.detail.startswith(ColumnError.__name__):
                raise ConfigError(f"{outcome.detail.partition(': ')[2]} Give it with --column NAME=VALUE.")
            raise ConfigError(
                f"the reward fails on the ordinary completion {one.text!r}: {outcome.status} {outcome.detail}"
            )
        return Earned(one, *outcome.value)


def _packed(reward: Scorer) -> bytes:
    for part in [component.reward for component in getattr(reward, "components", ())] or [reward]:
        if isinstance(part, Reward):
            part.check_portable()
    try:
        return pickle.dumps(reward)
    except Exception as error:
        raise ConfigError(f"{reward.name!r} cannot be pickled, so no worker can run it: {error}") from error


def _wrongs(reading: Reading) -> list[str]:
    if reading.question is not None:
        return list(reading.question.wrongs)
    if reading.domain == "program":
        return [WRONG_PROGRAM.format(name=_function(reading))]
    if reading.domain == "expression":
        return [WRONG_EXPRESSION, "1 + 1"]
    return [wrong_answer(reading.answer), "-987654321.5"]


def _function(reading: Reading) -> str:
    found = re.findall(r"def (\w+)\(", reading.answer)
    return str(reading.row.get("entry_point") or (found[0] if found else "add"))


def _ordinary_faults(base: Baseline) -> list[Result]:
    """Two calls on an ordinary completion that give two numbers."""
    return [
        Result(Attack(f"an ordinary completion ({e.ordinary.kind})", "robustness", e.ordinary.text), "wavers", e.value,
               detail=f"{e.value} and then {e.again}")
        for e in base.earned
        if differ(e.value, e.again)
    ][:1]  # fmt: skip


def _without_work(base: Baseline, results: Sequence[Result], side: bool) -> list[Result]:
    """Whether completions without any work earn what honest work does."""
    text = next((e.ordinary.text for e in base.earned if e.ordinary.kind == "plain" and e.value == base.plain), "")
    one = Attack(WITHOUT_WORK, "answer", text)
    if base.honest is None or base.plain is None:
        return []
    if base.sees_work and (not base.sees_answers or base.plain <= base.pays_answer + EPSILON):
        return [Result(one, "holds", base.plain)]
    if side:
        return [Result(one, "not tested", detail="a side term does not look at the work")]
    values = [r.value for r in results if r.value is not None]
    if max(base.honest, base.plain) <= 0 and min([*values, base.floor]) < min(base.honest, 0.0) - EPSILON:
        return [Result(one, "not tested", base.plain, detail="a penalty: it only takes away")]
    if base.honest == base.plain == 0 == base.floor:
        return []  # nothing was ever paid
    detail = (
        f"{text[:40]!r} earns {base.plain:g}, honest work {base.honest:g}; if it only stands beside another: --side"
    )
    return [Result(one, "pays", base.plain, detail=detail)]


def _wrong_as_right(base: Baseline, reading: Reading, side: bool) -> list[Result]:
    """A reward that has an input for the right answer, and pays any."""
    if side or not reading.gold or base.honest is None:
        return []
    upside_down = base.prefers_wrong()
    if upside_down is not None:
        right, wrong = upside_down
        detail = f"earns {wrong.value:g}, the right answer in the same shape {right.value:g}"
        one = Attack("a wrong answer in place of the right one", "answer", wrong.ordinary.text)
        return [Result(one, "pays", wrong.value, detail=detail)]
    if base.sees_answers or not base.sees_work:
        return []
    text = next((e.ordinary.text for e in base.earned if e.ordinary.kind == "wrong" and e.value == base.wrong), "")
    detail = f"earns {base.wrong:g}, the right answer {base.honest:g}, although the reward has an input for it"
    return [Result(Attack("a wrong answer in an honest shape", "answer", text), "pays", base.wrong, detail=detail)]


def _junk_judged(results: Sequence[Result], judge: Judge) -> list[Result]:
    """Text around a format is an attack on a format that does not allow it."""
    paid: dict[str, bool] = {r.attack.junk: r.finding == "pays" for r in results if r.attack.junk}
    if not any(paid.values()) or not judge.loose(paid):
        return list(results)
    why = "its format allows text around the blocks"
    return [replace(r, finding="not tested", detail=why) if r.attack.junk else r for r in results]


def _with_a_unit(bench: _Bench, reading: Reading, target: Target) -> list[Result]:
    """The same with a gold that has a unit, where the reward reads such golds."""
    row = {name: UNITS if value == reading.answer else value for name, value in reading.row.items()}
    asked = _Bench(bench.packed, "How long is it, in cm?", row, bench.pool, bench.deadline)
    try:
        earned = ordinary((), target.shapes, UNITS, ("13 cm",), ())
        base = Baseline([asked.earn(one) for one in earned])
    except ConfigError:
        base = Baseline([])
    from veritune.rewards.attack.corpus.units import units

    todo = list(units(replace(target, gold=UNITS, wrong="13 cm")))
    if not base.sees_answers:
        return [Result(one, "not tested", detail="it does not read golds with a unit") for one in todo]
    judge = Judge(base, reading)
    return [judge(one, asked.run(one)) for one in todo]


def _refuse_unscored(reward: Scorer, base: Baseline, reading: Reading, results: Sequence[Result]) -> None:
    """Raise ConfigError where nothing was ever paid for, so that nothing holds either."""
    give = (
        "Give a completion that deserves full marks with --right TEXT, or the column it needs with --column NAME=VALUE"
    )
    row = ", ".join(f"{name}={value!r:.60}" for name, value in reading.row.items())
    if base.honest is None:
        why = base.reason()
        raise ConfigError(
            f"reward {reward.name!r} cannot be judged: it gave no number for any honest completion"
            f"{f' ({why})' if why else ''}. {give}; asked with {row}. (A reward that forgets `return` gives none.)"
        )
    values = [r.value for r in results if r.value is not None]
    if base.honest == base.floor and all(abs(value - base.honest) <= EPSILON for value in values):
        raise ConfigError(
            f"reward {reward.name!r} cannot be judged: honest work earns {base.honest:g}, and so does everything else. "
            f"{give}; asked with {row}."
        )
