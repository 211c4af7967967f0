"""Where a puzzle's answer stands in a completion: in tags, in boxes, behind "answer:", in a conclusion, or anywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from veritune.plugins.unseen import visible
from veritune.verifiers.puzzles.asserted import MARK

LONGEST = 20_000
"""Characters of one place that are read; an answer is shorter."""

_TAG = re.compile(r"<answer>((?:(?!</?answer>).)*?)</answer>", re.DOTALL | re.IGNORECASE)
_STRONG = re.compile(
    r"(?:^|(?<=[\n.:!?*]))[ \t>#*_-]*(?:(?:my|the|so|thus|therefore|hence)[ ,]+(?:the )?)?"
    r"(?:final (?:answer|solution|grid|assignment|result|expression|table)|answer|conclusion|答案|最终答案)"
    r"(?:[ ]+(?:is|are))?[ \t*_]*(?:\([^()\n]{0,40}\))?[ \t*_]*(?:[:：]|\n)|####",
    re.IGNORECASE,
)
_WEAK = re.compile(
    r"(?:^|(?<=[\n.!?]))[ \t>#*_-]*(?:therefore|thus|hence|in conclusion|to conclude|in summary|to summari[sz]e|"
    r"so,? (?:we (?:have|conclude)|the|finally)|finally|overall|(?:the |a |one )?(?:completed? |full |filled |valid )*"
    r"(?:solution|solved (?:grid|puzzle)|colou?ring|assignment)\b[^\n.]{0,60}?(?:is|are|:))",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\n[ \t>#*_-]*(?:explanation|reasoning|justification|proof|verification|verify|check(?:ing)?|"
    r"here'?s? (?:is )?(?:why|how)|"
    r"why|steps?|let(?:'s| us) (?:check|verify))\b",
    re.IGNORECASE,
)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_LATEX = re.compile(
    r"\\(?:text(?:bf|it|tt|rm|sf|sc)?|mathrm|mathbf|mathit|mathtt|mathsf|mbox|hbox|emph)\s*\{([^{}]*)\}"
)
_SPACES = re.compile(r"(?<!\\)\\(?:[,;:! ]|q?quad\b)|~")

_RUNS = re.compile(r"([^\w]|_)\1{80,}")
"""The same sign over and over: nobody reads it, and patterns that begin with it would again and again."""

Where = Literal["tag", "box", "mark", "conclusion", "text"]


@dataclass(frozen=True)
class Place:
    """One place where an answer may stand, as several texts that all have to say the same."""

    where: Where
    texts: tuple[str, ...]
    around: str = ""
    """Of a tag or a box: the text that it stands in, with MARK for the last one."""
    behind: str = ""
    """Of a tag or a box: the text behind the last one."""


def places(
    completion: str, prompt: str = "", *, prefilled: bool | Literal["auto"] = "auto", raw: bool = False
) -> list[Place] | None:
    """The places after the thinking, the surest first; None where the thinking never ends.

    Where there is an answer tag, nothing else is read. ``raw``: as it was written, white space around aside.
    """
    tidy = str.strip if raw else plain
    from veritune.verifiers.math.extraction.reasoning import opens_reasoning, strip_reasoning

    opened = opens_reasoning(prompt) if prefilled == "auto" else prefilled
    said = strip_reasoning(completion, opened=opened)
    if said is None:
        return None
    tags = list(_TAG.finditer(said))
    if tags:
        around, behind = _around(said, tags[-1].start(), tags[-1].end())
        return [Place("tag", tuple(tidy(tag[1]) for tag in tags[-20:]), around, behind)]
    said = said[-LONGEST:] if raw else _RUNS.sub(r"\1" * 80, said[-LONGEST:])
    return [place for place in _untagged(said, tidy) if place.texts]


def _untagged(said: str, tidy: Callable[[str], str]) -> Iterator[Place]:
    boxes = _boxes(said)
    around, behind = _around(said, boxes[-1][1], boxes[-1][2]) if boxes else ("", "")
    yield Place("box", tuple(tidy(box) for box, _, _ in boxes), around, behind)
    marks = [found for found in _STRONG.finditer(said)][-20:]
    ends = [*(mark.start() for mark in marks[1:]), len(said)]
    yield Place("mark", tuple(tidy(_cut(said[m.end() : end])) for m, end in zip(marks, ends, strict=False)))
    weak = [found.start() for found in _WEAK.finditer(said)]
    yield Place("conclusion", (tidy(_cut(said[weak[-1] :])),) if weak else ())
    yield Place("text", (tidy(said),))


def _cut(text: str) -> str:
    """Without what explains the answer behind it."""
    found = _BEHIND.search(text)
    return text if found is None or not text[: found.start()].strip() else text[: found.start()]


def _around(said: str, start: int, end: int) -> tuple[str, str]:
    """The sentence before an answer with the text behind it, and the text behind alone."""
    behind = plain(said[end : end + LONGEST])
    before = said[max(start - 300, 0) : start].rpartition("\n")[2]
    return f"{plain(before)} {MARK} {behind}", behind


def _boxes(said: str) -> list[tuple[str, int, int]]:
    """The insides of complete boxes and where they begin and end, the last 40 of them."""
    found = []
    for opening in list(_BOX.finditer(said))[-40:]:
        depth = 1
        for at in range(opening.end(), min(len(said), opening.end() + LONGEST)):
            depth += {"{": 1, "}": -1}.get(said[at], 0)
            if depth == 0:
                found.append((said[opening.end() : at], opening.start(), at + 1))
                break
    return found


def plain(text: str) -> str:
    r"""The text as it reads: no unseen characters, full-width forms as ASCII, ``\text{…}`` opened."""
    text = unicodedata.normalize("NFKC", visible(_RUNS.sub(r"\1" * 80, text[-LONGEST:]))).replace("\u20e3", "")
    for _ in range(3):
        text = _LATEX.sub(r"\1", text)
    text = _SPACES.sub(" ", text.replace("\\{", "{").replace("\\}", "}").replace("\\_", "_"))
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


_NO_SOLUTION = re.compile(
    r"\b(?:no|not (?:any|a single)|without (?:a|any)|lacks? (?:a|any)|has no|"
    r"have no)\s+(?:\w+\s+){0,3}?(?:solutions?|answers?|way|ways|"
    r"expressions?|colou?rings?|assignments?|fillings?|combinations?)\b|"
    r"\b(?:impossible|unsolvable|insoluble|unsatisfiable|infeasible)\b|"
    r"\b(?:cannot|can't|can ?not|could not|couldn't|not)\s+(?:be\s+)?(?:possible|solvable|solved|reached|"
    r"made|coloured|colored|colou?rable|done|"
    r"achieved|formed|satisfied|\d+-colou?rable)\b|\bnot possible\b|\bnone exists?\b|无解|無解",
    re.IGNORECASE,
)
_NOT_NONE = re.compile(r"\bnot\s+(?:impossible|unsolvable|insoluble|unsatisfiable)\b", re.IGNORECASE)


def says_none(text: str) -> bool:
    """Whether the text says that the puzzle has no solution, and little else."""
    return len(text) <= 400 and _NO_SOLUTION.search(text) is not None and _NOT_NONE.search(text) is None


_DENIED = re.compile(
    r"^[\s$({\[*_]*(?:(?:definitely|certainly|surely|clearly|probably|it is|it's)\s+)*"
    r"(?:(?:not|never|neither|isn't|except|excluding|(?:anything|everything|all|any) but|other than|rather than)\b"
    r"|≠|¬|!=|\\(?:neq?|not|neg)(?![A-Za-z])|不是|并非|非)"
    r"|\b(?:answer|solution|it)\s+(?:is|are|be|was)\s+(?:\w+ly\s+)?(?:not|never|anything but|"
    r"everything but|other than|≠)\b(?!\s+(?:solv|poss))"
    r"|\b(?:false|wrong|untrue|incorrect|not true|not the case) that\b"
    r"|\b(?:is|are)\s+(?:wrong|incorrect|false|invalid|untrue|not (?:right|correct|true|it|the (?:answer|"
    r"solution)))\W*$",
    re.IGNORECASE,
)


def denied(text: str) -> bool:
    """Whether the text says what the answer is not."""
    return _DENIED.search(text) is not None
