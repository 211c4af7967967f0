"""The key of an endpoint, and texts that must not hold it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

_HIDDEN = "***"
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\",;]+")
_SHORTEST = 4
"""A shorter secret is part of too many words to be told from them."""


@dataclass(frozen=True)
class Credentials:
    """What is sent to prove who asks."""

    key: str = ""
    others: tuple[str, ...] = ()
    problem: str = ""
    """Why no request can carry the key; it does not show it."""

    @classmethod
    def of(cls, url: str, variable: str) -> Credentials:
        """The key in an environment variable (white space around it aside), and a password in the address."""
        key = os.environ.get(variable, "").strip()
        parts = urlsplit(url)
        others = tuple(unquote(each) for each in (parts.password, parts.username) if each)
        bad = next((i for i, letter in enumerate(key) if not "!" <= letter <= "~"), None)
        problem = (
            f"the key in {variable} cannot be sent: character {bad + 1} of {len(key)} is no plain ASCII letter, digit "
            "or mark (a quotation mark or line break that was copied with it?)"
            if bad is not None
            else ""
        )
        return cls(key, others, problem)

    def out_of(self, text: str) -> str:
        """The text without them, in whatever form a library shows them."""
        for secret in (self.key, *self.others):
            if len(secret) >= _SHORTEST:
                for form in {secret, quote(secret), quote(secret, safe=""), repr(secret)[1:-1]}:
                    text = text.replace(form, _HIDDEN)
        return _BEARER.sub(rf"\1 {_HIDDEN}", text)


def is_local(url: str) -> bool:
    """Whether an endpoint is on this machine: it is not asked through a proxy."""
    host = (urlsplit(url).hostname or "").lower()
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.") or host.endswith(".localhost")
