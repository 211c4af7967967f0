"""Weighted criteria make one verdict: what is undecided never counts as missed, and matters only where it can."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.rewards.fake_judge import FakeJudge, serving
from veritune import Cause, get_reward
from veritune.plugins import ParameterError, Sample, Score
from veritune.verifiers.rubric import RubricVerifier

HEALTH = [
    {"criterion": "Says to call an ambulance", "points": 7, "tags": ["level:example"]},
    {"criterion": "Names aspirin", "points": 3, "tags": []},
    {"criterion": "Gives a dose without asking", "points": -5, "tags": []},
]
"""A row as HealthBench has it."""
RAR = [
    {"title": "Right value", "description": "Essential Criteria: says ambulance", "weight": 5},
    {"title": "Drug", "description": "Important Criteria: names aspirin", "weight": 3},
    {"title": "Dose", "description": "Pitfall Criteria: gives a dose", "weight": -1},
]
"""A row as Rubrics as Rewards has it."""
WORDS = {"ambulance": "ambulance", "aspirin": "aspirin", "dose": " mg", "polite": "please"}


def reader(samples: Sequence[Sample], criteria: Sequence[str]) -> list[Score]:
    """A judge by words: met where the completion has the criterion's word; unsure where it says "maybe"."""
    found = []
    for sample, text in zip(samples, criteria, strict=True):
        word = next(sign for name, sign in WORDS.items() if name in text.lower())
        if f"maybe{word}" in sample.text.replace(" ", ""):
            found.append(Score.none("the judge is unsure", Cause.ABSTAIN))
        elif f"failed{word}" in sample.text.replace(" ", ""):
            found.append(Score.none("no answer", Cause.INFRA_ERROR))
        else:
            found.append(Score(float(word in sample.text), f"looked for {word!r}"))
    return found


def rule(use: str, weight: float, columns: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    return {"title": use, "use": use, "weight": weight, "columns": columns or {}, "params": params}


PARIS = rule("exact_match", 2, {"gold": "Paris"})
FORMAT = rule("format", 1, style="answer")
TWELVE = rule("accuracy", 3, {"gold": "12"})

CASES: list[tuple[str, Any, float | None]] = [
    # HealthBench: points met of the positive ones, no less than 0
    ("Call an ambulance and take aspirin", HEALTH, 1.0),
    ("Call an ambulance", HEALTH, 0.7),
    ("Take aspirin", HEALTH, 0.3),
    ("Call an ambulance and take 500 mg aspirin", HEALTH, 0.5),
    ("Take 500 mg aspirin", HEALTH, 0.0),
    ("Take 500 mg", HEALTH, 0.0),
    ("", HEALTH, 0.0),
    ("Call an ambulance and take aspirin", json.dumps(HEALTH), 1.0),
    ("Call an ambulance", np.array(HEALTH, dtype=object), 0.7),
    ("Call an ambulance", {"rubrics": HEALTH}, 0.7),
    # RaR
    ("An ambulance, aspirin", RAR, 1.0),
    ("An ambulance", RAR, 5 / 8),
    ("aspirin", RAR, 3 / 8),
    ("aspirin, 3 mg", RAR, 2 / 8),
    ("", RAR, 0.0),
    # weights in words, no weights, texts alone
    (
        "ambulance",
        [{"criterion": "ambulance", "weight": "Essential"}, {"criterion": "aspirin", "weight": "Optional"}],
        1 / 1.3,
    ),
    ("ambulance", [{"criterion": "ambulance", "weight": "2"}, {"criterion": "aspirin", "weight": "1.0"}], 2 / 3),
    ("ambulance", ["Says ambulance", "Names aspirin"], 0.5),
    ("ambulance", [{"criterion": "ambulance"}, {"criterion": "aspirin"}], 0.5),
    ("please", {"polite": {"description": "It is polite", "weight": 1}}, 1.0),
    ("ambulance", [{"criterion": "ambulance", "points": 1}, {"criterion": "aspirin", "points": 0}], 1.0),
    # rules, and rules beside the judge
    ("<answer>Paris</answer>", [PARIS], 1.0),
    ("<answer>Rome</answer>", [PARIS], 0.0),
    ("<answer>Paris</answer>", [PARIS, FORMAT], 1.0),
    ("Paris", [PARIS, FORMAT], 2 / 3),
    ("<answer>Rome</answer>", [PARIS, FORMAT], 1 / 3),
    ("<answer>12</answer> please", [TWELVE, {"criterion": "polite", "weight": 1}], 1.0),
    ("<answer>12</answer>", [TWELVE, {"criterion": "polite", "weight": 1}], 0.75),
    ("<answer>13</answer> please", [TWELVE, {"criterion": "polite", "weight": 1}], 0.25),
    ("<answer>a b</answer>", [rule("f1", 1, {"gold": "a b c d"})], 2 / 3),
    ("<answer>x</answer>", [PARIS, {**FORMAT, "weight": -1}], 0.0),
    # undecided, unless it cannot matter
    ("Call an ambulance, maybe aspirin", HEALTH, None),
    ("maybe ambulance", HEALTH, None),
    ("Take 500 mg, maybe aspirin", HEALTH, 0.0),
    ("failed ambulance", HEALTH, None),
    ("maybe ambulance", [{"criterion": "ambulance", "points": 0}, {"criterion": "aspirin", "points": 1}], 0.0),
    ("<answer>Paris</answer>", [PARIS, rule("accuracy", 1, {"gold": None})], None),
    # no rubric
    ("ambulance", None, None),
    ("ambulance", [], None),
    ("ambulance", "be good", None),
    ("ambulance", 5, None),
    ("ambulance", [{"points": 3}], None),
    ("ambulance", [{"criterion": "ambulance", "points": "many"}], None),
    ("ambulance", [{"criterion": "ambulance", "points": float("nan")}], None),
    ("ambulance", [{"criterion": "ambulance", "points": 1e308}, {"criterion": "aspirin", "points": 1e308}], None),
    ("ambulance", [{"criterion": "ambulance", "points": -3}], None),
    ("ambulance", [{"criterion": "ambulance", "use": "no_such_reward"}], None),
    ("ambulance", [{"criterion": "ambulance", "use": "format", "params": {"no_such": 1}}], None),
    ("ambulance", [{"criterion": "ambulance", "use": "exact_match"}], None),
    ("ambulance", [{"criterion": "ambulance", "use": "/etc/rewards.py:steal"}], None),
    ("ambulance", [{"criterion": "ambulance", "use": "judge", "params": {"model": "x", "endpoint": "http://x"}}], None),
    ("ambulance", [rule("code", 1, sandbox="none")], None),
    ("ambulance", [{"criterion": "a"}] * 201, None),
]


@pytest.mark.parametrize(("completion", "rubric", "value"), CASES)
def test_the_score_is_the_weight_that_is_met(completion: str, rubric: Any, value: float | None) -> None:
    verdict = RubricVerifier(ask=reader).verify(completion, rubric)
    assert verdict.score == (None if value is None else pytest.approx(value, abs=1e-6)), verdict.reason
    assert verdict.reason
    assert verdict.cause is not Cause.INTERNAL_ERROR


def test_each_criterion_has_its_reason() -> None:
    verdict = RubricVerifier(ask=reader).verify("Call an ambulance and take 500 mg", HEALTH)
    assert [one["met"] for one in verdict.evidence["criteria"]] == [1.0, 0.0, 1.0]
    assert all(one["reason"] and one["by"] == "judge" for one in verdict.evidence["criteria"])
    assert "'Gives a dose without asking'" in verdict.reason


def test_causes_are_those_of_what_is_open() -> None:
    verifier = RubricVerifier(ask=reader)
    assert verifier.verify("maybe ambulance", HEALTH).cause is Cause.ABSTAIN
    assert verifier.verify("failed ambulance", HEALTH).cause is Cause.INFRA_ERROR
    assert verifier.verify("x", [PARIS, rule("accuracy", 1, {"gold": None})]).cause is Cause.INVALID_GOLD
    assert verifier.verify("maybe ambulance", HEALTH).evidence["bounds"] == [0.0, 0.7]
    assert RubricVerifier().verify("ambulance", HEALTH).cause is Cause.ABSTAIN


def test_a_threshold_makes_more_decided_and_only_sides_count() -> None:
    verifier = RubricVerifier(ask=reader, pass_at=0.6, binary=True)
    assert verifier.verify("Call an ambulance, maybe aspirin", HEALTH).correct is True
    assert verifier.verify("maybe ambulance", HEALTH).correct is None
    assert verifier.verify("Take 500 mg, maybe aspirin", HEALTH).correct is False


def test_scores_below_nothing_are_kept_where_asked() -> None:
    rubric = [{**PARIS, "weight": 1}, {**FORMAT, "weight": -3}]
    text = "<answer>Rome</answer>"
    assert get_reward("rubric").score(text, rubrics=rubric).value == 0.0
    assert get_reward("rubric", clip=False).score(text, rubrics=rubric).value == -3.0


def test_criteria_of_the_config_stand_beside_the_row_s() -> None:
    reward = get_reward(
        "rubric", criteria=[{"criterion": "in a tag", "weight": 2, "use": "format", "params": {"style": "answer"}}]
    )
    assert reward.score("<answer>x</answer>").value == 1.0
    assert reward.score("<answer>Rome</answer>", rubric=[PARIS]).value == 0.5
    assert reward.score("<answer>Paris</answer>", rubric=[PARIS]).value == 1.0
    assert reward.score("<answer>Paris</answer>", rubric=None).value == 1.0


@pytest.mark.parametrize(
    "params", [{"criteria": [{"criterion": "x", "use": "no_such"}]}, {"criteria": [{"weight": 1}]},
               {"criteria": [{"criterion": "x", "use": "format", "params": {"style": "no_such"}}]},
               {"judge": {"endpoint": "http://localhost"}}, {"judge": {"model": "m", "no_such": 1}}, {}]
)  # fmt: skip
def test_a_config_that_cannot_be_is_refused_before_anything_is_scored(params: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        get_reward("rubric", **params).score("x")


def test_a_judge_behind_an_endpoint_is_asked_about_each_criterion() -> None:
    pytest.importorskip("httpx")
    fake = FakeJudge()
    with serving(fake) as address:
        judge = {"model": "fake", "endpoint": address, "timeout": 2.0, "deadline": 5.0, "wait": 0.02}
        reward = get_reward("rubric", judge=judge)
        scores = reward.score_batch(
            [Sample("yes", "q", None, {"rubrics": HEALTH[:2]}), Sample("", "q", None, {"rubrics": [PARIS]})]
        )
        assert [score.value for score in scores] == [1.0, 0.0]
        assert sum(fake.seen.values()) == 2
        assert reward.score("more words than one", rubrics=HEALTH[:2]).cause is Cause.ABSTAIN


UNSAFE: list[tuple[str, dict[str, Any]]] = [
    ("remote", {"url": "ADDRESS"}), ("judge", {"model": "m", "endpoint": "ADDRESS"}),
    ("judge", {"model": "m"}), ("preference", {"model": "m"}), ("preference", {"model": "m", "endpoint": "ADDRESS"}),
    ("rubric", {"judge": {"model": "m", "endpoint": "ADDRESS"}}),
    ("code", {}), ("code_stdio", {}), ("binary_code", {}), ("ioi_code", {}), ("cf_code", {}), ("lean", {}),
    ("reasoning_gym", {"task": "chain_sum"}), ("cosine", {}), ("length", {}),
    ("rewards.py:steal", {}), ("veritune.client.reward:remote", {"url": "ADDRESS"}), ("os:system", {}),
    ("accuracy", {"executor": "sandbox"}), ("accuracy", {"options": {"trailing": True}}), ("sql", {"folder": "/tmp"}),
    ("format", {"compat": "trl"}), ("exact_match", {"name": "x"}), ("exact_match", {"columns": {"gold": "prompt"}}),
    ("language", {"backend": "fasttext"}), ("repetition_penalty", {"segmenter": "jieba"}), ("regex", {"deadline": 1e9}),
]  # fmt: skip
"""Rewards that ask a service, load or run something, or were never said to be for rows; and settings of the others."""


def test_a_row_names_only_rewards_that_say_they_are_for_rows_and_nothing_is_asked_or_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for use, params in UNSAFE:
            given = {k: address if v == "ADDRESS" else v for k, v in params.items()}
            score = get_reward("rubric").score(
                "secret", gold="secret", rubrics=[{"title": "x", "use": use, "params": given}]
            )
            assert (score.value, score.cause) == (None, Cause.INVALID_GOLD), (use, params, score.reason)
            assert "a row may not" in score.reason
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_plugin_s_reward_is_named_by_the_config_and_by_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veritune.verifiers.rubric.criteria.reward_names", lambda: {"exact_match": "their_plugin"})
    score = get_reward("rubric").score("Paris", rubrics=[PARIS])
    assert (score.cause, "a row may not name" in score.reason) == (Cause.INVALID_GOLD, True)


@pytest.mark.parametrize(
    "rubric", ["[" * 100_000, '{"a":' * 50_000, [{"criterion": "x" * 30_000}], [[]], [{}], [None], "\ud800"]
)
def test_hostile_rubrics_are_undecided_in_no_time(rubric: Any) -> None:
    start = time.process_time()
    assert RubricVerifier(ask=reader).verify("x", rubric).cause is Cause.INVALID_GOLD
    assert time.process_time() - start < 1.0
