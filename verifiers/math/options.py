"""What counts as an answer, and what counts as equal: every choice a user can make about math verification."""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

BoxPolicy = Literal["last", "all", "first"]
Form = Literal["any", "simplified"]
LogBase = Literal["any", "e", "10"]
GoldFormat = Literal["answer", "solution"]


@dataclass(frozen=True, slots=True)
class MathOptions:
    """The policy of one math verifier. Hashable, so that a parsed gold can be cached under it."""

    boxes: BoxPolicy = "last"
    """``last``: the last box, with the boxes joined to it by "and", "or" or a comma. ``all``: every box after the
    reasoning, as one list. ``first``: the first box."""
    trailing: bool = False
    """Where no marker is found, take the last formula or number of the completion."""
    in_reasoning: bool = False
    """Let answers inside ``<think>`` count, and completions whose reasoning never ended."""
    reasoning_tags: tuple[tuple[str, str], ...] = ()
    """Further tags around reasoning, beside those that are known by their name in any spelling (``<think>``,
    ``<|begin_of_thought|>``, ``[THINK]``, ``<analysis>`` …)."""
    prefilled: bool | Literal["auto"] = "auto"
    """The prompt opened the reasoning, so that a completion that closes none is all reasoning. ``auto``: where the
    prompt is given and ends in such a tag."""
    echo: bool = True
    """Where the prompt is given, what the completion copies from it (an example answer, say) is no answer."""
    json_field: str | None = "answer"
    """The field of a JSON object that holds the answer; None: JSON is not looked into."""
    bare: bool = True
    """A short completion without any marker is read as the answer itself."""
    gold_format: GoldFormat = "answer"
    """``answer``: the gold is the answer. ``solution``: it is a worked solution that ends in one."""
    strict_operators: bool = True
    """A prediction may not contain a sum, integral, limit, gcd, determinant … that the gold does not contain: it
    would be the question given back."""
    min_digits: int = 6
    """Significant digits a decimal must show before it may stand for an exact value that it only rounds."""
    gold_rounding: bool = True
    """A gold printed as a decimal is a rounded value: whatever rounds to it, to its last printed digit, equals it."""
    relative_tolerance: float = 0.0
    """Extra tolerance between real values, relative to the gold; 0 keeps exactness."""
    form: Form = "any"
    """``simplified``: an answer must be worked out. ``17\\cdot 23`` is refused for 391, ``\\frac{2}{4}`` for a half,
    ``\\sqrt{8}`` for ``2\\sqrt{2}``; what is written as the gold is written is right."""
    percent: bool = True
    """``44%`` equals ``44`` and ``0.44``."""
    degrees: bool = True
    """``90°`` equals ``90`` and ``π/2``."""
    units: bool = True
    """A unit that only one side has is ignored; units on both sides must agree."""
    unit_table: tuple[tuple[str, str], ...] = ()
    """Units beside the built-in table, as ``{"furlong": "201.168 m"}``: a name and what it is in known units."""
    log_base: LogBase = "any"
    """What ``\\log`` without a base is: natural, decimal, or whichever of the two makes the sides equal."""
    decimal_comma: bool = True
    """``1000,99`` may be read as 1000.99 where the other side is the decimal 1000.99."""
    rename_parameters: bool = True
    """``π/2 + kπ`` equals ``π/2 + nπ``; ``+C`` equals ``+c``."""
    text_numbers: bool = True
    """``two`` equals ``2``."""
    max_answer: int = 2048
    """Characters of an answer that are read; a longer one is wrong."""
    max_completion: int = 1_000_000
    """Characters of a completion that are searched, counted from its end."""
    max_depth: int = 64
    """Brackets inside brackets."""
    max_nodes: int = 1500
    """Nodes of a syntax tree."""
    max_bits: int = 40_000
    """Bits of an exact integer before it is left alone."""


DEFAULT = MathOptions()


def option_rows() -> list[tuple[str, str, str]]:
    """Name, type and default of every option, in the order of the class."""
    types = get_type_hints(MathOptions)
    return [(f.name, _shown(types[f.name]), repr(f.default)) for f in fields(MathOptions)]


def _shown(kind: Any) -> str:
    if kind is type(None):
        return "None"
    if get_origin(kind) is Literal:
        return " | ".join(map(repr, get_args(kind)))
    if get_origin(kind) in (Union, UnionType):
        return " | ".join(map(_shown, get_args(kind)))
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
