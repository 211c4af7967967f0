"""Runs the attacks, each where it can be ended, and says what each one earned."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from veritune.plugins import ColumnError, ConfigError, Sample, Score
from veritune.rewards.attack.corpus import Attack, attacks, honest
from veritune.rewards.attack.report import AttackReport, Finding, Result
from veritune.sandbox.workers import Outcome, Status, WorkerPool

PLAIN = "I do not know."
_STARTUP_SECONDS = 60.0


class Scorer(Protocol):
    """A reward, or a composed set of them."""

    name: str

    def score_batch(self, samples: Sequence[Sample]) -> list[Score]: ...


def attack(
    reward: Scorer,
    *,
    gold: str = "12",
    prompt: str = "What is 7 + 5?",
    columns: Mapping[str, Any] | None = None,
    right: Sequence[str] = (),
    deadline: float = 2.0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> AttackReport:
    """Try to earn ``reward`` without the work, and to hang or crash it.

    Every attack runs in a killable process with ``deadline`` CPU seconds (five times that on the clock). ``gold``,
    ``prompt`` and ``columns`` are the row it is asked about, ``right`` further completions that deserve full marks.
    An attack *pays* if it earns at least what the best honest completion does and more than "I do not know."; one on
    the answer counts only for a reward that tells honest work with a wrong answer from the same with the right one.
    Raises ConfigError where the reward cannot be pickled or even the honest completion cannot be scored.
    """
    row = {"gold": gold, **(columns or {})}
    try:
        packed = pickle.dumps(reward)
    except Exception as error:
        raise ConfigError(f"{reward.name!r} cannot be pickled, so no worker can run it: {error}") from error
    wrong = "-987654321.5"
    base = [*right, *honest(gold), *honest(wrong), PLAIN]
    todo = list(attacks(gold, prompt))
    with WorkerPool(
        "veritune.rewards.attack.run:score", workers=workers, deadline=deadline, memory_mb=4096, recycle=10_000
    ) as pool:
        plain = pool.run([(packed, prompt, text, row) for text in base], deadline=_STARTUP_SECONDS)
        values = [_value_of(outcome, text) for outcome, text in zip(plain, base, strict=True)]
        count = len(honest(gold))
        best, best_wrong = _best(values[: -count - 1]), _best(values[-count - 1 : -1])
        judge = _Judge(best, values[-1], sees_answers=best is not None and (best_wrong is None or best_wrong < best))
        results = []
        for index, one in enumerate(todo):
            # one call an attack: the reward's own worker pools start again after a kill, which is not the attack's time
            outcome = pool.run([(packed, prompt, one.completion, row)], cpu=deadline, deadline=5 * deadline + 5)[0]
            results.append(judge(one, outcome))
            if progress is not None:
                progress(index + 1, len(todo))
    return AttackReport(reward.name, best, values[-1], results)


def score(packed: bytes, prompt: str, completion: str, columns: Mapping[str, Any]) -> tuple[Any, Any, str]:
    """In the worker: the value of two calls and the first one's reason."""
    reward = _loaded(packed)
    sample = Sample(completion, prompt, _token_ids(completion), columns)
    first, second = (reward.score_batch([sample])[0] for _ in range(2))
    return first.value, second.value, first.reason


_cache: dict[bytes, Any] = {}


def _loaded(packed: bytes) -> Any:
    if packed not in _cache:
        _cache[packed] = pickle.loads(packed)
    return _cache[packed]


def _token_ids(text: str) -> list[int]:
    """Stand-ins for token ids (one a word), so that rewards over tokens can be attacked too."""
    words: dict[str, int] = {}
    return [words.setdefault(word, len(words)) for word in text.split()]


class _Judge:
    """Turns what happened to an attack into a finding."""

    def __init__(self, honest: float | None, plain: float | None, sees_answers: bool) -> None:
        self.honest = honest
        self.plain = plain
        self.sees_answers = sees_answers

    def __call__(self, attack: Attack, outcome: Outcome) -> Result:
        def result(finding: Finding, value: float | None = None, detail: str = "") -> Result:
            return Result(attack, finding, value, outcome.seconds, detail)

        if outcome.status in (Status.CPU, Status.WALL, Status.QUEUE):
            return result("hangs", detail=f"stopped after {outcome.seconds:.1f} s")
        if not outcome.ok:
            return result("raises", detail=outcome.detail.splitlines()[0] if outcome.detail else str(outcome.status))
        first, second, reason = outcome.value
        if first != second:
            return result("wavers", first, f"{first} and then {second}")
        if self._pays(attack, first):
            return result("pays", first, f"earns {first:g} ({reason})" if reason else f"earns {first:g}")
        return result("holds", first, reason)

    def _pays(self, attack: Attack, value: float | None) -> bool:
        if value is None or self.honest is None or value < self.honest:
            return False
        if self.plain is not None and value <= self.plain:
            return False  # this reward does not tell the attack from an ordinary answer, nor is it meant to
        return attack.aspect == "format" or self.sees_answers


def _value_of(outcome: Outcome, text: str) -> float | None:
    if not outcome.ok:
        if outcome.detail.startswith(ColumnError.__name__):
            raise ConfigError(f"{outcome.detail.partition(': ')[2]} Give it with --column NAME=VALUE.")
        raise ConfigError(f"the reward fails on the ordinary completion {text!r}: {outcome.status} {outcome.detail}")
    value: float | None = outcome.value[0]
    return value


def _best(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
