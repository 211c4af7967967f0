"""How often the verifiers of a run err, by second opinions on a sampled share of what they decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from veritune.rewards.appeal.answers import run_tallies
from veritune.rewards.appeal.estimate import WORDS, Rates, Tally, rates, risen


def appeals_section(run_dir: Path, lines: Sequence[Mapping[str, Any]]) -> str:
    """HTML: a table a component; empty where nothing was asked."""
    return "".join(_component(alias, tallies) for alias, tallies in sorted(run_tallies(run_dir, lines).items()))


def _component(alias: str, tallies: Sequence[Tally]) -> str:
    found: Rates = rates(sum(tallies, Tally()))
    if not found.asked:
        return ""
    rows = "".join(
        f"<tr><td>{words}</td><td>{escape(str(getattr(found, name)))}</td></tr>" for name, words in WORDS.items()
    )
    open_ = f", {found.open:,} of them undecided or unanswered" if found.open else ""
    warnings = "".join(f'<p class="warning">{escape(f"{alias} {text}")}</p>' for text in risen(tallies))
    return (
        f"<h2>How often {escape(alias)} errs</h2>{warnings}<table>{rows}</table>"
        f"<p>By {found.asked:,} second opinions{open_}, weighted by the chance of being asked; with 95 % intervals. A "
        "second opinion errs too.</p>"
    )
