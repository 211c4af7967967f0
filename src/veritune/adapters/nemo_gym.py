"""For NeMo Gym: a resources server whose ``verify`` is ours.

In its ``app.py``::

    from veritune.adapters.nemo_gym import VerituneResourcesServer
    if __name__ == "__main__":
        VerituneResourcesServer.run_webserver()

and in its YAML ``rewards: rewards.yaml``, ``gold: expected_answer``.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from nemo_gym.base_resources_server import (
    BaseResourcesServerConfig,
    BaseVerifyRequest,
    BaseVerifyResponse,
    ReverifyMode,
    SimpleResourcesServer,
)
from pydantic import ConfigDict

from veritune.adapters.composed import Composed, with_gold
from veritune.serve.fronts.nemo_gym import messages


class GymReward(Composed):
    """A reward as the server calls it."""

    framework = "NeMo Gym"


class VerituneServerConfig(BaseResourcesServerConfig):
    """``rewards`` is a file, a preset, names or a mapping; ``gold`` the row's field with the answer."""

    REVERIFY_MODE: ClassVar[ReverifyMode] = ReverifyMode.STATELESS
    rewards: Any
    gold: str = "expected_answer"


class VerituneVerifyRequest(BaseVerifyRequest):
    """A row's fields arrive beside the response."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class VerituneVerifyResponse(BaseVerifyResponse):
    """The same back, with the components: ``veritune.components`` and ``veritune.reasons``."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)
    veritune: dict[str, Any]


class VerituneResourcesServer(SimpleResourcesServer):
    """``POST /verify``. An undecided sample is what Gym means by it: ``mask_sample``, with ``failure_kind``
    ``veritune:CAUSE`` and the reason; its reward 0 counts in no score."""

    config: VerituneServerConfig

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        self._composed = GymReward(self.config.rewards)

    async def verify(self, body: VerituneVerifyRequest) -> VerituneVerifyResponse:
        """The reward of one response."""
        row = dict(body.model_extra or {})
        columns = with_gold(row, row.get(self.config.gold)) if self.config.gold in row else row
        chat = messages([item.model_dump() for item in body.response.output])
        score = await asyncio.to_thread(self._composed.score, chat, None, columns)
        told = {"components": self._composed.components(score), "reasons": self._composed.reasons(score)}
        undecided = score.value is None
        return VerituneVerifyResponse(
            **body.model_dump(),
            reward=0.0 if score.value is None else score.value,
            mask_sample=undecided,
            failure_kind=f"veritune:{score.cause}" if undecided else None,
            failure_reason=score.reason if undecided else None,
            veritune=told,
        )
