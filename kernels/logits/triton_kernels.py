"""One pass over the logits for log-prob and entropy, and an in-place backward.

Arithmetic is in base 2 (exp2 and log2 are single instructions) and in float32; addresses are 64-bit, the grid 1-D.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
import triton
import triton.language as tl

LOG2E = tl.constexpr(1.4426950408889634)
LN2 = tl.constexpr(0.6931471805599453)
LOWEST = tl.constexpr(-1e30)
# Sums of exp2 relative to a row's base are kept while they lie between these.
SMALLEST = tl.constexpr(2.0**-40)
LARGEST = tl.constexpr(2.0**80)


@triton.jit
def _clamp_low(z):
    # Finite where the logit is -inf, so that p * z is 0 and not NaN; a NaN stays a NaN.
    return tl.where(z < LOWEST, LOWEST, z)


@triton.jit
def _row_base(row, V, LANES: tl.constexpr):
    """The largest of the first logits: a number near the maximum for nearly all rows, known before the row is read."""
    lane = tl.arange(0, LANES)
    base = tl.max(tl.load(row + lane, mask=lane < V, other=LOWEST).to(tl.float32), axis=0)
    return tl.where(base > LOWEST, base, 0.0)


@triton.jit
def _terms(z, base, to_base2, ENTROPY: tl.constexpr):
    """2^d and d 2^d with d = (z - base) to_base2; a logit of -inf gives 0 and 0."""
    d = (z - base) * to_base2
    p = tl.exp2(d)
    x = p
    if ENTROPY:
        x = p * tl.maximum(d, LOWEST)
    return p, x


@triton.jit
def row_sums(
    row, V, base, to_base2, LANES: tl.constexpr, DEPTH: tl.constexpr, STAGES: tl.constexpr, ENTROPY: tl.constexpr
):
    """sum 2^d and sum d 2^d of a row, d = (z - base) to_base2."""
    lane = tl.arange(0, LANES)
    offsets = tl.arange(0, DEPTH)[:, None] * LANES + lane[None, :]
    s = tl.zeros((LANES,), tl.float32)
    w = tl.zeros((LANES,), tl.float32)
    whole = V // (DEPTH * LANES)
    for i in tl.range(0, whole, num_stages=STAGES):
        z = tl.load(row + i * (DEPTH * LANES) + offsets, eviction_policy="evict_first").to(tl.float32)
        p, x = _terms(z, base, to_base2, ENTROPY)
        s += tl.sum(p, axis=0)
        if ENTROPY:
            w += tl.sum(x, axis=0)
    for start in tl.range(whole * (DEPTH * LANES), V, LANES):
        inside = start + lane < V
        z = tl.load(row + start + lane, mask=inside, other=0.0).to(tl.float32)
        p, x = _terms(z, base, to_base2, ENTROPY)
        s += tl.where(inside, p, 0.0)
        if ENTROPY:
            w += tl.where(inside, x, 0.0)
    return tl.sum(s, axis=0), tl.sum(w, axis=0)


@triton.jit
def row_statistics(
    row, V, to_base2, LANES: tl.constexpr, DEPTH: tl.constexpr, STAGES: tl.constexpr, ENTROPY: tl.constexpr
):
    """(peak, log2 of sum exp2((z - peak) to_base2), mean of (z - peak) to_base2) of a row, whatever its range.

    Each lane keeps its own running maximum; they meet at the end. Everything is relative to a maximum, so an offset
    that all logits share costs no precision.
    """
    lane = tl.arange(0, LANES)
    offsets = tl.arange(0, DEPTH)[:, None] * LANES + lane[None, :]
    m = tl.full((LANES,), LOWEST, tl.float32)
    s = tl.zeros((LANES,), tl.float32)
    w = tl.zeros((LANES,), tl.float32)
    whole = V // (DEPTH * LANES)
    for i in tl.range(0, whole, num_stages=STAGES):
        z = _clamp_low(tl.load(row + i * (DEPTH * LANES) + offsets, eviction_policy="evict_first").to(tl.float32))
        top = tl.maximum(m, tl.max(z, axis=0))
        fall = (m - top) * to_base2
        shrink = tl.exp2(fall)
        d = (z - top[None, :]) * to_base2
        p = tl.exp2(d)
        if ENTROPY:
            w = shrink * (w + s * fall) + tl.sum(p * d, axis=0)
        s = s * shrink + tl.sum(p, axis=0)
        m = top
    for start in tl.range(whole * (DEPTH * LANES), V, LANES):
        inside = start + lane < V
        z = _clamp_low(tl.load(row + start + lane, mask=inside, other=0.0).to(tl.float32))
        top = tl.maximum(m, tl.where(inside, z, LOWEST))
        fall = (m - top) * to_base2
        shrink = tl.exp2(fall)
        d = tl.where(inside, (z - top) * to_base2, 0.0)
        p = tl.where(inside, tl.exp2(d), 0.0)
        if ENTROPY:
            w = shrink * (w + s * fall) + p * d
        s = s * shrink + p
        m = top
    peak = tl.max(m, axis=0)
    fall = (m - peak) * to_base2
    shrink = tl.exp2(fall)
    total = tl.sum(s * shrink, axis=0)
    return peak, tl.log2(total), tl.sum(shrink * (w + s * fall), axis=0) / total


@triton.jit
def forward_kernel(
    logits, targets, mask, logp, entropy, peak, lse, mean, V, stride, inverse_temperature,
    LANES: tl.constexpr, DEPTH: tl.constexpr, STAGES: tl.constexpr, ENTROPY: tl.constexpr, MASK: tl.constexpr,
):  # fmt: skip
    r = tl.program_id(0).to(tl.int64)
    keep = True
    if MASK:
        keep = tl.load(mask + r) != 0
    if keep:
        row = logits + r * stride
        to_base2 = inverse_temperature * LOG2E
        # A maximum that runs along costs more arithmetic than the rest; a base fixed beforehand leaves time to read.
        top = _row_base(row, V, LANES)
        s, w = row_sums(row, V, top, to_base2, LANES, DEPTH, STAGES, ENTROPY)
        lse2 = tl.log2(s)
        mean2 = w / s
        if ((s > SMALLEST) & (s < LARGEST)) == 0:  # true for NaN too
            top, lse2, mean2 = row_statistics(row, V, to_base2, LANES, DEPTH, STAGES, ENTROPY)
        y = tl.load(targets + r)
        known = (y >= 0) & (y < V)
        x = (tl.load(row + tl.where(known, y, 0)).to(tl.float32) - top) * to_base2
        tl.store(logp + r, tl.where(known, (x - lse2) * LN2, float("nan")))
        tl.store(peak + r, top)
        tl.store(lse + r, lse2)
        if ENTROPY:
            tl.store(entropy + r, (lse2 - mean2) * LN2)
            tl.store(mean + r, mean2)
    else:
        tl.store(logp + r, 0.0)
        if ENTROPY:
            tl.store(entropy + r, 0.0)


@triton.jit
def backward_kernel(
    logits, grads, targets, mask, peak, lse, mean, grad_logp, grad_entropy, V, stride, grad_stride,
    inverse_temperature, BLOCK: tl.constexpr, MASK: tl.constexpr,
):  # fmt: skip
    """d/dz_j = (g (1[j=y] - p_j) - h p_j (log p_j + H)) / T, with g, h the upstream gradients; may overwrite logits.

    One program a block of a row, in order of address: a loop over the row in one program is 8 % slower. Leaving the
    entropy's term out where h is 0 makes it slower too, by 10 %.
    """
    blocks = tl.cdiv(V, BLOCK)
    r = (tl.program_id(0) // blocks).to(tl.int64)
    o = (tl.program_id(0) % blocks) * BLOCK + tl.arange(0, BLOCK)
    inside = o < V
    out = grads + r * grad_stride + o
    keep = True
    if MASK:
        keep = tl.load(mask + r) != 0
    if keep:
        g = tl.load(grad_logp + r) * inverse_temperature
        h = tl.load(grad_entropy + r) * (inverse_temperature * LN2)
        z = tl.load(logits + r * stride + o, mask=inside, other=0.0).to(tl.float32)
        z = (_clamp_low(z) - tl.load(peak + r)) * (inverse_temperature * LOG2E)
        p = tl.exp2(z - tl.load(lse + r))
        d = tl.where(o == tl.load(targets + r), g - g * p, -g * p)
        d -= h * p * (z - tl.load(mean + r))
        tl.store(out, d.to(grads.dtype.element_ty), mask=inside)
    else:
        tl.store(out, tl.zeros((BLOCK,), grads.dtype.element_ty), mask=inside)
