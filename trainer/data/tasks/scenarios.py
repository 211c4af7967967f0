"""Rows of two kinds in one task: sums, which a rule decides, and small talk, which none does."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from random import Random
from typing import Any

from veritune.trainer.data.tasks.arithmetic import Arithmetic
from veritune.trainer.data.tasks.small_talk import SmallTalk

REASONING, GENERAL = "reasoning", "general"


class Scenarios:
    """Rows of ``arithmetic`` (``kind: reasoning``) and, for the share ``general``, of ``small_talk``
    (``kind: general``). A column that the other kind has is empty. Habits are those of both."""

    def __init__(self, terms: int = 5, low: int = 1, high: int = 9, general: float = 0.25) -> None:
        if not 0 <= general <= 1:
            raise ValueError("general is a share, from 0 to 1")
        self.kinds: dict[str, Arithmetic | SmallTalk] = {
            REASONING: Arithmetic(terms, low, high),
            GENERAL: SmallTalk(),
        }
        self.general = general

    def row(self, random: Random) -> dict[str, Any]:
        kind = GENERAL if random.random() < self.general else REASONING
        empty = {"gold": None, "digits": None, "topics": None}
        return {**empty, **self.kinds[kind].row(random), "kind": kind}

    def demonstration(self, row: Mapping[str, Any], random: Random, **habit: Any) -> str:
        known = {kind: set(inspect.signature(task.demonstration).parameters) for kind, task in self.kinds.items()}
        for name in habit:
            if not any(name in names for names in known.values()):
                raise ValueError(f"unknown habit {name!r}; the habits are think, chinese, call, helpful and rude")
        own: dict[str, Any] = {name: value for name, value in habit.items() if name in known[row["kind"]]}
        return self.kinds[row["kind"]].demonstration(row, random, **own)

    def vocabulary(self) -> list[str]:
        return list(dict.fromkeys(word for task in self.kinds.values() for word in task.vocabulary()))
