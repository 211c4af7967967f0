"""``@reward``: a function becomes a reward that is configurable, picklable, replayable and callable by any trainer."""

from __future__ import annotations

import functools
import inspect
import pickle
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast, overload

from veritune.plugins.columns import check_lengths, column_of, find_column, missing_column, refuse_parameters
from veritune.plugins.errors import ConfigError, ParameterError, UnknownNameError, did_you_mean
from veritune.plugins.parameters import (
    INJECTED,
    Parameter,
    Signature,
    check_parameters,
    missing_parameters,
    read_signature,
)
from veritune.plugins.scoring import PASSED_ON, Call, failure
from veritune.plugins.secrets import shown
from veritune.plugins.trainer_call import AsyncReward, make_samples
from veritune.plugins.types import Sample, Score, Text
from veritune.plugins.watch import Watch, log_causes, notice_namesakes

_PER_SAMPLE = {"completion", "prompt", "completion_ids", "sample"}
_PER_BATCH = {"completions", "prompts", "completion_ids", "samples"}


class Reward:
    """A reward function with its configuration. Made by :func:`reward`; configured by :meth:`with_params`.

    Called as TRL calls a reward (keyword lists), it returns one float or None a completion. ``score`` and
    ``score_batch`` return :class:`Score` objects with reasons.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        batch: bool = False,
        params: Mapping[str, Any] | None = None,
        columns: Mapping[str, str] | None = None,
        source: str | None = None,
        compat: str | None = None,
    ) -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", None) or type(function).__name__
        self.batch = batch
        self.compat_mode = compat
        self.source = source or _source_of(function)
        self.signature: Signature = read_signature(function)
        self.columns = self._checked_columns(columns or {})
        self.variants: dict[str, Reward] = {}
        self.checks: list[Callable[..., None]] = []
        self.own_columns: set[str] = set()
        self.example: Mapping[str, Any] = {}
        """Parameters for examples of its use, where the defaults alone do not work."""
        self.row_params: frozenset[str] | None = None
        """What a row of data may set where it names this reward (:meth:`for_rows`); None: it may not name it."""
        self.params: dict[str, Any] = check_parameters(
            self._owner, self.signature.parameters, params or {}, self.signature.inputs
        )
        called: Any = function
        self.is_async = inspect.iscoroutinefunction(
            called if inspect.isroutine(called) else called.__call__  # of a class or an object
        )
        self._bound: Callable[..., Any] | None = None
        self._lock = threading.Lock()
        self._watch = Watch(self.name)
        self.__name__ = self.name
        self.__qualname__ = self.name
        self.__doc__ = inspect.getdoc(getattr(function, "func", function))
        self.__wrapped__ = function

    # -- configuration ---------------------------------------------------------------------------------------------

    def compat(self, peer: str) -> Callable[[Callable[..., Any]], Reward]:
        """Register a peer's exact semantics of the same name: ``@cosine.compat("trl")``."""

        def register(function: Callable[..., Any]) -> Reward:
            variant = function if isinstance(function, Reward) else Reward(function, batch=_is_batch(function))
            variant.name = variant.__name__ = variant.__qualname__ = self.name
            variant.compat_mode = peer
            self.variants[peer] = variant
            return variant

        return register

    def with_params(
        self,
        *,
        name: str | None = None,
        columns: Mapping[str, str] | None = None,
        compat: str | None = None,
        **params: Any,
    ) -> Reward:
        """The same reward, configured. Raises ParameterError for a parameter it does not have.

        ``name`` is the alias that is logged, ``columns`` maps an input to a dataset column, ``compat`` picks a peer's
        exact semantics where the name exists there.
        """
        base = self
        if compat is not None and compat != self.compat_mode:
            if compat not in self.variants:
                known = ", ".join(repr(v) for v in self.variants) or "none"
                raise ParameterError(f"reward {self.name!r} has no compat mode {compat!r}. Its modes: {known}.")
            base = self.variants[compat]
        configured = type(self)(
            base.function,
            name=name or self.name,
            batch=base.batch,
            params={**base.params, **params},
            columns={**self.columns, **base._checked_columns(columns or {})},
            source=self.source,
            compat=base.compat_mode,
        )
        configured.variants = self.variants
        configured.checks, configured.own_columns = base.checks, base.own_columns
        configured.example, configured.row_params = base.example, base.row_params
        return configured

    def check(self, function: Callable[..., None]) -> Callable[..., None]:
        """Register a check of parameters against each other, run before anything is scored: ``@cosine.check``.

        It is called with the parameters it names and raises ParameterError.
        """
        self.checks.append(function)
        return function

    def reads(self, *columns: str) -> None:
        """Say which columns it takes from ``sample.columns`` that are called like a parameter: these may be passed."""
        self.own_columns.update(columns)

    def for_rows(self, *params: str) -> Reward:
        """Say that a row of data may name it (``rubric``), and which parameters the row may set.

        For rewards that only read texts: none that asks a service, loads code, models or files, or runs programs.
        """
        self.row_params = frozenset(params)
        return self

    def as_async(self) -> AsyncReward:
        """The same reward as a coroutine function: trainers that gather rewards run it beside the others."""
        return AsyncReward(self)

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        return self.signature.parameters

    @property
    def resolved(self) -> dict[str, Any]:
        """Every parameter with its value in force, defaults included."""
        defaults = {n: p.default for n, p in self.parameters.items() if not p.required}
        return {**defaults, **self.params}

    def make(self) -> None:
        """Make the object of a class now rather than with the first sample. Raises what its ``__init__`` raises."""
        self._function()

    def spec(self) -> dict[str, Any]:
        """What :func:`veritune.get_reward` needs to build this reward again."""
        spec: dict[str, Any] = {"use": self.source, "params": dict(self.params)}
        if self.compat_mode:
            spec["params"]["compat"] = self.compat_mode
        if self.columns:
            spec["columns"] = dict(self.columns)
        spec["name"] = self.name
        return spec

    def _checked_columns(self, columns: Mapping[str, str]) -> dict[str, str]:
        if not isinstance(columns, Mapping):
            raise ConfigError(f"{self._owner}: columns is a mapping, input: column, got {columns!r}")
        inputs = self.signature.inputs
        for wanted in columns:
            if wanted not in inputs and not self.signature.takes_columns:
                raise ConfigError(
                    f"{self._owner}: columns: it has no input {wanted!r}.{did_you_mean(wanted, inputs)} "
                    f"Its inputs: {', '.join(inputs) or 'none'}."
                )
        return dict(columns)

    def check_ready(self) -> None:
        """Raise ParameterError where a required parameter has no value."""
        missing = missing_parameters(self.parameters, self.params)
        if missing:
            raise ParameterError(f"{self._owner} needs {', '.join(map(repr, missing))}; give it in params.")
        values = self.resolved
        for check in self.checks:
            check(**{name: values[name] for name in _parameter_names(check)})

    def check_columns(self, available: Sequence[str]) -> None:
        """Raise ColumnError where the data lacks a column that this reward needs. Call it before a run."""
        self._sources(set(available) - INJECTED)

    def columns_read(self, available: Collection[str]) -> set[str]:
        """Which of the data's columns feed this reward. Raises ColumnError where one is missing."""
        named = set(available) - INJECTED
        found = (column_of(path, named) for path in self._sources(named).values() if path is not None)
        return {column for column in found if column is not None}

    def check_portable(self) -> None:
        """Raise ConfigError where a fresh process could not find it: it is of a notebook, a script or a function."""
        if "<" in self.source or self.source.startswith(("None:", "__main__:")):
            name = getattr(self.function, "__name__", self.name)
            raise ConfigError(
                f"{self._owner} ({self.source}) cannot be run in a process of its own: that is found by file and name. "
                f"Save it to a file, my_rewards.py, and give 'my_rewards.py:{name}'."
            )

    @property
    def only_configured(self) -> set[str]:
        """Parameters that no input or column that it reads shares its name with."""
        return set(self.parameters) - set(self.signature.inputs) - set(self.columns.values()) - self.own_columns

    @property
    def _owner(self) -> str:
        mode = f" (compat {self.compat_mode!r})" if self.compat_mode else ""
        return f"reward {self.name!r}{mode}"

    def __repr__(self) -> str:
        params = "".join(f", {k}={shown(v)!r}" for k, v in self.params.items())
        compat = f", compat={self.compat_mode!r}" if self.compat_mode else ""
        return f"<Reward {self.name!r}{params}{compat}>"

    def __reduce__(self) -> tuple[Callable[..., Reward], tuple[Any, ...]]:
        if "<" in self.source or self.source.startswith("None:"):  # another process could not find it again
            raise pickle.PicklingError(
                f"{self._owner} cannot be found again by its name ({self.source}); move it to the top of a module to "
                "send it to another process"
            )
        return _rebuild, (type(self), self.source, self.name, dict(self.params), self.columns, self.compat_mode)

    # -- scoring ---------------------------------------------------------------------------------------------------

    def __call__(
        self,
        completions: Sequence[Text] | None = None,
        prompts: Sequence[Text] | None = None,
        completion_ids: Sequence[Sequence[int]] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """TRL's convention: keyword lists in, one float or None a completion out.

        Logs ``rewards/{name}/{cause}`` through ``log_metric`` for causes that occur, and warns once where none of the
        first completions gets a number.
        """
        injected, samples = make_samples(self._owner, completions, prompts, completion_ids, columns)
        refuse_parameters(self._owner, columns, self.only_configured, len(samples))
        check_lengths(self._owner, columns, self.columns_read(columns), len(samples))
        scores = self.score_batch(samples, **injected)
        notice_namesakes(self, injected)
        self._watch.see(scores)
        log_causes(self._watch, scores, injected.get("log_metric"))
        return [score.value for score in scores]

    def score(self, completion: Text | Sample, prompt: Text | None = None, **columns: Any) -> Score:
        """The score of one completion: ``get_reward("accuracy").score("\\\\boxed{4}", gold="4")``."""
        refuse_parameters(self._owner, columns, self.only_configured, None)
        ids = columns.pop("completion_ids", None)
        sample = completion if isinstance(completion, Sample) else Sample(completion, prompt, ids, columns)
        return self.score_batch([sample])[0]

    def score_batch(self, samples: Sequence[Sample], **injected: Any) -> list[Score]:
        """One Score a sample, in order. An exception inside the function becomes a RewardError with the sample."""
        self.check_ready()
        if not samples:
            return []
        available = set().union(*(s.columns.keys() for s in samples))
        sources = self._sources(available)
        refuse_parameters(self._owner, injected, self.only_configured, None)
        injected = {k: v for k, v in injected.items() if k in self.signature.inputs}
        ours = str(self.function.__module__).startswith("veritune.rewards.") and self.compat_mode is None
        call = Call(self.name, self.signature, self._function(), sources, injected, self.function, ours)
        if self.batch:
            return call.whole(samples)
        if self.is_async:
            return call.each(samples)
        return [call.one(sample) for sample in samples]

    def _sources(self, available: set[str]) -> dict[str, str | None]:
        """Input name → column name; None where a default stands in. Raises ColumnError."""
        special = (_PER_BATCH if self.batch else _PER_SAMPLE) | INJECTED
        sources: dict[str, str | None] = {}
        for wanted, optional in self.signature.inputs.items():
            if wanted in special and wanted not in self.columns:
                continue
            column = find_column(self._owner, wanted, self.columns, available)
            if column is None and not optional:
                raise missing_column(self._owner, wanted, available, special - INJECTED)
            sources[wanted] = column
        return sources

    def _function(self) -> Callable[..., Any]:
        """The function with its parameters bound; a class is instantiated once a process."""
        with self._lock:
            if self._bound is None:
                try:
                    self._bound = _bind(self.function, self.params)
                except PASSED_ON:
                    raise
                except BaseException as error:  # in a class's __init__
                    raise failure(self.name, self.function, error, None) from error
            return self._bound


@overload
def reward(function: Callable[..., Any], /) -> Reward: ...
@overload
def reward(*, name: str | None = None, batch: bool | None = None) -> Callable[[Callable[..., Any]], Reward]: ...
def reward(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, batch: bool | None = None
) -> Reward | Callable[[Callable[..., Any]], Reward]:
    """Make a reward of a function (or class), plain or ``async``.

    Arguments before ``*`` are inputs: ``completion`` (text of the last assistant turn), ``prompt``,
    ``completion_ids``, ``sample`` (everything), ``gold`` (found by the column rules), or any dataset column by its
    name; ``**columns`` takes all of them. Arguments after ``*`` are configuration. With ``batch=True`` inputs are
    lists: ``completions``, ``prompts``, ``completion_ids``, ``samples`` and columns. A first argument called
    ``completions`` or ``samples`` implies it. Return a number, a bool, None (not applicable), a Score or a Verdict;
    of a batch, a list of these. An exception stops the run: it is a bug, never a zero.
    """

    def make(target: Callable[..., Any]) -> Reward:
        return Reward(target, name=name, batch=_is_batch(target) if batch is None else batch)

    return make(function) if function is not None else make


def _source_of(function: Callable[..., Any]) -> str:
    """Where another process finds it; of an object that has no name of its own, what it is."""
    name = getattr(function, "__qualname__", None)
    if name is None:
        return f"<an object of {type(function).__module__}.{type(function).__qualname__}>"
    return f"{function.__module__}:{name}"


def _bind(function: Callable[..., Any], params: Mapping[str, Any]) -> Callable[..., Any]:
    if isinstance(function, type):
        made: Any = function(**params)
        return cast("Callable[..., Any]", made)
    return functools.partial(function, **params)


@functools.cache
def _parameter_names(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def _is_batch(function: Callable[..., Any]) -> bool:
    inputs = read_signature(function).inputs
    return "completions" in inputs or "samples" in inputs


_resolvers: list[Callable[[str], Reward]] = []


def resolve_with(resolve: Callable[[str], Reward]) -> None:
    """How rewards are found again when they are unpickled: the registry says so, since it imports this module."""
    _resolvers.append(resolve)


def _rebuild(
    kind: type[Reward],
    source: str,
    name: str,
    params: Mapping[str, Any],
    columns: Mapping[str, str],
    compat: str | None,
) -> Reward:
    """Unpickle: find the reward where it came from, and configure it as it was."""
    try:
        base = _resolvers[-1](source)
    except UnknownNameError as error:
        raise ConfigError(f"cannot rebuild reward {name!r}: {error}") from error
    return base.with_params(name=name, columns=columns, compat=compat, **params)
