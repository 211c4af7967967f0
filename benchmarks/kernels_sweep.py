"""Other launch configurations of our kernels beside the ones in use: one section, run by hand after a change."""

from __future__ import annotations

from typing import Any

import torch
from kernels_compare import Run, compare
from kernels_harness import Table, free, read

from veritune.kernels import GRPOObjective, linear_grpo_loss, logprob_entropy
from veritune.kernels.linear import engine
from veritune.kernels.linear.head import Head
from veritune.kernels.logits import op

# LANES, DEPTH, STAGES, warps.
FORWARD = ((1024, 4, 3, 4), (1024, 8, 2, 4), (512, 8, 3, 2), (2048, 4, 3, 8), (1024, 4, 4, 4), (2048, 2, 3, 4))
# BLOCK, warps.
BACKWARD = ((4096, 4), (2048, 4), (8192, 8), (4096, 8), (8192, 4), (2048, 2))
# BM, BN, BK, GROUP, STAGES.
PRODUCT = ((128, 256, 64, 16, 3), (128, 256, 64, 8, 3), (128, 256, 64, 32, 3), (128, 256, 64, 16, 4),
           (256, 128, 64, 8, 3), (128, 256, 128, 16, 2), (128, 256, 32, 16, 6))  # fmt: skip
# Bytes of lean mode's room.
ROOMS = ((256 << 20, 256 << 20), (600 << 20, 600 << 20), (600 << 20, 1000 << 20), (1200 << 20, 1200 << 20))


def sweep(table: Table) -> None:
    """The first line of each comparison is the configuration in use."""
    _logits(table)
    free()
    for width, vocabulary in ((896, 151_936), (3584, 152_064)):
        _product(table, width, vocabulary)
        free()
    for width in (896, 1536):
        _lean(table, width, 151_936)
        free()


def _logits(table: Table, n: int = 8192, v: int = 151_936) -> None:
    table.section("sweep-logits", f"Launches from logits [{n}, {v}]: LANES, DEPTH, STAGES, warps; BLOCK, warps")
    x = torch.empty(n, v, device="cuda", dtype=torch.bfloat16).normal_(0, 2)
    y, sums = torch.randint(0, v, (n,), device="cuda"), torch.empty(132 * 8, device="cuda")
    gb = n * v * 2 / 1e9
    for want_entropy in (True, False):
        runs = [Run("read", "ceiling", lambda: read(x, sums), gigabytes=gb)]
        for lanes, depth, stages, warps in FORWARD:
            launch = {"LANES": lanes, "DEPTH": depth, "STAGES": stages, "num_warps": warps}

            def forward(launch: dict[str, int] = launch, want_entropy: bool = want_entropy) -> Any:
                op.FORWARD_LAUNCH = launch
                return logprob_entropy(x, y, want_entropy=want_entropy)

            job = "logp+entropy" if want_entropy else "logp"
            runs.append(Run(job, f"{lanes} {depth} {stages} {warps}", forward, gigabytes=gb))
        with torch.no_grad():
            compare(table, runs, rounds=12, burst_ms=6)
    leaf = x.requires_grad_()
    g, h = torch.randn(n, device="cuda") * 1e-4, torch.randn(n, device="cuda") * 1e-5
    logp, entropy = logprob_entropy(leaf, y, inplace_backward=True)
    node: Any = logp.grad_fn
    while not hasattr(node, "consumed"):  # below the views
        node = node.next_functions[0][0]
    runs = []
    for job, outputs, upstream in (("logp bwd", (logp,), (g,)), ("logp+entropy bwd", (logp, entropy), (g, h))):
        for block, warps in BACKWARD:

            def backward(
                launch: dict[str, int] = {"BLOCK": block, "num_warps": warps},  # noqa: B006
                outputs: Any = outputs,
                upstream: Any = upstream,
            ) -> Any:
                op.BACKWARD_LAUNCH = launch
                node.consumed = False  # timing only, as in the comparison with the peers
                return torch.autograd.grad(outputs, leaf, upstream, retain_graph=True)

            runs.append(Run(job, f"{block} {warps}", backward, gigabytes=2 * gb))
    compare(table, runs, rounds=12, burst_ms=6)
    op.FORWARD_LAUNCH = dict(zip(("LANES", "DEPTH", "STAGES", "num_warps"), FORWARD[0], strict=True))
    op.BACKWARD_LAUNCH = dict(zip(("BLOCK", "num_warps"), BACKWARD[0], strict=True))


def _product(table: Table, width: int, v: int, n: int = 8192) -> None:
    table.section("sweep-product", f"Launches of the product behind E, H = {width}: BM, BN, BK, GROUP, STAGES")
    hidden = torch.randn(n, width, device="cuda").bfloat16()
    head = Head((torch.randn(v, width, device="cuda") * 2 / width**0.5).bfloat16(), None, None, 1.0)
    y = torch.randint(0, v, (n,), device="cuda")
    room, e = torch.empty(n, v, device="cuda", dtype=torch.bfloat16), engine.exp_buffer(n, v, hidden)
    tflop, in_use = 2 * n * width * v / 1e12, engine.GPU_LAUNCH
    runs = [Run("cuBLAS", "product alone", lambda: torch.mm(hidden, head.weight.t(), out=room), tflop=tflop)]
    for kept in (None, e):
        for launch in PRODUCT:
            names = dict(zip(("BM", "BN", "BK", "GROUP", "STAGES"), launch, strict=True))

            def product(names: dict[str, int] = names, kept: Any = kept) -> Any:
                engine.GPU_LAUNCH = {**names, "num_warps": 8}
                return engine.row_stats(hidden, head, y, want_entropy=True, e=kept, slope=False)

            job = "sums" if kept is None else "sums and E"
            runs.append(Run(job, " ".join(map(str, launch)), product, tflop=tflop))
    compare(table, runs)
    engine.GPU_LAUNCH = in_use


def _lean(table: Table, width: int, v: int, n: int = 8192) -> None:
    table.section("sweep-lean", f"Room of lean mode, H = {width}: least and most MiB")
    hidden = torch.randn(n, width, device="cuda").bfloat16()
    weight = (torch.randn(v, width, device="cuda") * 2 / width**0.5).bfloat16()
    y, mask = torch.randint(0, v, (1, n), device="cuda"), torch.ones(1, n, dtype=torch.bool, device="cuda")
    advantages, in_use = torch.randn(1, n, device="cuda"), engine.LEAN_BYTES
    runs = []
    for mode, bytes_ in (("fast", in_use), *(("lean", room) for room in ROOMS)):

        def step(mode: Any = mode, bytes_: tuple[int, int] = bytes_) -> Any:
            engine.LEAN_BYTES = bytes_
            h, w = hidden.detach()[None].requires_grad_(), weight.detach().requires_grad_()
            loss = linear_grpo_loss(h, w, y, advantages, mask, GRPOObjective(aggregation="dapo"), mode=mode).loss
            return torch.autograd.grad(loss, (h, w))

        runs.append(Run(mode, f"{bytes_[0] >> 20} {bytes_[1] >> 20}", step, tflop=6 * n * width * v / 1e12))
    compare(table, runs, rounds=7)
    engine.LEAN_BYTES = in_use
