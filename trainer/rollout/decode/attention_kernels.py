"""Attention of a token step in one kernel: it sums what the projection left in parts, norms and rotates queries and
keys, writes the cache and reads each row's own positions, no further.

G query heads of one key-value head, D a head's width, N positions of a block.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from veritune.trainer.rollout.decode.product_kernels import ask_for


@triton.jit
def summed(source, place, inside, stride, SUMS: tl.constexpr, dtype):
    """The sum of SUMS parts, rounded to ``dtype``: what the projection would have given in one piece."""
    x = tl.load(source + place, inside, other=0.0).to(tl.float32)
    for part in tl.static_range(1, SUMS):
        x += tl.load(source + part * stride + place, inside, other=0.0).to(tl.float32)
    return x.to(dtype).to(tl.float32)


@triton.jit
def rotate_attend_kernel(
    qkv,
    key_cache,
    value_cache,
    positions,
    alive,
    cos,
    sin,
    query_norm,
    key_norm,
    out,
    part_sums,
    part_scales,
    arrived,
    rows,
    eps,
    scale,
    SUMS: tl.constexpr,
    GROUP: tl.constexpr,
    GROUP_PAD: tl.constexpr,
    KV_HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDTH_PAD: tl.constexpr,
    LENGTH: tl.constexpr,
    BLOCK: tl.constexpr,
    PARTS: tl.constexpr,
    NORMED: tl.constexpr,
    AHEAD: tl.constexpr,
    POLICY: tl.constexpr,
    EARLY: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One program a row, key-value head and part of the positions; the queries of the head's group share its reads.

    The part that holds the new position takes its key and value from ``qkv`` and writes them to the cache. With PARTS
    > 1 the last program of a row and head to arrive joins the parts, in their order; ``arrived`` is 0 before and after.
    """
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    part = tl.program_id(2)
    dtype = key_cache.dtype.element_ty
    d = tl.arange(0, WIDTH_PAD)
    n = tl.arange(0, BLOCK)
    inside_D = d < WIDTH
    base = (row * KV_HEADS + head) * LENGTH * WIDTH
    if EARLY:
        gdc_launch_dependents()
    living = tl.load(alive + row)
    position = tl.load(positions + row).to(tl.int32)
    each = tl.cdiv(tl.cdiv(position + 1, PARTS), BLOCK) * BLOCK
    used = tl.cdiv(position + 1, each)
    begin = part * each
    end = tl.minimum(position, begin + each)
    if EARLY:
        # what earlier steps wrote stands still, so it can be asked for before the projection is done
        if AHEAD > 0:  # noqa: SIM102
            if living & (begin < end):
                size = tl.minimum(end - begin, AHEAD) * (WIDTH * (dtype.primitive_bitwidth // 8))
                ask_for(key_cache + base + begin * WIDTH, 1, 0, size)
                ask_for(value_cache + base + begin * WIDTH, 1, 0, size)
        gdc_wait()
    if living & (part < used):
        g = tl.arange(0, GROUP_PAD)
        half: tl.constexpr = WIDTH // 2
        other = tl.where(d < half, d + half, d - half)
        sign = tl.where(d < half, -1.0, 1.0)
        stride = tl.full((), (GROUP + 2) * KV_HEADS * WIDTH, tl.int64) * rows
        source = qkv + row * ((GROUP + 2) * KV_HEADS * WIDTH)
        heads = head * GROUP + g
        grid_GD = (g[:, None] < GROUP) & inside_D[None, :]
        turn = position * half + tl.where(d < half, d, d - half)
        d_cos = tl.load(cos + turn, inside_D, other=0.0)
        d_sin = tl.load(sin + turn, inside_D, other=0.0)

        q_GD = summed(source, heads[:, None] * WIDTH + d[None, :], grid_GD, stride, SUMS, dtype)
        p_GD = summed(source, heads[:, None] * WIDTH + other[None, :], grid_GD, stride, SUMS, dtype)
        if NORMED:
            s_G1 = tl.rsqrt(tl.sum(q_GD * q_GD, 1) / WIDTH + eps)[:, None]
            q_GD = q_GD * s_G1 * tl.load(query_norm + d, inside_D, other=0.0)[None, :]
            p_GD = p_GD * s_G1 * tl.load(query_norm + other, inside_D, other=0.0)[None, :]
        q_GD = (q_GD * d_cos[None, :] + p_GD * (d_sin * sign)[None, :]).to(dtype)

        most_G = tl.full([GROUP_PAD], -float("inf"), tl.float32)
        sum_G = tl.zeros([GROUP_PAD], tl.float32)
        mixed_GD = tl.zeros([GROUP_PAD, WIDTH_PAD], tl.float32)
        factor = scale * 1.4426950408889634
        if part == used - 1:
            key = (GROUP * KV_HEADS + head) * WIDTH
            value = ((GROUP + 1) * KV_HEADS + head) * WIDTH
            k_D = summed(source, key + d, inside_D, stride, SUMS, dtype)
            r_D = summed(source, key + other, inside_D, stride, SUMS, dtype)
            v_D = summed(source, value + d, inside_D, stride, SUMS, dtype)
            if NORMED:
                s = tl.rsqrt(tl.sum(k_D * k_D, 0) / WIDTH + eps)
                k_D = k_D * s * tl.load(key_norm + d, inside_D, other=0.0)
                r_D = r_D * s * tl.load(key_norm + other, inside_D, other=0.0)
            k_D = (k_D * d_cos + r_D * d_sin * sign).to(dtype)
            place = base + position.to(tl.int64) * WIDTH
            tl.store(key_cache + place + d, k_D, inside_D)
            tl.store(value_cache + place + d, v_D.to(dtype), inside_D)
            most_G = tl.sum(q_GD.to(tl.float32) * k_D.to(tl.float32)[None, :], 1) * factor
            sum_G += 1.0
            mixed_GD += v_D[None, :]
        for start in range(begin, end, BLOCK):
            inside_ND = ((start + n)[:, None] < end) & inside_D[None, :]
            place_ND = base + (start + n)[:, None] * WIDTH + d[None, :]
            k_ND = tl.load(key_cache + place_ND, inside_ND, other=0.0, eviction_policy=POLICY)
            v_ND = tl.load(value_cache + place_ND, inside_ND, other=0.0, eviction_policy=POLICY)
            score_GN = tl.dot(q_GD, tl.trans(k_ND), input_precision=PRECISION) * factor
            score_GN = tl.where((start + n)[None, :] < end, score_GN, -float("inf"))
            top_G = tl.maximum(most_G, tl.max(score_GN, 1))
            e_GN = tl.exp2(score_GN - top_G[:, None])
            shrink_G = tl.exp2(most_G - top_G)
            sum_G = sum_G * shrink_G + tl.sum(e_GN, 1)
            mixed_GD = mixed_GD * shrink_G[:, None]
            mixed_GD += tl.dot(e_GN.to(dtype), v_ND, input_precision=PRECISION)
            most_G = top_G
        target = out + (row * KV_HEADS * GROUP + heads)[:, None] * WIDTH + d[None, :]
        if PARTS == 1:
            tl.store(target, (mixed_GD / sum_G[:, None]).to(dtype), grid_GD)
        else:
            group = row * KV_HEADS + head
            slot_G = (group * PARTS + part) * GROUP_PAD + g
            tl.store(part_sums + slot_G[:, None] * WIDTH_PAD + d[None, :], mixed_GD, grid_GD)
            tl.store(part_scales + slot_G * 2, most_G)
            tl.store(part_scales + slot_G * 2 + 1, sum_G)
            tl.debug_barrier()
            if tl.atomic_add(arrived + group, 1, sem="acq_rel") == used - 1:
                most_G = tl.full([GROUP_PAD], -float("inf"), tl.float32)
                sum_G = tl.zeros([GROUP_PAD], tl.float32)
                mixed_GD = tl.zeros([GROUP_PAD, WIDTH_PAD], tl.float32)
                for index in range(0, used):
                    slot_G = (group * PARTS + index) * GROUP_PAD + g
                    other_G = tl.load(part_scales + slot_G * 2, cache_modifier=".cg")
                    add_G = tl.load(part_scales + slot_G * 2 + 1, cache_modifier=".cg")
                    place_GD = part_sums + slot_G[:, None] * WIDTH_PAD + d[None, :]
                    add_GD = tl.load(place_GD, grid_GD, other=0.0, cache_modifier=".cg")
                    top_G = tl.maximum(most_G, other_G)
                    shrink_G, grow_G = tl.exp2(most_G - top_G), tl.exp2(other_G - top_G)
                    sum_G = sum_G * shrink_G + add_G * grow_G
                    mixed_GD = mixed_GD * shrink_G[:, None] + add_GD * grow_G[:, None]
                    most_G = top_G
                tl.store(arrived + group, 0)
                tl.store(target, (mixed_GD / sum_G[:, None]).to(dtype), grid_GD)
