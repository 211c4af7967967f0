"""The last stage: are two answers equal by algebra? math-verify and sympy, for use inside a killable worker only.

Both answers are parsed as they are, each as the content of one box; nothing is searched for inside them. Text is
parsed by a grammar, never evaluated as code.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from veritune.verifiers.math.decision import Outcome

RELATIVE = 2e-6
"""How far apart two real values may be, relative to the larger, where one is printed as a decimal."""
EXACT = 1e-20
"""The same where both are exact: room for rounding in the evaluation only."""
_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Found:
    outcome: Outcome
    reason: str


def compare(answer: str, gold: str) -> Found:
    """Whether ``answer`` equals ``gold``. An answer that cannot be read is wrong; such a gold, or a bug, abstains."""
    try:
        return _compare(answer, gold)
    except (MemoryError, RecursionError, OverflowError):
        raise
    except Exception as error:  # sympy has many; none of them says that the answer is wrong
        return Found(Outcome.ABSTAIN, f"the algebra failed: {type(error).__name__}")


def _compare(answer: str, gold: str) -> Found:
    wanted = _parse(gold)
    if not wanted:
        return Found(Outcome.ABSTAIN, "the gold cannot be read as mathematics")
    found = _parse(answer)
    if not found:
        return Found(Outcome.WRONG, "the answer cannot be read as mathematics")
    from math_verify import verify

    for one in wanted:
        for other in found:
            if verify(one, other, timeout_seconds=None) and _same_value(one, other):
                return Found(Outcome.RIGHT, "equal by algebra")
    return Found(Outcome.WRONG, "not equal by algebra")


def _same_value(gold: Any, answer: Any) -> bool:
    """A second look at two numbers: math-verify rounds to six decimals, so that 10⁻²⁰ and 10⁻²¹ are both 0 to it."""
    from sympy import Expr, Float

    if not (isinstance(gold, Expr) and isinstance(answer, Expr)) or gold.free_symbols or answer.free_symbols:
        return True
    try:
        left, right = complex(gold.evalf(_DIGITS)), complex(answer.evalf(_DIGITS))
        distance = abs(complex((gold - answer).evalf(_DIGITS)))
    except (TypeError, ValueError, OverflowError):
        return True
    decimal = gold.has(Float) or answer.has(Float)
    return distance <= (RELATIVE if decimal else EXACT) * max(abs(left), abs(right))


@functools.lru_cache(maxsize=512)
def _parse(answer: str) -> tuple[Any, ...]:
    from math_verify import parse

    text = f"\\boxed{{{answer}}}"
    return tuple(parse(text, extraction_config=_configuration(), parsing_timeout=None, fallback_mode="no_fallback"))


@functools.lru_cache(maxsize=1)
def _configuration() -> tuple[Any, ...]:
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import LatexExtractionConfig

    reading = NormalizationConfig(nits=True, malformed_operators=True, basic_latex=True, boxed="all", units=True)
    return (LatexExtractionConfig(normalization_config=reading, boxed_match_priority=0),)


def forget() -> None:
    """Empty the cache of parsed answers (the parser's own stay warm)."""
    _parse.cache_clear()


WARM_PAIRS = (
    (r"\frac{1}{2}", "0.5"),
    (r"\sqrt{8}", r"2\sqrt{2}"),
    (r"x^2+2x+1", r"(x+1)^2"),
    (r"\{1,2\}", r"\{2,1\}"),
    (r"(-\infty,3]", r"x \le 3"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1\\3\end{pmatrix}"),
    (r"\sin(x)^2", r"1-\cos^2 x"),
    (r"y=2x+1", r"y-2x=1"),
    (r"50\%", "0.5"),
    (r"\frac{\pi}{3}+2i", r"2i+\pi/3"),
)
