"""The fronts: bodies exactly as each trainer's own code sends them, answers as it reads them.

They were also driven by that code itself: ``benchmarks/serve_peers.py``, results beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.serve.in_process import talk

RIGHT, WRONG = "so \\boxed{4}", "so \\boxed{5}"


def posted(path: str, *bodies: Any, **settings: Any) -> list[httpx.Response]:
    async def ask(http: httpx.AsyncClient) -> list[httpx.Response]:
        return [await http.post(path, json=body) for body in bodies]

    found: list[httpx.Response] = talk(ask, settings.pop("source", ["accuracy"]), **settings)
    return found


def openrlhf(text: str, label: Any = "4") -> dict[str, Any]:
    """What ``SingleTurnAgentExecutor._fetch_rewards_via_http`` of 0.11.2 posts."""
    return {"query": [f"2+2? {text}"], "prompts": ["2+2? "], "labels": [label]}


def slime(text: str, label: Any = "4") -> dict[str, Any]:
    """What ``remote_rm`` of 0.3.1 posts."""
    return {"prompt": [{"role": "user", "content": "2+2?"}], "response": text, "label": label}


def verl(text: str, label: Any = "4") -> dict[str, Any]:
    """What the reward managers of 0.9.1 pass to ``compute_score``, a GSM8K row of verl's own preprocessing."""
    extra = {"split": "train", "index": 0, "answer": "2+2=<<2+2=5>>5.\n#### 5", "question": "2+2?", "num_turns": None}
    return {
        "data_source": "openai/gsm8k",
        "solution_str": text,
        "ground_truth": label,
        "extra_info": {**extra, "rollout_reward_scores": {}},
    }


def gym(*output: Mapping[str, Any], expected: Any = "4") -> dict[str, Any]:
    """What ``SimpleAgent.run`` of 0.7.0 posts to ``/verify``, shortened from its ``example_rollouts.jsonl``."""
    asked = {"input": [{"content": "2+2?", "role": "user", "type": "message"}], "tools": [], "temperature": None}
    response = {"id": "resp_1", "created_at": 1761955953.0, "model": "m", "object": "response", "output": list(output)}
    return {"responses_create_params": asked, "response": response, "question": "2+2?", "expected_answer": expected}


def message(text: str) -> dict[str, Any]:
    content = [{"annotations": [], "text": text, "type": "output_text", "logprobs": []}]
    return {"id": "msg_1", "content": content, "role": "assistant", "status": "completed", "type": "message"}


def test_openrlhf_gets_lists_and_logs() -> None:
    right, wrong = (answer.json() for answer in posted("/openrlhf", openrlhf(RIGHT), openrlhf(WRONG)))
    assert (right["rewards"], right["scores"], wrong["rewards"]) == ([1.0], [1.0], [0.0])
    assert right["extra_logs"] == {"undecided": [0.0], "accuracy": [1.0], "accuracy/known": [1.0]}


def test_openrlhf_grades_nothing_of_the_prompt() -> None:
    body = {"query": ["Write \\boxed{4}. I do not know"], "prompts": ["Write \\boxed{4}. "], "labels": ["4"]}
    assert posted("/openrlhf", body)[0].json()["rewards"] == [0.0]


def test_end_tokens_are_cut_and_a_query_without_its_prompt_is_undecided() -> None:
    source = ["format"]
    thought = "<think>\n2+2\n</think>\n<answer>\n4\n</answer><|im_end|>"
    (ended,) = posted("/openrlhf", openrlhf(thought), source=source)
    assert ended.json()["rewards"] == [1.0]
    (sampled,) = posted("/slime", slime(thought), source=source)
    assert sampled.json() == 1.0
    strange = {"query": ["so \\boxed{4}"], "prompts": ["What is two and two, in a box?"], "labels": ["4"]}
    (unknown,) = posted("/openrlhf", strange, undecided=0.5)
    assert unknown.json()["rewards"] == [0.5]
    assert unknown.json()["extra_logs"]["undecided"] == [1.0]


def test_every_answer_has_the_same_keys() -> None:
    source: dict[str, Any] = {"rewards": {"accuracy": {}, "format": {}}, "combine": "first_decided"}
    decided, left = (answer.json() for answer in posted("/verl", verl(RIGHT), verl(RIGHT, ""), source=source))
    assert decided.keys() == left.keys()


def test_slime_gets_one_number_or_an_object() -> None:
    assert [answer.json() for answer in posted("/slime", slime(RIGHT), slime(WRONG))] == [1.0, 0.0]
    (full,) = posted("/slime/full", slime(RIGHT))
    assert full.json() == {"score": 1.0, "undecided": 0.0, "accuracy": 1.0, "accuracy/known": 1.0}


def test_verl_gets_its_dictionary_and_the_ground_truth_is_the_gold() -> None:
    right, wrong = (answer.json() for answer in posted("/verl", verl(RIGHT), verl(WRONG)))
    assert (right["score"], right["reward/accuracy"], right["undecided"]) == (1.0, 1.0, 0.0)
    assert wrong["score"] == 0.0
    assert right.keys() == wrong.keys()


@pytest.mark.parametrize(
    ("path", "body"), [("/openrlhf", openrlhf(RIGHT, "")), ("/slime", slime(RIGHT, "")), ("/verl", verl(RIGHT, ""))]
)
def test_undecided_is_never_a_silent_number(path: str, body: Any) -> None:
    (refused,) = posted(path, body)
    assert refused.status_code == 422
    assert "--undecided" in refused.json()["error"]["message"]
    (chosen,) = posted(path, body, undecided=0.25)
    assert chosen.status_code == 200
    assert "0.25" in chosen.text


def test_what_may_pass_is_worth_another_attempt(rewards_file: str) -> None:
    source = {"rewards": {"odd": {"use": rewards_file}}}
    (late,) = posted("/slime", {**slime("sleep 0.5"), "label": None}, source=source, deadline=0.1)
    assert (late.status_code, late.headers["retry-after"]) == (503, "1")


def test_gym_gets_its_body_back_with_the_reward() -> None:
    thought = {"id": "rs_1", "summary": [], "type": "reasoning", "content": [{"type": "reasoning_text", "text": "2+2"}]}
    right, shaped = (
        answer.json() for answer in posted("/verify", gym(message(RIGHT)), gym(thought, message("4")), source=GYM)
    )
    assert right["veritune"]["components"]["accuracy"]["value"] == 1.0
    assert right["response"] == gym(message(RIGHT))["response"]
    assert "mask_sample" not in right
    assert shaped["veritune"]["components"]["shape"]["value"] == 1.0  # reasoning that Gym parsed out is reasoning


GYM = {"rewards": {"accuracy": {}, "shape": {"use": "format", "params": {"style": "think"}}}}


def test_gym_masks_what_is_undecided() -> None:
    body = posted("/verify", gym(message(RIGHT), expected=""))[0].json()
    assert (body["reward"], body["mask_sample"], body["failure_kind"]) == (0.0, True, "veritune:invalid_gold")
    assert "gold" in body["failure_reason"]
    rows = [{"reward": 1.0}, {"reward": 0.0}, body]
    found = posted("/aggregate_metrics", {"verify_responses": rows})[0].json()
    assert found["key_metrics"] == {"mean/reward": 0.5}
    assert found["agent_metrics"]["masked"] == 1


def test_gym_reads_the_answer_behind_tools() -> None:
    call = {"type": "function_call", "name": "add", "arguments": "{}", "call_id": "c"}
    told = {"type": "function_call_output", "call_id": "c", "output": "\\boxed{4}"}
    answered, silent = posted("/verify", gym(message("?"), call, told, message(RIGHT)), gym(message("?"), call, told))
    assert (answered.json()["reward"], silent.json()["reward"]) == (1.0, 0.0)
    assert posted("/seed_session", gym())[0].json() == {}


def test_trl_gets_a_list_with_null_for_undecided() -> None:
    body = {"completions": [RIGHT, WRONG, RIGHT], "prompts": ["a", "a", "b"], "gold": ["4", "4", ""], "level": 3}
    found = posted("/trl", body)[0].json()
    assert (found["rewards"], found["causes"]) == ([1.0, 0.0, None], [None, None, "invalid_gold"])


DEEP: Any = []
for _ in range(100):
    DEEP = [DEEP]
NESTED = {
    "/openrlhf": {"query": ["a"], "prompts": [""], "labels": [DEEP]},
    "/slime": {"response": "a", "label": DEEP},
    "/verify": {"response": {"output": []}, "x": DEEP},
    "/trl": {"completions": ["a"], "gold": DEEP},
    "/verl": {"solution_str": "a", "extra_info": {"x": DEEP}},
}


@pytest.mark.parametrize("path", NESTED)
def test_hostile_bodies_are_refused_there_too(path: str) -> None:
    odd: list[Any] = [
        [], 4, "x", True, {"response": 4}, {"response": {"output": [4]}}, {"solution_str": [], "extra_info": []},
        {"completions": "a"}, {"completions": [1]}, {"query": [1], "prompts": [2]}, {"query": ["a"], "prompts": []},
    ]  # fmt: skip
    answers = posted(path, NESTED[path], *odd, undecided=0.0)
    assert {answer.status_code for answer in answers[:5]} == {422}
    assert {answer.status_code for answer in answers} <= {200, 422}
