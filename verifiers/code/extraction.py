"""Which part of a completion is the program: the last fenced block of the wanted language where the answer belongs."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from veritune.sandbox.language_names import canonical
from veritune.verifiers.code.fences import Fence, fences, looks_like_code

NoFence: TypeAlias = Literal["run", "none"]
"""A text without any fence: run it as it is, or take it for no program."""

_ANSWER = re.compile(r"^[ \t]*<answer>|<answer>(?=\s{0,4}(?:`{3}|~{3}))", re.MULTILINE)


def answer_part(text: str, thinking: bool = False) -> str:
    """What follows the thinking, and of it the inside of the last ``<answer>`` where there is one.

    A ``<think>`` that never closes leaves only what stands before it. ``thinking`` gives the whole text instead.
    """
    if thinking:
        return text
    _, closing, rest = text.rpartition("</think>")
    if not closing:
        rest = text.partition("<think>")[0]
    answers = list(_ANSWER.finditer(rest))
    if not answers:
        return rest
    found = answers[-1]
    inside = rest[found.end() :]
    closed = inside.rfind("</answer>")
    inside = inside if closed < 0 else inside[:closed]
    return inside if inside.strip() else rest[: found.start()]


def extract_code(
    completion: str, language: str = "python", *, no_fence: NoFence = "run", thinking: bool = False
) -> str | None:
    """The program of a completion, or None where there is none.

    The last closed block tagged with any name of the language; else the last such block that never closes; else the
    last block without a tag, of several the last that looks like code. Blocks of other languages never count. Without
    any block, ``no_fence`` says what to do. Code inside ``<think>`` counts only with ``thinking``.
    """
    part = answer_part(completion, thinking)
    blocks = fences(part, language)
    if not blocks:
        return part.strip("\n") if no_fence == "run" and part.strip() else None
    wanted = canonical(language)
    blocks = [block for block in blocks if block.code.strip()]
    tagged = [block for block in blocks if _is(block, wanted)]
    for chosen in (_closed(tagged), tagged, _likely(_closed(blocks)), _likely(blocks)):
        if chosen:
            return chosen[-1].code
    return None


def _is(block: Fence, wanted: str) -> bool:
    return canonical(block.tag) == wanted if block.tag else not block.opened


def _closed(blocks: list[Fence]) -> list[Fence]:
    return [block for block in blocks if block.closed]


def _likely(blocks: list[Fence]) -> list[Fence]:
    plain = [block for block in blocks if not block.tag]
    return [block for block in plain if looks_like_code(block.code)] or plain
