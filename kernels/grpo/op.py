"""`linear_grpo_loss`: from hidden states to the GRPO loss and its gradients in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast, get_args

import torch

from veritune.kernels.backend import Backend, on_own_gpu
from veritune.kernels.grpo.batch import Batch, Kept
from veritune.kernels.grpo.objective import GRPOObjective, needed_tokens, token_terms, token_weights
from veritune.kernels.linear.head import Head, check_head, compute_dtype, head_wants_triton
from veritune.kernels.linear.op import (
    Mode,
    check_targets,
    plain_bias,
    product_operand,
    spread_rows,
    take_rows,
    without_grad_detached,
)
from veritune.kernels.linear.reference import linear_logprob as reference_logprob

# Tokens of one block in fast mode: E is 2 bytes * tokens * vocabulary, 2.5 GB at a vocabulary of 151,936.
BLOCK_TOKENS = 8192


@dataclass
class GRPOResult:
    """The loss, differentiable once in hidden, weight and bias, and per-token facts without a gradient.

    `logp`, `entropy` and `kl` (None without beta) have the shape of `targets`; they are 0 where `scored` is false.
    """

    loss: torch.Tensor
    logp: torch.Tensor
    entropy: torch.Tensor
    kl: torch.Tensor | None
    clipped: torch.Tensor
    scored: torch.Tensor


@on_own_gpu
def linear_grpo_loss(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    targets: torch.Tensor,
    advantages: torch.Tensor,
    mask: torch.Tensor,
    objective: GRPOObjective | None = None,
    *,
    old_logp: torch.Tensor | None = None,
    ref_logp: torch.Tensor | None = None,
    policy_weight: torch.Tensor | None = None,
    lengths: torch.Tensor | None = None,
    denominator: float | torch.Tensor | None = None,
    temperature: float = 1.0,
    bias: torch.Tensor | None = None,
    softcap: float | None = None,
    mode: Mode = "auto",
    backend: Backend = "auto",
) -> GRPOResult:
    """GRPO loss of a batch of completions, straight from the hidden states that predict their tokens.

    Padded: hidden `[B, T, H]`, targets, mask, old_logp, ref_logp, policy_weight `[B, T]`, advantages `[B]` or `[B, T]`.
    Packed: `lengths` `[B]` gives the tokens of each sequence, one after the other, hidden is `[N, H]` and the others
    `[N]` (advantages `[B]` or `[N]`). weight `[V, H]`, bias `[V]`. The loss is that of `grpo_loss` (see
    `GRPOObjective`) with log-probs as in `linear_logprob`; `old_logp=None` is on-policy.

    Masked tokens, and tokens of zero advantage where neither KL nor entropy bonus needs them, never reach the head.
    On CUDA in bfloat16 the gradients are made in the forward: `mode="fast"` (also `"auto"`) takes three products and
    holds E for 8192 tokens at a time, or for all of fewer, masked ones too; `"lean"` holds a slice of it, 0.6 to 1 GB,
    and recomputes the rest: four products less the share that is held. A sequence-level ratio over more than 8192
    tokens takes the lean way, since no token's gradient is known before its sequence's last log-prob.

    Raises:
        ValueError: shapes do not match, `beta` without `ref_logp`, or the back-end cannot run.
    """
    objective = objective or GRPOObjective()
    check_head(hidden, weight, targets, bias, softcap, temperature)
    if mode not in get_args(Mode):
        raise ValueError(f"mode={mode!r}: expected one of {', '.join(get_args(Mode))}")
    if objective.beta and ref_logp is None:
        raise ValueError(f"beta={objective.beta} needs ref_logp, the reference policy's log-probs")
    per_token = {"mask": mask, "old_logp": old_logp, "ref_logp": ref_logp, "policy_weight": policy_weight}
    for name, tensor in per_token.items():
        if tensor is not None and tensor.shape != targets.shape:
            raise ValueError(f"{name} {tuple(tensor.shape)} does not match targets {tuple(targets.shape)}")
    cells, grid = _cells(targets, lengths)
    if advantages.shape not in (targets.shape, grid[:1]):
        raise ValueError(
            f"advantages {tuple(advantages.shape)} do not match targets {tuple(targets.shape)}: expected "
            f"{tuple(targets.shape)}, or one a sequence, {grid[:1]}"
        )

    def on_grid(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(grid) if lengths is None else spread_rows(x, cells, grid[0] * grid[1]).view(grid)

    def off_grid(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1) if lengths is None else x.reshape(-1)[cells]

    def facts_of(x: torch.Tensor | None) -> torch.Tensor | None:
        return None if x is None else x.detach().reshape(-1).float()

    live = on_grid(mask.bool())
    spread_advantages = advantages.unsqueeze(-1).expand(grid) if advantages.shape == grid[:1] else on_grid(advantages)
    needed = off_grid(needed_tokens(live, spread_advantages, objective))
    kept = Kept(needed)
    batch = Batch(
        targets=targets.reshape(-1).long(),
        advantages=off_grid(spread_advantages).float(),
        weights=off_grid(token_weights(live, objective, denominator)),
        old=facts_of(old_logp), ref=facts_of(ref_logp), policy_weight=facts_of(policy_weight),
        cells=cells, grid=grid, objective=objective,
    )  # fmt: skip
    hidden, weight, bias = without_grad_detached(hidden, weight, bias)
    rows = hidden.reshape(-1, hidden.shape[-1])
    if targets.device.type == "cpu":
        check_targets(batch.targets[needed], weight.shape[0])
    if head_wants_triton(hidden, backend) and needed.numel():
        apply = cast(Any, _LinearGRPO.apply)
        loss, *facts = apply(rows, weight, bias, batch, kept, softcap, temperature, mode)
    else:
        batch = kept.part(batch)
        rows = (rows if kept.all else take_rows(rows, kept.order)).to(compute_dtype(hidden))
        logp, entropy = reference_logprob(rows, weight, batch.targets, bias, softcap, temperature, True)
        loss, kl, clipped = _loss(logp, cast(torch.Tensor, entropy), batch)
        facts = [kept.back(x) for x in (logp.detach(), cast(torch.Tensor, entropy).detach(), kl, clipped)]
    logp, entropy, kl, clipped = (cast(Any, None if fact is None else fact.view(targets.shape)) for fact in facts)
    return GRPOResult(loss, logp, entropy, kl, clipped, needed.clone().view(targets.shape))


def _cells(targets: torch.Tensor, lengths: torch.Tensor | None) -> tuple[torch.Tensor, tuple[int, int]]:
    """Each token's cell in the grid of sequences, and the grid's shape."""
    if lengths is None:
        if targets.dim() != 2:
            raise ValueError(f"targets {tuple(targets.shape)}: expected [sequences, tokens], or [tokens] with lengths=")
        return torch.arange(targets.numel(), device=targets.device), (targets.shape[0], targets.shape[1])
    # One wait at most, and none where the lengths are on the CPU.
    total, longest = torch.stack((lengths.sum(), lengths.max() if lengths.numel() else lengths.sum())).tolist()
    if targets.dim() != 1 or total != targets.numel():
        raise ValueError(f"lengths add up to {total} tokens, targets are {tuple(targets.shape)}: expected [{total}]")
    lengths = lengths.to(targets.device)
    each = torch.arange(lengths.numel(), device=targets.device)
    sequence = torch.repeat_interleave(each, lengths, output_size=total)
    first = lengths.cumsum(0) - lengths
    position = torch.arange(targets.numel(), device=targets.device) - first[sequence]
    return sequence * longest + position, (lengths.numel(), longest)


def _loss(
    logp: torch.Tensor, entropy: torch.Tensor, batch: Batch
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """Loss of the batch's tokens with the gradient in logp and entropy; per-token KL and clip facts without."""
    on_sequences = batch.objective.importance == "sequence"

    def shaped(x: torch.Tensor) -> torch.Tensor:
        if not on_sequences:
            return x.unsqueeze(0)
        return spread_rows(x, batch.cells, batch.grid[0] * batch.grid[1]).view(batch.grid)

    def flat(x: torch.Tensor) -> torch.Tensor:
        return x.detach().reshape(-1)[batch.cells] if on_sequences else x.detach().squeeze(0)

    def optional(x: torch.Tensor | None) -> torch.Tensor | None:
        return None if x is None else shaped(x)

    live = shaped(torch.ones_like(batch.cells, dtype=torch.bool)) if on_sequences else None
    terms = token_terms(
        shaped(logp), shaped(batch.advantages), live, batch.objective,
        old_logp=optional(batch.old), ref_logp=optional(batch.ref), policy_weight=optional(batch.policy_weight),
        entropy=shaped(entropy),
    )  # fmt: skip
    loss = (terms.loss * shaped(batch.weights)).sum()
    return loss, None if terms.kl is None else flat(terms.kl), flat(terms.clipped)


class _LinearGRPO(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        batch: Batch,
        kept: Kept,
        softcap: float | None,
        temperature: float,
        mode: Mode,
    ) -> tuple[torch.Tensor | None, ...]:
        from veritune.kernels.linear import engine

        dtype = compute_dtype(hidden)
        head = Head(product_operand(weight, dtype), plain_bias(bias), softcap, temperature)
        lean, first, wanted = mode == "lean", None, any(ctx.needs_input_grad[:3])
        if kept.total <= BLOCK_TOKENS:
            # One block, however many tokens are kept: the device starts on it before the host waits for their number.
            h = product_operand(hidden, dtype).index_select(0, kept.everything)
            targets = batch.targets[kept.everything]
            first = _first_pass(h, head, targets, batch.objective, kept.count, lean=lean, wanted=wanted)
            h, first = h[: kept.number], first.rows(kept.number)
        else:
            h = product_operand(hidden if kept.all else hidden.index_select(0, kept.order), dtype)
        batch = kept.part(batch)
        n, sequence_level = h.shape[0], batch.objective.importance == "sequence"
        if not n:
            first = _FirstPass(engine.no_rows(h.device), None)
        lean = lean or (sequence_level and n > BLOCK_TOKENS)
        size = n if lean or sequence_level else _block(n)
        into = _gradient_room(ctx, h, hidden.dtype, weight, add=not lean and size < n) if wanted else None
        parts = []
        for i in range(0, max(n, 1), max(size, 1)):
            tokens = batch.part(slice(i, i + size)) if size < n else batch
            with torch.autocast(h.device.type, enabled=False):
                parts.append(_block_step(h[i : i + size], head, tokens, first, _rows_of(into, i, size), lean=lean))
        if into is not None and into.weight is not None and into.weight.dtype is not weight.dtype:
            into.weight = into.weight.to(weight.dtype)
        if into is not None and into.bias is not None and bias is not None:
            into.bias = into.bias.to(bias.dtype)
        ctx.gradients, ctx.kept = into, kept
        loss, *facts = parts[0]
        if len(parts) > 1:
            loss = torch.stack([part[0] for part in parts]).sum()
            facts = [None if p[0] is None else torch.cat(p) for p in zip(*(part[1:] for part in parts), strict=True)]
        facts = [kept.back(fact) for fact in facts]
        ctx.mark_non_differentiable(*(f for f in facts if f is not None))
        return loss, *facts

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        from veritune.kernels.linear import engine

        into, ctx.gradients = ctx.gradients, None
        if into is None:
            raise RuntimeError("the gradients of linear_grpo_loss are made once: backward can run only once")
        for gradient in (into.hidden, into.weight, into.bias):
            if gradient is not None:
                engine.scale_in_place(gradient, upstream[0])
        return ctx.kept.back(into.hidden), into.weight, into.bias, None, None, None, None, None


def _block(n: int) -> int:
    """Rows of a block: as few blocks as BLOCK_TOKENS allows, of equal size in whole tiles."""
    blocks = max(1, -(-n // BLOCK_TOKENS))
    return min(n, -(-n // blocks // 128) * 128)


def _gradient_room(ctx: Any, h: torch.Tensor, dtype: torch.dtype, weight: torch.Tensor, *, add: bool) -> Any:
    """Room for the gradients; the weight's is float32 and zero where blocks `add` to it, and zero where no token is."""
    from veritune.kernels.linear import engine

    need_h, need_w, need_b = ctx.needs_input_grad[:3]
    kind = torch.float32 if add else weight.dtype
    make = torch.zeros if kind is torch.float32 or not h.shape[0] else torch.empty
    return engine.Gradients(
        torch.empty(h.shape, dtype=dtype, device=h.device) if need_h else None,
        make(weight.shape, dtype=kind, device=h.device) if need_w else None,
        torch.zeros(weight.shape[0], dtype=torch.float32, device=h.device) if need_b else None,
    )


def _rows_of(into: Any, start: int, size: int) -> Any:
    """The same room, its hidden part cut to one block's rows."""
    from veritune.kernels.linear import engine

    if into is None or into.hidden is None:
        return into
    return engine.Gradients(into.hidden[start : start + size], into.weight, into.bias)


@dataclass
class _FirstPass:
    """What the forward leaves of a block of tokens: row statistics, and E (None where no gradient is wanted)."""

    stats: Any
    e: torch.Tensor | None

    def rows(self, number: int) -> _FirstPass:
        return _FirstPass(self.stats.first(number), None if self.e is None else self.e[:number])


def _first_pass(
    h: torch.Tensor,
    head: Head,
    targets: torch.Tensor,
    objective: GRPOObjective,
    count: torch.Tensor | None = None,
    *,
    lean: bool,
    wanted: bool,
) -> _FirstPass:
    from veritune.kernels.linear import engine

    e = None
    if wanted:
        e = engine.lean_room(h, head) if lean else engine.exp_buffer(h.shape[0], head.vocabulary, h)
    slope = head.softcap is not None and objective.entropy_coef == 0
    stats = engine.row_stats(h, head, targets, want_entropy=True, e=e, slope=slope, count=count)
    return _FirstPass(stats, e)


def _block_step(
    h: torch.Tensor, head: Head, batch: Batch, first: _FirstPass | None, into: Any, *, lean: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """Loss and facts of one block, whose first pass may have been made; its gradients go to `into`."""
    from veritune.kernels.linear import engine

    if first is None:
        first = _first_pass(h, head, batch.targets, batch.objective, lean=lean, wanted=into is not None)
    stats, with_entropy = first.stats, batch.objective.entropy_coef != 0
    with torch.enable_grad():
        logp, entropy = stats.logp.detach().requires_grad_(), stats.entropy.detach().requires_grad_(with_entropy)
        loss, kl, clipped = _loss(logp, entropy, batch)
        if into is not None:
            slopes = torch.autograd.grad(loss, (logp, entropy) if with_entropy else (logp,))
    if first.e is not None and into is not None and h.shape[0]:
        g, u = slopes[0].contiguous(), slopes[1].contiguous() if with_entropy else None
        engine.gradients(first.e, h, head, batch.targets, stats, g, u, into, kept=True)
    return loss.detach(), stats.logp, stats.entropy, kl, clipped
