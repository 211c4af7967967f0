"""How far the language reward's share is from the true one, and how long 32,000 characters take.

    python benchmarks/language.py ROWS.jsonl [ROWS.jsonl …]

Rows have ``lang`` and a text in ``problem``, ``analysis``, ``cot`` or ``solution``. Prints, per granularity and
back-end, the mean and the largest error over all pairs of languages and five shares, and the CPU time of one text.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from language_mixes import mixes

from veritune import get_reward

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def read(paths: Sequence[str]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            texts[row["lang"]].extend(str(row[k]) for k in ("problem", "analysis", "cot", "solution") if row.get(k))
    return texts


def errors(texts: dict[str, list[str]], granularity: str, backend: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for first in sorted(texts):
        reward = get_reward("language", target=first, backend=backend)
        for second in sorted(texts.keys() - {first}):
            scored = [(m, reward.score(m.text).value) for m in mixes(texts, first, second, granularity, SHARES)]
            found[f"{first}/{second}"] = [abs(value - m.share) for m, value in scored if value is not None]
    return found


def speed(text: str, target: str, backend: str, runs: int = 5) -> float:
    reward = get_reward("language", target=target, backend=backend)
    reward.score(text)
    times = []
    for _ in range(runs):
        start = time.process_time()
        reward.score(text)
        times.append(time.process_time() - start)
    return min(times)


def main(paths: Sequence[str]) -> None:
    if not paths:
        raise SystemExit(__doc__)
    texts = read(paths)
    backends = [b for b in ("langdetect", "py3langid") if importlib.util.find_spec(b) is not None]
    print(f"Python {sys.version.split()[0]}, " + ", ".join(f"{b} {version(b)}" for b in backends))
    print(f"{'back-end':12}{'granularity':13}{'mixes':>6}{'mean':>9}{'max':>8}{'>0.05':>7}  worst pair")
    for backend in backends:
        for granularity in ("paragraph", "sentence", "clause"):
            found = errors(texts, granularity, backend)
            every = [e for values in found.values() for e in values]
            worst = max(found, key=lambda pair: max(found[pair], default=0.0))
            mean = sum(every) / len(every)
            over = sum(e > 0.05 for e in every)
            print(f"{backend:12}{granularity:13}{len(every):6}{mean:9.4f}{max(every):8.3f}{over:7}  {worst}")
    for backend in backends:
        for code in sorted(texts):
            text = (" ".join(texts[code]) * 20)[:32_000]
            print(f"{backend:12}{code}: {len(text)} characters in {speed(text, code, backend) * 1000:.0f} ms of CPU")


if __name__ == "__main__":
    main(sys.argv[1:])
