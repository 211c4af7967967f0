"""Words of another language inside a clause: code-switching in the middle of a sentence."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

Evidence: TypeAlias = Callable[[str], Sequence[float]]
"""Log-likelihoods of one word in the languages, in their order."""

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
    doubted = [clause.heard != most or _gain(clause, evidence) > DOUBT for clause in clauses]
    near = [any(doubted[max(i - 1, 0) : i + 2]) for i in range(len(clauses))]
    size = len(evidence(clauses[0].words[0]))
    prior = [PRIOR * math.log((counts[i] + 1) / (counts.total() + 5)) for i in range(size)]
    courses: list[Sequence[int] | None] = []
    for doubtful, group in itertools.groupby(zip(near, clauses, strict=True), key=lambda pair: pair[0]):
        listed = [clause for _, clause in group]
        if not doubtful:
            courses += [None] * len(listed)
            continue
        course = iter(_course(listed, evidence, prior))
        courses += [list(itertools.islice(course, len(clause.words))) for clause in listed]
    return courses


def _gain(clause: Clause, evidence: Evidence) -> float:
    """By how much the words say other languages than the one that the clause was heard in."""
    heard = clause.heard
    return sum(max(row) - row[heard] for row in map(evidence, clause.words))


def _course(clauses: Sequence[Clause], evidence: Evidence, prior: Sequence[float]) -> list[int]:
    rows = [evidence(word) for clause in clauses for word in clause.words]
    totals = list(prior)
    back: list[tuple[int, list[bool]]] = []
    at_row = iter(rows)
    for clause in clauses:
        cost = SWITCH[clause.border]
        for row in itertools.islice(at_row, len(clause.words)):
            top = max(totals)
            jumps = [top - cost + p for p in prior]
            back.append((totals.index(top), [jump > stay for stay, jump in zip(totals, jumps, strict=True)]))
            totals = [max(stay, jump) + score for stay, jump, score in zip(totals, jumps, row, strict=True)]
            totals[clause.heard] += CLAUSE
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
