"""The tokens that reach the head, and where they came from."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

from veritune.kernels.grpo.objective import GRPOObjective
from veritune.kernels.linear.op import spread_rows


@dataclass
class Batch:
    """Tokens `[n]`, all or those kept, and where they sit in the grid of sequences `[B, T]`."""

    targets: torch.Tensor
    advantages: torch.Tensor
    weights: torch.Tensor
    old: torch.Tensor | None
    ref: torch.Tensor | None
    policy_weight: torch.Tensor | None
    cells: torch.Tensor
    grid: tuple[int, int]
    objective: GRPOObjective

    def part(self, which: slice | torch.Tensor) -> Batch:
        """Some of the tokens: a slice only for objectives in which tokens do not depend on each other."""

        def cut(x: torch.Tensor | None) -> torch.Tensor | None:
            return None if x is None else x[which]

        return Batch(
            self.targets[which], self.advantages[which], self.weights[which], cut(self.old), cut(self.ref),
            cut(self.policy_weight), self.cells[which], self.grid, self.objective,
        )  # fmt: skip


class Kept:
    """Which tokens reach the head. Their number is on its way to the host, which waits only when it first asks."""

    def __init__(self, needed: torch.Tensor) -> None:
        self.total = needed.numel()
        self.needed = needed
        self.count = needed.sum(dtype=torch.int32)
        self._sent: torch.Tensor | None = None
        if needed.device.type == "cuda":
            self._sent = self.count.to("cpu", non_blocking=True)
            self._arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._arrived.record(torch.cuda.current_stream(needed.device))

    @functools.cached_property
    def number(self) -> int:
        if self._sent is None:
            return int(self.count)
        self._arrived.synchronize()
        return int(self._sent)

    @property
    def all(self) -> bool:
        return self.number == self.total

    @functools.cached_property
    def everything(self) -> torch.Tensor:
        """Indices of the kept tokens in their order, then of the first token again for each of the others."""
        slots = torch.where(self.needed, self.needed.cumsum(0) - 1, self.total)
        order = torch.zeros(self.total + 1, dtype=torch.long, device=self.needed.device)
        return order.scatter_(0, slots, torch.arange(self.total, device=self.needed.device))[: self.total]

    @property
    def order(self) -> torch.Tensor:
        """Indices of the kept tokens in their order."""
        return self.everything[: self.number]

    def part(self, batch: Batch) -> Batch:
        return batch if self.all else batch.part(self.order)

    def back(self, x: torch.Tensor | None) -> torch.Tensor | None:
        """Rows of the kept tokens where they were, zeros where the others are."""
        return x if x is None or self.all else spread_rows(x, self.order, self.total)
