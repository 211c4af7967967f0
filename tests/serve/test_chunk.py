"""One sample that hangs, or takes its process with it, costs no other sample and no other request its value."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.serve.in_process import talk

REWARD = '''
import os, time
from veritune import reward


@reward
def odd(completion: str) -> float:
    """What the completion says."""
    if completion == "hang":
        time.sleep(1000)
    if completion == "child" and os.fork() == 0:
        time.sleep(5)
        os._exit(0)
    if completion == "exit":
        os._exit(3)
    if completion == "kill":
        os.kill(os.getpid(), 9)
    return 1.0
'''


async def _ask(http: httpx.AsyncClient, texts: list[str], deadline: float) -> list[Any]:
    body = {"samples": [{"completion": text} for text in texts], "deadline": deadline}
    found: list[Any] = (await http.post("/score", json=body, timeout=60)).json()["results"]
    return [result["cause"] or result["value"] for result in found]


def test_only_the_guilty_one_is_undecided(tmp_path: Any) -> None:
    (tmp_path / "odd.py").write_text(REWARD)

    async def all_of_it(http: httpx.AsyncClient) -> None:
        assert await _ask(http, ["a"], 60) == [1.0]
        assert await _ask(http, ["a", "hang", "b"], 4) == [1.0, "timeout", 1.0]
        busy = asyncio.ensure_future(_ask(http, ["hang"], 6))
        await asyncio.sleep(0.1)
        assert await asyncio.gather(*(_ask(http, ["a"], 5) for _ in range(4))) == [[1.0]] * 4
        assert await busy == ["timeout"]
        for end in ("exit", "kill"):  # the child that was left holds the socket of its process
            assert await _ask(http, ["child"], 5) == [1.0]
            assert await _ask(http, ["a", end, "b"], 5) == [1.0, "infra_error", 1.0]

    talk(all_of_it, {"rewards": {"odd": {"use": f"{tmp_path}/odd.py:odd"}}}, workers=1)
