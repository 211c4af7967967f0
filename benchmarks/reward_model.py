"""A small reward model on real preference pairs: k folds, pooled, beside what length alone would give.

    python -m benchmarks.reward_model PAIRS.jsonl [--folds 3] [--config examples/reward_model.yaml]

Each pair is held out once. Before its figures count, a model is read by `preference` and by plain transformers alike.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from veritune import get_reward
from veritune.plugins import Sample
from veritune.trainer.observe.pair_metrics import wilson
from veritune.trainer.run import train
from veritune.trainer.stages.table import parse_run

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-5


def main() -> None:
    """Train a model a fold and print one line each, then the pooled accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--config", type=Path, default=ROOT / "examples" / "reward_model.yaml")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.pairs.read_text(encoding="utf-8").splitlines() if line.strip()]
    random.Random(0).shuffle(rows)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for fold in range(given.folds):
            found.append(run_fold(rows, fold, given.folds, given.config, Path(folder)))
    right, total = sum(f["accuracy"] * f["pairs"] for f in found), sum(f["pairs"] for f in found)
    low, high = wilson(right, total)
    longer = sum(f["longer_is_better"] * f["pairs"] for f in found) / total
    print(f"pooled: {right / total:.1%} [{low:.1%}, {high:.1%}] of {total:.0f} pairs; the longer answer: {longer:.1%}")


def run_fold(rows: list[dict[str, Any]], fold: int, folds: int, config: Path, folder: Path) -> dict[str, float]:
    """One training; the metrics of its held-out pairs."""
    parts = {"train": [r for i, r in enumerate(rows) if i % folds != fold], "eval": rows[fold::folds]}
    for name, part in parts.items():
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in part)
        (folder / f"{name}-{fold}.jsonl").write_text("".join(lines), encoding="utf-8")
    values = yaml.safe_load(config.read_text(encoding="utf-8"))
    values["output"] = str(folder / f"run-{fold}")
    values["data"] |= {name: str(folder / f"{name}-{fold}.jsonl") for name in parts}
    begun = time.process_time()
    run = train(parse_run(values), quiet=True)
    seconds = time.process_time() - begun
    difference = disagreement(str(run / "model"), parts["eval"][:8])
    if difference > TOLERANCE:
        raise SystemExit(f"preference and plain transformers differ by {difference:.2g}")
    found: dict[str, float] = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    print(
        f"fold {fold}: {found['accuracy']:.1%} [{found['accuracy_low']:.1%}, {found['accuracy_high']:.1%}] "
        f"ECE {found['ece']:.3f} Brier {found['brier']:.3f} loss {found['loss']:.3f}, {seconds:.0f} s CPU, "
        f"largest difference from plain transformers {difference:.1e}",
        flush=True,
    )
    return found


def disagreement(path: str, rows: list[dict[str, Any]]) -> float:
    """Largest difference between `preference` in one padded batch and transformers one text at a time."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForSequenceClassification.from_pretrained(path, dtype=torch.float32).eval()
    reward = get_reward("preference", model=path, device="cpu")
    scores = reward.score_batch([Sample(row["chosen"], row["prompt"]) for row in rows])
    worst = 0.0
    with torch.inference_mode():
        for row, score in zip(rows, scores, strict=True):
            ids = tokenizer(row["prompt"] + row["chosen"], add_special_tokens=False, return_tensors="pt")
            if score.value is None or ids["input_ids"].shape[1] > 2048:
                continue
            worst = max(worst, abs(float(model(**ids).logits[0, 0]) - score.value))
    return worst


if __name__ == "__main__":
    main()
