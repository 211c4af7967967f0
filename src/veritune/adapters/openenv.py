"""For OpenEnv: a rubric made of our rewards.

from veritune.adapters.openenv import VerituneRubric

class MyEnvironment(Environment):
    def __init__(self):
        super().__init__(rubric=VerituneRubric("rewards.yaml"))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openenv.core.rubrics import Rubric

from veritune.adapters.composed import Composed
from veritune.adapters.texts import without_end
from veritune.adapters.undecided import Undecided
from veritune.rewards.composition.compose import Source


class OpenEnvReward(Composed):
    """A reward as the rubric calls it."""

    framework = "OpenEnv"


class VerituneRubric(Rubric):
    """``forward(action, observation)`` by a reward or composition.

    ``text`` names the action's field with what the policy wrote; the observation's metadata and the action's are
    columns. OpenEnv's observations have ``reward: None`` for "no reward": so an undecided sample gives None where
    ``undecided`` is None, a number where it is one, and raises UndecidedError by default, since OpenEnv's own
    containers (WeightedSum, Gate) take only numbers. ``last`` holds components and reasons.
    """

    def __init__(self, source: Source, *, text: str = "message", undecided: Undecided | None = "raise") -> None:
        super().__init__()
        self.composed = OpenEnvReward(source, undecided="raise" if undecided is None else undecided)
        self.text, self.none = text, undecided is None
        self.last: dict[str, Any] = {}

    def forward(self, action: Any, observation: Any) -> Any:
        """The number of one step."""
        said = getattr(action, self.text)
        columns = {**_metadata(action), **_metadata(observation)}
        score = self.composed.score(without_end(said) if isinstance(said, str) else said, None, columns)
        self.last = {"components": self.composed.components(score), "reasons": self.composed.reasons(score)}
        return None if score.value is None and self.none else self.composed.number(score)


def _metadata(of: Any) -> Mapping[str, Any]:
    found = getattr(of, "metadata", None)
    return found if isinstance(found, Mapping) else {}
