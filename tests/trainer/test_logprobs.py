"""Log-probs of completion tokens against the whole model's own logits, row by row and unpadded."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from veritune.trainer.data.packing import make_batch, make_packed, pack_limit, packed_saves
from veritune.trainer.policy.logprobs import HEADS, completion_logprobs, plain_head
from veritune.trainer.policy.models import Policy

PROMPTS = [[5, 6, 7], [8], [4, 5, 6, 7, 8, 9]]
COMPLETIONS = [[9, 10, 1], [11, 12, 13, 14, 0], [1]]


def _reference(model: Any, temperature: float) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """One row at a time, all logits, float64 softmax."""
    found = []
    for prompt, completion in zip(PROMPTS, COMPLETIONS, strict=True):
        logits = model(input_ids=torch.tensor([[*prompt, *completion]])).logits[0, len(prompt) - 1 : -1]
        logp = torch.log_softmax(logits.double() / temperature, -1)
        entropy = -(logp.exp() * logp).sum(-1)
        found.append((logp[torch.arange(len(completion)), torch.tensor(completion)], entropy))
    return found


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_values_and_gradients_match_the_models_own_logits(policy: Policy, temperature: float, head: str) -> None:
    model, batch = policy.model, make_batch(PROMPTS, COMPLETIONS, "cpu")
    logps, entropy = completion_logprobs(model, batch, temperature, "gradient", HEADS[head])
    reference = _reference(model, temperature)
    assert entropy is not None
    for i, (expected, expected_entropy) in enumerate(reference):
        torch.testing.assert_close(logps[i, : len(expected)].double(), expected, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(entropy[i, : len(expected)].double(), expected_entropy, atol=1e-4, rtol=1e-4)
        assert logps[i, len(expected) :].abs().sum() == 0
    parameters = list(model.parameters())
    ours = torch.autograd.grad(logps.sum() + entropy.sum(), parameters)
    theirs = torch.autograd.grad(torch.stack([a.sum() + b.sum() for a, b in reference]).sum(), parameters)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.double(), b.double(), atol=1e-3, rtol=1e-3)


def test_what_stands_in_the_padding_does_not_matter(policy: Policy) -> None:
    """Masks are lengths: a pad token inside a completion counts, whatever is in the padding does not."""
    batch = make_batch(PROMPTS, COMPLETIONS, "cpu")
    before, _ = completion_logprobs(policy.model, batch)
    for i, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
        batch.ids_BL[i, len(prompt) + len(completion) - 1 :] = 17
    after, _ = completion_logprobs(policy.model, batch)
    assert torch.equal(before, after)
    assert before[1, 4] != 0  # the completion's own token 0


def test_a_model_with_capped_logits_goes_through_its_own_forward() -> None:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Gemma2Config(vocab_size=20, head_dim=8, num_key_value_heads=1, final_logit_softcapping=0.5, **sizes)
    model = Gemma2ForCausalLM(config)
    assert not plain_head(model)
    logps, _ = completion_logprobs(model, make_batch(PROMPTS, COMPLETIONS, "cpu"))
    for i, (expected, _) in enumerate(_reference(model, 1.0)):
        torch.testing.assert_close(logps[i, : len(expected)].double(), expected, atol=1e-4, rtol=1e-4)


def test_packed_completions_have_the_log_probs_and_gradients_they_have_alone(policy: Policy) -> None:
    prompts = [PROMPTS[0], PROMPTS[2], PROMPTS[0], PROMPTS[0], PROMPTS[2], PROMPTS[1]]
    completions = [[9, 10, 1], [11, 12, 13, 14, 0], [1], [8, 8, 8, 8], [9], [12, 1]]
    parameters = list(policy.model.parameters())
    alone, alone_entropy = completion_logprobs(policy.model, make_batch(prompts, completions, "cpu"), 0.9, "gradient")
    expected = torch.autograd.grad(alone.square().sum(), parameters)
    for limit, packs in ((256, 3), (8, 4), (7, 5)):
        batch = make_packed(prompts, completions, limit, "cpu")
        assert len(batch.ids_BL) == packs
        packed, entropy = completion_logprobs(policy.model, batch, 0.9, "gradient")
        torch.testing.assert_close(packed, alone, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(entropy, alone_entropy, atol=1e-5, rtol=1e-5)
        for a, b in zip(torch.autograd.grad(packed.square().sum(), parameters), expected, strict=True):
            torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3)


def test_packing_is_chosen_where_it_saves_and_the_model_allows_it(policy: Policy) -> None:
    same, short, long = [[5] * 10] * 4, [[6] * 5] * 4, [[6] * 200] * 4
    assert packed_saves(same, short, 256)
    assert not packed_saves(same, long, 256)
    assert not packed_saves([[5] * 10, [6] * 10], [[7], [7]], 256)
    assert pack_limit(policy.model) == 256
    policy.model.config._attn_implementation = "eager"
    assert pack_limit(policy.model) == 0
    assert not packed_saves(same, short, 0)
