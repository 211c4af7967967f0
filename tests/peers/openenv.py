"""OpenEnv's own Environment and containers with our rubric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from openenv.core.env_server import Action, Environment, Observation, State
from openenv.core.env_server.http_server import create_fastapi_app
from openenv.core.rubrics import WeightedSum

from veritune.adapters.openenv import VerituneRubric
from veritune.adapters.undecided import UndecidedError

Remark = Callable[[str, object], None]


class Say(Action):
    message: str


class Seen(Observation):
    pass


class Sums(Environment[Say, Seen, State]):
    gold: Any = "4"

    def __init__(self) -> None:
        super().__init__(rubric=VerituneRubric(["accuracy"], undecided=None))

    def reset(self, **kwargs: Any) -> Seen:
        return Seen(done=False)

    def step(self, action: Say, **kwargs: Any) -> Seen:
        seen = Seen(done=True, metadata={"gold": self.gold})
        seen.reward = self._apply_rubric(action, seen)
        return seen

    @property
    def state(self) -> State:
        return State()


def test_an_environment_pays_by_our_rewards(record_property: Remark) -> None:
    environment = Sums()
    assert environment.step(Say(message="So it is \\boxed{4}.<|im_end|>")).reward == 1.0
    environment.gold = "5"
    assert environment.step(Say(message="So it is \\boxed{4}.")).reward == 0.0
    environment.gold = ""
    assert environment.step(Say(message="So it is \\boxed{4}.")).reward is None
    assert environment.rubric.last_score is None
    record_property("remark", "undecided: the observation's reward is None with `undecided=None`, else UndecidedError")


def test_its_containers_take_it() -> None:
    both = WeightedSum([VerituneRubric(["accuracy"]), VerituneRubric(["tag_count"])], weights=[0.5, 0.5])
    seen = Seen(done=True, metadata={"gold": "4"})
    assert both(Say(message="So it is \\boxed{4}."), seen) == pytest.approx(0.5)
    with pytest.raises(UndecidedError):
        both(Say(message="So it is \\boxed{4}."), Seen(done=True, metadata={"gold": ""}))


def test_its_server_serves_such_an_environment() -> None:
    from fastapi.testclient import TestClient

    client = TestClient(create_fastapi_app(Sums, Say, Seen))
    answer = client.post("/step", json={"action": {"message": "So it is \\boxed{4}."}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["reward"] == 1.0
