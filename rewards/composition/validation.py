"""Pydantic's findings as one ConfigError a person can act on: the path in the config, and the nearest right name."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from veritune.plugins.errors import ConfigError, MissingExtraError, VerituneError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], data: Any, where: str = "") -> Model:
    """``data`` as a ``model``. Raises ConfigError naming every wrong place as ``where: path.in.config: problem``."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = dict.fromkeys(_problem(model, details) for details in _together([dict(e) for e in error.errors()]))
        raise ConfigError("\n".join(located(problem, where) for problem in problems)) from None


def located(problem: str, where: str) -> str:
    """``problem`` after the place it is about."""
    return f"{where}: {problem}" if where else problem


def path(*parts: str) -> str:
    """The place ``parts`` lead to: ``rewards.accuracy.params``; empty parts are left out."""
    return ".".join(part for part in parts if part)


@contextmanager
def at(where: str) -> Iterator[None]:
    """Say where in the config an error comes from, keeping its class."""
    try:
        yield
    except MissingExtraError:
        raise  # an ImportError: its message already is the line to run
    except VerituneError as error:
        error.args = (located(str(error), where), *error.args[1:])
        raise


def _together(errors: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The errors without the branches of unions in their places; the branches that one value fails (``1 or more``,
    ``'auto'``) as one."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for details in errors:
        branch = _is_union_tag(details["loc"][-1]) if details["loc"] else False
        place = tuple(part for part in details["loc"] if not _is_union_tag(part))
        message = _in_words(details["type"], str(details["msg"]))
        details |= {"loc": place, "words": message}
        before = found.get(place) if branch else None
        if before is not None and before["branch"] and all(m["words"].endswith(EXPECTED) for m in (before, details)):
            if message not in before["words"]:
                before["words"] = f"{before['words'].removesuffix(EXPECTED)} or {message}"
            continue
        found[(*place, len(found)) if place in found else place] = {**details, "branch": branch}
    return list(found.values())


def _problem(model: type[BaseModel], details: Mapping[str, Any]) -> str:
    location = details["loc"]
    where = ".".join(str(part) for part in location)
    kind, given = details["type"], details["input"]
    if kind == "extra_forbidden":
        fields = _fields_at(model, location[:-1])
        other = next((name for name in ELSEWHERE.get(str(location[-1]), ()) if name in fields), None)
        hint = did_you_mean(str(location[-1]), fields) if other is None else f" It is called {other!r} here."
        return f"{where}: unknown key.{hint} Keys: {', '.join(fields)}."
    message = details["words"]
    if kind == "missing":
        return f"{where}: required, and not given."
    if isinstance(given, Mapping) and kind in {"value_error", "missing"}:
        return located(f"{message}.", where)
    if kind in {"model_type", "model_attributes_type"}:
        message += f" with the keys {', '.join(_fields_at(model, location))}"
    return located(f"{message}, got {_short(given)}.", where)


ELSEWHERE = {
    "learning_rate": ("lr",), "max_grad_norm": ("clip_norm",), "max_steps": ("steps",), "num_train_epochs": ("epochs",),
    "batch_size": ("batch", "prompts"), "per_device_train_batch_size": ("batch", "prompts"),
    "num_generations": ("samples",), "max_completion_length": ("max_tokens",), "max_new_tokens": ("max_tokens",),
    "max_prompt_length": ("max_prompt_tokens",), "lr_scheduler_type": ("schedule",), "model_name_or_path": ("path",),
    "output_dir": ("output",), "target_modules": ("targets",), "lora_alpha": ("alpha",), "r": ("rank",),
}  # fmt: skip
"""What other trainers call a setting, and what it may be called here."""


EXPECTED = " is expected"
_KINDS = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type"), "a mapping (key: value)"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    **dict.fromkeys(("string_type",), "a text"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
}


def _in_words(kind: str, message: str) -> str:
    """Pydantic's message for somebody who wrote YAML and knows no pydantic."""
    if kind in _KINDS:
        return f"{_KINDS[kind]}{EXPECTED}"
    found = re.match(r"Input should be (?:a valid )?(.+)", message)
    return f"{found[1]}{EXPECTED}" if found else message.removeprefix("Value error, ")


def _is_union_tag(part: object) -> bool:
    """Pydantic adds the branch of a union it tried (``float``, ``dict[…]``), which is not in the config."""
    return isinstance(part, str) and (
        part in {"float", "int", "str", "bool", "[key]"}
        or part.startswith(("dict[", "list[", "tuple[", "literal[", "constrained-", "function-before["))
    )


def _short(value: Any, limit: int = 120) -> str:
    text = f"{value!r} ({type(value).__name__})"
    return text if len(text) <= limit else f"{text[:limit]}…"


def _fields_at(model: type[BaseModel], location: Sequence[Any]) -> list[str]:
    """The keys allowed at a place in the config."""
    current: Any = model
    for part in location:
        if _is_model(current):
            field = current.model_fields.get(str(part))
            current = field.annotation if field is not None else None
        else:
            current = _element(current)
    while current is not None and not _is_model(current):
        current = next(filter(_is_model, typing.get_args(current)), None)
    return list(current.model_fields) if current is not None else []


def _element(annotation: Any) -> Any:
    """What a mapping or list (or an optional one) holds."""
    if typing.get_origin(annotation) in {dict, list, tuple, Mapping, Sequence}:
        return typing.get_args(annotation)[-1]
    candidates = (_element(argument) for argument in typing.get_args(annotation))
    return next((found for found in candidates if found is not None), None)


def _is_model(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)
