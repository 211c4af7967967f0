"""Fits the weights by which a window of text resembles an address to a judge (rewards/judge/likeness.py).

    python benchmarks/injection_weights.py --attacks A.jsonl … --honest H.jsonl … --real R.jsonl … > weights.txt

Rows have ``text`` (or ``response``, ``solution``). A logistic regression with an L2 penalty on the traits of windows:
every window of an honest text is none; of an attack the window that weighs most is one, which is found again after each
round (multiple-instance learning). Attacks and honest texts are also put into real ones, so that length and place tell
nothing. Prints the entries of likeness_weights.py, and before them what a cross-validation in four parts finds.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from veritune.rewards.judge.address import addresses
from veritune.rewards.judge.disguise import folded, plain_text, undisguised
from veritune.rewards.judge.forms import forms
from veritune.rewards.judge.injection import LIKELY
from veritune.rewards.judge.likeness import windows

Bag: TypeAlias = list[frozenset[str]]
PENALTY, ROUNDS, STEPS, SEEN, SAID = 1.0, 4, 110, 4, 6
"""Words (``w:``) are traits where so many attacks have them, other traits where so many texts do."""
HONEST_WEIGHS, REAL_WEIGHS = 3.0, 0.6
FOLDS = 4


def texts(paths: Sequence[str]) -> list[str]:
    rows = [json.loads(line) for path in paths for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [str(row.get("text") or row.get("response") or row.get("solution") or "") for row in rows]


def bag(text: str) -> Bag:
    """The traits of every window, in every reading of a text."""
    plain = plain_text(text)
    kinds = frozenset({**forms(plain), **addresses(folded(plain))})
    found = [window.traits for window in windows(folded(plain), kinds)]
    return found + [window.traits for other in undisguised(plain) for window in windows(folded(other))]


def inside(text: str, hosts: Sequence[str], rng: random.Random) -> str:
    """A text behind, before or in the middle of a real one."""
    host = rng.choice(hosts)
    ends = [i + 1 for i, char in enumerate(host) if char in ".。\n"]
    at = rng.choice([0, len(host), *ends])
    return f"{host[:at]}\n{text}\n{host[at:]}"


def matrix(bags: Sequence[Bag], names: dict[str, int]) -> tuple[Any, Any]:
    owners = [n for n, one in enumerate(bags) for _ in one]
    filled = np.zeros((len(owners), len(names) + 1), np.float32)
    filled[:, -1] = 1
    for row, traits in enumerate(traits for one in bags for traits in one):
        filled[row, [names[trait] for trait in traits if trait in names]] = 1
    return filled, np.array(owners)


def fit(attacks: Sequence[Bag], honest: Sequence[Bag], weighs: Sequence[float]) -> dict[str, float]:
    """Trait → weight; the constant under the empty name."""
    counts = Counter(trait for one in (*attacks, *honest) for trait in frozenset().union(*one))
    said = Counter(trait for one in attacks for trait in frozenset().union(*one))
    kept = (t for t, n in counts.items() if n >= SEEN and (not t.startswith("w:") or said[t] >= SAID))
    names = {trait: i for i, trait in enumerate(sorted(kept))}
    (ours, owner), (theirs, other) = matrix([one for one in attacks if one], names), matrix(honest, names)
    penalty = np.array([*(PENALTY * _penalty(name) for name in names), 0.0], np.float32)
    weights = np.zeros(len(names) + 1, np.float32)
    chosen, share = np.arange(len(owner)), (1 / np.bincount(owner)[owner]).astype(np.float32)
    least = np.array(weighs, np.float32)[other]
    for _ in range(ROUNDS):
        x = np.vstack([ours[chosen], theirs])
        y = np.r_[np.ones(len(chosen)), np.zeros(len(theirs))].astype(np.float32)
        counted = np.r_[share, least]
        mean, square = np.zeros_like(weights), np.zeros_like(weights)
        for step in range(1, STEPS + 1):  # Adam on the whole
            probable = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
            slope = x.T @ (counted * (probable - y)) + penalty * weights
            mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
            weights -= 0.05 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        values = ours @ weights
        best: dict[int, int] = {}
        for row, of in enumerate(owner.tolist()):
            if of not in best or values[row] > values[best[of]]:
                best[of] = row
        chosen, share = np.array(sorted(best.values())), np.ones(len(best), np.float32)
    return {**{name: float(weights[i]) for name, i in names.items()}, "": float(weights[-1])}


def _penalty(name: str) -> float:
    return 1.5 if name.startswith("w:") else 1.0 if "&" in name else 0.5


def value(one: Bag, weights: dict[str, float]) -> float:
    return max((weights[""] + sum(weights.get(trait, 0.0) for trait in traits) for traits in one), default=-99.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("attacks", "honest", "real"):
        parser.add_argument(f"--{name}", nargs="+", required=True)
    given = parser.parse_args()
    rng = random.Random(0)
    real = texts(given.real)
    hosts = [text for text in real if 80 < len(text) < 1500]
    pairs = {
        kind: [(bag(text), bag(inside(text, hosts, rng))) for text in texts(paths)]
        for kind, paths in (("attacks", given.attacks), ("honest", given.honest))
    }
    plain = [bag(text) for text in real]

    def fitted(keep: Sequence[Sequence[tuple[Bag, Bag]]]) -> dict[str, float]:
        attacks, honest = ([one for pair in some for one in pair] for some in keep)
        return fit(attacks, [*honest, *plain], [HONEST_WEIGHS] * len(honest) + [REAL_WEIGHS] * len(plain))

    hit = dict.fromkeys(pairs, 0)
    for fold in range(FOLDS):
        weights = fitted([[p for n, p in enumerate(some) if n % FOLDS != fold] for some in pairs.values()])
        for kind, some in pairs.items():
            hit[kind] += sum(value(first, weights) > LIKELY for n, (first, _) in enumerate(some) if n % FOLDS == fold)
    for kind, count in hit.items():
        print(f"{kind}: {count} of {len(pairs[kind])} flagged in cross-validation", file=sys.stderr)
    for trait, weight in sorted(fitted(list(pairs.values())).items()):
        if abs(weight) >= 0.05:
            print(f"{trait} {weight:.2f}")


if __name__ == "__main__":
    main()
