"""The right answers themselves: are they there, do they hold against themselves, does the row's solution agree?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from veritune.lab.audit.cures import cure
from veritune.lab.audit.findings import Finding
from veritune.lab.audit.repeated import same_answer
from veritune.lab.audit.rows import AuditRow
from veritune.lab.search.claims import claims, number
from veritune.plugins import Reward
from veritune.verifiers.math import MathVerifier
from veritune.verifiers.math.audit import audit_golds

SOLUTIONS = ("solution", "rationale", "explanation", "analysis", "worked_solution", "cot")
"""Columns of worked solutions, where they are not the gold's own."""
_NUMBERS = re.compile(r"-?(?:\d{1,3}(?: \d{3})+|\d[\d,]*)(?:\.\d+)?(?:/\d+)?")
_CHECKS = {"unusable": "no gold", "lost": "gold lost", "undecided": "gold undecided"}


def math_settings(rewards: Any) -> dict[str, Any] | None:
    """How the first of the rewards that compares mathematically reads its gold; None where none does."""
    for one in [component.reward for component in getattr(rewards, "components", ())] or [rewards]:
        if isinstance(one, Reward) and {"gold_format", "options"} <= set(one.parameters):
            values = one.resolved
            options = {"gold_format": values["gold_format"], "deadline": values.get("deadline", 1.0)}
            return {**options, **dict(values["options"] or {})}
    return None


def missing_golds(rows: Sequence[AuditRow]) -> Iterator[Finding]:
    """Rows without a right answer."""
    for index, row in enumerate(rows):
        if not row.gold:
            value = row.data.get(row.layout.gold or "")
            yield Finding(
                index, "no gold", f"column {row.layout.gold!r} holds {value!r}", "fill it in, or leave it out"
            )


def math_golds(rows: Sequence[AuditRow], settings: Mapping[str, Any]) -> Iterator[Finding]:
    """Every gold against itself, as ``veritune audit gold`` does."""
    column = rows[0].layout.gold
    assert column is not None
    there = [index for index, row in enumerate(rows) if row.gold]
    for index in there:
        if problem := broken(rows[index].gold):
            yield Finding(
                index, "gold lost", f"{rows[index].gold!r:.80}: {problem}", "write the answer out, or leave it out"
            )
    there = [index for index in there if not broken(rows[index].gold)]
    options: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
    for index, report in zip(
        there, audit_golds([rows[i].data[column] for i in there], MathVerifier(**options)), strict=True
    ):
        why = "; ".join(report.notes)
        if report.state in _CHECKS:
            yield Finding(index, _CHECKS[report.state], f"{report.gold!r:.80}: {why}", cure("invalid_gold", why))
        elif report.state != "fine":
            yield Finding(index, "gold to look at", f"{report.gold!r:.80}: {why}")


def broken(gold: str) -> str:
    """What is wrong with the way a gold is written; empty where nothing is."""
    bare = re.sub(r"\\\\|\\[{}$]", "", gold)
    if bare.count("{") != bare.count("}"):
        return "its braces do not match: it may be cut off"
    if bare.count("$") % 2 and not re.fullmatch(r"\s*\$[^$]*\d[^$]*", bare):
        return "a $ is not closed"
    return "" if any(character.isalnum() for character in gold) or "\\" in gold else "there is no letter or digit in it"


def solutions(rows: Sequence[AuditRow]) -> Iterator[Finding]:
    """Rows whose worked solution ends in another answer than the gold."""
    column = next((name for name in SOLUTIONS if name in rows[0].data and name != rows[0].layout.gold), None)
    if column is None:
        return
    asked = []
    for index, row in enumerate(rows):
        text = row.data.get(column)
        if not isinstance(text, str) or not text.strip() or not row.gold:
            continue
        if claims(text):
            asked.append((index, text))
        elif _never_says(text, row.gold):
            why = f"the gold {row.gold[:60]!r} is nowhere in the row's {column}, which ends in {text.strip()[-60:]!r}"
            yield Finding(index, "solution disagrees", why, "keep the right one")
    verdicts = MathVerifier().verify_batch([(text, rows[index].gold) for index, text in asked])
    for (index, text), verdict in zip(asked, verdicts, strict=True):
        said = claims(text)[-1]
        if verdict.correct is False and not same_answer(said, rows[index].gold):
            why = f"the solution ends in {(verdict.extracted or said)[:60]!r}, the gold is {rows[index].gold[:60]!r}"
            yield Finding(index, "solution disagrees", why, "keep the right one")


def _never_says(text: str, gold: str) -> bool:
    """Whether a gold that is a number is not among the numbers of a solution that has some."""
    wanted = number(gold)
    said = {number(found.replace(" ", "")) for found in _NUMBERS.findall(text)}
    return wanted is not None and len(said) > 1 and not {wanted, -wanted} & said


def told_answers(rows: Sequence[AuditRow]) -> Iterator[Finding]:
    """Prompts that say the right answer at a mark of a final answer."""
    for index, row in enumerate(rows):
        gold = row.gold
        if not gold:
            continue
        for claim in claims(row.prompt_text):
            if claim and (number(claim) is not None or len(gold) > 3 or claim == gold) and same_answer(claim, gold):
                yield Finding(
                    index, "answer in the prompt", f"the prompt says {claim[:60]!r}", "take it out of the prompt"
                )
                break
