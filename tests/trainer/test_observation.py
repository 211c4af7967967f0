"""What a run tells: the report (opened in a real browser), pass@k, warnings, the log."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from veritune.plugins import Cause, DataError, MissingExtraError, Score
from veritune.trainer.config import LogConfig, RunConfig
from veritune.trainer.observe.charts import line_chart, nice_ticks
from veritune.trainer.observe.metrics import JsonLines, forget_after, read_metrics, write_completions
from veritune.trainer.observe.report import write_report
from veritune.trainer.observe.trackers import make_observers
from veritune.trainer.rollout.evaluation import pass_at_k, thinks
from veritune.trainer.rollout.scoring import score_metrics
from veritune.trainer.run import train
from veritune.trainer.run.watch import WINDOW, Watch

NASTY = '</script><script>document.title="pwned"</script><img src=x onerror=alert(1)> \u2028 & "quotes" <think>'


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run with 60 steps, an undecided sample and a completion that tries to break out of the page."""
    log = JsonLines(tmp_path / "metrics.jsonl")
    for step in range(61):
        if step % 20 == 0:
            log.log(
                "evaluation", step, {"of": "grpo", "accuracy": step / 60, "reward/a": 0.1, "reward": 0.2, "thinks": 0.5}
            )
        metrics = {"reward": step / 60, "reward/a": 0.5, "reward/b": math.nan, "length": 8.0, "entropy": 1.0, "kl": 0.1}
        log.log("grpo", step + 1, {**metrics, "groups_without_signal": 0.2, "loss": 0.1, "seconds/rollout": 0.5})
    log.close()
    record = {"prompt": "3+4=", "gold": "7", "tokens": 3, "finish": "eos", "advantage": 0.5, "phase": "grpo"}
    rows = [
        {**record, "step": 1, "completion": NASTY, "reward": 1.0, "reason": "fine", "cause": None, "reward/a": 1.0},
        {
            **record,
            "step": 60,
            "completion": "late",
            "reward": None,
            "reason": "slow",
            "cause": "timeout",
            "reward/a": None,
        },
    ]
    write_completions(tmp_path / "completions", "step-000001", rows[:1])
    write_completions(tmp_path / "completions", "step-000060", rows[1:])
    (tmp_path / "config.yaml").write_text("seed: 0\nnote: what <b>it</b> shows\n")
    return tmp_path


class _Assets(HTMLParser):
    """Collects everything that would be fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {k}={v}" for k, v in attrs if k in ("src", "href", "srcset")]


def test_the_report_is_one_file_without_outside_assets(run_folder: Path) -> None:
    page = write_report(run_folder).read_text(encoding="utf-8")
    parser = _Assets()
    parser.feed(page)
    assert parser.found == []
    assert "url(" not in page
    assert "@import" not in page
    for title in ("Rewards by component", "Completion length", "Entropy", "KL to the reference", "Held-out"):
        assert title in page
    assert "what &lt;b&gt;it&lt;/b&gt; shows" in page
    assert NASTY not in page


def test_a_report_needs_a_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no run"):
        write_report(tmp_path)


def test_a_real_run_makes_a_report(make_config: Callable[..., RunConfig]) -> None:
    folder = train(make_config(grpo={"steps": 2}), quiet=True)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 6


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


PROBE = """
function set(id, value) {
  var field = document.getElementById(id);
  field.value = value;
  field.dispatchEvent(new Event("input"));
}
function rows() { return document.querySelectorAll("#body tr").length; }
var told = document.body.dataset;
set("step", "training, step 1");
told.one = rows();
set("step", "");
told.all = rows();
set("text", "LATE");
told.found = document.querySelector("#body td.text + td.text").textContent;
set("text", "");
set("kind", "undecided");
told.undecided = rows();
"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_the_report_works_in_a_browser(run_folder: Path, tmp_path: Path) -> None:
    """The table is drawn and filtered by the page's own script, and hostile completions stay text."""
    report = write_report(run_folder)
    page = report.read_text(encoding="utf-8")
    report.write_text(page.replace("</body>", f"<script>{PROBE}</script></body>"), encoding="utf-8")
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run(
        [*command, "--virtual-time-budget=3000", "--dump-dom", report.as_uri()],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, "HOME": str(tmp_path)},
        check=True,
    ).stdout
    data = dict(re.findall(r'data-(\w+)="([^"]*)"', shown))
    assert data == {"one": "1", "all": "2", "found": "late", "undecided": "1"}
    assert "pwned" not in re.search(r"<title>(.*?)</title>", shown)[1]  # type: ignore[index]
    assert shown.count("<svg") >= 6


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.2, 0.9), (-3, 4), (0, 0), (1e-9, 2e-9), (5, 5), (0, 12345)])
def test_ticks_are_round_and_cover_the_range(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 8
    assert ticks[0] <= low + 1e-12
    assert ticks[-1] >= high - 1e-12


def test_charts_leave_out_what_is_not_a_number() -> None:
    assert line_chart("nothing", {"a": [(1, math.nan)]}) == ""
    drawn = line_chart("some", {"a": [(1, 0.5), (2, math.inf), (3, 0.7)]})
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_pass_at_k_equals_counting_subsets() -> None:
    """1 − C(n−c, k)/C(n, k) is the share of k-subsets with a pass."""
    outcomes = [[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0]]
    scores = [Score(None, cause=Cause.ABSTAIN, parts={"m": Score(float(v))}) for group in outcomes for v in group]
    found = pass_at_k(scores, "m", 4)
    for k in (2, 4):
        shares = [sum(any(s) for s in combinations(g, k)) / math.comb(4, k) for g in outcomes]
        assert found[f"pass@{k}"] == pytest.approx(sum(shares) / len(shares))


def test_an_empty_thought_is_no_thought() -> None:
    assert thinks("<think>so</think><answer>1</answer>")
    assert not thinks("<think> \n</think><answer>1</answer>")
    assert not thinks("<answer>1</answer>")


def test_undecided_samples_are_counted_by_cause_and_in_no_mean() -> None:
    part = Score.none("no gold", Cause.INVALID_GOLD)
    scores = [
        Score(1.0, parts={"a": Score(1.0)}),
        Score(0.0, parts={"a": Score(0.0)}),
        Score(None, cause=Cause.INVALID_GOLD, parts={"a": part}),
    ]
    metrics = score_metrics(scores, ["a"])
    assert metrics["reward"] == 0.5
    assert metrics["reward/a"] == 0.5
    assert metrics["undecided"] == pytest.approx(1 / 3)
    assert metrics["undecided/invalid_gold"] == metrics["undecided/a/invalid_gold"] == pytest.approx(1 / 3)


def test_the_log_survives_a_torn_last_line_and_forgets_what_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = JsonLines(path)
    for step in range(1, 4):
        log.log("warmup", step, {"loss": math.nan})
    for step in range(1, 6):
        log.log("grpo", step, {"loss": 1.0})
    log.log("evaluation", 5, {"of": "grpo", "accuracy": 1.0})
    log.close()
    with path.open("a") as file:
        file.write('{"phase": "grpo", "st')
    assert len(read_metrics(path)) == 9
    assert read_metrics(path)[0]["loss"] is None
    forget_after(path, ["warmup", "grpo"], "grpo", 3)
    assert [(r["phase"], r["step"]) for r in read_metrics(path)][3:] == [("grpo", 1), ("grpo", 2), ("grpo", 3)]


def test_a_missing_tracker_names_the_line_to_run(tmp_path: Path) -> None:
    try:
        import trackio  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtraError, match=r"pip install 'veritune\[trackio\]'"):
            make_observers(tmp_path, {}, LogConfig(to=["trackio"]))


def _watch(steps: list[dict[str, float]]) -> list[str]:
    watch = Watch("accuracy")
    return [text for i, metrics in enumerate(steps) for text in watch.step(i, metrics)]


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"mismatch": 0.2}, "importance: truncate"),
        ({"undecided": 0.5}, "50% of the samples have no reward"),
        ({"truncated": 0.7}, "cut at sampling.max_tokens"),
        ({"groups_without_signal": 1.0}, "nothing is learnt"),
        ({"reward/format": 1.0, "reward/accuracy": 0.3}, "accuracy has not moved"),
    ],
)
def test_a_warning_that_matters_is_said_once(metrics: dict[str, float], said: str) -> None:
    found = _watch([metrics] * (3 * WINDOW))
    assert len(found) == 1
    assert said in found[0]


def test_a_healthy_run_is_left_in_peace() -> None:
    steps: list[dict[str, Any]] = [
        {"mismatch": 1e-5, "groups_without_signal": 0.3, "reward/format": 1.0, "reward/accuracy": 0.2 + i / 100}
        for i in range(3 * WINDOW)
    ]
    assert _watch(steps) == []


def test_a_reward_that_rises_while_accuracy_falls_is_reported() -> None:
    watch = Watch("accuracy")
    watch.evaluation(0, {"accuracy": 0.5, "reward": 0.5})
    watch.evaluation(20, {"accuracy": 0.3, "reward": 0.9})
    assert "while accuracy fell (0.500 → 0.300)" in watch.step(21, {})[0]
