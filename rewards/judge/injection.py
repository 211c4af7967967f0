"""Does a text address its judge? Rules that flag it; the flag is evidence, the fence is the defence."""

from __future__ import annotations

from veritune.rewards.judge.address import addresses
from veritune.rewards.judge.disguise import folded, plain_text, undisguised
from veritune.rewards.judge.forms import forms

_LIMIT = 100_000


def injections(text: str) -> dict[str, str]:
    """Kind → the words that look like an address to the judge; empty where nothing does.

    Read as a reader sees it (NFKC, without invisible characters, look-alike letters as Latin), and again with spaced,
    leet, reversed, rot13, base64, hexadecimal and escaped words undone. The first and last 50,000 characters are read,
    in time linear in them. Kinds: ``override`` (the reference or the instructions are to be left aside), ``addressed``
    (the evaluator is spoken to), ``dictated`` (the verdict is given or commanded), ``structure`` (forged turns and
    fields), ``pressure`` (threat, bribe, plea or authority), ``hidden`` (one of these behind a disguise).
    """
    if len(text) > _LIMIT:
        text = text[: _LIMIT // 2] + "\n" + text[-_LIMIT // 2 :]
    plain = plain_text(text)
    found = forms(plain) | addresses(folded(plain))
    for other in undisguised(plain):
        if "hidden" in found:
            break
        hidden = addresses(folded(other)) or {k: v for k, v in forms(other).items() if k in ("override", "dictated")}
        if hidden:
            found["hidden"] = next(iter(hidden.values()))
    return found
