"""The static sampler draws what the model says: tokens, log-probs, ends, whatever the batch around a row does."""

from __future__ import annotations

import copy
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.trainer.decode_models import MODELS, PROMPTS, make_model
from veritune.plugins import ConfigError, MissingExtraError
from veritune.trainer.config import MTPConfig, RunConfig, SamplingConfig
from veritune.trainer.data.packing import make_batch
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.tasks import get_task
from veritune.trainer.policy.layers import unsupported
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.models import Policy, load_policy
from veritune.trainer.policy.mtp import attach_mtp
from veritune.trainer.rollout.decode.choose import make_sampler
from veritune.trainer.rollout.decode.sampler import StaticSampler
from veritune.trainer.rollout.decode.tokens import decode, truncate
from veritune.trainer.rollout.decode.transformers import TransformersSampler


@pytest.fixture(params=MODELS)
def sampler(request: pytest.FixtureRequest) -> StaticSampler:
    model, tokenizer = make_model(request.param)
    return StaticSampler(model, tokenizer, [tokenizer.eos_token_id])


@pytest.fixture(scope="module")
def one() -> StaticSampler:
    model, tokenizer = make_model("qwen3")
    return StaticSampler(model, tokenizer, [tokenizer.eos_token_id])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def check_logprobs(rollouts: list[Rollout], model: Any, temperature: float = 1.0) -> None:
    """Log-probs are those of one full forward over prompt and completion."""
    batch = make_batch([r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts], "cpu")
    with torch.no_grad():
        logps, _ = completion_logprobs(model, batch, temperature)
    for row, rollout in zip(logps, rollouts, strict=True):
        torch.testing.assert_close(row[: len(rollout.token_ids)], torch.tensor(rollout.logprobs), atol=2e-4, rtol=1e-4)


def test_greedy_equals_transformers_generate(sampler: StaticSampler) -> None:
    """Prompts of different lengths in one batch."""
    rollouts = sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=24, top_k=1), generator())
    for rollout, prompt in zip(rollouts, PROMPTS, strict=True):
        ids = torch.tensor([prompt])
        found = sampler.model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24)
        assert rollout.token_ids == found[0, len(prompt) :].tolist()


def test_log_probs_are_those_of_a_full_forward(sampler: StaticSampler) -> None:
    """With rows ending, closing up and, in a batch of five, refilled; at another temperature."""
    for batch in (512, 5):
        sampling = SamplingConfig(max_tokens=20, temperature=0.8, batch=batch)
        rollouts = sampler.generate(PROMPTS, 6, sampling, generator())
        assert len({len(r.token_ids) for r in rollouts}) > 3
        assert [r.prompt_ids for r in rollouts] == [p for p in PROMPTS for _ in range(6)]
        check_logprobs(rollouts, sampler.model, 0.8)


def test_completions_end_with_eos_or_at_the_limit(one: StaticSampler) -> None:
    rollouts = one.generate(PROMPTS, 32, SamplingConfig(max_tokens=12), generator())
    eos = one.eos_ids[0]
    assert {r.finish for r in rollouts} == {"eos", "length"}
    for r in rollouts:
        assert (r.token_ids[-1] == eos) == (r.finish == "eos")
        assert eos not in r.token_ids[:-1]
        assert r.finish == "eos" or len(r.token_ids) == 12
        assert "<eos>" not in r.text
    assert [r.prompt_index for r in rollouts] == [0] * 32 + [1] * 32 + [2] * 32


@pytest.mark.parametrize("graphs", [False, True])
def test_batches_of_any_size_draw_the_same_completions(
    one: StaticSampler, graphs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A completion's random numbers are its own: refilling, closing up and looking seldom change nothing.

    ``graphs`` schedules as on a GPU, in halved batches and with a look every few tokens.
    """
    sampling = SamplingConfig(max_tokens=16)
    whole = one.generate(PROMPTS, 8, sampling, generator(3))
    other = StaticSampler(one.model, one.tokenizer, one.eos_ids, graphs=False)
    if graphs:
        other.every, other.ahead = 5, 2
        monkeypatch.setattr(other, "_bucket", lambda rows, most, current: _halves(rows, most))
    parts = other.generate(PROMPTS, 8, sampling.model_copy(update={"batch": 16 if graphs else 5}), generator(3))
    assert [r.token_ids for r in whole] == [r.token_ids for r in parts]
    assert [r.finish for r in whole] == [r.finish for r in parts]


def _halves(rows: int, most: int) -> int:
    while most // 2 >= rows:
        most //= 2
    return most


def test_first_tokens_follow_the_models_distribution(one: StaticSampler) -> None:
    """The frequencies of 4000 draws lie within five standard errors of the truncated softmax(logits / T)."""
    count = 4000
    sampling = SamplingConfig(max_tokens=1, temperature=1.3, top_p=0.9, batch=count)
    rollouts = one.generate([PROMPTS[0]], count, sampling, generator())
    seen = Counter(r.token_ids[0] for r in rollouts)
    with torch.no_grad():
        logits = one.model(input_ids=torch.tensor([PROMPTS[0]])).logits[:, -1]
    kept = truncate(torch.log_softmax(logits / 1.3, -1), sampling).softmax(-1)[0]
    assert 0 < int((kept == 0).sum()) < len(kept) - 3
    for token, p in enumerate(kept.tolist()):
        assert abs(seen[token] / count - p) <= 5 * (p * (1 - p) / count) ** 0.5


@pytest.mark.parametrize("options", [{"top_k": 3}, {"min_p": 0.2}, {"top_p": 0.6}])
def test_truncated_tokens_are_never_drawn(one: StaticSampler, options: dict[str, Any]) -> None:
    sampling = SamplingConfig(max_tokens=10, **options)
    rollouts = one.generate(PROMPTS, 8, sampling, generator())
    check_logprobs(rollouts, one.model)
    for r in rollouts:
        with torch.no_grad():
            logits = one.model(input_ids=torch.tensor([[*r.prompt_ids, *r.token_ids[:-1]]])).logits[0]
        kept = truncate(torch.log_softmax(logits[len(r.prompt_ids) - 1 :], -1), sampling)
        assert torch.isfinite(kept.gather(1, torch.tensor(r.token_ids)[:, None])).all()


@pytest.mark.parametrize(("every", "ahead"), [(1, 0), (6, 0), (6, 2), (2, 3)])
def test_stop_strings_end_a_completion(one: StaticSampler, every: int, ahead: int) -> None:
    """Right after the first of them, also when it is looked for every few tokens only."""
    other = StaticSampler(one.model, one.tokenizer, one.eos_ids)
    other.every, other.ahead = every, ahead
    sampling = SamplingConfig(max_tokens=24, stop=["c", "de"])
    rollouts = other.generate(PROMPTS, 32, sampling, generator())
    free = one.generate(PROMPTS, 32, sampling.model_copy(update={"stop": []}), generator())
    assert {r.finish for r in rollouts} == {"eos", "stop", "length"}
    for r, whole in zip(rollouts, free, strict=True):
        assert r.token_ids == whole.token_ids[: len(r.token_ids)]
        if r.finish == "stop":
            assert r.text.endswith(("c", "de"))
            assert not any(s in r.text[:-1] for s in sampling.stop)
        else:
            assert r.token_ids == whole.token_ids
            assert not any(s in r.text for s in sampling.stop)


@pytest.mark.parametrize("speculative", [False, True])
@pytest.mark.parametrize("stop", [[], ["c", "de"]])
@pytest.mark.parametrize(("every", "ahead"), [(16, 2), (3, 2), (1, 1)])
def test_steps_begun_before_a_look_change_nothing(every: int, ahead: int, stop: list[str], speculative: bool) -> None:
    """Tokens, log-probs, ends, texts, what is counted, and who is told, with rows refilled and closed up."""
    model, tokenizer = make_model("qwen3")
    if speculative:
        attach_mtp(model, MTPConfig())
    sampling = SamplingConfig(max_tokens=21, batch=7, stop=stop)
    ways = []
    for looks in ((1, 0), (every, ahead)):
        sampler = StaticSampler(model, tokenizer, [tokenizer.eos_token_id], speculative=speculative)
        sampler.every, sampler.ahead = looks
        told: dict[int, Rollout] = {}
        found = sampler.generate(PROMPTS, 8, sampling, generator(3), told.__setitem__)
        assert [told[slot] for slot in range(24)] == found
        check_logprobs(found, model)
        ways.append([(r.token_ids, r.finish, r.text, r.prompt_index) for r in found])
    assert {way[1] for way in ways[0]} == {"eos", "length", *(["stop"] if stop else [])}
    assert ways[0] == ways[1]


def test_it_follows_the_policy(one: StaticSampler) -> None:
    """After an update in place, log-probs are the new model's."""
    model, tokenizer = make_model("qwen2")
    sampler = StaticSampler(model, tokenizer, [tokenizer.eos_token_id])
    sampling = SamplingConfig(max_tokens=6)
    before = sampler.generate(PROMPTS, 2, sampling, generator())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.8)
    after = sampler.generate(PROMPTS, 2, sampling, generator())
    check_logprobs(after, model)
    assert [r.logprobs for r in before] != [r.logprobs for r in after]


def test_adapters_count(one: StaticSampler) -> None:
    """With LoRA the sampler uses base plus adapters."""
    peft = pytest.importorskip("peft")
    model, tokenizer = make_model("qwen3")
    settings = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    sampler = StaticSampler(peft.get_peft_model(model, settings), tokenizer, [tokenizer.eos_token_id])
    check_logprobs(sampler.generate(PROMPTS, 2, SamplingConfig(max_tokens=6), generator()), sampler.model)


def test_little_memory_means_fewer_rows_at_once(one: StaticSampler, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = one.generate(PROMPTS, 8, SamplingConfig(max_tokens=8), generator())
    other = StaticSampler(one.model, one.tokenizer, one.eos_ids)
    length = (max(map(len, PROMPTS)) + 8 + 15) // 16 * 16 + 1
    memory = 2 * 3 * other.engine.row_bytes(length)
    monkeypatch.setattr("veritune.trainer.rollout.decode.sampler._memory", lambda device: memory)
    found = other.generate(PROMPTS, 8, SamplingConfig(max_tokens=8), generator())
    assert other.state is not None
    assert other.state.count == 3
    state = other.state
    assert [r.token_ids for r in found] == [r.token_ids for r in whole]
    other.generate(PROMPTS, 8, SamplingConfig(max_tokens=8), generator())
    assert other.state is state


def test_on_a_cpu_the_cache_is_no_longer_than_its_rows_nor_a_power_of_two_apart(one: StaticSampler) -> None:
    sampler = StaticSampler(one.model, one.tokenizer, one.eos_ids)
    for tokens in (4, 40):
        sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=tokens), generator())
        assert sampler.state is not None
        assert sampler.state.length % 2 == 1
        assert 0 <= sampler.state.length - max(map(len, PROMPTS)) - tokens <= 16


def test_a_tokenizer_that_decodes_in_its_own_way_is_asked(policy: Policy) -> None:
    class Loud(type(policy.tokenizer)):  # type: ignore[misc]
        def _decode(self, *args: Any, **options: Any) -> str:
            text: str = super()._decode(*args, **options)
            return text + "!"

    loud = copy.copy(policy.tokenizer)
    loud.__class__ = Loud
    ids = list(range(20))
    plain = policy.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    assert decode(policy.tokenizer, ids, ()) == plain
    assert decode(policy.tokenizer, [*ids, 7], (7,)) == plain
    assert decode(loud, ids, ()) == plain + "!"


def test_the_engine_is_chosen_by_name_and_by_model(policy: Policy) -> None:
    said: list[str] = []
    assert isinstance(make_sampler(policy, SamplingConfig(), said.append), StaticSampler)
    assert isinstance(make_sampler(policy, SamplingConfig(engine="transformers"), said.append), TransformersSampler)
    assert not said
    policy.model.config.layer_types, policy.model.config.sliding_window = ["full_attention", "sliding_attention"], 64
    policy.model.model.has_sliding_layers = True
    assert unsupported(policy.model)
    assert isinstance(make_sampler(policy, SamplingConfig(), said.append), TransformersSampler)
    assert "windowed" in said[0]
    with pytest.raises(ConfigError, match="windowed"):
        make_sampler(policy, SamplingConfig(engine="static"))


def test_a_prompt_needs_a_token(one: StaticSampler) -> None:
    with pytest.raises(ValueError, match="no tokens"):
        one.generate([[1], []], 1, SamplingConfig(), generator())


def test_without_vllm_the_error_names_the_line_to_run(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'veritune\[vllm\]'"):
        make_sampler(policy, SamplingConfig(engine="vllm"))


def test_fp8_needs_the_hardware(make_config: Callable[..., RunConfig]) -> None:
    config = make_config(model={"fp8": True}, device="cpu")
    with pytest.raises(ConfigError, match="H100"):
        load_policy(config, get_task("arithmetic", {"terms": 3}))


def _grown(sampler: StaticSampler, device: str) -> None:
    """A larger call after a smaller one draws what a new sampler draws."""
    sampler.generate(PROMPTS[:1], 2, SamplingConfig(max_tokens=4), torch.Generator(device).manual_seed(0))
    large = SamplingConfig(max_tokens=140)
    fresh = StaticSampler(sampler.model, sampler.tokenizer, sampler.eos_ids)
    found = [s.generate(PROMPTS, 4, large, torch.Generator(device).manual_seed(1)) for s in (sampler, fresh)]
    assert [r.token_ids for r in found[0]] == [r.token_ids for r in found[1]]


def test_the_cache_grows_with_what_is_asked(one: StaticSampler) -> None:
    _grown(StaticSampler(one.model, one.tokenizer, one.eos_ids), "cpu")


@pytest.mark.gpu
def test_graphs_are_captured_anew_when_the_cache_grows() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    model, tokenizer = make_model("qwen3")
    model.to("cuda")
    _grown(StaticSampler(model, tokenizer, [tokenizer.eos_token_id]), "cuda")


@pytest.mark.gpu
def test_on_a_gpu_steps_begun_before_a_look_change_nothing() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    model, tokenizer = make_model("qwen3")
    model.to("cuda")
    sampling = SamplingConfig(max_tokens=90, batch=16)
    ways = []
    for every, ahead in ((16, 0), (16, 2), (3, 2)):
        sampler = StaticSampler(model, tokenizer, [tokenizer.eos_token_id])
        sampler.every, sampler.ahead = every, ahead
        found = sampler.generate(PROMPTS, 24, sampling, torch.Generator("cuda").manual_seed(1))
        check_logprobs(found, copy.deepcopy(model).cpu())
        ways.append([r.token_ids for r in found])
    assert len({len(ids) for ids in ways[0]}) > 9
    assert ways[0] == ways[1] == ways[2]
