"""A calculator for the policy: where it writes `3+9+4=` in its thought, it is told `16`, and writes on."""

from __future__ import annotations

import re
from collections.abc import Generator

from veritune.trainer.rollout.episodes import Turn

SUM = re.compile(r"(\d+(?:\+\d+)+)=$")


def calculator(*, max_calls: int = 2) -> Generator[str | None, Turn, None]:
    """Answers up to `max_calls` sums; `sampling.stop` must hold `=`, so that the policy stops there and waits."""
    turn = yield
    for _ in range(max_calls):
        asked = SUM.search(turn.text)
        if asked is None:
            return
        turn = yield str(sum(map(int, asked[1].split("+"))))
