"""The client: a batch in parts, each asked until it is answered or time is up."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.client.encoding import NonsenseError, Part, is_address, parts_of, read_results
from veritune.plugins import Cause, ConfigError, MissingExtraError, Sample, Score, Text
from veritune.plugins.secrets import without_user
from veritune.rewards.judge.credentials import Credentials, is_local
from veritune.rewards.judge.limits import backoff, retry_after
from veritune.rewards.judge.loop import LoopThread

_AGAIN = frozenset({408, 425, 429, 499})
_CAP = 5.0
"""Seconds between two attempts at most, unless the server asks for more."""
_SLACK = 5.0
"""Seconds that an answer may be later than the server's own deadline."""
_BYTES = 4 << 20


class RefusedError(ConfigError):
    """The server will not score this, however often it is asked: a wrong key, a missing column, another protocol."""


@dataclass(frozen=True)
class Manner:
    """How a server is asked. Times are seconds."""

    url: str
    """Up to the port; ``/score`` is added."""
    key_env: str = "VERITUNE_SERVE_KEY"
    """The environment variable that holds the key; no variable, no key is sent."""
    rewards: tuple[str, ...] | None = None
    """Which components of what is served; None: all."""
    batch: int = 256
    """Samples of one request. A prompt's samples stay together, so that rewards over groups see all of them."""
    concurrency: int = 8
    """Requests at a time."""
    timeout: float = 60.0
    """Of one attempt; the server answers by then, with what it has not scored undecided."""
    deadline: float = 300.0
    """Of one call: attempts and the waits between them."""
    retries: int = 12
    """After failed attempts. A server that is busy (429) is asked again until the deadline."""
    wait: float = 0.25
    """Before the first retry, doubled for each further one up to 5, with jitter; or what ``Retry-After`` says."""


@dataclass
class _State:
    """What belongs to one event loop."""

    loop: asyncio.AbstractEventLoop
    http: Any
    slots: asyncio.Semaphore
    secrets: Credentials


@dataclass
class _Try:
    """One part's way to its answer."""

    part: Part
    scores: list[Score] = field(default_factory=list)
    halves: list[Part] = field(default_factory=list)
    """Instead of scores: it was too large."""


class AsyncClient:
    """Asks a verdict server from coroutines.

    Every sample gets one Score, in order, whatever happens in between: a request carries an id under which the server
    remembers its answer, so a retry is neither lost nor scored twice. Where the server stays away its samples are
    undecided (``infra_error``; ``timeout`` where it was too slow or busy), never 0. RefusedError for what no retry can
    mend.
    """

    def __init__(self, url: str, *, transport: Any = None, **manner: Any) -> None:
        """``manner``: the fields of :class:`Manner`. ``transport``: httpx's, for tests."""
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError("httpx", "client", "the client of a verdict server") from error
        if not is_address(url):
            raise RefusedError(f"url is an address such as http://127.0.0.1:8300, got {without_user(str(url))[:80]!r}")
        self.manner = Manner(url.rstrip("/").removesuffix("/score"), **manner)
        self._httpx: Any = httpx
        self._transport = transport
        self._state: _State | None = None

    async def score(
        self, samples: Sequence[Sample], *, step: int | None = None, evaluation: bool = False
    ) -> list[Score]:
        """One Score a sample, in order, with the components' in ``parts``."""
        if not samples:
            return []
        state = self._here()
        end = time.monotonic() + self.manner.deadline
        fields = self._fields(step, evaluation)
        found: list[Score | None] = [None] * len(samples)
        waiting = parts_of(samples, self.manner.batch, _BYTES)
        for place in set(range(len(samples))).difference(*(part.places for part in waiting)):
            found[place] = Score.none("the completion or prompt cannot be written as JSON", Cause.INFRA_ERROR)
        while waiting:
            tried = await _all([self._part(state, part, fields, end) for part in waiting])
            waiting = [half for each in tried for half in each.halves]
            for each in tried:
                for place, score in zip(each.part.places, each.scores, strict=not each.halves):
                    found[place] = score
        return [score for score in found if score is not None]

    async def about(self) -> dict[str, Any]:
        """What the server serves, and within which limits (``GET /rewards``). Raises RefusedError, httpx's errors."""
        state = self._here()
        response = await state.http.get("/rewards", timeout=self.manner.timeout)
        if response.status_code != 200:
            raise RefusedError(self._told(state, response))
        found: dict[str, Any] = response.json()
        return found

    async def aclose(self) -> None:
        """End its connections."""
        state, self._state = self._state, None
        if state is not None:
            await state.http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_state": None, "_httpx": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        import httpx

        vars(self).update(state)
        self._httpx = httpx

    # -- one part --------------------------------------------------------------------------------------------------

    def _fields(self, step: int | None, evaluation: bool) -> bytes:
        """What every request of a call says beside its samples."""
        said: dict[str, Any] = {"deadline": min(self.manner.timeout, self.manner.deadline)}
        if step is not None:
            said["step"] = step
        if evaluation:
            said["evaluation"] = True
        if self.manner.rewards is not None:
            said["rewards"] = list(self.manner.rewards)
        return json.dumps(said).encode()[1:-1]

    async def _part(self, state: _State, part: Part, fields: bytes, end: float) -> _Try:
        """Ask until there is an answer, an answer that will not change, or no time left."""
        name = uuid.uuid4().hex
        body = b'{"id":"%b",%b,"samples":[%b]}' % (name.encode(), fields, b",".join(part.texts))
        failed, attempt = 0, 0
        cause, problem = Cause.INFRA_ERROR, "it was not asked"
        while True:
            left = end - time.monotonic()
            if left <= 0:
                break
            attempt += 1
            pause: float | None = None
            try:
                async with state.slots:
                    response = await asyncio.wait_for(self._post(state, body), min(self.manner.timeout + _SLACK, left))
                if response.status_code == 200:
                    return _Try(part, read_results(json.loads(response.content), name, len(part.places)))
                problem = self._told(state, response)
                cause = Cause.TIMEOUT if response.status_code in (408, 429) else Cause.INFRA_ERROR
                pause = retry_after(response.headers.get("Retry-After"))
                if response.status_code == 413:
                    halves = part.halves(inside=await self._free(state, part))
                    if len(halves) > 1:
                        return _Try(part, halves=halves)
                    reason = f"too large for the server, and not to be divided: {problem}"
                    return _Try(part, [Score.none(reason, Cause.INFRA_ERROR)] * len(part.places))
                if response.status_code < 500 and response.status_code not in _AGAIN:
                    raise RefusedError(problem)
                failed += response.status_code != 429
            except (asyncio.TimeoutError, self._httpx.ReadTimeout, self._httpx.PoolTimeout):
                cause = Cause.TIMEOUT
                problem = f"{self.manner.url}: no answer within {self.manner.timeout + _SLACK:g} s"
                failed += 1
            except (self._httpx.HTTPError, OSError, NonsenseError, ValueError) as error:
                if isinstance(error, RefusedError):
                    raise
                cause = Cause.INFRA_ERROR
                problem = state.secrets.out_of(f"{self.manner.url}: {type(error).__name__}: {error}")
                failed += 1
            if failed > self.manner.retries:
                break
            delay = backoff(attempt, self.manner.wait, _CAP)
            delay = delay if pause is None else max(pause, 0.2 * delay)
            if time.monotonic() + delay >= end:
                delay = backoff(attempt, self.manner.wait, _CAP)  # it asks for more patience than there is
            if time.monotonic() + delay >= end:
                break
            await asyncio.sleep(delay)
        reason = f"no verdict from the server in {attempt} attempts; the last: {problem}"
        return _Try(part, [Score.none(reason, cause)] * len(part.places))

    async def _free(self, state: _State, part: Part) -> bool:
        """Whether the samples of one prompt may be asked for apart: the server says whether it compares them."""
        if len(part.places) < 2 or len(part.halves()) > 1:
            return False
        try:
            return (await state.http.get("/rewards", timeout=_SLACK)).json().get("groups") is False
        except (self._httpx.HTTPError, OSError, ValueError, AttributeError):
            return False

    async def _post(self, state: _State, body: bytes) -> Any:
        return await state.http.post("/score", content=body, headers={"Content-Type": "application/json"})

    def _told(self, state: _State, response: Any) -> str:
        """A refusal in words."""
        try:
            message = str(response.json()["error"]["message"])
        except Exception:
            message = str(response.text)[:200]
        return state.secrets.out_of(f"{self.manner.url} answers {response.status_code}: {message}")

    def _here(self) -> _State:
        loop = asyncio.get_running_loop()
        manner = self.manner
        secrets = Credentials.of(manner.url, manner.key_env)
        if secrets.problem:
            raise RefusedError(secrets.problem)
        if self._state is None or self._state.loop is not loop or self._state.secrets != secrets:
            headers = {"X-API-Key": secrets.key} if secrets.key else {}
            limits = self._httpx.Limits(max_connections=manner.concurrency)
            http = self._httpx.AsyncClient(
                base_url=manner.url,
                headers=headers,
                limits=limits,
                timeout=self._httpx.Timeout(manner.timeout + _SLACK, connect=10.0),
                transport=self._transport,
                trust_env=not is_local(manner.url),
            )
            self._state = _State(loop, http, asyncio.Semaphore(manner.concurrency), secrets)
        return self._state


async def _all(attempts: Sequence[Any]) -> list[_Try]:
    """All of them; where one raises, the others are ended first."""
    tasks = [asyncio.ensure_future(attempt) for attempt in attempts]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


_LOOP = LoopThread("veritune-client")


class Client:
    """:class:`AsyncClient` for whoever has no event loop: from any thread, also after a fork.

    >>> client = Client("http://127.0.0.1:8300")            # doctest: +SKIP
    >>> client.score_one(r"\\boxed{4}", gold="4").value      # doctest: +SKIP
    1.0
    """

    def __init__(self, url: str, **manner: Any) -> None:
        self.asynchronous = AsyncClient(url, **manner)

    def score(self, samples: Sequence[Sample], *, step: int | None = None, evaluation: bool = False) -> list[Score]:
        """One Score a sample, in order."""
        return _LOOP.run(self.asynchronous.score(samples, step=step, evaluation=evaluation))

    def score_one(self, completion: Text, prompt: Text | None = None, **columns: Any) -> Score:
        """The Score of one completion."""
        return self.score([Sample(completion, prompt, columns=columns)])[0]

    def about(self) -> Mapping[str, Any]:
        """What the server serves."""
        return _LOOP.run(self.asynchronous.about())

    def close(self) -> None:
        """End its connections."""
        _LOOP.run(self.asynchronous.aclose())

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
