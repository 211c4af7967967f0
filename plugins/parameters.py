"""A reward's parameters, read from its signature: keyword-only arguments with types and defaults."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError

from veritune.plugins.errors import ParameterError, did_you_mean

REQUIRED: Any = inspect.Parameter.empty

INJECTED = frozenset({"trainer_state", "log_extra", "log_metric", "environments"})
"""What a trainer may pass beside the dataset's columns; a reward that names one receives it."""


@dataclass(frozen=True)
class Parameter:
    """One configuration parameter."""

    name: str
    annotation: Any
    default: Any

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    @property
    def type_name(self) -> str:
        return type_text(self.annotation)


def type_text(annotation: Any) -> str:
    """A type as a user writes values of it: ``'a' | 'b'``, ``int | None`` as ``int | null``."""
    if annotation is REQUIRED:
        return "any"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_text(arguments[0])
    if origin is typing.Literal:
        return " | ".join(map(repr, arguments))
    if origin in {typing.Union, types.UnionType}:
        return " | ".join(map(type_text, arguments))
    if annotation is type(None):
        return "null"
    return inspect.formatannotation(annotation).replace("typing.", "").replace("collections.abc.", "")


@dataclass(frozen=True)
class Signature:
    """What a reward function takes: per-sample inputs before ``*``, configuration after it."""

    inputs: Mapping[str, bool]
    """Input name → whether it may be missing (it has a default)."""
    takes_columns: bool
    """It has ``**columns``: every column is passed."""
    parameters: Mapping[str, Parameter]


def read_signature(function: Callable[..., Any]) -> Signature:
    """Inputs and parameters of a reward function (or of a class: ``__call__`` inputs, ``__init__`` parameters)."""
    if inspect.isclass(function):
        if not any("__call__" in vars(base) for base in function.__mro__):
            raise ParameterError(f"the class {function.__qualname__!r} is no reward: its __call__ takes the inputs.")
        call = read_signature(function.__call__)
        return Signature(call.inputs, call.takes_columns, _constructor(function))
    first = next(iter(inspect.signature(function).parameters), None)
    if (
        first == "self"
        and not inspect.ismethod(function)
        and not function.__qualname__.endswith((".__call__", ".__init__"))
    ):
        raise ParameterError(
            f"@reward was put on the method {function.__qualname__!r}; put it on the class, whose __init__ takes the "
            "parameters and whose __call__ the inputs."
        )
    hints = _type_hints(function)
    inputs: dict[str, bool] = {}
    parameters: dict[str, Parameter] = {}
    takes_columns = False
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_columns = True
        elif parameter.kind is parameter.KEYWORD_ONLY:
            if name in INJECTED:
                inputs[name] = parameter.default is not REQUIRED
            else:
                parameters[name] = Parameter(name, hints.get(name, parameter.annotation), parameter.default)
        elif parameter.kind is parameter.POSITIONAL_ONLY and name != "self":
            raise ParameterError(
                f"{function.__qualname__}: inputs are passed by name; take the / out of its signature."
            )
        elif parameter.kind is not parameter.VAR_POSITIONAL and name != "self":
            inputs[name] = parameter.default is not REQUIRED
    return Signature(inputs, takes_columns, parameters)


def _constructor(kind: type) -> dict[str, Parameter]:
    """What a class's ``__init__`` takes, behind a ``*`` or not: there is nothing else that it could mean."""
    init: Callable[..., Any] = kind.__init__  # type: ignore[misc]
    if init is object.__init__:
        return {}
    hints = _type_hints(init)
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        name: Parameter(name, hints.get(name, parameter.annotation), parameter.default)
        for name, parameter in list(inspect.signature(init).parameters.items())[1:]
        if parameter.kind in named
    }


def _type_hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:
        return {}  # an annotation that cannot be resolved is documentation only


def check_parameters(
    owner: str, parameters: Mapping[str, Parameter], given: Mapping[str, Any], inputs: Collection[str] = ()
) -> dict[str, Any]:
    """The given values, validated and converted by annotation. Defaults are left out: they stay the function's.

    Raises ParameterError for an unknown name (with the nearest right one), for one of the ``inputs``, and for a value
    of the wrong type.
    """
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in parameters and name in inputs:
            raise ParameterError(
                f"{owner}: {name!r} is an input (a column of the data), not a parameter. To make it one, put it behind "
                f"a *: def …(completion, *, {name}=…)."
            )
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise ParameterError(
                f"{owner} has no parameter {name!r}.{did_you_mean(name, parameters)} Its parameters: {known}."
            )
        values[name] = _convert(owner, parameters[name], value)
    return values


def missing_parameters(parameters: Mapping[str, Parameter], given: Mapping[str, Any]) -> list[str]:
    """Required parameters without a value."""
    return [name for name, parameter in parameters.items() if parameter.required and name not in given]


_CONFIG = ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False)


def _takes_bool(annotation: Any) -> bool:
    """Whether true is a value of this type, and not merely the number 1 in disguise."""
    if annotation in (bool, Any, object):
        return True
    if typing.get_origin(annotation) is typing.Literal:
        return any(isinstance(value, bool) for value in typing.get_args(annotation))
    if annotation in (int, float):
        return False
    arguments = [a for a in typing.get_args(annotation) if isinstance(a, type) or typing.get_origin(a) is not None]
    if typing.get_origin(annotation) in (typing.Annotated, typing.Union, types.UnionType):
        return any(_takes_bool(argument) for argument in arguments)
    return True


def _convert(owner: str, parameter: Parameter, value: Any) -> Any:
    if parameter.annotation is REQUIRED:
        return value
    if isinstance(value, bool) and not _takes_bool(parameter.annotation):
        raise ParameterError(f"{owner}: parameter {parameter.name!r} must be {parameter.type_name}, got {value!r}.")
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(parameter.annotation, config=_CONFIG)
    except PydanticSchemaGenerationError:
        return value
    except Exception:  # a BaseModel refuses a config of its own
        adapter = TypeAdapter(parameter.annotation)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        problems = "; ".join(dict.fromkeys(e["msg"] for e in error.errors()))
        raise ParameterError(
            f"{owner}: parameter {parameter.name!r} must be {parameter.type_name}, got {value!r} ({problems})."
        ) from None
