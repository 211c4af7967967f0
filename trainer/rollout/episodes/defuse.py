"""What an environment says stays words: no special token comes of it, and no turn of the policy ends by it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any


class Defuse:
    """Breaks up special tokens in what an environment says: ``< |im_end|>``.

    What a tool answers is often the policy's doing, such as the output of its program.
    """

    def __init__(self, tokenizer: Any, eos_ids: Sequence[int] = ()) -> None:
        """``eos_ids``: what ends the policy's turns, whether or not the tokenizer flags it as special."""
        added = getattr(tokenizer, "added_tokens_decoder", {})
        special = {str(token): i for i, token in added.items() if token.special}
        for i in eos_ids:
            end = tokenizer.decode([i], skip_special_tokens=False)
            if len(end.strip()) > 1:  # a lone letter or a line's end: no environment could write without it
                special.setdefault(end, i)
        self._ids = set(special.values())
        self._special = re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))) or r"(?!)")
        self._first = {text[:1] for text in special}

    def __call__(self, value: Any) -> Any:
        """The same text, message or messages, with the special tokens in them broken up."""
        return _mapped(value, lambda text: self._special.sub(lambda found: f"{found[0][:1]} {found[0][1:]}", text))

    def strictly(self, value: Any) -> Any:
        """Without any character that a special token begins with, nor one that a tokenizer may take for it: for texts
        of which a special token comes though none is in them, such as two halves that a template puts together."""
        return _mapped(value, lambda text: "".join("?" if self._begins(c) else c for c in text), ("role", "type"))

    def count(self, ids: Sequence[int]) -> int:
        """How many special tokens there are."""
        return sum(i in self._ids for i in ids)

    def _begins(self, character: str) -> bool:
        return character in self._first or unicodedata.normalize("NFKC", character)[:1] in self._first


def _mapped(value: Any, change: Callable[[str], str], names: Sequence[str] = ()) -> Any:
    """Every text within a value changed, but those of these ``names``."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: each if key in names else _mapped(each, change, names) for key, each in value.items()}
    return [_mapped(each, change, names) for each in value] if isinstance(value, list | tuple) else value
