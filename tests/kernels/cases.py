"""Inputs for every operation, and its error against a naive float64 formula.

A case is a function of (device, dtype, backend) that returns named errors, so that the same cases run against the
PyTorch reference, in Triton's interpreter and on a GPU.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch

from veritune.kernels import divergence, linear_divergence, linear_grpo_loss, linear_logprob, logprob_entropy
from veritune.kernels.grpo import op
from veritune.kernels.grpo.objective import GRPOObjective
from veritune.kernels.linear import engine

Case = Callable[[str, torch.dtype, Any], dict[str, float]]


def error(got: torch.Tensor | None, expected: torch.Tensor | None) -> float:
    """Relative error in the 2-norm; NaN and missing tensors never pass."""
    if got is None or expected is None:
        return math.inf
    got, expected = got.detach().double().cpu(), expected.detach().double().cpu()
    scale = expected.norm().item()
    found = (got - expected).norm().item() / (scale if scale > 1e-30 else 1.0)
    return found if math.isfinite(found) else math.inf


def distance(got: torch.Tensor | None, expected: torch.Tensor | None) -> float:
    """Largest difference, relative where the expected value is above 1: for values in nats."""
    if got is None or expected is None:
        return math.inf
    got, expected = got.detach().double().cpu(), expected.detach().double().cpu()
    found = ((got - expected).abs() / expected.abs().clamp(min=1.0)).max().item() if got.numel() else 0.0
    return found if math.isfinite(found) else math.inf


def backward(loss: torch.Tensor) -> None:
    torch.autograd.backward([loss])


def naive_logits(h: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None, cap: float | None) -> torch.Tensor:
    z = torch.einsum("nh,vh->nv", h, w)
    z = z if b is None else z + b
    return z if cap is None else cap * torch.tanh(z / cap)


def naive_logprob(logits: torch.Tensor, targets: torch.Tensor, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
    z = logits / temperature
    logp = z - torch.logsumexp(z, -1, keepdim=True)
    p = logp.exp()
    return logp[torch.arange(len(targets)), targets], -torch.where(p > 0, p * logp, torch.zeros_like(p)).sum(-1)


def leaf(x: torch.Tensor) -> torch.Tensor:
    return x.detach().clone().requires_grad_()


def exact(x: torch.Tensor) -> torch.Tensor:
    return x.detach().cpu().double().requires_grad_()


def logits_case(
    device: str, dtype: torch.dtype, backend: Any, *, v: int, shift: float = 0.0, ruled_out: bool = False,
    inplace: bool = False, masked: bool = False, temperature: float = 0.7, late_peak: float = 0.0,
) -> dict[str, float]:  # fmt: skip
    torch.manual_seed(v)
    n = 6
    x = (torch.randn(n, v) * 3 + shift).to(dtype).to(device)
    x[:, -1] += late_peak
    y = torch.randint(0, v, (n,), device=device)
    if ruled_out:
        x[:, : v // 3] = -torch.inf
        y = y.clamp(min=v // 3)
    keep = torch.tensor([True, False, True, True, False, True]) if masked else torch.ones(n, dtype=torch.bool)
    g, u = torch.randn(n), torch.randn(n)
    mine, naive = leaf(x), exact(x.clamp(min=-1e6))  # as improbable as -inf, and differentiable
    mask = keep.to(device) if masked else None
    logp, entropy = logprob_entropy(
        mine, y, temperature=temperature, mask=mask, inplace_backward=inplace, backend=backend
    )
    assert entropy is not None
    expected, expected_entropy = naive_logprob(naive, y.cpu(), temperature)
    found = {"logp": distance(logp[keep], expected[keep])}
    found["entropy"] = distance(entropy[keep], expected_entropy[keep])
    backward((logp * g.to(device) + entropy * u.to(device)).sum())
    backward(((expected * g + expected_entropy * u) * keep).sum())
    found["dlogits"] = error(mine.grad, naive.grad)
    return found


def linear_case(
    device: str, dtype: torch.dtype, backend: Any, *, n: int = 7, h: int = 24, v: int = 131, cap: float | None = None,
    bias: bool = False, entropy: bool = True, scale: float = 1.0, shift: float = 0.0, mode: Any = "fast",
    masked: bool = False,
) -> dict[str, float]:  # fmt: skip
    torch.manual_seed(n + v)
    hidden = (torch.randn(n, h) * scale).to(dtype).to(device)
    weight = torch.randn(v, h).to(dtype).to(device)
    b = (torch.randn(v) + shift).to(dtype).to(device) if bias else None
    y = torch.randint(0, v, (n,), device=device)
    keep = torch.rand(n) > 0.3 if masked else torch.ones(n, dtype=torch.bool)
    g, u = torch.randn(n) * keep, torch.randn(n) * keep
    given = hidden.clone()
    given[~keep.to(device)] = torch.nan  # what a masked token holds must not matter
    my_h, my_w, my_b = leaf(given), leaf(weight), None if b is None else leaf(b)
    h64, w64, b64 = exact(hidden), exact(weight), None if b is None else exact(b)
    logp, ent = linear_logprob(
        my_h, my_w, y, bias=my_b, softcap=cap, temperature=1.3, want_entropy=entropy,
        mask=keep.to(device) if masked else None, mode=mode, backend=backend,
    )  # fmt: skip
    expected, expected_ent = naive_logprob(naive_logits(h64, w64, b64, cap), y.cpu(), 1.3)
    found = {"logp": distance(logp, expected * keep)}
    loss, naive_loss = (logp * g.to(device)).sum(), (expected * g).sum()
    if entropy:
        assert ent is not None
        found["entropy"] = distance(ent, expected_ent * keep)
        loss, naive_loss = loss + (ent * u.to(device)).sum(), naive_loss + (expected_ent * u).sum()
    backward(loss)
    backward(naive_loss)
    for name, one, other in (("dhidden", my_h, h64), ("dweight", my_w, w64), ("dbias", my_b, b64)):
        if one is not None and other is not None:
            found[name] = error(one.grad, other.grad)
    return found


def grpo_case(
    device: str,
    dtype: torch.dtype,
    backend: Any,
    *,
    mode: Any = "fast",
    packed: bool = False,
    t: int = 6,
    v: int = 131,
    cap: float | None = None,
    scale: float = 1.0,
    drop: float = 0.2,
    **fields: Any,
) -> dict[str, float]:
    torch.manual_seed(len(fields))
    objective = GRPOObjective(**fields)
    b, h = 3, 24
    t = _many(device, t)
    hidden, weight = (torch.randn(b, t, h) * scale).to(dtype), (torch.randn(v, h) * 0.4).to(dtype)
    y, mask = torch.randint(0, v, (b, t)), torch.rand(b, t) > drop
    lengths = torch.tensor([6, 4, 5])
    inside = torch.arange(t) < lengths[:, None] if packed else torch.ones(b, t, dtype=torch.bool)
    mask = mask & inside
    advantages = torch.tensor([1.3, 0.0, -0.8])
    bias = torch.randn(v).to(dtype)
    base, _ = naive_logprob(
        naive_logits(hidden.reshape(-1, h).double(), weight.double(), bias.double(), cap), y.reshape(-1), 0.9
    )
    old = (base.view(b, t) + torch.randn(b, t) * 0.4).float()
    ref = (base.view(b, t) + torch.randn(b, t) * 0.3).float()

    def cut(x: torch.Tensor) -> torch.Tensor:
        return (x[inside] if packed else x).to(device)

    seen = hidden.masked_fill(~mask.unsqueeze(-1), torch.nan)  # what is masked is never looked at
    mine = [leaf(cut(seen)), leaf(weight.to(device)), leaf(bias.to(device))]
    result = linear_grpo_loss(
        mine[0], mine[1], cut(y), advantages.to(device), cut(mask), objective, old_logp=cut(old), ref_logp=cut(ref),
        lengths=lengths if packed else None, bias=mine[2], softcap=cap, temperature=0.9, mode=mode, backend=backend,
    )  # fmt: skip
    backward(result.loss * 2.5)
    naive = [exact(hidden), exact(weight), exact(bias)]
    expected = naive_grpo(naive, y, mask, advantages, old.double(), ref.double(), objective, cap)
    backward(expected * 2.5 + sum(0.0 * x.sum() for x in naive))  # gradients of zero where no token is scored
    naive_dh = naive[0].grad
    assert naive_dh is not None
    return {
        "loss": distance(result.loss, expected),
        "dhidden": error(mine[0].grad, naive_dh[inside] if packed else naive_dh),
        "dweight": error(mine[1].grad, naive[1].grad),
        "dbias": error(mine[2].grad, naive[2].grad),
    }


def _many(device: str, rows: int) -> int:
    """As many rows as take several tiles: those of the interpreter, which is slow, are smaller than a GPU's."""
    return rows // 4 if device == "cpu" and rows >= 100 else rows


def grpo_in_blocks_case(device: str, dtype: torch.dtype, backend: Any, **fields: Any) -> dict[str, float]:
    """More tokens than one block holds: the weight's gradient adds up over three blocks."""
    held, op.BLOCK_TOKENS = op.BLOCK_TOKENS, _many(device, 128)
    try:
        return grpo_case(device, dtype, backend, t=100, **fields)
    finally:
        op.BLOCK_TOKENS = held


def sliced_case(
    device: str, dtype: torch.dtype, backend: Any, *, of: Callable[..., dict[str, float]], **fields: Any
) -> dict[str, float]:
    """A lean room of 1024 columns: some of E is kept, the rest recomputed in slices."""
    held, engine.LEAN_BYTES = engine.LEAN_BYTES, (0, 0)
    try:
        return of(device, dtype, backend, mode="lean", v=2100, **fields)
    finally:
        engine.LEAN_BYTES = held


def naive_grpo(
    parameters: list[torch.Tensor],
    y: torch.Tensor,
    mask: torch.Tensor,
    advantages: torch.Tensor,
    old: torch.Tensor,
    ref: torch.Tensor,
    o: GRPOObjective,
    cap: float | None,
) -> torch.Tensor:
    """The objective written out sequence by sequence and token by token."""
    hidden, weight, bias = parameters
    total = torch.zeros((), dtype=torch.float64)
    sequences, tokens = mask.shape[0], int(mask.sum())
    for i in range(sequences):
        z = naive_logits(hidden[i], weight, bias, cap)
        logp, entropy = naive_logprob(z, y[i], 0.9)
        live = mask[i].nonzero().squeeze(-1).tolist()
        mean_ratio = torch.stack([logp[t] - old[i, t] for t in live]).mean().exp() if live else torch.ones(())
        for t in live:
            r = mean_ratio if o.importance == "sequence" else (logp[t] - old[i, t]).exp()
            a = float(advantages[i])
            capped = r if o.delta is None else torch.clamp(r, max=o.delta)
            gain = torch.minimum(capped * a, torch.clamp(r, 1 - o.clip_low, 1 + o.clip_high) * a)
            if o.dual_clip is not None and a < 0:
                gain = torch.maximum(gain, torch.tensor(o.dual_clip * a, dtype=torch.float64))
            d = ref[i, t] - logp[t]
            kl = {"k1": -d, "k2": d * d / 2, "k3": d.exp() - 1 - d}[o.kl]
            loss = -gain + o.beta * kl - o.entropy_coef * entropy[t]
            share = {
                "grpo": 1 / (len(live) * sequences),
                "bnpo": 1 / tokens,
                "dapo": 1 / tokens,
                "dr_grpo": 1 / (sequences * (o.max_completion_length or 1)),
            }[o.aggregation]
            total = total + loss * share
    return total


def naive_divergence(s: torch.Tensor, t: torch.Tensor, kind: str, alpha: float, beta: float) -> torch.Tensor:
    v = min(s.shape[-1], t.shape[-1])
    ps, pt = torch.softmax(s[:, :v], -1), torch.softmax(t[:, :v], -1)

    def kl(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        return (p * (p / q).log()).sum(-1)

    if kind == "forward_kl":
        return kl(pt, ps)
    if kind == "reverse_kl":
        return kl(ps, pt)
    if kind == "skew_forward_kl":
        return kl(pt, alpha * pt + (1 - alpha) * ps)
    if kind == "skew_reverse_kl":
        return kl(ps, (1 - alpha) * pt + alpha * ps)
    m = beta * pt + (1 - beta) * ps
    return beta * kl(pt, m) + (1 - beta) * kl(ps, m)


def divergence_case(
    device: str, dtype: torch.dtype, backend: Any, *, kind: Any, vs: int, vt: int, shift: float = 0.0
) -> dict[str, float]:
    torch.manual_seed(vs + vt)
    n, keep = 5, torch.tensor([True, False, True, True, True])
    s, t = (torch.randn(n, vs) * 2 + shift).to(dtype).to(device), (torch.randn(n, vt) * 2 - shift).to(dtype).to(device)
    g = torch.randn(n)
    mine, naive = leaf(s), exact(s)
    value = divergence(mine, t, kind, alpha=0.2, beta=0.3, temperature=1.4, mask=keep.to(device), backend=backend)
    expected = naive_divergence(naive / 1.4, exact(t) / 1.4, kind, 0.2, 0.3) * keep
    backward((value * g.to(device)).sum())
    backward((expected * g).sum())
    return {"value": distance(value, expected), "dlogits": error(mine.grad, naive.grad)}


def linear_divergence_case(
    device: str, dtype: torch.dtype, backend: Any, *, kind: Any, vs: int, vt: int, cap: float | None = None
) -> dict[str, float]:
    torch.manual_seed(vs * 3 + vt)
    n, keep, g = 5, torch.tensor([True, True, False, True, True]), torch.randn(5)
    student = [torch.randn(n, 16), torch.randn(vs, 16) * 0.5, torch.randn(vs)]
    student = [x.to(dtype).to(device) for x in student]
    ht, wt = torch.randn(n, 24).to(dtype).to(device), (torch.randn(vt, 24) * 0.5).to(dtype).to(device)
    mine, naive = [leaf(x) for x in student], [exact(x) for x in student]
    value = linear_divergence(
        mine[0], mine[1], ht, wt, kind, alpha=0.2, beta=0.3, temperature=1.4, mask=keep.to(device),
        student_bias=mine[2], student_softcap=cap, backend=backend,
    )  # fmt: skip
    zs = naive_logits(naive[0], naive[1], naive[2], cap)
    zt = naive_logits(exact(ht), exact(wt), None, None)
    expected = naive_divergence(zs / 1.4, zt / 1.4, kind, 0.2, 0.3) * keep
    backward((value * g.to(device)).sum())
    backward((expected * g).sum())
    names = ("dhidden", "dweight", "dbias")
    return {
        "value": distance(value, expected),
        **{k: error(a.grad, b.grad) for k, a, b in zip(names, mine, naive, strict=True)},
    }


def _cases() -> dict[str, Case]:
    cases: dict[str, Case] = {}

    def add(name: str, function: Callable[..., dict[str, float]], **fields: Any) -> None:
        cases[name] = functools.partial(function, **fields)

    for v in (1, 37, 1100, 9001):
        add(f"logits-{v}", logits_case, v=v)
    add("logits-all-negative", logits_case, v=5003, shift=-300.0)
    add("logits-large-offset", logits_case, v=1100, shift=8192.0, temperature=1.0)
    add("logits-ruled-out", logits_case, v=4099, ruled_out=True)
    add("logits-ruled-out-all-negative", logits_case, v=4099, shift=-300.0, ruled_out=True)
    # The first logits set the base of the sums: a maximum far from it needs another pass, one near it does not.
    add("logits-late-peak", logits_case, v=2100, late_peak=30.0, temperature=1.0)
    add("logits-late-peak-far", logits_case, v=2100, late_peak=300.0)
    add("logits-masked-in-place", logits_case, v=4500, masked=True, inplace=True)
    for mode in ("fast", "lean"):
        add(f"linear-{mode}", linear_case, mode=mode)
        add(f"linear-{mode}-masked", linear_case, mode=mode, n=21, masked=True)
        add(f"linear-{mode}-cap-bias", linear_case, mode=mode, cap=2.0, bias=True)
        add(f"linear-{mode}-cap-no-entropy", linear_case, mode=mode, cap=2.0, entropy=False)
        # An improbable target overflows E: the row is redone with its maximum as anchor.
        add(f"linear-{mode}-overflow", linear_case, mode=mode, n=20, scale=30.0, bias=True)
        add(f"linear-{mode}-large-offset", linear_case, mode=mode, bias=True, shift=512.0)
        add(f"linear-{mode}-all-negative", linear_case, mode=mode, bias=True, shift=-900.0)
    add("linear-slices", sliced_case, of=linear_case, cap=2.0, bias=True)
    add("grpo-slices", sliced_case, of=grpo_case, beta=0.1)
    add("grpo-slices-overflow", sliced_case, of=grpo_case, scale=30.0, importance="sequence")
    add("grpo-slices-cap", sliced_case, of=grpo_case, cap=2.0, beta=0.1)
    add("grpo-slices-cap-entropy", sliced_case, of=grpo_case, cap=2.0, entropy_coef=0.02, packed=True)
    add("linear-one-token", linear_case, n=1, v=9)
    add("linear-more-rows-than-a-tile", linear_case, n=70, v=70, h=40)
    add("grpo-clip-higher-kl", grpo_case, clip_high=0.28, beta=0.1)
    add("grpo-two-sided", grpo_case, delta=1.5, beta=0.1, kl="k2", aggregation="bnpo")
    add("grpo-dual-clip", grpo_case, dual_clip=1.4, beta=0.1, kl="k1", aggregation="dapo", mode="lean")
    add("grpo-blocks", grpo_in_blocks_case, beta=0.1)
    add("grpo-blocks-sequence", grpo_in_blocks_case, importance="sequence", aggregation="bnpo")
    add("grpo-sequence", grpo_case, importance="sequence", beta=0.1)
    add("grpo-sequence-packed", grpo_case, importance="sequence", packed=True, mode="lean")
    add("grpo-zero-advantage-dropped", grpo_case, aggregation="dapo")
    # Whole tiles of rows are left out: their number is known to the kernels before the host knows it.
    for mode in ("fast", "lean"):
        add(f"grpo-{mode}-few-of-many", grpo_case, mode=mode, t=100, drop=0.7, cap=2.0)
        add(f"grpo-{mode}-few-of-many-overflow", grpo_case, mode=mode, t=100, drop=0.7, scale=30.0, beta=0.1)
        add(f"grpo-{mode}-none-of-many", grpo_case, mode=mode, t=100, drop=1.0, beta=0.1)
        add(f"grpo-blocks-{mode}-few", grpo_in_blocks_case, mode=mode, drop=0.7)
        add(f"grpo-blocks-{mode}-none", grpo_in_blocks_case, mode=mode, drop=1.0)
    add("grpo-blocks-sequence-none", grpo_in_blocks_case, importance="sequence", drop=1.0)
    add("grpo-slices-few-of-many", sliced_case, of=grpo_case, t=100, drop=0.7, importance="sequence")
    add(
        "grpo-entropy-packed", grpo_case, entropy_coef=0.02, aggregation="dr_grpo", max_completion_length=9, packed=True
    )
    for kind in ("forward_kl", "reverse_kl", "skew_forward_kl", "skew_reverse_kl", "jsd"):
        add(f"divergence-{kind}", divergence_case, kind=kind, vs=131, vt=131)
        add(f"divergence-{kind}-unequal", divergence_case, kind=kind, vs=4200, vt=4099, shift=100.0)
        add(f"linear-divergence-{kind}", linear_divergence_case, kind=kind, vs=131, vt=140, cap=3.0)
    add("linear-divergence-slices", linear_divergence_case, kind="jsd", vs=2100, vt=2060)
    return cases


CASES = _cases()
