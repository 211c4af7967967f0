"""One process of an arm of ``trainer_scaling.py``: its speed, where the time goes, and its loss curve."""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import math
import random
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

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

T = TypeVar("T")
PHASES = ("rollout", "score", "update")
CURVES = ("sft loss", "loss", "kl", "grad_norm")
PROMPTS = 8
COLLECTIVES = {
    "all-reduce": ("allreduce", "all_reduce"),
    "gather": ("allgather", "all_gather"),
    "reduce": ("reducescatter", "reduce_scatter"),
}
"""What the names of NCCL's kernels and of gloo's operations hold, by kind."""


class Clocked(World):
    """A world that knows how long this process waited in meetings for the others."""

    waited: ClassVar[list[float]] = [0.0]

    def gather(self, value: T) -> list[T]:
        begun = time.perf_counter()
        try:
            return super().gather(value)
        finally:
            self.waited[0] += time.perf_counter() - begun


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
    """Seconds a step by phase, tokens a second of all GPUs, the largest peak of memory, and seconds of a further step
    by cause: on the device in collectives, and of the host in meetings (means over the processes)."""
    shape = {**options.shape, "prompts": options.shape["prompts"] * world.size}
    config = job(folder, shape, options.small, options.size, micro_batch_tokens=options.tokens)
    config.model.dtype = options.dtype
    policy = load(config, world, reference=False)
    loop = stage(config, policy, make_sampler(policy, config.sampling, world=world), folder, world)
    begun = time.perf_counter()
    loop.step()
    first = time.perf_counter() - begun
    forget()
    metrics = [loop.step() for _ in range(options.steps)]
    peak = max(world.gather(peak_memory(policy.device))) / 1024
    drawn = shape["prompts"] * shape["samples"] * shape["tokens"]
    seconds = sum(m["seconds"] for m in metrics) / len(metrics)
    return {
        "seconds": seconds,
        "tokens_per_second": drawn / seconds,
        "phases": {p: sum(m[f"seconds/{p}"] for m in metrics) / len(metrics) for p in PHASES},
        "peak": peak,
        "first": first,
        "mismatch": metrics[-1]["mismatch"],
        "causes": causes(loop, world) if world.size > 1 else {},
    }


def causes(loop: GRPO, world: World) -> dict[str, float]:
    """Seconds of one more step, under the profiler."""
    kinds = [torch.profiler.ProfilerActivity.CPU]
    kinds += [torch.profiler.ProfilerActivity.CUDA] * torch.cuda.is_available()
    before = Clocked.waited[0]
    with torch.profiler.profile(activities=kinds) as found:
        loop.step()
    on_device = torch.cuda.is_available()
    spent = dict.fromkeys(COLLECTIVES, 0.0)
    for event in found.key_averages():
        name = event.key.lower()
        if not name.startswith("nccldevkernel" if on_device else "gloo:"):
            continue
        for kind, parts in COLLECTIVES.items():
            if any(part in name for part in parts):
                spent[kind] += (event.self_device_time_total if on_device else event.cpu_time_total) / 1e6
    spent["waiting"] = Clocked.waited[0] - before
    everybody = world.gather(spent)
    return {kind: sum(each[kind] for each in everybody) / world.size for kind in spent}


def curve(options: argparse.Namespace, folder: Path, world: World) -> dict[str, list[float]]:
    """Losses of the same job, whatever the number of processes: eight prompts, so that with eight each has one whole
    (the recorded completions of a prompt differ by their number, which each process counts from 0)."""
    if world.size > PROMPTS:
        raise ValueError(f"curves are for at most {PROMPTS} processes, not {world.size}: --curve-steps 0")
    grpo = {
        "micro_batch_tokens": options.tokens,
        "lr": 2e-5,
        "updates": 2,
        "objective": {"beta": 0.05},
        "steps": options.curve_steps,
    }
    config = job(folder, {**options.shape, "prompts": PROMPTS}, options.small, options.size, **grpo)
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
    """One process of an arm: prints its speed as soon as it is known, and writes ``found.json``."""
    strategy, _, gather = options.arm.partition("/")
    plain = start_world("auto" if torch.cuda.is_available() else "cpu", strategy, gather or "auto")
    world = Clocked(**{field.name: getattr(plain, field.name) for field in dataclasses.fields(World)})
    folder = options.folder / f"rank-{world.rank}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found: dict[str, Any] = {"speed": speed(options, folder, world)}
        if world.first:
            (options.folder / "found.json").write_text(json.dumps(found))
        forget()
        if options.curve_steps:
            found["curve"] = curve(options, folder, world)
    finally:
        world.close()
    if world.first:
        (options.folder / "found.json").write_text(json.dumps(found))
