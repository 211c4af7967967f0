"""NeMo Gym's own resources server serves our ``verify``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import omegaconf  # noqa: F401 - before nemo_gym, which moves its own site-packages behind all others
import openai  # noqa: F401
import pytest
from fastapi.testclient import TestClient

# isort: split
from nemo_gym.server_utils import ServerClient

from veritune.adapters.nemo_gym import VerituneResourcesServer, VerituneServerConfig

Remark = Callable[[str, object], None]


@pytest.fixture(scope="module")
def client() -> TestClient:
    rewards = {"rewards": {"accuracy": {}, "think_format": {"weight": 0.5}}}
    config = VerituneServerConfig(host="127.0.0.1", port=1, entrypoint="", name="veritune", rewards=rewards)
    server = VerituneResourcesServer(config=config, server_client=MagicMock(spec=ServerClient))
    return TestClient(server.setup_webserver())


def verify(client: TestClient, gold: Any) -> dict[str, Any]:
    output = [
        {"id": "r", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Two and two make four."}]},
        {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "So it is \\boxed{4}.", "annotations": []}],
        },
    ]
    response = {
        **{"id": "x", "created_at": 0.0, "model": "tiny", "object": "response", "output": output},
        **{"parallel_tool_calls": True, "tool_choice": "auto", "tools": []},
    }
    row = {"responses_create_params": {"input": "2+2?"}, "response": response, "expected_answer": gold, "solution": "7"}
    answer = client.post("/verify", json=row)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_verify_pays_by_our_rewards(client: TestClient) -> None:
    right, wrong = verify(client, "4"), verify(client, "5")
    assert (right["reward"], right["mask_sample"], wrong["reward"]) == (1.5, False, 0.5)
    assert right["veritune"]["components"] == {"accuracy": 1.0, "think_format": 1.0}
    assert right["expected_answer"] == "4"


def test_undecided_is_masked(client: TestClient, record_property: Remark) -> None:
    unsure = verify(client, "")
    assert (unsure["mask_sample"], unsure["failure_kind"]) == (True, "veritune:invalid_gold")
    assert unsure["failure_reason"]
    record_property("remark", "undecided: `mask_sample` with failure_kind veritune:invalid_gold and the reason")


def test_it_can_be_verified_again(client: TestClient) -> None:
    assert client.get("/reverify_mode").json() == "stateless"
