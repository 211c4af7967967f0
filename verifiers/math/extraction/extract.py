"""Which part of a completion is its answer, and what marked it. Linear scans; no backtracking expressions."""

from __future__ import annotations

import re
from typing import NamedTuple

from veritune.verifiers.math.extraction.assertion import is_negative, leading_value, replacement, retraction
from veritune.verifiers.math.extraction.boxed import PREDICATE, boxed
from veritune.verifiers.math.extraction.clauses import take_apart
from veritune.verifiers.math.extraction.declarations import (
    declared,
    is_doubted,
    is_withheld,
    language_of,
    states_plainly,
)
from veritune.verifiers.math.extraction.echo import without_echo
from veritune.verifiers.math.extraction.express import express
from veritune.verifiers.math.extraction.phrases import CONNECTIVES, LINE_STARTS, is_negated
from veritune.verifiers.math.extraction.reasoning import opens_reasoning, strip_reasoning
from veritune.verifiers.math.extraction.sentences import (
    first_line,
    first_sentence,
    last_sentence,
    readable,
    refine,
    segments,
    trailing,
    unemphasised,
    whole,
)
from veritune.verifiers.math.extraction.statements import asserted
from veritune.verifiers.math.extraction.subjects import FINAL, TAIL
from veritune.verifiers.math.extraction.visible import visible, without_fences
from veritune.verifiers.math.options import DEFAULT, MathOptions
from veritune.verifiers.math.text.choices import choice

_UNSURE = re.compile(r"not sure|unsure|not certain|no idea|n['’]t know|不确定|不知道", re.IGNORECASE)
_CHOSEN = re.compile(
    r"\(?([A-J])\)? (?:is|must be) (?:the )?(?:correct|right|true)(?: one| option| choice)?(?:[,;. ]|$)", re.IGNORECASE
)
_LINE_LETTERS = frozenset("aAfFsS答")
"""What the headings and beginnings of :func:`_line` begin with."""
_STOPS = (
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end|>",
    "<|user|>",
    "<eoa>",
    "</s>",
    "<eos>",
    "<end_of_turn>",
    "[/INST]",
)


class Candidate(NamedTuple):
    """A place that could hold the answer."""

    text: str
    marker: str
    """``boxed``, ``answer tag``, ``####``, ``Answer:``, ``the answer is``, ``答案``, ``json``, ``bold`` …"""
    start: int


class Extraction(NamedTuple):
    """The answer taken from a completion; ``answer`` is None where there is none, and ``reason`` says why."""

    answer: str | None
    marker: str
    candidates: tuple[Candidate, ...] = ()
    reason: str = ""
    raw: str = ""
    """What stands in the box, where the answer is only a part of it."""

    def against(self, gold: str) -> str | None:
        """The answer to compare with `gold`: a box that holds the gold word for word counts as it stands."""
        if self.raw and " ".join(self.raw.split()).strip(" .") == " ".join(gold.split()).strip(" ."):
            return gold
        return self.answer


def extract(text: str, options: MathOptions = DEFAULT, prompt: str = "") -> Extraction:
    """The answer of a completion.

    Reasoning is dropped first (an unclosed block, or one that the prompt opened and nothing closed, leaves no answer),
    and what a reader would not see. Then, whichever stands last of: a box, an answer tag, ``####``, a "final answer",
    【答案】. Then "the answer is", "A:", a concluding sentence, bold text. A short completion without any marker is the
    answer itself. A trailing number counts only when asked. Only a value that its sentence asserts is an answer.

    With a ``prompt``, what the completion copies from it is no answer (``options.echo``).
    """
    kept = text[-options.max_completion :]
    opened = bool(prompt) and opens_reasoning(prompt) if options.prefilled == "auto" else options.prefilled
    if options.in_reasoning or not opened:
        quick = express(kept, options)
        if quick is not None and not (prompt and options.echo and without_echo(kept, prompt) != kept):
            raw = quick.content if quick.content != quick.answer else ""
            return Extraction(quick.answer, "boxed", (Candidate(quick.answer, "boxed", quick.start),), raw=raw)
    after = kept if options.in_reasoning else strip_reasoning(kept, options, opened=opened)
    if after is None:
        return Extraction(None, "", (), "the reasoning never ends, so there is no answer")
    body = visible(_cut(after))
    if prompt and options.echo:
        body = without_echo(body, prompt)
    if not body.strip():
        return Extraction(None, "", (), "nothing follows the reasoning" if after is not kept else "empty")
    return _find(body, options)


def _cut(text: str) -> str:
    """`text` up to the first token that ends a turn."""
    if "<" in text and "<eoe>" in text:
        text = text.replace("<eoe>", "\n")
    if "[/INST]" not in text and not ("<" in text and ("<|" in text or "<e" in text or "</s>" in text)):
        return text
    stops: tuple[str, ...] = _STOPS
    if "<s>" in text:
        inner = text.strip().removeprefix("<s>").removesuffix("</s>")
        if "s>" not in inner:
            return inner  # the tokens of a sequence around all of it
        stops = tuple(stop for stop in _STOPS if stop != "</s>")  # text that is struck out
    ends = [at for at in (text.find(stop) for stop in stops) if at > 0]
    return text[: min(ends)] if ends else text


def _find(text: str, options: MathOptions) -> Extraction:
    if options.json_field:
        found = _json(text, options.json_field)
        if found is not None:
            return Extraction(found.text or None, "json", (found,), "" if found.text else "the JSON has no answer")
    inner = _json_inside(text, options.json_field) if options.json_field else None
    text = without_fences(text)
    box = boxed(text, options)
    if box is not None and box.answer is None:
        return Extraction(None, "", (), box.reason, box.raw)
    first = (
        None if box is None else Candidate(box.answer or "", "boxed (joined)" if box.several else "boxed", box.start)
    )
    strong = [c for c in (first, _tagged(text, options), inner) if c is not None]
    finals = _finals(text, max([c.start for c in strong], default=-1))
    if first is not None and len(strong) == 1 and not finals:
        raw = box.raw if box is not None and box.raw != first.text else ""
        return Extraction(first.text, first.marker, (first,), raw=raw)
    strong += finals
    if first is not None:
        strong = [c for c in strong if c.marker not in ("final answer", "####") or readable(c.text)]
    if strong:
        best = max(strong, key=lambda c: c.start)
        if best.marker in ("answer tag", "####"):
            best = _standing(best, text)
        raw = box.raw if box is not None and best is first and box.raw != best.text else ""
        if len(strong) > 1:
            strong.sort(key=lambda c: -c.start)
        return Extraction(best.text, best.marker, tuple(strong), raw=raw)
    statement, spoken = asserted(text)
    if statement is not None:
        weak = Candidate(statement.value, statement.name, statement.start)
        return Extraction(weak.text, weak.marker, (weak,))
    last = (_bare, trailing_candidate) if not options.trailing else (_clean_bare, trailing_candidate, _bare)
    for finder in (_line, _conclusion, _bold, *last):
        if (finder is trailing_candidate and not options.trailing) or (finder is _bare and not options.bare):
            continue
        if spoken and finder in (_bare, _clean_bare):
            return Extraction(None, "", (), "a value is spoken of, and none is asserted")
        found = finder(text)
        if found is not None:
            return Extraction(found.text, found.marker, (found,))
    return Extraction(None, "", (), "no marked answer")


def _standing(found: Candidate, text: str) -> Candidate:
    """An answer tag or ``####`` line, with what the words behind it put in its place where they take it back."""
    closing = "</answer>" if found.marker == "answer tag" else "\n"
    end = text.lower().find(closing, found.start)
    instead = None if end < 0 or not found.text else taken_back(text[end + len(closing) :], found.text)
    return found if instead is None else found._replace(text=instead)


def taken_back(behind: str, value: str) -> str | None:
    """What stands in the place of a value that the words behind its mark take back (empty: nothing); None where they
    do not."""
    said = behind[:700].lstrip(" $}\\)]*_.,;\n")
    if not said:
        return None
    code = language_of(said)
    taken = retraction(said, value, code)
    if taken is None:
        following = first_sentence(said[:120])
        if behind[:1] not in (" ", ",") or not PREDICATE.match(following) or not is_negative(following[:80]):
            return None
        taken = len(following)
    instead = replacement(said[taken:], code)
    if instead is None:
        later, _ = asserted(said[taken:])
        instead = later.value if later is not None else None
    return instead or ""


_RELATED = re.compile(
    r"\s*(?:\$\s*)?(?:[≠≤≥≰≱¬>]|!=|<(?![A-Za-z/!])|\\(?:neq?|not|geq?|leq?|gt|lt|geqslant|leqslant)(?![A-Za-z]))"
)
"""A sign that a value stands behind: another statement than the value."""


def _tagged(text: str, options: MathOptions) -> Candidate | None:
    if "<" not in text:
        return None
    low = text if "answer>" in text else text.lower()
    start = low.rfind("<answer>")
    if start < 0 or len(low) != len(text):
        return None
    begin = start + len("<answer>")
    end = low.find("</answer>", begin)
    inside = text[begin : end if end >= 0 else len(text)]
    if not inside.strip():
        return Candidate("", "answer tag", start)
    if not states_plainly(inside):
        return Candidate("", "answer tag", start + 1 if end >= 0 else start)
    if _RELATED.match(inside):  # "≠ 12": the sign is a part of what is said
        return Candidate(inside.strip(), "answer tag", start + 1 if end >= 0 else start)
    found = _find(inside, options)
    answer = found.answer if found.answer is not None and found.marker != "bare" else refine(inside) or inside.strip()
    return Candidate(answer, "answer tag", start + 1 if end >= 0 else start)


def _finals(text: str, floor: int) -> list[Candidate]:
    """``####``, 【答案】 and "final answer", each at its last place; the last only where it stands behind `floor`."""
    found: list[Candidate] = []
    at = text.rfind("####") if "#" in text else -1
    if at >= 0 and not text[max(0, at - 1) : at].strip():
        line = first_line(text[at + 4 : at + 2048])
        if line and states_plainly(line):
            found.append(Candidate(line, "####", at))
    at = text.rfind("【答案】")
    if at >= 0:
        said = text[at + 4 : at + 4 + 4096].lstrip(" :：\n")
        answer = refine(said)
        if answer and states_plainly(first_line(said)):
            found.append(Candidate(answer, "【答案】", at))
    final = asserted(text, FINAL)[0] if _speaks_of_final(text, floor) else None
    if final is not None:
        found.append(Candidate(final.value, "final answer", final.start))
    return found


def _speaks_of_final(text: str, floor: int) -> bool:
    behind = text[max(0, floor, len(text) - TAIL) :]
    if "inal" not in behind and "INAL" not in behind and "最终" not in behind:
        return False
    low = behind.lower()
    return any(stem in low for stem in FINAL)


def _line(text: str) -> Candidate | None:
    """The last line that starts with ``A:`` or ``Answer:``. A lone ``A: 12 cm`` is a choice, not a marker."""
    lines = text[-TAIL:].split("\n")
    if len(lines) == 1 and text.startswith("A:"):
        return None
    below = 0
    for index in range(len(lines) - 1, -1, -1):
        below += bool(index + 1 < len(lines) and lines[index + 1].strip())
        line = lines[index].strip().lstrip("#*_> ")
        if line[:1] not in _LINE_LETTERS:
            continue
        heading = line.lower().rstrip(":*_# ") if len(line) < 24 else ""
        if heading in ("answer", "final answer", "答案") or (heading == "solution" and below == 1):
            rest = first_line("\n".join(lines[index + 1 : index + 8]))
            if rest and states_plainly(rest):
                return Candidate(refine(rest) or rest, "A:", len(text))
        for start in LINE_STARTS:
            if line[: len(start)].lower() == start:
                rest = line[len(start) :].strip(" *_:：") or first_line("\n".join(lines[index + 1 : index + 8]))
                if rest and not is_negated(rest) and states_plainly(rest):
                    answer = refine(rest) or rest
                    behind = rest.partition(answer)[2] if answer in rest else ""
                    instead = taken_back("\n".join([behind, *lines[index + 1 :]]), answer)
                    return Candidate(answer if instead is None else instead, "A:", len(text))
    return None


def _conclusion(text: str) -> Candidate | None:
    """The value of a last sentence that begins with "therefore", "so", 因此 … and is finished."""
    sentence, finished = last_sentence(text)
    low = sentence.lower()
    if not finished or not low.startswith(CONNECTIVES) or is_negated(low) or len(sentence) > 600:
        return None
    answer = declared(sentence)
    return Candidate(answer, "conclusion", len(text)) if answer and len(answer) < 200 else None


def _bold(text: str) -> Candidate | None:
    stripped = text.rstrip()
    tail = stripped[-400:]
    if not tail.rstrip(".").endswith("**"):
        return None
    body = tail.rstrip(".")[:-2]
    at = body.rfind("**")
    if at < 0 or "\n" in body[at:]:
        return None
    inside = body[at + 2 :].strip()
    return Candidate(refine(inside) or inside, "bold", len(text)) if inside and states_plainly(inside) else None


def _bare(text: str) -> Candidate | None:
    stripped = text.strip()
    if stripped.startswith("```\n") and stripped.endswith("\n```"):
        stripped = stripped[4:-4].strip()
    if len(stripped) > 600 or "\n\n" in stripped:
        return None
    asked = stripped.rfind("? ")
    if asked > 0 and stripped[asked + 2 :].strip() and "?" not in stripped[asked + 1 :]:
        return _bare(stripped[asked + 2 :])  # a question, and the answer to it
    if _RELATED.match(stripped):
        return Candidate(stripped, "bare", 0)
    said = unemphasised(stripped).rstrip(".。!")
    worded = not readable(stripped) and not _starts_with_value(said) and first_sentence(said) == said
    introduced = leading_value(said, language_of(said)) if worded and not _UNSURE.search(said) else None
    introduced = introduced if introduced and readable(introduced) and " is " not in introduced else None
    chosen = _CHOSEN.match(said)
    if not (introduced or chosen) and choice(stripped) is None and is_doubted(said):
        return None
    if worded and is_withheld(said, language_of(said)):
        return None
    answer = introduced or (chosen[1] if chosen else whole(stripped))
    return Candidate(answer, "bare", 0) if answer else None


def _starts_with_value(text: str) -> bool:
    return take_apart(text, "en").head == ""


def _clean_bare(text: str) -> Candidate | None:
    stripped = text.strip()
    return Candidate(stripped, "bare", 0) if len(stripped) <= 600 and readable(stripped) else None


def trailing_candidate(text: str) -> Candidate | None:
    """The last formula or number of the completion."""
    answer = trailing(text[-TAIL:])
    return Candidate(answer, "trailing", len(text)) if answer else None


def _json(text: str, name: str) -> Candidate | None:
    """The field of a JSON object that the completion is, well-formed or not; None if it is no JSON object."""
    head = text.lstrip()
    if head.startswith("```"):
        head = head[3:].lstrip("json \n")
    at = head.find("{")
    key = f'"{name}"'
    if at < 0 or not head[at + 1 : at + 40].lstrip().startswith('"'):
        return None
    if at > 200 and not head[:at].rstrip().endswith(("```json", "```")):
        return None
    start = head.find(key)
    while start >= 0:
        value = head[start + len(key) : start + len(key) + 4096].lstrip()
        if value.startswith(":") and head[start - 1] != "\\":
            return Candidate(_json_value(value[1:].lstrip()), "json", start)
        start = head.find(key, start + 1)
    return Candidate("", "json", 0) if head.startswith("{") else None


def _json_inside(text: str, name: str) -> Candidate | None:
    """The field of a JSON object that the completion ends in, after prose."""
    tail = text.rstrip(" \n`")
    if not tail.endswith("}"):
        return None
    start = tail.rfind(f'"{name}"')
    value = tail[start + len(name) + 2 :].lstrip() if start >= 0 else ""
    if not value.startswith(":") or len(value) > 2048 or "{" not in tail[:start]:
        return None
    return Candidate(_json_value(value[1:].lstrip()), "json", start)


def _json_value(text: str) -> str:
    if not text.startswith('"'):
        end = min((at for at in (text.find(c) for c in ",}\n") if at >= 0), default=len(text))
        return "" if text[:end].strip() == "null" else text[:end].strip()
    end = 1
    while end < len(text) and text[end] != '"' and end < 4096:
        end += 2 if text[end] == "\\" else 1
    return (
        text[1:end].replace('\\"', '"').replace("\\n", "\n")
        if "\\n" in text[:end] and "\\ne" not in text[:end]
        else (text[1:end].replace('\\"', '"'))
    )


__all__ = ["Candidate", "Extraction", "extract", "segments", "strip_reasoning"]
