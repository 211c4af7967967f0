"""What a worker is asked: settle one answer against one gold, or try a gold alone. Killable, whatever it meets."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from veritune.verifiers.math import symbolic
from veritune.verifiers.math.cascade import decide
from veritune.verifiers.math.decision import Decision, Outcome
from veritune.verifiers.math.options import DEFAULT, MathOptions
from veritune.verifiers.math.reading import Gold, prepare_gold
from veritune.verifiers.math.syntax.nodes import Func, Node, Operator, walk
from veritune.verifiers.math.text.normalise import clean

FUNCTION = "veritune.verifiers.math.judge:judge"
WARM_UP = "veritune.verifiers.math.judge:warm_up"

Question = Literal["answer", "gold"]
Task = tuple[Question, str, str, MathOptions]

_PROBE = r"\frac{7919}{104729}"
"""An answer that no gold has, with which a gold is tried alone."""


_UNSOUND = frozenset(["gcd", "lcm", "factorial2", "rem", "residue", "perm", "multinomial", "cases", "given"])


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision that is final: symbolic computation, where it was needed, is done."""

    outcome: Outcome
    stage: str
    reason: str
    flags: tuple[str, ...] = ()
    """Other readings of the gold that disagree with the one taken."""


def judge(question: Question, answer: str, gold: str, options: MathOptions) -> Judgement:
    """Settle ``answer`` against ``gold``; or with ``question="gold"``, whether the gold can be checked at all."""
    prepared = prepare_gold(gold, options)
    if question == "gold":
        return _judged(decide(_PROBE, prepared, options), _PROBE, prepared)
    return _judged(decide(answer, prepared, options), answer, prepared)


def _judged(decision: Decision, answer: str, gold: Gold) -> Judgement:
    if decision.outcome is not Outcome.NEEDS_SYMBOLIC:
        return Judgement(decision.outcome, decision.stage, decision.reason, gold.flags)
    found = symbolic.compare(clean(answer), gold.reading.text)
    if found.outcome is Outcome.RIGHT and gold.reading.tree is not None and _beyond(gold.reading.tree):
        return Judgement(Outcome.ABSTAIN, "symbolic", "algebra alone says that they are equal", gold.flags)
    return Judgement(found.outcome, "symbolic", found.reason, gold.flags)


def _beyond(tree: Node) -> bool:
    """Whether algebra treats something in `tree` by rules that do not hold for it: a gcd of two symbols is 1 to it."""
    return any(isinstance(n, Operator | Func) and n.name in _UNSOUND for n in walk(tree))


def warm_up() -> None:
    """Fill every cache once, in the server, so that all workers share it."""
    logging.disable(logging.CRITICAL)
    for answer, gold in symbolic.WARM_PAIRS:
        decide(answer, gold, DEFAULT)
        symbolic.compare(answer, gold)
    symbolic.forget()
