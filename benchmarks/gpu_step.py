"""Whole training steps of one job by one tree: seconds, phases, memory, distance of the log-probs; ``gpu_rows.py``'s.

    PYTHONPATH=TREE/src python benchmarks/gpu_step.py '{"size": "0.5b", "prompts": 8, "samples": 16, "tokens": 4096}'

Keys of the job besides: ``steps`` (3), ``dtype`` (of the weights), ``lora``, ``micro`` (micro_batch_tokens) and
``lengths``, completions of which lengths are run one after the other with one policy. Models of Qwen2.5's sizes with
random weights, prompts of 64 tokens, no early ends. A step of a few tokens in a cache of the whole length goes before,
for what compiles; every step after it is printed as soon as it is done, as a line ``ANSWER {…}``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from trainer_gpu import PHASES, forget, peak, policy_of, stage
from trainer_gpu_job import job

import veritune
from veritune.trainer.config import LoraConfig, RunConfig
from veritune.trainer.rollout.decode.sampler import StaticSampler

ANSWER = "ANSWER "
PROMPT = 64
WARM_TOKENS = 32
"""Of the completions of the first step."""
RATE = 790e12


def configuration(case: dict[str, Any], folder: Path, tokens: int, small: bool) -> RunConfig:
    shape = {"prompts": case["prompts"], "samples": case["samples"], "tokens": tokens, "prompt_tokens": PROMPT}
    update = {"micro_batch_tokens": case["micro"]} if "micro" in case else {}
    config = job(folder, shape, small, case["size"], **update)
    config.model.dtype = case.get("dtype", "auto")
    if case.get("lora"):
        config.model.lora = LoraConfig()
        config.model.activation_checkpointing = True
    return config


def warm(loop: Any, config: RunConfig, tokens: int) -> float:
    """Seconds of a step of a few tokens, in a cache as long as the whole completions'."""
    begun = time.perf_counter()
    sampler = loop.drawing.sampler
    assert isinstance(sampler, StaticSampler), type(sampler)
    rows = config.grpo.prompts * config.grpo.samples
    with torch.no_grad(), torch.autocast(sampler.weights.device.type, enabled=False):
        sampler._prepare(min(rows, config.sampling.batch), PROMPT + tokens, config.sampling)
    config.sampling.max_tokens = min(WARM_TOKENS, tokens)
    loop.step()
    config.sampling.max_tokens = tokens
    return time.perf_counter() - begun


def steps(case: dict[str, Any], folder: Path, small: bool) -> None:
    policy = None
    for tokens in case.get("lengths") or [case["tokens"]]:
        config = configuration(case, folder, tokens, small)
        begun = time.perf_counter()
        policy = policy or policy_of(config)
        loop = stage(config, folder, policy)
        made = time.perf_counter() - begun
        first = warm(loop, config, tokens)
        forget()
        for number in range(case.get("steps", 3)):
            metrics = loop.step()
            say(case, tokens, policy, loop, metrics, {"made": made, "first": first, "step": number})
        loop.drawing.sampler.release()
        del loop
        forget()


def say(case: dict[str, Any], tokens: int, policy: Any, loop: Any, metrics: dict[str, float], times: Any) -> None:
    rows = case["prompts"] * case["samples"]
    phases = {phase: metrics[f"seconds/{phase}"] for phase in PHASES}
    answer = {
        "rows": rows,
        "tokens": tokens,
        "seconds": metrics["seconds"],
        **phases,
        "token_step": 1000 * phases["rollout"] / tokens,
        "share": 6 * policy.parameters * rows * (PROMPT + tokens) / phases["update"] / RATE,
        "peak": peak(),
        "mismatch": metrics["mismatch"],
        "norm": metrics["grad_norm"],
        "trained": metrics["trained_share"],
        "micro": loop.passes.budget() if hasattr(loop.passes, "budget") else loop.config.micro_batch_tokens,
        **times,
    }
    print(ANSWER + json.dumps(answer), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=json.loads, nargs="?")
    parser.add_argument("--small", action="store_true", help="a tiny model on the CPU: to try the script")
    parser.add_argument("--tree", type=Path, help="where the package must be from")
    options = parser.parse_args()
    if options.tree is not None and not Path(veritune.__file__).resolve().is_relative_to(options.tree.resolve()):
        sys.exit(f"--tree {options.tree}, but the package is {veritune.__file__}")
    if options.job is None or not (torch.cuda.is_available() or options.small):
        print("this benchmark needs a job and a GPU; --small tries the script without one")
        return
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as name:
        steps(options.job, Path(name), options.small)


if __name__ == "__main__":
    main()
