"""The reward ``language``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from veritune.plugins.errors import ColumnError, MissingExtraError, ParameterError
from veritune.plugins.reward import reward
from veritune.plugins.types import Cause, Sample, Score
from veritune.rewards.language.instructions import put, without_instructions
from veritune.rewards.language.target import View, question, viewed
from veritune.rewards.text import Prefilled
from veritune.verifiers.language.detectors import Backend, Detector, available, detector
from veritune.verifiers.language.scripts import SCRIPT_OF, composed, known_code, language_code, rivals, runs
from veritune.verifiers.language.share import Shares, Unit, shares
from veritune.verifiers.language.strip import natural_text

LANGUAGES = ("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")
MAX_CHARACTERS = 200_000
WINDOWS = 20
"""Of a longer text so many pieces are read, as long as that together and evenly spaced: nothing hides behind a cut."""
TOLD = 20
"""Fewer letters tell languages of one script apart only where the detector leaves no doubt."""
DENSE = 3
"""A letter of Chinese, Japanese or Korean says as much as so many of an alphabet."""
_AGREED = 0.8
"""Where less of the sentences that ask is in one language, all that is said about the problem decides."""
_DENSE_CODES = ("zh", "ja", "ko", "han", "kana", "hangul")
_DOUBT = 4.0
"""Log-odds to the second language; of short phrases in five languages those that were heard wrongly had up to 1.9."""


@reward
def language(
    sample: Sample,
    lang: str | None = None,
    *,
    target: str = "auto",
    languages: Sequence[str] = LANGUAGES,
    view: View = "reasoning",
    prefilled: Prefilled = "auto",
    unit: Unit = "letters",
    backend: Literal["langdetect", "py3langid", "auto"] = "langdetect",
    min_letters: Annotated[int, Field(ge=1)] = 5,
    wordless: float | None = None,
) -> Score:
    """The share of the reasoning that is in the target language, from 0 to 1.

    share = letters in the target language / letters, after code, LaTeX, digits, links, and the names of variables and
    functions are taken out. Words in a loop and letters in no order count as no language. Scripts decide first (Han
    without kana is Chinese); languages of one script are told apart clause by clause by ``backend``, where a clause
    that could be either goes with its neighbours.

    ``target``: a code or name (``en``, ``zh-CN``, ``German``); ``auto``, the language of the prompt's last user turn;
    ``column``, what the column ``lang`` says (another one by ``columns: {lang: COLUMN}``). ``languages`` are the
    candidates. ``view``: ``reasoning`` is what is inside ``<think>`` (all of it where there is no tag), what stands
    before it, and what follows where that is half as long again (the thinking was moved there); ``block`` only what is
    inside, ``summary`` what follows, ``all`` everything.
    ``unit`` counts letters, words (of Chinese, Japanese and Thai: letters) or sentences. ``backend``: langdetect, the
    faster py3langid (extra ``lang``), or ``auto``, py3langid where it is installed; either always gives the same
    answer for the same text. None where reasoning or prompt have fewer than ``min_letters`` letters, where the prompt
    is in no language of ``languages``, and where two or three words could be of several. ``wordless`` is the value of a
    reasoning with fewer than ``min_letters`` letters, whatever the answer after it says (at most: an answer in another
    language may cost more): beside other rewards None leaves it out, so that a thought of
    formulas alone costs nothing and one in two languages does.

    Source: DeepSeek-R1 (2501.12948), language consistency reward of section 2.3.2.
    """
    candidates = _codes(tuple(languages))
    engine = _engine(backend)
    wanted = _target(sample, lang, target, candidates, engine, min_letters)
    if isinstance(wanted, Score):
        return wanted
    text = _windows(viewed(sample, view, prefilled))
    found = _shares(text, wanted, candidates, engine)
    score = _score(text, wanted, found, candidates, engine, view, unit, min_letters)
    if wordless is None:
        return score
    thought = _windows(viewed(sample, view, prefilled, moved=False))
    letters = sum((found if thought == text else _shares(thought, wanted, candidates, engine)).letters.values())
    if letters >= min_letters:
        return score
    # any answer is longer than a thought without words: what was moved there may cost, and is no words of the thought
    worth = wordless if score.value is None else min(wordless, score.value)
    return Score(worth, _too_few(view, letters, min_letters))


@language.check
def _known(target: str, languages: Sequence[str], backend: str) -> None:
    """Refuse what no row could be scored with: an unknown language, a back-end that is not installed."""
    _codes(tuple(languages))
    if target not in ("auto", "column"):
        known_code(target, "reward 'language': target")
    if backend == "py3langid" and not _installed():
        raise MissingExtraError("py3langid", "lang", "language(backend: py3langid)")


def _score(
    text: str,
    wanted: str,
    found: Shares,
    candidates: tuple[str, ...],
    engine: Backend,
    view: View,
    unit: Unit,
    min_letters: int,
) -> Score:
    total = sum(found.letters.values())
    if total < min_letters:
        return Score.none(_too_few(view, total, min_letters))
    if total < TOLD and not _told(text, wanted, found, candidates, engine):
        near = ", ".join(rivals(wanted, candidates))
        return Score.none(f"the {view} has {total} letters, too few to tell {near} apart")
    value = found.of(wanted, unit)
    return Score(value, f"{value:.0%} of the {unit} are {wanted} ({_listed(found, unit)})")


def _too_few(view: View, letters: int, min_letters: int) -> str:
    return f"the {view} has {letters} letters, fewer than min_letters={min_letters}"


def _target(
    sample: Sample, lang: object, target: str, candidates: tuple[str, ...], engine: Backend, min_letters: int
) -> str | Score:
    if target == "column":
        if lang is None:
            return Score.none("the column of the target language is empty in this row", Cause.INVALID_GOLD)
        code = language_code(str(lang))
        return code or Score.none(f"{lang!r} is no language we know", Cause.INVALID_GOLD)
    if target != "auto":
        return known_code(target, "reward 'language': target")
    if sample.prompt is None:
        raise ColumnError(
            "reward 'language' with target: auto reads the prompt, and there is none. Give the prompts, or set "
            "target: en (a language), or target: column with columns: {lang: COLUMN}."
        )
    return _asked(_windows(question(sample.prompt)), candidates, engine, min_letters)


@lru_cache(maxsize=4096)
def _asked(text: str, candidates: tuple[str, ...], engine: Backend, min_letters: int) -> str | Score:
    """The language of what the prompt asks; of sentences that say how to answer only where it has no others."""
    told = without_instructions(text)
    for asks in (put(told), told, put(text), text):
        best, letters, most = _most(asks, candidates, engine)
        if letters >= min_letters and (most >= _AGREED * letters or asks in (told, text)):
            break
    else:
        return Score.none(f"the prompt has fewer than min_letters={min_letters} letters to tell its language by")
    if best not in SCRIPT_OF:
        return Score.none(f"the prompt is in {best} script, of which no language is among the candidates")
    if best not in candidates:
        return Score.none(f"the prompt is in {best}, which is not among languages: add it")
    alone = (
        asks in (told, text) or _most(told, candidates, engine)[0] != best
    )  # of few words a detector is wrongly sure
    other = _outside(asks if alone else told, best, candidates)
    if other is not None:
        return Score.none(f"the prompt reads like {other}, which is not among languages: add it")
    return best


def _most(text: str, candidates: tuple[str, ...], engine: Backend) -> tuple[str, int, int]:
    """The language that most is said in, how many letters the text has and that, one of Chinese for ``DENSE``."""
    found = _shares(text, None, candidates, engine).letters
    weight = {code: count * (DENSE if code in _DENSE_CODES else 1) for code, count in found.items()}
    best = max(weight, key=weight.__getitem__, default="")
    return best, sum(weight.values()), weight.get(best, 0)


def _outside(text: str, best: str, candidates: tuple[str, ...]) -> str | None:
    """A language that is no candidate and that the text is in without doubt."""
    everyone = rivals(best, available(SCRIPT_OF[best]))
    if len(everyone) < 2:
        return None
    text = composed(natural_text(text))
    words = " ".join(text[run.start : run.end] for run in runs(text) if run.script == SCRIPT_OF[best])
    scores = dict(zip(everyone, detector("langdetect", everyone)(words), strict=True))
    first = max(scores, key=scores.__getitem__)
    near = [scores[code] for code in rivals(best, candidates) if code in scores]
    return first if first not in candidates and scores[first] - max(near, default=0.0) > _DOUBT else None


def _told(text: str, wanted: str, found: Shares, candidates: tuple[str, ...], engine: Backend) -> bool:
    """Whether a short text says which of the languages of its script it is in."""
    group = rivals(wanted, candidates)
    ours = [code for code in found.letters if code in group]
    if len(group) < 2 or not ours:
        return True
    scores = sorted(zip(detector(engine, group)(composed(natural_text(text))), group, strict=True), reverse=True)
    return len(ours) == 1 and ours[0] == scores[0][1] and scores[0][0] - scores[1][0] >= _DOUBT


def _windows(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    size, stride = MAX_CHARACTERS // WINDOWS, (len(text) - MAX_CHARACTERS // WINDOWS) / (WINDOWS - 1)
    starts = [round(i * stride) for i in range(WINDOWS)]
    return "\n".join(text[start : start + size] for start in starts)


def _shares(text: str, wanted: str | None, candidates: tuple[str, ...], engine: Backend) -> Shares:
    """The counts of one text; only the scripts that matter for ``wanted`` (None: all) cost a detector."""
    single, detectors, groups = _plan(wanted, candidates, engine)
    return shares(text, single, detectors, groups, wanted)


@lru_cache(maxsize=256)
def _plan(
    wanted: str | None, candidates: tuple[str, ...], engine: Backend
) -> tuple[Sequence[str], Mapping[str, Detector], Mapping[str, Sequence[str]]]:
    """Languages that are alone in their script, and by script the detectors and languages of the others."""
    asked = tuple(dict.fromkeys((*candidates, *([wanted] if wanted else []))))
    detectors: dict[str, Detector] = {}
    groups: dict[str, Sequence[str]] = {}
    for code in [wanted] if wanted else asked:
        group, script = rivals(code, asked), SCRIPT_OF[code]
        if len(group) > 1 and script not in detectors:
            detectors[script], groups[script] = detector(engine, group), group
    return [code for code in asked if len(rivals(code, asked)) == 1], detectors, groups


@lru_cache(maxsize=256)
def _codes(languages: tuple[str, ...]) -> tuple[str, ...]:
    if not languages:
        raise ParameterError("reward 'language': languages is empty; name the candidates, e.g. [en, zh]")
    return tuple(sorted({known_code(name, "reward 'language': languages") for name in languages}))


@lru_cache(maxsize=1)
def _installed() -> bool:
    import importlib.util

    return importlib.util.find_spec("py3langid") is not None


def _engine(backend: str) -> Backend:
    if backend == "auto":
        return "py3langid" if _installed() else "langdetect"
    return "py3langid" if backend == "py3langid" else "langdetect"


def _listed(found: Shares, unit: Unit) -> str:
    counts = getattr(found, unit)
    return ", ".join(f"{name} {count}" for name, count in counts.most_common(4))


language.for_rows("target", "languages", "view", "prefilled", "unit", "min_letters", "wordless")
