"""What the fixtures do: build the reward under test, and fail with a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from veritune.plugins import Cause, Sample, Score, get_reward
from veritune.plugins.types import Text
from veritune.rewards.attack import AttackReport
from veritune.rewards.attack import attack as run_attack
from veritune.rewards.composition import compose
from veritune.sandbox.workers import WorkerPool
from veritune.testing.cases import TOLERANCE, Scorer


def make_reward(use: Any, folders: Sequence[Path], params: Mapping[str, Any]) -> Scorer:
    """A reward by name, path or object with its parameters, or the composition of a YAML file."""
    if not isinstance(use, str):
        return get_reward(use, **params)
    file, colon, name = use.rpartition(":")
    path = file if colon else use
    if path.endswith((".py", ".yaml", ".yml")):
        path = str(next((folder / path for folder in folders if (folder / path).is_file()), path))
        use = f"{path}:{name}" if colon else path
    return compose(use) if use.endswith((".yaml", ".yml")) else get_reward(use, **params)


class _Check:
    def __init__(self, reward: Scorer) -> None:
        self.reward = reward

    def _score(self, completion: Text, prompt: Text | None, columns: Mapping[str, Any]) -> Score:
        columns = dict(columns)
        columns |= columns.pop("columns", None) or {}
        return self.reward.score_batch([Sample(completion, prompt, columns.get("completion_ids"), columns)])[0]

    def _said(self, completion: Text, score: Score) -> str:
        got = f"{score.value:g}" if score.value is not None else f"no number ({score.cause})"
        reason = f": {score.reason}" if score.reason else ""
        return f"reward {self.reward.name!r} gives {got} for {completion!r:.200}{reason}"


class Pays(_Check):
    """The fixture ``assert_pays``."""

    def __call__(
        self,
        completion: Text,
        value: float | None = None,
        *,
        above: float = 0.0,
        prompt: Text | None = None,
        **columns: Any,
    ) -> Score:
        """Fail unless the reward gives ``value`` (within 1e-9), or without it any number above ``above``.

        ``columns`` are the row's (``gold="42"``); one called like an argument goes into ``columns={…}``.
        """
        __tracebackhide__ = True
        score = self._score(completion, prompt, columns)
        if value is not None:
            good = score.value is not None and math.isclose(score.value, value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
            wanted = f"{value:g}"
        else:
            good, wanted = score.value is not None and score.value > above, f"more than {above:g}"
        if not good:
            pytest.fail(f"{self._said(completion, score)}; it should pay {wanted}")
        return score


class Holds(_Check):
    """The fixture ``assert_holds``."""

    def __call__(
        self,
        completion: Text,
        *,
        at_most: float = 0.0,
        cause: Cause | str | None = None,
        prompt: Text | None = None,
        **columns: Any,
    ) -> Score:
        """Fail where the reward pays for this completion: where it gives more than ``at_most``.

        No number holds where the reward abstains, or for the ``cause`` that is named; with a cause, a number fails.
        """
        __tracebackhide__ = True
        score = self._score(completion, prompt, columns)
        if cause is not None:
            if score.value is not None or score.cause != Cause(cause):
                pytest.fail(f"{self._said(completion, score)}; it should be undecided: {Cause(cause)}")
        elif score.value is None and score.cause is not Cause.ABSTAIN:
            pytest.fail(f"{self._said(completion, score)}; if that is meant, say cause={str(score.cause)!r}")
        elif score.value is not None and score.value > at_most + TOLERANCE:
            pytest.fail(f"{self._said(completion, score)}; it should pay at most {at_most:g}")
        return score


class Attack:
    """The fixture ``attack``."""

    def __init__(self, reward: Scorer, pool: WorkerPool) -> None:
        self.reward = reward
        self.pool = pool

    def __call__(self, **options: Any) -> AttackReport:
        """Attack the reward as :func:`veritune.rewards.attack.attack` does, and fail where something does not hold.

        ``budget`` bounds the number of attacks: so many, taken evenly from all kinds.
        """
        __tracebackhide__ = True
        report = run_attack(self.reward, pool=self.pool, **options)
        if report.failed:
            pytest.fail(str(report))
        if not report.counts["holds"]:
            pytest.fail(f"nothing was tested: {report}")
        return report
