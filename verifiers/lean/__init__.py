"""Lean 4 proofs: a completion's proof under the row's own statement, its axioms checked, in the sandbox."""

from veritune.verifiers.lean.verifier import LeanVerifier

__all__ = ["LeanVerifier"]
