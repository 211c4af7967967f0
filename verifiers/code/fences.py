"""Fenced blocks in what a model wrote, which is rarely as CommonMark has it.

A fence may open behind text on its line, in a list item or a quotation, and may close on a line of code. What decides
is that a run of backticks is never code outside strings and comments, so that is where a program ends. One pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from veritune.sandbox.language_names import canonical

_RUN = re.compile(r"`{3,}|~{3,}")
_LINE_START = re.compile(
    r"[ \t]*(?:>[ \t]?)*[ \t]*(?:(?:[-*+•]|\(?\d{1,3}[.)])[ \t]+)?(?:</?[A-Za-z_]{1,20}>[ \t]*)*", re.ASCII
)
_TAG = re.compile(r"[\s{.]*([^\s,;:{}=<>]*)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|\{[^{}]*\}?")
_WORD = re.compile(r"[\w.#/+-]*(?:=\w*)?}?")
_ATTRIBUTE = re.compile(r"[\w.#/+-]+=\w*}?|[.#][\w-]+}?|}?")
_MOST_BLOCKS = 200
_LONGEST_LINE = 300
"""Of what stands before or behind a fence on its line: more is text, and nothing opens there."""
_QUOTE = re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE)
_C_LIKE = frozenset({"cpp", "c", "java", "javascript", "typescript", "csharp", "go", "rust", "kotlin"})
_SCRIPTS = frozenset({"python", "python2", "bash", "ruby", "perl"})
_TOKENS = {
    "script": re.compile(r"\"\"\"|'''|[\"'#]|`{3,}|~{3,}"),
    "c": re.compile(r"//|/\*|\"|'|`{3,}|~{3,}"),
    "text": _RUN,
}
_TRIPLE_END = {quote: re.compile(rf"\\.|{quote}", re.DOTALL) for quote in ('"""', "'''")}
_STRING = {quote: re.compile(rf"(?:\\.|[^{quote}\\\n])*", re.DOTALL) for quote in "\"'"}
_CHARACTER = re.compile(r"(?:\\.|[^'\\\n])*'")
_CODE = re.compile(
    r"""\s*(?:def\s+\w+\s*\(|async\s+def\s|class\s+\w+\s*[(:{]?\s*$|class\s+\w+.*[:{]\s*$|from\s+[\w.]+\s+import\b
    |import\s+[\w.*]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+(?:\s+as\s+\w+)?)*\s*;?\s*(?:\#.*)?$
    |@\w|\#\s*include\b|\#!|using\s+namespace\b|\"\"\"|'''|try\s*:|(?:if|while|with|elif)\b.*:\s*(?:\#.*)?$
    |for\s+.+\s+in\s.*:|(?:for|while|if)\s*\(|package\s+\w+|public\s+|(?:const|let|var|use|fn|func|function)\s+[\w:]+
    |(?:int|long|void|double|float|char|bool|auto|string|unsigned|static)\b.*[;{(]
    |[A-Za-z_][\w.,\s\[\]*()]*\s*(?:[-+*/%|&^]|//|<<|>>)?=(?!=)|[A-Za-z_][\w.]*\(.*\)\s*;?\s*(?:\#.*)?$
    |\s(?:return|raise|yield|assert|pass|break|continue|global|nonlocal)\b)""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True)
class Fence:
    """One fenced block."""

    tag: str
    """First word of the info string, lower case."""
    code: str
    closed: bool
    opened: bool = True
    """False where the text begins with code and a fence closes it: the prompt, or nobody, opened it."""


@dataclass(frozen=True)
class _Opening:
    char: str
    length: int
    tag: str
    indent: str
    start: int
    """Where the code begins."""


def looks_like_code(text: str) -> bool:
    """Whether the first line that says anything, comments aside, has the form of a statement."""
    for line in text[:20_000].split("\n", 40)[:40]:
        if line.strip() and not (line.lstrip()[:1] == "#" and not line.lstrip().startswith(("#include", "#!"))):
            return _CODE.match(line[:400]) is not None
    return False


def fences(text: str, language: str = "python") -> list[Fence]:
    """Every fenced block in order; ``language`` is what a block without a tag is read as.

    A block that never closes runs to the next one that opens, to ``</answer>`` or to the end. Blocks inside one of
    Markdown count as if it were not there.
    """
    text = text.replace("\r\n", "\n")
    blocks: list[Fence] = []
    place = _unopened(text, language, blocks) if looks_like_code(text) else 0
    while True:
        opening, place = _next_opening(text, place, language)
        if opening is None or len(blocks) >= _MOST_BLOCKS:
            return blocks
        place = _block(text, opening, language, blocks)


def _unopened(text: str, language: str, blocks: list[Fence]) -> int:
    """A text that begins with code: add the block where a bare fence closes it. The place to look for others from.

    Where none of its fences stands outside the code's strings and comments, the whole text is code without a block.
    """
    family = _family(canonical(language))
    end, after, closed = _ending(text, _Opening("`", 3, "", "", 0), family)
    if not closed:
        return after
    line_end = text.find("\n", after)
    if text[after : line_end if line_end >= 0 else len(text)].strip():
        return 0
    blocks.append(Fence("", text[:end], closed=True, opened=False))
    return after


def _next_opening(text: str, place: int, language: str) -> tuple[_Opening | None, int]:
    """The next fence that opens a block, looked for line by line from ``place``."""
    while True:
        run = _RUN.search(text, place)
        if run is None:
            return None, len(text)
        line_start = text.rfind("\n", place, run.start()) + 1 or place
        end = text.find("\n", run.end())
        line_end = len(text) if end < 0 else end
        before, rest = text[line_start : run.start()], text[run.end() : line_end]
        same = _same_run(run[0], rest)
        found = _opening(run, before, rest[: same.start()] if same else rest, language)
        if found is not None and (same is None or found.start < run.end() + same.start()):
            return found, found.start
        place = run.end() + same.end() if same else line_end


def _same_run(mark: str, rest: str) -> re.Match[str] | None:
    """A second run of the kind on the line: an inline span."""
    for run in _RUN.finditer(rest):
        if run[0][0] == mark[0] and len(run[0]) >= len(mark):
            return run
    return None


def _opening(run: re.Match[str], before: str, info: str, language: str) -> _Opening | None:
    if len(info) > _LONGEST_LINE:
        return None
    tagged = _TAG.match(info)
    assert tagged is not None
    tag = _tag(tagged[1].casefold())
    named = canonical(tag)
    if named == "markdown":
        return None
    more = _QUOTED.sub("", info[tagged.end() :]).replace(",", " ").replace(";", " ").replace(":", " ").split()
    start_of_line = _starts_line(before)
    only_attributes = all(_ATTRIBUTE.fullmatch(word) for word in more)
    if named == canonical(language) and more and not only_attributes and looks_like_code(info[tagged.end() :]):
        start = run.end() + len(info) - len(info[tagged.end() :].lstrip())
        return _Opening(run[0][0], len(run[0]), tag, "", start)
    plain = all(_WORD.fullmatch(word) for word in more)
    if not start_of_line and (run[0][0] == "~" or not plain or len(more) > 2 or len(before) > 2000):
        return None
    indent = before if start_of_line and "<" not in before else ""
    return _Opening(run[0][0], len(run[0]), tag, indent, run.end() + len(info) + 1)


def _tag(word: str) -> str:
    """A language's name; of a file's name its ending, and nothing of a word that only says that this is code."""
    if word in ("code", "program", "solution", "answer", "source"):
        return ""
    stem, _, ending = word.rpartition(".")
    known = _SCRIPTS | _C_LIKE
    return ending if stem and canonical(word) not in known and canonical(ending) in known else word


def _block(text: str, opening: _Opening, language: str, blocks: list[Fence]) -> int:
    """Add the block that was opened; the place behind it."""
    code_end, after, closed = _ending(text, opening, _family(canonical(opening.tag or language)), len(blocks) < 20)
    code = text[opening.start : code_end]
    if not closed and after >= len(text):
        code = code.partition("</answer>")[0]
    blocks.append(Fence(opening.tag, _dedented(code, opening.indent), closed))
    return after


def _family(language: str) -> str:
    return "script" if language in _SCRIPTS else "c" if language in _C_LIKE else "text"


def _ending(text: str, opening: _Opening, family: str, weakly: bool = True) -> tuple[int, int, bool]:
    """(end of the code, where to go on, whether it is closed); ``weakly``: a comment may close it."""
    place = opening.start
    weak: tuple[int, int, bool] | None = None
    while True:
        token = _TOKENS[family].search(text, place)
        if token is None:
            break
        word = token[0]
        if word[0] in "`~":
            found = _closing(text, token, opening, family)
            if found is not None:
                return weak if weak is not None and weakly and not found[2] else found
            place = token.end()
        elif word in ("#", "//"):
            place, weak = _comment(text, token.end(), opening, weak)
        else:
            place = _string_end(text, token, family)
            if place < 0:
                return (weakly and weak) or _plain_ending(text, opening)
    return (weakly and weak) or (len(text), len(text), False)


def _comment(
    text: str, place: int, opening: _Opening, weak: tuple[int, int, bool] | None
) -> tuple[int, tuple[int, int, bool] | None]:
    """The end of a comment. A run at its end may close the block, where nothing better does."""
    end = text.find("\n", place)
    end = len(text) if end < 0 else end
    line = text[place:end].rstrip()
    bare = line.rstrip(opening.char)
    if weak is None and len(line) - len(bare) >= opening.length and not _goes_on(text, end):
        weak = (place + len(bare), end, True)
    return end, weak


def _goes_on(text: str, place: int) -> bool:
    """Whether code follows."""
    following = text[place : place + 200].lstrip("\n")
    return following[:1] in (" ", "\t") or looks_like_code(following)


def _string_end(text: str, token: re.Match[str], family: str) -> int:
    """Behind a string or a long comment; -1 where it never ends."""
    word = token[0]
    if word == "/*":
        end = text.find("*/", token.end())
        return end + 2 if end >= 0 else -1
    if word in _TRIPLE_END:
        for found in _TRIPLE_END[word].finditer(text, token.end()):
            if found[0] == word:
                return found.end()
        return -1
    if word == "'" and family == "c":
        literal = _CHARACTER.match(text, token.end(), token.end() + 200)
        return literal.end() if literal is not None else token.end()
    inside = _STRING[word].match(text, token.end())
    assert inside is not None
    return inside.end() + (text[inside.end() : inside.end() + 1] == word)


def _closing(text: str, run: re.Match[str], opening: _Opening, family: str) -> tuple[int, int, bool] | None:
    """What a run outside strings and comments does to the block: ends it, gives way to the next, or nothing."""
    if run[0][0] != opening.char or len(run[0]) < opening.length:
        return None
    line_start = text.rfind("\n", opening.start, run.start()) + 1 or opening.start
    end = text.find("\n", run.end())
    rest = text[run.end() : len(text) if end < 0 else end]
    before = text[line_start : run.start()]
    at_start = _starts_line(before)
    if at_start and rest.strip() and len(rest) <= _LONGEST_LINE and len(rest.split()) <= 3 and _opens(rest):
        return line_start, line_start, False
    if family == "text" and not at_start and (rest.strip() or opening.char == "~"):
        return None
    return (line_start if not before.strip(" \t>") else run.start()), run.end(), True


def _opens(rest: str) -> bool:
    """A tag of a language behind the run: another block begins, and nothing closed the last one."""
    tagged = _TAG.match(rest)
    assert tagged is not None
    plain = all(_WORD.fullmatch(word) for word in _QUOTED.sub("", rest[tagged.end() :]).split())
    return tagged[1][:1].isalnum() and plain and (len(rest.split()) == 1 or rest[:1] not in " \t")


def _starts_line(before: str) -> bool:
    """Only what may stand in front of a fence: indentation, a list's or a quotation's marks, tags."""
    return len(before) <= _LONGEST_LINE and _LINE_START.fullmatch(before) is not None


_PLAIN_CLOSE = re.compile(r"^([^\n]*?)(`{3,}|~{3,})[ \t]*$", re.MULTILINE)


def _plain_ending(text: str, opening: _Opening) -> tuple[int, int, bool]:
    """By lines alone, for code whose strings do not end: a fence on its own line, else one at the end of a line."""
    glued: tuple[int, int, bool] | None = None
    for found in _PLAIN_CLOSE.finditer(text, opening.start):
        if found[2][0] == opening.char and len(found[2]) >= opening.length:
            if not found[1].strip(" \t>"):
                return found.start(), found.end(), True
            glued = glued or (found.start(2), found.end(), True)
    return glued or (len(text), len(text), False)


def _dedented(code: str, indent: str) -> str:
    """Without the quotation marks, and the indentation of the list item or fence, that the block stands in."""
    if ">" in indent:
        code, indent = _QUOTE.sub("", code), ""
    if not indent:
        return code
    width = len(indent)
    head = next((line for line in code.split("\n") if line.strip()), "")
    inside = len(head) - len(head.lstrip(" \t"))
    if inside != width and (indent.strip() or inside < width):
        return code
    return re.sub(rf"^[ \t]{{1,{width}}}", "", code, flags=re.MULTILINE)
