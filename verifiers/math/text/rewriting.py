"""Notations that are rewritten before an answer is parsed: each into the LaTeX that says the same."""

from __future__ import annotations

import re

_CURRENCY = ("rs.", "rs ", "us\\$", "us$", "hk$", "usd ", "eur ", "inr ", "₹", "¥")
_SIGNS = ("negative ", "minus ")
_UNION = re.compile(r"([)\]}]) ?U ?(?=[(\[]|\\left|\\\{)")
_TIMES_TEN = re.compile(r"(?<=\d) ?[xX] ?(?=10\^)")
_MODULUS = re.compile(r"\\pmod +(\w+)|\( ?mod +(\w+) ?\)")
_SYSTEM = re.compile(r"\\left *\\?\\\{ *\\begin *\{(array|aligned|matrix)\} *(?:\{[lcr| ]*\})?")
_SYSTEM_END = re.compile(r"\\end *\{(?:array|aligned|matrix)\} *\\right *(?:\.|$)")


def rewrite(text: str) -> str:
    """`text` with currency words, spelled signs, infix ``U`` and ``\\choose``, ``x 10^3`` and systems made LaTeX."""
    low = text[:10].lower()
    for prefix in _CURRENCY:
        if low.startswith(prefix) and text[len(prefix) :].lstrip()[:1].isdecimal():
            text = text[len(prefix) :].lstrip()
    for sign in _SIGNS:
        if low.startswith(sign) and text[len(sign) : len(sign) + 1] in "0123456789\\":
            text = "-" + text[len(sign) :]
    if "U" in text:
        text = _UNION.sub(r"\1\\cup ", text)
    if "10^" in text:
        text = _TIMES_TEN.sub(r"\\times ", text)
    if "mod" in text:
        text = _MODULUS.sub(lambda found: f"\\pmod{{{found[1] or found[2]}}}", text)
    if "\\choose" in text:
        text = _choose(text)
    if "\\right" in text and _SYSTEM_END.search(text) and len(_SYSTEM.findall(text)) == 1:
        text = _SYSTEM_END.sub(r"\\end{cases}", _SYSTEM.sub(r"\\begin{cases}", text))
    return text.replace("\\text{,}", "{,}")


def _choose(text: str) -> str:
    """``{n \\choose k}`` as ``\\binom{n}{k}``, where both are in one pair of braces."""
    at = text.find("\\choose")
    start, end = text.rfind("{", 0, at), text.find("}", at)
    if start < 0 or end < 0 or "}" in text[start:at] or "{" in text[at:end]:
        return text
    return f"{text[:start]}\\binom{{{text[start + 1 : at]}}}{{{text[at + 7 : end]}}}{text[end + 1 :]}"
