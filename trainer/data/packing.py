"""Prompts and completions as model inputs: a row each, or several completions behind one copy of their prompt.

Packed, a group of 16 short answers to one prompt runs the prompt once instead of 16 times. Each completion sees the
prompt and itself, at the positions it would have alone: the log-probs are the same, gradients too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Ids = Sequence[int]


@dataclass
class TokenBatch:
    """R completions in B right-padded packs of L tokens. (R, T) tensors hold a completion a row."""

    ids_BL: Tensor
    targets_RT: Tensor
    """The completion tokens."""
    before_RT: Tensor
    """Where in its pack the token stands that predicts each of them."""
    packs_R: Tensor
    """Which pack a completion is in."""
    lengths_R: Tensor
    attention_B1LL: Tensor | None = None
    """None where every pack is a single row: then causal attention never lets a real token see padding."""
    positions_BL: Tensor | None = None

    @property
    def mask_RT(self) -> Tensor:
        """True on completion tokens, by length."""
        steps_T = torch.arange(self.targets_RT.shape[1], device=self.ids_BL.device)
        return steps_T < self.lengths_R[:, None]

    @property
    def pack_N(self) -> Tensor:
        """The pack of every completion token, in the order of the mask."""
        return self.packs_R.repeat_interleave(self.lengths_R)

    def to(self, device: Any) -> TokenBatch:
        moved: dict[str, Any] = {k: v if v is None else v.to(device) for k, v in vars(self).items()}
        return TokenBatch(**moved)


def make_batch(prompts: Sequence[Ids], completions: Sequence[Ids], device: Any) -> TokenBatch:
    """A row each, padded to the longest; what stands in the padding is never looked at."""
    rows = [[*p, *c[:-1]] for p, c in zip(prompts, completions, strict=True)]
    before = [range(len(p) - 1, len(p) - 1 + len(c)) for p, c in zip(prompts, completions, strict=True)]
    return _tensors(rows, completions, before, list(range(len(rows)))).to(device)


def make_packed(prompts: Sequence[Ids], completions: Sequence[Ids], limit: int, device: Any) -> TokenBatch:
    """Completions of equal prompts behind one copy of it, as many as fit in ``limit`` tokens."""
    packs: list[list[int]] = []
    segments: list[list[int]] = []
    positions: list[list[int]] = []
    latest: dict[tuple[int, ...], int] = {}
    places: list[int] = []
    before: list[list[int]] = []
    for prompt, completion in zip(prompts, completions, strict=True):
        key, body = tuple(prompt), completion[:-1]
        index = latest.get(key)
        if index is None or len(packs[index]) + len(body) > limit:
            index = latest[key] = len(packs)
            packs.append(list(prompt))
            segments.append([0] * len(prompt))
            positions.append(list(range(len(prompt))))
        start = len(packs[index])
        before.append([len(prompt) - 1, *range(start, start + len(body))])
        places.append(index)
        segments[index] += [len(before)] * len(body)
        positions[index] += range(len(prompt), len(prompt) + len(body))
        packs[index] += body
    batch = _tensors(packs, completions, before, places)
    batch.attention_B1LL = _attention(_padded(segments, fill=-1))
    batch.positions_BL = _padded(positions)
    return batch.to(device)


def make_rows_packed(prompts: Sequence[Ids], completions: Sequence[Ids], limit: int, device: Any) -> TokenBatch:
    """Whole rows behind one another, as many as fit in ``limit`` tokens (a longer one alone): each sees itself only."""
    packs: list[list[int]] = []
    rows: list[list[int]] = []
    positions: list[list[int]] = []
    before: list[list[int]] = []
    places: list[int] = []
    for number, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        body = [*prompt, *completion[:-1]]
        place = next((n for n, pack in enumerate(packs) if len(pack) + len(body) <= limit), len(packs))
        if place == len(packs):
            packs.append([])
            rows.append([])
            positions.append([])
        start = len(packs[place]) + len(prompt) - 1
        before.append(list(range(start, start + len(completion))))
        places.append(place)
        packs[place] += body
        rows[place] += [number] * len(body)
        positions[place] += range(len(body))
    batch = _tensors(packs, completions, before, places)
    if len(packs) < len(completions):
        rows_BL = _padded(rows, fill=-1)
        same_BLL = rows_BL[:, :, None] == rows_BL[:, None, :]
        length = rows_BL.shape[1]
        batch.attention_B1LL = (torch.ones(length, length, dtype=torch.bool).tril() & same_BLL)[:, None]
        batch.positions_BL = _padded(positions)
    return batch.to(device)


def packed_saves(prompts: Sequence[Ids], completions: Sequence[Ids], limit: int) -> bool:
    """Whether packing spares at least a quarter of the tokens, with at least two completions a pack."""
    alone = sum(len(p) + len(c) for p, c in zip(prompts, completions, strict=True))
    unique = {tuple(p): len(p) for p in prompts}
    together = sum(unique.values()) + sum(map(len, completions))
    longest = max(len(p) + 2 * len(c) for p, c in zip(prompts, completions, strict=True))
    return longest <= limit and together < 0.75 * alone


def pack_limit(model: Any) -> int:
    """The length at which attention over a pack still costs less than the layers it spares; 0 where masks do not fit.

    A mask of our own needs plain softmax attention over the whole context: not flash kernels, not sliding windows.
    """
    config: Any = getattr(model, "config", None)
    if getattr(config, "_attn_implementation", None) not in ("sdpa",):
        return 0
    if any(kind != "full_attention" for kind in getattr(config, "layer_types", None) or []):
        return 0
    if getattr(config, "model_type", "") not in ("qwen2", "qwen3", "llama"):
        return 0
    return max(256, 2 * int(config.hidden_size))


def _attention(segments_BL: Tensor) -> Tensor:
    """(B, 1, L, L) True where a token may look: back, at the prompt (segment 0) and at its own completion."""
    length = segments_BL.shape[1]
    back_LL = torch.ones(length, length, dtype=torch.bool).tril()
    own_BLL = segments_BL[:, :, None] == segments_BL[:, None, :]
    prompt_BLL = (segments_BL == 0)[:, None, :].expand_as(own_BLL)
    return (back_LL & (own_BLL | prompt_BLL))[:, None]


def _tensors(
    packs: Sequence[Ids], completions: Sequence[Ids], before: Sequence[Sequence[int]], places: Sequence[int]
) -> TokenBatch:
    lengths = torch.tensor([len(c) for c in completions])
    return TokenBatch(_padded(packs), _padded(completions), _padded(before), torch.tensor(places), lengths)


def _padded(rows: Sequence[Sequence[int]], fill: int = 0) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*r, *[fill] * (width - len(r))] for r in rows])
