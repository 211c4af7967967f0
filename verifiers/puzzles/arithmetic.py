"""Countdown and the game of 24, read anywhere an answer stands; and whether there is a solution at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from typing import Any

from veritune.plugins.types import Cause, Verdict
from veritune.verifiers import countdown
from veritune.verifiers.puzzles.answer import says_none
from veritune.verifiers.puzzles.base import NONE, Answer, InvalidPuzzle, declares_none, first

MAX_VALUES = 100_000
"""Values that the search for a solution may make before it gives up."""
_EXPRESSION = re.compile(r"[\d(\[（][\d\s+\-*/×÷·⋅−–()\[\]（）.]*")
_FRACTION = re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?")
_SIGN = re.compile(r"[+\-*/×÷·⋅−–]")


class Arithmetic:
    """A row with ``nums`` (or ``numbers``, ``cards``) and ``target`` (24 where the kind is 24)."""

    what = "expression"

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        self.nums = first(row, "nums", "numbers", "cards")
        self.target: Any = row.get("target")
        if self.nums is None or self.target is None:
            raise InvalidPuzzle("the row has no nums and target")
        probe = countdown.check("", self.nums, self.target)
        if probe.cause is Cause.INVALID_GOLD:
            raise InvalidPuzzle(probe.reason)

    def readings(self, text: str) -> Sequence[Answer]:
        count = len(list(countdown.several(self.nums)))
        found = list(dict.fromkeys(_expressions(text, count)))
        if found:
            whole = [one for one in found if "=" not in one or len(re.findall(r"\d+", one.partition("=")[0])) == count]
            # steps ("8 - 2 = 6") beside the whole are none; the same expression, its value said or not, is one answer
            return list({re.sub(r"\s", "", one.partition("=")[0]): one for one in whole or found}.values())
        return [NONE] if says_none(text) else []

    def judge(self, answer: str) -> Verdict:
        body, *claims = answer.split("=")
        for claim in claims[:-1]:  # "(8 - 2) * 4 = 6 * 4 = 24"
            try:
                if countdown.evaluate(claim)[0] != countdown.evaluate(body)[0]:
                    return Verdict.wrong(f"it says = {claim.strip()}, which is another value", extracted=answer[:200])
            except countdown.ExpressionError:
                continue
        return countdown.check(" = ".join([body, *claims[-1:]]), self.nums, self.target)

    def declared_unsolvable(self) -> bool:
        # an expression of given numbers is a puzzle with a plain answer also where there is none
        return True

    def solvable(self) -> bool | None:
        nums = tuple(sorted(int(countdown.whole(n)) for n in countdown.several(self.nums)))
        found = reachable(nums, countdown.exact(self.target))
        return False if found is None and declares_none(self.row) else found


def _expressions(text: str, count: int) -> list[str]:
    """The expressions that a text gives: the whole of it, a line, or a side of what it says to be equal, of several
    the first with ``count`` numbers."""
    for _ in range(8):
        text = _FRACTION.sub(r"((\1)/(\2))", text)
    text = re.sub(r"\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z])", "", text).replace("{", "(").replace("}", ")")
    whole = _trimmed(text)
    if _is_expression(whole):
        return [whole]
    found: list[str] = []
    for line in text.replace("\\times", "*").replace("\\div", "/").replace("\\cdot", "*").split("\n"):
        line = _trimmed(line)
        if _is_expression(line):
            found.append(line)
            continue
        for chain in _chains(line):
            sides = [side for side in map(_balanced, chain) if side and len(re.findall(r"\d+", side)) > 1]
            if sides:
                main = next((side for side in sides if len(re.findall(r"\d+", side)) == count), sides[0])
                values = [bare for bare in (side.strip().rstrip(".") for side in chain) if bare != main]
                claims = [one for one in values if _balanced(one) not in ("", main) or _NUMBER.fullmatch(one.strip())]
                found.append(" = ".join([main, *claims]))
    return found


def _chains(line: str) -> Iterator[list[str]]:
    """What a line says to be equal: ``(8 - 2) * 4 = 6 * 4 = 24``."""
    chain: list[str] = []
    at = 0
    for part in _EXPRESSION.finditer(line):
        between = re.fullmatch(r"[\s$]*=[\s$]*([-−]?)[\s$]*", line[at : part.start()]) if chain else None
        if between is None and chain:
            yield chain
            chain = []
        chain.append((between[1] if between is not None else "") + part[0].strip())
        at = part.end()
    if chain:
        yield chain


def _balanced(one: str) -> str:
    """Without a parenthesis that belongs to the sentence around it, and without signs at the ends."""
    one = one.strip().rstrip("+-*/×÷·⋅−– (.").strip()
    while one.count("(") > one.count(")") and one.startswith("("):
        one = one[1:].strip()
    while one.count(")") > one.count("(") and one.endswith(")"):
        one = one[:-1].strip()
    return one if _SIGN.search(one) else ""


def _trimmed(text: str) -> str:
    bare = text.strip().strip("$`*").strip()
    bare = bare.removeprefix("\\(").removesuffix("\\)").removeprefix("\\[").removesuffix("\\]")
    bare = bare.strip().strip("$`").strip()
    return bare[:-1].rstrip() if bare.endswith((".", "。", ",", "!")) else bare


def _is_expression(text: str) -> bool:
    body, equals, value = text.partition("=")
    if not text or "\n" in text.strip() or (equals and not re.fullmatch(r"\s*[-−]?[\d./\s]+", value)):
        return False
    try:
        _, used = countdown.evaluate(body)
    except countdown.ExpressionError as error:
        return "divides by zero" in str(error)
    return len(used) > 1


@lru_cache(4096)
def reachable(nums: tuple[int, ...], target: Fraction) -> bool | None:
    """Whether an expression of all these numbers has this value; None where the search gets too large.

    By subsets: the values of a set of numbers are those of its halves joined by + - * /.
    """
    count = len(nums)
    if count > 7:
        return None
    values: dict[tuple[int, ...], set[Fraction]] = {(n,): {Fraction(nums[n])} for n in range(count)}
    made = 0
    same: dict[tuple[int, ...], set[Fraction]] = {}
    for size in range(2, count + 1):
        for subset in combinations(range(count), size):
            key = tuple(nums[n] for n in subset)
            if key in same:
                values[subset] = same[key]
                continue
            found: set[Fraction] = set()
            last = size == count
            for left_size in range(1, size // 2 + 1):
                for left in combinations(subset, left_size):
                    right = tuple(n for n in subset if n not in left)
                    for a in values[left]:
                        for b in values[right]:
                            made += 1
                            if made > MAX_VALUES:
                                return None
                            results = [a + b, a - b, b - a, a * b]
                            if b:
                                results.append(a / b)
                            if a:
                                results.append(b / a)
                            if last:
                                if target in results:
                                    return True
                            else:
                                found.update(results)
            same[key] = values[subset] = found
    return count == 1 and target == nums[0]
