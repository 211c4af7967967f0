"""The verifier ``tool_calls``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from veritune.plugins.errors import ParameterError, did_you_mean
from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Text, Verdict
from veritune.verifiers.tool_calls.calls import Call, Malformed
from veritune.verifiers.tool_calls.compare import Strings, difference, share
from veritune.verifiers.tool_calls.golds import Wanted, tool_schemas, wanted_calls
from veritune.verifiers.tool_calls.messages import Prefilled, completion_calls
from veritune.verifiers.tool_calls.text import FORMS, Written

Order: TypeAlias = Literal["any", "same"]


class ToolCallVerifier:
    """Decides whether a completion makes the calls that its row asks for, and no others.

    ``order: same`` asks for the row's order. ``form`` is one way of writing calls (:data:`FORMS`) that alone counts, or
    ``any``. ``strings``: texts ``exact``, as BFCL's checker compares them (``bfcl``), or ``auto``: the latter for rows
    of its shape. The verdict's score is the share of right calls, of those asked for or made, whichever are more.
    """

    def __init__(
        self, *, order: Order = "any", form: str = "any", strings: Strings = "auto", prefilled: Prefilled = "auto"
    ) -> None:
        if form != "any" and form not in FORMS:
            known = ", ".join(("any", *FORMS))
            raise ParameterError(f"tool_calls: form is one of {known}, got {form!r}.{did_you_mean(str(form), FORMS)}")
        self.order, self.form, self.strings, self.prefilled = order, form, strings, prefilled

    def verify(self, completion: Text, gold: Any, prompt: str = "", tools: Any = None) -> Verdict:
        """The verdict on one completion, a text or chat messages. ``tools`` describes the functions (JSON schemas)."""
        try:
            wanted = wanted_calls(gold)
        except Malformed as error:
            return Verdict.undecided(Cause.INVALID_GOLD, f"the gold cannot be read: {error}")
        except Exception as error:
            fault = record("reading the calls of a gold", error, gold=str(gold))
            return Verdict.undecided(Cause.INTERNAL_ERROR, fault)
        if wanted is None:
            return Verdict.undecided(Cause.INVALID_GOLD, "the gold is missing; [] asks for no call")
        try:
            return self._verdict(completion_calls(completion, prompt, self.prefilled), wanted, tool_schemas(tools))
        except TypeError:
            raise
        except Exception as error:  # no text raises: a bug of ours is undecided
            fault = record("reading tool calls", error, completion=str(completion), gold=str(gold))
            return Verdict.undecided(Cause.INTERNAL_ERROR, fault)

    def verify_batch(self, pairs: Sequence[tuple[Text, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return [self.verify(completion, gold) for completion, gold in pairs]

    def _verdict(self, written: Written, wanted: Sequence[Wanted], schemas: Mapping[str, Mapping[str, Any]]) -> Verdict:
        calls = written.calls
        shown: dict[str, Any] = {
            "extracted": "; ".join(map(str, calls))[:400] or None,
            "expected": "; ".join(map(str, wanted))[:400] or "no call",
            "evidence": {"form": written.form, "calls": len(calls)},
        }
        if written.fault:
            return Verdict.wrong(written.fault, **shown)
        if not wanted:
            if calls:
                return Verdict.wrong(f"it calls {calls[0].name[:60]!r}, where no call is asked for", **shown)
            return Verdict.right("it makes no call, as asked", **shown)
        if not calls:
            return Verdict.wrong(f"it makes no call; {wanted[0].name[:60]!r} is asked for", **shown)
        if self.form != "any" and written.form not in (self.form, "tool_calls"):
            return Verdict.wrong(f"its calls are written as {written.form}, not as {self.form}", **shown)
        why = [[difference(call, want, schemas, self.strings) for call in calls] for want in wanted]
        right = [[not reason for reason in row] for row in why]
        matched = _in_order(right) if self.order == "same" else _matching(right)
        score = len(matched) / max(len(wanted), len(calls))
        parts = _shares(calls, wanted, schemas, self.strings, in_order=self.order == "same")
        shown["evidence"] = {**shown["evidence"], "right": len(matched), "arguments": parts}
        if len(matched) == len(wanted) == len(calls):
            return Verdict.right(f"it makes {_count(len(calls))} as asked", **shown)
        return Verdict(False, score=score, reason=_reason(why, matched, wanted, calls, self.order), **shown)


def _reason(
    why: list[list[str]], matched: dict[int, int], wanted: Sequence[Wanted], calls: Sequence[Call], order: Order
) -> str:
    missing = next((i for i in range(len(wanted)) if i not in matched), None)
    free = [j for j in range(len(calls)) if j not in matched.values()]
    if missing is None:
        return f"it makes {_count(len(calls))}, {len(wanted)} asked for: {str(calls[free[0]])[:100]}"
    if not free:
        return f"it makes {_count(len(calls))}, {len(wanted)} asked for: {str(wanted[missing])[:100]} is missing"
    reasons = [why[missing][j] for j in free if why[missing][j]]
    if order == "same" and len(reasons) < len(free):
        return f"{str(wanted[missing])[:100]} stands in another place"
    nearest = [reason for reason in reasons if not reason.startswith("it calls ")]
    return (nearest or reasons or ["a call is missing"])[0]


def _count(number: int) -> str:
    return "one call" if number == 1 else f"{number} calls"


def _in_order(right: list[list[bool]]) -> dict[int, int]:
    """Calls that stand at their own place."""
    return {i: i for i, row in enumerate(right) if i < len(row) and row[i]}


def _matching(right: list[list[bool]]) -> dict[int, int]:
    """The most wanted calls that can each have a call of its own (augmenting paths): wanted → call."""
    owner: dict[int, int] = {}

    def place(i: int, seen: set[int]) -> bool:
        for j, fits in enumerate(right[i]):
            if fits and j not in seen:
                seen.add(j)
                if j not in owner or place(owner[j], seen):
                    owner[j] = i
                    return True
        return False

    for i in range(len(right)):
        place(i, set())
    return {i: j for j, i in owner.items()}


def _shares(
    calls: Sequence[Call],
    wanted: Sequence[Wanted],
    schemas: Mapping[str, Mapping[str, Any]],
    strings: Strings,
    *,
    in_order: bool,
) -> float:
    """The mean share of right arguments, each wanted call beside the best call that is left, or that at its place."""
    if in_order:
        pairs = zip(calls, wanted, strict=False)
        found = sum(share(call, want, schemas, strings) for call, want in pairs)
        return round(found / max(len(wanted), len(calls)), 4)
    left = list(range(len(calls)))
    total = 0.0
    for want in wanted:
        rated = [(share(calls[j], want, schemas, strings), -j) for j in left]
        if not rated:
            break
        best, place = max(rated)
        if best > 0:
            left.remove(-place)
            total += best
    return round(total / max(len(wanted), len(calls)), 4)
