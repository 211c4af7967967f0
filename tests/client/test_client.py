"""The client: every sample gets one score, in order, whatever happens on the way; a server's failure is never a 0."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.serve.in_process import served
from veritune import Cause, Sample, Score, get_reward
from veritune.client import AsyncClient, Client, RefusedError
from veritune.plugins import ConfigError, ParameterError

SAMPLES = [Sample(f"\\boxed{{{n}}}", f"p{n // 4}", columns={"gold": str(n - n % 2)}) for n in range(40)]
WANTED = [1.0, 0.0] * 20


class Flaky(httpx.AsyncBaseTransport):
    """A network to a real application on which ``trouble`` may happen to a request, or to its answer."""

    def __init__(self, app: Any, trouble: Callable[[int], Any]) -> None:
        self.inner, self.trouble = httpx.ASGITransport(app), trouble
        self.bodies: list[bytes] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(await request.aread())
        found = self.trouble(len(self.bodies))
        if isinstance(found, httpx.Response):
            return found
        if found == "refused":
            raise httpx.ConnectError("connection refused")
        response = await self.inner.handle_async_request(request)
        if found == "cut":
            raise httpx.RemoteProtocolError("cut behind the server's back")
        return response


def ask(
    trouble: Callable[[int], Any], samples: list[Sample] = SAMPLES, **manner: Any
) -> tuple[list[Score], Flaky, str]:
    async def run() -> tuple[list[Score], Flaky, str]:
        async with served(["accuracy"]) as http:
            network = Flaky(http.app, trouble)
            options = {"batch": 8, "wait": 0.001, "concurrency": 3, **manner}
            async with AsyncClient("http://server", transport=network, **options) as client:
                scores = await client.score(samples)
            return scores, network, (await http.get("/metrics")).text

    return asyncio.run(run())


def values(scores: list[Score]) -> list[float | None]:
    return [score.value for score in scores]


def test_order_and_components_are_kept() -> None:
    scores, network, _ = ask(lambda n: None)
    assert values(scores) == WANTED
    assert len(network.bodies) == 5
    verdict = scores[0].parts["accuracy"].verdict
    assert (verdict.correct, verdict.extracted) == (True, "0")


def test_cut_connections_neither_lose_nor_double_a_sample() -> None:
    scores, network, numbers = ask(lambda n: "cut" if n % 2 else None)
    assert values(scores) == WANTED
    assert len(network.bodies) > 5
    assert 'veritune_samples_total{outcome="decided"} 40\n' in numbers  # what was answered unheard is answered again


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_statuses_that_pass_are_tried_again(status: int) -> None:
    scores, _, _ = ask(lambda n: httpx.Response(status, headers={"Retry-After": "0"}) if n < 4 else None)
    assert values(scores) == WANTED


def test_retry_after_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await real(0)

    monkeypatch.setattr("veritune.client.asking.asyncio.sleep", sleep)
    ask(lambda n: httpx.Response(429, headers={"Retry-After": "7"}) if n == 1 else None, SAMPLES[:8])
    assert waited == [7.0]


@pytest.mark.parametrize(
    "nonsense",
    [b"", b"<html>", b"{}", b"[]", b'{"id": "another", "results": []}', b'{"results": [{"value": 1}]}'],
)
def test_an_answer_that_is_none_is_asked_for_again(nonsense: bytes) -> None:
    scores, _, _ = ask(lambda n: httpx.Response(200, content=nonsense) if n < 3 else None)
    assert values(scores) == WANTED


@pytest.mark.parametrize("result", [{"value": True}, {"value": "1"}, {"value": 1, "components": []}, 4, {"value": {}}])
def test_a_result_that_is_no_number_is_never_taken_for_one(result: Any) -> None:
    def network(request: httpx.Request) -> httpx.Response:
        name = json.loads(request.content)["id"]
        return httpx.Response(200, json={"id": name, "results": [result]})

    scores = _alone(network, retries=1)
    assert (scores[0].value, scores[0].cause) == (None, Cause.INFRA_ERROR)


def _alone(network: Callable[[httpx.Request], httpx.Response], **manner: Any) -> list[Score]:
    client = AsyncClient("http://server", transport=httpx.MockTransport(network), wait=0.001, **manner)
    return asyncio.run(client.score(SAMPLES[:1]))


def test_a_server_that_stays_away_leaves_its_samples_undecided() -> None:
    scores, network, _ = ask(lambda n: "refused", retries=2)
    assert {(score.value, score.cause) for score in scores} == {(None, Cause.INFRA_ERROR)}
    assert len(network.bodies) == 15
    assert "refused" in scores[0].reason


def test_only_the_part_that_failed_is_undecided() -> None:
    def network(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if "p2" in {row["prompt"] for row in body["samples"]}:
            return httpx.Response(500)
        return httpx.Response(200, json={"id": body["id"], "results": [{"value": 1.0}] * len(body["samples"])})

    client = AsyncClient("http://server", transport=httpx.MockTransport(network), wait=0.001, retries=1, batch=8)
    scores = asyncio.run(client.score(SAMPLES))
    assert [score.value for score in scores] == [1.0] * 8 + [None] * 8 + [1.0] * 24


def test_the_deadline_ends_it() -> None:
    scores, _, _ = ask(lambda n: httpx.Response(429, headers={"Retry-After": "60"}), deadline=0.2)
    assert {(score.value, score.cause) for score in scores} == {(None, Cause.TIMEOUT)}


@pytest.mark.parametrize("status", [400, 401, 404, 405, 415, 422])
def test_what_no_retry_mends_is_raised(status: int) -> None:
    with pytest.raises(RefusedError, match=str(status)):
        ask(lambda n: httpx.Response(status, json={"error": {"message": "no"}}))


def test_too_large_a_request_is_halved_between_groups() -> None:
    def network(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if len(body["samples"]) > 8:
            return httpx.Response(413)
        results = [{"value": float(row["columns"]["gold"])} for row in body["samples"]]
        return httpx.Response(200, json={"id": body["id"], "results": results})

    client = AsyncClient("http://server", transport=httpx.MockTransport(network))
    scores = asyncio.run(client.score(SAMPLES))
    assert [score.value for score in scores] == [float(sample.columns["gold"]) for sample in SAMPLES]


def test_a_prompts_samples_stay_in_one_request() -> None:
    _, network, _ = ask(lambda n: None, batch=6)
    for body in network.bodies:
        prompts = [row["prompt"] for row in json.loads(body)["samples"]]
        assert all(prompts.count(prompt) == 4 for prompt in prompts)


def test_a_row_without_a_gold_among_others_is_undecided_and_no_refusal() -> None:
    rows = [Sample("\\boxed{4}", f"p{n}", columns={"gold": "4"} if n < 8 else {"level": 3}) for n in range(16)]
    scores, _, _ = ask(lambda n: None, rows)
    assert values(scores) == [1.0] * 8 + [None] * 8
    assert scores[-1].cause is Cause.INVALID_GOLD


def test_columns_that_json_cannot_say_are_left_out_and_arrays_are_lists() -> None:
    numpy = pytest.importorskip("numpy")
    columns = {
        "gold": "4",
        "n": numpy.int64(3),
        "a": numpy.array([1.5, float("nan")]),
        "image": object(),
        "x": float("nan"),
    }
    _, network, _ = ask(lambda n: None, [Sample("\\boxed{4}", columns=columns)])
    assert json.loads(network.bodies[0])["samples"][0]["columns"] == {"gold": "4", "n": 3, "a": [1.5, None], "x": None}


def test_the_key_goes_in_a_header_and_into_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERITUNE_SERVE_KEY", "s3cret")
    seen: list[str] = []

    def network(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["x-api-key"])
        return httpx.Response(500, text="who said s3cret?")

    scores = _alone(network, retries=0)
    assert seen == ["s3cret"]
    assert "s3cret" not in scores[0].reason


def test_remote_is_a_reward() -> None:
    remote = get_reward("remote", url="http://127.0.0.1:9", retries=0, deadline=5, timeout=5)
    found = pickle.loads(pickle.dumps(remote)).score_batch(SAMPLES[:3])
    assert [(score.value, score.cause) for score in found] == [(None, Cause.INFRA_ERROR)] * 3


def test_remote_refuses_what_is_no_address() -> None:
    with pytest.raises(ParameterError, match="address"):
        get_reward("remote", url="rewards.yaml").score("x")
    with pytest.raises(ConfigError):
        get_reward("remote").score("x")


def test_the_plain_client_works_beside_a_running_loop() -> None:
    async def inside() -> list[Score]:
        return Client("http://127.0.0.1:9", retries=0).score(SAMPLES[:1])

    assert asyncio.run(inside())[0].cause is Cause.INFRA_ERROR
