"""The whole demo (warm-up, GRPO, held-out evaluation) for several seeds, against what it promises.

    python benchmarks/demo_seeds.py [--seeds 0 1 2 3 4] [--out benchmarks/results/demo_seeds.txt] [key=value …]

Each seed is a process of its own, as a user would start it: `veritune train examples/arithmetic.yaml seed=N`. Prints a
table and writes it with machine, versions and date; ends with status 1 if a promise is broken.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from veritune.trainer.observe.metrics import read_metrics

ROOT = Path(__file__).resolve().parent.parent
PROMISES: dict[str, tuple[float, float]] = {
    "accuracy": (0.50, 0.90),
    "thinks": (0.40, 0.90),
    "reward/language": (1.00, 0.95),
}
"""Metric → below this before, above that after."""


def run_seed(seed: int, folder: Path, overrides: list[str]) -> dict[str, Any]:
    """One process; its first and last held-out evaluation, wall and CPU seconds."""
    output = folder / f"seed-{seed}"
    config = str(ROOT / "examples" / "arithmetic.yaml")
    command = [sys.executable, "-m", "veritune", "train", config, f"seed={seed}", f"output={output}", *overrides]
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"seed {seed} failed:\n{done.stdout}\n{done.stderr}")
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = read_metrics(output / "metrics.jsonl")
    held_out = [r for r in lines if r["phase"] == "evaluation"]
    steps = [r for r in lines if r["phase"] == "grpo"]
    phases = {k.removeprefix("seconds/"): sum(r[k] for r in steps) for k in steps[0] if k.startswith("seconds/")}
    phases["warm-up"] = sum(r["seconds/update"] for r in lines if r["phase"] == "warmup")
    return {
        "seed": seed,
        "before": held_out[0],
        "after": held_out[-1],
        "wall": wall,
        "cpu": after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime,
        "phases": phases,
    }


def table(results: list[dict[str, Any]]) -> str:
    """One line a seed: each promised metric before → after, then seconds."""
    lines = [f"{'seed':>4}  " + "  ".join(f"{name:>17}" for name in PROMISES) + "     wall s   cpu s   phases (wall s)"]
    for r in results:
        cells = [f"{r['before'][name]:.3f} → {r['after'][name]:.3f}" for name in PROMISES]
        phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in r["phases"].items())
        lines.append(
            f"{r['seed']:>4}  "
            + "  ".join(f"{c:>17}" for c in cells)
            + f"  {r['wall']:>9.1f}  {r['cpu']:>6.1f}   {phases}"
        )
    return "\n".join(lines)


def broken(results: list[dict[str, Any]]) -> list[str]:
    found = []
    for r in results:
        for name, (below, above) in PROMISES.items():
            if not (r["before"][name] < below and r["after"][name] > above):
                found.append(f"seed {r['seed']}: {name} {r['before'][name]:.3f} → {r['after'][name]:.3f}")
    return found


def header() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("veritune", "torch", "transformers"))
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return (
        f"date      {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC\n"
        f"machine   {platform.machine()}, {cores} cores, load average {load:.1f} at the start\n"
        f"versions  Python {platform.python_version()}, {versions}\n"
        f"command   veritune train examples/arithmetic.yaml seed=N\n"
        f"held-out  256 prompts, one completion each, temperature 1\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "demo_seeds.txt")
    parser.add_argument("overrides", nargs="*", default=[])
    arguments = parser.parse_args()
    head = header()
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for seed in arguments.seeds:
            results.append(run_seed(seed, Path(folder), arguments.overrides))
            print(table(results[-1:]), flush=True)
    problems = broken(results)
    text = f"{head}\n{table(results)}\n\n" + ("\n".join(problems) if problems else "every promise kept") + "\n"
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text, encoding="utf-8")
    print(text)
    raise SystemExit(1 if problems else 0)


if __name__ == "__main__":
    main()
