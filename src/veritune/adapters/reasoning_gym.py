"""For reasoning-gym: its data sets scored by our rewards, and its scoring as a reward of ours.

from veritune.adapters.reasoning_gym import scored
dataset = scored(reasoning_gym.create_dataset("gsm_symbolic", size=100, seed=1), ["accuracy"])

rewards:
  puzzle: {use: "veritune.adapters.reasoning_gym:reasoning_gym_score"}
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from veritune.adapters.composed import Composed, with_gold
from veritune.adapters.undecided import Undecided
from veritune.plugins import Cause, Sample, Score, reward
from veritune.rewards.composition.compose import Source
from veritune.rewards.text import last_answer


def scored(dataset: Any, source: Source, *, undecided: Undecided = "raise") -> ScoredDataset:
    """A reasoning-gym data set whose ``score_answer(answer, entry)`` is a reward or composition of ours.

    ``entry["answer"]`` is the gold, its metadata are columns. It takes only numbers: see ``undecided``.
    """
    return ScoredDataset(dataset, source, undecided=undecided)


class ScoredDataset(Composed):
    """A data set with another score."""

    framework = "reasoning-gym"

    def __init__(self, dataset: Any, source: Source, *, undecided: Undecided = "raise") -> None:
        super().__init__(source, undecided=undecided)
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[index]

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def score_answer(self, answer: str | None, entry: Mapping[str, Any]) -> float:
        """The number of one answer to one entry."""
        columns = with_gold(entry.get("metadata"), entry.get("answer"))
        return self.number(self.score(answer or "", entry.get("question"), columns))


@reward
def reasoning_gym_score(sample: Sample, answer: Any = None, metadata: Any = None) -> Score:
    """What reasoning-gym's own scorer of the row's data set says of the text in the answer tag (of all without one).

    The columns ``answer`` and ``metadata`` (with its ``source_dataset``) are the entry's. A row without them, or one
    that its scorer fails on, is undecided.

    Source: ``reasoning_gym.get_score_answer_fn``.
    """
    name = metadata.get("source_dataset") if isinstance(metadata, Mapping) else None
    if not name or answer is None:
        return Score.none("the row has no metadata.source_dataset or no answer", Cause.INVALID_GOLD)
    said = last_answer(sample.text)
    entry = {"question": sample.prompt_text, "answer": answer, "metadata": metadata}
    try:
        score = importlib.import_module("reasoning_gym").get_score_answer_fn(name)
        return Score(float(score(answer=sample.text if said is None else said, entry=entry)), f"by {name}")
    except ImportError:
        raise
    except Exception as error:
        return Score.none(f"the scorer of {name} failed: {type(error).__name__}: {error}", Cause.INFRA_ERROR)
