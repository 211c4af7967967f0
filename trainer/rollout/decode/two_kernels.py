"""Two tokens a row at once in Triton: what a step of speculative decoding needs beside matrix products.

Rows stand slot by slot: the last tokens of all B rows, then their drafts, at the next position of the same cache. Both
queries of a row read its keys and values once.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
import torch
import triton
import triton.language as tl

from veritune.trainer.rollout.decode import triton_kernels as kernels

PROGRAMS = 256
"""So many programs keep an H100 or H200 busy; fewer rows are split along their positions."""


@triton.jit
def rotate_store_two_kernel(
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
    rows,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
    LENGTH: tl.constexpr,
    NORMED: tl.constexpr,
):
    """``rotate_store_kernel``, for both slots of a row."""
    place = tl.program_id(0).to(tl.int64)
    kernels.rotate_store_at(
        place, place % rows, place // rows,
        qkv, query_out, key_cache, value_cache, positions, cos, sin, query_norm, key_norm, eps,
        HEADS, KV_HEADS, WIDTH, BLOCK, LENGTH, NORMED,
    )  # fmt: skip


@triton.jit
def attend_two_kernel(
    query,
    key_cache,
    value_cache,
    positions,
    alive,
    out,
    part_sums,
    part_scales,
    scale,
    rows,
    GROUP: tl.constexpr,
    BOTH_PAD: tl.constexpr,
    KV_HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDTH_PAD: tl.constexpr,
    LENGTH: tl.constexpr,
    BLOCK: tl.constexpr,
    PARTS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """``attend_kernel`` with the queries of both slots beside one another; the second sees one position more."""
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    part = tl.program_id(2)
    if tl.load(alive + row):
        length = tl.load(positions + row).to(tl.int32) + 2
        each = tl.cdiv(tl.cdiv(length, PARTS), BLOCK) * BLOCK
        begin = part * each
        end = tl.minimum(length, begin + each)
        g = tl.arange(0, BOTH_PAD)
        d = tl.arange(0, WIDTH_PAD)
        n = tl.arange(0, BLOCK)
        here_G = g < 2 * GROUP
        until_G = length - 1 + tl.where(g >= GROUP, 1, 0)
        heads = ((g // GROUP) * rows + row) * KV_HEADS * GROUP + head * GROUP + g % GROUP
        grid_GD = here_G[:, None] & (d[None, :] < WIDTH)
        q_GD = tl.load(query + heads[:, None] * WIDTH + d[None, :], grid_GD, other=0.0)
        base = (row * KV_HEADS + head) * LENGTH * WIDTH
        most_G = tl.full([BOTH_PAD], -float("inf"), tl.float32)
        sum_G = tl.zeros([BOTH_PAD], tl.float32)
        mixed_GD = tl.zeros([BOTH_PAD, WIDTH_PAD], tl.float32)
        for start in range(begin, end, BLOCK):
            inside_ND = ((start + n)[:, None] < end) & (d[None, :] < WIDTH)
            place_ND = base + (start + n)[:, None] * WIDTH + d[None, :]
            k_ND = tl.load(key_cache + place_ND, inside_ND, other=0.0)
            v_ND = tl.load(value_cache + place_ND, inside_ND, other=0.0)
            score_GN = tl.dot(q_GD, tl.trans(k_ND), input_precision=PRECISION) * (scale * 1.4426950408889634)
            seen_GN = ((start + n)[None, :] < end) & ((start + n)[None, :] < until_G[:, None])
            score_GN = tl.where(seen_GN, score_GN, -float("inf"))
            top_G = tl.maximum(most_G, tl.max(score_GN, 1))
            safe_G = tl.where(top_G == -float("inf"), 0.0, top_G)  # a part in which the first slot sees nothing
            p_GN = tl.exp2(score_GN - safe_G[:, None])
            shrink_G = tl.exp2(most_G - safe_G)
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
            tl.store(part_scales + place_G * 2, most_G, here_G)
            tl.store(part_scales + place_G * 2 + 1, sum_G, here_G)


@triton.jit
def advance_two_kernel(
    drawn,
    accepted,
    logps,
    draft_logps,
    drafts,
    tokens,
    positions,
    steps,
    limits,
    alive,
    out,
    out_logps,
    forwards,
    drafted,
    accepted_count,
    eos,
    first_out,
    second_out,
    out_stride,
    EOS_COUNT: tl.constexpr,
):
    """One program a row: the draft and the token after it, or the one in its place, appended; the row's next state."""
    row = tl.program_id(0).to(tl.int64)
    if tl.load(alive + row):
        draft, token = tl.load(drafts + row), tl.load(drawn + row)
        taken = tl.load(accepted + row).to(tl.int32) != 0
        step, limit = tl.load(steps + row), tl.load(limits + row)
        logp = tl.load(logps + row)
        first = tl.where(taken, draft, token)
        tl.store(out + row * out_stride + step, first)
        tl.store(out_logps + row * out_stride + step, tl.where(taken, tl.load(draft_logps + row), logp))
        ended = step + 1 >= limit
        token_ends = step + 2 >= limit
        for index in tl.static_range(EOS_COUNT):
            end = tl.load(eos + index)
            ended = ended | (first == end)
            token_ends = token_ends | (token == end)
        second = taken & (ended == 0)
        if second:
            tl.store(out + row * out_stride + step + 1, token)
            tl.store(out_logps + row * out_stride + step + 1, logp)
        more = 1 + second.to(tl.int64)
        tl.store(tokens + row, tl.where(second, token, first))
        tl.store(steps + row, step + more)
        tl.store(positions + row, tl.load(positions + row) + more)
        tl.store(alive + row, tl.where(second, token_ends, ended) == 0)
        tl.store(forwards + row, tl.load(forwards + row) + 1)
        tl.store(drafted + row, tl.load(drafted + row) + (draft >= 0).to(tl.int64))
        tl.store(accepted_count + row, tl.load(accepted_count + row) + taken.to(tl.int64))
        tl.store(first_out + row, first)
        tl.store(second_out + row, second)


def rotate_store_two(qkv_NX, key_BKLD, value_BKLD, rows, layer, weights):
    """Norms and rotation of both slots' queries and keys; keys and values into the cache; the queries."""
    query_NX = qkv_NX.new_empty(len(qkv_NX), weights.heads * weights.head_dim)
    normed = layer.query_norm is not None and layer.key_norm is not None
    rotate_store_two_kernel[(len(qkv_NX), weights.heads + 2 * weights.kv_heads)](
        qkv_NX,
        query_NX,
        key_BKLD,
        value_BKLD,
        rows.positions_B,
        weights.cos_LF,
        weights.sin_LF,
        layer.query_norm if normed else weights.cos_LF,
        layer.key_norm if normed else weights.cos_LF,
        weights.eps,
        len(qkv_NX) // 2,
        weights.heads,
        weights.kv_heads,
        weights.head_dim,
        triton.next_power_of_2(weights.head_dim // 2),
        key_BKLD.shape[2],
        normed,
        num_warps=1,
    )
    return query_NX


def attend_two(query_NX, key_BKLD, value_BKLD, rows, weights, parts=None, block=64):
    """softmax(scale · q · k) · v of both slots over 0 … their own position: (2B, heads · D)."""
    count, kv_heads, length, width = key_BKLD.shape
    group = weights.heads // kv_heads
    parts = parts or min(16, triton.next_power_of_2(max(1, PROGRAMS // (count * kv_heads))))
    padded = triton.next_power_of_2(max(width, 16))
    out_NX = torch.empty_like(query_NX)
    sums = scales = query_NX
    if parts > 1:
        sums = torch.empty(2 * count * weights.heads * parts, width, device=query_NX.device)
        scales = torch.empty(2 * count * weights.heads * parts, 2, device=query_NX.device)
    attend_two_kernel[(count, kv_heads, parts)](
        query_NX,
        key_BKLD,
        value_BKLD,
        rows.positions_B,
        rows.alive_B,
        out_NX,
        sums,
        scales,
        weights.scale,
        count,
        group,
        triton.next_power_of_2(max(2 * group, 16)),
        kv_heads,
        width,
        padded,
        length,
        block,
        parts,
        "ieee" if query_NX.dtype is torch.float32 else "tf32",
        num_warps=4,
        num_stages=3 if padded <= 64 else 2,
    )
    if parts > 1:
        kernels.combine_kernel[(2 * count, weights.heads)](
            sums, scales, out_NX, weights.heads, width, padded, parts, num_warps=1
        )
    return out_NX


def advance_two(drawn, rows, eos_E):
    """What :func:`veritune.trainer.rollout.decode.speculative.verify` does after the draw."""
    first_B = torch.zeros_like(rows.tokens_B)
    second_B = torch.zeros_like(rows.alive_B)
    state = (rows.tokens_B, rows.positions_B, rows.steps_B, rows.limits_B, rows.alive_B, rows.out_BT, rows.logps_BT)
    counters = (rows.forwards_B, rows.drafted_B, rows.accepted_B)
    advance_two_kernel[(len(first_B),)](
        *drawn,
        rows.draft_B,
        *state,
        *counters,
        eos_E,
        first_B,
        second_B,
        rows.out_BT.shape[1],
        len(eos_E),
        num_warps=1,
    )
    return first_B, drawn[0], second_B
