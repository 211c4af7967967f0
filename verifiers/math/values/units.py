"""Units and counted things: which words name the same unit, and how units of one dimension convert."""

from __future__ import annotations

from fractions import Fraction

from veritune.verifiers.math.text.strings import names

_LENGTH: dict[str, int | Fraction] = {
    "km": 1000,
    "kilometer": 1000,
    "kilometre": 1000,
    "m": 1,
    "meter": 1,
    "metre": 1,
    "米": 1,
    "千米": 1000,
    "公里": 1000,
    "dm": Fraction(1, 10),
    "分米": Fraction(1, 10),
    "cm": Fraction(1, 100),
    "centimeter": Fraction(1, 100),
    "centimetre": Fraction(1, 100),
    "厘米": Fraction(1, 100),
    "mm": Fraction(1, 1000),
    "millimeter": Fraction(1, 1000),
    "毫米": Fraction(1, 1000),
    "ft": Fraction(381, 1250),
    "feet": Fraction(381, 1250),
    "foot": Fraction(381, 1250),
    "in": Fraction(127, 5000),
    "inch": Fraction(127, 5000),
    "inches": Fraction(127, 5000),
    "yd": Fraction(1143, 1250),
    "yard": Fraction(1143, 1250),
    "mile": Fraction(201168, 125),
    "mi": Fraction(201168, 125),
}
_TIME: dict[str, int | Fraction] = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "秒": 1,
    "min": 60,
    "minute": 60,
    "分钟": 60,
    "h": 3600,
    "hr": 3600,
    "hour": 3600,
    "小时": 3600,
    "day": 86400,
    "天": 86400,
    "week": 604800,
}
_MASS: dict[str, int | Fraction] = {
    "kg": 1,
    "kilogram": 1,
    "千克": 1,
    "公斤": 1,
    "g": Fraction(1, 1000),
    "gram": Fraction(1, 1000),
    "克": Fraction(1, 1000),
    "mg": Fraction(1, 1000000),
    "ton": 1000,
    "tonne": 1000,
    "吨": 1000,
    "lb": Fraction(45359237, 100000000),
    "pound": Fraction(45359237, 100000000),
    "oz": Fraction(45359237, 1600000000),
    "ounce": Fraction(45359237, 1600000000),
}
_MONEY: dict[str, int | Fraction] = {
    "dollar": 1,
    "usd": 1,
    "cent": Fraction(1, 100),
    "penny": Fraction(1, 100),
    "pennie": Fraction(1, 100),
}
_VOLUME: dict[str, int | Fraction] = {
    "l": 1,
    "liter": 1,
    "litre": 1,
    "升": 1,
    "ml": Fraction(1, 1000),
    "milliliter": Fraction(1, 1000),
}
_SCALES = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "万": 10**4,
    "亿": 10**8,
}
_SPEEDS = {"mph": "mile/hour", "kph": "km/hour", "kmh": "km/hour"}
_PERCENT = frozenset(["percent", "pct", "percentage", "per cent", "percentage point", "%"])
_DEGREES = frozenset(["degree", "deg", "°", "度", "o"])
_TABLE: dict[str, tuple[str, Fraction]] = {
    word: (kind, Fraction(scale))
    for kind, table in (
        ("length", _LENGTH),
        ("time", _TIME),
        ("mass", _MASS),
        ("money", _MONEY),
        ("volume", _VOLUME),
    )
    for word, scale in table.items()
}
_REFUSED = names(
    "not wrong incorrect except excluding no never neither nor isn't false invalid impossible unless"
    " unknown undefined without"
)


def is_percent(unit: str) -> bool:
    """Whether the words mean per cent."""
    return _singular(unit.lower().strip(" .")) in _PERCENT


def is_degrees(unit: str) -> bool:
    """Whether the words mean degrees of an angle."""
    return _singular(unit.lower().strip(" .")) in _DEGREES


def refuses(unit: str) -> bool:
    """Whether the words behind a value take it back: ``42 (wrong)``, ``not 42``."""
    return any(word.strip("().,") in _REFUSED for word in unit.lower().split())


def scaled(unit: str) -> tuple[int, str]:
    """``million dollars`` as a factor and the unit that is left."""
    text = unit.strip()
    word = text.split(" ")[0].lower().rstrip(".")
    for name in (word, word.removesuffix("s")):
        if name in _SCALES:
            return _SCALES[name], text[len(word) :].strip(" .")
    if text[:1] in _SCALES:
        return _SCALES[text[0]], text[1:].strip()
    return 1, unit


def convert(gold: str, prediction: str) -> Fraction | None:
    """What a value in the prediction's unit is multiplied by to be in the gold's; None if the units disagree.

    Counted things (``apples``, ``ways``) convert to each other: only measured units can contradict each other.
    """
    a, b = _known(gold), _known(prediction)
    if a is None or b is None:
        return Fraction(1)
    if a[0] != b[0] or a[2] != b[2]:
        return None
    return (b[1] / a[1]) ** a[2]


def _known(unit: str) -> tuple[str, Fraction, int] | None:
    """Kind, scale and power of a measured unit: ``square inches``, ``cm^2``, ``cubic feet``."""
    whole = _SPEEDS.get(unit.lower(), unit.lower())
    over, slash, under = whole.replace(" per ", "/").partition("/")
    if slash:
        a, b = _known(over), _known(under)
        return (f"{a[0]}{a[2]}/{b[0]}{b[2]}", a[1] ** a[2] / b[1] ** b[2], 1) if a and b else None
    words = unit.lower().replace("^ ", "^").replace(" ^", "^").replace("{", "").replace("}", "").strip(" .")
    power = 1
    for prefix, exponent in (("square ", 2), ("sq ", 2), ("sq. ", 2), ("cubic ", 3), ("cu ", 3)):
        if words.startswith(prefix):
            words, power = words[len(prefix) :], exponent
    for suffix, exponent in (("^2", 2), ("^3", 3), ("²", 2), ("³", 3), (" squared", 2), (" cubed", 3)):
        if words.endswith(suffix):
            words, power = words[: -len(suffix)], exponent
    found = _TABLE.get(words) or _TABLE.get(_singular(words))
    return None if found is None else (*found, power)


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and len(word) > 2 else word
