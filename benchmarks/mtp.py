"""Does multi-token prediction lower the loss on the next token? Depth 0 against 1 at equal steps, on a CPU.

    python benchmarks/mtp.py [--steps 300] [--seeds 3] [--weight 0.3]

Two kinds of data: the demonstrations of the demo (sums with their thoughts) and the text of this repository's docs in
rows of 16 characters and the 112 after them, each seen about once. Same seed: same first weights of the model, same
rows in the same order. Reported: the loss on the next token, of rows held out, after the last step.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.run import train
from veritune.trainer.stages.table import parse_run

ROOT = Path(__file__).resolve().parent.parent
MODEL = {
    "model_type": "qwen3",
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 256,
    "tie_word_embeddings": True,
}


def text_rows(folder: Path) -> dict[str, Any]:
    """The docs as rows, a tenth held out, and a tokenizer of their characters."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))]
    rows = [text[i : i + 128] for text in texts for i in range(0, len(text) - 128, 128)]
    random.Random(0).shuffle(rows)
    cut = len(rows) // 10
    for name, part in (("held_out", rows[:cut]), ("train", rows[cut:])):
        lines = [json.dumps({"prompt": row[:16], "completion": row[16:]}) for row in part]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    make_tokenizer(sorted(set("".join(texts)))).save_pretrained(folder / "tokenizer")
    return {
        "model": {"tokenizer": str(folder / "tokenizer")},
        "data": {"train": str(folder / "train.jsonl")},
        "sft": {"eval": str(folder / "held_out.jsonl")},
    }


def loss_of(
    kind: dict[str, Any], depth: int, seed: int, steps: int, weight: float, folder: Path
) -> tuple[float, float]:
    """The loss on the next token of held-out rows, and the process's seconds."""
    model = {"build": MODEL, **kind.get("model", {})}
    if depth:
        model["mtp"] = {"depth": depth, "weight": weight}
    sft = {"steps": steps, "batch": 16, "lr": 2e-3, "warmup_steps": 20, "schedule": "cosine", **kind.get("sft", {})}
    config = parse_run(
        {
            "stage": "sft",
            "seed": seed,
            "output": str(folder / f"run-{time.monotonic_ns()}"),
            "device": "cpu",
            "threads": 1,
            "model": model,
            "data": kind["data"],
            "sft": sft,
            "evaluation": {"prompts": 300},
            "checkpoint": {"keep": 1},
        }
    )
    begun = time.process_time()
    lines = read_metrics(train(config, quiet=True) / "metrics.jsonl")
    return [r["loss"] for r in lines if r["phase"] == "evaluation"][-1], time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--weight", type=float, default=0.3)
    options = parser.parse_args()
    import transformers

    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, Python {platform.python_version()}"
    print(f"{platform.machine()}, CPU, one thread; {versions}; {datetime.date.today()}")
    print(f"qwen3, 3 layers of 64; {options.steps} steps of 16 rows; weight {options.weight}, constant", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo = {"data": {"task": "arithmetic", "params": {"terms": 3}}}
        for what, kind in (("demo", demo), ("docs", text_rows(folder))):
            found: dict[int, list[float]] = {0: [], 1: []}
            for seed in range(options.seeds):
                for depth in found:
                    loss, seconds = loss_of(kind, depth, seed, options.steps, options.weight, folder)
                    found[depth].append(loss)
                    print(
                        f"{what}: seed {seed}, depth {depth}: held-out loss {loss:.4f} ({seconds:.0f} CPU s)",
                        flush=True,
                    )
            gaps = [one - none for none, one in zip(found[0], found[1], strict=True)]
            means = [statistics.mean(found[d]) for d in (0, 1)]
            print(
                f"{what}: mean {means[0]:.4f} without, {means[1]:.4f} with depth 1; difference by seed "
                + ", ".join(f"{gap:+.4f}" for gap in gaps),
                flush=True,
            )


if __name__ == "__main__":
    main()
