"""Calls a test function with what its parameters ask for: parametrised values, fixtures, the candidate."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from _veritune_stubs import Unsendable  # type: ignore[import-not-found]

_OURS = ("capsys", "capfd", "monkeypatch", "request")
_NOT_HERE = ("tmp_path", "tmpdir", "tmp_path_factory", "caplog", "recwarn", "mocker", "benchmark", "event_loop")


def required(function: Callable[..., Any]) -> list[str]:
    """Names of the parameters that a call must give."""
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in signature.parameters.values() if p.default is p.empty and p.kind in kinds]


class Fixtures:
    """The fixtures that a test sees, by name."""

    def __init__(self, holders: Iterable[Mapping[str, Any]], owner: Callable[[], Any] | None = None,
                 shared: dict[str, Any] | None = None, share: Callable[[Callable[[], Any]], Any] = lambda make: make(),
    ) -> None:  # fmt: skip
        """``owner``: gives the instance whose methods fixtures may be. ``shared``: keeps what ``share`` makes once."""
        self.made: dict[str, Any] = {}
        for holder in holders:
            for name, value in holder.items():
                if type(value).__name__ == "Fixture" and hasattr(value, "autouse"):
                    self.made[value.name if value.name != value.function.__name__ else name] = value
        self.owner = owner
        self.shared = shared if shared is not None else {}
        self.share = share
        self.always: list[str] = [name for name, one in self.made.items() if one.autouse]
        """Fixtures that every test has, asked for or not."""

    def knows(self, name: str) -> bool:
        """Is there, or should there be, a fixture of this name?"""
        return name in self.made or name in _OURS or name in _NOT_HERE

    def wanted(self, names: Iterable[str]) -> list[str]:
        """These fixtures, those that are always used, and what they ask for themselves."""
        found: list[str] = []
        pending = [*self.always, *names]
        while pending:
            name = pending.pop(0)
            if name in self.made and name not in found:
                found.append(name)
                pending += self._needs(name)
        return found

    def _needs(self, name: str) -> list[str]:
        names = required(self.made[name].function)
        return names[1:] if names[:1] == ["self"] else names

    def variants(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """One mapping of fixture → parameter for every combination of the fixtures' ``params``."""
        several = [name for name in self.wanted(names) if self.made[name].params is not None]
        rows = itertools.product(*(self.made[name].params for name in several))
        return [{name: _value(param) for name, param in zip(several, row, strict=True)} for row in rows]

    def call(self, function: Callable[..., Any], asked: list[str], given: dict[str, Any], params: dict[str, Any],
             name: str, settle: Callable[[Any], Any]) -> None:  # fmt: skip
        """Call ``function``, then undo its fixtures, last first."""
        running = _Call(self, given, params, name)
        try:
            for fixture in self.wanted(()):
                running.value(fixture)
            values = {parameter: running.value(parameter) for parameter in asked}
            settle(function(**values))
        finally:
            running.finish()


class _Call:
    def __init__(self, fixtures: Fixtures, given: dict[str, Any], params: dict[str, Any], name: str) -> None:
        self.fixtures, self.given, self.params, self.name = fixtures, given, params, name
        self.values: dict[str, Any] = {}
        self.finalizers: list[Callable[[], Any]] = []

    def value(self, name: str) -> Any:
        if name in self.given:
            return self.given[name]
        if name not in self.values:
            self.values[name] = self._make(name)
        return self.values[name]

    def _make(self, name: str) -> Any:
        made = self.fixtures.made.get(name)
        if made is None:
            return self._own(name)
        shared = made.scope != "function" and made.params is None
        if not shared:
            return self._made(name, made, keep=False)
        if name not in self.fixtures.shared:
            self.fixtures.shared[name] = self.fixtures.share(lambda: self._made(name, made, keep=True))
        return self.fixtures.shared[name]

    def _made(self, name: str, made: Any, keep: bool) -> Any:
        names = required(made.function)
        positional = [self.fixtures.owner()] if names[:1] == ["self"] and self.fixtures.owner is not None else []
        values = {n: self._request(name) if n == "request" else self.value(n) for n in names[len(positional) :]}
        result = made.function(*positional, **values)
        if inspect.isgenerator(result):
            result = self._started(result, keep)
        elif inspect.iscoroutine(result) or inspect.isasyncgen(result):
            raise Unsendable(f"the fixture {name} is asynchronous")
        return result

    def _started(self, generator: Iterator[Any], keep: bool) -> Any:
        value = next(generator)
        if not keep:
            self.finalizers.append(lambda: next(generator, None))
        return value

    def _request(self, fixture: str) -> Any:
        from _veritune_pytest_stand_in import Request  # type: ignore[import-not-found]

        return Request(self.name, self.params.get(fixture), self.finalizers, self.value)

    def _own(self, name: str) -> Any:
        from _veritune_pytest_stand_in import MonkeyPatch, capture

        if name == "request":
            return self._request("")
        if name == "monkeypatch":
            patch = MonkeyPatch()
            self.finalizers.append(patch.undo)
            return patch
        if name in ("capsys", "capfd"):
            return self._started(capture(), keep=False)
        if name in _NOT_HERE:
            raise Unsendable(f"the tests use the fixture {name}, which does not reach the program")
        raise Unsendable(f"the tests ask for {name!r}, which they do not define")

    def finish(self) -> None:
        while self.finalizers:
            self.finalizers.pop()()


def _value(param: Any) -> Any:
    """A fixture's parameter; ``pytest.param(value)`` is its value."""
    return param.values[0] if type(param).__name__ == "Param" else param
