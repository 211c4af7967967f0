"""Accepting drafts in Triton: :func:`veritune.trainer.rollout.decode.verifying.draw_verified`, a program a row."""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
import torch
import triton
import triton.language as tl

from veritune.trainer.rollout.decode import triton_kernels as kernels
from veritune.trainer.rollout.decode import triton_ops
from veritune.trainer.rollout.decode.tokens import truncate


@triton.jit
def whole(parts_most, parts_sum, row, c, chunks):
    """Maxima and sums of a row's chunks, and log Σ e^x of all."""
    most_C = tl.load(parts_most + row * chunks + c, c < chunks, other=-float("inf"))
    sum_C = tl.load(parts_sum + row * chunks + c, c < chunks, other=0.0)
    most = tl.max(most_C, 0)
    return most_C, sum_C, most + tl.log(tl.sum(sum_C * tl.exp(most_C - most), 0))


@triton.jit
def draw_verified_kernel(
    logits,
    parts_most,
    parts_sum,
    drafts,
    draft_most,
    draft_sum,
    draft_tokens,
    steps,
    alive,
    accepts,
    uniforms,
    tokens_out,
    accepted_out,
    logps_out,
    draft_logps_out,
    count,
    vocabulary,
    chunks,
    width,
    inverse_temperature,
    CHUNK: tl.constexpr,
    CHUNKS_PAD: tl.constexpr,
):
    """The chunk is found in float64 and the token within it in float32, as a plain draw's is."""
    row = tl.program_id(0).to(tl.int64)
    if tl.load(alive + row):
        c = tl.arange(0, CHUNKS_PAD)
        i = tl.arange(0, CHUNK)
        step = tl.load(steps + row)
        draft = tl.load(draft_tokens + row)
        drafted = draft >= 0
        draft = tl.maximum(draft, 0)
        _, _, here_all = whole(parts_most, parts_sum, row, c, chunks)
        _, _, draft_all = whole(draft_most, draft_sum, row, c, chunks)
        draft_logp = tl.load(logits + row * vocabulary + draft) * inverse_temperature - here_all
        said = tl.exp(tl.load(drafts + row * vocabulary + draft) - draft_all)
        chance = tl.load(accepts + row * width + step)
        accepted = drafted & (chance * said.to(tl.float64) < tl.exp(draft_logp).to(tl.float64))
        base = row + tl.where(accepted, count, 0)
        most_C, sum_C, log_all = whole(parts_most, parts_sum, base, c, chunks)
        weight_C = (sum_C * tl.exp(most_C - log_all)).to(tl.float64)
        less = 0.0
        if drafted & (accepted == 0):
            left_C = tl.zeros([CHUNKS_PAD], tl.float64)
            for chunk in range(0, chunks):
                at = chunk * CHUNK + i
                x = tl.load(logits + row * vocabulary + at, at < vocabulary, other=-float("inf")) * inverse_temperature
                y = tl.load(drafts + row * vocabulary + at, at < vocabulary, other=-float("inf"))
                left = tl.sum(tl.maximum(tl.exp(x - here_all) - tl.exp(y - draft_all), 0.0), 0)
                left_C = tl.where(c == chunk, left.to(tl.float64), left_C)
            some = tl.sum(left_C, 0) > 0  # else they are equal but for rounding
            weight_C = tl.where(some, left_C, weight_C)
            less = tl.where(some, 1.0, 0.0)
        last = tl.minimum(step + tl.where(accepted, 1, 0), width - 1)
        target = tl.load(uniforms + row * width + last) * tl.sum(weight_C, 0)
        upto_C = tl.cumsum(weight_C, 0)
        chunk = tl.sum((upto_C <= target).to(tl.int32), 0)
        chunk = tl.minimum(chunk, tl.max(tl.where(weight_C > 0, c, 0), 0))
        rest = (target - tl.sum(tl.where(c < chunk, weight_C, 0.0), 0)).to(tl.float32)
        at = chunk * CHUNK + i
        x = tl.load(logits + base * vocabulary + at, at < vocabulary, other=-float("inf")) * inverse_temperature
        y = tl.load(drafts + row * vocabulary + at, at < vocabulary, other=-float("inf"))
        e = tl.maximum(tl.exp(x - log_all) - less * tl.exp(y - draft_all), 0.0)
        inner = tl.sum((tl.cumsum(e, 0) <= rest).to(tl.int32), 0)
        inner = tl.minimum(inner, tl.max(tl.where(e > 0, i, 0), 0))
        tl.store(tokens_out + row, (chunk * CHUNK + inner).to(tl.int64))
        tl.store(accepted_out + row, accepted)
        tl.store(logps_out + row, tl.sum(tl.where(i == inner, x, 0.0), 0) - log_all)
        tl.store(draft_logps_out + row, draft_logp)


def draw_verified(logits_NV, rows, sampling):
    """:func:`veritune.trainer.rollout.decode.verifying.draw_verified`; what dead rows get means nothing."""
    count, vocabulary = len(rows.draft_B), logits_NV.shape[1]
    device = logits_NV.device
    inverse, given_NV, whole_NV = 1.0 / sampling.temperature, logits_NV, None
    if sampling.top_k or sampling.min_p or sampling.top_p < 1:
        whole_NV = torch.log_softmax(logits_NV * inverse, -1)
        inverse, given_NV = 1.0, truncate(whole_NV, sampling)
    chunk = min(triton_ops.CHUNK, triton.next_power_of_2(vocabulary))
    chunks = triton.cdiv(vocabulary, chunk)
    parts = []
    alive_N = torch.cat([rows.alive_B, rows.alive_B])
    for values_NV, living, factor in ((given_NV, alive_N, inverse), (rows.draft_BV, rows.alive_B, 1.0)):
        most = torch.empty(len(values_NV), chunks, device=device)
        total = torch.empty_like(most)
        kernels.chunk_kernel[(len(values_NV), chunks)](
            values_NV, living, most, total, vocabulary, factor, chunk, num_warps=8
        )
        parts.append((most, total))
    tokens_B = torch.zeros(count, dtype=torch.long, device=device)
    accepted_B = torch.zeros(count, dtype=torch.bool, device=device)
    logps_B, draft_logps_B = torch.zeros(2, count, device=device)
    draw_verified_kernel[(count,)](
        given_NV,
        *parts[0],
        rows.draft_BV,
        *parts[1],
        rows.draft_B,
        rows.steps_B,
        rows.alive_B,
        rows.accepts_BT,
        rows.uniforms_BT,
        tokens_B,
        accepted_B,
        logps_B,
        draft_logps_B,
        count,
        vocabulary,
        chunks,
        rows.uniforms_BT.shape[1],
        inverse,
        chunk,
        triton.next_power_of_2(chunks),
        num_warps=8,
    )
    if whole_NV is not None:
        from_BV = torch.where(accepted_B[:, None], whole_NV[count:], whole_NV[:count])
        logps_B = from_BV.gather(1, tokens_B[:, None])[:, 0]
        draft_logps_B = whole_NV[:count].gather(1, rows.draft_B.clamp(min=0)[:, None])[:, 0]
    return tokens_B, accepted_B, logps_B, draft_logps_B
