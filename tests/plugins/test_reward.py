"""A decorated function is configurable, validated, found by name or path, picklable and replayable."""

from __future__ import annotations

import asyncio
import inspect
import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from veritune import Cause, Reward, Sample, get_reward, reward
from veritune.plugins import (
    ColumnError,
    ConfigError,
    Message,
    ParameterError,
    PluginError,
    RewardError,
    UnknownNameError,
)
from veritune.plugins.parameters import REQUIRED

TOYS = Path(__file__).with_name("toys.py")


def toy(use: str, /, **params: Any) -> Reward:
    return get_reward(f"{TOYS}:{use}", **params)


# Forms


@pytest.mark.parametrize(
    ("name", "params", "values"),
    [
        ("short", {}, [1.0, 0.0]),
        ("short", {"mode": "soft", "limit": 6}, [1.0, 0.5]),
        ("relative", {}, [0.25, 1.0]),
        ("waits", {}, [3.0, 12.0]),
        ("Keyword", {"word": "four"}, [0.0, 1.0]),
        ("plain", {}, [0.25, 0.25]),
        ("plain_async", {}, [0.5, 0.5]),
    ],
)
def test_every_form_answers_trls_call_with_one_number_a_completion(
    name: str, params: dict[str, Any], values: list[float]
) -> None:
    found = toy(name, **params)
    texts = ["one", "two,three,four"[:12]] if name != "Keyword" else ["one", "two four"]
    assert found(prompts=["p", "p"], completions=texts, trainer_state=object(), unknown_scalar=3) == values
    assert found.__name__ == name


def test_chats_score_by_their_last_assistant_turn() -> None:
    chat: list[Message] = [
        {"role": "assistant", "content": "a long first turn"},
        {"role": "tool", "content": "a long result"},
        {"role": "assistant", "content": [{"type": "text", "text": "end"}]},
    ]
    assert toy("short")(completions=[chat, [{"role": "user", "content": "hello there"}]]) == [1.0, 1.0]


def test_async_rewards_run_side_by_side_and_inside_a_running_loop() -> None:
    slow = toy("waits", seconds=0.2)

    async def inside() -> list[float | None]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        values = slow(completions=["a"] * 20)
        assert loop.time() - start < 2.0
        return values

    assert asyncio.run(inside()) == [1.0] * 20


def test_as_async_is_a_coroutine_with_the_same_values() -> None:
    wrapped = toy("short").as_async()
    assert inspect.iscoroutinefunction(wrapped.__call__)
    assert asyncio.run(wrapped(completions=["one", "two three"])) == [1.0, 0.0]
    assert asyncio.run(pickle.loads(pickle.dumps(wrapped))(completions=["one"])) == [1.0]


def test_a_class_is_made_once_also_from_many_threads() -> None:
    found = toy("Keyword", word="x")
    before = found.function.made  # type: ignore[attr-defined]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: found.score("xyz").value, range(40))) == {1.0}
    assert found.function.made == before + 1  # type: ignore[attr-defined]


def test_a_trainers_objects_reach_only_who_asks() -> None:
    seen: list[tuple[str, float]] = []
    values = toy("injected")(
        completions=["a", "b"], trainer_state=object(), log_metric=lambda *m: seen.append(m), log_extra=print
    )
    assert values == [1.0, 1.0]
    assert seen == [("seen", 1.0)] * 2


# Columns


@pytest.mark.parametrize("column", ["gold", "solution", "answer", "ground_truth", "reference_answer"])
def test_the_gold_is_found_in_the_usual_columns(column: str) -> None:
    columns: dict[str, Any] = {column: ["4", "4"]}
    assert toy("equal")(completions=["4", "5"], **columns) == [1.0, 0.0]


def test_a_named_column_wins_and_must_exist() -> None:
    found = toy("equal", columns={"gold": "label"})
    assert found(completions=["4"], label=["4"], gold=["5"]) == [1.0]
    with pytest.raises(ColumnError, match=r"'label'.*Did you mean 'labels'\?.*Columns: gold, labels"):
        found(completions=["4"], labels=["4"], gold=["5"])


def test_a_missing_column_is_an_error_before_the_run_that_lists_the_columns() -> None:
    with pytest.raises(ColumnError, match=r"none of the columns gold, solution.*Columns: id, label.*--gold COLUMN"):
        toy("equal").check_columns(["label", "id"])
    with pytest.raises(ColumnError, match=r"'hint'\. Did you mean 'hints'\?"):
        toy("near").check_columns(["hints"])
    toy("near").check_columns(["hint"])


def test_a_column_of_one_value_is_repeated_and_defaults_stand_in() -> None:
    assert toy("near")(completions=["ab", "c"], hint="a") == [1.5, 0.5]
    assert toy("near")(completions=["ab", "c"], hint=["a", "c"], bonus=[0.0, 1.0]) == [1.0, 2.0]


def test_double_star_takes_every_column() -> None:
    assert toy("everything")(completions=["a", "b"], x=[1, 2], y="z") == [2.0, 2.0]


# Parameters


def test_an_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"no parameter 'limt'\. Did you mean 'limit'\?.*limit, mode"):
        toy("short", limt=3)


@pytest.mark.parametrize(("params", "match"), [({"limit": "many"}, "limit"), ({"limit": 0}, "greater than 0")])
def test_a_value_of_the_wrong_type_is_refused(params: dict[str, Any], match: str) -> None:
    with pytest.raises(ParameterError, match=match):
        toy("short", **params)
    with pytest.raises(ParameterError, match="'hard' or 'soft'"):
        toy("short", mode="loud")


def test_a_required_parameter_is_asked_for_before_anything_runs() -> None:
    with pytest.raises(ParameterError, match="needs 'word'"):
        toy("Keyword")


def test_values_are_converted_and_the_resolved_set_shows_the_defaults() -> None:
    found = toy("short", limit="7")
    assert found.params == {"limit": 7}
    assert found.resolved == {"limit": 7, "mode": "hard"}
    assert found.parameters["limit"].default == 5
    assert toy("Keyword", word="x").parameters["word"].default is REQUIRED


def test_an_unknown_compat_mode_lists_the_modes() -> None:
    with pytest.raises(ParameterError, match=r"no compat mode 'open-r2'.*'open-r1'"):
        get_reward("format", compat="open-r2")


# Names and paths


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        get_reward("acuracy")
    with pytest.raises(UnknownNameError, match=r"'shrt'\. Did you mean 'short'"):
        toy("shrt")


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ("import nothing_of_that_name", r"ModuleNotFoundError.*line 1"),
        ("x = 1\ndef f(:\n", r"SyntaxError.*line 2"),
        ("x = 1\nraise SystemExit(3)", r"SystemExit.*line 2"),
    ],
)
def test_a_file_that_does_not_import_says_where(tmp_path: Path, body: str, match: str) -> None:
    (tmp_path / "bad.py").write_text(body)
    with pytest.raises(PluginError, match=match):
        get_reward(f"{tmp_path}/bad.py:f")
    with pytest.raises(PluginError, match="does not exist"):
        get_reward(f"{tmp_path}/none.py:f")
    with pytest.raises(PluginError, match="no_such_module"):
        get_reward("no_such_module:f")


def test_what_is_no_reward_is_refused(tmp_path: Path) -> None:
    (tmp_path / "number.py").write_text("value = 3")
    with pytest.raises(ConfigError, match="not a reward: 3"):
        get_reward(f"{tmp_path}/number.py:value")


def test_an_alias_is_the_name_that_is_logged() -> None:
    found = toy("short", name="brief")
    assert (found.name, found.__name__) == ("brief", "brief")
    with pytest.raises(ParameterError, match="'brief'"):
        toy("short", name="brief").with_params(limt=1)


# Pickle and replay


@pytest.mark.parametrize(("name", "params"), [("short", {"limit": 3}), ("Keyword", {"word": "b"}), ("plain", {})])
def test_a_reward_goes_into_a_fresh_process_as_it_is(name: str, params: dict[str, Any]) -> None:
    found = toy(name, name="alias", **params)
    code = (
        "import pickle, sys, threading, json\n"
        "reward = pickle.load(sys.stdin.buffer)\n"
        "values = []\n"
        "thread = threading.Thread(target=lambda: values.extend(reward(completions=['a', 'abcdef'])))\n"
        "thread.start(); thread.join()\n"
        "print(json.dumps([reward.__name__, reward.params, values]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(found), capture_output=True, check=True)
    assert json.loads(done.stdout) == ["alias", params, found(completions=["a", "abcdef"])]


def test_a_compat_mode_survives_pickling() -> None:
    found = pickle.loads(pickle.dumps(get_reward("cosine", compat="trl", max_len=100, columns={"gold": "answer"})))
    assert found.compat_mode == "trl"
    assert found.params == {"max_len": 100}
    assert found.columns == {"gold": "answer"}


def test_a_local_function_cannot_be_pickled_and_says_why() -> None:
    @reward
    def local(completion: str) -> float:
        return 1.0

    assert local(completions=["a"]) == [1.0]
    with pytest.raises(pickle.PicklingError, match="move it to the top of a module"):
        pickle.dumps(local)


@pytest.mark.parametrize(
    "found",
    [
        lambda: toy("short", limit=9, name="brief"),
        lambda: get_reward("cosine", max_len=100, compat="trl", name="c", columns={"gold": "answer"}),
        lambda: get_reward("format", style="think"),
    ],
)
def test_a_spec_builds_the_same_reward_again(found: Any) -> None:
    first = found()
    spec = json.loads(json.dumps(first.spec()))
    again = get_reward(spec["use"], name=spec["name"], columns=spec.get("columns"), **spec["params"])
    assert again.spec() == first.spec()
    assert repr(again) == repr(first)


# What a reward may return


def test_undecided_is_none_with_its_cause_and_never_zero() -> None:
    found = toy("verdict")
    scores = found.score_batch([Sample(c) for c in ("right", "wrong", "late", "none", "skip")])
    assert [s.value for s in scores] == [1.0, 0.0, None, None, None]
    assert [s.cause for s in scores[2:]] == [Cause.TIMEOUT, Cause.NOT_APPLICABLE, Cause.NOT_APPLICABLE]
    assert [s.reason for s in scores[:3]] == ["fine", "bad", "starved"]


@pytest.mark.parametrize(("completion", "match"), [("nan", "finite"), ("text", "'one'"), ("x", "KeyError: 'lost'")])
def test_an_exception_stops_the_run_with_the_sample_attached(completion: str, match: str) -> None:
    with pytest.raises(RewardError, match=match) as caught:
        toy("broken")(completions=[completion], id=[7])
    assert caught.value.sample is not None
    assert caught.value.sample.text == completion
    assert f"completion: {completion!r}" in str(caught.value)
    assert "id='7'" in str(caught.value) or "id=7" in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.sample) == (str(caught.value), caught.value.sample)


def test_a_batch_of_the_wrong_length_is_an_error() -> None:
    @reward(batch=True)
    def lazy(completions: list[str]) -> list[float]:
        return [1.0]

    with pytest.raises(RewardError, match="returned 1 values for 2 completions"):
        lazy(completions=["a", "b"])


def test_a_bare_string_or_uneven_lists_are_refused() -> None:
    with pytest.raises(TypeError, match=r"use \.score"):
        toy("short")(completions="abc")
    with pytest.raises(ValueError, match="1 prompts for 2 completions"):
        toy("short")(completions=["a", "b"], prompts=["p"])
    assert toy("short")(completions=[]) == []
