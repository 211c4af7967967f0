"""The ``sft:`` section, and how rows to imitate are read."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from veritune.rewards.format import Style
from veritune.trainer.config.base import Strict
from veritune.trainer.config.data import FileWeights, weights_of
from veritune.trainer.config.optimizer import UpdateConfig
from veritune.trainer.config.run import PolicyRunConfig

Form = Literal["auto", "prompt_completion", "messages", "conversations", "alpaca"]


class ConversationsConfig(Strict):
    """How a file's rows become a prompt and the turns to imitate."""

    form: Form = "auto"
    """``messages``; ``conversations`` with from and value, and ``system`` (OpenThoughts, ShareGPT); ``alpaca``:
    instruction, input, output; ``prompt_completion``: ``data.prompt`` (or its template) and ``completion``.
    ``auto``: by the row."""
    completion: str = "completion"
    """The column of what is imitated, a text or assistant messages."""
    replace: dict[str, str] = Field(default_factory=dict)
    """Texts in the assistant's words, and what stands there instead: ``{"<|begin_of_thought|>": "<think>"}``."""
    shape: Style | None = None
    """A style of the ``format`` reward that every turn of the assistant's must have: ``think`` is a thought, then an
    answer; ``think_answer_soft`` both in tags."""
    off_shape: Literal["drop", "refuse"] = "drop"
    """What becomes of rows that have not: left out and counted, or the run is refused."""


class SFTConfig(UpdateConfig, ConversationsConfig):
    """Supervised fine-tuning: cross-entropy on the assistant's tokens, a mean over those of the step."""

    train: str | FileWeights | None = None
    """Rows to imitate, a file or several with weights (as in ``data.train``); by default ``data.train``, or the task's
    own demonstrations."""
    eval: str | None = None
    """Rows whose loss is measured at every evaluation, the first ``evaluation.prompts``; of a task held-out ones."""
    habits: list[dict[str, Any]] = Field(default_factory=list)
    """Of a task: how demonstrations look, in order; each entry has ``share`` (of the steps) and the task's options."""
    steps: int = Field(default=100, ge=0)
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the rows, in place of ``steps``."""
    batch: int = Field(default=64, ge=1)
    """Rows a step."""
    lr: float = Field(default=1e-5, gt=0)
    max_tokens: int | None = Field(default=None, ge=2)
    """Longer rows, prompt and all, are left out and counted; by default those longer than the model has positions."""
    packing: bool = False
    """Run several rows behind one another in one sequence, where the model allows: the same result without padding,
    by a masked attention. It pays where the rows of a step differ much in length."""

    _list_of_files = field_validator("train", mode="before")(weights_of)

    @model_validator(mode="after")
    def _habits_are_of_a_task(self) -> SFTConfig:
        if self.habits and self.train is not None:
            raise ValueError("sft.habits are of a task; with sft.train the demonstrations are the file's")
        return self


class SFTRunConfig(PolicyRunConfig):
    """``stage: sft``. See docs/recipe.md."""

    uses_mtp: ClassVar[bool] = True
    stage: Literal["sft"] = "sft"
    sft: SFTConfig = Field(default_factory=SFTConfig)
