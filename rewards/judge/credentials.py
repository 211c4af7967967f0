"""The key of an endpoint, and texts that must not hold it."""

from __future__ import annotations

import base64
import html
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from veritune.plugins.secrets import HIDDEN, without_user

_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\",;]+")
_TOLD = 12
"""So many characters of the start of a key already tell which it is."""
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
        """The text without them, in whatever form and case a library or a server shows them."""
        lower = text.lower()
        known = _forms(tuple(secret for secret in (self.key, *self.others) if len(secret) >= _SHORTEST))
        if known is not None and (_ESCAPES.search(text) is not None or any(start in lower for start in known.starts)):
            text = known.pattern.sub(HIDDEN, text)
        if "bearer" in lower or "basic" in lower:
            text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        return without_user(text)


@dataclass(frozen=True)
class _Forms:
    pattern: re.Pattern[str]
    starts: tuple[str, ...]
    """How the forms without an escape begin, in lower case: most texts have none of these."""


@lru_cache(maxsize=64)
def _forms(secrets: tuple[str, ...]) -> _Forms | None:
    """Every way in which one of the secrets may be written: plain, escaped, encoded, broken by lines, cut short."""
    forms: list[str] = []
    starts: list[str] = []
    for secret in secrets:
        if len(secret) < _TOLD:  # a name such as EMPTY, which is also a word
            forms.append(rf"(?<!\w)(?:{re.escape(secret)}|{re.escape(quote(secret, safe=''))})(?!\w)")
            starts.append(secret.lower())
            continue
        encoded = [secret.encode().hex(), *(_middle_of_base64(secret, shift) for shift in range(3))]
        written = [_LINE.join(map(_character, secret)), *map(_LINE.join, (map(re.escape, form) for form in encoded))]
        starts += [form[:_TOLD].lower() for form in (secret, *encoded)]
        begun = _LINE.join(map(_character, secret[:_TOLD]))
        forms.append(f"(?i:{'|'.join(written)}|{begun}[^\\s\"',;}}\\])]*)")
    if not forms:
        return None
    return _Forms(re.compile("|".join(sorted(forms, key=len, reverse=True))), tuple(starts))


_ESCAPES = re.compile(r"[\\%&\r\n]")
_LINE = r"(?:\r?\n[ \t]{0,8}|\\{1,4}[rn])?"
"""A line may end inside a secret, also as an escape."""


def _character(letter: str) -> str:
    """A character of a secret, as programs, addresses and pages write it, escaped once or several times."""
    code = ord(letter)
    name = html.escape(letter)[1:]
    named = f"|&(?:amp;)?{re.escape(name)}" if name else ""
    plain = r"\\{1,8}" if letter == "\\" else rf"\\{{0,8}}{re.escape(letter)}"
    plus = r"|\+" if letter == " " else ""
    return rf"(?:{plain}|\\{{1,8}}(?:u00|x){code:02x}|%(?:25)?{code:02x}|&#(?:{code}|x{code:x});{named}{plus})"


def _middle_of_base64(secret: str, shift: int) -> str:
    """What base64 makes of a secret that begins ``shift`` bytes into a group of three, whatever stands around it."""
    data = b"\0" * shift + secret.encode()
    whole = len(data) // 3 * 4
    return base64.b64encode(data[: len(data) // 3 * 3]).decode()[(0, 2, 3)[shift] : whole]


def is_local(url: str) -> bool:
    """Whether an endpoint is on this machine: it is not asked through a proxy."""
    host = (urlsplit(url).hostname or "").lower()
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.") or host.endswith(".localhost")
