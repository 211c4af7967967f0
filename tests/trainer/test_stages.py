"""Every stage is a run like any other: it resumes to the same bits, ends on a signal with its state, and a new one is a
class and a line in the table."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from tests.trainer.test_distributed import together
from tests.trainer.test_reward_model import config as reward_model_config
from tests.trainer.test_run import _numbers, _weights
from veritune.plugins import ConfigError
from veritune.trainer.config import CommonConfig, PolicyRunConfig, Strict
from veritune.trainer.run import load_run, train
from veritune.trainer.run.checkpoint import list_checkpoints
from veritune.trainer.stages.interface import Context
from veritune.trainer.stages.policy_stage import PolicyStage
from veritune.trainer.stages.table import STAGES, parse_run

TOY = Path(__file__).with_name("toy_rewards.py")


def same_weights(one: Path, other: Path) -> bool:
    first, second = _weights(one), _weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def assert_close(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    """The same lines, and numbers that differ by rounding alone."""
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        assert first.keys() == second.keys()
        for name, value in first.items():
            exact = isinstance(value, str | None)
            assert second[name] == (value if exact else pytest.approx(value, rel=1e-4, abs=1e-6)), name


def go_on_from(whole: Path, checkpoint: Path, part: Path, config: CommonConfig) -> Path:
    """Resume a copy of a run that has this one checkpoint."""
    (part / "checkpoints").mkdir(parents=True)
    for name in ("config.yaml", "metrics.jsonl"):
        (part / name).write_bytes((whole / name).read_bytes())
    (part / "checkpoints" / checkpoint.name).symlink_to(checkpoint)
    return train(config.model_copy(update={"output": str(part), "resume": True}), quiet=True)


# -- the reward model --------------------------------------------------------------------------------------------------

PAIRS = {"reward_model": {"epochs": 2, "batch": 32, "lr": 3e-3}, "checkpoint": {"every": 2, "keep": 9}}


@pytest.mark.parametrize("stage", ["grpo", "sft", "ppo"])
def test_a_file_of_any_stage_is_loaded_for_python(stage: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        f"stage: {stage}\nmodel: {{path: somewhere}}\ndata: {{task: arithmetic}}\nrewards: {{accuracy: {{}}}}\n"
    )
    config = load_run(path, [f"{stage}.lr=0.5", "seed=3"])
    assert isinstance(config, STAGES[stage].config_type)
    assert (getattr(config, stage).lr, config.seed) == (0.5, 3)


def test_a_recipe_is_not_taken_for_a_run(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("stages: []\n")
    with pytest.raises(ConfigError, match=r"is a recipe \(stages:\).*train_recipe"):
        load_run(path)


def test_a_reward_model_resumes_to_the_same_bits(tmp_path: Path) -> None:
    made = reward_model_config(tmp_path, **PAIRS)
    whole = train(made, quiet=True)
    second = list_checkpoints(whole / "checkpoints")[1]
    assert second.name == "reward_model-000004"  # in the middle of the second epoch
    part = go_on_from(whole, second, tmp_path / "part", made)
    assert _numbers(part) == _numbers(whole)
    assert same_weights(part, whole)
    assert (part / "evaluation.json").read_text() == (whole / "evaluation.json").read_text()


def test_two_processes_train_the_reward_model_of_one_whole_or_sharded(tmp_path: Path) -> None:
    small = {"data": {"limit": 60}, "reward_model": {"epochs": 1, "batch": 15, "lr": 3e-3, "token_budget": 64}}
    made = reward_model_config(tmp_path, **small)
    alone = train(made, quiet=True)
    for strategy in ("ddp", "fsdp2"):
        placed = made.distributed.model_copy(update={"strategy": strategy})
        folder = tmp_path / strategy
        assert together(made.model_copy(update={"output": str(folder), "distributed": placed})) == [0, 0]
        assert_close(_numbers(alone), _numbers(folder))
        for name, tensor in _weights(alone).items():
            torch.testing.assert_close(_weights(folder)[name], tensor, rtol=1e-4, atol=1e-5)


# -- a stage of one's own ----------------------------------------------------------------------------------------------


class CountingSection(Strict):
    steps: int = 4


class CountingConfig(PolicyRunConfig):
    stage: Literal["counting"] = "counting"
    counting: CountingSection = CountingSection()


class Counting(PolicyStage):
    """Draws nothing and trains nothing: it counts, and keeps random numbers."""

    name, title, config_type = "counting", "counting", CountingConfig
    changes_policy = False
    end_at: int | None = None

    def __init__(self, context: Context) -> None:
        self.context, self.progress, self.seen = context, context.progress, list[float]()

    @classmethod
    def begin(cls, context: Context) -> Counting:
        return cls(context)

    @property
    def steps(self) -> int:
        return int(self.context.config.counting.steps)

    def step(self) -> dict[str, float]:
        self.progress.step += 1
        self.seen.append(float(torch.rand(1, generator=self.context.generator)))
        if self.progress.step == self.end_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return {"seen": self.seen[-1]}

    def state(self, keep: bool) -> Any:
        return list(self.seen)

    def restore(self, state: Any) -> None:
        self.seen = state

    def finish(self, context: Context) -> str:
        (context.folder / "seen").write_text(repr(self.seen))
        return "counted"


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CommonConfig]:
    monkeypatch.setitem(STAGES, "counting", Counting)

    def make(output: str, **changes: Any) -> CommonConfig:
        from tests.trainer.conftest import TINY

        values = {
            "stage": "counting",
            "output": str(tmp_path / output),
            "model": {"build": TINY},
            "data": {"task": "arithmetic", "params": {"terms": 3}},
            "rewards": {"even": {"use": f"{TOY}:even"}},
            "sampling": {"max_tokens": 3},
            "evaluation": {"prompts": 2, "metric": "even", "every": 2},
        }
        return parse_run({**values, **changes})

    return make


def test_a_new_stage_is_a_class_and_a_line(counting: Callable[..., CommonConfig], tmp_path: Path) -> None:
    folder = train(counting("whole"), quiet=True)
    lines = [(r["phase"], r["step"]) for r in _numbers(folder)]
    evaluations = [("evaluation", step) for step in (0, 2, 4)]
    assert sorted(lines) == sorted([*[("counting", i) for i in range(1, 5)], *evaluations])
    (checkpoint,) = list_checkpoints(folder / "checkpoints")
    assert sorted(p.name for p in checkpoint.iterdir()) == ["progress.json", "trainer.pt"]  # no weights: none changed
    assert (folder / "report.html").is_file()


def test_a_signal_ends_any_stage_with_its_state(
    counting: Callable[..., CommonConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(counting("whole"), quiet=True)
    monkeypatch.setattr(Counting, "end_at", 3)
    with pytest.raises(SystemExit) as ended:
        train(counting("part"), quiet=True)
    assert ended.value.code == 143
    monkeypatch.setattr(Counting, "end_at", None)
    train(counting("part", resume=True), quiet=True)
    assert (tmp_path / "part" / "seen").read_text() == (whole / "seen").read_text()
    assert _numbers(tmp_path / "part") == _numbers(whole)


def test_an_error_in_any_stage_leaves_its_last_whole_step(
    counting: Callable[..., CommonConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(counting("whole"), quiet=True)
    step = Counting.step

    def stumble(self: Counting) -> dict[str, float]:
        if self.progress.step == 3:
            torch.rand(5, generator=self.context.generator)
            raise ZeroDivisionError("a bug")
        return step(self)

    monkeypatch.setattr(Counting, "step", stumble)
    with pytest.raises(ZeroDivisionError):
        train(counting("part"), quiet=True)
    monkeypatch.setattr(Counting, "step", step)
    train(counting("part", resume=True), quiet=True)
    assert (tmp_path / "part" / "seen").read_text() == (whole / "seen").read_text()
