"""Questions that stand twice: with the same answer, with another, in the evaluation data."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from veritune.lab.audit.findings import Finding
from veritune.lab.audit.rows import AuditRow
from veritune.lab.audit.similar import near_pairs, normal, numbers
from veritune.lab.search.claims import number

NEAR = 0.5
"""Jaccard index of the pairs of words from which on two questions with the same numbers and answer are one."""
NEARER = 0.85
"""The same where the answer says little: it is missing, or that of many rows (yes, B)."""
MANY = 0.05
"""Share of the rows (of at least twenty) from which on an answer is that of many."""
UNLIKE = 0.9
"""The same for two with different answers, which one word may well make."""
SHORTEST = 6
"""Words below which nothing is nearly the same."""


def repeated(rows: Sequence[AuditRow]) -> Iterator[Finding]:
    """Duplicates, near-duplicates, and the same question with another answer."""
    firsts: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if key := normal(row.question):
            firsts[key].append(index)
    for same in firsts.values():
        if len(same) > 1:
            yield from _same_question(rows, same)
    once = [same[0] for same in firsts.values() if len(normal(rows[same[0]].question).split()) >= SHORTEST]
    yield from _nearly_same(rows, once)


def _same_question(rows: Sequence[AuditRow], same: list[int]) -> Iterator[Finding]:
    golds = {index: rows[index].gold for index in same}
    known = [index for index in same if golds[index]]
    unlike = [index for index in known if not same_answer(golds[index], golds[known[0]])]
    if unlike:
        for index in known:
            others = [i for i in known if not same_answer(golds[i], golds[index])]
            where = ", ".join(f"{rows[i].place.rpartition('/')[2]} has {golds[i][:40]!r}" for i in others[:2])
            yield Finding(index, "conflicting golds", f"{golds[index][:40]!r} here; {where}", "keep the right one")
        return
    for index in same[1:]:
        if not _repeats_by_design(rows[index], rows[same[0]]):
            yield Finding(index, "duplicate", f"the same question as {rows[same[0]].place.rpartition('/')[2]}")


def _repeats_by_design(one: AuditRow, other: AuditRow) -> bool:
    """Several rows of one question, each with one completion of its own."""
    return len(one.completions) == len(other.completions) == 1 and one.completions != other.completions


def _nearly_same(rows: Sequence[AuditRow], once: list[int]) -> Iterator[Finding]:
    telling = _telling(rows)
    for here, there, share in near_pairs([rows[index].question for index in once], NEAR):
        one, other = rows[once[here]], rows[once[there]]
        if numbers(one.question) != numbers(other.question):
            continue
        where = f"{one.place.rpartition('/')[2]} ({share:.0%} of its pairs of words)"
        if share < (NEAR if one.gold in telling else NEARER):
            continue
        if same_answer(one.gold, other.gold):
            yield Finding(once[there], "near-duplicate", f"nearly {where}")
        elif share >= UNLIKE:
            why = f"nearly {where}, whose answer is {one.gold[:40]!r}; here {other.gold[:40]!r}"
            yield Finding(once[there], "unlike golds", why)


def _telling(rows: Sequence[AuditRow]) -> set[str]:
    """Answers that few rows have: two questions with the same one have something in common."""
    counts = Counter(row.gold for row in rows)
    most = max(MANY * len(rows), 2) if len(rows) >= 20 else len(rows)
    return {gold for gold, count in counts.items() if gold and count <= most}


def in_evaluation(rows: Sequence[AuditRow], evaluation: Sequence[AuditRow]) -> Iterator[Finding]:
    """Rows whose question is among those of the evaluation."""
    known = {normal(row.question): row for row in evaluation if normal(row.question)}
    left: list[int] = []
    for index, row in enumerate(rows):
        found = known.get(normal(row.question))
        if found is not None:
            yield Finding(index, "seen in evaluation", f"the same question as {found.place.rpartition('/')[2]}")
        elif len(normal(row.question).split()) >= SHORTEST:
            left.append(index)
    texts = [*(rows[index].question for index in left), *(row.question for row in known.values())]
    others = list(known.values())
    seen: set[int] = set()
    telling = _telling(rows)
    for here, there, share in near_pairs(texts, NEAR, range(len(left))):
        index, other = left[here], others[there - len(left)]
        same = rows[index].gold in telling and same_answer(rows[index].gold, other.gold)
        near = share >= (NEAR if same else NEARER)
        if near and index not in seen and numbers(rows[index].question) == numbers(other.question):
            seen.add(index)
            where = other.place.rpartition("/")[2]
            yield Finding(index, "seen in evaluation", f"nearly {where} ({share:.0%} of its pairs of words)")


def same_answer(one: str, other: str) -> bool:
    """Whether two golds are the same text or the same number."""
    left, right = number(one), number(other)
    if left is not None and right is not None:
        return left == right
    return normal(one) == normal(other)
