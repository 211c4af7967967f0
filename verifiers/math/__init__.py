"""Math answers: extraction, a cascade of exact comparisons, and symbolic equality in killable workers."""

from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.verifier import MathVerifier, shared_verifier

__all__ = ["MathOptions", "MathVerifier", "shared_verifier"]
