"""A policy small enough for a test, and configs that train it in a second."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # where torch is absent this file is still read, and its fixtures skip
    from veritune.trainer.config import RunConfig
    from veritune.trainer.policy.models import Policy

TOY = Path(__file__).with_name("toy_rewards.py")
TINY = {
    "model_type": "qwen3",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
}


def tiny_config(folder: Path, **changes: Any) -> RunConfig:
    """A run config of seconds, in a folder; keyword arguments replace whole sections or values."""
    from veritune.trainer.config import parse_config

    values: dict[str, Any] = {
        "output": str(folder / "run"),
        "model": {"build": TINY},
        "data": {"task": "arithmetic", "params": {"terms": 3}},
        "rewards": {"even": {"use": f"{TOY}:even"}, "short": {"use": f"{TOY}:short", "weight": 0.5}},
        "grpo": {"steps": 3, "prompts": 3, "samples": 4, "lr": 1e-3},
        "sampling": {"max_tokens": 8},
        "evaluation": {"prompts": 4, "metric": "even"},
    }
    for key, value in changes.items():
        if isinstance(value, dict) and key != "rewards":
            values[key] = {**values.get(key, {}), **value}
        else:
            values[key] = value
    return parse_config(values)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs of a test need not outlive a machine that loses its power: every checkpoint waits for the disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., RunConfig]:
    """A run config of seconds; keyword arguments replace whole sections or values."""

    return partial(tiny_config, tmp_path)


@pytest.fixture
def policy(make_config: Callable[..., RunConfig]) -> Policy:
    """A random tiny model with the arithmetic task's vocabulary."""
    import torch

    from veritune.trainer.data.tasks import get_task
    from veritune.trainer.policy.models import load_policy

    torch.manual_seed(0)
    made = load_policy(make_config(), get_task("arithmetic", {"terms": 3}))
    for parameter in made.model.parameters():
        parameter.data *= 2  # spread-out distributions: a uniform policy would hide mistakes
    return made
