"""Hostile requests are a 4xx at once, and tell nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.serve.in_process import served, talk
from veritune.serve.bodies import DEPTH, check_depth
from veritune.serve.errors import Refusal
from veritune.serve.settings import Settings

JSON = {"content-type": "application/json"}


def samples(**fields: Any) -> bytes:
    return json.dumps({"samples": [{"completion": "4", "columns": {"gold": "4"}, **fields}]}).encode()


MALFORMED = {
    "no JSON": b'{"samples": [',
    "nothing": b"",
    "not UTF-8": b'{"samples": [{"completion": "\xff"}]}',
    "UTF-16": '{"samples": []}'.encode("utf-16"),
    "a constant": b'{"samples": [{"completion": "a", "columns": {"gold": NaN}}]}',
    "an infinity": b'{"samples": [{"completion": "a", "columns": {"gold": -Infinity}}]}',
    "a number no float holds": b'{"samples": [{"completion": "a", "columns": {"gold": 1e999}}]}',
    "a key given twice": b'{"samples": [{"completion": "a", "completion": "b"}]}',
    "lists in lists": b"[" * 100_000,
    "objects in objects": b'{"a":' * 100_000,
}
UNFIT = {
    "a list": b"[]",
    "no samples": b"{}",
    "samples that are a text": b'{"samples": "4"}',
    "an unknown key": b'{"samples": [], "sample": 1}',
    "a sample that is a number": b'{"samples": [4]}',
    "no completion": b'{"samples": [{"prompt": "a"}]}',
    "a completion that is a number": samples(completion=4),
    "a completion of nothing": samples(completion=None),
    "messages that are texts": samples(completion=["a"]),
    "content that is a number": samples(completion=[{"role": "assistant", "content": 4}]),
    "a role that is a list": samples(completion=[{"role": [], "content": "4"}]),
    "columns that are a list": samples(columns=[]),
    "tokens that are texts": samples(completion_ids=["a"]),
    "tokens that are true": samples(completion_ids=[True]),
    "a column beside columns": samples(gold="4"),
    "one id for two": b'{"samples": [{"completion": "a", "id": 1}, {"completion": "b", "id": "1"}]}',
    "an id that is an object": samples(id={}),
    "a long id": samples(id="x" * 201),
    "a deadline in the past": b'{"samples": [], "deadline": -1}',
    "a deadline that is true": b'{"samples": [], "deadline": true}',
    "a step that is a fraction": b'{"samples": [], "step": 0.5}',
    "evaluation that is a number": b'{"samples": [], "evaluation": 1}',
    "rewards that are a text": b'{"samples": [], "rewards": "accuracy"}',
    "deep columns": samples(columns={"gold": json.loads("[" * 100 + "]" * 100)}),
}


@pytest.fixture(scope="module")
def answers() -> dict[str, httpx.Response]:
    """Each hostile body's answer, and one that is right behind them."""

    async def ask(http: httpx.AsyncClient) -> dict[str, httpx.Response]:
        bodies = {**MALFORMED, **UNFIT, "right": samples()}
        return {name: await http.post("/score", content=body, headers=JSON) for name, body in bodies.items()}

    found: dict[str, httpx.Response] = talk(ask)
    return found


@pytest.mark.parametrize("name", MALFORMED)
def test_what_cannot_be_read_one_way_only_is_a_400(answers: dict[str, httpx.Response], name: str) -> None:
    assert answers[name].status_code == 400
    assert answers[name].json()["error"]["code"] == "malformed"


@pytest.mark.parametrize("name", UNFIT)
def test_what_has_another_shape_is_a_422_that_says_where(answers: dict[str, httpx.Response], name: str) -> None:
    assert answers[name].status_code == 422
    message = answers[name].json()["error"]["message"]
    assert 10 < len(message) < 400


def test_the_server_goes_on(answers: dict[str, httpx.Response]) -> None:
    assert answers["right"].json()["results"][0]["components"]["accuracy"]["value"] == 1.0


def test_depth_is_counted_exactly() -> None:
    check_depth(json.loads("[" * DEPTH + "]" * DEPTH), "x")
    with pytest.raises(Refusal):
        check_depth(json.loads("[" * (DEPTH + 2) + "]" * (DEPTH + 2)), "x")


def test_a_body_that_is_declared_too_large_is_not_read() -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        raise AssertionError("read on")

    async def ask(http: httpx.AsyncClient) -> httpx.Response:
        head = {**JSON, "content-length": str(1 << 30)}
        return await asyncio.wait_for(_refused(http, head), 5)

    answer = talk(ask)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


async def _refused(http: httpx.AsyncClient, head: dict[str, str]) -> httpx.Response:
    return await http.post("/score", content=b"{}", headers=head)


def test_a_stream_is_cut_where_it_passes_the_limit() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b" " * 1024

    answer = talk(lambda http: http.post("/score", content=endless(), headers=JSON), body=4096)
    assert answer.status_code == 413


def test_a_slow_sender_is_cut() -> None:
    async def drip() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    answer = talk(lambda http: asyncio.wait_for(_drip(http, drip()), 5), patience=0.2)
    assert answer.status_code == 408


async def _drip(http: httpx.AsyncClient, content: AsyncIterator[bytes]) -> httpx.Response:
    return await http.post("/score", content=content, headers=JSON)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_page_elsewhere_could_send_is_refused(kind: str) -> None:
    answer = talk(lambda http: http.post("/score", content=samples(), headers={"content-type": kind}))
    assert answer.status_code == 415


def test_a_key_is_asked_for_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    key = "s3cret-key"
    heads: list[dict[str, str]] = [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic !!!"},
        {"x-api-key": ""},
    ]

    async def ask(http: httpx.AsyncClient) -> tuple[list[httpx.Response], list[httpx.Response]]:
        while (await http.get("/ready")).status_code != 200:
            await asyncio.sleep(0.01)
        refused = [await http.post("/score", content=samples(), headers={**JSON, **head}) for head in heads]
        refused += [await http.get(path) for path in ("/metrics", "/rewards")]
        taken = [
            await http.post("/score", content=samples(), headers={**JSON, "authorization": f"bearer {key}"}),
            await http.post("/score", content=samples(), headers=JSON, auth=("", key)),
            *[await http.get(path) for path in ("/health", "/ready", "/", "/openapi.json")],
        ]
        return refused, taken

    refused, taken = talk(ask, key=key)
    assert {each.status_code for each in refused} == {401}
    assert {each.status_code for each in taken} == {200}
    assert not any("s3cret" in each.text for each in [*refused, *taken])
    assert "s3cret" not in caplog.text
    assert "s3cret" not in repr(Settings(key=key))


def test_the_page_escapes_the_names_it_shows() -> None:
    async def ask() -> Any:
        async with served() as http:
            service = http.app.state.service
            service.rewards = type("Odd", (), {"aliases": ["<img src=x onerror=alert(1)>"], "combine": "sum"})()
            return await http.get("/")

    page = asyncio.run(ask())
    assert "<img" not in page.text
    assert "innerHTML" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_paths_and_methods_that_are_not_there_are_said() -> None:
    async def ask(http: httpx.AsyncClient) -> list[httpx.Response]:
        return [await http.get("/nope"), await http.get("/score"), await http.post("/health")]

    assert [each.status_code for each in talk(ask)] == [404, 405, 405]


def test_openapi_names_what_is_served() -> None:
    async def ask(http: httpx.AsyncClient) -> tuple[Any, list[int]]:
        while (await http.get("/ready")).status_code != 200:
            await asyncio.sleep(0.01)
        found = (await http.get("/openapi.json")).json()
        return found, [(await http.get(path)).status_code for path, how in found["paths"].items() if "get" in how]

    found, statuses = talk(ask, key="k")
    assert found["openapi"].startswith("3.1")
    assert set(found["paths"]) >= {"/score", "/health", "/ready", "/metrics"}
    assert set(statuses) == {200, 401}
