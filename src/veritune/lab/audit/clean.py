"""The data without the faulty rows, and the reasons for what was left out."""

from __future__ import annotations

from pathlib import Path

from veritune.lab.audit.findings import AuditReport


def reasons_file(clean: Path) -> Path:
    """Where the reasons go: ``train.clean.jsonl`` has ``train.clean.reasons.jsonl`` beside it."""
    return clean.with_name(f"{clean.stem}.reasons.jsonl")


def kept_rows(report: AuditReport) -> list[dict[str, object]]:
    """The rows that have no fault of their own, as they were."""
    out = report.left_out()
    return [dict(row.data) for index, row in enumerate(report.rows) if index not in out]
