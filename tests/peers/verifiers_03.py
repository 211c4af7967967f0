"""verifiers up to 0.3: a Rubric of ours in SingleTurnEnv's own evaluation, against a server that answers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from datasets import Dataset

from tests.peers.chat_server import serving
from veritune.adapters.verifiers import rubric_functions

vf: Any = importlib.import_module("verifiers")  # a checkout's folder of that name is not it
Remark = Callable[[str, object], None]
CONFIG = {"rewards": {"accuracy": {}, "format": {"weight": 0.5, "params": {"style": "think"}}}}


@pytest.fixture(scope="module")
def outputs() -> dict[int, Any]:
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("TINY_KEY", "x")
    functions, weights = rubric_functions(CONFIG)
    rows = [
        {"question": f"{n}: what is 2+2?", "answer": {3: "", 4: "5"}.get(n, "4"), "info": {"solution": "7"}}
        for n in range(20)
    ]
    env = vf.SingleTurnEnv(
        dataset=Dataset.from_list(rows), rubric=vf.Rubric(funcs=functions, weights=weights), message_type="chat"
    )
    said = {"content": "<think>\nTwo and two make four.\n</think>\nSo it is \\boxed{4}."}
    with serving(lambda asked: said) as url:
        client = vf.ClientConfig(client_type="openai_chat_completions", api_base_url=url, api_key_var="TINY_KEY")
        results = env.evaluate_sync(
            client=client, model="tiny", num_examples=-1, rollouts_per_example=1, state_columns=["veritune"]
        )
    monkeypatch.undo()
    return {output["example_id"]: output for output in results["outputs"]}


def test_a_rubric_pays_by_the_answer_whatever_info_holds(outputs: dict[int, Any]) -> None:
    assert len(outputs) == 20
    assert outputs[0]["reward"] == 1.5
    assert outputs[4]["reward"] == 0.5
    assert outputs[0]["veritune"]["veritune"]["parts"]["accuracy"]["value"] == 1.0


def test_an_undecided_sample_is_an_error_of_its_rollout(outputs: dict[int, Any], record_property: Remark) -> None:
    unsure = outputs[3]
    assert unsure["error"] is not None
    assert "invalid_gold" in str(unsure["error"])
    assert all(outputs[n].get("error") is None for n in range(20) if n != 3)
    record_property(
        "remark",
        f"1 of 20 undecided in `evaluate`: the Rubric writes reward {unsure['reward']:g}, so `error` of the rollout is "
        "set (InfraError with the cause): it counts in the error rate, and trainers that drop errored rollouts drop it",
    )
