"""For OpenRLHF: the file behind ``--reward.remote_url`` (``--remote_rm_url``) made of our rewards.

In a file of your own::

    from veritune.adapters.openrlhf import reward_function
    reward_func = reward_function("rewards.yaml", undecided=0.0)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veritune.adapters.composed import Composed
from veritune.adapters.texts import response, without_end
from veritune.adapters.undecided import Undecided
from veritune.plugins import Cause, MissingExtraError, Sample, Score
from veritune.rewards.composition.compose import Source


def reward_function(source: Source, *, undecided: Undecided = "raise", label_column: str = "gold") -> OpenRLHFReward:
    """OpenRLHF's ``reward_func(queries, prompts, labels)`` for a reward or composition.

    A query is prompt and response in one string, which ends in the tokenizer's end-of-turn token: both are cut off, the
    prompt also where OpenRLHF cut it from the left. A query that holds nothing of its prompt is undecided: what the
    policy wrote cannot be told from it. Labels fill ``label_column``; where one is JSON, ``columns: {nums:
    gold.numbers}`` reaches into it. Returns tensors ``rewards`` [N], ``scores`` [N] and ``extra_logs``: ``undecided``,
    and of each component its value and ``{component}/known``. OpenRLHF averages these over samples and can neither
    leave one out nor take a NaN, so a component without a value is 0 with ``known`` 0: its mean over the samples that
    have one is mean(component) / mean(known).

    Raises UndecidedError (see ``undecided``) and RewardError. OpenRLHF 0.11 catches every exception, logs it at the
    level INFO and goes on with no reward: choose the number, and watch ``undecided`` in its logs.
    """
    return OpenRLHFReward(source, undecided=undecided, label_column=label_column)


class OpenRLHFReward(Composed):
    """A reward as OpenRLHF calls it."""

    framework = "OpenRLHF"

    def __init__(self, source: Source, *, undecided: Undecided = "raise", label_column: str = "gold") -> None:
        super().__init__(source, undecided=undecided, name="reward_func")
        self.label_column = label_column

    def __call__(
        self, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """``rewards``, ``scores`` and ``extra_logs`` of a batch (of one, in OpenRLHF 0.11)."""
        golds = list(labels) if labels is not None else [None] * len(queries)
        texts = [response(query, prompt) for query, prompt in zip(queries, prompts, strict=True)]
        samples = [
            Sample(without_end(text or ""), prompt, columns={self.label_column: gold} if labels is not None else {})
            for text, prompt, gold in zip(texts, prompts, golds, strict=True)
        ]
        known = iter(self.rewards.score_batch([s for s, text in zip(samples, texts, strict=True) if text is not None]))
        scores = [_NO_PROMPT if text is None else next(known) for text in texts]
        values = _tensor([self.number(score) for score in scores])
        return {"rewards": values, "scores": values.clone(), "extra_logs": self._logs(scores)}

    def _logs(self, scores: Sequence[Score]) -> dict[str, Any]:
        logs = {"undecided": _tensor([float(score.value is None) for score in scores])}
        values = [self.components(score) for score in scores]
        for alias in self.rewards.aliases:
            column = [row[alias] for row in values]
            logs[alias] = _tensor([0.0 if value is None else value for value in column])
            logs[f"{alias}/known"] = _tensor([float(value is not None) for value in column])
        return logs


_NO_PROMPT = Score.none("the query does not hold its prompt: what the policy wrote is not known", Cause.INFRA_ERROR)


def _tensor(values: Sequence[float]) -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("torch", "train", "The OpenRLHF adapter") from None
    return torch.tensor(values, dtype=torch.float32)
