"""Stand-ins, in the tests' sandbox, for what the program defines. Never compared with the program's own operators."""

from __future__ import annotations

import builtins
import itertools
import types
from collections.abc import Callable, Iterator
from typing import Any

from _veritune_codec import MAX_ITEMS, Channel, Handles, Refused, decode, encode  # type: ignore[import-not-found]

_BUILTIN_METHODS = {name for kind in (str, bytes, list, dict, set, tuple, int, float) for name in dir(kind)}

_NOT_RAISED = (Exception, BaseException, KeyboardInterrupt)
"""Not the program's to raise in the tests: an interrupt would end a unittest run between two of its tests."""


class ProgramError(Exception):
    """The program raised an exception that is no built-in one."""


class Gone(BaseException):
    """The program ended, or answered nonsense, while a test waited for it. No test may catch it."""


class Unsendable(BaseException):
    """A test hands over a value that cannot travel: the split judge cannot decide it."""


class Absent(BaseException):
    """The tests ask for what the program does not define. No test may catch it."""


class Stopped(RuntimeError):
    """The program raised StopIteration out of a call, which must not end a loop of the tests (as PEP 479 has it)."""


class Link(Handles):  # type: ignore[misc]
    """Requests to the program, and its answers as values, stand-ins and exceptions."""

    def __init__(self, channel: Channel, rich: bool) -> None:
        self.channel = channel
        self.rich = rich
        """The tests use classes of the program: its objects may be given operands."""
        self.callbacks: list[Callable[..., Any]] = []
        self.exceptions: dict[str, type[BaseException]] = {}
        self.opaque = 0
        self.asked = 0
        """Operands handed to the program's objects, and equalities that they decided: a lie there would be believed."""
        self.gone: str | None = None
        self.absent: str | None = None
        self.requests = 0
        """How often the program was asked for anything."""
        self.raised: BaseException | None = None
        """What the program raised last."""

    def make(self, value: Any) -> dict[str, Any]:
        kind = type(value)
        if kind is Remote:
            return {"$": "handle", "v": object.__getattribute__(value, "_handle")}
        if kind is Function:
            return {"$": "name", "v": str(getattr(value, "__name__", ""))}
        name = str(getattr(value, "__name__", ""))
        if isinstance(value, type) and vars(builtins).get(name) is value:
            return {"$": "builtin", "v": name}
        if isinstance(value, Iterator):
            items = list(itertools.islice(value, MAX_ITEMS))
            return {"$": "iterator", "v": [encode(item, self) for item in items]}
        if callable(value):
            self.callbacks.append(value)
            return {"$": "callback", "v": len(self.callbacks) - 1}
        raise Unsendable(f"a {kind.__name__} of the tests cannot be handed to the program")

    def resolve(self, tagged: dict[str, Any]) -> Any:
        if tagged["$"] != "handle" or type(tagged["v"]) is not int:
            raise Refused("unknown tag")
        return Remote(self, tagged["v"], str(tagged.get("name", "object")))

    def request(self, what: str, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None, **where: Any) -> Any:
        """Ask, serve the program's calls of test functions meanwhile, and give back its value or raise its error."""
        if self.gone is not None:
            raise Gone(self.gone)
        self.requests += 1
        sent = [encode(a, self) for a in args]
        named = {k: encode(v, self) for k, v in (kwargs or {}).items()}
        try:
            self.channel.send({"do": what, "args": sent, "kwargs": named, **where})
            while True:
                answer = self.channel.receive()
                if "callback" not in answer:
                    break
                self._call_back(answer)
            for index, after in answer.get("changed") or ():
                _replace(args[index], decode(after, self))
            if "error" in answer:
                problem = self._exception(answer["error"])
            else:
                return decode(answer["value"], self)
        except (EOFError, OSError):
            self.gone = "the program ended"
            raise Gone(self.gone) from None
        except (Refused, LookupError, TypeError, RecursionError) as error:
            self.gone = f"the program's answer cannot be read: {error}"
            raise Gone(self.gone) from None
        if isinstance(problem, StopIteration | StopAsyncIteration) and where.get("name") != "next":
            problem = Stopped(f"the program raised {type(problem).__name__}")
        self.raised = problem
        raise problem

    def _call_back(self, message: dict[str, Any]) -> None:
        function = self.callbacks[message["callback"]]
        args = [decode(a, self) for a in message["args"]]
        kwargs = {k: decode(v, self) for k, v in message["kwargs"].items()}
        try:
            answer = {"returned": encode(function(*args, **kwargs), self)}
        except Exception as error:
            answer = {"raised": {"name": type(error).__name__, "text": str(error)[:500]}}
        self.channel.send(answer)

    def _exception(self, described: dict[str, Any]) -> BaseException:
        """An exception of the same name: a built-in one, or the one that stands in for the program's class."""
        name, text = str(described.get("name")), str(described.get("text", ""))
        if name in self.exceptions:
            return self.exceptions[name](text)
        for base in described.get("bases", ()):
            kind = getattr(builtins, base, None) if type(base) is str else None
            if isinstance(kind, type) and issubclass(kind, BaseException) and kind not in _NOT_RAISED:
                try:
                    return kind(text)
                except TypeError:
                    break
        return ProgramError(f"{name}: {text}")

    def make_exception(self, name: str, bases: list[str]) -> type[BaseException]:
        """A class to catch what the program raises under this name."""
        for base in bases:
            kind = getattr(builtins, base, None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                self.exceptions[name] = type(name, (kind,), {"__init__": Exception.__init__})
                return self.exceptions[name]
        self.exceptions[name] = type(name, (Exception,), {})
        return self.exceptions[name]


def _replace(argument: Any, after: Any) -> None:
    """What the program did to its copy of an argument, done to the test's own."""
    if type(argument) is not type(after):
        return
    if type(argument) in (list, bytearray):
        for index in range(min(len(argument), len(after))):
            if type(argument[index]) is list and type(after[index]) is list:
                _replace(argument[index], after[index])
                after[index] = argument[index]
        argument[:] = after
    elif type(argument) in (dict, set):
        argument.clear()
        argument.update(after)


class Function:
    """A function or class of the program, by its name."""

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._link.request("call", args, kwargs, name=self.__name__)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._link.request("get", name=self.__name__), name)

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else types.MethodType(self, owner)


class Missing(Function):
    """A name of the program that its module does not define: a method of its ``Solution``, or nothing."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except NameError:
            raise self._absence() from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._absence()

    def _absence(self) -> Absent:
        self._link.absent = f"the program does not define {self.__name__}"
        return Absent(self._link.absent)


class Remote:
    """An object of the program. Equal to nothing but itself; what it is compared with stays here."""

    __slots__ = ("_handle", "_link", "_name")

    def __init__(self, link: Link, handle: int, name: str) -> None:
        object.__setattr__(self, "_link", link)
        object.__setattr__(self, "_handle", handle)
        object.__setattr__(self, "_name", name)

    def __getattr__(self, name: str) -> Any:
        link = object.__getattribute__(self, "_link")
        if name.startswith("__") or (name in _BUILTIN_METHODS and not link.rich):
            raise AttributeError(f"{self!r} has no attribute {name!r}")
        if name in _BUILTIN_METHODS:
            link.asked += 1
        return link.request("attribute", handle=object.__getattribute__(self, "_handle"), name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._link.request("set_attribute", (value,), handle=self._handle, name=name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._link.request("call", args, kwargs, handle=self._handle)

    def __eq__(self, other: object) -> bool:
        if type(other) is Remote:
            self._link.asked += 1
            return bool(object.__getattribute__(other, "_handle") == self._handle)
        self._link.opaque += 1
        return False

    def __hash__(self) -> int:
        return hash(("veritune", self._handle))

    def __repr__(self) -> str:
        return f"<{object.__getattribute__(self, '_name')} of the program>"

    def __str__(self) -> str:
        return str(_ask(self, "str"))

    def __iter__(self) -> Iterator[Any]:
        items = _ask(self, "iter")
        while True:
            try:
                item = _ask(items, "next") if type(items) is Remote else next(items)
            except StopIteration:
                return
            yield item

    def __next__(self) -> Any:
        return _ask(self, "next")

    def __len__(self) -> int:
        return int(_plain(int, _ask(self, "len")))

    def __bool__(self) -> bool:
        return _ask(self, "bool") is True

    def __int__(self) -> int:
        return int(_plain(int, _ask(self, "int")))

    def __float__(self) -> float:
        return float(_plain(float, _ask(self, "float")))

    def __contains__(self, wanted: Any) -> bool:
        link = object.__getattribute__(self, "_link")
        if link.rich:
            link.asked += 1
            return _ask(self, "contains", wanted) is True
        return any(item == wanted for item in self)

    def __getitem__(self, key: Any) -> Any:
        return _ask(self, "getitem", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _ask(self, "setitem", key, value)

    def __delitem__(self, key: Any) -> None:
        _ask(self, "delitem", key)


def _plain(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}")
    return value


def _ask(remote: Remote, operation: str, *operands: Any) -> Any:
    link, handle = object.__getattribute__(remote, "_link"), object.__getattribute__(remote, "_handle")
    return link.request("operation", operands, handle=handle, name=operation)


def _binary(operation: str) -> Callable[[Remote, Any], Any]:
    def method(self: Remote, other: Any) -> Any:
        # An operand may be the expected value: only tests of the program's own classes hand one over.
        link = object.__getattribute__(self, "_link")
        if not link.rich:
            raise TypeError(f"{self!r} is not a value that can be used in an expression")
        link.asked += 1
        return _ask(self, operation, other)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift",
              "rshift", "lt", "le", "gt", "ge"):  # fmt: skip
    setattr(Remote, f"__{_name}__", _binary(f"__{_name}__"))


def export(link: Link, names: set[str]) -> dict[str, Any]:
    """What the program defines of ``names``: exceptions as classes of our own, plain values, the rest as stand-ins."""
    found: dict[str, Any] = {}
    for name, kind in link.request("names", names=sorted(names)).items():
        if name not in names or type(kind) is not list or not kind:
            continue
        if kind[0] == "module":
            continue  # the judge imports the standard library's; others are not the program's to choose
        if kind[0] == "exception":
            found[name] = link.make_exception(name, [base for base in kind[1:] if type(base) is str])
        elif kind[0] in ("class", "function"):
            found[name] = Function(link, name)
        else:
            try:
                found[name] = link.request("get", name=name)
            except Exception:
                continue
    return found
