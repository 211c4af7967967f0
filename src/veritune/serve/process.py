"""The server process: uvicorn around the application, until a signal; what was accepted is answered first."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from typing import Any

from veritune.plugins import ConfigError, MissingExtraError
from veritune.rewards.composition import RewardSet
from veritune.serve.settings import Settings


def run_server(
    rewards: RewardSet, settings: Settings, *, host: str, port: int, announce: Callable[[str], None] = print
) -> None:
    """Serve until SIGTERM or SIGINT. ``announce`` is told the address once the server takes requests.

    Raises MissingExtraError without the extra ``serve``, ConfigError where the address cannot be had.
    """
    try:
        import uvicorn

        from veritune.serve.app import make_app
        from veritune.serve.protocol import PatientProtocol
    except ImportError as error:
        raise MissingExtraError(error.name or "starlette", "serve", "`veritune serve`") from error

    class Protocol(PatientProtocol):
        patience = settings.patience

    listening = _listen(host, port)
    address = address_of(listening)

    class Server(uvicorn.Server):  # type: ignore[misc]
        should_exit: bool

        def handle_exit(self, sig: int, frame: Any) -> None:
            if sig == signal.SIGTERM and not self.should_exit:
                self.should_exit = True  # answered as asked: this is no death by a signal
            else:
                super().handle_exit(sig, frame)

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                announce(address)

    config = uvicorn.Config(
        make_app(rewards, settings),
        http=Protocol,
        ws="none",
        log_level="warning",
        access_log=False,  # an address may hold a key
        server_header=False,
        date_header=False,
        limit_concurrency=settings.connections,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(settings.drain)),
        lifespan="on",
    )
    Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(where)
        made.listen(2048)
        made.setblocking(False)
        made.set_inheritable(False)
    except OSError as error:
        raise ConfigError(f"--host {host} --port {port}: {error.strerror or error}") from None
    return made


def address_of(listening: socket.socket) -> str:
    """Where the server is reached, as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
