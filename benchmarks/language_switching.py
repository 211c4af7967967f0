"""Real sentences of one language with words of another inside them, and the true share of their letters."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence

from language_mixes import Mix, letters

_SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\n+")
_UNSPACED = ("ja", "th", "zh")


def switched(
    texts: Mapping[str, Sequence[str]], first: str, second: str, pieces: int, words: tuple[int, int], seed: int = 0
) -> Iterator[Mix]:
    """Every text of the first language, with ``words`` (fewest, most) of the second inside ``pieces`` of its sentences.

    Of scripts without spaces three letters are a word. The inserted words follow one another in a real sentence.
    """
    rng = random.Random(f"{first} {second} {pieces} {words} {seed}")
    donors = [sentence for text in texts[second] for sentence in sentences(text) if letters(sentence) > 25]
    for text in texts[first]:
        parts = sentences(text)
        chosen = set(rng.sample(range(len(parts)), min(pieces, len(parts))))
        count = 0
        for i in chosen:
            piece = _piece(rng, rng.choice(donors), second, rng.randint(*words))
            count += letters(piece)
            parts[i] = _inside(rng, parts[i], first, piece)
        joined = ("" if first in ("ja", "zh") else " ").join(parts)
        yield Mix(first, second, "words", joined, 1 - count / max(letters(joined), 1))


def sentences(text: str) -> list[str]:
    return [part for part in _SENTENCES.split(text) if part]


def _tokens(text: str, code: str) -> list[str]:
    return re.findall(r"[^\s]{1,3}\s*" if code in _UNSPACED else r"\S+\s*", text)


def _piece(rng: random.Random, sentence: str, code: str, size: int) -> str:
    tokens = [token for token in _tokens(sentence, code) if letters(token) > 1]
    start = rng.randrange(max(len(tokens) - size, 1))
    return "".join(tokens[start : start + size]).strip(" .,;:!?。，、？！()\"'«»“”")


def _inside(rng: random.Random, sentence: str, code: str, piece: str) -> str:
    tokens = _tokens(sentence, code)
    at = rng.randrange(1, len(tokens)) if len(tokens) > 1 else len(tokens)
    before, after = "".join(tokens[:at]), "".join(tokens[at:])
    return f"{before.rstrip()} {piece} {after}"
