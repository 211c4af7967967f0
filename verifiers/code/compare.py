"""Does a program's output say what was expected? Exact, by lines, by tokens, or with a tolerance on numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from veritune.plugins.errors import ConfigError

Mode: TypeAlias = Literal["exact", "lines", "tokens", "float"]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_SPELLED = {"token": "tokens", "line": "lines", "float_tolerance": "float", "floats": "float", "diff": "lines"}


@dataclass(frozen=True)
class Comparison:
    """How outputs are compared.

    - ``exact``: equal but for line ends (CRLF) and one last line break.
    - ``lines``: line by line, each line token by token; blank lines at the ends do not count. Decimals are equal by
      value (1.50 is 1.5).
    - ``tokens``: the words in order, wherever lines break.
    - ``float``: tokens; two numbers are equal within ``tolerance``, absolute or relative, unless both are integers.

    Where it is expected, NaN or an infinity is equal to itself however it is spelled, but in ``exact`` and ``tokens``.
    """

    mode: Mode = "lines"
    tolerance: float = 1e-6

    @classmethod
    def parse(cls, text: str) -> Comparison:
        """``tokens``, ``lines``, ``exact``, ``float`` or ``float_tolerance 1e-6``. ConfigError otherwise."""
        word, _, number = text.strip().lower().replace(":", " ").partition(" ")
        mode = _SPELLED.get(word, word)
        try:
            tolerance = float(number) if number.strip() else 1e-6
        except ValueError:
            mode = "unknown"
        if mode not in ("exact", "lines", "tokens", "float") or not 0 <= (tolerance if number else 0) < 1:
            raise ConfigError(f"compare must be exact, lines, tokens or 'float_tolerance 1e-6', got {text!r}")
        return cls(mode, tolerance)  # type: ignore[arg-type]

    def difference(self, output: str, expected: str) -> str | None:
        """None where they are equal, else one sentence about the first difference."""
        if self.mode == "exact":
            return None if _unified(output) == _unified(expected) else _first_line(output, expected)
        if self.mode == "lines":
            return self._by_lines(output, expected)
        return self._by_tokens(output.split(), expected.split(), "")

    def _by_lines(self, output: str, expected: str) -> str | None:
        given, wanted = _lines(output), _lines(expected)
        for number, (one, other) in enumerate(zip(given, wanted, strict=False), start=1):
            if one != other:
                problem = self._by_tokens(one.split(), other.split(), f"line {number}: ")
                if problem is not None:
                    return problem
        return None if len(given) == len(wanted) else f"{len(given)} lines instead of {len(wanted)}"

    def _by_tokens(self, given: list[str], wanted: list[str], where: str) -> str | None:
        for number, (one, other) in enumerate(zip(given, wanted, strict=False), start=1):
            if one != other and not self._equal(one, other):
                return f"{where}word {number} is {one[:60]!r} instead of {other[:60]!r}"
        return None if len(given) == len(wanted) else f"{where}{len(given)} words instead of {len(wanted)}"

    def _equal(self, one: str, other: str) -> bool:
        if self.mode == "tokens" or max(len(one), len(other)) > 400:
            return False
        if not (_NUMBER.fullmatch(one) and _NUMBER.fullmatch(other)):
            special = _special(other)
            return special is not None and _special(one) == special
        if _INTEGER.fullmatch(one) and _INTEGER.fullmatch(other):
            return self.mode == "float" and int(one) == int(other)
        if self.mode == "lines":
            return Decimal(one) == Decimal(other)
        left, right = float(one), float(other)
        if not (math.isfinite(left) and math.isfinite(right)):
            return False
        return math.isclose(left, right, rel_tol=self.tolerance, abs_tol=self.tolerance)


def _special(word: str) -> str | None:
    """``nan``, ``inf`` or ``-inf`` for the spellings of them that languages print."""
    sign, rest = ("-", word[1:]) if word[:1] == "-" else ("", word.removeprefix("+"))
    name = _SPECIAL.get(rest.casefold())
    return name if name is None or name == "nan" else sign + name


_SPECIAL = {"nan": "nan", "nan(ind)": "nan", "inf": "inf", "infinity": "inf", "∞": "inf"}


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").removesuffix("\n")


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def _first_line(output: str, expected: str) -> str:
    given, wanted = _unified(output).split("\n"), _unified(expected).split("\n")
    for number, (one, other) in enumerate(zip(given, wanted, strict=False), start=1):
        if one != other:
            return f"line {number} is {one[:60]!r} instead of {other[:60]!r}"
    return f"{len(given)} lines instead of {len(wanted)}"
