"""Settings of experts, multi-token prediction, pipelines and speculative decoding that come to nothing, or that nothing
can be made of, are named before a run begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY
from tests.trainer.decode_models import make_model as make_decoded
from tests.trainer.stage_runs import stage_config
from tests.trainer.test_decode import generator
from tests.trainer.test_pipeline import DEEPSEEK
from veritune.plugins import ConfigError
from veritune.rewards.composition import validate
from veritune.trainer.config import MoEConfig, MTPConfig, OptimizerConfig, RolloutConfig, SamplingConfig
from veritune.trainer.config.pipeline import PipelineConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Row
from veritune.trainer.data.tasks import get_task
from veritune.trainer.observe.report import write_report
from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.models import load_policy
from veritune.trainer.policy.mtp import attach_mtp
from veritune.trainer.policy.optimization import make_optimizer
from veritune.trainer.rollout.decode.sampler import StaticSampler
from veritune.trainer.rollout.episodes import EpisodeFunction, Episodes
from veritune.trainer.rollout.scoring import speculative_metrics
from veritune.trainer.run.recipe import train_recipe
from veritune.trainer.stages.future_loss import FutureLoss
from veritune.trainer.stages.reading import read_stage
from veritune.trainer.stages.table import get_stage


@pytest.mark.parametrize(
    ("section", "given", "key"),
    [
        (MoEConfig, {"balance": "bias", "aux_loss": 0.1}, "aux_loss"),
        (MoEConfig, {"balance": "none", "sequence_loss": 0.1}, "sequence_loss"),
        (MoEConfig, {"balance": "loss", "bias_rate": 0.1}, "bias_rate"),
        (MoEConfig, {"balance": "none", "bias_rate": 0.1}, "bias_rate"),
        (MTPConfig, {"final_weight": 0.2}, "final_weight"),
        (MTPConfig, {"schedule": "constant", "switch": 0.5}, "switch"),
        (MTPConfig, {"schedule": "linear", "switch": 0.5}, "switch"),
        (PipelineConfig, {"stages": 2, "schedule": "gpipe", "chunks": 3}, "chunks"),
        (PipelineConfig, {"stages": 2, "chunks": 3}, "chunks"),
        (PipelineConfig, {"stages": 2, "schedule": "zbv", "chunks": 3}, "chunks"),
    ],
)
def test_a_key_of_another_choice_is_refused_by_its_name(section: Any, given: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{key}: {given[key]} is of .*; leave {key} out"):
        validate(section, given)


def test_a_resolved_section_says_every_default_and_is_read_again() -> None:
    for one in (
        MoEConfig(balance="none"),
        MoEConfig(balance="bias", sequence_loss=0),
        MTPConfig(),
        PipelineConfig(stages=2, schedule="gpipe"),
        PipelineConfig(stages=2, schedule="interleaved", chunks=3),
        MTPConfig(schedule="step", final_weight=0.2, switch=0.5),
    ):
        assert type(one)(**one.model_dump()) == one


def _said(folder: Path, stage: str, world: World = ALONE, **changes: Any) -> list[str]:
    said: list[str] = []
    read_stage(get_stage(stage), stage_config(folder, stage, **changes), world, said.append)
    return said


@pytest.mark.parametrize(
    ("stage", "changes", "key"),
    [
        ("sft", {"rewards": None, "model": {"mtp": {}}, "sampling": {"speculative": True}}, "sampling.speculative"),
        ("grpo", {"model": {"mtp": {}}, "sampling": {"speculative": True, "max_tokens": 1}}, "sampling.speculative"),
        ("grpo", {"model": {"mtp": {"weight": 0}}}, "model.mtp.weight"),
        ("select", {"model": {"mtp": {}}}, "model.mtp"),
        ("grpo", {"distributed": {"gather": "layer"}}, "distributed.gather"),
        (
            "sft",
            {
                "rewards": None,
                "sft": {"micro_batch_tokens": 24},
                "distributed": {"pipeline": {"stages": 2, "micro_batches": 4}},
            },
            "sft.micro_batch_tokens",
        ),
    ],
)
def test_what_comes_to_nothing_in_a_run_is_said(tmp_path: Path, stage: str, changes: Any, key: str) -> None:
    (said,) = _said(tmp_path, stage, **changes)
    assert said.startswith(f"{key}: ")


def test_what_comes_to_something_is_not_said(tmp_path: Path) -> None:
    drawn: dict[str, Any] = {"model": {"mtp": {}}, "sampling": {"speculative": True}}
    for stage in ("grpo", "select", "sft"):
        assert not _said(tmp_path, stage, **drawn)
    later = {"weight": 0, "schedule": "linear"}
    assert not _said(tmp_path, "sft", model={"mtp": later})
    pipeline = {"stages": 2, "micro_batches": 4}
    assert not _said(tmp_path, "sft", rewards=None, distributed={"pipeline": pipeline})


@pytest.mark.parametrize(
    ("build", "words"),
    [
        ({**DEEPSEEK, "qk_rope_head_dim": 7}, r"^model\.build\.qk_rope_head_dim: 7 is no even number"),
        ({**DEEPSEEK, "qk_rope_head_dim": 0}, r"^model\.build\.qk_rope_head_dim: 0, and it is at least 1"),
        ({**DEEPSEEK, "kv_lora_rank": 0}, r"^model\.build\.kv_lora_rank: 0"),
        ({**DEEPSEEK, "q_lora_rank": 0}, r"^model\.build\.q_lora_rank: 0.*null"),
        ({**DEEPSEEK, "moe_intermediate_size": 0}, r"^model\.build\.moe_intermediate_size: 0"),
        ({**DEEPSEEK, "num_key_value_heads": 1}, r"^model\.build\.num_key_value_heads: 1.*leave it out"),
        (
            {**DEEPSEEK, "num_nextn_predict_layers": 1},
            r"^model\.build\.num_nextn_predict_layers: 1 .*model\.mtp",
        ),
        ({**DEEPSEEK, "aux_loss_alpha": 0.1}, r"^model\.build\.aux_loss_alpha: 0\.1 .*model\.moe: .*sequence_loss"),
        ({**TINY, "head_dim": 15}, r"^model\.build\.head_dim: 15 is no even number"),
        (
            {"model_type": "llama", "hidden_size": 30, "num_attention_heads": 2},
            r"^model\.build\.hidden_size: 30 over num_attention_heads: 2 gives heads of 15",
        ),
        (
            {**TINY, "num_key_value_heads": 3},
            r"^model\.build\.num_key_value_heads: 3 does not divide num_attention_heads",
        ),
        (
            {"model_type": "qwen3", "hidden_size": 32, "num_attention_heads": 2},
            r"^model\.build\.num_key_value_heads: 32 \(qwen3's default; none is given\) does not divide",
        ),
        ({**TINY, "num_attention_heads": 0}, r"^model\.build\.num_attention_heads: 0"),
    ],
)
def test_a_size_that_no_model_has_is_refused_under_its_key(tmp_path: Path, build: dict[str, Any], words: str) -> None:
    config = stage_config(tmp_path, "sft", model={"build": build})
    with pytest.raises(ConfigError, match=words):
        load_policy(config, get_task("arithmetic", {"terms": 3}))


def test_a_small_model_of_latent_attention_runs_eagerly_as_with_sdpa(tmp_path: Path) -> None:
    """Without the key the configuration had the 128 of DeepSeek-V3, by which eager attention divides."""
    build = {key: value for key, value in DEEPSEEK.items() if key != "num_key_value_heads"}
    task = get_task("arithmetic", {"terms": 3})
    logits = []
    for attention in ("sdpa", "eager"):
        torch.manual_seed(0)
        config = stage_config(tmp_path, "sft", model={"build": build, "attention": attention})
        model = load_policy(config, task).model
        assert model.config.num_key_value_heads == build["num_attention_heads"]
        logits.append(model(torch.tensor([[3, 4, 5]])).logits)
    torch.testing.assert_close(*logits)


def test_as_many_modules_as_the_configuration_says_are_no_contradiction(tmp_path: Path) -> None:
    model = {"build": {**DEEPSEEK, "num_nextn_predict_layers": 2}, "mtp": {"depth": 2}}
    assert load_policy(stage_config(tmp_path, "sft", model=model), get_task("arithmetic", {"terms": 3})).model.mtp


GEMMA: dict[str, Any] = {**TINY, "model_type": "gemma2", "num_hidden_layers": 1}


def test_an_attention_that_a_model_does_not_have_is_refused_under_its_key(tmp_path: Path) -> None:
    task = get_task("arithmetic", {"terms": 3})

    def loaded(attention: str | None, build: dict[str, Any] = GEMMA) -> Any:
        config = stage_config(tmp_path, "sft", model={"build": build, "attention": attention})
        return load_policy(config, task).model.config._attn_implementation

    with pytest.raises(ConfigError, match=r"^model\.attention: no_such: gemma2 .*use model\.attention: eager"):
        loaded("no_such")
    assert loaded("eager") == "eager"
    assert loaded(None) in ("eager", "sdpa"), "what transformers has for the architecture"
    assert loaded(None, TINY) == "sdpa"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"optimizer_params": {"eps": "small"}}, r"optimizer_params\.eps: a number is expected, got 'small'"),
        ({"optimizer_params": {"eps": None}}, r"optimizer_params\.eps: a number is expected, got None"),
        ({"optimizer_params": {"amsgrad": "false"}}, r"optimizer_params\.amsgrad: true or false is expected"),
        (
            {"optimizer": "adafactor", "optimizer_params": {"eps": 1e-8}},
            r"optimizer_params\.eps: a list of 2 numbers is expected",
        ),
    ],
)
def test_an_argument_of_another_kind_is_refused_by_its_name(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_optimizer(torch.nn.Linear(2, 2), OptimizerConfig(**given))


def test_an_argument_is_refused_under_its_section(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^warmup: optimizer_params\.eps: a number is expected"):
        _said(tmp_path, "grpo", warmup={"steps": 1, "optimizer_params": {"eps": "small"}})


def test_numbers_in_quotes_are_numbers_in_lists_too() -> None:
    made = make_optimizer(torch.nn.Linear(2, 2), OptimizerConfig(optimizer_params={"eps": "1e-5"}))
    assert made.defaults["eps"] == 1e-5
    config = OptimizerConfig(optimizer="adafactor", optimizer_params={"eps": [None, "1e-3"]})
    assert make_optimizer(torch.nn.Linear(2, 2), config).defaults["eps"] == (None, 1e-3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"grpo": {"micro_batch_tokens": 0}},
            r"^grpo\.micro_batch_tokens: greater than or equal to 1 or 'auto' is expected, got 0 \(int\)\.$",
        ),
        (
            {"grpo": {"micro_batch_tokens": "aut"}},
            r"^grpo\.micro_batch_tokens: a whole number or 'auto' is expected, got 'aut' \(str\)\.$",
        ),
        ({"model": {"fp8": "alway"}}, r"^model\.fp8: true or false or 'always' is expected, got 'alway' \(str\)\.$"),
    ],
)
def test_a_value_of_several_kinds_is_one_sentence(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        stage_config(tmp_path, "grpo", **changes)


def test_a_stage_with_a_pipeline_is_refused_under_its_own_key(tmp_path: Path) -> None:
    common = {"model": {"build": TINY}, "data": {"task": "arithmetic"}, "distributed": {"strategy": "auto"}}
    stages: list[dict[str, Any]] = [
        {"name": "cold", "stage": "sft"},
        {"name": "piped", "stage": "sft", "distributed": {"pipeline": {"stages": 2}}},
    ]
    recipe = {"output": str(tmp_path / "r"), "common": common, "stages": stages}
    with pytest.raises(ConfigError, match=r"^piped: distributed\.pipeline is not as in cold; .*say it in common"):
        train_recipe(recipe, dry_run=True, quiet=True)
    stages.append({"name": "rl", "stage": "grpo", "rewards": {"accuracy": {}}})
    with pytest.raises(ConfigError, match=r"^piped: distributed\.pipeline .*a config of its own"):
        train_recipe(recipe, dry_run=True, quiet=True)
    common["distributed"] = {"pipeline": {"stages": 2}}
    del stages[1]
    with pytest.raises(ConfigError, match=r"^rl: distributed\.pipeline is for stage: sft"):
        train_recipe(recipe, dry_run=True, quiet=True)


def test_an_architecture_that_cannot_draft_is_refused_under_the_key_that_asks_for_it() -> None:
    model, tokenizer = make_decoded("qwen3")
    model.config.hidden_act = "gelu"
    with pytest.raises(ConfigError, match=r"^sampling\.speculative: .*gelu.*leave it out"):
        StaticSampler(model, tokenizer, [1], speculative=True)


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_episodes_count_drafts_over_all_turns() -> None:
    model, tokenizer = make_decoded("qwen3")
    attach_mtp(model, MTPConfig(depth=1))
    sampler = StaticSampler(model, tokenizer, [tokenizer.eos_token_id], speculative=True)

    def twice(prompt: str) -> Any:
        yield
        yield "a"

    episodes = Episodes(EpisodeFunction(twice, {}), RolloutConfig(use="a:b", turn_tokens=6), sampler, tokenizer, [])
    sampling = SamplingConfig(max_tokens=30)
    rollouts = episodes.play([Row("p", {"prompt": "p"})], [[3, 4, 5]], 4, sampling, generator())
    assert all(r.turns == 2 for r in rollouts)
    assert all((r.forwards or 0) >= 2 and r.drafted >= 2 for r in rollouts), "a pass a turn at least"
    found = speculative_metrics(rollouts)
    assert 0 <= found["draft_acceptance"] <= 1
    assert 1 <= found["tokens_per_forward"] <= 2


def test_without_a_draft_there_is_no_share_of_drafts() -> None:
    """One token after a prompt of one token: nothing was drafted."""
    model, tokenizer = make_decoded("qwen3")
    attach_mtp(model, MTPConfig(depth=1))
    sampler = StaticSampler(model, tokenizer, [tokenizer.eos_token_id], speculative=True)
    rollouts = sampler.generate([[3], [4]], 2, SamplingConfig(max_tokens=1), generator())
    assert [(r.forwards, r.drafted) for r in rollouts] == [(1, 0)] * 4
    assert speculative_metrics(rollouts) == {"tokens_per_forward": 1.0}
    assert speculative_metrics([Rollout(0, [3], [4], [0.0], "length")]) == {}


def test_a_step_that_trains_nothing_has_no_loss_of_the_modules() -> None:
    future = FutureLoss(MTPConfig(weight=0.3), 0, 4)
    future.gathered(ALONE, 0)
    assert future.metrics() == {"mtp_weight": 0.3}
    future.part(torch.tensor([-8.0]), 4)
    future.gathered(ALONE, 4)
    assert future.metrics() == {"mtp_loss": 2.0, "mtp_weight": 0.3}


def test_the_report_has_curves_of_experts_modules_and_drafts(tmp_path: Path) -> None:
    numbers = {"moe_max_violation": 0.5, "moe_load_entropy": 0.9, "moe_dead_share": 0.1, "mtp_loss": 2.0}
    with (tmp_path / "metrics.jsonl").open("w") as log:
        for step in (1, 2, 3):
            found = {"phase": "grpo", "step": step, "loss": 1.0, **numbers, "draft_acceptance": 0.8}
            log.write(json.dumps(found if step != 2 else {"phase": "grpo", "step": 2, "loss": 1.0}) + "\n")
    page = write_report(tmp_path).read_text()
    for title in ("MaxVio", "share without a token", "Loss of multi-token prediction", "Share of drafts accepted"):
        assert f"{title}</figcaption>" in page, title
