"""The reward ``instructions``: instruction following, by rules."""

from __future__ import annotations

from typing import Any, Literal

from veritune.plugins.errors import ColumnError
from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.text import Prefilled


@reward
def instructions(
    sample: Sample,
    instruction_id_list: Any = ...,
    kwargs: Any = None,
    gold: Any = ...,
    *,
    mode: Literal["strict", "loose"] = "strict",
    credit: Literal["all", "fraction"] = "all",
    right: float = 1.0,
    wrong: float = 0.0,
    prefilled: Prefilled = "auto",
) -> Score:
    """``right`` where the answer follows every instruction of its row, else ``wrong``; by rules, with no model.

    The columns are IFEval's: ``instruction_id_list`` and ``kwargs`` (lists, or their JSON); without them the gold is
    read, a mapping of both or open-instruct's ``ground_truth``. ``credit: fraction`` pays the share of instructions
    followed. ``mode: loose`` also reads the answer without first line, last line and asterisks. Judged is what follows
    the reasoning. An unknown instruction, or one without its argument, is undecided (``invalid_gold``).

    Source: IFEval (2311.07911), IFBench (2507.02833).
    """
    from veritune.verifiers.instructions import InstructionVerifier  # its own imports are wanted only where it is used

    if instruction_id_list is ... and gold is ...:  # no such columns; None is an empty field of this row
        raise ColumnError(
            "reward 'instructions' needs the column instruction_id_list (and kwargs), or a gold that holds both. "
            f"Columns: {', '.join(sorted(map(str, sample.columns))) or 'none'}. Name yours with "
            "columns: {instruction_id_list: COLUMN, kwargs: COLUMN}."
        )
    verifier = InstructionVerifier(mode=mode, prefilled=prefilled)
    if instruction_id_list is not ...:
        verdict = verifier.verify_columns(sample.text, instruction_id_list, kwargs, sample.prompt_text)
    else:
        verdict = verifier.verify(sample.text, gold, sample.prompt_text)
    if verdict.score is None or credit == "all":
        return Score.of(verdict, right, wrong)
    return Score(wrong + (right - wrong) * verdict.score, verdict.reason, verdict)


instructions.for_rows("mode", "credit", "right", "wrong", "prefilled")
