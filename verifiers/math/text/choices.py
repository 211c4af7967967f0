"""Letters of multiple-choice answers."""

from __future__ import annotations

import re

from veritune.verifiers.math.text.commands import says_formula
from veritune.verifiers.math.text.strings import plain_words

LETTERS = frozenset("ABCDEFGHIJ")
SMALL = frozenset("abcd")
"""Lone small letters that may be choices in an answer; in a gold they are names."""
_DIGIT = re.compile(r"\d")
_HEDGES = frozenset(["or", "possibly", "maybe", "perhaps", "probably", "alternatively", "either", "或", "或者"])
_CHOICE_WORDS = ("i choose", "option", "choice", "answer", "选项", "选择", "答案", "选")


def choice(text: str) -> tuple[str, str] | None:
    """The letter of a multiple-choice answer and what is written behind it: ``(B) 12`` is ``("B", "12")``."""
    flat = _flat_choice(text)
    for word in _CHOICE_WORDS:
        if flat[: len(word)].lower() == word:
            flat = flat[len(word) :].lstrip(" :：")
            break
    if not flat:
        return None
    if flat[0] in "([" and flat[1:2].upper() in LETTERS and flat[2:3] in (")", "]"):
        rest = flat[3:].strip(" .:,")
        if flat[1] in LETTERS or not rest or flat[3] == " ":
            return flat[1].upper(), rest
    if flat in SMALL:
        return flat.upper(), ""
    if flat[0] in LETTERS:
        if flat[1:].strip().lower() in ("", "选项", "项", "option", "choice"):
            return flat[0], ""
        if flat[1] in ".)" or (flat[1] == ":" and len(flat) > 2 and not flat[2].isdecimal()):
            rest = flat[2:].strip()
            return flat[0], rest
        behind = flat[1:].lstrip()
        if behind[:1] in ("-", "–", "—") and behind[1:2] == " " and any(c.islower() for c in behind[2:]):
            return flat[0], behind[2:].strip()
    return None


def _flat_choice(text: str) -> str:
    """`text` with the text commands in front opened: ``\\textbf{(B)}\\ 12`` is ``(B) 12``."""
    flat = text.strip(" $*")
    for command in ("\\textbf", "\\text", "\\mathrm", "\\mathbf", "\\textrm", "\\mbox"):
        if flat.startswith(command):
            at = len(command)
            end = flat.find("}", at)
            if flat[at : at + 1] == "{" and end > 0:
                flat = flat[at + 1 : end] + " " + flat[end + 1 :].replace("\\ ", " ").replace("~", " ")
    if flat.startswith("(\\text{") and flat.find("})") == 8:
        flat = "(" + flat[7] + ")" + flat[10:]
    return flat.strip(" $*")


def names_others(letter: str, rest: str) -> bool:
    """Whether what stands behind a choice offers another letter: ``(B), possibly (C)``, ``B or C``."""
    others = letters(rest)
    if others is not None:
        return others != frozenset([letter])
    words = plain_words(rest).replace("(", " ").replace(")", " ").replace(",", " ").split()
    hedged = any(w.lower() in _HEDGES for w in words)
    return hedged and any(w.strip(".?") in LETTERS and w.strip(".?") != letter for w in words)


def letters(text: str) -> frozenset[str] | None:
    """The letters of an answer that is only letters: ``A, C and F``, ``ACF``; None of anything else.

    A formula of capital letters is none, nor are letters side by side that stand in another order (``BCA``).
    """
    if _DIGIT.search(text) or says_formula(text):
        return None
    flat = plain_words(text)
    beside = flat.isalpha()
    for word in ("and", "or", ",", "、", " ", "(", ")", ";", "和"):
        flat = flat.replace(word, "")
    if not flat or any(c not in LETTERS for c in flat) or len(set(flat)) != len(flat):
        return None
    if beside and len(flat) > 1 and list(flat) != sorted(flat):
        return None
    return frozenset(flat)


def statements(text: str) -> frozenset[str] | None:
    """The statements that an answer names by Roman numerals: ``I and III``, ``II only``; None of anything else."""
    bare = text.strip().removesuffix(" only")
    return frozenset(_ROMAN.findall(bare)) if _STATEMENTS.fullmatch(bare) else None


_ROMAN = re.compile(r"[IVX]+")
_STATEMENTS = re.compile(r"[IVX]+(?:(?: *, *and +| *, *| +and +| *& *)[IVX]+)*")
