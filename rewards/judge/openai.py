"""Any OpenAI-compatible endpoint: concurrent, rate-limited, retried, remembered on disk."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from veritune.plugins.errors import MissingExtraError
from veritune.plugins.types import Cause
from veritune.rewards.judge.backend import Reply
from veritune.rewards.judge.cache import PatientCache, request_key
from veritune.rewards.judge.credentials import Credentials, is_local
from veritune.rewards.judge.exchange import Exchange
from veritune.rewards.judge.limits import RateLimit, backoff, retry_after
from veritune.rewards.judge.loop import LoopThread
from veritune.rewards.judge.patience import Patience
from veritune.rewards.judge.prompts import Question
from veritune.rewards.judge.replies import read_response

_AGAIN = frozenset({408, 409, 425, 429})
_MOVED = frozenset({301, 302, 303, 307, 308})
_LANE = 8
"""Connections of one httpx client: its pool looks at every connection for every request, so that many small pools are
several times cheaper than one of 64."""
_TURNS = 32
"""Judgements that are prepared and looked up at a time, so that ten thousand at once do not hold up the event loop."""
_LOOP = LoopThread("veritune-judge")
_Pending = dict[str, "asyncio.Future[Reply | None]"]
_PENDING: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Pending] = weakref.WeakKeyDictionary()
"""What is in flight in an event loop, by whose cache it will be in and the digest of the request."""


@dataclass(frozen=True)
class Endpoint:
    """Where and how to ask."""

    url: str
    """Up to ``/v1``; ``/chat/completions`` is added."""
    model: str
    api_key_env: str = "OPENAI_API_KEY"
    """The environment variable that holds the key; no variable, no key is sent."""
    temperature: float = 0.0
    max_tokens: int = 1024
    extra: Mapping[str, Any] | None = None
    """Further fields of the request."""
    concurrency: int = 32
    timeout: float = 60.0
    """Seconds of one attempt."""
    deadline: float = 180.0
    """Seconds of one judgement from its first attempt: attempts and the waits between them."""
    retries: int = 5
    wait: float = 0.5
    """Seconds before the first retry, doubled for each further one, with jitter."""
    rpm: float | None = None
    tpm: float | None = None
    cache: str | None = None


@dataclass
class _State:
    """What belongs to one event loop."""

    loop: asyncio.AbstractEventLoop
    free: list[Any]
    """The clients of the connections that are not in use, a client for each."""
    slots: asyncio.Semaphore
    turns: asyncio.Semaphore
    requests: RateLimit
    tokens: RateLimit
    pending: _Pending
    secrets: Credentials


class OpenAIBackend:
    """Asks an endpoint. Equal requests in flight are asked once; answers are kept in the cache, failures are not.

    Whatever goes wrong with the endpoint, the network, the key or the cache is a reply without a text, with its cause;
    nothing is raised, and no reason holds the key.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError("httpx", "judge", "reward 'judge' with an endpoint") from error
        self.endpoint = endpoint
        self.cache = PatientCache.at(endpoint.cache) if endpoint.cache else None
        self._httpx: Any = httpx
        self._state: _State | None = None

    def ask(self, questions: Sequence[Question], meanwhile: Iterator[None] | None = None) -> list[Reply]:
        """One reply a question, in order; from any thread. The event loop takes steps of ``meanwhile`` as it waits."""
        replies = _LOOP.run(self._beside(questions, meanwhile))
        if self.cache is not None:
            self.cache.wait()
        return replies

    async def _beside(self, questions: Sequence[Question], meanwhile: Iterator[None] | None) -> list[Reply]:
        """The replies, with other work of this process in between.

        In a thread of its own that work would keep the event loop from the interpreter for some milliseconds at every
        packet: answers would lie unread until they count as late and are paid for again.
        """
        aside = asyncio.ensure_future(_stepwise(meanwhile or iter(())))
        try:
            replies = await self._all(questions)
            await aside
        finally:
            aside.cancel()
        return replies

    async def _all(self, questions: Sequence[Question]) -> list[Reply]:
        secrets = Credentials.of(self.endpoint.url, self.endpoint.api_key_env)
        if secrets.problem:
            return [Reply(None, Cause.INFRA_ERROR, secrets.problem) for _ in questions]
        try:
            state = self._here(secrets)
        except Exception as error:  # a proxy of a kind that httpx has no package for, a broken certificate store
            problem = secrets.out_of(f"no client could be made: {type(error).__name__}: {error}")
            return [Reply(None, Cause.INFRA_ERROR, problem) for _ in questions]
        replies = await asyncio.gather(*(self._one(state, question) for question in questions))
        return [replace(reply, problem=secrets.out_of(reply.problem)) if reply.problem else reply for reply in replies]

    def _here(self, secrets: Credentials) -> _State:
        loop = asyncio.get_running_loop()
        if self._state is None or self._state.loop is not loop or self._state.secrets != secrets:
            headers = {"Authorization": f"Bearer {secrets.key}"} if secrets.key else {}
            count = self.endpoint.concurrency
            limits, verify = self._httpx.Limits(max_connections=_LANE), self._httpx.create_ssl_context()
            clients = [
                self._httpx.AsyncClient(
                    timeout=None,  # an attempt's time is ours to take
                    limits=limits,
                    headers=headers,
                    trust_env=not is_local(self.endpoint.url),
                    verify=verify,
                )
                for _ in range(-(-count // _LANE))
            ]
            free = [client for client in clients for _ in range(_LANE)][:count]
            slots = asyncio.Semaphore(self.endpoint.concurrency)
            requests, tokens = RateLimit(self.endpoint.rpm), RateLimit(self.endpoint.tpm, self.endpoint.tpm)
            turns = asyncio.Semaphore(_TURNS)
            pending = _PENDING.setdefault(loop, {})
            self._state = _State(loop, free, slots, turns, requests, tokens, pending, secrets)
        return self._state

    async def _one(self, state: _State, question: Question) -> Reply:
        """From the cache, from an equal request already in flight, or by asking."""
        try:
            async with state.turns:
                end = self.endpoint
                body: dict[str, Any] = {
                    "model": end.model,
                    "messages": question.chat(),
                    "temperature": end.temperature,
                    "max_tokens": end.max_tokens,
                    **(end.extra or {}),
                }
                key = request_key({"url": end.url, **body})
                known = await self.cache.get(key) if self.cache is not None else None
            if known is not None:
                return Reply(known, cached=True)
            return await self._joined(state, key, body)
        except Exception as error:
            return Reply(None, Cause.INFRA_ERROR, f"{type(error).__name__}: {error}")

    async def _joined(self, state: _State, key: str, body: Mapping[str, Any]) -> Reply:
        """An equal request's reply, of this reward or of one with the same cache, else the endpoint's."""
        owner = f"{self.cache.disk.path if self.cache is not None else id(self)} {key}"
        while (asked := state.pending.get(owner)) is not None:
            same = await asyncio.shield(asked)
            if same is not None:  # else whoever asked was interrupted: that is no answer for anybody else
                return replace(same, cached=True, prompt_tokens=0, completion_tokens=0, unheard=0)
        if self.cache is not None and (text := self.cache.unwritten(key)) is not None:
            return Reply(text, cached=True)  # answered since it was looked up
        pending = state.pending[owner] = state.loop.create_future()
        reply: Reply | None = None
        try:
            async with state.slots:
                reply = await self._persist(state, body)
            if self.cache is not None and reply.text is not None:
                self.cache.put(key, reply.text)
            return reply
        finally:
            del state.pending[owner]
            pending.set_result(reply)

    async def _persist(self, state: _State, body: Mapping[str, Any]) -> Reply:
        """Ask until there is an answer, an answer that will not change, or no time left."""
        begun, waited, attempt, unheard = time.monotonic(), 0.0, 0, 0
        patience = Patience()
        estimate = sum(len(m["content"]) for m in body["messages"]) / 3 + self.endpoint.max_tokens

        def spent() -> float:  # neither our own limits nor our own slowness are the judge's
            return time.monotonic() - begun - waited - patience.late

        while True:
            attempt += 1
            held = time.monotonic()
            await state.requests.take()
            await state.tokens.take(estimate)
            waited += time.monotonic() - held
            reply, again, pause = await self._attempt(state, body, self.endpoint.deadline - spent(), patience)
            state.tokens.settle(estimate, reply.prompt_tokens + reply.completion_tokens or estimate)
            unheard += reply.unheard
            problem = state.secrets.out_of(reply.problem) if reply.problem else ""
            reply = replace(reply, attempts=attempt, seconds=spent(), unheard=unheard, problem=problem)
            if not again or attempt > self.endpoint.retries:
                return reply
            delay = backoff(attempt, self.endpoint.wait)
            delay = max(pause, delay * 0.2) if pause is not None else delay
            if reply.seconds + delay >= self.endpoint.deadline:
                problem = (
                    f"{reply.problem}; the next attempt would be after the deadline of {self.endpoint.deadline:g} s"
                )
                return replace(reply, cause=Cause.TIMEOUT, problem=problem)
            await asyncio.sleep(delay)

    async def _attempt(
        self, state: _State, body: Mapping[str, Any], left: float, patience: Patience
    ) -> tuple[Reply, bool, float | None]:
        """One request: the reply, whether another attempt may help, and how long the server asks to wait."""
        url = self.endpoint.url.rstrip("/") + "/chat/completions"
        limit = max(0.001, min(self.endpoint.timeout, left))
        exchange = Exchange(self._httpx)
        try:
            response = await patience.within(limit, self._post(state, exchange, url, body))
        except Exception as error:
            response = exchange.saved()  # all that was to be said may have come before it broke
            if response is None:
                return self._broken(error, limit)
        if response.status_code in _MOVED:
            where = response.headers.get("Location", "nowhere")
            where = state.secrets.out_of(where[:2000])[:200]
            problem = f"status {response.status_code}: moved to {where}; give that as endpoint"
            return Reply(None, Cause.INFRA_ERROR, problem), False, None
        if response.status_code != 200:
            again = response.status_code in _AGAIN or response.status_code >= 500
            problem = f"status {response.status_code}: {state.secrets.out_of(response.text[:2000])[:200]}"
            return Reply(None, Cause.INFRA_ERROR, problem), again, retry_after(response.headers.get("Retry-After"))
        return (*read_response(response), None)

    def _broken(self, error: Exception, limit: float) -> tuple[Reply, bool, float | None]:
        """What becomes of an attempt without an answer. One that may have reached the endpoint may also be billed."""
        httpx = self._httpx
        if isinstance(error, (asyncio.TimeoutError, httpx.TimeoutException)):
            return Reply(None, Cause.TIMEOUT, f"no answer within {limit:.3g} s", unheard=1), True, None
        sent = int(not isinstance(error, httpx.ConnectError))
        problem = f"{type(error).__name__}: {error}"
        if isinstance(error, (httpx.HTTPError, OSError)):
            return Reply(None, Cause.INFRA_ERROR, problem, unheard=sent), True, None
        return Reply(None, Cause.INFRA_ERROR, problem), False, None  # no request can be made of the address or header

    async def _post(self, state: _State, exchange: Exchange, url: str, body: Mapping[str, Any]) -> Any:
        client = state.free.pop()
        try:
            return await exchange.post(client, url, body)
        finally:
            state.free.append(client)


async def _stepwise(work: Iterator[None]) -> None:
    for _ in work:
        await asyncio.sleep(0)
