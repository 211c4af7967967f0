"""Makes the stand-in classes, in the tests' sandbox, from what the program's side says of its own."""

from __future__ import annotations

import abc
import builtins
import enum
from collections.abc import Callable
from typing import Any

from _veritune_library import find_type  # type: ignore[import-not-found]
from _veritune_remote import (  # type: ignore[import-not-found]
    BASES,
    About,
    Remote,
    RemoteType,
    about_of,
    attribute,
    copied,
    is_own,
    no_pickle,
    special_methods,
)


class _Value:
    """Mixed into stand-ins for subclasses of built-in types: the value is here, the rest is the program's."""

    _veritune_hidden = True

    def __getattr__(self, name: str) -> Any:
        return attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        about_of(type(self)).link.request("set_attribute", (self, value), name=name)

    def __copy__(self) -> Any:
        return copied(self, "copy")

    def __deepcopy__(self, memo: Any) -> Any:
        return copied(self, "deepcopy")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise no_pickle(self)


class _Problem:
    """Mixed into stand-ins for exceptions: real exceptions, with what the program's have."""

    _veritune_hidden = True
    _veritune_text = ""

    def __init__(self, *args: Any) -> None:
        pass

    def __str__(self) -> str:
        return self._veritune_text

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return attribute(self, name)


def make_class(link: Any, described: dict[str, Any]) -> type:
    """The stand-in for a class of the program that its side has described."""
    about = About(link, described)
    name = str(described["name"])[:200]
    body: dict[str, Any] = {
        "_veritune_about": about,
        "__module__": str(described.get("module")),
        "__qualname__": str(described.get("qualname")),
    }
    bases = [link.classes[number] for number in described.get("bases") or ()]
    if described.get("raised"):
        body.update((name, method) for name, method in special_methods(about).items() if name != "__str__")
        return _make_exception(link, name, bases, body, described)
    body.update(special_methods(about))
    if described.get("unhashable") and about.base is None:
        body["__hash__"] = None
    elif about.base is not None and "__hash__" not in body and about.base.__hash__ is not None:
        body["__hash__"] = about.base.__hash__
    for method in described.get("overrides") or ():
        if str(method).startswith("_"):
            continue  # special methods are guarded
        body[str(method)] = property(_asked(str(method)))
    if about.base is tuple:
        for index, field in enumerate(described.get("fields") or ()):
            body[str(field)] = property(_field(index))
    real = described.get("real")
    if real is not None:
        found = find_type(*real)
        if found is not None and found not in BASES.values():
            body["__class__"] = property(lambda self: found)
    if about.base is None:
        body["__slots__"] = ()
        root: tuple[type, ...] = (Remote,)
    else:
        root = (_Value, about.base)
        bases = [base for base in bases if issubclass(base, about.base)]
    meta = _meta(link, described.get("meta"))
    for base in bases:
        meta = type(base) if issubclass(type(base), meta) else meta
    try:
        made: type = type.__new__(meta, name, tuple(bases) or root, body)
    except TypeError:  # bases in an order that has no resolution, which the program's class cannot have
        made = type.__new__(meta, name, root, body)
    for module, qualified in described.get("abstract") or ():
        _register(find_type(module, qualified), made)
    return made


def _make_exception(link: Any, name: str, bases: list[type], body: dict[str, Any], described: dict[str, Any]) -> type:
    real = [
        found
        for module, qualified in described.get("abstract") or ()
        for found in (find_type(module, qualified),)
        if found is not None and issubclass(found, Exception)
    ]
    for chosen in ((*bases, *real), tuple(bases), (_Problem, *real), (_Problem, *real[:1]), (_Problem, Exception)):
        if not chosen:
            continue
        chosen = chosen if any(issubclass(base, _Problem) for base in chosen) else (_Problem, *chosen)
        chosen = chosen if any(issubclass(base, BaseException) for base in chosen) else (*chosen, Exception)
        try:
            return type.__new__(RemoteType, name, chosen, body)  # type: ignore[no-any-return]
        except TypeError:
            continue
    raise TypeError(f"no class for the exception {name}")


def _meta(link: Any, described: dict[str, Any] | None) -> type:
    """The metaclass of a stand-in: with the special methods of the program's metaclass."""
    if not described:
        return RemoteType  # type: ignore[no-any-return]
    number = described.get("class")
    defines = frozenset(name for name in described.get("defines") or () if name in _OF_CLASSES)
    body: dict[str, Any] = {name: _of_class(name) for name in defines}
    if "__contains__" in defines:
        body["__contains__"] = _class_contains
    if number is not None and issubclass(link.classes[number], RemoteType):
        return link.classes[number]  # type: ignore[no-any-return]
    if number is not None:
        body["_veritune_about"] = about_of(link.classes[number])
        body["__module__"] = link.classes[number].__module__
        made = type.__new__(RemoteType, link.classes[number].__name__, (RemoteType,), body)
        link.classes[number] = made
        return made  # type: ignore[no-any-return]
    if body and defines not in link.metaclasses:
        link.metaclasses[defines] = type("RemoteType", (RemoteType,), body)
    return link.metaclasses[defines] if body else RemoteType  # type: ignore[no-any-return]


_OF_CLASSES = frozenset(("__len__", "__iter__", "__getitem__", "__reversed__", "__contains__", "__repr__"))
"""What a metaclass may define. Not operators: a class where a value is expected must not be told that value."""


def _class_contains(cls: Any, wanted: Any) -> bool:
    if is_own(wanted):
        return about_of(cls).link.request("operation", (cls, wanted), name="__contains__") is True
    return any(item == wanted for item in iter(cls))


def _of_class(name: str) -> Callable[..., Any]:
    def method(cls: Any, *operands: Any) -> Any:
        link = about_of(cls).link
        return link.request("operation", (cls, *operands), name=name)

    return method


_registered: dict[type, set[type]] = {}


def _register(real: type | None, made: type) -> None:
    """``isinstance`` against an abstract class, or a kind of enumeration, of the standard library."""
    if isinstance(real, abc.ABCMeta):
        try:
            real.register(made)
        except (TypeError, RuntimeError):
            return
    elif isinstance(real, enum.EnumMeta):
        if "__instancecheck__" not in vars(enum.EnumMeta):
            enum.EnumMeta.__instancecheck__ = lambda cls, value: cls.__subclasscheck__(type(value))  # type: ignore[method-assign]
            enum.EnumMeta.__subclasscheck__ = lambda cls, kind: (  # type: ignore[method-assign]
                type.__subclasscheck__(cls, kind) or any(k in _registered.get(cls, ()) for k in kind.__mro__)
            )
        _registered.setdefault(real, set()).add(made)


def _asked(name: str) -> Callable[[Any], Any]:
    def ask(self: Any) -> Any:
        about = about_of(type(self))
        if about.base is not None and not about.link.is_tested(self):
            return getattr(about.base, name).__get__(self)
        return attribute(self, name)

    return ask


def _field(index: int) -> Callable[[Any], Any]:
    return lambda self: tuple.__getitem__(self, index)


def base_of(kind: type) -> type:
    return about_of(kind).base or object


def make_value(link: Any, kind: type, plain: Any, handle: int) -> Any:
    """A value of a subclass of a built-in type."""
    base: Any = base_of(kind)
    if type(plain) is not base:
        raise ValueError("not the base's value")
    if base in (list, dict, set, bytearray):
        value: Any = base.__new__(kind)
        base.__init__(value, plain)  # type: ignore[unreachable]
    else:
        value = base.__new__(kind, plain)
    object.__setattr__(value, "_veritune_handle", handle)
    return value


def make_problem(kind: type, described: dict[str, Any], arguments: tuple[Any, ...], text: str) -> BaseException:
    """An exception of the program: of the stand-in class, with its arguments and its text."""
    new: Any = kind.__new__
    problem: BaseException = new(kind)
    problem.args = arguments
    problem._veritune_text = text  # type: ignore[attr-defined]
    problem._veritune_handle = described.get("h")  # type: ignore[attr-defined]
    return problem


def builtin_exception(name: str) -> type[BaseException] | None:
    kind = getattr(builtins, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, BaseException) else None
