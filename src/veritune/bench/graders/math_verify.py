"""math-verify, in the most favourable of its configurations that we measured: LaTeX and expressions on both sides."""

from __future__ import annotations

from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

from veritune.bench.graders.forms import delimited, delimited_gold
from veritune.bench.loading import Finding

_EXTRACTION = [LatexExtractionConfig(), ExprExtractionConfig()]


def grade(completion: str, gold: str, prompt: str) -> Finding:
    target = parse(delimited_gold(gold), extraction_config=_EXTRACTION)
    if not target:
        return None, "gold unparsed"
    found = parse(delimited(completion), extraction_config=_EXTRACTION)
    return bool(found and verify(target, found)), "verified" if found else "nothing parsed"
