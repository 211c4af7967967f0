"""Any OpenAI-compatible endpoint: concurrent, rate-limited, retried, remembered on disk."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from veritune.plugins.errors import MissingExtraError
from veritune.plugins.types import Cause
from veritune.rewards.judge.backend import Reply
from veritune.rewards.judge.cache import DiskCache, request_key
from veritune.rewards.judge.limits import RateLimit, backoff, retry_after
from veritune.rewards.judge.loop import LoopThread
from veritune.rewards.judge.prompts import Question

_AGAIN = frozenset({408, 409, 425, 429})
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
    client: Any
    slots: asyncio.Semaphore
    requests: RateLimit
    tokens: RateLimit
    pending: dict[str, asyncio.Future[Reply]]


class OpenAIBackend:
    """Asks an endpoint. Equal requests in flight are asked once; answers are kept in the cache, failures are not."""

    def __init__(self, endpoint: Endpoint) -> None:
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError("httpx", "judge", "reward 'judge' with an endpoint") from error
        self.endpoint = endpoint
        self.cache = DiskCache(endpoint.cache) if endpoint.cache else None
        self._httpx: Any = httpx
        self._state: _State | None = None

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """One reply a question, in order; from any thread."""
        return _LOOP.run(self._all(questions))

    async def _all(self, questions: Sequence[Question]) -> list[Reply]:
        state = self._here()
        return list(await asyncio.gather(*(self._one(state, question) for question in questions)))

    def _here(self) -> _State:
        loop = asyncio.get_running_loop()
        if self._state is None or self._state.loop is not loop:
            limits = self._httpx.Limits(max_connections=self.endpoint.concurrency)
            key = os.environ.get(self.endpoint.api_key_env)
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            client = self._httpx.AsyncClient(timeout=self.endpoint.timeout, limits=limits, headers=headers)
            slots = asyncio.Semaphore(self.endpoint.concurrency)
            requests, tokens = RateLimit(self.endpoint.rpm), RateLimit(self.endpoint.tpm, self.endpoint.tpm)
            self._state = _State(loop, client, slots, requests, tokens, {})
        return self._state

    async def _one(self, state: _State, question: Question) -> Reply:
        """From the cache, from an equal request already in flight, or by asking."""
        end = self.endpoint
        body: dict[str, Any] = {
            "model": end.model,
            "messages": question.chat(),
            "temperature": end.temperature,
            "max_tokens": end.max_tokens,
            **(end.extra or {}),
        }
        key = request_key({"url": end.url, **body})
        if self.cache is not None and (known := self.cache.get(key)) is not None:
            return Reply(known["text"], cached=True)
        if key in state.pending:
            return replace(await asyncio.shield(state.pending[key]), cached=True, prompt_tokens=0, completion_tokens=0)
        pending = state.pending[key] = state.loop.create_future()
        try:
            async with state.slots:
                reply = await self._persist(state, body)
            if self.cache is not None and reply.text is not None:
                self.cache.put(key, {"text": reply.text})
            pending.set_result(reply)
            return reply
        except BaseException as error:
            pending.set_result(Reply(None, Cause.INFRA_ERROR, f"{type(error).__name__}: {error}"))
            raise
        finally:
            del state.pending[key]

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
            response = await asyncio.wait_for(state.client.post(url, json=body), limit)
        except (asyncio.TimeoutError, self._httpx.TimeoutException):
            return Reply(None, Cause.TIMEOUT, f"no answer within {limit:.3g} s"), True, None
        except self._httpx.HTTPError as error:
            return Reply(None, Cause.INFRA_ERROR, f"{type(error).__name__}: {error}"), True, None
        if response.status_code != 200:
            again = response.status_code in _AGAIN or response.status_code >= 500
            problem = f"status {response.status_code}: {response.text[:200]}"
            return Reply(None, Cause.INFRA_ERROR, problem), again, retry_after(response.headers.get("Retry-After"))
        return (*_read(response), None)


def _read(response: Any) -> tuple[Reply, bool]:
    """The text of a chat completion. A body that is none is the service's failure; a refusal is the judge's choice."""
    try:
        body = response.json()
        choice = body["choices"][0]
        message, usage = choice["message"], body.get("usage") or {}
        spent: dict[str, Any] = {"prompt_tokens": int(usage.get("prompt_tokens", 0))}
        spent["completion_tokens"] = int(usage.get("completion_tokens", 0))
        refusal, text = message.get("refusal"), message.get("content")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        return Reply(
            None, Cause.INFRA_ERROR, f"not a chat completion ({type(error).__name__}): {response.text[:200]}"
        ), True
    if refusal or choice.get("finish_reason") == "content_filter":
        return Reply(None, Cause.ABSTAIN, f"the judge refused: {refusal or 'content filter'}", **spent), False
    if not isinstance(text, str) or not text.strip():
        return Reply(None, Cause.ABSTAIN, "the judge answered nothing", **spent), False
    if choice.get("finish_reason") == "length":
        return Reply(None, Cause.ABSTAIN, "the judge's answer was cut at max_tokens", **spent), False
    return Reply(text, **spent), False
