"""Which of a prompt's completions are fit to be imitated, and why the others are not."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from veritune.trainer.config.select import SelectConfig

FENCE = re.compile(r"^[ \t]*(```|~~~)", re.MULTILINE)
PARAGRAPHS = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class Candidate:
    """A completion with what decides on it."""

    text: str
    tokens: int
    truncated: bool
    rewards: Mapping[str, float | None]
    """By alias, and ``reward`` for the whole; None where undecided."""


class Selection:
    """Chooses among the completions of one prompt at a time; remembers what it has kept of every prompt."""

    def __init__(self, config: SelectConfig, keep: Mapping[str, float]) -> None:
        self.config, self.least = config, keep
        self.seen: set[str] = set()
        """Checksums of prompts with what was kept of them."""
        self.kept: Counter[str] = Counter()
        """Checksums of prompts, and how many completions of each are kept; 0 of those that were only asked."""

    def choose(self, prompt: str, candidates: Sequence[Candidate]) -> list[str | None]:
        """Of every completion why it is dropped; None of those that are kept."""
        reasons: list[str | None] = [self.problem(candidate) for candidate in candidates]
        asked = checksum(prompt)
        self.kept[asked] += 0
        for place in sorted(range(len(candidates)), key=lambda n: self._rank(candidates[n])):
            if reasons[place] is not None:
                continue
            key = checksum(f"{prompt}\0{candidates[place].text.strip()}")
            if not self.config.duplicates and key in self.seen:
                reasons[place] = "the same words again"
            elif self.kept[asked] >= self.config.most:
                reasons[place] = "enough of this prompt"
            else:
                self.kept[asked] += 1
                self.seen.add(key)
        return reasons

    def problem(self, one: Candidate) -> str | None:
        """Why a completion is not fit, by itself."""
        config = self.config
        if not one.text.strip():
            return "no words"
        if one.truncated and not config.truncated:
            return "cut at the limit"
        for name, least in self.least.items():
            value = one.rewards.get(name)
            if value is None:
                return f"{name} undecided"
            if value < least:
                return f"{name} below {least:g}"
        if one.tokens < config.least_tokens:
            return "too short"
        if config.most_tokens is not None and one.tokens > config.most_tokens:
            return "too long"
        if config.longest_paragraph is not None and longest_paragraph(one.text) > config.longest_paragraph:
            return "a long paragraph"
        if not config.code_blocks and FENCE.search(one.text):
            return "a code block"
        if config.repeated is not None and repeated_share(one.text, config.repeated_run) > config.repeated:
            return "repetition"
        return None

    def _rank(self, one: Candidate) -> float:
        if self.config.choose == "shortest":
            return one.tokens
        return -(one.rewards.get("reward") or 0.0) if self.config.choose == "best" else 0.0


def checksum(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def longest_paragraph(text: str) -> int:
    """Characters of the longest run of text without an empty line; white space around it does not count."""
    return max(len(paragraph.strip()) for paragraph in PARAGRAPHS.split(text))


def repeated_share(text: str, run: int) -> float:
    """The share of words that stand in a run of so many words that has occurred before. Scripts without spaces count
    their characters as words."""
    words = re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+", text)
    seen: set[tuple[str, ...]] = set()
    covered = 0
    end = 0
    for start in range(len(words) - run + 1):
        piece = tuple(words[start : start + run])
        if piece in seen:
            covered += start + run - max(end, start)
            end = start + run
        seen.add(piece)
    return covered / max(1, len(words))
