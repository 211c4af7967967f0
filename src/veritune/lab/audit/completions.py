"""Completions that stand in the data: how often each question is solved, and what stays undecided."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from veritune.lab.audit.asking import Asker
from veritune.lab.audit.cures import cure
from veritune.lab.audit.findings import AuditReport, Finding
from veritune.lab.audit.paid import Scale
from veritune.lab.audit.rows import AuditRow
from veritune.lab.audit.similar import normal

FEWEST = 2
"""Completions from which on a question can be called never or always solved."""


def solved(rows: Sequence[AuditRow], scale: Scale, asker: Asker, report: AuditReport) -> Iterator[Finding]:
    """Pass rates by question into the report; questions without signal, and undecided completions, as findings."""
    asked = [(index, text) for index, row in enumerate(rows) for text in row.completions]
    answers = asker.ask([(rows[index].prompt, text, rows[index].data) for index, text in asked])
    groups: dict[str, list[int]] = defaultdict(list)
    paid: Counter[int] = Counter()
    decided: Counter[int] = Counter()
    told: set[int] = set()
    for (index, _), answer in zip(asked, answers, strict=True):
        if answer.value is None:
            advice = cure(answer.cause, answer.reason)
            report.causes[answer.cause, _short(answer.reason), advice] += 1
            if index not in told:
                told.add(index)
                check = "reward fails" if answer.failed else "undecided completion"
                yield Finding(index, check, f"{answer.cause}: {answer.reason}", advice)
            continue
        decided[index] += 1
        paid[index] += scale.pays(answer.value) if scale.tells else answer.value > 0
    for index in dict.fromkeys(index for index, _ in asked):
        groups[normal(rows[index].question) or rows[index].place].append(index)
    for members in groups.values():
        right, known = sum(paid[i] for i in members), sum(decided[i] for i in members)
        if known:
            report.rates[members[0]] = (right, known)
        if known >= FEWEST and right in (0, known):
            yield Finding(
                members[0], "always solved" if right else "never solved", f"{right} of {known} completions paid"
            )


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 120 else f"{flat[:119]}…"
