"""How often the verifiers of a run err, by second opinions on a sampled share of what they decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from veritune.rewards.appeal.answers import answered
from veritune.rewards.appeal.estimate import Rates, Tally, from_metrics, rates, risen

ROWS = (
    ("wrong completions that are accepted", "false_accept"),
    ("right completions that are rejected", "false_reject"),
    ("accepted completions that are wrong", "wrong_among_accepted"),
    ("rejected completions that are right", "right_among_rejected"),
)


def run_tallies(run_dir: Path, lines: Sequence[Mapping[str, Any]]) -> dict[str, list[Tally]]:
    """By component: of the training steps' lines (of evaluations, where no training step has any); where a person was
    asked, of the completions with what the person answered."""
    found = from_metrics(line for line in lines if line["phase"] not in ("evaluation", "warning"))
    return {**(found or from_metrics(lines)), **answered(run_dir)}


def appeals_section(run_dir: Path, lines: Sequence[Mapping[str, Any]]) -> str:
    """HTML: a table a component; empty where nothing was asked."""
    return "".join(_component(alias, tallies) for alias, tallies in sorted(run_tallies(run_dir, lines).items()))


def _component(alias: str, tallies: Sequence[Tally]) -> str:
    found: Rates = rates(sum(tallies, Tally()))
    if not found.asked:
        return ""
    rows = "".join(f"<tr><td>{words}</td><td>{escape(str(getattr(found, name)))}</td></tr>" for words, name in ROWS)
    open_ = f", {found.open:,} of them undecided or unanswered" if found.open else ""
    warnings = "".join(f'<p class="warning">{escape(f"{alias} {text}")}</p>' for text in risen(tallies))
    return (
        f"<h2>How often {escape(alias)} errs</h2>{warnings}<table>{rows}</table>"
        f"<p>By {found.asked:,} second opinions{open_}, weighted by the chance of being asked; with 95 % intervals. A "
        "second opinion errs too.</p>"
    )
