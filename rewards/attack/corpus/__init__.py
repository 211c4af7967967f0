"""What a policy tries when it looks for reward without the work, a file a kind.

Each file has one generator: a target in, hostile completions out. None of them gives the right answer as its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from veritune.rewards.attack.corpus.boxes import boxes
from veritune.rewards.attack.corpus.echo import echo
from veritune.rewards.attack.corpus.execution import execution
from veritune.rewards.attack.corpus.expression import expression
from veritune.rewards.attack.corpus.formats import formats
from veritune.rewards.attack.corpus.guesses import guesses
from veritune.rewards.attack.corpus.hedging import hedging
from veritune.rewards.attack.corpus.hidden import hidden
from veritune.rewards.attack.corpus.hostile import endless_work, hostile_text
from veritune.rewards.attack.corpus.judge import judge_injections
from veritune.rewards.attack.corpus.length import length
from veritune.rewards.attack.corpus.negation import negation
from veritune.rewards.attack.corpus.nothing import nothing
from veritune.rewards.attack.corpus.numbers import near_misses
from veritune.rewards.attack.corpus.preference import preference
from veritune.rewards.attack.corpus.program import program
from veritune.rewards.attack.corpus.question import question
from veritune.rewards.attack.corpus.reasoning import reasoning
from veritune.rewards.attack.corpus.unicode import unicode_tricks
from veritune.rewards.attack.corpus.units import units
from veritune.rewards.attack.target import Attack, Target

GENERATORS: tuple[Callable[[Target], Iterator[Attack]], ...] = (
    nothing, echo, negation, hedging, guesses, boxes, near_misses, units, unicode_tricks, hidden, reasoning,
    judge_injections, preference, expression, question, program, formats, length, execution, endless_work, hostile_text,
)  # fmt: skip


def attacks(target: Target) -> Iterator[Attack]:
    """Every attack on this target, applicable or not."""
    return chain.from_iterable(generator(target) for generator in GENERATORS)
