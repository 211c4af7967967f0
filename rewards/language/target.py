"""Which language the reasoning should be in, and which part of the completion is the reasoning."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from veritune.plugins.types import Sample, Text, message_text
from veritune.rewards.text import THINK_CLOSE, THINK_OPEN, Prefilled, after_think, prompt_end, whole_text

View: TypeAlias = Literal["reasoning", "block", "summary", "all"]

MOVED = 1.5
"""How many times as long as the thinking an answer has to be to count as thinking itself."""

_TURN = re.compile(r"<\|im_start\|>user\n|<\|start_header_id\|>user<\|end_header_id\|>|<｜User｜>|\bUser:|\bHuman:")
_TURN_END = re.compile(r"<\|im_end\|>|<\|eot_id\|>|<｜Assistant｜>|\bAssistant:")
_DENSE = re.compile("[\u2e80-\U0010ffff]+")
_SPECIAL = re.compile(r"<[|｜][^|｜<>\n]{0,40}[|｜]>")


def viewed(sample: Sample, view: View, prefilled: Prefilled, moved: bool = True) -> str:
    """The reasoning, what stands inside ``<think>`` alone (``block``), the summary after it, or all.

    The whole text is the reasoning where no tag is. Where there is one, what stands before it belongs to the reasoning,
    and so does what follows ``</think>`` if it is much longer than all before: the thinking was moved there
    (not with ``moved=False``).
    """
    text = whole_text(sample, prefilled)
    if view == "all" or (THINK_OPEN not in text and THINK_CLOSE not in text):
        return text
    if view == "summary":
        return after_think(text)
    inside = _inside(text)
    if view == "block":
        return inside
    before = text.partition(THINK_OPEN)[0] if THINK_OPEN in text else ""
    after = after_think(text) if THINK_CLOSE in text else ""
    longer = moved and after.strip() != "" and _said(after) > MOVED * (_said(inside) + _said(before))
    return "\n".join(part for part in (before, inside, after if longer else "") if part)


def _said(text: str) -> int:
    """Letters; one of Chinese, Japanese or Korean says as much as three of an alphabet."""
    letters = sum(map(str.isalpha, text))
    return letters if text.isascii() else letters + 2 * sum(map(str.isalpha, "".join(_DENSE.findall(text))))


def _inside(text: str) -> str:
    if THINK_OPEN not in text:  # the template opened it, and nobody told
        return text.partition(THINK_CLOSE)[0]
    blocks = text.split(THINK_OPEN)[1:]
    return "\n".join(block.partition(THINK_CLOSE)[0] for block in blocks)


def question(prompt: Text | None) -> str:
    """What the user asked: the last user turn, of a chat or of a prompt in a chat template; else the whole prompt."""
    if prompt is None:
        return ""
    if not isinstance(prompt, str):
        asked = [message_text(m) for m in prompt if m.get("role") == "user"]
        return asked[-1] if asked else prompt_end(prompt)
    turns = list(_TURN.finditer(prompt))
    if turns:
        prompt = prompt[turns[-1].end() :]
        ending = _TURN_END.search(prompt)
        prompt = prompt[: ending.start()] if ending else prompt
    return _SPECIAL.sub(" ", prompt)
