"""Serves the policy's program, from inside its own sandbox: loads it, then answers calls. Trusts nothing, is trusted
with nothing: the tests and their answers are elsewhere."""

from __future__ import annotations

import builtins
import operator
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from _veritune_codec import MAX_ITEMS, Channel, Handles, Refused, decode, encode  # type: ignore[import-not-found]

_PLAIN: dict[str, Callable[[Any], Any]] = {
    "len": len,
    "iter": iter,
    "next": next,
    "str": str,
    "repr": repr,
    "bool": bool,
    "int": int,
    "float": float,
}
_OUR_FRAMES = 20


class _Objects(Handles):  # type: ignore[misc]
    """The program's objects by number, and stand-ins for the tests' functions."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.objects: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.names: dict[str, Any] = {}

    def make(self, value: Any) -> dict[str, Any]:
        number = self.numbers.get(id(value))
        if number is None:
            if len(self.objects) > MAX_ITEMS:
                raise Refused("too many objects")
            number = self.numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        kind = type(value)
        return {"$": "handle", "v": number, "name": kind.__name__, "exact": isinstance(value, type)}

    def resolve(self, tagged: dict[str, Any]) -> Any:
        tag, value = tagged["$"], tagged["v"]
        if tag == "handle":
            return self.objects[value]
        if tag == "name":
            return self.names[value]
        if tag == "builtin":
            return getattr(builtins, value)
        if tag == "iterator":
            return iter([decode(item, self) for item in value])
        if tag == "callback":
            return self._callback(value)
        raise Refused("unknown tag")

    def _callback(self, number: int) -> Callable[..., Any]:
        def callback(*args: Any, **kwargs: Any) -> Any:
            sent = {"args": [encode(a, self) for a in args], "kwargs": {k: encode(v, self) for k, v in kwargs.items()}}
            self.channel.send({"callback": number, **sent})
            return serve(self.channel, self, nested=True)

        return callback


def main(prelude: str = "") -> None:
    """Load ``solution.py`` as the module ``solution`` and serve it until the tests hang up. Never returns."""
    channel = Channel(3)
    objects = _Objects(channel)
    module = types.ModuleType("solution")
    module.__file__ = os.path.abspath("solution.py")
    sys.modules["solution"] = module
    objects.names = module.__dict__
    sys.setrecursionlimit(sys.getrecursionlimit() + _OUR_FRAMES)
    error: dict[str, Any] | None = None
    try:
        with open("solution.py", encoding="utf-8", errors="surrogateescape") as file:
            source = file.read()
        exec(prelude, module.__dict__)
        exec(compile(source, "solution.py", "exec", dont_inherit=True), module.__dict__)
    except BaseException as problem:
        error = _described(problem)
    channel.send({"loaded": error})
    if error is None:
        serve(channel, objects)
    _leave()


def _leave() -> None:
    os._exit(0)


def serve(channel: Channel, objects: _Objects, nested: bool = False) -> Any:
    """Answer requests. ``nested``: until the tests' function that the program called has returned."""
    while True:
        try:
            request = channel.receive()
        except (EOFError, Refused):
            _leave()
        if nested and "returned" in request:
            return decode(request["returned"], objects)
        if nested and "raised" in request:
            raise _exception(request["raised"])
        answer = _answer(request, objects)
        try:
            channel.send(answer)
        except (BrokenPipeError, ConnectionError):
            _leave()


def _exception(raised: dict[str, Any]) -> BaseException:
    kind = getattr(builtins, raised["name"], Exception)
    usable = isinstance(kind, type) and issubclass(kind, Exception)
    problem: BaseException = kind(raised["text"]) if usable else Exception(raised["text"])
    return problem


def _answer(request: dict[str, Any], objects: _Objects) -> dict[str, Any]:
    try:
        arguments = [decode(a, objects) for a in request.get("args", ())]
        named = {k: decode(v, objects) for k, v in request.get("kwargs", {}).items()}
        answer = {"value": encode(_do(request, arguments, named, objects), objects)}
    except BaseException as problem:
        answer = {"error": _described(problem)}
        if "args" not in request:
            return answer
    if request["do"] == "call":
        _add_changes(answer, request["args"], arguments, objects)
    return answer


def _add_changes(answer: dict[str, Any], before: list[Any], arguments: list[Any], objects: _Objects) -> None:
    """Arguments that the call changed in place, by position."""
    for index, argument in enumerate(arguments):
        if type(argument) in (list, dict, set, bytearray):
            try:
                after = encode(argument, objects)
            except BaseException:
                continue
            if after != before[index]:
                answer.setdefault("changed", []).append([index, after])


def _do(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: _Objects) -> Any:
    what = request["do"]
    if what == "names":
        return {name: _kind(name, objects.names[name]) for name in request["names"] if name in objects.names}
    if what == "defined":
        return _defined(objects.names)
    if what == "get":
        return objects.names[request["name"]]
    if what == "call":
        function = _function(request["name"], objects) if "name" in request else objects.objects[request["handle"]]
        return function(*arguments, **named)
    target = objects.objects[request["handle"]]
    if what == "attribute":
        return getattr(target, request["name"])
    if what == "set_attribute":
        return setattr(target, request["name"], arguments[0])
    name = request["name"]
    return _PLAIN[name](target) if name in _PLAIN else getattr(operator, name)(target, *arguments)


def _defined(names: dict[str, Any]) -> list[str]:
    """Functions of the program, and methods of its ``Solution``; those that no other one uses first, the last first."""
    made = [n for n, v in names.items() if isinstance(v, types.FunctionType) and v.__module__ == "solution"]
    solution = names.get("Solution")
    if isinstance(solution, type):
        made += [n for n, v in vars(solution).items() if isinstance(v, types.FunctionType)]
    used = {n for v in names.values() if isinstance(v, types.FunctionType) for n in v.__code__.co_names}
    public = [n for n in reversed(made) if not n.startswith("_")]
    return sorted(public, key=lambda name: name in used)


def _function(name: str, objects: _Objects) -> Any:
    """A function of the program, or a method of its class ``Solution``, as on LeetCode."""
    if name in objects.names:
        return objects.names[name]
    if "Solution" in objects.names:
        return getattr(objects.names["Solution"](), name)
    raise NameError(f"name {name!r} is not defined")


def _kind(name: str, value: Any) -> list[str]:
    if isinstance(value, types.ModuleType):
        return ["module", value.__name__]
    if isinstance(value, type) and issubclass(value, BaseException):
        return ["exception", *_mro(value)]
    if isinstance(value, type):
        return ["class"]
    return ["function"] if callable(value) else ["value"]


def _mro(kind: type) -> list[str]:
    return [c.__name__ for c in kind.__mro__ if c.__module__ == "builtins"]


def _described(problem: BaseException) -> dict[str, Any]:
    try:
        text = str(problem)[:2000]
    except BaseException:
        text = ""
    return {"name": type(problem).__name__, "bases": _mro(type(problem)), "text": text}
