"""Adapters on a model with routed experts: every linear layer has one, dense and shared MLPs too."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.mtp_models import make_model
from veritune.plugins import ConfigError
from veritune.trainer.config import LoraConfig
from veritune.trainer.policy.lora import load_adapter, merged, with_lora

pytest.importorskip("peft")
pytest.importorskip("peft.utils.transformers_weight_conversion")

IDS = torch.tensor([[3, 4, 5, 6, 7]])


def adapted(kind: str, **options: Any) -> Any:
    torch.manual_seed(1)
    model = with_lora(make_model(kind, None, torch.float32).eval(), LoraConfig(rank=2, **options))
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def without(model: Any) -> list[str]:
    """Linear layers but the head that no adapter changes, and experts."""
    names = {n.partition(".lora_")[0].removesuffix(".base_layer") for n, _ in model.named_parameters() if "lora_" in n}
    base = make_model("deepseek_v3", None, torch.float32)
    linear = [n for n, m in base.named_modules() if isinstance(m, torch.nn.Linear) and n != "lm_head"]
    experts = [n for n, m in base.named_modules() if n.endswith(".experts")]
    assert experts
    assert any("shared_experts" in name for name in linear)
    return [name for name in (*linear, *experts) if f"base_model.model.{name}" not in names]


def test_every_linear_layer_has_an_adapter_and_nothing_is_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model = adapted("deepseek_v3")
    assert without(model) == []


@pytest.mark.parametrize("targets", [["gate_proj", "up_proj", "down_proj"], r".*\.(gate|up|down)_proj"])
def test_names_mean_the_experts_and_the_dense_and_shared_layers(targets: Any) -> None:
    left = without(adapted("deepseek_v3", targets=targets))
    assert left
    assert all("self_attn" in name for name in left)


def test_it_is_merged_and_loaded_as_it_computes(tmp_path: Path) -> None:
    model = adapted("deepseek_v3")
    logits = model(IDS).logits
    assert not torch.allclose(logits, make_plain()(IDS).logits, atol=1e-3)
    torch.testing.assert_close(merged(model)(IDS).logits, logits, rtol=1e-4, atol=1e-4)
    model.save_pretrained(tmp_path)
    for go_on in (True, False):
        loaded = load_adapter(make_plain(), str(tmp_path), go_on)
        torch.testing.assert_close(loaded(IDS).logits, logits, rtol=1e-4, atol=1e-4)


def make_plain() -> Any:
    return make_model("deepseek_v3", None, torch.float32).eval()


def test_dropout_is_refused_where_experts_are_adapted_and_only_there() -> None:
    with pytest.raises(ConfigError, match=r"^model\.lora\.dropout: 0.1, and peft has none for routed experts"):
        adapted("deepseek_v3", dropout=0.1)
    assert without(adapted("deepseek_v3", dropout=0.1, targets=["o_proj"]))
