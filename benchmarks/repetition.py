"""What ``repetition_penalty`` costs real text: words as it reads them, words at spaces, and with ``spare``.

    python benchmarks/repetition.py DATA

DATA holds ``labelled_responses``, ``math_zh`` and ``traces`` as JSON lines. Nothing in them is a loop by intent: every
penalty is the price of honest text; model solutions and long traces do repeat themselves.
"""

from __future__ import annotations

import json
import platform
import random
import sys
from collections.abc import Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from veritune import get_reward

WAYS: dict[str, dict[str, Any]] = {
    "words": {},
    "at spaces": {"language": "en"},
    "spare: 2": {"spare": 2},
    "spare: 10": {"spare": 10},
}


def column(path: Path, *keys: str) -> list[str]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [str(row[key]) for row in rows for key in keys if row.get(key)]


def texts(data: Path) -> dict[str, Sequence[str]]:
    solutions = column(data / "labelled_responses" / "gsm8k_model_solutions.jsonl", "response")
    return {
        "GSM8K model solutions": random.Random(0).sample(solutions, 600),
        "MATH solutions, LaTeX": column(data / "labelled_responses" / "math_qwen_boxed_x8.jsonl", "response"),
        "long traces": column(data / "traces" / "think_misguided_attention.jsonl", "text"),
        "Chinese analyses": column(data / "math_zh" / "gaokao_bench_with_analysis.jsonl", "analysis"),
        "Chinese GPT-4 answers": column(data / "labelled_responses" / "gaokao_mcq_gpt4_zh.jsonl", "response"),
    }


def main(data: Path) -> None:
    print(
        f"{date.today():%d %B %Y}; {platform.system()} {platform.machine()}, {platform.python_implementation()} "
        f"{platform.python_version()}; Chinese words: {'jieba' if find_spec('jieba') else 'by character'}; three words"
    )
    print("Mean penalty (and what one text in twenty is beyond)")
    print(f"{'':24}{'texts':>6}" + "".join(f"{way:>18}" for way in WAYS))
    for kind, listed in texts(data).items():
        cells = []
        for params in WAYS.values():
            reward = get_reward("repetition_penalty", **params)
            given = [reward.score(text).value for text in listed]
            values = sorted(value for value in given if value is not None)
            if len(values) < len(given):  # a text without a score is no text without cost
                raise RuntimeError(f"{kind}: {len(given) - len(values)} of {len(given)} texts are undecided")
            cells.append(f"{sum(values) / len(values):.3f} ({values[len(values) // 20]:.2f})")
        print(f"{kind:24}{len(listed):6}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
