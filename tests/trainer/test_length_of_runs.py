"""Epochs, several files, an early end, the best model: how long a run is and what it keeps."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import TINY
from veritune.plugins import ConfigError
from veritune.trainer.config import DataConfig, RunConfig
from veritune.trainer.data.sources import make_sources
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.run import train
from veritune.trainer.run.best import Best, less_is_better

Make = Callable[..., RunConfig]


def _write(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, float]:
    one = _write(tmp_path / "one.jsonl", [{"prompt": f"a{i}", "answer": "1"} for i in range(7)])
    two = _write(tmp_path / "two.jsonl", [{"prompt": f"b{i}", "gold": "1"} for i in range(5)])
    return {one: 3.0, two: 1.0}


def test_a_mixture_draws_by_weight_each_file_in_whole_epochs(files: dict[str, float]) -> None:
    source, _, _ = make_sources(DataConfig(train=files), 0)
    drawn = [str(source.row(i).prompt) for i in range(2000)]
    count = Counter(prompt[0] for prompt in drawn)
    assert count == {"a": 1500, "b": 500}
    for letter, size in (("a", 7), ("b", 5)):
        of_one = [prompt for prompt in drawn if prompt[0] == letter]
        for begin in range(0, len(of_one) - size, size):
            assert len(set(of_one[begin : begin + size])) == size
    again, _, _ = make_sources(DataConfig(train=files), 0)
    assert [again.row(i).prompt for i in (1999, 3, 1000)] == [drawn[1999], drawn[3], drawn[1000]]
    assert set(source.columns()) == {"prompt", "answer", "gold"}
    assert source.row(0).columns.keys() == source.row(1).columns.keys()


@pytest.mark.parametrize("weights", [{}, {"a.jsonl": 0.0}, {"a.jsonl": -1.0}])
def test_weights_are_above_zero(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        DataConfig(train=weights)


def test_epochs_are_steps_over_the_rows(make_config: Make, tmp_path: Path, files: dict[str, float]) -> None:
    make_tokenizer(list("ab0123456789")).save_pretrained(tmp_path / "tokenizer")
    model = {"build": TINY, "tokenizer": str(tmp_path / "tokenizer")}
    data = {"task": None, "params": {}, "train": files}
    folder = train(make_config(model=model, data=data, grpo={"epochs": 1, "prompts": 5}), quiet=True)
    assert [r["step"] for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "grpo"] == [1, 2, 3]
    with pytest.raises(ConfigError, match="no end"):
        train(make_config(grpo={"epochs": 1}), quiet=True)


def test_the_best_is_the_highest_and_enough_is_enough() -> None:
    best = Best(patience=2)
    assert [best.see(i, {"accuracy": a}) for i, a in enumerate([0.1, 0.4, 0.4, 0.3])] == [True, True, False, False]
    assert best.exhausted()
    assert (best.step, best.value) == (1, 0.4)
    assert not Best(patience=1).see(0, {"accuracy": None})


def test_of_a_loss_the_lowest_is_the_best_under_whatever_name() -> None:
    for name in ("loss", "pairs/loss", "pairs/brier", "pairs/ece"):
        best = Best(patience=2, metric=name)
        assert [best.see(i, {name: a}) for i, a in enumerate([0.7, 0.5, 0.5, math.nan])] == [True, True, False, False]
        assert best.exhausted()
        assert str(best) == "2 evaluations without a better one than after step 1 (0.500)"
    for name in ("pairs/accuracy", "reward/loss", "eval/loss/reward"):  # a reward, or a set, that is called so
        assert [Best(None, name).see(0, {name: -1.0}), less_is_better(name)] == [True, False]


def test_an_early_end_keeps_the_best_model_and_resumes_to_nothing_more(make_config: Make, tmp_path: Path) -> None:
    """With a reward that never changes the first evaluation stays the best one."""
    toy = Path(__file__).with_name("toy_rewards.py")
    changes: dict[str, Any] = {
        "rewards": {"constant": {"use": f"{toy}:constant"}},
        "grpo": {"steps": 9},
        "evaluation": {"prompts": 2, "every": 1, "patience": 2, "metric": "constant"},
        "checkpoint": {"best": True},
    }
    folder = train(make_config(**changes), quiet=True)
    lines = (folder / "metrics.jsonl").read_text()
    assert [r["step"] for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "evaluation"] == [0, 1, 2]
    assert (folder / "best" / "model.safetensors").is_file()
    assert (folder / "checkpoints" / "grpo-000002").is_dir()
    train(make_config(**changes, resume=True), quiet=True)
    assert (folder / "metrics.jsonl").read_text() == lines
