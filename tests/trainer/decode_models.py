"""Random models of every architecture the static sampler runs."""

from __future__ import annotations

from typing import Any

import torch

from veritune.trainer.policy.models import make_tokenizer

VOCABULARY = [chr(97 + i) for i in range(26)]
PROMPTS = [[5, 6, 7], [8], [4, 5, 6, 7, 8, 9, 3, 2, 1, 10, 11]]
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
YARN = {"rope_type": "yarn", "rope_theta": 10_000.0, "factor": 4.0, "original_max_position_embeddings": 64}
MODELS: dict[str, dict[str, Any]] = {
    "qwen2": {"model_type": "qwen2", "tie_word_embeddings": True},
    "qwen2-yarn": {"model_type": "qwen2", "tie_word_embeddings": False, "rope_parameters": YARN},
    "qwen3": {"model_type": "qwen3", "head_dim": 16, "tie_word_embeddings": False, "attention_bias": True},
    "llama": {"model_type": "llama", "mlp_bias": True, "attention_bias": True, "num_key_value_heads": 4},
    "llama3": {"model_type": "llama", "rope_parameters": LLAMA3, "num_key_value_heads": 1},
    "mistral": {"model_type": "mistral", "sliding_window": None},
}


def make_model(name: str) -> tuple[Any, Any]:
    """A random model with spread-out distributions, and its tokenizer."""
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    fields = {**SIZES, **MODELS[name]}
    tokenizer = make_tokenizer(VOCABULARY)
    ids = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    config = CONFIG_MAPPING[fields.pop("model_type")](vocab_size=len(tokenizer), **{**ids, **fields})
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
        parameter.data *= 1.7
    return model, tokenizer
