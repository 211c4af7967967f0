"""HTTP to a vLLM server: retries, a deadline, and errors that say what to start or to change."""

from __future__ import annotations

import os
import socket
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from veritune.plugins import ConfigError, MissingExtraError, VerituneError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config import VLLMServerConfig

PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds before the first retry, doubled at each further one up to the longest."""
CONNECT_SECONDS = 10.0
OPEN_CONNECTIONS = 256


class NotThere(VerituneError):
    """The server answers, but has no such endpoint or model (404)."""


class VLLMClient:
    """One server. ``VLLM_API_KEY`` is sent where it is set, as the server reads it from there too.

    A request is repeated after a lost connection and after answers 5xx and 429, with growing pauses, until
    ``config.retries`` are used up or ``config.timeout`` seconds have passed since it was first sent.
    """

    def __init__(self, config: VLLMServerConfig, start: str) -> None:
        """``start``: the command line that starts a server for this run, for errors."""
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError("httpx", "train", "sampling.engine: vllm_server") from error
        self.httpx, self.config, self.start = httpx, config, start
        key = os.environ.get("VLLM_API_KEY")
        self.client = httpx.Client(
            base_url=config.url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            limits=httpx.Limits(max_connections=OPEN_CONNECTIONS),
            trust_env=False,  # a proxy for the internet is not the way to a machine next door
        )
        self._gone = threading.Event()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        """Of the connections: closing one does not wake a thread that reads from it, shutting it down does."""

    def get(self, path: str) -> Any:
        """The JSON of an answer. Raises VerituneError."""
        return self._send("GET", path, None, None)

    def post(self, path: str, body: dict[str, Any] | None = None, lost: Callable[[], None] | None = None) -> Any:
        """The JSON of an answer, None where it is empty. Raises VerituneError.

        ``lost`` is called before a retry that follows a lost connection: the server may be another one by then.
        """
        return self._send("POST", path, body or {}, lost)

    def close(self) -> None:
        """No further retries, and no open connections: requests that wait for an answer fail at once."""
        self._gone.set()
        for one in list(self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.client.close()

    def model(self) -> str:
        """The name of the model that is served. Raises ConfigError where it is not clear or not the one named."""
        cards = self.get("/v1/models").get("data", [])
        names = [str(card["id"]) for card in cards if not card.get("parent")]
        wanted = self.config.model
        if wanted is None and len(names) == 1:
            return names[0]
        if wanted in names:
            return str(wanted)
        hint = did_you_mean(wanted, names) if wanted else " Set sampling.server.model."
        raise ConfigError(
            f"the vLLM server at {self.config.url} serves {', '.join(names) or 'nothing'}"
            + (f", not {wanted!r} (sampling.server.model)." if wanted else ".")
            + hint
        )

    def _send(self, method: str, path: str, body: dict[str, Any] | None, lost: Callable[[], None] | None) -> Any:
        deadline = time.monotonic() + self.config.timeout
        trouble, away = "", False
        for attempt in range(self.config.retries + 1):
            if self._gone.is_set():
                break
            if attempt:
                pause = min(PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE)
                if time.monotonic() + pause >= deadline or self._gone.wait(pause):
                    break
                if away and lost is not None:
                    lost()
            try:
                response = self._once(method, path, body, deadline)
            except self.httpx.TransportError as error:
                trouble, away = f"{type(error).__name__}: {error}", not isinstance(error, self.httpx.ReadTimeout)
                continue
            away = False
            if response.status_code == 429 or response.status_code >= 500:
                trouble = f"status {response.status_code}: {_message(response)}"
                continue
            return self._answer(response, path)
        raise VerituneError(self._gave_up(path, trouble, away))

    def _once(self, method: str, path: str, body: dict[str, Any] | None, deadline: float) -> Any:
        left = max(deadline - time.monotonic(), 0.1)
        timeout = self.httpx.Timeout(left, connect=min(left, CONNECT_SECONDS), pool=None)
        return self.client.request(method, path, json=body, timeout=timeout, extensions={"trace": self._trace})

    def _trace(self, event: str, found: dict[str, Any]) -> None:
        """Told by httpx of every connection that is made."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            made = found["return_value"].get_extra_info("socket")
            if made is not None:
                self._sockets.add(made)

    def _answer(self, response: Any, path: str) -> Any:
        if response.status_code == 404:
            raise NotThere(f"the vLLM server at {self.config.url} answered {path} with 404: {_message(response)}")
        if response.status_code >= 400:
            raise VerituneError(
                f"the vLLM server at {self.config.url} refused {path} with status {response.status_code}: "
                f"{_message(response)}"
            )
        try:
            return response.json() if response.content else None
        except ValueError as error:
            raise VerituneError(
                f"what answers {path} at {self.config.url} is no vLLM server: {response.text[:120]!r}"
            ) from error

    def _gave_up(self, path: str, trouble: str, away: bool) -> str:
        message = (
            f"no answer from the vLLM server at {self.config.url} to {path} "
            f"within {self.config.timeout:g} s and {self.config.retries} retries: {trouble}"
        )
        return f"{message}\nIs it running? Start it with\n  {self.start}" if away else message


def _message(response: Any) -> str:
    """What an error answer says, in one line."""
    try:
        body = response.json()
        found = body.get("error", body.get("detail", body.get("message", body)))
        text = str(found.get("message", found) if isinstance(found, dict) else found)
    except (ValueError, AttributeError):
        text = str(response.text)
    return " ".join(text.split())[:500]
