"""How much of a text is in each language: by script where the script decides, by a detector where it does not."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Literal, TypeAlias

from veritune.verifiers.language.cjk import has_kana, told
from veritune.verifiers.language.detectors import Detector, available, evidence
from veritune.verifiers.language.lettered import CJK, Lettered, lettered
from veritune.verifiers.language.noise import NOISE, gibberish
from veritune.verifiers.language.outside import relabel
from veritune.verifiers.language.scripts import SCRIPT_OF, composed
from veritune.verifiers.language.segments import Segment, clauses
from veritune.verifiers.language.strip import natural_text
from veritune.verifiers.language.switching import Clause, switches

Unit: TypeAlias = Literal["letters", "words", "sentences"]

PSEUDO, SEEN = 5, 20
"""Letters that every candidate, and the target on top, has before the text is read."""

_WHOLE_WORDS = ("latin", "cyrillic", "greek", "hebrew", "arabic")
"""Scripts whose words have no signs inside that are no letters."""
_SWITCH = {"paragraph": math.log(0.3), "sentence": math.log(0.2), "clause": math.log(0.05), "word": math.log(2e-4)}


@dataclass(slots=True)
class Shares:
    """Counts of letters, words and sentences by language (or by script, where nobody asked which language)."""

    letters: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    sentences: Counter[str] = field(default_factory=Counter)

    def of(self, language: str, unit: Unit) -> float:
        counts: Counter[str] = getattr(self, unit)
        return counts[language] / max(sum(counts.values()), 1)


def shares(
    text: str,
    asked: Sequence[str],
    detectors: Mapping[str, Detector],
    rivals: Mapping[str, Sequence[str]],
    wanted: str | None = None,
) -> Shares:
    """Count the natural text by language.

    ``detectors`` and ``rivals`` are by script, for the scripts in which several languages are candidates; a script
    with one language of ``asked`` is that language, any other script stands for itself.
    """
    text = composed(natural_text(text))
    words = lettered(text)
    segments = clauses(words, text)
    names = {SCRIPT_OF[code]: code for code in asked}
    for segment in segments:
        segment.language = names.get(segment.script, segment.script)
    if CJK in words.scripts:
        segments = _by_letters(segments)
    for script, detect in detectors.items():
        members = [s for s in segments if s.script == script]
        if members:
            _tell(members, words, detect, rivals[script], wanted)
    for segment in segments:
        if segment.letters > 12 and gibberish(segment.words, segment.script):
            segment.language = NOISE
    for script in detectors:
        segments = _switched(segments, script, tuple(rivals[script]))
    if wanted is not None:
        relabel(segments, wanted, [*asked, *rivals.get(SCRIPT_OF[wanted], ())])
    return _count(segments)


def _tell(
    members: Sequence[Segment], text: Lettered, detect: Detector, languages: Sequence[str], wanted: str | None
) -> None:
    """Say of each segment of a script which of the languages it is in."""
    scores = [_heard(segment, text, detect) for segment in members]
    best = _settled([segment.border for segment in members], scores)
    if best is not None:
        code, letters = languages[best], sum(segment.letters for segment in members)
        if wanted in (code, None) or wanted not in languages or letters > SEEN:  # a second pass would say the same
            for segment in members:
                segment.language = code
            return
    _label(members, languages, scores)
    if {segment.language for segment in members} != {wanted}:
        _label(members, languages, _with_prior(members, languages, scores, wanted))


def _heard(segment: Segment, text: Lettered, detect: Detector) -> list[float]:
    first, last = segment.first, segment.last
    if segment.script in _WHOLE_WORDS:
        found = detect.of_words(segment.words if last - first < len(segment.words) else text.words[first : last + 1])
        if found is not None:
            return found
    return detect(text.text(first, last))


def _settled(borders: Sequence[str], scores: Sequence[Sequence[float]]) -> int | None:
    """The language that all segments are in, where no stretch of them says more for another than its changes cost.

    That is what ``_label`` would find. The stretch that says most is carried along, whichever languages it would be in.
    """
    totals = list(map(sum, zip(*scores, strict=True)))
    best = totals.index(max(totals))
    lead = -math.inf
    for i, (border, row) in enumerate(zip(borders, scores, strict=True)):
        change = _SWITCH[border]
        if i == 0:
            lead = 0.0
        elif lead + change > 0:
            return None
        else:
            lead = max(lead, change)
        lead += -row[best] if row[best] < 0 else sorted(row)[-2]  # the best has 0
    return best if lead < 0 else None


def _switched(segments: list[Segment], script: str, languages: tuple[str, ...]) -> list[Segment]:
    """The segments, those cut in which some words are in another language than the rest."""
    taken = [s.language in languages and s.script == script and not s.idle for s in segments]
    if True not in taken or not set(languages).issubset(available(script)):
        return segments
    members = itertools.compress(segments, taken)
    courses = iter(
        switches([Clause(s.words, s.border, languages.index(s.language)) for s in members], evidence(languages))
    )
    found: list[Segment] = []
    for segment, mine in zip(segments, taken, strict=True):
        course = next(courses) if mine else None
        if course is None:
            found.append(segment)
        else:
            pieces = [(languages[i], [word for _, word in group]) for i, group in _grouped(course, segment.words)]
            found += _cut(segment, [(language, words, sum(map(len, words))) for language, words in pieces])
    return found


def _grouped(course: Sequence[int], words: Sequence[str]) -> Iterator[tuple[int, Iterator[tuple[int, str]]]]:
    return itertools.groupby(zip(course, words, strict=True), key=itemgetter(0))


def _by_letters(segments: list[Segment]) -> list[Segment]:
    """The segments, those of Han and kana in pieces that are Chinese or Japanese."""
    members = [s for s in segments if s.script == CJK]
    borders = [border for s in members for border in (s.border, *["word"] * (len(s.words) - 1))]
    if not has_kana(word for s in members for word in s.words):
        for segment in members:
            segment.language = "zh"
        return segments
    pieces = iter(told([word for s in members for word in s.words], borders))
    found: list[Segment] = []
    for segment in segments:
        if segment.script != CJK:
            found.append(segment)
            continue
        course = [piece for word in segment.words for piece in next(pieces)]
        if segment.idle:
            counts = Counter[str]()
            for language, size in course:
                counts[language] += size
            segment.language = counts.most_common(1)[0][0]
            found.append(segment)
        else:
            runs = itertools.groupby(course, key=itemgetter(0))
            found += _cut(segment, [(language, [], sum(size for _, size in run)) for language, run in runs])
    return found


def _cut(segment: Segment, pieces: Sequence[tuple[str, list[str], int]]) -> list[Segment]:
    """A segment in pieces that are each in one language: the language, its words and how many letters they have."""
    if len(pieces) == 1:
        segment.language = pieces[0][0]
        return [segment]
    return [
        Segment(segment.script, words, "word" if i else segment.border, letters, language=language)
        for i, (language, words, letters) in enumerate(pieces)
    ]


def _label(segments: Sequence[Segment], languages: Sequence[str], scores: Sequence[Sequence[float]]) -> None:
    """The most probable languages of the segments, in which a change costs the more the weaker the border (Viterbi).

    A short sentence that could be anything joins its neighbours; a longer one stands for itself.
    """
    if not segments:
        return
    totals, back = list(scores[0]), []
    for segment, row in zip(segments[1:], scores[1:], strict=True):
        top = max(totals)
        jump, best = top + _SWITCH[segment.border], totals.index(top)
        back.append([best if jump > stay else i for i, stay in enumerate(totals)])
        totals = [(jump if jump > stay else stay) + score for stay, score in zip(totals, row, strict=True)]
    at = totals.index(max(totals))
    for i in range(len(segments) - 1, -1, -1):
        segments[i].language = languages[at]
        at = back[i - 1][at] if i else at


def _with_prior(
    segments: Sequence[Segment], languages: Sequence[str], scores: Sequence[Sequence[float]], wanted: str | None
) -> list[list[float]]:
    """The scores and the log-shares that a first pass found: one odd clause needs more evidence than the tenth.

    ``wanted`` counts as if it had already been seen: two words say little, and are mostly what was asked for.
    """
    letters = Counter({code: PSEUDO for code in languages})
    if wanted is not None and wanted in letters:
        letters[wanted] += SEEN
    for segment in segments:
        letters[segment.language] += segment.letters
    total = sum(letters.values())
    prior = [math.log(letters[code] / total) for code in languages]
    return [[score + p for score, p in zip(row, prior, strict=True)] for row in scores]


def _count(segments: Sequence[Segment]) -> Shares:
    letters: dict[str, int] = {}
    words: dict[str, int] = {}
    sentences: dict[str, int] = {}
    sentence: dict[str, int] = {}
    for segment in segments:
        if sentence and segment.border in ("sentence", "paragraph"):
            _close(sentence, sentences)
            sentence = {}
        language, count, idle = segment.language, segment.letters, segment.idle
        size = count if segment.script in (CJK, "thai") else len(segment.words)
        if idle:
            part = round(size * idle / count)
            sentence[NOISE] = sentence.get(NOISE, 0) + idle
            letters[NOISE] = letters.get(NOISE, 0) + idle
            words[NOISE] = words.get(NOISE, 0) + part
            size, count = size - part, count - idle
        letters[language] = letters.get(language, 0) + count
        sentence[language] = sentence.get(language, 0) + count
        words[language] = words.get(language, 0) + size
    if sentence:
        _close(sentence, sentences)
    return Shares(Counter(letters), Counter(words), Counter(sentences))


def _close(sentence: dict[str, int], sentences: dict[str, int]) -> None:
    """Count a sentence for the language that most of it is in."""
    language = next(iter(sentence)) if len(sentence) == 1 else max(sentence, key=sentence.__getitem__)
    sentences[language] = sentences.get(language, 0) + 1
