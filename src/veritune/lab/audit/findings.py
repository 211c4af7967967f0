"""What an audit can find, and the report of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from veritune.lab.audit.rows import AuditRow

Level: TypeAlias = Literal["fault", "look"]

CHECKS: dict[str, tuple[Level, str]] = {
    "no prompt": ("fault", "there is no question"),
    "no gold": ("fault", "the right answer is missing or cannot be read: its samples would have no reward"),
    "gold lost": ("fault", "the gold is wrong against itself: right answers would earn nothing"),
    "gold undecided": ("fault", "the gold cannot be checked against itself: its samples would have no reward"),
    "solution disagrees": ("fault", "the row's own worked solution ends in another answer"),
    "right is not paid": ("fault", "the right answer, or the row's own solution, does not earn what others do"),
    "undecided": ("fault", "the reward gives no number for the right answer"),
    "reward fails": ("fault", "the reward raised, hung or crashed on this row"),
    "tests": ("fault", "the tests assert nothing, cannot be read, fail their own solution or pass what solves nothing"),
    "no work pays": ("fault", "a completion without any work earns what the right answer does"),
    "cheating pays": ("fault", "a completion that does not give the answer is paid"),
    "echo pays": ("fault", "the prompt, or an example in it, given back is paid"),
    "answer in the prompt": ("fault", "the prompt says the right answer at the mark of a final answer"),
    "conflicting golds": ("fault", "the same question stands elsewhere with another answer"),
    "duplicate": ("fault", "the same question stands before it"),
    "near-duplicate": ("fault", "one that differs by a few words, with the same numbers and answer, stands before it"),
    "seen in evaluation": ("fault", "the question is in the evaluation data, word for word or nearly"),
    "undecided completion": ("look", "the reward gives no number for a given completion"),
    "gold to look at": ("look", "the gold has another reading, or a part of it alone is accepted"),
    "unlike golds": ("look", "a question that differs by a few words has another answer"),
    "never solved": ("look", "none of its completions is paid: no signal"),
    "always solved": ("look", "every one of its completions is paid: no signal"),
}  # fmt: skip
"""Check → whether a row that it finds is left out of the clean file, and what it means. From the gravest on."""

PERVASIVE = 0.25
"""Found in more than this share of the rows (of at least twenty), it is a fault of the reward or of the config, not of
the rows: nothing is left out for it."""


@dataclass(frozen=True)
class Finding:
    """One row and one check that found something."""

    row: int
    check: str
    why: str
    cure: str = ""

    @property
    def level(self) -> Level:
        return CHECKS[self.check][0]


@dataclass
class AuditReport:
    """Everything that was found, and what was looked at."""

    rows: list[AuditRow]
    findings: list[Finding] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)
    """Check → rows that it looked at. A check that is not here was not made."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Check → why it was not made."""
    causes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Cause, reason and cure of what stayed undecided → how many scores."""
    rates: dict[int, tuple[int, int]] = field(default_factory=dict)
    """First row of a question → completions paid, completions with a number."""
    rewards: str = ""
    honest: float | None = None
    wrong: float | None = None
    seconds: float = 0.0

    def counts(self) -> dict[str, int]:
        """Check → rows with such a finding, in the order of ``CHECKS``."""
        found = Counter({check: len({f.row for f in self.findings if f.check == check}) for check in CHECKS})
        return {check: found[check] for check in CHECKS if found[check]}

    @property
    def pervasive(self) -> list[str]:
        """Faults of so many rows that the rows cannot be at fault."""
        return [
            check
            for check, count in self.counts().items()
            if CHECKS[check][0] == "fault" and check not in _OF_ROWS
            and len(self.rows) >= 20 and count > PERVASIVE * self.looked.get(check, len(self.rows))
        ]  # fmt: skip

    def left_out(self) -> dict[int, list[Finding]]:
        """Row → the faults for which it is left out of the clean file."""
        common = self.pervasive
        out: dict[int, list[Finding]] = {}
        for finding in self.findings:
            if finding.level == "fault" and finding.check not in common:
                out.setdefault(finding.row, []).append(finding)
        return out

    def by_row(self) -> dict[int, list[Finding]]:
        """Row → everything found of it."""
        found: dict[int, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.row, []).append(finding)
        return found

    def reasons(self) -> list[dict[str, Any]]:
        """One line a row that is left out, for the file of reasons."""
        return [
            {
                "row": self.rows[row].place,
                **({"id": self.rows[row].data["id"]} if "id" in self.rows[row].data else {}),
                "checks": [finding.check for finding in found],
                "why": [finding.why for finding in found],
                "cure": [finding.cure for finding in found if finding.cure],
            }
            for row, found in sorted(self.left_out().items())
        ]


_OF_ROWS = ("duplicate", "near-duplicate", "conflicting golds", "seen in evaluation", "no prompt")
"""Checks that look at the rows alone: however many they are, it is the rows."""


def summary(report: AuditReport) -> Mapping[str, Any]:
    """The figures, for programs."""
    return {
        "rows": len(report.rows),
        "found": report.counts(),
        "looked": report.looked,
        "skipped": report.skipped,
        "pervasive": report.pervasive,
        "left_out": len(report.left_out()),
        "undecided": [
            {"cause": cause, "reason": reason, "cure": cure, "scores": count}
            for (cause, reason, cure), count in report.causes.most_common()
        ],
        "questions_with_completions": len(report.rates),
        "seconds": round(report.seconds, 1),
    }
