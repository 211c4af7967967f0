"""Second opinions on verdicts: whom they ask about, what they estimate, and that they change nothing; known errors."""

from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import Any

import pytest

from veritune.plugins import Cause, ColumnError, ConfigError, Sample, Score, Verdict
from veritune.rewards.appeal.estimate import Tally, rates, risen, tally
from veritune.rewards.appeal.sampling import draws, near_miss
from veritune.rewards.composition import RewardSet, compose

REWARDS = """
from veritune import Cause, Score, Verdict, reward

@reward
def noisy(completion: str, seen: bool) -> float:
    "What the verifier saw."
    return float(seen)

@reward
def truth(completion: str, true: bool) -> Score:
    "What is so; undecided for `unsure`."
    if completion == "unsure":
        return Score.none("no idea", Cause.ABSTAIN)
    return Score(float(true), "so it is")

@reward
def graded(completion: str) -> float:
    "Neither 0 nor 1."
    return 0.5
"""


@pytest.fixture
def noisy(tmp_path: Path) -> Any:
    """A set of one noisy verifier, with what is given beside it."""
    (tmp_path / "r.py").write_text(REWARDS)

    def make(use: str = "noisy", **settings: Any) -> RewardSet:
        if isinstance(appeal := settings.get("appeal"), dict) and appeal["to"] in ("truth", "noisy"):
            settings["appeal"] = {**appeal, "to": f"{tmp_path}/r.py:{appeal['to']}"}
        return compose({"rewards": {"noisy": {"use": f"{tmp_path}/r.py:{use}", **settings}}})

    return make


def samples(count: int, false_accept: float, false_reject: float, right: float = 0.4, seed: int = 0) -> list[Sample]:
    chance = random.Random(seed)
    found = []
    for i in range(count):
        true = chance.random() < right
        seen = chance.random() >= false_reject if true else chance.random() < false_accept
        found.append(Sample(f"completion {seed} {i}", "p", columns={"true": true, "seen": seen}))
    return found


def test_rates_come_out_of_a_sampled_share_and_hold_the_truth(noisy: Any) -> None:
    rewards = noisy(appeal={"to": "truth", "rate": 0.25, "near": 0.25})
    held = [0, 0]
    for seed in range(12):
        scores = rewards.score_batch(samples(800, 0.06, 0.25, seed=seed), step=seed)
        counted = tally(score.parts["noisy"] for score in scores)
        assert counted is not None
        assert counted.accepted + counted.rejected == 800
        assert 150 < counted.asked < 250
        found = rates(counted)
        for i, (rate, true) in enumerate(((found.false_accept, 0.06), (found.false_reject, 0.25))):
            held[i] += rate.low <= true <= rate.high
            assert rate.value == pytest.approx(true, abs=0.15)
    assert min(held) >= 10, f"95 % intervals hold the truth in {held} of 12"


def test_near_misses_are_asked_about_more_and_weigh_less() -> None:
    even, near = Tally(), Tally()
    for i in range(1000):  # a tenth of the rejected are near misses, and they alone are right
        for found in (even, near):
            found.decided(accepted=False)
        special = i % 10 == 0
        if i % 100 in (0, 1, 2, 3):
            even.opinion(False, special, 0.04)
        if special or i % 100 == 1:
            near.opinion(False, special, 1.0 if special else 1 / 90)
    assert rates(even).right_among_rejected.value == pytest.approx(0.25)
    assert rates(near).right_among_rejected.value == pytest.approx(0.1), "weighted back"


@pytest.mark.parametrize(
    ("correct", "extracted", "expected", "text", "near"),
    [
        (True, "42", "42", r"\boxed{42}", False),
        (True, r"\frac{84}{2}", "42", r"\boxed{\frac{84}{2}}", True),
        (False, "7", "42", r"\boxed{7}", False),
        (False, "420", "42", r"\boxed{420}", True),
        (False, "7", "42", r"It is 42, or \boxed{7}", True),
        (False, None, "42", "no idea", False),
    ],
)
def test_what_a_near_miss_is(correct: bool, extracted: str | None, expected: str, text: str, near: bool) -> None:
    verdict = Verdict(correct, extracted=extracted, expected=expected)
    assert near_miss(Sample(text, columns={"gold": expected}), Score.of(verdict)) is near


def test_a_second_opinion_changes_no_reward_and_is_the_same_in_any_process(noisy: Any) -> None:
    plain, asked = noisy(), noisy(appeal={"to": "truth", "rate": 0.3})
    batch = samples(200, 0.1, 0.1)
    first = asked.score_batch(batch, step=1)
    assert [s.value for s in first] == [s.value for s in plain.score_batch(batch)]
    again = pickle.loads(pickle.dumps(asked))
    assert again.score_batch(batch, step=1) == first
    halves = [score for part in (batch[:70], batch[70:]) for score in again.score_batch(part, step=1)]
    assert halves == first, "also in other batches"
    assert asked.score_batch(batch, step=2) != first


def test_the_same_completion_twice_is_drawn_twice() -> None:
    numbers = draws(0, "accuracy", 1, [Sample("x", "p")] * 1000)
    assert len(set(numbers)) == 1000
    assert sum(u < 0.2 for u in numbers) == pytest.approx(200, abs=45)


def test_an_undecided_opinion_is_counted_and_no_verdict(noisy: Any) -> None:
    rewards = noisy(appeal={"to": "truth", "rate": 1.0})
    unsure = [Sample("unsure", "p", columns={"true": True, "seen": True})] * 3
    counted = tally(s.parts["noisy"] for s in rewards.score_batch(unsure))
    assert counted is not None
    assert (counted.asked, counted.open, counted.accepted_right) == (3, 3, 0)
    assert rates(counted).false_accept.value is None


def test_a_person_is_waited_for(noisy: Any) -> None:
    found = noisy(appeal={"to": "person", "rate": 1.0}).score_batch(samples(5, 0, 0))
    assert {score.parts["noisy"].parts["appeal"].cause for score in found} == {Cause.ABSTAIN}


def test_a_closed_gate_is_no_verdict(noisy: Any, tmp_path: Path) -> None:
    rewards = compose(
        {
            "rewards": {
                "shut": {"use": f"{tmp_path}/r.py:noisy", "weight": 1},
                "noisy": {
                    "use": f"{tmp_path}/r.py:noisy",
                    "gate": "shut",
                    "appeal": {"to": f"{tmp_path}/r.py:truth", "rate": 1.0},
                    "noise": {"correct": "backward", "false_reject": 0.2},
                },
            }
        }
    )
    found = rewards.score_batch([Sample("x", "p", columns={"true": False, "seen": False})])[0]
    assert tally([found.parts["noisy"]]) is None
    assert found.value == 0, "and nothing is corrected"


@pytest.mark.parametrize("method", ["backward", "forward"])
def test_a_corrected_reward_is_right_on_average(noisy: Any, method: str) -> None:
    noise = {"correct": method, "false_accept": 0.1, "false_reject": 0.3}
    rewards = noisy(noise=noise)
    sums: dict[bool, list[float]] = {True: [], False: []}
    batch = samples(3_000, 0.1, 0.3, right=0.5)
    for sample, found in zip(batch, rewards.score_batch(batch), strict=True):
        sums[sample.columns["true"]].append(found.value)
    means = {true: sum(values) / len(values) for true, values in sums.items()}
    expected = {True: 1.0, False: 0.0} if method == "backward" else {True: 0.0, False: -0.6}
    assert means == pytest.approx(expected, abs=0.08)
    score = rewards.score_batch([Sample("x", "p", columns={"true": True, "seen": True})])[0]
    assert score.parts["noisy"].value == 1.0, "the component is logged as it is"
    assert score.value == pytest.approx(1.5 if method == "backward" else 0.3)
    evaluated = rewards.score_batch([Sample("x", "p", columns={"true": True, "seen": True})], evaluation=True)[0]
    assert evaluated.value == 1.0, "an evaluation is not corrected"


def test_a_correction_is_for_rewards_of_0_and_1(noisy: Any) -> None:
    with pytest.raises(ConfigError, match=r"noise: for rewards of 0 and 1, and this one gave 0\.5"):
        noisy("graded", noise={"correct": "forward", "false_reject": 0.1}).score_batch([Sample("x")])


def test_what_is_wrong_in_a_config_is_found_before_anything_runs(noisy: Any) -> None:
    with pytest.raises(ConfigError, match=r"rewards\.noisy\.appeal: unknown reward 'acuracy'. Did you mean 'accuracy'"):
        noisy(appeal={"to": "acuracy"})
    with pytest.raises(ConfigError, match=r"appeal\.rate"):
        noisy(appeal={"to": "accuracy", "rate": 0})
    with pytest.raises(ConfigError, match="nothing to correct"):
        noisy(noise={"correct": "forward"})
    with pytest.raises(ColumnError, match=r"rewards\.noisy\.appeal"):
        noisy(appeal={"to": "truth"}).check_columns(["seen"])


def test_noise_alone_is_no_rise() -> None:
    chance = random.Random(1)
    said = 0
    for _ in range(20):
        tallies = []
        for _ in range(20):
            one = Tally()
            for _ in range(20):
                accepted = chance.random() < 0.5
                one.decided(accepted)
                one.opinion(accepted, accepted != (chance.random() < 0.1), 0.2)
            tallies.append(one)
        said += bool(risen(tallies))
    assert said <= 1


def test_score_shows_the_error_rates_of_a_file(noisy: Any, tmp_path: Path) -> None:
    import json

    from typer.testing import CliRunner

    from veritune.cli.app import app

    noisy()
    config, rows = tmp_path / "c.yaml", tmp_path / "rows.jsonl"
    config.write_text(
        f"rewards: {{n: {{use: '{tmp_path}/r.py:noisy', appeal: {{to: '{tmp_path}/r.py:truth', rate: 1}}}}}}"
    )
    given = samples(300, 0.1, 0.2)
    rows.write_text("".join(json.dumps({"text": s.text, **s.columns}) + "\n" for s in given))
    done = CliRunner().invoke(app, ["score", str(rows), "--config", str(config), "--json"])
    found = json.loads(done.stdout)["rewards"]["n"]["errors"]
    wrong = [s for s in given if not s.columns["true"]]
    assert found["false_accept"]["value"] == pytest.approx(sum(s.columns["seen"] for s in wrong) / len(wrong))
    assert "second opinions" in CliRunner().invoke(app, ["score", str(rows), "--config", str(config)]).stdout


def test_a_judge_behind_http_is_a_second_opinion(tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    from tests.rewards.fake_judge import FakeJudge, serving

    fake = FakeJudge()
    with serving(fake) as url:
        params = {"endpoint": url, "model": "fake", "timeout": 5.0, "deadline": 10.0}
        appeal = {"to": "judge", "params": params, "rate": 1.0}
        rewards = compose({"rewards": {"exact_answer": {"appeal": appeal}}})
        given = [Sample(f"Answer: {text}", "2+2?", columns={"gold": "4"}) for text in ("4", "5", "4")]
        scores = rewards.score_batch(given)
    opinions = [score.parts["exact_answer"].parts["appeal"] for score in scores]
    assert [opinion.value for opinion in opinions] == [1.0, 0.0, 1.0]
    assert "by rule" in opinions[0].reason
    counted = tally(score.parts["exact_answer"] for score in scores)
    assert counted is not None
    assert rates(counted).right_among_rejected.value == pytest.approx(2 / 3), "this reward reads only answer tags"


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_of_the_page_compose(number: int) -> None:
    import re

    import yaml

    page = Path(__file__).resolve().parents[2] / "docs" / "appeal.md"
    example = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[number]
    rewards = compose(yaml.safe_load(example))
    assert compose(rewards.spec()).spec() == rewards.spec()


def test_a_trainer_s_log_functions_get_the_sums(noisy: Any) -> None:
    logged: dict[str, float] = {}
    rewards = noisy(appeal={"to": "truth", "rate": 1.0})
    given = {"completions": ["a", "b"], "seen": [True, False], "true": [False, False]}
    rewards(**given, log_metric=logged.__setitem__, log_extra=lambda column, values: None)
    assert logged["appeal/noisy/accepted_wrong"] == 1.0
    assert logged["appeal/noisy/rejected_wrong"] == 1.0
