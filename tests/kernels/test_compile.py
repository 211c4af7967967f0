"""Offline compilation, without a GPU: no kernel spills registers, and products use the tensor cores of sm_90."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

triton = pytest.importorskip("triton")

HEAD = {
    "hidden": "*bf16", "weight": "*bf16", "bias": "*bf16", "targets": "*i64", "target_z": "*fp32", "anchors": "*fp32",
    "sums": "*fp32", "weighted": "*fp32", "logp": "*fp32", "entropy": "*fp32", "mean": "*fp32", "e": "*bf16",
    "grad_logp": "*fp32", "grad_entropy": "*fp32", "row_scale": "*fp32", "scaled": "*bf16", "x": "*bf16",
    "out": "*bf16", "partial": "*fp32", "partial_w": "*fp32", "factor": "*fp32", "cap": "fp32", "to_base2": "fp32",
    "from_base2": "fp32", "inverse_temperature": "fp32", "limit": "fp32", "logits": "*bf16", "grads": "*bf16",
    "mask": "*i1", "lse": "*fp32", "peak": "*fp32", "student": "*fp32", "teacher": "*fp32", "value": "*fp32",
    "bases_s": "*fp32", "bases_t": "*fp32", "lse_s": "*fp32", "lse_t": "*fp32", "center": "*fp32",
    "upstream": "*fp32", "cap_s": "fp32", "cap_t": "fp32", "share": "fp32", "q": "*fp8e4nv", "s": "*fp32",
    "qt": "*i32", "st": "*fp32", "count": "*i32", "a_scales": "*fp32", "b_scales": "*fp32",
}  # fmt: skip
ALIGNED = ("V", "H", "K", "M", "N", "stride", "hidden_stride", "e_stride", "width")


def descriptor(dtype: str, rows: int, columns: int) -> str:
    return f"tensordesc<{dtype}[{rows}, {columns}]>"


def resources(
    kernel: Any, constants: dict[str, Any], options: dict[str, int], capability: int = 90, **types: str
) -> tuple[int, str]:
    """Bytes of local memory a thread (where spills go), and the machine code."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.experimental.gluon._runtime import GluonASTSource, GluonJITFunction

    names = list(kernel.arg_names)
    signature = {n: "constexpr" if n in constants else {**HEAD, **types}.get(n, "i32") for n in names}
    aligned = {
        (i,): [["tt.divisibility", 16]] for i, n in enumerate(names) if signature[n].startswith("*") or n in ALIGNED
    }
    of_kind = GluonASTSource if isinstance(kernel, GluonJITFunction) else ASTSource
    source = of_kind(kernel, signature, {(names.index(n),): v for n, v in constants.items()}, aligned)
    compiled = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    tool = next(Path(triton.__file__).parent.rglob("cuobjdump"), None)
    if tool is None:
        pytest.skip("this Triton carries no cuobjdump")
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        usage = subprocess.run([str(tool), "--dump-resource-usage", file.name], capture_output=True, text=True).stdout
        code = subprocess.run([str(tool), "--dump-sass", file.name], capture_output=True, text=True).stdout
    found = re.search(r"STACK:(\d+)", usage)
    assert found, usage
    return int(found.group(1)), code


@pytest.mark.parametrize(
    ("cap", "slope", "counted"), [(False, False, False), (False, False, True), (True, False, True), (True, True, True)]
)
def test_linear_exp_kernel_multiplies_on_tensor_cores_without_spills(cap: bool, slope: bool, counted: bool) -> None:
    from veritune.kernels.linear import triton_kernels as kernels

    flags = {
        "BIAS": False,
        "CAP": cap,
        "SUMS": True,
        "ENTROPY": True,
        "STORE": True,
        "SLOPE": slope,
        "COUNTED": counted,
    }
    tile = {"BM": 128, "BN": 256, "BK": 64, "GROUP": 16, "STAGES": 3, "PROGRAMS": 132, "QUARTERS": slope}
    spilled, code = resources(
        kernels.exp_kernel, {**tile, **flags}, {"num_warps": 8, "num_stages": 3}, h_desc=descriptor("bf16", 128, 64),
        w_desc=descriptor("bf16", 256, 64), e_desc=descriptor("bf16", 128, 64 if slope else 128),
    )  # fmt: skip
    assert spilled == 0
    assert "HGMMA" in code
    assert "UTMALDG" in code


def test_fp8_product_kernel_multiplies_on_tensor_cores_without_spills() -> None:
    from veritune.kernels.fp8 import triton_gemm

    constants = {"BM": 128, "BN": 128, "GROUP": 8, "PROGRAMS": 132, "STAGES": 4, "B_ROWS": False}
    spilled, code = resources(
        triton_gemm.gemm_kernel, constants, {"num_warps": 8, "num_stages": 4}, a_desc=descriptor("fp8e4nv", 128, 128),
        b_desc=descriptor("fp8e4nv", 128, 128), c_desc=descriptor("bf16", 128, 128),
    )  # fmt: skip
    assert spilled == 0
    assert "QGMMA" in code


@pytest.mark.parametrize("name", ["rows_kernel", "sums_kernel"])
@pytest.mark.parametrize("out", ["bf16", "fp32"])
def test_grouped_fp8_kernels_multiply_on_tensor_cores_without_spills(name: str, out: str) -> None:
    from veritune.kernels.fp8 import triton_grouped

    rows, warps = (128, 8) if out == "bf16" else (64, 4)
    spilled, code = resources(
        getattr(triton_grouped, name), {"BM": rows, "BN": 128, "STAGES": 4}, {"num_warps": warps, "num_stages": 4},
        a_desc=descriptor("fp8e4nv", rows, 128), b_desc=descriptor("fp8e4nv", 128, 128),
        c_desc=descriptor(out, rows, 128), tiles="*i32", starts="*i32",
    )  # fmt: skip
    assert spilled == 0
    assert "QGMMA" in code
    assert "UTMALDG" in code


@pytest.mark.parametrize("tile", range(2))
def test_gluon_product_kernel_multiplies_on_tensor_cores(tile: int) -> None:
    from veritune.kernels.fp8 import gluon_gemm

    kernel: Any = gluon_gemm
    operand, result = kernel.layouts()
    rows = kernel.TILES[tile].rows
    spilled, code = resources(
        kernel.gemm_kernel, kernel.constants(kernel.TILES[tile], 132), {"num_warps": 4, "maxnreg": 168},
        a_desc=f"tensordesc<fp8e4nv[{rows // 2}, 128],{operand!r}>",
        b_desc=f"tensordesc<fp8e4nv[128, 128],{operand!r}>", c_desc=f"tensordesc<bf16[64, 128],{result!r}>",
    )  # fmt: skip
    # Two accumulators and a temporary fill the registers of the tall tile: a few numbers it seldom needs are spilled.
    assert spilled <= (16 if rows == 256 else 0)
    # Two warpgroups, two products each in the body of the loop; one fused operation promotes an element.
    assert code.count("QGMMA.64x128x32") == 2 * 2 * 4
    assert len(re.findall(r"\bFFMA\b", code)) == 2 * 2 * 64


@pytest.mark.parametrize(("m", "n", "rows"), [(4096, 3584, 128), (4096, 4096, 256), (16384, 3584, 256), (5, 128, 128)])
def test_a_finer_gluon_tile_is_taken_where_the_last_round_would_be_nearly_empty(m: int, n: int, rows: int) -> None:
    from veritune.kernels.fp8 import gluon_gemm

    kernel: Any = gluon_gemm
    assert kernel.tile_for(m, n, 132).rows == rows


@pytest.mark.parametrize("capability", [90, 100])
def test_memory_bound_kernels_do_not_spill(capability: int) -> None:
    from veritune.kernels.distillation import triton_kernels as divergence
    from veritune.kernels.fp8 import triton_quantize as quantise
    from veritune.kernels.linear import triton_kernels as linear
    from veritune.kernels.logits import triton_kernels as logits

    on_row = {"LANES": 1024, "DEPTH": 4, "STAGES": 3, "ENTROPY": True, "MASK": False}
    settle = {
        "ROWS": 16,
        "BN": 64,
        "BK": 64,
        "BIAS": False,
        "CAP": False,
        "ENTROPY": True,
        "STORE": True,
        "SLOPE": False,
    }
    caps = {"CAP_S": False, "CAP_T": False, "MASK": True}
    jobs: list[tuple[Any, dict[str, Any], int]] = [
        (logits.forward_kernel, on_row, 4),
        (logits.backward_kernel, {"BLOCK": 4096, "MASK": False}, 4),
        (linear.settle_kernel, {**settle, "COUNTED": False}, 4),
        (linear.settle_kernel, {**settle, "COUNTED": True}, 4),
        (linear.patch_kernel, {"BLOCK": 1024, "CAP": False, "ENTROPY": False, "SCALED": True}, 4),
        (divergence.forward_kernel, {"LANES": 4096, "KIND": 4, **caps}, 8),
        (divergence.backward_kernel, {"BLOCK": 2048, "KIND": 4, **caps}, 8),
        (quantise.rows_kernel, {"ROWS": 16, "GROUPS": 4, "POW2": False, "ASM": True}, 8),
        (quantise.rows_both_kernel, {"POW2": False, "ASM": True, "GROUP": 8}, 4),
        (quantise.blocks_kernel, {"BOTH": True, "EVEN": True, "POW2": True, "ASM": True}, 8),
    ]
    for kernel, constants, warps in jobs:
        spilled, _ = resources(kernel, constants, {"num_warps": warps}, capability)
        assert spilled == 0, kernel
