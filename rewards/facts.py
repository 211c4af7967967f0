"""Facts in free text: ``exact_match``, ``f1`` and ``contains``."""

from __future__ import annotations

from typing import Any, Literal

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.text import Prefilled


@reward
def exact_match(
    sample: Sample,
    gold: Any,
    *,
    right: float = 1.0,
    wrong: float = 0.0,
    language: str = "en",
    normalise: Literal["careful", "squad"] = "careful",
    prefilled: Prefilled = "auto",
) -> Score:
    """``right`` where the answer is one of the golds, case, punctuation, articles and Unicode forms aside.

    The answer is what an answer tag, a box or "the answer is" marks, else the last line. A sign that carries meaning
    stays (3.5 is not 35, C++ not C); ``normalise: squad`` deletes them all, as SQuAD's script does. The gold is a
    text, a list of acceptable ones, SQuAD's ``answers`` or TriviaQA's ``answer`` as they are.

    Source: SQuAD 1.1 (exact match), MLQA (languages).
    """
    from veritune.verifiers.facts import FactVerifier  # its own imports are wanted only where it is used

    verifier = FactVerifier("exact_match", language=language, normalise=normalise, prefilled=prefilled)
    return Score.of(verifier.verify(sample.text, gold, sample.prompt_text), right, wrong)


@reward
def f1(
    sample: Sample,
    gold: Any,
    *,
    language: str = "en",
    normalise: Literal["careful", "squad"] = "careful",
    hedged: Literal["wrong", "undecided"] = "wrong",
    prefilled: Prefilled = "auto",
) -> Score:
    """F1 of the words that the answer and a gold share, the best of all golds: 2 · shared / (answer + gold).

    Words as in ``exact_match``; of scripts without spaces each character is one. A gold of numbers is 1 or 0. An answer
    that denies, doubts, or offers several is 0, or with ``hedged: undecided`` left to a judge.

    Source: SQuAD 1.1 (F1), MLQA (languages), DROP (numbers).
    """
    from veritune.verifiers.facts import FactVerifier

    verifier = FactVerifier("f1", language=language, normalise=normalise, hedged=hedged, prefilled=prefilled)
    verdict = verifier.verify(sample.text, gold, sample.prompt_text)
    if verdict.score is None:
        return Score.of(verdict)
    return Score(verdict.score, verdict.reason, verdict)


@reward
def contains(
    sample: Sample,
    gold: Any,
    incorrect_answers: Any = None,
    *,
    right: float = 1.0,
    wrong: float = 0.0,
    several: Literal["any", "all"] = "any",
    language: str = "en",
    hedged: Literal["wrong", "undecided"] = "wrong",
    prefilled: Prefilled = "auto",
) -> Score:
    """``right`` where the answer names a gold as whole words and asserts it; never inside another word or number.

    A gold that is short (a number, ``yes``, up to three letters) has to be the answer itself. A gold that is denied,
    doubted, or one of a list is not named; ``hedged: undecided`` leaves the last two to a judge, as is what is named
    somewhere in more than 150 words without a mark. Naming one of the column ``incorrect_answers`` is wrong.
    ``several: all`` asks for every gold.
    """
    from veritune.verifiers.facts import FactVerifier

    verifier = FactVerifier("contains", language=language, hedged=hedged, several=several, prefilled=prefilled)
    return Score.of(verifier.verify(sample.text, gold, sample.prompt_text, incorrect_answers), right, wrong)


def _check_language(language: str) -> None:
    """Raise ParameterError for a language whose articles nobody wrote down, before anything is scored."""
    from veritune.verifiers.facts import FactVerifier

    FactVerifier(language=language)


for _one in (exact_match, f1, contains):
    _one.check(_check_language)


exact_match.for_rows("right", "wrong", "language", "normalise", "prefilled")
f1.for_rows("language", "normalise", "hedged", "prefilled")
contains.for_rows("right", "wrong", "several", "language", "hedged", "prefilled")
