"""The Ray executor: the same verdicts from pools on a local cluster."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Iterator
from typing import Any

import pytest

from veritune import Cause
from veritune.verifiers.math import MathVerifier

pytestmark = [pytest.mark.ray, pytest.mark.slow]

PAIRS = [
    (r"so \boxed{\frac{x^2-1}{x-1}}", "x+1"),
    (r"\boxed{\sin^2 x}", r"1-\cos^2 x"),
    (r"\boxed{2^{11}}", "1024"),
    (r"\boxed{9^{9^{9^9}}}", "42"),
    (r"#### 1,234", "1234"),
    (r"\boxed{1}", None),
]
EXPECTED = [True, True, False, False, True, None]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def verifier(cluster: None) -> MathVerifier:
    return MathVerifier(executor="ray", workers=2, deadline=10.0, cache=0)


def test_verdicts_are_those_of_the_local_executor(verifier: MathVerifier) -> None:
    verdicts = verifier.verify_batch(PAIRS * 3)
    assert [v.correct for v in verdicts] == EXPECTED * 3
    assert [v.correct for v in asyncio.run(verifier.averify_batch(PAIRS))] == EXPECTED
    assert verdicts[5].cause is Cause.INVALID_GOLD
    copy = pickle.loads(pickle.dumps(verifier))
    assert [v.correct for v in copy.verify_batch(PAIRS)] == EXPECTED


def test_a_lost_actor_leaves_its_questions_undecided_and_is_replaced(verifier: MathVerifier) -> None:
    import ray

    verifier.verify(*PAIRS[0])
    for actor in verifier.executor._actors:  # type: ignore[attr-defined]
        ray.kill(actor)
    first = verifier.verify(*PAIRS[0])
    assert first.correct is True or first.cause is Cause.INFRA_ERROR
    time.sleep(0.5)
    assert verifier.verify(*PAIRS[0]).correct is True


def test_a_verifier_works_inside_an_actor(cluster: None) -> None:
    import ray

    def verdicts(pairs: list[tuple[str, str | None]]) -> list[bool | None]:
        return [v.correct for v in MathVerifier(workers=1, deadline=10.0).verify_batch(pairs)]

    inside: Any = ray.remote(num_cpus=0)(verdicts)
    assert ray.get(inside.remote(PAIRS)) == EXPECTED
