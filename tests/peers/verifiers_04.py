"""verifiers 0.4: its eval loop runs a Taskset whose task has our reward, against a server that answers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import verifiers.v1 as vf
from verifiers.v1.cli.eval.runner import run_eval
from verifiers.v1.configs.cli.eval import EvalConfig

from tests.peers.chat_server import serving

Remark = Callable[[str, object], None]
TASKSET = """
import httpx
import verifiers.v1 as vf
from veritune.adapters.verifiers_tasks import task_reward

class Row(vf.TaskData):
    answer: str = ""

class Sums(vf.Task[Row]):
    veritune = task_reward({"rewards": {"accuracy": {}, "think_format": {"weight": 0.5}}})

class SumsConfig(vf.TasksetConfig):
    pass

class SumsTaskset(vf.Taskset[Sums, SumsConfig]):
    def load(self):
        for n in range(20):
            answer = {3: "", 4: "5"}.get(n, "4")
            yield Sums(Row(prompt=f"{n}: what is 2+2?", answer=answer), self.config.task)

class ChatHarness(vf.Harness[vf.HarnessConfig]):
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def launch(self, ctx, trace, runtime, endpoint, secret, mcp_urls, data, **kwargs):
        body = {"model": ctx.model, "messages": [{"role": "user", "content": data.prompt}]}
        async with httpx.AsyncClient(timeout=60) as client:
            headers = {"Authorization": f"Bearer {secret}"}
            reply = await client.post(f"{endpoint}/chat/completions", json=body, headers=headers)
            reply.raise_for_status()
        return vf.ProgramResult(exit_code=0, stdout="", stderr="")

__all__ = ["SumsTaskset", "ChatHarness"]
"""


@pytest.fixture(scope="module")
def episodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    folder = tmp_path_factory.mktemp("verifiers")
    (folder / "veritune_sums.py").write_text(TASKSET)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("TINY_KEY", "x")
        said = {"reasoning_content": "Two and two make four.", "content": "So it is \\boxed{4}."}
        with serving(lambda asked: said) as url:
            config = EvalConfig.model_validate(
                {
                    "env": {"taskset": {"id": "veritune-sums"}, "agent": {"runtime": {"type": "subprocess"}}},
                    "client": {"type": "eval", "base_url": url, "api_key_var": "TINY_KEY"},
                    "model": "tiny",
                    "push": False,
                    "rich": None,
                    "output_dir": folder / "out",
                }
            )
            yield asyncio.run(run_eval(config))


def test_the_eval_loop_pays_by_the_tasks_reward(episodes: list[Any]) -> None:
    traces = {trace.task.data.idx: trace for episode in episodes for trace in episode.traces}
    assert len(traces) == 20
    assert traces[0].reward == 1.5, "reasoning that the server parsed counts"
    assert traces[4].reward == 0.5
    assert traces[0].metrics["veritune/accuracy"] == 1.0
    assert traces[4].metrics["veritune/accuracy"] == 0.0
    assert traces[0].ok


def test_an_undecided_sample_fails_its_trace_and_earns_no_zero(episodes: list[Any], record_property: Remark) -> None:
    traces = {trace.task.data.idx: trace for episode in episodes for trace in episode.traces}
    unsure = traces[3]
    assert unsure.rewards == {"veritune": None}
    assert not unsure.ok
    assert unsure.last_error.type == "TaskError"
    assert "invalid_gold" in unsure.last_error.message
    assert unsure.metrics["veritune/accuracy"] is None
    assert {tuple(trace.metrics) for trace in traces.values()} == {("veritune/accuracy", "veritune/think_format")}
    record_property(
        "remark",
        "1 of 20 undecided in `run_eval`: reward None (not 0), `ok` False, a TaskError with the cause on the trace; "
        f"{sum(trace.ok for trace in traces.values())} of 20 traces are ok",
    )


def test_there_is_no_rubric_here() -> None:
    assert not hasattr(vf, "Rubric")
    assert "verifiers.legacy" not in sys.modules
    assert Path(vf.__file__ or "").parent.name == "v1"
