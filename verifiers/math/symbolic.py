"""The last stage: are two answers equal by algebra? Runs inside a killable worker, on math-verify and sympy.

Both answers are parsed as they are, each as the content of one box; nothing is searched for inside them.
"""

from __future__ import annotations

import functools
import logging
from typing import Any, Literal

Finding = Literal["equal", "different", "unparsed prediction", "unparsed gold"]

FUNCTION = "veritune.verifiers.math.symbolic:run"
WARM_UP = "veritune.verifiers.math.symbolic:warm_up"


def compare(prediction: str, gold: str) -> Finding:
    """Whether ``prediction`` equals ``gold``; which side could not be read, where one could not."""
    gold_readings = _parse(gold)
    if not gold_readings:
        return "unparsed gold"
    readings = _parse(prediction)
    if not readings:
        return "unparsed prediction"
    from math_verify import verify

    return "equal" if verify(list(gold_readings), list(readings), timeout_seconds=None) else "different"


def check_gold(gold: str) -> Finding:
    """Whether the gold can be read and stands up to a comparison: with itself, and with another number."""
    if not _parse(gold):
        return "unparsed gold"
    compare(r"\frac{7919}{104729}", gold)
    return compare(gold, gold)


def run(task: Literal["compare", "gold"], prediction: str, gold: str) -> Finding:
    """What a worker is asked for."""
    return check_gold(gold) if task == "gold" else compare(prediction, gold)


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


def warm_up() -> None:
    """Fill the parser's and sympy's caches, once, before the workers are forked."""
    logging.disable(logging.CRITICAL)
    for prediction, gold in _WARM_PAIRS:
        compare(prediction, gold)
    _parse.cache_clear()


_WARM_PAIRS = (
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
