"""Facts in free text: an answer in words against the golds of its row, by equality, by shared words or by mention."""

from veritune.verifiers.facts.verifier import FactVerifier, contains, exact_match, f1

__all__ = ["FactVerifier", "contains", "exact_match", "f1"]
