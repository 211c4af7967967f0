"""Ours: the whole verifier, workers included, with its memory of earlier findings off."""

from __future__ import annotations

import functools

from veritune.bench.loading import Finding
from veritune.verifiers.math import MathVerifier


@functools.cache
def verifier() -> MathVerifier:
    """Made with the first question: its workers belong to the process that asks."""
    made = MathVerifier(cache=0)
    made.warm()
    return made


def grade(completion: str, gold: str, prompt: str) -> Finding:
    verdict = verifier().verify(completion, gold, prompt)
    return verdict.correct, str(verdict.cause or verdict.evidence.get("stage", ""))
