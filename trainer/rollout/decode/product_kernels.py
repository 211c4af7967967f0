"""Matrix products of a token step, where rows are few: each program streams its rows of the weight once.

Letters: M rows (completions), N outputs, K inputs. Weights are (N, K). With PARTS > 1 the inputs are divided too, and
the float32 sums of each part are left (PARTS, M, N) for whatever reads them next to add up.

``EARLY``: programs start while the kernel before them still runs (programmatic dependent launch). Weights do not change
within a token step, so what waits for its input asks for its weights meanwhile.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from veritune.trainer.rollout.decode.triton_kernels import advance_row


@triton.jit
def ask_for(pointer, count, stride, size):
    """Have ``count`` runs of ``size`` bytes, ``stride`` bytes apart, brought into the L2 cache; nothing waits for them.

    Thread i asks for run i. Addresses and sizes are multiples of 16, ``count`` is at most a block's threads.
    """
    tl.inline_asm_elementwise(
        """{
        .reg .pred p;
        .reg .u32 i;
        .reg .u64 a;
        mov.u32 i, %tid.x;
        setp.lt.u32 p, i, $2;
        mad.wide.u32 a, i, $3, $1;
        @p cp.async.bulk.prefetch.L2.global [a], $4;
        mov.u32 $0, 0;
        }""",
        "=r,l,r,r,r",
        [pointer.to(tl.int64), count, stride, size],
        tl.int32,
        is_pure=False,
        pack=1,
    )


@triton.jit
def ask_for_weight(weight, n, count, first, AHEAD: tl.constexpr, INPUTS: tl.constexpr):
    """Ask for ``AHEAD`` inputs, from ``first`` on, of ``count`` rows of a weight from row ``n`` on."""
    if AHEAD > 0:
        wide: tl.constexpr = weight.dtype.element_ty.primitive_bitwidth // 8
        length = tl.minimum(AHEAD, INPUTS - first)
        ask_for(weight + n.to(tl.int64) * INPUTS + first, count, INPUTS * wide, length * wide)


@triton.jit
def multiplied(
    inputs,
    weight,
    n_N,
    m_M,
    first,
    last,
    INPUTS: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    SWAP: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Rows ``m_M`` of the inputs times rows ``n_N`` of the weight, over inputs first … last: (M, N), or (N, M) with
    SWAP, which fills the tensor cores where rows are fewer than 64."""
    k_K = tl.arange(0, BK)
    input_MK = inputs + m_M.to(tl.int64)[:, None] * INPUTS + k_K[None, :]
    weight_NK = weight + n_N.to(tl.int64)[:, None] * INPUTS + k_K[None, :]
    if SWAP:
        sums = tl.zeros([BN, BM], tl.float32)
    else:
        sums = tl.zeros([BM, BN], tl.float32)
    for k in range(first, last, BK):
        if INPUTS % BK == 0:
            w_NK = tl.load(weight_NK + k)
            x_MK = tl.load(input_MK + k)
        else:
            inside_1K = (k + k_K < last)[None, :]
            w_NK = tl.load(weight_NK + k, inside_1K, other=0.0)
            x_MK = tl.load(input_MK + k, inside_1K, other=0.0)
        if SWAP:
            sums = tl.dot(w_NK, tl.trans(x_MK), sums, input_precision=PRECISION)
        else:
            sums = tl.dot(x_MK, tl.trans(w_NK), sums, input_precision=PRECISION)
    return sums


@triton.jit
def product_kernel(
    inputs,
    weight,
    bias,
    out,
    rows,
    outputs,
    INPUTS: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    PARTS: tl.constexpr,
    SWAP: tl.constexpr,
    BIAS: tl.constexpr,
    AHEAD: tl.constexpr,
    EARLY: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One program a block of outputs, part of the inputs and block of rows."""
    part = tl.program_id(1)
    n_N = tl.program_id(0) * BN + tl.arange(0, BN)
    m_M = tl.program_id(2) * BM + tl.arange(0, BM)
    known_N = tl.minimum(n_N, outputs - 1)
    known_M = tl.minimum(m_M, rows - 1)
    each: tl.constexpr = ((INPUTS + BK - 1) // BK + PARTS - 1) // PARTS * BK
    first = part * each
    last = tl.minimum(first + each, INPUTS)
    if EARLY:
        gdc_launch_dependents()
        n = tl.program_id(0) * BN
        ask_for_weight(weight, n, tl.minimum(BN, outputs - n), first, each if each < AHEAD else AHEAD, INPUTS)
        gdc_wait()
    sums = multiplied(inputs, weight, known_N, known_M, first, last, INPUTS, BM, BN, BK, SWAP, PRECISION)
    if BIAS:
        bias_N = tl.load(bias + known_N).to(tl.float32) * (part == 0).to(tl.float32)
        if SWAP:
            sums += bias_N[:, None]
        else:
            sums += bias_N[None, :]
    inside_M = m_M < rows
    inside_N = n_N < outputs
    place_M = (part.to(tl.int64) * rows + m_M) * outputs
    if SWAP:
        place = place_M[None, :] + n_N[:, None]
        tl.store(out + place, sums.to(out.dtype.element_ty), inside_M[None, :] & inside_N[:, None])
    else:
        place = place_M[:, None] + n_N[None, :]
        tl.store(out + place, sums.to(out.dtype.element_ty), inside_M[:, None] & inside_N[None, :])


@triton.jit
def gated_kernel(
    inputs,
    weight,
    bias,
    out,
    rows,
    outputs,
    INPUTS: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    SWAP: tl.constexpr,
    BIAS: tl.constexpr,
    AHEAD: tl.constexpr,
    EARLY: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One program a block of outputs and block of rows: silu(gate) · up, the weight's rows being gate's, then up's."""
    n_N = tl.program_id(0) * BN + tl.arange(0, BN)
    m_M = tl.program_id(1) * BM + tl.arange(0, BM)
    gate_N = tl.minimum(n_N, outputs - 1)
    up_N = gate_N + outputs
    known_M = tl.minimum(m_M, rows - 1)
    if EARLY:
        gdc_launch_dependents()
        n = tl.program_id(0) * BN
        count = tl.minimum(BN, outputs - n)
        ask_for_weight(weight, n, count, 0, INPUTS if INPUTS < AHEAD else AHEAD, INPUTS)
        ask_for_weight(weight, n + outputs, count, 0, INPUTS if INPUTS < AHEAD else AHEAD, INPUTS)
        gdc_wait()
    k_K = tl.arange(0, BK)
    input_MK = inputs + known_M.to(tl.int64)[:, None] * INPUTS + k_K[None, :]
    gate_NK = weight + gate_N.to(tl.int64)[:, None] * INPUTS + k_K[None, :]
    up_NK = weight + up_N.to(tl.int64)[:, None] * INPUTS + k_K[None, :]
    if SWAP:
        gate = tl.zeros([BN, BM], tl.float32)
        up = tl.zeros([BN, BM], tl.float32)
    else:
        gate = tl.zeros([BM, BN], tl.float32)
        up = tl.zeros([BM, BN], tl.float32)
    for k in range(0, INPUTS, BK):
        if INPUTS % BK == 0:
            x_MK = tl.load(input_MK + k)
            g_NK = tl.load(gate_NK + k)
            u_NK = tl.load(up_NK + k)
        else:
            inside_1K = (k + k_K < INPUTS)[None, :]
            x_MK = tl.load(input_MK + k, inside_1K, other=0.0)
            g_NK = tl.load(gate_NK + k, inside_1K, other=0.0)
            u_NK = tl.load(up_NK + k, inside_1K, other=0.0)
        if SWAP:
            gate = tl.dot(g_NK, tl.trans(x_MK), gate, input_precision=PRECISION)
            up = tl.dot(u_NK, tl.trans(x_MK), up, input_precision=PRECISION)
        else:
            gate = tl.dot(x_MK, tl.trans(g_NK), gate, input_precision=PRECISION)
            up = tl.dot(x_MK, tl.trans(u_NK), up, input_precision=PRECISION)
    if BIAS:
        gate_bias_N = tl.load(bias + gate_N).to(tl.float32)
        up_bias_N = tl.load(bias + up_N).to(tl.float32)
        if SWAP:
            gate += gate_bias_N[:, None]
            up += up_bias_N[:, None]
        else:
            gate += gate_bias_N[None, :]
            up += up_bias_N[None, :]
    dtype = out.dtype.element_ty
    gate = gate.to(dtype).to(tl.float32)  # rounded where the trainer rounds
    up = up.to(dtype).to(tl.float32)
    y = ((gate / (1.0 + tl.exp(-gate))).to(dtype).to(tl.float32) * up).to(dtype)
    inside_M = m_M < rows
    inside_N = n_N < outputs
    place_M = m_M.to(tl.int64) * outputs
    if SWAP:
        tl.store(out + place_M[None, :] + n_N[:, None], y, inside_M[None, :] & inside_N[:, None])
    else:
        tl.store(out + place_M[:, None] + n_N[None, :], y, inside_M[:, None] & inside_N[None, :])


@triton.jit
def head_kernel(
    inputs,
    weight,
    bias,
    part_most,
    part_sum,
    rows,
    outputs,
    chunks,
    inverse_temperature,
    INPUTS: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    CHUNK: tl.constexpr,
    SWAP: tl.constexpr,
    BIAS: tl.constexpr,
    AHEAD: tl.constexpr,
    EARLY: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One program a block of the vocabulary and block of rows: max x and Σ e^(x − max) of every CHUNK logits, x being
    logits / temperature. The logits themselves are not kept."""
    first_row = tl.program_id(0) * BM
    n_N = tl.program_id(1) * BN + tl.arange(0, BN)
    m_M = first_row + tl.arange(0, BM)
    known_N = tl.minimum(n_N, outputs - 1)
    known_M = tl.minimum(m_M, rows - 1)
    if EARLY:
        gdc_launch_dependents()
        n = tl.program_id(1) * BN
        ask_for_weight(weight, n, tl.minimum(BN, outputs - n), 0, INPUTS if INPUTS < AHEAD else AHEAD, INPUTS)
        gdc_wait()
    x = multiplied(inputs, weight, known_N, known_M, 0, INPUTS, INPUTS, BM, BN, BK, SWAP, PRECISION)
    if BIAS:
        bias_N = tl.load(bias + known_N).to(tl.float32)
        if SWAP:
            x += bias_N[:, None]
        else:
            x += bias_N[None, :]
    count: tl.constexpr = BN // CHUNK
    c_C = tl.program_id(1) * count + tl.arange(0, count)
    if SWAP:
        x = tl.where((n_N < outputs)[:, None], x * inverse_temperature, -float("inf"))
        x = tl.reshape(x, [count, CHUNK, BM])
        most_CM = tl.max(x, 1)
        base_CM = tl.where(most_CM == -float("inf"), 0.0, most_CM)
        total_CM = tl.sum(tl.exp(x - base_CM[:, None, :]), 1)
        place_CM = m_M.to(tl.int64)[None, :] * chunks + c_C[:, None]
        inside_CM = (m_M < rows)[None, :] & (c_C < chunks)[:, None]
        tl.store(part_most + place_CM, most_CM, inside_CM)
        tl.store(part_sum + place_CM, total_CM, inside_CM)
    else:
        x = tl.where((n_N < outputs)[None, :], x * inverse_temperature, -float("inf"))
        x = tl.reshape(x, [BM, count, CHUNK])
        most_MC = tl.max(x, 2)
        base_MC = tl.where(most_MC == -float("inf"), 0.0, most_MC)
        total_MC = tl.sum(tl.exp(x - base_MC[:, :, None]), 2)
        place_MC = m_M.to(tl.int64)[:, None] * chunks + c_C[None, :]
        inside_MC = (m_M < rows)[:, None] & (c_C < chunks)[None, :]
        tl.store(part_most + place_MC, most_MC, inside_MC)
        tl.store(part_sum + place_MC, total_MC, inside_MC)


@triton.jit
def draw_again_kernel(
    inputs,
    weight,
    bias,
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
    outputs,
    chunks,
    width,
    out_stride,
    inverse_temperature,
    INPUTS: tl.constexpr,
    BK: tl.constexpr,
    CHUNK: tl.constexpr,
    CHUNKS_PAD: tl.constexpr,
    EOS_COUNT: tl.constexpr,
    BIAS: tl.constexpr,
    EARLY: tl.constexpr,
):
    """``draw_kernel`` without logits: those of the chunk in which the token lies are computed once more."""
    row = tl.program_id(0).to(tl.int64)
    if EARLY:
        gdc_launch_dependents()
        gdc_wait()
    if tl.load(alive + row):
        c_C = tl.arange(0, CHUNKS_PAD)
        most_C = tl.load(part_most + row * chunks + c_C, c_C < chunks, other=-float("inf"))
        sum_C = tl.load(part_sum + row * chunks + c_C, c_C < chunks, other=0.0)
        most = tl.max(most_C, 0)
        weight_C = (sum_C * tl.exp(most_C - most)).to(tl.float64)
        upto_C = tl.cumsum(weight_C, 0)
        total = tl.sum(weight_C, 0)
        step = tl.load(steps + row)
        target = tl.load(uniforms + row * width + step) * total
        chunk = tl.sum((upto_C <= target).to(tl.int32), 0)
        chunk = tl.minimum(chunk, tl.max(tl.where(weight_C > 0, c_C, 0), 0))
        rest = (target - tl.sum(tl.where(c_C < chunk, weight_C, 0.0), 0)).to(tl.float32)
        i_N = tl.arange(0, CHUNK)
        at_N = chunk * CHUNK + i_N
        known_N = tl.minimum(at_N, outputs - 1).to(tl.int64)
        k_K = tl.arange(0, BK)
        x_N = tl.zeros([CHUNK], tl.float32)
        for k in range(0, INPUTS, BK):
            inside_K = k + k_K < INPUTS
            h_K = tl.load(inputs + row * INPUTS + k + k_K, inside_K, other=0.0).to(tl.float32)
            w_NK = tl.load(weight + known_N[:, None] * INPUTS + k + k_K[None, :], inside_K[None, :], other=0.0)
            x_N += tl.sum(w_NK.to(tl.float32) * h_K[None, :], 1)
        if BIAS:
            x_N += tl.load(bias + known_N).to(tl.float32)
        x_N = tl.where(at_N < outputs, x_N * inverse_temperature, -float("inf"))
        e_N = tl.exp(x_N - most)
        inner = tl.sum((tl.cumsum(e_N, 0) <= rest).to(tl.int32), 0)
        inner = tl.minimum(inner, tl.max(tl.where(e_N > 0, i_N, 0), 0))
        logp = tl.sum(tl.where(i_N == inner, x_N, 0.0), 0) - most - tl.log(total).to(tl.float32)
        token = (chunk * CHUNK + inner).to(tl.int64)
        advance_row(
            row, token, logp, step, tokens, positions, steps, limits, alive, out, logps, out_stride, eos, EOS_COUNT
        )
