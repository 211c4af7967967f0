"""The verifier ``instructions``: which of a row's instructions the answer follows."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.verifiers.instructions.check import ArgumentFault, Found, bound
from veritune.verifiers.instructions.rows import Asked, asked, asked_by_gold
from veritune.verifiers.judged import judged

Mode: TypeAlias = Literal["strict", "loose"]

_TYPES = ("keywords", "lengths", "formats", "combination", "cases", "ifbench_words", "ifbench_formats", "open_instruct")


class InstructionVerifier:
    """Checks the instructions of a row, as IFEval and IFBench write them.

    What is judged is what follows the reasoning (all reasoning: nothing is followed; ``prefilled``: the prompt opened
    it), and of an answer that is one ``<answer>…</answer>`` its inside. ``mode: loose`` also accepts an answer that
    follows an instruction without its first line, its last line, both, or its asterisks (IFEval's loose accuracy).

    ``correct`` where every instruction is followed; ``score`` is the share of those followed. Undecided: an
    instruction that is not known, or lacks an argument (``invalid_gold``), and one that cannot be told (``abstain``)
    where no other is broken.
    """

    def __init__(self, *, mode: Mode = "strict", prefilled: bool | Literal["auto"] = "auto") -> None:
        self.mode, self.prefilled = mode, prefilled

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The verdict on one completion; a gold holds ``instruction_id_list`` and ``kwargs``."""
        try:
            return self.check(completion, asked_by_gold(gold), prompt)
        except ArgumentFault as fault:
            return Verdict.undecided(Cause.INVALID_GOLD, str(fault))
        except Exception as error:
            return _fault(error, completion)

    def verify_columns(self, completion: str, ids: Any, kwargs: Any, prompt: str = "") -> Verdict:
        """The verdict on one completion of a row with the columns ``instruction_id_list`` and ``kwargs``."""
        try:
            return self.check(completion, asked(ids, kwargs), prompt)
        except ArgumentFault as fault:
            return Verdict.undecided(Cause.INVALID_GOLD, str(fault))
        except Exception as error:
            return _fault(error, completion)

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return [self.verify(completion, gold) for completion, gold in pairs]

    def check(self, completion: str, instructions: Asked, prompt: str = "") -> Verdict:
        """The verdict on instructions that are read already. Raises ArgumentFault for what cannot be checked."""
        _load()
        checks = [(name, *bound(name, given)) for name, given in instructions]
        answer = judged(completion, prompt, self.prefilled)
        if answer is None:
            return Verdict.wrong("the reasoning never ends, so there is no answer")
        if not answer.strip():
            return Verdict.wrong("there is no answer")
        variants = loosened(answer) if self.mode == "loose" else [answer]
        found = [(name, _first(check, values, variants)) for name, check, values in checks]
        return _verdict(found)


def loosened(answer: str) -> list[str]:
    """The answer in IFEval's eight ways of reading it: with and without first line, last line and asterisks."""
    lines = answer.split("\n")
    cut = [answer, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    every = [cut[0], cut[0].replace("*", ""), *cut[1:], *(text.replace("*", "") for text in cut[1:])]
    return [text for text in dict.fromkeys(every) if text.strip()]


def _first(check: Any, values: dict[str, Any], variants: Sequence[str]) -> Found:
    """What is found in the first variant that follows the instruction; else in the answer as it is."""
    whole: Found | None = None
    for text in variants:
        found: Found = check(text, **values)
        if found.followed:
            return found
        whole = whole or found
    return whole or Found(False, "there is no answer")


def _verdict(found: Sequence[tuple[str, Found]]) -> Verdict:
    shown = [{"id": name, "followed": one.followed, "seen": one.seen} for name, one in found]
    broken = [f"{name}: {one.seen}" for name, one in found if one.followed is False]
    open_ones = [f"{name}: {one.seen}" for name, one in found if one.followed is None]
    kept = len(found) - len(broken) - len(open_ones)
    facts = {"expected": ", ".join(name for name, _ in found)[:300], "evidence": {"instructions": shown}}
    if broken:
        reason = f"{kept} of {len(found)} followed; {'; '.join(broken)}"
        return Verdict.wrong(_line(reason), score=kept / len(found), **facts)
    if open_ones:
        return Verdict.undecided(Cause.ABSTAIN, _line("; ".join(open_ones)), **facts)
    return Verdict.right(_line(f"all {kept} followed: {found[0][1].seen}"), **facts)


def _line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) < 280 else f"{flat[:279]}…"


def _fault(error: Exception, completion: str) -> Verdict:
    """No text raises: a bug of ours is undecided."""
    return Verdict.undecided(Cause.INTERNAL_ERROR, record("checking instructions", error, completion=completion))


@lru_cache(maxsize=1)
def _load() -> None:
    """Import every file of instruction types, once."""
    for name in _TYPES:
        importlib.import_module(f"veritune.verifiers.instructions.{name}")
