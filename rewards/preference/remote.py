"""The model elsewhere: behind HTTP, or in a Ray actor."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins.errors import MissingExtraError
from veritune.plugins.secrets import without_user
from veritune.plugins.types import Cause
from veritune.rewards.judge.credentials import Credentials
from veritune.rewards.preference.encoding import EncodingOptions
from veritune.rewards.preference.items import Item, from_json, to_json
from veritune.rewards.preference.model import DType, LocalScorer, Outcome, load_model
from veritune.sandbox.cluster import Crew, Lost, Plan, Work

ATTEMPTS = 3
REFUSED = frozenset({400, 413, 422})
"""Statuses of a request that the server will not take as it is: one item of it may be the reason."""
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, OSError, OverflowError, RecursionError)
"""What reading an answer that is none can raise."""
HOPELESS = 8
"""So many items that a server refuses one by one, before it took any, tell that it refuses all."""
WAIT = 0.5
"""Seconds before the second attempt; doubled for each further one."""


class HTTPScorer:
    """Asks a scoring server (``python -m veritune.rewards.preference.server MODEL``). A failure is undecided.

    Request: ``POST URL {"items": [{"prompt", "completion"}], "options": {…}}``. Answer: ``{"outcomes": [{"logits",
    "note", "failure"}], "labels": {…}, "trained": {…}}``.
    """

    def __init__(self, url: str, options: EncodingOptions, timeout: float) -> None:
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError("httpx", "judge", "reward 'preference' with an endpoint") from error
        self.url, self.options, self.timeout = url, options, timeout
        self.labels: Mapping[str, int] = {}
        self.trained: Mapping[str, Any] = {}
        self._width = 0
        """How many logits the model behind the address had when it first answered."""
        self._secrets = Credentials.of(url, "")
        self._shown = without_user(url)
        self._client = httpx.Client(timeout=timeout)
        self._failures = (httpx.HTTPError, httpx.InvalidURL, *_MALFORMED)

    def score(self, items: Sequence[Item]) -> list[Outcome]:
        """One outcome an item; all undecided where the server fails three times.

        A batch that the server refuses (400, 413, 422) is asked in halves, so that only the item it will not take is
        undecided. Where it takes none of the first ones, the rest is not asked.
        """
        outcomes: list[Outcome] = []
        pending = [list(items)] if items else []
        taken = False
        while pending:
            part = pending.pop()
            found = self._ask(part)
            if isinstance(found, list):
                taken = taken or any(outcome.failure is None for outcome in found)
                outcomes += found
            elif len(part) == 1 or (not taken and len(outcomes) >= HOPELESS):
                outcomes += [Outcome(None, found, "infra_error")] * len(part)
            else:
                half = len(part) // 2
                pending += [part[half:], part[:half]]
        return outcomes

    def _ask(self, items: Sequence[Item]) -> list[Outcome] | str:
        """One outcome an item, or why the server refuses the request."""
        import time

        body = {"items": to_json(items), "options": dataclasses.asdict(self.options)}
        failure, timed_out = "", False
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(WAIT * 2 ** (attempt - 1))
            try:
                response = self._client.post(self.url, json=body)
                if response.status_code in REFUSED:
                    said = response.text[:500]
                    return f"the scoring server {self._shown} refuses it ({response.status_code}): {said}"
                response.raise_for_status()
                return self._read(response.json(), len(items))
            except self._failures as error:
                said = self._secrets.out_of(f"{type(error).__name__}: {error}")
                failure = f"the scoring server {self._shown} failed: {said}"
                timed_out = "Timeout" in type(error).__name__
        return [Outcome(None, failure, "timeout" if timed_out else "infra_error")] * len(items)

    def _read(self, answer: Mapping[str, Any], count: int) -> list[Outcome]:
        said = answer["outcomes"]
        if not isinstance(said, list) or len(said) != count:
            raise ValueError(f"{len(said)} outcomes for {count} items")
        labels, trained = answer.get("labels"), answer.get("trained")
        self.labels = labels if isinstance(labels, Mapping) else {}
        self.trained = trained if isinstance(trained, Mapping) else {}
        found = _level([_outcome(each) for each in said], len(self.labels))
        width = next((len(each.logits) for each in found if each.logits is not None), 0)
        self._width = self._width or width
        if width not in (0, self._width):  # another model at the same address: no weights are known for it
            raise ValueError(f"{width} logits a row, where the first answer had {self._width}")
        return found


def _outcome(said: Any) -> Outcome:
    """One outcome as a server says it. What is none, and logits that are no finite numbers, are that item's failure."""
    if not isinstance(said, Mapping) or "logits" not in said:
        return Outcome(None, f"the server gave no outcome: {said!r:.120}", "infra_error")
    note, failure, logits = str(said.get("note") or ""), said.get("failure"), said["logits"]
    if logits is None or failure:  # what a server could not do is no score, whatever stands beside it
        known = failure if isinstance(failure, str) and failure in _CAUSES else "infra_error"
        return Outcome(None, note or "the server gave no logits", known)
    listed = logits if isinstance(logits, list) else []
    if not listed or not all(map(_finite, listed)):
        return Outcome(None, f"the server's logits are no finite numbers: {logits!r:.120}", "infra_error")
    return Outcome(tuple(map(float, listed)), note)


_CAUSES = [cause.value for cause in Cause]


def _finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what floats hold
        return False


def _level(outcomes: list[Outcome], labels: int) -> list[Outcome]:
    """The outcomes, those undecided that have another number of logits than the model: one a label, or as most have."""
    sizes = Counter(len(each.logits) for each in outcomes if each.logits is not None)
    if len(sizes) < 2:
        return outcomes
    first, second = sizes.most_common(2)
    right = labels if labels in sizes else first[0] if first[1] > second[1] else None
    odd = f"rows of {' and '.join(map(str, sorted(sizes)))} logits"
    return [
        each if each.logits is None or len(each.logits) == right else Outcome(None, odd, "infra_error")
        for each in outcomes
    ]


class RayScorer:
    """Keeps the model in one Ray actor, found by its name, so that every process of a run shares it.

    An actor that is lost is made again; what it cannot score, nor two after it, is undecided.
    """

    def __init__(self, model: str, device: str, dtype: DType, options: EncodingOptions, token_budget: int) -> None:
        arguments = (model, device, dtype, options, token_budget)
        self.crew = Crew(
            Plan(
                "reward 'preference' with executor: ray",
                _Model,
                arguments,
                actors=1,
                gpus=1 if device.startswith("cuda") else 0,
                wait_s=_LOAD_S,
                name=f"veritune-preference:{arguments}",
            )
        )
        self.crew.start()
        self.labels, self.trained = self.crew.facts()[0]

    def score(self, items: Sequence[Item]) -> list[Outcome]:
        """One outcome an item; all undecided where the actor gave none."""
        found = self.crew.ask(Work((to_json(items),), _SCORE_S))
        if isinstance(found, Lost):
            return [Outcome(None, found.reason, found.cause.value)] * len(items)
        return list(found)


_LOAD_S = 900.0
"""How long a model may take to load, or its actor wait for a GPU."""
_SCORE_S = 1800.0


class _Model:
    """In the actor."""

    def __init__(self, model: str, device: str, dtype: DType, options: EncodingOptions, token_budget: int) -> None:
        self.scorer = LocalScorer(load_model(model, device, dtype), options, token_budget)

    def about(self) -> tuple[Mapping[str, int], Mapping[str, Any]]:
        return self.scorer.labels, dict(self.scorer.trained)

    def answer(self, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        return self.scorer.score(from_json(items))
