"""Weights in bfloat16: what transformers keeps in float32 stays so, and adapters are merged piece by piece."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.decode_models import make_model
from veritune.trainer.config import LoraConfig
from veritune.trainer.policy.experts.routers import in_bfloat16
from veritune.trainer.policy.layers import Weights
from veritune.trainer.policy.lora import with_lora

FAR = torch.arange(4000, 4008)[None]
"""Positions at which a frequency that is rounded to 8 bits has turned somewhere else."""


@torch.no_grad()
@pytest.mark.parametrize("name", ["qwen2", "llama3", "qwen2-yarn"])
def test_the_model_in_bfloat16_is_the_one_that_transformers_loads_in_it(name: str, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model, _ = make_model(name)
    model.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16).eval()
    ours = in_bfloat16(model)
    ids = torch.arange(3, 11)[None]
    assert torch.equal(ours(ids, position_ids=FAR).logits, loaded(ids, position_ids=FAR).logits)
    weights = Weights(ours, torch.bfloat16)
    weights.prepare(4008)
    assert torch.equal(
        weights.cos_LF[FAR[0]], loaded.model.rotary_emb(torch.zeros(1), FAR)[0][0, :, : weights.head_dim // 2]
    )


def test_an_adapter_is_merged_for_the_sampler_a_few_matrices_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once they would be the base model once more, in float32."""
    pytest.importorskip("peft", reason="adapters are peft's")
    model, _ = make_model("qwen2")
    decoder = model.get_decoder()
    decoder.layers.extend(copy.deepcopy(decoder.layers[0]) for _ in range(6))
    adapted = with_lora(model, LoraConfig(rank=2))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    own = {p.data_ptr() for p in adapted.parameters()}
    made: list[int] = []
    copied = torch._foreach_copy_

    def counted(targets: list[Any], sources: list[torch.Tensor]) -> None:
        made.append(sum(source.numel() for source in sources if source.data_ptr() not in own))
        copied(targets, sources)

    monkeypatch.setattr(torch, "_foreach_copy_", counted)
    weights = Weights(adapted, torch.float32)
    merged = sum(
        layer.qkv.numel() + layer.out.numel() + layer.gate_up.numel() + layer.down.numel() for layer in weights.layers
    )
    assert sum(made) == merged
    assert max(made) < merged / 3
    query = decoder.layers[3].self_attn.q_proj
    wanted = query.base_layer.weight + query.get_delta_weight("default")
    assert torch.equal(weights.layers[3].qkv[: len(wanted)], wanted)
