"""The words that mark an answer, in English and Chinese, and the words that take it back."""

from __future__ import annotations

FINAL = (
    "final answer",
    "最终答案",
)
PHRASES = (
    "answer is",
    "answer to the question is",
    "answer to the problem is",
    "answer would be",
    "answer should be",
    "answer must be",
    "answer be",
    "answer =",
    "answer:",
    "answers are",
    "answer：",
    "answer**:",
    "answer:**",
    "solution is",
    "solutions are",
    "correct option is",
    "correct choice is",
    "option is",
    "antwort ist",
    "antwort lautet",
    "antwort:",
    "respuesta es",
    "respuesta:",
    "réponse est",
    "réponse :",
    "réponse:",
    "ответ —",
    "ответ:",
    "ответ -",
    "答えは",
    "답은",
    "정답은",
    "jibu ni",
    "సమాధానం",
    "คำตอบคือ",
    "উত্তর হল",
    "故答案为",
    "答案是",
    "答案为",
    "答案应为",
    "答案应该是",
    "答案：",
    "答案:",
    "正确选项是",
    "正确选项为",
    "故选",
    "应选",
    "应该选",
    "因此选",
    "所以选",
    "所以选择",
    "因此选择",
    "因此选项",
    "应选择",
    "应该选择",
    "本题选",
    "此题选",
    "本题答案选",
)
LINE_STARTS = ("answer:", "a:", "ans:", "answer：", "ans.", "答：", "答:", "answer -")
CONNECTIVES = (
    "therefore",
    "thus",
    "hence",
    "so ",
    "so,",
    "in conclusion",
    "in total",
    "consequently",
    "finally",
    "we conclude",
    "we find that",
    "we get",
    "因此",
    "所以",
    "故",
    "综上",
    "∴",
    "\\therefore",
)
_STEMS = ("answer", "solution", "option", "choice", "antwort", "respuesta", "jibu")
_NEGATIONS = ("not ", "not:", "isn't", "n't ", "never", "不是", "不为", "不等于", "unknown", "unclear", "cannot be")
_NEGATED_ENDS = (
    " not",
    "isn't",
    " never",
    " not equal to",
    "wasn't",
    "not be",
    "不是",
    "不等于",
    "不为",
    "cannot be",
    "\\ne",
    "\\neq",
    "≠",
)
_NAMES = {"故选": "故选", "答案": "答案", "应选": "故选", "选": "故选"}


def is_negated(rest: str) -> bool:
    """Whether what follows a marker says what the answer is not."""
    return rest[:24].lower().lstrip(" *$\\(").startswith(_NEGATIONS)


def ends_in_negation(before: str) -> bool:
    """Whether the words right before a box negate it: ``the answer is not \\boxed{42}``."""
    return before.rstrip(" $*(\\:[\n").lower().endswith(_NEGATED_ENDS)


def rank_at(low: str, phrases: tuple[str, ...], end: int) -> tuple[int, int, str]:
    """Start, length and name of the phrase that stands last before `end` in `low`; start -1 if none does."""
    best, size, name = -1, 0, ""
    if low.isascii():
        phrases = tuple(p for p in phrases if p.isascii()) if any(word in low for word in _STEMS) else ()
    for phrase in phrases:
        at = low.rfind(phrase, 0, end)
        if at > best or (at == best and len(phrase) > size and at >= 0):
            best, size, name = at, len(phrase), phrase
    return best, size, "the answer is" if name.isascii() else name.strip(":：")
