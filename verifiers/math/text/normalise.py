"""An answer's text made regular: wrappers taken off, Unicode and Chinese rewritten, and one canonical string."""

from __future__ import annotations

import re

from veritune.verifiers.math.text.chinese import from_chinese, has_chinese
from veritune.verifiers.math.text.rewriting import rewrite
from veritune.verifiers.math.text.unicode import to_ascii

_WRAPPERS = (
    ("$$", "$$"),
    ("$", "$"),
    ("\\(", "\\)"),
    ("\\[", "\\]"),
    ("**", "**"),
    ("__", "__"),
    ("`", "`"),
    ('"', '"'),
)
_ENVELOPES = ("\\boxed", "\\fbox", "\\framebox")
_TRAILING = " \n.,;:!。，；।"
_SPACING = ("\\,", "\\!", "\\;", "\\:", "\\ ", "~")
_SYNONYMS = {
    "\\dfrac": "\\frac",
    "\\tfrac": "\\frac",
    "\\cfrac": "\\frac",
    "\\left": "",
    "\\right": "",
    "\\leq": "\\le",
    "\\geq": "\\ge",
    "\\cdot": "*",
    "\\times": "*",
    "\\displaystyle": "",
    "\\%": "%",
    "^\\circ": "°",
    "^{\\circ}": "°",
}
_SYNONYM = re.compile(
    r"\\(?:[dtc]frac|left|right|leq|geq|cdot|times|displaystyle)(?![A-Za-z])|\\%|\^\\circ(?![A-Za-z])|\^\{\\circ\}"
)


def clean(text: str) -> str:
    """`text` as the parser reads it: ASCII and LaTeX, without the wrappers an answer is put into."""
    text = to_ascii(text)
    if "\\" in text or "_" in text or "</" in text or text[:1] == "[":
        text = undressed(text)
    if has_chinese(text):
        text = from_chinese(text)
    if "\\\\" in text and "\\begin" not in text:
        text = _single_backslashes(text)
    text = rewrite(unwrap(_balanced(text) if "}" in text else text))
    for sign in ("=", "\\approx", "\\boldsymbol{=}"):
        if text.startswith(sign) and not text.startswith("=="):
            text = text[len(sign) :].lstrip()
    if text.startswith("{") and match_brace(text, 0) == len(text) - 1 and not any(c in text for c in ",|:\\"):
        return text[1:-1].strip()
    if text.startswith("{") and text.endswith("}") and ("|" in text or ":" in text or "\\mid" in text):
        return "\\" + text[:-1] + "\\}"
    return text


_COLOURS = re.compile(r"\\(?:textcolor|colorbox|color)\{[^{}]*\}|\\fcolorbox\{[^{}]*\}\{[^{}]*\}")
_ENDINGS = re.compile(
    r"(?:[ \n]|\\(?:checkmark|blacksquare|square|Box|qed|quad|qquad|hfill|medskip)(?![A-Za-z])|\\[,;!: ]"
    r"|\$\\(?:blacksquare|square|Box|qed)\$)+(\$?)[ \n]*$"
)
_QUOTED = re.compile(r"'([^'\[\]]*)'(?=\s*[,\]])|\"([^\"\[\]]*)\"(?=\s*[,\]])")
_TAGS = re.compile(r"</?(?:b|i|em|strong|u|span|p|font|code|big|mark)(?: [^<>]{0,80})?>")
_FONT = re.compile(r"\\(?:texttt|mathtt|mathbf|boldsymbol|textbf|mathsf|textit|textsf|bm)\{")
_BLANKS = re.compile(r"_{2,}(?=[^_])(.*[^_])_{2,}")


def undressed(text: str) -> str:
    """`text` without colours, the signs that end a proof, and the line that an answer is written on."""
    if "color" in text:
        text = _COLOURS.sub("", text)
    blank = _BLANKS.fullmatch(text.strip())
    if blank:
        text = blank[1]
    if text.startswith("[") and ("['" in text or '["' in text):
        text = _QUOTED.sub(lambda m: m[1] if m[1] is not None else m[2], text)
    if "</" in text:
        text = _TAGS.sub("", text)
    if "\\text" in text[:6] or "\\math" in text[:6] or "\\bold" in text[:6]:
        font = _FONT.match(text)
        if font and match_brace(text, font.end() - 1) == len(text) - 1:
            text = text[font.end() : -1]
    if "\\" in text[-24:]:
        shorter = _ENDINGS.sub(r"\1", text)
        text = shorter if shorter.strip(" $") else text
        if text.endswith("\\") and not text.endswith("\\\\") and len(text) > 1:
            text = text[:-1]
    if text.startswith("\\therefore") and not text[10:11].isalpha():
        text = text[10:].strip()
    return text


def _balanced(text: str) -> str:
    """`text` without a closing brace at its end that opens nowhere."""
    stripped = text.rstrip(" \n.$")
    if not stripped.endswith("}") or stripped.endswith("\\}"):
        return text
    opened = stripped.count("{") - stripped.count("\\{")
    closed = stripped.count("}") - stripped.count("\\}")
    return stripped[:-1] if closed == opened + 1 else text


def _single_backslashes(text: str) -> str:
    """``\\\\frac`` of doubly escaped JSON becomes ``\\frac``; a line break ``\\\\`` is followed by no letter."""
    out: list[str] = []
    at = 0
    while at < len(text):
        if text.startswith("\\\\", at) and (
            text[at + 2 : at + 3].isalpha() or text[at + 2 : at + 3] in ("{", "}", "%")
        ):
            out.append("\\")
            at += 2
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def unwrap(text: str) -> str:
    """Take off, again and again, math delimiters, bold, quotes, boxes and trailing punctuation around the whole."""
    for _ in range(8):
        before = text
        text = text.strip(" \n").removesuffix("です").removesuffix("입니다")
        if text and text[-1] in _TRAILING and not text.endswith("\\,") and not text.endswith(("...", "!")):
            text = text.rstrip(".,;:" + " \n。，；।")
            if text.endswith("\\"):
                text = text[:-1].rstrip()
        for opening, closing in _WRAPPERS:
            if len(text) > len(opening) + len(closing) and text.startswith(opening) and text.endswith(closing):
                inner = text[len(opening) : -len(closing)]
                if opening not in inner and not (opening == "$" and inner.endswith("\\")):
                    text = inner
        for envelope in _ENVELOPES:
            if text.startswith(envelope):
                text = _envelope(text, len(envelope))
        if text.startswith("\\text{") and text.endswith("}") and text.find("}") == len(text) - 1 and "," not in text:
            inner = text[6:-1].strip()
            text = inner if _numeric(inner) or inner.lstrip("-$\\")[:1].isdecimal() else text
        if text == before:
            return text
    return text


def _envelope(text: str, at: int) -> str:
    while text.startswith(" ", at):
        at += 1
    if not text.startswith("{", at):
        return text
    end = match_brace(text, at)
    return text[at + 1 : end] if end == len(text) - 1 else text


def _numeric(text: str) -> bool:
    return bool(text) and not any(c.isalpha() for c in text)


def match_brace(text: str, at: int) -> int:
    """The index of the ``}`` that closes the ``{`` at `at`; -1 if none does. Escaped braces count neither way."""
    depth = 0
    for found in _BRACE.finditer(text, at):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
            if depth == 0:
                return found.start()
    return -1


_BRACE = re.compile(r"[{}]|\\.", re.DOTALL)


def canonical(text: str) -> str:
    """One string for the common ways to write the same LaTeX; spaces go except between two digits or words."""
    if "\\" in text:
        text = _SYNONYM.sub(lambda found: _SYNONYMS[found[0]], text)
    for old in _SPACING:
        if old in text:
            text = text.replace(old, " " if old in ("\\ ", "~") else "")
    if " " not in text and "\n" not in text:
        return text
    out: list[str] = []
    previous = ""
    for part in text.split():
        if previous and previous[-1].isalnum() and part[0].isalnum():
            out.append(" ")
        out.append(part)
        previous = part
    return "".join(out)


_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mbox)\{([^{}]*)\}")


def untexted(text: str) -> str:
    """A canonical text without the commands around its words: ``\\text{I and III}`` is ``I and III``."""
    return canonical(_TEXT.sub(r" \1 ", text)).strip()
