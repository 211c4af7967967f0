"""Stand-ins, in the tests' sandbox, for the program's classes and objects.

A stand-in class has the special methods that the program's class has, and each is carried out by the program. What may
be handed to them is decided here: two objects of the program meet on its side; a value of the tests, which may be the
expected one, is handed only to an object that the test itself made of a class that it tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from _veritune_names import ALL, IN_PLACE, KEPT, ORDER, PLAIN, REFLECTED  # type: ignore[import-not-found]

_PREDICATES = frozenset(
    ["startswith", "endswith", "issubset", "issuperset", "isdisjoint", "count", "index", "find", "rfind", "rindex"]
)  # fmt: skip
"""Methods of built-in values that tests hand the expected value to."""
BASES: dict[str, type] = {
    kind.__name__: kind for kind in (int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset)
}
_STOPPING = frozenset(("__next__", "__anext__", "send", "throw", "asend", "athrow"))
_SHOWN = frozenset(("__repr__", "__str__", "__format__"))
_TO_PLAIN = frozenset(("__int__", "__float__", "__complex__", "__index__", "__round__", "__abs__", "__bool__"))


class Unsendable(BaseException):
    """The tests need what cannot travel: the split judge cannot decide them."""


class RemoteType(type):
    """The class of stand-in classes."""

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any], **named: Any) -> Any:
        parent = next((base.__name__ for base in bases if isinstance(base, RemoteType)), "a class")
        raise Unsendable(f"the tests derive a class {name} of their own from the program's {parent}")

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        about = about_of(cls)
        value = about.link.request("call", (cls, *args), kwargs)
        about.link.mark_made(value)
        return value

    def __getattr__(cls, name: str) -> Any:
        about = type.__getattribute__(cls, "__dict__").get("_veritune_about")
        if about is None or name.startswith("_veritune"):
            raise AttributeError(name)
        if name in _PREDICATES and about.number not in about.link.tested:
            raise AttributeError(f"the class {cls.__name__} of the program has no {name!r} to be asked")
        value = about.link.request("attribute", (cls,), name=name)
        if isinstance(value, RemoteType) and about.number in about.link.tested:
            about.link.tested.add(about_of(value).number)
        return value

    def __setattr__(cls, name: str, value: Any) -> None:
        about_of(cls).link.request("set_attribute", (cls, value), name=name)

    def __delattr__(cls, name: str) -> None:
        about_of(cls).link.request("delete_attribute", (cls,), name=name)

    def __instancecheck__(cls, value: Any) -> bool:
        about_of(cls).link.requests += 1
        return type.__instancecheck__(cls, value)

    def __subclasscheck__(cls, kind: type) -> bool:
        about_of(cls).link.requests += 1
        return type.__subclasscheck__(cls, kind)

    __doc__ = property(lambda cls: RemoteType.__getattr__(cls, "__doc__"))
    __annotations__ = property(lambda cls: RemoteType.__getattr__(cls, "__annotations__"))
    __mro__ = property(lambda cls: tuple(k for k in parents(cls) if not _hidden(k)))
    __bases__ = property(
        lambda cls: tuple(object if _hidden(k) else k for k in type.__dict__["__bases__"].__get__(cls))
    )


def parents(kind: type) -> tuple[type, ...]:
    """All classes that a class is derived from, itself first, whatever its metaclass says."""
    found: tuple[type, ...] = type.__dict__["__mro__"].__get__(kind)
    return found


def _hidden(kind: type) -> bool:
    return "_veritune_hidden" in vars(kind)


class About:
    """What is known of a class of the program."""

    def __init__(self, link: Any, described: dict[str, Any]) -> None:
        self.link = link
        self.number = described["n"]
        self.defines = frozenset(name for name in described.get("defines") or () if name in ALL)
        self.base = BASES.get(described.get("base") or "")


def about_of(cls: type) -> About:
    """What is known of a stand-in's class."""
    return type.__getattribute__(cls, "_veritune_about")  # type: ignore[no-any-return]


def is_own(value: Any) -> bool:
    """Whether a value is the program's: an object, a class or a function."""
    kind = type(value)
    return type(kind) is RemoteType or isinstance(kind, RemoteType) or isinstance(value, RemoteType)


def handle_of(value: Any) -> int:
    return object.__getattribute__(value, "_veritune_handle")  # type: ignore[no-any-return]


class Remote:
    """An object of the program. Equal to nothing but itself unless its class says so."""

    __slots__ = ("__weakref__", "_veritune_handle")
    _veritune_hidden = True

    def __getattr__(self, name: str) -> Any:
        return attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        about_of(type(self)).link.request("set_attribute", (self, value), name=name)

    def __delattr__(self, name: str) -> None:
        about_of(type(self)).link.request("delete_attribute", (self,), name=name)

    def __copy__(self) -> Any:
        return copied(self, "copy")

    def __deepcopy__(self, memo: Any) -> Any:
        return copied(self, "deepcopy")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise no_pickle(self)

    def __class_getitem__(cls, parameters: Any) -> Any:
        return cls


def no_pickle(value: Any) -> BaseException:
    """Undecided where the tests pickle an object that they made; one that the program gave is no plain value."""
    name = type(value).__name__
    made = about_of(type(value)).link.is_made(value)
    return Unsendable(f"the tests pickle a {name} of the program") if made else TypeError(f"cannot pickle a {name}")


def attribute(owner: Any, name: str) -> Any:
    about = about_of(type(owner))
    if name.startswith(("_veritune", "__array")):
        raise AttributeError(name)
    if name in _PREDICATES and not (about.link.is_tested(owner) and about.link.is_made(owner)):
        raise AttributeError(f"a {type(owner).__name__} of the program has no {name!r} to be asked")
    value = about.link.request("attribute", (owner,), name=name)
    if name in _STOPPING and is_own(value):
        about.link.may_stop.add(handle_of(value))
    return value


def copied(value: Any, how: str) -> Any:
    link = about_of(type(value)).link
    made = link.is_made(value)
    copy = link.request("library", (value,), module="copy", name=how)
    if made:
        link.mark_made(copy)
    return copy


def _binary(name: str, plain: Callable[..., Any] | None) -> Callable[..., Any]:
    """An operator with an operand; ``plain`` is what a built-in base would do."""

    def method(self: Any, other: Any, *more: Any) -> Any:
        link = about_of(type(self)).link
        told = False
        if not is_own(other) and (name in ORDER or not callable(other)):  # no function is an expected value
            made = link.is_made(self)
            if not link.is_tested(self) or (name in ORDER and not made):
                return plain(self, other, *more) if plain is not None else NotImplemented
            told = not made
        made = link.is_made(self) or link.is_made(other)
        link.asked += 1
        value = link.request("operation", (self, other, *more), name=name)
        if is_own(value):
            link.mark(value, made and not told, told or link.is_told(self))
        elif (told or link.is_told(self)) and value is not NotImplemented and name not in IN_PLACE:
            raise TypeError(f"a {type(self).__name__} that the program gave back is no value to calculate with")
        return value

    return method


def _equality(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        link = about_of(type(self)).link
        if is_own(other) or (link.is_tested(self) and link.is_made(self)):
            link.asked += 1
            return link.request("operation", (self, other), name=name)
        return plain(self, other)

    return method


def _unequal(self: Any, other: Any) -> Any:
    equal = self.__eq__(other)
    return NotImplemented if equal is NotImplemented else not equal


def _own_of_base(self: Any, name: str) -> Callable[..., Any] | None:
    """The built-in type's own method, where a value of its subclass came back from a function that is tested: what
    such a value holds is read in one way, or it could tell each question something else."""
    about = about_of(type(self))
    if about.base is None or name in _SHOWN or about.link.is_tested(self):
        return None
    return getattr(about.base, name, None)


def _unary(name: str) -> Callable[..., Any]:
    def method(self: Any, *operands: Any, **named: Any) -> Any:
        plain = _own_of_base(self, name)
        if plain is not None:
            return plain(self, *operands, **named)
        link = about_of(type(self)).link
        made, told = link.is_made(self), link.is_told(self)
        value = link.request("operation", (self, *operands), named, name=name)
        if is_own(value):
            link.mark(value, made, told)
        elif told and name in _TO_PLAIN:
            raise TypeError(f"a {type(self).__name__} that the program gave back is no value to calculate with")
        return value

    return method


def _call(self: Any, *args: Any, **kwargs: Any) -> Any:
    link = about_of(type(self)).link
    value = link.request("call", (self, *args), kwargs)
    if (args or kwargs) and type(value) is bool:
        link.asked += 1  # it was given what the test compares, and says itself whether it is right
    return value


def _contains(self: Any, wanted: Any) -> bool:
    about = about_of(type(self))
    plain = _own_of_base(self, "__contains__")
    if plain is not None and not is_own(wanted):
        return plain(self, wanted) is True
    if "__contains__" in about.defines and (
        is_own(wanted) or (about.link.is_tested(self) and about.link.is_made(self))
    ):
        about.link.asked += 1
        return about.link.request("operation", (self, wanted), name="__contains__") is True
    return any(item is wanted or item == wanted for item in iter(self))


def _length(self: Any) -> int:
    plain = _own_of_base(self, "__len__")
    if plain is not None:
        return int(plain(self))
    about = about_of(type(self))
    if {"__iter__", "__len__"} <= about.defines and "__next__" not in about.defines and not about.link.is_tested(self):
        return sum(1 for _ in iter(self))  # of a class that no test names, the length is that of what it holds
    value = about_of(type(self)).link.request("operation", (self,), name="__len__")
    if type(value) is not int:
        raise TypeError("'__len__' of the program gave no int")
    return value


def _truth(self: Any) -> bool:
    base = about_of(type(self)).base
    if base is not None and not about_of(type(self)).link.is_tested(self):
        return bool(base.__len__(self)) if hasattr(base, "__len__") else bool(base.__bool__(self))  # type: ignore[attr-defined]
    return _unary("__bool__")(self) is True


def _hash(self: Any) -> int:
    plain = _own_of_base(self, "__hash__")
    if plain is not None:
        return int(plain(self))
    return hash(about_of(type(self)).link.request("operation", (self,), name="__hash__"))


def _by_position(self: Any) -> Iterator[Any]:
    index = 0
    while True:
        try:
            item = self[index]
        except IndexError:
            return
        yield item
        index += 1


def special_methods(about: About) -> dict[str, Any]:
    """The special methods of a stand-in class."""
    base: Any = about.base or object
    body: dict[str, Any] = {}
    for name in about.defines:
        if name in KEPT:
            continue
        if name == "__call__":
            body[name] = _call
        elif name in PLAIN:
            body[name] = _unary(name)
        elif name in IN_PLACE or name in ORDER or name in REFLECTED or name in ALL:
            body[name] = _binary(name, getattr(base, name, None) if about.base is not None else None)
    for name, method in (("__len__", _length), ("__bool__", _truth), ("__hash__", _hash)):
        if name in about.defines:
            body[name] = method
    for name in ("__eq__", "__ne__"):
        if name in about.defines:
            body[name] = _equality(name, getattr(base, name))
    if "__ne__" not in body and "__eq__" in body:
        body["__ne__"] = _unequal
    if "__contains__" in about.defines:
        body["__contains__"] = _contains
    if "__getitem__" in about.defines and "__iter__" not in about.defines and about.base is None:
        body["__iter__"] = _by_position
    return body
