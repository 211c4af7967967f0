"""`linear_grpo_loss`: from hidden states to the GRPO loss and its gradients in one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast, get_args

import torch

from veritune.kernels.backend import Backend
from veritune.kernels.grpo.objective import GRPOObjective, needed_tokens, token_terms, token_weights
from veritune.kernels.linear.head import Head, check_head, compute_dtype, head_wants_triton
from veritune.kernels.linear.op import Mode, check_targets, plain_bias, product_operand, spread_rows, take_rows
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


@dataclass
class _Batch:
    """The kept tokens `[n]`, and where they sit in the grid of sequences `[B, T]`."""

    targets: torch.Tensor
    advantages: torch.Tensor
    weights: torch.Tensor
    old: torch.Tensor | None
    ref: torch.Tensor | None
    policy_weight: torch.Tensor | None
    cells: torch.Tensor
    grid: tuple[int, int]
    objective: GRPOObjective

    def part(self, which: slice | torch.Tensor) -> _Batch:
        """Some of the tokens: a slice only for objectives in which tokens do not depend on each other."""

        def cut(x: torch.Tensor | None) -> torch.Tensor | None:
            return None if x is None else x[which]

        return _Batch(
            self.targets[which], self.advantages[which], self.weights[which], cut(self.old), cut(self.ref),
            cut(self.policy_weight), self.cells[which], self.grid, self.objective,
        )  # fmt: skip


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
    holds E for 8192 tokens at a time; `"lean"` holds a slice of it, 0.6 to 1 GB, and recomputes the rest: four products
    less the share that is held. A sequence-level ratio over more than 8192 tokens takes the lean way, since no token's
    gradient is known before its sequence's last log-prob.

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

    def on_grid(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(grid) if lengths is None else spread_rows(x, cells, grid[0] * grid[1]).view(grid)

    def off_grid(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1) if lengths is None else x.reshape(-1)[cells]

    def facts_of(x: torch.Tensor | None) -> torch.Tensor | None:
        return None if x is None else x.detach().reshape(-1).float()

    live = on_grid(mask.bool())
    spread_advantages = advantages.unsqueeze(-1).expand(grid) if advantages.shape == grid[:1] else on_grid(advantages)
    needed = off_grid(needed_tokens(live, spread_advantages, objective))
    counted = _count(needed)
    batch = _Batch(
        targets=targets.reshape(-1).long(),
        advantages=off_grid(spread_advantages).float(),
        weights=off_grid(token_weights(live, objective, denominator)),
        old=facts_of(old_logp), ref=facts_of(ref_logp), policy_weight=facts_of(policy_weight),
        cells=cells, grid=grid, objective=objective,
    )  # fmt: skip
    rows = hidden.reshape(-1, hidden.shape[-1])
    # The count of the tokens is the one number that the host waits for, while the device makes the batch.
    count = counted()
    keep = None
    if count < targets.numel():
        keep = needed.byte().argsort(descending=True, stable=True)[:count]  # in their order; nonzero would wait again
        rows, batch = take_rows(rows, keep), batch.part(keep)
    if targets.device.type == "cpu":
        check_targets(batch.targets, weight.shape[0])
    if head_wants_triton(hidden, backend) and count:
        apply = cast(Any, _LinearGRPO.apply)
        loss, *facts = apply(rows, weight, bias, batch, softcap, temperature, mode)
    else:
        rows = rows.to(compute_dtype(hidden))
        logp, entropy = reference_logprob(rows, weight, batch.targets, bias, softcap, temperature, True)
        loss, kl, clipped = _loss(logp, cast(torch.Tensor, entropy), batch)
        facts = [logp.detach(), cast(torch.Tensor, entropy).detach(), kl, clipped]

    def back(x: torch.Tensor) -> torch.Tensor:
        return (x if keep is None else spread_rows(x, keep, targets.numel())).view(targets.shape)

    logp, entropy, kl, clipped = facts
    scored = needed.clone().view(targets.shape)
    return GRPOResult(loss, back(logp), back(entropy), None if kl is None else back(kl), back(clipped), scored)


def _count(needed: torch.Tensor) -> Callable[[], int]:
    """Sends for the number of true entries; the result reads it. Work queued in between is not waited for."""
    count = needed.sum()
    if count.device.type != "cuda":
        return lambda: int(count)
    host, arrived = count.to("cpu", non_blocking=True), torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrived.record(torch.cuda.current_stream(count.device))

    def read() -> int:
        arrived.synchronize()
        return int(host)

    return read


def _cells(targets: torch.Tensor, lengths: torch.Tensor | None) -> tuple[torch.Tensor, tuple[int, int]]:
    """Each token's cell in the grid of sequences, and the grid's shape."""
    if lengths is None:
        if targets.dim() != 2:
            raise ValueError(f"targets {tuple(targets.shape)}: expected [sequences, tokens], or [tokens] with lengths=")
        return torch.arange(targets.numel(), device=targets.device), (targets.shape[0], targets.shape[1])
    if targets.dim() != 1 or int(lengths.sum()) != targets.numel():
        total = int(lengths.sum())
        raise ValueError(f"lengths add up to {total} tokens, targets are {tuple(targets.shape)}: expected [{total}]")
    lengths = lengths.to(targets.device)
    longest = int(lengths.max()) if lengths.numel() else 0
    sequence = torch.repeat_interleave(torch.arange(lengths.numel(), device=targets.device), lengths)
    first = lengths.cumsum(0) - lengths
    position = torch.arange(targets.numel(), device=targets.device) - first[sequence]
    return sequence * longest + position, (lengths.numel(), longest)


def _loss(
    logp: torch.Tensor, entropy: torch.Tensor, batch: _Batch
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
        batch: _Batch,
        softcap: float | None,
        temperature: float,
        mode: Mode,
    ) -> tuple[torch.Tensor | None, ...]:
        h = product_operand(hidden, compute_dtype(hidden))
        head = Head(product_operand(weight, h.dtype), plain_bias(bias), softcap, temperature)
        n, sequence_level = h.shape[0], batch.objective.importance == "sequence"
        lean = mode == "lean" or (sequence_level and n > BLOCK_TOKENS)
        size = n if lean or sequence_level else _block(n)
        into = _gradient_room(ctx, hidden, weight, accumulate=not lean and size < n)
        parts = []
        for i in range(0, n, size):
            tokens = batch.part(slice(i, i + size)) if size < n else batch
            with torch.autocast(h.device.type, enabled=False):
                parts.append(_block_step(h[i : i + size], head, tokens, _rows_of(into, i, size), lean))
        if into is not None and into.weight is not None and into.weight.dtype is not weight.dtype:
            into.weight = into.weight.to(weight.dtype)
        if into is not None and into.bias is not None and bias is not None:
            into.bias = into.bias.to(bias.dtype)
        ctx.gradients = into
        loss, *facts = parts[0]
        if len(parts) > 1:
            loss = torch.stack([part[0] for part in parts]).sum()
            facts = [None if p[0] is None else torch.cat(p) for p in zip(*(part[1:] for part in parts), strict=True)]
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
        return into.hidden, into.weight, into.bias, None, None, None, None


def _block(n: int) -> int:
    """Rows of a block: as few blocks as BLOCK_TOKENS allows, of equal size in whole tiles."""
    blocks = -(-n // BLOCK_TOKENS)
    return min(n, -(-n // blocks // 128) * 128)


def _gradient_room(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, *, accumulate: bool) -> Any:
    from veritune.kernels.linear import engine

    need_h, need_w, need_b = ctx.needs_input_grad[:3]
    if not (need_h or need_w or need_b):
        return None
    if accumulate or weight.dtype is torch.float32:
        room = torch.zeros(weight.shape, dtype=torch.float32, device=hidden.device) if need_w else None
    else:
        room = torch.empty(weight.shape, dtype=weight.dtype, device=hidden.device) if need_w else None
    return engine.Gradients(
        torch.empty(hidden.shape, dtype=hidden.dtype, device=hidden.device) if need_h else None,
        room,
        torch.zeros(weight.shape[0], dtype=torch.float32, device=hidden.device) if need_b else None,
    )


def _rows_of(into: Any, start: int, size: int) -> Any:
    """The same room, its hidden part cut to one block's rows."""
    from veritune.kernels.linear import engine

    if into is None or into.hidden is None:
        return into
    return engine.Gradients(into.hidden[start : start + size], into.weight, into.bias)


def _block_step(
    h: torch.Tensor, head: Head, batch: _Batch, into: Any, lean: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """Loss and facts of one block; its gradients go to `into`."""
    from veritune.kernels.linear import engine

    with_entropy = batch.objective.entropy_coef != 0
    e = None
    if into is not None:
        e = engine.lean_room(h, head) if lean else engine.exp_buffer(h.shape[0], head.vocabulary, h)
    slope = head.softcap is not None and not with_entropy
    stats = engine.row_stats(h, head, batch.targets, want_entropy=True, e=e, slope=slope)
    with torch.enable_grad():
        logp, entropy = stats.logp.detach().requires_grad_(), stats.entropy.detach().requires_grad_(with_entropy)
        loss, kl, clipped = _loss(logp, entropy, batch)
        if into is not None:
            slopes = torch.autograd.grad(loss, (logp, entropy) if with_entropy else (logp,))
    if e is not None:
        g, u = slopes[0].contiguous(), slopes[1].contiguous() if with_entropy else None
        engine.gradients(e, h, head, batch.targets, stats, g, u, into, kept=True)
    return loss.detach(), stats.logp, stats.entropy, kl, clipped
