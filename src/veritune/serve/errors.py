"""What a request is refused with."""

from __future__ import annotations

import json
from collections.abc import Mapping


class Refusal(Exception):
    """The request is not answered: ``status`` is HTTP's, ``code`` a word for programs, ``message`` for people."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None, close: bool = False
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})
        self.close = close
        """Whether the rest of the request is not read, and the connection ends."""

    @property
    def body(self) -> bytes:
        """What is sent."""
        return json.dumps({"error": {"code": self.code, "message": self.message}}).encode()


def malformed(message: str) -> Refusal:
    """It is no JSON that can be read one way only."""
    return Refusal(400, "malformed", message)


def unfit(message: str) -> Refusal:
    """It is JSON of another shape than is asked for."""
    return Refusal(422, "unfit", message)
