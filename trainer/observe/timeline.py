"""A recipe's timeline: what each stage began and ended with, as a table, a chart and a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from veritune.plugins import DataError
from veritune.trainer.observe.charts import line_chart
from veritune.trainer.observe.metrics import read_metrics

REWARD = "reward/"
COLUMNS = ("accuracy", "reward/language", "length", "thinks", "loss")
"""What the table has of each stage's evaluations, with every pass@k and every further reward; the language share where
a reward is called so."""
LABELS = {"length": "tokens"}
TOLD = ("reward/accuracy", "reward/format")
"""Rewards that the columns show already, as the accuracy and as ``thinks``."""


RECIPE, DONE = "recipe.yaml", "done.json"
"""In a recipe's folder, the recipe; in a stage's, that it is done."""


@dataclass(frozen=True)
class Entry:
    """A stage of the recipe, and where its run is."""

    name: str
    kind: str
    folder: Path
    done: bool


def entries_of(folder: Path) -> tuple[list[Entry], str | None]:
    """The stages of a recipe's folder that have begun, and the recipe's note. Raises DataError where it is none."""
    path = folder / RECIPE
    if not path.is_file():
        raise DataError(f"{str(folder)!r} holds no recipe: {RECIPE} is not there")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("stages"), list):
        raise DataError(f"{path} is damaged: it is not the text of a recipe")
    stages = [(str(each["name"]), str(each.get("stage", "grpo"))) for each in values["stages"]]
    found = [Entry(name, kind, folder / name, (folder / name / DONE).is_file()) for name, kind in stages]
    return [entry for entry in found if entry.folder.is_dir()], values.get("note")


def timeline(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """A record a stage: ``name``, ``stage``, ``done``, ``steps``, ``seconds``, and its first and last evaluation."""
    found = []
    for entry in entries:
        log = entry.folder / "metrics.jsonl"
        lines = read_metrics(log) if log.is_file() else []
        evaluations = [r for r in lines if r["phase"] == "evaluation"]
        steps = [r for r in lines if r["phase"] not in ("evaluation", "warning")]
        spent = [float(r["seconds"]) for r in evaluations if r.get("seconds") is not None]
        spent += [float(r.get("seconds") or _phases(r)) for r in steps]
        record: dict[str, Any] = {"name": entry.name, "stage": entry.kind, "done": entry.done}
        record |= {"steps": len(steps), "seconds": round(sum(spent), 1)}
        if evaluations:
            record |= {"before": _numbers(evaluations[0]), "after": _numbers(evaluations[-1])}
        summary = entry.folder / "summary.json"
        if summary.is_file():
            with suppress(ValueError):  # a file that a full disk has cut is not worth a recipe
                record["summary"] = json.loads(summary.read_text(encoding="utf-8"))
        found.append(record)
    return found


def write_timeline(folder: Path) -> list[dict[str, Any]]:
    """``timeline.json`` and ``report.html`` of a recipe's folder; returns the records. Raises DataError."""
    entries, note = entries_of(folder)
    records = timeline(entries)
    (folder / "timeline.json").write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page = resources.files("veritune.trainer.observe").joinpath("templates/timeline.html").read_text(encoding="utf-8")
    pieces = {
        "TITLE": escape(folder.resolve().name),
        "NOTE": f'<p class="note">{escape(note)}</p>' if note else "",
        "TABLE": _table(folder, entries, records),
        "CHARTS": _charts(records),
        "STYLE": _style(),
    }
    for name, piece in pieces.items():
        page = page.replace(f"<!--{name}-->", piece)
    target = folder / "report.html"
    partial = folder / ".report.partial"
    partial.write_text(page, encoding="utf-8")
    partial.replace(target)
    return records


def columns(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of :data:`COLUMNS`, and pass@k, that any stage has."""
    seen = dict.fromkeys(key for r in records for key in r.get("after", {}))
    passes = sorted((k for k in seen if k.startswith("pass@")), key=lambda k: int(k[5:]))
    others = [k for k in seen if k.startswith(REWARD) and "/" not in k.removeprefix(REWARD)]
    others = [k for k in others if k not in (*COLUMNS, *TOLD)]
    return [name for name in (COLUMNS[0], *passes, *COLUMNS[1:], *others) if name in seen]


def cell(record: Mapping[str, Any], name: str) -> str:
    """``before → after``, or the one number there is."""
    before, after = (record.get(when, {}).get(name) for when in ("before", "after"))
    if after is None:
        return "–"
    return _number(after) if before is None else f"{_number(before)} → {_number(after)}"


def label(name: str) -> str:
    return LABELS.get(name, name.removeprefix(REWARD))


def _numbers(line: Mapping[str, Any]) -> dict[str, float]:
    hidden = ("step", "seconds")
    return {k: v for k, v in line.items() if isinstance(v, int | float) and k not in hidden}


def _phases(line: Mapping[str, Any]) -> float:
    return sum(float(v) for k, v in line.items() if k.startswith("seconds/") and v is not None)


def _number(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _table(folder: Path, entries: Sequence[Entry], records: Sequence[Mapping[str, Any]]) -> str:
    names = columns(records)
    head = "".join(f"<th>{escape(label(n))}</th>" for n in ("stage", "", "steps", "seconds", *names))
    rows = []
    for entry, record in zip(entries, records, strict=True):
        link = escape(entry.name)
        if (entry.folder / "report.html").is_file():
            link = f'<a href="{escape(str(entry.folder.relative_to(folder)))}/report.html">{link}</a>'
        state = escape(entry.kind) + ("" if entry.done else " (not done)")
        cells = [str(record["steps"]), f"{record['seconds']:.0f}", *(cell(record, name) for name in names)]
        numbers = "".join(f'<td class="number">{escape(c)}</td>' for c in cells)
        rows.append(f"<tr><td>{link}</td><td>{state}</td>{numbers}</tr>")
        if "summary" in record:
            text = "; ".join(f"{k}: {v}" for k, v in record["summary"].items() if not isinstance(v, dict | list))
            rows.append(f'<tr><td></td><td colspan="{3 + len(names)}">{escape(text)}</td></tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _charts(records: Sequence[Mapping[str, Any]]) -> str:
    """Each number after every stage that has it, the stages side by side."""
    charts = []
    for name in columns(records):
        points = [(float(n), r["after"][name]) for n, r in enumerate(records, 1) if name in r.get("after", {})]
        charts.append(line_chart(f"{label(name)} after each stage", {}, {label(name): points}))
    return "".join(charts)


def _style() -> str:
    """The run report's own style sheet."""
    page = resources.files("veritune.trainer.observe").joinpath("templates/report.html").read_text(encoding="utf-8")
    return page[page.index("<style>") : page.index("</style>") + len("</style>")]
