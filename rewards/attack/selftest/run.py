"""Runs the attack on rewards of which it is known what to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from veritune.plugins import ConfigError, get_reward
from veritune.rewards.attack.report import AttackReport, Finding
from veritune.rewards.attack.run import attack, worker_pool
from veritune.rewards.attack.selftest import languages
from veritune.rewards.attack.selftest.broken import BROKEN
from veritune.rewards.attack.selftest.sound import SOUND
from veritune.sandbox.workers import WorkerPool

_MODULE = "veritune.rewards.attack.selftest"
_TERMS = ("language", *languages.BROKEN, *languages.SOUND)
"""What stands beside a reward of the answer."""
_ASKED: dict[str, dict[str, Any]] = {
    "choice": {"gold": "B", "prompt": "Which one? A, B, C or D?"},
    **{name: {"side": True} for name in _TERMS},
}
_PARAMETERS: dict[str, dict[str, Any]] = {
    "language": {"target": "en"},
    "cosine": {"max_len": 400},
    "code": {"limits": {"cpu_s": 0.5, "wall_s": 2.0}},
}


@dataclass(frozen=True)
class Case:
    """A reward, and the finding that the attack must come to (None: nothing)."""

    name: str
    expected: Finding | None


@dataclass(frozen=True)
class Checked:
    """What the attack said of it."""

    case: Case
    findings: frozenset[str]
    detail: str

    @property
    def right(self) -> bool:
        """Whether a broken reward was exposed by the finding it should be, and a sound one passed."""
        if self.case.expected is None:
            return not self.findings
        return self.case.expected in self.findings


def cases() -> list[Case]:
    """The broken ones, then the sound ones."""
    broken = [*BROKEN.items(), *((name, "pays") for name in languages.BROKEN)]
    return [Case(name, finding) for name, finding in [*broken, *((name, None) for name in [*SOUND, *languages.SOUND])]]


def selftest(
    chosen: Callable[[Case], bool] = lambda case: True, *, deadline: float = 0.5, pool: WorkerPool | None = None
) -> Iterator[Checked]:
    """One result a reward, as they come."""
    own = pool or worker_pool(deadline=deadline, workers=1)
    try:
        for case in filter(chosen, cases()):
            yield _checked(case, own, deadline)
    finally:
        if pool is None:
            own.close()


def _checked(case: Case, pool: WorkerPool, deadline: float) -> Checked:
    name, _, style = case.name.partition(":style=")
    params = dict(_PARAMETERS.get(name, {}), **({"style": style} if style else {}))
    module = "broken" if case.expected is not None else "sound"
    if name in (*languages.BROKEN, *languages.SOUND):
        module = "languages"
    ours = case.name in SOUND[: SOUND.index("exact_box")]
    reward = get_reward(name if ours else f"{_MODULE}.{module}:{name}", **params)
    try:
        report: AttackReport = attack(reward, deadline=deadline, pool=pool, **_ASKED.get(name, {}))
    except ConfigError as error:
        return Checked(case, frozenset(["never scored"]), str(error))
    found = frozenset(r.finding for r in report.results) - {"holds", "not tested"}
    shown = "; ".join(f"{r.finding}: {r.attack.name} ({r.detail})" for r in report.broken[:4])
    return Checked(case, found, shown)
