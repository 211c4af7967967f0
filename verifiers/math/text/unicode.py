"""Unicode as people paste it, turned into the ASCII and LaTeX that the parser reads. One pass, no backtracking."""

from __future__ import annotations

import unicodedata

_DROP = (
    "\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e\ufe0e\ufe0f"
)
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t\r\x0b\x0c"

_SYMBOLS = {
    "−": "-",
    "–": "-",
    "—": "-",
    "‐": "-",
    "‑": "-",
    "－": "-",
    "﹣": "-",
    "×": r"\times ",
    "✕": r"\times ",
    "⋅": r"\cdot ",
    "·": r"\cdot ",
    "∙": r"\cdot ",
    "•": r"\cdot ",
    "∗": "*",
    "÷": r"\div ",
    "∕": "/",
    "⁄": "/",
    "±": r"\pm ",
    "∓": r"\mp ",
    "≤": r"\le ",
    "⩽": r"\le ",
    "≦": r"\le ",
    "≥": r"\ge ",
    "⩾": r"\ge ",
    "≧": r"\ge ",
    "≠": r"\ne ",
    "≈": r"\approx ",
    "≃": r"\approx ",
    "≅": r"\cong ",
    "≡": r"\equiv ",
    "∞": r"\infty ",
    "∪": r"\cup ",
    "⋃": r"\cup ",
    "∩": r"\cap ",
    "∖": r"\setminus ",
    "∈": r"\in ",
    "∉": r"\notin ",
    "∅": r"\emptyset ",
    "⌀": r"\emptyset ",
    "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}",
    "ℚ": r"\mathbb{Q}",
    "ℂ": r"\mathbb{C}",
    "°": r"^\circ ",
    "º": r"^\circ ",
    "℃": r"^\circ C",
    "℉": r"^\circ F",
    "∠": r"\angle ",
    "△": r"\triangle ",
    "∑": r"\sum ",
    "∏": r"\prod ",
    "∫": r"\int ",
    "→": r"\to ",
    "⟶": r"\to ",
    "⇒": r"\implies ",
    "⇔": r"\iff ",
    "∧": r"\land ",
    "∨": r"\lor ",
    "¬": r"\neg ",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "⌈": r"\lceil ",
    "⌉": r"\rceil ",
    "⟨": r"\langle ",
    "⟩": r"\rangle ",
    "∣": "|",
    "∥": r"\parallel ",
    "⊥": r"\perp ",
    "′": "'",
    "’": "'",
    "‘": "'",
    "″": "''",
    "“": '"',
    "”": '"',
    "…": r"\ldots ",
    "⋯": r"\cdots ",
    "、": ",",
    "，": ",",
    "；": "; ",
    "。": ". ",
    "．": ".",
    "：": ":",
    "（": "(",
    "）": ")",
    "［": "[",
    "］": "]",
    "｛": "{",
    "｝": "}",
    "％": "%",
    "﹪": "%",
    "＝": "=",
    "＋": "+",
    "＜": "<",
    "＞": ">",
    "〈": r"\langle ",
    "〉": r"\rangle ",
    "￥": "¥",
    "ℓ": "l",
    "ℯ": "e",
    "ⅇ": "e",
    "ⅈ": "i",
    "∂": r"\partial ",
    "½": r"\frac{1}{2}",
    "¼": r"\frac{1}{4}",
    "¾": r"\frac{3}{4}",
    "⅓": r"\frac{1}{3}",
    "⅔": r"\frac{2}{3}",
    "⅕": r"\frac{1}{5}",
    "⅖": r"\frac{2}{5}",
    "⅗": r"\frac{3}{5}",
    "⅘": r"\frac{4}{5}",
    "⅙": r"\frac{1}{6}",
    "⅚": r"\frac{5}{6}",
    "⅐": r"\frac{1}{7}",
    "⅛": r"\frac{1}{8}",
    "⅜": r"\frac{3}{8}",
    "⅝": r"\frac{5}{8}",
    "⅞": r"\frac{7}{8}",
    "⅑": r"\frac{1}{9}",
    "⅒": r"\frac{1}{10}",
    "√": r"\sqrt ",
    "∛": r"\sqrt[3] ",
    "∜": r"\sqrt[4] ",
    "ϕ": r"\phi ",
    "ϵ": r"\epsilon ",
    "ϑ": r"\theta ",
    "µ": r"\mu ",
}

_GREEK_LETTERS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ"
_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
    " omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
_GREEK = {c: "\\" + name + " " for c, name in zip(_GREEK_LETTERS, _GREEK_NAMES.split(), strict=True)}

_SUPER = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱˣ", "0123456789+-=()nix", strict=True))
_SUB = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₖₙₘ", "0123456789+-=()aeoxknm", strict=True))

_TABLE: dict[str, str] = {
    **{c: "" for c in _DROP},
    **{c: " " for c in _SPACES},
    **_SYMBOLS,
    **_GREEK,
}


def to_ascii(text: str) -> str:
    """`text` with its Unicode mathematics written in ASCII and LaTeX; letters of other scripts stay as they are."""
    if text.isascii():
        if "\t" in text or "\r" in text or "\x00" in text:
            return text.translate({9: " ", 13: " ", 0: ""})
        return text
    out: list[str] = []
    run: list[str] = []
    mode = ""
    for c in text:
        table = _SUPER if c in _SUPER else _SUB if c in _SUB else None
        kind = "" if table is None else "^" if table is _SUPER else "_"
        if kind != mode and run:
            out.append(mode + "{" + "".join(run) + "}")
            run.clear()
        mode = kind
        if table is not None:
            run.append(table[c])
        else:
            out.append(c if c.isascii() else _one(c))
    if run:
        out.append(mode + "{" + "".join(run) + "}")
    return "".join(out).replace("\x00", "")


def _one(c: str) -> str:
    known = _TABLE.get(c)
    if known is not None:
        return known
    digit = unicodedata.decimal(c, None)
    if digit is not None:
        return str(digit)
    code = ord(c)
    if 0x2460 <= code <= 0x2473:
        return f"{code - 0x245F},"
    if 0xFF01 <= code <= 0xFF5E:
        return chr(code - 0xFEE0)
    if 0x1D400 <= code <= 0x1D7FF or 0x2100 <= code <= 0x214F:
        plain = unicodedata.normalize("NFKC", c)
        return plain if plain.isascii() else _TABLE.get(plain, plain)
    return c
