"""The program's side of what cannot be copied: its objects, classes and exceptions by number."""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable
from typing import Any

from _veritune_codec import BASES, MAX_ITEMS, Channel, Handles, Refused, decode, encode, flatten  # type: ignore[import-not-found]
from _veritune_library import find_type  # type: ignore[import-not-found]
from _veritune_names import defined  # type: ignore[import-not-found]
from _veritune_shared import Shared  # type: ignore[import-not-found]

_MUTABLE = (list, dict, set, bytearray)
_AWAITED = ("coroutine", "async_generator_asend", "async_generator_athrow")


class Objects(Handles):  # type: ignore[misc]
    """The program's objects by number, and stand-ins for the tests' functions."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.objects: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.names: dict[str, Any] = {}
        self.replaced: dict[str, Any] = {}
        """Names of the program that the tests patch, as they were."""
        self.classes: dict[type, int] = {}
        self.kinds: list[type] = []
        self.news: list[dict[str, Any]] = []
        """Descriptions of classes that the tests' side has not seen yet."""
        self.shared = Shared(self, 0)
        self.callbacks: dict[int, Any] = {}
        self.serve_nested: Callable[[], Any] = lambda: None

    def number(self, value: Any) -> int:
        number = self.numbers.get(id(value))
        if number is None:
            if len(self.objects) > MAX_ITEMS:
                raise Refused("too many objects")
            number = self.numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return number

    def reference(self, value: Any) -> dict[str, Any] | None:
        return self.shared.reference(value)  # type: ignore[no-any-return]

    def make(self, value: Any) -> dict[str, Any]:
        kind = type(value)
        if isinstance(value, BaseException):
            return self.exception(value)
        if kind in (Callback, types.FunctionType) and id(value) in self.numbers:
            peer = getattr(value, "_veritune_peer", None)
            if peer is not None:
                return {"$": "callback", "v": peer}
        if isinstance(value, type):
            return {"$": "class", "v": self.class_number(value)}
        if kind.__name__ in _AWAITED and kind.__module__ == "builtins":
            return {"$": "coroutine", "v": self.number(value)}
        return {"$": "handle", "v": self.number(value), "c": self.class_number(kind)}

    def subclass(self, value: Any, kind: type, base: type, depth: int) -> Any:
        plain = flatten(value, base)
        try:
            tagged = {"$": "sub", "c": self.class_number(kind, base), "h": self.number(value)}
        except Exception:
            return encode(plain, self, depth)
        if base in _MUTABLE:
            known = self.shared.numbers.get(id(value))
            content = encode(plain, self, depth)
            tagged["n"] = self.shared.add(value, content) if known is None else known
            return {**tagged, "v": content}
        return {**tagged, "v": encode(plain, self, depth)}

    def class_number(self, kind: type, base: type | None = None) -> int:
        number = self.classes.get(kind)
        if number is None:
            number = self.classes[kind] = len(self.kinds)
            self.kinds.append(kind)
            self.news.append(self._describe(kind, number, base))
        return number

    def _describe(self, kind: type, number: int, base: type | None) -> dict[str, Any]:
        module, name = str(kind.__module__), str(kind.__qualname__)
        described: dict[str, Any] = {"n": number, "name": str(kind.__name__), "qualname": name, "module": module}
        if base is None:
            base = next((b for b in BASES if issubclass(kind, b)), None)
        plain = () if base is None else tuple(b for b in kind.__mro__ if b in BASES or b is object)
        described["base"] = base.__name__ if base is not None else None
        described["unhashable"] = kind.__hash__ is None
        described["raised"] = issubclass(kind, BaseException)
        if described["raised"]:
            plain = tuple(b for b in kind.__mro__ if find_type(str(b.__module__), str(b.__qualname__)) is b)
        described["defines"] = defined(kind, plain)
        if find_type(module, name) is kind:
            described["real"] = [module, name]
            return described
        described["bases"], described["abstract"] = [], []
        for parent in kind.__mro__[1:-1]:
            real = find_type(str(parent.__module__), str(parent.__qualname__)) is parent
            if real:
                described["abstract"].append([str(parent.__module__), str(parent.__qualname__)])
            elif parent in kind.__bases__:
                described["bases"].append(self.class_number(parent))
        if base is not None:
            described["overrides"] = self._overrides(kind, base)
        fields = vars(kind).get("_fields")
        if base is tuple and type(fields) is tuple and all(vars(kind).get(name) is not None for name in fields):
            described["fields"] = [str(name) for name in fields]
        meta = type(kind)
        if meta is not type:
            own = find_type(str(meta.__module__), str(meta.__qualname__)) is not meta
            described["meta"] = {
                "defines": defined(meta, (type,)),
                "class": self.class_number(meta) if own else None,
            }
        return described

    def _overrides(self, kind: type, base: type) -> list[str]:
        names = {
            name for parent in kind.__mro__ if parent not in BASES and parent is not object for name in vars(parent)
        }
        return sorted(name for name in names if hasattr(base, name) and not name.startswith("__"))

    def exception(self, problem: BaseException, depth: int = 0) -> dict[str, Any]:
        kind = type(problem)
        try:
            text = str(problem)[:2000]
        except BaseException:
            text = ""
        described: dict[str, Any] = {"$": "exception", "text": text, "c": None, "type": None}
        peer = getattr(problem, "_veritune_peer", None)
        if type(peer) is int:
            described["peer"] = peer
        if find_type(str(kind.__module__), str(kind.__qualname__)) is kind:
            described["type"] = [kind.__module__, kind.__qualname__]
            described["bases"] = [c.__name__ for c in kind.__mro__ if c.__module__ == "builtins"]
        else:
            described["c"] = self.class_number(kind)
        if described["c"] is not None or vars(problem):
            described["h"] = self.number(problem)
        try:
            described["args"] = [encode(argument, self, 1) for argument in problem.args]
        except BaseException:
            described["args"] = None
        cause = problem.__cause__
        if cause is not None and depth < 3:
            described["cause"] = self.exception(cause, depth + 1)
        return described

    def resolve(self, tagged: dict[str, Any], depth: int) -> Any:
        tag: str = tagged["$"]
        value: Any = tagged.get("v")
        if tag == "handle":
            return self.objects[value]
        if tag == "shared":
            return self.shared.resolve(tagged, depth)
        if tag == "class":
            return self.kinds[value]
        if tag == "name":
            return find_name(value, self)
        if tag == "builtin":
            return getattr(builtins, value)
        if tag == "iterator":
            return self._iterator([decode(item, self) for item in value], tagged.get("rest"))
        if tag == "exception":
            return self._test_exception(tagged)
        if tag == "callback":
            return self._callback(tagged)
        raise Refused("unknown tag")

    def _iterator(self, items: list[Any], rest: int | None) -> Any:
        if rest is None:
            return iter(items)

        def more() -> Any:
            chunk = items
            while chunk:
                yield from chunk
                chunk = self.call_tests(rest, (), {})

        return more()

    def _test_exception(self, tagged: dict[str, Any]) -> BaseException:
        """The tests' exception, or one of the nearest built-in class."""
        kind = find_type(*tagged["type"])
        assert kind is not None
        assert issubclass(kind, BaseException)
        arguments = [decode(a, self) for a in tagged["args"]]
        problem: BaseException = kind.__new__(kind, *arguments)
        problem.args = tuple(arguments)
        try:
            kind.__init__(problem, *arguments)
        except Exception:
            problem.args = (tagged["text"],)
        if "peer" in tagged:
            problem._veritune_peer = tagged["peer"]  # type: ignore[attr-defined]
        return problem

    def _callback(self, tagged: dict[str, Any]) -> Any:
        number = tagged["v"]
        if number not in self.callbacks:
            made: Any = Callback(self, number) if tagged.get("mock") else callback(self, number, tagged)
            self.callbacks[number] = made
            self.number(made)
        return self.callbacks[number]

    def call_tests(self, number: int, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call a function of the tests: ask, serve what they ask meanwhile, take the result."""
        message = {
            "callback": number,
            "args": [self.shared.tag(a) if self.objects else encode(a, self) for a in arguments],
            "kwargs": {k: encode(v, self) for k, v in named.items()},
        }
        self.channel.send(self.complete(message))
        return self.serve_nested()

    def complete(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message with the classes that are new in it, and with what has changed in shared containers."""
        message.update(self.shared.changes())
        if self.news:
            message["classes"], self.news = self.news, []
        return message


def callback(objects: Objects, number: int, about: dict[str, Any]) -> Any:
    """A function that calls the tests' one of that number."""

    def function(*args: Any, **kwargs: Any) -> Any:
        return objects.call_tests(number, args, kwargs)

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        return objects.call_tests(number, args, kwargs)

    made: Any = coroutine if about.get("async") else function
    name = about.get("name")
    if type(name) is str:
        made.__name__ = made.__qualname__ = name
        made.__doc__, made.__module__ = about.get("doc"), "tests"
    made._veritune_peer = number
    return made


class Callback:
    """A mock of the tests: called, or asked for an attribute, in their sandbox."""

    def __init__(self, objects: Objects, number: int) -> None:
        self._veritune_peer = number
        self._veritune_objects = objects

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._veritune_objects.call_tests(self._veritune_peer, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._veritune_objects.call_tests(self._veritune_peer, (), {"attribute": name, "of": "mock"})


def find_name(name: str, objects: Objects) -> Any:
    """A function of the program, or a method of its class ``Solution``, as on LeetCode."""
    if name in objects.replaced:
        return objects.replaced[name]
    if name in objects.names:
        return objects.names[name]
    if "Solution" in objects.names:
        return getattr(objects.names["Solution"](), name)
    raise NameError(f"name {name!r} is not defined")
