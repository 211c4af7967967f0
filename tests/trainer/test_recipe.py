"""A recipe runs what is not done, goes on where it was interrupted, and refuses what is wrong at once."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.trainer.conftest import TINY
from tests.trainer.test_distributed import _port as free_port
from tests.trainer.test_run import _numbers
from tests.trainer.test_stages import TOY, assert_close, same_weights
from veritune.plugins import ConfigError, RunError, VerituneError
from veritune.trainer.config.recipe import apply_recipe_override, merged, references, resolved
from veritune.trainer.config.reward_model import RewardModelConfig
from veritune.trainer.observe.timeline import DONE, write_timeline
from veritune.trainer.run import train_from_cli, train_recipe
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.sft import SFT

Values = dict[str, Any]


def _values(output: Path) -> Values:
    """Cold start, reinforcement and another imitation, of seconds."""
    return {
        "output": str(output),
        "note": "what it shows",
        "common": {
            "data": {"task": "arithmetic", "params": {"terms": 3}},
            "rewards": {"even": {"use": f"{TOY}:even"}},
            "sampling": {"max_tokens": 4},
            "evaluation": {"prompts": 2, "samples": 2, "metric": "even"},
            "checkpoint": {"every": 1},
        },
        "stages": [
            {"name": "cold_start", "stage": "sft", "model": {"build": TINY}, "sft": {"steps": 2, "batch": 4}},
            {"name": "rl", "stage": "grpo", "model": {"from": "cold_start"}, "grpo": {"steps": 2, "prompts": 2}},
            {"name": "again", "stage": "sft", "model": {"from": "rl"}, "sft": {"steps": 1, "batch": 4}},
        ],
    }


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Values]:
    return lambda output="recipe": _values(tmp_path / output)


@pytest.fixture
def quick(tmp_path: Path) -> Values:
    """Two stages that draw nothing."""
    values = _values(tmp_path / "quick")
    del values["common"]["rewards"], values["stages"][1]
    values["stages"][1] |= {"model": {"from": "cold_start"}}
    return values


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that ran without interruption."""
    return train_recipe(_values(tmp_path_factory.mktemp("whole") / "recipe"), quiet=True)


def test_every_stage_goes_on_with_what_an_earlier_one_left(whole: Path) -> None:
    assert {"cold_start", "rl", "again", "recipe.yaml", "report.html", "timeline.json"} <= {
        p.name for p in whole.iterdir()
    }
    timeline = json.loads((whole / "timeline.json").read_text())
    assert [(r["name"], r["stage"], r["done"], r["steps"]) for r in timeline] == [
        ("cold_start", "sft", True, 2), ("rl", "grpo", True, 2), ("again", "sft", True, 1),
    ]  # fmt: skip
    for before, after in pairwise(timeline):
        assert after["before"]["accuracy"] == before["after"]["accuracy"]  # the same weights, the same draws
    assert {"accuracy", "pass@2", "length", "loss"} <= timeline[0]["after"].keys()
    page = (whole / "report.html").read_text()
    assert "what it shows" in page
    assert 'href="rl/report.html"' in page
    (whole / "report.html").unlink()
    assert write_timeline(whole) == timeline  # what `veritune report` does
    assert (whole / "report.html").read_text() == page
    again = yaml.safe_load((whole / "recipe.yaml").read_text())
    before_again = (whole / "rl" / "metrics.jsonl").read_bytes()
    train_recipe(again, quiet=True)  # nothing is left to do
    assert (whole / "rl" / "metrics.jsonl").read_bytes() == before_again


def test_a_recipe_that_is_interrupted_at_every_step_comes_to_the_same_weights(
    recipe: Callable[..., Values], whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage in (SFT, GRPO):

        def interrupted(self: Any, step: Callable[[Any], dict[str, float]] = stage.step) -> dict[str, float]:
            found = step(self)
            os.kill(os.getpid(), signal.SIGTERM)
            return found

        monkeypatch.setattr(stage, "step", interrupted)
    statuses = []
    while True:
        try:
            folder = train_recipe(recipe(), quiet=True)
            break
        except SystemExit as ended:
            statuses.append(ended.code)
    assert statuses == [143] * 5  # so many steps there are
    for name in ("cold_start", "rl", "again"):
        assert _numbers(folder / name) == _numbers(whole / name)
        assert same_weights(folder / name, whole / name)


def _member(rank: int, port: int, values: Values) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2")
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    train_recipe(values, quiet=True)


def test_two_processes_run_all_stages_of_a_recipe(quick: Values, tmp_path: Path) -> None:
    fork, port = multiprocessing.get_context("fork"), free_port()
    members = [fork.Process(target=_member, args=(rank, port, quick)) for rank in range(2)]
    for member in members:
        member.start()
    for member in members:
        member.join(240)
    assert [member.exitcode for member in members] == [0, 0]
    alone = train_recipe({**quick, "output": str(tmp_path / "alone")}, quiet=True)
    for name in ("cold_start", "again"):
        assert_close(_numbers(alone / name), _numbers(Path(quick["output"]) / name))


def test_from_runs_anew_and_only_runs_one(quick: Values) -> None:
    with pytest.raises(ConfigError, match="cold_start, which is not done"):
        train_recipe(quick, only="again", quiet=True)
    folder = train_recipe(quick, only="cold_start", quiet=True)
    assert not (folder / "again").exists()
    train_recipe(quick, only="again", quiet=True)
    stamps = [(folder / name / DONE).read_bytes() for name in ("cold_start", "again")]
    train_recipe(quick, begin="again", quiet=True)
    assert (folder / "cold_start" / DONE).read_bytes() == stamps[0]
    assert (folder / "again" / DONE).read_bytes() != stamps[1]
    assert (folder / "again.before-1" / "model").is_dir()
    train_recipe(quick, only="cold_start", quiet=True)
    with pytest.raises(ConfigError, match="again is done with another configuration, or with an earlier stage's"):
        train_recipe(quick, quiet=True)
    (folder / "cold_start" / DONE).unlink()  # as if it had been interrupted
    train_recipe(quick, quiet=True)
    assert (folder / "again.before-2").is_dir()  # what stands on a stage that is made anew is made anew
    quick["stages"][1]["sft"]["lr"] = 1e-3
    with pytest.raises(ConfigError, match="again is done with another configuration"):
        train_recipe(quick, quiet=True)


def _change(values: Values, path: str, value: Any) -> Values:
    name, _, rest = path.partition(".")
    target: Any = next((s for s in values["stages"] if s["name"] == name), None)
    if target is None:
        target, rest = values, path
    *parents, last = rest.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    target[last] = value
    return values


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("again.sft.stpes", 3, r"again.*steps"),
        ("again.stage", "sfd", r"again: unknown stage 'sfd'.*'sft'"),
        ("again.model", {"from": "rll"}, r"again\.model\.from: no stage is called 'rll'.*'rl'"),
        (
            "cold_start.model",
            {"from": "again"},
            r"cold_start\.model\.from: again is not an earlier stage.*it is the first",
        ),
        ("rl.model", {"from": "again"}, r"rl\.model\.from: again is not an earlier stage.*before it stand cold_start"),
        ("again.rewards", {"even": {"use": f"{TOY}:even", "params": {"model": {"from": "nowhere"}}}}, r"nowhere"),
        ("again.sft.train", [{"from": "rl", "weight": 2}], r"again\.sft\.train\[0\]: rl \(grpo\) leaves a model"),
        ("again.sft.train", ["a.jsonl", "a.jsonl"], r"again.*'a\.jsonl' is named twice"),
        ("again.sft.train", {"from": "rl"}, r"again\.sft\.train: rl \(grpo\) leaves a model; read here: rows"),
        ("again.distributed", {"strategy": "ddp"}, r"^again: distributed.strategy is not as in cold_start"),
        ("again.sft.train", "nowhere.jsonl", r"again: .*nowhere\.jsonl"),
        ("again.rewards", {"acuracy": {}}, r"again: .*accuracy"),
        ("again.sft.habits", [{"thinks": 1.0}], r"again: sft\.habits.*thinks"),
        ("rl.output", "elsewhere", r"rl\.output"),
        ("rl.name", "cold_start", r"two stages are called 'cold_start'"),
        ("rl.name", "../rl", r"needs a name"),
        ("common.stpes", 3, None),
        ("stages", [], r"stages"),
        ("stagges", [], r"stages"),
    ],
)
def test_a_bad_recipe_is_refused_before_the_first_model_is_loaded(
    recipe: Callable[..., Values], monkeypatch: pytest.MonkeyPatch, path: str, value: Any, message: str | None
) -> None:
    def loaded(*_: Any, **__: Any) -> None:
        raise AssertionError("a model is loaded")

    monkeypatch.setattr("veritune.trainer.stages.policy_stage.load_policy", loaded)
    values = _change(recipe(), path, value)
    if message is None:
        with pytest.raises(ConfigError, match=r"common: no stage has 'stpes'"):
            train_recipe(values, quiet=True)
        return
    with pytest.raises(VerituneError, match=message):
        train_recipe(values, quiet=True)
    assert not Path(values["output"]).exists()


def test_the_command_line_changes_one_stage_or_all(
    recipe: Callable[..., Values], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe()))
    overrides = ["rl.grpo.steps=1", "evaluation.prompts=3", f"output={tmp_path / 'other'}", "seed=3"]
    train_from_cli(path, overrides, dry_run=True)
    said = capsys.readouterr().out
    assert [line.split()[:3] for line in said.splitlines()] == [
        ["cold_start", "sft", "run"], ["rl", "grpo", "run"], ["again", "sft", "run"],
    ]  # fmt: skip
    assert not (tmp_path / "other").exists()
    train_from_cli(path, overrides, only="cold_start")
    config = yaml.safe_load((tmp_path / "other" / "cold_start" / "config.yaml").read_text())
    assert (config["seed"], config["evaluation"]["prompts"]) == (3, 3)
    with pytest.raises(ConfigError, match="neither a stage"):
        train_from_cli(path, ["sead=3"])
    single = tmp_path / "single.yaml"
    single.write_text(yaml.safe_dump({"model": {"build": TINY}, "data": {"task": "arithmetic"}}))
    with pytest.raises(ConfigError, match="for recipes"):
        train_from_cli(single, dry_run=True)


# -- what a stage's configuration comes to -----------------------------------------------------------------------------


def test_a_stages_own_words_go_before_the_recipes() -> None:
    common = {
        "data": {"task": "t", "params": {"a": 1}},
        "rewards": {"one": {}},
        "model": {"path": "x", "dtype": "auto"},
    }
    own = {"name": "n", "data": {"train": "f"}, "rewards": {"two": {}}, "model": {"from": "m"}}
    found = merged(common, own, SFT.config_type)
    assert found == {"data": {"train": "f"}, "rewards": {"two": {}}, "model": {"dtype": "auto", "from": "m"}}
    assert merged({**common, "seed": 1}, {"name": "r"}, RewardModelConfig) == {"seed": 1}


def test_from_stands_for_a_path_wherever_it_stands() -> None:
    left = {"a": "/runs/a/model", "a/": "/runs/a"}
    values = {
        "model": {"from": "a", "lora": {"rank": 2}},
        "teacher": {"from": "a"},
        "rewards": {"helpful": {"params": {"model": {"from": "a"}}}},
        "sft": {"train": {"from": "a", "file": "rows.jsonl"}},
        "data": {"train": [{"from": "a", "weight": 2}, "other.jsonl"]},
    }
    assert resolved(values, left) == {
        "model": {"path": "/runs/a/model", "lora": {"rank": 2}},
        "teacher": {"path": "/runs/a/model"},
        "rewards": {"helpful": {"params": {"model": "/runs/a/model"}}},
        "sft": {"train": "/runs/a/rows.jsonl"},
        "data": {"train": [{"path": "/runs/a/model", "weight": 2}, "other.jsonl"]},
    }
    places = ["model", "teacher", "rewards.helpful.params.model", "sft.train", "data.train[0]"]
    assert references(values) == [(place, "a") for place in places]
    assert references(values, files=False) == [(place, "a") for place in places if place != "sft.train"]


def test_an_override_of_a_stage_is_its_own() -> None:
    values: Values = {"stages": [{"name": "a"}, {"name": "b"}]}
    apply_recipe_override(values, "a.sft.steps=3")
    apply_recipe_override(values, "seed=1")
    assert values == {"stages": [{"name": "a", "sft": {"steps": 3}}, {"name": "b"}], "overrides": ["seed=1"]}


def test_what_is_damaged_or_gone_is_made_anew_only_when_that_is_asked_for(
    quick: Values, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"prompt": "1+1+1=", "completion": "3"}) + "\n")
    quick["stages"][0]["sft"] |= {"train": str(rows), "steps": 1, "batch": 1}
    folder = train_recipe(quick, quiet=True)
    stamps = {name: (folder / name / DONE).read_bytes() for name in ("cold_start", "again")}
    rows.write_text(json.dumps({"prompt": "1+1+1=", "completion": "4"}) + "\n")
    train_recipe(quick, quiet=True)
    said = " ".join(capsys.readouterr().err.split())
    assert f"cold_start is done, but {rows} has changed since then; --from cold_start runs it anew" in said
    (folder / "cold_start" / "model").rename(folder / "aside")
    train_recipe(quick, quiet=True)  # nothing that is to be run needs it
    with pytest.raises(ConfigError, match=r"cold_start is done, but what it left is gone, and again needs it.*--from"):
        train_recipe(quick, begin="again", quiet=True)
    with pytest.raises(ConfigError, match="what it left is gone"):
        train_recipe(quick, only="again", quiet=True)
    (folder / "aside").rename(folder / "cold_start" / "model")
    assert {name: (folder / name / DONE).read_bytes() for name in stamps} == stamps
    for text in ('{"che', "[]", "{}", ""):
        (folder / "cold_start" / DONE).write_text(text)
        with pytest.raises(ConfigError, match=r"done\.json is damaged.*--from cold_start"):
            train_recipe(quick, quiet=True)
    train_recipe(quick, begin="cold_start", quiet=True)
    assert (folder / "again.before-1" / DONE).read_bytes() == stamps["again"]


def test_a_selection_of_nothing_is_not_done_and_is_drawn_anew_when_that_is_mended(tmp_path: Path) -> None:
    select = {"steps": 1, "prompts": 2, "samples": 2, "keep": {"even": 2}, "truncated": True}
    values = _values(tmp_path / "recipe")
    values["stages"] = [
        {"name": "pick", "stage": "select", "model": {"build": TINY}, "select": select},
        {"name": "after", "stage": "sft", "model": {"build": TINY}, "sft": {"train": {"from": "pick"}, "steps": 1}},
    ]
    values["common"]["checkpoint"] = {}
    for _ in range(2):
        with pytest.raises(RunError, match=r"pick has kept nothing, and is not done[\s\S]*select\.keep"):
            train_recipe(values, quiet=True)
    assert not (tmp_path / "recipe" / "after").exists()
    select["keep"] = {"even": 0}
    folder = train_recipe(values, quiet=True)
    assert (folder / "pick" / "selected.jsonl").read_text()
    assert (folder / "after" / DONE).is_file()


def test_a_key_beside_from_is_named_where_rows_are_read(recipe: Callable[..., Values]) -> None:
    values = recipe()
    values["stages"].insert(1, {"name": "pick", "stage": "select", "model": {"from": "cold_start"}})
    values["stages"][3]["sft"]["train"] = {"from": "pick", "fil": "x"}
    with pytest.raises(ConfigError, match=r"again\.sft\.train: unknown key 'fil'\. Did you mean 'file'\?"):
        train_recipe(values, quiet=True)


def test_a_section_of_common_that_a_stage_does_not_have_is_named(recipe: Callable[..., Values]) -> None:
    values = recipe()
    values["stages"].append({"name": "rm", "stage": "reward_model", "model": {"build": TINY}})
    with pytest.raises(ConfigError, match=r"rm: data: required[\s\S]*common\.data is of stages with prompts"):
        train_recipe(values, quiet=True)
