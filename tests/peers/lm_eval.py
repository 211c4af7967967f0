"""lm-eval's own evaluator runs a task whose results our rewards process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from datasets import Dataset, DatasetDict
from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.api.task import ConfigurableTask

from veritune.adapters.lm_eval import process_results_function

Remark = Callable[[str, object], None]


class Says(LM):
    """A model that says one thing."""

    def generate_until(self, requests: list[Any], **kwargs: Any) -> list[str]:
        return ["So it is \\boxed{4}.<|im_end|>"] * len(requests)

    def loglikelihood(self, requests: list[Any], **kwargs: Any) -> list[Any]:
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Any], **kwargs: Any) -> list[Any]:
        raise NotImplementedError


def rows(**kwargs: Any) -> DatasetDict:
    golds = [{3: "", 4: "5"}.get(n, "4") for n in range(20)]
    return DatasetDict({"test": Dataset.from_dict({"question": ["2+2?"] * 20, "final": golds, "answer": ["7"] * 20})})


def test_an_evaluation_by_our_rewards(record_property: Remark) -> None:
    metrics = ["veritune", "veritune/accuracy", "veritune/undecided"]
    task = ConfigurableTask(
        config={
            "task": "veritune_sums",
            "custom_dataset": rows,
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": "{{question}}",
            "doc_to_target": "{{final}}",
            "generation_kwargs": {"until": ["\n\n"]},
            "process_results": process_results_function(["accuracy"], gold="final"),
            "metric_list": [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in metrics],
        }
    )
    results = simple_evaluate(model=Says(), tasks=[task], bootstrap_iters=0)
    found = results["results"]["veritune_sums"]
    assert found["veritune,none"] == pytest.approx(18 / 19)
    assert found["veritune/undecided,none"] == pytest.approx(0.05)
    record_property(
        "remark",
        f"1 of 20 undecided: left out of the metric, mean {found['veritune,none']:.4f} over the other 19; "
        "metric veritune/undecided 0.05",
    )
