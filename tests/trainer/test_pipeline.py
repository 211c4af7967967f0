"""Layers spread over processes (gloo, on the CPU) train as one process does, whatever the schedule."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed.pipelining.schedules  # once, here, for all the processes that are forked

from tests.trainer.conftest import TINY
from tests.trainer.stage_runs import check_equal, stage_config
from tests.trainer.test_distributed import _same, together
from veritune.plugins import ConfigError
from veritune.trainer.config.pipeline import PipelineConfig
from veritune.trainer.policy.distributed import World, start_world
from veritune.trainer.policy.fused import fuse_layers
from veritune.trainer.policy.logprobs import HEADS
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.pipeline.places import layers_of, micro_batches, process_of, stages_of
from veritune.trainer.policy.pipeline.stage import StageModule, check
from veritune.trainer.run import train
from veritune.trainer.stages.reading import read_stage
from veritune.trainer.stages.table import get_stage

SCHEDULES = ("gpipe", "1f1b", "interleaved", "interleaved_zb", "zbv", "dualpipev")


DEEPSEEK = {
    "model_type": "deepseek_v3",
    "hidden_size": 32,
    "intermediate_size": 48,
    "moe_intermediate_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "kv_lora_rank": 16,
    "q_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 16,
    "max_position_embeddings": 128,
    "rope_interleave": False,
    "tie_word_embeddings": False,
}


def a_config(folder: Path, tied: bool = True, build: Any = None, moe: Any = None, **changes: Any) -> Any:
    build = build or {**TINY, "num_hidden_layers": 4, "tie_word_embeddings": tied}
    rows = folder.parent / "rows.jsonl"
    if not rows.is_file():
        texts = [{"prompt": f"{n}+{n}=", "completion": f"{n + n}" * (1 + n % 3)} for n in range(9)]
        rows.write_text("\n".join(map(json.dumps, texts)) + "\n")
    sft = {"steps": 3, "batch": 5, "lr": 3e-3, "micro_batch_tokens": 24, "clip_norm": 0.5, "eval": str(rows)}
    given = {"model": {"build": build, "moe": moe}, "rewards": None, "evaluation": {"prompts": 4, "metric": "loss"}}
    return stage_config(folder, "sft", **{**given, **changes, "sft": {**sft, **changes.get("sft", {})}})


def piped(config: Any, folder: Path, schedule: str, stages: int = 2, **more: Any) -> Any:
    how = {"pipeline": PipelineConfig.model_validate({"stages": stages, "schedule": schedule, **more})}
    distributed = config.distributed.model_copy(update=how)
    return config.model_copy(update={"output": str(folder), "distributed": distributed})


@pytest.mark.parametrize(
    ("schedule", "tied"), [(name, True) for name in SCHEDULES] + [("1f1b", False), ("dualpipev", False)]
)
def test_a_pipeline_trains_as_one_process_does(schedule: str, tied: bool, tmp_path: Path) -> None:
    """The same losses, held-out losses, gradient norms and weights, clipped over all stages."""
    config = a_config(tmp_path / "alone", tied=tied, sft={"packing": schedule == "1f1b", "steps": 2})
    assert together(piped(config, tmp_path / "many", schedule)) == [0, 0]
    _same(tmp_path / "many", train(config, quiet=True))


def test_three_processes_train_a_mixture_of_experts_as_one(tmp_path: Path) -> None:
    """DeepSeek-V3's architecture: latent attention, a first dense layer, experts balanced by a bias and by a loss."""
    moe = {"balance": "both", "bias_rate": 0.01, "sequence_loss": 0.1}
    config = a_config(tmp_path / "alone", build=DEEPSEEK, sft={"head": "reference"}, moe=moe)
    assert together(piped(config, tmp_path / "many", "1f1b", stages=3), 3) == [0, 0, 0]
    _same(tmp_path / "many", train(config, quiet=True))


def test_a_pipeline_goes_on_to_the_same_bits_and_one_process_from_its_checkpoint(tmp_path: Path) -> None:
    config = a_config(tmp_path / "x", sft={"steps": 4}, checkpoint={"every": 2, "keep": 9})
    whole, part, alone = tmp_path / "whole", tmp_path / "part", tmp_path / "alone"
    assert together(piped(config, whole, "zbv")) == [0, 0]
    for other in (part, alone):
        shutil.copytree(whole, other)
        shutil.rmtree(other / "checkpoints" / "sft-000004")
    assert together(piped(config, part, "zbv").model_copy(update={"resume": True})) == [0, 0]
    _same(part, whole, exact=True)
    states = [torch.load(f / "checkpoints" / "sft-000004" / "trainer.pt", weights_only=False) for f in (part, whole)]
    check_equal(states[0]["optimizer"], states[1]["optimizer"])
    train(config.model_copy(update={"resume": True, "output": str(alone)}), quiet=True)
    _same(alone, whole)


def test_stages_after_one_another_are_the_model_with_fused_layers_too(policy: Policy) -> None:
    """On a GPU norms, MLPs and the decoder's own forward are replaced; a stage runs its layers alone."""
    ids = torch.arange(8).view(2, 4)
    targets, weights, valid = ids.flip(1), torch.ones(2, 4), torch.ones(2, 4, dtype=torch.bool)
    with torch.no_grad():
        logits = policy.model(input_ids=ids).logits
        expected = logits.log_softmax(-1).gather(2, targets[..., None])[..., 0]
        fuse_layers(policy.model)
        head = HEADS["reference"]
        first = StageModule(policy.model, range(1), True, False, head, policy.autocast)
        second = StageModule(policy.model, range(1, 2), False, True, head, policy.autocast)
        found = second(first(ids, targets, weights, valid), targets, weights, valid)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("processes", [2, 3, 4])
def test_every_stage_is_in_one_process_and_every_layer_in_one_stage(schedule: str, processes: int) -> None:
    config = PipelineConfig.model_validate({"stages": processes, "schedule": schedule})
    held = [stages_of(rank, config) for rank in range(processes)]
    stages = sorted(stage for one in held for stage in one)
    assert stages == list(range(len(stages)))
    assert all(process_of(stage, config) == rank for rank, one in enumerate(held) for stage in one)
    if schedule in ("zbv", "dualpipev"):
        assert held[0] == [0, 2 * processes - 1], "the first process has the embedding and the head"
    layers = len(stages) + 1
    assert [n for part in layers_of(layers, config) for n in part] == list(range(layers))
    count = micro_batches(rows=30, length=10, budget=5, config=config)
    assert count % processes == 0
    assert 30 <= count < 30 + processes, "a row each where the budget is smaller than one"


def test_what_a_pipeline_cannot_do_is_said_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    many = World(size=2, pipeline=PipelineConfig(stages=2, schedule="zbv"))

    def refused(words: str, config: Any, stage: str = "sft") -> None:
        with pytest.raises(ConfigError, match=words):
            read_stage(get_stage(stage), config, many, lambda text: None)

    how: dict[str, Any] = {"distributed": {"pipeline": {"stages": 2, "schedule": "zbv"}}}
    scored = stage_config(tmp_path / "y", "sft", **how)
    refused("no process has the whole model to draw with", scored)
    refused("is for stage: sft; grpo takes", stage_config(tmp_path / "y", "grpo", **how), "grpo")
    refused("whole weights", a_config(tmp_path / "x", **how, model={"build": TINY, "lora": {}}))
    refused("multi-token prediction", a_config(tmp_path / "x", **how, model={"build": TINY, "mtp": {"depth": 1}}))
    refused("two passes", a_config(tmp_path / "x", **how, model={"build": TINY, "activation_checkpointing": True}))
    with pytest.raises(ConfigError, match="is for stage: sft"):  # and not that it lacks processes
        train(stage_config(tmp_path / "y", "grpo", **how), quiet=True)
    with pytest.raises(ConfigError, match="leave out strategy: fsdp2"):
        start_world("cpu", "fsdp2", pipeline=PipelineConfig(stages=2))
    with pytest.raises(ConfigError, match=r"stages: 3, and the run has 1 process; .*torchrun --nproc-per-node 3"):
        start_world("cpu", pipeline=PipelineConfig(stages=3))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="leave out strategy: fsdp2"):
        start_world("cpu", "fsdp2", pipeline=PipelineConfig(stages=2))
    for schedule, wrong in (("1f1b", 1), ("dualpipev", 3), ("interleaved", 5)):
        with pytest.raises(ValueError, match=f"micro_batches: {wrong}"):
            PipelineConfig.model_validate({"stages": 2, "schedule": schedule, "micro_batches": wrong})
    with pytest.raises(ConfigError, match=r"4 stages .* and a model of 2 layers"):
        layers_of(2, PipelineConfig(stages=2, schedule="zbv"))
    with pytest.raises(ConfigError, match=r"gemma2 is not one of .*use strategy: fsdp2"):
        check(SimpleNamespace(config=SimpleNamespace(model_type="gemma2")))
