"""What multi-token prediction is given: for every position of a batch the tokens after the next one, and where those
that are trained stand.

The module of depth k reads, at position i, the state of i and the token i + k, and predicts token i + k + 1. Behind a
shared prompt the tokens that follow its last positions differ from completion to completion: these positions are
repeated for each, the ones before them are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from veritune.trainer.data.packing import Ids, TokenBatch, padded


@dataclass
class FutureTokens:
    """Inputs (B packs of L positions) and targets of D modules."""

    ids_DBL: Tensor
    """The token that module k + 1 reads at each position."""
    targets: list[Tensor]
    """(N,) a module: the tokens it is trained to predict."""
    packs: list[Tensor]
    places: list[Tensor]
    """(N,) a module: the pack and position that predicts each of them."""
    owners_BL: Tensor | None = None
    """The completion that a position is of: −1 where several share it, −2 in padding."""
    source_BL: Tensor | None = None
    """Where in its pack of the model's own batch the state of each position stands; None where they are the same."""
    attention_B1LL: Tensor | None = None
    positions_BL: Tensor | None = None

    def to(self, device: Any) -> FutureTokens:
        def moved(value: Any) -> Any:
            return [v.to(device) for v in value] if isinstance(value, list) else value.to(device)

        fields: dict[str, Any] = {k: v if v is None else moved(v) for k, v in vars(self).items()}
        return FutureTokens(**fields)


@dataclass
class _Pack:
    """One pack as lists, a value a position."""

    sources: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    """Which prompt a position belongs to."""
    owners: list[int] = field(default_factory=list)
    """Which completion; −1 on what several share."""
    ids: list[list[int]] = field(default_factory=list)
    """A list a module."""

    def add(self, sequence: Ids, span: range, sources: Sequence[int], group: int, owner: int) -> None:
        self.sources += sources
        self.positions += span
        self.groups += [group] * len(span)
        self.owners += [owner] * len(span)
        for ahead, ids in enumerate(self.ids, 1):
            ids += [sequence[i + ahead] if i + ahead < len(sequence) else 0 for i in span]


def future_tokens(
    batch: TokenBatch,
    prompts: Sequence[Ids],
    completions: Sequence[Ids],
    depth: int,
    written: Sequence[Sequence[bool] | None] | None = None,
) -> FutureTokens:
    """Of a batch made of these prompts and completions, on the CPU. ``written``: which completion tokens are trained,
    where that is not all. A target always lies in the row of the state that predicts it."""
    packs = [_Pack(ids=[[] for _ in range(depth)]) for _ in range(len(batch.ids_BL))]
    groups: dict[tuple[int, int], tuple[int, int]] = {}
    found: list[list[tuple[int, int, int]]] = [[] for _ in range(depth)]
    before_RT, packs_R = batch.before_RT.tolist(), batch.packs_R.tolist()
    for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        if not completion:
            continue
        sequence, pack = [*prompt, *completion], packs[packs_R[row]]
        first = before_RT[row][0] - len(prompt) + 1
        sources = [*range(first, first + len(prompt)), *before_RT[row][1 : len(completion)]]
        shared = max(len(prompt) - depth, 0)
        key = (packs_R[row], first)
        if key not in groups:
            groups[key] = (len(groups), len(pack.sources))
            pack.add(sequence, range(shared), sources[:shared], groups[key][0], -1)
        group, start = groups[key]
        own = len(pack.sources)
        pack.add(sequence, range(shared, len(sequence) - 1), sources[shared:], group, row)
        trained = written[row] if written is not None else None
        for number in range(len(completion)):
            if trained is not None and not trained[number]:
                continue
            for ahead in range(1, depth + 1):
                i = len(prompt) + number - ahead - 1
                if i >= 0:
                    place = start + i if i < shared else own + i - shared
                    found[ahead - 1].append((packs_R[row], place, completion[number]))
    columns = [torch.tensor(f, dtype=torch.long).view(-1, 3).T for f in found]
    made = FutureTokens(
        torch.stack([padded([p.ids[k] for p in packs]) for k in range(depth)]),
        [c[2] for c in columns],
        [c[0] for c in columns],
        [c[1] for c in columns],
    )
    if batch.attention_B1LL is not None:
        made.source_BL, made.positions_BL = padded([p.sources for p in packs]), padded([p.positions for p in packs])
        made.owners_BL = padded([p.owners for p in packs], -2)
        made.attention_B1LL = _attention(padded([p.groups for p in packs], -1), made.owners_BL)
    return made


def _attention(groups_BL: Tensor, owners_BL: Tensor) -> Tensor:
    """(B, 1, L, L) True where a position may look: back, at the shared part of its prompt and at its own completion."""
    length = groups_BL.shape[1]
    back_LL = torch.ones(length, length, dtype=torch.bool).tril()
    same_BLL = groups_BL[:, :, None] == groups_BL[:, None, :]
    own_BLL = owners_BL[:, :, None] == owners_BL[:, None, :]
    shared_BLL = (owners_BL == -1)[:, None, :].expand_as(own_BLL)
    return (back_LL & same_BLL & (own_BLL | shared_BLL))[:, None]
