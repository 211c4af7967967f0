"""IFEval's ``detectable_content:*`` and ``detectable_format:*``."""

from __future__ import annotations

import re
from functools import lru_cache

from veritune.verifiers.instructions.check import Found, compared, instruction

_PLACEHOLDER = re.compile(r"\[[^\[\]\n]*\]")
_BULLET = re.compile(r"^[^\S\n]*(?:\*(?![*\n])|-(?!-))(?P<rest>.*)$", re.MULTILINE)
_RULE = re.compile(r"(?:[^\S\n]*[-*]){2,}[^\S\n]*")
_EMPHASIS = re.compile(r"[^\s*][^*]*\*(?!\*)")
_STARRED_BULLET = re.compile(r"^[^\S\n]*\*[^\S\n]+", re.MULTILINE)
_HIGHLIGHT = re.compile(r"(\*{1,3})(?=[^\s*])([^*\n]+)\1")
OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_FENCES = ("```json", "```Json", "```JSON", "```")


@instruction("detectable_content:number_placeholders")
def number_placeholders(text: str, *, num_placeholders: int) -> Found:
    """At least so many pairs of square brackets with something in them: ``[address]``."""
    count = sum(1 for found in _PLACEHOLDER.findall(text) if found.strip("[] \t"))
    return compared(count, "at least", num_placeholders, "placeholders")


@instruction("detectable_content:postscript")
def postscript(text: str, *, postscript_marker: str) -> Found:
    """A postscript that begins with the marker (``P.S.``, ``P.P.S``; in either case, spaces between its letters)."""
    found = _marker(postscript_marker.strip()).search(text)
    return Found(found is not None, "there is a postscript" if found else f"no {postscript_marker.strip()!r:.30}")


@lru_cache(maxsize=256)
def _marker(marker: str) -> re.Pattern[str]:
    letters = re.fullmatch(r"(?i)((?:p\.? ?)+s)(\.?)", marker)
    if letters is None:
        return re.compile(r"(?<!\w)" + re.escape(marker), re.IGNORECASE)
    before = r"p\.\s?" * letters[1].lower().count("p")
    return re.compile(rf"(?<!\w){before}s{re.escape(letters[2])}", re.IGNORECASE)


@instruction("detectable_format:number_bullet_lists")
def number_bullet_lists(text: str, *, num_bullets: int) -> Found:
    """Exactly so many lines that begin with ``*`` or ``-``. A rule (``---``) is no bullet, nor are words in ``*…*``."""
    count = sum(1 for found in _BULLET.finditer(text) if _is_bullet(found))
    return compared(count, "exactly", num_bullets, "bullet points")


def _is_bullet(found: re.Match[str]) -> bool:
    if _RULE.fullmatch(found[0]):
        return False
    return not (found[0].lstrip().startswith("*") and _EMPHASIS.match(found["rest"]))


@instruction("detectable_format:constrained_response")
def constrained_response(text: str) -> Found:
    """Exactly one of ``My answer is yes.``, ``… no.``, ``… maybe.`` stands there."""
    said = [option for option in OPTIONS if option in text]
    return Found(len(said) == 1, " ".join(said) if said else "none of the three answers is there")


@instruction("detectable_format:number_highlighted_sections")
def number_highlighted_sections(text: str, *, num_highlights: int) -> Found:
    """At least so many pieces in ``*…*`` or ``**…**`` on one line; a bullet's star opens none."""
    bare = _STARRED_BULLET.sub("", text) if "*" in text else ""
    count = sum(1 for found in _HIGHLIGHT.finditer(bare) if found[2].strip())
    return compared(count, "at least", num_highlights, "highlighted pieces")


@instruction("detectable_format:multiple_sections")
def multiple_sections(text: str, *, section_spliter: str, num_sections: int) -> Found:
    """At least so many different ``SECTION X``, X a number."""
    marks = set(_splitter(section_spliter.strip()).findall(text))
    return compared(len(marks), "at least", num_sections, f"sections marked {section_spliter.strip()!r:.40}")


@lru_cache(maxsize=1024)
def _splitter(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name) + r"\s?([0-9]+)")


@instruction("detectable_format:json_format")
def json_format(text: str) -> Found:
    """The whole text is JSON (RFC 8259), with or without a fence around it."""
    from veritune.verifiers.structured.documents import DocumentFault, read_json

    bare = text.strip()
    for fence in _FENCES:
        bare = bare.removeprefix(fence)
    try:
        read_json(bare.removesuffix("```").strip(), unique=False)
    except DocumentFault as fault:
        return Found(False, str(fault))
    return Found(True, "it is JSON")


@instruction("detectable_format:title")
def title(text: str) -> Found:
    """A title in double angular brackets, with something in it."""
    titles = []
    for line in text.split("\n") if "<<" in text else ():
        begin, end = line.find("<<"), line.rfind(">>")
        if 0 <= begin < end:
            titles.append(line[begin:end].strip("<> \t"))
    titles = [found for found in titles if found]
    return Found(bool(titles), f"the title {titles[0]!r:.60}" if titles else "no <<title>> is there")
