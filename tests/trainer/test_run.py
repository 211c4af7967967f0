"""A whole run: what it writes, that it resumes to the same bits, and how it ends when something is wrong."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from veritune.plugins import ConfigError, RewardError
from veritune.trainer.config import RunConfig, dump_config
from veritune.trainer.observe.metrics import JsonLines, read_metrics
from veritune.trainer.run import train, train_from_cli
from veritune.trainer.run.checkpoint import list_checkpoints
from veritune.trainer.stages.grpo import GRPO

TOY = Path(__file__).with_name("toy_rewards.py")
Make = Callable[..., RunConfig]
FULL: dict[str, Any] = {
    "warmup": {"steps": 4, "batch": 4, "lr": 1e-3, "habits": [{"think": 1.0}]},
    "grpo": {"steps": 6, "updates": 2, "objective": {"beta": 0.1}},
    "checkpoint": {"every": 2, "keep": 20},
    "evaluation": {"prompts": 2, "samples": 2, "every": 4, "metric": "even"},
    "log": {"completions_every": 3},
}


def _numbers(folder: Path) -> list[dict[str, Any]]:
    """The log without what differs between identical runs: times and memory."""
    clocks = ("seconds", "tokens_per_second", "peak_memory")
    return [
        {k: v for k, v in r.items() if not k.startswith(clocks)}
        for r in read_metrics(folder / "metrics.jsonl")
        if r["phase"] != "warning"
    ]


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    weights: dict[str, torch.Tensor] = load_file(str(folder / "model" / "model.safetensors"))
    return weights


def test_a_run_leaves_everything_in_its_folder(make_config: Make) -> None:
    folder = train(make_config(**FULL), quiet=True)
    assert {p.name for p in folder.iterdir()} == {
        "config.yaml",
        "metrics.jsonl",
        "rewards.json",
        "completions",
        "checkpoints",
        "model",
        "report.html",
    }
    lines = read_metrics(folder / "metrics.jsonl")
    assert [(r["phase"], r["step"]) for r in lines if r["phase"] != "warning"] == [
        *[("warmup", i) for i in range(1, 5)],
        ("evaluation", 0),
        *[("grpo", i) for i in range(1, 5)],
        ("evaluation", 4),
        ("grpo", 5),
        ("grpo", 6),
        ("evaluation", 6),
    ]
    needed = [
        "loss",
        "reward",
        "reward_std",
        "reward/even",
        "reward/short",
        "undecided",
        "clip_low",
        "clip_high",
        "ratio_min",
        "ratio_max",
        "kl",
        "approx_kl",
        "entropy",
        "length",
        "length_max",
        "truncated",
        "groups_without_signal",
        "seconds/rollout",
        "seconds/score",
        "seconds/update",
        "tokens_per_second",
        "peak_memory_mib",
        "grad_norm",
        "lr",
        "mismatch",
    ]
    step = next(r for r in lines if r["phase"] == "grpo")
    assert needed - step.keys() == set()
    assert "pass@2" in next(r for r in lines if r["phase"] == "evaluation")
    import pyarrow.parquet as parquet

    files = sorted(p.name for p in (folder / "completions").iterdir())
    assert [f for f in files if f.startswith("step")] == [
        "step-000001.parquet",
        "step-000003.parquet",
        "step-000006.parquet",
    ]
    table = parquet.read_table(folder / "completions" / "step-000006.parquet").to_pylist()
    assert len(table) == 12
    assert {"prompt", "completion", "reward", "advantage", "reward/even", "reason/even", "finish"} <= table[0].keys()
    resolved = yaml.safe_load((folder / "config.yaml").read_text())
    assert resolved["grpo"]["objective"]["epsilon_low"] == 0.2  # every default is written out


def test_the_model_is_a_standard_checkpoint(make_config: Make) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = train(make_config(grpo={"steps": 1}), quiet=True)
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    model = AutoModelForCausalLM.from_pretrained(folder / "model")
    ids = tokenizer("3+9=<think> twelve</think>")["input_ids"]
    assert tokenizer.decode(ids) == "3+9=<think> twelve</think>"
    assert len(ids) == 7
    ids = model.generate(torch.tensor([ids]), max_new_tokens=4, do_sample=False)
    assert ids.shape[1] > 7


def test_resuming_from_any_checkpoint_gives_the_same_bits(make_config: Make, tmp_path: Path) -> None:
    whole = train(make_config(**FULL, output=str(tmp_path / "whole")), quiet=True)
    expected = _numbers(whole)
    found = list_checkpoints(whole / "checkpoints")
    assert [p.name for p in found] == ["warmup-000002", "warmup-000004", "grpo-000002", "grpo-000004", "grpo-000006"]
    for checkpoint in found:
        part = tmp_path / checkpoint.name
        part.mkdir()
        for name in ("config.yaml", "metrics.jsonl"):
            (part / name).write_bytes((whole / name).read_bytes())
        (part / "checkpoints").mkdir()
        (part / "checkpoints" / checkpoint.name).symlink_to(checkpoint)
        train(make_config(**FULL, output=str(part), resume=True), quiet=True)
        if checkpoint.name == "grpo-000006":
            continue  # nothing left to do but the last evaluation
        assert _numbers(part) == expected
        for name, tensor in _weights(whole).items():
            assert torch.equal(tensor, _weights(part)[name])


def test_lora_trains_adapters_only_and_resumes_to_the_same_bits(make_config: Make, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    lora = {"model": {"lora": {"rank": 2}}, **FULL}
    lora["grpo"] = {**FULL["grpo"], "lr": 1e-2}
    whole = train(make_config(**lora, output=str(tmp_path / "whole")), quiet=True)
    weights = load_file(str(whole / "model" / "adapter_model.safetensors"))
    assert weights
    assert all("lora_" in name for name in weights)
    assert any(r["kl"] > 0 for r in _numbers(whole) if r["phase"] == "grpo")  # to the model without its adapter
    part = tmp_path / "part"
    (part / "checkpoints").mkdir(parents=True)
    for name in ("config.yaml", "metrics.jsonl"):
        (part / name).write_bytes((whole / name).read_bytes())
    (part / "checkpoints" / "grpo-000002").symlink_to(whole / "checkpoints" / "grpo-000002")
    train(make_config(**lora, output=str(part), resume=True), quiet=True)
    assert _numbers(part) == _numbers(whole)
    with pytest.raises(ConfigError, match="LoRA"):
        train(make_config(**FULL, output=str(part), resume=True), quiet=True)


def test_the_same_seed_gives_the_same_run_and_another_seed_does_not(make_config: Make, tmp_path: Path) -> None:
    runs = [train(make_config(output=str(tmp_path / n), seed=s), quiet=True) for n, s in (("a", 0), ("b", 0), ("c", 1))]
    first, second, other = map(_numbers, runs)
    assert first == second
    assert first != other


def test_a_second_run_never_touches_the_first(make_config: Make) -> None:
    first = train(make_config(grpo={"steps": 0}), quiet=True)
    before = (first / "metrics.jsonl").read_bytes()
    second = train(make_config(grpo={"steps": 0}), quiet=True)
    assert second.name == first.name + "-2"
    assert (first / "metrics.jsonl").read_bytes() == before


def test_resuming_with_a_changed_config_says_what_changed(
    make_config: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    grpo = {"steps": 1, "lr": 1e-3}
    train(make_config(grpo=grpo), quiet=True)
    train(make_config(grpo={**grpo, "lr": 5e-4}, resume=True), quiet=True)
    assert "grpo.lr: 0.001 → 0.0005" in capsys.readouterr().err


def test_resume_needs_a_run(make_config: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no run"):
        train(make_config(resume=True), quiet=True)


def test_a_checkpoint_of_another_model_is_refused(make_config: Make) -> None:
    config = make_config(grpo={"steps": 1})
    train(config, quiet=True)
    build = {**(config.model.build or {}), "hidden_size": 48}
    with pytest.raises(ConfigError, match="of another model"):
        train(make_config(resume=True, model={"build": build}), quiet=True)


def test_a_reward_that_raises_stops_the_run_with_the_sample_saved(make_config: Make, tmp_path: Path) -> None:
    config = make_config(rewards={"broken": {"use": f"{TOY}:broken"}}, evaluation={"metric": "broken"})
    with pytest.raises(RewardError, match=r"a bug in the reward[\s\S]*failed_sample\.json"):
        train(config, quiet=True)
    saved = json.loads((tmp_path / "run" / "failed_sample.json").read_text())
    assert saved["reward"] == "broken"
    assert saved["samples"][0]["prompt"].endswith("=")
    assert "completion" in saved["samples"][0]


def test_a_folder_that_cannot_be_written_is_an_error_before_training(make_config: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="output"):
        train(make_config(output=str(tmp_path / "file" / "run")), quiet=True)


def test_a_full_disk_is_an_error_before_training(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 2**20})
    monkeypatch.setattr("veritune.trainer.run.checkpoint.shutil.disk_usage", lambda path: usage)
    with pytest.raises(ConfigError, match=r"1 MiB free[\s\S]*output=FOLDER"):
        train(make_config(), quiet=True)


def test_a_limit_on_the_size_of_files_is_an_error_before_training(make_config: Make) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
    try:
        with pytest.raises(ConfigError, match=r"0.0625 MiB[\s\S]*ulimit -f"):
            train(make_config(), quiet=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_folder_without_permission_is_an_error_before_training(make_config: Make, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ConfigError, match="output=FOLDER"):
            train(make_config(), quiet=True)
    finally:
        tmp_path.chmod(0o700)


def test_a_missing_column_is_an_error_before_training(make_config: Make, tmp_path: Path) -> None:
    rewards = {"accuracy": {"columns": {"gold": "solutoin"}}}
    with pytest.raises(ConfigError, match="solutoin"):
        train(make_config(rewards=rewards, evaluation={"metric": "accuracy"}), quiet=True)
    assert not (tmp_path / "run").exists()


def test_sigterm_saves_and_exits(make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal arrives in the middle of step 3: that step is finished and saved, and the run goes on from there."""
    config = make_config(grpo={"steps": 5})
    before = signal.getsignal(signal.SIGTERM)
    original = GRPO.step

    def step(stage: Any) -> dict[str, float]:
        if stage.progress.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(stage)

    monkeypatch.setattr(GRPO, "step", step)
    with pytest.raises(SystemExit) as stopped:
        train(config, quiet=True)
    assert stopped.value.code == 143
    assert [p.name for p in list_checkpoints(tmp_path / "run" / "checkpoints")] == ["grpo-000003"]
    assert (tmp_path / "run" / "report.html").is_file()
    assert signal.getsignal(signal.SIGTERM) == before
    monkeypatch.setattr(GRPO, "step", original)
    folder = train(make_config(grpo={"steps": 5}, resume=True), quiet=True)
    uninterrupted = train(make_config(grpo={"steps": 5}, output=str(tmp_path / "other")), quiet=True)
    assert _numbers(folder) == _numbers(uninterrupted)


@pytest.mark.slow
def test_killed_at_any_moment_a_run_finishes_with_the_same_weights(make_config: Make, tmp_path: Path) -> None:
    """kill −9 at random moments, again and again, until the run gets through."""
    changes = {**FULL, "grpo": {"steps": 30, "prompts": 2, "lr": 1e-3}, "checkpoint": {"every": 3, "keep": 2}}
    whole = train(make_config(**changes, output=str(tmp_path / "whole")), quiet=True)
    config = make_config(**changes, output=str(tmp_path / "killed"))
    dice, kills = random.Random(0), 0
    fork = multiprocessing.get_context("fork")  # a child that has everything imported already
    while True:
        begun = (tmp_path / "killed" / "config.yaml").is_file()
        moment = (dice.randint(2, 4), dice.uniform(0, 0.03)) if kills < 6 else None
        child = fork.Process(target=_doomed, args=(config.model_copy(update={"resume": begun}), moment))
        child.start()
        child.join()
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        kills += 1
    assert kills == 6
    assert _numbers(tmp_path / "killed") == _numbers(whole)
    for name, tensor in _weights(whole).items():
        assert torch.equal(tensor, _weights(tmp_path / "killed")[name])


def _doomed(config: RunConfig, moment: tuple[int, float] | None) -> None:
    """Train; die so many lines of the log and so many seconds later, wherever the run then is."""
    written, log = [0], JsonLines.log

    def count(*args: Any) -> None:
        log(*args)
        written[0] += 1
        if moment is not None and written[0] == moment[0]:
            threading.Timer(moment[1], os.kill, (os.getpid(), signal.SIGKILL)).start()

    JsonLines.log = count  # type: ignore[method-assign, assignment]
    train(config, quiet=True)


def test_overrides_reach_the_run(make_config: Make, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(dump_config(make_config()))
    train_from_cli(path, ["grpo.steps=1", f"output={tmp_path / 'other'}", "grpo.objective.beta=0.5"])
    resolved = yaml.safe_load((tmp_path / "other" / "config.yaml").read_text())
    assert resolved["grpo"]["steps"] == 1
    assert resolved["grpo"]["objective"]["beta"] == 0.5
