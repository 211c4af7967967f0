"""Rubrics: weighted criteria, each met or not, in one verdict."""

from veritune.verifiers.rubric.verifier import RubricVerifier

__all__ = ["RubricVerifier"]
