"""C = A @ B.T of FP8 operands for Hopper: one warp copies, two warpgroups multiply and promote in turn.

A tile of C is 256 x 128. Each consumer warpgroup owns 128 rows as two waves of 64: while one wave's product is
promoted to float32 (A's scale per row, B's per 128 x 128 block), the other warpgroup keeps the tensor cores busy.
216 registers a consumer and 72 for the producer: more on either side spills.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
import functools

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


@gluon.jit
def _tile_of(t, tall, broad, GROUP: gl.constexpr):
    per_group = GROUP * broad
    top = (t // per_group) * GROUP
    height = gl.minimum(tall - top, GROUP)
    return top + (t % per_group) % height, (t % per_group) // height


@gluon.jit
def _producer(
    a_desc, b_desc, a_bufs, b_bufs, full, empty, M, N, K,
    BM: gl.constexpr, BN: gl.constexpr, GROUP: gl.constexpr, STAGES: gl.constexpr, PROGRAMS: gl.constexpr,
):  # fmt: skip
    tall = gl.cdiv(M, BM)
    broad = gl.cdiv(N, BN)
    step = 0
    for t in range(gl.program_id(0), tall * broad, PROGRAMS):
        pm, pn = _tile_of(t, tall, broad, GROUP)
        for k in range(gl.cdiv(K, DEPTH)):
            s = step % STAGES
            mbarrier.wait(empty.index(s), ((step // STAGES) & 1) ^ 1)
            mbarrier.expect(full.index(s), (BM + BN) * DEPTH)
            for j in gl.static_range(BM // WAVE):
                copy_in(a_desc, [pm * BM + j * WAVE, k * DEPTH], full.index(s), a_bufs.index(s * (BM // WAVE) + j))
            copy_in(b_desc, [pn * BN, k * DEPTH], full.index(s), b_bufs.index(s))
            step += 1


@gluon.jit
def _consumer(
    c_desc, a_bufs, b_bufs, c_bufs, full, empty, a_scales, b_scales, M, N, K, b_scale_stride,
    BM: gl.constexpr, BN: gl.constexpr, GROUP: gl.constexpr, STAGES: gl.constexpr, PROGRAMS: gl.constexpr,
    WHICH: gl.constexpr,
):  # fmt: skip
    layout: gl.constexpr = gl.NVMMADistributedLayout(version=[3, 0], warps_per_cta=[4, 1], instr_shape=[16, BN, 32])
    tall = gl.cdiv(M, BM)
    broad = gl.cdiv(N, BN)
    depth = gl.cdiv(K, DEPTH)
    lane = gl.arange(0, WAVE, layout=gl.SliceLayout(1, layout))
    step = 0
    for t in range(gl.program_id(0), tall * broad, PROGRAMS):
        pm, pn = _tile_of(t, tall, broad, GROUP)
        base = pm * BM + WHICH * (2 * WAVE)
        acc0 = gl.zeros((WAVE, BN), gl.float32, layout)
        acc1 = gl.zeros((WAVE, BN), gl.float32, layout)
        zero = gl.zeros((WAVE, BN), gl.float32, layout)
        # Rows past the end read the last row's scale: the store leaves them out.
        row0 = gl.minimum(lane, M - 1 - base)
        row1 = gl.minimum(lane + WAVE, M - 1 - base)
        a_row = a_scales + base
        b_row = b_scales + (pn * BN // 128) * b_scale_stride
        sa0 = gl.load(a_row + row0)
        sa1 = gl.load(a_row + row1)
        sb = gl.load(b_row)
        for k in range(depth):
            s = step % STAGES
            scale0 = sa0 * sb
            scale1 = sa1 * sb
            # The next block's scales travel while this block multiplies.
            ahead = gl.minimum(k + 1, depth - 1)
            sa0 = gl.load(a_row + ahead * M + row0)
            sa1 = gl.load(a_row + ahead * M + row1)
            sb = gl.load(b_row + ahead)
            mbarrier.wait(full.index(s), (step // STAGES) & 1)
            b = b_bufs.index(s).permute((1, 0))
            a_at = s * (BM // WAVE) + WHICH * 2
            d = warpgroup_mma(a_bufs.index(a_at), b, zero, use_acc=False, is_async=True)
            d = warpgroup_mma_wait(0, deps=[d])
            acc0 += d * scale0[:, None]
            d = warpgroup_mma(a_bufs.index(a_at + 1), b, zero, use_acc=False, is_async=True)
            d = warpgroup_mma_wait(0, deps=[d])
            mbarrier.arrive(empty.index(s), count=1)
            acc1 += d * scale1[:, None]
            step += 1
        tma.store_wait(0)
        out = c_bufs.index(WHICH)
        out.store(acc0.to(gl.bfloat16))
        fence_async_shared()
        barrier()
        copy_out(c_desc, [base, pn * BN], out)
        tma.store_wait(0)
        barrier()
        out.store(acc1.to(gl.bfloat16))
        fence_async_shared()
        barrier()
        copy_out(c_desc, [base + WAVE, pn * BN], out)
    tma.store_wait(0)


@gluon.jit
def gemm_kernel(
    a_desc, b_desc, c_desc, a_scales, b_scales, M, N, K, b_scale_stride,
    BM: gl.constexpr, BN: gl.constexpr, GROUP: gl.constexpr, STAGES: gl.constexpr, PROGRAMS: gl.constexpr,
):  # fmt: skip
    a_bufs = gl.allocate_shared_memory(a_desc.dtype, [STAGES * (BM // WAVE), WAVE, DEPTH], a_desc.layout)
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
                         BM, BN, GROUP, STAGES, PROGRAMS, 0)),
            (_consumer, (c_desc, a_bufs, b_bufs, c_bufs, full, empty, a_scales, b_scales, M, N, K, b_scale_stride,
                         BM, BN, GROUP, STAGES, PROGRAMS, 1)),
            (_producer, (a_desc, b_desc, a_bufs, b_bufs, full, empty, M, N, K, BM, BN, GROUP, STAGES, PROGRAMS)),
        ],
        [4, 1],
        [216, 72],
    )
    # fmt: on


@functools.cache
def _layouts(BN):
    return (
        gl.NVMMASharedLayout.get_default_for([64, 128], gl.float8e4nv),
        gl.NVMMASharedLayout.get_default_for([BN, 128], gl.float8e4nv),
        gl.NVMMASharedLayout.get_default_for([64, BN], gl.bfloat16),
    )


def descriptors(a, b, c, BN):
    """Copy-engine descriptors of A, B and C in the shared-memory layouts the kernel multiplies from."""
    a_layout, b_layout, c_layout = _layouts(BN)
    return (
        TensorDescriptor.from_tensor(a, [64, 128], a_layout),
        TensorDescriptor.from_tensor(b, [BN, 128], b_layout),
        TensorDescriptor.from_tensor(c, [64, BN], c_layout),
    )
