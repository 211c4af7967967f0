"""A tokenizer of single characters and a model of a few thousand weights, for trainers that want one."""

from __future__ import annotations

from typing import Any

TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tokenizer() -> Any:
    """A fast tokenizer whose tokens are characters, tags and chat marks; ``<eos>`` ends a text."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<eos>", "<|im_start|>", "<|im_end|>"]
    tags = ["<think>", "</think>", "<answer>", "</answer>"]
    vocabulary = {token: i for i, token in enumerate([*special, *tags, *map(chr, range(32, 127)), "\n"])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    inner.decoder = decoders.Fuse()
    made = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>")
    made.add_special_tokens({"additional_special_tokens": special[2:]})
    made.add_tokens(tags)
    made.chat_template = TEMPLATE
    return made


def model(size: int) -> Any:
    """A Qwen3 with random weights for ``size`` tokens."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    heads = {"num_key_value_heads": 1, "head_dim": 8}
    return Qwen3ForCausalLM(
        Qwen3Config(vocab_size=size, pad_token_id=0, eos_token_id=1, bos_token_id=None, **shape, **heads)
    )
