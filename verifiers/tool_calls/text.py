"""The calls that a text makes, in the forms that models write: marked ones, or a message that is nothing but a call."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from veritune.verifiers.tool_calls import elements, gemma, pythonic
from veritune.verifiers.tool_calls.calls import (
    MAX_CALLS,
    Call,
    Malformed,
    from_json,
    is_call_like,
    load,
    plain_name,
    several,
)

FORMS = (
    "hermes", "qwen_xml", "glm", "llama", "llama_function", "deepseek", "mistral", "kimi", "harmony", "gemma",
    "pythonic", "json", "invoke", "other",
)  # fmt: skip
"""What the forms are called in settings and reasons."""


class Form(NamedTuple):
    """One way of marking calls: where they begin and end."""

    name: str
    opens: str
    closes: tuple[str, ...]
    """Empty: at the end of the text."""


_MARKS = (
    Form("hermes", "<tool_call>", ("</tool_call>",)),
    Form("hermes", "<tool_calls>", ("</tool_calls>",)),
    Form("hermes", "<function_call>", ("</function_call>",)),
    Form("invoke", "<function_calls>", ("</function_calls>",)),
    Form("invoke", "<｜DSML｜function_calls>", ("</｜DSML｜function_calls>",)),
    Form("invoke", "<atem:function_calls>", ("</atem:function_calls>",)),
    Form("gemma", "<|tool_call>", ("<tool_call|>",)),
    Form("gemma", "<start_function_call>", ("<end_function_call>",)),
    Form("invoke", "<minimax:tool_call>", ("</minimax:tool_call>",)),
    Form("qwen_xml", "<seed:tool_call>", ("</seed:tool_call>",)),
    Form("deepseek", "<｜tool▁calls▁begin｜>", ("<｜tool▁calls▁end｜>",)),
    Form("kimi", "<|tool_calls_section_begin|>", ("<|tool_calls_section_end|>",)),
    Form("pythonic", "<|tool_call_start|>", ("<|tool_call_end|>",)),
    Form("other", "<|tool_call|>", ("<|/tool_call|>",)),
    Form("other", "<|action_start|><|plugin|>", ("<|action_end|>",)),
    Form("other", "<|START_ACTION|>", ("<|END_ACTION|>",)),
    Form("mistral", "[TOOL_CALLS]", ("[TOOL_CALLS]",)),
    Form("llama", "<|python_tag|>", ("<|eom_id|>", "<|eot_id|>")),
    Form("llama_function", "<function=", ("</function>",)),
)
_OPENS = re.compile("|".join(re.escape(form.opens) for form in _MARKS))
_BY_OPENING = {form.opens: form for form in _MARKS}
_STOPS = (
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|endoftext|>",
    "<|call|>",
    "</s>",
    "<｜end▁of▁sentence｜>",
)
_HARMONY = re.compile(
    r"<\|channel\|>\s*(?:commentary|analysis)\s+to=(?P<a>[\w.\-]+)\s*(?:<\|constrain\|>\s*json|json)?\s*<\|message\|>(?P<x>.*?)"
    r"(?:<\|call\|>|(?=<\|start\|>)|(?=<\|channel\|>)|\Z)"
    r"|(?:<\|start\|>assistant|\A)\s*to=(?P<b>[\w.\-]+)\s*<\|channel\|>\s*\w+\s*(?:<\|constrain\|>\s*json|json)?\s*<\|message\|>"
    r"(?P<y>.*?)(?:<\|call\|>|(?=<\|start\|>)|\Z)",
    re.DOTALL,
)
_DEEPSEEK = re.compile(r"\s*<｜tool▁call▁begin｜>(.*?)<｜tool▁sep｜>(.*?)<｜tool▁call▁end｜>", re.DOTALL)
_KIMI = re.compile(r"\s*<\|tool_call_begin\|>(.*?)<\|tool_call_argument_begin\|>(.*?)<\|tool_call_end\|>", re.DOTALL)
_MISTRAL = re.compile(r"\s*([A-Za-z_][\w.\-]{0,200})\s*(?:\[CALL_ID\]\s*\w+\s*)?(?:\[ARGS\])?\s*(\{.*)", re.DOTALL)
_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})[^\n`]*\n", re.MULTILINE)
_FENCED = re.compile(r"\A\s*(`{3,}|~{3,})[ \t]*([\w+-]*)[ \t]*\n(.*?)\n[ \t]*\1[ \t]*\Z", re.DOTALL)
_TOOL_FENCE = re.compile(
    r"^```(?:tool_code|tool_call|tool_calls|function_call)[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL | re.M
)


class Written(NamedTuple):
    """The calls of a text, and the form they are written in; ``fault`` says why something meant as a call is none."""

    calls: tuple[Call, ...] = ()
    form: str = ""
    fault: str = ""


def calls_of(text: str) -> Written:
    """The calls of a text without its reasoning. A call in prose, in quotes or in a fenced example is none."""
    harmony = list(_HARMONY.finditer(text)) if "<|message|>" in text else []
    if harmony:
        return _guarded("harmony", lambda: [_harmony(found) for found in harmony])
    text = _without_stops(text)
    marks = list(islice(_marks(text), 4 * MAX_CALLS))
    if marks:
        return _marked(text, marks)
    fenced = _TOOL_FENCE.findall(text)
    if fenced:
        return _guarded("pythonic", lambda: [call for body in fenced for call in body_calls(body, "tool_code")])
    return _whole(text)


def _without_stops(text: str) -> str:
    text = text.rstrip()
    while text.endswith(_STOPS):
        text = text.removesuffix(next(stop for stop in _STOPS if text.endswith(stop))).rstrip()
    return text


def _marks(text: str) -> Iterator[re.Match[str]]:
    """The marks that open calls, those that are quoted or inside a fenced example aside."""
    fences = list(_examples(text))
    for found in _OPENS.finditer(text):
        at = found.start()
        quoted = text[at - 1 : at] in ("`", '"', "'", "“", "‘", "«") if at else False
        line = text[max(text.rfind("\n", 0, at) + 1, at - 400) : at]
        example = quoted or line.lstrip().startswith(">") or any(start <= at < end for start, end in fences)
        if not example and (_is_token(found[0]) or (_begins(line) and _stops(text, found))):
            yield found


def _is_token(mark: str) -> bool:
    """Marks that are one token of their model stand anywhere; the others are text, and text may speak of them."""
    return mark.startswith(("<|", "<｜", "[TOOL_CALLS]"))


def _begins(line: str) -> bool:
    """Whether a call may begin behind this part of a line: at its start, behind a sentence or an element."""
    said = line.rstrip()
    return not said or said[-1] in ".!?:。！？：…>"


def _stops(text: str, mark: re.Match[str]) -> bool:
    """Whether nothing goes on behind the call on its line: ``</tool_call> is wrong`` speaks of it."""
    for close in _BY_OPENING[mark[0]].closes:
        end = text.find(close, mark.end())
        if end >= 0:
            behind = text[end + len(close) : end + len(close) + 40].partition("\n")[0].strip()
            return not behind.strip(".!") or behind[0] in "<[\"'" or mark[0] == "<function="
    return True


def _examples(text: str) -> Iterator[tuple[int, int]]:
    """Where fenced blocks stand with text beside them. A message that is one fence is no example."""
    first = _OPENS.search(text)
    own = first is not None and _BY_OPENING[first[0]].name == "deepseek"  # its calls have fences of their own
    at = 0
    while (opening := _FENCE.search(text, at)) is not None:
        if own and first is not None and opening.start() > first.start():
            return
        closing = re.compile(rf"^[ \t]{{0,3}}{opening[1][0]}{{{len(opening[1])},}}[ \t]*$", re.MULTILINE)
        end = closing.search(text, opening.end())
        stop = end.end() if end is not None else len(text)
        if at or text[: opening.start()].strip() or text[stop:].strip():
            yield opening.start(), stop
        at = stop


def _marked(text: str, marks: list[re.Match[str]]) -> Written:
    found: list[Call] = []
    names: dict[str, None] = {}
    at = 0
    for mark in marks:
        if mark.start() < at:
            continue  # inside the last one
        form = _BY_OPENING[mark[0]]
        try:
            calls, at, name = _one(text, mark, form)
        except Malformed as error:
            return Written(tuple(found), form.name, f"a call cannot be read: {error}")
        found += calls
        names[name] = None
        if len(found) > MAX_CALLS:
            return Written((), form.name, f"it makes more than {MAX_CALLS} calls")
    return Written(tuple(found), "+".join(names))


def _one(text: str, mark: re.Match[str], form: Form) -> tuple[list[Call], int, str]:
    """The calls behind one mark, and where they end. A closing mark inside a JSON text closes nothing."""
    start = mark.start() if form.name == "llama_function" else mark.end()
    ends = _closings(text, mark.end(), form)
    problem: Malformed | None = None
    for end, behind in ends:
        body = text[start : behind if form.name == "llama_function" else end]
        try:
            calls = body_calls(body, form.name)
        except Malformed as error:
            problem = problem or error
            continue
        return calls, end if form.name == "mistral" else behind, _form_of(body, form)
    raise problem or Malformed("it does not end")


def _closings(text: str, at: int, form: Form) -> Iterator[tuple[int, int]]:
    """Where the call may end: at up to four closing marks, or at the end of the text."""
    seen = 0
    for close in form.closes:
        place = text.find(close, at)
        while place >= 0 and seen < 4:
            seen += 1
            yield place, place + len(close)
            place = text.find(close, place + 1)
    if not seen:
        yield len(text), len(text)


def _form_of(body: str, form: Form) -> str:
    if form.name == "hermes" and elements.looks(body):
        return "glm" if "<arg_key>" in body else "qwen_xml"
    if form.name == "invoke" and not elements.looks(body):
        return "pythonic"
    return form.name


def body_calls(body: str, form: str = "") -> list[Call]:
    """The calls between two marks: JSON, Python, or elements. Raises Malformed."""
    body = body.strip()
    if not body:
        raise Malformed("nothing stands between the marks")
    if form == "deepseek":
        return _pieces(body, _DEEPSEEK, _deepseek)
    if form == "kimi":
        return _pieces(body, _KIMI, lambda m: Call(plain_name(m[1]), _object(m[2])))
    if form == "gemma":
        return gemma.read(body)
    if elements.looks(body):
        return elements.read(body)
    if body[0] == "{" or (body[0] == "[" and not pythonic.looks(body)):
        return [call for value in several(body) for call in from_json(value)]
    named = _MISTRAL.fullmatch(body) if form == "mistral" else None
    if named is not None:
        return [Call(named[1], _object(named[2]))]
    return pythonic.read(body, printed=form == "tool_code")


def _pieces(body: str, expression: re.Pattern[str], one: Callable[[re.Match[str]], Call]) -> list[Call]:
    found, at = [], 0
    while body[at:].strip():
        match = expression.match(body, at)
        if match is None:
            raise Malformed("a call does not end, or text stands beside it")
        found.append(one(match))
        at = match.end()
    return found


def _deepseek(match: re.Match[str]) -> Call:
    """V3 and R1: ``function<sep>name`` and a fence; V3.1: ``name<sep>{…}``."""
    head, body = match[1].strip(), match[2].strip()
    if head == "function" and not body.startswith("{"):
        name, _, rest = body.partition("\n")
        fenced = _FENCED.match(rest)
        return Call(name.strip(), _object(fenced[3] if fenced is not None else rest))
    return Call(head, _object(body))


def _harmony(match: re.Match[str]) -> Call:
    name, body = (match["a"], match["x"]) if match["a"] else (match["b"], match["y"])
    return Call(plain_name(name), _object(body))


def _object(text: str) -> dict[str, object]:
    text = text.strip()
    found = load(text) if text else {}
    if not isinstance(found, dict):
        raise Malformed(f"its arguments are no object, but {found!r:.60}")
    return found


def _guarded(form: str, read: Callable[[], list[Call]]) -> Written:
    try:
        return Written(tuple(read()), form)
    except Malformed as error:
        return Written((), form, f"a call cannot be read: {error}")


def _whole(text: str) -> Written:
    """A message that is nothing but calls: JSON as Llama and xLAM write it, or Python; a fence around is allowed."""
    fenced = _FENCED.match(text)
    body = (fenced[3] if fenced is not None else text).strip()
    if not body:
        return Written()
    if pythonic.looks(body):
        try:
            return Written(tuple(pythonic.read(body)), "pythonic")
        except Malformed as error:
            return Written((), "pythonic", f"a call cannot be read: {error}")
    if body[0] in "{[":
        try:
            values = list(several(body))
        except Malformed as error:
            meant = re.match(r"\[?\s*\{\s*\"(?:name|function|type)\"", body)
            return Written((), "json", f"a call cannot be read: {error}") if meant else Written()
        if values and all(is_call_like(value) for value in values):
            form = "llama" if '"parameters"' in body and '"arguments"' not in body else "json"
            return _guarded(form, lambda: [call for value in values for call in from_json(value)])
    return Written()
