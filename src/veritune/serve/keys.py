"""Who may ask: an API key, compared in a time that tells nothing, and shown nowhere."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from contextlib import suppress

from veritune.serve.errors import Refusal


def check_key(headers: Mapping[str, str], key: str) -> None:
    """Refusal 401 where a key is asked for and none of the usual places has it.

    Read are ``Authorization: Bearer KEY``, ``X-API-Key: KEY``, and the password of ``Authorization: Basic``, which is
    what HTTP libraries make of ``http://:KEY@host/`` for trainers that take an address only.
    """
    if not key:
        return
    wanted = _digest(key.encode())
    right = [hmac.compare_digest(_digest(given), wanted) for given in _given(headers)]
    if not any(right):
        raise Refusal(401, "no_key", "a valid API key is needed", headers={"WWW-Authenticate": "Bearer"}, close=True)


def _digest(secret: bytes) -> bytes:
    """Of one length, so that not even the key's is told."""
    return hashlib.sha256(secret).digest()


def _given(headers: Mapping[str, str]) -> list[bytes]:
    found = [headers.get("x-api-key", "").encode("latin-1", "replace")]
    kind, _, rest = headers.get("authorization", "").partition(" ")
    rest = rest.strip()
    if kind.lower() == "bearer":
        found.append(rest.encode("latin-1", "replace"))
    if kind.lower() == "basic":
        with suppress(binascii.Error, ValueError):
            found.append(base64.b64decode(rest, validate=True).partition(b":")[2])
    return found
