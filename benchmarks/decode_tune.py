"""Which cut of each product and of attention makes a token step shortest: where the numbers of ``plans.py`` are from.

    PYTHONPATH=src python benchmarks/decode_tune.py [--jobs 0.5B:128x512,…] [--what attention,…] [--groups 1,2]
                                                    [--workers 14] [--compile-only] [--rollouts] [--small]

A whole token step in the middle of the completions is captured and timed with one kernel cut otherwise; what is faster
is kept, kernel after kernel, with all rows together and in groups side by side. With ``--rollouts`` whole generations
follow with what was best. Candidates are compiled by several processes first. ``--small`` tries the script in Triton's
interpreter.

0.5B at 128 x 4,096, on paper. In the middle a layer's attention reads 138 MB (128 rows x 2,112 positions x 512 B),
29 us at 4.8 TB/s, 0.69 ms for 24 layers; measured were 2.02 ms a step, of which products and the rest are 0.98 ms (1.26
less 0.28 of attention, at 512), so attention took 43 us a layer, 67 % of the rate. About 7 us are its beginning
and end (at 512 it took 11.8 us for 21 MB, 4.4 us at full rate), 36 us reading at 80 %. As compiled for sm_90 by Triton
3.6 (registers of a thread, bytes of shared memory, programs that fit on one of the 132 processors, and waves):

    block 128, 3 stages, 1 part, 4 warps     96 registers   72 KB   3   256 programs, 0.65 waves
    block 128, 4 stages (the rule's)         96            104 KB   2   0.97: all at once, two a processor
    block 128, 5 stages                      96            137 KB   1   1.94: a second wave
    block 64, 4 stages, 2 parts              62             53 KB   4   512 programs, 0.97
    block 32, 4 stages, 4 parts, 1 warp     109             27 KB   8   1,024 programs, 0.97

A round of 128 positions is 439 instructions of each of four warps, a quarter of what a processor can issue while the 64
KB of its two programs arrive; nine barriers in it, for maxima and sums over warps, make it a chain, not a load. So
neither arithmetic nor too little in flight is the bound, but the 7 us at the ends and what else does not overlap with
reading. Most promising, in this order (``ATTENTION_LONG``):

1. Two groups of rows side by side, their cache read with ``evict_first``: the products of one group, bound by latency,
   run beside the attention of the other, bound by memory. At best 1.1 ms: 3.3 GB of cache and the weights twice, unless
   they stay in L2, which evict_first is for. Its products would need rules of their own in plans.py (64 rows).
2. ``ahead`` 512 or 1,024 with 3 stages: norm and projection before it leave 7 us in which 33 MB of cache can come into
   L2 (50 MB, with 30 MB of a layer's weights), and with 72 KB two programs fit beside one of the projection's.
3. Programs of one warp in 4 parts, 32 positions a round: no barrier between warps, eight chains a processor; against it
   stand four beginnings in place of one and 2 MB of partial sums (of the group's heads alone, not of the padding).

At 512 tokens the whole cache of a layer (21 MB) fits into L2: ``ahead`` 512 asks for all of it before its attention
begins, which took 11.8 us where reading takes 4.4.

And the redraw (29 us for 29 MB of the head's rows): one program a row waits for four rounds of 64 KB one after the
other; 16 warps with 512 inputs a round wait for two.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import time
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

if "--small" in sys.argv:
    os.environ["TRITON_INTERPRET"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent))
import decode_speed
from decode_job import SHAPES, VOCABULARY, make_model, make_sampler, place, timed

from veritune.trainer.config import SamplingConfig
from veritune.trainer.rollout.decode import triton_ops
from veritune.trainer.rollout.decode.forward import token_step
from veritune.trainer.rollout.decode.ops import TorchOps
from veritune.trainer.rollout.decode.plans import Plan
from veritune.trainer.rollout.decode.rows import Rows
from veritune.trainer.rollout.decode.triton_ops import TritonOps

BF16 = torch.bfloat16
Cut = tuple[int, ...]
"""outputs, inputs, parts, warps, stages, and bytes of a weight row asked for early; () is cuBLAS."""
ALL = 1 << 16
PRODUCTS = ("gated", "down", "out", "qkv", "head")
CUTS: dict[tuple[str, int], dict[str, list[Cut]]] = {
    ("0.5B", 1): {
        "gated": [(64, 64, 1, 8, 4, ALL), (64, 64, 1, 8, 5, ALL)],
        "down": [(64, 64, 8, 8, 5, ALL), (64, 64, 8, 8, 6, ALL)],
        "out": [(64, 64, 7, 8, 5, ALL)],
        "qkv": [(32, 64, 3, 4, 5, ALL), (32, 64, 1, 4, 6, ALL)],
        "head": [(128, 64, 1, 8, 3, 256)],
    },
    ("0.5B", 2): {
        "gated": [(64, 64, 1, 8, 4, ALL), (64, 64, 1, 4, 4, ALL), (32, 64, 1, 4, 5, ALL), ()],
        "down": [(64, 64, 8, 4, 5, ALL), (64, 64, 4, 4, 5, ALL), (64, 64, 8, 8, 5, ALL), ()],
        "out": [(64, 64, 7, 4, 5, ALL), (64, 64, 4, 4, 5, ALL), (32, 64, 2, 4, 5, ALL)],
        "qkv": [(32, 64, 3, 4, 5, ALL), (32, 64, 1, 4, 6, ALL), (64, 64, 5, 4, 5, ALL)],
        "head": [(128, 64, 1, 8, 3, 256)],
    },
    ("0.5B", 4): {
        "gated": [(64, 64, 1, 4, 4, ALL)],
        "down": [(64, 128, 4, 4, 4, ALL)],
        "out": [(64, 128, 4, 4, 4, ALL)],
        "qkv": [(32, 128, 1, 4, 4, ALL)],
        "head": [(128, 64, 1, 8, 3, 256)],
    },
    ("1.5B", 1): {
        "gated": [(32, 64, 1, 4, 4, 0), (32, 64, 1, 4, 5, 0), (64, 64, 1, 4, 5, 0)],
        "down": [(64, 64, 5, 4, 5, 0), (64, 64, 5, 4, 7, 0), (64, 64, 10, 4, 5, 0), ()],
        "out": [(32, 64, 2, 4, 5, 512), (64, 64, 5, 4, 5, 512)],
        "qkv": [(64, 128, 4, 4, 3, 512), (64, 64, 4, 4, 6, 512)],
        "head": [(64, 64, 1, 4, 5, 256)],
    },
    ("7B", 1): {
        "gated": [(64, 128, 1, 4, 4, 0), (64, 64, 1, 4, 6, 0), (64, 64, 1, 4, 4, 0), ()],
        "down": [(64, 128, 2, 4, 5, 0), (64, 128, 4, 4, 4, 0), (64, 64, 4, 4, 6, 0), ()],
        "out": [(64, 128, 2, 4, 4, 512), (64, 128, 4, 4, 4, 512)],
        "qkv": [(64, 128, 1, 4, 4, 512), (64, 128, 2, 4, 4, 512)],
        "head": [(128, 64, 1, 4, 4, 256), (64, 128, 1, 4, 4, 256), ()],
    },
}
CUTS |= {
    ("small", groups): {
        title: [(32, 32, parts, 4, 3, 0), (64, 32, parts, 4, 3, 0)]
        for title, parts in {"gated": 1, "down": 2, "out": 1, "qkv": 2, "head": 1}.items()
    }
    for groups in (1, 2)
}
ATTENTION: dict[str, list[dict[str, Any]]] = {
    "0.5B": [
        {"block": 128, "parts": 1, "stages": 4},
        {"block": 128, "parts": 1, "stages": 4, "policy": "evict_first"},
        {"block": 128, "parts": 1, "stages": 4, "ahead": 128},
        {"block": 128, "parts": 1, "stages": 4, "ahead": 512},
        {"block": 128, "parts": 1, "stages": 3, "ahead": 512},
        {"block": 32, "parts": 2, "stages": 4, "ahead": 256, "warps": 1},
        {"block": 64, "parts": 1, "stages": 7},
        {"block": 128, "parts": 2, "stages": 4},
        {"block": 128, "parts": 1, "stages": 5},
    ],
    "1.5B": [
        {"block": 128, "parts": 1, "stages": 3},
        {"block": 64, "parts": 1, "stages": 5},
        {"block": 64, "parts": 2, "stages": 4},
        {"block": 128, "parts": 1, "stages": 3, "policy": "evict_first"},
    ],
    "7B": [
        {"block": 64, "parts": 2, "stages": 3},
        {"block": 128, "parts": 1, "stages": 3},
        {"block": 64, "parts": 1, "stages": 5},
    ],
}
ATTENTION["small"] = [{"block": 16, "parts": 1, "stages": 3}, {"block": 32, "parts": 2, "stages": 3}]
LONG = 2048
"""From so many tokens on, :data:`ATTENTION_LONG`."""
ATTENTION_LONG: dict[str, list[dict[str, Any]]] = {
    "0.5B": [
        {"block": 128, "parts": 1, "stages": 4, "ahead": 128},
        {"block": 128, "parts": 1, "stages": 4, "ahead": 128, "policy": "evict_first"},
        {"block": 128, "parts": 1, "stages": 3, "ahead": 128},
        {"block": 128, "parts": 1, "stages": 3, "ahead": 512},
        {"block": 128, "parts": 1, "stages": 3, "ahead": 1024},
        {"block": 128, "parts": 1, "stages": 3, "ahead": 512, "policy": "evict_first"},
        {"block": 128, "parts": 2, "stages": 3, "ahead": 256, "policy": "evict_first"},
        {"block": 64, "parts": 2, "stages": 4, "ahead": 256},
        {"block": 32, "parts": 4, "stages": 4, "ahead": 128, "warps": 1},
        {"block": 32, "parts": 4, "stages": 4, "ahead": 128, "warps": 2},
    ],
}
DRAWS: list[dict[str, Any]] = [
    {},
    {"draw_warps": 16},
    {"draw_warps": 16, "draw_block": 512},
    {"draw_block": 128},
]
"""The redraw of the tokens around the drawn one: inputs of a round, and warps."""
DEFAULT: dict[str, Any] = {"warps": 4, "ahead": 0, "policy": ""}


def attention_of(name: str, tokens: int) -> list[dict[str, Any]]:
    return ATTENTION_LONG.get(name, ATTENTION[name]) if tokens >= LONG else ATTENTION[name]


@dataclass(frozen=True)
class Choice:
    """How everything is cut."""

    groups: int
    cuts: dict[str, Cut]
    attention: dict[str, Any]
    draw: dict[str, Any] = field(default_factory=dict)

    def ops(self, name: str, rows: int, early: bool | None = None) -> TritonOps:
        table = {products(name)[title]: cut for title, cut in self.cuts.items()}

        def plans(kind: Any, count: int, outputs: int, inputs: int, dtype: torch.dtype) -> Plan | None:
            cut = table[kind, outputs, inputs]
            return as_plan(cut, rows if kind == "head" else rows // self.groups)

        return TritonOps(plans=plans, groups=self.groups, early=early, **(DEFAULT | self.attention), **self.draw)


def as_plan(cut: Cut, rows: int) -> Plan | None:
    return Plan(rows, *cut) if cut else None


def products(name: str) -> dict[str, tuple[str, int, int]]:
    """Kind, outputs and inputs of a layer's products and of the head."""
    hidden, inter, _, heads, kv_heads = SHAPES[name]
    return {
        "qkv": ("product", (heads + 2 * kv_heads) * (hidden // heads), hidden),
        "out": ("product", hidden, hidden),
        "gated": ("gated", inter, hidden),
        "down": ("product", hidden, inter),
        "head": ("head", 320 if name == "small" else VOCABULARY, hidden),
    }


# -- compiling side by side --------------------------------------------------------------------------------------------


def tasks(jobs: list[tuple[str, int, int]], options: argparse.Namespace) -> list[tuple[str, str, int, Any]]:
    """Model, kernel, rows, and a cut or, for attention, its options with cache length and parts of the projection."""
    found: list[tuple[str, str, int, Any]] = []
    for name, rows, tokens in jobs:
        for (model, groups), cuts in CUTS.items():
            if model == name and groups in options.groups:
                each = rows // groups
                for title, some in cuts.items():
                    tried = some if title in options.what else some[:1]
                    found += [(name, title, rows if title == "head" else each, cut) for cut in tried if cut]
                parts = {(cut or (0, 0, 1))[2] for cut in (cuts["qkv"] if "qkv" in options.what else cuts["qkv"][:1])}
                for index, way in enumerate(attention_of(name, tokens)):
                    for sums in sorted(parts) if index == 0 else [cuts["qkv"][0][2]]:
                        found.append((name, "attention", each, {**way, "tokens": tokens, "sums": sums}))
                head = cuts["head"][0]
                found += [
                    (name, "draw", rows, {"cut": head, **way}) for way in DRAWS if "draw" in options.what and head
                ]
    return [task for index, task in enumerate(found) if task not in found[:index]]


def compile_one(task: tuple[str, str, int, Any]) -> str:
    """Compile one candidate for this kind of GPU into Triton's cache, without the GPU."""
    from triton.backends.compiler import GPUTarget
    from triton.runtime import driver

    class Stub:
        def get_current_target(self) -> Any:
            return GPUTarget("cuda", 90, 32)

        def get_current_device(self) -> int:
            return 0

        def get_current_stream(self, device: int = 0) -> int:
            return 0

    driver.set_active(Stub())
    triton_ops._launch = lambda kernel, grid, arguments, **options: kernel.warmup(*arguments, grid=grid, **options)
    try:
        with torch.no_grad():
            call(*task)
    except Exception:
        return f"{task}: {traceback.format_exc()[-400:]}"
    return ""


def call(name: str, title: str, rows: int, cut: Any) -> None:
    """One kernel, on memory that holds nothing."""

    def empty(*shape: int, dtype: torch.dtype = BF16) -> Any:
        return torch.empty(*shape, dtype=dtype)

    hidden, _, _, heads, kv_heads = SHAPES[name]
    width = hidden // heads
    if title == "attention":
        options = {**DEFAULT, **cut}
        length, sums = -(-(64 + options.pop("tokens")) // 128) * 128, options.pop("sums")
        turn = empty(1, width // 2, dtype=torch.float32)
        weights: Any = SimpleNamespace(heads=heads, kv_heads=kv_heads, eps=1e-6, cos_LF=turn, sin_LF=turn)
        weights.scale = width**-0.5
        key = empty(1, kv_heads, length, width).expand(rows, -1, -1, -1)  # only pointed at
        layer: Any = SimpleNamespace(query_norm=None, key_norm=None)
        _, outputs, _ = products(name)["qkv"]
        qkv = empty(*([sums] if sums > 1 else []), rows, outputs, dtype=torch.float32 if sums > 1 else BF16)
        some = Rows.empty(rows, 1, torch.device("cpu"))
        TritonOps(early=True, **options).rotate_attend(qkv, key, key, some, length, layer, weights)
        return
    options = {key: value for key, value in cut.items() if key != "cut"} if title == "draw" else {}
    title, cut = ("head", cut["cut"]) if title == "draw" else (title, cut)
    kind, outputs, inputs = products(name)[title]
    ops = TritonOps(early=True, plans=lambda *key: as_plan(cut, rows), **options)
    x = empty(rows, inputs)
    if kind == "product":
        ops.product(x, empty(outputs, inputs), empty(outputs) if title == "qkv" else None)
        for h in (hidden,) if title in ("out", "down") else ():
            residual, delta = empty(rows, h, dtype=torch.float32), empty(cut[2], rows, h, dtype=torch.float32)
            ops.add_norm(residual, delta, residual[0], SimpleNamespace(dtype=BF16, eps=1e-6))  # type: ignore[arg-type]
    elif kind == "gated":
        ops.gated(x, empty(2 * outputs, inputs), None)
    else:
        weights = SimpleNamespace(head=empty(outputs, inputs), head_bias=None)
        ops.draw(x, Rows.empty(rows, 1, torch.device("cpu")), SamplingConfig(), torch.zeros(0).long(), weights)


# -- timing ------------------------------------------------------------------------------------------------------------


class Step:
    """A token step in the middle of completions of so many tokens, with ops that can be changed."""

    def __init__(self, model: Any, name: str, rows: int, tokens: int) -> None:
        self.sampler, self.name, self.rows, self.tokens = make_sampler(model), name, rows, tokens
        self.sampling = SamplingConfig(max_tokens=tokens)
        self.state = self.place()

    def place(self, share: float = 0.5) -> Any:
        return place(self.sampler, self.rows, self.tokens, 64 + int(self.tokens * share))

    def run(self, ops: Any) -> None:
        weights, eos = self.sampler.weights, self.sampler.eos_E
        token_step(weights, ops, self.state, self.rows, self.state.length, self.sampling, eos)

    def graph(self, ops: Any) -> Any:
        self.place()
        self.state.rows.alive_B.fill_(False)
        self.run(ops)
        if not torch.cuda.is_available():
            return SimpleNamespace(replay=lambda: self.run(ops))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.run(ops)
        return graph

    def milliseconds(self, ops: Any, share: float = 0.5) -> float:
        """Of one step, replayed."""
        graph = self.graph(ops)
        self.place(share)
        return timed(graph.replay, 6, 3)


def compare(step: Step, many: dict[str, TritonOps]) -> str:
    """One step by each from the same state: equal tokens, and the distance of log-probs where they are equal."""
    cache = step.state.cache
    cache.copy_(torch.randn(cache.shape[2:], device=cache.device).to(cache.dtype).expand_as(cache))
    found = {}
    for name, ops in {"torch": TorchOps(), **many}.items():
        step.place()
        step.run(ops)
        found[name] = step.state.rows.tokens_B.clone(), step.state.rows.logps_BT[:, 0].clone()
    tokens, logps = found.pop("torch")
    shares = []
    for name, (t, x) in found.items():
        same = t == tokens
        shares.append(f"{name}: {float(same.float().mean()):.2f} equal, {float((x - logps)[same].abs().mean()):.4f}")
    return "  to PyTorch on noise: " + "; ".join(shares)


def tune(step: Step, groups: int, what: list[str], start: Choice | None = None) -> tuple[float, Choice]:
    """The best choice for so many groups, of what is asked for."""
    name, rows = step.name, step.rows
    cuts, ways = CUTS[name, groups], attention_of(name, step.tokens)
    best = start or Choice(groups, {title: some[0] for title, some in cuts.items()}, ways[0])
    least = step.milliseconds(best.ops(name, rows))
    print(f"  {groups} groups: {least:.3f} ms", flush=True)
    titles = [title for title in ("attention", *(PRODUCTS if start is None else ()), "draw") if title in what]
    for title in titles:
        others: list[Any] = list(ways if title == "attention" else DRAWS if title == "draw" else cuts[title])
        for other in others:
            if title in ("attention", "draw"):
                choice = replace(best, **{title: other})
            else:
                choice = replace(best, cuts={**best.cuts, title: other})
            if choice == best:
                continue
            try:
                ms = step.milliseconds(choice.ops(name, rows))
            except Exception as error:
                print(f"    {title:10}{other}: {type(error).__name__}: {str(error)[:150]}", flush=True)
                continue
            print(f"    {title:10}{ms:.3f} {other or 'cuBLAS'}", flush=True)
            if ms < 0.998 * least:
                least, best = ms, choice
    if torch.cuda.is_available():
        plain = replace(best, cuts={t: (*c[:-1], 0) if c else c for t, c in best.cuts.items()})
        print(f"    asking for no weight early {step.milliseconds(plain.ops(name, rows)):.3f}", flush=True)
        print(f"    beginning no kernel early {step.milliseconds(best.ops(name, rows, early=False)):.3f}", flush=True)
    print(f"  best of {groups} groups: {least:.3f} {best}", flush=True)
    return least, best


def alone(step: Step, choice: Choice) -> None:
    """µs of each product of the layers one after the other, ours and cuBLAS's."""
    layers = step.sampler.weights.layers
    for label, ops in (("ours", choice.ops(step.name, step.rows, early=False)), ("cuBLAS", cublas())):
        line = []
        for title, (kind, _, inputs) in products(step.name).items():
            if kind == "head":
                continue
            x = torch.randn(step.rows // choice.groups, inputs, device=step.state.cache.device).to(BF16)
            some = [getattr(layer, {"gated": "gate_up"}.get(title, title)) for layer in layers]
            run = ops.gated if kind == "gated" else ops.product
            graph = torch.cuda.CUDAGraph()
            run(x, some[0], None)
            with torch.cuda.graph(graph):
                for weight in some:
                    run(x, weight, None)
            line.append(f"{title} {1000 * timed(graph.replay, 4, 2) / len(some):.2f}")
        print(f"    a product in a row of its like, us, {label}: {', '.join(line)}", flush=True)


def cublas() -> TritonOps:
    return TritonOps(plans=lambda *key: None, early=False)


def job(name: str, rows: int, tokens: int, held: dict[str, Any], options: argparse.Namespace) -> None:
    if held.get("name") != name:
        held.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        held.update(name=name, model=make_model(name))
        gc.collect()
        gc.freeze()  # each capture of a graph collects garbage first
    step = Step(held["model"], name, rows, tokens)
    print(f"{name}, {rows} x {tokens}", flush=True)
    found = []
    for model, groups in CUTS:
        if model == name and groups in options.groups:
            found.append((*tune(step, groups, options.what, held.get(str(groups))), groups))
            held[str(groups)] = found[-1][1]
    _, best, _ = min(found, key=lambda each: each[0])
    if torch.cuda.is_available():
        if tokens <= 512:
            alone(step, best)
            graph = step.graph(best.ops(name, rows, early=False))
            step.place()
            for each, times, took in decode_speed.profile(graph.replay)[:12]:
                print(f"    {times:5} x {took / times:8.2f} us = {took:8.1f}  {each[:60]}", flush=True)
        at = [step.milliseconds(best.ops(name, rows), share) for share in (0.0, 0.5, 1.0)]
        print("  first, middle, last token: " + ", ".join(f"{ms:.3f}" for ms in at), flush=True)
    print(compare(step, {f"{c.groups} groups": c.ops(name, rows) for _, c, _ in found}), flush=True)
    if options.rollouts and tokens <= 2048:
        step.sampler.ops = best.ops(name, rows)
        here = {"name": name, "model": held["model"], "sampler": step.sampler, "early": step.sampler.ops.early}
        answer = decode_speed.measure({"model": name, "rows": rows, "tokens": tokens, "what": "rollout"}, here)
        print(f"  whole generation: {answer}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", default=decode_speed.JOBS)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 2))
    parser.add_argument("--compile-only", action="store_true")
    parser.add_argument("--no-compile", action="store_true", help="it was done before")
    parser.add_argument("--rollouts", action="store_true")
    comma: Any = lambda text: text.split(",")  # noqa: E731
    numbers: Any = lambda text: [int(part) for part in text.split(",")]  # noqa: E731
    titles = ["attention", *PRODUCTS, "draw"]
    parser.add_argument("--what", type=comma, default=titles, help=f"of {','.join(titles)}")
    parser.add_argument("--groups", type=numbers, default=[1, 2, 4], help="of rows side by side")
    parser.add_argument("--small", action="store_true", help="a tiny model in the interpreter: to try the script")
    options = parser.parse_args()
    if not (torch.cuda.is_available() or options.compile_only or options.small):
        print("this benchmark needs a GPU; --compile-only compiles its candidates without one")
        return
    if options.small:
        options.jobs, options.no_compile = "small:4x8", True
    jobs = []
    for text in options.jobs.split(","):
        name, _, shape = text.partition(":")
        rows, tokens = map(int, shape.split("x"))
        jobs.append((name, rows, tokens))
    torch.set_grad_enabled(False)
    if not options.no_compile:
        begun, some = time.perf_counter(), tasks(jobs, options)
        with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
            for wrong in filter(None, pool.imap_unordered(compile_one, some)):
                print(wrong, flush=True)
        print(f"{len(some)} candidates compiled in {time.perf_counter() - begun:.1f} s", flush=True)
    held: dict[str, Any] = {}
    for name, rows, tokens in [] if options.compile_only else jobs:
        try:
            job(name, rows, tokens, held, options)
        except Exception:
            print(traceback.format_exc()[-3000:], flush=True)


if __name__ == "__main__":
    main()
