"""Whether a text claims a gold as its answer, or denies it, doubts it, or names it among others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from veritune.verifiers.facts import contrast
from veritune.verifiers.facts.contrast import MARK
from veritune.verifiers.facts.normal import spaceless, spelt
from veritune.verifiers.math.extraction.assertion import Status, status_before
from veritune.verifiers.math.extraction.declarations import language_of
from veritune.verifiers.math.extraction.extract import taken_back
from veritune.verifiers.math.extraction.languages import pattern
from veritune.verifiers.math.text.strings import names


class Claim(Enum):
    """How a gold is mentioned."""

    ABSENT = "it is not named"
    STATED = "it is named"
    DENIED = "it is named and denied"
    DOUBTED = "it is named as one of several, or in doubt"
    UNCLEAR = "whether it is meant cannot be told"


class Found(NamedTuple):
    claim: Claim
    why: str = ""


_SENTENCE = re.compile(r"[^.!?。！？\n]*(?:\.(?!\s|$)[^.!?。！？\n]*)*(?:[.!?。！？]+|\n|$)")
_CLAUSE = re.compile(
    r"[,;:，；：—–()（）]|\s-\s|(?<!\w)(?:but|while|whereas|although|though|sondern|sino|mais|aber|pero|rather|maar|lecz|ale|utan|men|ma|mas|tetapi|melainkan|ama|fakat|hanem|vaan|ci|nego|αλλά|mà|а|но)(?!\w)|但|而是|而"
)
_OR = re.compile(
    r"(?<!\w)(?:or|either|maybe|perhaps|possibly|alternatively|"
    r"one of(?=\s*:|\s+the\s+following|\s+these)|could be|might be|may be|oder|ou|o|или|ya da)(?!\w)|或|"
    r"可能|也许|または|もしくは|かもしれない|(?<=\w)\s*[/|]\s*(?=\w)",
    re.IGNORECASE,
)
_AND = re.compile(r"(?<!\w)(?:and|und|et|y|e|и|&)(?!\w)|和|以及|と", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"\s*(?:[,;/|，；、]|(?<!\w)(?:and|or|und|oder|et|ou|y|o|e|и|или|&)(?!\w)|和|或|以及|と)\s*", re.IGNORECASE
)
_NOT = re.compile(
    r"(?<!\w)(?:not|never|neither|nor|isn['’]t|wasn['’]t|aren['’]t|weren['’]t|doesn['’]t|didn['’]t|cannot|can['’]t|"
    r"except|excluding|other than|rather than|instead of|unlike|no longer|"
    r"nicht|kein\w*|niemals|ne|pas|jamais|non|nunca|jamás|"
    r"no\s+(?:es|son|fue|fueron|era|eran|está|sea|puede)|não|не|нет)(?!\w)|不是|并非|並非|不|非|没有|除了|ではな|じゃな",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?<!\w)(?:false|wrong|incorrect|untrue|mistaken|falsch|faux|falso|неверно)(?!\w)|错|誤|間違", re.IGNORECASE
)
_BUT = re.compile(r"(?<!\w)(?:anything|everything|everyone|everybody|anyone|all|any|none) but(?!\w)", re.IGNORECASE)
_TRUE_NO = re.compile(r"(?<!\w)(?:not|n['’]t)\s+(?:only|just|merely|surprisingly)(?!\w)|不仅|不只", re.IGNORECASE)
_FUNCTION = names(
    "the a an of in on at by to for from with as is was are were be been has had have which who that this it its his "
    "her their he she they i we you and or de la le les du des der die das den von im el los las en del il di da do na "
    "no em ist war est était es era fue è et und y e un une ein eine una where when because since so then there not "
    "ce c n pas mais sino sondern niet maar nie lecz"
)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)]|\(?[a-z]\))\s+")
_SIGN = r"(?:[≠¬√≤≥<>=~^∉≉→⇒]|!=|\\[a-z]+)"
_SIGNED = re.compile(rf"{_SIGN}\s*{MARK}|{MARK}\s*(?:{_SIGN}|\d)", re.IGNORECASE)
"""A sign beside the gold makes it another value, or says what it is not."""
_BETWEEN = re.compile(rf"(?<!\w)between\s(?:[^.;]* and )?\s*{MARK}", re.IGNORECASE)
_AROUND = frozenset("或者的是在了为為和与與及于於有也就都叫等位乃即：，。；、「」『』《》（）")
_ITEM_WORDS = 4
SHORTENED = 3
"""Letters of a word that a full stop may shorten."""
_MANY = 3


def claimed(text: str, golds: Sequence[Sequence[str]]) -> Found:
    """What a text says of a gold, given as the ways of writing it in words."""
    written = _unmarked(text)
    expression = _expression(golds)
    spans = [] if expression is None else [m.span() for m in expression.finditer(written)]
    if not spans:
        return Found(Claim.ABSENT)
    kept = [span for span in spans if _stands_alone(written, *span)]
    if not kept:
        return Found(Claim.UNCLEAR, "it stands inside a longer run of characters")
    found = _said(_marked(written, kept))
    last = kept[-1]
    if found.claim is Claim.STATED:
        behind = contrast.plain(f"{MARK}{written[last[1] :]}").removeprefix(MARK)
        instead = taken_back(behind, written[last[0] : last[1]])
        if instead is not None:
            return Found(Claim.DENIED, "it is taken back")
    return found


def unsure(text: str, gold: Sequence[Sequence[str]] = ()) -> Found:
    """Whether an answer that is no more than a phrase denies, doubts or lists; what the gold itself says is not held
    against it."""
    expression = _expression(gold)
    written = _unmarked(text)
    masked = written if expression is None else expression.sub(MARK, written)
    if MARK in masked:
        return _said(masked)
    return _phrase(masked)


def _unmarked(text: str) -> str:
    """The text as it is compared, without our own mark, which a text may have."""
    return re.sub(r"[^\S\n]+", " ", re.sub(MARK, " ", spelt(text), flags=re.IGNORECASE))


def _said(marked: str) -> Found:
    if contrast.is_one_option(marked):
        return Found(Claim.DOUBTED, "it is one of several options")
    marked = contrast.plain(marked)
    lines = marked.splitlines()
    listed = [line for line in lines if _BULLET.match(line)]
    if len(listed) > 2 and any(MARK in line for line in listed):
        return Found(Claim.DOUBTED, f"it is one of {len(listed)} items of a list")
    alone = [line for line in lines if 0 < len(line.split()) <= _ITEM_WORDS]
    if len(alone) > 1 and any(line.strip(" .*") == MARK for line in alone):
        return Found(Claim.DOUBTED, "it is one of several lines")
    sentences = [m[0] for m in _SENTENCE.finditer(marked) if m[0].strip()]
    found = Found(Claim.ABSENT)
    for sentence in sentences:
        if MARK in sentence:
            said = _sentence(sentence, sentences)
            if said.claim is not Claim.STATED or found.claim is Claim.ABSENT or found.claim is Claim.DENIED:
                found = said if found.claim is not Claim.DOUBTED else found
    if found.claim is Claim.STATED and contrast.has_rival(marked):
        return Found(Claim.UNCLEAR, "another name stands in its place behind it")
    return found


def _sentence(sentence: str, others: Sequence[str]) -> Found:
    code = language_of(sentence)
    if sentence.rstrip().endswith(("?", "？")):
        return Found(Claim.DOUBTED, "it is asked")
    if _OR.search(sentence) or pattern("hedges", code).search(sentence):
        return Found(Claim.DOUBTED, "it is doubted, or one of several")
    if contrast.doubted(sentence):
        return Found(Claim.DOUBTED, "it is a chance, a guess, or what was said once")
    crossed = contrast.crossed_out(sentence)
    if crossed is not None:
        return Found(Claim.DENIED, "it is crossed out") if crossed else Found(Claim.STATED)
    if contrast.is_unread(sentence):
        return Found(Claim.UNCLEAR, "it stands among words of a language that is not read")
    if _BETWEEN.search(sentence):
        return Found(Claim.DOUBTED, "it is one of two")
    if _SIGNED.search(sentence):
        return Found(Claim.DENIED, "a sign stands beside it")
    listed = _listed(sentence)
    if listed is not None:
        return listed
    clause = next(part for part in _clauses(sentence) if MARK in part)
    before, _, behind = clause.partition(MARK)
    denied = _TRUE_NO.sub(" ", f"{before} {MARK} {behind}")
    if contrast.OPPOSED.search(before) or contrast.DENIALS.search(denied) or contrast.WRONG.search(sentence):
        return Found(Claim.DENIED, "it is denied")
    if _NOT.search(denied) or _NO.search(sentence) or _BUT.search(sentence) or pattern("denials", code).search(denied):
        return Found(Claim.DENIED, "it is denied")
    if _is_supposed(before, code):
        return Found(Claim.DOUBTED, "it is only supposed, or said by others")
    opening = " ".join(before.lower().split())
    if len(opening.split()) >= 2 or (opening and spaceless(opening[-1])):
        again = [s for s in others if MARK not in s and " ".join(s.lower().split()).startswith(opening)]
        if again:
            return Found(Claim.DOUBTED, "the same is said of another")
    return Found(Claim.STATED)


def _is_supposed(before: str, code: str) -> bool:
    """Whether the words before a gold make it a supposition, or what others say; "I believe" asserts."""
    said = [m.end() for row in ("suppositions", "hearsay") for m in pattern(row, code).finditer(before)]
    return any(status_before(f"{before[:end]} ", code) is Status.SUPPOSED for end in said)


def _phrase(text: str) -> Found:
    if _OR.search(text):
        return Found(Claim.DOUBTED, "it names alternatives")
    if any(expression.search(text) for expression in (_NOT, _NO, _BUT)):
        return Found(Claim.DENIED, "it says what is not so")
    return _listed(text) or Found(Claim.STATED)


def _listed(sentence: str) -> Found | None:
    """Whether the sentence lists: three more names are a list; two, or an "and" that asserts all, cannot be told."""
    items = [item.strip(" .!?。\"'*") for item in _SEPARATOR.split(" ".join(sentence.split()))]
    pure = [item for item in items if item and not _is_phrase(item) and MARK not in item]
    if len(pure) >= _MANY and not _AND.search(sentence):
        return Found(Claim.DOUBTED, f"it is one of {len(pure) + 1}")
    if len(pure) >= 2:
        return Found(Claim.UNCLEAR, f"{len(pure)} more names stand beside it")
    words = sentence.strip(" .!?").split()
    if len(words) <= _MANY or any(re.split("['’]", word.strip(",.").lower())[0] in _FUNCTION for word in words):
        return None
    if all(word[:1].isupper() or word[:1].isdecimal() for word in words):
        return Found(Claim.DOUBTED, "it stands among other names")
    if len(words) > _MANY + 1 and sentence.isascii():
        return Found(Claim.UNCLEAR, "it stands among words that make no sentence")
    return None


def _is_phrase(item: str) -> bool:
    """Whether a piece between commas says something, rather than naming one thing."""
    words = item.split()
    return len(words) > _ITEM_WORDS or any(word.lower().strip(".") in _FUNCTION for word in words) or (
        len(words) > 1 and not item.isupper() and not any(word[:1].isupper() or word[:1].isdecimal() for word in words)
    ) or (len(words) == 1 and spaceless(item[0]) and len(item) > 8)  # fmt: skip


def _clauses(sentence: str) -> Iterator[str]:
    start = 0
    for cut in _CLAUSE.finditer(sentence):
        yield sentence[start : cut.start()]
        start = cut.start() if cut[0].strip().isalpha() else cut.end()
    yield sentence[start:]


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    out, at = [], 0
    for start, end in spans:
        if start >= at:
            out += [text[at:start], f" {MARK} "]
            at = end
    return re.sub(r"[^\S\n]+", " ", "".join([*out, text[at:]]))


def _expression(golds: Sequence[Sequence[str]]) -> re.Pattern[str] | None:
    """Finds a gold in a text by its words, never inside another word or number."""
    ways = {tuple(words) for words in golds if words}
    if not ways:
        return None
    return re.compile("|".join(_way(words) for words in sorted(ways, key=len, reverse=True)), re.IGNORECASE)


def _way(words: Sequence[str]) -> str:
    body = "".join((_gap(words[at - 1], word) if at else "") + _word(word) for at, word in enumerate(words))
    first, last = words[0][0], words[-1][-1]
    before = "" if spaceless(first) else r"(?<![\w])(?<!\w[-'’])" + (r"(?<![.,/+$€£-])" if first.isdecimal() else "")
    behind = "" if spaceless(last) else r"(?!\w)(?![-]\w)(?!['’](?!s(?!\w))\w)"
    if last.isdecimal():
        behind += r"(?![.,/]\d)"
    return f"{before}{body}{behind}"


def _gap(before: str, word: str) -> str:
    if spaceless(before[-1]) and spaceless(word[0]):
        return r"\s*"
    dots = "." if len(before) <= SHORTENED else ""  # "Dr. No"; a sentence may end behind a longer word
    return rf"(?:[\s\-,'’:/\"{dots}]{{1,3}}|\.(?=\w))(?:(?:the|a|an)\s+)?"


def _word(word: str) -> str:
    if any(letter.isdecimal() for letter in word) or not word.isalpha() or len(word) > 40:
        return re.escape(word)
    return r"(?:\.\s?|['’\-])?".join(re.escape(letter) for letter in word)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Of scripts without spaces: no letter that could make it another word stands beside it."""
    if not spaceless(text[start]):
        return True
    before, behind = text[start - 1 : start], text[end : end + 1]
    return _ends(before) and (_ends(behind) or _is_kana(behind))


def _ends(letter: str) -> bool:
    return not letter or not spaceless(letter) or letter in _AROUND or _is_kana(letter)


def _is_kana(letter: str) -> bool:
    return "\u3041" <= letter <= "\u309f"
