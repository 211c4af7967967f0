"""Units of measure: one table of what each is in terms of others, and what a unit made of several measures.

A user extends the table with ``MathOptions.unit_table``: ``{"furlong": "201.168 m", "smoot": "1.7018 m"}``.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from fractions import Fraction

from veritune.verifiers.math.text.strings import names

UnitTable = tuple[tuple[str, str], ...]

_TABLE = """
m meter metre 米 = length
mi mile 英里 = 1609.344 m
yd yard 码 = 0.9144 m
ft foot feet 英尺 = 0.3048 m
in inch inches 英寸 = 0.0254 m
cm centimeter centimetre 厘米 公分 = 0.01 m
km kilometer kilometre 千米 公里 = 1000 m
dm decimeter decimetre 分米 = 0.1 m
mm millimeter millimetre 毫米 = 0.001 m
micron = 0.000001 m
纳米 = 0.000000001 m
s sec second 秒 秒钟 = time
min minute 分钟 = 60 s
h hr hour 小时 = 3600 s
day 天 日 = 24 h
week wk 周 星期 = 7 day
year yr 年 = year
month 月 个月 = 1/12 year
decade = 10 year
century centurie = 100 year
g gram 克 = mass
kg kilogram 千克 公斤 = 1000 g
mg milligram 毫克 = 0.001 g
t ton tonne 吨 = 1000 kg
lb pound 磅 = 453.59237 g
oz ounce 盎司 = 28.349523125 g
斤 = 500 g
A amp ampere 安培 = current
K kelvin = kelvin
degC celsius = celsius
degF fahrenheit = fahrenheit
mol mole 摩尔 = amount
cd candela = light
rad radian 弧度 = angle
L l liter litre 升 = 1000 cm^3
mL ml milliliter millilitre 毫升 = 1 cm^3
cc = 1 cm^3
gallon gal = 231 in^3
quart = 57.75 in^3
pint = 28.875 in^3
cup 杯 = cup
公顷 hectare ha = 10000 m^2
acre = 4046.8564224 m^2
亩 = 亩
N newton 牛 牛顿 = 1 kg m/s^2
J joule 焦 焦耳 = 1 N m
cal calorie = 4.184 J
W watt 瓦 瓦特 = 1 J/s
Pa pascal 帕 = 1 N/m^2
bar = 100000 Pa
atm atmosphere = 101325 Pa
Hz hertz 赫兹 = 1/s
C coulomb 库仑 = 1 A s
V volt 伏 伏特 = 1 W/A
Ω ohm Ohm 欧 欧姆 = 1 V/A
F farad = 1 C/V
H henry = 1 V s/A
T tesla = 1 V s/m^2
Wb weber = 1 V s
eV = 0.0000000000000000001602176634 J
Wh = 3600 J
mph = 1 mi/h
kph kmh = 1 km/h
mpg = 1 mi/gallon
bit = information
B byte = 8 bit
dollar usd USD 美元 buck = dollar
cent 美分 penny pennie = 0.01 dollar
euro eur EUR 欧元 = euro
sterling gbp GBP 英镑 = sterling
pence = 0.01 sterling
元 yuan rmb RMB CNY 块 块钱 人民币 = yuan
角 毛 = 0.1 yuan
yen JPY 日元 円 = yen
rupee inr INR rs = rupee
won KRW 韩元 = won
peso = peso
ruble = ruble
"""
_PREFIXES = {
    "T": 12,
    "G": 9,
    "M": 6,
    "k": 3,
    "h": 2,
    "d": -1,
    "c": -2,
    "m": -3,
    "µ": -6,
    "μ": -6,
    "u": -6,
    "n": -9,
    "p": -12,
    "f": -15,
}
_PREFIX_WORDS = {"tera": 12, "giga": 9, "mega": 6, "kilo": 3, "centi": -2, "milli": -3, "micro": -6, "nano": -9}
_SYMBOLS = names("m s g A K mol L l N J W Pa Hz V Ω ohm F C T H eV Wh B cal bit rad bar")
_WORDS = names("meter metre second gram liter litre newton joule watt pascal hertz volt ohm ampere byte calorie mole")
_SCALES = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "千": 1000,
    "百万": 10**6,
    "万": 10**4,
    "亿": 10**8,
}
_PERCENT = frozenset(["percent", "pct", "percentage", "per cent", "percentage point", "%"])
_DEGREES = frozenset(["degree", "deg", "°", "度", "o"])
_REFUSED = names(
    "not wrong incorrect except excluding no never neither nor isn't false invalid impossible unless"
    " unknown undefined without or maybe perhaps possibly probably alternatively"
    " hardly almost nearly barely scarcely if iff provided providing assuming supposing contingent conditional"
    " wenn falls sofern vorausgesetzt nicht gewesen если ikiwa"
)
_RETORT = re.compile(r"\b(?:but|it) (?:\w+ )?(?:cannot|can['’]t|could not|isn['’]t)(?!\w)", re.IGNORECASE)
_REFUSED_SIGNS = ("はず", "べき", "嘘", "ない", "ません", "如果", "只要", "除非", "假如", "当且仅当", "才怪")
_GENERIC = names(
    "unit way different possible total person people item thing object piece time point number answer case solution"
    " value distinct of in the such each at a an are is all there per left more long wide tall high away apart later"
    " old ago altogether and integer element choice possibilitie 个 种 人 次 只 条 张 本 块 件 名 位 份 倍"
)
_TOKEN = re.compile(r"\^ ?\{?\(?(-?\d+)\}?\)?|([*/·⋅()])|(per)\b|([^\W\d_]+|Ω|°)|(\S)")
_BEFORE = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "平方": 2, "立方": 3}
_BEHIND = {"squared": 2, "cubed": 3}


@dataclass(frozen=True, slots=True)
class Dimension:
    """What a unit measures, as powers of base units, and how large it is in them."""

    powers: tuple[tuple[str, int], ...]
    scale: Fraction

    def times(self, other: Dimension, power: int) -> Dimension:
        """The product with a power of another."""
        found = dict(self.powers)
        for base, exponent in other.powers:
            found[base] = found.get(base, 0) + exponent * power
        kept = tuple(sorted((base, exponent) for base, exponent in found.items() if exponent))
        return Dimension(kept, self.scale * other.scale**power)


ONE = Dimension((), Fraction(1))
_TEMPERATURES = {
    "celsius": (Fraction(1), Fraction(27315, 100)),
    "fahrenheit": (Fraction(5, 9), Fraction(45967, 180)),
    "kelvin": (Fraction(1), Fraction(0)),
}
"""What a temperature is multiplied by, and what is then added, to be in kelvin."""


def is_percent(unit: str) -> bool:
    """Whether the words mean per cent."""
    return _singular(unit.lower().strip(" .")) in _PERCENT


def is_degrees(unit: str) -> bool:
    """Whether the words mean degrees of an angle."""
    return _singular(unit.lower().strip(" .")) in _DEGREES


def refuses(unit: str) -> bool:
    """Whether the words behind a value take it back or hedge it: ``42 (wrong)``, ``42 or maybe 43``."""
    words = unit.lower().split()
    return (
        any(word.strip("().,!") in _REFUSED for word in words)
        or _RETORT.search(unit) is not None
        or (not unit.isascii() and any(sign in unit for sign in _REFUSED_SIGNS))
    )


def scaled(unit: str) -> tuple[int, str]:
    """``million dollars`` as a factor and the unit that is left."""
    text = unit.strip()
    word = text.split(" ")[0].lower().rstrip(".")
    for name in (word, word.removesuffix("s")):
        if name in _SCALES:
            return _SCALES[name], text[len(word) :].strip(" .")
    for size in (2, 1):
        if text[:size] in _SCALES:
            return _SCALES[text[:size]], text[size:].strip()
    return 1, unit


def temperature(unit: str) -> tuple[Fraction, Fraction] | None:
    """Factor and offset to kelvin of a temperature's unit; None of any other unit."""
    low = unit.lower().replace("degrees", "").replace("degree", "").replace("°", "").strip(" .")
    name = {"c": "celsius", "f": "fahrenheit", "k": "kelvin", "degc": "celsius", "degf": "fahrenheit"}.get(low, low)
    marked = low != unit.lower().strip(" .") or len(low) > 1 or unit.strip() == "K"
    return _TEMPERATURES.get(name) if marked else None


def convert(gold: str, prediction: str, table: UnitTable = ()) -> Fraction | None:
    """What a value in the prediction's unit is multiplied by to be in the gold's; None if the units disagree.

    Counted things agree where they share a word or one says nothing (``items``); words of two scripts are not held
    against each other.
    """
    a, b = dimension(gold, table), dimension(prediction, table)
    if a is not None and b is not None and a.powers != b.powers:
        a, b = _money_pounds(gold, a, b), _money_pounds(prediction, b, a)
    if a is not None and b is not None:
        return b.scale / a.scale if a.powers == b.powers else None
    return Fraction(1) if _same_things(gold, prediction) else None


def _money_pounds(unit: str, size: Dimension, other: Dimension) -> Dimension:
    """Pounds are money where the other side is."""
    money = other.powers == (("sterling", 1),) and unit.strip(" .").lower() in ("pound", "pounds")
    return Dimension(other.powers, Fraction(1)) if money else size


def _same_things(gold: str, prediction: str) -> bool:
    if gold.isascii() != prediction.isascii():
        return True
    mine, theirs = _content(gold), _content(prediction)
    if not gold.isascii():
        return not mine or not theirs or bool(set("".join(mine)) & set("".join(theirs)))
    return not mine or not theirs or any(_alike(a, b) for a in mine for b in theirs)


def _content(unit: str) -> list[str]:
    words = re.findall(r"[^\W\d_]+", unit.lower())
    return [w for w in map(_singular, words) if w not in _GENERIC]


def _alike(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return a == b or (len(short) >= 3 and long.startswith(short)) or (len(short) >= 5 and short[:5] == long[:5])


@functools.lru_cache(maxsize=4096)
def dimension(unit: str, table: UnitTable = ()) -> Dimension | None:
    """What a unit measures: ``kg*m/s^2``, ``square inches``, ``miles per hour``; None of what is no unit.

    Words behind a unit say what is measured: ``kg of rice``, ``meters long``.
    """
    found, power, under, seen, group = ONE, 1, False, False, False
    last, last_power = ONE, 1
    known = _units(table)
    for exponent, sign, per, word, other in _TOKEN.findall(unit.strip(" .")):
        if exponent:
            if not seen:
                return None
            found = found.times(last, (int(exponent) - 1) * last_power)
            continue
        if sign or per:
            if sign == "(" and under:
                group = True
            elif sign == ")":
                under = group = False
            elif sign == "/" or per:
                under = True
            continue
        if other:
            if other in "{}$,.\\":
                continue
            return None
        low = word.lower()
        if low in _BEFORE:
            power = _BEFORE[low]
            continue
        if low in _BEHIND and seen:
            found = found.times(last, (_BEHIND[low] - 1) * last_power)
            continue
        for chinese in ("平方", "立方"):
            if word.startswith(chinese) and len(word) > 2:
                power, word = _BEFORE[chinese], word[2:]
        last_unit = _unit(word, known)
        if last_unit is None:
            if seen and not under and _behind(unit, word):
                break
            return None
        last, last_power = last_unit, -power if under else power
        found, seen, power = found.times(last, last_power), True, 1
        under = under and group
    return found if seen else None


def _behind(unit: str, word: str) -> bool:
    """Whether `word`, which names no unit, stands apart behind one: ``kg of rice``, but not ``kgf``."""
    return f" {word}" in unit and len(word) > 1


def _unit(word: str, known: dict[str, Dimension]) -> Dimension | None:
    if word in known:
        return known[word]
    for prefix, exponent in _PREFIXES.items():
        if word.startswith(prefix) and word[len(prefix) :] in _SYMBOLS:
            base = known[word[len(prefix) :]]
            return Dimension(base.powers, base.scale * Fraction(10) ** exponent)
    low = _singular(word.lower()) if len(word) > 2 else word.lower()
    for prefix, exponent in _PREFIX_WORDS.items():
        if low.startswith(prefix) and low[len(prefix) :] in _WORDS:
            base = known[low[len(prefix) :]]
            return Dimension(base.powers, base.scale * Fraction(10) ** exponent)
    return known.get(low) if len(word) > 1 else None


@functools.lru_cache(maxsize=16)
def _units(table: UnitTable) -> dict[str, Dimension]:
    """The table, the user's lines last. Raises ValueError for a line that names an unknown unit."""
    known: dict[str, Dimension] = {}
    for line in _TABLE.strip().splitlines():
        words, _, meaning = line.partition(" = ")
        _define(known, words.split(), meaning)
    for name, meaning in table:
        _define(known, [name], meaning)
    return known


def _define(known: dict[str, Dimension], words: list[str], meaning: str) -> None:
    value = _meaning(meaning, known)
    for word in words:
        known[word] = value
        if word.isascii() and len(word) > 2:
            known.setdefault(word.lower(), value)


def _meaning(meaning: str, known: dict[str, Dimension]) -> Dimension:
    """``0.3048 m``, ``1 kg m/s^2``, ``1/12 year``, or the name of a new base unit."""
    number, _, rest = meaning.partition(" ")
    over, slash, under = number.partition("/")
    if not over.replace(".", "", 1).isdecimal():
        return Dimension(((meaning, 1),), Fraction(1))
    found = Dimension((), Fraction(over) / Fraction(under) if under.isdecimal() else Fraction(over))
    sign = 1
    text = rest if not slash or under.isdecimal() else "/" + under
    for slashes, word, exponent in re.findall(r"(/?) ?([^\W\d_]+)\^?(-?\d*)", text):
        if word not in known:
            raise ValueError(f"the unit table has no {word!r}")
        sign = -1 if slashes else 1
        found = found.times(known[word], sign * int(exponent or 1))
    return found


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and len(word) > 2 else word
