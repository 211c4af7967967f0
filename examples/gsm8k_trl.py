"""Train a model of yours on GSM8K with TRL's GRPOTrainer and veritune's rewards, from a config.

    python examples/gsm8k_trl.py examples/gsm8k.yaml model=Qwen/Qwen2.5-0.5B-Instruct trl.max_steps=100

The rewards are one composed function: weights, gates and schedules are those of the config, a sample whose reward is
undecided is left out of its group, and every component is logged. To train them with veritune's own trainer instead,
see countdown.yaml.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from datasets import Dataset, load_dataset
from trl import GRPOConfig, GRPOTrainer

from veritune.adapters.trl import reward_function
from veritune.trainer.config import apply_override


def load(source: str, system: str) -> Dataset:
    """Rows with a chat prompt and the number after ``####`` as gold."""
    path = Path(source)
    if path.is_file():
        rows = load_dataset("parquet" if path.suffix == ".parquet" else "json", data_files=source, split="train")
    else:
        rows = load_dataset(source, "main", split="train")

    def row(example: dict[str, Any]) -> dict[str, Any]:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": example["question"]}]
        return {"prompt": messages, "gold": example["answer"].split("####")[-1].strip().replace(",", "")}

    return rows.map(row, remove_columns=rows.column_names)


def main(arguments: list[str]) -> None:
    config: dict[str, Any] = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8"))
    for override in arguments[1:]:
        apply_override(config, override)
    rewards = reward_function(config["rewards"])
    data = load(config["data"], config["system"])
    rewards.check_columns(data.column_names)
    trainer = GRPOTrainer(
        model=config["model"], reward_funcs=rewards, args=GRPOConfig(**config["trl"]), train_dataset=data
    )
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main(sys.argv[1:])
