"""What one sample holds, or how large it is, costs no other sample of the call its verdict."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import httpx
import pytest

from tests.serve.in_process import PLAIN, served
from veritune import Sample, get_reward
from veritune.client import AsyncClient
from veritune.client.asking import RefusedError
from veritune.client.encoding import NonsenseError, read_results
from veritune.plugins import Cause, Score
from veritune.rewards.judge.limits import retry_after


def scored(samples: list[Sample], source: Any = PLAIN, **settings: Any) -> list[Score]:
    """By a server inside this process."""

    async def run() -> list[Score]:
        async with served(source, **settings) as http:
            transport = httpx.ASGITransport(http.app)
            async with AsyncClient("http://server", transport=transport, wait=0.05) as client:
                return await client.score(samples)

    return asyncio.run(run())


def _nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


LOOP: list[Any] = []
LOOP.append(LOOP)


def test_a_column_that_json_has_no_words_for_is_left_out() -> None:
    odd = [10**5000, _nested(100), _nested(2000), LOOP, {"a": LOOP}, object(), {1, 2}, b"x", math.nan, 10**400]
    samples = [Sample(r"\boxed{4}", columns={"gold": "4", "odd": value}) for value in odd]
    assert [score.value for score in scored(samples)] == [1.0] * len(odd)


def test_a_completion_that_json_has_no_words_for_is_undecided_alone() -> None:
    good = Sample(r"\boxed{4}", columns={"gold": "4"})
    odd = Sample([{"role": "assistant", "content": _nested(2000)}], columns={"gold": "4"})
    assert [score.cause for score in scored([good, odd, good])] == [None, Cause.INFRA_ERROR, None]


def test_only_the_sample_that_is_too_large_is_undecided() -> None:
    good = Sample(r"\boxed{4}", "q", columns={"gold": "4"})
    large = Sample("x" * 5000 + r"\boxed{4}", "q", columns={"gold": "4"})
    found = scored([good, large, good, good], body=2000)
    assert [score.cause for score in found] == [None, Cause.INFRA_ERROR, None, None]
    assert "too large" in found[1].reason


def test_a_prompt_group_is_divided_where_nothing_compares_it() -> None:
    group = [Sample(r"\boxed{4}", "q", columns={"gold": "4"}) for _ in range(40)]
    assert {score.value for score in scored(group, batch=8)} == {1.0}
    compared: dict[str, Any] = {"rewards": {"length": {}}}
    assert {score.cause for score in scored(group, compared, batch=8)} == {Cause.INFRA_ERROR}


@pytest.mark.parametrize("url", ["localhost:8300", "grader", "ftp://x", "http://", "http://x:0", "http://:KEY1234@"])
def test_an_address_that_is_none_is_refused_at_once_and_shows_no_key(url: str) -> None:
    with pytest.raises(RefusedError) as caught:
        AsyncClient(url)
    assert "KEY1234" not in str(caught.value)


def test_a_password_in_an_address_is_shown_nowhere() -> None:
    reward = get_reward("remote", url="http://:KEY1234@host:1", deadline=5)
    source: Any = {"rewards": {"g": {"use": "remote", "params": {"url": "http://:KEY1234@host:1"}}}}

    async def run() -> str:
        async with served(source) as http:
            return str((await http.get("/rewards")).text) + json.dumps(http.app.state.service.rewards.identity)

    assert "KEY1234" not in repr(reward) + asyncio.run(run())
    assert reward.params["url"] == "http://:KEY1234@host:1"


def test_no_wait_without_an_end_and_no_result_that_says_two_things() -> None:
    assert [retry_after(text) for text in ("inf", "1e400", "9" * 5000, "nan", "-5", "7")] == [None] * 4 + [0.0, 7.0]
    for row in ({"value": 1.0, "cause": "timeout"}, {"value": 1.0, "cause": None, "id": 7}):
        with pytest.raises(NonsenseError):
            read_results({"id": "r", "results": [row]}, "r", 1)
