"""A document against a JSON schema, in a worker: a schema's patterns and references may never come to an end."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from veritune.plugins.errors import MissingExtraError
from veritune.plugins.types import Cause
from veritune.sandbox.workers import Status, WorkerPool
from veritune.verifiers.structured.documents import DocumentFault, read_json
from veritune.verifiers.structured.fields import shown

MAX_SCHEMA = 200_000
MOST = 50
"""Faults of one document that are told."""

_pool = WorkerPool("veritune.verifiers.structured.schema:problems", memory_mb=512, recursion=5000)
_PATIENCE = 4.0
"""Wall-clock seconds a validation may take for every CPU second of its deadline."""


class Problem(NamedTuple):
    """One fault of a document: where, and what is wrong there."""

    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.message}"


class Checked(NamedTuple):
    """The faults of a document; or why there is no answer."""

    problems: list[Problem]
    cause: Cause | None = None
    reason: str = ""


def need_jsonschema(purpose: str) -> None:
    """Raise MissingExtraError where jsonschema is not installed."""
    from importlib.util import find_spec

    if find_spec("jsonschema") is None:
        raise MissingExtraError("jsonschema", "structured", purpose)


def read_schema(given: Any) -> Any:
    """The schema of a row: a mapping, its JSON, or what OpenAI's ``response_format`` wraps around it.

    Raises DocumentFault.
    """
    value = given.tolist() if hasattr(given, "tolist") else given
    if isinstance(value, str):
        value = read_json(value, unique=False)
    for name in ("json_schema", "schema"):
        inner = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(inner, Mapping | str) and not {"properties", "items", "$ref"} & set(value):
            value = read_json(inner, unique=False) if isinstance(inner, str) else inner
    if not isinstance(value, Mapping | bool):
        raise DocumentFault(f"the schema is no mapping: {given!r:.60}")
    return without_nulls(value)


def without_nulls(value: Any) -> Any:
    """A schema that a table stored: fields that other rows have are null in this one, and say nothing.

    Lists keep theirs: ``enum: [1, null]`` means it.
    """
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if item is not None or key in ("const", "default")}
        return {key: without_nulls(item) for key, item in kept.items()}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def validate(pairs: Sequence[tuple[Any, Any]], *, formats: bool, deadline: float) -> list[Checked]:
    """One result a ``(schema, document)`` pair. A validation past ``deadline`` CPU seconds is undecided (timeout)."""
    results: dict[int, Checked] = {}
    tasks: list[tuple[str, Any, bool]] = []
    places: list[int] = []
    for index, (schema, document) in enumerate(pairs):
        try:
            text = json.dumps(schema, sort_keys=True)
        except (TypeError, ValueError, RecursionError) as error:
            results[index] = Checked([], Cause.INVALID_GOLD, f"the schema is no JSON: {error}")
            continue
        if len(text) > MAX_SCHEMA:
            results[index] = Checked([], Cause.INVALID_GOLD, f"the schema has more than {MAX_SCHEMA} characters")
            continue
        tasks.append((text, document, formats))
        places.append(index)
    for index, outcome in zip(places, _pool.run(tasks, cpu=deadline, deadline=_PATIENCE * deadline), strict=True):
        results[index] = _checked(outcome, deadline)
    return [results[index] for index in range(len(pairs))]


def _checked(outcome: Any, deadline: float) -> Checked:
    if outcome.ok:
        fault, found = outcome.value
        if fault:
            return Checked([], Cause.INVALID_GOLD, f"the schema is invalid: {fault}")
        return Checked([Problem(tuple(path), message) for path, message in found])
    if outcome.status in (Status.CPU, Status.WALL, Status.QUEUE, Status.MEMORY):
        return Checked([], Cause.TIMEOUT, f"the schema takes more than {deadline:g} s on this document")
    return Checked([], Cause.INFRA_ERROR, f"the document could not be validated: {outcome.detail}")


def problems(schema: str, document: Any, formats: bool) -> tuple[str, list[tuple[list[str | int], str]]]:
    """In the worker: why the schema is none (else ``""``), and the document's faults."""
    from referencing.exceptions import Unresolvable

    try:
        validator = _validator(schema, formats)
    except Exception as error:
        return _short(getattr(error, "message", None) or f"{type(error).__name__}: {error}"), []
    found = []
    try:
        for fault in validator.iter_errors(document):
            found.append((list(fault.absolute_path), _short(fault.message)))
            if len(found) >= MOST:
                break
    except RecursionError:
        return "it refers to itself without an end", []
    except Unresolvable as error:
        return _short(f"a reference in it leads nowhere: {error}"), []
    except Exception as error:  # a pattern that is none, say
        return _short(f"{type(error).__name__}: {error}"), []
    return "", found


@functools.lru_cache(maxsize=256)
def _validator(schema: str, formats: bool) -> Any:
    """The validator of a schema's JSON. Nothing is fetched: a reference to another place leads nowhere."""
    import jsonschema
    from jsonschema.validators import validator_for
    from jsonschema_specifications import REGISTRY

    value = json.loads(schema)
    kind: Any = validator_for(value, default=jsonschema.Draft202012Validator)
    kind.check_schema(value)
    return kind(value, registry=REGISTRY, format_checker=kind.FORMAT_CHECKER if formats else None)


def _short(text: str) -> str:
    flat = " ".join(str(text).split())
    return flat if len(flat) <= 200 else f"{flat[:120]} … {flat[-70:]}"
