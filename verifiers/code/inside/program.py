"""Serves the policy's program, from inside its own sandbox: loads it, then answers calls. Trusts nothing, is trusted
with nothing: the tests and their answers are elsewhere."""

from __future__ import annotations

import importlib
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from _veritune_around import Around  # type: ignore[import-not-found]
from _veritune_codec import Channel, Refused, decode, encode  # type: ignore[import-not-found]
from _veritune_objects import Objects, find_name  # type: ignore[import-not-found]

_OUR_FRAMES = 20
_MUTABLE = (list, dict, set, bytearray)
_LIBRARY = frozenset(("dataclasses", "inspect", "copy", "typing", "asyncio"))
"""Modules of which the tests may call functions on the program's objects."""
_MISSING = object()


def main(prelude: str = "") -> None:
    """Load ``solution.py`` as the module ``solution`` and serve it until the tests hang up. Never returns."""
    channel = Channel(3)
    objects = Objects(channel)
    objects.serve_nested = lambda: serve(channel, objects, nested=True)
    module = types.ModuleType("solution")
    module.__file__ = os.path.abspath("solution.py")
    sys.modules["solution"] = module
    objects.names = module.__dict__
    sys.setrecursionlimit(sys.getrecursionlimit() + _OUR_FRAMES)
    error: dict[str, Any] | None = None
    try:
        with open("solution.py", encoding="utf-8", errors="surrogateescape") as file:
            source = file.read()
        if prelude:
            exec(prelude, module.__dict__)
        exec(compile(source, "solution.py", "exec", dont_inherit=True), module.__dict__)
    except BaseException as problem:
        error = {"name": type(problem).__name__, **objects.exception(problem)}
    channel.send({"loaded": error})
    if error is None:
        serve(channel, objects)
    _leave()


def _leave() -> None:
    os._exit(0)


def serve(channel: Channel, objects: Objects, nested: bool = False) -> Any:
    """Answer requests. ``nested``: until the tests' function that the program called has returned."""
    while True:
        try:
            request = channel.receive()
        except (EOFError, Refused):
            _leave()
        if nested and ("returned" in request or "raised" in request):
            value = decode(request.get("returned"), objects)
            objects.shared.apply(request)
            if "raised" in request:
                raise decode(request["raised"], objects)
            return value
        answer = _answer(request, objects)
        try:
            channel.send(answer)
        except (BrokenPipeError, ConnectionError):
            _leave()


def _answer(request: dict[str, Any], objects: Objects) -> dict[str, Any]:
    arguments: list[Any] = []
    around = None
    named: dict[str, Any] = {}
    try:
        arguments = [decode(a, objects) for a in request.get("args", ())]
        if "kwargs" in request:
            named = {k: decode(v, objects) for k, v in request["kwargs"].items()}
        objects.shared.apply(request)
        if "around" in request:
            around = Around(request["around"], objects)
            arguments = [around.here(argument) for argument in arguments]
            named = {name: around.here(argument) for name, argument in named.items()}
        value = _do(request, arguments, named, objects)
        if around is not None:
            value = around.there(value)
        answer = {"value": _encoded(value, request, arguments, objects)}
    except BaseException as problem:
        answer = {"error": objects.exception(problem)}
    if around is not None:
        around.leave(answer)
    if request["do"] == "call" and arguments:
        _add_changes(answer, request["args"], arguments, objects)
    if objects.shares or objects.news:
        objects.complete(answer)
    return answer


def _encoded(value: Any, request: dict[str, Any], arguments: list[Any], objects: Objects) -> Any:
    kind = type(value)
    if kind in _MUTABLE:
        for index, argument in enumerate(arguments):
            if argument is value:
                return {"$": "argument", "v": index}
    if request.get("share"):
        return objects.shared.tag(value)
    return encode(value, objects)


def _add_changes(answer: dict[str, Any], before: list[Any], arguments: list[Any], objects: Objects) -> None:
    """Arguments that the call changed in place, by position."""
    for index, argument in enumerate(arguments):
        if type(argument) in _MUTABLE and objects.reference(argument) is None:
            try:
                after = encode(argument, objects)
            except BaseException:
                continue
            if after != before[index]:
                answer.setdefault("changed", []).append([index, after])


def _do(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> Any:
    what = request["do"]
    if what == "call":
        function = find_name(request["name"], objects) if "name" in request else arguments.pop(0)
        try:
            return function(*arguments, **named)
        finally:
            if "name" not in request:
                arguments.insert(0, function)
    return _OTHER[what](request, arguments, named, objects)


def _names(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> Any:
    return {name: _kind(objects.names[name], objects) for name in request["names"] if name in objects.names}


def _kind(value: Any, objects: Objects) -> list[Any]:
    if isinstance(value, types.ModuleType):
        return ["module", value.__name__]
    if isinstance(value, type):
        return ["class", value]
    return ["function"] if callable(value) and not hasattr(value, "_value_") else ["value"]


def _defined(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> list[str]:
    """Functions of the program, and methods of its ``Solution``; those that no other one uses first, the last first."""
    names = objects.names
    made = [n for n, v in names.items() if isinstance(v, types.FunctionType) and v.__module__ == "solution"]
    solution = names.get("Solution")
    if isinstance(solution, type):
        made += [n for n, v in vars(solution).items() if isinstance(v, types.FunctionType)]
    used = {n for v in names.values() if isinstance(v, types.FunctionType) for n in v.__code__.co_names}
    public = [n for n in reversed(made) if not n.startswith("_")]
    return sorted(public, key=lambda name: name in used)


def _get(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> Any:
    return objects.names[request["name"]]


def _attribute(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> Any:
    return getattr(arguments[0], request["name"])


def _set_attribute(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> None:
    target, name = arguments[0], request["name"]
    if isinstance(target, type) and name in vars(target) and (target, name) not in _class_attributes:
        _class_attributes[target, name] = vars(target)[name]
    if isinstance(target, type) and arguments[1] is _class_attributes.get((target, name), _MISSING):
        pass
    setattr(target, name, arguments[1])


_class_attributes: dict[tuple[type, str], Any] = {}
"""What the tests replaced in a class, as it was: a patch is undone by deleting it."""


def _delete_attribute(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> None:
    target, name = arguments[0], request["name"]
    if isinstance(target, type) and (target, name) in _class_attributes:
        setattr(target, name, _class_attributes.pop((target, name)))
    else:
        delattr(target, name)


def _operation(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> Any:
    """A special method, looked up on the class, as an expression does."""
    target, *operands = arguments
    name, kind = request["name"], type(target)
    if name == "__iter__" and not hasattr(kind, "__iter__"):
        return iter(target)
    if name == "__hash__":
        return hash(target)
    if name == "__repr__":
        return repr(target)
    if name == "__str__":
        return str(target)
    if name == "__bool__":
        return bool(target)
    if name == "__len__":
        return len(target)
    if name == "__contains__":
        return operands[0] in target
    if name == "__dir__":
        return dir(target)
    method = getattr(kind, name)
    return method(target, *operands, **named)


def _library(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> Any:
    module, name = request["module"], request["name"]
    if module not in _LIBRARY:
        raise Refused("unknown module")
    return getattr(importlib.import_module(module), name)(*arguments, **named)


def _set_name(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> None:
    """The tests patch a global of the program; without an argument they undo it."""
    name = request["name"]
    if arguments:
        objects.replaced.setdefault(name, objects.names.get(name, _MISSING))
        objects.names[name] = arguments[0]
        return
    before = objects.replaced.pop(name, _MISSING)
    if before is _MISSING:
        objects.names.pop(name, None)
    else:
        objects.names[name] = before


def _patch(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> None:
    """The tests patch a module of the standard library, here as there."""
    module, name = importlib.import_module(request["module"]), request["name"]
    key = (request["module"], name)
    _patched.setdefault(key, getattr(module, name, _MISSING))
    value = arguments[0] if arguments else _patched.pop(key)
    if value is _MISSING:
        delattr(module, name)
    else:
        setattr(module, name, value)


_patched: dict[tuple[str, str], Any] = {}


def _await(request: dict[str, Any], arguments: list[Any], named: dict[str, Any], objects: Objects) -> Any:
    from _veritune_awaiting import step  # type: ignore[import-not-found]

    number = request["number"]
    return step(objects.objects[number], number, bool(request.get("cancel")))


_OTHER: dict[str, Callable[[dict[str, Any], list[Any], dict[str, Any], Objects], Any]] = {
    "names": _names,
    "defined": _defined,
    "get": _get,
    "attribute": _attribute,
    "set_attribute": _set_attribute,
    "delete_attribute": _delete_attribute,
    "operation": _operation,
    "library": _library,
    "set_name": _set_name,
    "patch": _patch,
    "await": _await,
}
