"""Which part of a completion is its answer, where the answer is words: a mark, or the last line."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from veritune.verifiers.facts import contrast
from veritune.verifiers.math.extraction.declarations import is_withheld, language_of
from veritune.verifiers.math.extraction.echo import without_echo
from veritune.verifiers.math.extraction.extract import extract
from veritune.verifiers.math.extraction.languages import pattern
from veritune.verifiers.math.extraction.reasoning import opens_reasoning, strip_reasoning
from veritune.verifiers.math.extraction.visible import visible, without_fences
from veritune.verifiers.math.options import MathOptions

Prefilled = bool | Literal["auto"]

TAIL = 20_000
"""Characters at the end of a completion that are read."""
_UNMARKED = frozenset(["bare", "trailing", "conclusion"])
_OPTIONS = MathOptions()
_ANSWER = re.compile(r"<answer>((?:(?!<answer>).)*?)</answer>", re.DOTALL | re.IGNORECASE)
_COPULA = re.compile(
    r"(?<!\w)(?:is|was|are|were|it['’]s|that['’]s|ist|war|sind|est|était|sont|es|era|son|fue|è|é|foi|named|called)"
    r"\s*:?\s+(?=\S)|(?:是|为|叫|は)[：:]?\s*",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?<!\w)(?:no|not|non|não|nicht|nie|ne|nunca|jamás|never|kein\w*|не)\s*$|[不没非]\s*$", re.IGNORECASE
)
_ITEM = re.compile(r"^\s*(?:[-*•>#]+|\d{1,2}[.)])\s+")
_FIRST_PERSON = re.compile(
    r"^(?:well,? |so,? |hence,? |thus,? )?(?:i|we)\s+(?:think|believe|say|would say|conclude|"
    r"am (?:fairly |pretty |quite )?(?:sure|confident|certain))\s+(?:that\s+)?",
    re.IGNORECASE,
)
_ABBREVIATED = re.compile(
    r"(?:^|[\s.])(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Mt|Jr|Sr|Prof|Gen|Col|Capt|Lt|Sgt|Rev|Ft|No|vs)$|\b\w\.\w$"
)
_TAKEN_BACK = re.compile(
    r"^[\s\])}$*_.\"]*(?:is|was|are|were|seems|looks)\s+(?:definitely |certainly |clearly |obviously |probably )?"
    r"(?:wrong|incorrect|false|not|untrue|mistaken)(?!\w)",
    re.IGNORECASE,
)
_PHRASE = 8
"""Words of a first line that is an answer by itself, where an explanation follows."""
_WORDS = 4
_EXPLAINS = re.compile(
    r"[\W_]*(?:(?:explanation|reason(?:ing)?|justification|because|since|note|why|rationale|evidence|context|source)(?!\w)|"
    r"(?:he|she|it|they|this|that|the|his|her|their|its|in|according|as)\s+\w+\s+\w)",
    re.IGNORECASE,
)
"""How what explains a first line begins."""
_LABEL = re.compile(r"^(?:final\s+)?(?:answer|ans|a|回答|答案|答)\s*[:：]\s*", re.IGNORECASE)


class Answer(NamedTuple):
    """What a completion answers; no readings where it answers nothing, and ``reason`` says why."""

    readings: tuple[str, ...]
    """The answer as it stands, then narrower ways of reading it (``Paris`` of ``It is Paris.``)."""
    marker: str = ""
    """What marked it (``boxed``, ``answer tag``, ``the answer is`` …); empty where nothing did."""
    reason: str = ""
    body: str = ""
    """All that was said after the reasoning."""
    corrected: bool = False
    """What stands behind its mark seems to correct it."""


def answer_of(completion: str, prompt: str = "", *, prefilled: Prefilled = "auto") -> Answer:
    """The answer of a completion: of an answer tag, a box, "the answer is", else its last line.

    Reasoning is no answer, nor is what nobody sees or what is copied from the prompt.
    """
    text = completion[-TAIL:]
    opened = opens_reasoning(prompt) if prefilled == "auto" else prefilled
    rest = strip_reasoning(text, opened=opened)
    if rest is None:
        return Answer((), reason="the reasoning never ends, so there is no answer")
    body = without_fences(visible(rest))
    body = without_echo(body, prompt) if prompt else body
    if not body.strip():
        return Answer((), reason="nothing follows the reasoning")
    found = extract(body, _OPTIONS)
    if found.answer is not None and found.marker not in _UNMARKED:
        readings = _readings_of_marked(body, found.answer, found.marker, found.raw)
        if not readings:
            return Answer((), found.marker, "the answer is taken back", body)
        return Answer(readings, found.marker, body=body, corrected=contrast.corrected(_behind(body, readings[0])))
    if not found.answer and (found.candidates or found.reason not in ("no marked answer", "")):
        return Answer((), reason=found.reason or "no answer is asserted", body=body)
    readings = _readings_of_last_line(body)
    value = found.answer if found.answer and found.marker == "bare" and len(readings) == 1 else ""
    return Answer(_different(*readings, value), body=body)


def _behind(body: str, answer: str) -> str:
    """What stands behind the mark of an answer."""
    tag = body.lower().rfind("</answer>")
    return body[tag + len("</answer>") :] if tag >= 0 else body.rpartition(answer)[2] if answer in body else ""


def _readings_of_marked(body: str, answer: str, marker: str, raw: str) -> tuple[str, ...]:
    if marker == "answer tag":
        inside = _ANSWER.findall(body)
        whole = inside[-1].strip() if inside else ""
        if _TAKEN_BACK.match(body[body.lower().rfind("</answer>") + len("</answer>") :] if inside else ""):
            return ()
        if whole and answer in whole:
            return _different(_bare(whole), *_narrower(whole))
    if raw or marker.startswith("boxed"):
        return _different(raw, answer)
    at = body.rfind(answer)
    line = body[at:].partition("\n")[0].strip(' *_"') if at >= 0 else ""
    line = line if len(line) < 400 else ""
    if line[len(answer) :].startswith(". ") and _ABBREVIATED.search(answer):  # "J. R. R. Tolkien" was cut at its dot
        return _different(line)
    return _different(answer, line)


def _readings_of_last_line(body: str) -> tuple[str, ...]:
    lines = [line for line in body.splitlines() if line.strip()]
    first, _, explained = body.strip().partition("\n\n")
    if explained and "\n" not in first and not contrast.corrected(explained):
        short = len(first.split())
        if len(lines[-1].split()) > _PHRASE >= short or (short <= _WORDS and _EXPLAINS.match(explained)):
            lines = [first]
    last = _LABEL.sub("", _ITEM.sub("", lines[-1]).strip(" *_").lstrip("# ")).strip(" *_") if lines else ""
    return _different(_bare(last), *_narrower(last))


def _narrower(sentence: str) -> list[str]:
    """What a plain sentence says something is: behind its verbs. None of a doubt, a denial, a question or two lines."""
    if "\n" in sentence or len(sentence) > 400 or sentence.rstrip().endswith(("?", "？")):
        return []
    code = language_of(sentence)
    sentence = _FIRST_PERSON.sub("", sentence)
    found = [sentence[m.end() :] for m in _COPULA.finditer(sentence) if not _DENIED.search(sentence[: m.start()])]
    if not found or is_withheld(sentence, code):
        return []
    if contrast.doubted(sentence):
        return []
    if any(pattern(row, code).search(sentence) for row in ("denials", "hedges", "wrong", "suppositions", "hearsay")):
        return []
    return [_bare(text) for text in found]


def _bare(text: str) -> str:
    return text.strip(" *_\t\n").strip('“”"').strip()


def _different(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text.strip()))
