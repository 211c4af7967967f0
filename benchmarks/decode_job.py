"""The models and the single token steps of ``decode_speed.py`` and ``decode_tune.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from veritune.trainer.config import SamplingConfig
from veritune.trainer.rollout.decode.sampler import StaticSampler

VOCABULARY = 151_936
SHAPES: dict[str, tuple[int, int, int, int, int]] = {
    # hidden, intermediate, layers, heads, key-value heads
    "0.5B": (896, 4864, 24, 14, 2),
    "1.5B": (1536, 8960, 28, 12, 2),
    "7B": (3584, 18944, 28, 28, 4),
    "small": (64, 96, 2, 4, 2),
}
KEPT_IN_BFLOAT16 = ("7B",)
PROMPT = 64


class NoText:
    """Stands for the tokenizer: texts are not what is measured."""

    def decode(self, *args: Any, **options: Any) -> str:
        return ""


def make_model(name: str) -> Any:
    """Of Qwen2.5's size with random weights, on the GPU where there is one."""
    from transformers import AutoModelForCausalLM, Qwen2Config

    hidden, intermediate, layers, heads, kv_heads = SHAPES[name]
    config = Qwen2Config(
        vocab_size=320 if name == "small" else VOCABULARY,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=32768,
        tie_word_embeddings=name != "7B",
        bos_token_id=None,
        eos_token_id=None,
    )
    dtype = torch.bfloat16 if name in KEPT_IN_BFLOAT16 else torch.float32
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        return AutoModelForCausalLM.from_config(config, dtype=dtype).eval()


def make_sampler(model: Any, **options: Any) -> StaticSampler:
    """In bfloat16 on a GPU. No completion ends early."""
    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    return StaticSampler(model, NoText(), [], dtype, **options)


def place(sampler: StaticSampler, rows: int, tokens: int, position: int) -> Any:
    """The sampler's state with all rows alive at a position of a cache for completions of so many tokens."""
    state = sampler._prepare(rows, PROMPT + tokens, SamplingConfig(max_tokens=tokens))
    generator = torch.Generator(sampler.weights.device).manual_seed(0)
    device = sampler.weights.device
    each = state.rows
    each.tokens_B.copy_(torch.randint(state.cache.shape[2], each.tokens_B.shape, device=device, generator=generator))
    each.positions_B.fill_(min(position, state.length - 64))
    each.steps_B.zero_()
    each.limits_B.fill_(2**40)
    each.alive_B.fill_(True)
    each.uniforms_BT.copy_(torch.rand(each.uniforms_BT.shape, device=device, generator=generator, dtype=torch.float64))
    return state


def timed(run: Callable[[], Any], times: int, rounds: int = 3) -> float:
    """Milliseconds of one run: the least mean of several rounds."""
    if not torch.cuda.is_available():
        run()
        return float("nan")
    found = []
    run()
    for _ in range(rounds):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        begin.record()
        for _ in range(times):
            run()
        end.record()
        end.synchronize()
        found.append(float(begin.elapsed_time(end)) / times)
    return min(found)
