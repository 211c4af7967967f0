"""The key of an endpoint, and texts that must not hold it."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from veritune.plugins.secrets import HIDDEN, without_user
from veritune.rewards.judge.pieces import TOLD, Pieces

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
        """The key in an environment variable (white space around it aside), and a password in the address.

        From here on it stands in no record that httpx or httpcore logs either.
        """
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
        found = cls(key, others, problem)
        if key or others:
            _LOGS.watch(found)
        return found

    def out_of(self, text: str) -> str:
        """The text without them, in whatever form and case a library or a server shows them."""
        lower = text.lower()
        secrets = [secret for secret in (self.key, *self.others) if len(secret) >= _SHORTEST]
        if long := tuple(secret for secret in secrets if len(secret) >= TOLD):
            text = Pieces.of(long).hidden(text, HIDDEN)
        if short := tuple(secret for secret in secrets if len(secret) < TOLD):
            text = _words(short).sub(HIDDEN, text)
        if "bearer" in lower or "basic" in lower:
            text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        return without_user(text)


class _Logs(logging.Filter):
    """Takes keys out of what the client's libraries log: at DEBUG that is all headers of an answer as they came."""

    NAMES = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))

    def __init__(self) -> None:
        super().__init__()
        self._known: set[Credentials] = set()

    def watch(self, secrets: Credentials) -> None:
        """Hide these, too."""
        if secrets not in self._known:
            self._known.add(secrets)
            for name in self.NAMES:
                logging.getLogger(name).addFilter(self)  # does nothing where it is already

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass, without the keys."""
        text = shown = record.getMessage()
        for secrets in tuple(self._known):
            shown = secrets.out_of(shown)
        if shown != text:
            record.msg, record.args = shown, ()
        return True


_LOGS = _Logs()


@lru_cache(maxsize=64)
def _words(secrets: tuple[str, ...]) -> re.Pattern[str]:
    """Short secrets as they stand: a name such as EMPTY is also a word, or part of one."""
    forms = (rf"(?<!\w)(?:{re.escape(secret)}|{re.escape(quote(secret, safe=''))})(?!\w)" for secret in secrets)
    return re.compile("|".join(sorted(forms, key=len, reverse=True)))


def is_local(url: str) -> bool:
    """Whether an endpoint is on this machine: it is not asked through a proxy."""
    host = (urlsplit(url).hostname or "").lower()
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.") or host.endswith(".localhost")
