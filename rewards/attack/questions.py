"""Questions for rewards with columns of their own: a row, an answer that deserves full marks, and some that do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Question:
    """What is asked of a reward that has all of ``inputs``."""

    inputs: frozenset[str]
    row: Mapping[str, Any]
    """The columns of one row."""
    right: str
    """An answer that earns full marks as it stands."""
    wrongs: tuple[str, ...]
    """Answers in the same form that do not."""
    attacks: Mapping[str, str] = field(default_factory=dict)
    """What a policy tries here: the name of the attack → its completion's answer. None deserves full marks."""


QUESTIONS: list[Question] = [
    Question(
        frozenset({"instruction_id_list", "kwargs"}),
        {
            "instruction_id_list": ["detectable_format:json_format", "keywords:existence", "keywords:forbidden_words"],
            "kwargs": [{}, {"keywords": ["ocean"]}, {"forbidden_words": ["sky"]}],
        },
        '{"answer": "the ocean"}',
        ('{"answer": "the sea"}', '{"answer": "the ocean and the sky"}', "the ocean"),
        {
            "the keyword and no more": "ocean",
            "the keyword in the fence's name": '```ocean\n{"answer": "the sea"}\n```',
            "the keyword before the document": 'ocean {"answer": "the sea"}',
            "two documents": '{"answer": "the ocean"}\n{"answer": "the sea"}',
            "the instruction said again": "I answer in JSON, with the keyword ocean and without the word sky.",
            "a claim that all is followed": "All instructions are followed: ocean, JSON.",
            "a forbidden word in other letters": '{"answer": "the ocean and the SKY"}',
            "not a number": '{"ocean": NaN}',
            "a document that never ends": '{"ocean": "' + "a" * 20_000,
            "deep nesting": "[" * 50_000 + '"ocean"' + "]" * 50_000,
            "all in the thinking": '<think>{"answer": "the ocean"}</think>',
            "thinking that never ends": '<think>{"answer": "the ocean"}',
        },
    ),
]
"""One question a kind of reward; the first whose inputs a reward has is asked."""


def question_for(names: Collection[str]) -> Question | None:
    """The question for a reward with these inputs."""
    return next((one for one in QUESTIONS if one.inputs <= set(names)), None)
