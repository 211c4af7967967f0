"""Rules on which parts meet in one sentence or in two neighbours: an evaluator and a command, a key and its fault."""

from __future__ import annotations

import re

from veritune.rewards.judge.cues import (
    AFTER,
    ARTICLE,
    BEFORE,
    BRIBE,
    COMMA,
    FORGED,
    LAW,
    MARKS_ME,
    ONLY,
    OR,
    ROLEPLAY,
    TO,
    TOKEN,
)
from veritune.rewards.judge.roles import Hit, Sentence, cast

_NEAR = 70


def addresses(text: str) -> dict[str, str]:
    """Kind → the words, for every rule that holds somewhere in a folded text."""
    found: dict[str, str] = {}
    parts = cast(text)
    for index, (start, end, part) in enumerate(parts):
        if not part:
            continue
        after = parts[index + 1] if index + 1 < len(parts) else (end, end, {})
        both = _joined(part, after[2])
        kind = _kind(text[start:end], text, part, text[start : after[1]], both)
        if kind is not None:
            found.setdefault(kind, text[start : min(after[1], start + 120)].strip())
    return found


def _joined(first: Sentence, second: Sentence) -> Sentence:
    return {role: first.get(role, []) + second.get(role, []) for role in {*first, *second}}


def _kind(sentence: str, text: str, part: Sentence, window: str, both: Sentence) -> str | None:
    if _overrides(sentence, part, both):
        return "override"
    if _discredits(both):
        return "override"
    if _speaks_to(text, part, both, window):
        return "addressed"
    if _finishes(text, part, both):
        return "dictated"
    if _dictates(sentence, part, both, window):
        return "dictated"
    if _presses(part, both, window):
        return "pressure"
    if _forges(sentence, both):
        return "structure"
    return None


def _overrides(sentence: str, part: Sentence, both: Sentence) -> bool:
    if "ignore" in part and _near(part["ignore"], [*part.get("reference", ()), *part.get("meta", ())]):
        return True
    if _near(part.get("ignore", []), part.get("instructions", []), 40):
        asked = _any(both, "high", "accept", "output", "verdict")
        if asked and ("earlier" in part or _any(both, "high", "evaluator", "meta")):
            return True
    told = re.search(r"\b(?:were|was|been|are) (?:told|asked|instructed)\b", sentence)
    if (
        not told
        and "ignore" in part
        and "evaluator" in part
        and ("output" in part or "accept" in part or "reference" in part)
    ):
        return True
    wanted = "high" in both or ("accept" in both and "verdict" in both)
    return "regardless" in both and wanted and _any(both, "reference", "meta", "this", "evaluator")


def _discredits(both: Sentence) -> bool:
    """The reference is said to be wrong, and something else is to count."""
    if "reference" not in both or "discredit" not in both:
        return False
    if not _near(both["reference"], both["discredit"], 90):
        return False
    if _any(both, "evaluator", "meta") and _any(both, "accept", "modal", "please", "person"):
        return True
    if "high" in both:
        return True
    accept, verdict = both.get("accept", []), both.get("verdict", [])
    others = [hit for hit in verdict if not _same([hit], accept)]
    counted = _near(accept, others, 25) or "this" in both
    return bool(accept and verdict) and (counted or _any(both, "please", "modal"))


def _speaks_to(text: str, part: Sentence, both: Sentence, window: str) -> bool:
    asked = _any(both, "accept", "output", "high", "ignore")
    for hit in part.get("evaluator", ()):
        if _vocative(text, hit) and (asked or _any(both, "verdict", "zero")):
            return True
        if (
            text.isascii()
            and any(act.start - hit.end == 1 for act in [*part.get("accept", ()), *part.get("ignore", ())])
            and text[hit.end] == " "
        ):
            return True
    if "evaluator" in part and asked:
        if _any(part, "modal", "please", "meta") and ("high" in both or "verdict" in both or "output" in part):
            return True
        if _any(both, "this", "please") and ("high" in both or ("accept" in both and "verdict" in both)):
            return True
    if "weak" in part and not LAW.search(window):
        for hit in part["weak"]:
            addressed = TO.search(text[max(0, hit.start - 40) : hit.start]) and re.match(
                r"\w{0,8}[:,]", text[hit.end :][:10]
            )
            if addressed and asked:
                return True
        if "high" in both and "accept" in both and _any(both, "please") and _any(both, "person", "this"):
            return True
    told = "high" in both or ("accept" in both and _any(both, "verdict", "this", "regardless"))
    if "meta" in part and (told or (_any(both, "output", "modal") and TOKEN.search(window))):
        return True
    named = _any(part, "evaluator", "weak") or re.search("grader|evaluator|assessor", window)
    return bool(named and ROLEPLAY.search(window) and _any(both, "high", "accept", "zero", "verdict"))


def _finishes(text: str, part: Sentence, both: Sentence) -> bool:
    """The judging is said to be over, and its outcome good."""
    good = [*both.get("high", ()), *both.get("verdict", ())]
    if not good:
        return False
    for process in part.get("process", ()):
        if re.match(r"\w{0,12}[^\n:：]{0,16}[:：]", text[process.end : process.end + 30]):
            verdict, high = (
                any(0 <= hit.start - process.end <= 70 for hit in both.get(role, ())) for role in ("verdict", "high")
            )
            if verdict and high:
                return True
    if "next" in both and _any(both, "process", "high", "done"):
        return True
    for process in part.get("process", ()):
        for done in part.get("done", ()):
            gap = max(done.start - process.end, process.start - done.end)
            last = max(process.end, done.end)
            if gap > 24 or not any(0 <= hit.start - last <= 60 for hit in good):
                continue
            if "high" in both or re.match(r"\w{0,12}\s{0,2}[:：.。,،|\-–।]", text[last : last + 20]):
                return True
    return False


def _dictates(sentence: str, part: Sentence, both: Sentence, window: str) -> bool:
    high = [*part.get("high", ())]
    accept = part.get("accept", [])
    if high and _near(accept, high) and (_any(part, "this", "please", "meta") or MARKS_ME.search(sentence)):
        return True
    verdict = part.get("verdict", [])
    if (
        "please" in part
        and _near(accept, verdict, 40)
        and not _same(accept, verdict)
        and _any(part, "this", "evaluator", "modal")
    ):
        return True
    if "please" in part and not sentence.isascii() and _near(accept, verdict, 25) and not _same(accept, verdict):
        return bool(re.search(r"\d", sentence))
    asks = "output" in part and ONLY.search(sentence) and TOKEN.search(sentence)
    return bool(asks and not OR.search(sentence) and _any(both, "verdict", "ignore", "regardless", "evaluator", "meta"))


def _presses(part: Sentence, both: Sentence, window: str) -> bool:
    if _any(part, "threat") and "zero" in both and _any(both, "this", "evaluator", "meta"):
        return True
    if "threat" in part and "weak" in part and "zero" in part and not LAW.search(window):
        return True
    if "evaluator" in part and BRIBE.search(window) and _any(both, "high", "accept", "verdict", "process"):
        return True
    if (
        "authority" in part
        and "high" in both
        and _any(both, "accept", "output")
        and _any(both, "this", "meta", "evaluator", "modal", "please")
    ):
        return True
    return (
        "authority" in part
        and _any(both, "this", "evaluator")
        and "accept" in both
        and _any(both, "verdict")
        and _any(both, "modal", "please", "evaluator")
    )


def _forges(sentence: str, both: Sentence) -> bool:
    if not FORGED.search(sentence):
        return False
    score = sum(role in both for role in ("evaluator", "high", "output", "ignore", "accept", "meta", "verdict"))
    return score >= 3 or ("high" in both and score >= 2) or ("ignore" in both and score >= 2)


def _vocative(text: str, hit: Hit) -> bool:
    """Whether the evaluator is spoken to: named after "dear" or "note to", before a colon, or between commas."""
    before = text[max(0, hit.start - 40) : hit.start]
    if TO.search(before):
        return True
    if ARTICLE.search(before):
        return False
    return bool(AFTER.match(text, hit.end) or (BEFORE.search(before) and COMMA.match(text, hit.end)))


def _any(part: Sentence, *roles: str) -> bool:
    return any(role in part for role in roles)


def _near(some: list[Hit], others: list[Hit], most: int = _NEAR) -> bool:
    return any(max(a.start - b.end, b.start - a.end) <= most for a in some[:20] for b in others[:20])


def _same(some: list[Hit], others: list[Hit]) -> bool:
    """Whether all hits of one lie on those of the other."""
    return all(any(a.start < b.end and b.start < a.end for b in others[:20]) for a in some[:20])
