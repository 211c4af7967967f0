"""What of a completion a reader sees: comments, hidden elements, struck-out text and code are not its answer."""

from __future__ import annotations

import re

from veritune.verifiers.math.text.normalise import match_brace

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_UNSHOWN = re.compile(
    r"\bhidden\b|display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?![.\d]*[1-9])|"
    r"(?:font-size|width|height|max-height)\s*:\s*0(?![.\d]*[1-9])|(?<!-)color\s*[:=]\s*[\"']?\s*(?:white|transparent|#fff)|"
    r"rgba\([^)]*,\s*0\s*\)|type\s*=\s*[\"']?hidden|sr-only|visually-hidden|aria-hidden\s*=\s*[\"']?true|"
    r"(?:left|top|text-indent)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_ELEMENT = re.compile(r"<([a-zA-Z][\w-]{0,20})((?:\s[^<>]{0,400})?)>")
_SILENT = frozenset(["script", "style", "template", "noscript", "head", "title", "meta", "del", "s", "strike"])
"""Elements whose content is not shown, or is shown struck out."""
_EMPHASIS = re.compile(
    r"</?(?:b|i|u|em|strong|mark|span|font|big|small|center|code|p|div|li|h[1-6])\s*>", re.IGNORECASE
)
_BREAK = re.compile(r"<br\s*/?>|</p>|</div>|</li>|</h[1-6]>", re.IGNORECASE)
_SCRIPT = re.compile(r"<(sup|sub)>([^<>]{1,40})</\1>", re.IGNORECASE)
_QED = re.compile(
    r"(?:\s|\$\s*\\(?:blacksquare|square|qed|Box|checkmark)\s*\$|\\(?:blacksquare|qed)\b|[∎■□✓✔✅☑🎉]|\ufe0f|\bQ\.?E\.?D\.?)+$"
)
"""What closes a proof, behind the answer."""
_CALCULATOR = re.compile(r"<<[^<>\n]{1,120}>>")
"""GSM8K's annotations for a calculator: ``6*7 = <<6*7=42>>42``."""
_STRUCK = re.compile(r"~~(?=\S)[^~\n]{1,400}~~")
_LINES = re.compile(r"^[ \t]*(?:%.*|\[[^\]\n]{1,80}\]:[ \t].*)$", re.MULTILINE)
"""LaTeX comments and Markdown reference definitions that are lines by themselves."""
_TAIL_COMMENT = re.compile(r"%(?<![\\\d})$%]%)[^\n]*(?:\\boxed|\banswer\b|####)[^\n]*", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\]\n]{0,400}\]\([^)\n]{0,400}\)")
_BLOCKS = (("\\begin{comment}", "\\end{comment}"), ("\\iffalse", "\\fi"), ("\\if0", "\\fi"))
_INVISIBLE = ("\\phantom", "\\hphantom", "\\vphantom", "\\sout", "\\st{", "\\newcommand", "\\renewcommand", "\\def\\")
_COLOURS = re.compile(
    r"\\(?:text)?color(?:\[\w+\])?\{\s*(?:white|transparent|[Ff]{6}|[Ff]{3}|1(?:,1){2}|background)\s*\}"
)
_FENCE = re.compile(r"^[ \t]{0,3}(```+|~~~+)([^\n`]*)\n(.*?)(?:^[ \t]{0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_PLAIN_FENCES = frozenset(["", "text", "txt", "plaintext", "latex", "tex", "math", "markdown", "md", "json", "answer"])
_MARKED = ("answer", "result", "答案", "结果", "solution", "respuesta", "réponse", "antwort", "ответ")
_ENDING = re.compile(r"\\(?:blacksquare|square|qed|Box|checkmark)|Q\.?E\.?D")


def visible(text: str) -> str:
    """`text` without what a reader would not see, code fences aside (:func:`without_fences`)."""
    if "<" in text or _may_mark_up(text):
        text = _without_markup(text)
    if "\\" in text and _may_hide(text):
        text = _without_latex(text)
    end = _QED.search(text, max(0, len(text) - 60)) if _may_end(text) else None
    return text[: end.start()] if end else text


def shows_all(text: str) -> bool:
    """Whether a reader sees everything in a text that has no tags."""
    return not (_may_mark_up(text) or _may_hide(text) or _may_end(text))


def _may_mark_up(text: str) -> bool:
    return bool(
        ("%" in text and (_TAIL_COMMENT.search(text) or _is_line_comment(text)))
        or ("~" in text and "~~" in text)
        or ("!" in text and "![" in text)
        or (":" in text and "]:" in text and _LINES.search(text))
    )


def _is_line_comment(text: str) -> bool:
    return "\n%" in text or "\n %" in text or text.startswith(("%", " %"))


def _may_end(text: str) -> bool:
    tail = text[-60:]
    return not tail.isascii() or _ENDING.search(tail) is not None


def _may_hide(text: str) -> bool:
    """Whether a command stands in `text` that LaTeX shows nothing for; substrings, for this is asked of every text."""
    return (
        "phantom" in text
        or ("olor" in text and ("\\color" in text or "\\textcolor" in text))
        or "newcommand" in text
        or "{comment}" in text
        or ("\\if" in text and ("\\iffalse" in text or "\\if0" in text))
        or "\\def\\" in text
        or "\\sout" in text
        or "\\st{" in text
    )


def _without_markup(text: str) -> str:
    if "<!--" in text:
        text = _COMMENT.sub(" ", text)
    if "<<" in text:
        text = _CALCULATOR.sub("", text)
    if "<" in text:
        text = _without_elements(text)
        if "</" in text or "<br" in text:
            text = without_html(text)
    if "%" in text and "%" in text.replace("\\%", ""):
        text = _TAIL_COMMENT.sub("", text)
    if "]:" in text or _is_line_comment(text):
        text = _LINES.sub("", text)
    if "~~" in text:
        text = _STRUCK.sub(" ", text)
    return _IMAGE.sub(" ", text) if "![" in text else text


def without_html(text: str) -> str:
    """`text` with HTML emphasis taken off, line breaks as such, and raised and lowered text as LaTeX."""
    text = _SCRIPT.sub(lambda found: f"{'^' if found[1].lower() == 'sup' else '_'}{{{found[2]}}}", text)
    return _EMPHASIS.sub("", _BREAK.sub("\n", text))


def _without_elements(text: str) -> str:
    """Hidden elements with their content, and the attributes of the others."""
    out: list[str] = []
    at = 0
    for opened in _ELEMENT.finditer(text):
        if opened.start() < at:
            continue
        name, attributes = opened[1].lower(), opened[2]
        hidden = name in _SILENT or (attributes and _UNSHOWN.search(attributes) is not None)
        if not hidden and "=" not in attributes:
            continue
        out.append(text[at : opened.start()])
        at = opened.end()
        if hidden:
            end = text.lower().find(f"</{name}", at)
            close = text.find(">", end) if end >= 0 else -1
            at = close + 1 if close >= 0 else (at if name in ("input", "meta") else len(text))
            out.append(" ")
    return "".join([*out, text[at:]]) if at else text


def _without_latex(text: str) -> str:
    for opening, closing in _BLOCKS:
        while opening in text:
            start = text.find(opening)
            end = text.find(closing, start)
            text = text[:start] + " " + (text[end + len(closing) :] if end >= 0 else "")
    for command in _INVISIBLE:
        at = text.find(command)
        for _ in range(64):
            if at < 0:
                break
            end = _argument_end(text, at, definition=command in ("\\newcommand", "\\renewcommand"))
            text = text[:at] + " " + text[end:] if end > at else text
            at = text.find(command, at + 1)
    if "olor" in text:
        for _ in range(64):
            found = _COLOURS.search(text)
            if found is None:
                break
            text = text[: found.start()] + text[_coloured_end(text, found.end()) :]
    return text


def _argument_end(text: str, at: int, *, definition: bool = False) -> int:
    """Behind the braces that follow the command at `at` (of a definition: behind its body)."""
    start = text.find("{", at, at + 60)
    if start < 0:
        return -1
    end = match_brace(text, start)
    if end >= 0 and definition:
        body = text.find("{", end, end + 12)
        end = match_brace(text, body) if body >= 0 else end
    return end + 1 if end >= 0 else len(text)


def _coloured_end(text: str, at: int) -> int:
    """Where text in an invisible colour ends: its braces, or those around it, or the line."""
    if text.startswith("{", at):
        end = match_brace(text, at)
        return end + 1 if end >= 0 else len(text)
    depth = 0
    for end in range(at, min(len(text), at + 4096)):
        c = text[end]
        depth += (c == "{") - (c == "}")
        if depth < 0 or c == "\n":
            return end
    return len(text)


def without_fences(text: str) -> str:
    """`text` without its code fences, but for one that is itself the answer.

    A fence stays where nothing is said beside it, or where the line before it announces the answer and no programming
    language is named.
    """
    if not ("`" in text and "```" in text) and not ("~" in text and "~~~" in text):
        return text
    outside = _FENCE.sub(" ", text)
    if not any(c.isalnum() for c in outside):
        return text
    out: list[str] = []
    at = 0
    for fence in _FENCE.finditer(text):
        before = text[max(0, fence.start() - 200) : fence.start()].rstrip().rsplit("\n", 1)[-1].lower()
        announced = before.rstrip("*_ ").endswith((":", "：", "is", "是", "为")) or before.startswith("#")
        answers = announced and any(word in before for word in _MARKED)
        out.append(text[at : fence.start()])
        if answers and fence[2].strip().lower() in _PLAIN_FENCES:
            out.append(fence[3])
        at = fence.end()
    return "".join([*out, text[at:]])
