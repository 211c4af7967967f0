"""NeMo Gym's resources server: ``POST /verify``, so that its agents take this server's host and port for one.

Read: ``nemo_gym/base_resources_server.py`` and ``responses_api_agents/simple_agent/app.py`` of 0.7.0. The body is the
task's row (``expected_answer`` and whatever else the rewards read) with ``responses_create_params`` and ``response``;
the answer is the same with ``reward``. An undecided sample is what Gym means by it: ``mask_sample`` true, with
``failure_kind`` ``veritune:CAUSE`` and its reason, and it counts in no score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins import Sample
from veritune.serve.errors import unfit
from veritune.serve.fronts.front import Front, Result, listed, mapping
from veritune.serve.settings import Settings
from veritune.serve.wire import columns_of, text_or_chat

_OWN = ("responses_create_params", "response", "reward")
_GOLD = "expected_answer"


def read(data: Any) -> list[Sample]:
    """The response's items as a chat; every other key is a column, ``expected_answer`` also the gold."""
    body = mapping(data)
    row = {key: value for key, value in body.items() if key not in _OWN and not key.startswith("_")}
    if "gold" not in row and _GOLD in row:
        row["gold"] = row[_GOLD]
    asked = mapping(body.get("responses_create_params") or {}, "responses_create_params").get("input")
    output = mapping(body.get("response"), "response").get("output")
    if not isinstance(output, list):
        raise unfit("response.output: a list of items is expected")
    chat = text_or_chat(messages(output), "response.output")
    prompt = None if asked in (None, "", []) else text_or_chat(_prompt(asked), "responses_create_params.input")
    return [Sample(chat, prompt, columns=columns_of(row, "the body"))]


def messages(output: Sequence[Any]) -> list[dict[str, Any]]:
    """Items of the Responses interface as chat messages: reasoning beside the answer that follows it, tools between."""
    chat: list[dict[str, Any]] = []
    thought = ""
    for item in output:
        each = mapping(item, "response.output[]")
        kind = each.get("type", "message")
        if kind == "reasoning":
            thought += "".join(_texts(each.get("content")) or _texts(each.get("summary")))
        elif kind == "message":
            message: dict[str, Any] = {"role": each.get("role", "assistant"), "content": _content(each.get("content"))}
            chat.append({**message, "reasoning_content": thought} if thought else message)
            thought = ""
        elif kind == "function_call":
            chat.append({"role": "assistant", "content": "", "tool_calls": [each]})
        elif kind == "function_call_output":
            chat.append({"role": "tool", "content": str(each.get("output", ""))})
    if thought:  # cut off while it thought: there is no answer behind it
        chat.append({"role": "assistant", "content": "", "reasoning_content": thought})
    return chat


def _content(content: Any) -> str:
    return content if isinstance(content, str) else "".join(_texts(content))


def _texts(blocks: Any) -> list[str]:
    """The texts of content blocks; a refusal says nothing that is an answer."""
    found = blocks if isinstance(blocks, list) else []
    return [block["text"] for block in found if isinstance(block, dict) and isinstance(block.get("text"), str)]


def _prompt(asked: Any) -> Any:
    if not isinstance(asked, list):
        return asked
    return [
        {"role": item.get("role", "user"), "content": _content(item.get("content"))}
        for item in asked
        if isinstance(item, Mapping) and item.get("type", "message") == "message"
    ]


def answer(data: Any, results: Sequence[Result], settings: Settings) -> Any:
    """The body again, with the reward."""
    (result,) = results
    value = result["value"]
    found = {**data, "reward": 0.0 if value is None else value, "veritune": dict(result)}
    if value is None:
        found["mask_sample"] = True
        found["failure_kind"] = f"veritune:{result['cause']}"
        found["failure_reason"] = result["reason"]
    return found


def seeded(data: Any) -> Any:
    """``/seed_session``: there is no state to make."""
    mapping(data)
    return {}


def closed(data: Any) -> Any:
    """``/close_session``: nor to end."""
    return {"resources_session_id": mapping(data).get("resources_session_id", "")}


def aggregated(data: Any) -> Any:
    """``/aggregate_metrics``: how many samples were measured, and their mean reward; masked ones are in no mean."""
    rows = [mapping(row, "verify_responses[]") for row in listed(mapping(data), "verify_responses") or []]
    measured = [row.get("reward") for row in rows if not row.get("mask_sample")]
    rewards = [reward for reward in measured if isinstance(reward, int | float)]
    means = {"mean/reward": sum(rewards) / len(rewards)} if rewards else {}
    counts = {"measured": len(rewards), "masked": len(rows) - len(rewards)}
    return {"agent_metrics": {**means, **counts}, "key_metrics": means}


FRONT = Front("/verify", "NeMo Gym 0.7.0", read, answer)
STATELESS = {"/seed_session": seeded, "/close_session": closed, "/aggregate_metrics": aggregated}
"""What its agents and collector ask beside ``/verify``."""
