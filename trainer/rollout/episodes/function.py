"""The user's episode function: found by path, checked before the run, started once a completion."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from veritune.plugins import ConfigError, ParameterError, PluginError, RunError, VerituneError
from veritune.plugins.columns import find_column, missing_column
from veritune.plugins.errors import on_one_screen, words_of
from veritune.plugins.parameters import check_parameters, missing_parameters, read_signature
from veritune.plugins.places import place_of
from veritune.plugins.registry import load_path
from veritune.trainer.config import RolloutConfig
from veritune.trainer.data.sources import Row

Episode = Generator[Any, Any, Any]
"""What calling an episode function gives: it is sent turns, and yields what the environment adds."""

INPUTS = ("prompt", "columns", "seed")
"""What an episode function may take beside the dataset's columns."""


class EpisodeFunction:
    """A generator function with its parameters.

    Its arguments before ``*`` are inputs by name: ``prompt``, ``columns`` (all of the row's), ``seed`` (a number of
    its own for every episode, the same in the same run), or any dataset column; those after ``*`` are configuration.
    Raises ConfigError for what is no generator function, ParameterError for parameters that do not fit.
    """

    def __init__(self, function: Callable[..., Episode], params: Mapping[str, Any], name: str | None = None) -> None:
        self.name = name or getattr(function, "__name__", repr(function))
        if not inspect.isgeneratorfunction(function):
            raise ConfigError(
                f"{self}: it is no generator function; write `turn = yield` where the policy has the word"
                + (" (async functions are not taken)" if inspect.isasyncgenfunction(function) else "")
            )
        self.function = function
        self.signature = read_signature(function)
        self.params = check_parameters(str(self), self.signature.parameters, params)
        missing = missing_parameters(self.signature.parameters, self.params)
        if missing:
            raise ParameterError(f"{self} needs {', '.join(map(repr, missing))}; give it in rollout.params.")

    def __str__(self) -> str:
        return f"rollout {self.name!r}"

    @property
    def takes_seed(self) -> bool:
        return "seed" in self.signature.inputs

    def check_columns(self, available: Sequence[str]) -> None:
        """Raise ColumnError where the data lacks a column that the function takes. Call it before a run."""
        self._sources(available)

    def start(self, row: Row, seed: int) -> Episode:
        """An episode of this row; nothing of the function has run yet."""
        given: dict[str, Any] = {"prompt": row.prompt, "columns": dict(row.columns), "seed": seed}
        inputs = {name: given[name] for name in self.signature.inputs if name in INPUTS}
        inputs.update({name: row.columns[column] for name, column in self._sources(row.columns).items()})
        if self.signature.takes_columns:
            taken = self.signature.inputs.keys() | self.signature.parameters.keys()
            inputs.update({k: v for k, v in row.columns.items() if k not in taken and k.isidentifier()})
        return self.function(**inputs, **self.params)

    def failure(self, error: BaseException, row: Row, turns: int, text: str) -> VerituneError:
        """What an exception inside the function becomes: it says whose it is and where it happened."""
        kind = "" if type(error) is VerituneError else f"{type(error).__name__}: "
        at = place_of(error) if kind else ""
        return RunError(
            f"{self}: {kind}{on_one_screen(words_of(error))}"
            + (f"\n  at {at}" if at else "")
            + f"\n  after turn {turns} of the policy: {text[-300:]!r}\n  prompt: {row.prompt!r:.300}"
        )

    def _sources(self, available: Mapping[str, Any] | Sequence[str]) -> dict[str, str]:
        """Input → the column that feeds it; inputs with a default may have none. Raises ColumnError."""
        sources: dict[str, str] = {}
        names = list(available)
        for wanted, optional in self.signature.inputs.items():
            if wanted in INPUTS:
                continue
            column = find_column(str(self), wanted, {}, names)
            if column is not None:
                sources[wanted] = column
            elif not optional:
                raise missing_column(str(self), wanted, names)
        return sources


def load_episode(config: RolloutConfig) -> EpisodeFunction:
    """The function that ``rollout.use`` names, with ``rollout.params``. Raises ConfigError, before anything has run."""
    try:
        function = load_path(config.use, "rollout")
    except PluginError as error:
        raise ConfigError(f"rollout.use: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"rollout.use: {config.use!r}: {error}") from error
    return EpisodeFunction(function, config.params, config.use.rpartition(":")[2])
