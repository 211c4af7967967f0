"""`fp8_matmul`: a product of block-quantised matrices by the fastest back-end that is right for the shape."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, Literal, cast, get_args

import torch

from veritune.kernels.backend import compute_capability, has_triton, interpreting, on_own_gpu
from veritune.kernels.fp8 import measure, reference
from veritune.kernels.fp8.blocks import BLOCK, BlockQuantized, ceil_div

logger = logging.getLogger(__name__)
Engine = Literal["auto", "cublaslt", "gluon", "triton", "reference"]
_Run = Callable[[BlockQuantized, BlockQuantized, torch.dtype], torch.Tensor]


@on_own_gpu
def fp8_matmul(
    a: BlockQuantized, b: BlockQuantized, out_dtype: torch.dtype = torch.bfloat16, *, engine: Engine = "auto"
) -> torch.Tensor:
    """a @ b.T, `[M, K] x [N, K] -> [M, N]`, summed in float32 with each block's scales applied every 128 columns.

    `a` has 1 x 128 blocks, `b` 1 x 128 or 128 x 128. On CUDA `engine="auto"` times the engines once per shape (M
    rounded up), keeps those whose result is right on a sample, takes the fastest, and remembers it: cuBLASLt's block
    scaling (`torch.nn.functional.scaled_mm`), the Gluon kernel (Hopper, 128 x 128 weights, bfloat16 out) and the
    Triton kernel. Elsewhere the PyTorch reference runs.

    Raises:
        ValueError: the operands do not fit each other, or the engine named cannot run them.
    """
    if engine not in get_args(Engine):
        raise ValueError(f"engine={engine!r}: expected one of {', '.join(get_args(Engine))}")
    if a.block != (1, BLOCK) or a.data.shape[1] != b.data.shape[1]:
        raise ValueError(
            f"cannot multiply blocks {a.block} of {tuple(a.data.shape)} with blocks {b.block} of {tuple(b.data.shape)}"
            ": expected a in 1 x 128 blocks and the same number of columns in both"
        )
    if engine == "auto":
        return _fastest(a, b, out_dtype)(a, b, out_dtype)
    if engine not in candidates(a, b, out_dtype):
        able = ", ".join(candidates(a, b, out_dtype)) or "none"
        raise ValueError(f"engine={engine!r} cannot run this product on {a.data.device}: able are {able}")
    return _ENGINES[engine](a, b, out_dtype)


def candidates(a: BlockQuantized, b: BlockQuantized, out_dtype: torch.dtype) -> list[str]:
    """Names of the engines that can run this product."""
    able = ["reference"]
    k, n = a.data.shape[1], b.data.shape[0]
    whole = k % BLOCK == 0 and n % 16 == 0
    if interpreting() and a.data.device.type == "cpu":
        return ["triton", *able]
    if compute_capability(a.data) < (9, 0) or out_dtype not in (torch.bfloat16, torch.float32):
        return able
    if has_triton() and whole:
        able.insert(0, "triton")
        hopper = compute_capability(a.data)[0] == 9
        if hopper and b.block[0] == BLOCK and out_dtype is torch.bfloat16 and _has_gluon():
            able.insert(0, "gluon")
    if _has_block_scaling() and whole and a.data.shape[0] % 4 == 0:
        able.insert(0, "cublaslt")
    return able


def _fastest(a: BlockQuantized, b: BlockQuantized, out_dtype: torch.dtype) -> _Run:
    names = candidates(a, b, out_dtype)
    fast = [name for name in names if name != "reference"]
    if not fast or a.data.device.type != "cuda":
        return _ENGINES["reference"]
    m, n, k = measure.bucket(a.data.shape[0]), b.data.shape[0], a.data.shape[1]
    key = f"gemm {m}x{n}x{k} {b.block[0]}x{b.block[1]} {str(out_dtype).removeprefix('torch.')}"
    known = measure.recall(key, a.data.device)
    if known in fast:
        return _ENGINES[known]
    if len(fast) == 1 or measure.capturing():
        return _ENGINES[fast[0]]
    if not _finite(a, b):
        return _ENGINES[fast[0]]  # no result can be compared with these operands: the choice waits for others
    able: dict[str, Callable[[], object]] = {}
    for name in fast:
        run = functools.partial(_ENGINES[name], a, b, out_dtype)
        try:
            if _right(run(), a, b):
                able[name] = run
        except Exception as problem:  # it does not take the shape, does not compile or does not fit: the others do
            logger.info("the FP8 engine %s does not run %s: %s", name, key, problem)
    if not able:
        return _ENGINES["reference"]
    try:
        with torch.cuda.device(a.data.device):
            times = measure.race(able) if len(able) > 1 else dict.fromkeys(able, 0.0)
    except torch.OutOfMemoryError:
        return _ENGINES[next(iter(able))]
    best = min(times, key=lambda name: times[name])
    measure.remember(key, best, a.data.device)
    return _ENGINES[best]


def _finite(*operands: BlockQuantized) -> bool:
    """Whether every block has a finite scale, that is a finite maximum."""
    return all(bool(torch.isfinite(q.scales).all()) for q in operands)


def _right(out: torch.Tensor, a: BlockQuantized, b: BlockQuantized) -> bool:
    """Whether the corner tiles of `out` agree with the dequantised product."""

    def ends(q: BlockQuantized) -> tuple[BlockQuantized, BlockQuantized]:
        size = min(BLOCK, q.data.shape[0])
        last = (q.data.shape[0] - 1) // BLOCK * BLOCK
        tail = q.scales[last:] if q.block[0] == 1 else q.scales[last // BLOCK :]
        head = q.scales[:size] if q.block[0] == 1 else q.scales[:1]
        width = q.data.shape[1]
        return BlockQuantized(q.data[:size], head, q.block, width), BlockQuantized(q.data[last:], tail, q.block, width)

    for mine, rows in zip(ends(a), (slice(0, BLOCK), slice((out.shape[0] - 1) // BLOCK * BLOCK, None)), strict=True):
        for other, cols in zip(
            ends(b), (slice(0, BLOCK), slice((out.shape[1] - 1) // BLOCK * BLOCK, None)), strict=True
        ):
            expected = reference.matmul(mine, other, torch.float32)
            error = (out[rows, cols].float() - expected).norm() / expected.norm().clamp_min(1e-30)
            if not bool(error < 1e-2):
                return False
    return True


@functools.cache
def _has_block_scaling() -> bool:
    return hasattr(torch.nn.functional, "scaled_mm") and hasattr(torch.nn.functional, "ScalingType")


@functools.cache
def _has_gluon() -> bool:
    try:
        from veritune.kernels.fp8 import gluon_gemm  # noqa: F401
    except ImportError:
        return False
    return True


def _cublaslt(a: BlockQuantized, b: BlockQuantized, out_dtype: torch.dtype) -> torch.Tensor:
    functional: Any = torch.nn.functional
    by_row, by_block = functional.ScalingType.BlockWise1x128, functional.ScalingType.BlockWise128x128
    scales = b.scales
    if b.block[0] == BLOCK:
        # The whole padded row, seen the other way round: [K / 128 rounded up to four, N / 128].
        scales = scales.as_strided((scales.stride(0), scales.shape[0]), (1, scales.stride(0)))
    result: torch.Tensor = functional.scaled_mm(
        a.data, b.data.t(), a.scales, by_row, scales, by_row if b.block[0] == 1 else by_block, output_dtype=out_dtype
    )
    return result


def _triton(a: BlockQuantized, b: BlockQuantized, out_dtype: torch.dtype) -> torch.Tensor:
    from triton.tools.tensor_descriptor import TensorDescriptor

    from veritune.kernels.fp8 import triton_gemm

    m, n, k = a.data.shape[0], b.data.shape[0], a.data.shape[1]
    out = torch.empty((m, n), dtype=out_dtype, device=a.data.device)
    bm = bn = BLOCK
    on_cpu = a.data.device.type == "cpu"
    programs = 2 if on_cpu else _processors(a.data.device.index or 0)
    half = 64 if out_dtype is torch.float32 and not on_cpu else bm
    triton_gemm.gemm_kernel[(min(programs, ceil_div(m, half) * ceil_div(n, bn)),)](
        TensorDescriptor.from_tensor(a.data, [half, BLOCK]), TensorDescriptor.from_tensor(b.data, [bn, BLOCK]),
        TensorDescriptor.from_tensor(out, [half, bn]), a.scales, b.scales, m, n, k,
        b.scales.stride(0) if b.block[0] == BLOCK else 0, BM=half, BN=bn, GROUP=8,
        PROGRAMS=min(programs, ceil_div(m, half) * ceil_div(n, bn)), STAGES=4, B_ROWS=b.block[0] == 1,
        num_warps=4 if half == 64 else 8, num_stages=4,
    )  # fmt: skip
    return out


def _gluon(a: BlockQuantized, b: BlockQuantized, out_dtype: torch.dtype) -> torch.Tensor:
    from veritune.kernels.fp8 import gluon_gemm

    m, n = a.data.shape[0], b.data.shape[0]
    out = torch.empty((m, n), dtype=out_dtype, device=a.data.device)
    programs = _processors(a.data.device.index or 0)
    kernel = cast(Any, gluon_gemm)
    kernel.run(a.data, b.data, out, a.scales, b.scales, kernel.tile_for(m, n, programs), programs)
    return out


@functools.cache
def _processors(index: int) -> int:
    return torch.cuda.get_device_properties(index).multi_processor_count


_ENGINES: dict[str, _Run] = {
    "cublaslt": _cublaslt,
    "gluon": _gluon,
    "triton": _triton,
    "reference": reference.matmul,
}
