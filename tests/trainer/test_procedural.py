"""Procedural tasks are the same in every process, disjoint from what is held out, and scored by their own scorer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("reasoning_gym", reason="needs reasoning-gym: pip install 'veritune[reasoning-gym]'")

from tests.trainer.conftest import TOY
from tests.trainer.test_distributed import _same
from veritune import get_reward
from veritune.plugins import ConfigError, Sample
from veritune.trainer.config import DataConfig, RunConfig
from veritune.trainer.data.sources import TaskSource, make_sources
from veritune.trainer.data.tasks import get_task
from veritune.trainer.run import train

Make = Callable[..., RunConfig]


def test_a_position_is_the_same_row_in_every_process_and_held_out_prompts_are_others() -> None:
    task = get_task("reasoning_gym/isomorphic_strings", {})  # goes through sets
    source, _, _ = make_sources(DataConfig(task="reasoning_gym/isomorphic_strings"), 3)
    rows = [source.row(n).columns for n in range(4)]
    assert [TaskSource(task, 3).row(n).columns for n in (3, 0)] == [rows[3], rows[0]]
    code = (
        "import json; from veritune.trainer.config import DataConfig\n"
        "from veritune.trainer.data.sources import make_sources\n"
        "source, _, _ = make_sources(DataConfig(task='reasoning_gym/isomorphic_strings'), 3)\n"
        "print(json.dumps([source.row(n).columns for n in range(4)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == rows
    sums = get_task("reasoning_gym/chain_sum", {"max_terms": 2, "max_digits": 1, "min_digits": 1})
    train, held = TaskSource(sums, 0), TaskSource(sums, 0, held_out=True)
    assert not {train.row(n).prompt for n in range(60)} & {held.row(n).prompt for n in range(6)}
    assert len({train.row(n).columns["generated"] for n in range(40)}) == 40


def test_settings_and_levels_make_it_harder_and_unknown_ones_are_refused() -> None:
    def digits(params: dict[str, Any]) -> int:
        source = TaskSource(get_task("reasoning_gym/chain_sum", params), 0)
        return max(len(source.row(n).columns["question"]) for n in range(5))

    assert digits({"level": 0}) < digits({"level": 4})
    assert digits({"min_digits": 9, "max_digits": 9}) > digits({"min_digits": 1, "max_digits": 1})
    for params, said in (({"min_digts": 1}, "min_digits"), ({"level": -1}, "level"), ({"max_terms": 0}, "chain_sum")):
        with pytest.raises(ConfigError, match=said):
            get_task("reasoning_gym/chain_sum", params)
    with pytest.raises(ConfigError, match="Did you mean 'chain_sum'"):
        get_task("reasoning_gym/chain_sums", {})
    with pytest.raises(ConfigError, match="too few different prompts"):
        TaskSource(_Same(), 0, held_out=not _Same.held_out).row(0)


class _Same:
    """A task of one prompt."""

    held_out = False  # by its checksum

    def row(self, random: Any) -> dict[str, Any]:
        return {"prompt": "always"}

    def demonstration(self, row: Any, random: Any, **habit: Any) -> str:
        return ""

    def vocabulary(self) -> list[str]:
        return []


def test_its_own_scorer_scores_its_rows() -> None:
    source = TaskSource(get_task("reasoning_gym/number_sorting", {}), 0)
    reward = get_reward("reasoning_gym")
    for position in range(3):
        row = source.row(position)
        for answer, value in ((row.columns["answer"], 1.0), ("['1']", 0.0)):
            sample = Sample(f"<answer>{answer}</answer>", row.prompt, None, row.columns)
            assert reward.score(sample).value == value


def test_a_run_on_it_goes_on_to_the_same_bits(make_config: Make, tmp_path: Path) -> None:
    config = make_config(
        data={"task": "reasoning_gym/chain_sum", "params": {"max_terms": 2, "max_digits": 1, "prompt": "{question}"}},
        rewards={"right": {"use": "reasoning_gym", "params": {"credit": "partial"}}, "even": {"use": f"{TOY}:even"}},
        grpo={"steps": 4, "prompts": 3, "samples": 4},
        evaluation={"prompts": 2, "metric": "even"},
    )
    config = config.model_copy(update={"checkpoint": config.checkpoint.model_copy(update={"every": 2, "keep": 9})})
    whole = train(config, quiet=True)
    part = whole.with_name("part")
    shutil.copytree(whole, part)
    shutil.rmtree(part / "checkpoints" / "grpo-000004")
    train(config.model_copy(update={"output": str(part), "resume": True}), quiet=True)
    _same(part, whole, exact=True)
