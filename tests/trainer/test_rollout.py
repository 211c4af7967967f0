"""The built-in sampler: its tokens come from the model, its log-probs are the trainer's, rows end where they should."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.packing import make_batch
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.models import Policy
from veritune.trainer.rollout.decode.tokens import draw, truncate
from veritune.trainer.rollout.decode.transformers import TransformersSampler

PROMPTS = [[5, 6, 7], [8], [4, 5, 6, 7, 8, 9]]


def _sampler(policy: Policy) -> TransformersSampler:
    return TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids)


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_sampler_log_probs_are_the_trainers(policy: Policy, temperature: float) -> None:
    """Left-padded prefill, shared caches and dropped rows change nothing but rounding."""
    sampling = SamplingConfig(max_tokens=24, temperature=temperature)
    rollouts = _sampler(policy).generate(PROMPTS, 8, sampling, _generator())
    assert len({len(r.token_ids) for r in rollouts}) > 3
    batch = make_batch([r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts], "cpu")
    logps, _ = completion_logprobs(policy.model, batch, temperature)
    for row, rollout in zip(logps, rollouts, strict=True):
        torch.testing.assert_close(row[: len(rollout.token_ids)], torch.tensor(rollout.logprobs), atol=1e-4, rtol=1e-4)


def test_greedy_equals_transformers_generate(policy: Policy) -> None:
    rollouts = _sampler(policy).generate(PROMPTS, 1, SamplingConfig(max_tokens=12, top_k=1), _generator())
    for rollout, prompt in zip(rollouts, PROMPTS, strict=True):
        ids = torch.tensor([prompt])
        expected = policy.model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12)
        assert rollout.token_ids == expected[0, len(prompt) :].tolist()


def test_completions_end_with_eos_or_at_the_limit(policy: Policy) -> None:
    rollouts = _sampler(policy).generate(PROMPTS, 32, SamplingConfig(max_tokens=16), _generator())
    eos = policy.eos_ids[0]
    assert {r.finish for r in rollouts} == {"eos", "length"}
    for r in rollouts:
        assert (r.token_ids[-1] == eos) == (r.finish == "eos")
        assert eos not in r.token_ids[:-1]
        assert r.truncated == (r.finish == "length")
        assert r.finish == "eos" or len(r.token_ids) == 16
        assert "<eos>" not in r.text
    assert [r.prompt_index for r in rollouts] == [0] * 32 + [1] * 32 + [2] * 32


def test_first_tokens_follow_the_models_distribution(policy: Policy) -> None:
    """The empirical frequencies of 4000 draws lie within five standard errors of softmax(logits / T)."""
    count, temperature = 4000, 1.3
    sampling = SamplingConfig(max_tokens=1, temperature=temperature, batch=4000)
    rollouts = _sampler(policy).generate([PROMPTS[0]], count, sampling, _generator())
    seen = Counter(r.token_ids[0] for r in rollouts)
    with torch.no_grad():
        logits = policy.model(input_ids=torch.tensor([PROMPTS[0]])).logits[0, -1]
    for token, p in enumerate((logits / temperature).softmax(-1).tolist()):
        assert abs(seen[token] / count - p) < 5 * (p * (1 - p) / count) ** 0.5 + 1e-9


def test_stop_strings_end_a_completion(policy: Policy) -> None:
    rollouts = _sampler(policy).generate(
        PROMPTS, 32, SamplingConfig(max_tokens=16, stop=["5", "</think>"]), _generator()
    )
    stopped = [r for r in rollouts if r.finish == "stop"]
    assert stopped
    for r in stopped:
        assert r.text.endswith(("5", "</think>"))
        assert "5" not in r.text[:-1]


def test_the_same_generator_state_gives_the_same_completions(policy: Policy) -> None:
    sampling = SamplingConfig(max_tokens=8)
    first = _sampler(policy).generate(PROMPTS, 4, sampling, _generator(3))
    second = _sampler(policy).generate(PROMPTS, 4, sampling, _generator(3))
    other = _sampler(policy).generate(PROMPTS, 4, sampling, _generator(4))
    assert [r.token_ids for r in first] == [r.token_ids for r in second]
    assert [r.token_ids for r in first] != [r.token_ids for r in other]


def test_chunks_of_the_batch_keep_order_and_prompts(policy: Policy) -> None:
    rollouts = _sampler(policy).generate(PROMPTS, 4, SamplingConfig(max_tokens=3, batch=4), _generator())
    assert [r.prompt_index for r in rollouts] == [0] * 4 + [1] * 4 + [2] * 4
    assert all(r.prompt_ids == PROMPTS[r.prompt_index] for r in rollouts)


LOGITS = torch.tensor([[4.0, 3.0, 2.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, 5),
        ({"top_k": 2}, 2),
        ({"top_p": 0.6}, 1),
        ({"top_p": 0.7}, 2),
        ({"min_p": 0.3}, 2),
        ({"top_k": 4, "top_p": 0.9}, 3),
    ],
)
def test_truncation_keeps_the_right_tokens(options: dict[str, float], kept: int) -> None:
    """softmax(4, 3, 2, 1, 0) = .636, .234, .086, .032, .012."""
    found = truncate(LOGITS.log_softmax(-1), SamplingConfig(**options))  # type: ignore[arg-type]
    assert torch.isfinite(found).sum() == kept
    assert torch.isfinite(found)[0, :kept].all()


def test_the_log_prob_is_that_of_the_untruncated_distribution() -> None:
    tokens, logps = draw(LOGITS, SamplingConfig(top_k=1), _generator())
    assert tokens.tolist() == [0]
    assert logps[0] == pytest.approx(float(LOGITS.log_softmax(-1)[0, 0]))
