"""C = A @ B.T of FP8 operands for Hopper: one warp copies, two warpgroups multiply and promote in turn.

The FP8 tensor cores sum in 14 bits, so every product of 128 columns goes to a temporary of its own and is promoted to
float32 from there (A's scale per row, B's per 128 x 128 block). A warpgroup's tensor work stands still meanwhile; the
other must fill the gap. `TILES` are two ways to do that:

- 256 x 128: each warpgroup has 128 rows, as two waves of 64. The waves take turns to be issued (named barriers): left
  alone, warpgroups that start together share the tensor cores, finish together, and leave them idle while both promote.
- 128 x 128: each warpgroup has 64 rows and two blocks of K in flight. It moves a third more data, but less is lost to
  the last, partly filled round of tiles.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
import functools
from typing import NamedTuple

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import (
    fence_async_shared,
    mbarrier,
    tma,
    warpgroup_mma,
    warpgroup_mma_wait,
)
from triton.experimental.gluon.nvidia.hopper import TensorDescriptor

# Renamed between Triton 3.6 and 3.9.
copy_in = tma.async_load if hasattr(tma, "async_load") else tma.async_copy_global_to_shared
copy_out = tma.async_store if hasattr(tma, "async_store") else tma.async_copy_shared_to_global
barrier = gl.thread_barrier if hasattr(gl, "thread_barrier") else gl.barrier
WAVE = gl.constexpr(64)
DEPTH = gl.constexpr(128)
BN = gl.constexpr(128)


class Tile(NamedTuple):
    """Rows of C, stages of shared memory, the registers that spill least, time per row over that of the first tile."""

    rows: int
    stages: int
    consumer_registers: int
    producer_registers: int
    cost: float


TILES = (Tile(256, 4, 216, 72, 1.0), Tile(128, 6, 224, 56, 1.06))


@gluon.jit
def _tile_of(t, tall, broad, GROUP: gl.constexpr):
    per_group = GROUP * broad
    top = (t // per_group) * GROUP
    height = gl.minimum(tall - top, GROUP)
    return top + (t % per_group) % height, (t % per_group) // height


@gluon.jit
def _take_turn(which):
    # Triton numbers its own barriers from 0, one for each partition and two more.
    gl.inline_asm_elementwise(
        "{ .reg .u32 i; add.u32 i, $1, 12; barrier.sync i, 256; mov.u32 $0, i; }",
        "=r,r", [which], dtype=gl.int32, is_pure=False, pack=1,
    )  # fmt: skip


@gluon.jit
def _give_turn(which):
    gl.inline_asm_elementwise(
        "{ .reg .u32 i; add.u32 i, $1, 12; barrier.arrive i, 256; mov.u32 $0, i; }",
        "=r,r", [which], dtype=gl.int32, is_pure=False, pack=1,
    )  # fmt: skip


@gluon.jit
def _producer(
    a_desc, b_desc, a_bufs, b_bufs, full, empty, M, N, K,
    ROWS: gl.constexpr, STAGES: gl.constexpr, GROUP: gl.constexpr, PROGRAMS: gl.constexpr,
):  # fmt: skip
    HALF: gl.constexpr = ROWS // 2
    tall = gl.cdiv(M, ROWS)
    broad = gl.cdiv(N, BN)
    depth = gl.cdiv(K, DEPTH)
    if ROWS == 128:
        depth += depth & 1  # past the end of K lie zeros
    step = 0
    for t in range(gl.program_id(0), tall * broad, PROGRAMS):
        pm, pn = _tile_of(t, tall, broad, GROUP)
        for k in range(depth):
            s = step % STAGES
            mbarrier.wait(empty.index(s), ((step // STAGES) & 1) ^ 1)
            mbarrier.expect(full.index(s), (ROWS + BN) * DEPTH)
            for half in gl.static_range(2):
                row = (pm * 2 + half) * HALF
                copy_in(a_desc, [row, k * DEPTH], full.index(s), a_bufs.index(s * 2 + half))
            copy_in(b_desc, [pn * BN, k * DEPTH], full.index(s), b_bufs.index(s))
            step += 1


@gluon.jit
def _store(c_desc, out, acc, row, column):
    tma.store_wait(0)
    barrier()
    out.store(acc.to(gl.bfloat16))
    fence_async_shared()
    barrier()
    copy_out(c_desc, [row, column], out)


@gluon.jit
def _wave_consumer(
    c_desc, a_bufs, b_bufs, c_bufs, full, empty, a_scales, b_scales, M, N, K, b_scale_stride,
    STAGES: gl.constexpr, GROUP: gl.constexpr, PROGRAMS: gl.constexpr, WHICH: gl.constexpr,
):  # fmt: skip
    layout: gl.constexpr = gl.NVMMADistributedLayout(version=[3, 0], warps_per_cta=[4, 1], instr_shape=[16, BN, 32])
    tall = gl.cdiv(M, 4 * WAVE)
    broad = gl.cdiv(N, BN)
    depth = gl.cdiv(K, DEPTH)
    lane = gl.arange(0, WAVE, layout=gl.SliceLayout(1, layout))
    me = gl.to_tensor(WHICH)
    other = gl.to_tensor(1 - WHICH)
    if WHICH == 1:
        _give_turn(other)
    step = 0
    for t in range(gl.program_id(0), tall * broad, PROGRAMS):
        pm, pn = _tile_of(t, tall, broad, GROUP)
        base = (pm * 2 + WHICH) * (2 * WAVE)
        acc0 = gl.zeros((WAVE, BN), gl.float32, layout)
        acc1 = gl.zeros((WAVE, BN), gl.float32, layout)
        zero = gl.zeros((WAVE, BN), gl.float32, layout)
        inside0 = base + lane < M
        inside1 = base + lane + WAVE < M
        a_row = a_scales + base + lane
        b_row = b_scales + pn * b_scale_stride
        sa0 = gl.load(a_row, mask=inside0, other=0.0)
        sa1 = gl.load(a_row + WAVE, mask=inside1, other=0.0)
        sb = gl.load(b_row)
        for k in range(depth):
            s = step % STAGES
            scale0 = sa0 * sb
            scale1 = sa1 * sb
            # The next block's scales travel while this block multiplies.
            more = k + 1 < depth
            a_row += M
            b_row += 1
            sa0 = gl.load(a_row, mask=inside0 & more, other=0.0)
            sa1 = gl.load(a_row + WAVE, mask=inside1 & more, other=0.0)
            sb = gl.load(b_row, mask=more, other=0.0)
            mbarrier.wait(full.index(s), (step // STAGES) & 1)
            a = a_bufs.index(s * 2 + WHICH)
            b = b_bufs.index(s).permute((1, 0))
            _take_turn(me)
            d = warpgroup_mma(a.slice(0, WAVE), b, zero, use_acc=False, is_async=True)
            _give_turn(other)
            d = warpgroup_mma_wait(0, deps=[d])
            acc0 += d * scale0[:, None]
            _take_turn(me)
            d = warpgroup_mma(a.slice(WAVE, WAVE), b, zero, use_acc=False, is_async=True)
            _give_turn(other)
            d = warpgroup_mma_wait(0, deps=[d])
            mbarrier.arrive(empty.index(s), count=1)
            acc1 += d * scale1[:, None]
            step += 1
        _store(c_desc, c_bufs.index(WHICH), acc0, base, pn * BN)
        _store(c_desc, c_bufs.index(WHICH), acc1, base + WAVE, pn * BN)
    tma.store_wait(0)


@gluon.jit
def _issue(a_bufs, b_bufs, full, zero, step, STAGES: gl.constexpr, WHICH: gl.constexpr):
    s = step % STAGES
    mbarrier.wait(full.index(s), (step // STAGES) & 1)
    b = b_bufs.index(s).permute((1, 0))
    return warpgroup_mma(a_bufs.index(s * 2 + WHICH), b, zero, use_acc=False, is_async=True)


@gluon.jit
def _pair_consumer(
    c_desc, a_bufs, b_bufs, c_bufs, full, empty, a_scales, b_scales, M, N, K, b_scale_stride,
    STAGES: gl.constexpr, GROUP: gl.constexpr, PROGRAMS: gl.constexpr, WHICH: gl.constexpr,
):  # fmt: skip
    layout: gl.constexpr = gl.NVMMADistributedLayout(version=[3, 0], warps_per_cta=[4, 1], instr_shape=[16, BN, 32])
    tall = gl.cdiv(M, 2 * WAVE)
    broad = gl.cdiv(N, BN)
    depth = gl.cdiv(K, DEPTH)
    lane = gl.arange(0, WAVE, layout=gl.SliceLayout(1, layout))
    step = 0
    for t in range(gl.program_id(0), tall * broad, PROGRAMS):
        pm, pn = _tile_of(t, tall, broad, GROUP)
        base = (pm * 2 + WHICH) * WAVE
        acc = gl.zeros((WAVE, BN), gl.float32, layout)
        zero = gl.zeros((WAVE, BN), gl.float32, layout)
        inside = base + lane < M
        a_row = a_scales + base + lane
        b_row = b_scales + pn * b_scale_stride
        sa0 = gl.load(a_row, mask=inside, other=0.0)
        sa1 = gl.load(a_row + M, mask=inside & (depth > 1), other=0.0)
        sb0 = gl.load(b_row)
        sb1 = gl.load(b_row + 1, mask=depth > 1, other=0.0)
        for k in range(0, depth, 2):
            d0 = _issue(a_bufs, b_bufs, full, zero, step, STAGES, WHICH)
            d1 = _issue(a_bufs, b_bufs, full, zero, step + 1, STAGES, WHICH)
            scale0 = sa0 * sb0
            scale1 = sa1 * sb1
            a_row += 2 * M
            b_row += 2
            sa0 = gl.load(a_row, mask=inside & (k + 2 < depth), other=0.0)
            sa1 = gl.load(a_row + M, mask=inside & (k + 3 < depth), other=0.0)
            sb0 = gl.load(b_row, mask=k + 2 < depth, other=0.0)
            sb1 = gl.load(b_row + 1, mask=k + 3 < depth, other=0.0)
            d = warpgroup_mma_wait(1, deps=[d0])
            mbarrier.arrive(empty.index(step % STAGES), count=1)
            acc += d * scale0[:, None]
            d = warpgroup_mma_wait(0, deps=[d1])
            mbarrier.arrive(empty.index((step + 1) % STAGES), count=1)
            acc += d * scale1[:, None]
            step += 2
        _store(c_desc, c_bufs.index(WHICH), acc, base, pn * BN)
    tma.store_wait(0)


@gluon.jit
def _consumer(
    c_desc, a_bufs, b_bufs, c_bufs, full, empty, a_scales, b_scales, M, N, K, b_scale_stride,
    ROWS: gl.constexpr, STAGES: gl.constexpr, GROUP: gl.constexpr, PROGRAMS: gl.constexpr, WHICH: gl.constexpr,
):  # fmt: skip
    if ROWS == 256:
        _wave_consumer(
            c_desc, a_bufs, b_bufs, c_bufs, full, empty, a_scales, b_scales, M, N, K, b_scale_stride,
            STAGES, GROUP, PROGRAMS, WHICH,
        )  # fmt: skip
    else:
        _pair_consumer(
            c_desc, a_bufs, b_bufs, c_bufs, full, empty, a_scales, b_scales, M, N, K, b_scale_stride,
            STAGES, GROUP, PROGRAMS, WHICH,
        )  # fmt: skip


@gluon.jit
def gemm_kernel(
    a_desc, b_desc, c_desc, a_scales, b_scales, M, N, K, b_scale_stride, ROWS: gl.constexpr, STAGES: gl.constexpr,
    CONSUMER_REGISTERS: gl.constexpr, PRODUCER_REGISTERS: gl.constexpr, GROUP: gl.constexpr, PROGRAMS: gl.constexpr,
):  # fmt: skip
    a_bufs = gl.allocate_shared_memory(a_desc.dtype, [STAGES * 2, ROWS // 2, DEPTH], a_desc.layout)
    b_bufs = gl.allocate_shared_memory(b_desc.dtype, [STAGES, BN, DEPTH], b_desc.layout)
    c_bufs = gl.allocate_shared_memory(c_desc.dtype, [2, WAVE, BN], c_desc.layout)
    full = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    empty = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    for i in gl.static_range(STAGES):
        mbarrier.init(full.index(i), count=1)
        mbarrier.init(empty.index(i), count=2)
    # fmt: off
    gl.warp_specialize(
        [
            (_consumer, (c_desc, a_bufs, b_bufs, c_bufs, full, empty, a_scales, b_scales, M, N, K, b_scale_stride,
                         ROWS, STAGES, GROUP, PROGRAMS, 0)),
            (_consumer, (c_desc, a_bufs, b_bufs, c_bufs, full, empty, a_scales, b_scales, M, N, K, b_scale_stride,
                         ROWS, STAGES, GROUP, PROGRAMS, 1)),
            (_producer, (a_desc, b_desc, a_bufs, b_bufs, full, empty, M, N, K, ROWS, STAGES, GROUP, PROGRAMS)),
        ],
        [4, 1],
        [CONSUMER_REGISTERS, PRODUCER_REGISTERS],
    )
    # fmt: on


def tile_for(m, n, programs):
    """The tile whose rounds over all processors add up to the least time."""

    def time(tile):
        tiles = -(-m // tile.rows) * -(-n // 128)
        return -(-tiles // programs) * tile.rows * tile.cost

    return min(TILES, key=time)


def constants(tile, programs):
    """The kernel's compile-time arguments for one of `TILES`."""
    return {
        "ROWS": tile.rows, "STAGES": tile.stages, "CONSUMER_REGISTERS": tile.consumer_registers,
        "PRODUCER_REGISTERS": tile.producer_registers, "GROUP": 8, "PROGRAMS": programs,
    }  # fmt: skip


@functools.cache
def layouts():
    """Shared-memory layouts of the operands and of C."""
    return (
        gl.NVMMASharedLayout.get_default_for([64, 128], gl.float8e4nv),
        gl.NVMMASharedLayout.get_default_for([64, 128], gl.bfloat16),
    )


def run(a, b, c, a_scales, b_scales, tile, programs):
    """Launches the kernel on data `[M, K]`, `[N, K]` and `[M, N]`."""
    operand, result = layouts()
    gemm_kernel[(programs,)](
        TensorDescriptor.from_tensor(a, [tile.rows // 2, 128], operand),
        TensorDescriptor.from_tensor(b, [128, 128], operand), TensorDescriptor.from_tensor(c, [64, 128], result),
        a_scales, b_scales, *c.shape, a.shape[1], b_scales.stride(0), **constants(tile, programs), num_warps=4,
        maxnreg=168,
    )  # fmt: skip
