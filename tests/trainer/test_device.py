"""Which device a run takes: every name that a config may say, with and without GPUs."""

from __future__ import annotations

import pytest
import torch

from veritune.plugins import ConfigError
from veritune.trainer.policy.models import pick_device


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two GPUs, the second of which is current: as torch tells it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)


@pytest.mark.parametrize(("name", "index"), [("auto", 1), ("cuda", 1), ("cuda:0", 0), ("cuda:1", 1)])
@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_always_has_its_index(name: str, index: int) -> None:
    """``torch.cuda.set_device`` and comparisons of devices need it."""
    assert pick_device(name) == torch.device("cuda", index)


@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="2 CUDA devices"):
        pick_device("cuda:2")


@pytest.mark.parametrize("name", ["auto", "cpu", "cpu:0"])
def test_without_a_gpu_it_is_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device(name) == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "meta", "xpu", "tpu", "", "cuda:x", "gpu"])
def test_a_device_that_cannot_be_used_is_refused_in_a_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="use"):
        pick_device(name)
