"""Decoding with a latent cache gives what transformers' DeepSeek-V3 gives: attention, experts, tokens, log-probs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.trainer.decode_models import PROMPTS, VOCABULARY
from tests.trainer.mtp_models import make_model
from tests.trainer.test_decode import check_logprobs, generator
from veritune.trainer.config import MTPConfig, SamplingConfig
from veritune.trainer.policy.latent_layers import LatentWeights
from veritune.trainer.policy.layers import unsupported
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.rollout.decode.latent import latent_attention, route
from veritune.trainer.rollout.decode.ops import TorchOps
from veritune.trainer.rollout.decode.rows import Rows
from veritune.trainer.rollout.decode.sampler import StaticSampler

YARN = {
    "rope_type": "yarn",
    "rope_theta": 10_000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 16,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
}
FORMS: dict[str, dict[str, Any]] = {
    "report": {},
    "plain queries, halves": {"q_lora_rank": None, "rope_interleave": False, "attention_bias": True},
    "yarn, one group": {"rope_parameters": YARN, "n_group": 1, "topk_group": 1, "norm_topk_prob": False},
}


def decoded_model(form: str, dtype: torch.dtype = torch.float32, mtp: MTPConfig | None = None) -> Any:
    """With a tokenizer's vocabulary, routing biases that matter, and experts run one by one."""
    tokenizer = make_tokenizer(VOCABULARY)
    model = make_model("deepseek_v3", mtp, dtype, vocab_size=len(tokenizer), **FORMS[form]).eval()
    model.set_experts_implementation("eager")
    for name, buffer in model.named_buffers():
        if name.endswith("e_score_correction_bias"):
            buffer += 0.2 * torch.randn(buffer.shape, generator=generator())
    return model, tokenizer


@pytest.mark.parametrize("form", FORMS)
def test_absorbed_attention_is_that_of_transformers_in_float64(form: str) -> None:
    """Token by token over the latent cache, rows at different positions, against the whole sequence at once."""
    model, _ = decoded_model(form, torch.float64)
    attention = model.get_decoder().layers[0].self_attn
    weights = LatentWeights(model, torch.float64)
    weights.prepare(16)
    weights.cos_LF, weights.sin_LF = weights.cos_LF.double(), weights.sin_LF.double()
    hidden_BLH = torch.randn(3, 9, 16, dtype=torch.float64, generator=generator())
    positions = torch.arange(9)[None]
    rotation = model.get_decoder().rotary_emb(hidden_BLH, positions)
    mask = torch.full((9, 9), -torch.inf, dtype=torch.float64).triu(1)[None, None]
    with torch.no_grad():
        wanted = attention(hidden_BLH, position_embeddings=rotation, attention_mask=mask, position_ids=positions)[0]
        cache_BLX = torch.full((3, 12, weights.width), 7.0, dtype=torch.float64)  # what is not written is not read
        layer: Any = weights.layers[0]
        for step in range(9 + 2):
            positions_B = torch.tensor([step, step - 1, step - 2]).clamp(0, 8)
            rows = Rows.empty(3, 1, torch.device("cpu"))
            rows.positions_B.copy_(positions_B)
            hidden_BH = hidden_BLH[torch.arange(3), positions_B]
            mixed = latent_attention(weights, TorchOps(), layer, hidden_BH, cache_BLX, [rows], 12)
            found = torch.nn.functional.linear(mixed, layer.out, layer.out_bias)
            torch.testing.assert_close(found, wanted[torch.arange(3), positions_B], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", ["report", "yarn, one group"])
def test_experts_and_gates_are_those_of_transformers(form: str) -> None:
    model, _ = decoded_model(form)
    hidden_NH = torch.randn(200, 16, generator=generator())
    layer: Any = LatentWeights(model, torch.float32).layers[1]
    index_NK, gates_NK = route(hidden_NH, layer.experts)
    _, gates, index = model.get_decoder().layers[1].mlp.gate(hidden_NH)
    dense, wanted = torch.zeros(200, 8), torch.zeros(200, 8)
    torch.testing.assert_close(dense.scatter(1, index_NK, gates_NK), wanted.scatter(1, index, gates))


@pytest.mark.parametrize("form", FORMS)
def test_completions_are_those_of_transformers(form: str) -> None:
    """Greedy against its generate, and log-probs of draws against a whole forward, with rows refilled and closed up."""
    model, tokenizer = decoded_model(form)
    sampler = StaticSampler(model, tokenizer, [tokenizer.eos_token_id])
    rollouts = sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=12, top_k=1), generator())
    for rollout, prompt in zip(rollouts, PROMPTS, strict=True):
        ids = torch.tensor([prompt])
        found = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12)
        assert rollout.token_ids == found[0, len(prompt) :].tolist()
    drawn = sampler.generate(PROMPTS, 4, SamplingConfig(max_tokens=12, temperature=0.8, batch=5), generator())
    check_logprobs(drawn, model, 0.8)


def test_drafts_change_no_token() -> None:
    model, tokenizer = decoded_model("report", mtp=MTPConfig())
    plain, drafting = (
        StaticSampler(model, tokenizer, [tokenizer.eos_token_id], speculative=flag) for flag in (False, True)
    )
    greedy = SamplingConfig(max_tokens=14, top_k=1, batch=2)
    wanted, found = (s.generate(PROMPTS, 1, greedy, generator()) for s in (plain, drafting))
    assert [r.token_ids for r in found] == [r.token_ids for r in wanted]
    check_logprobs(drafting.generate(PROMPTS, 4, SamplingConfig(max_tokens=14), generator()), model)


def test_the_sampler_takes_over_weights_and_routing_biases() -> None:
    model, tokenizer = decoded_model("report")
    sampler = StaticSampler(model, tokenizer, [tokenizer.eos_token_id])
    sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=2), generator())
    with torch.no_grad():
        for tensor in [*model.parameters(), *(b for n, b in model.named_buffers() if n.endswith("bias"))]:
            tensor += 0.3 * torch.randn(tensor.shape, generator=generator(1))
    check_logprobs(sampler.generate(PROMPTS, 3, SamplingConfig(max_tokens=8), generator()), model)


def test_the_cache_holds_rank_and_rope_numbers_a_token() -> None:
    model, tokenizer = decoded_model("report")
    sampler = StaticSampler(model, tokenizer, [tokenizer.eos_token_id])
    sampler.generate(PROMPTS, 2, SamplingConfig(max_tokens=4), generator())
    assert sampler.state is not None
    config, state = model.config, sampler.state
    each = (config.kv_lora_rank + config.qk_rope_head_dim) * config.num_hidden_layers * 4
    assert state.bytes == each * state.count * state.length == sampler.engine.row_bytes(state.length) * state.count


def test_what_cannot_be_decoded_is_said() -> None:
    model, _ = decoded_model("report")
    assert unsupported(model) is None
    model.get_decoder().layers[1].self_attn.o_proj = torch.nn.Identity()
    assert "o_proj is a Identity" in str(unsupported(model))
