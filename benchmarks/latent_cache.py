"""Cache bytes a token of MHA, GQA and MLA at equal size: the formula, and what decoding allocates.

    python benchmarks/latent_cache.py

Formulas, numbers a token and layer: MHA 2·h·d, GQA 2·g·d, MLA r + p (h heads of width d, g key-value heads, rank r of
the latent, width p of the rotary key that all heads share). Measured: the bytes of the caches of our static sampler for
64 rows, by their rows and positions, and of transformers' DynamicCache after a forward pass. The last column is the
formula's at the size of DeepSeek-V3 (61 layers, 128 heads of 128, rank 512, rotary 64; GQA with 8 groups), in bfloat16.
"""

from __future__ import annotations

import datetime
import platform
from typing import Any

import torch

from veritune.trainer.config import SamplingConfig
from veritune.trainer.rollout.decode.sampler import StaticSampler

SIZES: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 16,
    "max_position_embeddings": 1024,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
WIDTH, RANK, ROPE, GROUPS = 32, 128, 16, 4
"""Of a head; of the latent: four heads' width, as in the report; of the rotary key: half a head's; of GQA."""
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "MHA": ("qwen3", {"num_key_value_heads": 16, "head_dim": WIDTH}),
    "GQA": ("qwen3", {"num_key_value_heads": GROUPS, "head_dim": WIDTH}),
    "MLA": (
        "deepseek_v3",
        {
            "num_key_value_heads": 16,
            "kv_lora_rank": RANK,
            "q_lora_rank": 192,
            "qk_rope_head_dim": ROPE,
            "qk_nope_head_dim": WIDTH,
            "v_head_dim": WIDTH,
            "first_k_dense_replace": 99,
        },
    ),
}


class Numbers:
    """As much of a tokenizer as the sampler asks for."""

    def decode(self, ids: Any, **options: Any) -> str:
        return ""


def formula(name: str, layers: int, heads: int, width: int, groups: int, rank: int, rope: int, size: int) -> int:
    """Bytes a token."""
    numbers = {"MHA": 2 * heads * width, "GQA": 2 * groups * width, "MLA": rank + rope}[name]
    return layers * numbers * size


@torch.no_grad()
def measured(name: str) -> tuple[float, float]:
    """Bytes a row and position: ours, and transformers' own."""
    from transformers import AutoModelForCausalLM, DynamicCache
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind, fields = MODELS[name]
    config = CONFIG_MAPPING[kind](**{**SIZES, **fields})
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
    sampler = StaticSampler(model, Numbers(), [])
    prompts = [[1, 2, 3]] * 64
    sampler.generate(prompts, 1, SamplingConfig(max_tokens=2), torch.Generator())
    assert sampler.state is not None
    ours = sampler.state.bytes / sampler.state.count / sampler.state.length
    cache = DynamicCache(config=config)
    model(input_ids=torch.ones(64, 32, dtype=torch.long), past_key_values=cache, use_cache=True)
    held = sum(t.numel() * t.element_size() for layer in cache.layers for t in (layer.keys, layer.values))
    return ours, held / 64 / 32


def main() -> None:
    import transformers

    torch.set_num_threads(1)
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, Python {platform.python_version()}"
    print(f"{platform.machine()}, CPU; {versions}; {datetime.date.today()}")
    print(f"4 layers, 16 heads of {WIDTH}; GQA with {GROUPS} groups; MLA with rank {RANK} and rotary {ROPE}; bfloat16")
    print("       formula  ours, measured  of MHA  transformers, measured   DeepSeek-V3's size (formula)")
    for name in MODELS:
        own = formula(name, 4, 16, WIDTH, GROUPS, RANK, ROPE, 2)
        whole = formula(name, 61, 128, 128, 8, 512, 64, 2)
        every = formula("MHA", 4, 16, WIDTH, GROUPS, RANK, ROPE, 2)
        ours, theirs = measured(name)
        print(f"{name:5s}  {own:7d}  {ours:14.0f}  {ours / every:6.3f}  {theirs:22.0f}   {whole:12,d}")


if __name__ == "__main__":
    main()
