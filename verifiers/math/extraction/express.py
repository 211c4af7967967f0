"""The usual completion at once: one box, in a quiet sentence, at the end of a text with nothing else in it to weigh.

Every condition here proves that a rule of the long way (:mod:`extract`) has nothing to act on, so that both ways give
the same answer; where one condition fails, the long way is gone. A test holds the two against each other.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from veritune.verifiers.math.extraction.assertion import Status, may_retract
from veritune.verifiers.math.extraction.boxed import inside, status
from veritune.verifiers.math.extraction.boxes import Box
from veritune.verifiers.math.extraction.reasoning import OPENS, names_reasoning
from veritune.verifiers.math.extraction.visible import shows_all
from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.text.normalise import match_brace

_BOX = "\\boxed{"
_JOINED, _NEAR = 62, 120
"""Characters between two boxes that may be one answer, with a brace; and with a box of a few characters."""
_CONTENT, _REST = 400, 300


class Found(NamedTuple):
    """The answer in a box, where the box is, and its content as it stands."""

    answer: str
    start: int
    content: str


def express(text: str, options: MathOptions) -> Found | None:
    """The answer in the last box of `text`; None where the long way has to be gone."""
    at = text.rfind(_BOX)
    if at < 0 or options.boxes != "last" or options.reasoning_tags or not text.isascii():
        return None
    begin = at + len(_BOX)
    size = match_brace(text[begin - 1 : begin + _CONTENT], 0)
    content = text[begin : begin + size - 1]
    if size < 0 or not content.strip() or _may_mark(text, options) or not shows_all(text):
        return None
    rest = text[begin + size :]
    if len(rest) > _REST or "}" in rest or "box" in rest or "inal" in rest or "INAL" in rest or "inal" in content:
        return None  # a brace too many, a box that never closes, a final answer behind the box
    if "box" in text[max(0, at - _NEAR) : at] or ("}" in text[max(0, at - _JOINED) : at] and _other_box(text, at)):
        return None  # another box may be one answer with it
    if status(text, Box(at, begin + size, content)) is not Status.ASSERTED:
        return None
    after = rest.lstrip(" $}\\)]*_.,;\n")
    if after and may_retract(after, "en"):
        return None
    answer = inside(content)
    return None if answer is None else Found(answer, at, content)


def _may_mark(text: str, options: MathOptions) -> bool:
    """Whether there may be another mark, JSON, a code fence, a tag or the end of a turn."""
    return bool(
        ("<" in text and _may_hold_elements(text))
        or "```" in text
        or ('"' in text and _may_be_json(text, options))
        or ("#" in text and "####" in text)
        or ("/" in text and ("[/" in text or "(/" in text or "{/" in text))
        or ("&" in text and "&lt;" in text)
        or "[TH" in text
    )


def _may_hold_elements(text: str) -> bool:
    """Whether a "less than" may be more than one: an element, a comment, an annotation, or a tag around reasoning."""
    return _ELEMENT.search(text) is not None or (OPENS.search(text) is not None and names_reasoning(text))


_ELEMENT = re.compile(r"<[/\\|<!A-Za-z]")


def _may_be_json(text: str, options: MathOptions) -> bool:
    return options.json_field is not None and (f'"{options.json_field}"' in text or text.lstrip()[:1] == "{")


def _other_box(text: str, at: int) -> bool:
    return text.find("\\boxed") != at or "\\fbox" in text or "\\framebox" in text
