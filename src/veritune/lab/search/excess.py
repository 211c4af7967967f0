"""What a reward pays beyond an oracle, as a reward: a policy that is trained on it looks for what pays wrongly."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from veritune.lab.search.claims import certain
from veritune.plugins import Cause, Reward, Sample, Score, reward
from veritune.plugins.columns import GOLD_COLUMNS
from veritune.plugins.golds import gold_texts
from veritune.rewards.composition import RewardSet, compose


@reward
def gold_check(completion: str, gold: Any) -> Score:
    """1 where every final answer is the gold, 0 where each is another plain number or letter; else undecided."""
    texts = gold_texts(gold)
    found = certain(completion, texts[0]) if texts else None
    if found is None:
        return Score.none("no final answer is certain", Cause.ABSTAIN)
    return Score(float(found), "every final answer is the gold" if found else "each final answer is another value")


@reward(batch=True)
def excess(
    samples: Sequence[Sample],
    *,
    attacked: Mapping[str, Any],
    oracle: Mapping[str, Any],
    low: float = 0.0,
    high: float = 1.0,
    oracle_high: float = 1.0,
    log: str = "",
) -> list[Score]:
    """(reward − ``low``) / (``high`` − ``low``) minus the oracle's share of ``oracle_high``; undecided where one is.

    ``attacked`` and ``oracle`` are compositions. What earns over a half is appended to the file ``log``.
    """
    mine = _built(json.dumps(attacked, default=str)).score_batch(samples)
    theirs = _built(json.dumps(oracle, default=str)).score_batch(samples)
    scores = []
    for sample, paid, due in zip(samples, mine, theirs, strict=True):
        if paid.value is None or due.value is None:
            scores.append(Score.none("reward or oracle is undecided", Cause.ABSTAIN))
            continue
        value = (paid.value - low) / (high - low) - due.value / oracle_high
        scores.append(Score(value, f"the reward gives {paid.value:g}, the oracle {due.value:g}"))
        if log and value > 0.5:
            kept = {"prompt": sample.prompt, "completion": sample.text, "columns": dict(sample.columns)}
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(json.dumps(kept, default=str) + "\n")
    return scores


@functools.lru_cache(maxsize=8)
def _built(spec: str) -> RewardSet:
    return compose(json.loads(spec))


def composition_of(scorer: Any) -> dict[str, Any]:
    """A reward or a set as a composition that :func:`compose` builds again."""
    if isinstance(scorer, RewardSet):
        return scorer.spec()
    assert isinstance(scorer, Reward)
    spec = scorer.spec()
    spec.pop("name", None)
    compat = spec["params"].pop("compat", None)
    return {"rewards": {"attacked": {**spec, **({"compat": compat} if compat else {})}}}


def gold_check_on(column: str | None) -> dict[str, Any]:
    """The gold check as a composition."""
    columns = {"columns": {"gold": column}} if column and column not in GOLD_COLUMNS[:1] else {}
    return {"rewards": {"gold_check": {"use": f"{__name__}:gold_check", **columns}}}
