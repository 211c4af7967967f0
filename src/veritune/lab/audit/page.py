"""The audit as one HTML page with everything in it."""

from __future__ import annotations

import json
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from veritune.lab.audit.findings import CHECKS, AuditReport

MOST = 4000
"""Findings on the page; the table of counts has all."""
_QUESTION, _ANSWER, _WHY = 600, 200, 500


def write_page(report: AuditReport, file: Path, title: str) -> None:
    """Write the page, whole or not at all."""
    template = resources.files("veritune.lab.audit").joinpath("templates/page.html").read_text(encoding="utf-8")
    pieces = {
        "TITLE": escape(title),
        "SUB": escape(_sub(report)),
        "CARDS": _cards(report),
        "NOTES": _notes(report),
        "CHECKS": _checks(report),
        "UNDECIDED": _undecided(report),
        "DIFFICULTY": _difficulty(report),
        "SKIPPED": "".join(f"<li>{escape(check)}: {escape(why)}</li>" for check, why in report.skipped.items()),
        "DATA": _data(report),
    }
    for name, piece in pieces.items():
        template = template.replace(f"<!--{name}-->", piece)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(template, encoding="utf-8")
    partial.replace(file)


def _sub(report: AuditReport) -> str:
    told = f"rewards: {report.rewards}" if report.rewards else "without rewards"
    if report.honest is not None and report.wrong is not None:
        told += f"; right answers earn {report.honest:g}, wrong ones {report.wrong:g}"
    return f"veritune audit · {told} · {report.seconds:.0f} s"


def _cards(report: AuditReport) -> str:
    out, found = report.left_out(), report.by_row()
    values = {
        "rows": f"{len(report.rows):,}",
        "with a fault": f"{len(out):,}",
        "to look at only": f"{len(set(found) - set(out)):,}",
        "without a finding": f"{len(report.rows) - len(found):,}",
    }
    if report.rates:
        values["mean pass rate"] = f"{sum(a / b for a, b in report.rates.values()) / len(report.rates):.0%}"
    return "".join(
        f'<div class="card"><div class="label">{label}</div><div class="value">{value}</div></div>'
        for label, value in values.items()
    )


def _notes(report: AuditReport) -> str:
    return "".join(
        f'<p class="note">“{escape(check)}” was found in so many rows that it is the reward or the configuration, '
        "not the rows: nothing is left out for it.</p>"
        for check in report.pervasive
    )


def _checks(report: AuditReport) -> str:
    counts = report.counts()
    most = max(counts.values(), default=1)
    lines = []
    for check, (level, meaning) in CHECKS.items():
        looked = report.looked.get(check)
        if looked is None and check not in counts:
            continue
        count = counts.get(check, 0)
        bar = f'<i class="{level}" style="width:{100 * count / most:.1f}%"></i>' if count else ""
        name = f'<span class="link" data-check="{escape(check)}">{escape(check)}</span>' if count else escape(check)
        of = f"{looked:,}" if looked is not None else ""
        lines.append(
            f'<tr><td class="tag {level if count else ""}">{name}</td><td class="num">{count:,}</td>'
            f'<td class="bar">{bar}</td><td class="num">{of}</td><td>{escape(meaning)}</td></tr>'
        )
    return "".join(lines)


def _undecided(report: AuditReport) -> str:
    if not report.causes:
        return ""
    lines = "".join(
        f'<tr><td class="num">{count:,}</td><td class="tag">{escape(cause)}</td><td class="why">{escape(reason)}</td>'
        f"<td>{escape(advice)}</td></tr>"
        for (cause, reason, advice), count in report.causes.most_common(30)
    )
    head = "<tr><th>scores</th><th>cause</th><th>reason</th><th>what would cure it</th></tr>"
    return (
        f'<h2>Undecided</h2><div class="panel scroll"><table><thead>{head}</thead><tbody>{lines}</tbody></table></div>'
    )


def _difficulty(report: AuditReport) -> str:
    """How many questions are solved how often."""
    if not report.rates:
        return ""
    counts = [0] * 11
    for right, known in report.rates.values():
        counts[round(10 * right / known)] += 1
    most = max(counts)
    columns = "".join(
        f'<div>{count:,}<i style="height:{80 * count / most:.1f}%"></i>{10 * index}%</div>'
        for index, count in enumerate(counts)
    )
    head = "<h2>Difficulty: questions by the share of their completions that are paid</h2>"
    return f'{head}<div class="panel columns">{columns}</div>'


def _data(report: AuditReport) -> str:
    """The findings for the table, safe inside a script element."""
    order = list(CHECKS)
    chosen = sorted(report.findings, key=lambda f: (order.index(f.check), f.row))
    findings: list[dict[str, Any]] = []
    for finding in chosen[:MOST]:
        row = report.rows[finding.row]
        findings.append(
            {
                "row": row.place.rpartition("/")[2],
                "check": finding.check,
                "level": finding.level,
                "why": _cut(finding.why, _WHY),
                "cure": finding.cure,
                "gold": _cut(row.gold, _ANSWER),
                "question": _cut(row.question, _QUESTION),
            }
        )
    data = {"checks": list(report.counts()), "findings": findings, "cut": len(chosen) if len(chosen) > MOST else 0}
    text = json.dumps(data, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
