"""Grouped products of block-quantised FP8 operands: every tile of rows with the matrix of its own group."""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
import triton
import triton.language as tl


@triton.jit
def rows_kernel(
    a_desc, b_desc, c_desc, a_scales, b_scales, tiles, M, N, K, b_scale_stride, ROW_STEP, COLUMN_STEP,
    BM: tl.constexpr, BN: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """C = A @ B_g.T: `tiles` has the group g of every 128 rows of A, −1 where C is 0. B_g begins `g * ROW_STEP` rows
    and `g * COLUMN_STEP` columns into B, whose scales are one per 128 x 128 block. BN is 128; BM is 64 or 128."""
    broad = tl.cdiv(N, BN)
    row = (tl.program_id(0) // broad) * BM
    column = (tl.program_id(0) % broad) * BN
    group = tl.load(tiles + row // 128)
    depth = tl.where(group >= 0, tl.cdiv(K, 128), 0)
    group = tl.maximum(group, 0)
    rows = row + tl.arange(0, BM)
    zero = tl.program_id(0).to(tl.int64) * 0
    b_row = column + group * ROW_STEP
    b_column = group * COLUMN_STEP
    acc = tl.zeros((BM, BN), tl.float32)
    for k in tl.range(0, depth, num_stages=STAGES):
        a = a_desc.load([row, k * 128])
        b = b_desc.load([b_row, b_column + k * 128])
        sa = tl.load(a_scales + (zero + k) * M + rows)
        # One number, loaded as a vector: a scalar load here races with the pipeliner at three stages and more.
        sb = tl.load(b_scales + (b_row // 128) * b_scale_stride + b_column // 128 + k + rows * 0)
        acc += tl.dot(a, b.T) * (sa * sb)[:, None]
    c_desc.store([row, column], acc.to(c_desc.dtype))


@triton.jit
def sums_kernel(
    a_desc, b_desc, c_desc, a_scales, b_scales, starts, N, K, BM: tl.constexpr, BN: tl.constexpr, STAGES: tl.constexpr
):
    """C_g = A[:, g] @ B[:, g].T, one below the other: a group is the columns of the blocks from `starts[g]` to
    `starts[g + 1]`. Both operands have 1 x 128 blocks along them; A has N rows, B has K. C is 0 for an empty group."""
    tall, broad = tl.cdiv(N, BM), tl.cdiv(K, BN)
    group = tl.program_id(0) // (tall * broad)
    row = (tl.program_id(0) % (tall * broad)) // broad * BM
    column = tl.program_id(0) % broad * BN
    rows = row + tl.arange(0, BM)
    columns = column + tl.arange(0, BN)
    zero = tl.program_id(0).to(tl.int64) * 0
    begin = tl.load(starts + group)
    end = tl.load(starts + group + 1)
    acc = tl.zeros((BM, BN), tl.float32)
    for k in tl.range(begin, end, num_stages=STAGES):
        a = a_desc.load([row, k * 128])
        b = b_desc.load([column, k * 128])
        sa = tl.load(a_scales + (zero + k) * N + rows)
        sb = tl.load(b_scales + (zero + k) * K + columns)
        acc += tl.dot(a, b.T) * (sa[:, None] * sb[None, :])
    c_desc.store([group * N + row, column], acc.to(c_desc.dtype))
