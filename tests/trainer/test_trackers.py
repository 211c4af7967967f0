"""Weights & Biases and Trackio: each phase by its own step, and a resumed run goes on in the same one.

Against the real wandb, offline, where it is installed; against a stand-in of its interface everywhere.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from veritune.trainer.config import LogConfig, RunConfig
from veritune.trainer.observe.trackers import WANDB_ID, make_observers, numbers
from veritune.trainer.run import train

Make = Callable[..., RunConfig]


class StandIn:
    """What wandb.init returns, as far as it is used: with the signatures of wandb 0.31."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.id = options.get("id") or f"new{id(self)}"
        self.lines: list[dict[str, float]] = []
        self.axes: dict[str, str | None] = {}
        self.ended = False

    def define_metric(self, name: str, step_metric: str | None = None, *, hidden: bool | None = None) -> None:
        self.axes[name] = step_metric

    def log(self, data: dict[str, float]) -> None:
        self.lines.append(data)

    def finish(self) -> None:
        self.ended = True


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[StandIn]:
    made: list[StandIn] = []

    def init(**options: Any) -> StandIn:
        made.append(StandIn(**options))
        return made[-1]

    _install("wandb", monkeypatch, init=init)
    return made


def _install(name: str, monkeypatch: pytest.MonkeyPatch, **content: Any) -> None:
    """A module of that name; libraries look for its specification."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, name, module)


def test_a_run_and_its_resumption_are_one_run_there(make_config: Make, runs: list[StandIn], tmp_path: Path) -> None:
    log = {"to": ["wandb"], "project": "sums", "name": "first"}
    folder = train(make_config(grpo={"steps": 1}, warmup={"steps": 1, "batch": 2}, log=log), quiet=True)
    train(make_config(grpo={"steps": 2}, warmup={"steps": 1, "batch": 2}, log=log, resume=True), quiet=True)
    first, second = runs
    assert (first.options["project"], first.options["name"]) == ("sums", "first")
    assert first.options["config"]["grpo"]["steps"] == 1
    assert "id" not in first.options
    assert (second.options["id"], second.options["resume"]) == (first.id, "allow")
    assert (folder / WANDB_ID).read_text().strip() == first.id
    for run in runs:
        assert run.ended
        assert {run.axes[f"{phase}/*"] for phase in ("grpo", "evaluation")} == {"grpo/step", "evaluation/step"}
        for line in run.lines:  # every number has its axis beside it
            (axis,) = (name for name in line if name.endswith("/step"))
            assert all(run.axes[f"{name.split('/')[0]}/*"] == axis for name in line)
    assert first.axes["warmup/*"] == "warmup/step"
    assert [line["grpo/step"] for run in runs for line in run.lines if "grpo/step" in line] == [1, 2]


def test_held_out_sets_stand_on_the_evaluations_axis(runs: list[StandIn], tmp_path: Path) -> None:
    _, observer = make_observers(tmp_path, {}, LogConfig(to=["wandb"]))
    observer.log("evaluation", 3, {"accuracy": 0.5, "eval/gsm8k/accuracy": 0.25, "of": "grpo", "broken": float("nan")})
    (run,) = runs
    assert run.axes["eval/*"] == "evaluation/step"
    assert run.lines == [{"evaluation/accuracy": 0.5, "eval/gsm8k/accuracy": 0.25, "evaluation/step": 3}]
    assert run.options["name"] == tmp_path.name


def test_only_numbers_are_sent() -> None:
    assert numbers("grpo", {"a": 1.0, "b": "x", "c": None, "d": float("inf"), "e": 2}) == {"grpo/a": 1.0, "grpo/e": 2}


def test_trackio_goes_on_by_the_runs_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[dict[str, Any]] = []
    logged: list[dict[str, float]] = []
    _install("trackio", monkeypatch, init=lambda **o: calls.append(o), log=logged.append, finish=lambda: None)
    for resume in (False, True):
        _, observer = make_observers(tmp_path, {"resume": resume}, LogConfig(to=["trackio"], name="mine"))
        observer.log("grpo", 1, {"loss": 0.5})
        observer.close()
    assert [(c["name"], c["resume"]) for c in calls] == [("mine", "never"), ("mine", "allow")]
    assert logged == [{"grpo/loss": 0.5, "grpo/step": 1}] * 2


# -- the real one ------------------------------------------------------------------------------------------------------


def _records(path: Path) -> Iterator[bytes]:
    """Of a file in LevelDB's log format, with seven bytes of a header of its own."""
    content, whole = path.read_bytes(), b""
    at = 7
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        size, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        whole += content[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):
            yield whole
            whole = b""


def test_the_real_wandb_takes_a_run_and_its_resumption_offline(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="it is no part of the development extra")
    from wandb.proto.wandb_internal_pb2 import Record

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    log = {"to": ["wandb"], "project": "sums"}
    folder = train(make_config(grpo={"steps": 1}, log=log), quiet=True)
    train(make_config(grpo={"steps": 2}, log=log, resume=True), quiet=True)
    files = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
    assert len(files) == 2
    names, steps = set(), []
    for file in files:
        for _ in range(200):  # its process writes on when the run has ended here
            records = [Record.FromString(part) for part in _records(file)]
            if records and records[-1].WhichOneof("record_type") == "exit":
                break
            time.sleep(0.1)
        names |= {(r.run.project, r.run.run_id) for r in records if r.WhichOneof("record_type") == "run"}
        axes = {r.metric.glob_name or r.metric.name: r.metric.step_metric for r in records if r.HasField("metric")}
        assert (axes["grpo/*"], axes["evaluation/*"]) == ("grpo/step", "evaluation/step")
        for record in records:
            items = {i.key or "/".join(i.nested_key): i.value_json for i in record.history.item}
            steps += [int(items["grpo/step"])] if "grpo/step" in items else []
    assert names == {("sums", (folder / WANDB_ID).read_text().strip())}
    assert steps == [1, 2]
