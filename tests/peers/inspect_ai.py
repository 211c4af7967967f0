"""inspect_ai's own eval with its mock model and our scorer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as run_eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ContentReasoning, ContentText, ModelOutput, ModelUsage, get_model

from veritune.adapters.inspect_ai import veritune_scorer

Remark = Callable[[str, object], None]
CONFIG = {"rewards": {"accuracy": {}, "think_format": {"weight": 0.5}}}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("inspect")
    samples = [
        Sample(input=f"{n}: 2+2?", target={3: "", 4: "5"}.get(n, "4"), id=n, metadata={"answer": "7"})
        for n in range(20)
    ]
    output = ModelOutput.from_content("mockllm/model", "x")
    output.choices[0].message.content = [
        ContentReasoning(reasoning="Two and two make four."),
        ContentText(text="So it is \\boxed{4}."),
    ]
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # it would fetch a tokenizer to count
    model = get_model("mockllm/model", custom_outputs=[output] * 20)
    task = Task(dataset=samples, scorer=veritune_scorer(CONFIG))
    (found,) = run_eval(task, model=model, log_dir=str(folder), display="none")
    return found


def test_the_eval_scores_by_our_rewards(log: Any) -> None:
    assert log.status == "success", log.error
    scores = {sample.id: sample.scores["veritune"] for sample in log.samples}
    assert scores[0].value == 1.5, "reasoning that the model's API parsed counts"
    assert scores[4].value == 0.5
    assert scores[0].metadata["components"] == {"accuracy": 1.0, "think_format": 1.0}
    assert scores[0].answer is not None


def test_undecided_is_unscored(log: Any, record_property: Remark) -> None:
    (result,) = log.results.scores
    unsure = next(sample for sample in log.samples if sample.id == 3).scores["veritune"]
    assert unsure.reason == "invalid_gold"
    assert result.unscored_samples == 1
    assert result.metrics["mean"].value == pytest.approx((18 * 1.5 + 0.5) / 19)
    record_property(
        "remark",
        f"1 of 20 undecided in `eval`: unscored with the reason invalid_gold, counted {result.unscored_samples}, "
        f"mean {result.metrics['mean'].value:.4f} over the other 19",
    )
