"""transformers' continuous batching as the sampler: tokens and log-probs are the model's, and it leaves no trace."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.trainer.decode_models import PROMPTS, make_model
from tests.trainer.mtp_models import make_model as make_latent
from tests.trainer.test_decode import check_logprobs, generator
from veritune.plugins import ConfigError, VerituneError
from veritune.trainer.config import RunConfig, SamplingConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.models import Policy
from veritune.trainer.rollout.decode import continuous
from veritune.trainer.rollout.decode.choose import make_sampler
from veritune.trainer.rollout.decode.continuous import ContinuousSampler
from veritune.trainer.rollout.decode.tokens import truncate
from veritune.trainer.run import train

if not {"return_logprobs", "seed"} <= continuous._options():
    pytest.skip("this transformers has no continuous batching with log-probs", allow_module_level=True)

LONG = [*PROMPTS, [5, 6, 7, 8] * 20]
"""With a prompt of several pages."""


@pytest.fixture
def one() -> ContinuousSampler:
    model, tokenizer = make_model("qwen3")
    return ContinuousSampler(model, tokenizer, [tokenizer.eos_token_id])


def test_greedy_equals_transformers_generate(one: ContinuousSampler) -> None:
    rollouts = one.generate(LONG, 1, SamplingConfig(max_tokens=24, top_k=1), generator())
    for rollout, prompt in zip(rollouts, LONG, strict=True):
        ids = torch.tensor([prompt])
        found = one.model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24)
        assert rollout.token_ids == found[0, len(prompt) :].tolist()


@pytest.mark.parametrize("kind", ["qwen3", "llama"])
@pytest.mark.parametrize("options", [{}, {"temperature": 0.7}, {"top_k": 3}, {"min_p": 0.2}, {"top_p": 0.6}])
def test_log_probs_are_of_the_whole_distribution(kind: str, options: dict[str, Any]) -> None:
    """Also where tokens are drawn from a truncated one, which none of them leaves."""
    model, tokenizer = make_model(kind)
    sampling = SamplingConfig(max_tokens=12, **options)
    rollouts = ContinuousSampler(model, tokenizer, [1]).generate(LONG, 4, sampling, generator())
    check_logprobs(rollouts, model, sampling.temperature)
    for r in rollouts:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([[*r.prompt_ids, *r.token_ids[:-1]]])).logits[0]
        kept = truncate(torch.log_softmax(logits[len(r.prompt_ids) - 1 :] / sampling.temperature, -1), sampling)
        assert torch.isfinite(kept.gather(1, torch.tensor(r.token_ids)[:, None])).all()


def test_first_tokens_follow_the_models_distribution(one: ContinuousSampler) -> None:
    count = 1500
    rollouts = one.generate([PROMPTS[0]], count, SamplingConfig(max_tokens=1, temperature=1.3), generator())
    seen = Counter(r.token_ids[0] for r in rollouts)
    with torch.no_grad():
        logits = one.model(input_ids=torch.tensor([PROMPTS[0]])).logits[0, -1]
    for token, p in enumerate((logits / 1.3).softmax(-1).tolist()):
        assert abs(seen[token] / count - p) < 5 * (p * (1 - p) / count) ** 0.5 + 1e-9


def test_groups_are_in_order_and_each_completion_is_told_of_once(one: ContinuousSampler) -> None:
    told: dict[int, Rollout] = {}
    rollouts = one.generate(PROMPTS, 5, SamplingConfig(max_tokens=12, batch=4), generator(), told.__setitem__)
    assert [r.prompt_ids for r in rollouts] == [p for p in PROMPTS for _ in range(5)]
    assert [r.prompt_index for r in rollouts] == [0] * 5 + [1] * 5 + [2] * 5
    assert [told[place] for place in range(15)] == rollouts


@pytest.mark.parametrize("options", [{}, {"stop": ["c", "de"]}])
def test_the_seed_decides(one: ContinuousSampler, options: dict[str, Any]) -> None:
    sampling = SamplingConfig(max_tokens=12, batch=6, **options)
    first, again, other = (one.generate(PROMPTS, 6, sampling, generator(seed)) for seed in (1, 1, 2))
    assert [r.token_ids for r in first] == [r.token_ids for r in again]
    assert [r.token_ids for r in first] != [r.token_ids for r in other]


def test_completions_end_as_they_should(one: ContinuousSampler) -> None:
    sampling = SamplingConfig(max_tokens=16, stop=["c", "de"])
    rollouts = one.generate(PROMPTS, 16, sampling, generator())
    assert {r.finish for r in rollouts} == {"eos", "stop", "length"}
    for r in rollouts:
        assert r.text.endswith(("c", "de")) == (r.finish == "stop")
        assert (r.token_ids[-1] == 1) == (r.finish == "eos")
        assert not any(s in r.text[:-1] for s in sampling.stop)
        assert r.finish != "length" or len(r.token_ids) == 16
    check_logprobs(rollouts, one.model)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_training_goes_on_as_if_nothing_had_been_drawn(attention: str) -> None:
    """Attention, mode, random state and threads are as before; a training forward gives the same numbers."""
    model, tokenizer = make_model("qwen3")
    model.set_attn_implementation(attention)
    model.train()
    ids = torch.tensor([PROMPTS[2]])
    before = model(input_ids=ids).logits
    state, threads = torch.get_rng_state(), threading.active_count()
    rollouts = ContinuousSampler(model, tokenizer, [1]).generate(PROMPTS, 2, SamplingConfig(max_tokens=6), generator())
    assert model.training
    assert model.config._attn_implementation == attention
    assert torch.equal(torch.get_rng_state(), state)
    assert threading.active_count() == threads
    after = model(input_ids=ids).logits
    assert torch.equal(before, after)
    after.sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    check_logprobs(rollouts, model.eval())


def test_a_run_trains_on_what_it_draws(make_config: Callable[..., RunConfig]) -> None:
    """From the first step to the last its log-probs are the trainer's."""
    folder = train(make_config(sampling={"engine": "continuous"}), quiet=True)
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    mismatches = [row["mismatch"] for row in map(json.loads, lines) if "mismatch" in row]
    assert len(mismatches) == 3
    assert max(mismatches) < 1e-4


def test_latent_attention_is_refused_before_anything_is_drawn() -> None:
    model = make_latent("deepseek_v3")
    with pytest.raises(ConfigError, match=r"latent attention .* use sampling.engine: auto or transformers"):
        ContinuousSampler(model, None, [1])


def test_it_follows_the_policy(one: ContinuousSampler) -> None:
    """Nothing of a prompt that was run with other weights is used again."""
    for _ in range(2):
        check_logprobs(one.generate(LONG, 2, SamplingConfig(max_tokens=6), generator()), one.model)
        with torch.no_grad():
            for parameter in one.model.parameters():
                parameter.mul_(0.8)


def test_adapters_count() -> None:
    peft = pytest.importorskip("peft")
    model, tokenizer = make_model("qwen3")
    settings = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    model = peft.get_peft_model(model, settings).train()
    rollouts = ContinuousSampler(model, tokenizer, [1]).generate(PROMPTS, 2, SamplingConfig(max_tokens=6), generator())
    assert model.training
    check_logprobs(rollouts, model.eval())


def test_a_small_cache_means_fewer_rows_at_once(one: ContinuousSampler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are put out of the cache and run again keep their tokens and log-probs."""
    monkeypatch.setattr(continuous, "CPU_PAGES", 8)
    rollouts = one.generate(PROMPTS, 6, SamplingConfig(max_tokens=90), generator())
    assert max(len(r.token_ids) for r in rollouts) > 32
    check_logprobs(rollouts, one.model)


def test_an_error_in_its_thread_is_an_error_here(one: ContinuousSampler) -> None:
    def broken(*unused: Any, **also: Any) -> None:
        raise RuntimeError("no memory left")

    one.model.forward = broken
    threads = threading.active_count()
    with pytest.raises(VerituneError, match=r"no memory left[\s\S]*use sampling.engine: auto or transformers"):
        one.generate(PROMPTS, 2, SamplingConfig(max_tokens=6), generator())
    assert threading.active_count() == threads
    assert one.model.config._attn_implementation == "sdpa"


def test_an_error_of_whoever_is_told_leaves_no_thread(one: ContinuousSampler) -> None:
    def broken(place: int, rollout: Rollout) -> None:
        raise ValueError("a reward is wrong")

    threads = threading.active_count()
    with pytest.raises(ValueError, match="a reward is wrong"):
        one.generate(PROMPTS, 8, SamplingConfig(max_tokens=40), generator(), broken)
    assert threading.active_count() == threads


def test_what_cannot_be_paged_is_refused(one: ContinuousSampler) -> None:
    one.model.set_attn_implementation("flex_attention")
    with pytest.raises(ConfigError, match=r"use sampling.engine: auto or transformers"):
        one.generate(PROMPTS, 2, SamplingConfig(max_tokens=6), generator())


def test_an_older_transformers_is_refused(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = SamplingConfig(engine="continuous")
    assert isinstance(make_sampler(policy, sampling), ContinuousSampler)
    monkeypatch.setattr(continuous, "_options", lambda: {"block_size"})
    with pytest.raises(ConfigError, match=r"transformers 5.17 or newer"):
        make_sampler(policy, sampling)


def test_a_prompt_needs_a_token(one: ContinuousSampler) -> None:
    with pytest.raises(ValueError, match="no tokens"):
        one.generate([[1], []], 1, SamplingConfig(), generator())
