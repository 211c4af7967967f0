"""A process that is gone: the others end with a sentence, and what was saved stays."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch.distributed.pipelining.schedules  # once, here, for all the processes that are forked  # noqa: F401

from tests.trainer.conftest import TINY
from tests.trainer.stage_runs import stage_config
from tests.trainer.test_distributed import _port
from veritune.plugins import RunError
from veritune.trainer.config.pipeline import PipelineConfig
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.lost import gone, is_lost, place_here
from veritune.trainer.run import train
from veritune.trainer.run.rescue import as_run_error
from veritune.trainer.stages.sft import SFT


def _dies_in_step(rank: int, port: int, config: Any, words: Any) -> None:
    """Rank 1 is killed in its third step; what rank 0 says of it."""
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port)
    )
    if rank == 1:
        step = SFT.step

        def dying(self: SFT) -> dict[str, float]:
            if self.progress.step == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(self)

        SFT.step = dying  # type: ignore[method-assign]
    try:
        train(config, quiet=True)
    except RunError as error:
        words.put(str(error))
        words.close()
        words.join_thread()
        os._exit(error.status)


@pytest.mark.parametrize("how", [{"pipeline": {"stages": 2}}, {"strategy": "ddp"}, {"strategy": "fsdp2"}])
def test_who_is_left_names_the_process_that_was_killed_and_what_to_go_on_with(
    how: dict[str, Any], tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"prompt": f"{n}+1=", "completion": str(n + 1)}) + "\n" for n in range(8)))
    config = stage_config(
        tmp_path / "run",
        "sft",
        model={"build": TINY},
        distributed=how,
        rewards=None,
        sft={"steps": 4, "batch": 4, "train": str(rows)},
        checkpoint={"every": 1},
    )
    fork, port = multiprocessing.get_context("fork"), _port()
    words = fork.Queue()
    members = [fork.Process(target=_dies_in_step, args=(rank, port, config, words)) for rank in range(2)]
    for member in members:
        member.start()
    said = words.get(timeout=120)
    for member in members:
        member.join(60)
    assert [member.exitcode for member in members] == [1, -signal.SIGKILL]
    stage = " (pipeline stage 1)" if "pipeline" in how else ""
    assert said.startswith(f"process 1 of 2{stage} is gone, and process 0 of 2")
    assert "checkpoints/sft-000002; go on with resume=true output=" in said


def test_a_process_that_runs_is_not_called_gone() -> None:
    here = place_here()
    assert gone((here, here), patience_s=0) == []
    assert gone((here, ("another machine", 2**22 - 1)), patience_s=0) == []
    ended = multiprocessing.get_context("fork").Process(target=int)
    ended.start()
    pid = ended.pid
    ended.join()
    assert pid is not None
    assert gone((here, (here[0], pid)), patience_s=0) == [1]


def test_other_errors_are_nobodys_loss() -> None:
    many = World(size=2, pipeline=PipelineConfig(stages=2), places=(place_here(), place_here()))
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert not is_lost(error)
    assert as_run_error(error, many) is error
    lost = RuntimeError("[/gloo/transport/tcp/pair.cc:537] Read error [127.0.0.1]:33697: Connection reset by peer.")
    assert as_run_error(lost) is lost, "of one process alone"
