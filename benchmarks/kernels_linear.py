"""Log-prob, entropy and GRPO: from logits, and from hidden states."""

from __future__ import annotations

from typing import Any

import kernels_peers as peers
import torch
from kernels_compare import Run, compare
from kernels_harness import Table, free, read, relative

from veritune.kernels import GRPOObjective, linear_grpo_loss, linear_logprob, logprob_entropy

TOKENS, VOCABULARY = 8192, 151_936
# Heads of Qwen2.5-0.5B, -1.5B, -7B and DeepSeek-V3: width, vocabulary.
HEADS = ((896, 151_936), (1536, 151_936), (3584, 152_064), (7168, 129_280))


def logits(table: Table, n: int = TOKENS, v: int = VOCABULARY) -> None:
    """Forward and in-place backward of log-prob and entropy on `[n, v]` bf16 logits."""
    table.section("logits", f"From logits [{n}, {v}] bf16")
    x = torch.empty(n, v, device="cuda", dtype=torch.bfloat16).normal_(0, 2)
    y = torch.randint(0, v, (n,), device="cuda")
    few = x[:256].double()
    exact = torch.log_softmax(few, -1)
    exact_lp, exact_ent = exact.gather(-1, y[:256, None]).squeeze(-1), -(exact.exp() * exact).sum(-1)
    del few, exact
    gb = n * v * 2 / 1e9

    def worst(lp: torch.Tensor) -> float:
        return float((lp.flatten()[:256] - exact_lp).abs().max())

    def wrong(lp: torch.Tensor, ent: torch.Tensor | None = None) -> str:
        text = f"logp {worst(lp):.1e}"
        return text if ent is None else f"{text} ent {(ent.flatten()[:256] - exact_ent).abs().max():.1e}"

    def eager() -> tuple[torch.Tensor, torch.Tensor]:
        lp = torch.log_softmax(x, -1)
        return lp.gather(-1, y[:, None]).squeeze(-1), -(lp.exp() * lp).sum(-1)

    def plain(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        lp = torch.log_softmax(z.float(), -1)
        return lp.gather(-1, y[:, None]).squeeze(-1), -(lp.exp() * lp).sum(-1)

    compiled = torch.compile(plain, dynamic=False)
    sums = torch.empty(132 * 8, device="cuda")
    trl = peers.trl("logprob_entropy")
    liger = peers.module("liger_kernel.ops.grpo_loss")
    scan = {"gigabytes": gb, "reads_only": True}
    ms = table.time("read of the logits", "ceiling", lambda: read(x, sums), gigabytes=gb)
    if ms:
        table.read = gb / ms  # at this size: start and end of a kernel weigh more than in 4.3 GB
    with torch.no_grad():
        lp, ent = logprob_entropy(x, y)
        runs = [
            Run("read of the logits", "in turn", lambda: read(x, sums), **scan),
            Run("logp+entropy fwd", "veritune", lambda: logprob_entropy(x, y), **scan, error=wrong(lp, ent),
                nats=worst(lp)),
            Run("logp fwd", "veritune", lambda: logprob_entropy(x, y, want_entropy=False), **scan),
        ]  # fmt: skip
        if trl:
            other = trl.selective_log_softmax_and_entropy
            runs.append(Run("logp+entropy fwd", "TRL", lambda: other(x[None], y[None]), **scan,
                            error=wrong(*other(x[None], y[None]))))  # fmt: skip
        if liger:
            wide = torch.cat((y, y[:1]))[None]
            padded = torch.empty(1, n + 1, v, device="cuda", dtype=torch.bfloat16)
            padded[0, :n] = x

            def fused() -> torch.Tensor:
                return liger.fused_selective_log_softmax(padded, wide[:, :-1], 1.0)

            runs.append(Run("logp fwd", "Liger", fused, **scan, error=wrong(fused())))
        compare(table, runs, rounds=15, burst_ms=8)
        runs.clear()
        padded = None  # the gradients need its room
        free()
        table.time("logp+entropy fwd", "torch eager bf16", eager, gigabytes=gb, reads_only=True, error=wrong(*eager()))
        table.time("logp+entropy fwd", "torch.compile", lambda: compiled(x), gigabytes=gb, reads_only=True)
    free()
    _logits_backward(table, x, y, trl, compiled)


def _logits_backward(table: Table, x: torch.Tensor, y: torch.Tensor, trl: Any, compiled: Any) -> None:
    n, gb = x.shape[0], x.numel() * 2 / 1e9
    g, h = torch.randn(n, device="cuda") * 1e-4, torch.randn(n, device="cuda") * 1e-5
    runs = []
    for name, with_entropy in (("logp+entropy bwd", True), ("logp bwd", False)):
        leaf = x.clone().requires_grad_()
        lp, ent = logprob_entropy(leaf, y, inplace_backward=True)
        node: Any = lp.grad_fn
        while not hasattr(node, "consumed"):  # below the views
            node = node.next_functions[0][0]
        outputs, upstream = ((lp, ent), (g, h)) if with_entropy else ((lp,), (g,))

        def ours(node: Any = node, leaf: Any = leaf, outputs: Any = outputs, upstream: Any = upstream) -> Any:
            node.consumed = False  # timing only: the second pass reads gradients as if they were logits
            return torch.autograd.grad(outputs, leaf, upstream, retain_graph=True)

        runs.append(Run(name, "veritune in place", ours, gigabytes=2 * gb))
        if trl:
            theirs = x.detach().requires_grad_()
            lp, ent = trl.selective_log_softmax_and_entropy(theirs[None], y[None])
            loss = (lp[0] * g).sum() + ((ent[0] * h).sum() if with_entropy else 0)

            def with_trl(loss: Any = loss, leaf: Any = theirs) -> Any:
                return torch.autograd.grad(loss, leaf, retain_graph=True)

            runs.append(Run(name, "TRL", with_trl, gigabytes=2 * gb))
    compare(table, runs, rounds=15, burst_ms=10)
    del runs, ours, leaf, node, outputs
    free()
    leaf = x.detach().requires_grad_()
    lp, ent = compiled(leaf)
    loss = (lp * g).sum() + (ent * h).sum()
    table.time("logp+entropy bwd", "torch.compile", lambda: torch.autograd.grad(loss, leaf, retain_graph=True),
               gigabytes=2 * gb)  # fmt: skip


def heads(table: Table, n: int = TOKENS) -> None:
    """Forward, and GRPO forward and backward, from hidden states."""
    for width, vocabulary in HEADS:
        _head(table, n, width, vocabulary)
        free()


def _products_alone(hidden: torch.Tensor, weight: torch.Tensor, tflop: float) -> tuple[Run, Run]:
    """The floor: one, and three, bf16 products of the head's sizes by cuBLAS."""
    room = torch.empty(hidden.shape[0], weight.shape[0], device="cuda", dtype=torch.bfloat16)
    room_w = torch.empty_like(weight)

    def one() -> None:
        torch.mm(hidden, weight.t(), out=room)

    def three() -> None:
        one()
        torch.mm(room, weight)
        torch.mm(room.t(), hidden, out=room_w)

    return (
        Run("fwd", "cuBLAS product alone", one, tflop=tflop),
        Run("fwd+bwd", "three cuBLAS products", three, tflop=3 * tflop),
    )


def _head(table: Table, n: int, width: int, v: int) -> None:
    table.section(f"head-{width}", f"From hidden states [{n}, {width}], vocabulary {v}, bf16")
    torch.manual_seed(0)
    hidden = torch.randn(n, width, device="cuda").bfloat16()
    weight = (torch.randn(v, width, device="cuda") * 2 / width**0.5).bfloat16()
    y = torch.randint(0, v, (n,), device="cuda")
    tflop = 2 * n * width * v / 1e12
    few = hidden[:256].double() @ weight.double().t()
    exact = torch.log_softmax(few, -1)
    exact_lp, exact_ent = exact.gather(-1, y[:256, None]).squeeze(-1), -(exact.exp() * exact).sum(-1)
    del few, exact

    def worst(lp: torch.Tensor) -> float:
        return float((lp.flatten()[:256] - exact_lp).abs().max())

    def wrong(lp: torch.Tensor, ent: torch.Tensor | None = None) -> str:
        text = f"logp {worst(lp):.1e}"
        return text if ent is None else f"{text} ent {(ent.flatten()[:256] - exact_ent).abs().max():.1e}"

    forward, both = _products_alone(hidden, weight, tflop)
    trl = peers.trl("chunked_logprob")
    cce = peers.module("cut_cross_entropy") if width == HEADS[0][0] else None

    def chunked(h: torch.Tensor, w: torch.Tensor) -> Any:
        return trl.ChunkedLogProbFunction.apply(h, w, None, y, 1.0, 32768, None, 1.0, ("entropy",))

    with torch.no_grad():
        lp, ent = linear_logprob(hidden, weight, y)
        mine = Run("fwd", "veritune", lambda: linear_logprob(hidden, weight, y), tflop=tflop, error=wrong(lp, ent),
                   nats=worst(lp))  # fmt: skip
        runs = [forward, mine]
        if trl:
            lp, ent, *_ = chunked(hidden, weight)
            runs.append(Run("fwd", "TRL chunked", lambda: chunked(hidden, weight), tflop=tflop, error=wrong(lp, ent)))
        compare(table, runs)
        if cce:
            run = lambda: cce.linear_cross_entropy(hidden, weight, y, reduction="none")  # noqa: E731
            table.time("fwd", "cut-cross-entropy", run, tflop=tflop, error=wrong(-run()))
    free()
    batch = n // 512
    shape = (batch, 512)
    mask = torch.ones(shape, dtype=torch.bool, device="cuda")
    advantages = torch.randn(batch, device="cuda")
    now = linear_logprob(hidden, weight, y, want_entropy=False)[0].detach().view(shape)
    old = now + 0.1 * torch.randn(shape, device="cuda")
    ref = old + 0.1 * torch.randn(shape, device="cuda")
    objective = GRPOObjective(clip_high=0.28, beta=0.04, aggregation="dapo")
    gradients: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}

    def ours(mode: Any) -> Any:
        h, w = hidden.detach().requires_grad_(), weight.detach().requires_grad_()
        out = linear_grpo_loss(
            h.view(*shape, width), w, y.view(shape), advantages, mask, objective, old_logp=old, ref_logp=ref, mode=mode
        )
        return torch.autograd.grad(out.loss, (h, w))

    def with_trl() -> Any:
        from veritune.kernels import grpo_loss

        h, w = hidden.detach().requires_grad_(), weight.detach().requires_grad_()
        lp = chunked(h, w)[0].view(shape)
        return torch.autograd.grad(grpo_loss(lp, advantages, mask, objective, old_logp=old, ref_logp=ref), (h, w))

    if trl:
        gradients["TRL"] = with_trl()
    runs = [both]
    for mode in ("fast", "lean"):
        text = ""
        if trl:
            apart = (f"{relative(a, b):.1e}" for a, b in zip(ours(mode), gradients["TRL"], strict=True))
            text = f"from TRL's gradient: {' '.join(apart)}"
        runs.append(Run("GRPO fwd+bwd", f"veritune {mode}", lambda mode=mode: ours(mode), tflop=3 * tflop, error=text))
    gradients.clear()
    if trl:
        runs.append(Run("GRPO fwd+bwd", "TRL chunked + torch", with_trl, tflop=3 * tflop))
    runs += _quack(hidden, weight, y, tflop)
    free()
    compare(table, runs, rounds=7)
    del runs, forward, both
    free()
    if cce:

        def with_cce() -> Any:
            h, w = hidden.detach().requires_grad_(), weight.detach().requires_grad_()
            return torch.autograd.grad(cce.linear_cross_entropy(h, w, y), (h, w))

        table.time("cross-entropy f+b", "cut-cross-entropy", with_cce, tflop=3 * tflop)
        free()
    if width <= 1536:
        _liger(table, hidden, weight, y, tflop, (old, ref, advantages, mask))


def _quack(hidden: torch.Tensor, weight: torch.Tensor, y: torch.Tensor, tflop: float) -> list[Run]:
    """QuACK's cross-entropy over the same products: no entropy, no gradient a token, and the CUTLASS DSL at hand."""
    quack = peers.module("quack.linear_cross_entropy")
    if not quack:
        return []

    def cross_entropy() -> Any:
        h, w = hidden.detach().requires_grad_(), weight.detach().requires_grad_()
        return torch.autograd.grad(quack.scaled_exp_linear_cross_entropy(h, w, y), (h, w))

    return [Run("cross-entropy f+b", "QuACK", cross_entropy, tflop=3 * tflop)]


def _liger(table: Table, hidden: torch.Tensor, weight: torch.Tensor, y: torch.Tensor, tflop: float, rl: Any) -> None:
    """Liger's Triton paths; its CuTe path needs the CUTLASS DSL."""
    flce = peers.module("liger_kernel.ops.fused_linear_cross_entropy")
    if flce:

        def cross_entropy() -> Any:
            h, w = hidden.detach().requires_grad_(), weight.detach().requires_grad_()
            return torch.autograd.grad(flce.LigerFusedLinearCrossEntropyFunction.apply(h, w, y)[0], (h, w))

        table.time("cross-entropy f+b", "Liger FLCE", cross_entropy, tflop=3 * tflop)
        free()
    chunked = peers.module("liger_kernel.chunked_loss")
    if chunked and hidden.shape[1] == HEADS[0][0]:
        old, ref, advantages, mask = rl
        loss = chunked.LigerFusedLinearGRPOLoss(beta=0.04, epsilon_high=0.28, chunk_size=8, use_ref_model=True)

        def grpo() -> Any:
            h, w = hidden.detach().requires_grad_(), weight.detach().requires_grad_()
            out = loss(
                h.view(*mask.shape, -1), w, y.view(mask.shape), mask.long(), advantages, ref_per_token_logps=ref,
                old_per_token_logps=old,
            )  # fmt: skip
            return torch.autograd.grad(out[0], (h, w))

        table.time("GRPO fwd+bwd", "Liger fused linear", grpo, tflop=3 * tflop)
