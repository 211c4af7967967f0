"""lighteval's extractive match, as its LaTeX tasks set it: expressions and LaTeX, boxes first."""

from __future__ import annotations

from lighteval.metrics.dynamic_metrics import MultilingualExtractiveMatchMetric
from lighteval.metrics.utils.extractive_match_utils import ExprExtractionConfig, LatexExtractionConfig
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc
from lighteval.utils.language import Language

from veritune.bench.graders.forms import delimited, delimited_gold
from veritune.bench.loading import Finding

_METRIC = MultilingualExtractiveMatchMetric(
    language=Language.ENGLISH,
    fallback_mode="first_match",
    precision=5,
    gold_extraction_target=(LatexExtractionConfig(), ExprExtractionConfig()),
    pred_extraction_target=(ExprExtractionConfig(), LatexExtractionConfig(boxed_match_priority=0)),
    aggregation_function=max,
)


def grade(completion: str, gold: str, prompt: str) -> Finding:
    doc = Doc(query=prompt, choices=[delimited_gold(gold)], gold_index=0)
    return _METRIC.compute(doc, ModelResponse(text=[delimited(completion)])) > 0, "scored"
