"""Words of another language inside a clause: code-switching in the middle of a sentence."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from operator import add, gt
from typing import NamedTuple, TypeAlias

from veritune.verifiers.language.detectors import Said

Evidence: TypeAlias = Callable[[str], Said]
"""What one word says for each language, in their order."""

SWITCH = {"paragraph": 0.7, "sentence": 1.05, "clause": 1.75, "word": 2.8}
"""What a change of language costs in log-odds, by what parts the words."""
CLAUSE = 0.1
"""What the language that its clause was heard in is worth to a word."""
PRIOR = 1.0
"""What the share of a language among the clauses counts for, in log-odds."""
DOUBT = 3.0
"""What the words of a clause together have to say against it, for it to be looked at word by word."""
LONE = 1.0
"""What a single word has to say beyond its two changes: many are in several languages."""


class Clause(NamedTuple):
    """Words side by side, what parts them from those before, and the language that they were heard in together."""

    words: Sequence[str]
    border: str
    heard: int


def switches(clauses: Sequence[Clause], evidence: Evidence) -> list[Sequence[int] | None]:
    """The language of every word as a number; None for a clause that is one language without doubt.

    The most probable course (Viterbi) of the clauses in which some words say another language, and of their neighbours;
    linear in the words.
    """
    counts: Counter[int] = Counter()
    for clause in clauses:
        counts[clause.heard] += len(clause.words)
    most = counts.most_common(1)[0][0]
    said = [list(map(evidence, clause.words)) for clause in clauses]
    doubted = [
        clause.heard != most or sum([word.behind[most] for word in mine]) > DOUBT
        for clause, mine in zip(clauses, said, strict=True)
    ]
    courses: list[Sequence[int] | None] = [None] * len(clauses)
    if True not in doubted:
        return courses
    size = len(said[0][0].scores)
    prior = [PRIOR * math.log((counts[i] + 1) / (counts.total() + 5)) for i in range(size)]
    near = [any(doubted[max(i - 1, 0) : i + 2]) for i in range(len(clauses))]
    for doubtful, group in itertools.groupby(range(len(clauses)), key=near.__getitem__):
        if not doubtful:
            continue
        at = list(group)
        listed, words = clauses[at[0] : at[-1] + 1], said[at[0] : at[-1] + 1]
        if all(clause.heard == most for clause in listed) and _settled(listed, words, prior, most):
            continue
        course = iter(_course(listed, words, prior))
        for i in at:
            courses[i] = list(itertools.islice(course, len(clauses[i].words)))
    return courses


def _settled(clauses: Sequence[Clause], said: Sequence[Sequence[Said]], prior: Sequence[float], heard: int) -> bool:
    """Whether no stretch of words says more for any other language than two changes cost: then all are in ``heard``.

    The stretch that says most is carried along, whichever languages it would be in: linear, and never wrong.
    """
    highest = max(p for language, p in enumerate(prior) if language != heard)
    lead = highest - prior[heard]
    for i, (clause, mine) in enumerate(zip(clauses, said, strict=True)):
        cost = SWITCH[clause.border]
        if i:
            if lead > cost - prior[heard]:
                return False
            lead = max(lead, highest - cost)
        lead += mine[0].ahead[heard] - CLAUSE
        enter, leave = highest - SWITCH["word"], SWITCH["word"] - prior[heard]
        for word in mine[1:]:
            if lead > leave:
                return False
            lead = (lead if lead > enter else enter) + word.ahead[heard] - CLAUSE
    return lead < 0


def _course(clauses: Sequence[Clause], said: Sequence[Sequence[Said]], prior: Sequence[float]) -> list[int]:
    rows = [word.scores for mine in said for word in mine]
    totals = list(prior)
    back: list[tuple[int, list[bool]]] = []
    at_row = iter(rows)
    for clause in clauses:
        cost, heard = SWITCH[clause.border], clause.heard
        for row in itertools.islice(at_row, len(clause.words)):
            top = max(totals)
            best = totals.index(top)
            top -= cost
            jumps = [top + p for p in prior]
            back.append((best, list(map(gt, jumps, totals))))
            totals = list(map(add, map(max, totals, jumps), row))
            totals[heard] += CLAUSE
            cost = SWITCH["word"]
    at = totals.index(max(totals))
    course = []
    for best, jumped in reversed(back):
        course.append(at)
        at = best if jumped[at] else at
    course.reverse()
    for i in range(1, len(course) - 1):
        before, at, after = course[i - 1 : i + 2]
        if before == after != at and rows[i][at] - rows[i][before] < 2 * SWITCH["word"] - prior[at] + LONE:
            course[i] = before
    return course
