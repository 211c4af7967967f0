"""Measure graders of math answers on labelled rows: ours beside math-verify and TRL, in one run, on any JSONL."""

from __future__ import annotations

import importlib.metadata
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from veritune.plugins.errors import ConfigError, DataError, ParameterError, did_you_mean
from veritune.verifiers.math.options import DEFAULT, MathOptions

GOLD_COLUMNS = ("gold", "answer", "solution", "ground_truth", "reference_answer")
ANSWER_COLUMNS = ("prediction", "completion", "response", "pred", "output")
LABEL_COLUMNS = ("label", "is_correct", "expected", "correct")
CATEGORY_COLUMNS = ("category", "tag", "group", "kind", "source", "model")

Finding: TypeAlias = tuple[bool | None, str]
"""Right, wrong or undecided, and the cause or stage."""
Grade: TypeAlias = Callable[[str, str], Finding]
"""From a completion and a gold to a finding."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled pair."""

    gold: str
    completion: str
    label: bool
    category: str = "all"
    name: str = ""


@dataclass(slots=True)
class Tally:
    """Counts of one grader on one set of rows. An undecided row is a miss."""

    rows: int = 0
    right: int = 0
    accepted: int = 0
    true: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    undecided: int = 0

    def add(self, label: bool, found: bool | None) -> None:
        self.rows += 1
        self.right += found is label
        self.accepted += found is True
        self.true += label
        self.false_positives += found is True and not label
        self.false_negatives += label and found is not True
        self.undecided += found is None

    @property
    def accuracy(self) -> float:
        """Rows with the label's verdict, of all rows."""
        return self.right / self.rows if self.rows else 1.0

    @property
    def precision(self) -> float:
        """Rightly accepted rows, of all accepted rows."""
        return 1.0 - self.false_positives / self.accepted if self.accepted else 1.0

    @property
    def recall(self) -> float:
        """Rightly accepted rows, of all rows labelled true."""
        return 1.0 - self.false_negatives / self.true if self.true else 1.0


@dataclass(slots=True)
class Report:
    """What one grader did on the rows of one run; times in seconds."""

    grader: str
    total: Tally = field(default_factory=Tally)
    categories: dict[str, Tally] = field(default_factory=dict)
    causes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    mistakes: list[tuple[Row, Finding]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Pairs a second, one after the other."""
        return self.total.rows / self.seconds if self.seconds else 0.0

    def latency(self, quantile: float) -> float:
        """The latency below which `quantile` of the pairs lie."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))] if ordered else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Everything but the rows, for a results file."""
        return {
            "grader": self.grader,
            "rows": self.total.rows,
            "accuracy": self.total.accuracy,
            "precision": self.total.precision,
            "recall": self.total.recall,
            "false_positives": self.total.false_positives,
            "false_negatives": self.total.false_negatives,
            "undecided": self.total.undecided,
            "pairs_per_second": self.rate,
            "p50_ms": 1e3 * self.latency(0.5),
            "p99_ms": 1e3 * self.latency(0.99),
            "max_ms": 1e3 * self.latency(1.0),
            "causes": dict(self.causes),
            "categories": {name: tally.accuracy for name, tally in sorted(self.categories.items())},
        }


def load(path: str | Path, columns: Mapping[str, str] | None = None) -> list[Row]:
    """The labelled rows of a JSONL file; rows without a true or false label are left out.

    `columns` names the columns for ``gold``, ``completion``, ``label`` and ``category``; otherwise the first present
    of the usual names is taken. Raises ConfigError where a column is missing.
    """
    raw = _read(path)
    if not raw:
        raise ConfigError(f"{path} holds no rows")
    given = columns or {}
    gold = _column(raw, "gold", given.get("gold"), GOLD_COLUMNS, path)
    answer = _column(raw, "completion", given.get("completion"), ANSWER_COLUMNS, path)
    label = _column(raw, "label", given.get("label"), LABEL_COLUMNS, path)
    category = given.get("category") or next((c for c in CATEGORY_COLUMNS if c in raw[0]), None)
    return [
        Row(_text(r[gold]), _text(r[answer]), r[label], _category(r, category), str(r.get("id", index)))
        for index, r in enumerate(raw)
        if isinstance(r[label], bool)
    ]


def _read(path: str | Path) -> list[dict[str, Any]]:
    try:
        with Path(path).open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSONL: {error}") from None
    if not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path}: every line must be a JSON object")
    return rows


def _column(rows: Sequence[Mapping[str, Any]], what: str, given: str | None, usual: Iterable[str], path: Any) -> str:
    for name in [given] if given else usual:
        if name in rows[0]:
            return name
    raise ConfigError(
        f"{path} has no column for the {what}: it has {', '.join(map(str, rows[0]))}; name one with --{what} COLUMN"
    )


def _text(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _category(row: Mapping[str, Any], column: str | None) -> str:
    value = row.get(column) if column else None
    if isinstance(value, list):
        value = value[-1] if value else None
    return str(value) if value else "other"


def cascade_grader(options: MathOptions = DEFAULT) -> Grade:
    """Our extraction and cascade alone, in this process: what neither needs a worker nor sympy."""
    from veritune.verifiers.math.cascade import decide
    from veritune.verifiers.math.extraction.extract import extract
    from veritune.verifiers.math.reading import prepare_gold

    def grade(completion: str, gold: str) -> Finding:
        prepared = prepare_gold(gold, options)
        found = extract(completion, options)
        answer = found.against(gold)
        if answer is None:
            return (None, prepared.invalid) if prepared.invalid else (False, "no answer")
        decision = decide(answer, prepared, options)
        return decision.correct, decision.stage

    return grade


def verifier_grader(options: MathOptions = DEFAULT) -> Grade:
    """The whole verifier, workers included, with its memory off."""
    from veritune.verifiers.math.verifier import MathVerifier

    verifier = MathVerifier(options, cache=0)
    verifier.warm()

    def grade(completion: str, gold: str) -> Finding:
        verdict = verifier.verify(completion, gold)
        return verdict.correct, str(verdict.cause or verdict.evidence.get("stage", ""))

    return grade


def as_peers_need(completion: str) -> str:
    """A bare answer put into a box: the peers find no undelimited LaTeX. Completions stay as they are."""
    bare = len(completion) < 300 and "\n" not in completion
    marked = any(mark in completion for mark in ("$", "\\boxed", "\\(", "\\[", "答案"))
    return f"$\\boxed{{{completion}}}$" if bare and not marked else completion


def gold_as_peers_need(gold: str) -> str:
    """A bare gold put into dollars: the peers would search it for a number otherwise."""
    return gold if "$" in gold or "\\boxed" in gold else f"${gold}$"


def math_verify_grader() -> Grade:
    """math-verify with both sides delimited for it, the most favourable of its configurations that we measured."""
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

    extraction = [LatexExtractionConfig(), ExprExtractionConfig()]

    def grade(completion: str, gold: str) -> Finding:
        target = parse(gold_as_peers_need(gold), extraction_config=extraction)
        if not target:
            return None, "gold unparsed"
        found = parse(as_peers_need(completion), extraction_config=extraction)
        return bool(found and verify(target, found)), "verified" if found else "nothing parsed"

    return grade


def trl_grader() -> Grade:
    """TRL's ``accuracy_reward`` with both sides delimited for it."""
    from trl.rewards import accuracy_reward

    def grade(completion: str, gold: str) -> Finding:
        chat = [{"role": "assistant", "content": as_peers_need(completion)}]
        score = accuracy_reward([chat], [gold_as_peers_need(gold)])[0]
        return (None, "gold skipped") if score is None else (score == 1.0, "scored")

    return grade


def graders() -> dict[str, Callable[[], Grade]]:
    """The graders that can run here, by name; a peer that is not installed is left out."""
    found: dict[str, Callable[[], Grade]] = {"veritune": verifier_grader, "veritune cascade": cascade_grader}
    for package, make in (("math-verify", math_verify_grader), ("trl", trl_grader)):
        try:
            found[f"{package} {importlib.metadata.version(package)}"] = make
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def chosen(prefixes: Sequence[str]) -> dict[str, Callable[[], Grade]]:
    """The graders whose names begin so. Raises ParameterError for a beginning that none has."""
    found = graders()
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in found):
            raise ParameterError(
                f"no grader {prefix!r} here.{did_you_mean(prefix, found)} Graders: {', '.join(found)}."
            )
    return {name: make for name, make in found.items() if name.startswith(tuple(prefixes))}


def spread(rows: Sequence[Row], limit: int) -> list[Row]:
    """At most `limit` rows, evenly spread; 0: all."""
    return list(rows if not limit else rows[:: -(-len(rows) // limit) or 1])


def measure(name: str, grade: Grade, rows: Sequence[Row], keep: int = 50) -> Report:
    """Run `grade` over `rows` one by one. A grader that raises has not decided; the exception's name is the cause."""
    report = Report(name)
    if rows:
        _graded(grade, rows[0])
    for row in rows:
        start = time.perf_counter()
        found = _graded(grade, row)
        report.latencies.append(time.perf_counter() - start)
        report.total.add(row.label, found[0])
        report.categories.setdefault(row.category, Tally()).add(row.label, found[0])
        report.causes[found[1]] += 1
        if found[0] is not row.label and len(report.mistakes) < keep:
            report.mistakes.append((row, found))
    report.seconds = sum(report.latencies)
    return report


def _graded(grade: Grade, row: Row) -> Finding:
    try:
        return grade(row.completion, row.gold)
    except Exception as error:
        return None, type(error).__name__


def table(reports: Sequence[Report]) -> str:
    """Accuracy, precision, recall, speed and latency of each grader, then accuracy per category."""
    head = f"{'grader':<24} {'acc':>6} {'prec':>6} {'rec':>6} {'FP':>4} {'FN':>5} {'und':>4} "
    lines = [head + f"{'pairs/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}"]
    for r in reports:
        t = r.total
        lines.append(
            f"{r.grader:<24} {t.accuracy:>6.4f} {t.precision:>6.4f} {t.recall:>6.4f} {t.false_positives:>4}"
            f" {t.false_negatives:>5} {t.undecided:>4} {r.rate:>9.0f} {1e3 * r.latency(0.5):>8.3f}"
            f" {1e3 * r.latency(0.99):>8.2f} {1e3 * r.latency(1.0):>8.1f}"
        )
    lines.append("")
    names = sorted({name for r in reports for name in r.categories})
    lines.append(f"{'right / rows':<36} " + " ".join(f"{r.grader[:16]:>16}" for r in reports))
    for name in names:
        cells = [r.categories.get(name, Tally()) for r in reports]
        lines.append(f"{name[:36]:<36} " + " ".join(f"{c.right:>8} / {c.rows:<5}" for c in cells))
    return "\n".join(lines)


def behind(ours: Report, peers: Sequence[Report], slack: int = 1) -> dict[str, int]:
    """Categories where a peer has more than `slack` rows more right, and by how many."""
    gaps: dict[str, int] = {}
    for name, tally in ours.categories.items():
        best = max((p.categories[name].right for p in peers if name in p.categories), default=0)
        if best - tally.right > slack:
            gaps[name] = best - tally.right
    return gaps
