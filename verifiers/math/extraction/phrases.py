"""The words that mark an answer, in English and Chinese, and the words that take it back."""

from __future__ import annotations

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


def is_negated(rest: str) -> bool:
    """Whether what follows a marker says what the answer is not."""
    return rest[:24].lower().lstrip(" *$\\(").startswith(_NEGATIONS)


def ends_in_negation(before: str) -> bool:
    """Whether the words right before a box negate it: ``the answer is not \\boxed{42}``."""
    return before.rstrip(" $*(\\:[\n").lower().endswith(_NEGATED_ENDS)
