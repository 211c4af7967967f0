"""The trainer's update, by this checkout and by another: seconds, share of the GPU's rate, memory, growth with length.

    python benchmarks/update_speed.py [--old CHECKOUT] [--cases 0.5B,long,1.5B,7B,7B-lora]
                                      [--lengths 2048,4096,8192,16384] [--small] [--profile] [--out FILE]

Models of Qwen2.5's sizes with random weights and completions of random tokens; every case in a process of its own.
Timed is `GRPO.update`: passes, loss, gradients, optimizer; the sampler's copy of the weights is on the GPU meanwhile.
The share is 6 · parameters · tokens (prompts too) of 790 TF/s, which attention is not counted in. With LoRA, layers are
checkpointed. A case with many long rows is run with fewer of them, which changes no time a token: both are printed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

HERE = Path(__file__).resolve().parents[1]
RATE = 790e12
ANSWER = "ANSWER "
PROMPT = 64
VOCABULARY = 151_936
MODELS: dict[str, dict[str, Any]] = {
    "0.5B": {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14},
    "1.5B": {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12},
    "7B": {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28},
}
SMALL = {"hidden_size": 56, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 14}
CASES: dict[str, dict[str, Any]] = {
    "0.5B": {"model": "0.5B", "rows": 128, "tokens": 512, "turns": 4},
    "long": {"model": "0.5B", "rows": 16, "of": 128, "tokens": 4096},
    "1.5B": {"model": "1.5B", "rows": 16, "of": 64, "tokens": 2048},
    "7B": {"model": "7B", "rows": 32, "tokens": 512, "dtype": "bfloat16"},
    "7B-lora": {"model": "7B", "rows": 32, "tokens": 512, "dtype": "bfloat16", "lora": True, "budget": 4096},
}


def build(case: dict[str, Any], small: bool) -> Any:
    """The model on its device, as `load_policy` would have it."""
    from transformers import AutoModelForCausalLM, Qwen2Config

    from veritune.trainer.policy.fused import fuse_layers

    device = "cuda" if torch.cuda.is_available() else "cpu"
    sizes = SMALL if small else MODELS[case["model"]]
    kv = 4 if case["model"] == "7B" and not small else 2
    config = Qwen2Config(
        **sizes,
        num_key_value_heads=kv,
        vocab_size=1000 if small else VOCABULARY,
        max_position_embeddings=32768,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        tie_word_embeddings=case["model"] != "7B",
        dtype=getattr(torch, case.get("dtype", "float32")),
    )
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=config.dtype)
    if device == "cuda" or small:
        fuse_layers(model)
    if case.get("lora"):
        from veritune.trainer.config.model import LoraConfig
        from veritune.trainer.policy.lora import with_lora

        model = with_lora(model, LoraConfig())
        model.gradient_checkpointing_enable()
    return model.train()


def make_loop(case: dict[str, Any], small: bool) -> tuple[Any, Any, int]:
    """GRPO over a batch that is there already, the batch, and its tokens."""
    from contextlib import nullcontext

    from veritune.trainer.config import parse_config
    from veritune.trainer.data.rollouts import Rollout
    from veritune.trainer.policy.distributed import World
    from veritune.trainer.policy.layers import Weights
    from veritune.trainer.policy.models import Policy
    from veritune.trainer.stages.batch import Batch
    from veritune.trainer.stages.grpo import GRPO
    from veritune.trainer.stages.progress import Progress

    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    model = build(case, small)
    half = case.get("dtype") == "bfloat16" or device.type == "cpu"
    autocast = nullcontext if half else lambda: torch.autocast("cuda", torch.bfloat16)
    policy = Policy(model, None, device, [1], autocast)
    grpo = {"prompts": case["rows"] // 4, "samples": 4, "algorithm": "dapo", "lr": 1e-6}
    if case.get("budget"):
        grpo["micro_batch_tokens"] = case["budget"]
    values = {"output": "none", "model": {"path": "none", "dtype": case.get("dtype", "auto")}, "grpo": grpo}
    values |= {"data": {"train": "none.jsonl"}, "sampling": {"max_tokens": case["tokens"]}, "rewards": {"format": {}}}
    config = parse_config(values)
    world = World()
    drawing: Any = SimpleNamespace(rewards=None, world=world, sampler=None, folder="none")
    progress = Progress()
    loop = GRPO(config, policy, drawing, None, None, torch.Generator(), progress, world)  # type: ignore[arg-type]
    if device.type == "cuda":
        loop.kept = Weights(model, torch.bfloat16)  # type: ignore[attr-defined]
    pick = random.Random(0)
    vocabulary = model.config.vocab_size
    rollouts = []
    for index in range(case["rows"] // 4):
        prompt = [pick.randrange(5, vocabulary) for _ in range(PROMPT)]
        for _ in range(4):
            ids = [pick.randrange(5, vocabulary) for _ in range(case["tokens"])]
            rollouts.append(Rollout(index, prompt, ids, [-math.log(vocabulary)] * len(ids), "length"))
    batch = Batch(rollouts=rollouts)
    batch.advantages_PG = torch.linspace(-1, 1, case["rows"]).view(-1, 4)
    return loop, batch, sum(len(r.prompt_ids) + len(r.token_ids) for r in rollouts)


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measure(case: dict[str, Any], small: bool, profile: bool) -> dict[str, Any]:
    loop, batch, tokens = make_loop(case, small)
    parameters = sum(p.numel() for p in loop.model.parameters())
    synchronize()
    times: list[float] = []
    metrics: dict[str, float] = {}
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    for _ in range(1 + case.get("turns", 2)):
        begun = time.perf_counter()
        loop.batch = batch
        metrics = loop.update(batch)
        synchronize()
        times.append(time.perf_counter() - begun)
    peak = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0
    if profile and torch.cuda.is_available() and case.get("turns", 2) > 2:
        kinds = [torch.profiler.ProfilerActivity.CUDA, torch.profiler.ProfilerActivity.CPU]
        with torch.profiler.profile(activities=kinds) as found:
            loop.update(batch)
            synchronize()
        table = found.key_averages().table(sort_by="self_cuda_time_total", row_limit=40, max_name_column_width=70)
        print("\n".join(line[:71] + line[-110:] for line in table.splitlines()), flush=True)
    seconds = sorted(times[1:])[(len(times) - 1) // 2]
    if len(times) == 3:
        seconds = min(times[1:])
    budget = loop.passes.budget() if hasattr(loop.passes, "budget") else loop.config.micro_batch_tokens
    return {
        "seconds": seconds, "first": times[0], "tokens": tokens, "peak": peak, "micro": budget,
        "share": 6 * parameters * tokens / seconds / RATE, "loss": metrics["loss"], "norm": metrics["grad_norm"],
        "times": [round(t, 3) for t in times],
    }  # fmt: skip


def run(checkout: Path, cases: list[dict[str, Any]], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The cases in processes that import ``checkout``'s package, each as soon as it is done."""
    others = [
        p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p and not (Path(p) / "veritune").exists()
    ]
    path = os.pathsep.join([str(checkout / "src"), *others])
    environment = {**os.environ, "PYTHONPATH": path, "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}
    for case in cases:
        yield from alone(checkout, case, environment, options)


def alone(
    checkout: Path, case: dict[str, Any], environment: dict[str, str], options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """One case in its process: several in one left gigabytes of the models before it behind."""
    command = [sys.executable, str(Path(__file__).resolve()), "--worker", json.dumps(case)]
    command += ["--small"] * options.small + ["--profile"] * (options.profile and checkout == HERE)
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(ANSWER):
            yield json.loads(line.removeprefix(ANSWER))
        else:
            print(line, end="", flush=True)
    process.wait()


class Report:
    def __init__(self, path: Path | None) -> None:
        self.path, self.lines = path, list[str]()

    def say(self, text: str) -> None:
        print(text, flush=True)
        self.lines.append(text)
        if self.path is not None:
            self.path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")


def row(name: str, which: str, case: dict[str, Any], found: dict[str, Any]) -> str:
    if "failed" in found:
        return f"{name:9}{which:5}failed\n{found['failed']}"
    whole = found["seconds"] * case.get("of", case["rows"]) / case["rows"]
    shape = f"{case.get('of', case['rows'])} × {case['tokens']}"
    shape += f" ({case['rows']} run)" if "of" in case else ""
    return (
        f"{name:9}{which:5}{shape:20}{whole:8.3f}{found['share']:7.0%}{found['peak']:8.1f}{found['micro']:7}"
        f"{found['first']:8.1f}  {found['norm']:.5f}  {found['times'][1:]}"
    )


def slope(lengths: list[int], values: list[float]) -> float:
    """The exponent b of value ∝ length^b, fitted to logarithms."""
    xs, ys = [math.log(x) for x in lengths], [math.log(max(y, 1e-9)) for y in values]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / sum((x - mx) ** 2 for x in xs)


def growth(report: Report, done: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Completions of growing length at 0.5B: time a token, memory, exponents."""
    report.say(f"\n{'length':>8}{'rows run':>10}{'s a row':>10}{'µs a token':>12}{'64 rows, s':>12}{'peak GB':>9}")
    for case, found in done:
        each = found["seconds"] / case["rows"]
        report.say(
            f"{case['tokens'] + PROMPT:8}{case['rows']:10}{each:10.4f}{1e6 * found['seconds'] / found['tokens']:12.2f}"
            f"{64 * each:12.1f}{found['peak']:9.1f}"
        )
    if len(done) > 1:
        lengths = [case["tokens"] + PROMPT for case, _ in done]
        times = slope(lengths, [found["seconds"] / case["rows"] for case, found in done])
        memory = slope(lengths, [found["peak"] for _, found in done])
        report.say(f"seconds a row ∝ length^{times:.2f}, peak memory ∝ length^{memory:.2f}")


def main() -> None:
    numbers: Any = lambda text: [int(part) for part in text.split(",") if part]  # noqa: E731
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=Path)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--lengths", type=numbers, default=[])
    parser.add_argument("--budgets", type=numbers, default=[], help="micro_batch_tokens to try besides auto, at 0.5B")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        try:
            answer = measure(options.worker, options.small, options.profile)
        except Exception:
            answer = {"failed": traceback.format_exc()[-1500:]}
        print(ANSWER + json.dumps(answer), flush=True)
        return
    report = Report(options.out)
    gpu = torch.cuda.is_available()
    import transformers

    now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    report.say(
        f"the trainer's update · {torch.cuda.get_device_name() if gpu else platform.machine()} · torch "
        f"{torch.__version__}, transformers {transformers.__version__} · {now} UTC"
    )
    titles = f"{'seconds':>8}{'share':>7}{'GB':>8}{'micro':>7}{'first':>8}"
    report.say(f"\n{'model':9}{'':5}{'rows × tokens':20}{titles}  gradient's norm, seconds")
    named = [(name, dict(CASES[name])) for name in options.cases.split(",") if name]
    tried = [("0.5B", {**CASES["0.5B"], "budget": budget}) for budget in options.budgets]
    long = [
        ("length", {"model": "0.5B", "rows": max(4, min(16, 65_536 // n)), "tokens": n - PROMPT, "turns": 1})
        for n in options.lengths
    ]
    if options.small:
        for _, case in (*named, *tried):
            case |= {"rows": 8, "tokens": 16}
            case.pop("of", None)
    for which, checkout in (("old", options.old), ("new", HERE)):
        if checkout is None:
            continue
        todo = [*named, *(tried if which == "new" else []), *(long if which == "new" else [])]
        grown = []
        for (name, case), found in zip(todo, run(checkout, [case for _, case in todo], options), strict=False):
            if name != "length":
                report.say(row(name, which, case, found))
            elif "failed" in found:
                report.say(f"{case['tokens'] + PROMPT} failed\n{found['failed']}")
            else:
                grown.append((case, found))
        if grown:
            growth(report, grown)


if __name__ == "__main__":
    main()
