"""Reading a completion: think and answer blocks, boxes, a prefilled ``<think>``. Everything here is linear in time."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from veritune.plugins.types import Sample, Text, message_reasoning, message_text

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
ANSWER_OPEN, ANSWER_CLOSE = "<answer>", "</answer>"
TAGS = (THINK_OPEN, THINK_CLOSE, ANSWER_OPEN, ANSWER_CLOSE)

Prefilled: TypeAlias = bool | Literal["auto"]
"""Whether the prompt already wrote ``<think>``; ``auto`` looks whether the prompt as given ends in it."""

Opened: TypeAlias = bool | str
"""What the prompt already wrote of a program's answer: ``auto`` looks whether the prompt as given ends in ``<think>``
or in an opening code fence; True is ``<think>``, False nothing, any other text is that text (```` ```python ````)."""

_TAG = re.compile(r"</?(?:think|answer)>")
_OPEN_FENCE = re.compile(r"(?:^|\n)[ \t]*((?:`{3,}|~{3,})[ \t]*[\w+#.-]+)[ \t]*\n?$")
_BRACES = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)


def first_message(sample: Sample) -> str:
    """What the peers read: a string as it is, of chat messages the first one."""
    if isinstance(sample.completion, str):
        return sample.completion
    return message_text(sample.completion[0]) if len(sample.completion) else ""


def prompt_opens_think(prompt: Text | None) -> bool:
    """The prompt (of a chat: its last message) ends in ``<think>``, white space aside."""
    return prompt_end(prompt).rstrip().endswith(THINK_OPEN)


def prompt_end(prompt: Text | None) -> str:
    """The prompt; of a chat, its last message."""
    if prompt is None or isinstance(prompt, str):
        return prompt or ""
    return message_text(prompt[-1]) if len(prompt) else ""


def whole_text(sample: Sample, prefilled: Prefilled) -> str:
    """The completion with the ``<think>`` that the prompt began.

    A template writes ``<think>`` with or without a line break after it, and a prompt of chat messages does not show
    which, so the break is supplied unless the completion begins with one.
    """
    text = sample.text
    if not (prompt_opens_think(sample.prompt) if prefilled == "auto" else prefilled) or _parsed(sample):
        return text
    return THINK_OPEN + text if text.startswith("\n") else f"{THINK_OPEN}\n{text}"


def _parsed(sample: Sample) -> bool:
    """A server cut the reasoning out of this answer, with the ``<think>`` that the prompt began."""
    if isinstance(sample.completion, str):
        return False
    said = [m for m in sample.completion if m.get("role", "assistant") == "assistant"]
    return bool(said) and bool(message_reasoning(said[-1]))


def code_text(sample: Sample, prefilled: Opened) -> str:
    """The completion with what the prompt began of it: a ``<think>``, or the fence around a program."""
    if isinstance(prefilled, bool):
        return whole_text(sample, prefilled)
    if prefilled != "auto":
        return f"{prefilled}{'' if prefilled.endswith(chr(10)) else chr(10)}{sample.text}"
    fence = _OPEN_FENCE.search(prompt_end(sample.prompt))
    return f"{fence[1]}\n{sample.text}" if fence is not None else whole_text(sample, "auto")


def tags(text: str) -> list[tuple[str, int, int]]:
    """Every think and answer tag in order, with start and end."""
    return [(found[0], found.start(), found.end()) for found in _TAG.finditer(text)]


def after_think(text: str) -> str:
    """What follows the last ``</think>``; the whole text where there is none."""
    return text.rpartition(THINK_CLOSE)[2]


def last_answer(text: str) -> str | None:
    """The inside of the last complete ``<answer>…</answer>`` after the thinking, or None."""
    rest = after_think(text)
    close = rest.rfind(ANSWER_CLOSE)
    opening = rest.rfind(ANSWER_OPEN, 0, max(close, 0))
    return None if close < 0 or opening < 0 else rest[opening + len(ANSWER_OPEN) : close]


def said_answer(sample: Sample, prefilled: Prefilled) -> str | None:
    """``last_answer`` of what follows the reasoning, in whatever tags; None where the reasoning never ends.

    An answer that is copied with the words before it from an example in the prompt is none.
    """
    from veritune.verifiers.math.extraction.reasoning import opens_reasoning, strip_reasoning

    prompt = sample.prompt_text
    opened = opens_reasoning(prompt) if prefilled == "auto" else prefilled
    rest = strip_reasoning(sample.text, opened=opened)
    if rest is None or copies_answer(sample.text, prompt):
        return None
    return last_answer(rest)


def copies_answer(text: str, prompt: str) -> bool:
    """Whether the last answer tag stands in the prompt, together with own words that stand before it in both."""
    from veritune.verifiers.math.extraction.echo import has_own_words

    end = text.rfind(ANSWER_CLOSE)
    if end < 0 or ANSWER_CLOSE not in prompt:
        return False
    words, flat = text[: end + len(ANSWER_CLOSE)].split(), f" {' '.join(prompt.split())}"
    low, high = 0, len(words)
    while low < high:  # the longest end of the words that stands in the prompt
        middle = (low + high + 1) // 2
        low, high = (middle, high) if f" {' '.join(words[-middle:])}" in flat else (low, middle - 1)
    shared = " ".join(words[len(words) - low :])
    return shared.count(ANSWER_OPEN) > 0 and has_own_words(_TAG.sub(" ", shared[: shared.rfind(ANSWER_OPEN)]))


def last_box(text: str) -> str | None:
    r"""The inside of the last complete ``\boxed{…}`` or ``\fbox{…}``, or None."""
    box: str | None = None
    stack: list[int | None] = []
    for found in _BRACES.finditer(text):
        token = found[0]
        if token == "}":
            start = stack.pop() if stack else None
            if start is not None:
                box = text[start : found.start()]
        elif token == "{":
            stack.append(None)
        elif token.endswith("{") and len(token) > 2:
            stack.append(found.end())
    return box
