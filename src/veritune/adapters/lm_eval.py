"""For lm-evaluation-harness: a task's ``process_results`` made of our rewards.

In the task's ``utils.py``::

    from veritune.adapters.lm_eval import process_results_function
    process_results = process_results_function("rewards.yaml")

and in its YAML ``process_results: !function utils.process_results`` with ``metric_list: [{metric: veritune,
aggregation: mean, higher_is_better: true}]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veritune.adapters.composed import Composed, with_gold
from veritune.adapters.texts import without_end
from veritune.rewards.composition.compose import Source


def process_results_function(source: Source, *, gold: str | None = None) -> ProcessResults:
    """lm-eval's ``process_results(doc, results)`` for a reward or composition.

    The document's fields are columns, ``gold`` names the one with the answer. It returns ``veritune`` and
    ``veritune/{component}``; what has no value is left out, which is how a document counts for some metrics and not for
    others, and ``veritune/undecided`` is 0 or 1.
    """
    return ProcessResults(source, gold=gold)


class ProcessResults(Composed):
    """A reward as lm-eval calls it."""

    framework = "lm-eval"

    def __init__(self, source: Source, *, gold: str | None = None) -> None:
        super().__init__(source)
        self.gold = gold

    def __call__(self, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, float]:
        """The metrics of one document."""
        columns = dict(doc) if self.gold is None else with_gold(doc, doc.get(self.gold))
        first = results[0] if results else ""
        score = self.score(without_end(str(first[0] if isinstance(first, list | tuple) else first)), None, columns)
        values = {"veritune": score.value, "veritune/undecided": float(score.value is None)}
        values |= {f"veritune/{alias}": value for alias, value in self.components(score).items()}
        return {name: value for name, value in values.items() if value is not None}
