"""Mathematics that is written in words around its numbers: signs, remainders, shares, feet and inches."""

from __future__ import annotations

import re
from fractions import Fraction

from veritune.verifiers.math.text.words import word_number

_SIGNED = re.compile(
    r"(?:\\(?:text|textbf|mathrm) *\{ *(?P<sign>negative|minus|positive) *\} *(?P<rest>[^{}]+|\\.+)"
    r"|\\(?:text|textbf|mathrm) *\{ *(?P<inner>negative|minus|positive) +(?P<words>[^{}]+)\}"
    r"|(?P<bare>negative|minus|positive) +(?P<other>.+))",
    re.IGNORECASE | re.DOTALL,
)
_VALUE = re.compile(r"[\d.\\].*", re.DOTALL)
_INFINITY = re.compile(r"infinity|\\infty|∞", re.IGNORECASE)
_REMAINDER = re.compile(
    r"(\d{1,18})(?:\\ |\\,|~|\s)*(?:\\(?:text|mathrm|textrm) *\{ *)?"
    r"(R|(?:r|rem|remainder|with (?:a )?remainder(?: of)?|remainder of)(?:\.|\b))(?: *\})?(?:\\ |\\,|~|\s)*(\d{1,18})"
)
_SHARE = re.compile(r"(?:\\text *\{ *)?([\w-]+) (?:out of(?: every)?|in(?: every)?) ([\w-]+)(?: *\})?")
_FEET = re.compile(r"(\d+) *['′’] *(\d+(?:\.\d+)?(?:/\d+)?) *(?:''|\"|″|’’|′′)")
_LABEL = re.compile(r"(?:[,;](?:\\ |~|\s)*)?\\(?:text|textbf|mathrm) *\{ *(\([a-e]\)) *\}(?:\\ |~)*")


def spoken(text: str) -> str:
    """`text` with what its words say written as mathematics: ``negative five`` is ``-5``, ``3 out of 8`` a fraction.

    ``7 R 2`` and its kin become ``7 remainder 2``, which is no number.
    """
    low = text[:12].lower()
    if ("neg" in low or "min" in low or "pos" in low) and (found := _SIGNED.fullmatch(text)):
        text = _signed(found)
    if ("r" in text or "R" in text) and len(text) < 80 and (found := _REMAINDER.fullmatch(text)):
        spaced = found[2] != "r" or not found[0][len(found[1])].isalpha()
        text = f"{found[1]} remainder {found[3]}" if spaced else text
    if (" of " in text or " in " in text) and (found := _SHARE.fullmatch(text)):
        text = _share(found)
    if ("'" in text or "′" in text or "’" in text) and (found := _FEET.fullmatch(text)):
        text = f"{found[1]}\\text{{ feet }}{found[2]}\\text{{ inches}}"
    return _LABEL.sub(r" \1 ", text).strip() if "(b)" in text and "\\" in text else text


def _signed(found: re.Match[str]) -> str:
    said = (found["sign"] or found["inner"] or found["bare"]).lower()
    rest = (found["rest"] or found["words"] or found["other"]).strip()
    sign = "" if said == "positive" else "-"
    if _INFINITY.fullmatch(rest):
        return f"{sign}\\infty"
    if _VALUE.match(rest) and (said != "positive" or rest[0].isdecimal()):
        return sign + rest
    number = word_number(rest)
    return found[0] if number is None or number <= 0 else f"{sign}{number}"


def _share(found: re.Match[str]) -> str:
    over, under = (_count(part) for part in found.groups())
    return f"\\frac{{{over}}}{{{under}}}" if over is not None and under and over <= under else found[0]


def _count(text: str) -> Fraction | None:
    number = Fraction(text) if text.isdecimal() and text.isascii() and len(text) < 18 else word_number(text)
    return number if number is not None and number.denominator == 1 else None
