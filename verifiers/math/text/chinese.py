"""Chinese written into answers, as LaTeX and plain mathematics: 根号3, 负2, 三分之一, 30度, 无解."""

from __future__ import annotations

import re
from fractions import Fraction

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10_000, "亿": 100_000_000}
_NUMERALS = frozenset(_DIGITS) | frozenset(_TENS) | frozenset(_LARGE)

_WORDS = (
    ("根号下", r"\sqrt "),
    ("根号", r"\sqrt "),
    ("正无穷大", r"+\infty "),
    ("负无穷大", r"-\infty "),
    ("正无穷", r"+\infty "),
    ("负无穷", r"-\infty "),
    ("无穷大", r"\infty "),
    ("无穷", r"\infty "),
    ("派", r"\pi "),
    ("空集", r"\emptyset "),
    ("全体实数", r"\mathbb{R}"),
    ("实数集", r"\mathbb{R}"),
    ("任意实数", r"\mathbb{R}"),
    ("大于等于", r"\ge "),
    ("小于等于", r"\le "),
    ("不等于", r"\ne "),
    ("大于或等于", r"\ge "),
    ("小于或等于", r"\le "),
    ("大于", ">"),
    ("小于", "<"),
    ("等于", "="),
    ("属于", r"\in "),
    ("并集", r"\cup "),
    ("的平方", "^2"),
    ("的立方", "^3"),
    ("平方米", r"\text{m^2}"),
    ("平方厘米", r"\text{cm^2}"),
    ("立方米", r"\text{m^3}"),
    ("立方厘米", r"\text{cm^3}"),
    ("加上", "+"),
    ("减去", "-"),
    ("乘以", "*"),
    ("除以", "/"),
    ("加", "+"),
    ("减", "-"),
    ("或者", r"\text{ or }"),
    ("或", r"\text{ or }"),
    ("以及", r"\text{ and }"),
    ("和", r"\text{ and }"),
    ("与", r"\text{ and }"),
    ("且", r"\text{ and }"),
)
_PREFIXES = (
    "综上所述",
    "综上可知",
    "综上",
    "答案是",
    "答案为",
    "答案",
    "所以",
    "因此",
    "故选",
    "故",
    "应选",
    "应该选",
    "选项",
    "选择",
    "选",
    "结果是",
    "结果为",
    "约为",
    "大约",
    "约等于",
    "约",
    "分别是",
    "分别为",
    "是",
    "为",
    "共有",
    "共",
    "解得",
    "即",
    "至少",
    "最多",
)
_DENIALS = ("不是", "不能", "不为", "不可", "并非")
_NO_SOLUTION = ("无解", "没有解", "无实数解", "无实根", "方程无解", "不存在")


def has_chinese(text: str) -> bool:
    """Whether `text` holds a Han character."""
    return not text.isascii() and any("\u4e00" <= c <= "\u9fff" or c == "〇" for c in text)


def from_chinese(text: str) -> str:
    """`text` with its Chinese mathematics rewritten; other Chinese stays and is read as words or units."""
    text = text.strip(" :：,.;")
    for prefix in _PREFIXES:
        if text.startswith(prefix) and len(text) > len(prefix):
            text = text[len(prefix) :].lstrip(" :：,，")
    if text in _NO_SOLUTION:
        return r"\text{no solution}"
    if any(word in text for word in _DENIALS):
        return text
    if text in ("一半", "半", "半分"):
        return r"\frac{1}{2}"
    text = _mixed(text)
    text = _numerals(text.removeprefix("点") if text.startswith("点(") else text).replace("倍根号", "根号")
    for chinese, latex in _WORDS:
        if chinese in text:
            text = text.replace(chinese, latex)
    text = _TENTHS.sub(lambda m: f"0.{m[1]}{m[2] or ''}", text)
    if "百分之" in text:
        text = _percent(text)
    if "分之" in text:
        text = _fraction(text)
    text = text.replace("又", " ")
    if _digits_around(text, "比"):
        text = text.replace("比", ":")
    for _ in range(text.count("度")):
        text = _after_number(text, "度", r"^\circ ")
    text = text.replace("负", "-").replace("点", "." if _digits_around(text, "点") else "点")
    return _trim_unit_before(text)


_TENTHS = re.compile(r"(?<![\d.])(\d)(?:成|割)(\d?)")
_MIXED = re.compile(r"(?:\d+(?:\.\d+)?[十百千万萬亿億]+)+\d*")
_SIZES = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_PART = re.compile(r"(\d+(?:\.\d+)?)([十百千万萬亿億]*)")


def _mixed(text: str) -> str:
    """``1亿2千万``: digits with Chinese sizes behind them, as the number they write."""
    return _MIXED.sub(lambda found: _written(found[0]), text)


def _written(word: str) -> str:
    total = section = Fraction(0)
    for digits, sizes in _PART.findall(word):
        part = Fraction(digits)
        for size in sizes:
            if _SIZES[size] >= 10**4 and section and part:
                total, part, section = total, (section + part) * _SIZES[size], Fraction(0)
            else:
                part *= _SIZES[size]
        if part >= 10**4:
            total += part
        else:
            section += part
    value = total + section
    return str(value) if value.denominator == 1 else f"{value.numerator / value.denominator}"


def _numerals(text: str) -> str:
    out: list[str] = []
    run: list[str] = []
    for at, c in enumerate(text + "\n"):
        if c in _NUMERALS and not (c in _LARGE and not run):
            run.append(c)
            continue
        if run:
            word = "".join(run)
            value = number_of(word)
            lone = len(word) == 1 and word in _TENS and text != word and not text.startswith("分之", at)
            out.append(word if value is None or lone else str(value))
            run.clear()
        out.append(c)
    return "".join(out[:-1])


def number_of(word: str) -> int | None:
    """The whole number a run of Chinese numerals writes: 三百二十一 is 321; None where it is none."""
    if not word or any(c not in _NUMERALS for c in word):
        return None
    if all(c in _DIGITS for c in word):
        return int("".join(str(_DIGITS[c]) for c in word))
    total, section, digit = 0, 0, 0
    for c in word:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif c in _TENS:
            section += (digit or 1) * _TENS[c]
            digit = 0
        else:
            total = (total + section + digit) * _LARGE[c]
            section = digit = 0
    return total + section + digit


def _number_before(text: str, end: int) -> int:
    start = end
    while start > 0 and (text[start - 1].isdecimal() or text[start - 1] == "."):
        start -= 1
    return start


def _number_after(text: str, start: int) -> int:
    end = start
    while end < len(text) and (text[end].isdecimal() or text[end] == "."):
        end += 1
    return end


def _percent(text: str) -> str:
    at = text.find("百分之")
    end = _number_after(text, at + 3)
    if end == at + 3:
        return text
    return text[:at] + text[at + 3 : end] + r"\%" + text[end:]


def _fraction(text: str) -> str:
    at = text.find("分之")
    root = len("\\sqrt ") if text.startswith("\\sqrt ", at + 2) else 0
    start, end = _number_before(text, at), _number_after(text, at + 2 + root)
    if start == at or end == at + 2 + root:
        return text
    return f"{text[:start]}\\frac{{{text[at + 2 : end]}}}{{{text[start:at]}}}{text[end:]}"


def _after_number(text: str, word: str, latex: str) -> str:
    at = text.rfind(word)
    if at > 0 and (text[at - 1].isdecimal() or text[at - 1] in ")}$ "):
        return text[:at] + latex + text[at + len(word) :]
    return text


def _digits_around(text: str, c: str) -> bool:
    at = text.find(c)
    return 0 < at < len(text) - 1 and text[at - 1].isdecimal() and text[at + 1].isdecimal()


def _trim_unit_before(text: str) -> str:
    """Words before the first value, as in 面积是 12: dropped up to the 是 or 为."""
    for mark in ("是", "为"):
        at = text.rfind(mark)
        if 0 < at < len(text) - 1 and not has_chinese(text[at + 1 :]) and text[at + 1 :].strip():
            return text[at + 1 :]
    return text
