"""TRL's GRPOTrainer in place of one stage of ``real_model.py``: same model, prompts in the same order, rewards, steps.

    PYTHONPATH=src python benchmarks/real_model_trl.py WORK [--seconds 540]

WORK is that benchmark's folder. It takes the configuration that the recipe wrote for ``reasoning_rl``, the cold start's
model that the stage began with, and every setting that TRL has too; what TRL has made is then evaluated as ours is. It
goes on where it was when ``--seconds`` have ended it. ``WORK/trl`` gets ``model/``, ``log.json`` (a line a step) and
``evaluation/``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from veritune.rewards.composition import compose
from veritune.trainer.config import RunConfig, load_config, rewards_section
from veritune.trainer.data.conversation_tokens import ConversationEncoder
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import make_sources
from veritune.trainer.policy.models import Policy, load_policy
from veritune.trainer.run import train
from veritune.trainer.stages.batch import next_prompts, prompt_limit

STAGE = "reasoning_rl"


class Watch(TrainerCallback):
    """Ends the run in time, its state saved, and times every step."""

    def __init__(self, end: float) -> None:
        self.end, self.begun = end, 0.0
        self.seconds: dict[int, float] = {}

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        self.begun = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds[state.global_step] = time.monotonic() - self.begun
        if time.monotonic() > self.end:
            control.should_save = control.should_training_stop = True
        return control


def rows(config: RunConfig, policy: Policy) -> list[dict[str, Any]]:
    """The prompts that our run draws, in its order, as the texts that the model sees."""
    encode = PromptEncoder(policy.tokenizer, config.data)
    source, _, _ = make_sources(config.data, config.seed)
    count, limit = config.grpo.steps * config.grpo.prompts, prompt_limit(config, policy.model)
    found, ids, _ = next_prompts(source, encode, 0, count, limit)
    texts = [encode.text(row.prompt) for row in found]
    for text, expected in zip(texts, ids, strict=True):
        if list(policy.tokenizer(text)["input_ids"]) != list(expected):
            raise SystemExit("TRL would cut a prompt into other tokens than ours; nothing is compared")
    return [{**row.columns, "prompt": text} for row, text in zip(found, texts, strict=True)]


def settings(config: RunConfig, folder: Path) -> GRPOConfig:
    """Ours, as far as TRL has them; what it has not is refused."""
    grpo, objective = config.grpo, config.grpo.objective
    if grpo.algorithm != "dapo" or objective.beta or grpo.dynamic_sampling or grpo.schedule != "constant":
        raise SystemExit("reasoning_rl is not what this script knows how to say to TRL (dapo, no KL, a constant rate)")
    count = grpo.prompts * grpo.samples
    part = next(size for size in (32, 16, 8, 4, 2, 1) if count % size == 0)
    cuda = torch.cuda.is_available()
    return GRPOConfig(
        output_dir=str(folder / "state"),
        use_cpu=not cuda,
        bf16=cuda,
        per_device_train_batch_size=part,
        gradient_accumulation_steps=count // part,
        num_generations=grpo.samples,
        max_completion_length=config.sampling.max_tokens,
        temperature=config.sampling.temperature,
        gradient_checkpointing=False,
        shuffle_dataset=False,
        learning_rate=grpo.lr,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=grpo.warmup_steps,
        adam_beta1=grpo.betas[0],
        adam_beta2=grpo.betas[1],
        weight_decay=grpo.weight_decay,
        max_grad_norm=grpo.clip_norm or 0.0,
        max_steps=grpo.steps,
        beta=0.0,
        loss_type="dapo",
        scale_rewards=objective.scale,
        epsilon=0.2,
        epsilon_high=0.28,
        logging_steps=1,
        save_strategy="steps",
        save_steps=10,
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
        seed=config.seed,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seconds", type=float, default=540)
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    work = options.work.resolve()
    os.chdir(work)  # as the recipe ran: its files are beside it
    folder = work / "trl"
    config = load_config(work / "run" / STAGE / "config.yaml")
    assert isinstance(config, RunConfig)
    if not (folder / "model").is_dir() and not trained(config, folder, end):
        raise SystemExit(3)
    judged = folder / "evaluation"
    if not (judged / "report.html").is_file():
        values = {"model": config.model.model_copy(update={"path": str(folder / "model")}), "output": str(judged)}
        still = config.grpo.model_copy(update={"steps": 0})
        train(config.model_copy(update={**values, "grpo": still, "resume": False}), quiet=True)


def trained(config: RunConfig, folder: Path, end: float) -> bool:
    """Whether TRL came to the last step in time."""
    policy = load_policy(config.model_copy(update={"model": config.model.model_copy(update={"fused": False})}), None)
    data = rows(config, policy)
    stop = ConversationEncoder(PromptEncoder(policy.tokenizer, config.data), policy.eos_ids).end
    policy.tokenizer.eos_token = policy.tokenizer.convert_ids_to_tokens(stop)  # TRL ends at this one alone
    policy.model.generation_config.eos_token_id = stop
    watch = Watch(end)
    trainer = GRPOTrainer(
        model=policy.model,
        reward_funcs=compose(rewards_section(config)),
        args=settings(config, folder),
        train_dataset=Dataset.from_list(data),
        processing_class=policy.tokenizer,
        callbacks=[watch],
    )
    again = any((folder / "state").glob("checkpoint-*"))
    trainer.train(resume_from_checkpoint=again)
    log = [line for line in trainer.state.log_history if "reward" in line]
    before = json.loads((folder / "log.json").read_text()) if (folder / "log.json").is_file() else []
    known = {line["step"]: line.get("seconds") for line in before}
    for line in log:
        line["seconds"] = watch.seconds.get(line["step"], known.get(line["step"]))
    (folder / "log.json").write_text(json.dumps(log) + "\n", encoding="utf-8")
    print(f"TRL: {trainer.state.global_step} of {config.grpo.steps} steps", flush=True)
    if trainer.state.global_step < config.grpo.steps:
        return False
    trainer.model.save_pretrained(folder / "model")
    load_policy(config, None).tokenizer.save_pretrained(folder / "model")
    return True


if __name__ == "__main__":
    main()
