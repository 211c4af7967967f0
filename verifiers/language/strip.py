"""What belongs to no natural language goes: code, LaTeX, links, tags. Every pass is linear in the text."""

from __future__ import annotations

import re

from veritune.verifiers.language.hidden import in_code, in_formula, in_link, in_snippet, in_tag, is_snippet, unescaped

_OPENERS = re.compile(r"```|~~~|`|\$\$|\$|\\\[|\\\(|\\begin\{([A-Za-z]+\*?)\}")
_CLOSERS = {"```": "```", "~~~": "~~~", "`": "`", "$$": "$$", "$": "$", r"\[": r"\]", r"\(": r"\)"}
_FENCES = ("```", "~~~")
_INLINE_LIMIT = 1000
_FEW, _MUCH = 3, 5
"""More snippets than that, of more than a fifth of the text, are read as what they say."""
_PROSE_ENVIRONMENTS = {"itemize", "enumerate", "document", "center", "quote", "abstract"}

_BRACES = re.compile(r"\{[^{}]*\}")
_COMMAND = re.compile(r"\\[A-Za-z]+\*?")
_PLAIN_WORD = re.compile(r"(?<![A-Za-z])[A-Za-zÀ-ɏ]{3,}")
_NO_COMMAND = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{3,}")
_FOREIGN_LETTER = re.compile(r"[^\W\d_A-Za-zÀ-ɏͰ-Ͽ]")
_LINKS = re.compile(r"https?://[^\s<>\"“”。，；：、！？]{1,2000}|<[^\s<>\d=][^<>\n]{0,2000}>")
_TEXT = re.compile(r"\\(?:text|textbf|textit|emph|underline|section|subsection|paragraph)\*?(?=\{)")


def natural_text(text: str) -> str:
    """The text without fenced and inline code, LaTeX formulas and commands, links and tags.

    What stands in them goes by its content: prose in a fence, a formula's ``\\text{…}`` and letters that no program and
    no formula is made of stay. A dollar sign opens a formula only where what follows up to the next one reads like one:
    prices (``costs $5 and sells for $7``) stay prose. A fence that never closes runs to the end. Letters written as
    escapes (``&#20013;``, ``\\u4e2d``, ``%E4%B8%AD``) are the letters.
    """
    text = unescaped(text)
    pieces: list[str] = []
    start = 0
    position = 0
    dead: set[str] = set()
    snippets: dict[int, str] = {}
    while (found := _OPENERS.search(text, position)) is not None:
        end = _end(text, found, dead)
        if end is None:
            position = found.end()
            continue
        pieces.append(text[start : found.start()])
        if found[0] != text[found.start() : end]:  # else an environment of prose, of which only the name goes
            inside = text[found.end() : end].removesuffix("`") if found[0] == "`" else text[found.end() : end]
            if found[0] == "`" and is_snippet(inside):
                snippets[len(pieces)] = inside
                pieces.append(in_snippet(inside))
            else:
                pieces += filter(None, [_said(found[0], inside)])
        start = position = end
    pieces.append(text[start:])
    if len(snippets) > _FEW and _MUCH * sum(map(len, snippets.values())) > len(text):
        for place, inside in snippets.items():  # a thought in pieces
            pieces[place] = in_code(inside)
    rest = _TEXT.sub(" ", _LINKS.sub(_linked, " ".join(pieces)))
    return _COMMAND.sub(" ", rest)


def _said(opener: str, inside: str) -> str:
    """What code or a formula says in words; a fence's first line names its language."""
    if opener in _FENCES:
        first, line, rest = inside.partition("\n")
        return in_code(rest if line and len(first.split()) < 2 else inside)
    return in_code(inside) if opener == "`" else in_formula(inside)


def _linked(found: re.Match[str]) -> str:
    return f" {in_tag(found[0]) if found[0].startswith('<') else in_link(found[0])} "


def _end(text: str, opener: re.Match[str], dead: set[str]) -> int | None:
    """Where the formula or code that begins here ends; None where nothing does."""
    token = opener[0]
    if opener[1] in _PROSE_ENVIRONMENTS:
        return opener.end()
    closer = _CLOSERS.get(token) or f"\\end{{{opener[1]}}}"
    if closer in dead:
        return len(text) if token in _FENCES else None
    place = text.find(closer, opener.end())
    if place < 0:
        dead.add(closer)
        return len(text) if token in _FENCES else None
    if token in ("$", "`"):
        inside = text[opener.end() : place]
        if len(inside) > _INLINE_LIMIT or "\n\n" in inside or (token == "$" and not _is_formula(inside)):
            return None
    return place + len(closer)


def _is_formula(inside: str) -> bool:
    """Not prose between two prices: outside of commands and braces at most one word, and no other script."""
    if not inside.strip():
        return False
    allowed = 1 if "\\" in inside or not inside[-1].isspace() else 0
    if inside.isascii() and len(_NO_COMMAND.findall(inside)) <= allowed:
        return True
    bare = inside
    for _ in range(4):
        if "{" in bare:
            bare = _BRACES.sub(" ", bare)
    bare = _COMMAND.sub(" ", bare)
    if _FOREIGN_LETTER.search(bare):
        return False
    return len(_PLAIN_WORD.findall(bare)) <= allowed
