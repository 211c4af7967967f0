"""Functions of the standard library that tests call on the program's objects, carried out on the program's side."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

from _veritune_remote import RemoteType, is_own  # type: ignore[import-not-found]
from _veritune_stubs import Function, Link, Unsendable  # type: ignore[import-not-found]

_CARRIED = {
    "dataclasses": ("asdict", "astuple", "fields", "replace", "is_dataclass"),
    "inspect": (
        "signature", "getdoc", "iscoroutinefunction", "isgeneratorfunction", "isasyncgenfunction", "isabstract",
        "getfullargspec", "isfunction", "ismethod", "isbuiltin", "iscoroutine", "isgenerator", "isawaitable",
    ),
    "asyncio": ("iscoroutinefunction",),
    "typing": ("get_type_hints",),
}  # fmt: skip
_NOT_CARRIED = {"inspect": ("getsource", "getsourcelines", "getmembers", "getmro")}


def install(link: Link, text: str) -> None:
    """Put the hooks in place that test code of this text may need."""
    for module, names in _CARRIED.items():
        if module in text:
            found = __import__(module)
            for name in names:
                setattr(found, name, _carried(link, module, name, getattr(found, name)))
    if "inspect" in text:
        for module, names in _NOT_CARRIED.items():
            for name in names[:3]:
                found = __import__(module)
                setattr(found, name, _refused(f"{module}.{name}", getattr(found, name)))
    if "patch" in text and "mock" in text:
        _hook_mock(link)


def _carried(link: Link, module: str, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        first = args[0] if args else None
        if not is_own(first) and type(first) is not Function:
            return original(*args, **kwargs)
        made = link.is_made(first)
        value = link.request("library", args, kwargs, module=module, name=name)
        if made and name == "replace":
            link.mark_made(value)
        return value

    return function


def _refused(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(first: Any, *args: Any, **kwargs: Any) -> Any:
        if is_own(first) or type(first) is Function:
            raise Unsendable(f"the tests ask {name} of the program")
        return original(first, *args, **kwargs)

    return function


def _hook_mock(link: Link) -> None:
    """Patches of the standard library are made on the program's side, too."""
    from unittest import mock

    patcher: Any = mock._patch
    enter = patcher.__enter__

    def entered(self: Any) -> Any:
        result = enter(self)
        target = self.target
        # The program's own names forward what is set on them; the streams are looked at before each request.
        if isinstance(target, types.ModuleType) and target is not sys:
            if type(target) is types.ModuleType and target.__name__.partition(".")[0] in sys.stdlib_module_names:
                link.around.watch(target, self.attribute, self.temp_original)
        elif isinstance(target, type) and not isinstance(target, RemoteType):
            module = getattr(target, "__module__", "")
            if module != "__tests__" and target.__name__ != "Solution":
                raise Unsendable(f"the tests patch {module}.{target.__name__}.{self.attribute}")
        return result

    patcher.__enter__ = entered
