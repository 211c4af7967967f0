"""For verl: a ``custom_reward_function`` made of our rewards.

In a file of your own::

    from veritune.adapters.verl import compute_score_function
    compute_score = compute_score_function("rewards.yaml", undecided=0.0)

and in verl's config ``custom_reward_function.path=that_file.py custom_reward_function.name=compute_score``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from veritune.adapters.undecided import Undecided, as_number
from veritune.plugins import Sample
from veritune.rewards.composition.compose import Source, compose


def compute_score_function(source: Source, *, undecided: Undecided = "raise") -> Callable[..., dict[str, Any]]:
    """verl's ``compute_score(data_source, solution_str, ground_truth, extra_info)`` for a reward or composition.

    It returns ``{"score": …}`` with every component beside it, which verl logs. ``ground_truth`` becomes the column of
    that name, ``extra_info`` further columns, ``data_source`` a column to route by (``where: {data_source: …}``).
    Groups are not visible to it: a reward over groups (``length``) does not apply. Raises UndecidedError (see
    ``undecided``) and RewardError.
    """
    rewards = compose(source)

    def compute_score(
        data_source: str | None = None,
        solution_str: str = "",
        ground_truth: Any = None,
        extra_info: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        columns = {**(extra_info or {}), **kwargs, "ground_truth": ground_truth, "data_source": data_source}
        prompt = columns.pop("prompt", None) or columns.get("question")
        score = rewards.score_batch([Sample(solution_str, prompt, columns=columns)])[0]
        result: dict[str, Any] = {"score": as_number(score, undecided, "verl")}
        result["undecided"] = float(score.value is None)
        for alias, part in score.parts.items():
            result[f"reward/{alias}"] = float("nan") if part.value is None else part.value
        return result

    return compute_score
