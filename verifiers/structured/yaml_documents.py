"""YAML read strictly and within bounds: YAML 1.2's scalars, plain tags, no duplicate keys, no bomb of aliases."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from veritune.verifiers.structured.documents import MAX_DEPTH, MAX_DIGITS, DocumentFault

MAX_CHARACTERS = 200_000
MAX_NODES = 100_000
"""Values of one document, each alias counted with all that it stands for."""

_NULL = frozenset(["", "~", "null", "Null", "NULL"])
_TRUE, _FALSE = frozenset(["true", "True", "TRUE"]), frozenset(["false", "False", "FALSE"])
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(["", "!", *(_TAG + name for name in ("str", "int", "float", "bool", "null", "seq", "map"))])


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not closed yet."""

    value: Any
    anchor: str | None
    nodes: int = 1
    key: str | None = None
    named: bool = False
    seen: set[str] = field(default_factory=set)


def read_yaml(text: str) -> Any:
    """The value of one YAML document: mappings with text keys, lists, texts, numbers, true, false and null.

    Scalars are those of YAML 1.2's core schema (``yes`` and ``2026-11-30`` are texts). Raises DocumentFault, also for
    what is not finite, for keys twice in a mapping, tags of a language, several documents, past 200,000 characters, 100
    levels or 100,000 values with all aliases followed.
    """
    import yaml

    if len(text) > MAX_CHARACTERS:
        raise DocumentFault(f"it has {len(text)} characters, more than {MAX_CHARACTERS}")
    text = text if text.endswith("\n") else f"{text}\n"  # a folded text ends in a line break
    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return _built(yaml.parse(text, Loader=loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise DocumentFault(f"it is no YAML: {getattr(error, 'problem', None) or error}{where}") from None
    except (UnicodeError, ValueError) as error:
        if isinstance(error, DocumentFault):
            raise
        raise DocumentFault(f"it is no YAML: {error}") from None


def _built(events: Any) -> Any:
    """The value that a stream of events describes, without recursion: a hostile text never builds a deep stack."""
    open_ones: list[_Open] = []
    anchors: dict[str, tuple[Any, int]] = {}
    documents: list[Any] = []
    total = 0
    for event in events:
        kind = type(event).__name__
        if kind in ("SequenceStartEvent", "MappingStartEvent"):
            _known(event.tag)
            if len(open_ones) >= MAX_DEPTH:
                raise DocumentFault(f"it is nested deeper than {MAX_DEPTH} levels")
            open_ones.append(_Open([] if kind[0] == "S" else {}, event.anchor))
            continue
        if kind in ("SequenceEndEvent", "MappingEndEvent"):
            closed = open_ones.pop()
            value, nodes, anchor = closed.value, closed.nodes, closed.anchor
        elif kind == "ScalarEvent":
            value, nodes, anchor = _scalar(event), 1, event.anchor
        elif kind == "AliasEvent":
            if event.anchor not in anchors:
                raise DocumentFault(f"the alias {event.anchor!r:.40} stands for nothing, or for what holds it")
            (value, nodes), anchor = anchors[event.anchor], None
        else:
            continue
        total += nodes if kind == "AliasEvent" else 1
        if total > MAX_NODES:
            raise DocumentFault(f"it has more than {MAX_NODES} values")
        if anchor is not None:
            anchors[anchor] = (value, nodes)
        if not open_ones:
            documents.append(value)
        else:
            _into(open_ones[-1], value, nodes)
    if len(documents) != 1:
        raise DocumentFault(f"it holds {len(documents)} documents")
    return documents[0]


def _into(parent: _Open, value: Any, nodes: int) -> None:
    parent.nodes += nodes
    if isinstance(parent.value, list):
        parent.value.append(value)
    elif not parent.named:
        if not isinstance(value, str):
            raise DocumentFault(f"the key {value!r:.40} is no text")
        if value in parent.seen:
            raise DocumentFault(f"the field {value!r:.80} stands twice in one mapping")
        parent.seen.add(value)
        parent.key, parent.named = value, True
    else:
        parent.value[parent.key], parent.named = value, False


def _known(tag: str | None) -> None:
    if (tag or "") not in _PLAIN_TAGS:
        raise DocumentFault(f"the tag {tag!r:.60} is none of plain data")


def _scalar(event: Any) -> Any:
    text, tag = event.value, event.tag or ""
    _known(tag)
    if tag in (_TAG + "str", "!") or (not tag and not event.implicit[0]):
        return text
    if _NOT_FINITE.fullmatch(text):
        raise DocumentFault(f"{text} is no finite number")
    value = _plain(text)
    wanted = {"int": int, "float": float, "bool": bool, "null": type(None)}.get(tag.removeprefix(_TAG))
    if wanted is float and type(value) is int:
        return float(value)
    if wanted is not None and type(value) is not wanted:
        raise DocumentFault(f"{text!r:.40} is no {tag.removeprefix(_TAG)}")
    return value


def _plain(text: str) -> Any:
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) > MAX_DIGITS and _FLOAT.fullmatch(text):
        raise DocumentFault(f"a number has more than {MAX_DIGITS} digits")
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise DocumentFault(f"{text!r:.40} is no finite number")
        return number
    return text
