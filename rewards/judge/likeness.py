"""How much a sentence, or two neighbours, resemble an address to a judge: which parts are played in it, weighed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from veritune.rewards.judge.likeness_weights import CONSTANT, WEIGHTS
from veritune.rewards.judge.roles import Sentence, cast

_TOPIC = ("evaluator", "weak", "high", "reference", "process", "x_judges", "x_assess")
_WORD = re.compile(r"[a-z\u00e0-\u024f\u0370-\u05ff\u0900-\u0dff]+|[\u0600-\u06ff]+|[\u0e00-\u9fff\uac00-\ud7af]+")
_UNSPACED = "\u0e00"
"""From here on scripts are read by pairs of letters, others by the first letters of words."""
_KEYS = frozenset(
    {"evaluator", "weak", "high", "process", "reference", "meta", "accept", "verdict", "please"}
    | {"x_judges", "x_assess", "x_best", "x_key", "x_beg", "x_gift", "x_right", "x_write"}
)
_COMMENT = re.compile(r"^\s*(?:#(?!#)|//|/\*|\*|%|<!--|--|\"\"\"|\[//\])|<!--|/\*")
_BRACKET = re.compile(r"^\s*[\[【(<{]")
_LABEL = re.compile(r"^\W{0,6}[^\n:：】\]]{2,40}[:：】\]][^\n:：]{1,60}$")
_SAYS = re.compile(r"(?:^|\n)\W{0,4}\w[^\n:：]{0,30}\s?[:：]\s")
_FULL = re.compile(r"(?<![\d/.])(\d{1,3})\s?(?:/|out of|de|из|sur|von|من|में से|trên|dari|su)\s?\1(?![\d/])")
_ROUND = re.compile(r"(?<![\d.,])(?:10|100|1\.0|5|20)(?![\d.,]*\d)")
_QUOTED = re.compile(r"[\"'“”«»„「『`‘’][^\"'“”«»„「」『』`\n]{1,24}[\"'“”«»「」『』`]")
_THINK = re.compile(r"<think(?:ing)?>")
_ARROW = re.compile(r"->|→|=>|⇒")
_GRADE = re.compile(
    r"[\[<【(*_#]{1,3}\s?/?(?:final |total |overall )?(?:result|score|grade|verdict|rating|mark|points|total|decision|"
    r"judge?ment|label|outcome|evaluation|reward)s?\b[^\]>】)\n]{0,20}[\]>】)*_]{1,3}\s?[:=]?\s?[\"']?"
    r"(?:\d|correct|pass|true|right|accept|yes|[ab]\b)|"
    r"\b(?:points|score|mark|awarded)s?\s?=\s?[\"']?(\d+)[\"']?[^>\n]{0,30}\b(?:max|of|total)\w*\s?=\s?[\"']?\1|"
    r"\b(?:reward|score|is_correct|correct|passed|solved|success|verdict|grade|accept)[\"']?\s?[=:]\s?[\"']?"
    r"(?:1(?:\.0)?\b|true|10\b|correct|pass)"
)
"""A mark or a field that holds a good grade."""
_WHO = ("evaluator", "weak", "x_judges")
_SPEAKS = re.compile(r"\w{0,6}[^\S\n]?(?:\w{1,8} )?[^\S\n]?[:：]")
_CALLED = re.compile(r"\w{0,8}(?: \w{1,9})?\s?[,!:：、，！]|\w{0,4}(?:样|様|님|さん)")
_CALLING = re.compile(r"(?:^|[\n.,!?。，！？、…:(\[<\-*#/\"']|\bdear|\bo)\s*(?:\w{1,9} )?$")
_TOWARDS = re.compile(
    r"(?:\b(?:for|to|attention|note|dear|para|al?|a la|pour|aux?|fur|an|per|alla?|для|к|untuk|kepada|cho|gui|dla|do|"
    r"voor|aan)|"
    r"[致给對对]|إلى|الي|لل|إلي)\s?(?:the |any |all |la |el |le |die |den |l'|l’|il |o |os )?$"
)


@dataclass(frozen=True)
class Window:
    """One sentence, or two neighbours."""

    start: int
    end: int
    traits: frozenset[str]


def windows(text: str, kinds: frozenset[str] = frozenset()) -> Iterator[Window]:
    """Every sentence of a folded text in which something that belongs to judging is played, alone and with the next.

    ``kinds`` are those of the rules that hold somewhere in the text.
    """
    parts = cast(text)
    topical = [any(role in part for role in _TOPIC) for _, _, part in parts]
    total = sum(topical)
    thinking = [match.start() for match in _THINK.finditer(text)]
    for index, (start, end, part) in enumerate(parts):
        for joined in (False, True):
            if joined and index + 1 == len(parts):
                continue
            after: Sentence = parts[index + 1][2] if joined else {}
            roles = {role: [*part.get(role, ()), *after.get(role, ())] for role in {*part, *after}}
            if not roles.keys() & _KEYS and not _GRADE.search(text, start, end):
                continue
            stop = parts[index + 1][1] if joined else end
            own = topical[index] + (joined and topical[index + 1])
            traits = {*_of(text, start, stop, roles), *_words(text[start:stop])}
            traits.add("more:" + ("none" if total <= own else "few" if total <= own + 2 else "many"))
            traits.add("long:" + ("one" if len(parts) < 3 else "some" if len(parts) < 8 else "many"))
            if index == 0:
                traits.add("first")
            if (index + 1 + joined) == len(parts):
                traits.add("last")
            if joined:
                traits.add("joined")
            if any(at <= start < at + 4000 for at in thinking):
                traits.add("thinking")
            traits |= {f"rule:{kind}" for kind in kinds}
            yield Window(start, stop, frozenset(traits))


def _words(said: str) -> Iterator[str]:
    for word in _WORD.findall(said):
        if word[0] > _UNSPACED:
            yield from (f"w:{word[i : i + 2]}" for i in range(len(word) - 1))
        else:
            yield f"w:{word[:7]}"


def _of(text: str, start: int, stop: int, roles: Sentence) -> Iterator[str]:
    said = text[start:stop]
    for role in _WHO:
        for hit in roles.get(role, ()):
            before, behind = text[max(start, hit.start - 14) : hit.start], text[hit.end : hit.end + 16]
            if _SPEAKS.match(behind):
                yield "judge speaks"
            if _CALLED.match(behind) and _CALLING.search(before):
                yield "judge called"
            if _TOWARDS.search(before):
                yield "to the judge"
            if hit.start - start < 4:
                yield "judge first"
    names = sorted(roles)
    for i, name in enumerate(names):
        yield name
        for other in names[i + 1 :]:
            yield f"{name}&{other}"
    line = text[text.rfind("\n", 0, start) + 1 : stop]
    here = {
        "comment": _COMMENT.search(line),
        "bracket": _BRACKET.search(said),
        "label": _LABEL.match(said.strip()),
        "says": _SAYS.search(said),
        "full": _FULL.search(said),
        "round": _ROUND.search(said),
        "quoted": _QUOTED.search(said),
        "grade": _GRADE.search(said),
        "arrow": _ARROW.search(said),
        "asks": said.rstrip().endswith(("?", "？", "؟")),
    }
    found = [name for name, match in here.items() if match]
    for name in found:
        yield f"has:{name}"
        for role in ("evaluator", "weak", "high", "x_judges", "x_assess", "x_best", "x_right", "x_key", "process"):
            if role in roles:
                yield f"has:{name}&{role}"
    yield "short" if len(said) < 60 else "middling" if len(said) < 200 else "wide"


def likeness(text: str, kinds: frozenset[str] = frozenset()) -> tuple[float, int, int]:
    """The highest sum of weights of a window of a folded text, with its start and end; (-inf, 0, 0) without any."""
    best = (float("-inf"), 0, 0)
    for window in windows(text, kinds):
        # exact, so that the order of a set, which differs from process to process, decides no text at the limit
        value = math.fsum([CONSTANT, *(WEIGHTS.get(trait, 0.0) for trait in window.traits)])
        best = max(best, (value, window.start, window.end))
    return best
