"""Any OpenAI-compatible endpoint: concurrent, rate-limited, retried, remembered on disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from veritune.plugins.errors import MissingExtraError
from veritune.plugins.types import Cause
from veritune.rewards.judge.backend import Reply
from veritune.rewards.judge.cache import PatientCache, request_key
from veritune.rewards.judge.credentials import Credentials, is_local
from veritune.rewards.judge.limits import RateLimit, backoff, retry_after
from veritune.rewards.judge.loop import LoopThread
from veritune.rewards.judge.prompts import Question
from veritune.rewards.judge.replies import read_response

_AGAIN = frozenset({408, 409, 425, 429})
_MOVED = frozenset({301, 302, 303, 307, 308})
_HOPS = 3
_LANE = 8
"""Connections of one httpx client: its pool looks at every connection for every request, so that many small pools are
several times cheaper than one of 64."""
_READS = 32
"""Looks into the cache at a time: whoever waits for a turn has not lost patience with the file."""
_LOOP = LoopThread("veritune-judge")


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
    reads: asyncio.Semaphore
    requests: RateLimit
    tokens: RateLimit
    pending: dict[str, asyncio.Future[Reply | None]]
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
        self.cache = PatientCache(endpoint.cache) if endpoint.cache else None
        self._httpx: Any = httpx
        self._state: _State | None = None

    def ask(self, questions: Sequence[Question], meanwhile: Callable[[], None] | None = None) -> list[Reply]:
        """One reply a question, in order; from any thread, which does ``meanwhile`` while it waits."""
        replies = _LOOP.run(self._all(questions), meanwhile)
        if self.cache is not None:
            self.cache.wait()
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
                    timeout=self.endpoint.timeout,
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
            reads = asyncio.Semaphore(_READS)
            self._state = _State(loop, free, slots, reads, requests, tokens, {}, secrets)
        return self._state

    async def _one(self, state: _State, question: Question) -> Reply:
        """From the cache, from an equal request already in flight, or by asking."""
        try:
            end = self.endpoint
            body: dict[str, Any] = {
                "model": end.model,
                "messages": question.chat(),
                "temperature": end.temperature,
                "max_tokens": end.max_tokens,
                **(end.extra or {}),
            }
            return await self._answered(state, request_key({"url": end.url, **body}), body)
        except Exception as error:
            return Reply(None, Cause.INFRA_ERROR, f"{type(error).__name__}: {error}")

    async def _answered(self, state: _State, key: str, body: Mapping[str, Any]) -> Reply:
        if self.cache is not None:
            async with state.reads:
                known = await self.cache.get(key)
            if known is not None:
                return Reply(known, cached=True)
        while (asked := state.pending.get(key)) is not None:
            same = await asyncio.shield(asked)
            if same is not None:  # else whoever asked was interrupted: that is no answer for anybody else
                return replace(same, cached=True, prompt_tokens=0, completion_tokens=0)
        pending = state.pending[key] = state.loop.create_future()
        reply: Reply | None = None
        try:
            async with state.slots:
                reply = await self._persist(state, body)
            if self.cache is not None and reply.text is not None:
                self.cache.put(key, reply.text)
            return reply
        finally:
            del state.pending[key]
            pending.set_result(reply)

    async def _persist(self, state: _State, body: Mapping[str, Any]) -> Reply:
        """Ask until there is an answer, an answer that will not change, or no time left."""
        begun, waited, attempt = time.monotonic(), 0.0, 0
        reply, pause = Reply(None, Cause.INFRA_ERROR, "not asked"), None
        estimate = sum(len(m["content"]) for m in body["messages"]) / 3 + self.endpoint.max_tokens
        while True:
            attempt += 1
            held = time.monotonic()
            await state.requests.take()
            await state.tokens.take(estimate)
            waited += time.monotonic() - held  # our own limits are not the judge's slowness
            left = self.endpoint.deadline - (time.monotonic() - begun - waited)
            reply, again, pause = await self._attempt(state, body, left)
            state.tokens.settle(estimate, reply.prompt_tokens + reply.completion_tokens or estimate)
            reply = replace(reply, attempts=attempt, seconds=time.monotonic() - begun - waited)
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

    async def _attempt(self, state: _State, body: Mapping[str, Any], left: float) -> tuple[Reply, bool, float | None]:
        """One request: the reply, whether another attempt may help, and how long the server asks to wait."""
        url = self.endpoint.url.rstrip("/") + "/chat/completions"
        limit = max(0.001, min(self.endpoint.timeout, left))
        try:
            response = await asyncio.wait_for(self._post(state, url, body), limit)
        except (asyncio.TimeoutError, self._httpx.TimeoutException):
            return Reply(None, Cause.TIMEOUT, f"no answer within {limit:.3g} s"), True, None
        except (self._httpx.HTTPError, OSError) as error:
            return Reply(None, Cause.INFRA_ERROR, f"{type(error).__name__}: {error}"), True, None
        except Exception as error:  # an address or a header that no request can be made of: asking again is no use
            return Reply(None, Cause.INFRA_ERROR, f"{type(error).__name__}: {error}"), False, None
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

    async def _post(self, state: _State, url: str, body: Mapping[str, Any]) -> Any:
        """The response, behind redirections that keep the request as it is (307, 308)."""
        client = state.free.pop()
        try:
            response = await client.post(url, json=body)
            for _ in range(_HOPS):
                if response.status_code not in (307, 308) or response.next_request is None:
                    break
                response = await client.send(response.next_request)
            return response
        finally:
            state.free.append(client)
