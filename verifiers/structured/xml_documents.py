"""XML read within bounds: no document type, so no entities; elements as plain values."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from veritune.verifiers.structured.documents import MAX_DEPTH, DocumentFault

MAX_CHARACTERS = 500_000
MAX_ELEMENTS = 20_000


class Element:
    """One element: name, attributes, text of its own (white space at the ends aside) and children in order."""

    __slots__ = ("attributes", "children", "name", "pieces")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name, self.attributes = name, attributes
        self.pieces: list[str] = []
        self.children: list[Element] = []

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()


def read_xml(text: str) -> Element:
    """The root of an XML document. Raises DocumentFault; also for a DOCTYPE, past 500,000 characters, 100 levels or
    20,000 elements. Nothing outside the text is ever read."""
    if len(text) > MAX_CHARACTERS:
        raise DocumentFault(f"it has {len(text)} characters, more than {MAX_CHARACTERS}")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    top = Element("", {})
    stack = [top]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > MAX_DEPTH:
            raise DocumentFault(f"it is nested deeper than {MAX_DEPTH} levels")
        if count > MAX_ELEMENTS:
            raise DocumentFault(f"it has more than {MAX_ELEMENTS} elements")
        element = Element(name, attributes)
        stack[-1].children.append(element)
        stack.append(element)

    def end(name: str) -> None:
        stack.pop()

    def said(data: str) -> None:
        stack[-1].pieces.append(data)

    def refuse(*given: Any) -> None:
        raise DocumentFault("it has a document type (DOCTYPE), which is refused")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, said
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text.strip().encode("utf-8"), True)
    except expat.ExpatError as error:
        problem = expat.errors.messages.get(error.code, str(error))
        raise DocumentFault(f"it is no XML: {problem} at line {error.lineno}, column {error.offset + 1}") from None
    except (UnicodeError, ValueError) as error:
        if isinstance(error, DocumentFault):
            raise
        raise DocumentFault(f"it is no XML: {error}") from None
    return top.children[0]
