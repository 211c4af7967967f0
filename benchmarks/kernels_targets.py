"""What benchmarks/kernels.py should reach, and whether the rows of this run do."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from kernels_compare import speed
from kernels_harness import Row, Table

# Width of the head: most times cuBLAS' product forward, its three products both ways, and least times TRL both ways.
HEADS = {896: (1.15, 1.15, 1.4), 1536: (1.10, 1.08, 1.4), 3584: (1.05, 1.05, 1.3), 7168: (1.05, 1.03, 1.3)}
FORWARD, BACKWARD, GRPO = "logp+entropy fwd", "logp+entropy bwd", "GRPO fwd+bwd"
PRODUCTS = ("fwd+bwd", "three cuBLAS products")
# Two measurements of one thing differ by this much: "never slower" means not slower than that.
NOISE = 0.02


class Verdicts:
    """The lines of the block, each with its numbers and whether they meet the bound."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.counts = {"met": 0, "missed": 0, "not measured": 0}

    def line(self, what: str, bound: str, values: list[float | None], form: str, good: Callable[[float], bool]) -> None:
        known = [value for value in values if value is not None]
        verdict = "not measured"
        if values and len(known) == len(values):
            verdict = "met" if all(good(value) for value in known) else "missed"
        self.counts[verdict] += 1
        shown = ", ".join("-" if value is None else format(value, form) for value in values) or "-"
        self.table.say(f"  {what:58s}{bound:>18s}  {shown:40s}{verdict}")

    def least(self, what: str, bound: float, values: list[float | None], form: str = ".2f", unit: str = "") -> None:
        self.line(what, f">= {bound:g}{unit}", values, form, lambda value: value >= bound)

    def most(self, what: str, bound: float, values: list[float | None], form: str = ".3f", unit: str = "") -> None:
        self.line(what, f"<= {bound:g}{unit}", values, form, lambda value: value <= bound)


def targets(table: Table) -> None:
    """Prints each target with its measured value; a target whose rows are missing counts as not measured."""
    table.say("\nTargets, set for an H200" + 41 * " " + "bound  measured")
    verdicts = Verdicts(table)
    _logits(table, verdicts)
    for width in HEADS:
        _head(table, verdicts, width)
    errors = [row.nats for row in table.rows if row.nats is not None]
    verdicts.most("largest error of a log-prob, nats", 2e-4, [max(errors)] if errors else [None], ".1e")
    _fp8(table, verdicts)
    table.say("  " + ", ".join(f"{count} {name}" for name, count in verdicts.counts.items()))


def _row(table: Table, section: str, job: str, name: str) -> Row | None:
    return next((r for r in table.rows if (r.section, r.job, r.name) == (section, job, name) and r.ms), None)


def _logits(table: Table, verdicts: Verdicts) -> None:
    mine, read = (FORWARD, "veritune"), ("read of the logits", "in turn")
    verdicts.least("logits, forward with entropy: share of the read rate", 0.95, [speed(table, "logits", read, mine)])
    verdicts.least("  times the speed of TRL", 1.0, [speed(table, "logits", (FORWARD, "TRL"), mine)])
    # Liger has no entropy to compare with.
    liger = speed(table, "logits", ("logp fwd", "Liger"), ("logp fwd", "veritune"))
    verdicts.least("  without entropy, times the speed of Liger", 1.0, [liger])
    for job in (BACKWARD, "logp bwd"):
        row = _row(table, "logits", job, "veritune in place")
        verdicts.least(f"logits, {job} in place", 3.85, [row.tb_s if row else None], unit=" TB/s")


def _head(table: Table, verdicts: Verdicts, width: int) -> None:
    forward, both, peers = HEADS[width]
    section, fast, lean = f"head-{width}", (GRPO, "veritune fast"), (GRPO, "veritune lean")
    trl = (GRPO, "TRL chunked + torch")
    one = speed(table, section, ("fwd", "veritune"), ("fwd", "cuBLAS product alone"))
    verdicts.most(f"H = {width}, forward, times cuBLAS' product", forward, [one])
    verdicts.most("  GRPO fast, times the three products", both, [speed(table, section, fast, PRODUCTS)])
    verdicts.least("  GRPO fast, times the speed of TRL", peers, [speed(table, section, trl, fast)])
    if _row(table, section, GRPO, "Liger fused linear"):
        liger = speed(table, section, (GRPO, "Liger fused linear"), fast)
        verdicts.least("  GRPO fast, times the speed of Liger", peers, [liger])
    verdicts.least("  GRPO lean, times the speed of TRL", 1.0, [speed(table, section, trl, lean)])
    peak, theirs = _row(table, section, *lean), _row(table, section, *trl)
    share = peak.peak_gb / theirs.peak_gb if peak and theirs and peak.peak_gb and theirs.peak_gb else None
    verdicts.most("  GRPO lean, share of TRL's peak memory", 1.0, [share], ".2f")


def _fp8(table: Table, verdicts: Verdicts) -> None:
    for job, bound in (("1x128", 0.090), ("1x128, both layouts", 0.150)):
        row = _row(table, "quantise", job, "veritune")
        verdicts.most(f"FP8 quantisation, {job}", bound, [row.ms if row else None], unit=" ms")
    shapes = sorted({(r.section, r.job) for r in table.rows if r.section.startswith("gemm-") and r.ms})
    against = [speed(table, *_pair(shape, "cublaslt", "auto")) for shape in shapes]
    verdicts.least(
        "FP8 products, dispatched: slowest against cuBLASLt",
        1 - NOISE,
        [min((ratio or 0.0 for ratio in against), default=None)],
    )
    own = [
        max(filter(None, (speed(table, *_pair(shape, "cublaslt", name)) for name in ("gluon", "triton"))), default=None)
        for shape in shapes
        if shape[1].endswith("fwd")
    ]
    enough = sum(value is not None and value >= 0.9 for value in own) / len(own) if own else None
    verdicts.least("  own kernel at 0.9 of cuBLASLt or more, share of shapes", 0.5, [enough])
    layers = {r.job for r in table.rows if r.section == "layer" and r.ms}
    for title, wide, bound in (("K >= 3584", True, 1.35), ("other shapes", False, 1 - NOISE)):
        jobs = sorted(job for job in layers if (int(job.split("x")[1]) >= 3584) == wide)
        found = [speed(table, "layer", (job, "bf16 Linear"), (job, "FP8Linear auto")) for job in jobs]
        verdicts.least(f"FP8Linear, times the speed of bf16, {title}", bound, found or [None])
    gaps = {(r.job, r.name): statistics.mean(r.rounds) for r in table.rows if r.section == "curve"}
    for job in sorted({job for job, _ in gaps}):
        noise = gaps[job, "control against bf16"]
        verdicts.line(
            f"FP8 loss against bf16, {job}, % (control {noise:+.3f})", "within 0.25", [gaps[job, "fp8 against bf16"]],
            "+.3f", lambda gap: abs(gap) <= 0.25,
        )  # fmt: skip


def _pair(shape: tuple[str, str], base: str, other: str) -> tuple[str, tuple[str, str], tuple[str, str]]:
    section, job = shape
    return section, (job, base), (job, other)
