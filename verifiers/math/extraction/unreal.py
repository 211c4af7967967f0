"""Answers that hold only in a world that is not: what would or should have been, and what hangs on a condition."""

from __future__ import annotations

import functools
import re

from veritune.verifiers.math.extraction.clauses import Code, has_value, masked
from veritune.verifiers.math.extraction.languages import Words, words

_VERBS = {
    "en": r"(?<!\w)(?:(?:should|would|could|ought to)(?:n['’]t)?(?:\s+\w+){0,2}?\s+have(?:\s+\w+)?\s+been|"
    r"(?:should|would|could)(?:['’]ve|a)\s+been|(?:was|were)(?:\s+\w+)?\s+(?:supposed|meant|intended|going)\s+to\s+"
    r"(?:be|equal|have)\b|(?:was|were) to have\b|(?:is|are)(?:\s+\w+)?\s+(?:supposed|meant)\s+to\s+(?:be|equal)|"
    r"used to be|had(?:\s+\w+)?\s+been|(?:was|were) once|"
    r"once (?:was|were))(?!\w)",
    "de": r"(?<!\w)(?:hätten?|wären?|sollten?|könnten?)\b.*(?<!\w)(?:gewesen|sein (?:sollen|müssen|können)|"
    r"lauten sollen)"
    r"|(?<!\w)hätten?\b.*(?<!\w)(?:sollen|müssen|können)",
    "fr": r"(?<!\w)(?:aurai(?:en)?t\b(?:\s+\w+)?\s+(?:été|être)|était\s+(?:censée?|supposée?)|devait\s+être|aurait)",
    "es": r"(?<!\w)(?:(?:debería|debía|podría|tendría que|habría|hubiera|hubiese)(?:\s+haber)?\s+sido|"
    r"debió(?:\s+haber)?\s+(?:ser|sido)|iba a ser|se suponía|tenía que (?:ser|haber sido)|pudo (?:ser|haber sido))",
    "it": r"(?<!\w)(?:(?:avrebbe|sarebbe)(?:\s+\w+)?\s+(?:essere|stat[oa])|doveva essere|avrebbe potuto)",
    "pt": r"(?<!\w)(?:(?:deveria|devia|poderia|podia|teria)(?:\s+ter)?\s+sido|era para ser|devia ser)",
    "ru": r"(?<!\w)(?:долж(?:ен|на|но) (?:был[ао]?(?: бы)?|бы) быть|мо(?:г|гла|гло) бы быть|был[ао]? бы)",
    "nl": r"(?<!\w)(?:had(?:den)?|zou(?:den)?)\b.*(?<!\w)(?:moeten|kunnen|geweest)(?!\w)",
    "sw": r"(?<!\w)(?:l?i?(?:ngepaswa|lipaswa|lingepaswa|lilipaswa|ngekuwa|lingekuwa))(?!\w)",
    "id": r"(?<!\w)(?:seharusnya|semestinya)(?!\w)",
    "zh": r"本应|本该|原本|本来|原应|原该",
    "ja": r"はずだった|はずでした|べきだった|べきでした",
    "ko": r"였어야|이었어야|였을 것|이었을 것",
    "hi": r"चाहिए था|होनी चाहिए थी",
    "bn": r"উচিত ছিল|হওয়ার কথা ছিল",
    "th": r"ควรจะเป็น|น่าจะเป็น|ควรเป็น",
    "ar": r"كان يجب|كان ينبغي|كان من المفترض|كانت ستكون",
}
LATIN = ("en", "de", "fr", "es", "it", "pt", "nl")
_ENDS_THERE = ("de", "nl", "ja", "ko", "hi", "bn")
"""Languages whose verb may stand behind the value."""
_CONDITIONS = {
    "en": "if and only if|only if|iff|if|provided|providing|assuming|supposing|unless|as long as|so long as|"
    "on condition|on the condition|in case|contingent|conditional|depending on|subject to",
    "de": "wenn|falls|sofern|vorausgesetzt|es sei denn|solange",
    "fr": "si|seulement si|à condition|pourvu que|sauf si|à moins que|tant que",
    "es": "si|solo si|siempre que|a condición|a menos que|con tal de",
    "it": "se|solo se|purché|a condizione|a meno che",
    "pt": "se|só se|desde que|a menos que|contanto que",
    "ru": "если|при условии|лишь если|только если",
    "sw": "kama|ikiwa|iwapo|endapo",
    "nl": "als|mits|tenzij",
    "pl": "jeśli|jeżeli|o ile",
    "id": "jika|kalau|asalkan",
    "zh": "|如果|只要|除非|当且仅当|假如|前提是",
    "th": "|ถ้า|หาก",
    "bn": "|যদি",
    "hi": "|यदि|अगर",
    "ar": "|إذا",
}
_IDIOM = re.compile(
    r"\W*(?:(?:i|we)(?:['’]m| am|['’]ve| have)?(?: not)? (?:mistaken|wrong|right|correct|calculated|computed|counted|"
    r"added|understood|did|remember|recall)|memory serves|my|(?:we|you|one) (?:round|simplify|express|write|count|use|"
    r"take|add|include|exclude|ignore|want|prefer|need|like|wish)|needed|necessary|required|desired|any|rounded|simplified|"
    r"expressed|written|measured|counted|asked|ich mich nicht|je ne me trompe|no me equivoco)(?!\w)",
    re.I,
)
"""Conditions that only say how an answer was found or may be written: ``if I am not mistaken``, ``if rounded``."""
SOMEBODY = re.compile(r"\W*(?:they|he|she|it|we|you|i|one)(?!\w)", re.I)
"""Whose choice a condition of the problem's own story is: ``she saves 28 if she takes the second``."""
_ENDS_IN_NOT = re.compile(r"(?:[^\w\s]|\d)\s*(?:not|nicht|pas|niet)\W*$", re.I)


@functools.lru_cache(maxsize=32)
def _verbs(code: Code) -> re.Pattern[str] | None:
    return re.compile(_VERBS[code], re.I) if code in _VERBS else None


@functools.lru_cache(maxsize=32)
def conditions(code: Code) -> Words | None:
    """The words that begin a condition behind a value."""
    row = _CONDITIONS.get(code, "")
    return (words("", row[1:]) if row.startswith("|") else words(row)) if row else None


def is_unreal(link: str, behind: str, code: Code) -> bool:
    """Whether the verb between a subject and its value says what the answer would, should or was to have been."""
    verbs = _verbs(code)
    said = f"{link} {behind}" if code in _ENDS_THERE else link
    return verbs is not None and verbs.search(said) is not None


def hangs_on(behind: str, code: Code) -> bool:
    """Whether what stands behind a value makes it depend on something that is no mathematics: ``if pigs fly``."""
    rows = conditions(code)
    found = rows.search(masked(behind)) if rows is not None else None
    if found is None:
        return False
    clause = behind[found.end() :]
    return any(c.isalpha() for c in clause) and not has_value(clause) and _IDIOM.match(clause) is None


def without_idiom(value: str, code: Code, idiom: re.Pattern[str] = _IDIOM) -> str:
    """A value without a condition behind it that only says how it was found: ``42 if I counted correctly``."""
    rows = conditions(code)
    found = rows.search(masked(value)) if rows is not None else None
    if found is None or not found.start() or idiom.match(value[found.end() :]) is None:
        return value
    return value[: found.start()].rstrip(" ,;")


def ends_in_not(sentence: str) -> bool:
    """Whether a sentence takes itself back with its last word: ``The answer is 42, not!``"""
    return _ENDS_IN_NOT.search(sentence[-12:]) is not None
