"""A run whose verifier is asked about: second opinions in its log, its rates in the report, its rewards' identity."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

from veritune.cli.app import app
from veritune.rewards.appeal.answers import questions, read_answers
from veritune.rewards.appeal.estimate import Tally, as_metrics, from_metrics, rates
from veritune.rewards.identity import read_identity
from veritune.trainer.config import RunConfig
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.observe.report import write_report
from veritune.trainer.run import train
from veritune.trainer.run.watch import WINDOW, Watch

TOY = Path(__file__).with_name("toy_rewards.py")
Make = Callable[..., RunConfig]


def test_a_run_asks_counts_and_reports(make_config: Make) -> None:
    appeal = {"to": f"{TOY}:short", "rate": 0.5, "near": 1.0}
    rewards = {
        "even": {"use": f"{TOY}:even", "appeal": appeal},
        "short": {"use": f"{TOY}:short", "weight": 0.5, "appeal": {"to": "person", "rate": 1.0}},
    }
    folder = train(make_config(rewards=rewards), quiet=True)
    lines = [line for line in read_metrics(folder / "metrics.jsonl") if line["phase"] == "grpo"]
    tallies = from_metrics(lines)["even"]
    assert [t.accepted + t.rejected for t in tallies] == [12, 12, 12], "every decided sample is counted"
    assert sum(t.asked for t in tallies) > 6
    page = (folder / "report.html").read_text()
    assert "How often even errs" in page
    known = read_identity(folder)
    assert known is not None
    assert {line["rewards"] for line in read_metrics(folder / "metrics.jsonl")} == {known[0]}
    table = parquet.read_table(folder / "completions" / "step-000001.parquet").to_pylist()
    assert {row["rewards"] for row in table} == {known[0]}
    assert json.loads(table[0]["inputs"])["step"] == 0, "rewards went by the step before"
    asked = questions(folder)
    assert {each["reward"] for each in asked} == {"short"}
    ask, shown = (
        folder / "ask.jsonl",
        CliRunner().invoke(app, ["appeals", str(folder), "--ask", str(folder / "ask.jsonl")]),
    )
    assert "even: " in shown.stdout
    rows = [json.loads(line) for line in ask.read_text().splitlines()]
    assert all(row["right"] is None and "reward/short" not in row for row in rows), "what was decided is not said"
    ask.write_text("".join(json.dumps({**row, "right": True}) + "\n" for row in rows))
    done = CliRunner().invoke(app, ["appeals", str(folder), "--answers", str(ask), "--json"])
    assert json.loads(done.stdout)["rewards"]["short"]["false_accept"]["value"] in (0, None)
    assert len(read_answers(folder)) == len(asked)
    assert questions(folder) == []
    assert "How often short errs" in write_report(folder).read_text()


def test_a_verifier_that_errs_more_and_more_is_said_once() -> None:
    watch = Watch("accuracy")
    said = []
    for step in range(4 * WINDOW):
        tally = Tally()
        for i in range(20):
            tally.decided(i % 2 == 0)
            tally.opinion(i % 2 == 0, i % 2 == 0 and (step < 2 * WINDOW or i > 12), 0.5)
        said += watch.step(step, {"length": 1.0, **as_metrics("accuracy", tally)})
    assert len(said) == 1
    assert "accuracy accepts wrong completions more often than before" in said[0]


def test_of_a_steady_verifier_nothing_is_said() -> None:
    watch = Watch("accuracy")
    for step in range(4 * WINDOW):
        tally = Tally()
        for i in range(20):
            tally.decided(i % 2 == 0)
            tally.opinion(i % 2 == 0, (i % 2 == 0) != (i in (0, 1) and step % 2 == 0), 0.5)
        assert watch.step(step, {"length": 1.0, **as_metrics("accuracy", tally)}) == []


def test_without_an_opinion_on_one_side_no_rate_is_claimed() -> None:
    tally = Tally()
    for i in range(10):
        tally.decided(i < 5)
    for _ in range(3):
        tally.opinion(True, True, 0.5)
    found = rates(tally)
    assert (found.false_accept.value, found.false_reject.value) == (None, None)
    assert found.wrong_among_accepted.value == 0
    assert found.wrong_among_accepted.high == pytest.approx(0.53, abs=0.03), "of three"
