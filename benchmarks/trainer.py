"""The demo job through veritune's trainer and through TRL's GRPOTrainer: same model, data, rewards, and settings.

    python benchmarks/trainer.py [--steps 30] [--warmup 300] [--out benchmarks/results/trainer_cpu.txt]

Both start from the same warmed-up checkpoint and take turns in one process, a step of one after a step of the other, so
that a busy machine slows both alike. Seconds are process CPU seconds on one thread, and wall seconds beside them.
Held-out accuracy before and after says that both did the same work.
"""

from __future__ import annotations

import argparse
import copy
import platform
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from veritune.rewards.composition import compose
from veritune.trainer.checkpoint import Progress
from veritune.trainer.config import RunConfig, load_config, rewards_section
from veritune.trainer.data import PromptEncoder, make_sources
from veritune.trainer.evaluation import Evaluator
from veritune.trainer.grpo import GRPO
from veritune.trainer.models import Policy, load_policy
from veritune.trainer.rollout import TransformersSampler
from veritune.trainer.sft import Warmup

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = 2
"""First steps of each, not timed."""


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

    def row(self, name: str, before: float, after: float) -> str:
        cpu, wall = (sum(x[SKIPPED:]) / len(x[SKIPPED:]) for x in (self.cpu, self.wall))
        return f"{name:10}  {cpu:>10.3f}  {1 / cpu:>11.2f}  {wall:>11.3f}  {before:.3f} → {after:.3f}"


def stage(config: RunConfig, policy: Policy, folder: Path) -> GRPO:
    source, _, _ = make_sources(config.data, config.seed)
    sampler = TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids, policy.autocast)
    generator = torch.Generator().manual_seed(config.seed)
    encode = PromptEncoder(policy.tokenizer, config.data)
    rewards = compose(rewards_section(config))
    return GRPO(config, policy, sampler, rewards, source, encode, generator, Progress("grpo"), folder)


def accuracy(config: RunConfig, policy: Policy, folder: Path) -> float:
    _, held_out, _ = make_sources(config.data, config.seed)
    assert held_out is not None
    sampler = TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids, policy.autocast)
    encode = PromptEncoder(policy.tokenizer, config.data)
    evaluator = Evaluator(config, policy, sampler, compose(rewards_section(config)), held_out, encode, folder)
    return evaluator.run(0)[0]["accuracy"]


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=300)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "trainer_cpu.txt")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    overrides = [f"grpo.steps={arguments.steps}", f"warmup.steps={arguments.warmup}"]
    config = load_config(ROOT / "examples" / "arithmetic.yaml", overrides)
    torch.manual_seed(0)
    source, _, task = make_sources(config.data, config.seed)
    ours = load_policy(config, task)
    warm = Warmup(config, ours, source, PromptEncoder(ours.tokenizer, config.data), Progress())
    for _ in range(arguments.warmup):
        warm.step()
    theirs = Policy(copy.deepcopy(ours.model), ours.tokenizer, ours.device, ours.eos_ids)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = accuracy(config, ours, folder)
        loop, our_watch, their_watch = stage(config, ours, folder), Stopwatch(), Stopwatch()

        def our_turn() -> None:
            our_watch.start()
            loop.step()
            our_watch.stop()

        trl_trainer(config, theirs, folder, their_watch, our_turn).train()
        results = [
            our_watch.row("veritune", before, accuracy(config, ours, folder)),
            their_watch.row("trl", before, accuracy(config, theirs, folder)),
        ]
    ratio = sum(their_watch.cpu[SKIPPED:]) / sum(our_watch.cpu[SKIPPED:])
    versions = ", ".join(f"{name} {version(name)}" for name in ("veritune", "trl", "torch", "transformers"))
    text = (
        f"date      {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC\n"
        f"machine   {platform.machine()}, one thread; both take turns, step by step\n"
        f"versions  {versions}\n"
        f"job       examples/arithmetic.yaml, {config.grpo.prompts} × {config.grpo.samples} completions of up to "
        f"{config.sampling.max_tokens} tokens, {arguments.steps} steps after {arguments.warmup} of warm-up\n\n"
        f"{'':10}  {'CPU s/step':>10}  {'steps/CPU s':>11}  {'wall s/step':>11}  held-out accuracy\n"
        + "\n".join(results)
        + f"\n\nveritune takes {ratio:.2f} times TRL's steps per CPU second\n"
    )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
