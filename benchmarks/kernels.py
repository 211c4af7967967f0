"""Kernels against their peers and the hardware's floors on one GPU: checks each result, then times it.

python benchmarks/kernels.py [--sections logits,heads,quantise,products,layers,curve] [--curve-seconds 420]
                             [--sweep] [--out FOLDER]

What is compared is measured in turn, in one run. The block at the end says which targets the run meets. The loss curves
stop before a seed that would take them past `--curve-seconds`. `--sweep` times other launch configurations of our
kernels instead, and writes no results.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import kernels_curve  # noqa: E402
import kernels_fp8  # noqa: E402
import kernels_harness  # noqa: E402
import kernels_linear  # noqa: E402
import kernels_peers  # noqa: E402
import kernels_sweep  # noqa: E402
import kernels_targets  # noqa: E402

# This file is called kernels.py too: left on the path, it would hide a package that transformers imports.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]

import torch  # noqa: E402
import triton  # noqa: E402


def ceilings(table: kernels_harness.Table) -> None:
    """What this device reads, copies and multiplies at most: the floors of everything after."""
    table.section("ceilings", "Ceilings")
    x = torch.empty(2 << 30, device="cuda", dtype=torch.bfloat16).normal_()
    y, out = torch.empty_like(x), torch.empty(132 * 8, device="cuda")
    gb = x.numel() * 2 / 1e9
    read = table.time("4.3 GB", "read", lambda: kernels_harness.read(x, out), gigabytes=gb)
    copy = table.time("4.3 GB", "copy, read + write", lambda: y.copy_(x), gigabytes=2 * gb)
    a = torch.randn(8192, 8192, device="cuda").bfloat16()
    b = torch.randn(8192, 8192, device="cuda").bfloat16()
    multiply = table.time("8192^3", "bf16 product", lambda: a @ b, tflop=2 * 8192**3 / 1e12)
    if read and copy and multiply:
        table.read, table.copy, table.bf16 = gb / read, 2 * gb / copy, 2 * 8192**3 / 1e9 / multiply


SECTIONS = {
    "logits": kernels_linear.logits,
    "heads": kernels_linear.heads,
    "quantise": kernels_fp8.quantisation,
    "products": kernels_fp8.products,
    "layers": kernels_fp8.layers,
    "curve": kernels_curve.loss_curve,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", default=",".join(SECTIONS))
    parser.add_argument("--curve-seconds", type=float, default=420.0)
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    unknown = set(given.sections.split(",")) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}: expected {', '.join(SECTIONS)}")
    if not torch.cuda.is_available():
        sys.exit("benchmarks/kernels.py needs a CUDA device")
    about = {
        "device": torch.cuda.get_device_name(), "torch": torch.__version__, "triton": triton.__version__,
        "date": datetime.date.today().isoformat(), **kernels_peers.versions(),
    }  # fmt: skip
    table = kernels_harness.Table(None if given.sweep else given.out, about)
    table.say("  ".join(f"{k} {v}" for k, v in about.items()))
    if given.sweep:
        kernels_sweep.sweep(table)
        return
    ceilings(table)
    kernels_harness.free()
    begun, failed = time.perf_counter(), []
    for name in given.sections.split(","):
        try:
            if name == "curve":
                kernels_curve.loss_curve(table, given.curve_seconds)
            else:
                SECTIONS[name](table)
        except Exception as problem:  # one section's failure must not cost the others' results
            table.say(f"section {name} failed: {type(problem).__name__}: {problem}")
            failed.append(name)
        kernels_harness.free()
        table.say(f"  ({name}: {time.perf_counter() - begun:.0f} s since the start)")
        table.save()
    kernels_targets.targets(table)
    table.save()
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
