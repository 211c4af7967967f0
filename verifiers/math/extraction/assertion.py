"""What a sentence says of a value: asserts, denies, doubts, supposes, asks or takes it back."""

from __future__ import annotations

import functools
import re
from enum import Enum

from veritune.verifiers.math.extraction.clauses import Code, clause_start, has_value, sentences, take_apart
from veritune.verifiers.math.extraction.languages import LANGUAGES, pattern, tokens, words
from veritune.verifiers.math.text.strings import names


class Status(Enum):
    """How a value is meant."""

    ASSERTED = "asserted"
    DENIED = "denied"
    HEDGED = "hedged"
    SUPPOSED = "supposed"
    ASKED = "asked"


_WE = re.compile(
    r"(?<!\w)(?:i|we|let us|let me|let['’]s|you can|one can|nous|je|wir|ich|yo|я|мы|我|我们)\W+(?:\w+\W+)?$", re.I
)
"""First persons: "I think the answer is 7" asserts it."""
_PAST = words("thought|guessed|expected|dachte|pensaba|pensé|pensais|думал|думала|pensavo|nilidhani")
IFS = words(
    "if|suppose|supposing|assuming|without|otherwise|unless|imagine|wenn|falls|sonst|si|sans|sinon|se|если|иначе|kama|"
    "ikiwa",
    "如果|假如|假设|倘若|要是|若是|否则|もし|仮に|ถ้า|หาก|যদি|ఒకవేళ|만약|यदि|अगर|لو|إذا",
)
WERE = words("were|had")
_TURNED_IF = re.compile(r"(?:^|[,;.:]\s*)(?:were|had)(?!\w)", re.I)
"""A supposition that turns its verb: ``Had he paid 5 …``."""
_IRREALIS = words(
    "would|could|might|wäre|würde|serait|sería|sarebbe|seria|бы|ingekuwa|lingekuwa",
    "会是|就是|就会|便是|将是|だろう|でしょう|なら|ば|จะ|হবে|হত|అవుతుంది|होगा|होता",
)
BEEN = words("would have been")
_WAS, UNTIL = words("was"), words("before|until")
_WRONG_PRONOUN = re.compile(
    r"\W*(?:(?:wait|hmm+|oh|but|no|actually|however|hold on|well|sorry|so|then|and|except)\W+){0,4}"
    r"(?:that|this|it|which|my answer|the above|the answer above|this answer|that answer)(?:['’]s| is| was|"
    r" can['’]?t| cannot| looks| feels|"
    r" seems| must| has to| would| isn['’]t| doesn['’]t)(?: [a-z]+){0,3}? "
    r"(?:wrong|incorrect|false|right|correct|true|a mistake|an error|mistaken|off|work|fit)(?!\w)",
    re.I,
)
_FLAT_NO = re.compile(
    r"(?:\w+ing(?: \w+)?, )?(?:(?:i|we) (?:was|were) (?:wrong|mistaken)|(?:that|this|it) (?:cannot|can['’]t) be|"
    r"(?:i|we) reject (?:that|this|it))(?=\s*(?:[.!;:—–-]|\n|$))",
    re.I,
)
"""A whole sentence that takes back what stands before it: ``that cannot be.``, ``checking again, I was wrong.``"""
_CLAUSE_OF_ITS_OWN = re.compile(r"\s+(?:that|to say)\b", re.I)
"""Behind ``it is false``: what is false is another clause, not what was said before."""
_LEADING = re.compile(
    r"^\W*(?:(?:wait|hmm+|hm|oh|but|well|and|actually|hold on|um|uh|ah|so|等等|等一下)\W+){1,4}", re.I
)
_ONLY = words(
    "only|nur|que|solo|sólo|solamente|только|лишь|tu|pekee|só|apenas|nothing but|none other than",
    "只|唯|だけ|しか|เท่านั้น|শুধু|만",
)
"""It may be this value and no other: that asserts it."""
_BOUND = re.compile(
    r"(?<!\w)(?:divisible by|congruent to|proportional to|coprime (?:to|with)|"
    r"at least|at most|no (?:more|less|fewer) than|up to|exceeds?|under|over|above|below|"
    r"the negative|negative of|(?:(?:the )?(?:opposite|"
    r"inverse|reciprocal|square|cube|double|complement|negation|successor|predecessor|remainder|"
    r"multiple|divisor|factor|"
    r"half|third|quarter|root|logarithm)(?: of)?|twice|thrice))\s*$|(?:至少|至多|不少于|最多|相反数|倒数|一半|两倍)$",
    re.I,
)
"""Words right before a number that make it another value, or a bound."""
_THAT = re.compile(
    r"\W*(?:that|what|что|dass|daß|que|qu['’]|che|kwamba)\W*(?:the|our|die|das|la|le|el|a|o|l['’])?\W*$", re.I
)
_ENDS_IN_THAT = re.compile(r"(?<!\w)that\W+(?:the|our|my|your|its?)?\W*$")
_NOT_ONLY = re.compile(r"(?<!\w)(?:pas|jamais|plus|guère)(?!\w)", re.I)
"""``ne peut être que 42`` says that it is 42, ``ne peut pas être que 42`` does not."""
_LITOTES = re.compile(
    r"(?:no|without|beyond|any) (?:doubt|question)|(?:not|n['’]t|never) doubt|"
    r"not (?:hard|difficult|surprising)|n['’]t (?:hard|difficult)|"
    r"zweifellos|без сомнения|sans (?:aucun )?doute|sin duda",
    re.I,
)
"""Denials that assert: ``there is no doubt that``."""
_EXEMPT = words(
    "not surprisingly|not unexpectedly|not coincidentally|without doubt|without any doubt|without a doubt|no doubt|"
    "none other than|nothing but|nothing else than|no less than exactly"
)
_IMPERATIVE = re.compile(
    r"\W*(?:(?:please|now|next|so|to)\s+)?(?:let|prove|show|verify|check|demonstrate|say|test)(?!\w)", re.I
)
"""What is to be shown is not yet said."""
_BUT = words(
    "but|however|yet|aber|mais|pero|но|lakini|ma|mas",
    "但|然而|不过|可是|しかし|แต่|কিন্তু|కానీ|लेकिन|لكن",
)
_CUE = re.compile(
    r"\W*(?:wait|hm+|actually|edit|update|rather|or rather|let me (?:redo|correct|fix|recompute|"
    r"recalculate|rephrase)[^.:,]{0,30})"
    r"\s*[,:.—–-]+\s*",
    re.I,
)
"""A word that only corrects where a value follows it at once: ``wait, 43``."""
_YES = re.compile(r"\W*(?:yes|yep|indeed|correct|right|exactly|ja|oui|sí|да|是的|对|没错|はい|ndiyo)\b", re.I)
_SHORT_NO = re.compile(
    r"^(?:no|nope|not|nah|nay|negative|hardly|nein|nicht|non|pas|faux|falso|нет|não|hapana|لا|না|न)$", re.I
)
_FILLERS = names(
    "i i'd i’d go with would say choose pick take definitely certainly surely clearly obviously "
    "exactly precisely makes "
    "gives get about approximately "
    "it its it's it’s is that's that’s that this these are should must be been has have to actually really "
    "instead rather but the answer correct right value true so then therefore thus equals i mean meant make or "
    "wait no sorry correction a of course final in fact only can will just simply rightly real result number "
    "solution choice option get gives sondern es ist das die der richtige richtig antwort lautet sollte sein "
    "eigentlich korrekt vielmehr mais c'est c’est plutôt la le bonne réponse est en fait vraie sino respuesta "
    "correcta que más bien realidad el son а это правильный ответ на самом деле равен верный bali ni jibu sahihi "
    "ma bensì è risposta corretta giusta mas sim é resposta correta"
)
_FILLING = re.compile(
    r"(?:而是|应该是|应当是|应为|就是|其实|实际上|正确|答案|结果|而|应|是|为|的|：|:|，|,|\s|実際|"
    r"正しくは|正解は|答えは|は|بل|هي|الصحيحة|বরং|উত্তর|হল|হলো|సరైన|సమాధానం|แต่|คือ|เป็น"
    r"|बल्कि|सही|उत्तर|है|정답은|답은)*"
)


def status_before(before: str, code: Code) -> Status:
    """What the sentence up to its subject makes of what follows: ``I doubt that the …``, ``Many think the …``."""
    clause = before[clause_start(before) :]
    if code == "th":
        clause = clause.split(" ")[-1]  # Thai ends its sentences with a space
    if _THAT.fullmatch(clause) and len(clause) < len(before):
        clause = before[clause_start(before[: len(before) - len(clause)].rstrip(" ,，;:")) :]  # …, that the
    if code in ("de", "ru", "pl") and len(clause) < len(before) and len(clause.split()) <= 1:
        clause = before[clause_start(before[: len(before) - len(clause)].rstrip(" ,")) :]  # Viele glauben, die …
        if not pattern("hearsay", code).search(clause):
            return Status.ASSERTED
    status = _status_within(clause, code)
    return Status.ASSERTED if status is not Status.ASSERTED and _LITOTES.search(clause) else status


def _status_within(clause: str, code: Code) -> Status:
    if _IMPERATIVE.match(clause):
        return Status.SUPPOSED
    if not clause.strip(" *_#>"):
        return Status.ASSERTED
    said = pattern("hearsay", code).search(clause)
    if said is not None and (_PAST.search(said[0]) or not _WE.search(clause[: said.start()])):
        return Status.SUPPOSED
    if pattern("suppositions", code).search(clause) or pattern("wrong", code).search(clause):
        return Status.SUPPOSED
    if pattern("denials", code).search(clause) and _ENDS_IN_THAT.search(clause):
        return Status.SUPPOSED
    if pattern("hedges", code).search(clause):
        return Status.HEDGED
    return Status.ASSERTED


def is_conditional(before: str, link: str, after: str) -> bool:
    """Whether the sentence says what the answer would be if something else were so, or is then said not to be so."""
    if BEEN.search(link):
        return True
    if _WAS.search(link) and UNTIL.search(after):
        return True
    but = _BUT.search(after)
    if but and (_supposes(before) or "若" in before) and pattern("denials", "").search(after[but.end() :]):
        return True
    if not _IRREALIS.search(link):
        return False
    return _supposes(before) or _supposes(after)


def _supposes(clause: str) -> bool:
    if IFS.search(clause) is not None:
        return True
    return WERE.search(clause) is not None and _TURNED_IF.search(clause) is not None


def status_of(bridge: str, core_head: str, code: Code) -> Status:
    """What the words between a subject and its value make of the value: ``is definitely not``, ``might be``."""
    bridge, core_head = _EXEMPT.without(bridge), _EXEMPT.without(core_head)
    if _BOUND.search(core_head.rstrip(" $*")):
        return Status.DENIED
    only = _ONLY.search(bridge + " " + core_head) is not None
    spaced = LANGUAGES[code].spaced
    for part in (bridge, core_head):
        if any(_governs(part, m, spaced) for m in pattern("denials", code).finditer(part)) and not (
            only and (code == "ja" or (code == "fr" and not _NOT_ONLY.search(bridge)))
        ):
            return Status.DENIED
        if any(_governs(part, m, spaced) for m in pattern("hedges", code).finditer(part)) and not only:
            return Status.HEDGED
    return Status.ASSERTED


def _governs(part: str, found: re.Match[str], spaced: bool) -> bool:
    """Whether a word of denial or doubt between a subject and its value speaks of the value.

    It stands near the value or right behind the subject; ``the number of points that are not on it is`` denies nothing.
    """
    if not spaced or len(part[found.end() :].split()) <= 3:
        return True
    return not part[: found.start()].strip(" *_,")


def is_asked(after: str, terminator: str) -> bool:
    """Whether the sentence ends in a question mark that no "yes" follows."""
    return terminator in ("?", "？", "؟") and terminator != "" and _YES.match(after) is None


def alternatives(value: str, rest: str, code: Code) -> bool:
    """Whether another value is held open behind the first: ``7, or maybe 8``, ``7 (possibly 8)``."""
    hedge = pattern("hedges", code)
    if hedge.search(value):
        return True
    stretch = rest.lstrip(" ,;，；、(（—–-")
    if hedge.match(stretch.removeprefix("or ").removeprefix("或").removeprefix("或者")) is not None:
        return True
    if re.match(r"unless(?!\w)", stretch, re.I):
        return True
    return any(_LINKED.match(stretch[found.end() :]) for found in hedge.finditer(stretch))


_LINKED = re.compile(r"\W*(?:(?:also|well|be|been|being|equal|to|sein|être|ser|是|为)\W+)*[$\\(]*[\d\\]", re.I)
_OTHERWISE = re.compile(
    r"\W*(?:or|alternatively|maybe|perhaps|possibly|or else|or maybe|或者?|也许|可能|oder|ou|o|или)\W+", re.I
)


def doubts(following: str) -> bool:
    """Whether a hedge with these words behind it speaks of the value that comes at once."""
    return _LINKED.match(following) is not None


def other_follows(after: str, code: Code) -> bool:
    """Whether the next sentence offers another value: ``Or 43.``, ``Maybe it is 43.``"""
    other = _OTHERWISE.match(after)
    if other is None:
        return False
    clause = next(sentences(after[other.end() :], 1), "").strip(" .。!?")
    return leading_value(clause, code) is not None


def retraction(after: str, value: str, code: Code) -> int | None:
    """Where behind a statement it is taken back, in `after`: the index behind the words that do it; None if nowhere."""
    at = 0
    if not may_retract(after[:700], code):
        return None
    for sentence in sentences(after[:700]):
        begin = after.index(sentence, at)
        at = begin + len(sentence)
        stripped = _LEADING.sub("", sentence) if _LEADING.match(sentence) else sentence.lstrip(" \n*_>#-—–,;.:(")
        offset = begin + len(sentence) - len(stripped)
        for language in dict.fromkeys((code, "en")):
            found = pattern("retractions", language).match(stripped)
            if found is None:
                continue
            following = stripped[found.end() :][:2]
            if (
                _SHORT_NO.match(found[0])
                and LANGUAGES[language].spaced
                and following.strip()[:1] not in (*",.!—–-;:", "")
            ):
                continue
            return offset + found.end()
        cue = _CUE.match(sentence)
        if cue is not None and leading_value(re.split(r"[,;:]\s", sentence[cue.end() :])[0].strip(" .!"), code):
            return begin + cue.end()
        flat = _FLAT_NO.match(stripped)
        if flat is not None:
            return offset + flat.end()
        denied = _WRONG_PRONOUN.match(sentence)
        clause = denied is not None and _CLAUSE_OF_ITS_OWN.match(sentence[denied.end() :]) is not None
        if denied is not None and is_negative(sentence[: denied.end()]) and not clause:
            return begin + denied.end()
        if _says_wrong(sentence, value, code):
            return at
    return None


def may_retract(after: str, code: Code) -> bool:
    """Whether `after` holds a word at all that a retraction could begin or consist of."""
    keys = _retracting(code)
    return not after.isascii() or not keys or not keys.isdisjoint(tokens(after)) or "hm" in after.lower()


@functools.lru_cache(maxsize=64)
def _retracting(code: Code) -> frozenset[str]:
    """The words of every rule of :func:`retraction`; empty where a rule has no such words."""
    rows = [pattern("retractions", code), pattern("retractions", "en"), pattern("wrong", code)]
    if not all(row.guarded for row in rows):
        return frozenset()
    return frozenset().union(_RETRACTING, *(row.keys for row in rows))


_RETRACTING = names(
    "wait actually edit update rather let cannot can't can’t reject wrong incorrect false right correct true mistake "
    "error mistaken off work fit"
)


_BAD = re.compile(r"mistake|\berror|\boff\b|reject|discard|rule|\ba (?:lie|joke)\b|nonsense|made up")


def is_negative(said: str) -> bool:
    """``that is wrong``, ``it can't be right``, ``is not the answer``; not ``that is right``."""
    low = said.lower().replace("’", "'")
    bad = pattern("wrong", "").search(low) is not None or _BAD.search(low) is not None
    negated = (
        re.search(r"\bnot\b|n't\b|cannot|cant\b|never|hardly|\bnicht\b|\bpas\b|\bno\b|\bnon\b|\bне\b|不", low)
        is not None
    )
    good = (
        re.search(r"right|correct|true|answer|fit|work|possible|richtig|korrekt|juste|correct|верн|正确|对|答案", low)
        is not None
    )
    return bad or (negated and good)


def _says_wrong(sentence: str, value: str, code: Code) -> bool:
    """A short sentence that calls the value, or nothing else, wrong."""
    if len(sentence.split()) > 9 or len(sentence) > 80:
        return False
    wrong = pattern("wrong", code).search(sentence)
    if wrong is None or re.search(
        r"(?:not|n['’]t|nothing|nothing (?:is|was)|never)\s+$", sentence[: wrong.start()], re.I
    ):
        return False
    bare = value.strip(" $*\\()[]{}.")
    if re.search(r"\d", sentence):
        return bool(bare) and bare in sentence
    return len(sentence.split()) <= 2 or _pronominal(sentence) or (bool(bare) and bare in sentence)


def _pronominal(sentence: str) -> bool:
    low = sentence.lower()
    return (
        re.search(
            r"(?<!\w)(?:that|this|it|everything|all of|das|dies|es|c['’]est|cela|ça|eso|esto|это|hiyo|hilo|"
            r"questo|isso)(?!\w)|"
            r"这|那|上面|それ|これ|এটা|এটি|అది|ఇది|นั่น|นี่|यह|वह|هذا|هذه|그",
            low,
        )
        is not None
    )


def replacement(after: str, code: Code) -> str | None:
    """The value that is put in the place of one that was denied or taken back: ``… but 8``, ``it's 8``, ``8``."""
    for sentence in sentences(after[:400], 3):
        for clause in re.split(r"[,;，；、—–](?=\s|[^\d\s])|[.。:：](?=\s|$)", sentence.strip(" \n.。!,;:—–-*_")):
            found = leading_value(clause, code)
            if found:
                return found
    return None


def leading_value(clause: str, code: Code) -> str | None:
    """The value behind words that only introduce it: ``it should be 8`` is ``8``; None where other words do."""
    clause = clause.strip(" \n*_:：,.")
    core = take_apart(clause, code)
    introduced = core.head.lower()
    if not has_value(core.value) or not core.value[len(core.head) :].strip():
        return None
    if pattern("denials", code).search(introduced) or pattern("hedges", code).search(introduced):
        return None
    words = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", introduced)
    spaced = [w for w in words if w not in _FILLERS]
    if spaced and _FILLING.sub("", "".join(spaced)):
        return None
    return core.value[len(core.head) :].strip()
