"""In the killable process: one completion scored twice."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

from veritune.plugins import Sample

_cache: dict[bytes, Any] = {}


def score(packed: bytes, prompt: str, completion: str, columns: Mapping[str, Any]) -> tuple[Any, Any, str, str]:
    """The values of two calls, the first one's reason and its cause where it has no value."""
    reward = loaded(packed)
    sample = Sample(completion, prompt, token_ids(completion), columns)
    first, second = (reward.score_batch([sample])[0] for _ in range(2))
    return first.value, second.value, first.reason, str(first.cause or "")


def loaded(packed: bytes) -> Any:
    """The reward that was pickled; the last one is kept."""
    if packed not in _cache:
        _cache.clear()
        _cache[packed] = pickle.loads(packed)
    return _cache[packed]


def token_ids(text: str) -> list[int]:
    """Stand-ins for token ids (one a word), so that rewards over tokens can be attacked too."""
    words: dict[str, int] = {}
    return [words.setdefault(word, len(words)) for word in text.split()]
