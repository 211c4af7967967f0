"""Countdown: an expression of the given numbers, each used once, that has the target's exact value. No ``eval``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

from veritune.plugins.types import Cause, Verdict
from veritune.plugins.unseen import visible

MAX_LENGTH = 1000
MAX_DEPTH = 50
MAX_DIGITS = 15

_BITS = 4096
"""Of a number in a row: no puzzle has a longer one, and Python writes none of over 4,300 digits."""

_TOKEN = re.compile(r"\s*(?:([0-9]+)|(.))", re.DOTALL)
_SPELLINGS = str.maketrans(
    {
        chr(zero + digit): str(digit)
        for zero in (0xFF10, 0x660, 0x6F0, 0x966, 0x9E6, 0xC66, 0xE50)
        for digit in range(10)
    }
    | {
        "＋": "+",
        "﹢": "+",
        "－": "-",
        "﹣": "-",
        "−": "-",
        "–": "-",
        "＝": "=",
        "＊": "*",
        "∗": "*",
        "×": "*",
        "✕": "*",
    }
    | {"✖": "*", "·": "*", "⋅": "*", "•": "*", "∙": "*", "／": "/", "÷": "/", "∕": "/", "⁄": "/"}
    | {"（": "(", "）": ")", "[": "(", "]": ")", "{": "(", "}": ")"}
)
"""Digits and signs of other scripts and keyboards; all brackets are parentheses."""
_LETTER_X = re.compile(r"(?<=[0-9)\]}]) ?[xX] ?(?=[0-9(\[{])")
_LATEX = (
    ("\\times", "*"),
    ("\\cdot", "*"),
    ("\\div", "/"),
    ("\\left", ""),
    ("\\right", ""),
    ("\\,", " "),
    ("\\ast", "*"),
)
_PLAIN = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?(?:/[0-9]{1,30})?")
_BOX = re.compile(r"\\boxed\s*\{([^{}]*)\}")
_ANSWER = re.compile(r"<answer>((?:(?!<answer>).)*?)</answer>", re.DOTALL)


class ExpressionError(ValueError):
    """The expression is not made of numbers, ``+ - * /`` and parentheses."""


def evaluate(expression: str) -> tuple[Fraction, list[int]]:
    """The exact value of an arithmetic expression, and the numbers in it.

    Whole numbers, ``+ - * /`` with the usual precedence, parentheses; ``× · ÷ −`` and their LaTeX forms as well. No
    signs in front of a number, no powers. Raises ExpressionError for anything else, for more than 1000 characters, 50
    open parentheses or 15 digits in a number, and for a division by zero.
    """
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"it has {len(expression)} characters, more than {MAX_LENGTH}")
    for written, meant in _LATEX:
        expression = expression.replace(written, meant)
    expression = _LETTER_X.sub("*", expression)
    return _Parser(_tokens(expression.translate(_SPELLINGS))).parse()


def _tokens(expression: str) -> list[str]:
    tokens = [number or sign for number, sign in _TOKEN.findall(expression.strip())]
    for token in tokens:
        if token.isdecimal() and len(token) > MAX_DIGITS:
            raise ExpressionError(f"the number {token[:MAX_DIGITS]}… has more than {MAX_DIGITS} digits")
        if not (token.isascii() and (token.isdecimal() or token in "+-*/()")):
            raise ExpressionError(f"{token!r} is not allowed; only whole numbers, + - * / and parentheses are")
    return tokens


class _Parser:
    """Recursive descent: sum → product → number or parenthesis."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.numbers: list[int] = []

    def parse(self) -> tuple[Fraction, list[int]]:
        value = self._sum()
        if self.at < len(self.tokens):
            raise ExpressionError(f"{self.tokens[self.at]!r} does not fit where it stands")
        return value, self.numbers

    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _sum(self) -> Fraction:
        value = self._product()
        while (sign := self._next()) in ("+", "-"):
            self.at += 1
            other = self._product()
            value = value + other if sign == "+" else value - other
        return value

    def _product(self) -> Fraction:
        value = self._atom()
        while (sign := self._next()) in ("*", "/"):
            self.at += 1
            other = self._atom()
            if sign == "/" and other == 0:
                raise ExpressionError("it divides by zero")
            value = value * other if sign == "*" else value / other
        return value

    def _atom(self) -> Fraction:
        token = self._next()
        self.at += 1
        if token.isdecimal():
            self.numbers.append(int(token))
            return Fraction(int(token))
        if token != "(":
            raise ExpressionError(f"a number or '(' is missing before {token!r}" if token else "it ends too early")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"more than {MAX_DEPTH} parentheses are open")
        value = self._sum()
        if self._next() != ")":
            raise ExpressionError("a parenthesis is not closed")
        self.at += 1
        self.depth -= 1
        return value


def check(expression: str, nums: Sequence[int] | str, target: int | float | str | Fraction) -> Verdict:
    """Right where the expression uses every number of ``nums`` exactly once, no other, and equals ``target``.

    One ``= value`` at the end, or ``value =`` before it, is allowed when it is true: ``(8 - 2) * 4 = 24``.
    """
    try:
        wanted = exact(target)
        given = Counter(whole(n) for n in several(nums))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        said = f"{_short(nums, 120)}, {_short(target, 40)}"
        return Verdict.undecided(Cause.INVALID_GOLD, f"nums and target are no numbers: {said}")
    if any(number < 0 for number in given):
        return Verdict.undecided(
            Cause.INVALID_GOLD, f"a number with a sign cannot be used in an expression: {nums!r:.120}"
        )
    if not given:
        return Verdict.undecided(Cause.INVALID_GOLD, "nums is empty")
    body, equals, claimed = expression.translate(_SPELLINGS).partition("=")
    if body.strip().isdecimal() and not claimed.strip().isdecimal():  # 24 = (8 - 2) * 4
        body, claimed = (claimed, body) if equals else (body, claimed)
    facts = {"extracted": expression.strip()[:200], "expected": str(wanted)}
    try:
        value, used = evaluate(body)
        stated = evaluate(claimed)[0] if equals and not _signed(claimed) else _number(claimed) if equals else value
    except ExpressionError as error:
        return Verdict.wrong(f"the expression cannot be read: {error}", **facts)
    if Counter(used) != given:
        return Verdict.wrong(f"it uses {_listed(used)} and not each of {_listed(given.elements())} once", **facts)
    if stated != value:
        return Verdict.wrong(f"it says = {claimed.strip()}, but its value is {value}", **facts)
    if value != wanted:
        return Verdict.wrong(f"its value is {value}, not {wanted}", **facts)
    return Verdict.right(f"it uses each number once and gives {wanted}", **facts)


def several(nums: Any) -> Sequence[Any]:
    """A list, tuple or array as it is; a text as CSV files have it: ``[1, 2, 3]``, ``[1 2 3]`` or ``1, 2, 3``."""
    if not isinstance(nums, str):
        return nums.tolist() if hasattr(nums, "tolist") else list(nums)
    text = nums.strip()
    return (text[1:-1] if text[:1] + text[-1:] in ("[]", "()") else text).replace(",", " ").split()


def exact(number: Any) -> Fraction:
    """A number of any type as a fraction. ValueError or TypeError for what is none, or is written too long."""
    if hasattr(number, "tolist"):
        number = number.tolist()
    if isinstance(number, bool):
        raise TypeError(f"{number!r} is no number")
    if isinstance(number, str) and not _PLAIN.fullmatch(number.strip()):
        raise ValueError(f"{number!r} is no number")
    value = Fraction(str(number)) if isinstance(number, float | str) else Fraction(number)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _BITS:
        raise ValueError("the number is too long")
    return value


def whole(number: Any) -> int:
    """A number of any type that is whole. ValueError or TypeError for any other."""
    value = exact(number)
    if value.denominator != 1:
        raise ValueError(f"{number!r} is no whole number")
    return value.numerator


def _signed(text: str) -> bool:
    return text.strip().startswith(("-", "−"))


def _number(text: str) -> Fraction:
    value, _ = evaluate(text.strip()[1:])
    return -value


def _short(value: Any, limit: int) -> str:
    try:
        return repr(value)[:limit]
    except ValueError:  # it has more digits than Python writes
        return f"a {type(value).__name__}"


def _listed(numbers: Any) -> str:
    return ", ".join(map(str, sorted(numbers))) or "no numbers"


def extract(completion: str, prompt: str = "", *, prefilled: bool | Literal["auto"] = "auto") -> str | None:
    """The inside of the last ``<answer>…</answer>`` after the thinking, ``$`` and code marks aside, or None.

    Thinking that never ends (``prefilled``: that the prompt began) leaves no answer.
    """
    from veritune.verifiers.math.extraction.reasoning import opens_reasoning, strip_reasoning

    opened = opens_reasoning(prompt) if prefilled == "auto" else prefilled
    found = _ANSWER.findall(strip_reasoning(completion, opened=opened) or "")
    return _bare(found[-1]) if found else None


def _bare(written: str) -> str:
    """The expression without what is written around it: code marks, ``$``, a box, a full stop."""
    text = visible(written).strip().strip("$`*").strip()
    if (text[:2], text[-2:]) in ((r"\(", r"\)"), (r"\[", r"\]")):
        text = text[2:-2].strip()
    box = _BOX.fullmatch(text)
    text = box[1].strip() if box is not None else text
    return text[:-1].rstrip() if text.endswith((".", "。")) else text


class Countdown:
    """The verifier ``countdown``. A gold is a mapping with ``nums`` and ``target``."""

    def __init__(self, *, prefilled: bool | Literal["auto"] = "auto") -> None:
        self.prefilled = prefilled

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The verdict on the expression in the answer tag."""
        if not isinstance(gold, Mapping) or "nums" not in gold or "target" not in gold:
            return Verdict.undecided(Cause.INVALID_GOLD, f"the gold is no mapping with nums and target: {gold!r}")
        expression = extract(completion, prompt, prefilled=self.prefilled)
        if expression is None:
            return Verdict.wrong("there is no complete <answer>…</answer> after the thinking")
        return check(expression, gold["nums"], gold["target"])

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        return [self.verify(completion, gold) for completion, gold in pairs]
