"""Reasoning blocks: what a completion thinks, not says, whatever the tags are called and however they are spelled."""

from __future__ import annotations

import re

from veritune.verifiers.math.options import DEFAULT, MathOptions

_ROOTS = ("think", "thought", "reason", "analy", "scratch", "reflect", "deliberat", "monolog", "cot>", "channel|>")
_TAG = re.compile(
    r"(?P<bracket>[<\[({◁〈＜⟨]|&lt;)\|?\s{0,2}(?P<slash>[/\\]?)\s{0,2}"
    r"(?P<name>[a-z_:\-]{0,24}?(?:think|thought|reason|analy[sz]|scratch|reflect|deliberat|monolog|\bcot)[a-z_\-]{0,24})"
    r"(?:\s[^<>\[\]\n]{0,80})?\|?(?:[>\])}▷〉＞⟩]|&gt;)",
    re.IGNORECASE,
)
"""``<think>``, ``<THINK>``, ``<|begin_of_thought|>``, ``[THINK]``, ``◁think▷``, ``<seed:think>``, ``</analysis >`` …"""
_CHANNEL = re.compile(r"<\|(?:channel|im_start)\|>\s*(analysis|commentary|think\w*|final|answer)\b", re.IGNORECASE)
"""Turns that are channels: ``<|channel|>analysis<|message|>…<|channel|>final<|message|>…``."""
_MESSAGE = "<|message|>"
OPENS = re.compile(r"<\|?\s{0,2}[/\\]?\s{0,2}[a-zA-Z_:\-]|<\|")
"""The beginning of a tag or a channel; most signs of "less than" are none."""
_LOOKED_AT = 50
_ENDS = ("end", "close", "stop")


def strip_reasoning(text: str, options: MathOptions = DEFAULT, *, opened: bool = False) -> str | None:
    """What follows the reasoning; None if a reasoning block is opened and never closed.

    ``opened``: the prompt opened one already, so that a completion that closes none is all reasoning.
    """
    start = 0
    for opening, closing in options.reasoning_tags:
        end = text.rfind(closing)
        if text.rfind(opening) > end:
            return None
        start = max(start, end + len(closing) if end >= 0 else 0)
    if _may_hold_tags(text):
        channels = list(_CHANNEL.finditer(text))
        if channels:
            last = channels[-1]
            if last[1].lower() not in ("final", "answer"):
                return None
            begin = text.find(_MESSAGE, last.end(), last.end() + 40)
            start = max(start, begin + len(_MESSAGE) if begin >= 0 else last.end())
            opened = False
        events = _events(text)
        closed = [end for end, closes in events if closes]
        if events and not events[-1][1]:
            return None
        if closed:
            start, opened = max(start, closed[-1]), False
    return None if opened and start == 0 else text[start:]


def _may_hold_tags(text: str) -> bool:
    """Whether a tag or channel can be in `text` at all: asked of every text, and answered by few of its places."""
    if "<" in text:
        for number, found in enumerate(OPENS.finditer(text)):
            if found[0].startswith("<|") or number > _LOOKED_AT:
                return names_reasoning(text)
            if _TAG.match(text, found.start()):
                return True
    others = (
        ("/" in text and ("[/" in text or "(/" in text or "{/" in text))
        or ("[" in text and "[TH" in text)
        or ("&" in text and "&lt;" in text)
        or (not text.isascii() and ("◁" in text or "〈" in text or "＜" in text or "⟨" in text))
    )
    return others and names_reasoning(text)


def names_reasoning(text: str) -> bool:
    """Whether a word that reasoning tags are named by is in `text`."""
    low = text.lower()
    return any([root in low for root in _ROOTS])


def _events(text: str) -> list[tuple[int, bool]]:
    """Where reasoning tags end, and whether each closes. A bracketed heading such as [Reasoning] is no tag."""
    found = list(_TAG.finditer(text))
    closed = {tag["bracket"] for tag in found if tag["slash"]}
    return [
        (tag.end(), _closes(tag))
        for tag in found
        if tag["bracket"] not in "[({" or tag["bracket"] in closed or tag["name"] in ("THINK", "THINKING", "THOUGHT")
    ]


def _closes(tag: re.Match[str]) -> bool:
    return bool(tag["slash"]) or tag["name"].lower().startswith(_ENDS)


def opens_reasoning(prompt: str) -> bool:
    """Whether a prompt ends in a tag that opens reasoning: the completion then begins inside it."""
    tail = prompt[-120:].rstrip()
    found = list(_TAG.finditer(tail))
    if found and found[-1].end() == len(tail):
        return not _closes(found[-1])
    channels = list(_CHANNEL.finditer(tail))
    return bool(channels) and channels[-1][1].lower() not in ("final", "answer") and len(tail) - channels[-1].end() < 14
