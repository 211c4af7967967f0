"""Sentences that state a value without speaking of "the answer"."""

from __future__ import annotations

import re

from veritune.verifiers.math.extraction.assertion import (
    Status,
    alternatives,
    doubts,
    is_conditional,
    leading_value,
    status_before,
)
from veritune.verifiers.math.extraction.clauses import Code, clause_start, has_value, masked, take_apart
from veritune.verifiers.math.extraction.disavowed import is_disavowed
from veritune.verifiers.math.extraction.languages import LANGUAGES, pattern
from veritune.verifiers.math.extraction.sentences import NUMBER, first_sentence, readable, refine, unemphasised
from veritune.verifiers.math.extraction.unreal import SOMEBODY, ends_in_not, hangs_on, is_unreal, without_idiom


def declared(text: str) -> str | None:
    """The value of a sentence without a subject such as "the answer": its last clause that asserts one."""
    text = unemphasised(text)
    code = language_of(text)
    sentence = first_sentence(text.strip(" *_\n#>"))
    if len(sentence) + 2 < len(text.strip(" *_\n#>")) and text.strip()[len(sentence) :].strip(" .。!*_"):
        sentence = text.strip()
    if text.rstrip(" *_\n").endswith(("?", "？", "؟")) or is_conditional(sentence, sentence, ""):
        return None
    sentence = without_idiom(sentence, code, SOMEBODY)
    if is_withheld(sentence, code):
        return None
    introduced = leading_value(sentence, code)
    kept = _asserting(sentence, code)
    if not kept:
        return None
    value = refine(kept)
    if introduced and (not value or not readable(value)):
        value = introduced
    if not value or alternatives(value, "", code):
        return None
    at = kept.rfind(value)
    if at <= 0:
        return value
    clause = kept[:at][clause_start(kept[:at]) :]
    return None if _denied_before(kept[:at], code) or pattern("wrong", code).search(clause) else value


def is_withheld(sentence: str, code: Code) -> bool:
    """Whether a sentence says its value only of what is not so, under a condition, or takes it back at its end."""
    core = take_apart(sentence, code)
    behind = core.value[len(core.head) :] + core.rest
    unreal = is_unreal(core.head, sentence, code) or hangs_on(behind, code) or ends_in_not(sentence)
    return unreal or is_disavowed(sentence)


def _asserting(sentence: str, code: Code) -> str:
    """`sentence` without the clauses at its end that deny, doubt, concede or report."""
    mask = masked(sentence)
    ends = [m.start() for m in _CLAUSE.finditer(mask)]
    for begin in reversed([0, *ends]):
        clause = mask[begin:].lstrip(" ,;，；—–-(（")
        following = pattern("concessions", code).match(clause)
        said = pattern("hearsay", code).search(clause)
        reported = said is not None and status_before(clause[: said.end()] + " ", code) is Status.SUPPOSED
        hedged = any(not m.start() or doubts(clause[m.end() :]) for m in pattern("hedges", code).finditer(clause))
        if not (following or reported or hedged):
            return sentence
        sentence, mask = sentence[:begin], mask[:begin]
    return ""


_CLAUSE = re.compile(r"[,;，；]|\s[—–-]\s|\s(?=(?:although|though|because|since|while|whereas)\b)|\s?[(（](?=[^\W\d])")


def _denied_before(before: str, code: Code) -> bool:
    """Whether a denial stands right before a value, or one word away from it."""
    low = before.lower().rstrip(" $*\\([{:").removesuffix(" equal to").removesuffix("等于")
    last = [m.end() for m in pattern("denials", code).finditer(low)]
    if not last:
        return False
    between = low[last[-1] :].strip(" ,")
    return len(between.split()) <= 1 if LANGUAGES[code].spaced else len(between) <= 4


def states_plainly(text: str) -> bool:
    """Whether what stands behind a mark (a line, a tag, bold) shows its value without doubt, denial or question."""
    text = unemphasised(text).strip(" *_\n")
    if NUMBER.fullmatch(text):
        return True
    if len(text) > 400 or not has_value(text):
        return True
    if text.endswith(("?", "？", "؟")):
        return False
    return not is_doubted(take_apart(text, language_of(text)).value)


def is_doubted(text: str) -> bool:
    """Whether a text shows a value among words that deny or doubt."""
    mask = masked(text)
    code = language_of(text)
    return has_value(text) and any(pattern(row, code).search(mask) for row in ("denials", "hedges", "wrong"))


def language_of(text: str) -> Code:
    """The language of a sentence by its script; English for Latin letters."""
    if text.isascii():
        return "en"
    if _SCRIPT.search(text) is None:
        return "en"
    return next((code for code, letters in _SCRIPTS.items() if letters.search(text)), "en")


_RANGES = {
    "ja": "\u3040-\u30ff", "zh": "\u4e00-\u9fff", "ko": "\uac00-\ud7a3", "ru": "\u0400-\u04ff", "bn": "\u0980-\u09ff",
    "te": "\u0c00-\u0c7f", "th": "\u0e00-\u0e7f", "hi": "\u0900-\u097f", "ar": "\u0600-\u06ff",
}  # fmt: skip
_SCRIPTS = {code: re.compile(f"[{letters}]") for code, letters in _RANGES.items()}
_SCRIPT = re.compile(f"[{''.join(_RANGES.values())}]")
