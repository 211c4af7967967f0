"""The application: ``POST /score`` and what stands around it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from veritune import __version__
from veritune.plugins import Cause
from veritune.plugins.secrets import shown
from veritune.rewards.composition import RewardSet
from veritune.serve.answers import json_response, raw_json, refusal_response
from veritune.serve.bodies import parse_json, read_body
from veritune.serve.desk import Desk
from veritune.serve.errors import Refusal
from veritune.serve.fronts import FRONTS, PLAIN, Front
from veritune.serve.keys import check_key
from veritune.serve.metrics import CONTENT_TYPE, Metrics
from veritune.serve.openapi import description
from veritune.serve.page import POLICY, page
from veritune.serve.pool import Scorer, make_scorer, outcome_of
from veritune.serve.remembered import Remembered
from veritune.serve.scoring import How, Result, whole_groups
from veritune.serve.settings import Settings
from veritune.serve.wire import answer_of, no_result, read_ask

_LOG = logging.getLogger("veritune.serve")
_TRANSIENT = frozenset({"timeout", "infra_error", "internal_error"})
"""Causes of ours: asked again, such a sample is tried again."""

_LOADING_S = 300.0
"""Seconds for a worker to load the rewards."""
_LEFT_OUT = {"value": None, "cause": str(Cause.NOT_APPLICABLE), "reason": "it was not evaluated"}
_UNKNOWN = no_result(Cause.INFRA_ERROR, "the query does not hold its prompt: what the policy wrote is not known")

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass
class Service:
    """What the endpoints share."""

    rewards: RewardSet
    settings: Settings
    scorer: Scorer
    metrics: Metrics = field(default_factory=Metrics)
    remembered: Remembered = field(init=False)
    desk: Desk = field(init=False)
    unready: str = "the workers are loading the rewards"
    """Why no request should come yet; empty once a worker has answered."""

    def __post_init__(self) -> None:
        self.remembered = Remembered(self.settings.remember, self.settings.journal)
        self.desk = Desk(self.rewards, self.settings, self.scorer, self.metrics)

    @cached_property
    def identity(self) -> str:
        """Which version of which rewards the verdicts come from."""
        return self.rewards.identity_hash

    async def warm(self) -> None:
        """Have a worker ready, and say so, or why there is none."""
        outcome = await outcome_of(self.scorer.submit([], How(), _LOADING_S))
        self.unready = "" if outcome.ok else f"no worker could load the rewards: {outcome.detail}"
        if self.unready:
            _LOG.error(self.unready)

    async def json(self, request: Request) -> tuple[Any, bytes]:
        """The request's body, parsed, and its bytes. Refusal where it is none that is read."""
        body = await read_body(request.receive, request.headers, self.settings.body, self.settings.patience)
        return parse_json(body), body

    # -- endpoints -------------------------------------------------------------------------------------------------

    async def score(self, request: Request) -> Response:
        """``POST /score``."""
        data, body = await self.json(request)
        ask = read_ask(data, batch=self.settings.batch)

        async def make() -> tuple[bytes, bool]:
            how = How(ask.step, ask.evaluation, ask.rewards)
            scored = await self.desk.score(ask.samples, how, ask.deadline)
            results = [self._whole(each, ask.rewards) for each in scored]
            return answer_of(ask, results, self.identity), not any(each["cause"] in _TRANSIENT for each in results)

        answer, known = await self.remembered.answer(ask.id, body, make)
        self.metrics.repeats += known
        self.metrics.remembered = self.remembered.size
        return raw_json(answer, headers={"Veritune-Repeat": "true"} if known else None)

    def front(self, front: Front) -> Endpoint:
        """The endpoint of another wire format."""

        async def endpoint(request: Request) -> Response:
            data, _ = await self.json(request)
            samples = front.read(data)
            if len(samples) > self.settings.batch:
                raise Refusal(413, "too_many", f"{len(samples):,} samples; at most {self.settings.batch:,} at once")
            scored = iter(await self.desk.score([each for each in samples if each is not None], How()))
            results = [self._whole(_UNKNOWN if each is None else next(scored)) for each in samples]
            return json_response(front.answer(data, results, self.settings))

        return endpoint

    def _whole(self, result: Result, names: Sequence[str] | None = None) -> Result:
        """With every component that was asked for, also those that were not evaluated: trainers take the first answer's
        keys for all."""
        found = result["components"]
        absent = {**_LEFT_OUT, "cause": result["cause"]} if not found and result["cause"] else _LEFT_OUT
        known = [alias for alias in self.rewards.aliases if names is None or alias in names or alias in found]
        return {
            **result,
            "components": {alias: found.get(alias, absent) for alias in known},
        }

    def plain(self, answer: Callable[[Any], Any]) -> Endpoint:
        """The endpoint of what a front is asked beside verdicts."""

        async def endpoint(request: Request) -> Response:
            data, _ = await self.json(request)
            return json_response(answer(data))

        return endpoint

    async def about(self, request: Request) -> Response:
        """``GET /rewards``: what is served, and within which limits."""
        components = {
            each.alias: {
                "reward": each.reward.source,
                "inputs": sorted(each.reward.signature.inputs),
                "params": {name: str(shown(value)) for name, value in each.reward.params.items()},
            }
            for each in self.rewards.components
        }
        limits = {"batch": self.settings.batch, "body": self.settings.body, "queue": self.settings.queue}
        found = {"version": __version__, "identity": self.identity, "rewards": components, "limits": limits}
        return json_response(
            {
                **found,
                "groups": whole_groups(self.rewards),
                "combine": self.rewards.combine,
                "undecided": self.rewards.undecided,
            }
        )

    async def health(self, request: Request) -> Response:
        """``GET /health``: the process answers."""
        return json_response({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """``GET /ready``: another request would be taken, and soon be scored."""
        if self.unready:
            raise Refusal(503, "unready", self.unready, headers={"Retry-After": "1"})
        if self.desk.full:
            raise Refusal(503, "busy", "the queue is full", headers={"Retry-After": "1"})
        return json_response({"status": "ready"})

    async def numbers(self, request: Request) -> Response:
        """``GET /metrics``."""
        return Response(self.metrics.text(), media_type=CONTENT_TYPE)

    async def openapi(self, request: Request) -> Response:
        """``GET /openapi.json``."""
        return json_response(description(self.settings))

    async def form(self, request: Request) -> Response:
        """``GET /``: one page that scores by hand."""
        return HTMLResponse(page(self.rewards), headers={"Content-Security-Policy": POLICY})


def make_app(rewards: RewardSet, settings: Settings, scorer: Scorer | None = None) -> Starlette:
    """The ASGI application that serves ``rewards``. Its lifespan starts and ends the workers."""
    service = Service(rewards, settings, scorer or make_scorer(rewards, settings.workers))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        warming = asyncio.ensure_future(service.warm())
        _ = service.identity
        try:
            yield
        finally:
            warming.cancel()
            if service.desk.held:
                await asyncio.sleep(0.05)  # what the end of draining cut short tells its sender so
            service.remembered.close()
            service.scorer.close()

    app = Starlette(routes=_routes(service), lifespan=lifespan, exception_handlers=_HANDLERS)
    app.state.service = service
    return app


def _routes(service: Service) -> list[Route]:
    keyed: list[tuple[str, Endpoint, str]] = [
        ("/score", service.score, "POST"),
        ("/rewards", service.about, "GET"),
        ("/metrics", service.numbers, "GET"),
        *((front.path, service.front(front), "POST") for front in FRONTS),
        *((path, service.plain(told), "POST") for path, told in PLAIN.items()),
    ]
    open_: list[tuple[str, Endpoint, str]] = [
        ("/", service.form, "GET"),
        ("/health", service.health, "GET"),
        ("/ready", service.ready, "GET"),
        ("/openapi.json", service.openapi, "GET"),
    ]
    return [
        *(Route(path, _guarded(service, path, end, True), methods=[how]) for path, end, how in keyed),
        *(Route(path, _guarded(service, path, end, False), methods=[how]) for path, end, how in open_),
    ]


def _guarded(service: Service, path: str, endpoint: Endpoint, keyed: bool) -> Endpoint:
    """The endpoint behind the key, its refusals as answers, both counted. No fault of ours shows its inside."""

    async def answer(request: Request) -> Response:
        begun = time.monotonic()
        try:
            if keyed:
                check_key(request.headers, service.settings.key)
            response = await endpoint(request)
        except Refusal as refusal:
            service.metrics.refused[refusal.code] += 1
            response = refusal_response(refusal)
        except asyncio.CancelledError:  # the time to drain is over
            service.metrics.refused["ending"] += 1
            message = "the server ends, and had no time left for this"
            response = refusal_response(Refusal(503, "ending", message, headers={"Retry-After": "5"}, close=True))
        except Exception:
            _LOG.exception("a request to %s failed", path)
            service.metrics.refused["internal"] += 1
            response = refusal_response(Refusal(500, "internal", "the server failed; its log says how"))
        service.metrics.request(path, response.status_code, time.monotonic() - begun)
        return response

    return answer


async def _not_here(request: Request, error: Any) -> Response:
    known: Mapping[int, tuple[str, str]] = {
        404: ("no_such_path", "nothing is served under this path; / lists what is"),
        405: ("no_such_method", "this path takes another method"),
    }
    code, message = known.get(error.status_code, ("refused", str(error.detail)))
    return refusal_response(Refusal(error.status_code, code, message, headers=error.headers, close=True))


_HANDLERS: Mapping[Any, Any] = {404: _not_here, 405: _not_here}
