"""Several rewards by name in a config become one: weights, gates, schedules, routing, undecided samples."""

from veritune.rewards.composition.compose import compose, read_config
from veritune.rewards.composition.rewardset import RewardSet
from veritune.rewards.composition.schema import ComponentConfig, CompositionConfig
from veritune.rewards.composition.validation import validate
from veritune.rewards.composition.yaml import read_yaml

__all__ = ["ComponentConfig", "CompositionConfig", "RewardSet", "compose", "read_config", "read_yaml", "validate"]
