"""How much of a text is in each language: by script where the script decides, by a detector where it does not."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from veritune.verifiers.language.cjk import told
from veritune.verifiers.language.detectors import Detector, available, evidence
from veritune.verifiers.language.noise import NOISE, gibberish, looping
from veritune.verifiers.language.scripts import SCRIPT_OF, Run, composed, runs
from veritune.verifiers.language.strip import natural_text
from veritune.verifiers.language.switching import Clause, switches

Unit: TypeAlias = Literal["letters", "words", "sentences"]

_MATH = """
sin cos tan cot sec csc arcsin arccos arctan log ln lg exp lim max min mod gcd lcm sup inf arg det
deg rad mm cm dm km kg mg ml kw mol
"""
MATH_WORDS = frozenset(_MATH.split())
CHUNK = 12
"""A clause of Latin script is heard in pieces of at most so many words: models forget punctuation."""

PSEUDO, SEEN = 5, 20
"""Letters that every candidate, and the target on top, has before the text is read."""

_SENTENCE = re.compile(r"[!?。！？…।\n]|\.(?=\s|$)")
_CLAUSE = re.compile(r"[,;:，；：、()（）\"“”«»|—–]|\s-\s")
_SWITCH = {"paragraph": math.log(0.3), "sentence": math.log(0.2), "clause": math.log(0.05), "word": math.log(2e-4)}
_RANK = {"word": 0, "clause": 1, "sentence": 2, "paragraph": 3}
_CALL = re.compile(r"\([^()\s]{0,30}\)(?!\w)")
"""Behind the name of a function: its arguments."""
_COMPOUND = re.compile(r"(?=[A-Z]*[a-z])(?:[A-Z][a-z]?){2,3}")
"""A chemical formula such as ``NaCl``."""
_SYMBOLIC = ("latin", "greek", "hebrew")


@dataclass(slots=True)
class Segment:
    """Runs of one script between two marks of punctuation."""

    script: str
    runs: list[Run]
    border: str
    """What parts it from the segment before: paragraph, sentence, clause or word."""
    letters: int
    idle: int = 0
    """Of these letters, how many only say again what was just said."""
    language: str = ""


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
    detectors: dict[str, Detector],
    rivals: dict[str, Sequence[str]],
    wanted: str | None = None,
) -> Shares:
    """Count the natural text by language.

    ``detectors`` and ``rivals`` are by script, for the scripts in which several languages are candidates; a script
    with one language of ``asked`` is that language, any other script stands for itself.
    """
    text = composed(natural_text(text))
    segments = _without_names(_segments(text), text)
    names = {SCRIPT_OF[code]: code for code in asked}
    names.update(kana="ja", han="zh")
    for segment in segments:
        segment.language = names.get(segment.script, segment.script)
    segments = _by_letters(segments, text)
    for script, detect in detectors.items():
        members = [s for s in segments if s.script == script]
        scores = [detect(text[s.runs[0].start : s.runs[-1].end]) for s in members]
        _label(members, rivals[script], scores)
        if {segment.language for segment in members} not in (set(), {wanted}):
            _label(members, rivals[script], _with_prior(members, rivals[script], scores, wanted))
    for segment in segments:
        if segment.letters > 12 and gibberish((text[run.start : run.end] for run in segment.runs), segment.script):
            segment.language = NOISE
    for script in detectors:
        segments = _switched(segments, text, script, tuple(rivals[script]))
    return _count(segments)


def _switched(segments: Sequence[Segment], text: str, script: str, languages: tuple[str, ...]) -> list[Segment]:
    """The segments, those cut in which some words are in another language than the rest."""
    taken = [s.language in languages and s.script == script and not s.idle for s in segments]
    members = list(itertools.compress(segments, taken))
    if not members or not set(languages).issubset(available(script)):
        return list(segments)
    clauses = [
        Clause([text[run.start : run.end] for run in s.runs], s.border, languages.index(s.language)) for s in members
    ]
    courses = iter(switches(clauses, evidence(languages)))
    found: list[Segment] = []
    for segment, mine in zip(segments, taken, strict=True):
        course = next(courses) if mine else None
        found += [segment] if course is None else _cut(segment, segment.runs, [languages[i] for i in course])
    return found


def _by_letters(segments: Sequence[Segment], text: str) -> list[Segment]:
    """The segments, those of Han and kana in pieces that are Chinese or Japanese."""
    listed = [(run, i) for s in segments if s.script == "cjk" for i, run in enumerate(s.runs)]
    if not listed:
        return list(segments)
    members = [s for s in segments if s.script == "cjk"]
    borders = [_inner(s.runs[i - 1], run) if i else s.border for s in members for i, run in enumerate(s.runs)]
    pieces = iter(told([run for run, _ in listed], borders, text))
    found: list[Segment] = []
    for segment in segments:
        if segment.script != "cjk":
            found.append(segment)
            continue
        course = [piece for _ in segment.runs for piece in next(pieces)]
        if segment.idle:
            counts = Counter[str]()
            for language, run in course:
                counts[language] += run.end - run.start
            segment.language = counts.most_common(1)[0][0]
            found.append(segment)
        else:
            found += _cut(segment, [run for _, run in course], [language for language, _ in course])
    return found


def _inner(before: Run, run: Run) -> str:
    return "" if before.end == run.start else "word"


def _cut(segment: Segment, listed: Sequence[Run], course: Sequence[str]) -> list[Segment]:
    """A segment in pieces that are each in one language."""
    if len(set(course)) == 1:
        segment.language = course[0]
        return [segment]
    pieces: list[Segment] = []
    for run, language in zip(listed, course, strict=True):
        if not pieces or pieces[-1].language != language:
            border = "word" if pieces else segment.border
            pieces.append(Segment(segment.script, [], border, 0, language=language))
        pieces[-1].runs.append(run)
        pieces[-1].letters += run.end - run.start
    return pieces


def _segments(text: str) -> list[Segment]:
    found = runs(text)
    neutral = _neutral(text, found)
    idle = looping(found, text)
    segments: list[Segment] = []
    last: Segment | None = None
    end, border = 0, "paragraph"
    for run, skip, again in zip(found, neutral, idle, strict=True):
        gap = text[end : run.start]
        if gap != " " and border != "paragraph":
            border = _stronger(border, _border(gap))
        end = run.end
        if skip:
            continue
        script = "cjk" if run.script in ("han", "kana") else run.script
        letters = run.end - run.start
        if last is None or border != "word" or script != last.script or _full(last):
            last = Segment(script, [run], border, letters, again)
            segments.append(last)
        else:
            last.runs.append(run)
            last.letters += letters
            last.idle += again
        border = "word"
    return segments


def _without_names(segments: Sequence[Segment], text: str) -> list[Segment]:
    """Names in Latin letters inside a clause of another script belong to it, not to a language: ``本的 iPhone``."""
    kept: list[Segment] = []
    for i, segment in enumerate(segments):
        inside = (segment.border == "word" and i > 0 and segments[i - 1].script != "latin") or (
            i + 1 < len(segments) and segments[i + 1].border == "word" and segments[i + 1].script != "latin"
        )
        if not (inside and _is_name(segment, text)):
            kept.append(segment)
        elif i + 1 < len(segments):
            segments[i + 1].border = _stronger(segment.border, segments[i + 1].border)
    return kept


def _is_name(segment: Segment, text: str) -> bool:
    words = [text[run.start : run.end] for run in segment.runs]
    return segment.script == "latin" and len(words) <= 3 and not any(word.islower() for word in words)


def _full(segment: Segment) -> bool:
    return segment.script != "cjk" and len(segment.runs) >= CHUNK


def _border(gap: str) -> str:
    if _SENTENCE.search(gap):
        return "paragraph" if "\n" in gap else "sentence"
    return "clause" if _CLAUSE.search(gap) else "word"


def _stronger(one: str, other: str) -> str:
    return one if _RANK[one] >= _RANK[other] else other


def _neutral(text: str, found: Sequence[Run]) -> list[bool]:
    """Names of variables and points, units and functions belong to no language: ``x``, ``AB``, ``sin``, ``α``."""
    words = [text[start:end] if script in _SYMBOLIC else "" for script, start, end in found]
    calls = [
        bool(word) and word.isascii() and _CALL.match(text, run.end) is not None
        for word, run in zip(words, found, strict=True)
    ]
    if 8 * sum(calls) > len(found) + 16:  # a thought in calls
        calls = [False] * len(found)
    shouting = sum(len(word) >= 4 and word.isupper() for word in words) * 2 > len(found)
    return [
        call
        or (
            0 < len(word) < 7
            and (
                len(word) == 1
                or word in MATH_WORDS
                or (len(word) < 5 and not shouting and word.isupper())
                or _COMPOUND.fullmatch(word) is not None
            )
        )
        for word, call in zip(words, calls, strict=True)
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
        totals = [max(stay, jump) + score for stay, score in zip(totals, row, strict=True)]
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
    counted = Shares()
    letters, words = counted.letters, counted.words
    sentence: Counter[str] = Counter()
    for segment in segments:
        if segment.border in ("sentence", "paragraph"):
            _close(sentence, counted)
            sentence = Counter()
        language, count, idle = segment.language, segment.letters - segment.idle, segment.idle
        size = segment.letters if _unspaced(segment) else len(segment.runs)
        letters[language] += count
        sentence[language] += count
        if idle:
            sentence[NOISE] += idle
            letters[NOISE] += idle
            part = round(size * idle / segment.letters)
            words[NOISE] += part
            size -= part
        words[language] += size
    _close(sentence, counted)
    return counted


def _close(sentence: Counter[str], counted: Shares) -> None:
    if sentence:
        counted.sentences[sentence.most_common(1)[0][0]] += 1


def _unspaced(segment: Segment) -> bool:
    return segment.script in ("cjk", "thai")
