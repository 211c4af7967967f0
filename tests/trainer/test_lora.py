"""Adapters as people use them: one after another, merged, continued; what a KL is measured against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY
from veritune.plugins import ConfigError
from veritune.trainer.config import RunConfig
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.models import load_policy
from veritune.trainer.run import train

pytest.importorskip("peft", reason="adapters are peft's")
Make = Callable[..., RunConfig]
BIG = {"steps": 3, "lr": 3e-2}
LORA = {"rank": 2, "alpha": 8}


def _train(make: Make, folder: Path, model: dict[str, Any], **changes: Any) -> Path:
    return train(
        make(output=str(folder), model={"build": None, "tokenizer": None, **model}, **{"grpo": BIG, **changes}),
        quiet=True,
    )


@pytest.fixture
def base(make_config: Make, tmp_path: Path) -> Path:
    """A whole model in a folder."""
    return train(make_config(output=str(tmp_path / "base"), grpo={"steps": 1}), quiet=True) / "model"


@torch.no_grad()
def _logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model(input_ids=torch.arange(3, 23).view(2, 10)).logits.float()
    return found


def _auto(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def _start(make: Make, path: Path, **model: Any) -> Any:
    """The policy as a run on this folder begins with it."""
    return load_policy(make(model={"build": None, "path": str(path), **model}), None).model.eval()


@pytest.mark.parametrize("second", [{"lora": LORA}, {}, {"adapter": "continue"}])
def test_a_run_on_an_adapter_begins_where_the_adapter_ended(
    make_config: Make, base: Path, tmp_path: Path, second: dict[str, Any]
) -> None:
    first = _train(make_config, tmp_path / "first", {"path": str(base), "lora": LORA})
    tuned = _logits(_auto(first / "model"))
    assert float((tuned - _logits(_auto(base))).abs().max()) > 0.05  # it learnt something
    torch.testing.assert_close(_logits(_start(make_config, first / "model", **second)), tuned, atol=1e-5, rtol=1e-4)
    after = _train(make_config, tmp_path / "second", {"path": str(first / "model"), **second})
    moved = _logits(_auto(after / "model"))
    assert float((moved - tuned).abs().max()) > 1e-3
    third = _logits(_start(make_config, after / "model", **second))
    torch.testing.assert_close(third, moved, atol=1e-5, rtol=1e-4)  # and so on


def test_what_is_trained_goes_on_or_is_new(make_config: Make, base: Path, tmp_path: Path) -> None:
    first = _train(make_config, tmp_path / "first", {"path": str(base), "lora": LORA})
    whole, new, same = (
        sum(p.numel() for p in _start(make_config, first / "model", **how).parameters() if p.requires_grad)
        for how in ({}, {"lora": {"rank": 4}}, {"adapter": "continue"})
    )
    assert new == 2 * same
    assert whole > new
    with pytest.raises(ValueError, match="leave out lora"):
        make_config(model={"build": None, "path": str(first / "model"), "adapter": "continue", "lora": LORA})
    with pytest.raises(ConfigError, match="holds no adapter"):
        _start(make_config, base, adapter="continue")


def test_an_adapter_whose_base_is_gone_is_refused(make_config: Make, base: Path, tmp_path: Path) -> None:
    first = _train(make_config, tmp_path / "first", {"path": str(base), "lora": LORA})
    base.rename(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="which is not there"):
        _start(make_config, first / "model")


def test_the_weights_under_an_adapter_are_kept_where_no_folder_has_them(make_config: Make, tmp_path: Path) -> None:
    folder = train(make_config(model={"build": TINY, "lora": LORA}, grpo=BIG), quiet=True)
    assert (folder / "base" / "model.safetensors").is_file()
    loaded = _logits(_auto(folder / "model"))
    assert float((loaded - _logits(_auto(folder / "base"))).abs().max()) > 0.05
    moved = folder.rename(tmp_path / "moved")  # the base moves with it
    torch.testing.assert_close(_logits(_start(make_config, moved / "model")), loaded, atol=1e-5, rtol=1e-4)


def test_a_merged_model_is_a_standard_one_and_the_adapters_equal(make_config: Make, base: Path, tmp_path: Path) -> None:
    one = _train(make_config, tmp_path / "one", {"path": str(base), "lora": LORA})
    two = _train(make_config, tmp_path / "two", {"path": str(base), "lora": {**LORA, "save": "merged"}})
    assert not (two / "model" / "adapter_config.json").exists()
    torch.testing.assert_close(_logits(_auto(two / "model")), _logits(_auto(one / "model")), atol=1e-5, rtol=1e-4)


def test_rslora_scales_by_the_root_of_the_rank(make_config: Make) -> None:
    from veritune.trainer.data.tasks import get_task

    lora = {"rank": 4, "alpha": 8, "rslora": True}
    policy = load_policy(make_config(model={"build": TINY, "lora": lora}), get_task("arithmetic", {"terms": 3}))
    scales = {m.scaling["default"] for m in policy.model.modules() if hasattr(m, "lora_A")}
    assert scales == {4.0}


# -- the reference -----------------------------------------------------------------------------------------------------

WARM = {"warmup": {"steps": 6, "batch": 4, "lr": 1e-2}, "checkpoint": {"every": 1, "keep": 20}}


def _kl(folder: Path) -> list[float]:
    return [r["kl"] for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "grpo"]


@pytest.mark.parametrize("lora", [None, LORA])
def test_the_reference_is_the_policy_after_the_warm_up(make_config: Make, lora: dict[str, Any] | None) -> None:
    """With an adapter as without: a KL to the model before it would pull the warm-up out again."""
    grpo = {**BIG, "objective": {"beta": 0.1}}
    found = _kl(train(make_config(model={"build": TINY, "lora": lora}, grpo=grpo, **WARM), quiet=True))
    assert found[0] < 1e-6
    assert found[-1] > 1e-3


@pytest.mark.parametrize("lora", [None, LORA])
def test_reference_every_takes_the_policy_over(make_config: Make, tmp_path: Path, lora: dict[str, Any] | None) -> None:
    model = {"build": TINY, "lora": lora}
    grpo = {"steps": 4, "lr": 3e-2, "objective": {"beta": 0.1}}
    never = _kl(train(make_config(model=model, grpo=grpo, output=str(tmp_path / "never")), quiet=True))
    always = train(make_config(model=model, grpo={**grpo, "reference_every": 2}, **WARM), quiet=True)
    found = _kl(always)
    assert found[2] < 1e-6
    assert never[2] > 1e-3
    assert found[3] > 1e-6


def test_a_resume_has_the_same_reference(make_config: Make, tmp_path: Path) -> None:
    model = {"build": TINY, "lora": LORA}
    grpo = {"steps": 5, "lr": 3e-2, "objective": {"beta": 0.1}, "reference_every": 2}
    whole = train(make_config(model=model, grpo=grpo, **WARM, output=str(tmp_path / "whole")), quiet=True)
    for checkpoint in ("grpo-000003",):
        part = tmp_path / checkpoint
        (part / "checkpoints").mkdir(parents=True)
        for name in ("config.yaml", "metrics.jsonl"):
            (part / name).write_bytes((whole / name).read_bytes())
        (part / "checkpoints" / checkpoint).symlink_to(whole / "checkpoints" / checkpoint)
        train(make_config(model=model, grpo=grpo, **WARM, output=str(part), resume=True), quiet=True)
        assert _kl(part) == _kl(whole)


def test_a_kl_that_is_new_on_resume_is_said(make_config: Make, capsys: pytest.CaptureFixture[str]) -> None:
    train(make_config(grpo={"steps": 1}), quiet=True)
    train(make_config(grpo={"steps": 2, "objective": {"beta": 0.1}}, resume=True), quiet=True)
    assert "it is the policy after step 1" in capsys.readouterr().err
