"""Grouped products in FP8: the layout, the products and their gradients, and experts of a model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from veritune.kernels.fp8.convert import convert_to_fp8
from veritune.kernels.fp8.grouped import fp8_grouped_linear, make_groups
from veritune.kernels.fp8.linear import FP8Linear, FP8Recipe
from veritune.kernels.fp8.quantize import quantize_blocks, quantize_rows


@pytest.mark.parametrize("counts", [[0, 5, 0], [128, 128, 1], [300, 0, 7, 129], [0, 0, 0, 2]])
def test_every_row_has_a_place_in_a_tile_of_its_expert(counts: list[int]) -> None:
    ends = torch.tensor(counts).cumsum(0).int()
    groups = make_groups(ends, sum(counts))
    experts = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    assert len(set(groups.places_S.tolist())) == sum(counts)
    assert torch.equal(groups.tiles_T[groups.places_S // 128].long(), experts)
    used = sum(-(-count // 128) for count in counts)
    assert (groups.tiles_T >= 0).sum() == used
    x = torch.randn(sum(counts), 4)
    assert torch.equal(groups.unpad(groups.pad(x)), x)
    assert float(groups.pad(x).sum()) == pytest.approx(float(x.sum()), abs=1e-4)


def exact(x: Tensor, w: Tensor, ends: Tensor) -> Tensor:
    spans = zip([0, *ends.tolist()], ends.tolist(), strict=False)
    return torch.cat([x[begin:end] @ matrix.t() for (begin, end), matrix in zip(spans, w, strict=True)])


def test_the_products_are_those_of_the_quantised_operands_and_gradients_are_near_the_exact_ones() -> None:
    torch.manual_seed(0)
    ends = torch.tensor([130, 130, 135], dtype=torch.int32)
    x, w, upstream = torch.randn(135, 128), torch.randn(3, 256, 128), torch.randn(135, 256)
    groups = make_groups(ends, 135)
    quantised = (
        quantize_rows(x).dequantize().double(),
        torch.stack([quantize_blocks(m).dequantize() for m in w]).double(),
    )
    leaves = x.clone().requires_grad_(), w.clone().requires_grad_()
    found = groups.unpad(fp8_grouped_linear(groups.pad(leaves[0]), leaves[1], groups, torch.float32))
    torch.testing.assert_close(found.double(), exact(*quantised, ends), rtol=1e-5, atol=1e-4)
    torch.autograd.backward((found * upstream).sum())
    other = x.double().requires_grad_(), w.double().requires_grad_()
    torch.autograd.backward((exact(*other, ends) * upstream).sum())
    for mine, theirs in zip(leaves, other, strict=True):
        assert mine.grad is not None
        assert theirs.grad is not None
        assert float((mine.grad - theirs.grad).norm() / theirs.grad.norm()) < 0.05
    assert leaves[1].grad is not None
    assert float(leaves[1].grad[1].abs().sum()) == 0, "an expert without rows"
    with pytest.raises(ValueError, match="multiples of 128"):
        fp8_grouped_linear(torch.zeros(640, 64), torch.zeros(3, 128, 64), groups)


def test_autocast_does_not_round_the_operands_of_the_reference() -> None:
    torch.manual_seed(0)
    groups = make_groups(torch.tensor([3, 5], dtype=torch.int32), 5)
    x, w = groups.pad(torch.randn(5, 128)), torch.randn(2, 128, 128)
    leaves = [(x.clone().requires_grad_(), w.clone().requires_grad_()) for _ in range(2)]
    plain = fp8_grouped_linear(*leaves[0], groups, torch.float32)
    torch.autograd.backward(plain.square().sum())
    with torch.autocast("cpu", torch.bfloat16):
        found = fp8_grouped_linear(*leaves[1], groups, torch.float32)
        torch.autograd.backward(found.square().sum())
    assert torch.equal(found, plain)
    for one, other in zip(*leaves, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.equal(one.grad, other.grad)


def test_a_model_runs_its_experts_and_projections_in_fp8_and_its_router_in_high_precision() -> None:
    transformers: Any = pytest.importorskip("transformers")
    from veritune.trainer.policy.experts.fp8 import experts_to_fp8
    from veritune.trainer.policy.experts.products import group_experts

    torch.manual_seed(0)
    sizes = {"hidden_size": 128, "moe_intermediate_size": 128, "intermediate_size": 128, "vocab_size": 64}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "v_head_dim": 64, "qk_nope_head_dim": 32}
    latent = {"q_lora_rank": 128, "kv_lora_rank": 96, "qk_rope_head_dim": 32}
    experts = {"n_routed_experts": 4, "num_experts_per_tok": 4, "n_group": 1, "topk_group": 1}  # none is swapped
    config = transformers.DeepseekV3Config(
        num_hidden_layers=1, first_k_dense_replace=0, pad_token_id=None, **sizes, **heads, **latent, **experts
    )
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.1)
    group_experts(model)
    ids = torch.arange(40)[None]

    def run() -> tuple[Tensor, Tensor, Tensor]:
        block = model.model.layers[0].mlp
        model.zero_grad()
        logits = model(input_ids=ids).logits[0]
        torch.autograd.backward(logits.logsumexp(-1).sum())
        return logits.detach(), block.experts.gate_up_proj.grad.clone(), block.gate.weight.grad.clone()

    before = run()
    convert_to_fp8(model, recipe=FP8Recipe("always"))
    assert experts_to_fp8(model, FP8Recipe("always")) == 1
    after = run()
    for one, other in zip(before, after, strict=True):
        assert float((one - other).norm() / one.norm()) < 0.3  # the gradient of the gates is one of differences
        assert not torch.equal(one, other)
    layer = model.model.layers[0]
    fp8 = {name for name, module in model.named_modules() if isinstance(module, FP8Linear)}
    assert {
        f"model.layers.0.self_attn.{name}" for name in ("q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "o_proj")
    } <= fp8
    assert not any("gate." in f"{name}." for name in fp8)
    assert layer.mlp.gate.weight.dtype is torch.float32
    assert all(parameter.dtype is torch.float32 for parameter in model.parameters())
