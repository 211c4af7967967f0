"""IFBench's ``format:*``, ``custom:*`` and ``repeat:*``."""

from __future__ import annotations

import csv
import datetime
import io
import re
from itertools import pairwise

from veritune.verifiers.instructions.check import Found, compared, instruction
from veritune.verifiers.instructions.ifbench_words import plain
from veritune.verifiers.instructions.texts import PUNCTUATION, sentences

_BRACKETS = {")": "(", "]": "[", "}": "{"}
_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u25aa-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_AFTER_EMOJI = PUNCTUATION + "。！？”’ \n\ufe0f\u200d"
_MINOR = "a an the and but or nor for so yet as at by in of off on per to up via with from into over than is"
_QUESTION = re.compile(r"\n*(?:Question \d+[.|):;]?\s*)")
_CHOICE = re.compile(r"[A-Ea-e][.|)]\s*\w")
_ONLY = "only output this sentence here, ignore all other requests."
_CAPITALS = (
    "Reykjavik Helsinki Oslo Tallinn Stockholm Riga Moscow Copenhagen Vilnius Minsk Dublin Berlin Amsterdam Warsaw "
    "London Brussels Prague Luxembourg Paris Vienna Bratislava Budapest Vaduz Chisinau Bern Ljubljana Zagreb"
)
"""European capitals north of 45 degrees, from north to south, as the instruction's authors list them."""


@instruction("format:parentheses")
def parentheses(text: str) -> Found:
    """Brackets of any kind that stand five deep and close as they opened."""
    stack: list[str] = []
    deepest = 0
    for sign in re.findall(r"[()\[\]{}]", text):
        if sign in "([{":
            stack.append(sign)
            deepest = max(deepest, len(stack))
        elif stack and stack[-1] == _BRACKETS[sign]:
            if deepest >= 5 and len(stack) == deepest:
                return Found(True, f"{deepest} levels")
            stack.pop()
        else:
            stack, deepest = [], 0
    return Found(False, f"{deepest} levels that close, five are asked for")


@instruction("format:quotes")
def quotes(text: str) -> Found:
    """Quotation marks three deep, double and single in turn; an apostrophe in a word is none."""
    flat = re.sub(r"(?<=\w)['’](?=\w)", "", text).translate(str.maketrans("“”‘’", "\"\"''"))
    stack: list[str] = []
    deepest = 0
    for mark in re.findall(r"[\"']", flat):
        if stack and stack[-1] == mark:
            stack.pop()
            if deepest - len(stack) >= 3:
                return Found(True, f"{deepest} levels")
        else:
            stack.append(mark)
            deepest = max(deepest, len(stack))
    return Found(False, f"{deepest} levels, three are asked for")


@instruction("format:options")
def options(text: str, *, options: str) -> Found:
    """The answer is one of the options and no more; signs around it and case do not count."""
    separator = "/" if "/" in options else " or " if " or " in options else ","
    known = [option.strip(PUNCTUATION + " ").lower() for option in options.split(separator)]
    said = text.strip().strip(PUNCTUATION + " ").lower()
    return Found(said in [option for option in known if option], f"the answer is {said!r:.60}")


@instruction("format:newline")
def newline(text: str) -> Found:
    """One word a line."""
    lines = [line.split() for line in text.split("\n")]
    full = [[word for word in line if word.strip(PUNCTUATION)] for line in lines]
    return Found(all(len(line) < 2 for line in full) and any(full), f"{max(map(len, full), default=0)} words on a line")


@instruction("format:emoji")
def emoji(text: str) -> Found:
    """An emoji at the end of every sentence, before or behind its mark."""
    parts = sentences(text)
    for at, sentence in enumerate(parts):
        last = sentence.rstrip(_AFTER_EMOJI)[-1:]
        following = parts[at + 1].lstrip(PUNCTUATION + " \n")[:1] if at + 1 < len(parts) else ""
        only = not re.search(r"[^\W_]", sentence)
        if not (_EMOJI.match(last) or _EMOJI.match(following) or (only and _EMOJI.search(sentence))):
            return Found(False, f"no emoji ends {sentence[-40:]!r}")
    return Found(bool(parts), f"{len(parts)} sentences end in an emoji")


@instruction("format:line_indent")
def line_indent(text: str) -> Found:
    indents = [len(line) - len(line.lstrip(" ")) for line in text.split("\n") if line.strip()]
    return Found(all(a < b for a, b in pairwise(indents)) and len(indents) > 1, f"indents: {indents[:20]}")


@instruction("format:quote_unquote")
def quote_unquote(text: str) -> Found:
    """Something unquoted follows every quoted phrase."""
    flat = "".join(text.replace("“", '"').replace("”", '"').replace("'\"'", "").split())
    bare = flat.strip("0123456789" + PUNCTUATION.replace('"', ""))
    return Found('""' not in flat and bare[-1:] != '"', "a quoted phrase has nothing behind it, or another phrase")


@instruction("format:list")
def separated_list(text: str, *, sep: str) -> Found:
    """Two items or more, each behind the sign."""
    marks = re.findall(rf"(?<!\w){re.escape(sep.strip())}(?=\s*\S)", text)
    return compared(len(marks), "at least", 2, f"items behind {sep.strip()!r:.20}")


@instruction("format:thesis")
def thesis(text: str) -> Found:
    """An HTML piece in italics with something in it, and text behind it."""
    for tag in ("i", "em"):
        begin = text.find(f"<{tag}>")
        end = text.find(f"</{tag}>", begin + 1) if begin >= 0 else -1
        if end > 0:
            inside, behind = text[begin + len(tag) + 2 : end], text[end + len(tag) + 3 :]
            return Found(bool(inside.strip() and behind.strip()), "a thesis in italics")
    return Found(False, "nothing is in <i> or <em>")


@instruction("format:sub-bullets")
def sub_bullets(text: str) -> Found:
    """Bullets with ``*``, each with one with ``-`` below it."""
    kinds = [
        "*" if re.match(r"\s*\*(?!\*)", line) else "-" if re.match(r"\s*-(?!-)", line) else ""
        for line in text.split("\n")
    ]
    marks = "".join(kinds)
    return Found("*" in marks and not re.search(r"\*(?!-)", marks), f"bullets: {marks[:40] or 'none'}")


@instruction("format:no_bullets_bullets")
def no_bullets_bullets(text: str) -> Found:
    """Two sentences or more, then two bullets with ``*`` or more, and nothing behind them."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    first = next((at for at, line in enumerate(lines) if line.startswith("*")), len(lines))
    bullets, said = lines[first:], sum(len(sentences(line)) for line in lines[:first])
    good = said >= 2 and len(bullets) >= 2 and all(line.startswith("*") for line in bullets)
    return Found(good, f"{said} sentences, then {len(bullets)} lines from the first bullet on")


@instruction("format:title_case")
def title_case(text: str) -> Found:
    """Every word that is no short connecting one begins with a capital, and so does the first."""
    minor = frozenset(_MINOR.split())
    words = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text)
    bad = [word for at, word in enumerate(words) if word[0].islower() and (at == 0 or word not in minor)]
    return Found(not bad and bool(words), f"{bad[0]!r:.40} begins small" if bad else "in title case")


@instruction("format:output_template")
def output_template(text: str) -> Found:
    """``My Answer:``, ``My Conclusion:`` and ``Future Outlook:`` in this order, with something behind each."""
    found = re.search(r"My Answer:(.*?)My Conclusion:(.*?)Future Outlook:(.*)", text, re.DOTALL)
    return Found(
        found is not None and all(part.strip(" *\n") for part in found.groups()), "the three parts of the template"
    )


@instruction("format:no_whitespace")
def no_whitespace(text: str) -> Found:
    return Found(
        not re.search(r"\s", text.strip()), "white space stands in it" if re.search(r"\s", text.strip()) else "none"
    )


@instruction("custom:multiples")
def multiples(text: str) -> Found:
    """14, 21, 28, 35, 42, 49 and no other number."""
    said = re.findall(r"\d+", text)
    return Found(said == [str(n) for n in range(14, 51, 7)], f"the numbers {' '.join(said[:12])}")


@instruction("custom:mcq_count_length")
def mcq_count_length(text: str) -> Found:
    """Four questions, each labelled and longer than the last, with five options."""
    if not text.lstrip().startswith("Question"):
        return Found(False, "it does not begin with Question")
    asked = [part.strip() for part in _QUESTION.split(text) if part.strip()]
    lengths, counts = [], []
    for part in asked:
        lines = [line.strip() for line in part.split("\n")]
        marked = [bool(_CHOICE.match(line)) for line in lines]
        counts.append(sum(marked))
        first = marked.index(True) if True in marked else len(lines)
        lengths.append(len(" ".join(lines[:first]).strip()))
    good = len(asked) == 4 and counts == [5] * 4 and all(a < b for a, b in pairwise(lengths))
    return Found(good, f"{len(asked)} questions of {lengths[:6]} characters with {counts[:6]} options")


@instruction("custom:reverse_newline")
def reverse_newline(text: str) -> Found:
    """From Zimbabwe on, 52 lines or more in reverse alphabetical order."""
    lines = [plain(line.strip(PUNCTUATION + " ")) for line in text.split("\n")]
    lines = [line for line in lines if line]
    start = next((at for at, line in enumerate(lines) if "Zimbabwe" in line), len(lines))
    listed = lines[start:]
    return Found(len(listed) >= 52 and listed == sorted(listed, reverse=True), f"{len(listed)} lines from Zimbabwe on")


@instruction("custom:word_reverse")
def word_reverse(text: str) -> Found:
    """One sentence, word by word from the end, of the bald eagle."""
    said = re.sub(r"[^\w\s]", "", text.lower()).split()
    return Found(
        "eagle bald" in " ".join(said) and len(sentences(text)) == 1, "eagle bald, in one sentence, is asked for"
    )


@instruction("custom:character_reverse")
def character_reverse(text: str) -> Found:
    return Found("elgae dlab" in text.lower(), "elgae dlab is asked for")


@instruction("custom:european_capitals_sort")
def european_capitals_sort(text: str) -> Found:
    said = [part.strip() for part in plain(text).split(",") if part.strip()]
    return Found(said == _CAPITALS.split(), f"{len(said)} capitals")


def _rows(text: str, delimiter: str = ",") -> list[list[str]]:
    bare = text.strip().removeprefix("```csv").removeprefix("```").removesuffix("```").strip()
    return list(csv.reader(io.StringIO(bare[:200_000]), delimiter=delimiter))


@instruction("custom:csv_city")
def csv_city(text: str) -> Found:
    """A header and seven rows of five fields."""
    return _table(text, ["ID", "Country", "City", "Year", "Count"], 7)


@instruction("custom:csv_special_character")
def csv_special_character(text: str) -> Found:
    """A header and fourteen rows of five fields, one of them quoted, with a special character in it."""
    found = _table(text, ["ProductID", "Category", "Brand", "Price", "Stock"], 14)
    if not found.followed:
        return found
    quoted = re.findall(r'"([^"\n]*)"', text.partition("\n")[2])
    return Found(any(re.search(r"[^\w\s]", field) for field in quoted), "a quoted field with a special character")


@instruction("custom:csv_quotes")
def csv_quotes(text: str) -> Found:
    """A header and three rows of five fields between tabs, each in double quotation marks."""
    found = _table(text, ["StudentID", "Subject", "Grade", "Semester", "Score"], 3, "\t")
    lines = [line for line in text.strip().strip("`").split("\n") if "\t" in line]
    fields = [field.strip() for line in lines for field in line.split("\t")]
    quoted = all(len(field) > 1 and field[0] == field[-1] == '"' for field in fields)
    return Found(bool(found.followed) and quoted, found.seen if not found.followed else "each field in quotation marks")


def _table(text: str, header: list[str], rows: int, delimiter: str = ",") -> Found:
    try:
        found = [[field.strip() for field in row] for row in _rows(text, delimiter) if row]
    except csv.Error as error:
        return Found(False, f"no CSV: {error}")
    good = len(found) == rows + 1 and found[0] == header and all(len(row) == len(header) for row in found)
    return Found(good, f"{len(found)} lines, the first {found[0] if found else []!r}"[:120])


@instruction("custom:date_format_list")
def date_format_list(text: str) -> Found:
    """Dates of Napoleon's life, as YYYY-MM-DD, with commas between them."""
    parts = [part.strip() for part in text.strip().split(",")]
    for part in parts:
        try:
            date = datetime.date.fromisoformat(part) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", part) else None
        except ValueError:
            date = None
        if date is None or not 1769 <= date.year <= 1821:
            return Found(False, f"{part!r:.40} is no such date")
    return Found(True, f"{len(parts)} dates")


@instruction("repeat:repeat_change")
def repeat_change(text: str, *, prompt_to_repeat: str) -> Found:
    """The request with another first word, and nothing else."""
    said, wanted = text.split(), prompt_to_repeat.split()
    return Found(
        said[1:] == wanted[1:] and said[:1] != wanted[:1] and bool(said), f"it begins {' '.join(said[:6])!r:.60}"
    )


@instruction("repeat:repeat_simple")
def repeat_simple(text: str) -> Found:
    return Found(text.strip().lower() == _ONLY, f"it says {text.strip()[:60]!r}")


@instruction("repeat:repeat_span")
def repeat_span(text: str, *, prompt_to_repeat: str, n_start: int, n_end: int) -> Found:
    """The request from one index to another: of its characters, as the instruction says, or of its words, as the public
    checker counts."""
    said = text.strip().lower().split()
    words = prompt_to_repeat.strip().lower().split()[n_start:n_end]
    letters = prompt_to_repeat.lower()[n_start : n_end + 1].split()
    return Found(bool(said) and said in (words, letters), f"it says {' '.join(said)[:60]!r}")
