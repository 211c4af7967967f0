"""For the verifiers library up to 0.3: reward functions for a ``Rubric``. For 0.4 see ``verifiers_tasks``.

import verifiers as vf
from veritune.adapters.verifiers import rubric_functions
functions, weights = rubric_functions("rewards.yaml")
rubric = vf.Rubric(funcs=functions, weights=weights)
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, MutableMapping
from typing import Any

from veritune.adapters.composed import Composed, with_gold
from veritune.adapters.undecided import Undecided
from veritune.plugins import GOLD_COLUMNS, Score, Text
from veritune.rewards.composition.compose import Source


def rubric_function(source: Source, *, undecided: Undecided = "raise", name: str = "veritune") -> RubricReward:
    """One function ``(prompt, completion, answer, state, info, **kwargs) -> float`` for a reward or composition.

    ``answer`` is the gold, whatever ``info`` holds; the keys of ``info`` and the row's further fields are columns. The
    components are left in ``state["veritune"]`` with their reasons. A Rubric turns every exception into 0.0; so an
    undecided sample (unless ``undecided`` says a number) and an exception are left in ``state["error"]`` too, by which
    verifiers and its trainers know a rollout that failed from one that earned nothing.
    """
    return RubricReward(source, undecided=undecided, name=name)


def rubric_functions(source: Source, *, undecided: Undecided = "raise") -> tuple[list[RubricReward], list[float]]:
    """``(funcs, weights)`` for ``Rubric(funcs=…, weights=…)``: one composed function of weight 1."""
    return [rubric_function(source, undecided=undecided)], [1.0]


class RubricReward(Composed):
    """A reward as a Rubric calls it."""

    framework = "verifiers"

    def __call__(
        self,
        completion: Text,
        prompt: Text | None = None,
        answer: Any = None,
        state: MutableMapping[str, Any] | None = None,
        info: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> float:
        """The number of one rollout."""
        columns = {**{k: v for k, v in kwargs.items() if k not in _OBJECTS}, **_info(info)}
        if answer not in (None, "") or _has_answer(state) or not any(name in columns for name in GOLD_COLUMNS):
            columns = with_gold(columns, answer)
        try:
            score = self.score(completion, prompt, columns)
            if state is not None:
                state.setdefault("veritune", {})[self.__name__] = self._record(score)
            return self.number(score)
        except Exception as error:
            if state is not None and state.get("error") is None:
                state["error"] = _as_theirs(error)
            raise

    def _record(self, score: Score) -> dict[str, Any]:
        reasons = self.reasons(score)
        parts = {alias: {"value": value, "reason": reasons[alias]} for alias, value in self.components(score).items()}
        return {"value": score.value, "reason": score.reason, "cause": score.cause and str(score.cause), "parts": parts}


_OBJECTS = ("parser", "judge", "judge_client", "resources")
"""What a Rubric passes beside the row."""


def _info(info: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    """A row's ``info``; data sets of rows that differ keep it as JSON text. What is no object is no columns."""
    if isinstance(info, str):
        try:
            info = json.loads(info)
        except (ValueError, RecursionError):
            return {}
    return info if isinstance(info, Mapping) else {}


def _has_answer(state: Mapping[str, Any] | None) -> bool:
    """Whether the row has an ``answer``: a Rubric says ``""`` where it has none."""
    rows = [state, state.get("input")] if state is not None else []
    return any(isinstance(row, Mapping) and "answer" in row for row in rows)


def _as_theirs(error: Exception) -> Exception:
    """An error of verifiers' own class, which its records expect; ours where it has none."""
    try:
        kind = importlib.import_module("verifiers").InfraError
    except (ImportError, AttributeError):
        return error
    theirs = kind(str(error))
    theirs.__cause__ = error
    return theirs  # type: ignore[no-any-return]
