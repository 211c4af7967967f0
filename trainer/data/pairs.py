"""Preference pairs: read, split by prompt, encoded."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veritune.plugins import ColumnError, DataError, Text
from veritune.plugins.errors import did_you_mean
from veritune.plugins.types import completion_text, prompt_text
from veritune.rewards.preference.encoding import Encoder
from veritune.rewards.preference.items import Item
from veritune.trainer.config.pairs import PairFiles
from veritune.trainer.data.hub import load_records


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, the first the better one by ``margin``."""

    prompt: Text | None
    chosen: Text
    rejected: Text
    margin: float = 0.0
    chosen_ends: bool = True
    """Whether the answer ended by itself; one that was cut off has no end-of-sequence token."""
    rejected_ends: bool = True

    @property
    def texts(self) -> tuple[str, str]:
        return completion_text(self.chosen), completion_text(self.rejected)


@dataclass(frozen=True)
class EncodedPair:
    chosen: list[int]
    rejected: list[int]
    margin: float


def load_pairs(config: PairFiles) -> tuple[list[Pair], list[Pair]]:
    """Training and held-out pairs. Raises DataError or ColumnError."""
    assert config.train is not None
    pairs = _read(config.train, config)
    if config.eval is not None:
        return pairs, _read(config.eval, config)
    return split_pairs(pairs, config.held_out, config.train)


def split_pairs(pairs: Sequence[Pair], share: float, where: str) -> tuple[list[Pair], list[Pair]]:
    """Pairs to train on and, of about this share of the prompts, pairs held out. Raises DataError for too few."""
    train = [pair for pair in pairs if _checksum(pair) >= share]
    out = [pair for pair in pairs if _checksum(pair) < share]
    if not train or (share > 0 and not out):
        raise DataError(f"{where}: {len(pairs)} pairs are too few to hold out {share:.0%} of them")
    return train, out


def encode_pairs(pairs: Sequence[Pair], encoder: Encoder) -> list[EncodedPair]:
    """Token ids of both answers; a pair of which either is refused (too long, empty) is left out."""
    found = []
    for pair in pairs:
        chosen = encoder(Item(pair.prompt, pair.chosen)).ids
        rejected = encoder(Item(pair.prompt, pair.rejected)).ids
        if chosen is not None and rejected is not None:
            found.append(EncodedPair(chosen, rejected, pair.margin))
    return found


def _checksum(pair: Pair) -> float:
    """In [0, 1), a function of the prompt (without one, of both answers)."""
    key = prompt_text(pair.prompt) or "\0".join(sorted(pair.texts))
    return zlib.crc32(key.encode()) / 2**32


def _read(path: str, config: PairFiles) -> list[Pair]:
    records = load_records(path)[: config.limit]
    return [_pair(record, config, f"{path}, row {number}") for number, record in enumerate(records, 1)]


def _pair(record: Mapping[str, Any], config: PairFiles, where: str) -> Pair:
    better_by: str | None = getattr(config, "margin", None)
    wanted = [config.prompt, config.chosen, config.rejected, better_by]
    for column in wanted:
        if column is not None and column not in record:
            whole = all(isinstance(record.get(side), list) for side in (config.chosen, config.rejected))
            hint = ""
            if column == config.prompt and whole:
                hint = (
                    " Are chosen and rejected whole conversations, prompt and all? Then say prompt: null beside them."
                )
            near, known = did_you_mean(column, record), ", ".join(sorted(record))
            raise ColumnError(f"{where}: no column {column!r}.{near} Columns: {known}.{hint}")
    prompt = record[config.prompt] if config.prompt is not None else None
    chosen, rejected = record[config.chosen], record[config.rejected]
    for name, value in (("prompt", prompt or ""), (config.chosen, chosen), (config.rejected, rejected)):
        if not isinstance(value, str | list):
            raise DataError(f"{where}: {name!r} is text or a list of messages, got {json.dumps(value)[:80]}")
    if prompt is None and isinstance(chosen, list):  # whole conversations: what they share is the prompt
        shared = next((i for i, (a, b) in enumerate(zip(chosen, rejected, strict=False)) if a != b), 0)
        prompt, chosen, rejected = chosen[:shared], chosen[shared:], rejected[shared:]
    margin = float(record[better_by]) if better_by is not None else 0.0
    return Pair(prompt, chosen, rejected, margin)
