"""In which order rows are taken: every epoch all of them, shuffled anew."""

from __future__ import annotations

from random import Random


class EpochOrder:
    """A function of the position alone, so that a run that goes on takes the rows that it would have taken."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed
        self._epoch, self._order = -1, list(range(count))

    def __getitem__(self, position: int) -> int:
        epoch, at = divmod(position, self.count)
        if epoch != self._epoch:
            order = list(range(self.count))
            Random(f"epoch:{self.seed}:{epoch}").shuffle(order)
            self._epoch, self._order = epoch, order
        return self._order[at]

    def take(self, position: int, count: int) -> list[int]:
        """The rows of ``count`` positions from this one on."""
        return [self[p] for p in range(position, position + count)]
