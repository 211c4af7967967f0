"""Notations that are rewritten before an answer is parsed: each into the LaTeX that says the same."""

from __future__ import annotations

import re

from veritune.verifiers.math.text.spoken import spoken

_MONEY = {
    "\\$": "dollars",
    "$": "dollars",
    "us\\$": "dollars",
    "us$": "dollars",
    "usd": "dollars",
    "hk$": "hkd",
    "€": "euros",
    "eur": "euros",
    "£": "sterling",
    "gbp": "sterling",
    "¥": "yuan",
    "₹": "rupees",
    "rs.": "rupees",
    "rs": "rupees",
    "inr": "rupees",
    "₩": "won",
    "₽": "ruble",
}
_MONEY_BEFORE = re.compile(
    r"(-?)(us\\?\$|hk\$|\\\$|\$|€|£|¥|₹|₩|₽|usd\b|eur\b|gbp\b|inr\b|rs\b\.?) *"
    r"(-?[\d.][\d.,{}!\\]*|\\[dt]?frac\{[^{}]*\}\{[^{}]*\})(.*)",
    re.IGNORECASE | re.DOTALL,
)
_MONEY_BEHIND = re.compile(r"(-?[\d.,{}!\\ ]*\d) *(?:\\text\{ *)?(€|£|¥|₹|₩|₽|\\\$)(?: *\})?")
_SIGN_IN_TEXT = re.compile(r"\\(?:text|mathrm) *\{ *(\\\$|[€£¥₹₩₽]) *\}")
_MONEY_SIGNS = frozenset("$€£¥₹₩₽")
_SIZE = re.compile(r" *(?:\\text\{)? *(?:million|billion|thousand|trillion|hundred)")
_OPERATED = re.compile(r"(\d+|[a-z]|\([^()]{1,40}\)) *(?:\\text *\{ *)?(factorial|squared|cubed)(?: *\})?")
_PER_MILLE = re.compile(r"(\d+(?:\.\d+)?) *(?:\\text *\{ *)?(?:per ?mille|‰)(?: *\})?")
_PARTED = re.compile(r"\(?a\) *(.+?)[,;.]? *\(?b\) *(.+?)(?:[,;.]? *\(?c\) *(.+?))?", re.DOTALL)
_UNION = re.compile(r"([)\]}]) ?U ?(?=[(\[]|\\left|\\\{)")
_TIMES_TEN = re.compile(r"(?<=\d) ?[xX] ?(?=10\^)")
_MODULUS = re.compile(r"\\pmod +(\w+)|\( ?mod +(\w+) ?\)")
_COUNTED = re.compile(
    r"(?:\{\})?[_^]\{?(\d+)\}? ?([CP]) ?_ ?\{?(\d+)\}?|(?<![\w}.])(\d+) ?([CP]) ?_? ?\{?(\d+)(?![\w.])\}?"
)
_BASED = re.compile(
    r"(?<![\w.\\}])(?:\\text\{)?([0-9A-F]{1,24}|[0-9a-f]{1,24})\}?_\{?(?:\\text\{)?(1[1-6])\}{0,2}(?!\d)"
)
_PREFIXED = re.compile(r"(?<![\w.])0([xb])([0-9A-Fa-f]{1,24})(?!\w)")
_CROSS = re.compile(
    r"(\\(?:vec|mathbf|boldsymbol|bm|overrightarrow)(?: *\{[^{}]*\}| +\w)|\\nabla) *\\times(?![A-Za-z])(?= *[\\A-Za-z])"
)
_DOT_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?(?![\d.])")
_BOT = re.compile(r"\\bot(?![A-Za-z])")
_BASED_IN_BRACKETS = re.compile(r"\( *([0-9A-Fa-f]{1,24}) *\)_\{? *([0-9]{1,2}) *\}?")
_TURNED = re.compile(r" *([\[\]]) *([^\[\]{}();,]{0,40}[^\[\]{}();, ]) *[,;] *([^\[\]{}();,]{1,40}) *([\[\]]) *")
"""An interval in brackets, those turned away from it open: ``]2, 3[``."""
_SYSTEM = re.compile(r"\\left *\\?\\\{ *\\begin *\{(array|aligned|matrix)\} *(?:\{[lcr| ]*\})?")
_SYSTEM_END = re.compile(r"\\end *\{(?:array|aligned|matrix)\} *\\right *(?:\.|$)")

_ALIGNED = re.compile(
    r"\\begin *\{(aligned|align\*?|gathered|split|eqnarray\*?|array)\}(?: *\{[lcr| ]*\})?(.*)\\end *\{\1\}", re.DOTALL
)
_BREAK = re.compile(r"[,;]? *\\\\(?: *\[[^\]]*\])?")
_RELATES = re.compile(r"[=<>]|\\(?:leq?|geq?|neq?|in|approx|equiv)(?![A-Za-z])")


def rewrite(text: str) -> str:
    """`text` with currency words, spelled signs, infix ``U`` and ``\\choose``, ``x 10^3`` and systems made LaTeX."""
    low = text[:10].lower()
    if not _MONEY_SIGNS.isdisjoint(text) or low[:3] in _MONEY or low.startswith("rs"):
        text = _money(_SIGN_IN_TEXT.sub(r"\1", text))
    if text[-1:] in "dl}" and (found := _OPERATED.fullmatch(text)):
        text = found[1] + {"factorial": "!", "squared": "^2", "cubed": "^3"}[found[2]]
    text = spoken(text)
    if "b)" in text and (parted := _PARTED.fullmatch(text)):
        text = _in_parts(parted)
    if "mille" in text or "‰" in text:
        text = _PER_MILLE.sub(r"\\frac{\1}{1000}", text)
    if "U" in text:
        text = _UNION.sub(r"\1\\cup ", text)
    if text.count(".") > 1 or text.count(",") > 1:
        text = _DOT_GROUPS.sub(lambda m: m[0].replace(".", "").replace(",", "."), text)
    if "\\times" in text and "\\" in text:
        text = _CROSS.sub(r"\1\\crossproduct ", text)
    if "10^" in text:
        text = _TIMES_TEN.sub(r"\\times ", text)
    if "mod" in text:
        text = _MODULUS.sub(lambda found: f"\\pmod{{{found[1] or found[2]}}}", text)
    if "\\bot" in text:
        text = _BOT.sub(r"\\perp", text)
    if "\\ensuremath" in text:
        text = text.replace("\\ensuremath", "")
    if text[-1:] in "[]" and text[:1] in "[]" and "(" not in text:
        text = _turned(text)
    if text[:1] == "(" and (based := _BASED_IN_BRACKETS.fullmatch(text)):
        text = f"{based[1]}_{{{based[2]}}}"
    if "\\choose" in text:
        text = _choose(text)
    if "C" in text or "P" in text:
        text = _COUNTED.sub(lambda m: _counted(m[1] or m[4], m[2] or m[5], m[3] or m[6]), text)
    if "_" in text or "0x" in text or "0b" in text:
        text = _BASED.sub(lambda m: f"\\based{{{m[1]}}}{{{m[2]}}}" if _is_based(m) else m[0], text)
        text = _PREFIXED.sub(lambda m: f"\\based{{{m[2]}}}{{{16 if m[1] == 'x' else 2}}}", text)
    if text.startswith("\\begin") and (aligned := _ALIGNED.fullmatch(text)):
        text = _lines(aligned)
    if "\\right" in text and _SYSTEM_END.search(text) and len(_SYSTEM.findall(text)) == 1:
        text = _SYSTEM_END.sub(r"\\end{cases}", _SYSTEM.sub(r"\\begin{cases}", text))
    return text.replace("\\text{,}", "{,}")


def _lines(found: re.Match[str]) -> str:
    """Statements below each other as a list of them; lines that go on with a sign, as one chain."""
    lines = [line.replace("&", " ").strip() for line in _BREAK.split(found[2])]
    lines = [line for line in lines if line]
    if not lines or not all(_RELATES.search(line) for line in lines):
        return found[0]
    goes_on = [_RELATES.match(line) is not None for line in lines[1:]]
    if not any(goes_on):
        return ", ".join(lines)
    return " ".join(lines) if all(goes_on) else found[0]


def _turned(text: str) -> str:
    """``]2, 3]`` as ``(2, 3]``; what is no union of such intervals stays."""
    found = [_TURNED.fullmatch(part) for part in re.split(r"\\cup(?![A-Za-z])|∪", text)]
    parts = [match.groups() for match in found if match is not None]
    if len(parts) < len(found) or not any(left == "]" or right == "[" for left, _, _, right in parts):
        return text
    return " \\cup ".join(
        f"{'[' if left == '[' else '('}{low}, {high}{']' if right == ']' else ')'}" for left, low, high, right in parts
    )


def _in_parts(found: re.Match[str]) -> str:
    """``(a) 3 (b) 5``, the answers to two questions, as the pair (3, 5); a product of letters stays one."""
    parts = [part.strip() for part in found.groups() if part is not None]
    if not all(part[:1] not in "+*/^=-)" and any(c.isdecimal() for c in part) for part in parts):
        return found[0]
    return f"({', '.join(parts)})"


def _is_based(found: re.Match[str]) -> bool:
    """Whether the digits are digits of that base, and no letter with an index: ``F_{11}`` is a Fibonacci number."""
    digits, base = found[1], int(found[2])
    named = len(digits) == 1 and found.string[found.end() :].lstrip().startswith("=")
    return any(c.isalpha() for c in digits) and not named and all(int(c, 36) < base for c in digits)


def _counted(n: str, sign: str, k: str) -> str:
    return f"\\binom{{{n}}}{{{k}}}" if sign == "C" else f"P({n},{k})"


def _money(text: str) -> str:
    """``\\$5`` as ``5`` with the word for dollars behind it. Lists of amounts, and dollars that delimit, stay."""
    found = _MONEY_BEFORE.fullmatch(text)
    if found and not _MONEY_SIGNS.intersection(found[4]):
        minus, sign, number, rest = found[1], found[2].lower(), found[3].rstrip(",!\\"), found[4]
        word = _MONEY.get(sign, "dollars")
        if "dollar" in rest or "euro" in rest or (sign == "$" and "\\" in rest and "text" not in rest):
            return minus + number + rest
        size = _SIZE.match(rest)
        if size:
            return f"{minus}{number}{rest}\\text{{ {word}}}"
        return f"{minus}{number}\\text{{ {word}}}{rest}"
    behind = _MONEY_BEHIND.fullmatch(text)
    if behind:
        return f"{behind[1]}\\text{{ {_MONEY[behind[2]]}}}"
    return text


def _choose(text: str) -> str:
    """``{n \\choose k}`` as ``\\binom{n}{k}``, where both are in one pair of braces."""
    at = text.find("\\choose")
    start, end = text.rfind("{", 0, at), text.find("}", at)
    if start < 0 or end < 0 or "}" in text[start:at] or "{" in text[at:end]:
        return text
    return f"{text[:start]}\\binom{{{text[start + 1 : at]}}}{{{text[at + 7 : end]}}}{text[end + 1 :]}"
