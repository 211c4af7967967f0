"""The audit of a dataset: what would be lost, misread, paid without work or seen twice in training, row by row."""

from veritune.lab.audit.findings import CHECKS, AuditReport, Finding
from veritune.lab.audit.rows import AuditRow
from veritune.lab.audit.run import audit

__all__ = ["CHECKS", "AuditReport", "AuditRow", "Finding", "audit"]
