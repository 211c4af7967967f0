"""A server inside the test's own process: the application without a socket, its rewards in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import httpx

from veritune import compose
from veritune.rewards.composition.compose import Source
from veritune.serve.app import make_app
from veritune.serve.settings import Settings

Talk: TypeAlias = "Callable[[httpx.AsyncClient], Coroutine[Any, Any, Any]]"
PLAIN: Source = {"rewards": {"accuracy": {}, "format": {"weight": 0.2}}}


def talk(what: Talk, source: Source = PLAIN, **settings: Any) -> Any:
    """Run ``what`` with a client of a server of these rewards."""

    async def run() -> Any:
        async with served(source, **settings) as http:
            return await what(http)

    return asyncio.run(run())


@asynccontextmanager
async def served(source: Source = PLAIN, **settings: Any) -> Any:
    """A client of a server of these rewards; ``http.app`` is the application."""
    app = make_app(compose(source), Settings(**{"workers": 0, **settings}))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://server") as http,
    ):
        http.app = app  # type: ignore[attr-defined]
        yield http
