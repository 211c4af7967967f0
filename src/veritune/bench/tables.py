"""The figures as text of fixed width, for a terminal and for a results file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from veritune.bench.rows import Row
from veritune.bench.tally import Report, Share, Tally

OURS = "veritune"


def table(title: str, reports: Sequence[Report]) -> str:
    """All figures of one set of rows: totals, then false accepts and recall by kind, then what was not decided."""
    if not reports:
        return f"{title}\n(no grader was asked)"
    parts = [f"{title}\n\n{totals(reports)}"]
    kinds = list(dict.fromkeys(kind for report in reports for kind in report.kinds))
    if len(kinds) > 1:
        parts.append("wrong answers accepted, by kind\n" + by_kind(reports, kinds, lambda t: t.false_accept_share))
        parts.append("right answers accepted, by kind\n" + by_kind(reports, kinds, lambda t: t.recall))
    if any(report.causes for report in reports):
        parts.append("undecided, raised or hung, by cause\n" + causes(reports))
    return "\n\n".join(parts)


def totals(reports: Sequence[Report]) -> str:
    """A line a grader. Shares are percentages with their 95 % interval (Wilson)."""
    wide = max(len("grader"), *(len(report.grader) for report in reports))
    head = (
        f"{'grader':<{wide}}  {'accuracy':>19}  {'precision':>19}  {'recall':>19}  {'false':>6} {'false':>6} {'un-':>5}"
        f" {'':>5} {'':>5}  {'pairs/s':>8} {'of ours':>7} {'p99 ms':>7}\n"
        f"{'':<{wide}}  {'':>19}  {'':>19}  {'':>19}  {'accept':>6} {'reject':>6} {'dec.':>5} {'error':>5} {'hung':>5}"
    )
    ours = next((report.rate for report in reports if report.grader.startswith(OURS)), 0.0)
    lines = [head.rstrip()]
    for report in reports:
        t = report.total
        ratio = f"{report.rate / ours:.3g}" if ours else "–"
        shares = "  ".join(f"{share(s):>19}" for s in (t.accuracy, t.precision, t.recall))
        lines.append(
            f"{report.grader:<{wide}}  {shares}  {t.false_accepts:>6} {t.false_rejects:>6} {t.undecided:>5}"
            f" {t.errors:>5} {t.timeouts:>5}  {report.rate:>8.0f} {ratio:>7} {1e3 * report.latency(0.99):>7.1f}"
        )
    return "\n".join(lines)


def share(found: Share) -> str:
    """``98.1 [96.7, 98.9]``, in percent."""
    if found.value is None:
        return "–"
    low, high = found.interval
    return f"{100 * found.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def by_kind(reports: Sequence[Report], kinds: Sequence[str], of: Callable[[Tally], Share]) -> str:
    """A line a kind, a column a grader: so many of so many."""
    wide = max(len(kind) for kind in kinds)
    names = [report.grader.partition(" ")[0] for report in reports]
    widths = [max(len(name), 7) for name in names]
    lines = [f"{'':<{wide}}  " + "  ".join(f"{name:>{w}}" for name, w in zip(names, widths, strict=True))]
    for kind in kinds:
        found = [of(report.kinds.get(kind, Tally())) for report in reports]
        cells = [f"{f'{s.hits}/{s.of}' if s.of else '–':>{w}}" for s, w in zip(found, widths, strict=True)]
        lines.append(f"{kind:<{wide}}  " + "  ".join(cells))
    return "\n".join(line.rstrip() for line in lines)


def causes(reports: Sequence[Report]) -> str:
    """A line a grader that left something open."""
    return "\n".join(
        f"{report.grader}: " + ", ".join(f"{cause} {count}" for cause, count in report.causes.most_common())
        for report in reports
        if report.causes
    )


def mistakes(report: Report, limit: int) -> str:
    """The first rows that a grader did not judge as labelled."""
    lines = [f"{report.grader}: {len(report.mistakes)} rows not judged as labelled"]
    for row, said in report.mistakes[:limit]:
        lines.append(f"  {row.name} ({row.kind}) is {_word(row)}, found {said}. Gold {row.gold!r}: {_end(row)!r}")
        if row.why:
            lines.append(f"    label: {row.why}")
    return "\n".join(lines)


def _word(row: Row) -> str:
    return "right" if row.label else "wrong"


def _end(row: Row) -> str:
    return row.completion if len(row.completion) <= 160 else "…" + row.completion[-160:]
