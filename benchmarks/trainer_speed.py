"""Is training slower than it was? The same job by two checkouts, in turns, through the command line.

    python benchmarks/trainer_speed.py --other CHECKOUT [--job cpu|gpu] [--rounds 5] [--out FILE]

cpu: the demo (examples/arithmetic.yaml of this checkout), 60 warm-up and 25 GRPO steps, one thread; measured in
seconds of CPU in all, as the system counts them for the process. gpu: a model of Qwen2.5-0.5B's size, 8 prompts × 16
completions of 512 tokens; measured in seconds a step as both log them, the first two left out. Each round runs both, in
alternating order; the table gives every round's ratio and their median. Exit status 1 where this checkout is over 2 %
slower.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parents[1]
BOUND = 1.02
CPU_JOB = (
    "warmup.steps=60",
    "grpo.steps=25",
    "evaluation.prompts=16",
    "evaluation.every=1000",
    "device=cpu",
    "threads=1",
)


def gpu_config(folder: Path) -> Path:
    """The 0.5B job as files that either checkout reads."""
    sys.path.insert(0, str(HERE / "benchmarks"))
    from trainer_gpu_job import QWEN, prompts, write_tokenizer

    write_tokenizer(folder / "tokenizer")
    (folder / "rows.jsonl").write_text("".join(json.dumps({"prompt": p}) + "\n" for p in prompts(64, 128)))
    (folder / "mine.py").write_text(
        "import zlib\nfrom veritune import reward\n@reward\ndef varied(completion):\n"
        "    return zlib.crc32(completion.encode()) / 2**32\n"
    )
    values = {
        "output": "run",
        "device": "cuda:0",  # the older checkout takes no "cuda"
        "model": {"build": QWEN, "tokenizer": str(folder / "tokenizer")},
        "data": {"train": str(folder / "rows.jsonl")},
        "rewards": {"varied": {"use": f"{folder / 'mine.py'}:varied"}},
        "grpo": {"steps": 8, "prompts": 8, "samples": 16, "micro_batch_tokens": 16384, "lr": 1e-6},
        "sampling": {"max_tokens": 512},
    }
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def run(checkout: Path, config: Path, overrides: tuple[str, ...], folder: Path, seconds: float) -> dict[str, float]:
    """Seconds of CPU in all, and logged seconds of an average GRPO step."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(checkout / "src"), *_site()]),
        "OMP_NUM_THREADS": "1",
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "veritune", "train", str(config), f"output={folder}", *overrides]
    done = subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True, text=True, timeout=seconds)
    if done.returncode:
        raise RuntimeError(f"{checkout}: {done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if line["phase"] == "grpo"][2:]
    parts = {k: statistics.mean(s[k] for s in steps) for k in steps[0] if k.startswith("seconds")}
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, **parts}


def _site() -> list[str]:
    """What the caller's PYTHONPATH holds besides a checkout of ours."""
    return [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p and not (Path(p) / "veritune").exists()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other", type=Path, required=True)
    parser.add_argument("--job", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    import torch

    what = "cpu" if options.job == "cpu" else "seconds"
    name = platform.machine() if options.job == "cpu" else torch.cuda.get_device_name()
    out = [
        f"training by this checkout and by another ({options.other.name}), in turns · job {options.job} · {name}, "
        f"{os.cpu_count()} cores, torch {torch.__version__} · {time.strftime('%Y-%m-%d')}",
        "",
    ]
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        config = HERE / "examples" / "arithmetic.yaml" if options.job == "cpu" else gpu_config(base)
        overrides = CPU_JOB if options.job == "cpu" else ()
        for number in range(options.rounds):
            found = {}
            pair = [HERE, options.other.resolve()]
            for checkout in pair if number % 2 else pair[::-1]:
                found[checkout] = run(checkout, config, overrides, base / f"{number}-{pair.index(checkout)}", 500)
            mine, theirs = (found[each] for each in pair)
            ratios.append(mine[what] / theirs[what])
            parts = "  ".join(
                f"{k.removeprefix('seconds/')} {mine[k]:.3f}/{theirs[k]:.3f}" for k in mine if k in theirs
            )
            out.append(f"round {number + 1}: {ratios[-1]:.3f} times   (this/other: {parts})")
            print(out[-1], flush=True)
    median = statistics.median(ratios)
    out += ["", f"median {median:.3f} times the other's {what}; at most {BOUND} is asked"]
    print(out[-1])
    if options.out is not None:
        options.out.write_text("\n".join(out) + "\n", encoding="utf-8")
    sys.exit(median > BOUND)


if __name__ == "__main__":
    main()
