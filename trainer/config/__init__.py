"""What a YAML file may say: a section a file, with defaults, and errors that name the nearest right key."""

from __future__ import annotations

from veritune.trainer.config.base import Strict
from veritune.trainer.config.data import DataConfig
from veritune.trainer.config.evaluation import EvaluationConfig
from veritune.trainer.config.grpo import GRPOConfig, WarmupConfig
from veritune.trainer.config.machine import CheckpointConfig, DistributedConfig, Gather, LogConfig, Strategy
from veritune.trainer.config.model import LoraConfig, ModelConfig
from veritune.trainer.config.moe import MoEConfig
from veritune.trainer.config.mtp import MTPConfig
from veritune.trainer.config.optimizer import OPTIMIZERS, OptimizerConfig, UpdateConfig
from veritune.trainer.config.read import (
    apply_override,
    changed_keys,
    dump_config,
    load_config,
    parse_config,
    read_values,
    rewards_section,
)
from veritune.trainer.config.rollout import RolloutConfig, ScoringConfig
from veritune.trainer.config.run import CommonConfig, PolicyRunConfig, RunConfig
from veritune.trainer.config.sampling import SamplingConfig, VLLMServerConfig
from veritune.trainer.config.sft import ConversationsConfig, SFTConfig, SFTRunConfig

__all__ = [
    "OPTIMIZERS",
    "CheckpointConfig",
    "CommonConfig",
    "ConversationsConfig",
    "DataConfig",
    "DistributedConfig",
    "EvaluationConfig",
    "GRPOConfig",
    "Gather",
    "LogConfig",
    "LoraConfig",
    "MTPConfig",
    "MoEConfig",
    "ModelConfig",
    "OptimizerConfig",
    "PolicyRunConfig",
    "RolloutConfig",
    "RunConfig",
    "SFTConfig",
    "SFTRunConfig",
    "SamplingConfig",
    "ScoringConfig",
    "Strategy",
    "Strict",
    "UpdateConfig",
    "VLLMServerConfig",
    "WarmupConfig",
    "apply_override",
    "changed_keys",
    "dump_config",
    "load_config",
    "parse_config",
    "read_values",
    "rewards_section",
]
