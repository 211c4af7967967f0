"""Grids as people and models write them: lines, tables, boxes drawn with signs, lists of lists, JSON, one long line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from veritune.verifiers.puzzles.tables import objects

Grid = tuple[tuple[str, ...], ...]

BLANK = "."
_BLANKS = re.compile(r"[.?□⬜◻▢]|\\_|\\square\b|\\Box\b|_+")
_BREAKS = re.compile(
    r"\\\\(?:\s*\[[^\]\n]{0,12}\])?|\\n|\\hline\b|\\cline\s*\{[^}\n]{0,12}\}|</tr>|</?table>|<br\s*/?>|\]\s*,?(?=\s*[\[\]\n]|\s*$)|;"
)
_MATRIX = re.compile(
    r"\\(?:begin|end)\s*\{[^}\n]{0,20}\}(?:\s*\{[^}\n]{0,80}\})?|\\left.|\\right.|</?[a-z]+[^<>\n]{0,60}>"
)
_ORDINALS = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
_COUNTS = "one|two|three|four|five|six|seven|eight|nine|ten"
_LABEL = re.compile(
    rf"(?:\b(?:and\s+|then\s+|finally,?\s+)?(?:the\s+)?(?:\d{{1,2}}\s*(?:st|nd|rd|th)|{_ORDINALS}|last|top|bottom)\s+(?:row|line)\b"
    rf"|\b(?:and\s+|then\s+|finally,?\s+)?(?:row|line)[\s_#]*(?:\d{{1,2}}|{_COUNTS})\b|第\s*[一二三四五六七八九十\d]+\s*[行排])"
    rf"[\"']?(?:\s+(?:is|reads|becomes|are))?[ \t]*[:：=\-–—|>]*",
    re.IGNORECASE,
)
_SHORT_LABEL = re.compile(r"^[\s|│║\"'*]*[rR]\s?\d{1,2}[\"']?\s*[:=|)\]-]*(?=[\s|\d\"'\[])")
_INNER_LABEL = re.compile(r"(?:[,;.]\s*|\s)(?:and\s+)?\b[rR]\s?\d{1,2}\s*[:=)]\s*")
"""``R1: 1234, R2: 3412``: a label behind another row."""
_CELL = re.compile(
    r"\b[rR](?:ow)?\s*(\d{1,2})\s*,?\s*[cC](?:ol(?:umn)?)?\s*(\d{1,2})\b[\"'\s]*(?:=|:|->|→|is)\s*[\"']?(\w{1,2})\b"
)
_FRAME = re.compile(r"[>\\|│┃║¦&,\[\](){}\"'`*$+:\u2500-\u257f]|\b(?:None|null)\b")
_RULE = re.compile(r"[\s|│┃║¦+=:_\-–—*#~\u2500-\u257f`$\\.]*")
_PROSE = re.compile(r".*[:：]")

MAX_LINES = 4000


@dataclass(frozen=True)
class Shape:
    """A grid's size and the signs that its cells may hold."""

    rows: int
    columns: int
    symbols: frozenset[str]
    """Whole cells, upper case: ``5``, ``12``, ``A``, ``#``."""

    @property
    def single(self) -> bool:
        """Every cell is one character, so that a row may be written without spaces."""
        return all(len(symbol) == 1 for symbol in self.symbols)


def grids(text: str, shape: Shape) -> list[Grid]:
    """The different complete grids of this shape in a text, in order; what has empty cells is none."""
    found: dict[Grid, None] = {}
    for grid in _all_grids(text, shape):
        if all(cell in shape.symbols for line in grid for cell in line):
            found[grid] = None
    return list(found)


def read_grid(value: object, shape: Callable[[int, int], Shape] | Shape) -> Grid | None:
    """A row's own grid, which may have empty cells (BLANK): a string, lines, a list of strings or of lists."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    lines = _column_value(value)
    if lines is None:
        return None
    return tuple(tuple(_own_cell(cell) for cell in line) for line in lines)


def _column_value(value: object) -> list[list[object]] | None:
    if isinstance(value, list | tuple) and value and all(isinstance(line, str) for line in value):
        value = [list(line) if not re.search(r"[\s,|]", line.strip()) else re.split(r"[\s,|]+", line.strip(" |\t"))
                 for line in value]  # fmt: skip
    if isinstance(value, list | tuple) and value and all(isinstance(line, list | tuple) for line in value):
        return [list(line) for line in value if line]
    return None


def _own_cell(cell: object) -> str:
    if (
        cell is None
        or cell == 0
        or (isinstance(cell, str) and cell.strip() in ("", "0", ".", "_", "?", "*", "-", "x", "□"))
    ):
        return BLANK
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip().upper()


def _all_grids(text: str, shape: Shape) -> Iterator[Grid]:
    for value in objects(text):
        yield from _of_json(value, shape)
    yield from _in_one_line(text, shape)
    yield from _spread(text, shape)
    yield from _by_cells(text, shape)
    yield from _by_lines(text, shape)


def _of_json(value: object, shape: Shape, depth: int = 0) -> Iterator[Grid]:
    """Lists of rows (lists of cells, or strings), and mappings of them, wherever they stand in JSON."""
    if depth > 5:
        return
    if isinstance(value, Mapping):
        rows = list(value.values())
        if len(rows) == shape.rows:
            yield from _of_json(rows, shape, depth + 5)
        for inner in rows:
            yield from _of_json(inner, shape, depth + 1)
    elif isinstance(value, list | tuple):
        lines = [_json_row(line, shape) for line in value]
        if len(lines) == shape.rows and None not in lines:
            yield tuple(line for line in lines if line is not None)
        elif len(value) == shape.rows * shape.columns and not any(isinstance(one, list | dict) for one in value):
            cells = [str(one).strip().upper() for one in value]
            yield tuple(tuple(cells[n : n + shape.columns]) for n in range(0, len(cells), shape.columns))
        else:
            for inner in value[:50]:
                yield from _of_json(inner, shape, depth + 1)


def _json_row(line: object, shape: Shape) -> tuple[str, ...] | None:
    if isinstance(line, Mapping):
        line = list(line.values())
    if isinstance(line, str) and shape.single and len(line.strip()) == shape.columns:
        return tuple(line.strip().upper())
    if isinstance(line, str):
        line = re.split(r"[\s,|]+", line.strip(" |"))
    if isinstance(line, list | tuple) and len(line) == shape.columns:
        return tuple(str(cell).strip().upper() for cell in line)
    return None


def _in_one_line(text: str, shape: Shape) -> Iterator[Grid]:
    """All cells in one run of characters: ``153426987497…``."""
    if not shape.single:
        return
    alphabet = "".join(re.escape(symbol) for symbol in sorted(shape.symbols))
    flags = re.IGNORECASE if any(symbol.isalpha() for symbol in shape.symbols) else 0
    size = shape.rows * shape.columns
    for found in re.finditer(rf"(?<!\w)[{alphabet}]{{{size}}}(?!\w)", text, flags):
        cells = found[0].upper()
        yield tuple(tuple(cells[i : i + shape.columns]) for i in range(0, size, shape.columns))


def _spread(text: str, shape: Shape) -> Iterator[Grid]:
    """All cells of a grid in one line, with signs between them: ``3 4 1 2 2 1 3 4 …``, ``(3,4,1,2),(2,1,3,4) …``."""
    size = shape.rows * shape.columns
    for line in text.split("\n")[:MAX_LINES]:
        cells = re.sub(r"[^\w.#?]", " ", line).upper().split() if len(line) >= 2 * size - 1 else []
        if len(cells) == size and all(cell in shape.symbols for cell in cells):
            yield tuple(tuple(cells[n : n + shape.columns]) for n in range(0, size, shape.columns))


def _by_cells(text: str, shape: Shape) -> Iterator[Grid]:
    """``R1C1 = 5, R1C2 = 3 …``, every cell once."""
    cells: dict[tuple[int, int], str] = {}
    for found in _CELL.finditer(text):
        place, symbol = (int(found[1]), int(found[2])), found[3].upper()
        if cells.setdefault(place, symbol) != symbol:
            return
    wanted = [[(r, c) for c in range(1, shape.columns + 1)] for r in range(1, shape.rows + 1)]
    if all(place in cells for line in wanted for place in line):
        yield tuple(tuple(cells[place] for place in line) for line in wanted)


def _by_lines(text: str, shape: Shape) -> Iterator[Grid]:
    """Lines with a row each, one after the other; rules and empty lines between them do not matter."""
    block: list[list[str]] = []
    for line in _rows(text, shape):
        if line is None:
            yield from _blocks(block, shape)
            block = []
        elif line:
            block.append(line)
    yield from _blocks(block, shape)


def _blocks(lines: list[list[str]], shape: Shape) -> Iterator[Grid]:
    """Grids of a block of rows: header and row labels aside, one below the other, or several."""
    rows, columns = shape.rows, shape.columns
    plain: list[tuple[str, ...]] = []
    runs: list[list[tuple[str, ...]]] = []
    numbers = [str(n) for n in range(1, columns + 1)]
    at = 0
    while at < len(lines):
        labelled = lines[at : at + rows]
        if len(labelled) == rows and all(len(line) == columns + 1 for line in labelled) and _labels(labelled):
            runs += [plain, [tuple(line[1:]) for line in labelled]]
            plain, at = [], at + rows
        elif len(lines[at]) == columns:
            plain.append(tuple(lines[at]))
            at += 1
        else:
            runs.append(plain)
            plain, at = [], at + 1
    for run in [*runs, plain]:
        if len(run) % rows == 1 and run and list(run[0]) == numbers and len(run) > 1:
            run = run[1:]
        if run and len(run) % rows == 0:
            for start in range(0, len(run), rows):
                yield tuple(run[start : start + rows])


def _labels(lines: Sequence[Sequence[str]]) -> bool:
    """Whether the first cells are 1, 2, 3, … or 0, 1, 2, … or A, B, C, …"""
    heads = [line[0] for line in lines]
    count = len(heads)
    return heads in (
        [str(n) for n in range(1, count + 1)],
        [str(n) for n in range(count)],
        [chr(65 + n) for n in range(count)],
    )


def _rows(text: str, shape: Shape) -> Iterator[list[str] | None]:
    """A list of cells for a line that is a row, ``[]`` for one that separates nothing, None for one of other text."""
    if ";" in text:
        text = "\n".join(_between_semicolons(line, shape) for line in text.split("\n"))
    text = _MATRIX.sub(" ", _BREAKS.sub("\n", text))
    text = _INNER_LABEL.sub("\n", _LABEL.sub("\n", text))
    if shape.single:
        text = _quoted_rows(text, shape)
    for number, line in enumerate(text.split("\n")):
        if number > MAX_LINES:
            return
        yield from _cells(line, shape)


def _between_semicolons(line: str, shape: Shape) -> str:
    """``1;2;3;4`` is a row, and ``1 2 3 4; 3 4 1 2`` are two."""
    cells = [cell.strip().upper() for cell in line.strip().strip(";").split(";")]
    return " ".join(cells) if len(cells) == shape.columns and all(c in shape.symbols for c in cells) else line


def _quoted_rows(text: str, shape: Shape) -> str:
    """``["5346…", "6721…"]`` and ``5346… / 6721…``: each run of a row's length on a line of its own."""
    alphabet = "".join(re.escape(symbol) for symbol in sorted(shape.symbols))
    run = rf"(?<![\w.])[{alphabet}]{{{shape.columns}}}(?![\w.])"
    if shape.columns < 3:
        return text
    flags = re.IGNORECASE if any(symbol.isalpha() for symbol in shape.symbols) else 0
    lines = []
    for line in text.split("\n"):
        runs = re.findall(run, line, flags)
        rest = re.sub(run, " ", line, flags=flags) if len(runs) > 1 else "x"
        lines.append("\n".join(runs) if not re.search(r"\w", rest) else line)
    return "\n".join(lines)


def _cells(line: str, shape: Shape) -> Iterator[list[str] | None]:
    if not line.strip():
        yield []
        return
    found = _one_row(line, shape)
    if found is None and (":" in line or "：" in line):
        before, rest = _PROSE.match(line), _PROSE.sub("", line, count=1)
        found = _one_row(rest, shape) if before is not None and rest.strip() else None
        if found:
            yield None
    if found is not None:
        yield found
    else:
        yield [] if _RULE.fullmatch(line) or not re.search(r"\w", line) else None


def _one_row(line: str, shape: Shape) -> list[str] | None:
    """The cells of one line, labels among them; None for a rule or other text."""
    line = _SHORT_LABEL.sub(" ", line, count=1)
    columns = shape.columns
    if _RULE.fullmatch(line) and not (any(s in "#.*-" for s in shape.symbols) and re.search(r"[#.*-]", line)):
        return [] if not _BLANKS.search(line) or not re.search(r"[.?_]\s*[|\s]\s*[.?_]", line) else [BLANK] * columns
    if line.count("|") >= columns - 1 >= 2 and re.search(r"\|\s+\|", line):
        line = re.sub(r"\|(?=\s+\|)", f"| {BLANK} ", re.sub(r"\|\s*$", "|", line))
    bare = _FRAME.sub(lambda m: f" {BLANK} " if m[0] in ("None", "null") else " ", line)
    bare = re.sub(r"(?<=[\s\d])[-–—](?=[\s\d]|$)|^[-–—](?=\s)", " ", bare) if "-" not in shape.symbols else bare
    bare = re.sub(r"(?<=\w)[.](?=\s|$)", "", bare) if BLANK not in shape.symbols else bare
    bare = _BLANKS.sub(BLANK, bare) if BLANK not in shape.symbols else bare
    words = bare.upper().split()
    if not words:
        return []
    known = shape.symbols | {BLANK, "0"}
    labels = {str(n) for n in range(columns + 1)} | {chr(65 + n) for n in range(columns)}
    if len(words) in (columns, columns + 1) and all(
        w in known or (i == 0 and w.rstrip(".)") in labels) for i, w in enumerate(words)
    ):
        return [words[0].rstrip(".)") or BLANK, *words[1:]] if len(words) > columns else words
    if not shape.single:
        return None
    first = words[0].rstrip(".)")
    for parts in (words, words[1:] if first in labels and len(words) > 1 else words):
        cells = list("".join(parts))
        if len(cells) == columns and all(cell in known for cell in cells):
            return cells if len(parts) == len(words) else [first, *cells]
    if len(words[0]) > 2 and re.fullmatch(r"\d{1,2}[.)].*", words[0]):
        cells = list("".join(words))
        head = re.match(r"\d{1,2}", words[0])
        rest = list(re.sub(r"^\d{1,2}[.)]", "", "".join(words)))
        if head is not None and len(rest) == columns and all(cell in known for cell in rest):
            return [head[0], *rest]
    return None
