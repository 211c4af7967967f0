"""A training step on one GPU through veritune and through TRL's GRPOTrainer: same size, lengths, rewards, in one run.

    python benchmarks/trainer_gpu.py [--sections check,veritune,trl_vllm,trl_batching,trl,demo,fp8] [--vllm FOLDER]

A model of Qwen2.5-0.5B's size with random weights; 8 prompts × 16 completions of 512 tokens, none of which ends early.
TRL samples with vLLM in its own process (``trl_vllm``; ``--vllm``: a folder on the path of that process alone), with
transformers' continuous batching, or with its ``generate`` (``trl``). Before it is timed, the sampler is checked: its
kernels against plain PyTorch, its log-probs against the trainer's. The demo (examples/arithmetic.yaml) is run in
bfloat16 and with every linear layer in FP8, side by side.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from unittest import mock

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from trainer_gpu_job import job

from veritune.rewards.composition import compose
from veritune.trainer.config import RunConfig, rewards_section
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import make_sources
from veritune.trainer.policy.models import Policy, load_policy
from veritune.trainer.rollout.decode.choose import make_sampler
from veritune.trainer.rollout.decode.sampler import StaticSampler
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
PHASES = ("rollout", "score", "update")


class Report:
    """Lines, printed at once and written at the end."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines = path, list[str]()

    def say(self, line: str = "") -> None:
        print(line, flush=True)
        self.lines.append(line)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")


def forget() -> None:
    """Give memory back, and count its peak from here."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak() -> float:
    """GB allocated at most since :func:`forget`."""
    return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0


def policy_of(config: RunConfig) -> Policy:
    """The policy, its weights drawn where they will stay: a large model's would take a minute on the host. Nothing ends
    early."""
    from transformers import AutoModelForCausalLM

    make = AutoModelForCausalLM.from_config

    def there(*arguments: Any, **options: Any) -> Any:
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            return make(*arguments, **options)

    with mock.patch.object(AutoModelForCausalLM, "from_config", there):
        policy = load_policy(config, None)
    policy.eos_ids = []
    return policy


def stage(config: RunConfig, folder: Path, policy: Policy | None = None) -> GRPO:
    policy = policy or policy_of(config)
    source, _, _ = make_sources(config.data, 0)
    encode = PromptEncoder(policy.tokenizer, config.data)
    sampler = make_sampler(policy, config.sampling)
    generator = torch.Generator(policy.device).manual_seed(0)
    rewards = compose(rewards_section(config))
    return GRPO(config, policy, Drawing(sampler, rewards, folder), source, encode, generator, Progress("grpo"))


# -- sections ----------------------------------------------------------------------------------------------------------


def check(report: Report, folder: Path, options: argparse.Namespace) -> None:
    """Kernels against plain PyTorch on tiny models in float32."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    script = ROOT / "tests" / "trainer" / "decode_kernels.py"
    command = [sys.executable, str(script), *([device] if device == "cuda" else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    report.say(f"kernels   {done.stdout.strip() or done.stderr[-1500:]}")


def ours(report: Report, folder: Path, options: argparse.Namespace) -> float:
    """Steps with several micro-batch sizes; returns the seconds of the last, and says its peak."""
    best = 0.0
    for budget, fp8, fused in options.variants:
        forget()
        config = job(folder, options.shape, options.small, micro_batch_tokens=budget)
        config.model.fp8, config.model.fused = fp8, fused
        loop = stage(config, folder)
        begun = time.perf_counter()
        loop.step()
        first = time.perf_counter() - begun
        forget()
        metrics = [loop.step() for _ in range(options.steps)]
        name = f"veritune, {budget} tokens{', fp8' if fp8 else ''}{'' if fused else ', plain'}"
        phases = {p: mean(metrics, f"seconds/{p}") for p in PHASES}
        best = row(report, name, mean(metrics, "seconds"), phases, peak(), options)
        wrong = {k: round(metrics[-1][k], 5) for k in ("mismatch", "trained_share", "truncated", "grad_norm")}
        report.say(f"{'':34}  {wrong}, first step {first:.1f} s")
        if options.profile and budget == options.budgets[-1] and fused and not fp8:
            profile(report, loop.step)
            tune(report, loop, options)
        del loop
    return best


def in_fp8(report: Report, folder: Path, options: argparse.Namespace) -> None:
    """The step with the linear layers in FP8 where that is faster."""
    options.variants = [(options.budgets[-1], True, True)]
    ours(report, folder, options)


def tune(report: Report, loop: GRPO, options: argparse.Namespace) -> None:
    """Seconds of a rollout with other blocks of the attention kernel."""
    from veritune.trainer.rollout.decode.triton_ops import TritonOps

    sampler = loop.drawing.sampler
    assert isinstance(sampler, StaticSampler)
    _, prompts = loop._next_prompts(options.shape["prompts"])
    for block, parts, warps, stages in ((64, None, 4, 3), (64, 1, 4, 3), (128, 1, 4, 3), (128, 2, 4, 2), (64, 4, 4, 2)):
        sampler.release()
        sampler.ops = TritonOps(block, parts, warps, stages)
        times = []
        for _ in range(2):
            begun = time.perf_counter()
            sampler.generate(prompts, options.shape["samples"], loop.run.sampling, loop.generator)
            times.append(time.perf_counter() - begun)
        report.say(f"          block {block} parts {parts} warps {warps} stages {stages}: {min(times):.3f} s a rollout")


def profile(report: Report, run: Callable[[], Any]) -> None:
    activities = [torch.profiler.ProfilerActivity.CUDA, torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities) as found:
        run()
    table = found.key_averages().table(sort_by="self_cuda_time_total", row_limit=28, max_name_column_width=60)
    kept = [line[:61] + line[-110:] for line in table.splitlines()]
    report.say("\n".join(kept))


def peer(way: str) -> Callable[[Report, Path, argparse.Namespace], None]:
    """TRL with one of its samplers (trainer_gpu_trl.py), in a process of its own: its memory is its own, too."""

    def run(report: Report, folder: Path, options: argparse.Namespace) -> None:
        forget()
        command = [sys.executable, str(Path(__file__).with_name("trainer_gpu_trl.py")), way]
        command += [
            "--steps",
            str(options.trl_steps),
            "--shape",
            json.dumps(options.shape),
            *["--small"] * options.small,
        ]
        paths = [str(options.vllm)] if way == "vllm" and options.vllm else []
        paths.append(os.environ["PYTHONPATH"])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        log = folder / f"trl-{way}.log"
        with log.open("w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
            try:
                code = process.wait(timeout=options.trl_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                code = -9
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if out_folder := os.environ.get("OUT"):
            (Path(out_folder) / log.name).write_text("\n".join(lines), encoding="utf-8")
        known = [line for line in lines if line.startswith(('{"rows"', '{"skipped"'))]
        found = json.loads(known[-1]) if known else {}
        if "skipped" in found:
            report.say(f"trl, {way}: skipped, {found['skipped']}")
        elif code:
            report.say(f"trl, {way}: exit {code}\n" + "\n".join(lines)[-options.log_tail :])
        for one in found.get("rows", ()):
            row(report, one["name"], one["seconds"], one["phases"], one["peak"], options)
            report.say(f"{'':34}  fastest {one['fastest']:.3f} s, {one['found']}")

    return run


def in_dtypes(report: Report, folder: Path, options: argparse.Namespace) -> None:
    """The demo in float32, with float32 weights computed in bfloat16 (the default), and with weights in bfloat16."""
    demo(report, folder, options, {dtype: f"model.dtype={dtype}" for dtype in ("float32", "auto", "bfloat16")})


def demo(report: Report, folder: Path, options: argparse.Namespace, arms: dict[str, str] | None = None) -> None:
    """The arithmetic demo on the GPU through the command line, by default in bfloat16 and in FP8, all seeds at once."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if arms is None:
        arms = {"bfloat16": "model.fp8=false", "fp8": f"model.fp8={'always' if device == 'cuda' else 'false'}"}
    begun = time.perf_counter()
    processes: dict[tuple[str, int], subprocess.Popen[bytes]] = {}
    for seed in options.demo_seeds:
        for name, setting in arms.items():
            command = [sys.executable, "-m", "veritune", "train", str(ROOT / "examples" / "arithmetic.yaml")]
            command += [f"device={device}", setting, f"seed={seed}", f"output={folder / f'{name}-{seed}'}"]
            with (folder / f"{name}-{seed}.log").open("w") as log:
                threads = {"OMP_NUM_THREADS": "2", **os.environ}  # of many processes side by side
                process = subprocess.Popen([*command, *options.demo], stdout=log, stderr=subprocess.STDOUT, env=threads)
            processes[name, seed] = process
    accuracies: dict[str, list[float]] = defaultdict(list)
    for (name, seed), process in processes.items():
        try:
            code = process.wait(timeout=max(1.0, options.demo_seconds - (time.perf_counter() - begun)))
        except subprocess.TimeoutExpired:
            process.kill()
            code = -9
        path = folder / f"{name}-{seed}" / "metrics.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
        found = [(r["step"], r["accuracy"]) for r in lines if r["phase"] == "evaluation"]
        shown = ", ".join(f"{step}: {accuracy:.3f}" for step, accuracy in found)
        took = time.perf_counter() - begun
        report.say(f"demo in {name:9} seed {seed}, exit {code}, {took:.0f} s; accuracy by step {shown}")
        if code:
            report.say((folder / f"{name}-{seed}.log").read_text()[-1500:])
        else:
            accuracies[name].append(found[-1][1])
    for name, values in accuracies.items():
        spread = f" ± {statistics.stdev(values):.3f} (sd of {len(values)} seeds)" if len(values) > 1 else ""
        report.say(f"demo in {name:9} final accuracy {statistics.mean(values):.3f}{spread}")


# -- printing ----------------------------------------------------------------------------------------------------------


def numbers(text: str) -> list[int]:
    """1,2,3"""
    return [int(part) for part in text.split(",")]


def budgets(text: str) -> list[int | str]:
    """6144,16384,auto"""
    return [part if part == "auto" else int(part) for part in text.split(",")]


def installed(name: str) -> str:
    try:
        return torch.__version__ if name == "torch" else version(name)
    except PackageNotFoundError:
        return "absent"


def mean(metrics: list[dict[str, float]], key: str) -> float:
    return sum(m[key] for m in metrics) / len(metrics)


def row(
    report: Report, name: str, seconds: float, phases: dict[str, float], memory: float, options: argparse.Namespace
) -> float:
    tokens = options.shape["prompts"] * options.shape["samples"] * options.shape["tokens"]
    report.say(
        f"{name:34}"
        + "".join(f"{value:10.3f}" for value in (seconds, *(phases[p] for p in PHASES)))
        + "".join(f"{tokens / value:12.0f}" for value in (phases["rollout"], phases["update"], seconds))
        + f"{memory:9.1f}"
    )
    options.results[name] = seconds, memory
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", default="check,veritune,trl_vllm,trl_batching,trl,demo,fp8")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "trainer_gpu.txt")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--trl-steps", type=int, default=2)
    parser.add_argument("--trl-seconds", type=float, default=240, help="at most, for each of TRL's samplers")
    parser.add_argument("--vllm", type=Path, help="where vLLM and what it needs are installed, if not beside the rest")
    parser.add_argument("--log-tail", type=int, default=3000, help="characters shown of what failed")
    parser.add_argument("--budgets", type=budgets, default=["auto"])
    parser.add_argument("--unfused", action="store_true", help="also with model.fused off")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--small", action="store_true", help="a tiny model and short completions: to try the script")
    parser.add_argument("--demo", nargs="*", default=[], help="overrides of the demo's configuration")
    parser.add_argument("--demo-seconds", type=float, default=200)
    parser.add_argument("--demo-seeds", type=numbers, default=[0, 1, 2])
    options = parser.parse_args()
    if not (torch.cuda.is_available() or options.small):
        print("this benchmark needs a GPU; --small tries the script without one")
        return
    warnings.filterwarnings("ignore")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    options.shape = {"prompts": 8, "samples": 16, "tokens": 512, "prompt_tokens": 64}
    if options.small:
        options.shape = {"prompts": 2, "samples": 4, "tokens": 8, "prompt_tokens": 8}
    options.results = {}
    options.variants = [(budget, False, True) for budget in options.budgets]
    options.variants += [(options.budgets[0], False, False)] * options.unfused
    report = Report(options.out)
    machine = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    versions = ", ".join(f"{name} {installed(name)}" for name in VERSIONS)
    report.say(f"date      {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC")
    report.say(f"machine   {machine}\nversions  {versions}")
    report.say(f"job       Qwen2.5-0.5B's size, random weights; {options.shape}")
    with tempfile.TemporaryDirectory() as name:
        for title in options.sections.split(","):
            if title in ("veritune", "trl", "trl_vllm", "fp8"):
                heads = "".join(f"{head:>10}" for head in ("s/step", *PHASES))
                rates = "".join(f"{head:>12}" for head in ("tok/s roll", "update", "all"))
                report.say(f"\n{'':34}{heads}{rates}{'peak GB':>9}")
            try:
                SECTIONS[title](report, Path(name), options)
            except Exception:
                report.say(f"{title} failed\n{traceback.format_exc()[-3000:]}")
            forget()
    for theirs, (seconds, memory) in options.results.items():
        for mine, (taken, held) in options.results.items():
            if theirs.startswith("trl") and mine.startswith("veritune"):
                share = held / max(memory, 1e-9)
                report.say(
                    f"{mine}: {seconds / taken:.2f} times the steps per second of {theirs}, {share:.2f} of its memory"
                )


SECTIONS: dict[str, Callable[[Report, Path, argparse.Namespace], Any]] = {
    "check": check,
    "veritune": ours,
    "fp8": in_fp8,
    "trl_vllm": peer("vllm"),
    "trl_batching": peer("batching"),
    "trl": peer("generate"),
    "demo": demo,
    "dtypes": in_dtypes,
}
VERSIONS = ("torch", "triton", "transformers", "trl")

if __name__ == "__main__":
    main()
