"""From the text behind a marker to the answer in it: the first sentence, its formula, its value."""

from __future__ import annotations

import functools
import re

from veritune.verifiers.math.syntax.cursor import ParseError
from veritune.verifiers.math.syntax.nodes import Num, Unit, Words
from veritune.verifiers.math.syntax.parser import parse
from veritune.verifiers.math.text.choices import choice
from veritune.verifiers.math.text.dates import dates
from veritune.verifiers.math.text.normalise import clean
from veritune.verifiers.math.text.strings import names

_BOILERPLATE = ("i hope it is correct", "i hope this is correct", "i hope this helps")
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_VERBS = (
    " is ",
    " are ",
    " equals ",
    " equal to ",
    " by ",
    " be ",
    " was ",
    " = ",
    " is: ",
    "是",
    "为",
    "得到",
    "等于",
    " comes to ",
    " totals ",
    ": ",
)
_ZH_CONNECTIVES = ("因此", "所以", "故", "综上", "即", "得到", "解得", "答案是", "答案为")
_MAX = 2048
_HEDGES = names(
    "not maybe perhaps could might may find compute determine what unsure uncertain or if suppose let given wrong"
    " incorrect except unless impossible means circumstances guess wish guessed"
)
_BOUNDS = ("less than", "greater than", "more than", "fewer than", "larger than", "smaller than", "不能为", "不等于")
_COUNTED = re.compile(
    r"([$€£]?\s?-?\d[\d,]*(?:\.\d+)?(?:/\d+)?\s?%?(?:\s(?:hundred|thousand|million|billion|trillion|dozen)\b)?)\s?"
    r"(?![\d.,/])[^\W\d][^\d=+*/^\\$]*$"
)
"""A number with nothing but words behind it: ``10 cookies in each jar``."""
_BOLD = re.compile(r"(?<![\w*])\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*(?![\d*])")
NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")
"""What every rule reads as the value it is."""
_SPOKEN = re.compile(
    r"\s*(?:(?:it|that|he|she|there|what|here)['’]s\b|(?:so|she|he|it|they|we|you|the|thus|there|hence|this|these|our|her|his|its"
    r"|so,|thus,|hence,)\s+[a-z]{2})",
    re.IGNORECASE,
)
"""The beginning of a sentence, which the parser would take for a product of letters."""
_REFUSALS = names("not wrong incorrect except false impossible")
_STATES = names("comes makes totals yields is are equals has have was gives were get obtain there")


def segments(text: str) -> list[tuple[int, int, str]]:
    """Delimited formulas of `text` in order: start, end, content. An opening without its closing is skipped."""
    out: list[tuple[int, int, str]] = []
    at = 0
    while at < len(text) and len(out) < 400:
        starts = [(text.find(o, at), -len(o), o, c) for o, c in _DELIMITERS]
        starts = [s for s in starts if s[0] >= 0 and not (s[2] == "$" and s[0] > 0 and text[s[0] - 1] == "\\")]
        if not starts:
            escaped = text.find("\\$", at)
            if escaped < 0 or text.find("$", escaped + 2) < 0:
                break
            at = escaped + 2
            continue
        start, _, opening, closing = min(starts)
        end = text.find(closing, start + len(opening))
        while end > 0 and closing == "$" and text[end - 1] == "\\":
            end = text.find(closing, end + 1)
        if end < 0:
            at = start + len(opening)
            if at > len(text) - 1 or opening not in ("$", "$$"):
                break
            continue
        out.append((start, end + len(closing), text[start + len(opening) : end]))
        at = end + len(closing)
    return out


def unemphasised(text: str) -> str:
    """`text` without Markdown's bold; a power written ``2**3`` stays."""
    return _BOLD.sub(r"\1", text) if "**" in text else text


def first_line(text: str) -> str:
    """The first line that says something."""
    for line in text.split("\n"):
        if line.strip(" *_-="):
            return line.strip()
    return ""


def first_sentence(text: str) -> str:
    """Up to the first full stop (or blank line) outside formulas and brackets."""
    depth = 0
    formula = False
    for found in _TURNS.finditer(text, 0, _MAX):
        at, c = found.start(), found[0]
        if c == "\\" and text[at + 1 : at + 2] in ("(", "["):
            formula = True
        elif c == "\\" and text[at + 1 : at + 2] in (")", "]"):
            formula = False
        elif c == "$" and (at == 0 or text[at - 1] != "\\"):
            formula = not formula and "$" in text[at + 1 : _MAX]
        elif c in "{([":
            depth += 1
        elif c in "})]":
            depth = max(0, depth - 1)
        elif not formula and depth == 0:
            following = text[at + 1 : at + 2]
            if c in ".!?" and (following in (" ", "\n", "")) and not _abbreviation(text, at):
                return text[:at]
            if c in "。।！？؟" or (c == "\n" and (following == "\n" or text[:at].strip())):
                return text[:at]
    return text[:_MAX]


_TURNS = re.compile(r"[\\${}()\[\].!?。।！？؟\n]")


def _abbreviation(text: str, at: int) -> bool:
    """A dot that ends no sentence: ``p.m.``, ``...``, ``A. 12``."""
    before = text[max(0, at - 3) : at].lower()
    if re.search(r"(?<!\w)(?:i\.e|e\.g|cf|vs|resp|approx|eqs?|fig|no|ca|dr|mrs?|st)$", text[max(0, at - 7) : at], re.I):
        return True
    if before.endswith((".m", "p.m", "a.m")) or (
        before.endswith(("p", "a")) and text[at + 1 : at + 3].strip().startswith("m.")
    ):
        return True
    return text[at : at + 1] == "." and (before.endswith(".") or (at == 1 and text[0].isupper()))


def last_sentence(text: str) -> tuple[str, bool]:
    """The last sentence, boilerplate left out, and whether it is finished."""
    tail = text[-1500:].rstrip()
    low = tail.lower()
    for phrase in _BOILERPLATE:
        at = low.rfind(phrase)
        if at >= 0 and len(tail) - at < 40:
            tail = tail[:at].rstrip()
            low = tail.lower()
    finished = tail.endswith((".", "。", "$", "\\]", "\\)", "!", "**"))
    body = tail.rstrip(".。! \n")
    start = 0
    for mark in (". ", ".\n", "。", "\n\n", "! ", "\n"):
        at = body.rfind(mark)
        while at >= 0 and mark in (". ", "\n") and _inside_formula(body, at):
            at = body.rfind(mark, 0, at)
        start = max(start, at + len(mark) if at >= 0 else 0)
    return body[start:].strip(), finished


def _inside_formula(text: str, at: int) -> bool:
    return text.count("$", 0, at) % 2 == 1 or text.rfind("\\[", 0, at) > text.rfind("\\]", 0, at)


def readable(text: str) -> bool:
    """Whether the whole of `text` is an answer: mathematics, or a value with words behind it."""
    return _readable(text) if len(text) <= 200 else _readable.__wrapped__(text)


@functools.lru_cache(maxsize=2048)
def _readable(text: str) -> bool:
    if text.strip().isdecimal():
        return True
    if _SPOKEN.match(text):
        return False
    try:
        tree = parse(clean(text[:_MAX]))
    except ParseError:
        return False
    return not isinstance(tree, Words) and not (isinstance(tree, Unit) and _verbose(tree.unit))


def _verbose(unit: str) -> bool:
    """Whether the words behind a value are a clause rather than a unit."""
    words = unit.lower().split()
    return len(words) > 6 or any(w in ("is", "which", "are", "was", "that", "because", "so") for w in words)


def refine(text: str) -> str | None:
    """The answer in the text behind a marker; None if nothing is there."""
    text = text.strip()
    if not text or NUMBER.fullmatch(text):
        return text or None
    if text.startswith(("$$", "\\[", "\\begin")):
        found = segments(text[:_MAX])
        if found and found[0][0] == 0:
            return found[0][2]
    sentence = first_sentence(text).strip(" *_\n")
    if any("\u4e00" <= c <= "\u9fff" for c in text[:400]):
        return _refine_chinese(text)
    if not sentence:
        return None
    sentence = _before_reason(sentence)
    if choice(sentence) is not None:
        return sentence
    if readable(sentence) or (sentence.startswith("\\text") and sentence.endswith("}")) or dates(sentence):
        return sentence
    return _value(sentence) or sentence


def _before_reason(sentence: str) -> str:
    """``42, since 6*7 = 42`` up to the reason."""
    low = sentence.lower()
    ends = [
        at
        for at in (low.find(word) for word in (", since ", ", because ", " because ", ", as ", ", so ", ", not "))
        if at > 0
    ]
    return sentence[: min(ends)] if ends else sentence


def _refine_chinese(text: str) -> str:
    paragraph = text[:_MAX].strip()
    negated = paragraph.find("不是")
    if negated > 0:
        paragraph = paragraph[:negated].rstrip(" ，,而、")
    stop = paragraph.find("\n\n")
    if stop > 0:
        paragraph = paragraph[:stop]
    if readable(paragraph):
        return paragraph
    sentences = [s for s in paragraph.replace("；", "。").replace("\n", "。").split("。") if s.strip(" .")]
    last = sentences[-1] if sentences else paragraph
    if len(sentences) > 1 and not any(w in last for w in _ZH_CONNECTIVES) and not segments(last):
        last = sentences[0]
    for word in _ZH_CONNECTIVES:
        at = last.rfind(word)
        if at >= 0 and last[at + len(word) :].strip(" ，,:："):
            last = last[at + len(word) :].strip(" ，,:：")
    if readable(last):
        return last
    return _value(last) or last


def _value(sentence: str) -> str | None:
    """The value a sentence states: behind its last verb, else its last formula, else its only number."""
    low = sentence.lower()
    inner = low.rfind("answer is")
    if inner >= 0:
        rest = sentence[inner + 9 :].strip(" :*")
        if rest and readable(rest):
            return rest
    several = sentence.count(" = ") > 1 and (" or " in low or " and " in low)
    if several:
        equations = sentence[sentence.rfind(" ", 0, sentence.find(" = ")) + 1 :]
        if readable(equations):
            return equations
    for verb in _VERBS:
        at = -1 if several and verb == " = " else low.rfind(verb)
        if at >= 0 and _bounds(low[: at + len(verb)]):
            return None
        if at >= 0 and not _inside_formula(sentence, at):
            rest = sentence[at + len(verb) :].strip(" :*")
            if rest and readable(rest) and not _is_words(rest):
                return rest
            if dates(rest):
                return rest
            counted = _COUNTED.match(rest)
            if counted is not None:
                return counted[1]
    found = segments(sentence)
    if found and _bounds(low[: found[-1][0]]):
        return None
    if found:
        return _last_formulas(sentence, found)
    numbers = _numbers(sentence)
    return numbers[0] if len(numbers) == 1 and not _bounds(low[: low.find(numbers[0].lower())]) else None


def _bounds(before: str) -> bool:
    """Whether the words before a value make it a bound: ``the answer is less than``."""
    return before.rstrip(" $\\([").endswith(_BOUNDS)


def _last_formulas(sentence: str, found: list[tuple[int, int, str]]) -> str:
    """The last formula, with those before it that "and", "or" or a comma joins to it."""
    start = found[-1][0]
    for index in range(len(found) - 2, -1, -1):
        between = sentence[found[index][1] : start].strip().lower().strip(",，、 ")
        if between not in ("and", "or", "", "和", "或", "与") or not sentence[found[index][1] : start].strip():
            break
        start = found[index][0]
    return sentence[start : found[-1][1]]


def _is_words(text: str) -> bool:
    return not any(c.isdecimal() for c in text) and len(text.split()) > 3


def _numbers(text: str) -> list[str]:
    out: list[str] = []
    for word in "".join(" " if "\u4e00" <= c <= "\u9fff" else c for c in text).split():
        core = word.strip(".,;:!?()*$€£\\，：；")
        if core and (core[0].isdecimal() or core[0] in "-.") and any(c.isdecimal() for c in core):
            out.append(core)
    return out


def whole(text: str) -> str | None:
    """A short completion as its own answer: its only formula, or all of it if that reads as one."""
    found = segments(text)
    if readable(text):
        return text
    if len(found) == 1 and found[0][2].strip():
        return None if _REFUSALS.intersection(text.lower().replace(".", " ").split()) else found[0][2]
    if first_sentence(text).strip(" .") == text.strip(" .") and not _hedges(text):
        value = _value(text.rstrip(". "))
        if value is not None:
            return value
    if len(text.split()) <= 12 and "\n" not in text:
        return text
    return None


def _hedges(text: str) -> bool:
    """Whether a sentence asks, doubts, denies or says nothing, rather than states a value."""
    words = [w.strip("{}()") for w in text.lower().replace(",", " ").replace(".", " ").split()]
    states = len(words) >= 4 and any(w in _STATES for w in words)
    return not states or "?" in text or "不" in text or any(w in _HEDGES or w.endswith("n't") for w in words)


def trailing(text: str) -> str | None:
    """The last formula or number of `text`, whichever stands later."""
    found = segments(text)
    formula = found[-1] if found else None
    tail = text[formula[1] :] if formula else text
    numbers = _numbers(tail)
    if numbers:
        number = numbers[-1]
        return number if _is_number(number) else _leading_number(number)
    return formula[2] if formula else None


def _is_number(text: str) -> bool:
    try:
        return isinstance(parse(clean(text)), Num | Unit)
    except ParseError:
        return False


def _leading_number(text: str) -> str | None:
    end = 0
    while end < len(text) and (text[end].isdecimal() or text[end] in ".,-/"):
        end += 1
    return text[:end].rstrip(".,-/") or None
