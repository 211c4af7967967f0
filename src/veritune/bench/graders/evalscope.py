"""evalscope's ``compare_answers`` on a model's output. It has math-verify inside, and raises on a gold that it cannot
parse: undecided here."""

from __future__ import annotations

from evalscope.metrics.math.contracts import InvalidMathReference
from evalscope.metrics.math.parser import compare_answers

from veritune.bench.graders.forms import delimited
from veritune.bench.loading import Finding


def grade(completion: str, gold: str, prompt: str) -> Finding:
    try:
        found = compare_answers(delimited(completion), gold, prediction_mode="output")
    except InvalidMathReference:
        return None, "gold unparsed"
    return found.matched, found.reason
