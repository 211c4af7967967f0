"""Sentences that state the answer: what links their subject to a value, and what is asserted of the value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from veritune.verifiers.math.extraction.assertion import (
    Status,
    alternatives,
    is_asked,
    is_conditional,
    leading_value,
    other_follows,
    replacement,
    retraction,
    status_before,
    status_of,
)
from veritune.verifiers.math.extraction.clauses import Code, Core, masked, sentence_start, take_apart
from veritune.verifiers.math.extraction.disavowed import (
    is_compared,
    is_disavowed,
    is_introduced_as_unreal,
    is_of_another,
)
from veritune.verifiers.math.extraction.languages import LANGUAGES, pattern
from veritune.verifiers.math.extraction.sentences import first_sentence, readable, refine, unemphasised
from veritune.verifiers.math.extraction.subjects import ANSWERS, DIRECT, FINAL, STEMS, TAIL, heading, link, subjects
from veritune.verifiers.math.extraction.unreal import ends_in_not, hangs_on, is_unreal, without_idiom
from veritune.verifiers.math.text.strings import names

_MAX = 4096
_ADVERBS = names(
    "for sure definitely certainly surely clearly obviously simply just indeed exactly precisely actually "
    "therefore thus then hence now really equal to equals given by of course only option choice letter either "
    "approximately about roughly around probably likely be found calculated computed as follows therefore, so "
    "still always going again without doubt undoubtedly necessarily evidently finally ultimately "
    "nur genau que seulement uniquement exactement solo sólo solamente exactamente только лишь la le el il"
)
_FURTHER = re.compile(
    r"[,;]?\s*(?:(?:which|this|and that|and this|so it)\s+(?:is|equals|gives|makes|comes to)\s+|"
    r"that\s+(?:is\s*,|gives|makes)\s+|(?:i\.e\.|namely),?\s+)",
    re.I,
)
"""``the product of 6 and 7, which is 42``: the value is behind it."""
_INVERSE = re.compile(
    r"(?<!\w)(?:is|are|was|must be|should be|would be|isn['’]t|is not|can['’]t be|cannot be|is never|is hardly|"
    r"is definitely|"
    r"is surely|might be|could be|may be|"
    r"(?:turns|turned|works|comes) out to be|proves to be|happens to be)"
    r"(?: (?:definitely|clearly|not|surely|indeed|therefore|thus|certainly))* "
    r"(?:the|our|your|my) (?:\w+ ){0,2}(?:answer|solution|result)\b(?! (?:to|of|for) (?:a|an|another|part))",
    re.I,
)
_OR_IN_BRACKETS = re.compile(r"\s*[(（]\s*(?:or|或)\s+([^()（）]*)[)）]")
"""``1/2 (or 0.5)`` names two values, as ``1/2 or 0.5`` does."""
_INSTEAD_OF = re.compile(r"(?:ではなく|じゃなく|이 아니라|가 아니라|아니라)て?[、,]?\s*(.+)$")
"""41ではなく42: the second is meant."""
_QUESTION = re.compile(
    r"吗\W*$|呢\W*$|还是|ですか|ますか|のか\W*$|だろうか|でしょうか|หรือไม่|ไหม|অবশ্য কি|కదా|అవునా|입니까|인가요"
)
"""Questions that need no question mark."""
_TURNED = re.compile(r"(?<!\w)(ist|lautet|beträgt|wäre)\s+(?:\w+\s+)?(?:die|das|unsere|meine)\s+(?:\w+\s+)?$", re.I)
"""German turns the verb before its subject: ``daher ist die Antwort 12``."""
_FRONTED = re.compile(
    r"(?:no circumstances|no means|no way|no case|never|nor|neither|nowhere|hardly)\s+(?:is|was|can|"
    r"could|will|would|should)"
    r"\s+(?:the|our|my|your|this)\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)
"""A denial in front turns the sentence: ``Under no circumstances is the answer 42``."""
_INVERTED = re.compile(
    r"(?:^|[.!?,;:\n]\s*|\b(?:so|but|then|or|and)\s+)(is|was|are|could|can|would|might|may|will|should)\s+"
    r"(?:the|our|my|your|this)\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)
"""The beginning of a question: ``Is the answer 42``."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence that speaks of the answer."""

    status: Status
    value: str
    """The value it speaks of; empty where none could be read."""
    start: int
    end: int
    name: str
    code: Code


def statements(text: str, stems: tuple[str, ...] | None = None) -> Iterator[Statement]:
    """The statements of `text`, the last first."""
    offset = max(0, len(text) - TAIL)
    tail = text[offset:]
    for start, stem in subjects(tail, stems):
        found = _statement(tail, start, stem)
        if found is not None:
            yield Statement(found.status, found.value, found.start + offset, found.end + offset, found.name, found.code)


def _statement(text: str, start: int, stem: str) -> Statement | None:
    if stem in DIRECT:
        return _judged(text, start, start + len(stem), "", "zh", "故选" if stem in ("故选", "应选") else stem)
    end = start + len(stem)
    while end < len(text) and end < start + len(stem) + 3 and text[end].isalpha() and stem.isascii():
        end += 1
    if stem.isascii() and end < len(text) and text[end].isalpha():
        return None
    if stem in ("option", "choice") and end > start + len(stem):
        return None  # options are listed, an option is chosen
    name = "the answer is" if stem.isascii() else stem
    single = stem in ANSWERS and end == start + len(stem)
    if single and is_of_another(text[sentence_start(text, start) : start], text[end : end + 40]):
        return Statement(Status.SUPPOSED, "", start, end, name, STEMS[stem][0])
    for code in STEMS[stem]:
        found = link(text, end, code) or (heading(text, end) if stem in FINAL else None)
        if found is not None:
            bridge, begin = found
            name = name if stem.isascii() else text[start:begin].strip(" :：*\n")[:16]
            return _judged(text, start, begin, bridge, code, name)
    turned = _TURNED.search(text[max(0, start - 60) : start])
    if turned is not None and "de" in STEMS[stem]:
        return _judged(text, start, end, turned[1], "de", name)
    if stem not in ("answer", "solution", "option", "choice"):
        return None
    fronted = _FRONTED.search(text[max(0, start - 80) : start])
    if fronted is not None:
        return _judged(text, start, end, "not", "en", name)
    asked = _INVERTED.search(text[max(0, start - 60) : start])
    return _judged(text, start, end, asked[1] + "?", "en", name) if asked else _inverse(text, start, end)


def _judged(text: str, start: int, begin: int, bridge: str, code: Code, name: str) -> Statement | None:
    """The statement whose subject begins at `start` and whose value begins about `begin`."""
    rest = unemphasised(text[begin : begin + _MAX])
    if text[text.rfind("\n", 0, start) + 1 : start].lstrip().startswith("|"):
        rest = rest.lstrip(" |").partition("|")[0]  # a row of a table
    lead = len(rest) - len(rest.lstrip(" :：*_\n"))
    rest = rest[lead:]
    if not rest:
        return None
    sentence = first_sentence(rest)
    after = rest[len(sentence) + 1 :]
    terminator = rest[len(sentence) : len(sentence) + 1]
    opening = sentence_start(text, start)
    before = text[opening:start]
    core = take_apart(sentence, code)
    end = begin + lead + len(sentence)
    status = status_before(before, code)
    trailing = LANGUAGES[code].trailing
    if status is Status.ASSERTED and is_conditional(before, f"{bridge} {sentence}" if trailing else bridge, sentence):
        status = Status.SUPPOSED
    instead_of = _INSTEAD_OF.search(core.value) if trailing else None
    if instead_of is not None:
        core = core._replace(value=instead_of[1], head="")
    if status is Status.ASSERTED and trailing and pattern("hearsay", code).search(core.value):
        status = Status.SUPPOSED
    further = _further(core, bridge, code) if status is Status.ASSERTED else None
    if further is not None:
        return Statement(status, further, start, end, name, code)
    if status is Status.ASSERTED:
        status = status_of(bridge, core.head, code)
    if status is Status.ASSERTED and LANGUAGES[code].trailing and pattern("denials", code).search(core.value):
        status = Status.DENIED
    if status is Status.ASSERTED and is_unreal(f"{bridge} {core.head}", sentence, code):
        status = Status.SUPPOSED
    if status is Status.ASSERTED and (
        is_disavowed(before + text[start:begin] + sentence) or is_introduced_as_unreal(before)
    ):
        status = Status.SUPPOSED
    if status is Status.ASSERTED and hangs_on(core.value[len(core.head) :] + core.rest, code):
        status = Status.SUPPOSED
    if status is Status.ASSERTED and (ends_in_not(sentence) or is_compared(core.value[len(core.head) :])):
        status = Status.DENIED
    if status is Status.ASSERTED and other_follows(after, code):
        status = Status.HEDGED
    if status is Status.ASSERTED and alternatives(core.value[len(core.head) :], core.rest, code):
        status = Status.HEDGED
    if is_asked(after, terminator) or _QUESTION.search(sentence) or (bridge.endswith("?") and is_asked(after, "?")):
        status = Status.ASKED
        denied = retraction(after[:200], core.value, code)
        instead = replacement(after[denied:], code) if denied is not None else None
        if instead:
            return Statement(Status.ASSERTED, instead, start, end, name, code)
    if status is Status.DENIED and not bridge.strip(" :：*_") and len(core.head.split()) > 3:
        return Statement(Status.ASSERTED, sentence, start, end, name, code)  # a sentence: ``it is not possible to …``
    if status is Status.DENIED:
        instead = replacement(core.rest, code) or replacement(after, code)
        return Statement(
            Status.ASSERTED if instead else status, instead or _bare(core.value, core.head), start, end, name, code
        )
    if sentence.endswith("!!") and terminator == "!":
        core = core._replace(value=core.value.rstrip("!"))
    core = core._replace(value=without_idiom(_plain_value(core.value, code), code))
    value = refine(_whole_value(rest, sentence, _without_adverbs(core.value, core.head), core.head)) or ""
    if status is not Status.ASSERTED:
        return Statement(status, value, start, end, name, code)
    conceded = pattern("concessions", code).match(core.rest.lstrip(" ,;，；(（—–-")) is not None
    taken = None if conceded else retraction(core.rest, value, code)
    if taken is not None:
        instead = replacement(core.rest[taken:], code)
    else:
        taken = retraction(after, value, code)
        instead = replacement(after[taken:], code) if taken is not None else None
    if taken is None:
        return Statement(status, value, start, end, name, code)
    if instead is None:
        return Statement(Status.DENIED, value, start, end, name, code)
    return Statement(Status.ASSERTED, instead, start, end, name, code)


def _further(core: Core, bridge: str, code: Code) -> str | None:
    """The value behind an expression in words: ``the product of 6 and 7, which is 42``; ``half of 10, that is, 5``."""
    if _without_adverbs(core.value, core.head) != core.value or (not core.head and readable(core.value)):
        return None
    found = _FURTHER.match(core.rest)
    if found is None or any(pattern(row, code).search(f"{bridge} {core.head}") for row in ("denials", "hedges")):
        return None
    second = take_apart(core.rest[found.end() :], code)
    doubted = alternatives(second.value, second.rest, code) or hangs_on(second.value + second.rest, code)
    return None if second.head.strip() or not second.value or doubted else second.value


def _whole_value(rest: str, sentence: str, value: str, head: str) -> str:
    """What is read as the answer: the value without the comments behind it; displayed formulas as they stand."""
    if rest.startswith(("$$", "\\[", "\\begin")):
        return rest
    if any("\u4e00" <= c <= "\u9fff" for c in sentence) and value == sentence.rstrip(" ,;，；、—–-"):
        return rest
    return value.removesuffix(" or").removesuffix(" and") if value else head


def _without_adverbs(value: str, head: str) -> str:
    """``for sure D`` is ``D``; words that change the value (negative, half of, at least) stay."""
    said = head.lower().replace(",", " ").split()
    return value[len(head) :] if said and all(word in _ADVERBS for word in said) else value


def _plain_value(value: str, code: Code) -> str:
    """A value without what ends its sentence (42です) and without words between equals (42 or, equivalently, 84/2)."""
    if LANGUAGES[code].tails:
        tail = re.search(rf"['’]?\s*(?:{LANGUAGES[code].tails})\s*$", value)
        value = value[: tail.start()] if tail and tail.start() > 0 else value
    value = _OR_IN_BRACKETS.sub(r" or \1", value.removeprefix("that ") if code == "en" else value)
    return re.sub(r"\bor,?\s*(?:equivalently|in other words|that is|alternatively),?\s+", "or ", value)


def _bare(value: str, head: str) -> str:
    return value[len(head) :].strip()


def _inverse(text: str, start: int, end: int) -> Statement | None:
    """``7 is the answer``: the value stands before the verb."""
    opening = sentence_start(text, start)
    sentence = text[opening:end]
    found = _INVERSE.search(masked(sentence))
    if found is None or opening + found.end() < end - 1:
        return None
    said = sentence[: found.start()]
    clause = re.split(r"[,;:]\s", said)[-1]
    value = leading_value(clause, "en")
    if not value or any(pattern(row, "en").search(clause) for row in ("denials", "hedges")):
        return None
    after = text[end : end + 700]
    status = status_before(
        said[: len(said) - len(clause)] + clause[: clause.find(value)] if value in clause else "", "en"
    )
    if status is Status.ASSERTED:
        status = status_of(found[0], "", "en")
    if is_asked(after[1:], after[:1]):
        status = Status.ASKED
    if status is Status.ASSERTED and retraction(after, value, "en") is not None:
        status = Status.DENIED
    return Statement(status, value, start, end, "the answer is", "en")


def asserted(text: str, stems: tuple[str, ...] | None = None) -> tuple[Statement | None, bool]:
    """The last statement whose value stands, and whether the answer was spoken of at all.

    A value that is later denied, or beside which another is later held possible, does not stand.
    """
    spoken = False
    refused: list[str] = []
    for statement in statements(text, stems):
        spoken = True
        if statement.status is Status.ASSERTED and statement.value:
            plain = _plain(statement.value)
            if any(plain == other or not other for other in refused):
                return None, True
            return statement, True
        if statement.status in (Status.DENIED, Status.HEDGED):
            refused.append(_plain(statement.value) if statement.status is Status.DENIED else "")
    return None, spoken


def _plain(value: str) -> str:
    return value.strip(" $*\\()[].").replace(" ", "") or "?"
