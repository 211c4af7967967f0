"""Prompts and completions as model inputs: a row each, or several completions behind one copy of their prompt.

Packed, a group of 16 short answers to one prompt runs the prompt once instead of 16 times. Each completion sees the
prompt and itself, at the positions it would have alone: the log-probs are the same, gradients too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from veritune.trainer.data.batching import filled, placed

Ids = Sequence[int]
MIXTURES = ("deepseek_v3", "qwen3_moe", "glm4_moe")
"""Mixtures of experts whose attention takes a mask of ours."""


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
    prompts_R: Tensor | None = None
    """How long each completion's prompt is; None of a pass that stands in for one without rows."""
    experts_BLMK: Tensor | None = None
    """The K experts that every token had in each of M routers when it was drawn, −1 where that is not known."""
    sequences: Sequence[int] = ()
    """Lengths of the sequences that lie one behind the other in a single pack, each of which sees itself alone."""
    bounds_S: Tensor | None = None
    """Of those, 0 and every one's end, int32."""
    before_N: Tensor | None = None
    """Of every completion token, in the order of the mask, the place of ``before_RT`` in the packs' B·L tokens."""
    targets_N: Tensor | None = None
    place_N: Tensor | None = None
    """Where in (R·T) it stands."""

    def indexed(self) -> tuple[Tensor, Tensor]:
        """``before_N`` and ``targets_N``."""
        if self.before_N is None or self.targets_N is None:
            self.index()
        assert self.before_N is not None
        assert self.targets_N is not None
        return self.before_N, self.targets_N

    def index(self) -> None:
        """Find the places of completion tokens: on the CPU, as a GPU would have to be waited for, and there by numpy:
        with many cores, torch takes milliseconds to share so little out."""
        if self.ids_BL.device.type == "cpu":
            tensors = self.targets_RT, self.before_RT, self.packs_R, self.lengths_R
            targets_RT, before_RT, packs_R, lengths_R = (tensor.numpy() for tensor in tensors)
            place_N = np.flatnonzero(np.arange(targets_RT.shape[1]) < lengths_R[:, None])
            pack_N = np.repeat(packs_R, lengths_R)
            before_N = pack_N * self.ids_BL.shape[1] + before_RT.ravel()[place_N]
            found = before_N, targets_RT.ravel()[place_N], place_N
            self.before_N, self.targets_N, self.place_N = map(torch.from_numpy, found)
            return
        mask_RT = self.mask_RT
        self.before_N = self.pack_N * self.ids_BL.shape[1] + self.before_RT[mask_RT]
        self.targets_N, self.place_N = self.targets_RT[mask_RT], mask_RT.flatten().nonzero()[:, 0]

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
        if self.ids_BL.device.type == "cpu":
            self.index()
        moved: dict[str, Any] = {k: placed(v, device) if isinstance(v, Tensor) else v for k, v in vars(self).items()}
        return TokenBatch(**moved)


def make_batch(prompts: Sequence[Ids], completions: Sequence[Ids], device: Any) -> TokenBatch:
    """A row each, padded to the longest; what stands in the padding is never looked at."""
    rows = [[*p, *c[:-1]] for p, c in zip(prompts, completions, strict=True)]
    before = [range(len(p) - 1, len(p) - 1 + len(c)) for p, c in zip(prompts, completions, strict=True)]
    return _tensors(prompts, rows, completions, before, list(range(len(rows)))).to(device)


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
    batch = _tensors(prompts, packs, completions, before, places)
    batch.attention_B1LL = _attention(padded(segments, fill=-1))
    batch.positions_BL = padded(positions)
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
    batch = _tensors(prompts, packs, completions, before, places)
    if len(packs) < len(completions):
        rows_BL = padded(rows, fill=-1)
        same_BLL = rows_BL[:, :, None] == rows_BL[:, None, :]
        length = rows_BL.shape[1]
        batch.attention_B1LL = (torch.ones(length, length, dtype=torch.bool).tril() & same_BLL)[:, None]
        batch.positions_BL = padded(positions)
    return batch.to(device)


def make_unpadded(prompts: Sequence[Ids], completions: Sequence[Ids], device: Any) -> TokenBatch:
    """All rows one behind the other, without padding and without a mask: for attention that is told where each ends."""
    rows = [[*p, *c[:-1]] for p, c in zip(prompts, completions, strict=True)]
    lengths = [len(row) for row in rows]
    ends = torch.tensor([0, *lengths]).cumsum(0)
    before = [range(end - len(c), end) for end, c in zip(ends[1:].tolist(), completions, strict=True)]
    batch = _tensors(prompts, [[token for row in rows for token in row]], completions, before, [0] * len(rows))
    batch.positions_BL = torch.cat([torch.arange(length) for length in lengths])[None]
    batch.sequences, batch.bounds_S = lengths, ends.to(torch.int32)
    return batch.to(device)


def packed_saves(prompts: Sequence[Ids], completions: Sequence[Ids], limit: int) -> bool:
    """Whether packing spares at least a quarter of the tokens, with at least two completions a pack."""
    alone = sum(len(p) + len(c) for p, c in zip(prompts, completions, strict=True))
    unique = {tuple(p): len(p) for p in prompts}
    together = sum(unique.values()) + sum(map(len, completions))
    longest = max(len(p) + 2 * len(c) for p, c in zip(prompts, completions, strict=True))
    return longest <= limit and together < 0.75 * alone


def padding_costs(prompts: Sequence[Ids], completions: Sequence[Ids]) -> bool:
    """Whether rows padded to the longest are over a tenth more tokens than the rows themselves."""
    lengths = [len(p) + len(c) for p, c in zip(prompts, completions, strict=True)]
    return max(lengths) * len(lengths) > 1.1 * sum(lengths)


def pack_limit(model: Any) -> int:
    """The length at which attention over a pack still costs less than the layers it spares; 0 where masks do not fit.

    A mask of our own needs plain softmax attention over the whole context: not flash kernels, not sliding windows.
    """
    return 0 if why_unpacked(model) is not None else max(256, 2 * int(model.config.hidden_size))


def why_unpacked(model: Any) -> str | None:
    """Why rows of this model are never packed behind a mask; None where they may be."""
    config: Any = getattr(model, "config", None)
    attention = getattr(config, "_attn_implementation", None)
    if attention not in ("sdpa",):
        return f"its attention is {attention}, not sdpa"
    if any(kind != "full_attention" for kind in getattr(config, "layer_types", None) or []):
        return "it has layers that are not of full attention"
    known = ("qwen2", "qwen3", "llama", *MIXTURES)
    if getattr(config, "model_type", "") not in known:
        return f"the architecture {config.model_type} is not one of {', '.join(known)}"
    return None


def _attention(segments_BL: Tensor) -> Tensor:
    """(B, 1, L, L) True where a token may look: back, at the prompt (segment 0) and at its own completion."""
    length = segments_BL.shape[1]
    back_LL = torch.ones(length, length, dtype=torch.bool).tril()
    own_BLL = segments_BL[:, :, None] == segments_BL[:, None, :]
    prompt_BLL = (segments_BL == 0)[:, None, :].expand_as(own_BLL)
    return (back_LL & (own_BLL | prompt_BLL))[:, None]


def _tensors(
    prompts: Sequence[Ids],
    packs: Sequence[Ids],
    completions: Sequence[Ids],
    before: Sequence[Sequence[int]],
    places: Sequence[int],
) -> TokenBatch:
    lengths, prompts_R = (torch.tensor([len(each) for each in rows]) for rows in (completions, prompts))
    tokens = padded(packs), padded(completions), padded(before)
    return TokenBatch(*tokens, torch.tensor(places), lengths, prompts_R=prompts_R)


def padded(rows: Sequence[Sequence[int]], fill: int = 0) -> Tensor:
    """Lists of whole numbers one below the other, filled up on the right."""
    return filled(rows, max(map(len, rows)), np.int64, fill)
