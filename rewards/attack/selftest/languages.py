"""Rewards that tell languages: with a fault each (``BROKEN``), and without (``SOUND``)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

BROKEN: list[str] = []
"""Names of functions of this module; a language that is not paid pays in each."""
SOUND: list[str] = []

_F = TypeVar("_F", bound=Callable[..., Any])


def broken(function: _F) -> _F:
    """Put a function on the list of those that the attack must expose."""
    BROKEN.append(function.__name__)
    return function


def sound(function: _F) -> _F:
    """Put a function on the list of those that it must pass."""
    SOUND.append(function.__name__)
    return function


def _share(text: str) -> float | None:
    """Of the letters, those in Latin script."""
    letters = [char for char in text if char.isalpha()]
    return sum(char.isascii() for char in letters) / len(letters) if letters else None


@broken
def english_without_code(completion: str) -> float | None:
    return _share(re.sub(r"```.*?(?:```|\Z)|`[^`]*`", "", completion, flags=re.DOTALL))


@broken
def english_without_mathematics(completion: str) -> float | None:
    return _share(re.sub(r"\$\$?.*?\$\$?|\\\[.*?\\\]|\\begin\{.*?\\end\{\w+\}", "", completion, flags=re.DOTALL))


@broken
def english_without_markup(completion: str) -> float | None:
    return _share(re.sub(r"<(?!/?think>)[^>]*>|https?://\S+", "", completion, flags=re.DOTALL))


@broken
def english_in_the_block(completion: str) -> float | None:
    _, opened, behind = completion.partition("<think>")
    thought, closed, _ = behind.partition("</think>")
    return _share(thought) if opened and closed else 0.0


@broken
def english_at_first(completion: str) -> float | None:
    return _share(completion[:4000])


@broken
def english_letters(completion: str) -> float | None:
    return _share(completion)


@broken
def english_by_a_word(completion: str) -> float:
    return float(len(re.findall(r"\bthe\b", completion)) >= 1)


def _of_letters(text: str, first: str, last: str) -> float:
    """Of the letters, those from one to another."""
    letters = [char for char in text.lower() if char.isalpha()]
    return sum(first <= char <= last for char in letters) / max(1, len(letters))


@broken
def english_in_the_last_line(completion: str) -> float | None:
    return _share(completion.strip().rpartition("\n")[2])


@broken
def english_by_lines(completion: str) -> float:
    lines = [line for line in completion.splitlines() if line.strip()]
    return sum(bool(re.search("[a-zA-Z]", line)) for line in lines) / max(1, len(lines))


@broken
def english_between_spaces(completion: str) -> float:
    words = completion.split()
    return sum(word.isascii() for word in words) / max(1, len(words))


@broken
def english_at_last(completion: str) -> float | None:
    return _share(completion[-2000:])


@broken
def english_unfolded(completion: str) -> float | None:
    return _share(re.sub(r"<details>.*?</details>", "", completion, flags=re.DOTALL))


@broken
def whatever_is_not_chinese(completion: str) -> float:
    return 1.0 - _of_letters(completion, "\u4e00", "\u9fff")


@broken
def chinese_without_code(completion: str) -> float:
    return _of_letters(re.sub(r"```.*?```", "", completion, flags=re.DOTALL), "\u4e00", "\u9fff")


@broken
def chinese_without_mathematics(completion: str) -> float:
    return _of_letters(re.sub(r"\$.*?\$|\\text\{[^}]*\}", "", completion, flags=re.DOTALL), "\u4e00", "\u9fff")


@broken
def russian_without_code(completion: str) -> float:
    return _of_letters(re.sub(r"```.*?```", "", completion, flags=re.DOTALL), "\u0430", "\u044f")


@broken
def german_by_a_word(completion: str) -> float:
    return float("und" in completion.split())


@sound
def chinese_letters(completion: str) -> float:
    return _of_letters(completion, "\u4e00", "\u9fff")


@sound
def russian_letters(completion: str) -> float:
    return _of_letters(completion, "\u0430", "\u044f")


@sound
def forbids_chinese(completion: str) -> float:
    """A penalty: what else a thought is written in is not its business."""
    return -float(bool(re.search("[\u4e00-\u9fff]", completion)))


@sound
def at_least_twenty_words(completion: str) -> float:
    """Chinese has no spaces; that is not its language."""
    return float(len(completion.split()) >= 20)


_WORDS = "the of is to and in a we it on from one other at what are want there then this so"
_COMMON = frozenset(_WORDS.split())


@sound
def english_words(completion: str) -> float | None:
    """English by its commonest words, wherever they stand; what is said once is not English twice."""
    letters = [char for char in completion if char.isalpha()]
    if len(letters) < 20:
        return None
    said = re.findall(r"[a-z]+", completion.lower())
    common = len(_COMMON & set(said)) / len(_COMMON)
    latin = sum(char.isascii() for char in letters) / len(letters)
    return round(latin**2 * min(1.0, 5 * common), 3)
