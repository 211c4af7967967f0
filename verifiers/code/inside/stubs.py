"""The tests' side of the link: requests to the program, and its answers as values, stand-ins and exceptions."""

from __future__ import annotations

import builtins
import itertools
import sys
import types
from _thread import RLock
from collections.abc import Callable, Iterator
from typing import Any

from _veritune_codec import Channel, Handles, Refused, decode, encode, flatten  # type: ignore[import-not-found]
from _veritune_functions import (  # type: ignore[import-not-found]
    Absent,
    Function,
    Missing,
    export,
    stands_in,
)
from _veritune_library import find_type  # type: ignore[import-not-found]
from _veritune_mirror import (  # type: ignore[import-not-found]
    base_of,
    builtin_exception,
    make_class,
    make_problem,
    make_value,
)
from _veritune_remote import (  # type: ignore[import-not-found]
    RemoteType,
    Unsendable,
    handle_of,
    is_own,
    parents,
)
from _veritune_shared import Shared, replace_content  # type: ignore[import-not-found]

__all__ = [
    "Absent",
    "Function",
    "Gone",
    "Link",
    "Missing",
    "ProgramError",
    "Stopped",
    "Unsendable",
    "export",
    "stands_in",
]

_CHUNK = 1000
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
_NOT_RAISED = (Exception, BaseException, KeyboardInterrupt)
"""Not the program's to raise in the tests: an interrupt would end a unittest run between two of its tests."""


class ProgramError(Exception):
    """The program raised an exception that is no built-in one."""


class Gone(BaseException):
    """The program ended, or answered nonsense, while a test waited for it. No test may catch it."""


class Stopped(RuntimeError):
    """The program raised StopIteration out of a call, which must not end a loop of the tests (as PEP 479 has it)."""


class Link(Handles):  # type: ignore[misc]
    """Requests to the program, and its answers as values, stand-ins and exceptions."""

    def __init__(self, channel: Channel, class_names: frozenset[str] = frozenset()) -> None:
        self.channel = channel
        self.turn = RLock()
        self.class_names = class_names
        """The names that the tests use as classes: objects of these may be given operands of the tests."""
        self.tested: set[int] = set()
        self.callbacks: list[Callable[..., Any]] = []
        self.callback_numbers: dict[int, int] = {}
        self.classes: dict[int, Any] = {}
        self.metaclasses: dict[frozenset[str], type] = {}
        self.objects: dict[int, Any] = {}
        self.functions: dict[str, Function] = {}
        self.coroutines: dict[int, int] = {}
        self.problems: list[BaseException] = []
        self.made: set[int] = set()
        """Objects that the test made itself, by calling a class, and that the program has not given back since."""
        self.told: set[int] = set()
        """What came of an object that the program gave back and a value of the tests."""
        self.shared = Shared(self, 1)
        self.around: Any = None
        self.asked = 0
        """Operands handed to the program's objects, and equalities that they decided: a lie there would be believed."""
        self.gone: str | None = None
        self.absent: str | None = None
        self.requests = 0
        """How often the program was asked for anything."""
        self.raised: BaseException | None = None
        """What the program raised last."""
        self.may_stop: set[int] = set()
        """Functions that end an iteration by raising: ``__next__`` and its kin, as the tests asked for them."""

    def is_tested(self, value: Any) -> bool:
        return any(
            number in self.tested
            for kind in parents(type(value))
            for number in (kind.__dict__["_veritune_about"].number if "_veritune_about" in kind.__dict__ else -1,)
        )

    def is_made(self, value: Any) -> bool:
        return is_own(value) and getattr(value, "_veritune_handle", -1) in self.made

    def is_told(self, value: Any) -> bool:
        return bool(self.told) and handle_of(value) in self.told

    def mark(self, value: Any, made: bool, told: bool) -> None:
        handle = handle_of(value)
        if made:
            self.made.add(handle)
        if told:
            self.told.add(handle)

    def mark_made(self, value: Any) -> None:
        if is_own(value) and not isinstance(value, RemoteType) and type(value) is not Function:
            self.made.add(handle_of(value))

    def reference(self, value: Any) -> dict[str, Any] | None:
        return self.shared.reference(value)  # type: ignore[no-any-return]

    def subclass(self, value: Any, kind: type, base: type, depth: int) -> Any:
        if isinstance(kind, RemoteType):
            return {"$": "handle", "v": handle_of(value)}
        if hasattr(kind, "_fields") or hasattr(kind, "_value_"):
            raise Unsendable(f"a {kind.__name__} of the tests cannot be handed to the program")
        return encode(flatten(value, base), self, depth)

    def make(self, value: Any) -> Any:
        kind = type(value)
        if kind is types.TracebackType:
            return None
        if isinstance(value, RemoteType):
            return {"$": "class", "v": value._veritune_about.number}
        if isinstance(kind, RemoteType):
            handle = handle_of(value)
            return {"$": "handle", "v": handle}
        if kind is Function:
            return {"$": "name", "v": object.__getattribute__(value, "_veritune_name")}
        if isinstance(value, BaseException):
            return self._sent_exception(value)
        if kind in _FUNCTIONS:
            name = str(getattr(value, "__name__", ""))
            if vars(builtins).get(name) is value and kind is types.BuiltinFunctionType:
                return {"$": "builtin", "v": name}
            return self._callback(value)
        if kind is types.CoroutineType:
            if id(value) in self.coroutines:
                return {"$": "handle", "v": self.coroutines[id(value)]}
            raise Unsendable("a coroutine of the tests cannot be handed to the program")
        if _is_mock(value):
            return self._callback(value)
        if isinstance(value, Iterator):
            items = list(itertools.islice(value, _CHUNK))
            tagged: dict[str, Any] = {"$": "iterator", "v": [encode(item, self) for item in items]}
            if len(items) == _CHUNK:
                tagged["rest"] = self._callback(lambda: list(itertools.islice(value, _CHUNK)))["v"]
            return tagged
        if callable(value) and not isinstance(value, type):
            return self._callback(value)
        what = f"the class {value.__name__}" if isinstance(value, type) else f"a {kind.__name__}"
        raise Unsendable(f"{what} of the tests cannot be handed to the program")

    def _callback(self, function: Any) -> dict[str, Any]:
        number = self.callback_numbers.get(id(function))
        if number is None:
            number = self.callback_numbers[id(function)] = len(self.callbacks)
            self.callbacks.append(function)
        tagged: dict[str, Any] = {"$": "callback", "v": number}
        code = getattr(function, "__code__", None)
        if type(function) is types.FunctionType and code is not None:
            tagged.update(name=function.__name__, doc=function.__doc__, **{"async": bool(code.co_flags & 0x80)})
        elif _is_mock(function):
            tagged["mock"] = True
        return tagged

    def _sent_exception(self, problem: BaseException) -> dict[str, Any]:
        if isinstance(type(problem), RemoteType):
            return {"$": "handle", "v": handle_of(problem)}
        kind = next(k for k in type(problem).__mro__ if find_type(str(k.__module__), str(k.__qualname__)) is k)
        self.problems.append(problem)
        try:
            arguments = [encode(a, self) for a in problem.args]
        except (Refused, Unsendable):
            arguments = [str(problem)]
        return {
            "$": "exception",
            "type": [kind.__module__, kind.__qualname__],
            "args": arguments,
            "text": str(problem)[:500],
            "peer": len(self.problems) - 1,
        }

    def resolve(self, tagged: dict[str, Any], depth: int) -> Any:
        tag: str = tagged["$"]
        number: Any = tagged.get("v")
        if tag == "handle":
            return self._object(number, tagged["c"])
        if tag == "shared":
            return self.shared.resolve(tagged, depth)
        if tag == "class":
            return self.classes[number]
        if tag == "sub":
            return self._subclassed(tagged, depth)
        if tag == "exception":
            return self._received_exception(tagged)
        if tag == "coroutine":
            return self._coroutine(number)
        if tag == "callback":
            return self.callbacks[number]
        if tag == "type":
            return type(str(tagged["v"][1]), (), {})
        raise Refused("unknown tag")

    def _object(self, handle: Any, number: Any) -> Any:
        if type(handle) is not int or type(number) is not int:
            raise Refused("no handle")
        self.made.discard(handle)
        known = self.objects.get(handle)
        if known is None:
            kind = self.classes[number]
            if base_of(kind) is not object or issubclass(kind, BaseException):
                raise Refused("no handle of that class")
            known = object.__new__(kind)
            object.__setattr__(known, "_veritune_handle", handle)
            self.objects[handle] = known
        return known

    def _subclassed(self, tagged: dict[str, Any], depth: int) -> Any:
        handle = tagged["h"]
        self.made.discard(handle)
        shared = tagged.get("n")
        if shared is not None and shared in self.shared.items:
            return self.shared.items[shared][0]
        plain = decode(tagged["v"], self, depth + 1)
        known = self.objects.get(handle)
        if known is None:
            known = self.objects[handle] = make_value(self, self.classes[tagged["c"]], plain, handle)
            if type(shared) is int:
                self.shared._hold(shared, known, None)
                self.shared.items[shared][1] = self.shared.content(known)
        return known

    def _received_exception(self, described: dict[str, Any], depth: int = 0) -> BaseException:
        peer = described.get("peer")
        if type(peer) is int and 0 <= peer < len(self.problems):
            return self.problems[peer]
        handle = described.get("h")
        if type(handle) is int and handle in self.objects:
            return self.objects[handle]  # type: ignore[no-any-return]
        text = str(described.get("text", ""))
        given = described.get("args")
        arguments = tuple(decode(a, self) for a in given) if type(given) is list else (text,)
        number = described.get("c")
        if type(number) is int:
            kind = self.classes[number]
            problem: BaseException = make_problem(kind, described, arguments, text)
        else:
            problem = _library_exception(described, arguments, text)
        cause = described.get("cause")
        if type(cause) is dict and depth < 4:
            problem.__cause__ = self._received_exception(cause, depth + 1)
        if type(handle) is int:
            self.objects[handle] = problem
        return problem

    def _coroutine(self, number: Any) -> Any:
        """An awaitable of the program's, as a coroutine that asks for it to be run a little at a time."""

        import asyncio  # large, and needed by few

        async def awaited() -> Any:
            try:
                while True:
                    done, value = self.request("await", number=number)
                    if done is True:
                        return value
                    await asyncio.sleep(0)
            except asyncio.CancelledError:
                self.request("await", number=number, cancel=True)
                raise

        made = awaited()
        self.coroutines[id(made)] = number
        self.objects[-1 - len(self.objects)] = made
        return made

    def request(self, what: str, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None, **where: Any) -> Any:
        """Ask, serve the program's calls of test functions meanwhile, and give back its value or raise its error.

        One at a time: threads of the tests wait for each other's answers.
        """
        with self.turn:
            return self._request(what, args, kwargs, **where)

    def _request(self, what: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None, **where: Any) -> Any:
        if self.gone is not None:
            raise Gone(self.gone)
        self.requests += 1
        share = bool(self.classes) or any(type(a).__module__ == "_io" for a in args)
        message: dict[str, Any] = {"do": what, **where}
        message["args"] = [self.shared.tag(a) for a in args] if share else [encode(a, self) for a in args]
        if kwargs:
            message["kwargs"] = {k: encode(v, self) for k, v in kwargs.items()}
        if share:
            message["share"] = True
            message.update(self.shared.changes(drop=True))
        try:
            if self.around is not None:
                self.around.enter(message)
            answer = self._exchange(message)
            for index, after in answer.get("changed") or ():
                replace_content(args[index], decode(after, self))
            if "error" in answer:
                problem = self._problem(answer["error"])
                self.shared.apply(answer)
            else:
                value = answer["value"]
                if type(value) is dict and value["$"] == "argument":
                    value = args[value["v"]]
                else:
                    value = decode(value, self)
                self.shared.apply(answer)
                return value
        except (EOFError, OSError):
            self.gone = "the program ended"
            raise Gone(self.gone) from None
        except (Refused, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            self.gone = f"the program's answer cannot be read: {error}"
            raise Gone(self.gone) from None
        if isinstance(problem, StopIteration | StopAsyncIteration) and not self._may_stop(what, args, where):
            problem = Stopped(f"the program raised {type(problem).__name__}")
        self.raised = problem
        raise problem

    def _may_stop(self, what: str, args: tuple[Any, ...], where: dict[str, Any]) -> bool:
        if what == "call":
            return "name" not in where and getattr(args[0], "_veritune_handle", -1) in self.may_stop
        return what == "await" or where.get("name") in ("__next__", "__anext__")

    def patch(self, name: str, *value: Any) -> None:
        """Put a value in the place of a global of the program's; without one, what was there before."""
        self.request("set_name", value, name=name)

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        self.channel.send(message)
        while True:
            answer: dict[str, Any] = self.channel.receive()
            if "classes" in answer:
                self._learn(answer["classes"])
            if self.around is not None:
                self.around.leave(answer)
            if "callback" not in answer:
                return answer
            self._call_back(answer)

    def _learn(self, described: list[dict[str, Any]]) -> None:
        for about in sorted(described, key=lambda about: about["n"], reverse=True):
            self._learn_one(about, {other["n"]: other for other in described})

    def _learn_one(self, about: dict[str, Any], others: dict[int, dict[str, Any]]) -> None:
        if about["n"] in self.classes:
            return
        needed = [*(about.get("bases") or ()), (about.get("meta") or {}).get("class")]
        for number in needed:
            if number in others and number != about["n"]:
                self._learn_one(others[number], others)
        self.classes[about["n"]] = make_class(self, about)

    def _call_back(self, message: dict[str, Any]) -> None:
        function = self.callbacks[message["callback"]]
        args = [decode(a, self) for a in message["args"]]
        kwargs = {k: decode(v, self) for k, v in message["kwargs"].items()}
        self.shared.apply(message)
        answer: dict[str, Any]
        try:
            if kwargs.get("of") == "mock" and _is_mock(function):
                value = getattr(function, str(kwargs["attribute"]))
            else:
                value = function(*args, **kwargs)
            if type(value) is types.CoroutineType and id(value) not in self.coroutines:
                value = _driven(value)
            answer = {"returned": self.shared.tag(value) if self.classes else encode(value, self)}
        except Exception as error:
            answer = {"raised": self._sent_exception(error)}
        if self.shared.items:
            answer.update(self.shared.changes())
        self.channel.send(answer)

    def _problem(self, described: Any) -> BaseException:
        problem = self._received_exception(described)
        if isinstance(problem, _NOT_RAISED) and type(problem) in _NOT_RAISED and "peer" not in described:
            problem = ProgramError(f"{type(problem).__name__}: {described.get('text')}")
        return problem


def _library_exception(described: dict[str, Any], arguments: tuple[Any, ...], text: str) -> BaseException:
    """A built-in exception, or one of the standard library, else one of the nearest built-in class."""
    given = described.get("type") or ["", ""]
    found = find_type(str(given[0]), str(given[1])) if not str(given[0]).startswith("unittest") else None
    kinds = [found, *(builtin_exception(base) for base in described.get("bases") or () if type(base) is str)]
    for kind in kinds:
        if kind is None or not issubclass(kind, BaseException) or kind is KeyboardInterrupt:
            continue
        if not issubclass(kind, Exception) and kind not in (SystemExit, GeneratorExit):
            continue
        try:
            problem: BaseException = kind(*arguments)
        except Exception:
            problem = kind.__new__(kind, *arguments)
            problem.args = arguments
        return problem
    return ProgramError(f"{given[1]!s}: {text}")


def _is_mock(value: Any) -> bool:
    mock = sys.modules.get("unittest.mock")
    return mock is not None and isinstance(value, mock.NonCallableMock)


def _driven(coroutine: Any) -> Any:
    """The result of a coroutine of the tests that the program awaits."""
    try:
        while True:
            if coroutine.send(None) is not None:
                raise Unsendable("the program awaits a coroutine of the tests that waits itself")
    except StopIteration as end:
        return end.value
