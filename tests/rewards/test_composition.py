"""What a composed reward computes."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from tests.rewards import composition_rewards as small
from tests.rewards.composition_rewards import samples, use
from veritune.plugins import Cause, ColumnError, ConfigError, RewardError, Score
from veritune.rewards.composition import RewardSet, compose


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    small.calls.clear()


def values(rewards: RewardSet, *args: Any, **kwargs: Any) -> list[float | None]:
    return [score.value for score in rewards.score_batch(*args, **kwargs)]


def build(combine: str = "sum", undecided: str = "sample", /, **rewards: Any) -> RewardSet:
    components = {alias: {"use": use(alias), **settings} for alias, settings in rewards.items()}
    return compose({"rewards": components, "combine": combine, "undecided": undecided})


# -- how components become one number


def test_sum_is_the_weighted_sum() -> None:
    rewards = build(right={"weight": 1.0}, size={"weight": 0.5})
    assert values(rewards, samples("ab", "abc", gold="ab")) == [2.0, 1.5]


def test_product_and_min_take_weighted_values() -> None:
    settings: dict[str, Any] = {"right": {"weight": 2}, "size": {"weight": 0.5}}
    batch = samples("ab", "abc", gold="ab")
    assert values(build("product", **settings), batch) == [2.0, 0.0]
    assert values(build("min", **settings), batch) == [1.0, 0.0]


def test_first_decided_takes_the_first_with_a_number() -> None:
    rewards = build("first_decided", number={"weight": 3}, judge={})
    scores = rewards.score_batch(samples("2", "two"))
    assert [s.value for s in scores] == [6.0, 0.5]
    assert scores[1].reason == "decided by 0.5 judge"


def test_first_decided_never_calls_a_later_reward_for_decided_rows() -> None:
    rewards = build("first_decided", number={}, stuck={}, judge={})
    assert values(rewards, samples("1", "stuck", "2", "fine")) == [1.0, 0.5, 2.0, 1.0]
    assert small.calls == [("judge", ["stuck"])]


def test_first_decided_splits_groups_for_rewards_that_do_not_declare_to_need_them() -> None:
    batch = samples("1", "ab", prompt="p")
    build("first_decided", number={}, share={}).score_batch(batch)
    build("first_decided", number={}, share={"groups": True}).score_batch(batch)
    assert small.calls == [("share", ["ab"]), ("share", ["1", "ab"])]


def test_first_decided_is_undecided_only_when_nobody_decides() -> None:
    scores = build("first_decided", number={}, stuck={}).score_batch(samples("stuck", "3"))
    assert [(s.value, s.cause) for s in scores] == [(None, Cause.TIMEOUT), (3.0, None)]


def test_affine_comes_before_clip() -> None:
    rewards = build(size={"affine": {"scale": 2, "shift": -3}, "clip": [-0.5, 2]})
    assert values(rewards, samples("a", "ab", "abcd")) == [-0.5, 1.0, 2.0]
    assert values(build(size={"clip": [None, 2]}), samples("a", "abc")) == [1.0, 2.0]


def test_the_reason_tells_how_the_number_came_about() -> None:
    [score] = build(right={}, size={"weight": 0.5}).score_batch(samples("ab", gold="ab"))
    assert score.reason == "1 right + 0.5×2 size"
    assert {alias: part.value for alias, part in score.parts.items()} == {"right": 1.0, "size": 2.0}


# -- gates


def test_a_gated_component_counts_only_where_its_gate_is_positive() -> None:
    rewards = build(right={}, size={"weight": 0.1, "gate": "right"})
    scores = rewards.score_batch(samples("ab", "abc", gold="ab"))
    assert [s.value for s in scores] == [1.2, 0.0]
    assert scores[1].parts["size"] == Score(0.0, "gate 'right' is closed (0)")


def test_a_shadow_component_can_be_a_gate() -> None:
    rewards = build(right={"weight": 0}, size={"gate": "right"})
    assert values(rewards, samples("ab", "abc", gold="ab")) == [2.0, 0.0]


def test_a_gate_on_an_undecided_component_is_undecided() -> None:
    for policy, expected in (("sample", None), ("component", 2.0)):
        rewards = build("sum", policy, size={"weight": 0.4}, stuck={"weight": 0}, judge={"gate": "stuck"})
        [score] = rewards.score_batch(samples("stuck"))
        assert score.value == expected
        assert score.parts["judge"].cause is Cause.TIMEOUT


def test_a_gate_that_does_not_apply_makes_the_component_not_apply() -> None:
    rewards = build(size={}, number={"weight": 0}, judge={"gate": ["number"]})
    [score] = rewards.score_batch(samples("abc"))
    assert (score.value, score.parts["judge"].cause) == (3.0, Cause.NOT_APPLICABLE)


def test_nothing_behind_a_closed_gate_is_evaluated() -> None:
    build(right={}, judge={"gate": "right"}).score_batch(samples("a", "b", gold="a"))
    assert ("judge", ["a"]) in small.calls
    assert len([name for name, _ in small.calls if name == "right"]) == 2, "a gate is evaluated once"


def test_all_of_several_gates_must_open() -> None:
    rewards = build(right={"weight": 0}, number={"weight": 0}, judge={"gate": ["right", "number"]})
    assert values(rewards, samples("1", "0", "2", gold=["1", "0", "1"])) == [0.5, 0.0, 0.0]


# -- what has no number


def test_an_undecided_component_makes_the_sample_undecided_with_its_cause() -> None:
    rewards = build(size={}, stuck={"params": {"cause": "infra_error"}})
    scores = rewards.score_batch(samples("ab", "stuck"))
    assert [(s.value, s.cause) for s in scores] == [(3.0, None), (None, Cause.INFRA_ERROR)]
    assert scores[1].reason == "stuck is undecided (infra_error): the checker starved"
    assert scores[1].parts["size"].value == 5.0


def test_undecided_component_policy_leaves_it_out() -> None:
    scores = build("sum", "component", size={}, stuck={}).score_batch(samples("ab", "stuck"))
    assert [s.value for s in scores] == [3.0, 5.0]


def test_undecided_is_kept_where_nothing_else_is_left() -> None:
    [score] = build("sum", "component", number={}, stuck={}).score_batch(samples("stuck"))
    assert (score.value, score.cause) == (None, Cause.TIMEOUT)


@pytest.mark.parametrize("combine", ["sum", "product", "min", "first_decided"])
def test_no_component_applies_means_no_reward(combine: str) -> None:
    [score] = build(combine, number={}).score_batch(samples("word"))
    assert (score.value, score.cause, score.reason) == (None, Cause.NOT_APPLICABLE, "no component applies")


@pytest.mark.parametrize("settings", [{"weight": 0}, {"eval_only": True}])
def test_an_undecided_shadow_spoils_nothing(settings: dict[str, Any]) -> None:
    rewards = build(size={}, stuck=settings)
    scores = rewards.score_batch(samples("stuck"), evaluation=True)
    assert scores[0].value == 5.0
    assert scores[0].parts["stuck"].cause is Cause.TIMEOUT


def test_a_bug_in_a_component_stops_the_run_with_its_sample() -> None:
    with pytest.raises(RewardError, match="reward 'buggy': ZeroDivisionError") as caught:
        build(size={}, buggy={}).score_batch(samples("fine", "boom"))
    assert caught.value.sample is not None
    assert caught.value.sample.text == "boom"


# -- which rows


def test_where_routes_rows_by_column() -> None:
    rewards = build(right={"where": {"kind": "math"}}, size={"where": {"kind": ["chat", "code"]}})
    scores = rewards.score_batch(samples("ab", "ab", "ab", gold="ab", kind=["math", "chat", "poem"]))
    assert [s.value for s in scores] == [1.0, 2.0, None]
    assert scores[1].parts["right"].reason == "not for rows with kind='chat'"


def test_where_matches_any_entry_of_a_list_column() -> None:
    rewards = build(size={"where": {"checks": "len"}})
    assert values(rewards, samples("ab", "ab", checks=[["len", "lang"], ["lang"]])) == [2.0, None]


def test_a_group_reward_sees_whole_groups_whatever_is_routed_or_gated() -> None:
    batch = samples("a", "abcd", "ab", "abc", prompt=["p", "p", "q", "q"], gold=["a", "a", "-", "-"])
    rewards = build(right={"weight": 0}, share={"gate": "right"})
    assert values(rewards, batch) == [0.25, 0.0, 0.0, 0.0]
    assert [seen for name, seen in small.calls if name == "share"] == [["a", "abcd"]]


def test_groups_false_lets_a_batch_reward_see_only_its_rows() -> None:
    batch = samples("a", "abcd", gold="a")
    assert values(build(right={"weight": 0}, share={"gate": "right", "groups": False}), batch) == [1.0, 0.0]


# -- when


def test_a_component_counts_from_its_step_until_its_step() -> None:
    rewards = build(size={}, judge={"from_step": 2, "until_step": 4})
    assert [values(rewards, samples("a"), step=step)[0] for step in range(5)] == [1.0, 1.0, 1.5, 1.5, 1.0]
    assert "judge" not in rewards.score_batch(samples("a"), step=0)[0].parts


def test_a_weight_schedule_is_linear_between_its_steps_and_constant_outside() -> None:
    rewards = build(judge={"weight": {10: 1.0, 20: 2.0, 22: 0.0}})
    by_step = {step: rewards.weights(step)["judge"] for step in (0, 10, 15, 20, 21, 22, 99)}
    assert by_step == {0: 1.0, 10: 1.0, 15: 1.5, 20: 2.0, 21: 1.0, 22: 0.0, 99: 0.0}


def test_a_component_before_its_step_still_gates() -> None:
    rewards = build(right={"from_step": 5}, size={"gate": "right"})
    assert values(rewards, samples("ab", "b", gold="ab"), step=0) == [2.0, 0.0]


def test_a_schedule_without_a_known_step_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"changes with the step \(size\)"):
        build(size={"from_step": 5}, judge={})(completions=["a"])


def test_eval_only_components_run_at_evaluation_and_never_count() -> None:
    rewards = build(size={}, judge={"eval_only": True})
    assert "judge" not in rewards.score_batch(samples("a"))[0].parts
    [score] = rewards.score_batch(samples("a"), evaluation=True)
    assert (score.value, score.parts["judge"].value) == (1.0, 0.5)


# -- as one reward function


class State:
    global_step = 7


def test_called_as_trl_calls_it_takes_the_step_and_logs_components() -> None:
    metrics: dict[str, float] = {}
    extra: dict[str, list[Any]] = {}
    rewards = build(size={"weight": {0: 0.0, 14: 1.0}}, stuck={"weight": 0}, judge={"from_step": 8})
    result = rewards(
        prompts=["p", "p"],
        completions=[[{"role": "assistant", "content": "ab"}], [{"role": "assistant", "content": "stuck"}]],
        completion_ids=[[1], [2]],
        trainer_state=State(),
        log_metric=metrics.__setitem__,
        log_extra=extra.__setitem__,
        unknown_scalar=3,
    )
    assert result == [1.0, 2.5]
    assert metrics["rewards/size/mean"] == 3.5
    assert metrics["rewards/stuck/mean"] == 1.0
    assert metrics["rewards/stuck/timeout"] == 0.5
    assert metrics["rewards/size/timeout"] == 0.0
    assert extra["stuck"] == [1.0, None]
    assert extra["stuck_reason"] == ["checked", "timeout: the checker starved"]
    assert not any("judge" in name for name in metrics)


def test_without_log_callables_nothing_breaks() -> None:
    assert build(size={})(completions=["abc"]) == [3.0]
    assert build(size={})(completions=[]) == []


def test_unpickled_set_scores_the_same() -> None:
    rewards = build(right={"gate": "size"}, size={"weight": 0.5, "params": {"per": 2}})
    again = pickle.loads(pickle.dumps(rewards))
    batch = samples("ab", "abc", gold="ab")
    assert values(again, batch) == values(rewards, batch) == [1.5, 0.75]
    assert again.__name__ == "veritune"


def test_spec_builds_the_same_set_again() -> None:
    rewards = build(
        "min",
        "component",
        right={"where": {"kind": "math"}, "columns": {"gold": "target"}},
        size={"params": {"per": 2}, "weight": {0: 0.0, 5: 1.0}, "clip": [None, 3], "gate": "right"},
    )
    again = compose(rewards.spec())
    assert again.spec() == rewards.spec()
    batch = samples("abcd", target="abcd", kind="math")
    assert values(again, batch, step=5) == values(rewards, batch, step=5)


def test_missing_columns_are_found_before_a_run_with_the_place_in_the_config() -> None:
    rewards = build(right={"where": {"kind": "math"}})
    with pytest.raises(ColumnError, match=r"^rewards\.right: reward 'right' needs a gold answer"):
        rewards.check_columns(["prompt", "kind"])
    with pytest.raises(ColumnError, match=r"^rewards\.right\.where: the column 'kind' .* Did you mean 'kinds'\?"):
        rewards.check_columns(["gold", "kinds"])
    rewards.check_columns(["gold", "kind"])
