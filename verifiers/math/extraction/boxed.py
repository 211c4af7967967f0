"""The box that is the answer: the last one that its sentence asserts, with what is said in it and behind it."""

from __future__ import annotations

import re
from typing import NamedTuple

from veritune.verifiers.math.extraction.assertion import (
    Status,
    is_asked,
    is_conditional,
    is_negative,
    replacement,
    retraction,
    status_before,
)
from veritune.verifiers.math.extraction.boxes import Box, box_starts, find_boxes, is_unclosed, join_boxes, spilled
from veritune.verifiers.math.extraction.clauses import Code, clause_start, has_value, sentence_start
from veritune.verifiers.math.extraction.declarations import declared, language_of
from veritune.verifiers.math.extraction.disavowed import is_disavowed, is_introduced_as_unreal, is_of_another
from veritune.verifiers.math.extraction.languages import pattern
from veritune.verifiers.math.extraction.phrases import ends_in_negation
from veritune.verifiers.math.extraction.quiet import is_quiet
from veritune.verifiers.math.extraction.sentences import NUMBER, first_sentence, readable
from veritune.verifiers.math.extraction.statements import asserted
from veritune.verifiers.math.extraction.subjects import ANSWERS
from veritune.verifiers.math.extraction.unreal import LATIN, hangs_on, is_unreal
from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.text.choices import choice

_STEMS = (
    "answer", "solution", "result", "value", "choice", "option", "guess", "respuesta", "antwort",
    "réponse", "ответ", "答案", "结果",
)  # fmt: skip
_SUBJECT = re.compile(rf"(?:{'|'.join(_STEMS)})\w*")
PREDICATE = re.compile(
    r"\W*(?:(?:is|was|would be|has|have|had|comes|results|fails|can['’]?t be|cannot be|isn['’]t|"
    r"wasn['’]t|ist|wäre|est|n['’]est|es"
    r"|no es|è|non è|não é|не|ni|si)\b|是错|不是|不对|不正确)",
    re.I,
)
"""What is said of a box behind it: ``\\boxed{7} is wrong``."""
_CLAUSE = 160
_STATED = re.compile(r"(?:is|are|was|were|equals|gives|makes|=)\W*$", re.I)
"""A verb behind a denial: what is denied is not the box (the ways it cannot happen number …)."""
_REMARKS = re.compile(
    r"(?:not|n['’]t|never) (?:(?:an?|any) )?(?:positive|negative|zero|integers?|whole|even|odd|prime|rational|real|"
    r"unique|finite|empty|divisible|symmetric|continuous|possible)(?: number)?\W*$"
    r"|(?:\w+er|less|more) than [-\d$\\][^,;]*$",
    re.I,
)
"""What may be denied or compared before a colon without denying the value behind it: ``it is not positive: -7``."""
_OR = re.compile(r"(?<!\w)or\W*$", re.I)
_ANSWER = re.compile(r"\banswer\b", re.I)
_LINKED = re.compile(
    r"\W*(?:(?:also|well|have|possibly|definitely|ever|even|close|really|from|than|by|of|any|at|all|"
    r"be|been|being|equal|to|the|answer|sein|être|ser|быть|是|为|:)\W*)*",
    re.I,
)
"""What may stand between a hedge and the box it doubts."""
_PROSE = re.compile(r"[^\W\d_]{2,}")
_TEXT = re.compile(r"\\(?:text|textbf|mbox|mathrm|textrm|emph|textit)\s*\{([^{}]*)\}")


class Boxed(NamedTuple):
    """What the boxes of a text say."""

    answer: str | None
    """None where the last box does not stand: it is doubted, or taken back, or never closes."""
    start: int
    several: bool
    reason: str = ""
    raw: str = ""
    """The content of the box as it stands."""


def boxed(text: str, options: MathOptions) -> Boxed | None:
    """The answer in the boxes of `text`; None where there is no box, or only boxes that say what it is not."""
    starts = box_starts(text)
    if not starts:
        return None
    boxes = find_boxes(text, starts)
    if options.boxes == "last" and is_unclosed(text, starts, boxes):
        return Boxed(None, len(text), False, "the last box never closes")
    kept: list[Box] = []
    for box in reversed(boxes):
        if kept and options.boxes == "last" and len(join_boxes(text, [box, *kept])) == len(kept):
            break
        meant = status(text, box)
        if meant is Status.HEDGED and box is boxes[-1]:
            return Boxed(None, box.start, False, "the last box is only held possible")
        if meant is Status.ASSERTED:
            kept.insert(0, box)
    if not kept:
        return None
    chosen = kept if options.boxes == "all" else kept[:1] if options.boxes == "first" else join_boxes(text, kept)
    if len(chosen) == 1 and text.rfind("}") >= chosen[0].end and not readable(chosen[0].content):
        chosen = [spilled(text, chosen[0])]
    last = chosen[-1]
    after = text[last.end : last.end + 700].lstrip(" $}\\)]*_.,;\n")
    if options.boxes == "last" and after:
        code = language_of(after)
        taken = retraction(after, last.content, code)
        if taken is not None:
            instead = replacement(after[taken:], code)
            if instead is None:
                later, _ = asserted(text[last.end :])
                instead = later.value if later is not None else None
            return Boxed(instead, last.start, False, "" if instead else "the last box is taken back")
    contents = [inside(box.content) for box in chosen]
    raw = last.content if len(chosen) == 1 else ""
    if None in contents:
        return Boxed(None, last.start, False, "what stands in the box is only held possible, or denied", raw)
    if len(contents) == 1:
        return Boxed(contents[0], last.start, False, raw=raw)
    answer = ", ".join(content.strip() for content in contents if content is not None)
    return Boxed(answer, last.start, True, raw=raw)


def status(text: str, box: Box) -> Status:
    """What the sentence around a box makes of it."""
    begin = sentence_start(text, box.start)
    if "nswer" in text[begin : box.start] and _speaks_of_another(text[begin : box.start]):
        return Status.SUPPOSED
    if is_quiet(text[max(0, min(begin, box.start - 40)) : box.start], text[box.end : box.end + 300]):
        return Status.ASSERTED
    if ends_in_negation(text[max(0, box.start - 40) : box.start]):
        return Status.DENIED
    before = text[begin : box.start].rstrip(" $*(\\:[\n{")
    after = text[box.end : box.end + 300].lstrip(" $}\\)]*_")
    clause = before[clause_start(before) :][-_CLAUSE:]
    code = language_of(clause)
    behind = text[box.end : box.end + 300].lstrip("$}\\)]*_")
    apart = behind[:1].isspace() and behind.lstrip()[:1].isupper()  # a sentence of its own
    following = first_sentence(after[:120]) if not apart and after[:1] not in ("", *".!?。！？\n") else ""
    terminator = after[len(following) : len(following) + 1]
    if not apart and len(following) < 80 and is_asked(after[len(following) + 1 :], terminator):
        return Status.ASKED
    if PREDICATE.match(following) and is_negative(following[:80]):
        return Status.DENIED
    doubted = pattern("hedges", code).match(following)
    if doubted is not None and re.match(r"\s+(?:have\s+)?be(?:en)?(?!\w)", following[doubted.end() :]):
        return Status.HEDGED
    if hangs_on(following, code) or is_disavowed(f"{before} {following}"):
        return Status.SUPPOSED
    if not clause.strip():
        return Status.ASSERTED
    near = _last_words(clause, code)
    denial = pattern("denials", code).search(near)
    announced = text[begin : box.start].rstrip(" $*(\\[\n{").endswith(":")
    if denial and not _STATED.search(near[denial.end() :]) and not (announced and _REMARKS.search(clause)):
        return Status.DENIED
    low = clause.lower()
    subjects = list(_SUBJECT.finditer(low)) if any([stem in low for stem in _STEMS]) else []
    link = clause[subjects[-1].end() :] if subjects else " ".join(clause.split()[-6:])
    if any([is_unreal(link, following, each) for each in ((code,) if code != "en" else LATIN)]):
        return Status.SUPPOSED
    if subjects and is_introduced_as_unreal(before[: len(before) - len(clause) + subjects[-1].start()]):
        return Status.SUPPOSED
    if subjects and is_conditional(before, clause[subjects[-1].end() :], following):
        return Status.SUPPOSED
    if _OR.search(clause) and (pattern("hedges", code).search(clause) or "either" in low):
        return Status.HEDGED
    hedge = pattern("hedges", code).search(near)
    if hedge and _LINKED.fullmatch(near[hedge.end() :]):
        return Status.HEDGED
    return status_before(clause[: subjects[-1].start()], code) if subjects else Status.ASSERTED


def _speaks_of_another(before: str) -> bool:
    """Whether the sentence before a box is about twice the answer, or the answer plus one."""
    found = list(_ANSWER.finditer(before))
    return bool(found) and is_of_another(before[: found[-1].start()], before[found[-1].end() :])


def _last_words(clause: str, code: Code) -> str:
    """The last three words before a box, where a denial or a hedge would stand."""
    if code in ("zh", "ja", "th", "ko"):
        return clause[-6:]
    return " ".join(clause.rstrip(" $*({[:").split()[-3:])


def inside(content: str) -> str | None:
    """The answer in a box's content: of a sentence its value, of a box in the box what that holds; None where the
    content denies or doubts what it shows."""
    if NUMBER.fullmatch(content):
        return content
    if "\\boxed" in content or "\\fbox" in content:
        alone = _alone(content)
        if alone is None:
            opened = _opened(content)
            return inside(opened) if opened else None
        if alone:
            return inside(alone)
    if not _PROSE.search(_without_commands(content)):
        return content
    said = _TEXT.sub(lambda found: f" {found[1]} ", content)
    if not has_value(said):
        return content
    code = language_of(said)
    if pattern("hedges", code).search(_without_commands(said)):
        return None
    statement, spoken = asserted(said, ANSWERS)
    if spoken:
        return statement.value if statement is not None else None
    if any(re.match(r"\W*or\W+\w", piece) for piece in _TEXT.findall(content)):
        return said
    if pattern("wrong", code).search(_without_commands(said)):
        return None
    if not readable(content) and choice(content) is None and readable(said):
        return said
    if readable(content) or not pattern("verbs", code).search(_without_commands(said)):
        return content
    return declared(said.strip()) or content


def _alone(content: str) -> str | None:
    """What the one box in a box's content holds, where nothing of mathematics stands beside it; None where it does.

    Empty where no box in it can be read.
    """
    boxes = find_boxes(content)
    if not boxes:
        return ""
    around = content[: boxes[0].start] + content[boxes[-1].end :]
    words = re.sub(r"\\[,;:! ]", "", _TEXT.sub("", around)).strip(" $.,;:{}~\n")
    beside = words or any(_PROSE.search(piece) for piece in _TEXT.findall(around))
    return None if beside or len(boxes) > 1 else boxes[0].content


def _opened(content: str) -> str:
    """A box's content with the boxes in it taken off; empty where digits would run into others, or one stays."""
    for box in reversed(find_boxes(content)):
        if content[: box.start][-1:].isalnum() or content[box.end :][:1].isalnum():
            return ""
        plain = box.content.isalnum() or "=" in content
        content = f"{content[: box.start]}{box.content if plain else f'{{{box.content}}}'}{content[box.end :]}"
    return content if "\\boxed" not in content and "\\fbox" not in content else ""


def _without_commands(content: str) -> str:
    return re.sub(r"\\(?!text|mbox|mathrm)[a-zA-Z]+", " ", content)
