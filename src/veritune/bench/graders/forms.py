"""The forms in which peers need what ours takes as it stands. Completions that are marked stay as they are."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"\\[A-Za-z]+")
_WORD = re.compile(r"[A-Za-z]{2,}")
_SAYS = re.compile(r"(?i)\b(?:answer|is|isn|are|it)\b")
_MARKS = ("$", r"\boxed", r"\fbox", r"\(", r"\[", "答案", "####", "<answer>")
_LONGEST = 300
_WORDS = 4


def is_bare(completion: str) -> bool:
    """Whether a text is an answer alone: short, on one line, with no mark, hardly a word, and no sentence."""
    if len(completion) >= _LONGEST or "\n" in completion or any(mark in completion for mark in _MARKS):
        return False
    words = _COMMAND.sub(" ", completion)
    return len(_WORD.findall(words)) < _WORDS and not _SAYS.search(words)


def boxed(completion: str) -> str:
    """A bare answer in a box; for peers that read boxes alone."""
    return rf"\boxed{{{completion}}}" if is_bare(completion) else completion


def delimited(completion: str) -> str:
    """A bare answer in a box within dollars: math-verify and its kin find no LaTeX without them."""
    return rf"$\boxed{{{completion}}}$" if is_bare(completion) else completion


def delimited_gold(gold: str) -> str:
    """A bare gold in dollars: the same peers would search it for a number otherwise."""
    return gold if "$" in gold or r"\boxed" in gold else f"${gold}$"
