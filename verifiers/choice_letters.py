"""Which letters of a text stand for options, and which are part of its words: the C of ``Vitamin C`` is no choice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from veritune.verifiers.math.text.strings import names

NEXT = r"(?:\s*(?:[,，、;；&和与及/]|and)?\s*)"
FILLER = re.compile(
    r"[\s\[\](){}<>（）【】「」\"'“”*_$.,，。、;；：:!]|\\(?:text|textbf|mathrm|boxed|mathbf|rm|bf|left|right)\b"
)
_ARTICLE = re.compile(
    r"(?<![A-Za-z\\])A(?= +(?!(?:is|and|or|because|since|as|but|was|are|would|must|should|only|alone|given|here|based|"
    r"seems|looks|appears|matches|fits|describes|for|with|no|yes|not)\b)[a-z])"
    r"|(?<![A-Za-z\\])I(?=['’]| +(?!(?:is|and|or|because|since|alone|only|seems|fits)\b)[a-z])"
)
"""``A car`` is an option's text, not option A; ``I think`` says who speaks."""
_BEFORE = names(
    "a the option options choice choices answer answers letter letters statement statements alternative "
    "alternatives item items case is are be was were being isn't both and or either neither nor not never only "
    "just so hence thus therefore then that it's its choose chose select selected selecting pick picked picking "
    "choosing mark go with to than but except excluding definitely certainly clearly surely probably likely maybe "
    "perhaps possibly obviously say says guess think believe conclude leaves leaving remains left correct right "
    "best final as i'd ist sind sei antwort buchstabe und oder est sont réponse lettre choix et ou es son "
    "respuesta opción letra inciso y resposta opção alternativa é e risposta opzione lettera è antwoord optie "
    "svar svaret är er odpowiedź jest cevap jawaban jawabannya adalah pilihan án là chọn ответ вариант буква это "
    "الإجابة الخيار هي هو उत्तर विकल्प है"
)
"""Words behind which a letter is an option's."""
_AFTER = names(
    "is isn't and or because since as but was are would must should only alone given here based seems looks "
    "appears matches fits describes for with no yes not nor holds works fails remains cannot can't doesn't does "
    "follows by makes being then too also could might may if while whereas rather instead definitely certainly "
    "obviously clearly correct right wrong incorrect false true best option choice answer ist sind est sont es "
    "son é è und oder et ou y e jest adalah là är er верно верен है"
)
"""Words before which a letter is an option's."""
_HAN_BEFORE = frozenset("选選项項是为為案择擇填应應即故和与及或、非")
_HAN_AFTER = frozenset("是正对對错錯项項不和与及或都均为為也，。、；")
_DENIES = re.compile(
    r"(?<!\w)(?:no|not|never|neither|nor|none|cannot|wrong|incorrect|false|untrue|fails?|failed|impossible|invalid|too|"
    r"eliminated?|excluded?|rejected?|ruled?)(?!\w)|n['’]t(?!\w)|不|错|錯|非",
    re.IGNORECASE,
)
_AFFIRMS = re.compile(
    r"(?<!\w)(?:correct|right|true|yes|holds|works|leaves|left|remains|answer|fits|best|only)(?!\w)|正确|正確|对|對",
    re.IGNORECASE,
)
_TAKES_BACK = re.compile(
    r"(?<!\w)(?:wait|actually|correction|scratch|instead|however|second thoughts?|mistake|mistaken|sorry|oops|hmm|"
    r"but|or|also|maybe|perhaps|possibly|unless|unsure)(?!\w)|不对|或|也",
    re.IGNORECASE,
)
_CUT = re.compile(r"[.;,!?\n。；，！？]")
_WORD_BEFORE = re.compile(r"[^\W\d_](?:[^\W\d_]|['’])*$")
_WORD_AFTER = re.compile(r"\s+([^\W\d_](?:[^\W\d_]|['’])*)")
_SKIPPED = " \t\n*_$`{\"'“”"
_COMMAND = re.compile(r"\\[A-Za-z]+$")
_WIDE = {wide + at: plain + at for wide, plain in ((0xFF21, 65), (0xFF41, 97)) for at in range(26)}
WINDOW = 2000
"""Characters of an answer that are read."""


class Said(Enum):
    """What is said of an option's letter where it stands."""

    NAMED = "named"
    AFFIRMED = "affirmed"
    DENIED = "denied"


class Run(NamedTuple):
    """Letters that stand together, ``A, B and C``, and what is said of them."""

    letters: frozenset[str]
    said: Said
    start: int
    end: int


def narrow(text: str) -> str:
    """Full-width letters as plain ones."""
    return text if text.isascii() else text.translate(_WIDE)


def runs(text: str, letters: str) -> Iterator[Run]:
    """The options' letters of a text, those that are part of its words aside."""
    text = text[:WINDOW]
    bare = FILLER.sub(lambda m: " " * len(m[0]), _ARTICLE.sub(" ", text))
    for found in re.finditer(rf"(?<![A-Za-z\\])([{letters}](?:{NEXT}[{letters}])*)(?![A-Za-z])", bare):
        if _stands(text, *found.span(1)):
            names = frozenset(letter for letter in found[1] if letter in letters)
            yield Run(names, _said(text, *found.span(1)), *found.span(1))


def _stands(text: str, start: int, end: int) -> bool:
    """Whether a letter is an option's: in brackets, or with nothing but choosing words beside it."""
    before = text[max(0, start - 60) : start]
    behind = text[end : end + 60]
    if before[-1:] in ("(", "[", "（", "【") and behind[:1] in (")", "]", "）", "】"):
        return True
    if re.match(r"\.\s?[A-Z]\.", behind) or re.search(r"(?<!\w)[A-Z]\.\s?$", before):
        return False  # initials
    if behind[:1].isdecimal() or re.match(r"[-–+#&/^=≠<>'’][\w+#]|[+#^]|\s*[=≠<>^]", behind):
        return False
    before = before.rstrip(_SKIPPED)
    while (command := _COMMAND.search(before)) is not None:
        before = before[: command.start()].rstrip(_SKIPPED)
    if before[-1:] in ("=", "≠", "+", "-", "^", "<", ">"):
        return False
    return _is_choosing(before) and (behind[:1] in (")", "]", "）") or _goes_on(behind.lstrip("*_$`}\"'”")))


def _is_choosing(before: str) -> bool:
    last = before[-1:]
    if "\u3400" <= last <= "\u9fff":
        return last in _HAN_BEFORE
    word = _WORD_BEFORE.search(before)
    return word is None or word[0].lower().replace("’", "'") in _BEFORE


def _goes_on(behind: str) -> bool:
    first = behind.lstrip()[:1]
    if "\u3400" <= first <= "\u9fff":
        return first in _HAN_AFTER
    word = _WORD_AFTER.match(behind)
    return word is None or word[1].lower().replace("’", "'") in _AFTER or "\n" in behind[: word.start(1)]


def _said(text: str, start: int, end: int) -> Said:
    """What the clause around a letter says of it."""
    cut = [m.end() for m in _CUT.finditer(text, max(0, start - 80), start)]
    stop = _CUT.search(text, end + (text[end : end + 1] in (".", ")")))
    before = text[cut[-1] if cut else max(0, start - 80) : start]
    behind = text[end : stop.start() if stop is not None else end + 80]
    if _DENIES.search(before) or _DENIES.search(behind):
        return Said.DENIED
    return Said.AFFIRMED if _AFFIRMS.search(before) or _AFFIRMS.search(behind) else Said.NAMED


def kept(found: list[Run]) -> frozenset[str]:
    """The letters that are meant: of some that are denied and others that are not, the others."""
    meant = [run for run in found if run.said is not Said.DENIED] or found
    return frozenset().union(*(run.letters for run in meant))


_FIRST = re.compile(
    r"\s*(?:[#>*_\s]*(?:final\s+)?answer\s*[:：]?)?[\s*_$(\[]*(?:\\\w+\{)?([A-Za-z])(?!\.\s?[A-Z]\.)[)\]}*_$\s]*"
    r"(?:$|\n|[.):：]|,?\s*(?:because|since|as)\b)",
    re.IGNORECASE,
)


def told(body: str, letters: str) -> frozenset[str]:
    """The one option that a text means where nothing marks an answer: its first word, or the one it calls right.

    All other options that it names it has to deny, and it takes nothing back. Empty where that is not so.
    """
    body = narrow(body.strip())
    if len(body) > WINDOW:
        return frozenset()
    first = _FIRST.match(body)
    rest = body
    meant: set[str] = set()
    if first is not None and first[1] in letters:
        meant, rest = {first[1]}, body[first.end(1) :]
    named = list(runs(rest, letters))
    meant |= {letter for run in named if run.said is Said.AFFIRMED for letter in run.letters}
    denied = {letter for run in named if run.said is Said.DENIED for letter in run.letters}
    open_ = {letter for run in named if run.said is Said.NAMED for letter in run.letters} - meant
    if not meant and denied and len(open_) == 1:
        meant, open_ = open_, set()
    if len(meant) != 1 or meant & denied or open_ or _TAKES_BACK.search(rest):
        return frozenset()
    return frozenset(meant)
