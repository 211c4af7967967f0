"""Several processes (gloo, on the CPU) do what one does: the same losses and weights, one writer, one end for all."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import runpy
import signal
import socket
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from veritune.plugins import ConfigError
from veritune.trainer.config import CommonConfig, RunConfig, SamplingConfig, dump_config
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.distributed import World, pick_strategy, start_world
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.sharding import is_sharded
from veritune.trainer.rollout.decode.choose import Replica
from veritune.trainer.rollout.decode.transformers import TransformersSampler
from veritune.trainer.rollout.interface import Done, Sampler
from veritune.trainer.run import train
from veritune.trainer.stages.grpo import GRPO

TOY = Path(__file__).with_name("toy_rewards.py")
Make = Callable[..., RunConfig]


class Seeded:
    """Completions that depend on the prompt and the sample's number alone, whoever draws them."""

    def __init__(self, policy: Policy, group: int) -> None:
        self.inner = TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids)
        self.group = group

    def sync(self) -> None:
        return None

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None = None,
    ) -> list[Rollout]:
        rank = int(os.environ.get("RANK", "0"))
        first = rank * samples if samples < self.group else 0
        rollouts = []
        for index, prompt in enumerate(prompts):
            for number in range(first, first + samples):
                seed = zlib.crc32(repr((list(prompt), number)).encode())
                (rollout,) = self.inner.generate([prompt], 1, sampling, generator.manual_seed(seed))
                rollout.prompt_index = index
                rollouts.append(rollout)
        return rollouts


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(policy: Policy, *_: Any) -> Sampler:
        if not is_sharded(policy.model):
            return Seeded(policy, 4)
        copied = copy.deepcopy(policy.spare)
        return Replica(policy.model, copied, Seeded(replace(policy, model=copied), 4))

    monkeypatch.setattr("veritune.trainer.run.run.make_sampler", make)


def _port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _member(rank: int, size: int, port: int, config: CommonConfig) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(size))
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    train(config, quiet=True)


def together(config: CommonConfig, size: int = 2) -> list[int | None]:
    """Train with ``size`` processes, forked so that everything is imported already; their exit codes."""
    fork, port = multiprocessing.get_context("fork"), _port()
    members = [fork.Process(target=_member, args=(rank, size, port, config)) for rank in range(size)]
    for member in members:
        member.start()
    for member in members:
        member.join(240)
        if member.is_alive():
            member.kill()
            pytest.fail("a process waits for another that is gone")
    return [member.exitcode for member in members]


def _lines(folder: Path) -> list[dict[str, Any]]:
    clocks = ("seconds", "tokens_per_second", "peak_memory")
    lines = [r for r in read_metrics(folder / "metrics.jsonl") if r["phase"] != "warning"]
    return [{k: v for k, v in r.items() if not k.startswith(clocks)} for r in lines]


def _same(left: Path, right: Path, exact: bool = False) -> None:
    first, second = _lines(left), _lines(right)
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        for key, value in a.items():
            if key == "accuracy" and not exact and abs(a.get("margin", 1.0)) < 2e-5:
                continue  # before the first update every margin is a rounding of 0, and its sign chance
            close = exact or not isinstance(value, float)
            assert value == (b[key] if close else pytest.approx(b[key], rel=1e-3, abs=2e-5)), (key, a, b)
    weights = [load_file(str(folder / "model" / "model.safetensors")) for folder in (left, right)]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], atol=0 if exact else 2e-4, rtol=0)


FULL: dict[str, Any] = {
    "warmup": {"steps": 3, "batch": 5, "lr": 1e-3, "habits": [{"think": 1.0}]},
    "grpo": {"steps": 3, "updates": 2, "minibatches": 2, "objective": {"beta": 0.1}, "micro_batch_tokens": 100},
}


STRATEGIES = pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])


def with_strategy(changes: Any, strategy: str) -> Any:
    return {**changes, "distributed": {"strategy": strategy}, "sampling": {"engine": "transformers", "max_tokens": 8}}


@pytest.mark.usefixtures("seeded")
@STRATEGIES
@pytest.mark.parametrize(
    ("size", "changes"),
    [
        pytest.param(2, FULL, id="everything"),
        pytest.param(2, {"grpo": {"prompts": 1, "steps": 3}}, id="a group split in two"),
        pytest.param(3, {"grpo": {"algorithm": "gdpo", "steps": 3, "objective": {"top_entropy": 0.5}}}, id="three"),
        pytest.param(2, {"grpo": {"steps": 3, "dynamic_sampling": True, "algorithm": "dapo"}}, id="dynamic sampling"),
        pytest.param(2, {"grpo": {"steps": 2, "objective": {"beta": 0.1, "kl_in": "reward"}}}, id="KL in the reward"),
        pytest.param(
            3, {"grpo": {"steps": 2, "algorithm": "bnpo", "micro_batch_tokens": 1}}, id="local means, a row each"
        ),
    ],
)
def test_processes_train_as_one_does(size: int, changes: Any, strategy: str, make_config: Make, tmp_path: Path) -> None:
    """Same losses, metrics, advantages and weights for the same completions, however the work is split."""
    changes = {"evaluation": {"prompts": 3, "samples": 4, "metric": "even"}, **changes}
    alone = train(make_config(**changes, output=str(tmp_path / "alone")), quiet=True)
    config = make_config(**with_strategy(changes, strategy), output=str(tmp_path / "many"))
    assert together(config, size) == [0] * size
    _same(tmp_path / "many", alone)


@pytest.mark.usefixtures("seeded")
def test_weights_gathered_for_every_layer_or_once_a_step_train_the_same(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no room ``auto`` gathers by layer; the other tests of sharding gather once a step."""
    changes = {**FULL, "evaluation": {"prompts": 3, "samples": 4, "metric": "even"}}
    alone = train(make_config(**changes, output=str(tmp_path / "alone")), quiet=True)
    monkeypatch.setattr("veritune.trainer.policy.distributed.fits_whole", lambda model: False)
    assert together(make_config(**with_strategy(changes, "fsdp2"), output=str(tmp_path / "auto"))) == [0, 0]
    _same(tmp_path / "auto", alone)


@pytest.mark.usefixtures("seeded")
@STRATEGIES
def test_processes_draw_ahead_as_one_does(strategy: str, make_config: Make, tmp_path: Path) -> None:
    changes = {
        "grpo": {"steps": 3, "updates": 2, "lr": 1e-2},
        "sampling": {"staleness": 1, "engine": "transformers", "max_tokens": 8},  # from the middle of every update
        "evaluation": {"prompts": 3, "samples": 4},
    }
    alone = train(make_config(**changes, output=str(tmp_path / "alone")), quiet=True)
    config = make_config(**changes, distributed={"strategy": strategy}, output=str(tmp_path / "many"))
    assert together(config) == [0, 0]
    _same(tmp_path / "many", alone)
    assert [r["rollout/age"] for r in _lines(alone) if r["phase"] == "grpo"] == [0, 1, 1]


@pytest.mark.usefixtures("seeded")
@STRATEGIES
def test_undecided_samples_and_flat_groups_leave_processes_with_unequal_work(
    strategy: str, make_config: Make, tmp_path: Path
) -> None:
    rewards = {"sometimes": {"use": f"{TOY}:sometimes"}}
    changes = {"rewards": rewards, "evaluation": {"metric": "sometimes", "samples": 4}}
    alone = train(make_config(**changes, output=str(tmp_path / "alone")), quiet=True)
    assert together(make_config(**with_strategy(changes, strategy), output=str(tmp_path / "many"))) == [0, 0]
    _same(tmp_path / "many", alone)


@STRATEGIES
def test_processes_resume_to_the_same_bits_each_with_its_own_random_state(
    strategy: str, make_config: Make, tmp_path: Path
) -> None:
    changes = {
        "grpo": {"steps": 4, "objective": {"beta": 0.1}},
        "checkpoint": {"every": 2, "keep": 9},
        "distributed": {"strategy": strategy},
    }
    whole = tmp_path / "whole"
    assert together(make_config(**changes, output=str(whole))) == [0, 0]
    states = torch.load(whole / "checkpoints" / "grpo-000002" / "trainer.pt", weights_only=False)["random"]
    assert not torch.equal(states[0]["generator"], states[1]["generator"])
    part = tmp_path / "part"
    (part / "checkpoints").mkdir(parents=True)
    for name in ("config.yaml", "metrics.jsonl"):
        (part / name).write_bytes((whole / name).read_bytes())
    (part / "checkpoints" / "grpo-000002").symlink_to(whole / "checkpoints" / "grpo-000002")
    assert together(make_config(**changes, output=str(part), resume=True)) == [0, 0]
    _same(part, whole, exact=True)


def test_resuming_with_another_number_of_processes_is_said(
    make_config: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    train(make_config(grpo={"steps": 1}), quiet=True)
    assert together(make_config(grpo={"steps": 2}, resume=True)) == [0, 0]
    assert capfd.readouterr().err.count("written by 1 processes and these are 2") == 1


def test_a_run_goes_on_with_another_strategy_from_the_same_state(make_config: Make, tmp_path: Path) -> None:
    """Checkpoints are whole: sharded processes go on from one process's, and one process from theirs."""
    base: dict[str, Any] = {"grpo": {"steps": 2, "objective": {"beta": 0.1}}, "checkpoint": {"every": 2, "keep": 9}}
    train(make_config(**base), quiet=True)
    checkpoints = tmp_path / "run" / "checkpoints"
    more = {**base, "grpo": {**base["grpo"], "steps": 4}, "resume": True}
    assert together(make_config(**more, distributed={"strategy": "fsdp2"})) == [0, 0]
    first, second = (
        torch.load(checkpoints / name / "trainer.pt", weights_only=False) for name in ("grpo-000002", "grpo-000004")
    )
    assert first["optimizer"]["state"].keys() == second["optimizer"]["state"].keys()
    for key, entry in first["optimizer"]["state"].items():
        moved = second["optimizer"]["state"][key]
        assert type(moved["exp_avg"]) is torch.Tensor
        assert moved["exp_avg"].shape == entry["exp_avg"].shape
    for name, value in first["reference"].items():  # the reference model did not move
        torch.testing.assert_close(value, second["reference"][name], rtol=0, atol=0)
    more["grpo"] = {**base["grpo"], "steps": 5}
    train(make_config(**more), quiet=True)
    assert [p.name for p in sorted(checkpoints.iterdir())][-1] == "grpo-000005"


def test_sharded_processes_draw_with_the_static_sampler(make_config: Make, tmp_path: Path) -> None:
    """Its copy of the weights is the gathered policy's: the trainer's log-probs are the sampler's."""
    config = make_config(distributed={"strategy": "fsdp2"}, sampling={"engine": "static"}, grpo={"updates": 2})
    assert together(config) == [0, 0]
    steps = [r for r in _lines(tmp_path / "run") if r["phase"] == "grpo"]
    assert len(steps) == 3
    assert max(r["mismatch"] for r in steps) < 1e-5


def test_adapters_are_sharded_too(make_config: Make, tmp_path: Path) -> None:
    config = make_config(
        distributed={"strategy": "fsdp2"},
        sampling={"engine": "static"},
        model={"lora": {"rank": 2}},
        grpo={"objective": {"beta": 0.1}, "lr": 1e-2},
    )
    assert together(config) == [0, 0]
    steps = [r for r in _lines(tmp_path / "run") if r["phase"] == "grpo"]
    assert max(r["mismatch"] for r in steps) < 1e-5
    assert steps[-1]["kl"] > 0  # the adapters moved away from the model without them
    saved = load_file(str(tmp_path / "run" / "model" / "adapter_model.safetensors"))
    assert any(float(v.abs().max()) > 0 for k, v in saved.items() if "lora_B" in k)


def test_the_strategy_is_what_accelerate_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCELERATE_USE_FSDP", "FSDP_VERSION"):
        monkeypatch.delenv(name, raising=False)
    assert pick_strategy("auto") == "ddp"
    assert pick_strategy("fsdp2") == "fsdp2"
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ConfigError, match="--fsdp_version 2"):
        pick_strategy("auto")
    monkeypatch.setenv("FSDP_VERSION", "2")
    assert pick_strategy("auto") == "fsdp2"
    assert pick_strategy("ddp") == "ddp"


def test_one_process_cannot_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(ConfigError, match="accelerate launch"):
        start_world("cpu", "fsdp2")


def test_an_error_in_one_process_ends_all(make_config: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The reward raises on the completions of process 1 alone; nobody waits for it."""
    config = make_config(rewards={"picky": {"use": f"{TOY}:broken_in_process_1"}}, evaluation={"metric": "picky"})
    assert together(config) == [1, 1]
    saved = json.loads((tmp_path / "run" / "failed_sample.json").read_text())
    assert saved["reward"] == "picky"
    assert "process 1 stopped with RewardError" in capfd.readouterr().err


def test_sigterm_to_one_process_saves_and_ends_all(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = GRPO.step

    def step(stage: Any) -> dict[str, float]:
        if stage.world.rank == 1 and stage.progress.step == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(stage)

    monkeypatch.setattr(GRPO, "step", step)
    assert together(make_config(grpo={"steps": 5})) == [143, 143]
    assert [p.name for p in (tmp_path / "run" / "checkpoints").iterdir()] == ["grpo-000002"]


def test_a_folder_that_cannot_be_written_is_an_error_in_all_processes(make_config: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert together(make_config(output=str(tmp_path / "file" / "run"))) == [1, 1]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_shares_are_a_partition_and_even(size: int) -> None:
    lengths = [(37 * i) % 101 + 1 for i in range(50)]
    rows = list(range(0, 50, 2))
    shares = [World(rank, size).share(rows, lengths) for rank in range(size)]
    assert sorted(row for share in shares for row in share) == rows
    loads = [sum(lengths[r] for r in share) for share in shares]
    assert max(loads) - min(loads) <= max(lengths)
    parts = [World(rank, size).part(17) for rank in range(size)]
    assert [i for part in parts for i in part] == list(range(17))


def test_half_an_environment_is_an_error_with_the_line_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ConfigError, match="accelerate launch"):
        start_world("auto")


ACCELERATE = ["accelerate.commands.launch"]
FSDP2 = ["--use_fsdp", "--fsdp_version", "2"]


PRINT_ENVIRONMENT = """
import json, os, sys
from pathlib import Path
Path(sys.argv[1], os.environ["RANK"]).write_text(json.dumps(dict(os.environ)))
"""


def _module(arguments: list[str]) -> None:
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def as_module(*arguments: str) -> int | None:
    """The exit code of ``python -m``, in a fork of this process: importing torch takes the launchers seconds."""
    child = multiprocessing.get_context("fork").Process(target=_module, args=([*arguments],))
    child.start()
    child.join(120)
    if child.is_alive():
        child.kill()
        pytest.fail(f"{arguments[0]} does not end")
    return child.exitcode


def _launched(environment: dict[str, str], config: CommonConfig) -> None:
    os.environ.clear()
    os.environ.update(environment)
    train(config)


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher",
    [
        [*ACCELERATE, "--multi_gpu", "--num_processes", "2", "--main_process_port", "PORT"],
        [*ACCELERATE, *FSDP2, "--num_processes", "2", "--main_process_port", "PORT"],
    ],
    ids=["accelerate launch", "accelerate launch with FSDP2"],
)
def test_what_accelerate_tells_its_processes_is_understood(
    launcher: list[str], make_config: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its processes write down what they are told; forks of this one, where all is imported, do it."""
    script, port = tmp_path / "told.py", str(_port())
    script.write_text(PRINT_ENVIRONMENT)
    command = [port if part == "PORT" else part for part in launcher]
    assert as_module(*command, str(script), str(tmp_path)) == 0, capfd.readouterr().err[-2000:]
    fork, config = multiprocessing.get_context("fork"), make_config(grpo={"steps": 2}, device="cpu")
    members = []
    for rank in ("0", "1"):
        told = json.loads((tmp_path / rank).read_text())
        del told["TORCHELASTIC_USE_AGENT_STORE"]  # the store at this port has ended with its launcher
        members.append(fork.Process(target=_launched, args=(told, config)))
    for member in members:
        member.start()
    for member in members:
        member.join(120)
    assert [member.exitcode for member in members] == [0, 0]
    found = torch.load(tmp_path / "run" / "checkpoints" / "grpo-000002" / "trainer.pt", weights_only=False)
    assert len(found["random"]) == 2
    assert ("FSDP2" in capfd.readouterr().out) == ("--use_fsdp" in launcher)


@pytest.mark.slow
def test_torchrun_starts_the_command_line(make_config: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(dump_config(make_config(grpo={"steps": 2}, device="cpu")))
    command = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(_port())]
    assert as_module(*command, "-m", "veritune", "train", str(path)) == 0, capfd.readouterr().err[-2000:]
    states = torch.load(tmp_path / "run" / "checkpoints" / "grpo-000002" / "trainer.pt", weights_only=False)["random"]
    assert len(states) == 2
