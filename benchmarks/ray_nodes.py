"""Runs on a local Ray cluster of four machines, one of which leaves at a random moment: all end, nothing differs.

    python benchmarks/ray_nodes.py [--runs 30] [--seed 0] [--out benchmarks/results/ray_nodes.txt]

Each run is a training run of five steps scored on Ray, in even runs by as many actors as there are machines, in odd
ones by three, so that one machine is spare; beside it two threads ask for math verdicts, and one runs programs in the
sandbox `ray`. At a random moment one machine is killed, as kill -9 would; a new one takes its place before the next
run. The run's metrics, the verdicts and the outputs are compared with those of the local executors. Ends with status 1
if a run does not end, anything differs or is undecided, or a step takes over 60 s.

    python benchmarks/ray_nodes.py --part scoring [--runs 30] [--out benchmarks/results/ray_nodes_scoring.txt]

One batch of 240 completions of 50 ms, and the machine that leaves is one that is scoring it.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from veritune import reward
from veritune.plugins import Sample, get_sandbox
from veritune.rewards.composition import compose
from veritune.rewards.composition.on_ray import RayRewardSet
from veritune.sandbox import Job, Program, Sandbox
from veritune.trainer.config import RunConfig, parse_config
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.run.run import train
from veritune.verifiers.math import MathVerifier

NODES = 4
STEPS = 5
LONGEST_S = 60.0
PAIRS = [
    (r"so \boxed{\frac{x^2-1}{x-1}}", "x+1"),
    (r"\boxed{\sin^2 x}", r"1-\cos^2 x"),
    (r"\boxed{2^{11}}", "1024"),
    (r"\boxed{\sqrt{8}}", r"2\sqrt{2}"),
    (r"\boxed{\frac{1}{3}}", "0.34"),
    (r"\boxed{1}", None),
]
PROGRAMS = [Job(Program("python", f"import time; time.sleep(0.2); print({n} ** 3)")) for n in range(8)]


@reward
def slow_digits(completion: str) -> float:
    """The share of digits, in 20 ms."""
    time.sleep(0.02)
    return sum(character.isdigit() for character in completion) / max(1, len(completion))


@reward
def slow_steps(completion: str) -> float:
    """A number that depends on every character, in 50 ms."""
    time.sleep(0.05)
    return sum((place + 1) * ord(character) for place, character in enumerate(completion)) / 1000


def config(folder: Path, name: str, scoring: dict[str, Any]) -> RunConfig:
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    build = {"model_type": "qwen3", **sizes, "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 128}
    return parse_config(
        {
            "output": str(folder / name),
            "model": {"build": {**build, "tie_word_embeddings": True}},
            "data": {"task": "arithmetic", "params": {"terms": 3}},
            "rewards": {"digits": {"use": f"{__file__}:slow_digits"}},
            "grpo": {"steps": STEPS, "prompts": 8, "samples": 4, "lr": 1e-3},
            "sampling": {"max_tokens": 8},
            "evaluation": {"prompts": 16, "metric": "digits"},
            "scoring": scoring,
        }
    )


def metrics(folder: Path) -> list[dict[str, Any]]:
    clocks = ("seconds", "tokens_per_second", "peak_memory")
    lines = read_metrics(folder / "metrics.jsonl")
    return [{key: value for key, value in line.items() if not key.startswith(clocks)} for line in lines]


def verdicts(verifier: MathVerifier) -> list[tuple[bool | None, str]]:
    return [(v.correct, str(v.cause)) for _ in range(2) for v in verifier.verify_batch(PAIRS * 3)]


def outputs(sandbox: Sandbox) -> list[Any]:
    return [getattr(outcome, "stdout", outcome) for outcome in sandbox.run_batch(PROGRAMS)]


class Machines:
    """Four machines of one CPU; the driver's own has none."""

    def __init__(self) -> None:
        import ray
        from ray.cluster_utils import Cluster

        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        self.nodes = [self.cluster.add_node(num_cpus=1) for _ in range(NODES)]
        ray.init(address=self.cluster.address, log_to_driver=False)

    def lose(self, which: int) -> None:
        self.cluster.remove_node(self.nodes.pop(which), allow_graceful=False)

    def refill(self) -> None:
        self.nodes.append(self.cluster.add_node(num_cpus=1))


class Bench:
    """The local results, and runs on the cluster beside them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random = folder, random.Random(seed)
        train(config(folder, "local", {}), quiet=True)
        self.metrics = metrics(folder / "local")
        self.verdicts = verdicts(MathVerifier(workers=1, deadline=10.0, cache=0))
        with get_sandbox("local", workers=1) as sandbox:
            self.outputs = outputs(sandbox)
        self.machines = Machines()
        self.verifier = MathVerifier(executor="ray", workers=1, deadline=10.0, cache=0)
        self.sandbox = get_sandbox("ray", options={"workers": 1})

    def run(self, number: int, within: float | None) -> dict[str, Any]:
        """One run; a machine leaves somewhere in the first ``within`` seconds."""
        scoring = {"executor": "ray", "actors": NODES if number % 2 == 0 else NODES - 1}
        moment = None if within is None else self.random.uniform(0.0, within)
        which = self.random.randrange(NODES)
        begun, begun_cpu = time.monotonic(), time.process_time()
        with ThreadPoolExecutor() as threads:
            beside: list[Future[Any]] = [threads.submit(verdicts, self.verifier) for _ in range(2)]
            programs = threads.submit(outputs, self.sandbox)
            leaving = None if moment is None else threading.Timer(moment, self.machines.lose, (which,))
            if leaving is not None:
                leaving.start()
            train(config(self.folder, f"run-{number}", scoring), quiet=True)
            equal = {
                "scores": metrics(self.folder / f"run-{number}") == self.metrics,
                "math": all(future.result() == self.verdicts for future in beside),
                "programs": programs.result() == self.outputs,
            }
            if leaving is not None:
                leaving.join()
                self.machines.refill()
        lines = read_metrics(self.folder / f"run-{number}" / "metrics.jsonl")
        return {
            "number": number,
            "actors": scoring["actors"],
            "moment": moment,
            "seconds": time.monotonic() - begun,
            "cpu": time.process_time() - begun_cpu,
            "step": max(line.get("seconds", 0.0) for line in lines),
            **equal,
        }


def score_batches(options: argparse.Namespace) -> int:
    """Batches whose machines leave while they are scored."""
    moments = random.Random(options.seed)
    local = compose({"rewards": {"steps": {"use": f"{__file__}:slow_steps"}}})
    samples = [Sample(str(n**5), f"prompt {n // 4}") for n in range(240)]
    expected = local.score_batch(samples)
    machines = Machines()
    said: list[str] = []
    rewards = RayRewardSet(local, NODES, say=said.append)
    rewards.start()
    begun = time.monotonic()
    calm = rewards.score_batch(samples) == expected
    usual = time.monotonic() - begun
    lines = [
        f"no machine lost: {usual:.1f} s, {'same' if calm else 'DIFFER'}",
        "run  left at s  took s  actors lost  scores",
    ]
    bad = not calm
    for number in range(1, options.runs + 1):
        while len(rewards.crew.members) < NODES:
            rewards.score_batch(samples[:4])
        moment, lost = moments.uniform(0.0, usual), len(said)
        leaving = threading.Timer(moment, machines.lose, (moments.randrange(NODES),))
        begun = time.monotonic()
        leaving.start()
        same = rewards.score_batch(samples) == expected
        took = time.monotonic() - begun
        leaving.join()
        machines.refill()
        gone = sum("was lost" in text for text in said[lost:])
        lines.append(f"{number:3}  {moment:9.1f}  {took:6.1f}  {gone:11}  {'same' if same else 'DIFFER'}")
        print(lines[-1], flush=True)
        bad = bad or not same or took > LONGEST_S
        if options.out is not None:
            options.out.write_text("\n".join([*head(options), "", *lines]) + "\n", encoding="utf-8")
    return int(bad)


def table(found: list[dict[str, Any]]) -> list[str]:
    lines = ["run  actors  left at s  took s  longest step s  scores  math   programs"]
    for one in found:
        left = "-" if one["moment"] is None else f"{one['moment']:.1f}"
        same = [("same" if one[name] else "DIFFER") for name in ("scores", "math", "programs")]
        lines.append(
            f"{one['number']:3}  {one['actors']:6}  {left:>9}  {one['seconds']:6.1f}  {one['step']:14.1f}  "
            f"{same[0]:6}  {same[1]:5}  {same[2]}"
        )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--part", choices=("runs", "scoring"), default="runs")
    options = parser.parse_args()
    if options.part == "scoring":
        return score_batches(options)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), options.seed)
        calm = bench.run(0, within=None)
        found = [calm]
        print("\n".join(table(found)), flush=True)
        for number in range(1, options.runs + 1):
            found.append(bench.run(number, within=0.8 * calm["seconds"]))
            print(table(found)[-1], flush=True)
            if options.out is not None:
                options.out.write_text(report(found, options), encoding="utf-8")
    broken = [one for one in found if not (one["scores"] and one["math"] and one["programs"])]
    slow = [one for one in found if one["step"] > LONGEST_S]
    print(summary(found))
    return 1 if broken or slow else 0


def summary(found: list[dict[str, Any]]) -> str:
    runs = [one for one in found if one["moment"] is not None]
    same = sum(one["scores"] and one["math"] and one["programs"] for one in runs)
    return (
        f"{len(runs)} runs with a machine lost, all ended; {same} with the scores, verdicts and outputs of the local "
        f"executors; the longest step took {max(one['step'] for one in runs):.1f} s"
    )


def head(options: argparse.Namespace) -> list[str]:
    versions = ", ".join(f"{name} {version(name)}" for name in ("veritune", "ray", "torch"))
    return [
        f"date      {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
        f"machine   {platform.machine()}, {NODES} Ray machines of one CPU on two cores shared with other work",
        f"versions  Python {platform.python_version()}, {versions}",
        f"command   python benchmarks/ray_nodes.py --part {options.part} --runs {options.runs} --seed {options.seed}",
    ]


def report(found: list[dict[str, Any]], options: argparse.Namespace) -> str:
    return "\n".join([*head(options), "", *table(found), "", summary(found)]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
