"""Nothing is lost: whatever ends a run but SIGKILL, its state is saved, and it goes on to the same numbers."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from veritune.plugins import RewardError, RunError
from veritune.trainer.config import RunConfig
from veritune.trainer.observe.metrics import JsonLines, read_metrics
from veritune.trainer.policy.optimization import gradient_step
from veritune.trainer.run import train
from veritune.trainer.run.checkpoint import list_checkpoints
from veritune.trainer.run.ending import Ending
from veritune.trainer.stages.grpo import GRPO

Make = Callable[..., RunConfig]

FAILING = """
import os, sys, time
from pathlib import Path
from veritune import reward

HERE = Path(__file__).parent

def trouble(where):
    if (HERE / "trouble").exists() and (HERE / "trouble").read_text() == where:
        return True
    return False

def check(number):
    if number:
        raise LookupError("a bug of mine")          # line 15

@reward
def raises(completion_ids, prompt, step=None):
    check(trouble("raise"))
    return float(sum(completion_ids) % 2)

@reward
def batch(completions, completion_ids):
    for text in completions:
        check(trouble("raise") and "1" in text)
    return [float(sum(ids) % 2) for ids in completion_ids]

@reward
def quits(completion_ids):
    if trouble("raise"):
        sys.exit(0)
    return float(sum(completion_ids) % 2)

class Quitting:
    def __init__(self):
        if trouble("raise"):
            sys.exit(0)                             # line 30

    def __call__(self, completion_ids):
        return 1.0

quitting = reward(name="quitting")(Quitting)

@reward
def undecodable(completion_ids):
    from veritune import Score
    return Score(float(sum(completion_ids) % 2), reason="half of one: \\ud83d")

@reward
def hangs(completion_ids):
    if trouble("raise"):
        (HERE / "hanging").write_text("now")
        time.sleep(1000)
    return float(sum(completion_ids) % 2)
"""


@pytest.fixture
def rewards(tmp_path: Path) -> Path:
    """A file of rewards that have trouble while a file ``trouble`` says so."""
    (tmp_path / "mine.py").write_text(FAILING)
    return tmp_path / "mine.py"


def _config(make: Make, file: Path, name: str, **changes: Any) -> RunConfig:
    grpo = {"steps": 5, **changes.pop("grpo", {})}
    values = {"rewards": {"it": {"use": f"{file}:{name}"}}, "evaluation": {"prompts": 2, "metric": "it"}}
    return make(**{**values, "grpo": grpo, **changes})


def _trouble_at(monkeypatch: pytest.MonkeyPatch, folder: Path, step: int) -> None:
    """From this step on (counted from 0) the rewards have trouble."""
    original = GRPO.step

    def begin(stage: Any) -> dict[str, float]:
        if stage.progress.step == step:
            (folder / "trouble").write_text("raise")
        return original(stage)

    monkeypatch.setattr(GRPO, "step", begin)


def _numbers(folder: Path) -> list[dict[str, Any]]:
    clocks = ("seconds", "tokens_per_second", "peak_memory")
    lines = read_metrics(folder / "metrics.jsonl")
    return [{k: v for k, v in r.items() if not k.startswith(clocks)} for r in lines]


def _same_model(one: Path, other: Path) -> bool:
    from safetensors.torch import load_file

    first, second = (load_file(str(f / "model" / "model.safetensors")) for f in (one, other))
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("name", "overlap"), [("raises", True), ("batch", True), ("quits", True), ("batch", False)])
def test_a_reward_that_raises_leaves_the_state_the_place_and_that_sample(
    make_config: Make, rewards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, overlap: bool
) -> None:
    scoring = {"overlap": overlap}
    changes: dict[str, Any] = {"scoring": scoring, "grpo": {"updates": 2, "steps": 4, "objective": {"beta": 0.1}}}
    whole = train(_config(make_config, rewards, name, **changes, output=str(tmp_path / "whole")), quiet=True)
    _trouble_at(monkeypatch, tmp_path, 2)
    config = _config(make_config, rewards, name, **changes, output=str(tmp_path / "part"))
    with pytest.raises(RewardError, match=r"mine\.py, line \d+") as raised:
        train(config, quiet=True)
    assert "after grpo step 2 is saved" in str(raised.value)
    assert ("a bug of mine" in str(raised.value)) == (name != "quits")
    saved = json.loads((tmp_path / "part" / "failed_sample.json").read_text())
    assert len(saved["samples"]) == 1
    assert any("mine.py" in line for line in saved["traceback"])
    assert "mine.py" in saved["place"]
    (tmp_path / "trouble").unlink()
    monkeypatch.undo()
    train(config.model_copy(update={"resume": True}), quiet=True)
    assert _numbers(tmp_path / "part") == _numbers(whole)
    assert _same_model(tmp_path / "part", whole)


def test_sys_exit_anywhere_in_somebodys_code_is_no_silent_end(
    make_config: Make, rewards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a class that is made for the first completion; and in code that nobody guards."""
    (tmp_path / "trouble").write_text("raise")
    with pytest.raises(RewardError, match=r"SystemExit: 0"):
        train(_config(make_config, rewards, "quitting"), quiet=True)
    (tmp_path / "trouble").unlink()
    monkeypatch.setattr(GRPO, "update", lambda stage, batch: sys.exit(0))
    with pytest.raises(RunError, match=r"(?s)left by sys\.exit\(0\).*state after grpo step 0"):
        train(_config(make_config, rewards, "raises", output=str(tmp_path / "other")), quiet=True)


def test_a_reason_that_cannot_be_written_costs_no_run(make_config: Make, rewards: Path) -> None:
    import pyarrow.parquet as parquet

    folder = train(_config(make_config, rewards, "undecodable", grpo={"steps": 1}), quiet=True)
    (record, *_) = parquet.read_table(folder / "completions" / "step-000001.parquet").to_pylist()
    assert record["reason/it"].startswith("half of one: ")


def test_the_place_is_the_line_that_raised(
    make_config: Make, rewards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trouble").write_text("raise")
    with pytest.raises(RewardError) as raised:
        train(_config(make_config, rewards, "raises"), quiet=True)
    line = FAILING.splitlines().index('        raise LookupError("a bug of mine")          # line 15') + 1
    assert f"{rewards}, line {line}, in check" in str(raised.value)
    assert "is saved in" in str(raised.value)  # in the first evaluation, too


def test_a_disk_that_fills_ends_in_a_sentence_with_the_state_saved(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = JsonLines.log

    def full(self: Any, phase: str, step: int, metrics: Any) -> None:
        if phase == "grpo" and step == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        log(self, phase, step, metrics)

    monkeypatch.setattr(JsonLines, "log", full)
    with pytest.raises(RunError, match=r"no space left on the disk[\s\S]*after grpo step 2 is saved"):
        train(make_config(), quiet=True)


@pytest.mark.parametrize(
    "said", [". PytorchStreamWriter failed writing file", ". unexpected pos 186624 vs 186512"], ids=["early", "late"]
)
def test_a_disk_too_full_for_the_state_keeps_the_newest_checkpoint(
    said: str, make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = torch.save

    def full(state: Any, path: Path) -> None:
        if path.parent.name.endswith("grpo-000003"):
            raise RuntimeError(f"[enforce fail at inline_container.cc:664] {said}")
        save(state, path)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(RunError, match=r"could not be saved \(the disk takes no more\); the newest checkpoint is"):
        train(make_config(checkpoint={"every": 1}), quiet=True)
    assert [p.name for p in list_checkpoints(tmp_path / "run" / "checkpoints")] == ["grpo-000002"]
    assert not list((tmp_path / "run" / "checkpoints").glob(".partial*"))


def test_memory_that_runs_out_ends_in_a_sentence(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def out(*_: Any) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] data. DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(GRPO, "update", out)
    with pytest.raises(RunError, match=r"out of memory[\s\S]*micro_batch_tokens[\s\S]*is saved"):
        train(make_config(), quiet=True)


def test_a_run_interrupted_within_an_update_says_so(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [0]

    def stumble(*arguments: Any) -> float | None:
        steps[0] += 1
        if steps[0] == 4:
            raise ZeroDivisionError("in the second update of step 2")
        return gradient_step(*arguments)

    monkeypatch.setattr("veritune.trainer.stages.grpo.gradient_step", stumble)
    with pytest.raises(ZeroDivisionError):
        train(make_config(grpo={"steps": 5, "updates": 2}), quiet=True)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_first_evaluation_ends_after_it_with_the_state(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, status: int
) -> None:
    from veritune.trainer.rollout.evaluation import Evaluator

    run, before = Evaluator.run, signal.getsignal(number)

    def interrupted(self: Any, step: int) -> Any:
        os.kill(os.getpid(), number)
        return run(self, step)

    whole = train(make_config(output=str(tmp_path / "whole")), quiet=True)
    monkeypatch.setattr(Evaluator, "run", interrupted)
    with pytest.raises(SystemExit) as stopped:
        train(make_config(), quiet=True)
    assert stopped.value.code == status
    assert signal.getsignal(number) == before
    assert not (tmp_path / "run" / "failed_sample.json").exists()
    assert [p.name for p in list_checkpoints(tmp_path / "run" / "checkpoints")] == ["grpo-000000"]
    monkeypatch.undo()
    train(make_config(resume=True), quiet=True)
    assert _numbers(tmp_path / "run") == _numbers(whole)  # the evaluation is not repeated


@pytest.mark.parametrize("overlap", [True, False])
def test_a_second_signal_ends_at_once_though_a_reward_hangs(
    make_config: Make, rewards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overlap: bool
) -> None:
    from veritune.trainer.run.ending import Interrupted

    _trouble_at(monkeypatch, tmp_path, 2)
    config = _config(make_config, rewards, "hangs", scoring={"overlap": overlap})

    def child() -> None:
        try:
            train(config, quiet=True)
        except Interrupted as error:
            os._exit(error.status)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    _wait_for(tmp_path / "hanging")
    assert process.pid is not None
    os.kill(process.pid, signal.SIGTERM)
    time.sleep(0.5)
    assert process.is_alive()
    os.kill(process.pid, signal.SIGTERM)
    process.join(20)
    assert process.exitcode == 143
    assert [p.name for p in list_checkpoints(tmp_path / "run" / "checkpoints")] == ["grpo-000002"]
    assert not (tmp_path / "run" / "failed_sample.json").exists()


@pytest.mark.parametrize("overlap", [True, False])
def test_a_reward_that_hangs_is_bounded_where_the_config_says_so(
    make_config: Make, rewards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overlap: bool
) -> None:
    _trouble_at(monkeypatch, tmp_path, 2)
    config = _config(make_config, rewards, "hangs", scoring={"overlap": overlap, "timeout": 1.5})

    def child() -> None:
        try:
            train(config, quiet=True)
        except RunError as error:
            (tmp_path / "said").write_text(str(error))
            os._exit(9)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == 9
    said = (tmp_path / "said").read_text()
    assert "scoring.timeout=1.5 s: reward 'it' stands at" in said
    assert f"{rewards}, line" in said
    assert "after grpo step 2 is saved" in said


def test_a_reward_that_takes_its_time_is_named(tmp_path: Path, rewards: Path) -> None:
    from veritune import get_reward
    from veritune.trainer.rollout.patience import Patience

    (tmp_path / "trouble").write_text("raise")
    said: list[str] = []
    Path(tmp_path / "mine.py").write_text(FAILING.replace("sleep(1000)", "sleep(1.0)"))
    slow = get_reward(f"{rewards}:hangs")
    with Patience(said.append, first=0.3).watch(lambda error: None):
        slow.score("x", completion_ids=[1])
    assert len(said) == 2  # after 0.3 and 0.6 seconds
    assert "reward 'hangs' stands at" in said[0]
    assert f"{rewards}, line" in said[0]


def test_no_checkpoints_but_the_last_is_written_zero(make_config: Make, tmp_path: Path) -> None:
    train(make_config(checkpoint={"every": 0}, evaluation={"prompts": 2, "every": 0, "metric": "even"}), quiet=True)
    assert [p.name for p in list_checkpoints(tmp_path / "run" / "checkpoints")] == ["grpo-000003"]


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1], ids=["a terminal that closes", "a batch system"])
def test_a_signal_that_asks_for_an_end_lets_the_step_finish(number: signal.Signals) -> None:
    said: list[str] = []
    with Ending(said.append) as ending:
        os.kill(os.getpid(), number)
        time.sleep(0)
        assert ending.asked == number
        assert ending.status == 128 + number
    assert len(said) == 1


def test_a_reward_that_changes_the_working_directory_does_not_move_the_run(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mine.py").write_text(
        "import os\nfrom pathlib import Path\nfrom veritune import reward\nHERE = Path(__file__).parent\n"
        "@reward\ndef moves(completion_ids):\n    os.chdir(HERE / 'elsewhere')\n"
        "    return float(sum(completion_ids) % 2)\n"
    )
    rewards = {"it": {"use": f"{tmp_path / 'mine.py'}:moves"}}
    train(make_config(output="here", rewards=rewards, evaluation={"prompts": 2, "metric": "it"}), quiet=True)
    assert (tmp_path / "here" / "model").is_dir()
    assert list_checkpoints(tmp_path / "here" / "checkpoints")
    assert not list((tmp_path / "elsewhere").iterdir())


class _Gone:
    """A stream whose reader has left."""

    closed = False
    encoding = "utf-8"

    def write(self, text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def flush(self) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def isatty(self) -> bool:
        raise ValueError("I/O operation on closed file")


def test_a_run_outlives_who_reads_its_output(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[int] = []
    monkeypatch.setattr("os.dup2", lambda source, target: moved.append(target))
    monkeypatch.setattr("sys.stdout", _Gone())
    monkeypatch.setattr("sys.stderr", _Gone())
    folder = train(make_config())
    assert (folder / "report.html").is_file()
    assert set(moved) == {1, 2}


def test_a_run_whose_folder_is_deleted_says_so_and_leaves_its_model(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_config(grpo={"steps": 2}, checkpoint={"every": None})
    whole = GRPO.step

    def step(self: GRPO) -> Any:
        shutil.rmtree(config.output, ignore_errors=True)
        return whole(self)

    monkeypatch.setattr(GRPO, "step", step)
    train(config)
    assert "somebody deleted or moved the run's folder" in " ".join(capsys.readouterr().err.split())
    assert (Path(config.output) / "model" / "model.safetensors").is_file()
