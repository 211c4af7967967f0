"""Divergence of two rows of logits and its gradient in the student's.

With u_j = dD/dp_j the gradient is p_s (u - c), c = sum_j p_s u; a term of u that is the same for all j drops out.
KIND follows `kinds.Kind`: 0 forward KL, 1 reverse KL, 2 skewed forward, 3 skewed reverse, 4 Jensen-Shannon.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
import triton
import triton.language as tl

LOG2E = tl.constexpr(1.4426950408889634)
LN2 = tl.constexpr(0.6931471805599453)
LOWEST = tl.constexpr(-1e30)
TINY = tl.constexpr(1e-37)


@triton.jit
def _base(row, CAP: tl.constexpr):
    """A logit to subtract from its row, so that what all share costs no precision; capped logits are small anyway."""
    z = 0.0
    if not CAP:
        z = tl.load(row).to(tl.float32)
        z = tl.where(z > LOWEST, z, 0.0)
    return z


@triton.jit
def _load(row, o, inside, base, cap, to_base2, CAP: tl.constexpr):
    z = tl.load(row + o, mask=inside, other=0.0).to(tl.float32)
    if CAP:
        z = cap * (1.0 - 2.0 / (tl.exp2(z / cap * (2.0 * LOG2E)) + 1.0))
    else:
        z -= base
    z *= to_base2
    return tl.where(z < LOWEST, LOWEST, z)


@triton.jit
def _terms(s, t, share, KIND: tl.constexpr):
    """(term of D, p_s, u) of base-2 log-probs s and t."""
    ps = tl.exp2(s)
    pt = tl.exp2(t)
    m = tl.maximum(share * pt + (1.0 - share) * ps, TINY)
    m2 = tl.log2(m)
    if KIND == 2:
        return pt * (t - m2) * LN2, ps, -(1.0 - share) * pt / m
    elif KIND == 3:
        return ps * (s - m2) * LN2, ps, (s - m2) * LN2 - (1.0 - share) * ps / m
    else:
        d = (share * pt * (t - m2) + (1.0 - share) * ps * (s - m2)) * LN2
        return d, ps, (1.0 - share) * (s - m2) * LN2


@triton.jit
def forward_kernel(
    student, teacher, mask, value, bases_s, bases_t, lse_s, lse_t, center, V, stride_s, stride_t,
    cap_s, cap_t, to_base2, share,
    LANES: tl.constexpr, KIND: tl.constexpr, CAP_S: tl.constexpr, CAP_T: tl.constexpr, MASK: tl.constexpr,
):  # fmt: skip
    r = tl.program_id(0).to(tl.int64)
    keep = True
    if MASK:
        keep = tl.load(mask + r) != 0
    if keep:
        row_s = student + r * stride_s
        row_t = teacher + r * stride_t
        base_s = _base(row_s, CAP_S)
        base_t = _base(row_t, CAP_T)
        lane = tl.arange(0, LANES)
        ms = tl.full((LANES,), LOWEST, tl.float32)
        mt = tl.full((LANES,), LOWEST, tl.float32)
        ss = tl.zeros((LANES,), tl.float32)
        st = tl.zeros((LANES,), tl.float32)
        w = tl.zeros((LANES,), tl.float32)
        for start in tl.range(0, V, LANES, num_stages=3):
            o = start + lane
            inside = o < V
            zs = tl.where(inside, _load(row_s, o, inside, base_s, cap_s, to_base2, CAP_S), LOWEST)
            zt = tl.where(inside, _load(row_t, o, inside, base_t, cap_t, to_base2, CAP_T), LOWEST)
            top_s = tl.maximum(ms, zs)
            top_t = tl.maximum(mt, zt)
            shrink_s = tl.exp2(ms - top_s)
            shrink_t = tl.exp2(mt - top_t)
            ps = tl.where(inside, tl.exp2(zs - top_s), 0.0)
            pt = tl.where(inside, tl.exp2(zt - top_t), 0.0)
            ss = ss * shrink_s + ps
            st = st * shrink_t + pt
            if KIND == 0:
                w = w * shrink_t + pt * (zt - zs)
            if KIND == 1:
                w = w * shrink_s + ps * (zs - zt)
            ms = top_s
            mt = top_t
        peak_s = tl.max(ms, axis=0)
        peak_t = tl.max(mt, axis=0)
        shrink_s = tl.exp2(ms - peak_s)
        shrink_t = tl.exp2(mt - peak_t)
        total_s = tl.sum(ss * shrink_s, axis=0)
        total_t = tl.sum(st * shrink_t, axis=0)
        ls = peak_s + tl.log2(total_s)
        lt = peak_t + tl.log2(total_t)
        if KIND == 0:
            d = (tl.sum(w * shrink_t, axis=0) / total_t - lt + ls) * LN2
            c = 0.0
        elif KIND == 1:
            d = (tl.sum(w * shrink_s, axis=0) / total_s - ls + lt) * LN2
            c = d
        else:
            sum_d = tl.zeros((LANES,), tl.float32)
            sum_c = tl.zeros((LANES,), tl.float32)
            for start in tl.range(0, V, LANES, num_stages=3):
                o = start + lane
                inside = o < V
                zs = _load(row_s, o, inside, base_s, cap_s, to_base2, CAP_S)
                zt = _load(row_t, o, inside, base_t, cap_t, to_base2, CAP_T)
                term, ps, u = _terms(zs - ls, zt - lt, share, KIND)
                sum_d += tl.where(inside, term, 0.0)
                sum_c += tl.where(inside, ps * u, 0.0)
            d = tl.sum(sum_d, axis=0)
            c = tl.sum(sum_c, axis=0)
        # Not below zero but for rounding; a comparison lets a NaN through.
        tl.store(value + r, tl.where(d < 0.0, 0.0, d))
        tl.store(bases_s + r, base_s)
        tl.store(bases_t + r, base_t)
        tl.store(lse_s + r, ls)
        tl.store(lse_t + r, lt)
        tl.store(center + r, c)
    else:
        tl.store(value + r, 0.0)


@triton.jit
def backward_kernel(
    student, teacher, grads, mask, bases_s, bases_t, lse_s, lse_t, center, upstream, V, stride_s, stride_t,
    stride_g, cap_s, cap_t, to_base2, inverse_temperature, share, BLOCK: tl.constexpr, KIND: tl.constexpr,
    CAP_S: tl.constexpr, CAP_T: tl.constexpr, MASK: tl.constexpr,
):  # fmt: skip
    """Gradient in the student's raw logits (before soft-cap and temperature); may overwrite them."""
    blocks = tl.cdiv(V, BLOCK)
    r = (tl.program_id(0) // blocks).to(tl.int64)
    o = (tl.program_id(0) % blocks) * BLOCK + tl.arange(0, BLOCK)
    inside = o < V
    out = grads + r * stride_g + o
    keep = True
    if MASK:
        keep = tl.load(mask + r) != 0
    if keep:
        g = tl.load(upstream + r) * inverse_temperature
        ls = tl.load(lse_s + r)
        lt = tl.load(lse_t + r)
        c = tl.load(center + r)
        row_s = student + r * stride_s
        row_t = teacher + r * stride_t
        zs = _load(row_s, o, inside, tl.load(bases_s + r), cap_s, to_base2, CAP_S)
        zt = _load(row_t, o, inside, tl.load(bases_t + r), cap_t, to_base2, CAP_T)
        if KIND == 0:
            d = tl.exp2(zs - ls) - tl.exp2(zt - lt)
        elif KIND == 1:
            d = tl.exp2(zs - ls) * ((zs - ls - zt + lt) * LN2 - c)
        else:
            _, ps, u = _terms(zs - ls, zt - lt, share, KIND)
            d = ps * (u - c)
        d *= g
        if CAP_S:
            x = zs / (to_base2 * cap_s)
            d *= 1.0 - x * x
        tl.store(out, d.to(grads.dtype.element_ty), mask=inside)
    else:
        tl.store(out, tl.zeros((BLOCK,), grads.dtype.element_ty), mask=inside)
