"""What a stranger to the trainer tries: each is said, or refused, before it costs a run."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY, TOY, tiny_config
from veritune.plugins import ConfigError, DataError
from veritune.trainer.config import OPTIMIZERS, RunConfig, load_config
from veritune.trainer.data.tasks import get_task
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.observe.report import write_report
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.models import load_policy
from veritune.trainer.run import train
from veritune.trainer.run.folders import Held
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.idle import WITHOUT_BETAS
from veritune.trainer.stages.reading import read_stage

Make = Callable[..., RunConfig]


def said_by(config: RunConfig) -> str:
    """What is said before there is a model."""
    said: list[str] = []
    read_stage(GRPO, config, ALONE, said.append)
    return "\n".join(said)


def rows(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def of_rows(folder: Path, records: list[dict[str, Any]], **over: Any) -> RunConfig:
    path = rows(folder / "rows.jsonl", *records)
    config = tiny_config(folder, **{k: v for k, v in over.items() if k != "data"})
    data = {"train": str(path), **over.get("data", {})}
    changed = {**config.model_dump(mode="json", exclude_unset=True), "data": data}
    return RunConfig.model_validate(changed)


# -- configurations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("grpo", {"steps": True}, "a number is expected, not true"),
        ("sampling", {"temperature": True}, "a number is expected, not true"),
        ("evaluation", {"every": False}, "a number is expected, not false"),
        ("sampling", {"stop": ["a", ""]}, "an empty string is in every text"),
        ("grpo", {"betas": [1.0, 2.0]}, "below 1"),
    ],
)
def test_values_that_would_be_taken_for_others_are_refused(
    make_config: Make, key: str, value: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        make_config(**{key: value})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"grpo": {"final_lr": 0.1}}, "grpo.final_lr: with schedule: constant"),
        ({"grpo": {"warmup_steps": 9}}, "grpo.warmup_steps: 9 of 3 steps"),
        ({"grpo": {"reference_every": 2}}, "grpo.reference_every: with objective.beta: 0"),
        ({"grpo": {"objective": {"importance": "truncate"}}, "sampling": {"top_k": 4}}, "grpo.objective.importance"),
        ({"grpo": {"optimizer": "sgd", "betas": [0.9, 0.95]}}, "grpo.betas: sgd has none"),
    ],
)
def test_settings_that_come_to_nothing_are_said(make_config: Make, changes: dict[str, Any], says: str) -> None:
    assert says in said_by(make_config(**changes))
    assert said_by(make_config()) == ""


HALF: dict[str, Any] = {"build": TINY, "dtype": "bfloat16"}


@pytest.mark.parametrize(
    ("model", "grpo", "says"),
    [
        (HALF, {"optimizer": "sgd"}, "grpo.optimizer: sgd: with it nothing is kept"),
        (HALF, {"optimizer_params": {"amsgrad": True}}, "grpo.optimizer_params.amsgrad: with it nothing is kept"),
        (HALF, {"optimizer_params": {"eps": 1e-6}}, ""),
        ({**HALF, "lora": {"rank": 2}}, {"optimizer": "sgd"}, ""),  # its factors are float32
        (
            {**HALF, "lora": {"rank": 2, "modules_to_save": ["norm"]}},
            {"optimizer": "adam"},
            "grpo.optimizer: adam: with",
        ),
        ({"build": TINY}, {"optimizer": "sgd"}, ""),
    ],
)
def test_an_optimizer_that_loses_small_steps_of_bfloat16_weights_is_said(
    make_config: Make, model: dict[str, Any], grpo: dict[str, Any], says: str
) -> None:
    said = said_by(make_config(model=model, grpo=grpo))
    assert says in said
    assert bool(said) is bool(says)


def test_the_optimizers_without_betas_are_those_of_torch() -> None:
    takes = {name: inspect.signature(getattr(torch.optim, kind)).parameters for name, kind in OPTIMIZERS.items()}
    assert set(WITHOUT_BETAS) == {name for name, found in takes.items() if "betas" not in found}


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (
            {"build": {**TINY, "vocab_size": 3}},
            r"model\.build\.vocab_size: 3, and the tokenizer has \d+ tokens",
        ),
        (
            {"build": {**TINY, "hidden_act": "sillu"}},
            r"model\.build\.hidden_act: unknown 'sillu'.*mean 'silu'",
        ),
        (
            {"build": {**TINY, "rope_parameters": {"rope_type": "yarnn"}}},
            r"model\.build\.rope_parameters\.rope_type: unknown 'yarnn'\. Did you mean 'yarn'",
        ),
        ({"build": TINY, "attention": "sdpaa"}, r"model\.attention: sdpaa: .*Did you mean 'sdpa'"),
        ({"build": TINY, "attention": "flex_attention"}, r"model\.attention: flex_attention: .*backward on CPU"),
        ({"build": TINY, "lora": {"targets": []}}, r"model\.lora\.targets: no module is named"),
    ],
)
def test_what_no_model_can_be_made_of_names_the_key_and_the_nearest_name(
    make_config: Make, model: dict[str, Any], says: str
) -> None:
    config = make_config(model=model)
    with pytest.raises(ConfigError, match=says):
        train(config, quiet=True)
    assert not Path(config.output).exists()


def test_the_tokenizers_own_vocabulary_size_may_be_given(make_config: Make) -> None:
    task = get_task("arithmetic", {"terms": 3})
    size = load_policy(make_config(), task).model.config.vocab_size
    load_policy(make_config(model={"build": {**TINY, "vocab_size": size}}), task)


def test_evaluations_that_never_come_are_said(tmp_path: Path) -> None:
    config = of_rows(tmp_path, [{"prompt": "1+1="}], evaluation={"every": 2, "metric": "even"})
    assert "evaluation.every: this stage has no evaluation" in said_by(config)


def test_a_misspelt_reference_has_its_nearest_right_name(make_config: Make) -> None:
    with pytest.raises(ConfigError, match=r"'strat'. Did you mean 'start'"):
        said_by(make_config(grpo={"reference": "strat", "objective": {"beta": 0.1}}))


def test_a_broken_reference_is_found_before_anything_is_written_and_named(make_config: Make, tmp_path: Path) -> None:
    policy = load_policy(make_config(), get_task("arithmetic", {"terms": 3}))
    with torch.no_grad():
        next(policy.model.parameters()).fill_(float("nan"))
    policy.save(tmp_path / "broken")
    config = make_config(grpo={"reference": str(tmp_path / "broken"), "objective": {"beta": 0.1}})
    with pytest.raises(ConfigError, match=r"grpo\.reference: '.*broken': .*not finite"):
        train(config, quiet=True)
    assert not (tmp_path / "run").exists()


# -- rows ----------------------------------------------------------------------------------------------------------


def test_golds_of_spaces_or_no_number_are_counted_as_missing(tmp_path: Path) -> None:
    golds: list[Any] = ["2", "  ", float("nan"), None]
    config = of_rows(
        tmp_path,
        [dict(prompt=f"{n}+1=", gold=gold) for n, gold in enumerate(golds)],
        rewards={"accuracy": {}},
        evaluation={"metric": "accuracy"},
    )
    assert "the column 'gold' has no value in 3 of 4 rows of data.train (the first is row 2)" in said_by(config)


@pytest.mark.parametrize("template", ["{prompt.x}", "{prompt[99]}", "{prompt:d}"])
def test_a_template_that_does_not_suit_a_row_names_row_and_column(template: str, tmp_path: Path) -> None:
    config = of_rows(tmp_path, [{"prompt": "1+1="}], data={"template": template})
    with pytest.raises(DataError, match=r"row 1: data\.template, with prompt") as caught:
        said_by(config)
    assert "brace" not in str(caught.value)


def test_a_template_that_is_none_says_how_braces_are_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="write a literal brace twice"):
        said_by(of_rows(tmp_path, [{"prompt": "1+1="}], data={"template": "{}"}))


def test_rows_without_a_pass_rate_are_said(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [{"prompt": "1+1=", "rate": 0.5}, {"prompt": "2+1=", "rate": None}]
    config = of_rows(tmp_path, records, curriculum={"column": "rate", "min": 0.1})
    assert "curriculum: 1 rows of data.train have no pass rate (rate), and are kept" in said_by(config)


# -- folders -------------------------------------------------------------------------------------------------------


def test_a_folder_in_which_a_run_goes_on_is_refused_to_a_second_one(make_config: Make, tmp_path: Path) -> None:
    config = make_config(grpo={"steps": 1}, evaluation={"prompts": 1, "metric": "even"})
    folder = train(config, quiet=True)
    going_on = Held(folder, resume=True, parameters=1)
    again = config.model_copy(update={"resume": True})
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match="a run is going on in"):
        train(again, quiet=True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    going_on.let_go()
    train(again, quiet=True)


def test_a_run_without_a_checkpoint_begins_anew_and_says_so(make_config: Make, capsys: Any) -> None:
    folder = train(make_config(grpo={"steps": 1}), quiet=True)
    for path in (folder / "checkpoints").iterdir():
        path.rename(folder / path.name)
    train(make_config(resume=True, grpo={"steps": 1}))
    assert f"there is no checkpoint in {folder / 'checkpoints'}: the run begins anew" in capsys.readouterr().err


def test_a_damaged_log_and_damaged_completions_cost_no_run(make_config: Make) -> None:
    folder = train(make_config(grpo={"steps": 1}), quiet=True)
    log = folder / "metrics.jsonl"
    whole = read_metrics(log)
    log.write_bytes(b"\xff\xfe\n[]\n{}\n" + log.read_bytes() + b'{"phase": "gr')
    assert read_metrics(log) == whole
    for path in (folder / "completions").glob("*.parquet"):
        path.write_bytes(b"x")
    assert write_report(folder).is_file()
    train(make_config(resume=True, grpo={"steps": 2}), quiet=True)


def test_the_config_that_a_run_leaves_is_one_that_can_be_read(make_config: Make) -> None:
    folder = train(make_config(grpo={"steps": 1}), quiet=True)
    assert load_config(folder / "config.yaml", []).model.build == TINY
    assert TOY.is_file()


def test_a_key_given_twice_between_braces_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("output: runs/x\ndata: {train: a.jsonl, eval: {a: b.jsonl, a: c.jsonl}}\n")
    with pytest.raises(ConfigError, match=r"'a' is given twice \(first in line 2\)"):
        load_config(path, [])


def test_a_misspelt_kind_of_targets_has_its_nearest_right_name(make_config: Make) -> None:
    config = make_config(model={"build": TINY, "lora": {"rank": 2, "targets": "all-linaer"}})
    with pytest.raises(ConfigError, match=r"model\.lora.*Did you mean 'all-linear'"):
        load_policy(config, get_task("arithmetic", {"terms": 3}))
