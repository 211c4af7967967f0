"""The verifiers ``exact_match``, ``f1`` and ``contains``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from veritune.plugins.errors import ParameterError, did_you_mean
from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.verifiers.facts.answer import Answer, Prefilled, answer_of
from veritune.verifiers.facts.claims import Claim, Found, claimed, unsure
from veritune.verifiers.facts.contrast import has_cross
from veritune.verifiers.facts.golds import fact_golds
from veritune.verifiers.facts.normal import ARTICLES, Normalise, Words, equal, forms, spaceless, squad

Measure: TypeAlias = Literal["exact_match", "f1", "contains"]

SHORT = 3
"""Letters up to which a gold of one word is only matched exactly."""
LONGEST = 150
"""Words of an answer without a mark in which a gold is looked for."""
_SHOWN = 200


class FactVerifier:
    """Decides whether an answer in words says one of a row's golds.

    ``exact_match``: the answer is a gold. ``f1``: the verdict's score is the best F1 of shared words, ``correct``
    where it is 1. ``contains``: the answer names a gold as whole words; a short gold (a number, ``yes``, three letters)
    has to be the answer.

    An answer that denies its gold, doubts it, or names it among others is wrong (``hedged: undecided``: left to a
    judge), as is one that names any of ``incorrect``. ``normalise: squad`` is SQuAD's own normalisation, letter for
    letter. ``language`` says which articles are left out (``none``: none).
    """

    def __init__(
        self,
        measure: Measure = "exact_match",
        *,
        language: str = "en",
        normalise: Normalise = "careful",
        hedged: Literal["wrong", "undecided"] = "wrong",
        several: Literal["any", "all"] = "any",
        prefilled: Prefilled = "auto",
    ) -> None:
        if language not in ARTICLES:
            raise ParameterError(
                f"{measure}: language is one of {', '.join(ARTICLES)}, got {language!r}."
                f"{did_you_mean(str(language), ARTICLES)}"
            )
        self.measure, self.language, self.normalise = measure, language, normalise
        self.hedged, self.several, self.prefilled = hedged, several, prefilled

    def verify(self, completion: str, gold: Any, prompt: str = "", incorrect: Any = None) -> Verdict:
        """The verdict on one completion. ``incorrect``: answers that are known to be wrong."""
        try:
            golds = fact_golds(gold)
            if not any(self._forms(text)[0] or text.strip() for text in golds):
                return Verdict.undecided(Cause.INVALID_GOLD, f"the gold is missing: {gold!r:.80}")
            answer = answer_of(completion, prompt, prefilled=self.prefilled)
            return self._verdict(answer, golds, fact_golds(incorrect) if incorrect is not None else ())
        except Exception as error:  # no text raises: a bug of ours is undecided
            fault = record("reading a fact", error, completion=completion, gold=str(gold))
            return Verdict.undecided(Cause.INTERNAL_ERROR, fault)

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return [self.verify(completion, gold) for completion, gold in pairs]

    def _forms(self, text: str) -> Sequence[Words]:
        return forms(text, self.language, self.normalise)

    def _verdict(self, answer: Answer, golds: Sequence[str], incorrect: Sequence[str]) -> Verdict:
        shown = {"expected": " | ".join(golds)[:_SHOWN], "evidence": {"marker": answer.marker or "last line"}}
        if not answer.readings:
            return Verdict.wrong(answer.reason or "there is no answer", **shown)
        shown["extracted"] = answer.readings[0][:_SHOWN]
        wanted = [self._forms(gold) for gold in golds]
        if self.measure == "contains" and self.several == "all":
            return self._all(answer, golds, incorrect, shown)
        for reading in answer.readings:
            written = self._forms(reading)
            for gold, ways in zip(golds, wanted, strict=True):
                if has_cross(reading) and not has_cross(gold):
                    continue
                if equal(written, ways) or _raw(reading) == _raw(gold):
                    if answer.corrected:
                        reason = "what stands behind the answer seems to correct it"
                        return Verdict.undecided(Cause.ABSTAIN, reason, **shown)
                    return Verdict.right(f"the answer is {gold[:80]!r}", **shown)
        if self.measure == "exact_match":
            return Verdict.wrong(f"the answer is {answer.readings[0][:80]!r}, not {golds[0][:80]!r}", **shown)
        if self.measure == "f1":
            return self._overlap(answer, wanted, shown)
        return self._mention(answer, golds, incorrect, shown)

    def _overlap(self, answer: Answer, wanted: Sequence[Sequence[Words]], shown: dict[str, Any]) -> Verdict:
        best = max(
            f1_of(a, g) for r in answer.readings for ways in wanted for a, g in zip(self._forms(r), ways, strict=True)
        )
        if best > 0:
            found = unsure(answer.readings[0], [words for ways in wanted for words in ways])
            if found.claim in (Claim.DENIED, Claim.DOUBTED):
                return self._open(found, shown)
        sentence = f"F1 {best:.2f} of the answer {answer.readings[0][:80]!r}"
        return Verdict(best == 1.0, score=best, reason=sentence, **shown)

    def _mention(
        self, answer: Answer, golds: Sequence[str], incorrect: Sequence[str], shown: dict[str, Any]
    ) -> Verdict:
        text = max(answer.readings, key=len) if answer.marker else answer.body
        long = [gold for gold in golds if not _is_short(self._forms(gold)[0])]
        if not long:
            return Verdict.wrong(f"the answer is not {golds[0][:80]!r} itself, which is too short to look for", **shown)
        other = next((o for o in incorrect if self._claimed(text, o).claim is Claim.STATED), None)
        if other is not None:
            return Verdict.wrong(f"it names {other[:80]!r}, which is wrong", **shown)
        found = [self._claimed(text, gold) for gold in long]
        order = (Claim.STATED, Claim.DOUBTED, Claim.DENIED, Claim.UNCLEAR, Claim.ABSENT)
        best = min(found, key=lambda one: order.index(one.claim))
        if best.claim is Claim.STATED and not answer.marker and len(text.split()) > LONGEST:
            reason = f"it is named somewhere in {len(text.split())} words without a mark"
            return Verdict.undecided(Cause.ABSTAIN, reason, **shown)
        if best.claim is Claim.STATED:
            return Verdict.right(f"the answer names {golds[found.index(best)][:80]!r}", **shown)
        if best.claim is Claim.ABSENT:
            return Verdict.wrong(f"the answer does not name {golds[0][:80]!r}", **shown)
        return self._open(best, shown)

    def _all(self, answer: Answer, golds: Sequence[str], incorrect: Sequence[str], shown: dict[str, Any]) -> Verdict:
        text = max(answer.readings, key=len) if answer.marker else answer.body
        other = next((o for o in incorrect if self._claimed(text, o).claim is not Claim.ABSENT), None)
        if other is not None:
            return Verdict.wrong(f"it names {other[:80]!r}, which is wrong", **shown)
        found = [self._claimed(text, gold).claim for gold in golds]
        missing = [gold for gold, claim in zip(golds, found, strict=True) if claim in (Claim.ABSENT, Claim.DENIED)]
        score = 1 - len(missing) / len(golds)
        if missing:
            return Verdict(False, score=score, reason=f"it does not name {missing[0][:80]!r}", **shown)
        return Verdict.right(f"it names all {len(golds)}", **shown)

    def _claimed(self, text: str, gold: str) -> Found:
        return claimed(text, self._forms(gold))

    def _open(self, found: Found, shown: dict[str, Any]) -> Verdict:
        reason = found.why or found.claim.value
        if found.claim is Claim.UNCLEAR or (found.claim is Claim.DOUBTED and self.hedged == "undecided"):
            return Verdict.undecided(Cause.ABSTAIN, reason, **shown)
        return Verdict.wrong(reason, **shown)


def f1_of(answer: Words, gold: Words) -> float:
    """2PR / (P + R) of the words shared; of a gold of nothing but numbers, 1 or 0 by all of its numbers."""
    shared = sum((Counter(answer) & Counter(gold)).values())
    if not shared:
        return 0.0
    if all(_is_number(word) for word in gold) and Counter(filter(_is_number, answer)) != Counter(gold):
        return 0.0
    return 2 * shared / (len(answer) + len(gold))


def _is_number(word: str) -> bool:
    return any(letter.isdecimal() for letter in word)


def _is_short(words: Words) -> bool:
    """A number, a word of up to three letters, or one character of a script without spaces."""
    if all(_is_number(word) for word in words):
        return True
    return len(words) == 1 and (len(words[0]) <= SHORT or spaceless(words[0][0]))


def _raw(text: str) -> str:
    return " ".join(text.split())


def exact_match(**options: Any) -> FactVerifier:
    """The verifier ``exact_match``."""
    return FactVerifier("exact_match", **options)


def f1(**options: Any) -> FactVerifier:
    """The verifier ``f1``."""
    return FactVerifier("f1", **options)


def contains(**options: Any) -> FactVerifier:
    """The verifier ``contains``."""
    return FactVerifier("contains", **options)


__all__ = ["FactVerifier", "contains", "exact_match", "f1", "f1_of", "squad"]
