"""The Triton kernels of a token step; :mod:`veritune.trainer.rollout.decode.ops` says what each computes.

A row (B) is one completion. Rows that are no longer alive are skipped where that saves memory traffic.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait


@triton.jit
def add_norm_kernel(
    residual,
    delta,
    weight,
    out,
    rows,
    eps,
    WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
    PARTS: tl.constexpr,
    EARLY: tl.constexpr,
):
    """One program a row: residual += the sum of PARTS deltas (0: none); out = residual / rms · weight."""
    if EARLY:
        gdc_launch_dependents()
        gdc_wait()
    row = tl.program_id(0).to(tl.int64)
    h = tl.arange(0, BLOCK)
    inside = h < WIDTH
    x = tl.load(residual + row * WIDTH + h, inside, other=0.0).to(tl.float32)
    if PARTS > 0:
        y = tl.load(delta + row * WIDTH + h, inside, other=0.0).to(tl.float32)
        for part in tl.static_range(1, PARTS):
            y += tl.load(delta + (part * rows + row) * WIDTH + h, inside, other=0.0).to(tl.float32)
        x += y.to(out.dtype.element_ty).to(tl.float32)  # rounded where the trainer rounds
        tl.store(residual + row * WIDTH + h, x.to(residual.dtype.element_ty), inside)
        x = x.to(residual.dtype.element_ty).to(tl.float32)
    scale = tl.rsqrt(tl.sum(x * x, 0) / WIDTH + eps)
    y = x * scale * tl.load(weight + h, inside, other=0.0)
    tl.store(out + row * WIDTH + h, y.to(out.dtype.element_ty), inside)


@triton.jit
def silu_times_kernel(gate_up, out, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    """One program a block of a row: out = gate / (1 + e^−gate) · up."""
    row = tl.program_id(0).to(tl.int64)
    i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = i < WIDTH
    gate = tl.load(gate_up + row * 2 * WIDTH + i, inside, other=0.0).to(tl.float32)
    up = tl.load(gate_up + row * 2 * WIDTH + WIDTH + i, inside, other=0.0).to(tl.float32)
    y = gate / (1.0 + tl.exp(-gate))
    y = y.to(out.dtype.element_ty).to(tl.float32) * up
    tl.store(out + row * WIDTH + i, y.to(out.dtype.element_ty), inside)


@triton.jit
def rotate_store_at(
    place,
    row,
    slot,
    qkv,
    query_out,
    key_cache,
    value_cache,
    positions,
    cos,
    sin,
    query_norm,
    key_norm,
    eps,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
    LENGTH: tl.constexpr,
    NORMED: tl.constexpr,
):
    """One program a head and place in ``qkv``, which is the row's token ``slot`` positions past ``positions``."""
    head = tl.program_id(1)
    half: tl.constexpr = WIDTH // 2
    d = tl.arange(0, BLOCK)
    inside = d < half
    source = qkv + (place * (HEADS + 2 * KV_HEADS) + head) * WIDTH
    a = tl.load(source + d, inside, other=0.0).to(tl.float32)
    b = tl.load(source + half + d, inside, other=0.0).to(tl.float32)
    position = tl.load(positions + row) + slot
    if head < HEADS + KV_HEADS:
        if NORMED:
            scale = tl.rsqrt((tl.sum(a * a, 0) + tl.sum(b * b, 0)) / WIDTH + eps)
            norm = query_norm if head < HEADS else key_norm
            a = a * scale * tl.load(norm + d, inside, other=0.0)
            b = b * scale * tl.load(norm + half + d, inside, other=0.0)
        c = tl.load(cos + position * half + d, inside, other=0.0)
        s = tl.load(sin + position * half + d, inside, other=0.0)
        a, b = a * c - b * s, b * c + a * s
    if head < HEADS:
        target = query_out + (place * HEADS + head) * WIDTH
    elif head < HEADS + KV_HEADS:
        target = key_cache + ((row * KV_HEADS + head - HEADS) * LENGTH + position) * WIDTH
    else:
        target = value_cache + ((row * KV_HEADS + head - HEADS - KV_HEADS) * LENGTH + position) * WIDTH
    tl.store(target + d, a.to(target.dtype.element_ty), inside)
    tl.store(target + half + d, b.to(target.dtype.element_ty), inside)


@triton.jit
def rotate_store_kernel(
    qkv,
    query_out,
    key_cache,
    value_cache,
    positions,
    cos,
    sin,
    query_norm,
    key_norm,
    eps,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
    LENGTH: tl.constexpr,
    NORMED: tl.constexpr,
):
    """One program a row and head: queries rotated to ``query_out``, keys to the cache, values copied there."""
    row = tl.program_id(0).to(tl.int64)
    rotate_store_at(
        row, row, 0,
        qkv, query_out, key_cache, value_cache, positions, cos, sin, query_norm, key_norm, eps,
        HEADS, KV_HEADS, WIDTH, BLOCK, LENGTH, NORMED,
    )  # fmt: skip


@triton.jit
def attend_kernel(
    query,
    key_cache,
    value_cache,
    positions,
    alive,
    out,
    part_sums,
    part_scales,
    scale,
    GROUP: tl.constexpr,
    GROUP_PAD: tl.constexpr,
    KV_HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDTH_PAD: tl.constexpr,
    LENGTH: tl.constexpr,
    BLOCK: tl.constexpr,
    PARTS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One program a row, key-value head and part of the positions; the queries of the head's group share its reads.

    With PARTS > 1: unnormalised sums, and (maximum, sum of weights) of each part, for ``combine_kernel``.
    """
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    part = tl.program_id(2)
    if tl.load(alive + row):
        length = tl.load(positions + row).to(tl.int32) + 1
        each = tl.cdiv(tl.cdiv(length, PARTS), BLOCK) * BLOCK
        begin = part * each
        end = tl.minimum(length, begin + each)
        g = tl.arange(0, GROUP_PAD)
        d = tl.arange(0, WIDTH_PAD)
        n = tl.arange(0, BLOCK)
        heads = row * KV_HEADS * GROUP + head * GROUP + g
        grid_GD = (g[:, None] < GROUP) & (d[None, :] < WIDTH)
        q_GD = tl.load(query + heads[:, None] * WIDTH + d[None, :], grid_GD, other=0.0)
        base = (row * KV_HEADS + head) * LENGTH * WIDTH
        most_G = tl.full([GROUP_PAD], -float("inf"), tl.float32)
        sum_G = tl.zeros([GROUP_PAD], tl.float32)
        mixed_GD = tl.zeros([GROUP_PAD, WIDTH_PAD], tl.float32)
        for start in range(begin, end, BLOCK):
            inside_ND = ((start + n)[:, None] < end) & (d[None, :] < WIDTH)
            place_ND = base + (start + n)[:, None] * WIDTH + d[None, :]
            k_ND = tl.load(key_cache + place_ND, inside_ND, other=0.0)
            v_ND = tl.load(value_cache + place_ND, inside_ND, other=0.0)
            score_GN = tl.dot(q_GD, tl.trans(k_ND), input_precision=PRECISION) * (scale * 1.4426950408889634)
            score_GN = tl.where((start + n)[None, :] < end, score_GN, -float("inf"))
            top_G = tl.maximum(most_G, tl.max(score_GN, 1))
            p_GN = tl.exp2(score_GN - top_G[:, None])
            shrink_G = tl.exp2(most_G - top_G)
            sum_G = sum_G * shrink_G + tl.sum(p_GN, 1)
            mixed_GD = mixed_GD * shrink_G[:, None]
            mixed_GD += tl.dot(p_GN.to(v_ND.dtype), v_ND, input_precision=PRECISION)
            most_G = top_G
        if PARTS == 1:
            y_GD = mixed_GD / sum_G[:, None]
            tl.store(out + heads[:, None] * WIDTH + d[None, :], y_GD.to(out.dtype.element_ty), grid_GD)
        else:
            place_G = heads * PARTS + part
            tl.store(part_sums + place_G[:, None] * WIDTH + d[None, :], mixed_GD, grid_GD)
            tl.store(part_scales + place_G * 2, most_G, g < GROUP)
            tl.store(part_scales + place_G * 2 + 1, sum_G, g < GROUP)


@triton.jit
def combine_kernel(
    part_sums, part_scales, out, HEADS: tl.constexpr, WIDTH: tl.constexpr, WIDTH_PAD: tl.constexpr, PARTS: tl.constexpr
):
    """One program a row and head: the parts of ``attend_kernel`` into one softmax."""
    place = tl.program_id(0).to(tl.int64) * HEADS + tl.program_id(1)
    p = tl.arange(0, PARTS)
    d = tl.arange(0, WIDTH_PAD)
    most_P = tl.load(part_scales + (place * PARTS + p) * 2)
    sum_P = tl.load(part_scales + (place * PARTS + p) * 2 + 1)
    share_P = tl.exp2(most_P - tl.max(most_P, 0))
    where_PD = (place * PARTS + p)[:, None] * WIDTH + d[None, :]
    sums_PD = tl.load(part_sums + where_PD, d[None, :] < WIDTH, other=0.0)
    y_D = tl.sum(sums_PD * share_P[:, None], 0) / tl.sum(sum_P * share_P, 0)
    tl.store(out + place * WIDTH + d, y_D.to(out.dtype.element_ty), d < WIDTH)


@triton.jit
def chunk_kernel(
    logits,
    alive,
    part_most,
    part_sum,
    vocabulary,
    inverse_temperature,
    CHUNK: tl.constexpr,
):
    """One program a row and chunk of the vocabulary: max x and Σ e^(x − max), x = logits / temperature."""
    row = tl.program_id(0).to(tl.int64)
    chunk = tl.program_id(1)
    if tl.load(alive + row):
        i = chunk * CHUNK + tl.arange(0, CHUNK)
        x = tl.load(logits + row * vocabulary + i, i < vocabulary, other=-float("inf")) * inverse_temperature
        most = tl.max(x, 0)
        total = tl.sum(tl.exp(x - tl.where(most == -float("inf"), 0.0, most)), 0)
        place = row * tl.num_programs(1) + chunk
        tl.store(part_most + place, most)
        tl.store(part_sum + place, total)


@triton.jit
def advance_row(
    row,
    token,
    logp,
    step,
    tokens,
    positions,
    steps,
    limits,
    alive,
    out,
    logps,
    out_stride,
    eos,
    EOS_COUNT: tl.constexpr,
):
    """Append a token to a row; it ends at an EOS token or at its limit."""
    tl.store(out + row * out_stride + step, token)
    tl.store(logps + row * out_stride + step, logp)
    tl.store(tokens + row, token)
    tl.store(steps + row, step + 1)
    tl.store(positions + row, tl.load(positions + row) + 1)
    ended = step + 1 >= tl.load(limits + row)
    for index in tl.static_range(EOS_COUNT):
        ended = ended | (token == tl.load(eos + index))
    tl.store(alive + row, ~ended)


@triton.jit
def draw_kernel(
    logits,
    part_most,
    part_sum,
    tokens,
    positions,
    steps,
    limits,
    alive,
    out,
    logps,
    uniforms,
    eos,
    vocabulary,
    chunks,
    width,
    out_stride,
    inverse_temperature,
    CHUNK: tl.constexpr,
    CHUNKS_PAD: tl.constexpr,
    EOS_COUNT: tl.constexpr,
    GIVEN: tl.constexpr,
):
    """One program a row: the token at which the cumulative weight passes u · total, and the row's next state.

    The chunk is found in float64 and the token within its chunk in float32, so that a token of any probability can be
    drawn. ``GIVEN``: the logits are log-probs of the whole distribution already, −inf where truncated.
    """
    row = tl.program_id(0).to(tl.int64)
    if tl.load(alive + row):
        c = tl.arange(0, CHUNKS_PAD)
        most_C = tl.load(part_most + row * chunks + c, c < chunks, other=-float("inf"))
        sum_C = tl.load(part_sum + row * chunks + c, c < chunks, other=0.0)
        most = tl.max(most_C, 0)
        weight_C = (sum_C * tl.exp(most_C - most)).to(tl.float64)
        upto_C = tl.cumsum(weight_C, 0)
        total = tl.sum(weight_C, 0)
        step = tl.load(steps + row)
        target = tl.load(uniforms + row * width + step) * total
        chunk = tl.sum((upto_C <= target).to(tl.int32), 0)
        chunk = tl.minimum(chunk, tl.max(tl.where(weight_C > 0, c, 0), 0))
        rest = (target - tl.sum(tl.where(c < chunk, weight_C, 0.0), 0)).to(tl.float32)
        i = tl.arange(0, CHUNK)
        at = chunk * CHUNK + i
        x = tl.load(logits + row * vocabulary + at, at < vocabulary, other=-float("inf")) * inverse_temperature
        e = tl.exp(x - most)
        inner = tl.sum((tl.cumsum(e, 0) <= rest).to(tl.int32), 0)
        inner = tl.minimum(inner, tl.max(tl.where(e > 0, i, 0), 0))
        logp = tl.sum(tl.where(i == inner, x, 0.0), 0)
        if not GIVEN:
            logp = logp - most - tl.log(total).to(tl.float32)
        token = (chunk * CHUNK + inner).to(tl.int64)
        advance_row(
            row, token, logp, step, tokens, positions, steps, limits, alive, out, logps, out_stride, eos, EOS_COUNT
        )
