"""What a policy tries at each verifier's reward earns nothing, and honest work all. One pool for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from veritune import get_reward
from veritune.rewards.attack import attack, worker_pool
from veritune.sandbox.workers import WorkerPool

GATSBY = {"gold": "The Great Gatsby", "prompt": "Which novel?"}
NAMED = [
    {"title": "said", "weight": 3, "use": "exact_match", "columns": {"gold": "Paris"}},
    {"title": "named", "weight": 1, "use": "contains", "columns": {"gold": "Paris"}},
]
REWARDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # reward, its parameters, what it is asked; tool_calls and sql have questions of their own
    ("exact_match", {}, {**GATSBY, "budget": 60}),
    ("f1", {}, {**GATSBY, "budget": 60}),
    ("contains", {}, {**GATSBY, "budget": 60}),
    ("tool_calls", {}, {}),
    ("sql", {"seconds": 0.2}, {"budget": 80}),
    ("rubric", {}, {"gold": "Paris", "columns": {"rubrics": NAMED}, "budget": 30}),
]


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with worker_pool(1) as running:
        yield running


@pytest.mark.parametrize(("name", "params", "question"), REWARDS, ids=[row[0] for row in REWARDS])
def test_the_attacks_hold(name: str, params: dict[str, Any], question: dict[str, Any], pool: WorkerPool) -> None:
    report = attack(get_reward(name, **params), pool=pool, **question)
    assert not report.broken, [(r.attack.name, r.finding, r.detail) for r in report.results if r.finding == "pays"]
    assert report.honest == 1.0
