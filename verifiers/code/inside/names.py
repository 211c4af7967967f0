"""The special methods that travel: which of them a class defines decides what its stand-in can do."""

from __future__ import annotations

from typing import Any

ARITHMETIC = (
    "__add__", "__sub__", "__mul__", "__matmul__", "__truediv__", "__floordiv__", "__mod__", "__divmod__", "__pow__",
    "__lshift__", "__rshift__", "__and__", "__xor__", "__or__",
)  # fmt: skip
REFLECTED = tuple(f"__r{name[2:]}" for name in ARITHMETIC)
IN_PLACE = tuple(f"__i{name[2:]}" for name in ARITHMETIC if name != "__divmod__")
ORDER = ("__lt__", "__le__", "__gt__", "__ge__")
BINARY = (*ARITHMETIC, *REFLECTED, *IN_PLACE, *ORDER)
PLAIN = (
    "__neg__", "__pos__", "__abs__", "__invert__", "__int__", "__float__", "__complex__", "__index__", "__round__",
    "__trunc__", "__floor__", "__ceil__", "__repr__", "__str__", "__format__", "__bytes__", "__fspath__",
    "__length_hint__", "__reversed__", "__next__", "__iter__", "__missing__", "__getitem__", "__setitem__",
    "__delitem__", "__call__", "__enter__", "__exit__", "__aenter__", "__aexit__", "__aiter__", "__anext__", "__dir__",
)  # fmt: skip
KEPT = ("__eq__", "__ne__", "__hash__", "__bool__", "__len__", "__contains__")
"""Those that the stand-ins guard in their own way."""
ALL = (*BINARY, *PLAIN, *KEPT)
_OF_ALL_OBJECTS = frozenset(("__repr__", "__str__", "__format__", "__dir__"))


def defined(kind: type, plain: tuple[type, ...] = ()) -> list[str]:
    """The special methods of a class that are neither ``object``'s nor those of the built-in types in ``plain``."""
    own: dict[str, Any] = {}
    for base in reversed(type.__dict__["__mro__"].__get__(kind)):
        found = vars(base)
        for name in ALL:
            if name in found:
                own[name] = None if base is object or base in plain else found[name]
    names = [name for name, value in own.items() if value is not None]
    if plain:
        return names
    return list(dict.fromkeys([*names, *_OF_ALL_OBJECTS]))
