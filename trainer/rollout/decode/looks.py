"""What the host reads of the rows while the device goes on with them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from veritune.trainer.rollout.decode.rows import Rows


@dataclass
class Look:
    """Which rows were alive, and their tokens so far, at one moment of the device's work."""

    alive_B: Tensor
    steps_B: Tensor
    arrived: torch.cuda.Event | None

    def read(self) -> tuple[list[bool], list[int]]:
        """Waits until that moment, not for what was begun after it."""
        if self.arrived is not None:
            self.arrived.synchronize()
        return self.alive_B.tolist(), self.steps_B.tolist()


class Looks:
    """Looks at rows of one device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._stream: torch.cuda.Stream | None = None

    def take(self, rows: Rows, count: int) -> Look:
        """The first ``count`` rows as they are after what has been begun so far."""
        some = rows.alive_B[:count], rows.steps_B[:count]
        if self.device.type != "cuda":
            return Look(some[0].clone(), some[1].clone(), None)
        copies = [torch.empty(each.shape, dtype=each.dtype, pin_memory=True) for each in some]
        for copy, each in zip(copies, some, strict=True):
            copy.copy_(each, non_blocking=True)
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrived.record(torch.cuda.current_stream(self.device))
        return Look(copies[0], copies[1], arrived)

    def beside(self) -> AbstractContextManager[object]:
        """Within it, what is read does not wait for what was begun after the look."""
        if self.device.type != "cuda":
            return nullcontext()
        self._stream = self._stream or torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        return torch.cuda.stream(self._stream)
