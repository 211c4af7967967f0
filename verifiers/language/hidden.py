"""What stands in a fence, a formula, a tag or a link and is language all the same."""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

_FOREIGN = re.compile(r"[^\W\d_A-Za-zÀ-ɏͰ-Ͽ](?:.{0,3}[^\W\d_A-Za-zÀ-ɏͰ-Ͽ])*")
"""Letters neither Latin nor Greek, and the marks between them: no formula and no program is made of these."""
_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]{2,}(?![^\W\d_])")
_CODE_MARK = re.compile(r"[=(){}\[\];<>_#*+|\\&^%$@~:/\"']|\b\d")
_STATEMENT = re.compile(
    r"\s*(?:def|class|for|while|if|elif|else|return|import|from|print|try|except|with|public|private|static|int|void|const|"
    r"let|var|function|end|fn|func|select|insert|update|where|using|namespace|package|struct|match|case|switch|do|then)\b"
)
_COMMENT = re.compile(r"\s*(?:#|//|--|/\*|\*|%|;)")
_TEXT = re.compile(r"\\[A-Za-z]+\*?\s*\{([^{}]*)\}")
"""What a command is given: a word of text, or a part of the formula."""
_COMMAND = re.compile(r"\\[A-Za-z]+\*?")
_NO_COMMAND = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,}")
"""A word of Latin letters that is no command: of most formulas there are too few to look further."""
_BRACES = re.compile(r"\{[^{}]*\}")
_TAG = re.compile(r"</?[A-Za-z][\w:.-]*(?P<rest>(?:\s[^<>]*)?)/?>")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_ESCAPED = re.compile(
    r"(?:&(?:amp;){0,4}(?:#\d{2,7};?|#x[0-9a-f]{2,6};?|[a-z]{2,24}\d{0,2};)){1,2000}"
    r"|(?:\\u\{?[0-9a-f]{4,6}\}?|\\x[0-9a-f]{2}){1,2000}"
    r"|(?:%[0-9a-f]{2}){2,2000}|(?:\\[0-3][0-7]{2}){2,2000}|(?:\\N\{[A-Z0-9 -]{2,80}\}){1,2000}"
    r"|U\+[0-9a-f]{4,6}(?:[ ,]{0,2}U\+[0-9a-f]{4,6}){0,2000}|0x[0-9a-f]{4}(?:[ ,]{1,2}0x[0-9a-f]{4}){7,2000}",
    re.IGNORECASE,
)
_TWICE = re.compile(r"&(?:amp;)+(?=[#a-z])", re.IGNORECASE)
"""An ampersand that is escaped itself."""
_NAMED = re.compile(r"\\N\{([^}]*)\}", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"[0-9a-f]{4,6}", re.IGNORECASE)
_SPACED = re.compile(r"(?<![^\W\d_])(?:[^\W\d_\u2e80-\U0010ffff] {1,3}){11,2000}[^\W\d_](?![^\W\d_])")
"""Letters with gaps between them: twelve in a row are a word, or words, and no variables."""
_MAY_ESCAPE = re.compile(r"&[#a-zA-Z]|\\[uUxXnN0-3]|%[0-9a-fA-F]|[Uu]\+|0[xX]")
_MAY_SPACE = re.compile(r" [^\W\d_] {1,3}[^\W\d_] ")
"""Without these neither of the two can be: they are found in a fraction of the time."""
_CODE_POINT = re.compile(r"\\u\{?([0-9a-f]{4,6})\}?|\\x([0-9a-f]{2})", re.IGNORECASE)
_PROSE_WORDS = 3
_SLUG_WORDS = 6
_SPEECH_WORDS = 8
"""So many words of a text in a program, or between backticks, are said to the reader."""


def unescaped(text: str) -> str:
    """Letters for what stands for letters: HTML's entities, escapes of programs and of addresses, spaced letters."""
    if _MAY_SPACE.search(text) is not None:
        text = _SPACED.sub(_joined, text)
    return text if _MAY_ESCAPE.search(text) is None else _ESCAPED.sub(_letters_of, text)


def _joined(found: re.Match[str]) -> str:
    return " ".join(part.replace(" ", "") for part in re.split(" {2,3}", found[0]))


def in_code(inside: str) -> str:
    """Of a program, letters that no program is made of (a comment in Chinese); a fence full of prose is prose."""
    prose = "\n".join(line for line in inside.splitlines() if _reads(line))
    if 2 * _letters(prose) > _letters(inside):
        return inside
    said = [one or other for one, other in _QUOTED.findall(inside)]
    return " ".join([*(text for text in said if len(_WORD.findall(text)) >= _SPEECH_WORDS), _foreign(inside)])


def is_snippet(inside: str) -> bool:
    """Whether a piece between backticks has so few words that it may be code: ``for item in items``."""
    return len(_WORD.findall(inside)) < _SPEECH_WORDS


def in_snippet(inside: str) -> str:
    """Of such a piece, letters that no program is made of."""
    return _foreign(inside)


def in_formula(inside: str) -> str:
    r"""What a formula says in words: in ``\text{…}``, or outside of commands and braces."""
    if inside.isascii() and len(_NO_COMMAND.findall(inside)) < _PROSE_WORDS:
        return ""
    said = [found[1] for found in _TEXT.finditer(inside)]
    rest = bare = _TEXT.sub(" ", inside)
    for _ in range(4):
        if "{" in bare:
            bare = _BRACES.sub(" ", bare)
    bare = _COMMAND.sub(" ", bare)
    bare = bare if _prose(bare) else _foreign(rest)
    kept = [text for text in (*said, bare) if _prose(text) or _FOREIGN.search(text)]
    return " ".join(text if _prose(text) else _foreign(text) for text in kept)


def in_tag(tag: str) -> str:
    """Of a tag nothing, of its attributes what they say; ``<three words and more>`` are no tag."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return tag
    rest = found["rest"]
    if "=" not in rest:
        return tag if _prose(rest) else _foreign(tag)
    said = [one or other for one, other in _QUOTED.findall(rest)]
    return " ".join([*(text for text in said if _prose(text)), _foreign(_QUOTED.sub(_unless_prose, tag))])


def in_link(link: str) -> str:
    """Letters that addresses are not made of, and a sentence for a path."""
    text = unquote(link)
    words = [word for word in _WORD.findall(text.partition("://")[2].partition("/")[2]) if len(word) > 1]
    return text if len(words) >= _SLUG_WORDS else _foreign(text)


def _letters_of(found: re.Match[str]) -> str:
    escapes = found[0]
    if escapes[0] == "&":
        return html.unescape(_TWICE.sub("&", escapes))
    if escapes[0] == "%":
        return unquote(escapes, errors="ignore")
    if escapes[:2] in ("\\N", "\\n"):
        return "".join(map(_by_name, _NAMED.findall(escapes)))
    if escapes[0] in "Uu0":
        return "".join(map(_character, _HEXADECIMAL.findall(escapes.replace("0x", " ").replace("0X", " "))))
    if escapes[1] in "0123" or set(escapes[1::4]) <= set("xX"):
        base = (8, 1) if escapes[1] in "0123" else (16, 2)
        data = bytes(int(escapes[i + base[1] : i + 4], base[0]) for i in range(0, len(escapes), 4))
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:  # no bytes of a text: each is a letter of its own
            return data.decode("latin-1")
    codes = [int(one or other, 16) for one, other in _CODE_POINT.findall(escapes)]
    return "".join(chr(code) for code in codes if code < 0x110000 and not 0xD800 <= code < 0xE000)


def _by_name(name: str) -> str:
    try:
        return unicodedata.lookup(name)
    except KeyError:
        return ""


def _character(digits: str) -> str:
    code = int(digits, 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _unless_prose(found: re.Match[str]) -> str:
    return " " if _prose(found[1] or found[2] or "") else found[0]


def _reads(line: str) -> bool:
    """A line of prose: words, few of the marks that programs are full of, and no statement."""
    words = len(_WORD.findall(line))
    if _COMMENT.match(line) or (_STATEMENT.match(line) and line.rstrip().endswith((":", "{", ";", ")"))):
        return False
    return words >= _PROSE_WORDS and 2 * len(_CODE_MARK.findall(line)) <= words


def _prose(text: str) -> bool:
    return len(_WORD.findall(text)) >= _PROSE_WORDS


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _foreign(text: str) -> str:
    return " ".join(_FOREIGN.findall(text)) if not text.isascii() else ""
