"""The demo job through veritune's trainer and through TRL's GRPOTrainer: same model, data, rewards, and settings.

    python benchmarks/trainer.py [--seeds 5] [--steps 40] [--warmup 700] [--out benchmarks/results/trainer_cpu.txt]

Both start from the same warmed-up weights and take turns in one process, a step of one after a step of the other, so
that a busy machine slows both alike. Seconds are process CPU seconds on one thread. The seed decides the order of the
problems, which are the same for both, and the sampling. Held-out accuracy is that of four completions, at temperature
1, of each of 256 problems. The file is written again after every seed.
"""

from __future__ import annotations

import argparse
import copy
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from veritune.rewards.composition import compose
from veritune.trainer.config import RunConfig, load_config, rewards_section
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import make_sources
from veritune.trainer.policy.models import Policy, load_policy
from veritune.trainer.rollout.decode.choose import make_sampler
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.rollout.evaluation import Evaluator
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.progress import Progress
from veritune.trainer.stages.warmup import Warmup

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = 2
"""First steps of each, not timed."""
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 15: 2.131, 19: 2.093, 29: 2.045}
"""Student's t for a two-sided 95 % interval, by degrees of freedom; 1.96 beyond."""


class Stopwatch:
    """CPU and wall seconds of each step."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self._begun = (0.0, 0.0)

    def start(self) -> None:
        self._begun = time.process_time(), time.perf_counter()

    def stop(self) -> None:
        self.cpu.append(time.process_time() - self._begun[0])
        self.wall.append(time.perf_counter() - self._begun[1])


@dataclass
class Result:
    """One seed: final held-out accuracy, and CPU and wall seconds a step, of each trainer."""

    seed: int
    accuracy: dict[str, float]
    cpu: dict[str, float]
    wall: dict[str, float]


def stage(config: RunConfig, policy: Policy, folder: Path) -> GRPO:
    source, _, _ = make_sources(config.data, config.seed)
    sampler = make_sampler(policy, config.sampling)
    generator = torch.Generator().manual_seed(config.seed)
    encode = PromptEncoder(policy.tokenizer, config.data)
    rewards = compose(rewards_section(config))
    drawing = Drawing(sampler, rewards, folder)
    return GRPO(config, policy, drawing, source, encode, generator, Progress("grpo"))


def accuracy(config: RunConfig, policy: Policy, folder: Path) -> float:
    _, held_out, _ = make_sources(config.data, config.seed)
    sampler = make_sampler(policy, config.sampling)
    encode = PromptEncoder(policy.tokenizer, config.data)
    drawing = Drawing(sampler, compose(rewards_section(config)), folder)
    found = Evaluator(config, policy, drawing, held_out[""], encode).run(0)[0]["accuracy"]
    drawing.close()
    return found


def trl_trainer(
    config: RunConfig, policy: Policy, folder: Path, watch: Stopwatch, between: Callable[[], None]
) -> GRPOTrainer:
    """TRL with the run's settings; ``between`` is called after every step of its own."""

    class Turns(TrainerCallback):
        def on_step_begin(self, *args: Any, **options: Any) -> None:
            watch.start()

        def on_step_end(self, *args: Any, **options: Any) -> None:
            watch.stop()
            between()

    source, _, _ = make_sources(config.data, config.seed)
    rows = [dict(source.row(i).columns) for i in range(config.grpo.prompts * config.grpo.steps)]
    settings = GRPOConfig(
        output_dir=str(folder),
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=config.grpo.prompts * config.grpo.samples,
        num_generations=config.grpo.samples,
        max_completion_length=config.sampling.max_tokens,
        gradient_checkpointing=False,
        learning_rate=config.grpo.lr,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=config.grpo.warmup_steps,
        adam_beta1=config.grpo.betas[0],
        adam_beta2=config.grpo.betas[1],
        weight_decay=0.0,
        max_steps=config.grpo.steps,
        beta=0.0,
        loss_type="dapo",
        scale_rewards="none",
        epsilon_high=0.28,
        logging_steps=10,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        seed=config.seed,
    )
    return GRPOTrainer(
        model=policy.model,
        reward_funcs=compose(rewards_section(config)),
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=policy.tokenizer,
        callbacks=[Turns()],
    )


def compare(config: RunConfig, warm: Policy) -> Result:
    """Both trainers from copies of ``warm``, with the config's seed."""
    torch.manual_seed(config.seed)
    ours, theirs = (replace(warm, model=copy.deepcopy(warm.model)) for _ in range(2))
    our_watch, their_watch = Stopwatch(), Stopwatch()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop = stage(config, ours, folder)

        def our_turn() -> None:
            our_watch.start()
            loop.step()
            our_watch.stop()

        trl_trainer(config, theirs, folder, their_watch, our_turn).train()
        found = {"veritune": accuracy(config, ours, folder), "trl": accuracy(config, theirs, folder)}
    watches = {"veritune": our_watch, "trl": their_watch}
    return Result(
        config.seed,
        found,
        {name: statistics.mean(w.cpu[SKIPPED:]) for name, w in watches.items()},
        {name: statistics.mean(w.wall[SKIPPED:]) for name, w in watches.items()},
    )


def report(config: RunConfig, warmup: int, before: float, results: Sequence[Result]) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("veritune", "trl", "torch", "transformers"))
    lines = [
        f"date      {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
        f"machine   {platform.machine()}, one thread, shared with other work; both take turns, step by step",
        f"versions  {versions}",
        f"job       examples/arithmetic.yaml, {config.grpo.prompts} × {config.grpo.samples} completions of up to "
        f"{config.sampling.max_tokens} tokens, {config.grpo.steps} steps after {warmup} of warm-up",
        f"accuracy  before: {before:.3f}; held-out, {config.evaluation.prompts} × {config.evaluation.samples}",
        "",
        "          accuracy after        CPU s/step            TRL's CPU seconds",
        "seed      veritune  trl         veritune  trl         to ours",
    ]
    for r in results:
        lines.append(
            f"{r.seed:<8}  {r.accuracy['veritune']:<8.3f}  {r.accuracy['trl']:<10.3f}  {r.cpu['veritune']:<8.3f}  "
            f"{r.cpu['trl']:<10.3f}  {r.cpu['trl'] / r.cpu['veritune']:.2f}"
        )
    lines.append("")
    for name in ("veritune", "trl"):
        values = [r.accuracy[name] for r in results]
        spread = f" ± {statistics.stdev(values):.3f} (sd of {len(values)} seeds)" if len(values) > 1 else " (one seed)"
        lines.append(f"{name:<8}  accuracy {statistics.mean(values):.3f}{spread}")
    if len(results) > 1:
        gaps = [r.accuracy["veritune"] - r.accuracy["trl"] for r in results]
        half = T95.get(len(gaps) - 1, 1.96) * statistics.stdev(gaps) / len(gaps) ** 0.5
        middle = statistics.mean(gaps)
        interval = f"[{middle - half:+.4f}, {middle + half:+.4f}]"
        lines.append(f"difference of the two, seed by seed: {middle:+.4f}, 95 % interval {interval}")
    ratio = sum(r.cpu["trl"] for r in results) / sum(r.cpu["veritune"] for r in results)
    lines.append(f"veritune takes {ratio:.2f} times TRL's steps per CPU second")
    return "\n".join(lines) + "\n"


def warmed(config: RunConfig, steps: int) -> Policy:
    torch.manual_seed(0)
    source, _, task = make_sources(config.data, config.seed)
    policy = load_policy(config, task)
    warm = Warmup(config, policy, source, PromptEncoder(policy.tokenizer, config.data), Progress())
    for _ in range(steps):
        warm.step()
    return policy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--warmup", type=int, default=700)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "trainer_cpu.txt")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    overrides = [f"grpo.steps={arguments.steps}", f"warmup.steps={arguments.warmup}", "evaluation.samples=4"]
    overrides += ["grpo.schedule=constant", "grpo.final_lr=0"]  # TRL's have no floor like ours
    config = load_config(ROOT / "examples" / "arithmetic.yaml", overrides)
    warm = warmed(config, arguments.warmup)
    with tempfile.TemporaryDirectory() as name:
        before = accuracy(config, warm, Path(name))
    results: list[Result] = []
    for seed in range(1, arguments.seeds + 1):
        results.append(compare(config.model_copy(update={"seed": seed}), warm))
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(report(config, arguments.warmup, before, results), encoding="utf-8")
    print(arguments.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
