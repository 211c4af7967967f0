"""Graph and map colouring: no edge between two of one colour, and no more colours than allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from veritune.plugins.types import Verdict
from veritune.verifiers.puzzles.answer import says_none
from veritune.verifiers.puzzles.base import NONE, Answer, InvalidPuzzle, Unclear, declares_none, first
from veritune.verifiers.puzzles.tables import objects, tables

MAX_NODES, MAX_EDGES = 1000, 20_000
MAX_STEPS = 200_000
"""Steps of the search that says whether a colouring exists at all."""
_COLOURS = (
    "red|green|blue|yellow|orange|purple|violet|pink|brown|black|white|gr[ae]y|cyan|magenta|teal|gold|silver|indigo|"
    "turquoise|maroon|navy|olive|lime|beige"
)
_WORDS = r"(?:vertex|vertices|nodes?|regions?|countr(?:y|ies)|states?|points?|v)?"


class Colouring:
    """A row with ``edges`` (pairs; or ``adjacency``), ``vertices`` where some have no edge, and the colours allowed:
    ``num_colors`` (``k``), or ``color_options`` (``colors``)."""

    what = "colouring of every vertex"

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        self.edges = _edges(row)
        named = first(row, "vertices", "nodes", "regions")
        count = first(row, "num_vertices", "num_nodes", "n")
        if isinstance(named, int) and not isinstance(named, bool):
            named, count = None, named
        inside = [str(end) for edge in self.edges for end in edge]
        if named is None and isinstance(count, int) and 0 < count <= MAX_NODES:
            start = 1 if inside and min(inside, key=_number) != "0" and str(count) in inside else 0
            named = range(start, start + count)
        self.nodes = list(dict.fromkeys([*map(_name, named if named is not None else ()), *inside]))
        if not self.nodes or len(self.nodes) > MAX_NODES:
            raise InvalidPuzzle("the row has no vertices, or too many")
        if any(a == b for a, b in self.edges):
            raise InvalidPuzzle("an edge joins a vertex with itself")
        self.options, self.limit = self._colours()
        self._key = {node.lower(): node for node in self.nodes}
        self._pairs = self._patterns()
        gold = first(row, "solution", "possible_answer", "coloring", "colouring")
        if isinstance(gold, Mapping) and not declares_none(row):
            found = self._mapped(gold)
            if found is None or not self.judge(tuple(sorted(found.items()))).correct:
                raise InvalidPuzzle("the row's own colouring is wrong")

    def readings(self, text: str) -> Sequence[Answer]:
        whole: dict[Answer, None] = {}
        partial: Unclear | None = None
        for found in self._found(text):
            missing = [node for node in self.nodes if node not in found]
            if isinstance(found, _Twice):
                return [Unclear(f"it gives {found.node} two colours")]
            if missing:
                partial = partial or Unclear(f"it gives no colour to {', '.join(missing[:5])}")
                continue
            whole[tuple(sorted(found.items()))] = None
        if whole:
            return list(whole)
        if says_none(text):
            return [NONE]
        return [partial] if partial is not None else []

    def judge(self, answer: tuple[tuple[str, str], ...]) -> Verdict:
        colours = dict(answer)
        facts = {"extracted": ", ".join(f"{node}: {colour}" for node, colour in answer)[:400]}
        if self.options is not None:
            for node, colour in answer:
                if colour not in self.options:
                    return Verdict.wrong(f"{node} has the colour {colour}, which is none of those allowed", **facts)
        if self.limit is not None and len(set(colours.values())) > self.limit:
            return Verdict.wrong(f"it uses {len(set(colours.values()))} colours, more than {self.limit}", **facts)
        for a, b in self.edges:
            if colours[a] == colours[b]:
                return Verdict.wrong(f"{a} and {b} are joined and both {colours[a]}", **facts)
        return Verdict.right("every edge joins two colours", **facts)

    def declared_unsolvable(self) -> bool:
        return True  # "it cannot be done" is a plain answer to a colouring problem

    def solvable(self) -> bool | None:
        limit = self.limit if self.limit is not None else len(self.options or ())
        found = colourable(self.nodes, self.edges, limit)
        return False if found is None and declares_none(self.row) else found

    def _colours(self) -> tuple[frozenset[str] | None, int | None]:
        options = first(self.row, "color_options", "colour_options", "colors", "colours", "available_colors")
        limit = first(self.row, "num_colors", "num_colours", "k", "max_colors", "chromatic_number")
        if isinstance(options, int) and not isinstance(options, bool):
            options, limit = None, options
        if isinstance(options, str):
            options = [part for part in re.split(r"[,\s]+", options) if part]
        if isinstance(limit, str) and limit.strip().isdecimal():
            limit = int(limit)
        known = None if not isinstance(options, list | tuple) else frozenset(_colour(one) for one in options)
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            limit = None
        if known is None and limit is None:
            raise InvalidPuzzle("the row does not say how many colours there are")
        return known, limit

    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
        listed = "|".join(re.escape(node) for node in sorted(self.nodes, key=len, reverse=True))
        case = "" if any(len(node) == 1 for node in self.nodes) else "(?i:"
        prefix = r"(?i:(?:v|n|x|node|vertex)_?\{?)?" if all(node.isdecimal() for node in self.nodes) else ""
        node = rf"(?<![\w.-]){prefix}(?:{case}{listed}{')' if case else ''})(?![\w])\}}?"
        named = node.replace(prefix, f"{prefix}(?P<node>", 1) if prefix else rf"(?P<node>{node}"
        named = named.removesuffix(r"(?![\w])\}?") + r")(?![\w])\}?"
        known = "|".join(re.escape(one) for one in sorted(self.options or (), key=len, reverse=True))
        word = rf"(?i:{known + '|' if known and not known.isdecimal() else ''}{_COLOURS})"
        colour = rf"(?:(?i:{known + '|' if known else ''}{_COLOURS}|(?:colou?r\s*|c)?\d{{1,3}})|[A-Z])"
        filler = (
            r"(?:[ \t\"'`*]|(?i:\b(?:both|all|colou?red|painted|assigned|given|colou?rs?(?:\s+is)?|to|with|in)\b)|[:=]|"
            r"\b(?:the|a|The)\b(?=[ \t]))*"
        )
        other = (
            rf"(?P<other>[\"'`*\s]*\(?(?:,?\s*(?:\bor\b|/)\s*(?:maybe\s+|else\s+|a\s+)?{colour}(?!\w)|"
            rf"\s*(?:\band\b|&|\||,)\s*(?:also\s+)?{word}(?!\w|[\"'`*]*\s*[:：=(]|\s+(?:is|are|for|to)\b)))?"
        )
        one = re.compile(
            rf"(?i:\b{_WORDS}[ _#]*)?{named}[\"'`*\s)\]]*(?:[:：=|,]|->|→|⇒|↦|-|–|—|(?i:\bis\b|"
            rf"\bgets\b|\bhas\b|\breceives\b|\btakes\b|"
            rf"\bcan be\b|\bas\b)){filler}(?P<colour>{colour})(?!\w|\.\d){other}"
        )
        words = f"{known}|" if known and not known.isdecimal() else ""
        joint = rf"[\"'`*\s]*(?:,|and\b|&|;)[\"'`*\s]*(?:and\s+)?(?:(?i:{_WORDS[:-1]})\s+)?"
        group = rf"(?P<group>{node}(?:{joint}{node}){{0,60}})"
        several = re.compile(
            rf"(?P<colour>(?i:(?:colou?r|set|class|group|part)\s*(?:class\s*)?(?:\d{{1,3}}|[A-Z]\b)|{words}{_COLOURS}))"
            rf"[\"'`*\s]*(?:\([^()\n]{{0,20}}\)\s*)?(?:[:：=|]|->|→|(?i:\bis\b|\bfor\b|"
            rf"(?:\bis\s+)?(?:\b(?:assigned|given|goes)\s+)?\bto\b))[\s\"'`*\[{{(]*(?i:\b{_WORDS}\s*)?"
            rf"{group}(?!\s*(?:[:：=]|->|→))"
        )
        together = re.compile(
            rf"(?<![:：=>→|])(?<![:：=>→|][ ])(?P<group>{node}(?:{joint}{node}){{1,60}})[\"'`*\s)\]]*(?:[:：=]|->|→|"
            rf"(?i:\b(?:are|get|have|receive|take|share)\b)){filler}(?P<colour>{colour})(?!\w|\.\d){other}"
        )
        return one, several, together

    def _found(self, text: str) -> Iterator[dict[str, str]]:
        """Every colouring that a text may give, whole or not."""
        read_json = False
        for value in objects(text):
            pairs = self._paired(value)
            if pairs is not None:
                read_json = True
                yield pairs
                continue
            for mapping in _mappings(value):
                found = self._mapped(mapping)
                if found:
                    read_json = True
                    yield found
            if (
                isinstance(value, list)
                and len(value) == len(self.nodes)
                and not any(isinstance(one, list | tuple | dict) for one in value)
            ) and (text.strip().strip("`").startswith("[") or len(text) < 200):
                read_json = True
                yield {node: _colour(one) for node, one in zip(self.nodes, value, strict=True)}
        if read_json:
            return
        from_tables = [found for found in map(self._tabled, tables(text)) if found]
        yield from from_tables
        if any(len(found) == len(self.nodes) for found in from_tables):
            return
        classes, said = self._classes(text), self._said(text)
        if classes and not isinstance(classes, _Twice) and len(classes) == len(self.nodes):
            yield classes
            said = said if said and not isinstance(said, _Twice) and len(said) == len(self.nodes) else None
        elif classes:
            yield classes
        if said:
            yield said

    def _paired(self, value: Any) -> dict[str, str] | None:
        """``[(0, 'red'), (1, 'green')]``, which the edges said over again are not."""
        if not isinstance(value, list | tuple) or not all(isinstance(o, list | tuple) and len(o) == 2 for o in value):
            return None
        if any(isinstance(part, list | tuple | dict) for one in value for part in one):
            return None
        said = {(_name(a), _name(b)) for a, b in value}
        if not value or said <= {*self.edges, *((b, a) for a, b in self.edges)}:
            return None
        nodes = [self._node(a) for a, _ in value]
        if len(set(nodes)) < len(nodes):
            return None
        return {node: _colour(b) for node, (_, b) in zip(nodes, value, strict=True) if node is not None} or None

    def _said(self, text: str) -> dict[str, str] | None:
        found = _Twice()
        taken: list[tuple[int, int]] = []
        for match in self._pairs[2].finditer(text):
            taken.append(match.span())
            for node in self._group(match["group"]):
                found.give(node, _colour(match["colour"]), match["other"])
        for match in self._pairs[0].finditer(text):
            if not any(start < match.end() and match.start() < end for start, end in taken):
                found.give(self._key[match["node"].lower()], _colour(match["colour"]), match["other"])
        return (found if found.node else dict(found)) if found else None

    def _group(self, group: str) -> Iterator[str]:
        """The vertices that stand together: ``vertices 0 and 3``."""
        for one in re.findall(r"[^\s,;&\"'`*{}]+", group):
            node = self._node(one)
            if node is not None:
                yield node

    def _classes(self, text: str) -> dict[str, str] | None:
        found = _Twice()
        for match in self._pairs[1].finditer(text):
            for node in self._group(match["group"]):
                found.give(node, _colour(match["colour"]))
        if not found:
            return None
        return found if found.node else dict(found)

    def _tabled(self, table: list[list[str]]) -> dict[str, str]:
        found: dict[str, str] = {}
        if len(table) == 2 and sum(self._node(cell) is not None for cell in table[0]) > 2:
            pairs = list(zip(table[0], table[1], strict=False))
        else:
            pairs = [(row[0], row[1]) for row in table if len(row) >= 2]
        for left, right in pairs:
            node, colour = self._node(left), _colour(right)
            if node is not None and colour and len(colour) < 30:
                found[node] = colour
        return found

    def _node(self, cell: Any) -> str | None:
        text = re.sub(r"[*_`\"']", "", str(cell)).strip().lower()
        bare = re.sub(rf"^{_WORDS}[ _#]+", "", text, flags=re.IGNORECASE)
        for one in (text, bare, re.sub(r"^(?:v|n|node|vertex)", "", bare)):
            if one in self._key:
                return self._key[one]
        return None

    def _mapped(self, mapping: Mapping[Any, Any]) -> dict[str, str] | None:
        """A mapping of vertices to colours, or of colours to vertices; None for any other."""
        nodes = {key: self._node(key) for key in mapping}
        simple = all(isinstance(v, str | int | float) or v is None for v in mapping.values())
        if simple and nodes and all(nodes.values()):
            return {node: _colour(mapping[key]) for key, node in nodes.items() if node is not None}
        found: dict[str, str] = {}
        if all(isinstance(v, list | tuple) for v in mapping.values()):
            for colour, members in mapping.items():
                for member in members:
                    node = self._node(member)
                    if node is None:
                        return None
                    if found.setdefault(node, _colour(colour)) != _colour(colour):
                        return None
        return found or None


class _Twice(dict[str, str]):
    """A colouring, and the first vertex that was given two colours."""

    node: str = ""

    def give(self, node: str, colour: str, other: str | None = None) -> None:
        """``other``: a second colour beside it, as text."""
        if self.setdefault(node, colour) != colour or other:
            self.node = self.node or node


def _mappings(value: Any, depth: int = 0) -> Iterator[Mapping[Any, Any]]:
    if isinstance(value, Mapping) and depth < 5:
        yield value
        for inner in value.values():
            yield from _mappings(inner, depth + 1)
    elif isinstance(value, list) and depth < 5 and value and all(isinstance(one, Mapping) for one in value):
        if all(len(one) == 2 for one in value):
            pairs = [list(one.values()) for one in value]
            if all(not isinstance(a, list | dict) for a, _ in pairs):
                yield {a: b for a, b in pairs}
        elif all(len(one) == 1 for one in value):
            yield {key: inner for one in value for key, inner in one.items()}


def _colour(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = re.sub(r"[*_`\"']", "", str(value)).strip().lower()
    return re.sub(r"^(?:colou?r|set|class|group|part)\s*(?:class\s*)?(?=\S)", "", text).replace("grey", "gray")


def _name(node: Any) -> str:
    if isinstance(node, float) and node.is_integer():
        node = int(node)
    return str(node).strip()


def _number(node: str) -> float:
    return float(node) if node.isascii() and node.isdecimal() else float("inf")


def _edges(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    value = first(row, "edges", "borders", "adjacency", "graph", "adjacency_list")
    if isinstance(value, str):
        value = next(iter(objects(value)), None)
    if isinstance(value, Mapping):
        value = [(a, b) for a, others in value.items() for b in others]
    found: list[tuple[str, str]] = []
    for edge in value or ():
        ends = re.split(r"\s*(?:,|-|–|:|\s)\s*", edge.strip("() ")) if isinstance(edge, str) else list(edge)
        if len(ends) != 2:
            raise InvalidPuzzle(f"an edge is a pair, got {edge!r:.80}")
        found.append((_name(ends[0]), _name(ends[1])))
    if len(found) > MAX_EDGES:
        raise InvalidPuzzle(f"more than {MAX_EDGES} edges")
    return found


def colourable(nodes: Sequence[str], edges: Sequence[tuple[str, str]], limit: int) -> bool | None:
    """Whether ``limit`` colours are enough; None after MAX_STEPS steps. The most constrained vertex is next."""
    near: dict[str, set[str]] = {node: set() for node in nodes}
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    colours: dict[str, int] = {}
    steps = 0
    stack: list[tuple[str, Iterator[int]]] = []

    def choices(node: str) -> Iterator[int]:
        used = {colours[other] for other in near[node] if other in colours}
        top = max(colours.values(), default=-1) + 1  # a first new colour is as good as any other
        return iter([c for c in range(min(limit, top + 1)) if c not in used])

    def hardest() -> str | None:
        left = [node for node in nodes if node not in colours]
        if not left:
            return None
        return max(left, key=lambda n: (len({colours[o] for o in near[n] if o in colours}), len(near[n])))

    node = hardest()
    assert node is not None
    stack.append((node, choices(node)))
    while stack:
        node, options = stack[-1]
        colours.pop(node, None)
        steps += len(nodes)
        if steps > MAX_STEPS * 10:
            return None
        colour = next(options, None)
        if colour is None:
            stack.pop()
            continue
        colours[node] = colour
        following = hardest()
        if following is None:
            return True
        stack.append((following, choices(following)))
    return False
