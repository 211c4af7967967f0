"""Procedural tasks of reasoning_gym: ``task: reasoning_gym/chain_sum``, endless and verifiable."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from random import Random
from typing import Any

from veritune.rewards.reasoning_gym import PREFIX, draw

PROMPT = (
    "{question}\n\nThink inside <think> </think>, then give only the answer inside <answer> </answer>, in the form "
    "that the question asks for."
)
_SAMPLED = 64
"""Rows whose characters a model from scratch is made with."""


class ReasoningGym:
    """Entries of one task. ``config`` are its own settings, or ``level``: that of its curriculum, in every attribute.

    Every row is made from a seed of its own, so row n is always the same, in any process and whatever was drawn before.
    A row has ``question``, ``answer``, ``task``, ``difficulty`` (JSON) and ``generated``, from which the reward
    ``reasoning_gym`` makes the entry again to score an answer.
    """

    def __init__(self, name: str, prompt: str = PROMPT, **config: Any) -> None:
        if "{question}" not in prompt:
            raise ValueError("the prompt has no {question}")
        self.name, self.prompt = name, prompt
        self.config = json.dumps(config, sort_keys=True)
        draw(self.name, self.config, 0)  # a setting that the task does not have is refused before the run

    def row(self, random: Random) -> dict[str, Any]:
        seed = random.getrandbits(31)
        entry = draw(self.name, self.config, seed)
        metadata = json.loads(entry["metadata"]) if entry["metadata"] else {}
        return {
            "prompt": self.prompt.replace("{question}", entry["question"]),
            "question": entry["question"],
            "answer": entry["answer"],
            "task": f"{PREFIX}{self.name}",
            "difficulty": json.dumps(metadata.get("difficulty")),
            "generated": json.dumps({"seed": seed, "config": json.loads(self.config)}),
        }

    def demonstration(self, row: Mapping[str, Any], random: Random, **habit: Any) -> str:
        if habit:
            raise ValueError(f"unknown habit {next(iter(habit))!r}; a task of reasoning_gym has none")
        return f"<think></think><answer>{row['answer']}</answer>"

    def vocabulary(self) -> list[str]:
        random = Random("vocabulary")
        rows = [self.row(random) for _ in range(_SAMPLED)]
        text = "".join(f"{row['prompt']}{row['answer']}" for row in rows)
        return ["<think>", "</think>", "<answer>", "</answer>", *dict.fromkeys(string.printable + text)]
