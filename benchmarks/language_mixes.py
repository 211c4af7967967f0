"""Mixes of two languages with a known share of letters, from rows whose language is known."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from veritune.verifiers.language.strip import natural_text

_PARTS = {
    "paragraph": None,
    "sentence": re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\n+"),
    "clause": re.compile(r"(?<=[.!?,;])\s+|(?<=[。！？，、；])\s*|\n+"),
}


@dataclass(frozen=True)
class Mix:
    """A text, the language asked for, the other one, and the share of its letters that is in the first."""

    first: str
    second: str
    granularity: str
    text: str
    share: float


def letters(text: str) -> int:
    """Letters of the natural text: Unicode category L."""
    return sum(map(str.isalpha, natural_text(text)))


def mixes(
    texts: Mapping[str, Sequence[str]],
    first: str,
    second: str,
    granularity: str,
    shares: Sequence[float],
    seed: int = 0,
) -> Iterator[Mix]:
    """Pieces of the first language with the given chance, else of the second, in random order."""
    rng = random.Random(f"{first} {second} {granularity} {seed}")
    pieces = {code: _pieces(texts[code], granularity, rng) for code in (first, second)}
    for share in shares:
        codes = [first if rng.random() < share else second for _ in range(6 if granularity == "paragraph" else 12)]
        chosen = [(code, rng.choice(pieces[code])) for code in codes]
        counts = {code: sum(letters(text) for c, text in chosen if c == code) for code in (first, second)}
        joined = ("\n\n" if granularity == "paragraph" else " ").join(text for _, text in chosen)
        yield Mix(first, second, granularity, joined, counts[first] / max(sum(counts.values()), 1))


def _pieces(texts: Sequence[str], granularity: str, rng: random.Random) -> list[str]:
    splitter = _PARTS[granularity]
    chosen = rng.sample(list(texts), min(12, len(texts)))
    if splitter is None:
        return chosen
    return [piece for text in chosen for piece in splitter.split(text) if letters(piece) >= 2]
