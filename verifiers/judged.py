"""What is judged of a completion: the answer behind the reasoning, out of its answer tags."""

from __future__ import annotations

from typing import Literal

ANSWER_OPEN, ANSWER_CLOSE = "<answer>", "</answer>"


def judged(
    completion: str, prompt: str = "", prefilled: bool | Literal["auto"] = "auto", *, inside: bool = False
) -> str | None:
    """The answer behind the reasoning; None where the reasoning never ends (``prefilled``: that the prompt began).

    Of an answer that is one ``<answer>…</answer>`` the inside; with ``inside`` also of a text with exactly one such
    block in it.
    """
    from veritune.verifiers.math.extraction.reasoning import opens_reasoning, strip_reasoning

    opened = opens_reasoning(prompt) if prefilled == "auto" else prefilled
    answer = strip_reasoning(completion, opened=opened)
    if answer is None:
        return None
    if len(answer) != len(completion):
        answer = answer.lstrip("\n")
    if answer.count(ANSWER_OPEN) != 1 or answer.count(ANSWER_CLOSE) != 1:
        return answer
    before, _, rest = answer.partition(ANSWER_OPEN)
    block, closed, after = rest.partition(ANSWER_CLOSE)
    whole = not before.strip() and not after.strip()
    return block.strip("\n") if closed and (inside or whole) else answer
