"""Is it right? Answer extraction and verdicts. Built-ins register through the same hook as a third party's."""

from __future__ import annotations

from collections.abc import Mapping

from veritune.plugins.hookspecs import hookimpl

VERIFIERS: dict[str, str] = {
    "bleu": "veritune.verifiers.translation:Bleu",
    "chrf": "veritune.verifiers.translation:Chrf",
    "code": "veritune.verifiers.code:CodeVerifier",
    "choice": "veritune.verifiers.choice:ChoiceVerifier",
    "contains": "veritune.verifiers.facts:contains",
    "countdown": "veritune.verifiers.countdown:Countdown",
    "exact_match": "veritune.verifiers.facts:exact_match",
    "f1": "veritune.verifiers.facts:f1",
    "instructions": "veritune.verifiers.instructions:InstructionVerifier",
    "json_schema": "veritune.verifiers.structured.verifier:JsonSchema",
    "lean": "veritune.verifiers.lean:LeanVerifier",
    "math": "veritune.verifiers.math:MathVerifier",
    "rubric": "veritune.verifiers.rubric:RubricVerifier",
    "sql": "veritune.verifiers.sql:SqlVerifier",
    "reasoning_gym": "veritune.verifiers.reasoning_gym:ReasoningGymVerifier",
    "puzzles": "veritune.verifiers.puzzles:PuzzleVerifier",
    "regex": "veritune.verifiers.structured.patterns:Regex",
    "rouge": "veritune.verifiers.translation:Rouge",
    "xml": "veritune.verifiers.structured.xml_verifier:Xml",
    "yaml": "veritune.verifiers.structured.verifier:Yaml",
    "tool_calls": "veritune.verifiers.tool_calls:ToolCallVerifier",
}


@hookimpl
def veritune_verifiers() -> Mapping[str, str]:
    return VERIFIERS
