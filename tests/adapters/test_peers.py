"""verl, OpenRLHF and verifiers call our rewards by their own conventions."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from veritune.adapters.openrlhf import reward_function
from veritune.adapters.texts import response, without_end
from veritune.adapters.undecided import UndecidedError
from veritune.adapters.verifiers import rubric_function, rubric_functions
from veritune.adapters.verifiers_tasks import task_reward
from veritune.adapters.verl import compute_score_function
from veritune.plugins import Cause, ConfigError, Reward, Score, reward


@reward
def matches(completion: str, gold: str) -> Score | float:
    """1 if the completion is the gold; undecided for the gold ``?``."""
    if gold == "?":
        return Score.none("unreadable gold", Cause.INVALID_GOLD)
    return float(completion == gold)


@reward
def brief(completion: str, *, limit: int = 3) -> float:
    return float(len(completion) <= limit)


CONFIG: dict[str, Any] = {"rewards": {"matches": {"use": matches}, "brief": {"use": brief, "weight": 0.5}}}


def test_verl_gets_the_score_and_every_component() -> None:
    compute_score = compute_score_function(CONFIG)
    result = compute_score(data_source="math", solution_str="12", ground_truth="12", extra_info={"index": 3})
    assert result == {"score": 1.5, "undecided": 0.0, "reward/matches": 1.0, "reward/brief": 1.0}


def test_verl_is_not_told_zero_for_an_undecided_sample() -> None:
    with pytest.raises(UndecidedError, match="invalid_gold"):
        compute_score_function(CONFIG)(solution_str="12", ground_truth="?")
    result = compute_score_function(CONFIG, undecided=-0.25)(solution_str="12", ground_truth="?")
    assert result["score"] == -0.25
    assert result["undecided"] == 1.0


def test_verl_routes_by_data_source() -> None:
    routed = {"rewards": {"matches": {"use": matches, "where": {"data_source": "math"}}, "brief": {"use": brief}}}
    compute_score = compute_score_function(routed)
    assert compute_score("code", "12", "12")["score"] == 1.0
    assert compute_score("math", "12", "12")["score"] == 2.0


def test_openrlhf_cuts_the_prompt_off_and_gets_tensors() -> None:
    torch = pytest.importorskip("torch")
    result = reward_function(CONFIG)(
        queries=["Q: 7+5?12", "Q: 1?12345"], prompts=["Q: 7+5?", "Q: 1?"], labels=["12", "1"]
    )
    assert torch.equal(result["rewards"], torch.tensor([1.5, 0.0]))
    assert torch.equal(result["extra_logs"]["matches"], torch.tensor([1.0, 0.0]))


def test_openrlhf_component_means_can_leave_out_undecided_samples() -> None:
    torch = pytest.importorskip("torch")
    logs = reward_function(CONFIG, undecided=0.0)(
        queries=["p1", "p1", "p2"], prompts=["p"] * 3, labels=["1", "?", "1"]
    )["extra_logs"]
    assert (logs["matches"].mean() / logs["matches/known"].mean()).item() == pytest.approx(0.5)
    assert torch.equal(logs["undecided"], torch.tensor([0.0, 1.0, 0.0]))


LONG = "Put your answer in \\boxed{5}.\n<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("query", "prompt", "expected"),
    [
        ("Q:rest", "Q:", "rest"),
        (f"{LONG}I do not know", LONG, "I do not know"),
        (f"{LONG[9:]}I do not know", LONG, "I do not know"),  # cut from the left
        (f"{LONG[-20:]}I do not know", LONG, "I do not know"),
        (f"<s> {LONG}I do not know", LONG, "I do not know"),  # a token before it
        (f"\ufffd{LONG[9:]}I do not know", LONG, "I do not know"),  # cut in the middle of a character
        (f"{LONG.replace('. ', '.')}I do not know", LONG, "I do not know"),  # white space that a tokenizer changed
        (f"{LONG}Again: {LONG}I do not know", LONG, f"Again: {LONG}I do not know"),
        ("I do not know", LONG, None),
        ("other text", "Q:", None),
        ("", LONG, None),
        ("text", "", "text"),
    ],
)
def test_the_response_is_never_the_prompt(query: str, prompt: str, expected: str | None) -> None:
    assert response(query, prompt) == expected


def test_cutting_is_linear_in_repetitive_texts() -> None:
    prompt = "ab" * 200_000
    assert response(prompt[3:] + "c", prompt) == "c"


ENDS = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|endoftext|>",
    "</s>",
    "<eos>",
    "<end_of_turn>",
    "<|im_end|>\n",
    "<turn|>",
    "[EOS]",
]
ENDS += ["<｜end▁of▁sentence｜>", "[|endofturn|]", "<|END_OF_TURN_TOKEN|>", "<seed:eos>", "<pad><pad>", "[PAD]"]


@pytest.mark.parametrize(
    "end",
    ENDS,
)
def test_what_ends_a_turn_is_no_part_of_it(end: str) -> None:
    assert without_end(f"<answer>4</answer>{end}") == "<answer>4</answer>"
    assert without_end(f"a {end} b") == f"a {end} b"


@pytest.mark.parametrize(
    "text", ["<answer>4</answer>", "x < y |> z", "a</think>", "[1, 2]", "", "if a<b>c", "<b>", "|>"]
)
def test_what_ends_no_turn_stays(text: str) -> None:
    assert without_end(text) == text


def test_verifiers_gets_a_float_and_leaves_the_reasons_in_the_state() -> None:
    functions, weights = rubric_functions(CONFIG)
    state: dict[str, Any] = {}
    chat = [{"role": "assistant", "content": "12"}]
    value = functions[0](prompt=[{"role": "user", "content": "7+5?"}], completion=chat, answer="12", state=state)
    assert (value, weights) == (1.5, [1.0])
    assert state["veritune"]["veritune"]["parts"]["matches"]["value"] == 1.0


@pytest.mark.parametrize("single", [matches, brief])
def test_a_single_reward_is_a_composition_too(single: Reward) -> None:
    assert compute_score_function(single)(solution_str="12", ground_truth="12")["score"] == 1.0


# -- laws of every adapter


def adapters() -> list[Any]:
    return [
        compute_score_function(["format"]),
        reward_function(["format"]),
        rubric_function(["format"]),
        task_reward("format"),
    ]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_adapters_pickle_into_processes(method: str) -> None:
    if method == "spawn":  # once is enough: what pickles for one process does for the other
        for adapter in adapters():
            assert pickle.loads(pickle.dumps(adapter)).rewards.spec() == adapter.rewards.spec()
        return
    with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
        assert pool.submit(adapters()[0], solution_str="x", ground_truth="4").result(timeout=60)["score"] == 0.0


GSM8K = {"split": "train", "index": 0, "answer": "4*9=<<4*9=36>>36.\n#### 30", "solution": "31", "gold": "32"}


def test_the_ground_truth_goes_before_every_extra_column() -> None:
    compute_score = compute_score_function(["accuracy"])
    assert compute_score("gsm8k", "#### 30", "30", GSM8K)["score"] == 1.0
    assert compute_score("gsm8k", r"\boxed{31}", "30", GSM8K)["score"] == 0.0
    with pytest.raises(UndecidedError, match="invalid_gold"):
        compute_score("gsm8k", r"\boxed{31}", None, GSM8K)
    functions, _ = rubric_functions(["accuracy"])
    chat = [{"role": "assistant", "content": r"\boxed{30}"}]
    assert functions[0](completion=chat, answer="30", info=GSM8K) == 1.0


@pytest.mark.parametrize(
    "truth",
    [
        {"target": 24, "numbers": [4, 6]},
        {"target": 24, "numbers": (4, 6)},
        '{"target": 24, "numbers": [4, 6]}',
        {"target": "24", "numbers": ["4", "6"]},
    ],
)
def test_a_gold_that_is_a_dictionary_is_read_by_path(truth: Any) -> None:
    config = {"countdown": {"columns": {"nums": "ground_truth.numbers", "target": "ground_truth.target"}}}
    compute_score = compute_score_function({"rewards": config})
    assert compute_score("countdown", "<answer>4*6</answer>", truth)["score"] == 1.0
    assert compute_score("countdown", "<answer>4+6</answer>", truth)["score"] == 0.0
    for broken in (None, {}, "", "{", {"target": 24}, [4, 6]):
        with pytest.raises(UndecidedError, match="invalid_gold"):
            compute_score("countdown", "<answer>4*6</answer>", broken)


def test_every_answer_has_the_same_keys() -> None:
    config = {"rewards": {"accuracy": {}, "format": {"weight": 0.2}}, "combine": "first_decided"}
    compute_score = compute_score_function(config, undecided=0.0)
    answers = [compute_score("math", r"\boxed{4}", gold) for gold in ("4", "", "5", None)]
    assert {tuple(answer) for answer in answers} == {("score", "undecided", "reward/accuracy", "reward/format")}
    assert [answer["reward/format"] for answer in answers] == [None, 0.0, None, 0.0]
    assert [answer["reward/accuracy"] for answer in answers] == [1.0, None, 0.0, None]


def test_what_a_framework_cannot_say_is_said_at_once() -> None:
    with pytest.raises(ConfigError, match="does not tell a reward which step"):
        compute_score_function({"rewards": {"format": {"until_step": 3}}})
    with pytest.warns(UserWarning, match="one sample at a time.*length"):
        reward_function(["accuracy", "length"])


def test_a_rubric_learns_that_a_sample_is_undecided() -> None:
    functions, _ = rubric_functions(CONFIG)
    state: dict[str, Any] = {}
    with pytest.raises(UndecidedError):
        functions[0](completion="12", answer="?", state=state)
    assert "invalid_gold" in str(state["error"])
    assert state["veritune"]["veritune"]["parts"]["matches"]["value"] is None
