"""Does a text address its judge? Rules that flag it; the flag is evidence, the fence is the defence."""

from __future__ import annotations

from veritune.rewards.judge.address import addresses
from veritune.rewards.judge.disguise import folded, plain_text, undisguised
from veritune.rewards.judge.forms import forms
from veritune.rewards.judge.likeness import likeness

LIMIT = 100_000
LIKELY = 1.0
"""From this sum of weights on a window is flagged without any rule."""
UNLIKELY = -0.5
"""Up to this sum what a rule found is taken for a text about judging."""


def injections(text: str, limit: int = LIMIT) -> dict[str, str]:
    """Kind → the words that look like an address to the judge; empty where nothing does.

    Read as a reader sees it (NFKC, without invisible characters, look-alike letters as Latin), and again with spaced,
    leet, reversed, rot13, base64, base32, hexadecimal, numbered, escaped and broken words undone. Of a text over
    ``limit`` characters the first and last half of so many are read, in time linear in them.

    Kinds: ``override`` (the reference or the instructions are to be left aside), ``addressed`` (the evaluator is
    spoken to), ``dictated`` (the verdict is given or commanded), ``structure`` (forged turns and fields), ``pressure``
    (threat, bribe, plea or authority), ``likely`` (parts of an address that no rule knows
    together), ``hidden`` (one of these behind a disguise).
    """
    if len(text) > limit:
        text = text[: limit // 2] + "\n" + text[-limit // 2 :]
    plain = plain_text(text)
    found = _found(plain)
    for other in undisguised(plain):
        if "hidden" in found:
            break
        hidden = {kind: words for kind, words in _found(other).items() if kind != "structure"}
        if hidden:
            found["hidden"] = next(iter(hidden.values()))
    return found


def _found(plain: str) -> dict[str, str]:
    """What the rules find in one reading of a text, and the weights beside them."""
    text = folded(plain)
    formal = forms(plain)
    found = formal | addresses(text)
    value, start, end = likeness(text, frozenset(found))
    if not found and value > LIKELY:
        return {"likely": text[start:end].strip()[:120]}
    acquitted = float("-inf") < value <= UNLIKELY and "addressed" not in formal  # "you are the judge" is said to one
    return {} if acquitted else found
