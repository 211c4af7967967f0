"""How many characters a second ``language`` reads, of this tree and of an older one, side by side in the same run.

    python benchmarks/language_speed.py DATA --before OLD/src [--rounds 7]

DATA holds ``multilingual/mgsm.jsonl``, ``labelled_responses``, ``math_zh``, ``traces`` and ``code`` as JSON lines; OLD
is a checkout of the tree to compare with. Each tree works in a process of its own; in every round both read the same
texts, which neither has read before, one after the other and in turns. CPU seconds, the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

LATIN = ("de", "en", "es", "fr", "sw")
ROUND_CHARACTERS = 120_000
"""What of a kind is read in a round; kinds with less real text are dealt out."""


class Case(NamedTuple):
    """A text, its prompt, and the target asked for."""

    text: str
    target: str
    prompt: str | None = None


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def kinds(data: Path) -> dict[str, list[Case]]:
    """Texts by kind, in an order drawn with a fixed seed."""
    rng = random.Random(21)
    problems: dict[str, list[str]] = defaultdict(list)
    for row in rows(data / "multilingual" / "mgsm.jsonl"):
        problems[row["lang"]].append(row["problem"])
    flat = [(code, text) for code, texts in sorted(problems.items()) for text in texts]
    rng.shuffle(flat)
    solved = [str(row["response"]) for row in rows(data / "labelled_responses" / "math_qwen_boxed_x8.jsonl")]
    told = [str(row["response"]) for row in rows(data / "labelled_responses" / "gsm8k_model_solutions.jsonl")]
    rng.shuffle(solved)
    rng.shuffle(told)
    thoughts = [str(row["text"]) for row in rows(data / "traces" / "think_misguided_attention.jsonl")]
    chinese = [
        f"{row['problem']}\n{row['analysis']}"
        for row in rows(data / "math_zh" / "gaokao_bench_with_analysis.jsonl")
        if row.get("analysis")
    ]
    programs = [f"{row['text']}\n```python\n{row['code']}\n```" for row in rows(data / "code" / "mbpp.jsonl")]
    rng.shuffle(programs)
    found = {
        "a prompt each, auto": [Case(f"<think>{text}</think>", "auto", text) for _, text in flat],
        "8 a prompt, auto": [
            Case(f"<think>{text}</think>", "auto", prompt)
            for code, prompt in flat[:200]
            for text in rng.sample(problems[code], 8)
        ],
        "questions": [Case(f"<think>{text}</think>", code) for code, text in flat],
        "questions, Latin": [Case(text, code) for code, text in flat if code in LATIN],
        "32,000 characters": [
            Case(_long(rng, problems[code], 32_000), code) for _ in range(8) for code in ("en", "zh", "de", "ru")
        ],
        "two scripts": [Case(_mixed(rng, problems, "en", "zh"), "en") for _ in range(400)],
        "two Latin": [Case(_mixed(rng, problems, *rng.sample(LATIN, 2)), "en") for _ in range(400)],
        "Chinese, Japanese": [Case(_mixed(rng, problems, "zh", "ja"), "zh") for _ in range(400)],
        "solutions, LaTeX": [Case(text, "en") for text in solved],
        "solutions, plain": [Case(text, "en") for text in told],
        "Chinese analyses": [Case(text, "zh") for text in chinese],
        "long traces": [Case(text, "en") for text in thoughts],
        "programs": [Case("\n\n".join(programs[i : i + 6]), "en") for i in range(0, len(programs), 6)],
    }
    return found


def _long(rng: random.Random, texts: Sequence[str], size: int) -> str:
    found: list[str] = []
    while sum(map(len, found)) < size:
        found.append(rng.choice(texts))
    return " ".join(found)[:size]


def _mixed(rng: random.Random, texts: dict[str, list[str]], first: str, second: str) -> str:
    return " ".join(rng.choice(texts[rng.choice((first, second))]) for _ in range(6))


def shards(cases: Sequence[Case], rounds: int) -> list[list[Case]]:
    """The cases dealt to the rounds, side by side: the texts of a prompt stay together, and no case is read twice."""
    found: list[list[Case]] = []
    rest = iter(cases)
    share = min(ROUND_CHARACTERS, sum(len(case.text) for case in cases) // rounds)
    for _ in range(rounds):
        taken: list[Case] = []
        size = 0
        while size < share and (case := next(rest, None)) is not None:
            taken.append(case)
            size += len(case.text)
        found.append(taken)
    return [shard for shard in found if shard]


def work() -> None:
    """Read shards from standard input, answer each with its CPU seconds and its values."""
    from veritune import get_reward

    for line in sys.stdin:
        cases = [Case(*case) for case in json.loads(line)]
        made = {target: get_reward("language", target=target) for target in {case.target for case in cases}}
        start = time.process_time()
        scored = [made[case.target].score(case.text, case.prompt).value for case in cases]
        print(json.dumps([time.process_time() - start, scored]), flush=True)


class Tree:
    """A process that scores with the package under ``source``."""

    def __init__(self, source: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(source)},
        )

    def score(self, cases: Sequence[Case]) -> tuple[float, list[float | None]]:
        told, heard = self.process.stdin, self.process.stdout
        if told is None or heard is None:
            raise RuntimeError("the process has no pipes")
        print(json.dumps(cases), file=told, flush=True)
        seconds, values = json.loads(heard.readline())
        return seconds, values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--before", type=Path, required=True, help="src of the tree to compare with")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    trees = (Tree(given.before), Tree(Path(__file__).parents[1] / "src"))
    print(
        f"{date.today():%d %B %Y}; {platform.system()} {platform.machine()}, {platform.python_implementation()} "
        f"{platform.python_version()}, langdetect {version('langdetect')}; {given.rounds} rounds, new texts in each"
    )
    print("Thousands of characters a second of CPU, the median of the rounds; the ratio is the median of theirs")
    print(f"{'kind':20}{'texts':>7}{'characters':>12}{'before':>9}{'now':>9}{'ratio':>7}  of the rounds")
    ratios: list[float] = []
    for kind, cases in kinds(given.data).items():
        for tree in trees:  # profiles are loaded, and the commonest words known, as in any run that goes on
            tree.score(cases[-1:])
        rates: tuple[list[float], list[float]] = ([], [])
        dealt = shards(cases[:-1], given.rounds)
        for i, shard in enumerate(dealt):
            size = sum(len(case.text) for case in shard)
            for which in (0, 1) if i % 2 else (1, 0):
                rates[which].append(size / trees[which].score(shard)[0] / 1000)
        each = [now / before for before, now in zip(*rates, strict=True)]
        ratios.append(statistics.median(each))
        print(
            f"{kind:20}{sum(map(len, dealt)):7}{sum(len(c.text) for s in dealt for c in s):12,}"
            f"{statistics.median(rates[0]):9.0f}{statistics.median(rates[1]):9.0f}{ratios[-1]:7.2f}"
            f"  {min(each):.2f} to {max(each):.2f}",
            flush=True,
        )
    print(f"{'the middle kind':57}{statistics.median(ratios):7.2f}, the slowest {min(ratios):.2f}")


if __name__ == "__main__":
    work() if sys.argv[1:] == ["--worker"] else main()
