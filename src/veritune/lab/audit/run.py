"""The audit: every check that the data and the rewards allow, and why the others were not made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from veritune.lab.audit import golds, paid, repeated
from veritune.lab.audit.asking import Asker
from veritune.lab.audit.completions import solved
from veritune.lab.audit.findings import AuditReport, Finding
from veritune.lab.audit.rows import AuditRow
from veritune.plugins import ConfigError
from veritune.rewards.attack.honest import ANSWER_SHAPES
from veritune.rewards.attack.reading import Reading, read
from veritune.sandbox.workers import WorkerPool
from veritune.verifiers.code.audit import audit_tests
from veritune.verifiers.code.verifier import CodeVerifier

_BAD_TESTS = {"weak", "wrong", "hollow", "unusable"}


def audit(
    rows: Sequence[AuditRow],
    rewards: Any = None,
    *,
    evaluation: Sequence[AuditRow] = (),
    attack: bool = True,
    workers: int | None = None,
    deadline: float = 2.0,
    pool: WorkerPool | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> AuditReport:
    """Look at every row: the question, the right answer, what the ``rewards`` pay for it and for what is none.

    Without rewards only the rows are looked at: what is missing, stands twice, or (with ``evaluation``) stands in the
    evaluation as well, and the golds as mathematics. ``attack`` may be left out. Rewards run in ``workers`` killable
    processes with ``deadline`` CPU seconds a completion, or in a ``pool`` made by
    :func:`veritune.lab.search.scoring.make_pool`.

    Raises ConfigError without rows, ColumnError where the rewards need a column that is not there.
    """
    if not rows:
        raise ConfigError("no rows to audit")
    started = time.monotonic()
    named = ", ".join(getattr(rewards, "aliases", None) or [getattr(rewards, "name", "")])
    report = AuditReport(list(rows), rewards=named)
    _look_at_rows(report, evaluation)
    if rewards is not None:
        rewards.check_columns(sorted({name for row in rows for name in row.data}))
    domain = _read(rewards, rows).domain if rewards is not None else "answer"
    if rows[0].layout.gold is not None and domain == "answer":
        _look_at_golds(report, rewards)
    else:
        why = "the rewards read no right answer" if rewards is not None else "no column holds a right answer"
        report.skipped |= {
            check: why for check in ("no gold", "gold lost", "answer in the prompt", "solution disagrees")
        }
    if rewards is None:
        report.skipped |= {
            check: "no rewards were given" for check in ("right is not paid", "cheating pays", "echo pays")
        }
    elif domain == "program":
        _look_at_tests(report)
        with Asker(rewards, workers, deadline, progress, pool) as asker:
            _look_at_completions(report, paid.Scale(_read(rewards, rows), None, None, ANSWER_SHAPES[0]), asker)
    else:
        with Asker(rewards, workers, deadline, progress, pool) as asker:
            _ask_rewards(report, rewards, attack, asker)
    report.findings.sort(key=lambda finding: finding.row)
    report.seconds = time.monotonic() - started
    return report


def _add(report: AuditReport, checks: Iterable[str], looked: int, found: Iterable[Finding]) -> None:
    report.findings += found
    report.looked |= {check: looked for check in checks}


def _look_at_rows(report: AuditReport, evaluation: Sequence[AuditRow]) -> None:
    rows, count = report.rows, len(report.rows)
    if rows[0].layout.prompt is not None:
        empty = [Finding(i, "no prompt", "it is empty") for i, row in enumerate(rows) if not row.prompt_text.strip()]
        _add(report, ["no prompt"], count, empty)
    else:
        report.skipped["no prompt"] = "no column holds a prompt"
    checks = ["duplicate", "near-duplicate", "conflicting golds", "unlike golds"]
    _add(report, checks, count, repeated.repeated(rows))
    if evaluation:
        _add(report, ["seen in evaluation"], count, repeated.in_evaluation(rows, evaluation))
    else:
        report.skipped["seen in evaluation"] = "no evaluation data was given (--eval FILE)"


def _look_at_golds(report: AuditReport, rewards: Any) -> None:
    rows = report.rows
    there = sum(1 for row in rows if row.gold)
    _add(report, ["no gold"], len(rows), golds.missing_golds(rows))
    settings = golds.math_settings(rewards) if rewards is not None else {}
    if settings is None:
        report.skipped["gold lost"] = "no reward compares mathematically"
    else:
        _add(report, ["gold lost", "gold undecided", "gold to look at"], there, golds.math_golds(rows, settings))
        if settings.get("gold_format", "answer") == "answer":
            _add(report, ["solution disagrees"], there, golds.solutions(rows))
    _add(report, ["answer in the prompt"], there, golds.told_answers(rows))


def _look_at_tests(report: AuditReport) -> None:
    rows = report.rows
    found = audit_tests([row.data for row in rows], CodeVerifier(limits={"cpu_s": 10.0}))
    _add(
        report,
        ["tests"],
        len(rows),
        [
            Finding(i, "tests", f"{one.state}: {'; '.join(one.notes)}", "repair the tests, or leave the row out")
            for i, one in enumerate(found)
            if one.state in _BAD_TESTS
        ],
    )
    undecided = [one for one in found if one.state == "undecided"]
    if undecided:
        report.causes["undecided", undecided[0].notes[0] if undecided[0].notes else "", "veritune doctor"] += len(
            undecided
        )


def _read(rewards: Any, rows: Sequence[AuditRow]) -> Reading:
    return read(rewards, None, dict(rows[0].data))


def _ask_rewards(report: AuditReport, rewards: Any, attack: bool, asker: Asker) -> None:
    rows, count = report.rows, len(report.rows)
    scale = paid.find_scale(rewards, rows, asker)
    report.honest, report.wrong = scale.honest, scale.wrong
    hostile = ["no work pays", "cheating pays", "echo pays"]
    if scale.tells:
        _add(report, ["right is not paid", "undecided", "reward fails"], count, paid.right_answers(rows, scale, asker))
    else:
        why = "the rewards pay a right answer no more than a wrong one"
        report.skipped |= dict.fromkeys(["right is not paid", *hostile], why)
    if attack and scale.tells:
        _add(report, hostile, count, paid.other_completions(rows, scale, asker))
    _look_at_completions(report, scale, asker)
    for finding in report.findings:
        if finding.check == "undecided":
            cause, _, reason = finding.why.partition(": ")
            report.causes[cause, reason[:120], finding.cure] += 1


def _look_at_completions(report: AuditReport, scale: paid.Scale, asker: Asker) -> None:
    given = sum(1 for row in report.rows if row.completions)
    if given:
        checks = ["undecided completion", "never solved", "always solved"]
        _add(report, checks, given, solved(report.rows, scale, asker, report))
    else:
        report.skipped["never solved"] = "no column holds completions"
