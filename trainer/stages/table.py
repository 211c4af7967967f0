"""The stages by name: a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean
from veritune.rewards.composition import validate
from veritune.trainer.config import CommonConfig
from veritune.trainer.stages.distill import Distill
from veritune.trainer.stages.dpo import DPO
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.interface import Stage
from veritune.trainer.stages.ppo import PPO
from veritune.trainer.stages.reward_model import RewardModel
from veritune.trainer.stages.select import Select
from veritune.trainer.stages.sft import SFT

STAGES: dict[str, type[Stage]] = {
    stage.name: stage
    for stage in (
        GRPO,
        RewardModel,
        DPO,
        Distill,
        PPO,
        SFT,
        Select,
    )
}
"""What ``stage:`` of a config may say."""

DEFAULT = "grpo"
"""Where a config has no ``stage:``."""


def get_stage(name: Any, where: str = "") -> type[Stage]:
    """Raises ConfigError for a name that no stage has."""
    if name not in STAGES:
        known = f"{did_you_mean(str(name), STAGES)} Stages: {', '.join(STAGES)}"
        raise ConfigError(f"{where + ': ' if where else ''}unknown stage {name!r}.{known}")
    return STAGES[name]


def parse_run(values: Mapping[str, Any], where: str = "") -> CommonConfig:
    """The config of whatever stage a mapping names. Raises ConfigError, one line a mistake."""
    return validate(get_stage(values.get("stage", DEFAULT), where).config_type, dict(values), where)


def phase_names() -> list[str]:
    """The phases of all stages, each stage's in their order."""
    return list(dict.fromkeys(phase.name for stage in STAGES.values() for phase in stage.phases()))
