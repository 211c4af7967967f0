"""uvicorn's HTTP protocol with clocks: on a request's head, which is limited too, and on whoever reads no answer."""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = 64 << 10
"""Bytes of a request line and its headers."""
UNREAD = 30.0
"""Seconds for which an answer may lie unread."""
_ANSWERS = {408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


class PatientProtocol(HttpToolsProtocol):  # type: ignore[misc]
    """Whoever does not finish a request's head within ``patience`` seconds, or makes it longer than :data:`HEAD`, is
    told so and left; so is whoever takes nothing of an answer for :data:`UNREAD` seconds. uvicorn itself waits for
    ever, and keeps every byte."""

    patience = 5.0
    _clock: TimerHandle | None = None
    _unread: TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: Transport) -> None:
        super().connection_made(transport)
        self._wind()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taken()
        self._unread = self.loop.call_later(UNREAD, self.transport.abort)

    def resume_writing(self) -> None:
        self._taken()
        super().resume_writing()

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def on_message_begin(self) -> None:
        self._wind()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._clock is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > HEAD:
                self._refuse(431)

    def _wind(self) -> None:
        self._stop()
        self._clock = self.loop.call_later(self.patience, self._refuse, 408)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        self._head = 0

    def _refuse(self, status: int) -> None:
        self._stop()
        transport = cast("Any", self.transport)
        if transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:  # else an answer is on its way
            line = b"HTTP/1.1 %d %s\r\n" % (status, _ANSWERS[status])
            transport.write(line + b"content-length: 0\r\nconnection: close\r\n\r\n")
        transport.close()
