"""From a completion (and a verdict) to a number. Built-ins register through the same hook as a third party's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from veritune.plugins.hookspecs import hookimpl

REWARDS: dict[str, str] = {
    "accuracy": "veritune.rewards.accuracy:accuracy",
    "binary_code": "veritune.rewards.code:binary_code",
    "bleu": "veritune.rewards.translation:bleu",
    "cf_code": "veritune.rewards.code_cf:cf_code",
    "chrf": "veritune.rewards.translation:chrf",
    "choice": "veritune.rewards.choice:choice",
    "code": "veritune.rewards.code:code",
    "code_format": "veritune.rewards.code_format:code_format",
    "code_stdio": "veritune.rewards.code:code_stdio",
    "contains": "veritune.rewards.facts:contains",
    "cosine": "veritune.rewards.cosine:cosine",
    "countdown": "veritune.rewards.countdown:countdown",
    "digit": "veritune.rewards.answers:digit",
    "exact_answer": "veritune.rewards.answers:exact_answer",
    "exact_match": "veritune.rewards.facts:exact_match",
    "f1": "veritune.rewards.facts:f1",
    "format": "veritune.rewards.format:format",
    "instructions": "veritune.rewards.instructions:instructions",
    "ioi_code": "veritune.rewards.code_ioi:ioi_code",
    "json_schema": "veritune.rewards.structured:json_schema",
    "judge": "veritune.rewards.judge:judge",
    "language": "veritune.rewards.language:language",
    "lean": "veritune.rewards.lean:lean",
    "length": "veritune.rewards.length:length",
    "preference": "veritune.rewards.preference:preference",
    "puzzles": "veritune.rewards.puzzles:puzzles",
    "reasoning_accuracy": "veritune.rewards.accuracy:reasoning_accuracy",
    "reasoning_gym": "veritune.rewards.reasoning_gym:reasoning_gym",
    "reasoning_steps": "veritune.rewards.reasoning_steps:reasoning_steps",
    "remote": "veritune.client.reward:remote",
    "regex": "veritune.rewards.structured:regex",
    "repetition_penalty": "veritune.rewards.repetition:repetition_penalty",
    "rubric": "veritune.rewards.rubric:rubric",
    "rouge": "veritune.rewards.translation:rouge",
    "soft_overlong_punishment": "veritune.rewards.overlong:soft_overlong_punishment",
    "sql": "veritune.rewards.sql:sql",
    "tag_count": "veritune.rewards.tags:tag_count",
    "think_format": "veritune.rewards.format:think_format",
    "xml": "veritune.rewards.structured:xml",
    "yaml": "veritune.rewards.structured:yaml",
    "tool_calls": "veritune.rewards.tool_calls:tool_calls",
}


@hookimpl
def veritune_rewards() -> Mapping[str, str]:
    return REWARDS


@hookimpl
def veritune_presets() -> Mapping[str, Path]:
    """Every YAML file in ``presets/``, by its name."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "presets").glob("*.yaml"))}
