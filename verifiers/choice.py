"""Multiple choice: the letters of the final answer against the letters of the gold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from veritune.plugins.errors import ParameterError
from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.verifiers.choice_letters import FILLER, WINDOW, kept, narrow, runs, told

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DENIAL = re.compile(
    r"(?:无|没有|沒有)(?:一个)?正确|题目?(?:可能|应该|似乎)?(?:有误|出错|错误|有问题)|(?:都|均)不(?:正确|对|是)|无(?:法求)?解|"
    r"\bnone of (?:the|these)\b|\bno (?:correct|right|valid) (?:answer|option|choice)\b",
    re.IGNORECASE,
)
"""An answer that says no option is right."""
_NEGATED = re.compile(
    r"[\s$({\[*_]*(?:\\text\w*\{\s*)?(?:(?:definitely|certainly|surely|clearly|probably)\s+)?"
    r"(?:(?:not|never|neither|isn't|except|excluding|(?:anything|everything|all|any) but|other than|rather than)\b"
    r"|≠|¬|!=|\\(?:neq?|not|neg)(?![A-Za-z])|不是|并非|並非|非|除了)",
    re.IGNORECASE,
)
"""An answer that begins with a denial says which option is not right."""


def _words(rest: str) -> bool:
    """Whether the text of an option stands there: more than letters, the words between them, and signs."""
    bare = re.sub(r"\\[A-Za-z]+|\b[A-Z]\b|\b(?:and|or)\b|[和与及或]", " ", rest)
    return any(c.isalpha() for c in bare)


_ALSO = re.compile(
    r"\b(?:also|too|as well|equally|plausible|could|might|may|maybe|possibly|perhaps|or)\b|也|或|可能", re.IGNORECASE
)
"""Behind a letter and a comma: another letter is offered, not an option's text told."""


_OF_OTHERS = re.compile(r"[\s*(]*(?:none|all|both|neither|any) (?:of )?\(?[A-Z]\b", re.IGNORECASE)
"""The text of an option that speaks of the others."""
_SMALL = re.compile(r"[\s*_$]*\(([a-z])\)\s")
TAIL = 20_000
"""Characters at the end of a completion in which an option is looked for that nothing marks."""


class ChoiceVerifier:
    """Decides a question whose answer is one or more letters.

    The answer is what marks itself as final (a box, 【答案】, "the answer is", …), where its letters are read. A gold
    is a letter, letters (``"AC"``, ``"A, C"``) or a list of letters; all of them are the answer (``several: all``),
    or each is (``several: any``).

    An answer that says no option is right is wrong, as is one that leaves the gold out. No letter found, or a gold of
    one letter named among others: undecided (``abstain``), for a judge to read. ``hedged: wrong`` makes the last case
    wrong: without a judge, naming every letter must not pay.
    """

    def __init__(
        self,
        *,
        options: str = "ABCDEFGHIJ",
        several: Literal["all", "any"] = "all",
        hedged: Literal["undecided", "wrong"] = "undecided",
    ) -> None:
        if not options or set(options) - set(_LETTERS):
            raise ParameterError(f"choice: options are letters from A to Z, got {options!r}")
        self.several, self.hedged = several, hedged
        letter = f"[{options}]"
        self._named = re.compile(
            rf"[\s$*(\[{{]*(?:\\\w+\{{)?\(?({letter})\)?\}}?[*\s]*(?:[.):：、]|[\-–—](?!\w))(?!\s?[A-Z]\.)[.):：、\-–—]*\s*(.+)",
            re.DOTALL,
        )
        self._introduced = re.compile(
            rf"[\s$*(\[{{]*(?:(?:the\s+)?(?:correct\s+|right\s+)?(?:option|choice|answer)\s*(?:is\s*)?[:：]?|(?:选项|选择|答案|选)"
            rf"\s*(?:是|为)?[:：]?)?\s*\(?({letter})\)?[*\s]*(?:[,，;；:：]\s*|(?=[(（]))(.+)",
            re.DOTALL | re.IGNORECASE,
        )
        self._alone = re.compile(rf"\W*(?:{letter})(?!\w)")
        self._only = re.compile(rf"{letter}+")
        self.options = options

    def verify(self, completion: str, gold: Any) -> Verdict:
        """The verdict on one completion."""
        try:
            return self._verdict(completion, gold)
        except Exception as error:  # no text raises: a bug of ours is undecided
            return Verdict.undecided(Cause.INTERNAL_ERROR, record("reading a choice", error, completion=completion))

    def _verdict(self, completion: str, gold: Any) -> Verdict:
        expected = self._gold(gold)
        if expected is None:
            return Verdict.undecided(Cause.INVALID_GOLD, f"the gold is no choice: {gold!r:.80}")
        found, marker, text = self.letters(completion)
        shown: Mapping[str, Any] = {"expected": "".join(sorted(expected)), "evidence": {"marker": marker}}
        if found and _NEGATED.match(text):
            return Verdict.wrong(f"it says what the answer is not: {text[:80]}", **shown)
        if not found and _DENIAL.search(text[:200]):
            return Verdict.wrong(f"it says that no option is right: {text[:80]}", **shown)
        if not found:
            return Verdict.undecided(Cause.ABSTAIN, "no letter of a choice stands as the final answer", **shown)
        given = "".join(sorted(found))
        if self.several == "any" and len(found) == 1:
            right = found <= expected
        else:
            right = found == expected
        if right:
            return Verdict.right(f"the answer is {given}", extracted=given, **shown)
        one = len(expected) == 1 or self.several == "any"
        if one and len(found) > 1 and found & expected and self.hedged == "undecided":
            reason = f"it names {given}, where one letter is the answer"
            return Verdict.undecided(Cause.ABSTAIN, reason, extracted=given, **shown)
        return Verdict.wrong(f"the answer is {given}, not {shown['expected']}", extracted=given, **shown)

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return [self.verify(completion, gold) for completion, gold in pairs]

    def letters(self, completion: str) -> tuple[frozenset[str], str, str]:
        """The letters of the final answer, what marked it, and its text."""
        from veritune.verifiers.math.extraction.extract import extract, strip_reasoning
        from veritune.verifiers.math.extraction.visible import visible, without_fences

        extraction = extract(completion)
        text = narrow(extraction.answer or "")
        found = self._read(text)
        if extraction.marker in ("", "bare", "conclusion") and len(found) != 1:
            body = strip_reasoning(completion[-TAIL:])
            meant = told(without_fences(visible(body)), self.options) if body is not None else frozenset()
            if meant:
                return meant, "the one it means", body or ""
        return found, extraction.marker, text

    def _read(self, text: str) -> frozenset[str]:
        """Letters that stand alone; of an answer like ``B. 200`` the one before the full stop."""
        from veritune.verifiers.math.text.choices import names_others

        named = self._named.match(text[:WINDOW])
        if named and _words(named[2]) and (_OF_OTHERS.match(named[2]) or not names_others(named[1], named[2])):
            return frozenset([named[1]])
        told_text = self._introduced.match(text[:WINDOW])
        if told_text and told_text[1].isupper() and self._tells(told_text[1], told_text[2]):
            return frozenset([told_text[1]])
        found = list(runs(text, self.options))
        bare = FILLER.sub(" ", text[:WINDOW]).strip().upper()
        if not found and len(bare) == 1 and self._only.fullmatch(bare):
            return frozenset(bare)  # "(b)"
        small = _SMALL.match(text)
        if not found and small and small[1].upper() in self.options:
            return frozenset(small[1].upper())  # "(b) 12"
        return kept(found)

    def _tells(self, letter: str, rest: str) -> bool:
        """Whether what stands behind a letter and a comma, colon or bracket is its option's text: ``B (Vitamin C)``."""
        from veritune.verifiers.math.text.choices import names_others

        return _words(rest) and not (self._alone.match(rest) or _ALSO.search(rest) or names_others(letter, rest))

    def _gold(self, gold: Any) -> frozenset[str] | None:
        if hasattr(gold, "tolist"):  # numpy arrays, as Parquet columns of lists come
            gold = gold.tolist()
        items = list(gold) if isinstance(gold, list | tuple) else [gold]
        letters: set[str] = set()
        for item in items:
            text = FILLER.sub("", item).upper() if isinstance(item, str) else ""
            if not self._only.fullmatch(text):
                return None
            letters.update(text)
        return frozenset(letters) or None
