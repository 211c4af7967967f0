"""Drawing the next batch during the update (sampling.staleness) against taking turns, on equal work.

    python benchmarks/trainer_async.py --part cpu    # a server that takes its time, on any machine: a minute
    python benchmarks/trainer_async.py --part gpu    # two GPUs: a 0.5B model, the sampler's copy on the second
    python benchmarks/trainer_async.py --part seeds  # what the demo learns with staleness 0 and 1, seed by seed

Each part writes its own section of ``--out`` (benchmarks/results/trainer_async.txt) and leaves the others.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import multiprocessing
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from trainer_gpu_job import job

from veritune.rewards.composition import compose
from veritune.trainer.config import RunConfig, parse_config, rewards_section
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import make_sources
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.models import load_policy
from veritune.trainer.rollout.decode.choose import make_sampler
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.run.drawing import drawing_device
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
WANTED = 1.5
"""Times the steps a second of taking turns, where drawing and update take about as long."""
COLUMNS = f"{'':22}{'s a step':>9}{'steps/s':>9}{'rollout':>9}{'update':>9}{'waited':>9}{'idle':>9}{'age':>6}"


class Section:
    """One part of the results file: printed at once, written after every line."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name, self.lines = path, name, [f"== {name}", *header()]
        print("\n".join(self.lines), flush=True)

    def say(self, line: str = "") -> None:
        print(line, flush=True)
        self.lines.append(line)
        old = self.path.read_text(encoding="utf-8") if self.path.is_file() else ""
        others = [part for part in re.split(r"(?m)^(?=== )", old) if part.strip() and part.split()[1] != self.name]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        sections = sorted([*(part.rstrip() for part in others), "\n".join(self.lines).rstrip()])
        self.path.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def header() -> list[str]:
    found = []
    for name in ("veritune", "torch", "transformers", "triton"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    cores = len(os.sched_getaffinity(0))
    return [
        f"date      {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
        f"machine   {platform.machine()}, {cores} cores{', ' + ', '.join(gpus) if gpus else ''}, "
        f"load average {os.getloadavg()[0]:.1f}",
        f"versions  Python {platform.python_version()}, {', '.join(found)}",
        "",
    ]


# -- a server that takes its time --------------------------------------------------------------------------------------

SMALL = {
    "model_type": "qwen3",
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 256,
}


def serve(config: RunConfig, delay: float, tell: Any) -> None:
    """In a process of its own: a vLLM server as the tests have it, which sleeps as a real one would compute."""
    place = ROOT / "tests" / "trainer" / "vllm_stand_in.py"
    spec = importlib.util.spec_from_file_location("vllm_stand_in", place)
    assert spec is not None
    assert spec.loader is not None
    stand_in = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stand_in)
    torch.set_num_threads(1)
    policy = load_policy(config, make_sources(config.data, 0)[2])

    class Sleepy(stand_in.Engine):  # type: ignore[name-defined,misc]
        """Random tokens, with the model's log-probs of them: one pass in place of one a token."""

        def draw(self, prompt: list[int], asked: Any) -> list[dict[str, Any]]:
            n, width, temperature = asked["n"], asked["max_tokens"], asked["temperature"]
            generator = torch.Generator().manual_seed(asked["seed"] % 2**62)
            ids_NT = torch.randint(3, self.model.config.vocab_size, (n, width), generator=generator)
            rows_NL = torch.cat([torch.tensor([prompt] * n), ids_NT], 1)
            with self.lock, torch.no_grad():
                logits = self.model(input_ids=rows_NL).logits[:, len(prompt) - 1 : -1].float() / temperature
            logps = torch.log_softmax(logits, -1).gather(2, ids_NT[:, :, None])[:, :, 0].tolist()
            ends = {"finish_reason": "length", "stop_reason": None}
            return [{"token_ids": i, "logprobs": p, **ends} for i, p in zip(ids_NT.tolist(), logps, strict=True)]

    with stand_in.Server(Sleepy(policy.model, policy.tokenizer), delay=delay) as server:
        tell.send(server.url)
        tell.recv()


@contextmanager
def sleepy_server(config: RunConfig, delay: float) -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(config, delay, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join(10)
        process.kill()


def cpu(section: Section, options: argparse.Namespace) -> None:
    from veritune.trainer.run import train

    def config(folder: Path, staleness: int, url: str, steps: int) -> RunConfig:
        return parse_config(
            {
                "output": str(folder),
                "device": "cpu",
                "model": {"build": SMALL},
                "data": {"task": "arithmetic", "params": {"terms": 6}},
                "rewards": {"varied": {"use": f"{ROOT / 'benchmarks' / 'trainer_gpu_job.py'}:varied"}},
                "grpo": {"steps": steps, "prompts": 8, "samples": 16, "lr": 1e-5},
                "sampling": {
                    "engine": "vllm_server",
                    "server": {"url": url},
                    "staleness": staleness,
                    "max_tokens": 24,
                },
                "evaluation": {"prompts": 1, "metric": "varied"},
            }
        )

    def steps_of(folder: Path, staleness: int, url: str, steps: int) -> list[dict[str, Any]]:
        lines = read_metrics(train(config(folder, staleness, url, steps), quiet=True) / "metrics.jsonl")
        return [r for r in lines if r["phase"] == "grpo"][2:]

    with tempfile.TemporaryDirectory() as made:
        here = Path(made)
        with sleepy_server(config(here / "x", 0, "http://127.0.0.1:1", 1), 0.0) as url:
            first = steps_of(here / "first", 0, url, 6)
        update = statistics.median(r["seconds/update"] for r in first)
        rest = statistics.median(r["seconds/rollout"] for r in first)
        delay = max(0.05, update - rest)
        section.say(f"the server sleeps {delay:.2f} s a request; 8 × 16 completions of 24 tokens, 0.4M parameters")
        section.say(
            f"{'':22}{'s a step':>9}{'steps/s':>9}{'rollout':>9}{'update':>9}{'waited':>9}{'idle':>9}{'age':>6}"
        )
        rates = {}
        with sleepy_server(config(here / "x", 0, "http://127.0.0.1:1", 1), delay) as url:
            for name, staleness in (("in turn", 0), ("asynchronous", 1)):
                lines = steps_of(here / name, staleness, url, options.steps + 2)
                rates[name] = len(lines) / sum(r["seconds"] for r in lines)
                section.say(row(name, lines, 1 / rates[name]))
        verdict(section, rates["asynchronous"] / rates["in turn"])


def row(name: str, lines: Sequence[dict[str, Any]], seconds: float) -> str:
    names = ("seconds/rollout", "seconds/update", "seconds/wait", "seconds/idle")
    cells = [statistics.mean([r.get(n) or 0.0 for r in lines]) for n in names]
    age = max(r.get("rollout/age_max", 0.0) for r in lines)
    return f"{name:22}{seconds:9.3f}{1 / seconds:9.3f}" + "".join(f"{c:9.3f}" for c in cells) + f"{age:6.0f}"


def verdict(section: Section, times: float) -> None:
    section.say()
    section.say(f"asynchronous: {times:.2f} times the steps a second (wanted: {WANTED})")


# -- two GPUs ----------------------------------------------------------------------------------------------------------


def loop(config: RunConfig, folder: Path) -> GRPO:
    """GRPO without a run around it; no completion ends before its last token."""
    policy = load_policy(config, None)
    policy.eos_ids = []
    source, _, _ = make_sources(config.data, 0)
    place = drawing_device(config, policy)
    drawing = Drawing(make_sampler(policy, config.sampling), compose(rewards_section(config)), folder, device=place)
    encode, generator = PromptEncoder(policy.tokenizer, config.data), torch.Generator(place).manual_seed(0)
    return GRPO(config, policy, drawing, source, encode, generator, Progress("grpo"))


def timed(stage: GRPO, steps: int) -> tuple[float, list[dict[str, float]]]:
    """Seconds of so many steps and as many draws: what was drawn before is made good at the end."""
    wait()
    begun = time.perf_counter()
    metrics = [stage.step() for _ in range(steps)]
    if stage.ahead is not None:
        stage.ahead.settle()
    wait()
    return time.perf_counter() - begun, metrics


def wait() -> None:
    for index in range(torch.cuda.device_count()):
        torch.cuda.synchronize(index)


def gpu(section: Section, options: argparse.Namespace) -> None:
    count = torch.cuda.device_count()
    if count < 2 and not options.small:
        section.say(f"skipped: this part needs two GPUs, and there are {count}")
        return
    second = "cuda:1" if count > 1 else "cpu"
    shape = {"prompts": 5, "samples": 16, "prompt_tokens": 128, "tokens": options.tokens}
    if options.small:
        shape = {"prompts": 2, "samples": 4, "prompt_tokens": 16, "tokens": 24}
    kinds = {"in turn, one GPU": {}, "in turn, two GPUs": {"device": second}, "asynchronous": {"device": second}}

    def make(name: str, folder: Path) -> GRPO:
        values = job(folder, shape, options.small, micro_batch_tokens=options.micro_batch_tokens).model_dump(
            mode="json"
        )
        values["grpo"]["steps"] = 10_000
        values["device"] = "cuda:0" if count else "cpu"
        values["sampling"] |= kinds[name]
        if name == "asynchronous":
            values["sampling"]["staleness"] = 1
            values["grpo"]["objective"]["importance"] = "truncate"
        return loop(parse_config(values), folder)

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        probe = make("in turn, one GPU", folder)
        for _ in range(2):
            probe.step()
        found = [probe.step() for _ in range(2)]
        drawing, update = (statistics.mean(r[f"seconds/{n}"] for r in found) for n in ("rollout", "update"))
        del probe
        if not options.small:  # more rows cost the update, and next to nothing in the drawing
            shape["samples"] = max(4, round(shape["samples"] * drawing / update))
        section.say(
            f"Qwen2.5-0.5B's size, random weights, {shape['prompts']} × {shape['samples']} completions of "
            f"{shape['tokens']} tokens; with 16 samples drawing took {drawing:.2f} s and the update {update:.2f} s"
        )
        stages = {name: make(name, folder) for name in kinds}
        for stage in stages.values():
            timed(stage, 2)
        seconds: dict[str, list[float]] = {name: [] for name in kinds}
        lines: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
        for _ in range(options.rounds):
            for name, stage in stages.items():
                spent, metrics = timed(stage, options.steps)
                seconds[name].append(spent / options.steps)
                lines[name] += metrics
        section.say(f"{options.rounds} rounds of {options.steps} steps each, in alternation")
        section.say(
            f"{'':22}{'s a step':>9}{'steps/s':>9}{'rollout':>9}{'update':>9}{'waited':>9}{'idle':>9}{'age':>6}"
        )
        for name in kinds:
            section.say(row(name, lines[name], statistics.median(seconds[name])))
        tokens = {name: statistics.mean(r["length"] for r in lines[name]) for name in kinds}
        mismatch = {name: statistics.mean(r["mismatch"] for r in lines[name]) for name in kinds}
        section.say(f"tokens a completion {tokens}")
        section.say(f"mean |log π − log π_sampler| { ({name: round(value, 5) for name, value in mismatch.items()}) }")
        ratios = [a / b for a, b in zip(seconds["in turn, one GPU"], seconds["asynchronous"], strict=True)]
        others = [a / b for a, b in zip(seconds["in turn, two GPUs"], seconds["asynchronous"], strict=True)]
        section.say(f"against in turn on two GPUs: {statistics.median(others):.2f} (by round {short(others)})")
        section.say(f"against in turn on one GPU, by round: {short(ratios)}")
        verdict(section, statistics.median(ratios))
        for stage in stages.values():
            stage.close()
            stage.drawing.close()


def short(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


# -- learning ----------------------------------------------------------------------------------------------------------


def veritune(*arguments: str) -> None:
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "veritune", "train", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=alone)
    if done.returncode:
        raise SystemExit(f"{arguments} failed:\n{done.stdout}\n{done.stderr}")


def one_seed(seed: int, made: Path, options: argparse.Namespace) -> list[tuple[float, float]]:
    """Accuracy before and after, with staleness 0 and with 1, from the same warm-up."""
    demo, warm = str(ROOT / "examples" / "arithmetic.yaml"), made / f"warm-{seed}"
    common = [f"seed={seed}", "device=cpu", f"evaluation.prompts={options.prompts}", "evaluation.every=0"]
    veritune(demo, *common, "grpo.steps=0", f"warmup.steps={options.warmup_steps}", f"output={warm}")
    found = []
    for staleness in (0, 1):
        folder = made / f"{seed}-{staleness}"
        start = ["model.build=null", f"model.path={warm / 'model'}", "warmup=null", f"output={folder}"]
        veritune(demo, *common, *start, f"grpo.steps={options.grpo_steps}", f"sampling.staleness={staleness}")
        held_out = [r["accuracy"] for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "evaluation"]
        found.append((held_out[0], held_out[-1]))
    return found


def seeds(section: Section, options: argparse.Namespace) -> None:
    """The demo with staleness 0 and 1, ``--jobs`` seeds at once, on CPUs."""
    steps = f"{options.warmup_steps} steps of warm-up a seed, then {options.grpo_steps} of GRPO with each"
    section.say(f"examples/arithmetic.yaml, {steps}; held-out")
    section.say(f"accuracy of {options.prompts} prompts at temperature 1, before → after")
    section.say(f"{'seed':>4}  {'staleness 0':>15}  {'staleness 1':>15}  {'difference':>10}")
    ends: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as made, ThreadPoolExecutor(options.jobs) as pool:
        waiting = {seed: pool.submit(one_seed, seed, Path(made), options) for seed in options.seeds}
        for seed, future in waiting.items():
            cells = [f"{before:.3f} → {after:.3f}" for before, after in future.result()]
            ends.append((future.result()[0][1], future.result()[1][1]))
            section.say(f"{seed:>4}  {cells[0]:>15}  {cells[1]:>15}  {ends[-1][1] - ends[-1][0]:>+10.3f}")
    if len(ends) > 1:
        gaps = [two - one for one, two in ends]
        means = [statistics.mean(values) for values in zip(*ends, strict=True)]
        error = statistics.stdev(gaps) / len(gaps) ** 0.5
        section.say()
        gap = statistics.mean(gaps)
        section.say(f"mean {means[0]:.3f} and {means[1]:.3f}: {gap:+.3f} ± {error:.3f} (standard error)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["cpu", "gpu", "seeds"], required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "trainer_async.txt")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=768)
    parser.add_argument("--micro-batch-tokens", type=int, default=6144)
    parser.add_argument("--small", action="store_true", help="a tiny model, to try the script without GPUs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--jobs", type=int, default=1, help="seeds at once, one core each")
    parser.add_argument("--warmup-steps", type=int, default=1000)
    parser.add_argument("--grpo-steps", type=int, default=100)
    parser.add_argument("--prompts", type=int, default=512)
    options = parser.parse_args()
    {"cpu": cpu, "gpu": gpu, "seeds": seeds}[options.part](Section(options.out, options.part), options)


if __name__ == "__main__":
    main()
