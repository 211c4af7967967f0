"""Target-anchored linear -> log-prob.

The target's logit a_i = h_i . W_{y_i} costs one dot product per token and is known before the large product, so the
product's epilogue can write E_ij = exp(z_ij - a_i) without a max pass: logp_i = -log sum_j E_ij. The gradient of the
logits is a row scale times E with one patched element per row, which leaves two plain matrix products for the
backward. A row whose sum leaves float32's comfortable range is redone by `settle_kernel` with its maximum as anchor.

Everything is in base 2: z, anchors and sums of e * z. `to_base2` is log2(e) / temperature.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
import triton
import triton.language as tl

LOG2E = tl.constexpr(1.4426950408889634)
LN2 = tl.constexpr(0.6931471805599453)
LOWEST = tl.constexpr(-1e30)


@triton.jit
def _tanh(x):
    return 1.0 - 2.0 / (tl.exp2(x * (2.0 * LOG2E)) + 1.0)


@triton.jit
def _logits(acc, bias, cap, to_base2, BIAS: tl.constexpr, CAP: tl.constexpr):
    """(bias, soft-cap, temperature) of a product; also the soft-cap's derivative, 1 where there is none."""
    slope = 1.0
    if BIAS:
        acc += bias
    if CAP:
        t = _tanh(acc / cap)
        slope = 1.0 - t * t
        acc = cap * t
    z = acc * to_base2
    if BIAS:
        z = tl.where(z < LOWEST, LOWEST, z)  # a bias of -inf rules a token out; 0 * -inf would be NaN
    return z, slope


@triton.jit
def anchor_kernel(
    hidden, weight, bias, targets, target_z, anchors, V, H, hidden_stride, weight_stride, cap, to_base2,
    BLOCK: tl.constexpr, BIAS: tl.constexpr, CAP: tl.constexpr,
):  # fmt: skip
    r = tl.program_id(0).to(tl.int64)
    y = tl.load(targets + r).to(tl.int64)
    known = (y >= 0) & (y < V)
    y = tl.where(known, y, 0)
    acc = tl.zeros((BLOCK,), tl.float32)
    for k in range(0, H, BLOCK):
        o = k + tl.arange(0, BLOCK)
        x = tl.load(hidden + r * hidden_stride + o, mask=o < H, other=0.0).to(tl.float32)
        acc += x * tl.load(weight + y * weight_stride + o, mask=o < H, other=0.0).to(tl.float32)
    b = 0.0
    if BIAS:
        b = tl.load(bias + y).to(tl.float32)
    z, _ = _logits(tl.sum(acc, 0), b, cap, to_base2, BIAS, CAP)
    tl.store(target_z + r, tl.where(known, z, float("nan")))
    tl.store(anchors + r, tl.where(known, z, 0.0))


@triton.jit
def _emit(
    acc, anchor, bias, e_desc, row, column, V, cap, to_base2,
    WIDTH: tl.constexpr, BIAS: tl.constexpr, CAP: tl.constexpr, ENTROPY: tl.constexpr, STORE: tl.constexpr,
    SLOPE: tl.constexpr,
):  # fmt: skip
    columns = column + tl.arange(0, WIDTH)
    b = 0.0
    if BIAS:
        b = tl.load(bias + columns, mask=columns < V, other=0.0).to(tl.float32)[None, :]
    z, slope = _logits(acc, b, cap, to_base2, BIAS, CAP)
    z = z - anchor[:, None]
    e = tl.exp2(z)
    if column + WIDTH > V:
        e = tl.where((columns < V)[None, :], e, 0.0)
    if STORE:
        if SLOPE:
            e_desc.store([row, column], (e * slope).to(e_desc.dtype))
        else:
            e_desc.store([row, column], e.to(e_desc.dtype))
    s = tl.sum(e, axis=1)
    w = s
    if ENTROPY:
        w = tl.sum(e * z, axis=1)
    return s, w


@triton.jit
def _halves(x, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    """The left and the right half of a block's columns, each thread keeping its own."""
    return tl.split(tl.permute(tl.reshape(x, (ROWS, 2, WIDTH // 2)), (0, 2, 1)))


@triton.jit
def _emit_half(
    acc, anchor, bias, e_desc, row, column, V, cap, to_base2, ROWS: tl.constexpr,
    WIDTH: tl.constexpr, BIAS: tl.constexpr, CAP: tl.constexpr, ENTROPY: tl.constexpr, STORE: tl.constexpr,
    SLOPE: tl.constexpr, QUARTERS: tl.constexpr,
):  # fmt: skip
    if QUARTERS:
        left, right = _halves(acc, ROWS, WIDTH)
        s0, w0 = _emit(
            left, anchor, bias, e_desc, row, column, V, cap, to_base2, WIDTH // 2, BIAS, CAP, ENTROPY, STORE, SLOPE
        )
        s1, w1 = _emit(
            right, anchor, bias, e_desc, row, column + WIDTH // 2, V, cap, to_base2, WIDTH // 2, BIAS, CAP, ENTROPY,
            STORE, SLOPE,
        )  # fmt: skip
        s = s0 + s1
        w = w0 + w1
    else:
        s, w = _emit(acc, anchor, bias, e_desc, row, column, V, cap, to_base2, WIDTH, BIAS, CAP, ENTROPY, STORE, SLOPE)
    return s, w


@triton.jit
def exp_kernel(
    h_desc, w_desc, e_desc, anchors, bias, sums, weighted, count, N, V, H, cap, to_base2,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr, STAGES: tl.constexpr,
    PROGRAMS: tl.constexpr, QUARTERS: tl.constexpr, BIAS: tl.constexpr, CAP: tl.constexpr, SUMS: tl.constexpr,
    ENTROPY: tl.constexpr, STORE: tl.constexpr, SLOPE: tl.constexpr, COUNTED: tl.constexpr,
):  # fmt: skip
    """E = exp2(z - anchor) of a tile, stored when wanted, and each row's sums of e and e * z over the tile.

    Of the N rows all count, or the first `count` (a number on the device); tiles without one of them are left out.
    """
    rows = N
    if COUNTED:
        rows = tl.load(count)
    rows_of_tiles = tl.cdiv(rows, BM)
    columns_of_tiles = tl.cdiv(V, BN)
    zero = tl.program_id(0).to(tl.int64) * 0
    # Flattened, the next tile's loads start during this tile's epilogue: 0.8 times the time of one tile a program.
    for tile in tl.range(tl.program_id(0), rows_of_tiles * columns_of_tiles, PROGRAMS, flatten=True):
        # Groups of GROUP tile rows share a strip of the weight while it is in L2.
        per_group = GROUP * columns_of_tiles
        top = (tile // per_group) * GROUP
        height = min(rows_of_tiles - top, GROUP)
        row = (top + (tile % per_group) % height) * BM
        column_tile = (tile % per_group) // height
        column = column_tile * BN
        acc = tl.zeros((BM, BN), tl.float32)
        for k in tl.range(0, tl.cdiv(H, BK), num_stages=STAGES):
            acc = tl.dot(h_desc.load([row, k * BK]), w_desc.load([column, k * BK]).T, acc)
        r = row + tl.arange(0, BM)
        anchor = tl.load(anchors + r, mask=r < rows, other=0.0)
        left, right = _halves(acc, BM, BN)
        s0, w0 = _emit_half(
            left, anchor, bias, e_desc, row, column, V, cap, to_base2, BM, BN // 2, BIAS, CAP, ENTROPY, STORE, SLOPE,
            QUARTERS,
        )  # fmt: skip
        s1, w1 = _emit_half(
            right, anchor, bias, e_desc, row, column + BN // 2, V, cap, to_base2, BM, BN // 2, BIAS, CAP, ENTROPY,
            STORE, SLOPE, QUARTERS,
        )  # fmt: skip
        s = s0 + s1
        w = w0 + w1
        if SUMS:
            o = (zero + column_tile) * N + r
            tl.store(sums + o, s, mask=r < rows)
            if ENTROPY:
                tl.store(weighted + o, w, mask=r < rows)


@triton.jit
def reduce_kernel(
    partial, partial_w, sums, weighted, N, tiles, ROWS: tl.constexpr, TILES: tl.constexpr, ENTROPY: tl.constexpr
):
    """Adds the tiles' row sums, always in the same order."""
    r = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    t = tl.arange(0, TILES)
    s = tl.zeros((TILES, ROWS), tl.float32)
    w = tl.zeros((TILES, ROWS), tl.float32)
    for start in range(0, tiles, TILES):
        inside = (start + t < tiles)[:, None] & (r < N)[None, :]
        o = (start + t)[:, None].to(tl.int64) * N + r[None, :]
        s += tl.load(partial + o, mask=inside, other=0.0)
        if ENTROPY:
            w += tl.load(partial_w + o, mask=inside, other=0.0)
    tl.store(sums + r, tl.sum(s, 0), mask=r < N)
    if ENTROPY:
        tl.store(weighted + r, tl.sum(w, 0), mask=r < N)


@triton.jit
def settle_kernel(
    hidden, weight, bias, e, target_z, anchors, sums, weighted, logp, entropy, mean, count, N, V, kept, H,
    hidden_stride, weight_stride, e_stride, cap, to_base2, limit, ROWS: tl.constexpr, BN: tl.constexpr,
    BK: tl.constexpr, BIAS: tl.constexpr, CAP: tl.constexpr, ENTROPY: tl.constexpr, STORE: tl.constexpr,
    SLOPE: tl.constexpr, COUNTED: tl.constexpr,
):  # fmt: skip
    """Log-prob and entropy of each row; rows whose sum is past `limit` (or not a number) are recomputed first, with
    the first `kept` columns of E. Rows past `count` hold nothing, and are left alone."""
    if COUNTED:
        N = tl.load(count)
    r = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    wide = r.to(tl.int64)
    live = r < N
    s = tl.load(sums + r, mask=live, other=1.0)
    a = tl.load(anchors + r, mask=live, other=0.0)
    w = s
    if ENTROPY:
        w = tl.load(weighted + r, mask=live, other=0.0)
    bad = (s < limit) == 0  # true for inf and NaN too
    if tl.sum(bad.to(tl.int32), 0) > 0:
        peak = tl.full((ROWS,), LOWEST, tl.float32)
        again = tl.zeros((ROWS,), tl.float32)
        again_w = tl.zeros((ROWS,), tl.float32)
        for sweep in range(2):
            for column in range(0, V, BN):
                columns = column + tl.arange(0, BN)
                acc = tl.zeros((ROWS, BN), tl.float32)
                for k in range(0, H, BK):
                    o = k + tl.arange(0, BK)
                    x = tl.load(
                        hidden + wide[:, None] * hidden_stride + o[None, :],
                        mask=live[:, None] & (o < H)[None, :], other=0.0,
                    )  # fmt: skip
                    y = tl.load(
                        weight + columns[None, :].to(tl.int64) * weight_stride + o[:, None],
                        mask=(columns < V)[None, :] & (o < H)[:, None], other=0.0,
                    )  # fmt: skip
                    acc = tl.dot(x, y, acc)
                b = 0.0
                if BIAS:
                    b = tl.load(bias + columns, mask=columns < V, other=0.0).to(tl.float32)[None, :]
                z, slope = _logits(acc, b, cap, to_base2, BIAS, CAP)
                z = tl.where((columns < V)[None, :], z, LOWEST)
                if sweep == 0:
                    peak = tl.maximum(peak, tl.max(z, axis=1))
                else:
                    z -= peak[:, None]
                    p = tl.where((columns < V)[None, :], tl.exp2(z), 0.0)
                    again += tl.sum(p, axis=1)
                    again_w += tl.sum(p * z, axis=1)
                    if STORE:
                        if SLOPE:
                            p *= slope
                        tl.store(
                            e + wide[:, None] * e_stride + columns[None, :], p.to(e.dtype.element_ty),
                            mask=(bad & live)[:, None] & (columns < kept)[None, :],
                        )  # fmt: skip
        s = tl.where(bad, again, s)
        w = tl.where(bad, again_w, w)
        a = tl.where(bad, peak, a)
        tl.store(anchors + r, a, mask=live)
        tl.store(sums + r, s, mask=live)
    lse = tl.log2(s)
    # A probability is at most 1; the anchor's rounding may put the sum a hair below its own term.
    lp = (tl.load(target_z + r, mask=live, other=0.0) - a - lse) * LN2
    tl.store(logp + r, tl.where(lp > 0.0, 0.0, lp), mask=live)
    if ENTROPY:
        ent = (lse - w / s) * LN2
        tl.store(entropy + r, tl.where(ent < 0.0, 0.0, ent), mask=live)
        tl.store(mean + r, w / s, mask=live)


@triton.jit
def blend_kernel(
    e, anchors, mean, grad_logp, grad_entropy, V, e_stride, cap, from_base2, BLOCK: tl.constexpr, CAP: tl.constexpr
):
    """E <- E (g + h (ln E - mean)), the entropy's share of the gradient; z - anchor is read back from E itself."""
    r = tl.program_id(0).to(tl.int64)
    g = tl.load(grad_logp + r)
    h = tl.load(grad_entropy + r)
    c = tl.load(mean + r)
    a = tl.load(anchors + r)
    for start in range(0, V, BLOCK):
        o = start + tl.arange(0, BLOCK)
        x = tl.load(e + r * e_stride + o, mask=o < V, other=0.0).to(tl.float32)
        z = tl.log2(tl.where(x > 0.0, x, 1.0))
        d = x * (g + h * LN2 * (z - c))
        if CAP:
            t = (z + a) * from_base2 / cap
            d *= 1.0 - t * t
        tl.store(e + r * e_stride + o, d.to(e.dtype.element_ty), mask=o < V)


@triton.jit
def patch_kernel(
    e, hidden, scaled, targets, target_z, anchors, sums, mean, grad_logp, grad_entropy, row_scale, v0, width, H,
    hidden_stride, e_stride, cap, from_base2, inverse_temperature,
    BLOCK: tl.constexpr, CAP: tl.constexpr, ENTROPY: tl.constexpr, SCALED: tl.constexpr,
):  # fmt: skip
    """Puts the target's element into E, and writes each row's scale v and v * hidden (the products' other operand).

    Without an entropy gradient dlogits = v (E - S 1[j=y]) with v = -g / (T S); with one, E already holds its
    coefficients and v = -1 / (T S).
    """
    r = tl.program_id(0).to(tl.int64)
    s = tl.load(sums + r)
    g = tl.load(grad_logp + r)
    tz = tl.load(target_z + r)
    a = tl.load(anchors + r)
    y = tl.load(targets + r).to(tl.int64) - v0
    at_target = tl.exp2(tz - a)
    if ENTROPY:
        h = tl.load(grad_entropy + r)
        v = -inverse_temperature / s
        d = at_target * (g + h * LN2 * (tz - a - tl.load(mean + r))) - g * s
    else:
        v = -g * inverse_temperature / s
        d = at_target - s
    if CAP:
        t = tz * from_base2 / cap
        d *= 1.0 - t * t
    tl.store(e + r * e_stride + y, d.to(e.dtype.element_ty), mask=(y >= 0) & (y < width))
    if SCALED:
        tl.store(row_scale + r, v)
        for k in range(0, H, BLOCK):
            o = k + tl.arange(0, BLOCK)
            x = tl.load(hidden + r * hidden_stride + o, mask=o < H, other=0.0).to(tl.float32)
            tl.store(scaled + r * H + o, (x * v).to(scaled.dtype.element_ty), mask=o < H)


@triton.jit
def scale_rows_kernel(x, out, row_scale, H, stride, out_stride, BLOCK: tl.constexpr):
    r = tl.program_id(0).to(tl.int64)
    v = tl.load(row_scale + r)
    for k in range(0, H, BLOCK):
        o = k + tl.arange(0, BLOCK)
        value = tl.load(x + r * stride + o, mask=o < H, other=0.0).to(tl.float32) * v
        tl.store(out + r * out_stride + o, value.to(out.dtype.element_ty), mask=o < H)


@triton.jit
def multiply_kernel(x, factor, n, BLOCK: tl.constexpr, PROGRAMS: tl.constexpr):
    """x *= factor in place, where factor is one number on the device; nothing is touched when it is 1."""
    f = tl.load(factor).to(tl.float32)
    if f != 1.0:
        zero = tl.program_id(0).to(tl.int64) * 0
        for block in range(tl.program_id(0), tl.cdiv(n, BLOCK), PROGRAMS):
            o = (zero + block) * BLOCK + tl.arange(0, BLOCK)
            value = tl.load(x + o, mask=o < n, other=0.0).to(tl.float32) * f
            tl.store(x + o, value.to(x.dtype.element_ty), mask=o < n)
