"""Whether the load of experts stays even in reinforcement while the reward rises: GRPO on the demo's world (a sum of
digits, thought out loud) with a small DeepSeek-V3 of 32 experts, balanced by the bias and the sequence-wise loss,
against the same without balancing.

    python benchmarks/moe_grpo.py [--out benchmarks/results/moe_grpo.txt] [--small]

The warm-up teaches the demo's reliable way and then the habit of not using it; then 100 steps of GRPO. The curves are a
line every ten steps: reward, accuracy, MaxVio, entropy, dead share, drift, mismatch.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import transformers

from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.run import train
from veritune.trainer.stages.table import parse_run

SHOWN = ("reward", "accuracy", "moe_max_violation", "moe_load_entropy", "moe_dead_share", "moe_bias_drift", "mismatch")
BUILD = {
    "model_type": "deepseek_v3",
    "hidden_size": 96,
    "intermediate_size": 192,
    "moe_intermediate_size": 32,
    "num_hidden_layers": 2,
    "first_k_dense_replace": 0,
    "n_routed_experts": 32,
    "num_experts_per_tok": 4,
    "n_shared_experts": 1,
    "n_group": 4,
    "topk_group": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "q_lora_rank": 48,
    "kv_lora_rank": 32,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 16,
    "v_head_dim": 24,
    "max_position_embeddings": 256,
    "tie_word_embeddings": True,
}


def config(folder: Path, moe: dict[str, Any], small: bool) -> Any:
    warmup, steps = (4, 4) if small else (700, 100)
    return parse_run(
        {
            "stage": "grpo",
            "output": str(folder),
            "model": {"build": BUILD, "moe": moe},
            "data": {"task": "arithmetic", "params": {"terms": 4}},
            "warmup": {
                "steps": warmup,
                "batch": 48,
                "lr": 3e-3,
                "betas": [0.9, 0.98],
                "warmup_steps": 40,
                "schedule": "linear",
                "final_lr": 0.05,
                "clip_norm": 0.1,
                "habits": [{"share": 0.89, "think": 1.0}, {"share": 0.11, "think": 0.15}],
            },
            "rewards": {"accuracy": {}, "format": {"weight": 0.1, "params": {"style": "think_answer_soft"}}},
            "grpo": {
                "steps": steps,
                "prompts": 8,
                "samples": 16,
                "micro_batch_tokens": 16384,
                "algorithm": "dapo",
                "objective": {"scale": "none"},
                "lr": 3e-4,
                "warmup_steps": 5,
                "betas": [0.9, 0.98],
            },
            "sampling": {"temperature": 1.0, "max_tokens": 20},
            "evaluation": {"prompts": 128, "every": 50},
            "checkpoint": {"every": None},
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        f"{platform.machine()}, one thread; torch {torch.__version__}, transformers {transformers.__version__}; "
        f"{time.strftime('%Y-%m-%d')}"
    ]
    arms: dict[str, dict[str, Any]] = {"balance: both": {"balance": "both"}, "balance: none": {"balance": "none"}}
    for name, moe in arms.items():
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            path = train(config(Path(folder) / "run", moe, given.small), quiet=True)
            logged = read_metrics(path / "metrics.jsonl")
        lines.append(f"\n{name}, {time.process_time() - began:.0f} CPU s")
        lines += [" ".join(["phase", "step", *(each.rjust(18) for each in SHOWN)])]
        for line in logged:
            phase, step = line["phase"], int(line["step"])
            shown = phase == "evaluation" or step % (100 if phase == "warmup" else 10) == 0 or given.small
            if shown and phase != "warning":
                values = (line.get(key) for key in SHOWN)
                lines.append(
                    f"{phase} {step} " + " ".join("-".rjust(18) if v is None else f"{v:18.4f}" for v in values)
                )
        print("\n".join(lines), flush=True)
        if given.out is not None:
            given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
