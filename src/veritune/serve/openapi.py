"""The interface in OpenAPI 3.1, for ``GET /openapi.json``."""

from __future__ import annotations

from typing import Any

from veritune import __version__
from veritune.plugins import Cause
from veritune.serve.fronts import FRONTS, PLAIN
from veritune.serve.settings import Settings

_NULLABLE_NUMBER = {"type": ["number", "null"]}
_CAUSE = {"type": ["string", "null"], "enum": [*(str(cause) for cause in Cause), None]}
_TEXT_OR_CHAT = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}]}
_STATUSES = {
    "400": "No JSON, or JSON that could be read in two ways",
    "401": "The API key is missing or wrong",
    "408": "The body came too slowly",
    "409": "The id was given to another request",
    "413": "Too many bytes or samples",
    "415": "Not application/json",
    "422": "JSON of another shape, or a column that a reward needs is not there",
    "429": "The queue is full; Retry-After says when to come again",
}


def description(settings: Settings) -> dict[str, Any]:
    """The document."""
    secured: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}] if settings.key else []
    return {
        "openapi": "3.1.0",
        "info": {"title": "veritune verdicts", "version": __version__, "license": {"name": "Apache-2.0"}},
        "security": secured,
        "paths": {
            "/score": {"post": _score(settings)},
            **{front.path: {"post": _front(f"Verdicts as {front.peer} asks for them")} for front in FRONTS},
            **{path: {"post": _front("What NeMo Gym asks beside verdicts")} for path in PLAIN},
            "/rewards": {"get": _get("What is served, and within which limits")},
            "/metrics": {"get": _get("Prometheus metrics", "text/plain")},
            "/health": {"get": {**_get("The process answers"), "security": []}},
            "/ready": {"get": {**_get("Another request would be taken"), "security": []}},
        },
        "components": {
            "schemas": {"Request": _request(settings), "Sample": _SAMPLE, "Answer": _ANSWER, "Result": _RESULT}
            | {"Error": _ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _get(summary: str, kind: str = "application/json") -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": summary, "content": {kind: {}}}}}


def _front(summary: str) -> dict[str, Any]:
    """A front: its bodies are its trainer's."""
    error = {"application/json": {"schema": _ref("Error")}}
    free: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
    told = {"422": "Another shape, or undecided samples and no --undecided", "503": "Undecided for now: ask again"}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": free},
        "responses": {
            "200": {"description": "As its trainer reads it", "content": {"application/json": {}}},
            **{status: {"description": each, "content": error} for status, each in {**_STATUSES, **told}.items()},
        },
    }


def _score(settings: Settings) -> dict[str, Any]:
    error = {"application/json": {"schema": _ref("Error")}}
    return {
        "summary": "Verdicts on a batch of samples",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Request")}}},
        "responses": {
            "200": {"description": "One result a sample", "content": {"application/json": {"schema": _ref("Answer")}}},
            **{status: {"description": told, "content": error} for status, told in _STATUSES.items()},
        },
    }


def _request(settings: Settings) -> dict[str, Any]:
    seconds = f"Seconds; what is not scored by then is undecided (timeout). Default {settings.deadline:g}."
    return {
        "type": "object",
        "required": ["samples"],
        "additionalProperties": False,
        "properties": {
            "samples": {"type": "array", "maxItems": settings.batch, "items": _ref("Sample")},
            "id": {"type": ["string", "integer"], "description": "The same id again is the same answer, for nothing."},
            "deadline": {"type": "number", "exclusiveMinimum": 0, "maximum": settings.longest, "description": seconds},
            "step": {"type": "integer", "minimum": 0, "description": "The training step, for schedules."},
            "evaluation": {"type": "boolean", "default": False, "description": "With eval_only rewards."},
            "rewards": {"type": "array", "items": {"type": "string"}, "description": "These components only."},
        },
    }


_SAMPLE: dict[str, Any] = {
    "type": "object",
    "required": ["completion"],
    "additionalProperties": False,
    "properties": {
        "completion": _TEXT_OR_CHAT,
        "prompt": _TEXT_OR_CHAT,
        "completion_ids": {"type": "array", "items": {"type": "integer"}},
        "columns": {"type": "object", "description": "The data's columns: gold and whatever the rewards read."},
        "id": {"type": ["string", "integer"], "description": "Given back beside the result; no two alike."},
    },
}
_RESULT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "value": {**_NULLABLE_NUMBER, "description": "null where undecided, never 0 for a failure."},
        "cause": {**_CAUSE, "description": "Why there is no value."},
        "reason": {"type": "string"},
        "components": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"value": _NULLABLE_NUMBER, "cause": _CAUSE, "reason": {"type": "string"}},
            },
        },
        "evidence": {"type": "object", "description": "By component: answers compared, stage, limits hit …"},
        "id": {"type": ["string", "integer"]},
    },
}
_ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "results": {"type": "array", "items": _ref("Result"), "description": "In the order of the samples."},
        "identity": {"type": "string", "description": "Stands for the rewards, their parameters and versions."},
        "id": {"type": "string"},
    },
}
_ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "error": {"type": "object", "properties": {"code": {"type": "string"}, "message": {"type": "string"}}}
    },
}
