"""A grid as models write it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator

Lines = list[list[str]]


def lines_of(cells: str) -> Lines:
    size = math.isqrt(len(cells))
    return [list(cells[n : n + size]) for n in range(0, len(cells), size)]


def banded(lines: Lines, sign: str, rule: str | None) -> str:
    size = len(lines)
    rows = max(n for n in range(1, size + 1) if size % n == 0 and n * n <= size)
    width = size // rows
    out = []
    for number, line in enumerate(lines):
        if number and number % rows == 0 and rule is not None:
            out.append(rule)
        out.append(f" {sign} ".join(" ".join(line[at : at + width]) for at in range(0, size, width)))
    return "\n".join(out)


def table(lines: Lines, head: list[str] | None, labels: list[str] | None = None) -> str:
    width = len(lines[0]) + bool(labels)
    out = []
    if head is not None:
        out = [f"| {' | '.join([*([''] if labels else []), *head])} |", "|" + "---|" * width]
    for number, line in enumerate(lines):
        out.append(f"| {' | '.join([*([labels[number]] if labels else []), *line])} |")
    return "\n".join(out)


def grid_forms(cells: str) -> Iterator[tuple[str, str]]:
    """Names and texts."""
    lines = lines_of(cells)
    size = len(lines)
    numbers = [str(n + 1) for n in range(size)]
    words = ["".join(line) for line in lines]
    spaced = [" ".join(line) for line in lines]
    ints = [[int(cell) for cell in line] for line in lines]

    def each(write: Callable[[int, list[str]], str], join: str = "\n") -> str:
        return join.join(write(number, line) for number, line in enumerate(lines, 1))

    yield "one line", cells
    yield "lines", "\n".join(words)
    yield "spaced", "\n".join(spaced)
    yield "wide", "\n".join("  ".join(line) for line in lines)
    yield "tabs", "\n".join("\t".join(line) for line in lines)
    yield "commas", "\n".join(", ".join(line) for line in lines)
    yield "bands", banded(lines, "|", "------+-------+------")
    yield "bands without rules", banded(lines, "|", None)
    yield "bands apart", banded(lines, " ", "")
    frame = "+-------+-------+-------+"
    inside = [line if line == frame else f"| {line} |" for line in banded(lines, "|", frame).split("\n")]
    yield "framed bands", "\n".join([frame, *inside, frame])
    rule = "+" + "---+" * size
    yield "ascii", f"{rule}\n" + f"\n{rule}\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n{rule}"
    double = "\n╠" + "═══╬" * (size - 1) + "═══╣\n"
    yield "box drawing", double.join(f"║ {' ║ '.join(line)} ║" for line in lines)
    yield "markdown", table(lines, [f"C{n}" for n in numbers])
    yield "markdown without head", table(lines, None)
    yield "markdown with numbers", table(lines, numbers)
    yield "markdown with labels", table(lines, [f"C{n}" for n in numbers], [f"R{n}" for n in numbers])
    yield "markdown with bold labels", table(lines, numbers, [f"**{n}**" for n in numbers])
    yield "markdown, first row as head", table(lines[1:], lines[0])
    yield "json", json.dumps(ints)
    yield "json, pretty", json.dumps(ints, indent=1)
    yield "json of strings", json.dumps(lines)
    yield "json of rows", json.dumps(words)
    yield "json, solution", json.dumps({"solution": ints})
    yield "json, a row a key", json.dumps({f"row{n}": word for n, word in zip(numbers, words, strict=True)})
    yield "json, a list a key", json.dumps({f"row_{n}": line for n, line in zip(numbers, ints, strict=True)})
    yield "json, numbered", json.dumps(dict(zip(numbers, ints, strict=True)))
    yield "json, a text", json.dumps({"answer": "\n".join(spaced)})
    yield "fence", "```\n" + "\n".join(spaced) + "\n```"
    yield "python", "grid = [\n" + ",\n".join(f"    {line}" for line in ints) + ",\n]"
    yield "numpy", "[[" + "]\n [".join(spaced) + "]]"
    yield "row labels", each(lambda n, line: f"Row {n}: {' '.join(line)}")
    yield "bold row labels", each(lambda n, line: f"- **Row {n}**: {', '.join(line)}")
    yield "row labels in a line", each(lambda n, line: f"row {n} = {''.join(line)}", "; ")
    yield "R labels", each(lambda n, line: f"R{n}: {' '.join(line)}")
    yield "letters", each(lambda n, line: f"{'ABCDEFGHI'[n - 1]}: {' '.join(line)}")
    yield "numbered", each(lambda n, line: f"{n}. {' '.join(line)}")
    yield "numbered, glued", each(lambda n, line: f"{n}) {''.join(line)}")
    ordinals = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
    yield "in words", each(lambda n, line: f"The {ordinals[n - 1]} row is {', '.join(line)}", ". ") + "."
    yield "slashes", " / ".join(words)
    yield "rows after commas", ", ".join(words)
    yield "semicolons", "; ".join(spaced)
    inner = " \\\\ \\hline\n".join(" & ".join(line) for line in lines)
    yield "array", f"\\begin{{array}}{{{'|c' * size}|}}\n\\hline\n{inner} \\\\ \\hline\n\\end{{array}}"
    yield "matrix", "\\begin{pmatrix} " + " \\\\ ".join(" & ".join(line) for line in lines) + " \\end{pmatrix}"
    html = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    yield "html", f"<table>{html}</table>"
    yield "cells", each(lambda n, line: ", ".join(f"r{n}c{c}={cell}" for c, cell in enumerate(line, 1)), ", ")
    yield "keycaps", "\n".join(" ".join(f"{cell}\ufe0f\u20e3" for cell in line) for line in lines)
    yield "full width", "\n".join("".join(chr(0xFF10 + int(cell)) for cell in line) for line in lines)
    yield (
        "some bold",
        "\n".join(" ".join(f"**{c}**" if n % 3 == 0 else c for n, c in enumerate(line)) for line in lines),
    )
    head = "    " + " ".join(numbers)
    yield "axes", head + "\n" + each(lambda n, line: f"{n} | {' '.join(line)}")


WRAPPERS: dict[str, Callable[[str, str], str]] = {
    "tag": lambda answer, puzzle: f"<think>\nhmm\n</think>\n<answer>\n{answer}\n</answer>",
    "tight tag": lambda answer, puzzle: f"<answer>{answer}</answer>",
    "final answer": lambda answer, puzzle: f"Let me see.\nThe puzzle:\n{puzzle}\n\nFinal answer:\n{answer}",
    "answer": lambda answer, puzzle: f"Some work here.\n**Answer:** {answer}",
    "thus": lambda answer, puzzle: (
        f"Some work.\nThus, the completed grid is:\n\n{answer}\n\nEach row, column and box has every digit once."
    ),
    "restated": lambda answer, puzzle: f"Given:\n{puzzle}\n\nSolved:\n\n{answer}\n",
    "bare": lambda answer, puzzle: answer,
    "heading": lambda answer, puzzle: f"### Step 1\nI look at the rows.\n\n### Final Answer\n\n{answer}",
}
