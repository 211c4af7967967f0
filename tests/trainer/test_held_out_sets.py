"""Several held-out sets: each with its own settings and numbers, the best chosen by a named one. Data sets by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import TINY
from veritune.plugins import ConfigError, DataError
from veritune.trainer.config import RunConfig
from veritune.trainer.config.evaluation import settings_of
from veritune.trainer.data.hub import read_hub
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.rollout.evaluation import evaluation_sampling
from veritune.trainer.rollout.held_out import best_numbers, check_sets, mean_over
from veritune.trainer.run import train
from veritune.trainer.run.best import Best
from veritune.trainer.stages.inputs import read_inputs
from veritune.trainer.stages.preflight import check_model_limits
from veritune.trainer.stages.reading import read_stage
from veritune.trainer.stages.table import get_stage

Make = Callable[..., RunConfig]


def _rows(path: Path, letter: str, count: int) -> str:
    path.write_text("".join(json.dumps({"prompt": f"{letter}{i}", "answer": "1"}) + "\n" for i in range(count)))
    return str(path)


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    make_tokenizer(list("abc0123456789")).save_pretrained(tmp_path / "tokenizer")
    sets = {"easy": _rows(tmp_path / "easy.jsonl", "b", 3), "hard": _rows(tmp_path / "hard.jsonl", "c", 5)}
    return {
        "model": {"build": TINY, "tokenizer": str(tmp_path / "tokenizer")},
        "data": {"task": None, "params": {}, "train": _rows(tmp_path / "train.jsonl", "a", 6), "eval": sets},
        "evaluation": {"metric": "even", "every": 1, "sets": {"hard": {"prompts": 2, "samples": 4, "max_tokens": 3}}},
        "grpo": {"steps": 2},
    }


def test_every_set_has_its_metrics_and_the_plain_names_are_their_mean(
    make_config: Make, values: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train(make_config(**values, checkpoint={"best": True}))
    lines = [r for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "evaluation"]
    assert [r["step"] for r in lines] == [0, 1, 2]
    for line in lines:
        for name in ("accuracy", "reward", "reward/short", "length"):
            assert line[name] == pytest.approx((line[f"eval/easy/{name}"] + line[f"eval/hard/{name}"]) / 2)
        assert line["eval/hard/length"] <= 3  # its own max_tokens
        assert "eval/hard/pass@4" in line
        assert "eval/easy/pass@4" not in line
        assert "pass@4" not in line  # not of every set
    import pyarrow.parquet as parquet

    records = parquet.read_table(folder / "completions" / "evaluation-000002.parquet").to_pylist()
    assert [(r["set"], r["prompt"]) for r in records] == [
        *(("easy", f"b{i}") for i in range(3)),
        *(("hard", f"c{i}") for i in range(2) for _ in range(4)),
    ]
    said = capsys.readouterr().out
    assert "held-out easy, step 0: accuracy" in said
    assert "held-out hard, step 2: accuracy" in said
    assert "accuracy: hard" in said
    assert "hard/accuracy" in (folder / "report.html").read_text()


def test_settings_apply_to_each_set_that_has_none_of_its_own(make_config: Make, values: dict[str, Any]) -> None:
    config = make_config(**{**values, "evaluation": {**values["evaluation"], "temperature": 0.5, "prompts": 7}})
    assert [settings_of(config.evaluation, name).prompts for name in ("easy", "hard")] == [7, 2]
    drawn = [evaluation_sampling(config, name) for name in ("easy", "hard")]
    assert [(s.temperature, s.max_tokens) for s in drawn] == [(0.5, 8), (0.5, 3)]


def test_the_best_is_by_the_number_that_is_named() -> None:
    lines = [
        {"accuracy": a, "reward": 0.0, "eval/x/accuracy": x} for a, x in ((0.1, 0.9), (0.8, 0.2), (0.9, 0.3))
    ]  # the two disagree
    for metric, wanted in ((None, 2), ("eval/x/accuracy", 0), ("reward", 0)):
        best = Best(2, metric)
        for step, line in enumerate(lines):
            best.see(step, line)
        assert (best.step, best.exhausted()) == (wanted, wanted == 0)


@pytest.mark.parametrize(
    ("evaluation", "message"),
    [
        ({"sets": {"hrad": {"samples": 2}}}, "no set is called 'hrad'. Did you mean 'hard'"),
        ({"sets": {"hard": {"metric": "evne"}}}, r"evaluation\.sets\.hard\.metric: no reward is called 'evne'"),
        ({"metric": "evne"}, r"evaluation\.metric: no reward is called 'evne'"),
    ],
)
def test_names_that_no_evaluation_has_are_refused(
    make_config: Make, values: dict[str, Any], evaluation: dict[str, Any], message: str
) -> None:
    config = make_config(**{**values, "evaluation": {**values["evaluation"], **evaluation}})
    with pytest.raises(ConfigError, match=message):
        check_sets(config, ["easy", "hard"], ["even", "short"])


def test_the_best_of_several_sets_is_a_mean_or_one_sets_own(make_config: Make, values: dict[str, Any]) -> None:
    names = best_numbers(make_config(**values), ["easy", "hard"], ["even", "short"])
    assert {"accuracy", "reward", "reward/short", "eval/hard/pass@4", "eval/easy/reward"} <= set(names)
    assert not {"pass@4", "truncated", "eval/easy/pass@4"} & set(names)


def test_sets_have_plain_names_and_best_needs_one(make_config: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a set's name"):
        make_config(data={"eval": {"a/b": "x.jsonl"}})
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "1+1+1="}\n')
    config = make_config(evaluation={"best": "reward"}, data={"task": None, "params": {}, "train": str(rows)})
    with pytest.raises(ConfigError, match=r"give data\.eval"):
        read_stage(get_stage("grpo"), config, ALONE, print)


def test_a_set_whose_completions_are_too_long_for_the_model_is_refused(
    make_config: Make, values: dict[str, Any]
) -> None:
    from veritune.trainer.data.prompts import PromptEncoder
    from veritune.trainer.policy.models import load_policy

    values["evaluation"]["sets"]["hard"]["max_tokens"] = 128
    config = make_config(**values)
    inputs = read_inputs(config, ALONE, print)
    policy = load_policy(config, inputs.task)
    encode = PromptEncoder(policy.tokenizer, config.data)
    with pytest.raises(ConfigError, match=r"data\.eval\.hard.*evaluation\.max_tokens=128"):
        check_model_limits(inputs, policy.model, encode, print)


def test_a_set_without_a_decided_sample_is_in_no_mean() -> None:
    nan = float("nan")
    found = mean_over([{"accuracy": 0.5, "reward": nan}, {"accuracy": nan, "reward": nan}])
    assert found["accuracy"] == 0.5
    assert found["reward"] != found["reward"]


def test_a_task_may_be_evaluated_on_files(make_config: Make, tmp_path: Path) -> None:
    from veritune.trainer.data.sources import make_sources

    _, held_out, task = make_sources(make_config(data={"eval": _rows(tmp_path / "x.jsonl", "b", 2)}).data, 0)
    assert held_out[""].row(0).prompt == "b0"
    assert task is not None


# -- the hub -----------------------------------------------------------------------------------------------------------


def test_a_data_set_of_the_hub_is_read_by_name(tmp_path: Path, make_config: Make) -> None:
    """A folder stands for it: the same library, the same call."""
    pytest.importorskip("datasets", reason="data sets by name are read by datasets")
    from veritune.trainer.data.sources import load_rows

    _rows(tmp_path / "test.jsonl", "a", 3)
    rows = load_rows(f"hf:{tmp_path}:test", make_config().data)
    assert [row.prompt for row in rows] == ["a0", "a1", "a2"]
    assert rows[0].columns["answer"] == "1"
    with pytest.raises(DataError, match=r"Unknown split.*test"):
        read_hub(f"hf:{tmp_path}:tset")
    with pytest.raises(DataError, match="hf:NAME:SPLIT"):
        read_hub(f"hf:{tmp_path}")


def test_without_a_network_names_say_what_to_do(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="data sets by name are read by datasets")
    import huggingface_hub

    from veritune.trainer.policy.models import load_policy

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True, raising=False)
    with pytest.raises(DataError, match="without a network, give a file"):
        read_hub("hf:somebody/nothing-of-that-name:train")
    with pytest.raises(ConfigError, match="no such folder here"):
        load_policy(make_config(model={"build": None, "path": "somebody/nothing-of-that-name"}), None)
