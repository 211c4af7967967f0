"""For SkyRL: an environment of one turn, whose reward is ours.

    from skyrl_gym import register
    register("veritune", entry_point="veritune.adapters.skyrl_gym:VerituneEnv")

and in a row ``env_class: veritune``; in SkyRL's config ``environment.skyrl_gym.veritune.rewards: rewards.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

from veritune.adapters.composed import Composed, with_gold
from veritune.adapters.texts import without_end


class SkyRLReward(Composed):
    """A reward as the environment calls it."""

    framework = "SkyRL"


class VerituneEnv(BaseTextEnv):
    """One answer, scored by ``env_config["rewards"]`` (or ``extras["rewards"]``).

    ``extras["reward_spec"]["ground_truth"]`` is the gold, the rest of ``extras`` are columns. SkyRL takes only numbers:
    an undecided sample raises UndecidedError, or is ``env_config["undecided"]``. The step's metadata and
    ``get_metrics`` hold the components (those with a value: SkyRL averages what there is) and ``undecided``.
    """

    def __init__(self, env_config: Any = None, extras: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        given = {**(extras or {})}
        settings = dict(env_config or {})
        self.reward = SkyRLReward(
            settings.get("rewards", given.pop("rewards", None)), undecided=settings.get("undecided", "raise")
        )
        spec = given.get("reward_spec") or {}
        self.columns = with_gold(given, spec.get("ground_truth"), ground_truth=spec.get("ground_truth"))
        self.prompt: Any = given.get("prompt")
        self.metrics: dict[str, float] = {}

    def init(self, prompt: Any) -> tuple[Any, dict[str, Any]]:
        """Keep the prompt for rewards that read it."""
        self.prompt = prompt
        return prompt, {}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Score the answer and end."""
        score = self.reward.score(without_end(action), self.prompt, self.columns)
        known = {alias: value for alias, value in self.reward.components(score).items() if value is not None}
        self.metrics = {"undecided": float(score.value is None), **known}
        told = {"components": self.reward.components(score), "reasons": self.reward.reasons(score)}
        return BaseTextEnvStepOutput(observations=[], reward=self.reward.number(score), done=True, metadata=told)

    def get_metrics(self) -> dict[str, Any]:
        """The components of the last step."""
        return dict(self.metrics)
