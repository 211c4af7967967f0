"""The Triton kernels of a decoder layer in training; :mod:`veritune.trainer.policy.block_ops` says what each does."""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
import triton
import triton.language as tl


@triton.jit
def norm_kernel(x, weight, out, scales, eps, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    """One program a token: out = x / rms(x) · weight, and 1 / rms."""
    row = tl.program_id(0).to(tl.int64)
    h = tl.arange(0, BLOCK)
    inside = h < WIDTH
    value = tl.load(x + row * WIDTH + h, inside, other=0.0).to(tl.float32)
    scale = tl.rsqrt(tl.sum(value * value, 0) / WIDTH + eps)
    y = value * scale * tl.load(weight + h, inside, other=0.0).to(tl.float32)
    tl.store(out + row * WIDTH + h, y.to(out.dtype.element_ty), inside)
    tl.store(scales + row, scale)


@triton.jit
def norm_backward_kernel(
    upstream, x, weight, scales, residual, out, rounded, partial, rows, WIDTH: tl.constexpr, BLOCK: tl.constexpr,
    AROUND: tl.constexpr, AGAIN: tl.constexpr,
):  # fmt: skip
    """Each program takes every so-many-th token, and sums its part of the weight's gradient."""
    first = tl.program_id(0)
    h = tl.arange(0, BLOCK)
    inside = h < WIDTH
    w = tl.load(weight + h, inside, other=0.0).to(tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    for row in range(first, rows, tl.num_programs(0)):
        at = (first.to(tl.int64) + (row - first)) * WIDTH + h
        scale = tl.load(scales + row)
        normed = tl.load(x + at, inside, other=0.0).to(tl.float32) * scale
        given = tl.load(upstream + at, inside, other=0.0).to(tl.float32)
        total += given * normed
        given = given * w
        along = tl.sum(given * normed, 0) / WIDTH
        found = (given - normed * along) * scale
        if AROUND:
            found += tl.load(residual + at, inside, other=0.0).to(tl.float32)
        tl.store(out + at, found.to(out.dtype.element_ty), inside)
        if AGAIN:
            tl.store(rounded + at, found.to(rounded.dtype.element_ty), inside)
    tl.store(partial + first * WIDTH + h, total, inside)


@triton.jit
def gated_kernel(gate_up, out, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    """One program a block of a token: silu(gate) · up."""
    row = tl.program_id(0).to(tl.int64)
    i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = i < WIDTH
    gate = tl.load(gate_up + row * 2 * WIDTH + i, inside, other=0.0).to(tl.float32)
    up = tl.load(gate_up + row * 2 * WIDTH + WIDTH + i, inside, other=0.0).to(tl.float32)
    lit = (gate / (1.0 + tl.exp(-gate))).to(out.dtype.element_ty).to(tl.float32)
    tl.store(out + row * WIDTH + i, (lit * up).to(out.dtype.element_ty), inside)


@triton.jit
def gated_backward_kernel(upstream, gate_up, out, again, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    """One program a block of a token: the gradients of gate and up, and silu(gate) · up once more."""
    row = tl.program_id(0).to(tl.int64)
    i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = i < WIDTH
    gate = tl.load(gate_up + row * 2 * WIDTH + i, inside, other=0.0).to(tl.float32)
    up = tl.load(gate_up + row * 2 * WIDTH + WIDTH + i, inside, other=0.0).to(tl.float32)
    given = tl.load(upstream + row * WIDTH + i, inside, other=0.0).to(tl.float32)
    open_ = 1.0 / (1.0 + tl.exp(-gate))
    lit = (gate * open_).to(again.dtype.element_ty).to(tl.float32)
    slope = open_ * (1.0 + gate * (1.0 - open_))
    tl.store(out + row * 2 * WIDTH + i, (given * up * slope).to(out.dtype.element_ty), inside)
    tl.store(out + row * 2 * WIDTH + WIDTH + i, (given * lit).to(out.dtype.element_ty), inside)
    tl.store(again + row * WIDTH + i, (lit * up).to(again.dtype.element_ty), inside)


@triton.jit
def rotate_kernel(
    qkv, out, cos, sin, query_norm, key_norm, eps, QUERY: tl.constexpr, KEY: tl.constexpr, WIDTH: tl.constexpr,
    HEADS: tl.constexpr, HALF: tl.constexpr, NORMED: tl.constexpr,
):  # fmt: skip
    """One program a token: its query and key heads normed, where the model does so, and rotated into ``out``, which
    may be ``qkv``. Rows of both have as many numbers."""
    row = tl.program_id(0).to(tl.int64)
    half: tl.constexpr = WIDTH // 2
    head = tl.arange(0, HEADS)[:, None]
    d = tl.arange(0, HALF)[None]
    inside = (head < QUERY + KEY) & (d < half)
    at = row * (QUERY + 2 * KEY) * WIDTH + head * WIDTH + d
    a = tl.load(qkv + at, inside, other=0.0).to(tl.float32)
    b = tl.load(qkv + at + half, inside, other=0.0).to(tl.float32)
    if NORMED:
        scale = tl.rsqrt((tl.sum(a * a, 1) + tl.sum(b * b, 1)) / WIDTH + eps)[:, None]
        column = d < half
        for_query = head < QUERY
        low = tl.where(
            for_query,
            tl.load(query_norm + d, column, other=0.0).to(tl.float32),
            tl.load(key_norm + d, column, other=0.0).to(tl.float32),
        )
        high = tl.where(
            for_query,
            tl.load(query_norm + half + d, column, other=0.0).to(tl.float32),
            tl.load(key_norm + half + d, column, other=0.0).to(tl.float32),
        )
        a = a * scale * low
        b = b * scale * high
    c = tl.load(cos + row * half + d, d < half, other=0.0)
    s = tl.load(sin + row * half + d, d < half, other=0.0)
    tl.store(out + at, (a * c - b * s).to(out.dtype.element_ty), inside)
    tl.store(out + at + half, (b * c + a * s).to(out.dtype.element_ty), inside)


@triton.jit
def rotate_backward_kernel(
    query, key, value, raw, out, cos, sin, query_norm, key_norm, partial, rows, eps, query_stride, key_stride,
    value_stride, QUERY: tl.constexpr, KEY: tl.constexpr, WIDTH: tl.constexpr, HEADS: tl.constexpr,
    VALUES: tl.constexpr, HALF: tl.constexpr, NORMED: tl.constexpr,
):  # fmt: skip
    """Each program takes every so-many-th token: gradients of query and key turned back and through their norms, and
    that of value, side by side; with norms, its part of their weights' gradients (queries' halves, then keys')."""
    first = tl.program_id(0)
    half: tl.constexpr = WIDTH // 2
    head = tl.arange(0, HEADS)[:, None]
    d = tl.arange(0, HALF)[None]
    column = d < half
    is_query = (head < QUERY) & column
    is_key = (head >= QUERY) & (head < QUERY + KEY) & column
    inside = is_query | is_key
    v = tl.arange(0, VALUES)
    if NORMED:
        low = tl.where(
            is_query,
            tl.load(query_norm + d, column, other=0.0).to(tl.float32),
            tl.load(key_norm + d, column, other=0.0).to(tl.float32),
        )
        high = tl.where(
            is_query,
            tl.load(query_norm + half + d, column, other=0.0).to(tl.float32),
            tl.load(key_norm + half + d, column, other=0.0).to(tl.float32),
        )
        low_total = tl.zeros((HEADS, HALF), tl.float32)
        high_total = tl.zeros((HEADS, HALF), tl.float32)
    for row in range(first, rows, tl.num_programs(0)):
        token = first.to(tl.int64) + (row - first)
        from_query = query + token * query_stride + head * WIDTH + d
        from_key = key + token * key_stride + (head - QUERY) * WIDTH + d
        a = tl.load(from_query, is_query, other=0.0).to(tl.float32)
        a += tl.load(from_key, is_key, other=0.0).to(tl.float32)
        b = tl.load(from_query + half, is_query, other=0.0).to(tl.float32)
        b += tl.load(from_key + half, is_key, other=0.0).to(tl.float32)
        c = tl.load(cos + token * half + d, column, other=0.0)
        s = tl.load(sin + token * half + d, column, other=0.0)
        a, b = a * c + b * s, b * c - a * s
        at = token * (QUERY + 2 * KEY) * WIDTH + head * WIDTH + d
        if NORMED:
            x = tl.load(raw + at, inside, other=0.0).to(tl.float32)
            y = tl.load(raw + at + half, inside, other=0.0).to(tl.float32)
            scale = tl.rsqrt((tl.sum(x * x, 1) + tl.sum(y * y, 1)) / WIDTH + eps)[:, None]
            x = x * scale
            y = y * scale
            low_total += a * x
            high_total += b * y
            a = a * low
            b = b * high
            along = ((tl.sum(a * x, 1) + tl.sum(b * y, 1)) / WIDTH)[:, None]
            a = (a - x * along) * scale
            b = (b - y * along) * scale
        tl.store(out + at, a.to(out.dtype.element_ty), inside)
        tl.store(out + at + half, b.to(out.dtype.element_ty), inside)
        values = tl.load(value + token * value_stride + v, v < KEY * WIDTH, other=0.0)
        tl.store(out + token * (QUERY + 2 * KEY) * WIDTH + (QUERY + KEY) * WIDTH + v, values, v < KEY * WIDTH)
    if NORMED:
        i = tl.arange(0, HALF)
        into = partial + first * 2 * WIDTH + i
        tl.store(into, tl.sum(tl.where(is_query, low_total, 0.0), 0), i < half)
        tl.store(into + half, tl.sum(tl.where(is_query, high_total, 0.0), 0), i < half)
        tl.store(into + WIDTH, tl.sum(tl.where(is_key, low_total, 0.0), 0), i < half)
        tl.store(into + WIDTH + half, tl.sum(tl.where(is_key, high_total, 0.0), 0), i < half)
