"""A first look at the words around a value: most sentences have none that any rule of :mod:`assertion` could act on."""

from __future__ import annotations

import functools
import re

from veritune.verifiers.math.extraction.assertion import BEEN, IFS, UNTIL, WERE
from veritune.verifiers.math.extraction.disavowed import CUES
from veritune.verifiers.math.extraction.languages import pattern, tokens
from veritune.verifiers.math.extraction.unreal import conditions
from veritune.verifiers.math.text.strings import names


def is_quiet(before: str, behind: str) -> bool:
    """Whether an English sentence around a value has no word that could make anything of it but an assertion.

    A look at its words, before the rules are tried one by one: most sentences are quiet. Denials count where they could
    speak of the value: right before it, or before a "that".
    """
    if not (before.isascii() and behind.isascii()) or "?" in behind or _BAD.search(behind):
        return False
    rows = conditions("en")
    if rows is None or (len(behind) > _BARE and rows.search(behind)):
        return False
    said = tokens(f"{before} {behind}")
    if not _alarming().isdisjoint(said):
        return False
    if not _ORDERS.isdisjoint(said) and _ORDERED.search(before):
        return False
    denials = _denying()
    if denials.isdisjoint(said):
        return True
    near = before[-_NEAR:]
    whole = len(before) <= _NEAR or len(near.split()) > 5
    if not whole or not denials.isdisjoint(tokens(near)):
        return False
    return "that" not in said or _THAT_SUBJECT.search(before) is None


@functools.lru_cache(maxsize=1)
def _denying() -> frozenset[str]:
    return pattern("denials", "en").keys | _UNREAL


@functools.lru_cache(maxsize=1)
def _alarming() -> frozenset[str]:
    rows = [pattern(row, "en") for row in ("hedges", "suppositions", "hearsay", "wrong")]
    rules = [*rows, IFS, WERE, BEEN, UNTIL]
    assert all(rule.guarded for rule in [*rules, pattern("denials", "en")])
    return frozenset().union(pattern("wrong", "").keys, *(rule.keys for rule in rules)) | _ALSO | CUES


_THAT_SUBJECT = re.compile(
    r"that\W+(?:(?:the|our|my|your|its?)\W+)?"
    r"(?:answer|solution|result|value|choice|option|guess|respuesta|antwort)",
    re.I,
)
_BARE = 8
"""Characters behind a value that close a formula and a sentence."""
_UNREAL = names(
    "been had supposed meant intended going used once shoulda woulda coulda aurait devait iba doveva avrebbe sarebbe "
    "deveria devia teria zou zouden"
)
"""Verbs before a value that speak of what is not so: see :mod:`unreal`."""
_NEAR = 80
"""Characters before a value that hold the words which could deny it."""
_ORDERS = names("let prove show verify check demonstrate say test")
_ORDERED = re.compile(
    r"(?:^|[-,;:(.!?\n—])\W*(?:(?:please|now|next|so|to)\s+)?(?:let|prove|show|verify|check|demonstrate|say|test)(?!\w)",
    re.I,
)
_ALSO = names("pas nicht non off ne neq either")
"""What is looked for in other ways: the ends of a negation, what calls an answer wrong."""
_BAD = re.compile(r"mistake|error|reject|discard|rule|\b(?:not|no|never|cannot|cant|hardly)\b|n['’]t", re.I)
