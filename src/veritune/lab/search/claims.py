"""The gold check: a strict reader of final answers, independent of every verifier, that says only what is certain."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_TAG = re.compile(r"<answer>((?:(?!<answer>).)*?)</answer>", re.DOTALL)
_HASHES = re.compile(r"####[ \t]*([^\n]*)")
_SENTENCE = re.compile(r"(?im)\banswer(?:\s+is|\s*:|\s+is\s*:)[ \t]*([^\n]*?)[ \t]*(?:\.(?!\d)|\n|$)")
_LETTER_LINE = re.compile(r"(?m)^A:[ \t]*([^\n]*)$")
_MARKS = (_BOX, _TAG, _HASHES, _SENTENCE, _LETTER_LINE)
_NUMBER = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,18})(?:\.[0-9]{1,18})?")
_FRACTION = re.compile(r"(-?[0-9]{1,12})\s*/\s*([0-9]{1,12})|(-?)\\d?frac\{([0-9]{1,12})\}\{([0-9]{1,12})\}")
_DRESS = re.compile(r"\\\$|\$|\*\*|\\\(|\\\)|\\!|\\,")


def number(text: str) -> Fraction | None:
    """The value of a plain number or fraction, dollars and bold aside; None for anything else."""
    bare = undressed(text)
    if _NUMBER.fullmatch(bare):
        return Fraction(Decimal(bare.replace(",", "")))
    found = _FRACTION.fullmatch(bare)
    if found is None:
        return None
    over, under = (found[1], found[2]) if found[1] is not None else (f"{found[3]}{found[4]}", found[5])
    return Fraction(int(over), int(under)) if int(under) else None


def undressed(text: str) -> str:
    """Without dollars, bold and a full stop around it."""
    return _DRESS.sub("", text).strip().rstrip(".").strip()


def claims(text: str) -> list[str]:
    """What stands at every mark of a final answer: boxes, answer tags, ``####``, “the answer is”."""
    return [_whole(found[1].strip()) for mark in _MARKS for found in mark.finditer(text)]


def _whole(claim: str) -> str:
    """Without a closing bracket or quote that was opened before the mark: "(Answer: 5)"."""
    for opened, closed in ("()", "[]", "“”", '""', "''"):
        if claim.endswith(closed) and claim.count(closed) > (claim.count(opened) if opened != closed else 0):
            claim = claim[:-1].strip()
    return claim


def certain(text: str, gold: str) -> bool | None:
    """True where every final answer in the text is the gold, False where each is another plain value; else None.

    Nothing else is certain: a text with no mark of an answer, an answer that is no plain number or letter, answers
    that contradict each other. Of an empty text it is certain that it is wrong.
    """
    if not text.strip():
        return False
    said = [_inner(claim) for claim in claims(text)]
    if not said:
        return None
    equal = [_same(claim, gold) for claim in said]
    if None in equal:
        return None
    return equal[0] if len(set(equal)) == 1 else None


def _inner(claim: str) -> str:
    """What a mark inside a mark holds: ``<answer>\\boxed{4}</answer>``."""
    box = _BOX.search(claim)
    return box[1].strip() if box is not None and not claim.replace(box[0], "").strip(" $.\n") else claim


def _same(claim: str, gold: str) -> bool | None:
    one, other = number(claim), number(gold)
    if one is not None and other is not None:
        return one == other
    bare, wanted = _bare(claim), _bare(gold)
    if bare == wanted and bare:
        return True
    both_letters = all(len(text) == 1 and text.isascii() and text.isalpha() for text in (bare, wanted))
    return False if both_letters and bare.upper() != wanted.upper() else None


def _bare(text: str) -> str:
    return re.sub(r"[\s$().*]|\\text|[{}]", "", text)
