"""One GPU against several, replicated (DDP) and sharded (FSDP2): tokens a second end to end, and the same loss curve.

    python benchmarks/trainer_scaling.py [--gpus 2] [--out benchmarks/results/trainer_scaling.txt]

Speed: a model of Qwen2.5-0.5B's size with random weights, 8 prompts × 16 completions of 512 tokens for every GPU,
generation included. Curve: the same batch whatever the number of GPUs, 20 supervised steps, then 10 of GRPO (two
updates each, KL to a reference model) on completions that were drawn beforehand: sampling would part runs that differ
in the last bit. ``fsdp2/layer`` gathers every layer for every pass (distributed.gather).
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from trainer_gpu_job import job

from veritune.rewards.composition import compose
from veritune.trainer.config import RunConfig, SamplingConfig, rewards_section
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import make_sources
from veritune.trainer.observe.metrics import peak_memory
from veritune.trainer.policy.distributed import World, start_world
from veritune.trainer.policy.models import Policy, load_policy
from veritune.trainer.policy.sharding import spare_copy
from veritune.trainer.rollout.decode.choose import make_sampler
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.rollout.interface import Done, Sampler
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.progress import Progress
from veritune.trainer.stages.warmup import Warmup

ROOT = Path(__file__).resolve().parent.parent
PHASES = ("rollout", "score", "update")
CURVES = ("sft loss", "loss", "kl", "grad_norm")
TOLERANCE = 0.02
"""Most relative difference of a curve's values from one GPU's, over the largest of them: bfloat16 products differ."""


class Recorded:
    """Completions that depend on the prompt and the number alone, with the tokens a model of this size might draw."""

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary

    def sync(self) -> None:
        return None

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None = None,
    ) -> list[Rollout]:
        found = []
        for index, prompt in enumerate(prompts):
            for number in range(samples):
                pick = random.Random(f"{zlib.crc32(repr(list(prompt)).encode())}:{number}")
                length = pick.randint(sampling.max_tokens // 8, sampling.max_tokens)
                ids = [pick.randrange(3, self.vocabulary) for _ in range(length)]
                logps = [-math.log(self.vocabulary)] * length
                found.append(Rollout(index, list(prompt), ids, logps, "eos", " ".join(map(str, ids[:8]))))
        return found


# -- in every process --------------------------------------------------------------------------------------------------


def load(config: RunConfig, world: World, reference: bool) -> Policy:
    placed = config.model_copy(update={"device": world.device(config.device)})
    torch.manual_seed(0)
    policy = load_policy(placed, None, place=not world.sharded)
    policy.eos_ids = []  # nothing ends early
    if world.sharded and reference:
        policy.spare = spare_copy(policy.model)
    world.same_weights(policy.model)
    world.shard(policy.model)
    return policy


def stage(config: RunConfig, policy: Policy, sampler: Sampler, folder: Path, world: World) -> GRPO:
    source, _, _ = make_sources(config.data, 0)
    encode = PromptEncoder(policy.tokenizer, config.data)
    generator = torch.Generator(policy.device).manual_seed(world.rank)
    drawing = Drawing(sampler, compose(rewards_section(config)), folder, world=world)
    return GRPO(config, policy, drawing, source, encode, generator, Progress("grpo"))


def forget() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def speed(options: argparse.Namespace, folder: Path, world: World) -> dict[str, Any]:
    """Seconds a step by phase, tokens a second of all GPUs, and the largest peak of memory."""
    shape = {**options.shape, "prompts": options.shape["prompts"] * world.size}
    config = job(folder, shape, options.small, micro_batch_tokens=options.tokens)
    policy = load(config, world, reference=False)
    loop = stage(config, policy, make_sampler(policy, config.sampling, world=world), folder, world)
    begun = time.perf_counter()
    loop.step()
    first = time.perf_counter() - begun
    forget()
    metrics = [loop.step() for _ in range(options.steps)]
    drawn = shape["prompts"] * shape["samples"] * shape["tokens"]
    seconds = sum(m["seconds"] for m in metrics) / len(metrics)
    return {
        "seconds": seconds,
        "tokens_per_second": drawn / seconds,
        "phases": {p: sum(m[f"seconds/{p}"] for m in metrics) / len(metrics) for p in PHASES},
        "peak": max(world.gather(peak_memory(policy.device))) / 1024,
        "first": first,
        "mismatch": metrics[-1]["mismatch"],
    }


def curve(options: argparse.Namespace, folder: Path, world: World) -> dict[str, list[float]]:
    """Losses of the same job, whatever the number of processes."""
    grpo = {
        "micro_batch_tokens": options.tokens,
        "lr": 2e-5,
        "updates": 2,
        "objective": {"beta": 0.05},
        "steps": options.curve_steps,
    }
    config = job(folder, options.shape, options.small, **grpo)
    rows = [json.loads(line) for line in Path(str(config.data.train)).read_text().splitlines()]
    demonstrations = folder / f"demonstrations-{world.rank}.jsonl"
    demonstrations.write_text("\n".join(json.dumps({**row, "completion": row["prompt"]}) for row in rows) + "\n")
    warmup = {"steps": 2 * options.curve_steps, "batch": 32, "lr": 1e-4, "train": str(demonstrations)}
    config = RunConfig.model_validate({**config.model_dump(), "warmup": warmup})
    policy = load(config, world, reference=True)
    source, _, _ = make_sources(config.data.model_copy(update={"train": str(demonstrations)}), 0)
    warm = Warmup(config, policy, source, PromptEncoder(policy.tokenizer, config.data), Progress(), world)
    found: dict[str, list[float]] = {name: [] for name in CURVES}
    found["sft loss"] = [warm.step()["loss"] for _ in range(2 * options.curve_steps)]
    loop = stage(config, policy, Recorded(len(policy.tokenizer)), folder, world)
    for _ in range(options.curve_steps):
        metrics = loop.step()
        for name in CURVES[1:]:
            found[name].append(metrics[name])
    return found


def member(options: argparse.Namespace) -> None:
    """One process of an arm."""
    strategy, _, gather = options.arm.partition("/")
    world = start_world("auto" if torch.cuda.is_available() else "cpu", strategy, gather or "auto")
    folder = options.folder / f"rank-{world.rank}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = {"speed": speed(options, folder, world)}
        if world.first:
            print(f"{options.arm}: {json.dumps(found['speed'])}", flush=True)
        forget()
        found["curve"] = curve(options, folder, world)
    finally:
        world.close()
    if world.first:
        (options.folder / "found.json").write_text(json.dumps(found))


# -- around them -------------------------------------------------------------------------------------------------------


def run_arm(options: argparse.Namespace, arm: str, gpus: int) -> dict[str, Any]:
    """The results of one arm, in processes of its own."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(gpus)]
        if gpus == 1:
            command = [sys.executable]
        command += [str(Path(__file__).resolve()), "--arm", arm, "--folder", name]
        for option in ("steps", "curve_steps", "tokens"):
            command += [f"--{option.replace('_', '-')}", str(getattr(options, option))]
        command += ["--small"] * options.small
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
        }
        if gpus == 1:
            environment["CUDA_VISIBLE_DEVICES"] = environment.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=options.timeout)
        result = Path(name) / "found.json"
        if done.returncode or not result.is_file():
            raise RuntimeError(f"{arm} on {gpus} failed with {done.returncode}\n{done.stderr[-3000:]}")
        found: dict[str, Any] = json.loads(result.read_text())
        return found


def apart(one: Mapping[str, list[float]], other: Mapping[str, list[float]], name: str) -> float:
    """Largest difference of two curves, over the largest value of the first."""
    largest = max(abs(v) for v in one[name])
    return max(abs(a - b) for a, b in zip(one[name], other[name], strict=True)) / max(largest, 1e-12)


def report(options: argparse.Namespace, found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    one = found["one"]
    lines = [
        f"{'':14}{'s/step':>9}" + "".join(f"{p:>9}" for p in PHASES) + f"{'tok/s':>10}{'times one':>11}{'peak GiB':>10}"
    ]
    for name, result in found.items():
        s = result["speed"]
        times = s["tokens_per_second"] / one["speed"]["tokens_per_second"]
        phases = "".join(f"{s['phases'][p]:9.3f}" for p in PHASES)
        lines.append(
            f"{name:14}{s['seconds']:9.3f}{phases}{s['tokens_per_second']:10.0f}{times:11.2f}{s['peak']:10.1f}"
        )
    lines.append("")
    for name, result in found.items():
        ends = "  ".join(f"{c} {result['curve'][c][0]:.5f} → {result['curve'][c][-1]:.5f}" for c in CURVES)
        lines.append(f"{name:14}{ends}")
    for name, result in found.items():
        if name != "one":
            gaps = {c: apart(one["curve"], result["curve"], c) for c in CURVES}
            verdict = "within" if max(gaps.values()) <= TOLERANCE else "BEYOND"
            text = ", ".join(f"{c} {gap:.1e}" for c, gap in gaps.items())
            lines.append(
                f"{name:14}largest difference from one GPU over the curve's size: {text}; {verdict} {TOLERANCE}"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpus", type=int, default=2)
    parser.add_argument("--arms", default="one,ddp,fsdp2,fsdp2/layer")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--curve-steps", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=6144, help="of one micro-batch")
    parser.add_argument("--timeout", type=float, default=300, help="seconds of one arm")
    parser.add_argument("--small", action="store_true", help="a tiny model on the CPU: to try the script")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "trainer_scaling.txt")
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.shape = {"prompts": 8, "samples": 16, "tokens": 512, "prompt_tokens": 64}
    if options.small:
        options.shape = {"prompts": 2, "samples": 4, "tokens": 8, "prompt_tokens": 8}
    warnings.filterwarnings("ignore")
    if options.arm:
        member(options)
        return
    if not (torch.cuda.device_count() >= options.gpus or options.small):
        print(f"this benchmark needs {options.gpus} GPUs; --small tries the script without any")
        return
    machine = f"{options.gpus} × {torch.cuda.get_device_name()}" if torch.cuda.is_available() else platform.machine()
    lines = [
        f"date      {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
        f"machine   {machine}",
        f"versions  torch {torch.__version__}, transformers {version('transformers')}",
        f"job       Qwen2.5-0.5B's size, random weights; a GPU: {options.shape}",
        "",
    ]
    found: dict[str, Any] = {}
    for arm in options.arms.split(","):
        try:
            found[arm] = run_arm(options, "auto" if arm == "one" else arm, 1 if arm == "one" else options.gpus)
            print(f"{arm}: {json.dumps(found[arm]['speed'])}", flush=True)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            lines.append(str(error))
            print(error, flush=True)
        text = "\n".join([*lines, *(report(options, found) if "one" in found else [])]) + "\n"
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
