"""For OpenRLHF: the file behind ``--reward.remote_url`` (``--remote_rm_url``) made of our rewards.

In a file of your own::

    from veritune.adapters.openrlhf import reward_function
    reward_func = reward_function("rewards.yaml", undecided=0.0)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from veritune.adapters.undecided import Undecided, as_number
from veritune.plugins import MissingExtraError, Sample, Score
from veritune.rewards.composition.compose import Source, compose


def reward_function(
    source: Source, *, undecided: Undecided = "raise", label_column: str = "gold"
) -> Callable[..., dict[str, Any]]:
    """OpenRLHF's ``reward_func(queries, prompts, labels)`` for a reward or composition.

    A query is prompt and response in one string; the prompt is cut off. Labels fill ``label_column``. Returns tensors
    ``rewards`` [N], ``scores`` [N] and ``extra_logs`` with the mean of each component as [N] tensors.
    Raises UndecidedError (see ``undecided``) and RewardError.
    """
    rewards = compose(source)

    def reward_func(
        queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        golds = list(labels) if labels is not None else [None] * len(queries)
        samples = [
            Sample(response(query, prompt), prompt, columns={label_column: gold} if gold is not None else {})
            for query, prompt, gold in zip(queries, prompts, golds, strict=True)
        ]
        scores = rewards.score_batch(samples)
        values = [as_number(score, undecided, "OpenRLHF") for score in scores]
        return {"rewards": _tensor(values), "scores": _tensor(values), "extra_logs": _logs(scores)}

    return reward_func


def response(query: str, prompt: str) -> str:
    """What the policy wrote: the query without its prompt (the whole query where it does not begin with it)."""
    return query[len(prompt) :] if query.startswith(prompt) else query


def _logs(scores: Sequence[Score]) -> dict[str, Any]:
    logs = {"undecided": _tensor([float(score.value is None) for score in scores])}
    for alias in dict.fromkeys(alias for score in scores for alias in score.parts):
        parts = [score.parts.get(alias) for score in scores]
        known = [part.value for part in parts if part is not None and part.value is not None]
        mean = sum(known) / len(known) if known else 0.0
        # OpenRLHF averages these: a sample without a value takes the mean of the others and does not move it.
        logs[alias] = _tensor([part.value if part is not None and part.value is not None else mean for part in parts])
    return logs


def _tensor(values: Sequence[float]) -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("torch", "train", "The OpenRLHF adapter") from None
    return torch.tensor(values, dtype=torch.float32)
