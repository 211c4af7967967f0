"""A grader of the user's, by ``file.py:function`` or ``package.module:function``.

A function of a completion and a gold (and a prompt, if it has a parameter of that name), or a reward. What it gives
back: True or False; a number, right above 0; None, undecided; a mapping with such a ``score``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from veritune.bench.loading import Finding, Grade
from veritune.plugins import Reward
from veritune.plugins.registry import load_path


def make(path: str) -> Grade:
    """The grader at `path`. Raises PluginError or UnknownNameError where there is none."""
    target = load_path(path, "grader")
    return _reward(target) if isinstance(target, Reward) else _function(target)


def _reward(reward: Reward) -> Grade:
    def grade(completion: str, gold: str, prompt: str) -> Finding:
        score = reward.score(completion, gold=gold, **({"prompt": prompt} if prompt else {}))
        return read(score.value) if score.value is not None else (None, str(score.cause or "not applicable"))

    return grade


def _function(function: Callable[..., Any]) -> Grade:
    with_prompt = "prompt" in inspect.signature(function).parameters

    def grade(completion: str, gold: str, prompt: str) -> Finding:
        return read(function(completion, gold, prompt=prompt) if with_prompt else function(completion, gold))

    return grade


def read(value: Any) -> Finding:
    """What a grader gave back. Raises TypeError where that is no verdict."""
    if isinstance(value, Mapping) and "score" in value:
        value = value["score"]
    if value is None:
        return None, "None"
    if isinstance(value, str | bytes):
        raise TypeError(f"a grader gives back a bool, a number or None, not {value!r:.40}")
    number = float(value)
    return (None, "NaN") if math.isnan(number) else (number > 0, "scored")
