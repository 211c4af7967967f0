"""What the loss curves train: a small Qwen3-like decoder, and text that every machine which can run it has."""

from __future__ import annotations

import hashlib
import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

WIDTH, LAYERS, HEAD, CONTEXT, VOCABULARY = 768, 7, 64, 512, 8192
# Some 30 million tokens of source, so that 1,000 steps see no file twice.
PACKAGES = ("torch", "transformers", "sympy")


def normed_and_turned(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Queries or keys `[B, heads, T, HEAD]`, normed and turned by their place (arXiv 2104.09864)."""
    wide = x.float()
    wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-6)
    one, other = wide.chunk(2, -1)
    return torch.cat((one * cos - other * sin, other * cos + one * sin), -1).to(x.dtype)


# Fused, it takes a tenth of a step instead of a third. Both precisions run the same code.
fused = torch.compile(normed_and_turned, dynamic=False)


class Block(nn.Module):
    """A pre-norm transformer block; its four linear layers are what FP8 replaces."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        b, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, WIDTH // HEAD, HEAD).permute(2, 0, 3, 1, 4)
        turn = fused if x.is_cuda else normed_and_turned
        a = nn.functional.scaled_dot_product_attention(turn(q, cos, sin), turn(k, cos, sin), v, is_causal=True)
        x = x + self.out(a.transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))


class Model(nn.Module):
    """50 million parameters in its blocks and 13 million in embedding and head; GPT-2's initial weights."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm, self.lm_head = nn.RMSNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                to_residual = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * LAYERS) if to_residual else 0.02)
        angle = torch.arange(CONTEXT)[:, None] * 1e4 ** (-torch.arange(0, HEAD, 2) / HEAD)
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return self.lm_head(self.norm(x))


def texts() -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens of the source of `PACKAGES` to train on, and of other files of it to measure on; its hash decides.

    Files come in the order of their hashes, each text once. The tokenizer (byte-level BPE) is trained on every eighth
    of the files to train on.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    files: dict[bytes, str] = {}
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        assert found is not None
        assert found.origin is not None
        for path in Path(found.origin).parent.glob("**/*.py"):
            files[hashlib.sha256(path.read_bytes()).digest()] = path.read_text(errors="replace")
    parts: tuple[list[str], list[str]] = ([], [])
    for key in sorted(files):
        parts[key[-1] % 16 == 0].append(files[key])
    bytes_alone = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=bytes_alone, show_progress=False)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(parts[0][::8], trainer)
    train, held_out = (_joined(tokenizer, part) for part in parts)
    return train, held_out


def _joined(tokenizer: Any, part: list[str]) -> torch.Tensor:
    """Tokens of all files; as arrays, since a list of 30 million numbers takes a gigabyte."""
    return torch.from_numpy(np.concatenate([np.array(one.ids, dtype=np.int64) for one in tokenizer.encode_batch(part)]))
