"""FP8 block quantisation; bytes equal those of the PyTorch reference."""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
import triton
import triton.language as tl

STEP = tl.constexpr(1.0 / 448.0)
SMALLEST_MAX = tl.constexpr(1e-30)


@triton.jit
def _scale(amax, POW2: tl.constexpr, ASM: tl.constexpr):
    s = tl.maximum(amax, SMALLEST_MAX) * STEP
    if POW2:
        bits = s.to(tl.int32, bitcast=True)
        exponent = (bits >> 23) + ((bits & 0x7FFFFF) != 0).to(tl.int32)
        s = (exponent << 23).to(tl.float32, bitcast=True)
    # One Newton step makes the fast reciprocal the rounded one (but for a few in a million), at a third of the cost of
    # an exact division. The instruction itself spares what a division spends on numbers out of its range, where no
    # scale lies.
    if ASM:
        r = tl.inline_asm_elementwise("rcp.approx.ftz.f32 $0, $1;", "=r,r", [s], tl.float32, is_pure=True, pack=1)
    else:
        r = 1.0 / s
    return s, tl.fma(r, tl.fma(-s, r, tl.full(s.shape, 1.0, tl.float32)), r)


@triton.jit
def rows_kernel(x, q, s, M, K, stride, ROWS: tl.constexpr, GROUPS: tl.constexpr, POW2: tl.constexpr, ASM: tl.constexpr):
    """1 x 128 blocks; a program takes ROWS rows of GROUPS blocks. Scales are stored [K / 128, M]."""
    pid = tl.program_id(0)
    across = tl.cdiv(tl.cdiv(K, 128), GROUPS)
    i = tl.arange(0, ROWS * GROUPS)
    r = (pid // across) * ROWS + i // GROUPS
    g = (pid % across) * GROUPS + i % GROUPS
    c = g[:, None] * 128 + tl.arange(0, 128)[None, :]
    inside = (r < M)[:, None] & (c < K)
    wide = r.to(tl.int64)[:, None]
    v = tl.load(x + wide * stride + c, mask=inside, other=0.0).to(tl.float32)
    scale, inverse = _scale(tl.max(tl.abs(v), axis=1), POW2, ASM)
    tl.store(q + wide * K + c, (v * inverse[:, None]).to(q.dtype.element_ty), mask=inside)
    tl.store(s + g.to(tl.int64) * M + r, scale, mask=(r < M) & (g * 128 < K))


@triton.jit
def _rows_of_four(x, pm, c, M, K, stride, A: tl.constexpr, EVEN: tl.constexpr):
    """Rows 4 b + A of a tile of 128, b = 0 .. 31: as float32, and where they are."""
    r = pm * 128 + 4 * tl.arange(0, 32) + A
    at = x + r.to(tl.int64)[:, None] * stride + c[None, :]
    if EVEN:
        v = tl.load(at)
    else:
        v = tl.load(at, mask=(r < M)[:, None] & (c < K)[None, :], other=0.0)
    return v.to(tl.float32), r


@triton.jit
def _store(q, y, r, c, M, K, EVEN: tl.constexpr):
    at = q + r.to(tl.int64)[:, None] * K + c[None, :]
    if EVEN:
        tl.store(at, y)
    else:
        tl.store(at, y, mask=(r < M)[:, None] & (c < K)[None, :])


@triton.jit
def _store_by_row(v, r, q, s, c, pk, M, K, EVEN: tl.constexpr, POW2: tl.constexpr, ASM: tl.constexpr):
    scale, inverse = _scale(tl.max(tl.abs(v), axis=1), POW2, ASM)
    _store(q, (v * inverse[:, None]).to(q.dtype.element_ty), r, c, M, K, EVEN)
    tl.store(s + pk.to(tl.int64) * M + r, scale, mask=r < M)


@triton.jit
def _byte(v, dtype: tl.constexpr):
    return v.to(dtype).to(tl.uint8, bitcast=True).to(tl.int32)


@triton.jit
def _words(v0, v1, v2, v3, inverse, dtype: tl.constexpr, ASM: tl.constexpr):
    """Four neighbouring rows, scaled, in the bytes of one word."""
    v0 *= inverse
    v1 *= inverse
    v2 *= inverse
    v3 *= inverse
    if ASM:
        # The conversion takes two rows at once; Triton's takes two columns, and then all bytes change places.
        words = tl.inline_asm_elementwise(
            """
            {
            .reg .b16 low, high;
            cvt.rn.satfinite.e4m3x2.f32 low, $2, $1;
            cvt.rn.satfinite.e4m3x2.f32 high, $4, $3;
            mov.b32 $0, {low, high};
            }
            """,
            "=r,r,r,r,r", [v0, v1, v2, v3], tl.int32, is_pure=True, pack=1,
        )  # fmt: skip
    else:
        low = _byte(v0, dtype) | (_byte(v1, dtype) << 8)
        words = low | ((_byte(v2, dtype) | (_byte(v3, dtype) << 8)) << 16)
    return words


@triton.jit
def _store_turned(words, qt, pm, c, K, width):
    """Words of four neighbouring rows, transposed: the shuffle moves words, not bytes."""
    column = pm * 32 + tl.arange(0, 32)
    tl.store(qt + c.to(tl.int64)[:, None] * (width // 4) + column[None, :], tl.trans(words), mask=(c < K)[:, None])


@triton.jit
def rows_both_kernel(
    x, q, s, qt, st, M, K, stride, width, tiles, POW2: tl.constexpr, ASM: tl.constexpr, GROUP: tl.constexpr
):
    """One read, two copies: 1 x 128 blocks of x, and of x transposed (qt as int32, four rows of x in one word).

    A program's tile is 128 x 128, all of it inside; `tiles` rows of tiles are done, GROUP columns of tiles side by
    side: the longer the stretches of x and q, the shorter those of qt.
    """
    first = tl.program_id(0) // (GROUP * tiles) * GROUP
    beside = min(K // 128 - first, GROUP)
    pm = tl.program_id(0) % (GROUP * tiles) // beside
    pk = first + tl.program_id(0) % (GROUP * tiles) % beside
    c = pk * 128 + tl.arange(0, 128)
    dtype: tl.constexpr = q.dtype.element_ty
    v0, r0 = _rows_of_four(x, pm, c, M, K, stride, 0, True)
    v1, r1 = _rows_of_four(x, pm, c, M, K, stride, 1, True)
    v2, r2 = _rows_of_four(x, pm, c, M, K, stride, 2, True)
    v3, r3 = _rows_of_four(x, pm, c, M, K, stride, 3, True)
    _store_by_row(v0, r0, q, s, c, pk, M, K, True, POW2, ASM)
    _store_by_row(v1, r1, q, s, c, pk, M, K, True, POW2, ASM)
    _store_by_row(v2, r2, q, s, c, pk, M, K, True, POW2, ASM)
    _store_by_row(v3, r3, q, s, c, pk, M, K, True, POW2, ASM)
    top = tl.maximum(tl.maximum(tl.abs(v0), tl.abs(v1)), tl.maximum(tl.abs(v2), tl.abs(v3)))
    scale, inverse = _scale(tl.max(top, axis=0), POW2, ASM)
    tl.store(st + pm.to(tl.int64) * K + c, scale)
    _store_turned(_words(v0, v1, v2, v3, inverse[None, :], dtype, ASM), qt, pm, c, K, width)


@triton.jit
def rows_both_edge_kernel(x, q, s, qt, st, M, K, stride, width, first, tiles, POW2: tl.constexpr, ASM: tl.constexpr):
    """The same for tiles that reach past the end, from row of tiles `first` on; looks at each tile twice."""
    pm = first + tl.program_id(0) % tiles
    pk = tl.program_id(0) // tiles
    c = pk * 128 + tl.arange(0, 128)
    dtype: tl.constexpr = q.dtype.element_ty
    top = tl.zeros((32, 128), tl.float32)
    for a in tl.static_range(4):
        v, r = _rows_of_four(x, pm, c, M, K, stride, a, False)
        top = tl.maximum(top, tl.abs(v))
        _store_by_row(v, r, q, s, c, pk, M, K, False, POW2, ASM)
    scale, inverse = _scale(tl.max(top, axis=0), POW2, ASM)
    tl.store(st + pm.to(tl.int64) * K + c, scale, mask=c < K)
    v0, _ = _rows_of_four(x, pm, c, M, K, stride, 0, False)
    v1, _ = _rows_of_four(x, pm, c, M, K, stride, 1, False)
    v2, _ = _rows_of_four(x, pm, c, M, K, stride, 2, False)
    v3, _ = _rows_of_four(x, pm, c, M, K, stride, 3, False)
    _store_turned(_words(v0, v1, v2, v3, inverse[None, :], dtype, ASM), qt, pm, c, K, width)


@triton.jit
def blocks_kernel(
    x, q, s, qt, st, N, K, stride, scale_stride, scale_stride_t, width,
    BOTH: tl.constexpr, EVEN: tl.constexpr, POW2: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """128 x 128 blocks, and with BOTH the transposed copy, which has the same values and the scales transposed."""
    across = tl.cdiv(K, 128)
    pn = tl.program_id(0) // across
    pk = tl.program_id(0) % across
    c = pk * 128 + tl.arange(0, 128)
    dtype: tl.constexpr = q.dtype.element_ty
    top = tl.zeros((32, 128), tl.float32)
    for a in tl.static_range(4):
        v, r = _rows_of_four(x, pn, c, N, K, stride, a, EVEN)
        top = tl.maximum(top, tl.abs(v))
    scale, inverse = _scale(tl.max(tl.max(top, axis=1, keep_dims=True), axis=0), POW2, ASM)
    one = tl.arange(0, 1)
    tl.store(s + pn * scale_stride + pk + one, scale)
    for a in tl.static_range(4):
        v, r = _rows_of_four(x, pn, c, N, K, stride, a, EVEN)
        _store(q, (v * inverse[None, :]).to(dtype), r, c, N, K, EVEN)
    if BOTH:
        # The bytes are computed anew from a third look at the tile (in cache): taken out of the values just stored,
        # the assembler of CUDA 12.8 mixes up pairs of them.
        v0, _ = _rows_of_four(x, pn, c, N, K, stride, 0, EVEN)
        v1, _ = _rows_of_four(x, pn, c, N, K, stride, 1, EVEN)
        v2, _ = _rows_of_four(x, pn, c, N, K, stride, 2, EVEN)
        v3, _ = _rows_of_four(x, pn, c, N, K, stride, 3, EVEN)
        _store_turned(_words(v0, v1, v2, v3, inverse[None, :], dtype, ASM), qt, pn, c, K, width)
        tl.store(st + pk * scale_stride_t + pn + one, scale)
