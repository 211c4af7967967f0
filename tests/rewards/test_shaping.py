"""``accuracy``, ``cosine``, ``length``, ``soft_overlong_punishment``: from a verdict and a length to a number."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import pytest

from veritune.plugins import Cause, ColumnError, ConfigError, ParameterError, Sample, Verdict, get_reward
from veritune.rewards import correctness


class BoxVerifier:
    """Compares the last box with the gold as strings, and cannot read ``?``."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    def verify(self, completion: str, gold: Any) -> Verdict:
        boxes = re.findall(r"\\boxed\{(.*?)\}", completion)
        if gold == "?":
            return Verdict.undecided(Cause.INVALID_GOLD, "the gold cannot be read")
        if "HANG" in completion:
            return Verdict.undecided(Cause.TIMEOUT, "starved")
        right = bool(boxes) and boxes[-1] == str(gold)
        return Verdict(right, reason="the box is the gold" if right else "it is not")

    def verify_batch(self, pairs: Sequence[tuple[str, Any]], prompts: Sequence[str] = ()) -> list[Verdict]:
        return [self.verify(completion, gold) for completion, gold in pairs]


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correctness, "math_verifier", BoxVerifier)


RIGHT, WRONG = r"\boxed{4}", r"\boxed{5}"


@pytest.mark.usefixtures("boxes")
def test_accuracy_turns_verdicts_into_right_wrong_and_none() -> None:
    texts, golds = [RIGHT, WRONG, RIGHT, RIGHT, "HANG"], ["4", "4", "?", None, "4"]
    samples = [Sample(text, columns={"answer": gold}) for text, gold in zip(texts, golds, strict=True)]
    scores = get_reward("accuracy", right=2, wrong=-1).score_batch(samples)
    assert [score.value for score in scores] == [2.0, -1.0, None, None, None]
    assert [score.cause for score in scores[2:]] == [Cause.INVALID_GOLD, Cause.INVALID_GOLD, Cause.TIMEOUT]
    assert all(score.reason for score in scores)


def test_accuracy_hands_its_options_to_the_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def verifier(**options: Any) -> BoxVerifier:
        seen.append(options)
        return BoxVerifier()

    monkeypatch.setattr(correctness, "math_verifier", verifier)
    get_reward("accuracy", gold_format="solution", options={"boxes": "first"}).score(RIGHT, gold="4")
    get_reward("cosine").score(RIGHT, gold="4")
    get_reward("accuracy", deadline=3).score(RIGHT, gold="4")
    scored = [options for options in seen if "gold_format" in options]  # the others only check the options
    assert scored == [
        {"gold_format": "solution", "deadline": 1.0, "boxes": "first"},
        {"gold_format": "answer", "deadline": 1.0},
        {"gold_format": "answer", "deadline": 3.0},
    ]


def test_an_option_that_the_verifier_does_not_have_is_refused_by_name() -> None:
    tags = [["<think>", "</think>"]]  # lists, as YAML has them
    assert get_reward("accuracy", options={"reasoning_tags": tags}).score(RIGHT, gold="4").value == 1.0
    with pytest.raises(ParameterError, match="boxes"):
        get_reward("accuracy", options={"box": "last"}).score(RIGHT, gold="4")


@pytest.mark.usefixtures("boxes")
def test_reasoning_accuracy_reads_only_what_follows_the_reasoning() -> None:
    reward = get_reward("reasoning_accuracy", wrong=-1.0)
    assert reward.score(f"<think>{WRONG}</think>{RIGHT}", gold="4").value == 1.0
    assert reward.score(f"<think>{RIGHT}</think>{WRONG}", gold="4").value == -1.0
    assert reward.score(RIGHT, gold="4").value == -1.0
    assert "does not end" in reward.score(RIGHT, gold="4").reason
    assert reward.score(RIGHT, gold=None).cause is Cause.INVALID_GOLD
    custom = get_reward("reasoning_accuracy", reasoning_delimiters=["</a>", "</b>"])
    assert custom.score(f"{RIGHT}</a>{WRONG}</b>{RIGHT}", gold="4").value == 1.0


@pytest.mark.usefixtures("boxes")
@pytest.mark.parametrize(
    ("size", "right", "wrong"),
    [(0, 1.0, -1.0), (50, 0.75, -0.75), (100, 0.5, -0.5), (200, 0.5, -0.5), (10**6, 0.5, -0.5)],
)
def test_cosine_runs_from_the_short_end_to_the_long_end_and_stays_there(size: int, right: float, wrong: float) -> None:
    reward = get_reward("cosine", max_len=100, unit="tokens")
    given = reward(completions=[RIGHT, WRONG], gold=["4", "4"], completion_ids=[[0] * size] * 2)
    assert given == pytest.approx([right, wrong])


@pytest.mark.usefixtures("boxes")
def test_cosine_says_its_unit_and_counts_it() -> None:
    text = RIGHT + "x" * 91
    assert "100 of 200 characters" in get_reward("cosine", max_len=200).score(text, gold="4").reason
    assert get_reward("cosine", max_len=200).score(text, gold="4").value == pytest.approx(0.75)
    with pytest.raises(ColumnError, match="unit: characters"):
        get_reward("cosine", unit="tokens").score(RIGHT, gold="4")


@pytest.mark.usefixtures("boxes")
@pytest.mark.parametrize("side", ["wrong", "correct"])
def test_cosine_refuses_bounds_that_turn_the_shaping_round(side: str) -> None:
    bounds: dict[str, Any] = {f"min_value_{side}": 0.9, f"max_value_{side}": 0.1}
    with pytest.raises(ParameterError, match="turned round"):
        get_reward("cosine", **bounds).score(RIGHT, gold="4")


def grouped(*groups: Sequence[str], gold: Any = "4") -> list[Sample]:
    return [Sample(text, f"prompt {i}", columns={"gold": gold}) for i, texts in enumerate(groups) for text in texts]


@pytest.mark.usefixtures("boxes")
def test_length_compares_within_the_prompt_group() -> None:
    one, two = [RIGHT, RIGHT + "x" * 10, WRONG + "x" * 5, WRONG + "x" * 10], [RIGHT + "y" * 1000, RIGHT + "y" * 2000]
    values = [score.value for score in get_reward("length").score_batch(grouped(one, two))]
    assert values == [0.5, -0.5, 0.0, -0.5, 0.5, -0.5]
    assert values[:4] == [score.value for score in get_reward("length").score_batch(grouped(one))]


@pytest.mark.usefixtures("boxes")
def test_length_of_a_group_that_compares_nothing() -> None:
    alone = get_reward("length").score(RIGHT, "a prompt", gold="4")
    assert (alone.value, alone.cause) == (None, Cause.NOT_APPLICABLE)
    equal = get_reward("length").score_batch(grouped([RIGHT, WRONG]))
    assert [score.value for score in equal] == [0.0, 0.0]


@pytest.mark.usefixtures("boxes")
def test_length_leaves_undecided_samples_out_of_the_comparison() -> None:
    scores = get_reward("length").score_batch(grouped([RIGHT, RIGHT + "x" * 10, "HANG" + "x" * 1000]))
    assert [score.value for score in scores] == [0.5, -0.5, None]
    assert scores[2].cause is Cause.TIMEOUT


@pytest.mark.usefixtures("boxes")
def test_length_needs_prompts_or_the_word_that_the_call_is_the_group() -> None:
    call: dict[str, Any] = {"completions": [RIGHT, RIGHT + "x" * 10], "gold": ["4", "4"]}
    with pytest.raises(ConfigError, match="group: call"):
        get_reward("length")(**call)
    assert get_reward("length", group="call")(**call) == [0.5, -0.5]
    chats = [[{"role": "user", "content": "2+2?"}], [{"role": "user", "content": "2+2?"}]]
    assert get_reward("length")(prompts=chats, **call) == [0.5, -0.5]
    tokens = get_reward("length", unit="tokens")
    assert tokens(prompts=chats, completion_ids=[[1] * 9, [1]], **call) == [-0.5, 0.5]


@pytest.mark.usefixtures("boxes")
def test_length_refuses_a_group_that_was_cut_where_its_size_is_said() -> None:
    reward = get_reward("length", group_size=2)
    short, long = RIGHT, RIGHT + "x" * 10
    with pytest.raises(ConfigError, match="cut"):
        reward.score_batch(grouped([short, long, short]))
    twice = reward.score_batch(grouped([short, long, long, long + "x"]))
    assert [score.value for score in twice] == [0.5, -0.5, 0.5, -0.5], "the same prompt drawn twice in a row"


@pytest.mark.usefixtures("boxes")
def test_length_tells_a_composition_that_it_needs_whole_groups() -> None:
    for compat in (None, "open-r1"):
        assert getattr(get_reward("length", compat=compat).function, "needs_groups", None) is True


@pytest.mark.parametrize(
    ("size", "value"), [(0, 0.0), (80, 0.0), (81, -0.05), (90, -0.5), (100, -1.0), (101, -1.0), (10**5, -1.0)]
)
def test_overlong_falls_linearly_in_the_last_stretch(size: int, value: float) -> None:
    limits: dict[str, Any] = {"max_completion_len": 100, "soft_punish_cache": 20}
    tokens = get_reward("soft_overlong_punishment", **limits).score("", completion_ids=[1] * size)
    characters = get_reward("soft_overlong_punishment", unit="characters", **limits).score("x" * size)
    assert tokens.value == characters.value == pytest.approx(value)
    assert tokens.value is not None
    assert math.copysign(1, tokens.value) == (1 if value == 0 else -1)
    assert str(size) in tokens.reason


def test_overlong_refuses_limits_that_make_no_sense() -> None:
    with pytest.raises(ParameterError, match="cannot be longer"):
        get_reward("soft_overlong_punishment", max_completion_len=10, soft_punish_cache=20).score("", completion_ids=[])
    with pytest.raises(ColumnError, match="completion_ids"):
        get_reward("soft_overlong_punishment").score("text")
