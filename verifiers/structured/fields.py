"""Two documents field by field, with exact types: true is not 1, 1 is not 1.0, and "1" is neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indices from the root to a field."""


class Compared(NamedTuple):
    """How many fields of either document there are, how many agree, and the first that does not."""

    right: int
    total: int
    first: str


def compared(given: Any, expected: Any, loose_number: Callable[[Path], bool] | None = None) -> Compared:
    """Leaves of ``expected`` and of ``given`` together: a field that is missing, more or other counts against.

    ``loose_number`` says of a path whether 1 and 1.0 are one number there.
    """
    wanted, said = dict(leaves(expected)), dict(leaves(given))
    right, first = 0, ""
    for path in dict.fromkeys((*wanted, *said)):
        if path in wanted and path in said and _same(wanted[path], said[path], path, loose_number):
            right += 1
        elif not first:
            where = shown(path)
            if path not in said:
                first = f"{where} is missing"
            elif path not in wanted:
                first = f"{where} is not asked for"
            else:
                first = f"{where} is {said[path]!r:.60}, not {wanted[path]!r:.60}"
    return Compared(right, len(dict.fromkeys((*wanted, *said))), first)


def leaves(value: Any) -> Iterator[tuple[Path, Any]]:
    """Path and value of everything that is no list or mapping, and of empty ones."""
    stack: list[tuple[Path, Any]] = [((), value)]
    while stack:
        path, one = stack.pop()
        if isinstance(one, Mapping) and one:
            stack.extend(((*path, key), item) for key, item in reversed(list(one.items())))
        elif isinstance(one, list) and one:
            stack.extend(((*path, i), item) for i, item in reversed(list(enumerate(one))))
        else:
            yield path, one


def shown(path: Sequence[str | int]) -> str:
    """A path as ``a.b[0]``; the root is ``the document``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")[:120] or "the document"


def _same(one: Any, other: Any, path: Path, loose_number: Callable[[Path], bool] | None) -> bool:
    numbers = (int, float)
    if type(one) in numbers and type(other) in numbers and type(one) is not type(other):
        return loose_number is not None and loose_number(path) and one == other
    return type(one) is type(other) and bool(one == other)
