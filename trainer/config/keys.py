"""Every setting of a configuration by its name, with its default and what is said about it where it is defined."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined


@dataclass(frozen=True)
class Key:
    """One setting."""

    name: str
    """As an override has it: ``grpo.objective.beta``; ``NAME`` stands for a name of the user's."""
    kind: str
    default: str
    text: str
    """What it does; empty where the name says it."""


def keys(config: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Every setting, in the order of the file that defines it; sections without a line of their own."""
    for name, field in config.model_fields.items():
        section, many = _section(field.annotation)
        kind, text = _said(config).get(name, ("", ""))
        kind = _choices(field.annotation) or kind
        whole = f"{prefix}{name}"
        given = None if field.is_required() else field.get_default(call_default_factory=True)
        if section is None:
            yield Key(whole, kind, _shown(given, field.is_required()), text)
            continue
        if many or given is None:
            yield Key(whole, "section", "none" if not field.is_required() else "required", text or _first(section))
        yield from keys(section, f"{whole}.NAME." if many else f"{whole}.")


def _section(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model that an annotation holds, if it is one, and whether by names of the user's."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) in (Union, UnionType):
        found = [part for part in map(_section, get_args(annotation)) if part[0] is not None]
        return found[0] if found else (None, False)
    if get_origin(annotation) is dict:
        return _section(get_args(annotation)[1])[0], True
    return None, False


def _shown(value: Any, required: bool) -> str:
    if required or value is PydanticUndefined:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple | dict | str):
        return str(list(value) if isinstance(value, tuple) else value) or '""'
    return f"{value:g}" if isinstance(value, float) else str(value)


@cache
def _said(config: type[BaseModel]) -> dict[str, tuple[str, str]]:
    """Field → its type and the text below it, of the class and those it inherits from."""
    found: dict[str, tuple[str, str]] = {}
    for owner in reversed(config.__mro__):
        if not issubclass(owner, BaseModel) or owner is BaseModel:
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        assert isinstance(body, ast.ClassDef)
        for line, after in zip(body.body, [*body.body[1:], None], strict=True):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                text = str(after.value.value) if said else ""  # type: ignore[union-attr]
                found[line.target.id] = (_kind(ast.unparse(line.annotation)), " ".join(text.split()).replace("``", "`"))
    return found


def _kind(annotation: str) -> str:
    """``Literal['a', 'b'] | None`` → ``a | b | none``."""
    text = annotation.replace("None", "none")
    while "Literal[" in text:
        before, _, rest = text.partition("Literal[")
        inside, _, after = rest.partition("]")
        text = before + " | ".join(part.strip().strip("'\"") for part in inside.split(",")) + after
    return text


def _choices(annotation: Any) -> str | None:
    """``a | b | none`` of words to choose from, whatever their type is called; None of any other type."""
    if get_origin(annotation) is Literal:
        return " | ".join(map(str, get_args(annotation)))
    if get_origin(annotation) not in (Union, UnionType):
        return None
    parts = [get_args(part)[0] if get_origin(part) is Annotated else part for part in get_args(annotation)]
    found = [_choices(part) or ("none" if part is type(None) else getattr(part, "__name__", "")) for part in parts]
    return " | ".join(found) if any(map(_choices, parts)) and all(found) else None


def _first(section: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(section) or "").partition("\n\n")[0].split())
