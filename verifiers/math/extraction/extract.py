"""Which part of a completion is its answer, and what marked it. Linear scans; no backtracking expressions."""

from __future__ import annotations

from dataclasses import dataclass

from veritune.verifiers.math.extraction.boxes import Box, find_boxes, join_boxes, spilled
from veritune.verifiers.math.extraction.phrases import (
    CONNECTIVES,
    FINAL,
    LINE_STARTS,
    PHRASES,
    ends_in_negation,
    is_negated,
    rank_at,
)
from veritune.verifiers.math.extraction.sentences import (
    first_line,
    last_sentence,
    readable,
    refine,
    segments,
    trailing,
    whole,
)
from veritune.verifiers.math.options import DEFAULT, MathOptions

_TAIL = 24_000
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that could hold the answer."""

    text: str
    marker: str
    """``boxed``, ``answer tag``, ``####``, ``Answer:``, ``the answer is``, ``答案``, ``json``, ``bold`` …"""
    start: int


@dataclass(frozen=True, slots=True)
class Extraction:
    """The answer taken from a completion; ``answer`` is None where there is none, and ``reason`` says why."""

    answer: str | None
    marker: str
    candidates: tuple[Candidate, ...] = ()
    reason: str = ""


def extract(text: str, options: MathOptions = DEFAULT) -> Extraction:
    """The answer of a completion.

    Reasoning is dropped first (an unclosed ``<think>`` leaves no answer). Then, whichever stands last of: a box, an
    answer tag, ``####``, a "final answer" line, 【答案】. Then "the answer is", "A:", a concluding sentence, bold
    text. A short completion without any marker is the answer itself. A trailing number counts only when asked.
    """
    visible = text[-options.max_completion :]
    after = visible if options.in_reasoning else strip_reasoning(visible, options)
    if after is None:
        return Extraction(None, "", (), "the reasoning never ends, so there is no answer")
    body = _cut(after)
    if not body.strip():
        return Extraction(None, "", (), "nothing follows the reasoning" if body is not visible else "empty")
    return _find(body, options)


def strip_reasoning(text: str, options: MathOptions = DEFAULT) -> str | None:
    """What follows the reasoning; None if a reasoning block is opened and never closed."""
    if "<" not in text:
        return text
    for opening, closing in options.reasoning_tags:
        end = text.rfind(closing)
        if text.rfind(opening) > end:
            return None
        if end >= 0:
            text = text[end + len(closing) :]
    return text


def _cut(text: str) -> str:
    """`text` up to the first token that ends a turn."""
    if "<eoe>" in text:
        text = text.replace("<eoe>", "\n")
    if "<" not in text and "[/INST]" not in text:
        return text
    ends = [at for at in (text.find(stop) for stop in _STOPS) if at > 0]
    return text[: min(ends)] if ends else text


def _find(text: str, options: MathOptions) -> Extraction:
    if options.json_field:
        found = _json(text, options.json_field)
        if found is not None:
            return Extraction(found.text or None, "json", (found,), "" if found.text else "the JSON has no answer")
    inner = _json_inside(text, options.json_field) if options.json_field else None
    strong = [c for c in (_boxed(text, options), _tagged(text, options), inner, *_finals(text)) if c is not None]
    if any(c.marker.startswith("boxed") for c in strong):
        strong = [c for c in strong if c.marker not in ("final answer", "####") or readable(c.text)]
    if strong:
        best = max(strong, key=lambda c: c.start)
        return Extraction(best.text, best.marker, tuple(sorted(strong, key=lambda c: -c.start)))
    weak, negated = _phrases(text)
    if weak is not None:
        return Extraction(weak.text, weak.marker, (weak,))
    if negated:
        return Extraction(None, "", (), "the answer is only said not to be something")
    last = (_bare, trailing_candidate) if not options.trailing else (_clean_bare, trailing_candidate, _bare)
    for finder in (_line, _conclusion, _bold, *last):
        if (finder is trailing_candidate and not options.trailing) or (finder is _bare and not options.bare):
            continue
        found = finder(text)
        if found is not None:
            return Extraction(found.text, found.marker, (found,))
    return Extraction(None, "", (), "no marked answer")


def _boxed(text: str, options: MathOptions) -> Candidate | None:
    boxes = find_boxes(text)
    if not boxes:
        return None
    kept = [b for b in boxes if not ends_in_negation(text[max(0, b.start - 40) : b.start])]
    if not kept:
        return None
    chosen: list[Box]
    if options.boxes == "all":
        chosen = kept
    elif options.boxes == "first":
        chosen = kept[:1]
    else:
        chosen = join_boxes(text, kept)
    if len(chosen) == 1 and text.rfind("}") >= chosen[0].end and not readable(chosen[0].content):
        chosen = [spilled(text, chosen[0])]
    answer = chosen[0].content if len(chosen) == 1 else ", ".join(b.content.strip() for b in chosen)
    return Candidate(answer, "boxed" if len(chosen) == 1 else "boxed (joined)", chosen[-1].start)


def _tagged(text: str, options: MathOptions) -> Candidate | None:
    start = text.rfind("<answer>")
    if start < 0:
        return None
    begin = start + len("<answer>")
    end = text.find("</answer>", begin)
    inside = text[begin : end if end >= 0 else len(text)]
    if not inside.strip():
        return Candidate("", "answer tag", start)
    found = _find(inside, options)
    answer = found.answer if found.answer is not None and found.marker != "bare" else refine(inside) or inside.strip()
    return Candidate(answer, "answer tag", start + 1 if end >= 0 else start)


def _finals(text: str) -> list[Candidate]:
    """``####``, 【答案】 and "final answer", each at its last place."""
    found: list[Candidate] = []
    at = text.rfind("####")
    if at >= 0 and not text[max(0, at - 1) : at].strip():
        line = first_line(text[at + 4 : at + 2048])
        if line:
            found.append(Candidate(line, "####", at))
    at = text.rfind("【答案】")
    if at >= 0:
        answer = refine(text[at + 4 : at + 4 + 4096].lstrip(" :：\n"))
        if answer:
            found.append(Candidate(answer, "【答案】", at))
    low = text[-_TAIL:].lower()
    offset = max(0, len(text) - _TAIL)
    best = -1
    size = 0
    for phrase in FINAL:
        at = low.rfind(phrase)
        if at > best:
            best, size = at, len(phrase)
    if best >= 0:
        rest = _after_verb(text[offset + best + size : offset + best + size + 4096].lstrip(" :：*_#\n"))
        if rest and not is_negated(rest):
            answer = refine(rest)
            if answer:
                found.append(Candidate(answer, "final answer", offset + best))
    return found


def _after_verb(rest: str) -> str:
    """What follows the ``is`` of "the final answer is"."""
    for verb in ("is:", "is ", "are:", "are ", "是", "为"):
        if rest[: len(verb)].lower() == verb:
            return rest[len(verb) :].lstrip(" :：*_\n")
    return rest


def _phrases(text: str) -> tuple[Candidate | None, bool]:
    """The last "the answer is …" that is not negated, and whether a negated one was met."""
    offset = max(0, len(text) - _TAIL)
    tail = text[offset:]
    low = tail.lower()
    negated = False
    end = len(low)
    for _ in range(4):
        best, size, name = rank_at(low, PHRASES, end)
        if best < 0:
            return None, negated
        rest = tail[best + size : best + size + 4096].lstrip(" :：*_\n")
        if not rest or is_negated(rest):
            negated = negated or bool(rest)
            end = best
            continue
        answer = refine(rest)
        if answer:
            return Candidate(answer, name, offset + best), negated
        end = best
    return None, negated


def _line(text: str) -> Candidate | None:
    """The last line that starts with ``A:`` or ``Answer:``. A lone ``A: 12 cm`` is a choice, not a marker."""
    lines = text[-_TAIL:].split("\n")
    if len(lines) == 1 and text.startswith("A:"):
        return None
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index].strip().lstrip("#*_> ")
        if line.lower().rstrip(":*_# ") in ("answer", "final answer", "答案", "solution") and len(line) < 24:
            rest = first_line("\n".join(lines[index + 1 : index + 8]))
            if rest:
                return Candidate(refine(rest) or rest, "A:", len(text))
        for start in LINE_STARTS:
            if line[: len(start)].lower() == start:
                rest = line[len(start) :].strip(" *_:：") or first_line("\n".join(lines[index + 1 : index + 8]))
                if rest and not is_negated(rest):
                    return Candidate(refine(rest) or rest, "A:", len(text))
    return None


def _conclusion(text: str) -> Candidate | None:
    """The value of a last sentence that begins with "therefore", "so", 因此 … and is finished."""
    sentence, finished = last_sentence(text)
    low = sentence.lower()
    if not finished or not low.startswith(CONNECTIVES) or is_negated(low) or len(sentence) > 600:
        return None
    answer = refine(sentence)
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
    return Candidate(refine(inside) or inside, "bold", len(text)) if inside else None


def _bare(text: str) -> Candidate | None:
    stripped = text.strip()
    if stripped.startswith("```\n") and stripped.endswith("\n```"):
        stripped = stripped[4:-4].strip()
    if len(stripped) > 600 or "\n\n" in stripped:
        return None
    answer = whole(stripped)
    return Candidate(answer, "bare", 0) if answer else None


def _clean_bare(text: str) -> Candidate | None:
    stripped = text.strip()
    return Candidate(stripped, "bare", 0) if len(stripped) <= 600 and readable(stripped) else None


def trailing_candidate(text: str) -> Candidate | None:
    """The last formula or number of the completion."""
    answer = trailing(text[-_TAIL:])
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
