"""What a text stands by: without what it asks, doubts, denies or takes back, for every kind of puzzle alike.

Words that take back are those of :mod:`veritune.verifiers.math.extraction.assertion`; what is added here are the ways
in which puzzles fail ("it does not work", "this is a contradiction").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from veritune.verifiers.math.extraction.assertion import retraction
from veritune.verifiers.math.extraction.declarations import language_of

MARK = "◆"
"""Stands for an answer that is read elsewhere (a box, a tag) in the text around it."""


@dataclass(frozen=True)
class Asserted:
    """What is left of a text; ``why`` something was left out, empty where nothing was."""

    text: str
    why: str = ""
    refuted: bool = False
    """Taken back by a finding ("that is a contradiction") alone, which may be about a case that was only tried."""


_LINE = re.compile(r"[^\n]+")
_BREAK = re.compile(
    r"(?<=[.!?。！？])[\"'”’)*_]*\s+|(?<=[。！？])|;\s+|"
    r"[,;:—–-]*\s+(?=(?:but|so|however|although|though|yet|hence|therefore|thus|because|since)\b)|,\s+(?=which\b|no\s*[.;!])|"
    r"\s(?:—|–|--?)\s(?=[a-z])",
    re.IGNORECASE,
)
_ASKS = re.compile(r"(?:[^\W\d_]{2}.*|=.*)\S\s?[?？][\"'”’)*_\s]*$", re.DOTALL)
_DOUBTS = re.compile(
    r"\b(?:maybe|perhaps|possibly|(?:might|may|could) (?:be|work|have|equal|give)|i (?:guess|wonder)|not sure|unsure|"
    r"i am guessing|i'm guessing|vielleicht|peut-être|quizás?|tal vez|forse|talvez)\b|也许|可能是|或许",
    re.IGNORECASE,
)
_NEGATION = r"(?:not|never|hardly|cannot|n['’]t|cant|dont|doesnt|isnt|no longer)"
_GOOD = (
    r"(?:correct|right|valid|true|a solution|the solution|the answer|an answer|my answer|my solution|what|it|possible|"
    r"allowed|consistent|acceptable|good|legal|permitted)"
)
_BAD = re.compile(
    rf"\b{_NEGATION}\s+(?:\w+ly\s+|quite\s+|actually\s+|even\s+|seem to\s+)?(?:be\s+|look\s+|seem\s+)?"
    rf"(?:a |an |the |my |our )?(?:\w+\s+)?{_GOOD}(?!\w)|"
    rf"\w{_NEGATION}\s+(?:\w+ly\s+|quite\s+|even\s+|seem to\s+)?(?:be\s+)?(?:a |an |the |my )?(?:\w+\s+)?{_GOOD}(?!\w)|"
    r"(?:\b(?:not|never|cannot)|n['’]t|\bdont|\bdoesnt)\s+(?:\w+\s+)?(?:works?|solved?|holds?|satisf\w+|equals?|gives?|"
    r"makes?|reach|fits?|yield|add up|check out|obey|respect|follow|count)\b|"
    r"\b(?:fails?|failed|failing|violat\w+|contradict\w*|inconsistent|impossible|invalid|incorrect|wrong|untrue|"
    r"mistaken|nonsense|absurd|discarded|rejected|ruled out|uses? (?:the )?\w+ (?:twice|two times|more than once)|"
    r"a mistake|an error|falsch|faux|incorrecto|falso)\b|"
    r"(?:\b(?:is|are|was|were|be|all|completely|simply)|['’]s)\s+(?:\w+ly\s+)?false\b",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\b(?:no|not|never|without|avoid\w*|isn['’]t|aren['’]t|doesn['’]t|don['’]t|didn['’]t|nor|any|cannot|can['’]t|"
    r"nothing|none|neither)\s+(?:\w+\s+){0,3}?(?:fails?|violat\w+|contradict\w*|inconsisten\w+|impossible|invalid|"
    r"incorrect|wrong|false|untrue|mistaken|mistake|error)|"
    rf"\b{_NEGATION}\s+(?:only|just|all|merely|the only)\b|"
    r"\bfalse statement\b|\b(?:true|right|correct) (?:and|or|nor) |"
    r"\b(?:violat\w+|contradict\w*|breaks?|fails?)\s+(?:no|none|nothing|neither)\b|"
    r"\b(?:claims?|statements?|says?|said)\b",
    re.IGNORECASE,
)
"""Words beside which a bad word refutes nothing: no contradiction, not the only solution, whose statement is false."""
_PRONOUN = re.compile(
    r"^\W*(?:(?:but|so|and|yet|however|although|though|wait|hmm+|oh|no|well|actually|sorry|unfortunately|oops|still|"
    r"clearly|then|also|because|since|alas|in fact|"
    r"on (?:second thought|reflection|checking))\b\W*){0,4}"
    r"(?:(?:(?:that|this|it|which|these|those|they|the above|all of (?:this|that|it)|everything|"
    r"(?:this|that|the|my) (?:\w+ )?(?:answer|solution|grid|assignment|colou?ring|attempt|expression|result|"
    r"arrangement|one|reasoning|conclusion))\b)|"
    r"(?:is|are|was|does|do|did|fails?|failed|cannot|can['’]t|not|wrong|incorrect|false|invalid|impossible|contradiction|"
    r"a contradiction|doesn['’]t|isn['’]t|don['’]t|violates|contradicts|uses?)\b)",
    re.IGNORECASE,
)
_NOT_THE_MARK = re.compile(
    rf"(?:\b{_NEGATION}|n['’]t|≠|!=|\bexcept|\bother than)\W*(?:\w+\W+){{0,2}}{MARK}", re.IGNORECASE
)
_GIVES_UP = re.compile(
    r"\b(?:i|we) (?:give up|gave up|am stuck|are stuck|take (?:it|that|this) back|retract|withdraw|"
    r"(?:do not|don['’]t|cannot|can['’]t|could not|couldn['’]t) (?:know|tell|say|solve|find|figure|work|decide|"
    r"determine))\b|\b(?:scratch|strike|ignore|disregard|forget|undo|cancel) (?:that|this|it|the above|all of)\b|"
    r"\bnever ?mind\b|\bjust kidding\b|\bkidding\b",
    re.IGNORECASE,
)
_OWN_CLAUSE = re.compile(
    r"\b(?:impossible|wrong|false|incorrect|contradict\w*|not (?:true|possible|the case))\s+"
    r"(?:that|for|to|with|since)\b",
    re.I,
)
_OPENS = re.compile(
    r"\b(?:if|suppos\w+|assum\w+|consider|imagine|try|tried|trying|tries|attempt\w*|say|case|when|otherwise|instead|"
    r"alternatively|were|would|could|another|initially|at first|says?|said|claim\w*|"
    r"stat(?:es?|ed|ing|ements?))\b|如果|假设",
    re.IGNORECASE,
)
"""Begins something that is only tried, or that others said: what is refuted behind it is that."""
_CLOSES = re.compile(r"\b(?:so|therefore|thus|hence|answer|conclusion|finally|must)\b|因此|所以", re.IGNORECASE)
_SUPPOSES = re.compile(r"\b(?:if|would|were|otherwise|because|since|as)\b|如果", re.IGNORECASE)
_CUES = re.compile(
    rf"[?？]|≠|!=|except|other than|{_DOUBTS.pattern}|{_NEGATION}\b|{_GIVES_UP.pattern}|"
    r"\b(?:fail|violat|contradict|inconsisten|impossible|"
    r"invalid|incorrect|wrong|false|untrue|mistake|nonsense|absurd|discard|reject|ruled|error|falsch|faux|incorrecto|"
    r"falso|twice|two times|more than once|wait|actually|hold on|oops|no\b|nope|correction|sorry)|[^\x00-\x7f]",
    re.IGNORECASE,
)


def asserted(text: str) -> Asserted:
    """The text without where it asks, doubts or denies, and where what it said is taken back behind."""
    if not _CUES.search(text):
        return Asserted(text)
    units = list(_units(text))
    kinds = _kinds(text, units)
    gone = [False] * len(units)
    why, refuted = "", True
    for number, (start, end) in enumerate(units):
        unit = text[start:end]
        kind = kinds[number]
        if kind is None:
            continue
        asked = number > 0 and _ASKS.search(text[slice(*units[number - 1])]) is not None
        gone[number] = True
        if kind == "withdraws" or kind == "refutes":
            if not asked:
                first = _scope(text, units, number)
                gone[first:number] = [True] * (number - first)
                refuted = refuted and kind == "refutes"
            why = "what it gives is taken back"
        else:
            refuted = refuted and kind == "asks"
            why = why or {"asks": "what it gives is asked", "doubts": "what it gives is doubted"}.get(
                kind, "it says what the answer is not"
            )
        if unit.rstrip(" *_").endswith((":", "：")):  # it speaks of what stands below it
            below = re.compile(r"\s*(?:\S[^\n]*\n?)+").match(text, end)
            for later, (begin, _) in enumerate(units[number + 1 :], number + 1):
                gone[later] = gone[later] or (below is not None and begin < below.end())
    if not why:
        return Asserted(text)
    kept: list[str] = []
    at = 0
    for (start, end), out in zip(units, gone, strict=True):
        if out:  # one space, since long runs of them are slow to read
            kept.append(text[at:start] or " " * (not kept or kept[-1] != " "))
            at = end
    kept.append(text[at:])
    return Asserted("".join(kept), why, refuted)


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Sentences and the clauses that "but" or "so" begins, within a line."""
    for line in _LINE.finditer(text):
        at = line.start()
        for found in _BREAK.finditer(text, line.start(), line.end()):
            if found.start() > at:
                yield at, found.start()
                at = found.start()
        if line.end() > at:
            yield at, line.end()


def _kinds(text: str, units: list[tuple[int, int]]) -> list[str | None]:
    """How each unit takes something from the answer; the words that only our tables know are looked for in the last."""
    found: list[str | None] = []
    tabled = _MOST
    for start, end in reversed(units):
        unit = text[start:end]
        if len(unit) > 1000 or not _CUES.search(unit):
            found.append(None)
        elif MARK not in unit and not _WORD.search(unit):
            found.append("asks" if _ASKS.search(unit) else None)
        else:
            found.append(_kind(unit, tabled > 0))
            tabled -= 1
    return found[::-1]


_MOST = 200
"""Units of a text that the tables of all languages are asked about."""
_WORD = re.compile(r"[^\W\d_]{2}|不|错")


_TURNS = re.compile(
    r"\W*(?:wait|hmm+|no|nope|actually|oops|sorry|correction|on second thought|hold on)(?!\w)|\W", re.IGNORECASE
)


def _kind(unit: str, tabled: bool) -> str | None:
    """How a unit takes something from the answer; None where it does not."""
    bare = unit.strip(" \t*_>#-—–,;.")
    if _ASKS.search(unit):
        return "asks"
    if _GIVES_UP.search(bare):
        return "withdraws"
    if _SUPPOSES.search(bare) and not _PRONOUN.match(bare):
        return None
    if tabled and (_TURNS.match(bare) or not bare.isascii() or _PRONOUN.match(bare)):
        taken = retraction(bare, "", language_of(bare))
        if taken is not None and not _HARMLESS.search(bare) and not _OWN_CLAUSE.search(bare):
            return "withdraws"
    if _BAD.search(bare) and not _HARMLESS.search(bare):
        alone = _PRONOUN.match(bare) is not None and not _OWN_CLAUSE.search(bare)
        return "refutes" if alone and not bare.endswith((":", "：")) else "denies"
    if _NOT_THE_MARK.search(bare):
        return "denies"
    return "doubts" if _DOUBTS.search(bare) else None


def _scope(text: str, units: list[tuple[int, int]], number: int) -> int:
    """The first unit that is taken back: where what is only tried begins, else the first of all."""
    for before in range(number - 1, max(number - 12, -1), -1):
        unit = text[slice(*units[before])]
        if _OPENS.search(unit):
            return before
        if _CLOSES.search(unit):
            break
    return 0
