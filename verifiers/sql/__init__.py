"""SQL: a query runs on the row's database, read-only and bounded, and its result is compared with the gold's."""

from veritune.verifiers.sql.verifier import SqlVerifier

__all__ = ["SqlVerifier"]
