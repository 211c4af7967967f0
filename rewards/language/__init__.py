"""Language consistency: which share of the reasoning is in the target language."""

from veritune.rewards.language.reward import language

__all__ = ["language"]
