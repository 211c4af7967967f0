"""Translations and summaries beside their references: BLEU and chrF by sacrebleu, ROUGE by rouge-score."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

from veritune.plugins.errors import MissingExtraError
from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.plugins.unseen import blank
from veritune.verifiers.judged import judged

Tokens: TypeAlias = Literal["auto", "13a", "zh", "char", "intl", "none"]
Kind: TypeAlias = Literal["rouge1", "rouge2", "rougeL", "rougeLsum"]
Measure: TypeAlias = Literal["fmeasure", "precision", "recall"]

MAX_REFERENCE = 100_000
"""Characters of a reference."""
SLACK, TIMES = 2000, 5
"""An answer has at most so many characters more than so many times its longest reference."""
MAX_PAIRS = 4_000_000
"""Words of answer times words of reference that ROUGE-L compares: more takes seconds."""
KEPT = 2000
"""Texts whose tokens sacrebleu may keep; it keeps 65,536 of each tokenizer, for as long as a process lives."""

_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_KANA, _HAN = re.compile("[\u3040-\u30ff]"), re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[^\W_]+")


class _Overlap:
    """What the three have in common: references, the answer, bounds, and a value from 0 to 1."""

    package, name = "sacrebleu", ""

    def __init__(self, *, prefilled: bool | Literal["auto"] = "auto") -> None:
        self.prefilled = prefilled
        if find_spec(self.package.replace("-", "_")) is None:
            raise MissingExtraError(self.package, "translation", f"verifier {self.name!r}")

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The score of the answer behind the reasoning, ``correct`` where it is 1. A gold is a reference or a list."""
        references = _references(gold)
        if isinstance(references, str):
            return Verdict.undecided(Cause.INVALID_GOLD, references)
        answer = judged(completion, prompt, self.prefilled, inside=True)
        if answer is None:
            return Verdict.wrong("the reasoning never ends, so there is no answer")
        answer = answer.strip()
        if blank(answer):
            return Verdict.wrong("the answer is empty")
        most = SLACK + TIMES * max(map(len, references))
        if len(answer) > most:
            return Verdict.wrong(f"the answer has {len(answer)} characters, more than {most} beside its references")
        try:
            return self._verdict(answer, references)
        except Exception as error:  # no text raises: a bug of ours is undecided
            fault = record(f"scoring {self.name}", error, completion=completion, reference=references[0])
            return Verdict.undecided(Cause.INTERNAL_ERROR, fault)

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return [self.verify(completion, gold) for completion, gold in pairs]

    def _verdict(self, answer: str, references: Sequence[str]) -> Verdict:
        score, said = self.scored(answer, references)
        value = min(max(score, 0.0), 1.0)
        value = 1.0 if value > 1 - 1e-9 else value
        facts: dict[str, Any] = {
            "extracted": answer[:200],
            "expected": references[0][:200],
            "evidence": {"signature": said},
        }
        return Verdict(value == 1.0, score=value, reason=f"{self.name} {value:.4f} ({said})", **facts)

    def scored(self, answer: str, references: Sequence[str]) -> tuple[float, str]:
        """The score in [0, 1] and the signature that reproduces it."""
        raise NotImplementedError


class Bleu(_Overlap):
    """The verifier ``bleu``: sentence BLEU as ``sacrebleu.sentence_bleu`` has it, over 100.

    ``tokenize: auto`` splits by the references' script: ``zh`` for Chinese, ``char`` for Japanese, Thai and others that
    put no spaces, else ``13a``.
    """

    name = "bleu"

    def __init__(
        self, *, tokenize: Tokens = "auto", lowercase: bool = False, prefilled: bool | Literal["auto"] = "auto"
    ) -> None:
        super().__init__(prefilled=prefilled)
        self.tokenize, self.lowercase = tokenize, lowercase

    def scored(self, answer: str, references: Sequence[str]) -> tuple[float, str]:
        metric = _bleu(tokens_for(references) if self.tokenize == "auto" else self.tokenize, self.lowercase)
        return _sacred(metric, answer, references)


class Chrf(_Overlap):
    """The verifier ``chrf``: sentence chrF as sacrebleu has it, over 100; ``word_order: 2`` is chrF++."""

    name = "chrf"

    def __init__(
        self, *, word_order: int = 0, lowercase: bool = False, prefilled: bool | Literal["auto"] = "auto"
    ) -> None:
        super().__init__(prefilled=prefilled)
        self.word_order, self.lowercase = word_order, lowercase

    def scored(self, answer: str, references: Sequence[str]) -> tuple[float, str]:
        return _sacred(_chrf(self.word_order, self.lowercase), answer, references)


class Rouge(_Overlap):
    """The verifier ``rouge``: ROUGE as rouge-score has it, of several references the best.

    rouge-score's words are runs of ``a–z`` and digits. A reference with other letters is split into words of any
    letters instead (of Chinese, Japanese and Thai: into letters); the signature says ``tok:words``.
    """

    package, name = "rouge-score", "rouge"

    def __init__(
        self,
        *,
        kind: Kind = "rougeL",
        measure: Measure = "fmeasure",
        stemmer: bool = False,
        prefilled: bool | Literal["auto"] = "auto",
    ) -> None:
        super().__init__(prefilled=prefilled)
        self.kind, self.measure, self.stemmer = kind, measure, stemmer

    def _verdict(self, answer: str, references: Sequence[str]) -> Verdict:
        pairs = len(words(answer)) * max(len(words(reference)) for reference in references)
        if self.kind.startswith("rougeL") and pairs > MAX_PAIRS:
            reason = f"{self.kind} of this answer would compare {pairs} pairs of words, more than {MAX_PAIRS}"
            return Verdict.undecided(Cause.ABSTAIN, reason)
        return super()._verdict(answer, references)

    def scored(self, answer: str, references: Sequence[str]) -> tuple[float, str]:
        plain = all(reference.isascii() for reference in references)
        scorer = _rouge(self.kind, self.stemmer and plain, plain)
        found = scorer.score_multi(list(references), answer)[self.kind]
        tokens = "default" if plain else "words"
        stem = "yes" if self.stemmer and plain else "no"
        said = f"{self.kind}|nrefs:{len(references)}|measure:{self.measure}|stem:{stem}|tok:{tokens}"
        return float(getattr(found, self.measure)), f"{said}|version:{version('rouge-score')}"


class _Words:
    """A tokenizer of any letters, for rouge-score."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


def words(text: str) -> list[str]:
    """Runs of letters and digits in small letters; in scripts without spaces each letter."""
    return _WORD.findall(_UNSPACED.sub(lambda letter: f" {letter[0]} ", text.lower()))


def tokens_for(references: Sequence[str]) -> Tokens:
    """sacrebleu's tokenizer for the script that the references are mostly in."""
    text = " ".join(references)[:MAX_REFERENCE]
    letters = sum(map(str.isalpha, text)) or 1
    if len(_UNSPACED.findall(text)) * 2 < letters:
        return "13a"
    return "zh" if _HAN.search(text) and not _KANA.search(text) else "char"


def _references(gold: Any) -> list[str] | str:
    """The references of a row; what is wrong with it, where it has none."""
    value = gold.tolist() if hasattr(gold, "tolist") else gold
    if isinstance(value, Mapping):
        names = ", ".join(map(str, list(value)[:6]))
        return f"the reference is a mapping of {names}: name the one that counts with columns: {{gold: COLUMN.NAME}}"
    items = list(value) if isinstance(value, list | tuple) else [value]
    if any(not isinstance(item, str) and item is not None for item in items):
        return f"the reference is no text: {gold!r:.80}"
    texts = [item.strip() for item in items if isinstance(item, str) and not blank(item)]
    if not texts:
        return "the row has no reference, or an empty one"
    if any(len(text) > MAX_REFERENCE for text in texts):
        return f"a reference has more than {MAX_REFERENCE} characters"
    return texts


def _sacred(metric: Any, answer: str, references: Sequence[str]) -> tuple[float, str]:
    score = metric.sentence_score(answer, list(references)).score
    _forget(getattr(metric, "tokenizer", None))
    return score / 100, str(metric.get_signature())


def _forget(tokenizer: Any) -> None:
    """Empty the cache of a tokenizer that has kept many texts."""
    for kind in type(tokenizer).__mro__ if tokenizer is not None else ():
        cached: Any = kind.__dict__.get("__call__")
        if hasattr(cached, "cache_info") and cached.cache_info().currsize > KEPT:
            cached.cache_clear()


@lru_cache(maxsize=16)
def _bleu(tokenize: str, lowercase: bool) -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize=tokenize, lowercase=lowercase, effective_order=True)


@lru_cache(maxsize=16)
def _chrf(word_order: int, lowercase: bool) -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF(word_order=word_order, lowercase=lowercase)


@lru_cache(maxsize=16)
def _rouge(kind: str, stemmer: bool, plain: bool) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([kind], use_stemmer=stemmer, tokenizer=None if plain else _Words())
