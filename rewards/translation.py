"""The rewards ``bleu``, ``chrf`` and ``rouge``: a translation or summary beside its references."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.text import Prefilled


@reward
def bleu(
    sample: Sample,
    gold: Any,
    *,
    tokenize: Literal["auto", "13a", "zh", "char", "intl", "none"] = "auto",
    lowercase: bool = False,
    prefilled: Prefilled = "auto",
) -> Score:
    """Sentence BLEU of the answer behind the reasoning, over 100: 0 to 1, by sacrebleu, its signature in the reason.

    The gold is one reference or a list of them. ``tokenize: auto`` goes by the references' script (``zh`` for Chinese,
    ``char`` for Japanese and Thai, else ``13a``). An empty answer is 0, an empty reference undecided.

    Source: Papineni et al. 2002; sacrebleu (extra ``translation``).
    """
    from veritune.verifiers.translation import Bleu

    return _scored(Bleu(tokenize=tokenize, lowercase=lowercase, prefilled=prefilled), sample, gold)


@reward
def chrf(
    sample: Sample,
    gold: Any,
    *,
    word_order: Annotated[int, Field(ge=0, le=4)] = 0,
    lowercase: bool = False,
    prefilled: Prefilled = "auto",
) -> Score:
    """Sentence chrF of the answer behind the reasoning, over 100: 0 to 1, by sacrebleu; ``word_order: 2`` is chrF++.

    The gold is one reference or a list of them, of which the best counts.

    Source: Popović 2015; sacrebleu (extra ``translation``).
    """
    from veritune.verifiers.translation import Chrf

    return _scored(Chrf(word_order=word_order, lowercase=lowercase, prefilled=prefilled), sample, gold)


@reward
def rouge(
    sample: Sample,
    gold: Any,
    *,
    kind: Literal["rouge1", "rouge2", "rougeL", "rougeLsum"] = "rougeL",
    measure: Literal["fmeasure", "precision", "recall"] = "fmeasure",
    stemmer: bool = False,
    prefilled: Prefilled = "auto",
) -> Score:
    """ROUGE of the answer behind the reasoning, 0 to 1, by rouge-score; of several references the best counts.

    A reference with letters beyond ``a–z`` is split into words of any letters (rouge-score alone would drop them).

    Source: Lin 2004; rouge-score (extra ``translation``).
    """
    from veritune.verifiers.translation import Rouge

    return _scored(Rouge(kind=kind, measure=measure, stemmer=stemmer, prefilled=prefilled), sample, gold)


def _scored(verifier: Any, sample: Sample, gold: Any) -> Score:
    verdict = verifier.verify(sample.text, gold, sample.prompt_text)
    return Score.of(verdict) if verdict.score is None else Score(verdict.score, verdict.reason, verdict)


@bleu.check
def _bleu_ready() -> None:
    """Refuse before anything is scored what no row could be scored with."""
    from veritune.verifiers.translation import Bleu

    Bleu()


@chrf.check
def _chrf_ready() -> None:
    """The same."""
    _bleu_ready()


@rouge.check
def _rouge_ready() -> None:
    """The same."""
    from veritune.verifiers.translation import Rouge

    Rouge()


bleu.for_rows("tokenize", "lowercase", "prefilled")
chrf.for_rows("word_order", "lowercase", "prefilled")
rouge.for_rows("kind", "measure", "stemmer", "prefilled")
