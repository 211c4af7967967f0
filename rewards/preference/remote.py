"""The model elsewhere: behind HTTP, or in a Ray actor."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins.errors import MissingExtraError, ParameterError
from veritune.plugins.types import Cause
from veritune.rewards.preference.encoding import EncodingOptions
from veritune.rewards.preference.items import Item, from_json, to_json
from veritune.rewards.preference.model import DType, LocalScorer, Outcome, load_model
from veritune.sandbox.cluster import Crew, Lost, Plan, Work

ATTEMPTS = 3
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, OSError, OverflowError, RecursionError)
"""What reading an answer that is none can raise."""
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
        self._client = httpx.Client(timeout=timeout)
        self._failures = (httpx.HTTPError, httpx.InvalidURL, *_MALFORMED)

    def score(self, items: Sequence[Item]) -> list[Outcome]:
        """One outcome an item; all undecided where the server fails three times."""
        import time

        if not items:
            return []
        body = {"items": to_json(items), "options": dataclasses.asdict(self.options)}
        failure = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(WAIT * 2 ** (attempt - 1))
            try:
                response = self._client.post(self.url, json=body)
                if response.status_code == 400:
                    raise ParameterError(f"reward 'preference': the server at {self.url} says: {response.text[:500]}")
                response.raise_for_status()
                return self._read(response.json(), len(items))
            except ParameterError:
                raise
            except self._failures as error:
                failure = f"the scoring server {self.url} failed: {type(error).__name__}: {error}"
                timed_out = "Timeout" in type(error).__name__
        return [Outcome(None, failure, "timeout" if timed_out else "infra_error")] * len(items)

    def _read(self, answer: Mapping[str, Any], count: int) -> list[Outcome]:
        outcomes = [_outcome(each) for each in answer["outcomes"]]
        if len(outcomes) != count:
            raise ValueError(f"{len(outcomes)} outcomes for {count} items")
        labels, trained = answer.get("labels"), answer.get("trained")
        self.labels = labels if isinstance(labels, Mapping) else {}
        self.trained = trained if isinstance(trained, Mapping) else {}
        sizes = {len(each.logits) for each in outcomes if each.logits is not None}
        if len(sizes) > 1:
            raise ValueError(f"rows of {' and '.join(map(str, sorted(sizes)))} logits")
        return outcomes


def _outcome(said: Mapping[str, Any]) -> Outcome:
    """One outcome as a server says it. Logits that are no finite numbers are that item's failure."""
    note, failure = str(said.get("note") or ""), said.get("failure")
    if said["logits"] is None:
        known = failure if failure in {cause.value for cause in Cause} else "infra_error"
        return Outcome(None, note or "the server gave no logits", known)
    try:
        logits = tuple(float(value) for value in said["logits"])
    except (TypeError, ValueError, OverflowError):
        logits = ()
    if not logits or not all(map(math.isfinite, logits)):
        return Outcome(None, f"the server's logits are no finite numbers: {said['logits']!r:.120}", "infra_error")
    return Outcome(logits, note)


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
