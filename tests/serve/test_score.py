"""``POST /score``: a verdict for every sample, in order; undecided is null with its cause, never 0."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.serve.in_process import served, talk
from veritune import compose

GOOD = {
    "completion": "<think>\n2+2\n</think>\n<answer>\n\\boxed{4}\n</answer>",
    "prompt": "2+2?",
    "columns": {"gold": "4"},
}


def sample(completion: str, gold: Any = "4", **more: Any) -> dict[str, Any]:
    return {"completion": completion, "columns": {"gold": gold}, **more}


def test_a_verdict_has_value_cause_reason_components_and_evidence() -> None:
    async def ask(http: httpx.AsyncClient) -> Any:
        rows = [GOOD, sample("\\boxed{5}", id="b"), sample("\\boxed{4}", gold="")]
        return (await http.post("/score", json={"samples": rows})).json()

    right, wrong, broken = talk(ask)["results"]
    assert right["value"] == pytest.approx(1.2)
    assert right["cause"] is None
    assert right["components"]["format"] == {"value": 1.0, "cause": None, "reason": "has the shape think_answer"}
    assert right["evidence"]["accuracy"]["extracted"] == "4"
    assert (wrong["id"], wrong["value"], wrong["components"]["accuracy"]["value"]) == ("b", 0.0, 0.0)
    assert (broken["value"], broken["cause"]) == (None, "invalid_gold")
    assert "gold is missing" in broken["reason"]


def test_the_values_are_those_of_the_rewards_themselves() -> None:
    rows = [sample(f"so \\boxed{{{n}}}", id=n) for n in range(70)]

    async def ask(http: httpx.AsyncClient) -> Any:
        return (await http.post("/score", json={"samples": rows})).json()["results"]

    found = talk(ask, ["accuracy"], chunk=8)
    own = compose(["accuracy"])
    assert [each["value"] for each in found] == [own.score(row["completion"], gold="4").value for row in rows]
    assert [each["id"] for each in found] == list(range(70))


def test_components_can_be_chosen_and_gates_still_hold() -> None:
    config = {"rewards": {"format": {}, "accuracy": {"gate": "format"}}}

    async def ask(http: httpx.AsyncClient) -> list[Any]:
        answers = []
        for names in (["accuracy"], ["format"], ["accuray"]):
            body = {"samples": [GOOD, sample("\\boxed{4}")], "rewards": names}
            answers.append(await http.post("/score", json=body))
        return answers

    gated, alone, unknown = talk(ask, config)
    assert [each["value"] for each in gated.json()["results"]] == [1.0, 0.0]
    assert list(alone.json()["results"][0]["components"]) == ["format"]
    assert (unknown.status_code, "Did you mean 'accuracy'?" in unknown.text) == (422, True)


def test_a_chat_and_half_a_character_go_through() -> None:
    chat = [{"role": "assistant", "content": "\\boxed{4} \ud83d"}]

    async def ask(http: httpx.AsyncClient) -> Any:
        body = json.dumps({"samples": [{**sample(""), "completion": chat}]})
        return (await http.post("/score", content=body, headers={"content-type": "application/json"})).json()

    assert talk(ask)["results"][0]["components"]["accuracy"]["value"] == 1.0


def test_a_missing_column_or_step_is_said_before_anything_is_scored() -> None:
    async def ask(http: httpx.AsyncClient) -> list[httpx.Response]:
        return [
            await http.post("/score", json={"samples": [{"completion": "4"}]}),
            await http.post("/score", json={"samples": [GOOD], "step": 10}),
        ]

    missing, fine = talk(ask, {"rewards": {"accuracy": {"weight": {0: 1.0, 20: 0.0}}}})
    assert missing.status_code == 422
    assert "step" in missing.json()["error"]["message"]
    assert fine.json()["results"][0]["value"] == 0.5
    (no_gold,) = talk(lambda http: _posts(http, {"samples": [{"completion": "4"}]}))
    assert (no_gold.status_code, "gold" in no_gold.text) == (422, True)


async def _posts(http: httpx.AsyncClient, *bodies: Any) -> list[httpx.Response]:
    return [await http.post("/score", json=body) for body in bodies]


def test_a_request_may_hold_one_kind_of_rows_only() -> None:
    config = {"rewards": {"accuracy": {"where": {"kind": "math"}}, "format": {"where": {"kind": "talk"}}}}
    talks = {"samples": [{"completion": "hello", "columns": {"kind": "talk"}}]}
    mixed = {"samples": [*talks["samples"], {"completion": "4", "columns": {"kind": "math", "gold": "4"}}]}
    broken = {"samples": [{"completion": "4", "columns": {"kind": "math"}}]}
    alone, both, missing, unrouted = talk(
        lambda http: _posts(http, talks, mixed, broken, {"samples": [sample("4")]}), config
    )
    assert [each["value"] for each in alone.json()["results"]] == [0.0]
    assert [each["value"] for each in both.json()["results"]] == [0.0, 1.0]
    assert (missing.status_code, "gold" in missing.text) == (422, True)
    assert (unrouted.status_code, "kind" in unrouted.text) == (422, True)


def test_a_groups_samples_are_scored_together_whatever_the_chunk() -> None:
    rows = [{"completion": "x" * n, "prompt": f"p{n // 40}", "columns": {"gold": "4"}} for n in range(80)]
    whole = talk(lambda http: _posts(http, {"samples": rows}), ["length"], chunk=4)
    alone = compose(["length"]).score_batch([_sample(row) for row in rows])
    assert [each["value"] for each in whole[0].json()["results"]] == [score.value for score in alone]


def _sample(row: dict[str, Any]) -> Any:
    from veritune import Sample

    return Sample(row["completion"], row["prompt"], columns=row["columns"])


def test_a_reward_that_raises_leaves_its_own_sample_undecided(rewards_file: str) -> None:
    rows = [{"completion": text} for text in ("a", "raise", "b")]
    (answer,) = talk(lambda http: _posts(http, {"samples": rows}), [rewards_file])
    assert [(each["value"], each["cause"]) for each in answer.json()["results"]] == [
        (1.0, None),
        (None, "internal_error"),
        (1.0, None),
    ]


def test_what_hangs_or_ends_its_process_costs_its_own_sample(rewards_file: str) -> None:
    ends = [{"completion": text} for text in ("a", "exit", "b")]
    hangs = [{"completion": text} for text in ("a", "sleep 30")]

    async def ask(http: httpx.AsyncClient) -> list[Any]:
        bodies = [{"samples": ends, "deadline": 20}, {"samples": hangs, "deadline": 0.7}, {"samples": ends[:1]}]
        return [(await http.post("/score", json=body)).json()["results"] for body in bodies]

    ended, hung, after = talk(ask, [rewards_file], workers=1, chunk=1)
    assert [(each["value"], each["cause"]) for each in ended] == [(1.0, None), (None, "infra_error"), (1.0, None)]
    assert [(each["value"], each["cause"]) for each in hung] == [(1.0, None), (None, "timeout")]
    assert after[0]["value"] == 1.0


def test_a_repeat_is_free_and_another_request_under_its_id_is_refused(rewards_file: str) -> None:
    async def ask(http: httpx.AsyncClient) -> list[httpx.Response]:
        first = {"samples": [GOOD], "id": "r1"}
        other = {"samples": [sample("\\boxed{5}")], "id": "r1"}
        return await _posts(http, first, first, other)

    first, again, other = talk(ask)
    assert (first.content, "veritune-repeat" in first.headers) == (again.content, False)
    assert again.headers["veritune-repeat"] == "true"
    assert other.status_code == 409


def test_a_repeat_in_flight_waits_for_the_first(rewards_file: str) -> None:
    async def ask(http: httpx.AsyncClient) -> Any:
        body = {"samples": [{"completion": "sleep 0.2"}], "id": 7}
        await asyncio.gather(*(http.post("/score", json=body) for _ in range(5)))
        return (await http.get("/metrics")).text

    numbers = talk(ask, [rewards_file])
    assert 'veritune_samples_total{outcome="decided"} 1\n' in numbers
    assert "veritune_repeats_total 4\n" in numbers


def test_an_answer_left_open_by_a_failure_of_ours_is_not_kept(rewards_file: str) -> None:
    body = {"samples": [{"completion": "raise"}], "id": "r"}
    first, again = talk(lambda http: _posts(http, body, body), [rewards_file])
    assert "veritune-repeat" not in again.headers
    assert first.json() == again.json()


def test_answers_survive_a_restart_in_the_journal(tmp_path: Any) -> None:
    body = {"samples": [GOOD], "id": "r1"}
    journal = str(tmp_path / "answers.sqlite")
    (first,) = talk(lambda http: _posts(http, body), journal=journal)
    (again,) = talk(lambda http: _posts(http, body), journal=journal)
    assert (again.content, again.headers["veritune-repeat"]) == (first.content, "true")


def test_what_is_remembered_is_bounded() -> None:
    async def ask() -> tuple[int, int]:
        async with served(remember=5000) as http:
            for n in range(50):
                await http.post("/score", json={"samples": [GOOD], "id": n})
            remembered = http.app.state.service.remembered
            return remembered.size, len(remembered._known)

    size, count = asyncio.run(ask())
    assert size <= 5000
    assert 1 <= count < 20


def test_a_full_queue_says_when_to_come_again(rewards_file: str) -> None:
    async def ask(http: httpx.AsyncClient) -> list[httpx.Response]:
        slow = {"samples": [{"completion": "sleep 0.1"}] * 8}
        first = asyncio.ensure_future(http.post("/score", json=slow))
        await asyncio.sleep(0.1)
        busy = await http.post("/score", json=slow)
        never = await http.post("/score", json={"samples": [{"completion": "a"}] * 11})
        ready = await http.get("/ready")
        await first
        return [busy, never, ready, await http.post("/score", json={"samples": [{"completion": "a"}]}), await first]

    busy, never, ready, later, first = talk(ask, [rewards_file], queue=10, batch=100)
    assert (busy.status_code, busy.json()["error"]["code"]) == (429, "busy")
    assert int(busy.headers["retry-after"]) >= 1
    assert never.status_code == 413
    assert ready.status_code == 200
    assert [later.status_code, first.status_code] == [200, 200]


def test_readiness_waits_for_the_first_worker(tmp_path: Any) -> None:
    (tmp_path / "r.py").write_text("from veritune import reward\n@reward\ndef late(completion):\n    return 1.0\n")

    async def ask(http: httpx.AsyncClient) -> tuple[list[int], int]:
        seen = [(await http.get("/ready")).status_code]
        while seen[-1] != 200:
            await asyncio.sleep(0.05)
            seen.append((await http.get("/ready")).status_code)
        return seen, (await http.get("/health")).status_code

    seen, health = talk(ask, [f"{tmp_path}/r.py:late"], workers=1)
    assert set(seen) == {503, 200}
    assert health == 200


def test_an_empty_batch_has_no_results() -> None:
    (answer,) = talk(lambda http: _posts(http, {"samples": []}))
    assert (answer.status_code, answer.json()["results"]) == (200, [])
