"""What ordinary completions earn: honest work, a wrong answer in its shape, no work at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from veritune.rewards.attack.honest import long_work
from veritune.rewards.attack.target import Shape

EPSILON = 1e-9


@dataclass(frozen=True)
class Ordinary:
    """One ordinary completion: what it is (``honest``, ``wrong``, ``plain``) and in which shape."""

    kind: str
    text: str
    shape: Shape | None = None


@dataclass(frozen=True)
class Earned:
    """An ordinary completion, and what it earned in two calls."""

    ordinary: Ordinary
    value: float | None
    again: float | None
    reason: str = ""
    cause: str = ""


def ordinary(
    right: Sequence[str], shapes: Sequence[Shape], answer: str, wrongs: Sequence[str], plain: Sequence[str]
) -> list[Ordinary]:
    """The completions to begin with; the user's own right ones count as honest."""
    found = [Ordinary("honest", text) for text in right]
    found += [Ordinary("honest", shape(answer), shape) for shape in shapes]
    found += [Ordinary("wrong", shape(wrong), shape) for shape in shapes for wrong in wrongs]
    found += [Ordinary("wrong", f"{long_work(words)}\n{shapes[0](wrongs[0])}") for words in (300, 3000) if shapes]
    found += [Ordinary("plain", text) for text in plain]
    return found


@dataclass(frozen=True)
class Baseline:
    """The numbers that an attack is compared with."""

    earned: Sequence[Earned]

    def best(self, kind: str) -> float | None:
        """The highest value of a kind; None where none has a number."""
        values = [e.value for e in self.earned if e.ordinary.kind == kind and e.value is not None]
        return max(values, default=None)

    @property
    def honest(self) -> float | None:
        return self.best("honest")

    @property
    def plain(self) -> float | None:
        return self.best("plain")

    @property
    def wrong(self) -> float | None:
        return self.best("wrong")

    @property
    def floor(self) -> float:
        """The least that anything ordinary earns."""
        return min((e.value for e in self.earned if e.value is not None), default=0.0)

    @property
    def sees_answers(self) -> bool:
        """Whether a right answer earns more than a wrong one in the same shape does."""
        honest, wrong = self.honest, self.wrong
        return honest is not None and (wrong is None or wrong < honest - EPSILON)

    @property
    def sees_work(self) -> bool:
        """Whether honest work earns more than none."""
        honest, plain = self.honest, self.plain
        return honest is not None and (plain is None or plain < honest - EPSILON)

    @property
    def pays_answer(self) -> float:
        """The value from which on a completion without the right answer is paid for it: over half of what it adds."""
        honest = self.honest if self.honest is not None else 0.0
        least = [value for value in (self.wrong, self.plain) if value is not None]
        return honest - (honest - max(least)) / 2 if least else honest / 2 if honest > 0 else honest

    @property
    def pays_too_much(self) -> float:
        """The value above which a completion earns far more than honest work."""
        honest = self.honest if self.honest is not None else 0.0
        least = [value for value in (self.plain, self.wrong, 0.0) if value is not None]
        return honest + max(0.5 * abs(honest - min(least)), EPSILON)

    def readable(self, limit: int = 2) -> list[Shape]:
        """Shapes in which the right answer earns most, at most ``limit`` of them."""
        top = self.honest
        found = [e.ordinary.shape for e in self.earned if _full(e, top)]
        return [shape for shape in found if shape is not None][:limit]

    def pays(self, shape: Shape) -> bool:
        """Whether the right answer in this shape earns as much as in the best."""
        return any(e.ordinary.shape is shape and _full(e, self.honest) for e in self.earned)

    def prefers_wrong(self) -> tuple[Earned, Earned] | None:
        """A right and a wrong answer in one shape of which the wrong one earns more, by half of all that is earned."""
        values = [e.value for e in self.earned if e.value is not None]
        half = (max(values) - min(values)) / 2 if values else 0.0
        for right in self.earned:
            for wrong in self.earned:
                same = right.ordinary.shape is not None and right.ordinary.shape is wrong.ordinary.shape
                if same and (right.ordinary.kind, wrong.ordinary.kind) == ("honest", "wrong"):
                    known = right.value is not None and wrong.value is not None
                    if known and wrong.value - right.value > half + EPSILON:  # type: ignore[operator]
                        return right, wrong
        return None

    def reason(self) -> str:
        """Why honest work has no number, in the reward's words."""
        said = [e.reason or e.cause for e in self.earned if e.ordinary.kind == "honest"]
        return next((text for text in said if text), "")


def _full(earned: Earned, top: float | None) -> bool:
    value: Any = earned.value
    return earned.ordinary.kind == "honest" and value is not None and top is not None and value >= top - EPSILON
