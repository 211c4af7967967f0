"""Attention over a latent cache in Triton: all heads of a row read each of its c_t once, as key and as value."""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
import torch
import triton
import triton.language as tl

from veritune.trainer.rollout.decode import triton_kernels as kernels

HEADS = 16
"""Heads of one program: the rows of a tensor core's product."""
PROGRAMS = 264
"""So many programs keep an H100 or H200 busy; fewer rows are split along their positions."""


@triton.jit
def attend_latent_kernel(
    query,
    cache,
    positions,
    alive,
    out,
    part_sums,
    part_scales,
    scale,
    row_stride,
    HEADS_ALL: tl.constexpr,
    HEADS_BLOCK: tl.constexpr,
    RANK: tl.constexpr,
    RANK_PAD: tl.constexpr,
    ROPE: tl.constexpr,
    ROPE_PAD: tl.constexpr,
    BLOCK: tl.constexpr,
    PARTS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One program a row, block of heads and part of the positions; with PARTS > 1 for ``combine_kernel``."""
    row = tl.program_id(0).to(tl.int64)
    part = tl.program_id(2)
    width: tl.constexpr = RANK + ROPE
    if tl.load(alive + row):
        length = tl.load(positions + row).to(tl.int32) + 1
        each = tl.cdiv(tl.cdiv(length, PARTS), BLOCK) * BLOCK
        begin = part * each
        end = tl.minimum(length, begin + each)
        h = tl.program_id(1) * HEADS_BLOCK + tl.arange(0, HEADS_BLOCK)
        r = tl.arange(0, RANK_PAD)
        p = tl.arange(0, ROPE_PAD)
        n = tl.arange(0, BLOCK)
        heads = row * HEADS_ALL + h
        here_H = h < HEADS_ALL
        q_HR = tl.load(query + heads[:, None] * width + r[None, :], here_H[:, None] & (r[None, :] < RANK), other=0.0)
        q_HP = tl.load(
            query + heads[:, None] * width + RANK + p[None, :], here_H[:, None] & (p[None, :] < ROPE), other=0.0
        )
        base = cache + row * row_stride
        most_H = tl.full([HEADS_BLOCK], -float("inf"), tl.float32)
        sum_H = tl.zeros([HEADS_BLOCK], tl.float32)
        mixed_HR = tl.zeros([HEADS_BLOCK, RANK_PAD], tl.float32)
        for start in range(begin, end, BLOCK):
            inside_N = start + n < end
            place_N = base + (start + n) * width
            c_NR = tl.load(place_N[:, None] + r[None, :], inside_N[:, None] & (r[None, :] < RANK), other=0.0)
            k_NP = tl.load(place_N[:, None] + RANK + p[None, :], inside_N[:, None] & (p[None, :] < ROPE), other=0.0)
            score_HN = tl.dot(q_HR, tl.trans(c_NR), input_precision=PRECISION)
            score_HN += tl.dot(q_HP, tl.trans(k_NP), input_precision=PRECISION)
            score_HN = tl.where(inside_N[None, :], score_HN * (scale * 1.4426950408889634), -float("inf"))
            top_H = tl.maximum(most_H, tl.max(score_HN, 1))
            p_HN = tl.exp2(score_HN - top_H[:, None])
            shrink_H = tl.exp2(most_H - top_H)
            sum_H = sum_H * shrink_H + tl.sum(p_HN, 1)
            mixed_HR = mixed_HR * shrink_H[:, None]
            mixed_HR += tl.dot(p_HN.to(c_NR.dtype), c_NR, input_precision=PRECISION)
            most_H = top_H
        grid_HR = here_H[:, None] & (r[None, :] < RANK)
        if PARTS == 1:
            y_HR = mixed_HR / sum_H[:, None]
            tl.store(out + heads[:, None] * RANK + r[None, :], y_HR.to(out.dtype.element_ty), grid_HR)
        else:
            place_H = heads * PARTS + part
            tl.store(part_sums + place_H[:, None] * RANK + r[None, :], mixed_HR, grid_HR)
            tl.store(part_scales + place_H * 2, most_H, here_H)
            tl.store(part_scales + place_H * 2 + 1, sum_H, here_H)


def attend_latent(query_BHX, cache_BLX, rows, span, rank, scale, parts=None, block=32):
    """:func:`veritune.trainer.rollout.decode.latent.attend_latent`; what dead rows get is not written."""
    query_BHX = query_BHX.contiguous()
    count, heads, width = query_BHX.shape
    blocks = triton.cdiv(heads, HEADS)
    parts = parts or min(16, triton.next_power_of_2(max(1, PROGRAMS // (count * blocks))))
    out_BHR = torch.empty(count, heads, rank, dtype=query_BHX.dtype, device=query_BHX.device)
    sums = scales = query_BHX
    if parts > 1:
        sums = torch.empty(count * heads * parts, rank, device=query_BHX.device)
        scales = torch.empty(count * heads * parts, 2, device=query_BHX.device)
    rank_pad = triton.next_power_of_2(max(rank, 16))
    attend_latent_kernel[(count, blocks, parts)](
        query_BHX,
        cache_BLX,
        rows.positions_B,
        rows.alive_B,
        out_BHR,
        sums,
        scales,
        scale,
        cache_BLX.stride(0),
        heads,
        HEADS,
        rank,
        rank_pad,
        width - rank,
        triton.next_power_of_2(max(width - rank, 16)),
        block,
        parts,
        "ieee" if query_BHX.dtype is torch.float32 else "tf32",
        num_warps=8 if rank_pad >= 256 else 4,
        num_stages=2,
    )
    if parts > 1:
        kernels.combine_kernel[(count, heads)](sums, scales, out_BHR, heads, rank, rank_pad, parts, num_warps=4)
    return out_BHR
