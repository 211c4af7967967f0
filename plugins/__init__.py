"""What everything plugs into: types, ``@reward``, hook specifications, plugin manager, registry."""

from veritune.plugins.columns import GOLD_COLUMNS
from veritune.plugins.errors import (
    ColumnError,
    ConfigError,
    DataError,
    MissingExtraError,
    ParameterError,
    PluginError,
    RewardError,
    RunError,
    UnknownNameError,
    VerituneError,
)
from veritune.plugins.hookspecs import hookimpl
from veritune.plugins.manager import PluginManager, get_manager, reset_manager
from veritune.plugins.registry import get_preset, get_reward, get_sandbox, get_verifier, preset_names, reward_names
from veritune.plugins.reward import Reward, reward
from veritune.plugins.trainer_call import AsyncReward
from veritune.plugins.types import Cause, Message, Sample, Score, Text, Verdict, Verifier, completion_text, prompt_text

__all__ = [
    "GOLD_COLUMNS",
    "AsyncReward",
    "Cause",
    "ColumnError",
    "ConfigError",
    "DataError",
    "Message",
    "MissingExtraError",
    "ParameterError",
    "PluginError",
    "PluginManager",
    "Reward",
    "RewardError",
    "RunError",
    "Sample",
    "Score",
    "Text",
    "UnknownNameError",
    "Verdict",
    "Verifier",
    "VerituneError",
    "completion_text",
    "get_manager",
    "get_preset",
    "get_reward",
    "get_sandbox",
    "get_verifier",
    "hookimpl",
    "preset_names",
    "prompt_text",
    "reset_manager",
    "reward",
    "reward_names",
]
