"""One GPU against several, replicated (DDP) and sharded (FSDP2): tokens a second end to end, and the same loss curve.

    python benchmarks/trainer_scaling.py [--gpus 1,2,4,8] [--sizes 0.5b,1.5b,7b] [--arms ddp,fsdp2]
                                         [--out benchmarks/results/trainer_scaling.txt]

Speed: models of Qwen2.5's sizes with random weights, 8 prompts × 16 completions of 512 tokens for every GPU, generation
included. Efficiency: tokens a second a GPU, over those of the fewest GPUs that the model ran on. Where the time goes: a
step under the profiler, seconds on the device in collectives and of the host in meetings (kernels of a collective run
while they wait for the slowest process, so its seconds hold that wait). Curve: the same batch whatever the number of
GPUs, supervised steps, then GRPO (two updates each, KL to a reference model) on completions that were drawn beforehand:
sampling would part runs that differ in the last bit. ``fsdp2/layer`` gathers every layer for every pass
(distributed.gather). ``--small`` tries all of it on the CPU, with gloo: ``--small --gpus 1,8``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from trainer_gpu_job import SIZES
from trainer_scaling_member import COLLECTIVES, CURVES, PHASES, member

ROOT = Path(__file__).resolve().parent.parent
CAUSES = (*COLLECTIVES, "waiting")
TOLERANCE = 0.02
"""Most relative difference of a curve's values from the first arm's, over the largest of them: bfloat16 products
differ."""
ONLY_SHARDED = ("7b",)
"""Sizes whose float32 weights, gradients and moments do not fit on one GPU: FSDP2 on several."""

Arm = tuple[str, int, str]
"""Model size, number of GPUs, strategy."""


def arms_of(options: argparse.Namespace) -> list[Arm]:
    """What to run, the fewest GPUs of a size first."""
    found: list[Arm] = []
    for size in options.sizes.split(","):
        for gpus in options.gpus:
            if gpus == 1 and size not in ONLY_SHARDED:
                found.append((size, 1, "auto"))
            elif gpus > 1:
                strategies = options.arms.split(",")
                found += [(size, gpus, s) for s in strategies if s.startswith("fsdp2") or size not in ONLY_SHARDED]
    return found


def named(arm: Arm) -> str:
    size, gpus, strategy = arm
    return f"{size} {gpus} {'' if gpus == 1 else strategy}".rstrip()


def run_arm(options: argparse.Namespace, arm: Arm) -> dict[str, Any]:
    """The results of one arm, in processes of its own; those of its first part where the second did not end."""
    size, gpus, strategy = arm
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable]
        if gpus > 1:
            command += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(gpus)]
        command += [str(Path(__file__).resolve()), "--arm", strategy, "--folder", name, "--size", size]
        for option in ("steps", "curve_steps", "tokens", "dtype"):
            command += [f"--{option.replace('_', '-')}", str(getattr(options, option))]
        command += ["--small"] * options.small
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
        }
        if options.small:
            environment |= {"OMP_NUM_THREADS": "1"}
        if gpus == 1:
            environment["CUDA_VISIBLE_DEVICES"] = environment.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        problem = ""
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=options.timeout)
            problem = f"{named(arm)} failed with {done.returncode}\n{done.stderr[-3000:]}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            problem = f"{named(arm)} did not end in {options.timeout:.0f} s"
        result = Path(name) / "found.json"
        if not result.is_file():
            raise RuntimeError(problem or f"{named(arm)} wrote nothing")
        found: dict[str, Any] = json.loads(result.read_text())
        return {**found, "problem": problem}


def apart(one: Mapping[str, list[float]], other: Mapping[str, list[float]], name: str) -> float:
    """Largest difference of two curves, over the largest value of the first."""
    largest = max(abs(v) for v in one[name])
    return max(abs(a - b) for a, b in zip(one[name], other[name], strict=True)) / max(largest, 1e-12)


def report(found: Mapping[Arm, Mapping[str, Any]]) -> list[str]:
    """The tables: speed, then curves."""
    heads = "".join(f"{p:>11}" for p in (*PHASES, *CAUSES))
    lines = [f"{'':18}{'s/step':>9}{heads}{'tok/s':>10}{'efficiency':>12}{'GiB/GPU':>9}"]
    first: dict[str, tuple[Arm, Mapping[str, Any]]] = {}
    for arm, result in found.items():
        base_arm, base = first.setdefault(arm[0], (arm, result))
        s, b = result["speed"], base["speed"]
        each = (s["tokens_per_second"] / arm[1]) / (b["tokens_per_second"] / base_arm[1])
        cells = [s["phases"][p] for p in PHASES] + [s["causes"].get(c) for c in CAUSES]
        middle = "".join(f"{'':>11}" if cell is None else f"{cell:11.3f}" for cell in cells)
        tail = f"{s['tokens_per_second']:10.0f}{each:12.3f}{s['peak']:9.1f}"
        lines.append(f"{named(arm):18}{s['seconds']:9.3f}{middle}{tail}")
    lines.append("")
    for arm, result in found.items():
        if result.get("problem"):
            lines.append(result["problem"])
        if "curve" not in result:
            continue
        ends = "  ".join(f"{c} {result['curve'][c][0]:.5f} → {result['curve'][c][-1]:.5f}" for c in CURVES)
        lines.append(f"{named(arm):18}{ends}")
        base_arm, base = first[arm[0]]
        if arm != base_arm and "curve" in base:
            gaps = {c: apart(base["curve"], result["curve"], c) for c in CURVES}
            verdict = "within" if max(gaps.values()) <= TOLERANCE else "BEYOND"
            text = ", ".join(f"{c} {gap:.1e}" for c, gap in gaps.items())
            lines.append(f"{'':18}largest difference from {named(base_arm)} over the curve's size: {text}")
            lines.append(f"{'':18}{verdict} {TOLERANCE}")
    return lines


def numbers(text: str) -> list[int]:
    """1,2,4 → [1, 2, 4]"""
    return sorted(int(part) for part in text.split(","))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpus", type=numbers, default=[1, 2])
    parser.add_argument("--sizes", default="0.5b", help=f"of {', '.join(SIZES)}")
    parser.add_argument("--arms", default="ddp,fsdp2", help="also fsdp2/layer, fsdp2/step")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--curve-steps", type=int, default=10, help="0: no curves")
    parser.add_argument("--tokens", type=int, default=6144, help="of one micro-batch")
    parser.add_argument("--dtype", default="auto", help="of the weights (model.dtype)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds of one arm")
    parser.add_argument("--small", action="store_true", help="a tiny model on the CPU: to try the script")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "trainer_scaling.txt")
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    parser.add_argument("--size", default="0.5b", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.shape = {"prompts": 8, "samples": 16, "tokens": 512, "prompt_tokens": 64}
    if options.small:
        options.shape = {"prompts": 2, "samples": 4, "tokens": 8, "prompt_tokens": 8}
    warnings.filterwarnings("ignore")
    if options.arm:
        member(options)
        return
    if not (torch.cuda.device_count() >= max(options.gpus) or options.small):
        print(f"this benchmark needs {max(options.gpus)} GPUs; --small tries the script without any")
        return
    gpus = torch.cuda.is_available() and not options.small
    machine = f"{max(options.gpus)} × {torch.cuda.get_device_name()}" if gpus else f"{platform.machine()}, gloo"
    lines = [
        f"date      {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
        f"machine   {machine}",
        f"versions  torch {torch.__version__}, transformers {version('transformers')}",
        f"job       Qwen2.5's {'shape, tiny' if options.small else 'sizes'}, random weights; a GPU: {options.shape}",
        "",
    ]
    found: dict[Arm, Any] = {}
    for arm in arms_of(options):
        try:
            found[arm] = run_arm(options, arm)
            print(f"{named(arm)}: {json.dumps(found[arm]['speed'])}", flush=True)
        except RuntimeError as error:
            lines.append(str(error))
            print(error, flush=True)
        text = "\n".join([*lines, *(report(found) if found else [])]) + "\n"
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
