"""vLLM in this process, by a module that stands in for it."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from tests.trainer.decode_models import PROMPTS, make_model
from tests.trainer.test_decode import check_logprobs, generator
from tests.trainer.vllm_stand_in import Engine, make_module
from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.rollout.decode.vllm import VLLMSampler


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of every ``vllm.LLM``."""
    model, tokenizer = make_model("qwen3")
    made: list[dict[str, Any]] = []
    monkeypatch.setitem(sys.modules, "vllm", make_module(Engine(model, tokenizer), made))
    monkeypatch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "1")
    return made


def make(model: Any = None) -> VLLMSampler:
    own, tokenizer = make_model("qwen3")
    with torch.no_grad():
        for parameter in own.parameters():
            parameter.mul_(0.7)
    return VLLMSampler(model or own, tokenizer, [tokenizer.eos_token_id], torch.float32)


def test_the_engine_has_the_policys_weights(made: list[dict[str, Any]]) -> None:
    sampler = make()
    sampling = SamplingConfig(max_tokens=6, temperature=0.8)
    for _ in range(2):
        sampler.sync()
        check_logprobs(sampler.generate(PROMPTS, 2, sampling, generator()), sampler.model, 0.8)
        with torch.no_grad():
            for parameter in sampler.model.parameters():
                parameter.mul_(0.8)
    assert made[0]["resets"] == 3


def test_it_is_made_for_our_log_probs_and_dtype(made: list[dict[str, Any]]) -> None:
    state = torch.get_rng_state()
    make()
    assert torch.equal(torch.get_rng_state(), state)
    assert (made[0]["logprobs_mode"], made[0]["dtype"], made[0]["load_format"]) == (
        "processed_logprobs",
        "float32",
        "dummy",
    )


def test_adapters_are_added_in(made: list[dict[str, Any]]) -> None:
    peft = pytest.importorskip("peft")
    settings = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    sampler = make(peft.get_peft_model(make_model("qwen3")[0], settings))
    check_logprobs(sampler.generate(PROMPTS, 2, SamplingConfig(max_tokens=6), generator()), sampler.model)


def test_groups_are_in_order_and_told_of(made: list[dict[str, Any]]) -> None:
    told: dict[int, Rollout] = {}
    rollouts = make().generate(PROMPTS, 4, SamplingConfig(max_tokens=8), generator(), told.__setitem__)
    assert [r.prompt_ids for r in rollouts] == [p for p in PROMPTS for _ in range(4)]
    assert [told[place] for place in range(12)] == rollouts


def test_equal_prompts_do_not_share_random_numbers(made: list[dict[str, Any]]) -> None:
    rollouts = make().generate([PROMPTS[0]] * 3, 4, SamplingConfig(max_tokens=8), generator())
    assert len({tuple(r.token_ids) for r in rollouts}) > 8


def test_log_probs_are_of_the_whole_distribution(made: list[dict[str, Any]]) -> None:
    sampler = make()
    rollouts = sampler.generate(PROMPTS, 4, SamplingConfig(max_tokens=8, top_k=3), generator())
    check_logprobs(rollouts, sampler.model)


def test_completions_end_as_they_should(made: list[dict[str, Any]]) -> None:
    rollouts = make().generate(PROMPTS, 32, SamplingConfig(max_tokens=16, stop=["c", "<pad>"]), generator())
    assert {r.finish for r in rollouts} == {"eos", "stop", "length"}
    for r in rollouts:
        assert r.text.endswith(("c", "<pad>")) == (r.finish == "stop")
        assert (r.token_ids[-1] == 1) == (r.finish == "eos")
