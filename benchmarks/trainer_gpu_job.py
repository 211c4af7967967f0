"""The job of ``trainer_gpu.py``: a model of Qwen2.5-0.5B's size with random weights, its prompts and rewards."""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path
from typing import Any

from veritune import reward
from veritune.trainer.config import RunConfig, parse_config

QWEN = {
    "model_type": "qwen2",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32768,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0},
    "tie_word_embeddings": True,
}
VOCABULARY = 151_936
SIZES: dict[str, dict[str, Any]] = {
    "0.5b": {},
    "1.5b": {
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
    },
    "7b": {
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "tie_word_embeddings": False,
    },
}
"""What Qwen2.5's larger models change of the smallest one's shape."""
SMALL = {"hidden_size": 56, "intermediate_size": 64, "num_hidden_layers": 2}


@reward
def varied(completion: str) -> float:
    """A number in [0, 1) that differs from completion to completion, so that every row is trained on."""
    return zlib.crc32(completion.encode()) / 2**32


@reward
def round_words(completion: str) -> float:
    """The share of words that end in a."""
    words = completion.split()
    return sum(word.endswith("a") for word in words) / max(1, len(words))


def word(number: int) -> str:
    """A word of letters for every number."""
    letters = chr(97 + number % 26)
    return letters if number < 26 else word(number // 26 - 1) + letters


def write_tokenizer(folder: Path) -> None:
    """151,936 words, a token each, decoded as bytes, as Qwen's are: a decoder for pieces of words takes five times as
    long."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<eos>", "<unk>", *(f"Ġ{word(i)}" for i in range(VOCABULARY - 3))]
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    ).save_pretrained(folder)


def prompts(count: int, tokens: int) -> list[str]:
    pick = random.Random(0)
    return [" ".join(word(pick.randrange(1000)) for _ in range(tokens)) for _ in range(count)]


def job(folder: Path, shape: dict[str, int], small: bool = False, size: str = "0.5b", **grpo: Any) -> RunConfig:
    """The configuration of a model in one of :data:`SIZES`; ``small`` makes it tiny, to try a script on a CPU."""
    if not (folder / "tokenizer.json").is_file():
        write_tokenizer(folder)
        rows = [json.dumps({"prompt": p}) for p in prompts(64, shape["prompt_tokens"])]
        (folder / "train.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    build = {**QWEN, **SIZES[size], **({**SMALL, "num_attention_heads": 14, "num_key_value_heads": 2} if small else {})}
    here = Path(__file__).resolve()
    return parse_config(
        {
            "output": str(folder / "run"),
            "model": {"build": build, "tokenizer": str(folder)},
            "data": {"train": str(folder / "train.jsonl"), "chat": False},
            "rewards": {"varied": {"use": f"{here}:varied"}, "round": {"use": f"{here}:round_words", "weight": 0.5}},
            "grpo": {
                "prompts": shape["prompts"],
                "samples": shape["samples"],
                "algorithm": "dapo",
                "lr": 1e-6,
                **grpo,
            },
            "sampling": {"max_tokens": shape["tokens"]},
        }
    )
