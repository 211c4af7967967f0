"""How the products of a token step are cut into programs: from the sizes alone, so that a run can be repeated bit by
bit, which a choice by timing could not. The numbers come from ``benchmarks/decode_tune.py`` on one H200."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
import triton

Kind = Literal["product", "gated", "head"]
FEWEST_ROWS, MOST_ROWS = 33, 128
"""For fewer or more rows a product is cuBLAS's. Fewer were not measured; with more it is bound by arithmetic."""
PROCESSORS = 132
"""Of an H100 or H200."""


@dataclass(frozen=True)
class Plan:
    """``rows`` × ``outputs`` of one program, ``inputs`` of one step of its loop, ``parts`` of all inputs.

    ``ahead``: inputs of each of its weight rows that a program asks for while the kernel before still runs.
    """

    rows: int
    outputs: int
    inputs: int
    parts: int = 1
    warps: int = 4
    stages: int = 4
    ahead: int = 512

    @property
    def swap(self) -> bool:
        """Tensor cores want 64 rows of their first operand: with fewer completions it is the weight."""
        return self.rows < 64


def plan(kind: Kind, rows: int, outputs: int, inputs: int, dtype: torch.dtype) -> Plan | None:
    """The plan, None where cuBLAS is to run."""
    if not FEWEST_ROWS <= rows <= MOST_ROWS or dtype is torch.float32:  # whose exact products no tensor core has
        return None
    block = min(128, triton.next_power_of_2(rows))
    large = block == 128
    if kind == "head":
        found = (
            Plan(block, 128, 64, warps=8, stages=3, ahead=256) if large else Plan(block, 64, 64, stages=5, ahead=256)
        )
    elif kind == "gated":
        found = Plan(block, 64, 64, warps=8, ahead=inputs) if large else Plan(block, 32, 64, ahead=0)
    elif inputs > 4096 and not large:
        return None
    else:
        # a projection wider than its input is the queries', keys' and values': attention reads every part again
        few = large and outputs > inputs
        warps, ahead = 8 if large and not few else 4, inputs if large else 512
        found = Plan(block, 32 if few else 64, 64, warps=warps, stages=5, ahead=ahead)
        steps = triton.cdiv(inputs, found.inputs)
        parts = max(1, min(3 if few else 8, PROCESSORS // triton.cdiv(outputs, found.outputs), steps))
        found = replace(found, parts=triton.cdiv(steps, triton.cdiv(steps, parts)))
    return found
