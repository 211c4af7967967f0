"""The verifier ``xml``: elements, attributes and texts that a row expects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.verifiers.judged import judged
from veritune.verifiers.math.extraction.reasoning import names_reasoning
from veritune.verifiers.structured.documents import DocumentFault, read_json
from veritune.verifiers.structured.extraction import Which, fenced, refuse_denied
from veritune.verifiers.structured.xml_documents import MAX_CHARACTERS, Element, read_xml

Extra: TypeAlias = Literal["refuse", "allow"]
_NAME = re.compile(r"[A-Za-z_][\w.:-]*")
MAX_EXPECTED = 2000
"""Fields that a row may expect."""


class Xml:
    """Checks the XML of an answer. What is expected is written as xmltodict writes XML, or as a list of elements.

    ``{"person": {"@id": "7", "name": "Ada", "skill": ["a", "b"], "note": null}}``: an element ``person`` with the
    attribute ``id``, one child ``name`` with that text, two ``skill`` in that order, and a ``note`` with any text that
    says something; ``#text`` is an element's own text beside children. A list (``["title", "body"]``) asks for these
    elements side by side, once each and in order, each with something in it. ``extra: allow`` lets further elements and
    attributes stand. ``score`` is the share of what is expected that is there (and of what is there, if nothing extra
    may stand).
    """

    def __init__(
        self, *, extra: Extra = "refuse", which: Which = "only", prefilled: bool | Literal["auto"] = "auto"
    ) -> None:
        self.extra, self.which, self.prefilled = extra, which, prefilled

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The verdict on one completion."""
        try:
            wanted = _wanted(gold)
        except DocumentFault as fault:
            return Verdict.undecided(Cause.INVALID_GOLD, str(fault))
        try:
            answer = _answer(completion, prompt, self.prefilled, wanted)
            if answer is None:
                return Verdict.wrong("the reasoning never ends, so there is no answer")
            return self._verdict(answer, wanted, isinstance(gold, Mapping | str))
        except DocumentFault as fault:
            return Verdict.wrong(str(fault)[:280])
        except Exception as error:  # no text raises: a bug of ours is undecided
            return Verdict.undecided(Cause.INTERNAL_ERROR, record("reading XML", error, completion=completion))

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return [self.verify(completion, gold) for completion, gold in pairs]

    def _verdict(self, answer: str, wanted: Mapping[str, Any], rooted: bool) -> Verdict:
        top = _root(answer, wanted, self.which)
        found = list(_checks(top, wanted, "", self.extra))
        order = [child.name for child in top.children if child.name in wanted]
        if len(wanted) > 1 and order != sorted(order, key=list(wanted).index):
            found.append((False, "the elements stand in another order"))
        right = sum(good for good, _ in found)
        facts: dict[str, Any] = {"extracted": answer.strip()[:200], "expected": repr(dict(wanted))[:200]}
        if right == len(found):
            return Verdict.right(f"all {right} elements, attributes and texts are there", **facts)
        first = next(said for good, said in found if not good)
        reason = f"{right} of {len(found)} are there; {first}"
        return Verdict.wrong(reason[:280], score=right / max(len(found), 1), **facts)


def _answer(completion: str, prompt: str, prefilled: bool | Literal["auto"], wanted: Mapping[str, Any]) -> str | None:
    """What is judged. Elements that the row asks for are no thinking, whatever their names: ``<reasoning>``."""
    thoughts = [name for name in _names(wanted) if name == "answer" or names_reasoning(name)]
    if not thoughts:
        return judged(completion, prompt, prefilled, inside=True)
    either = "|".join(map(re.escape, thoughts))
    begun = re.search(rf"<(?:{either})(?:\s[^<>]*)?>\s*$", prompt[-200:])
    if begun is not None:  # the prompt opened the element that the completion closes
        completion, prefilled = begun[0].strip() + completion, False
    numbers = {name: f"{_KEPT}{number}" for number, name in enumerate(thoughts)}
    kept = re.sub(rf"(</?)({either})(?=[\s/>])", lambda mark: mark[1] + numbers[mark[2]], completion)
    answer = judged(kept, prompt, prefilled, inside=True)
    back = {number: name for name, number in numbers.items()}
    return None if answer is None else re.sub(rf"(?<=[</]){_KEPT}\d+", lambda m: back.get(m[0], m[0]), answer)


_KEPT = "veritune-kept-"


def _names(wanted: Mapping[str, Any]) -> Iterator[str]:
    """The names of all elements that are asked for, those inside of others too."""
    for name, inner in wanted.items():
        if name != "#text" and not name.startswith("@"):
            yield name
        for item in inner if isinstance(inner, list) else [inner]:
            if isinstance(item, Mapping):
                yield from _names(item)


def _wanted(gold: Any) -> Mapping[str, Any]:
    """What is expected, as a mapping of element names. Raises DocumentFault for what is no expectation."""
    value = gold.tolist() if hasattr(gold, "tolist") else gold
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = read_json(value)
    elif isinstance(value, str) and value.lstrip().startswith("<"):
        root = read_xml(value)
        value = {root.name: _as_expected(root)}
    if isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value):
        value = dict.fromkeys(value)
    if not isinstance(value, Mapping) or not value:
        raise DocumentFault(f"the row expects no elements: {gold!r:.60}")
    count, stack = 0, [value]
    while stack:
        for name, inner in stack.pop().items():
            count += 1
            bare = str(name).removeprefix("@")
            if name != "#text" and not _NAME.fullmatch(bare):
                raise DocumentFault(f"{name!r:.40} is no name of an element or attribute")
            items = inner if isinstance(inner, list) else [inner]
            stack.extend(item for item in items if isinstance(item, Mapping))
    if count > MAX_EXPECTED:
        raise DocumentFault(f"the row expects more than {MAX_EXPECTED} fields")
    return value


def _as_expected(element: Element) -> Any:
    """An element as xmltodict writes it."""
    if not element.attributes and not element.children:
        return element.text or None
    made: dict[str, Any] = {f"@{name}": value for name, value in element.attributes.items()}
    for child in element.children:
        inner = _as_expected(child)
        if child.name in made:
            before = made[child.name]
            made[child.name] = [*before, inner] if isinstance(before, list) else [before, inner]
        else:
            made[child.name] = inner
    return {**made, "#text": element.text} if element.text else made


def _root(answer: str, wanted: Mapping[str, Any], which: Which) -> Element:
    """An element without a name that holds the elements of the answer."""
    fences = fenced(answer, ("xml", "html", "svg"))
    if len(fences) > 1 and which == "only":
        raise DocumentFault(f"it has {len(fences)} fenced documents, and one is asked for")
    text = (fences[0] if which == "first" else fences[-1]) if fences else answer
    if len(text) > MAX_CHARACTERS:
        raise DocumentFault(f"it has {len(text)} characters, more than {MAX_CHARACTERS}")
    text = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", text)
    if len(wanted) == 1:
        text = _span(text, next(iter(wanted)), which)
    elif re.search(r"<!DOCTYPE", text, re.IGNORECASE):
        raise DocumentFault("it has a document type (DOCTYPE), which is refused")
    else:
        text = _between(text, list(wanted))
    return read_xml(f"<all>{text}</all>")


def _span(text: str, name: str, which: Which) -> str:
    """The one element of this name, out of the prose around it."""
    text = _without_comments(text)
    if re.search(r"<!DOCTYPE", text, re.IGNORECASE):
        raise DocumentFault("it has a document type (DOCTYPE), which is refused")
    marks = list(re.finditer(rf"<(/?){re.escape(name)}(?=[\s/>])[^<>]*?(/?)>", text))
    found: list[tuple[int, int]] = []
    depth, start = 0, 0
    for mark in marks:
        if not mark[1] and depth == 0:
            start = mark.start()
        depth += -1 if mark[1] else 0 if mark[2] else 1
        if depth == 0:
            found.append((start, mark.end()))
        if depth < 0:
            raise DocumentFault(f"</{name}> closes nothing")
    if depth or not found:
        raise DocumentFault(f"<{name}> is never closed" if depth else f"there is no <{name}>")
    if len(found) > 1 and which == "only":
        raise DocumentFault(f"<{name}> stands {len(found)} times, and one is asked for")
    first, last = found[0] if which == "first" else found[-1]
    refuse_denied(text, first, last)
    return text[first:last]


def _without_comments(text: str) -> str:
    pieces = text.split("<!--")
    return pieces[0] + "".join(rest for _, closed, rest in (p.partition("-->") for p in pieces[1:]) if closed)


def _between(text: str, names: Sequence[str]) -> str:
    """From the first of the elements to the end of the last; prose around them falls away."""
    either = "|".join(map(re.escape, names))
    first = re.search(rf"<(?:{either})(?=[\s/>])", text)
    ends = [mark.end() for mark in re.finditer(rf"</(?:{either})\s*>|<(?:{either})(?:\s[^<>]*)?/>", text)]
    if first is None or not ends or ends[-1] < first.start():
        raise DocumentFault(f"there is none of {', '.join(f'<{name}>' for name in names)}"[:200])
    return text[first.start() : ends[-1]]


def _checks(element: Element, wanted: Mapping[str, Any], path: str, extra: Extra) -> Iterator[tuple[bool, str]]:
    """One finding an expected element, attribute or text; with ``refuse``, one for each that is not expected."""
    for name, inner in wanted.items():
        if name == "#text":
            yield _text(element.text, inner, path or "the text")
        elif name.startswith("@"):
            where = f"{path}/{name}"
            given = element.attributes.get(name[1:])
            yield (False, f"the attribute {where} is missing") if given is None else _text(given, inner, where)
        else:
            yield from _children(element, name, inner, f"{path}/{name}" if path else name, extra)
    if extra == "refuse":
        for child in element.children:
            if child.name not in wanted:
                yield from _each(_leaves(child), f"<{child.name}> is not asked for"[:120])
        for name in element.attributes:
            if f"@{name}" not in wanted:
                yield False, f"the attribute {name} is not asked for"[:120]


def _children(element: Element, name: str, inner: Any, path: str, extra: Extra) -> Iterator[tuple[bool, str]]:
    items = inner if isinstance(inner, list) else [inner]
    given = [child for child in element.children if child.name == name]
    for child in given[len(items) :]:
        yield from _each(_leaves(child), f"<{path}> stands {len(given)} times, {len(items)} are asked for")
    for index, item in enumerate(items):
        if index >= len(given):
            yield from _each(_asked(item), f"<{path}> is missing")
            continue
        child = given[index]
        if isinstance(item, Mapping):
            if not item:
                yield True, ""
            yield from _checks(child, item, path, extra)
        elif item is None and child.children:
            yield True, ""
        else:
            yield _text(child.text, item, path)
            if extra == "refuse" and (child.children or child.attributes) and item is not None:
                yield False, f"<{path}> holds more than its text"


def _each(count: int, reason: str) -> Iterator[tuple[bool, str]]:
    for _ in range(count):
        yield False, reason


def _leaves(element: Element) -> int:
    """Attributes and texts of an element and all in it; an empty element is one."""
    inner = sum(map(_leaves, element.children)) + len(element.attributes)
    return inner + bool(element.text.strip() or not inner)


def _asked(item: Any) -> int:
    """Attributes and texts that are asked for in an element; any element is one."""
    if not isinstance(item, Mapping):
        return 1
    inner = [one for value in item.values() for one in (value if isinstance(value, list) else [value])]
    return sum(map(_asked, inner)) or 1


def _text(given: str, wanted: Any, path: str) -> tuple[bool, str]:
    if wanted is None:
        return bool(given.strip()), f"{path} is empty"
    text = str(wanted).lower() if isinstance(wanted, bool) else str(wanted)
    return " ".join(given.split()) == " ".join(text.split()), f"{path} is {given!r:.60}, not {text!r:.60}"
