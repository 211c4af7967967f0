"""The run's report: one HTML file with everything in it, readable in any browser, now and in ten years."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from veritune.plugins import DataError, MissingExtraError
from veritune.trainer.observe.appeals import appeals_section
from veritune.trainer.observe.charts import line_chart
from veritune.trainer.observe.metrics import read_metrics, split_sets
from veritune.trainer.observe.note import note_of
from veritune.trainer.observe.waiting import waiting

Records = Sequence[Mapping[str, Any]]

MOST_COMPLETIONS = 3000
LONGEST_TEXT = 6000
"""Characters of a prompt or completion shown."""

FOR_RESCORING = ("inputs", "completion_ids")
"""What of a record nobody looks at."""

OTHERS = ("evaluation", "warning")
"""Phases of the log that are no steps."""

CURVES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Mean reward", ("reward",)),
    ("Completion length (tokens)", ("length",)),
    ("Entropy (nats a token)", ("entropy",)),
    ("KL to the reference (nats a token)", ("kl",)),
    ("KL to the sampling policy (nats a token)", ("approx_kl",)),
    ("Groups without signal, truncated and undecided (shares)", ("groups_without_signal", "truncated", "undecided")),
    ("Share of tokens clipped", ("clip_low", "clip_high")),
    ("Age of completions (optimizer steps)", ("rollout/age", "rollout/age_max")),
    ("Loss", ("loss",)),
    ("Loss of multi-token prediction", ("mtp_loss",)),
    ("Load of the experts: MaxVio", ("moe_max_violation",)),
    ("Load of the experts: entropy, share without a token", ("moe_load_entropy", "moe_dead_share")),
    ("Share of drafts accepted", ("draft_acceptance",)),
    ("Margin of the chosen answers over the rejected ones", ("margin",)),
    ("How far answers have moved from the reference (nats)", ("shift/chosen", "shift/rejected")),
    ("Divergence from the teacher, cross-entropy (nats a token)", ("divergence", "cross_entropy")),
    ("Value loss", ("value_loss",)),
    ("Share of the returns' variance that the values explain", ("explained_variance",)),
    ("Gradient norm", ("grad_norm",)),
    ("Tokens a second", ("tokens_per_second",)),
)


def write_report(run_dir: Path) -> Path:
    """Write ``report.html`` into a run folder, from its metrics and completions. Raises DataError where it has none."""
    metrics = run_dir / "metrics.jsonl"
    if not metrics.is_file():
        raise DataError(f"{str(run_dir)!r} holds no run: metrics.jsonl is not there")
    lines = read_metrics(metrics)
    config = run_dir / "config.yaml"
    config_text = config.read_text(encoding="utf-8") if config.is_file() else ""
    template = resources.files("veritune.trainer.observe").joinpath("templates/report.html").read_text(encoding="utf-8")
    evaluations = [r for r in lines if r["phase"] == "evaluation"]
    pieces = {
        "TITLE": escape(run_dir.resolve().name),
        "SUMMARY": _summary(evaluations, lines),
        "NOTE": _note(config_text, evaluations),
        "WARNINGS": "".join(f'<p class="warning">{escape(r["warning"])}</p>' for r in lines if "warning" in r)
        + appeals_section(run_dir, lines),
        "CHARTS": _charts(lines, evaluations),
        "CONFIG": escape(config_text),
        "COMPLETIONS": _embed(_completions(run_dir / "completions")),
    }
    page = template
    for name, piece in pieces.items():
        page = page.replace(f"<!--{name}-->", piece)
    target = run_dir / "report.html"
    partial = run_dir / ".report.partial"
    partial.write_text(page, encoding="utf-8")
    partial.replace(target)
    return target


def _summary(evaluations: Records, lines: Records) -> str:
    """Before and after, or the first and last training step where there is no evaluation."""
    source = evaluations or _steps(lines)
    if not source:
        return "<p>No evaluation yet.</p>"
    before, after = source[0], source[-1]
    names = [n for n in ("accuracy", "thinks", "reward", "length", "truncated") if n in after]
    names[1:1] = [n for n in after if n.startswith("pass@")]
    metric = next((n for n in after if n.startswith("reward/") and after[n] == after.get("accuracy")), "")
    names += [n for n in after if n.startswith("reward/") and n != metric]
    cards = "".join(_card(name, before.get(name), after.get(name)) for name in names)
    where = "Held-out prompts, sampled" if evaluations else "Training batches"
    waited = f"<p>Drawn ahead: {escape(waiting(lines))}.</p>" if waiting(lines) else ""
    return f"<h2>{where}: step {before['step']} → step {after['step']}</h2><div class='cards'>{cards}</div>{waited}"


def _steps(lines: Records) -> list[Mapping[str, Any]]:
    """The steps of the run's last phase."""
    steps = [r for r in lines if r["phase"] not in OTHERS]
    return [r for r in steps if r["phase"] == steps[-1]["phase"]]


def _card(name: str, before: Any, after: Any) -> str:
    labels = {"thinks": "share that thinks", "length": "tokens a completion", "reward": "mean reward"}
    label = labels.get(name, name.removeprefix("reward/"))
    return (
        f'<div class="card"><div class="label">{escape(label)}</div><div class="value">{_number(after)}</div>'
        f'<div class="was">was {_number(before)}</div></div>'
    )


def _charts(lines: Records, evaluations: Records) -> str:
    main = _steps(lines)
    before = [r for r in lines if r["phase"] not in OTHERS and r["phase"] != (main[-1]["phase"] if main else "")]
    aliases = list(dict.fromkeys(k for r in main for k in r if k.startswith("reward/")))
    sets = [f"eval/{name}/accuracy" for name in split_sets(evaluations[-1])] if evaluations else []
    shown = [k for k in ("accuracy", "thinks", *sets) if any(k in r for r in evaluations)]
    held = {k.removeprefix("eval/"): _points(evaluations, k) for k in shown}
    charts = [
        line_chart("Rewards by component", {a.removeprefix("reward/"): _points(main, a) for a in aliases}),
        line_chart("Held-out", {}, held),
    ]
    for title, names in CURVES:
        present = {name: _points(main, name) for name in names}
        if any(y for points in present.values() for _, y in points):  # nothing, or zero throughout: no chart
            charts.append(line_chart(title, present))
    phases = list(dict.fromkeys(k for r in main for k in r if k.startswith("seconds/")))
    charts.append(line_chart("Seconds a step", {p.removeprefix("seconds/"): _points(main, p) for p in phases}))
    charts.append(line_chart("Warm-up loss (nats a token)", {"loss": _points(before, "loss")}))
    return "".join(charts)


def _points(records: Records, name: str) -> list[tuple[float, float]]:
    return [(float(r["step"]), float(r[name])) for r in records if r.get(name) is not None]


def _completions(folder: Path) -> list[dict[str, Any]]:
    """Records of the saved completions: all, or an even share of every file."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        return []
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "a report with its completions") from None

    share = max(1, MOST_COMPLETIONS // len(files))
    records: list[dict[str, Any]] = []
    for file in files:
        try:
            names = [name for name in parquet.read_schema(file).names if name not in FOR_RESCORING]
            rows = parquet.read_table(file, columns=names).to_pylist()
        except (OSError, ValueError):  # damaged later, by a disk or a copy: a page without it is better than none
            continue
        every = max(1, -(-len(rows) // share))
        records += [_shorten(r) for r in rows[::every]]
    return records


def _shorten(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        k: v[:LONGEST_TEXT] + " …" if isinstance(v, str) and len(v) > LONGEST_TEXT else v for k, v in record.items()
    }


def _embed(value: Any) -> str:
    """JSON that is safe inside a script element, whatever a policy wrote."""
    text = json.dumps(value, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _note(config_text: str, evaluations: Records) -> str:
    import yaml

    config = (yaml.safe_load(config_text) or {}) if config_text else {}
    note = note_of(config.get("note"), config.get("note_from") or {}, evaluations[-1] if evaluations else None)
    return f'<p class="note">{escape(note)}</p>' if note else ""


def _number(value: Any) -> str:
    return "–" if not isinstance(value, int | float) else f"{value:.3g}"
