"""DPO, PPO and distillation on the arithmetic task, from one warmed-up model, each once.

    python benchmarks/stages_demo.py [--seed 0] [--out benchmarks/results/stages_demo.txt]

One thread, one process. Every run is a config of `veritune train`; held-out accuracy is of 512 sampled completions
(95 % intervals are about ± 0.04). Prints a table with CPU seconds and writes it with machine, versions and date; ends
with status 1 where a stage has not done what it is for.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from veritune.trainer.data.records import read_records
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.run import train
from veritune.trainer.stages.table import parse_run

BUILD = {
    "model_type": "qwen3", "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32, "max_position_embeddings": 256,
    "tie_word_embeddings": True,
}  # fmt: skip
STUDENT = {**BUILD, "hidden_size": 64, "intermediate_size": 192, "num_attention_heads": 2, "num_key_value_heads": 1}
HABITS = [{"share": 0.85, "think": 1.0, "chinese": 0.3}, {"share": 0.15, "think": 0.15, "chinese": 0.3}]
WARMUP = {
    "steps": 450, "batch": 64, "lr": 3e-3, "betas": [0.9, 0.98], "weight_decay": 0.01, "warmup_steps": 40,
    "schedule": "linear", "final_lr": 0.05, "clip_norm": 0.1, "habits": HABITS,
}  # fmt: skip
RL = {"betas": [0.9, 0.98], "micro_batch_tokens": 16384, "schedule": "linear", "final_lr": 0.1, "warmup_steps": 5}
LEARN = {"batch": 64, "steps": 250, "lr": 4e-3, "betas": [0.9, 0.98], "warmup_steps": 40, "schedule": "linear",
         "final_lr": 0.05, "micro_batch_tokens": 16384}  # fmt: skip
STILL = 1e-12
"""A learning rate that leaves a model where it is: such a run only draws and scores."""


class Demo:
    """Runs in one folder, and a row of the table for each."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.rows: dict[str, dict[str, Any]] = {}

    def run(self, name: str, stage: str, model: Mapping[str, Any], **sections: Any) -> Path:
        """One config; its last evaluation, last step and CPU seconds are kept."""
        values = {
            "stage": stage, "seed": self.seed, "output": str(self.folder / name), "threads": 1, "device": "cpu",
            "model": dict(model), "data": {"task": "arithmetic", "params": {"terms": 4}},
            "rewards": {
                "accuracy": {"weight": 1.0},
                "format": {"weight": 0.1, "params": {"style": "think_answer_soft"}},
                "language": {"weight": 0.4, "params": {"target": "en", "languages": ["en", "zh"]}},
            },
            "sampling": {"max_tokens": 20}, "evaluation": {"prompts": 512}, **sections,
        }  # fmt: skip
        begun = time.process_time()
        path = train(parse_run(values), quiet=True)
        lines = read_metrics(path / "metrics.jsonl")
        judged = [r for r in lines if r["phase"] == "evaluation"]
        steps = [r for r in lines if r["phase"] == stage]
        numbers = {k: v for k, v in (steps[-1] if steps else {}).items() if isinstance(v, int | float)}
        self.rows[name] = {**numbers, **judged[-1], "cpu": time.process_time() - begun}
        print(self.line(name), flush=True)
        return path

    def line(self, name: str) -> str:
        row = self.rows[name]
        found = [row[key] for key in ("accuracy", "thinks", "reward/language")]
        shown = [f"{name:26} {' '.join('  –  ' if v is None else f'{v:.3f}' for v in found)} {row['cpu']:6.1f}"]
        extra = ("shift/chosen", "displaced", "explained_variance", "kl", "divergence")
        return "  ".join([*shown, *(f"{k} {row[k]:.3f}" for k in extra if row.get(k) is not None)])


def correct_rows(run: Path, out: Path) -> int:
    """The right answers that a run has drawn, as rows to learn from."""
    rows = [r for file in sorted((run / "completions").glob("step-*")) for r in read_records(file)]
    kept = [{"prompt": r["prompt"], "completion": r["completion"]} for r in rows if r["reward/accuracy"] == 1.0]
    out.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in kept), encoding="utf-8")
    return len(kept)


def stages(demo: Demo) -> list[str]:
    """All runs; what is not as it should be."""
    base = demo.run("warm-up", "grpo", {"build": BUILD}, warmup=WARMUP, grpo={"steps": 0}) / "model"
    start = {"path": str(base)}
    still = {"steps": 8, "prompts": 32, "samples": 16, "lr": STILL}
    drawn = demo.run("drawn", "grpo", start, grpo=still, log={"completions_every": 1}, evaluation={"prompts": 16})
    pairs = {"completions": str(drawn / "completions"), "per_prompt": 4, "min_gap": 0.6}
    dpo = {"pairs": pairs, "batch": 32, "steps": 50, "betas": [0.9, 0.98], "micro_batch_tokens": 16384}
    demo.run("dpo, lr 3e-5", "dpo", start, dpo={**dpo, "lr": 3e-5})
    demo.run("dpo, lr 3e-4", "dpo", start, dpo={**dpo, "lr": 3e-4})
    demo.run("dpo, lr 3e-4, with sft", "dpo", start, dpo={**dpo, "lr": 3e-4, "objective": {"sft_weight": 1.0}})
    grpo = {**RL, "steps": 40, "prompts": 16, "samples": 16, "lr": 3e-4, "algorithm": "dapo"}
    teacher = demo.run("grpo", "grpo", start, grpo=grpo) / "model"
    ppo = {**RL, "steps": 40, "prompts": 128, "lr": 3e-4, "value_lr": 1e-3, "updates": 1, "minibatches": 2}
    for value in ("copy", "head"):
        demo.run(f"ppo, {value}", "ppo", start, ppo={**ppo, "value": value, "objective": {"beta": 0.01}})
    taught = demo.run(
        "drawn from the teacher", "grpo", {"path": str(teacher)}, grpo=still, log={"completions_every": 1},
        evaluation={"prompts": 16},
    )  # fmt: skip
    print(correct_rows(taught, rows := demo.folder / "rows.jsonl"), "rows to learn from", flush=True)
    students: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "cross-entropy": ({"objective": {"ce_weight": 1.0}}, {}),
        "forward KL": ({}, {}),
        "forward KL, top 4": ({}, {"top_k": 4}),
        "skewed forward KL": ({"objective": {"divergence": "skew_forward_kl"}}, {}),
    }
    for name, (settings, of) in students.items():
        distill = {**LEARN, "train": str(rows), **settings}
        demo.run(name, "distill", {"build": STUDENT}, distill=distill, teacher={"path": str(teacher), **of})
    own = {**LEARN, "train": str(rows), "on_policy": 0.5, "steps": 60, "lr": 1e-3, "objective": {"divergence": "jsd"}}
    learnt = {"path": str(demo.folder / "skewed forward KL" / "model")}
    demo.run("then JSD, half on-policy", "distill", learnt, distill=own, teacher={"path": str(teacher)})
    return broken(demo.rows)


def broken(rows: Mapping[str, Mapping[str, float]]) -> list[str]:
    """What each stage is for, and did not do."""
    found, start = [], rows["warm-up"]["accuracy"]
    for name in ("dpo, lr 3e-5", "grpo", "ppo, copy", "ppo, head"):
        if rows[name]["accuracy"] < start + 0.1:
            found.append(f"{name}: {rows[name]['accuracy']:.3f} is not clearly above the start's {start:.3f}")
    for name in ("forward KL", "forward KL, top 4"):
        if rows[name]["accuracy"] < rows["cross-entropy"]["accuracy"] - 0.05:
            found.append(f"{name}: below learning from the texts alone")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(head := f"{'run':26} acc.  thinks lang.  CPU s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder), arguments.seed)
        faults = stages(demo)
    total = sum(row["cpu"] for row in demo.rows.values())
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    where = f"{platform.machine()}, {platform.processor() or platform.system()}, Python {platform.python_version()}"
    lines = [
        f"benchmarks/stages_demo.py --seed {arguments.seed}, {datetime.date.today()}; {where}, {versions}; one thread",
        f"{total:.0f} CPU seconds in all; held out: 512 prompts (16 where a run only draws), sampled at temperature 1",
        "",
        head,
        *map(demo.line, demo.rows),
        "",
        *(faults or ["every stage did what it is for"]),
    ]
    text = "\n".join(lines) + "\n"
    if arguments.out is not None:
        arguments.out.write_text(text, encoding="utf-8")
    print(text)
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
