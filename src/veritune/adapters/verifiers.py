"""For the verifiers library: reward functions for a ``Rubric``.

    import verifiers as vf
    from veritune.adapters.verifiers import rubric_functions
    functions, weights = rubric_functions("rewards.yaml")
    rubric = vf.Rubric(funcs=functions, weights=weights)

A Rubric turns an exception inside a reward into 0.0: run ``veritune score`` on a sample of your data first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from veritune.adapters.undecided import Undecided, as_number
from veritune.plugins import Sample, Text
from veritune.rewards.composition.compose import Source, compose


def rubric_function(source: Source, *, undecided: Undecided = "raise", name: str = "veritune") -> Callable[..., float]:
    """One function ``(prompt, completion, answer, state, info, **kwargs) -> float`` for a reward or composition.

    ``answer`` becomes the gold, the keys of ``info`` and ``task`` further columns; components are left in
    ``state["veritune"]`` with their reasons.
    """
    rewards = compose(source, name=name)

    def function(
        completion: Text,
        prompt: Text | None = None,
        answer: Any = None,
        state: dict[str, Any] | None = None,
        info: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> float:
        columns = {**(info or {}), **{k: v for k, v in kwargs.items() if k in ("task", "example_id")}}
        if answer is not None:
            columns["gold"] = answer
        score = rewards.score_batch([Sample(completion, prompt, columns=columns)])[0]
        if state is not None:
            parts = {alias: {"value": part.value, "reason": part.reason} for alias, part in score.parts.items()}
            state.setdefault("veritune", {})[name] = {"value": score.value, "reason": score.reason, "parts": parts}
        return as_number(score, undecided, "verifiers")

    function.__name__ = name
    return function


def rubric_functions(
    source: Source, *, undecided: Undecided = "raise"
) -> tuple[list[Callable[..., float]], list[float]]:
    """``(funcs, weights)`` for ``Rubric(funcs=…, weights=…)``: one composed function of weight 1."""
    return [rubric_function(source, undecided=undecided)], [1.0]
