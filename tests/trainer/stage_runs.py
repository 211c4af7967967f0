"""What every stage's runs are tested for, whatever the stage does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY, TOY
from tests.trainer.test_distributed import _same, together
from veritune.trainer.observe.console import Console
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.run import start_run, train
from veritune.trainer.run.run import Run
from veritune.trainer.stages.table import parse_run


def stage_config(folder: Path, stage: str, **changes: Any) -> Any:
    """A run of seconds; a mapping is merged into its section, anything else replaces it."""
    values: dict[str, Any] = {
        "stage": stage,
        "output": str(folder),
        "model": {"build": TINY},
        "data": {"task": "arithmetic", "params": {"terms": 3}},
        "rewards": {"even": {"use": f"{TOY}:even"}},
        "sampling": {"max_tokens": 8},
        "evaluation": {"prompts": 4, "metric": "even"},
    }
    for key, value in changes.items():
        merged = isinstance(value, Mapping) and isinstance(values.get(key), Mapping)
        values[key] = {**values[key], **value} if merged else value
    return parse_run({key: value for key, value in values.items() if value is not None})


def begun(config: Any) -> tuple[Run, Any]:
    """A run, and its stage before the first step."""
    run = start_run(config, Console(quiet=True), ALONE)
    return run, run.whole.begin(run._context())


def check_goes_on_to_the_same_bits(config: Any) -> None:
    """Stopped in the middle and gone on, a run of 4 steps leaves the weights, moments and log of one that was not."""
    checkpoint = config.checkpoint.model_copy(update={"every": 2, "keep": 9})
    config = config.model_copy(update={"checkpoint": checkpoint})
    whole = train(config, quiet=True)
    part = whole.with_name("part")
    shutil.copytree(whole, part)
    name = f"{config.stage}-00000"
    shutil.rmtree(part / "checkpoints" / f"{name}4")
    train(config.model_copy(update={"output": str(part), "resume": True}), quiet=True)
    _same(part, whole, exact=True)
    states = [torch.load(f / "checkpoints" / f"{name}4" / "trainer.pt", weights_only=False) for f in (part, whole)]
    for section in ("optimizer", "stage"):
        check_equal(states[0][section], states[1][section])


def check_processes_are_one(config: Any, folder: Path) -> None:
    """Two processes train as one does."""
    alone = train(config.model_copy(update={"output": str(folder / "alone")}), quiet=True)
    assert together(config.model_copy(update={"output": str(folder / "many")})) == [0, 0]
    _same(folder / "many", alone)


def check_sharded_processes_are_one(config: Any, folder: Path) -> None:
    """Two processes that each hold a part of the model train as one that holds it whole."""
    alone = config.model_copy(update={"output": str(folder / "alone")})
    sharded = config.distributed.model_copy(update={"strategy": "fsdp2"})
    assert together(config.model_copy(update={"output": str(folder / "many"), "distributed": sharded})) == [0, 0]
    _same(folder / "many", train(alone, quiet=True))


def check_equal(left: Any, right: Any) -> None:
    """The same numbers, all the way down."""
    assert type(left) is type(right)
    if isinstance(left, torch.Tensor):
        assert torch.equal(left, right)
    elif isinstance(left, Mapping):
        assert left.keys() == right.keys()
        for key in left:
            check_equal(left[key], right[key])
    elif isinstance(left, list | tuple):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            check_equal(a, b)
    else:
        assert left == right or (left != left and right != right)


def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever loads a model fails the test."""

    def loads(*_: Any, **__: Any) -> None:
        pytest.fail("a model was loaded")

    monkeypatch.setattr("veritune.trainer.stages.policy_stage.load_policy", loads)


def logps_of(model: Any, prompt: Sequence[int], completion: Sequence[int], temperature: float = 1.0) -> torch.Tensor:
    """(tokens, vocabulary) log-probs of one row by the plain model, in float32."""
    ids = torch.tensor([[*prompt, *completion]])
    logits = model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1].float()
    return torch.log_softmax(logits / temperature, -1)


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
