"""C = A @ B.T of block-quantised FP8 operands: persistent, copy-engine loads, float32 promotion every 128 columns."""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
import triton
import triton.language as tl


@triton.jit
def gemm_kernel(
    a_desc, b_desc, c_desc, a_scales, b_scales, M, N, K, b_scale_stride, BM: tl.constexpr, BN: tl.constexpr,
    GROUP: tl.constexpr, PROGRAMS: tl.constexpr, STAGES: tl.constexpr, B_ROWS: tl.constexpr,
):  # fmt: skip
    """BN is 128. `a_scales` [K / 128, M]; `b_scales` [K / 128, N] with B_ROWS, else one per 128 x 128 block."""
    depth = tl.cdiv(K, 128)
    tall = tl.cdiv(M, BM)
    broad = tl.cdiv(N, BN)
    zero = tl.program_id(0).to(tl.int64) * 0
    for tile in tl.range(tl.program_id(0), tall * broad, PROGRAMS, flatten=True):
        per_group = GROUP * broad
        top = (tile // per_group) * GROUP
        height = min(tall - top, GROUP)
        row = (top + (tile % per_group) % height) * BM
        column = ((tile % per_group) // height) * BN
        rows = row + tl.arange(0, BM)
        columns = column + tl.arange(0, BN)
        acc = tl.zeros((BM, BN), tl.float32)
        for k in tl.range(0, depth, num_stages=STAGES):
            a = a_desc.load([row, k * 128])
            b = b_desc.load([column, k * 128])
            sa = tl.load(a_scales + (zero + k) * M + rows, mask=rows < M, other=0.0)
            if B_ROWS:
                sb = tl.load(b_scales + (zero + k) * N + columns, mask=columns < N, other=0.0)
                acc += tl.dot(a, b.T) * (sa[:, None] * sb[None, :])
            else:
                # One number, loaded as a vector: a scalar load here races with the pipeliner at three stages and more.
                sb = tl.load(b_scales + (column // 128) * b_scale_stride + k + rows * 0)
                acc += tl.dot(a, b.T) * (sa * sb)[:, None]
        c_desc.store([row, column], acc.to(c_desc.dtype))
