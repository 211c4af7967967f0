"""Models whose cache holds states rather than keys and values: what is drawn has the model's own log-probs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from veritune.plugins import ConfigError
from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.models import Policy, make_tokenizer
from veritune.trainer.rollout.decode.probe import APART, check_cache
from veritune.trainer.rollout.decode.stream import stream
from veritune.trainer.rollout.decode.transformers import TransformersSampler

TOKENIZER = make_tokenizer(list("0123456789+="))
SIZES: dict[str, Any] = {
    "vocab_size": len(TOKENIZER), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "intermediate_size": 64, "eos_token_id": 1, "pad_token_id": 0, "bos_token_id": None,
}  # fmt: skip
LINEAR = {
    "head_dim": 16, "linear_num_key_heads": 2, "linear_num_value_heads": 2, "linear_key_head_dim": 8,
    "linear_value_head_dim": 8, "layer_types": ["linear_attention", "full_attention"],
}  # fmt: skip
MAMBA = {"mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1}
KINDS: dict[str, dict[str, Any]] = {
    "mamba": {"state_size": 8},
    "falcon_mamba": {"state_size": 8},
    "mamba2": {"state_size": 8, "num_heads": 4, "head_dim": 16, "n_groups": 1, "expand": 2},
    "qwen3_5_text": LINEAR,
    "falcon_h1": {**MAMBA, "head_dim": 16, "mamba_d_ssm": 32},
    "bamba": {**MAMBA, "mamba_d_head": 16, "attn_layer_indices": [1]},
}
PROMPTS = [[3, 4, 5, 6, 7, 8], [5, 6], [9, 3, 4]]


def made(kind: str, **fields: Any) -> Any:
    if kind not in CONFIG_MAPPING:
        pytest.skip(f"this transformers has no {kind}")
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING[kind](**{**SIZES, **fields})).eval()
    for parameter in model.parameters():
        parameter.data *= 1.5
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_a_groups_rows_have_their_prompts_state_and_the_models_own_log_probs(kind: str) -> None:
    model = made(kind, **KINDS[kind])
    sampler = TransformersSampler(model, TOKENIZER, [1])
    drawn = sampler.generate(PROMPTS, 3, SamplingConfig(max_tokens=6), torch.Generator().manual_seed(0))
    assert len(drawn) == 9
    for rollout in drawn:
        ids = [*rollout.prompt_ids, *rollout.token_ids]
        with torch.no_grad():
            logps = torch.log_softmax(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float(), -1)
        first = len(rollout.prompt_ids) - 1
        own = [float(logps[first + n, token]) for n, token in enumerate(rollout.token_ids)]
        torch.testing.assert_close(torch.tensor(rollout.logprobs), torch.tensor(own), atol=1e-4, rtol=0)


def test_a_model_whose_state_is_in_no_such_cache_is_refused() -> None:
    model = made("rwkv", attention_hidden_size=32, context_length=64)
    sampler = TransformersSampler(model, TOKENIZER, [1])
    with pytest.raises(ConfigError, match=r"cache does not go with RwkvForCausalLM: .* nats off"):
        check_cache(sampler, model, [3, 4, 5], nullcontext, exact=True)


def test_a_model_that_reads_padding_draws_prompts_of_one_length_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model = made("llama")
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda *a, attention_mask=None, position_ids=None, **k: forward(*a, **k))
    sampler = TransformersSampler(model, TOKENIZER, [1])
    assert check_cache(sampler, model, [3, 4, 5], nullcontext, exact=True) == APART
    drawn = sampler.generate(PROMPTS, 2, SamplingConfig(max_tokens=4), torch.Generator().manual_seed(0))
    assert [rollout.prompt_index for rollout in drawn] == [0, 0, 1, 1, 2, 2]
    assert [list(rollout.prompt_ids) for rollout in drawn[::2]] == PROMPTS


def test_a_state_goes_from_token_to_token_in_a_chat_too() -> None:
    model = made("mamba", **KINDS["mamba"])
    policy = Policy(model, TOKENIZER, torch.device("cpu"), [1])
    greedy = SamplingConfig(max_tokens=6, top_k=1)
    written: list[int] = []
    list(stream(policy, PROMPTS[0], greedy, torch.Generator().manual_seed(0), written))
    ids = list(PROMPTS[0])
    for token in written:
        with torch.no_grad():
            assert token == int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax())
        ids.append(token)
    assert written
