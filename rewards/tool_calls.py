"""The reward ``tool_calls``: the calls that a completion makes against those of its row."""

from __future__ import annotations

from typing import Any, Literal

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.text import Prefilled


@reward
def tool_calls(
    sample: Sample,
    gold: Any,
    tools: Any = None,
    *,
    right: float = 1.0,
    wrong: float = 0.0,
    credit: Literal["all", "fraction", "arguments"] = "all",
    order: Literal["any", "same"] = "any",
    form: str = "any",
    strings: Literal["auto", "exact", "bfcl"] = "auto",
    prefilled: Prefilled = "auto",
) -> Score:
    """``right`` where the completion makes the calls of its row and no others: names, arguments and types.

    Calls are read from ``tool_calls`` of chat messages, and from texts in the forms of Hermes, Qwen, Llama, DeepSeek,
    Mistral and others; one in prose, in the reasoning or in a quoted example is none. The gold is BFCL's
    ``ground_truth``, or calls as OpenAI has them; ``[]`` asks for no call. The column ``tools`` gives types to XML
    arguments, names to positional ones, and defaults. ``credit``: all or nothing, the ``fraction`` of right calls, or
    of right ``arguments``. A call that cannot be read is wrong, a gold that cannot undecided.

    Source: BFCL's AST checker.
    """
    from veritune.verifiers.tool_calls import ToolCallVerifier  # its own imports are wanted only where it is used

    verifier = ToolCallVerifier(order=order, form=form, strings=strings, prefilled=prefilled)
    verdict = verifier.verify(sample.completion, gold, sample.prompt_text, tools)
    if verdict.score is None or verdict.correct or credit == "all":
        return Score.of(verdict, right, wrong)
    part = verdict.score if credit == "fraction" else float(verdict.evidence.get("arguments", 0.0))
    return Score(wrong + (right - wrong) * part, verdict.reason, verdict)


@tool_calls.check
def _check_form(form: str) -> None:
    """Raise ParameterError for a form that nobody knows, before anything is scored."""
    from veritune.verifiers.tool_calls import ToolCallVerifier

    ToolCallVerifier(form=form)


tool_calls.for_rows("right", "wrong", "credit", "order", "form", "strings", "prefilled")
