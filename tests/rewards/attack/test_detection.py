"""Every packaged broken reward is exposed by the finding it must be, every sound one passes.

Those that start a process for every program, or differ little from another, are left to ``veritune attack --selftest``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from veritune.rewards.attack import worker_pool
from veritune.rewards.attack.selftest import Case, languages, selftest
from veritune.rewards.attack.selftest.run import cases
from veritune.sandbox.workers import WorkerPool

SLOW = {
    "trusts_the_exit_status", "code", "cosine", "reasoning_accuracy", "evaluates_the_box", "first_box", "any_box",
    "word_of_the_tail", "starts_with_gold", "any_of_a_list", "counts_steps", "think_format", "shortest_wins",
    "rounds", "generous_tolerance", "likes_ornament", "likes_to_be_long", "likes_end_tokens", "likes_the_question",
    "likes_its_principles",
}  # fmt: skip
# Rewards that tell languages are asked in test_speech.py; here two of them, all the way through.
SLOW |= {*languages.BROKEN, *languages.SOUND} - {"english_letters", "chinese_without_code"}
CASES = [case for case in cases() if case.name not in SLOW]


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with worker_pool(1, 0.3) as running:
        yield running


def test_there_are_thirty_of_each() -> None:
    assert sum(case.expected is not None for case in CASES) >= 30
    assert sum(case.expected is None for case in CASES) >= 30


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_judged_as_what_it_is(case: Case, pool: WorkerPool) -> None:
    deadline = 0.3 if case.expected is not None else 1.0
    (checked,) = selftest(lambda one: one == case, deadline=deadline, pool=pool)
    assert checked.right, f"{set(checked.findings) or 'nothing'} found: {checked.detail}"
