"""Every Triton operation of a token step beside plain PyTorch on random numbers; imported by ``decode_kernels.py``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from veritune.trainer.config import SamplingConfig
from veritune.trainer.rollout.decode.ops import TorchOps
from veritune.trainer.rollout.decode.plans import Kind, Plan
from veritune.trainer.rollout.decode.rows import Rows
from veritune.trainer.rollout.decode.triton_ops import TritonOps


def cuts(kind: Kind, rows: int, outputs: int, inputs: int, dtype: torch.dtype) -> Plan | None:
    """Inputs in several parts, and blocks that sizes do not fill."""
    return Plan(16, 32 if kind == "head" else 16, 16, parts=2 if kind == "product" else 1)


def cuts_for_many(kind: Kind, rows: int, outputs: int, inputs: int, dtype: torch.dtype) -> Plan | None:
    """The other order of the tensor cores' operands; the inputs in one part."""
    return Plan(64, 16, 32)


def distance(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Largest difference, of what may have been left in parts."""
    return float(((found.sum(0) if found.dim() > expected.dim() else found) - expected).abs().max())


def compare_ops(device: str) -> dict[str, object]:
    """Every operation on random numbers: rows at positions of their own, one ended, sizes that no block divides."""
    torch.manual_seed(0)
    heads, kv_heads, width, count, length, vocabulary = 6, 2, 12, 5, 64, 50
    hidden = heads * width

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, device=device)

    turn = torch.rand(length, width // 2, device=device) * 6
    weights: Any = SimpleNamespace(heads=heads, kv_heads=kv_heads, head_dim=width, eps=1e-5, scale=width**-0.5)
    weights.cos_LF, weights.sin_LF, weights.dtype = turn.cos(), turn.sin(), torch.float32
    weights.head, weights.head_bias = random(vocabulary, hidden), random(vocabulary)
    rows = Rows.empty(count, 4, torch.device(device))
    rows.positions_B.copy_(torch.tensor([0, 15, 16, 40, 63], device=device))
    rows.alive_B.copy_(torch.tensor([True, True, True, False, True], device=device))
    rows.limits_B.fill_(4)
    rows.uniforms_BT.copy_(torch.rand(count, 4, dtype=torch.float64, device=device))
    x, weight, bias = random(count, hidden), random((heads + 2 * kv_heads) * width, hidden) / 9, random(120)
    gaps: dict[str, float] = {}
    eos, alive = torch.tensor([7], device=device), rows.alive_B.clone()
    torch_ops = TorchOps()
    for name, ops in {
        "few": TritonOps(block=16, parts=1, plans=cuts),
        "parts": TritonOps(block=16, parts=4, plans=cuts_for_many),
    }.items():
        for each in (bias, None):
            gaps[f"{name} product"] = distance(ops.product(x, weight, each), torch_ops.product(x, weight, each))
            gaps[f"{name} gated"] = distance(ops.gated(x, weight, each), torch_ops.gated(x, weight, each))
        for norm in (None, torch.rand(width, device=device) + 0.5):
            layer: Any = SimpleNamespace(query_norm=norm, key_norm=norm)
            key, value = random(count, kv_heads, length, width), random(count, kv_heads, length, width)
            other_key, other_value = key.clone(), value.clone()
            qkv = ops.product(x, weight, bias)
            whole = qkv.sum(0) if qkv.dim() > 2 else qkv
            mixed = ops.rotate_attend(qkv, key, value, rows, length, layer, weights)
            expected = torch_ops.rotate_attend(whole, other_key, other_value, rows, length, layer, weights)
            gaps[f"{name} attention {norm is not None}"] = distance(mixed[alive], expected[alive])
            for name_of, a, b in (("keys", key, other_key), ("values", value, other_value)):
                gaps[f"{name} {name_of} {norm is not None}"] = distance(a[alive], b[alive])
        residuals = [x.clone(), x.clone()]
        delta = ops.product(x, random(hidden, hidden), None)
        summed = delta.sum(0) if delta.dim() > 2 else delta
        found = ops.add_norm(residuals[0], delta, weight[0], weights)
        gaps[f"{name} norm"] = distance(found, torch_ops.add_norm(residuals[1], summed, weight[0], weights))
        gaps[f"{name} residual"] = distance(*residuals)
        states = []
        for each_ops in (ops, torch_ops):
            copy = Rows(*(tensor.clone() for tensor in rows.tensors()))
            each_ops.draw(x, copy, SamplingConfig(temperature=0.9), eos, weights)
            states.append(copy)
        for a, b in zip(states[0].tensors(), states[1].tensors(), strict=True):
            gaps[f"{name} draw"] = max(gaps.get(f"{name} draw", 0.0), distance(a.double(), b.double()))
    worst = max(gaps, key=lambda each: gaps[each])
    return {"equal": gaps[worst] < 1e-3, "gap": gaps[worst], "worst": worst}
