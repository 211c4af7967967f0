"""The calls that a row asks for, in the shapes that tool sets have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.verifiers.tool_calls import pythonic
from veritune.verifiers.tool_calls.calls import MAX_CALLS, Call, Malformed, checked, is_call_like, load
from veritune.verifiers.tool_calls.messages import message_calls
from veritune.verifiers.tool_calls.text import calls_of


@dataclass(frozen=True)
class Wanted:
    """One call that is asked for: for each argument the values that are right."""

    name: str
    allowed: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """``""`` among the values of a BFCL row: the argument may be left out."""
    alternatives: bool = False
    """Of a BFCL row: nested objects list their values too, and texts are compared as its checker does."""
    call: Call | None = None
    """The call as the row has it, where it names one value an argument."""

    def __str__(self) -> str:
        shown = {k: v[0] if len(v) == 1 else v for k, v in self.allowed.items()}
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"[:200]


def wanted_calls(gold: Any) -> list[Wanted] | None:
    """The calls of a gold; an empty list where none is to be made (``[]``), None where there is no gold.

    BFCL's ``ground_truth`` (``[{"f": {"x": [1, 2]}}]``), OpenAI's ``tool_calls``, ``[{"name": …, "arguments": {…}}]``,
    an assistant message with ``tool_calls``, Python calls (``["f(x=1)"]``), and the text of any of these. Raises
    Malformed for what is none.
    """
    if hasattr(gold, "tolist"):
        gold = gold.tolist()
    if gold is None or (isinstance(gold, float) and gold != gold) or (isinstance(gold, str) and not gold.strip()):
        return None
    if isinstance(gold, str):
        return _of_text(gold.strip())
    if isinstance(gold, Mapping):
        for key in ("tool_calls", "ground_truth", "calls", "answers"):
            if key in gold and not isinstance(gold[key], Mapping) and len(gold) > (key == "calls"):
                return wanted_calls(gold[key])
        gold = [gold]
    if not isinstance(gold, Sequence):
        raise Malformed(f"the gold is no list of calls: {gold!r:.80}")
    if len(gold) > MAX_CALLS:
        raise Malformed(f"the gold has more than {MAX_CALLS} calls")
    found: list[Wanted] = []
    for item in gold:
        if isinstance(item, Mapping) and (len(item) == 0 or all(value is None for value in item.values())):
            raise Malformed(f"the gold has an empty call: {item!r:.60}")
        found += _one(item)
    return found


def _of_text(text: str) -> list[Wanted] | None:
    if text[0] in "[{" and not pythonic.looks(text):
        try:
            return wanted_calls(load(text))
        except Malformed:
            if text[0] == "{":
                return [one for line in text.splitlines() if line.strip() for one in wanted_calls(load(line)) or []]
            raise
    written = calls_of(text)
    if written.fault or not written.calls:
        raise Malformed(f"the gold is no call: {written.fault or text[:80]!r}")
    return [_exactly(call) for call in written.calls]


def _one(item: Any) -> list[Wanted]:
    if hasattr(item, "tolist"):
        item = item.tolist()
    if isinstance(item, str):
        if item.lstrip()[:1] == "{":
            return _one(load(item))
        return [_exactly(call) for call in pythonic.read(item)]
    if not isinstance(item, Mapping):
        raise Malformed(f"the gold is no call: {item!r:.80}")
    present = {key: value for key, value in item.items() if value is not None}
    if is_call_like(present) or isinstance(present.get("name"), str) or isinstance(present.get("function"), Mapping):
        return [_exactly(call) for call in message_calls(present)]
    return [_possible(name, arguments) for name, arguments in present.items()]


def _possible(name: str, arguments: Any) -> Wanted:
    """BFCL's possible answer: each argument has a list of right values."""
    if isinstance(arguments, str):
        arguments = load(arguments)
    if not isinstance(arguments, Mapping):
        raise Malformed(f"the gold's arguments of {name[:40]!r} are no object: {arguments!r:.60}")
    allowed: dict[str, Sequence[Any]] = {}
    for key, values in checked(arguments).items():
        values = values.tolist() if hasattr(values, "tolist") else values
        if values is None:  # columns of Arrow fill up what other rows have
            continue
        if not isinstance(values, list | tuple) or not values:
            raise Malformed(f"the gold's values of {key[:40]!r} are no list: {values!r:.60}")
        allowed[key] = values
    return Wanted(str(name), allowed, alternatives=True)


def _exactly(call: Call) -> Wanted:
    return Wanted(call.name, {name: [value] for name, value in call.arguments.items()}, call=call)


def tool_schemas(tools: Any) -> dict[str, Mapping[str, Any]]:
    """Name → the JSON schema of its parameters, of a row's tools (OpenAI, BFCL, xLAM, or their text)."""
    if hasattr(tools, "tolist"):
        tools = tools.tolist()
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except (ValueError, RecursionError):
            return {}
    if isinstance(tools, Mapping):
        tools = [tools]
    found: dict[str, Mapping[str, Any]] = {}
    for tool in tools if isinstance(tools, list | tuple) else ():
        if isinstance(tool, str):
            found |= tool_schemas(tool)
            continue
        described = tool.get("function") if isinstance(tool, Mapping) else None
        described = described if isinstance(described, Mapping) else tool
        if isinstance(described, Mapping) and isinstance(described.get("name"), str):
            found[described["name"]] = _schema(described.get("parameters") or described.get("input_schema") or {})
    return found


def _schema(parameters: Any) -> Mapping[str, Any]:
    """A schema with ``properties``; xLAM gives the properties alone."""
    if isinstance(parameters, str):
        try:
            parameters = json.loads(parameters)
        except (ValueError, RecursionError):
            return {}
    if not isinstance(parameters, Mapping):
        return {}
    if isinstance(parameters.get("properties"), Mapping):
        return parameters
    if parameters and all(isinstance(value, Mapping) for value in parameters.values()):
        return {"properties": parameters}
    return {}
