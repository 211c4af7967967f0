"""Where prompts come from: the ``data:`` section."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from veritune.trainer.config.base import Strict


def weights_of(files: Any) -> Any:
    """A list of files, each a name or ``{path: NAME, weight: SHARE}`` (1 where it says none), as name → weight.

    Raises ValueError.
    """
    if not isinstance(files, list):
        return files
    found: dict[str, Any] = {}
    for entry in files:
        one = {"path": entry} if isinstance(entry, str) else entry
        if not isinstance(one, Mapping) or "path" not in one or one.keys() - {"path", "weight"}:
            raise ValueError(f"an entry of the list is a file's name, or {{path: NAME, weight: SHARE}}, got {entry!r}")
        if one["path"] in found:
            raise ValueError(f"{one['path']!r} is named twice; give it one weight")
        found[one["path"]] = one.get("weight", 1.0)
    return found


Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
FileWeights = Annotated[dict[str, Weight], Field(min_length=1)]
"""Several files, each with the share of the rows that come from it."""


class DataConfig(Strict):
    """Where prompts come from: files (``train``, ``eval``) or a generated ``task``."""

    task: str | None = None
    """``arithmetic``, ``countdown``, ``small_talk``, ``scenarios`` (sums and small talk in one), or
    ``reasoning_gym/NAME``: a procedural task of that package, such as ``reasoning_gym/chain_sum``."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the task; of one of reasoning_gym its settings, or ``level``."""
    train: str | dict[str, float] | None = None
    """A file by its name's end: .jsonl, .json (a list, or one row), .csv, .tsv, .parquet; a set of the hub,
    ``hf:NAME[@REVISION][:CONFIG]:SPLIT``; or several, each with its weight: the share of the prompts drawn from it, as
    ``{a.jsonl: 0.6, b.jsonl: 0.4}`` or as a list, ``[{path: a.jsonl, weight: 0.6}, …]``."""
    eval: str | dict[str, str] | None = None
    """Held-out rows, a file or several by name: ``{gsm8k: gsm8k_test.jsonl, svamp: svamp.jsonl}``. Without it a task
    holds out some of its own prompts, and files have no evaluation."""
    prompt: str = "prompt"
    """The column that holds the prompt, a string or chat messages."""
    template: str | None = None
    """Python format string over the columns, e.g. ``"{question}\\nAnswer in \\\\boxed{{}}."``; replaces ``prompt``."""
    system: str | None = None
    """A system message before the prompt, where it has none of its own; needs a chat template."""
    chat: bool | Literal["auto"] = "auto"
    """Whether to apply the tokenizer's chat template; ``auto``: where it has one. Never to what it has rendered."""
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    """What the chat template takes beside the messages, such as ``{enable_thinking: false}``."""
    prefill: str = ""
    """Text that begins every completion, e.g. ``<think>``; it is part of the prompt for the model."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Renames: new name → column in the file."""
    limit: int | None = Field(default=None, ge=1)
    """Use the first rows only."""
    max_prompt_tokens: int | None = Field(default=None, ge=1)
    """Longer prompts are left out of training, warm-up and evaluation, and counted."""

    _list_of_files = field_validator("train", mode="before")(weights_of)

    @field_validator("train")
    @classmethod
    def _weights_are_positive(cls, train: Any) -> Any:
        if isinstance(train, dict) and (not train or not all(math.isfinite(w) and w > 0 for w in train.values())):
            raise ValueError("name at least one file, each with a weight above 0")
        return train

    @field_validator("eval")
    @classmethod
    def _sets_have_names(cls, sets: Any) -> Any:
        for name in sets if isinstance(sets, dict) else ():
            if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
                raise ValueError(f"a set's name has letters, digits, _, . and -; got {name!r}")
        return sets or None

    @model_validator(mode="after")
    def _one_source(self) -> DataConfig:
        if (self.task is None) == (self.train is None):
            raise ValueError("give either data.task (generated) or data.train (a file)")
        return self
