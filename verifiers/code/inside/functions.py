"""Stand-ins for the program's functions, and what the tests see of its names."""

from __future__ import annotations

import types
from typing import Any

from _veritune_remote import RemoteType  # type: ignore[import-not-found]


class Absent(BaseException):
    """The tests ask for what the program does not define. No test may catch it."""


class Function:
    """A function of the program, by its name."""

    def __init__(self, link: Any, name: str) -> None:
        object.__setattr__(self, "_veritune_link", link)
        object.__setattr__(self, "_veritune_name", name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._veritune_link.request("call", args, kwargs, name=self._veritune_name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_veritune"):
            raise AttributeError(name)
        return self._veritune_link.request("attribute", (self,), name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._veritune_link.request("set_attribute", (self, value), name=name)

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else types.MethodType(self, owner)

    def __repr__(self) -> str:
        return f"<function {self._veritune_name} of the program>"

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    __doc__ = property(lambda self: self.__getattr__("__doc__"))
    __module__ = property(lambda self: self.__getattr__("__module__"))
    __class__ = property(lambda self: types.FunctionType)


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
        link = object.__getattribute__(self, "_veritune_link")
        link.absent = f"the program does not define {object.__getattribute__(self, '_veritune_name')}"
        return Absent(link.absent)


def stands_in(value: Any) -> bool:
    """Whether a name of the program's is a stand-in, of which nothing has been asked yet."""
    return isinstance(type(value), type) and (type(value) in (Function, Missing) or isinstance(value, type))


def export(link: Any, names: set[str], values: bool = True) -> dict[str, Any]:
    """What the program defines of ``names``: stand-ins for its classes and functions, and its values."""
    found: dict[str, Any] = {}
    for name, kind in link.request("names", names=sorted(names)).items():
        if name not in names or type(kind) is not list or not kind:
            continue
        if kind[0] == "module":
            continue  # the judge imports the standard library's; others are not the program's to choose
        if kind[0] == "class":
            found[name] = kind[1]
            if name in link.class_names and isinstance(kind[1], RemoteType):
                link.tested.add(kind[1]._veritune_about.number)
        elif kind[0] == "function":
            found[name] = link.functions.setdefault(name, Function(link, name))
        elif values:
            try:
                found[name] = link.request("get", name=name)
            except Exception:
                continue
    return found
