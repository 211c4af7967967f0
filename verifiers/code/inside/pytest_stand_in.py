"""What tests use of pytest, where the judge collects and runs them itself: marks, fixtures, raises, approx.

A module's ``__getattr__`` names what is missing, so that such tests are undecided and not failed.
"""

from __future__ import annotations

import inspect
import math
import re
import types
import unittest
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from _veritune_stubs import Unsendable  # type: ignore[import-not-found]


class Skipped(unittest.SkipTest):
    """``pytest.skip``."""


class Failed(AssertionError):
    """``pytest.fail``, and an exception that did not come."""


class XFailed(Skipped):
    """``pytest.xfail``."""


class Mark:
    """``@pytest.mark.name(…)``: kept on what it decorates."""

    def __init__(self, name: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> None:
        self.name, self.args, self.kwargs = name, args, dict(kwargs or {})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        configured = self.args or self.kwargs
        if len(args) == 1 and not kwargs and (inspect.isroutine(args[0]) or inspect.isclass(args[0]) or configured):
            target = args[0]
            target.pytestmark = [self, *vars(target).get("pytestmark", ())]
            return target
        return Mark(self.name, self.args + args, {**self.kwargs, **kwargs})


class _Marks:
    def __getattr__(self, name: str) -> Mark:
        if name.startswith("__"):
            raise AttributeError(name)
        return Mark(name)


class Param:
    """``pytest.param(values…, id=…, marks=…)``."""

    def __init__(self, *values: Any, id: str | None = None, marks: Any = ()) -> None:
        self.values, self.id = values, id
        self.marks: list[Mark] = list(marks) if isinstance(marks, list | tuple) else [marks]


class Fixture:
    """A function that makes what a test asks for by the name of a parameter."""

    def __init__(self, function: Callable[..., Any], name: str | None, params: Any, autouse: bool, scope: Any) -> None:
        self.function = function
        self.name = name or function.__name__
        self.params = list(params) if params is not None else None
        self.autouse = autouse
        self.scope = scope
        self.__name__ = self.name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise Failed(f"fixture {self.name} called directly")


def fixture(
    function: Any = None, *, scope: Any = "function", params: Any = None, autouse: bool = False, ids: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Mark a function as a fixture."""
    if callable(function):
        return Fixture(function, name, params, autouse, scope)
    return lambda made: Fixture(made, name, params, autouse, scope)


def marks(*holders: Any) -> list[Mark]:
    """The marks of functions, classes and modules, nearest last."""
    found: list[Mark] = []
    for holder in holders:
        given = getattr(holder, "pytestmark", ())
        found += [mark for mark in (given if isinstance(given, list | tuple) else [given]) if isinstance(mark, Mark)]
    return found


def cases(found: Sequence[Mark]) -> list[tuple[dict[str, Any], str, list[Mark]]]:
    """What ``parametrize`` makes of one test: values by name, an id, further marks. One empty case without it."""
    made: list[tuple[dict[str, Any], str, list[Mark]]] = [({}, "", [])]
    for mark in found:
        if mark.name != "parametrize":
            continue
        if mark.kwargs.get("indirect"):
            raise Unsendable("the tests parametrize a fixture (indirect), which this judge cannot do")
        names, values = _parametrize(*mark.args, **mark.kwargs)
        made = [
            ({**given, **dict(zip(names, row, strict=True))}, f"{label}-{label_here}".strip("-"), [*more, *marked])
            for row, label_here, marked in values
            for given, label, more in made
        ]
    return made


def _parametrize(
    argnames: Any, argvalues: Any, ids: Any = None, **_: Any
) -> tuple[list[str], list[tuple[Sequence[Any], str, list[Mark]]]]:
    single = isinstance(argnames, str) and "," not in argnames
    names = [n.strip() for n in argnames.split(",") if n.strip()] if isinstance(argnames, str) else list(argnames)
    rows: list[tuple[Sequence[Any], str, list[Mark]]] = []
    for index, value in enumerate(argvalues):
        if isinstance(value, Param):
            rows.append((value.values, value.id or str(index), value.marks))
        else:
            rows.append(((value,) if single else tuple(value), str(index), []))
    return names, rows


class ExceptionInfo:
    """What ``raises`` caught."""

    value: Any = None

    @property
    def type(self) -> Any:
        return type(self.value)

    @property
    def tb(self) -> Any:
        return self.value.__traceback__

    def match(self, pattern: str) -> bool:
        """Does the exception's text match? Raises Failed otherwise."""
        if not re.search(pattern, str(self.value)):
            raise Failed(f"{str(self.value)[:100]!r} does not match {pattern!r}")
        return True

    def exconly(self, tryshort: bool = False) -> str:
        """The exception's type and text."""
        return f"{type(self.value).__name__}: {self.value}"

    def errisinstance(self, kind: Any) -> bool:
        """``isinstance`` of the exception."""
        return isinstance(self.value, kind)


class _Raises:
    def __init__(self, expected: Any, match: Any = None, check: Any = None) -> None:
        self.expected, self.pattern, self.check = expected, match, check

    def __enter__(self) -> ExceptionInfo:
        self.info = ExceptionInfo()
        return self.info

    def __exit__(self, kind: Any, problem: Any, trace: Any) -> bool:
        if kind is None:
            raise Failed(f"did not raise {getattr(self.expected, '__name__', self.expected)}")
        if not issubclass(kind, self.expected):
            return False
        self.info.value = problem
        if self.pattern is not None:
            self.info.match(self.pattern)
        if self.check is not None and not self.check(problem):
            raise Failed("the exception is not the one that was expected")
        return True


def raises(expected: Any = BaseException, *args: Any, match: Any = None, check: Any = None, **kwargs: Any) -> Any:
    """A context in which an exception must come, or a function that must raise it."""
    expected = kwargs.pop("expected_exception", expected)
    if not args:
        return _Raises(expected, match, check)
    context = _Raises(expected)
    with context as info:
        args[0](*args[1:], **kwargs)
    return info


class approx:
    """Equal within a tolerance: numbers, and sequences, mappings and arrays of them."""

    __array_ufunc__ = None
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expected: Any, rel: Any = None, abs: Any = None, nan_ok: bool = False) -> None:
        self.expected, self.rel, self.abs, self.nan_ok = expected, rel, abs, nan_ok

    def __eq__(self, actual: object) -> bool:
        return self._near(actual, self.expected)

    def __ne__(self, actual: object) -> bool:
        return not self == actual

    def __bool__(self) -> bool:
        raise AssertionError("approx() is not supported in a boolean context")

    def __repr__(self) -> str:
        return f"approx({self.expected!r})"

    def _near(self, actual: Any, expected: Any) -> bool:
        if hasattr(expected, "tolist"):
            expected = expected.tolist()
        if hasattr(type(actual), "tolist"):
            actual = actual.tolist()
        if isinstance(expected, Mapping):
            same = isinstance(actual, Mapping) and actual.keys() == expected.keys()
            return same and all(self._near(actual[key], value) for key, value in expected.items())
        if isinstance(expected, Sequence) and not isinstance(expected, str | bytes):
            same = isinstance(actual, Sequence) and not isinstance(actual, str | bytes) and len(actual) == len(expected)
            return same and all(self._near(one, other) for one, other in zip(actual, expected, strict=True))
        numbers = hasattr(type(expected), "__sub__") and not isinstance(expected, bool)
        if not numbers or not hasattr(type(actual), "__sub__") or isinstance(actual, bool | set | frozenset):
            return bool(actual == expected)
        return self._close(actual, expected)

    def _close(self, actual: Any, expected: Any) -> bool:
        if actual == expected:
            return True
        try:
            if math.isnan(abs(expected)):
                return self.nan_ok and math.isnan(abs(actual))
            if math.isinf(abs(expected)):
                return False
            absolute = 1e-12 if self.abs is None else self.abs
            relative = 1e-6 if self.rel is None and self.abs is None else self.rel or 0
            tolerance = max(absolute, relative * abs(expected))
            return bool(abs(actual - expected) <= tolerance)
        except TypeError:
            return False


def skip(reason: str = "", *, allow_module_level: bool = False, msg: str = "") -> None:
    """Skip this test."""
    raise Skipped(reason or msg)


def fail(reason: str = "", pytrace: bool = True, msg: str = "") -> None:
    """Fail this test."""
    raise Failed(reason or msg)


def xfail(reason: str = "") -> None:
    """This test is known to fail."""
    raise XFailed(f"known to fail {reason}")


def importorskip(name: str, *args: Any, **kwargs: Any) -> Any:
    """A module, or the test is undecided."""
    try:
        __import__(name)
    except ImportError:
        raise Unsendable(f"the tests import {name}, which is not in the sandbox") from None
    import sys

    return sys.modules[name]


def warns(*args: Any, **kwargs: Any) -> Any:
    """Warnings do not travel between the program's sandbox and this one."""
    raise Unsendable("the tests look for the program's warnings")


def main(*args: Any, **kwargs: Any) -> int:
    """The judge runs the tests itself."""
    return 0


def module() -> types.ModuleType:
    """The stand-in as a module ``pytest``."""
    made = types.ModuleType("pytest")
    names: dict[str, Any] = {
        "raises": raises, "approx": approx, "fixture": fixture, "yield_fixture": fixture, "mark": _Marks(),
        "param": Param, "skip": skip, "fail": fail, "xfail": xfail, "importorskip": importorskip, "warns": warns,
        "deprecated_call": warns, "main": main, "exit": fail, "ExceptionInfo": ExceptionInfo, "ExitCode": int,
        "Mark": Mark, "Item": object, "FixtureRequest": Any, "MonkeyPatch": Any, "CaptureFixture": _Any,
        "register_assert_rewrite": lambda *names: None, "set_trace": lambda: None, "__version__": "8.0.0",
        "PytestWarning": UserWarning, "UsageError": Exception, "hookimpl": lambda *a, **k: (lambda f: f),
    }  # fmt: skip
    made.__dict__.update(names)
    fail.Exception, skip.Exception = Failed, Skipped  # type: ignore[attr-defined]
    xfail.Exception = XFailed  # type: ignore[attr-defined]

    def missing(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unsendable(f"the tests use pytest.{name}, which this judge does not have")

    made.__getattr__ = missing  # type: ignore[method-assign]
    return made


class _Any:
    """A type that only stands in annotations."""

    def __class_getitem__(cls, item: Any) -> Any:
        return cls


class Request:
    """The fixture ``request``, as far as simple tests go."""

    def __init__(self, name: str, param: Any, finalizers: list[Callable[[], Any]], get: Callable[[str], Any]) -> None:
        self.node = types.SimpleNamespace(name=name)
        self.addfinalizer = finalizers.append
        self.getfixturevalue = get
        if param is not None:
            self.param = param


class MonkeyPatch:
    """The fixture ``monkeypatch`` for objects of the tests and of the library, undone after the test."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], Any]] = []

    def setattr(self, target: Any, name: Any, value: Any = ..., raising: bool = True) -> None:
        """Set an attribute; ``target`` may be the dotted path of one."""
        if value is ...:
            if not isinstance(target, str):
                raise TypeError("setattr(target, name, value) or setattr('path', value)")
            value, path = name, target
            owner, _, name = path.rpartition(".")
            target = __import__(owner, fromlist=["_"])
        if type(target).__name__ in ("Function", "Remote", "Solution"):
            raise Unsendable("the tests patch the program")
        old = vars(target).get(name, ...) if hasattr(target, "__dict__") else getattr(target, name, ...)
        self._undo.append(lambda: delattr(target, name) if old is ... else setattr(target, name, old))
        setattr(target, name, value)

    def delattr(self, target: Any, name: str, raising: bool = True) -> None:
        """Remove an attribute."""
        old = getattr(target, name)
        self._undo.append(lambda: setattr(target, name, old))
        delattr(target, name)

    def setitem(self, mapping: Any, key: Any, value: Any) -> None:
        """Set an item of a mapping of the tests."""
        old = mapping.get(key, ...)
        self._undo.append(lambda: mapping.pop(key, None) if old is ... else mapping.__setitem__(key, old))
        mapping[key] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unsendable(f"the tests use monkeypatch.{name}, which does not reach the program")

    def undo(self) -> None:
        """Set everything back."""
        while self._undo:
            self._undo.pop()()


def capture() -> Iterator[Any]:
    """The fixture ``capsys``."""
    import contextlib
    import io

    out, err = io.StringIO(), io.StringIO()
    kind = types.SimpleNamespace

    def read() -> Any:
        texts = [stream.getvalue() for stream in (out, err)]
        for stream in (out, err):
            stream.seek(0)
            stream.truncate()
        pair = _Captured(texts)
        return pair

    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield kind(readouterr=read, disabled=contextlib.nullcontext)


class _Captured(tuple):  # type: ignore[type-arg]
    @property
    def out(self) -> str:
        return str(self[0])

    @property
    def err(self) -> str:
        return str(self[1])
