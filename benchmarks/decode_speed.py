"""A token step and a whole generation by this tree's sampler and by another's, in one run.

    PYTHONPATH=src python benchmarks/decode_speed.py [--old PATH] [--jobs 0.5B:128x512,…] [--small] [--out FILE]

``--old`` is a tree of an earlier commit: its ``src`` is put first in a process of its own. The two processes take turns
on the GPU, job by job. Models of Qwen2.5's sizes with random weights; nothing ends early. For each job: milliseconds of
a token step at three positions of the cache, seconds of a rollout and what a token step took in it, the mean distance
of the sampler's log-probs from the trainer's, and the kernels of one token step.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
JOBS = "0.5B:128x512,0.5B:128x4096,1.5B:64x2048,7B:32x512"
GROUP = 16
"""Completions of a prompt."""
GAP_ROWS = 16
"""Completions whose log-probs are compared."""


class Engine:
    """A process that measures with one tree's package."""

    def __init__(self, name: str, tree: Path) -> None:
        self.name = name
        path = os.pathsep.join([str(tree / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [sys.executable, str(Path(__file__).resolve()), "--serve"]
        environment = {**os.environ, "PYTHONPATH": path}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job).encode() + b"\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith(b"{"):
                found: dict[str, Any] = json.loads(line)
                return found
        return {"error": f"the process ended with {self.process.wait()}"}

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


# -- in the process of an engine ---------------------------------------------------------------------------------------


def serve() -> None:
    held: dict[str, Any] = {}
    for line in sys.stdin:
        try:
            answer = measure(json.loads(line), held)
        except Exception:
            answer = {"error": traceback.format_exc()[-2000:]}
        print(json.dumps(answer), flush=True)


def measure(job: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
    import torch
    from decode_job import PROMPT, make_model, make_sampler, place, timed

    from veritune.trainer.config import SamplingConfig

    name, rows, tokens = job["model"], job["rows"], job["tokens"]
    gpu = torch.cuda.is_available()
    if held.get("name") != name:
        held.clear()
        if gpu:
            torch.cuda.empty_cache()
        model = make_model(name)
        held.update(name=name, model=model, sampler=make_sampler(model))
        held["early"] = getattr(held["sampler"].ops, "early", False)
    if job["what"] == "forget":
        held.clear()
        if gpu:
            torch.cuda.empty_cache()
        return {}
    sampler = held["sampler"]
    sampling = SamplingConfig(max_tokens=tokens)
    with torch.no_grad(), torch.autocast(sampler.weights.device.type, enabled=False):
        if job["what"] == "steps":
            found = {}
            for position in (PROMPT, PROMPT + tokens // 2, PROMPT + tokens - 1):
                state = place(sampler, rows, tokens, position)
                found[position] = timed(lambda: sampler._advance(state, rows, state.length, sampling), 8)  # noqa: B023
            return {"steps": found}
        if job["what"] == "profile":
            sampler.ops.early = False  # side by side, the time in each would count its waiting
            sampler._forget()
            state = place(sampler, rows, tokens, PROMPT + tokens // 2)
            sampler._advance(state, rows, state.length, sampling)
            kernels = profile(lambda: sampler._advance(state, rows, state.length, sampling))
            sampler._forget()
            sampler.ops.early = held["early"]
            return {"kernels": kernels}
    prompts = [[(7 * i + 3 * j) % 300 for j in range(PROMPT)] for i in range(-(-rows // GROUP))]
    generator = torch.Generator(sampler.weights.device).manual_seed(1)
    sampler.generate(prompts, min(GROUP, rows), SamplingConfig(max_tokens=2), generator)
    begun = time.perf_counter()
    rollouts = sampler.generate(prompts, min(GROUP, rows), sampling, generator)
    took = time.perf_counter() - begun
    return {"rollout": took, "step": 1000 * took / tokens, "gap": distance(held["model"], rollouts[:: len(prompts)])}


def distance(model: Any, rollouts: list[Any]) -> float:
    """Mean |sampler − trainer| of a token's log-prob; the trainer in bfloat16 by autocast on a GPU."""
    from functools import partial

    import torch

    from veritune.trainer.rollout.decode.probe import flat, gap

    some = rollouts[:GAP_ROWS]
    for rollout in some:  # of long ones the beginning
        rollout.token_ids, rollout.logprobs = rollout.token_ids[:512], rollout.logprobs[:512]
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    autocast = partial(torch.autocast, kind, torch.bfloat16, enabled=kind == "cuda")
    return gap(model, some, flat(some), 1.0, autocast)


def profile(run: Any) -> list[tuple[str, int, float]]:
    """Kernels of one run: name, how many, µs in all."""
    import torch

    if not torch.cuda.is_available():
        run()
        return []
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as found:
        run()
        torch.cuda.synchronize()
    events = [(e.key, int(e.count), float(e.self_device_time_total)) for e in found.key_averages()]
    return sorted((event for event in events if event[2]), key=lambda event: -event[2])


# -- in the first process ----------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--old", type=Path, help="a tree of an earlier commit")
    parser.add_argument("--jobs", default=JOBS, help="model:rows x tokens, in a row")
    parser.add_argument("--what", default="steps,profile,rollout")
    parser.add_argument("--only", choices=("old", "new"), help="one engine")
    parser.add_argument("--small", action="store_true", help="a tiny model: to try the script without a GPU")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "decode_speed.txt")
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    import torch

    if not (torch.cuda.is_available() or options.small):
        print("this benchmark needs a GPU; --small tries the script without one")
        return
    lines: list[str] = []

    def say(line: str = "") -> None:
        print(line, flush=True)
        lines.append(line)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")

    engines = [Engine("old", options.old)] if options.old else []
    if options.only != "old":
        engines.append(Engine("new", ROOT))
    machine = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    say(f"date      {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC")
    say(f"machine   {machine}\nversions  {versions()}")
    say(f"job       Qwen2.5's sizes, random weights, prompts of 64 tokens, {GROUP} completions each, no early ends\n")
    heads = f"{'ms at the first, middle, last token':>40}{'rollout s':>11}{'ms a token':>12}{'log-prob gap':>14}"
    say(f"{'model, completions x tokens':28}{'':6}{heads}")
    tables: list[str] = []
    for text in ("small:4x8" if options.small else options.jobs).split(","):
        model, _, shape = text.partition(":")
        rows, tokens = map(int, shape.split("x"))
        for engine in engines:
            found: dict[str, Any] = {}
            for what in (*options.what.split(","), *["forget"][: int(len(engines) > 1)]):
                found |= engine.ask({"model": model, "rows": rows, "tokens": tokens, "what": what})
            steps = "".join(f"{ms:10.3f}" for ms in found.get("steps", {}).values())
            last = f"{found.get('rollout', 0):11.3f}{found.get('step', 0):12.3f}{found.get('gap', 0):14.5f}"
            say(f"{model + ', ' + shape:28}{engine.name:6}{steps:>40}{last}{found.get('error', '')}")
            tables += table(f"{model}, {shape}, {engine.name}, in the middle", found.get("kernels", []))
    for engine in engines:
        engine.close()
    say()
    for line in tables:
        say(line)


def table(title: str, kernels: list[Any]) -> list[str]:
    if not kernels:
        return []
    count, total = sum(k[1] for k in kernels), sum(k[2] for k in kernels)
    lines = [f"{title}: {count} kernels, {total:.0f} us in them, one after the other"]
    lines += [f"  {times:5} x {took / times:8.2f} us = {took:8.1f}  {name[:90]}" for name, times, took in kernels[:12]]
    return [*lines, ""]


def versions() -> str:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in ("torch", "triton", "transformers"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} absent")
    return ", ".join(found)


if __name__ == "__main__":
    main()
