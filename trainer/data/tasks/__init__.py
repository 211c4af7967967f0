"""Generated tasks: rows without a data file, with demonstrations for a warm-up."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from random import Random
from typing import Any, Protocol

from pydantic import TypeAdapter

from veritune.plugins import ConfigError, ParameterError, UnknownNameError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.data.tasks.arithmetic import Arithmetic
from veritune.trainer.data.tasks.countdown import Countdown
from veritune.trainer.data.tasks.scenarios import Scenarios
from veritune.trainer.data.tasks.small_talk import SmallTalk

PREFIX = "reasoning_gym/"
"""Tasks of that package, by their names there: ``reasoning_gym/chain_sum``."""


class Task(Protocol):
    """A source of rows. Everything random comes from the generator it is given: row n of a seed is always the same."""

    def row(self, random: Random) -> dict[str, Any]:
        """A row with at least ``prompt``."""

    def demonstration(self, row: Mapping[str, Any], random: Random, **habit: Any) -> str:
        """A completion to imitate."""

    def vocabulary(self) -> list[str]:
        """Every token that prompts and demonstrations need, for a model made from scratch."""


TASKS: dict[str, type[Any]] = {
    "arithmetic": Arithmetic,
    "countdown": Countdown,
    "small_talk": SmallTalk,
    "scenarios": Scenarios,
}


def get_task(name: str, params: Mapping[str, Any]) -> Task:
    """A task by name; ``reasoning_gym/NAME`` is one of that package's.

    Raises UnknownNameError, ParameterError for a parameter it does not have, MissingExtraError.
    """
    if name.startswith(PREFIX):
        return _procedural(name.removeprefix(PREFIX), params)
    if name not in TASKS:
        raise UnknownNameError("task", name, [*TASKS, f"{PREFIX}NAME"])
    known = list(inspect.signature(TASKS[name]).parameters)
    for key in params:
        if key not in known:
            raise ParameterError(
                f"task {name!r} has no parameter {key!r}.{did_you_mean(key, known)} Its parameters: {', '.join(known)}."
            )
    given = _typed(TASKS[name], params)
    try:
        task: Task = TASKS[name](**given)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"data.params of task {name!r}: {error}") from error
    return task


def _typed(task: type[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as the task takes them, numbers also where they are written as texts. Raises ConfigError."""
    words = {int: "a whole number", float: "a number", str: "a text"}
    kinds = typing.get_type_hints(task.__init__)
    found: dict[str, Any] = {}
    for name, value in params.items():
        try:
            if isinstance(value, bool):
                raise ValueError
            found[name] = TypeAdapter(kinds[name]).validate_python(value)
        except ValueError:
            expected = words.get(kinds[name], kinds[name])
            raise ConfigError(f"data.params.{name}: {expected} is expected, got {value!r}") from None
    return found


def _procedural(name: str, params: Mapping[str, Any]) -> Task:
    from veritune.trainer.data.tasks.reasoning_gym import ReasoningGym  # its package is wanted only where it is used

    try:
        return ReasoningGym(name, **params)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"data.params of task {PREFIX}{name}: {error}") from error


__all__ = ["TASKS", "Arithmetic", "Countdown", "Scenarios", "SmallTalk", "Task", "get_task"]
