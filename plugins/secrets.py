"""Addresses as they are shown: without the name and password in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
USER = re.compile(r"(\b[a-zA-Z][\w+.-]{1,20}://)[^/?#@\s\"'<>]+(?:@[^/?#@\s\"'<>]+)*@")
"""Name and password in an address, ours or one that a server sends us to."""


def without_user(text: str) -> str:
    """A text without the names and passwords of the addresses in it."""
    return USER.sub(rf"\1{HIDDEN}@", text) if "://" in text else text


def shown(value: Any, depth: int = 8) -> Any:
    """A parameter's value for a log, an identity or a page: :func:`without_user` of every text in it."""
    if isinstance(value, str):
        return without_user(value)
    if depth and isinstance(value, Mapping):
        return {key: shown(each, depth - 1) for key, each in value.items()}
    if depth and type(value) in (list, tuple):
        return type(value)(shown(each, depth - 1) for each in value)
    return value
