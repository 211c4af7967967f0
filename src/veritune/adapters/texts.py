"""What the policy wrote, out of the text that a trainer hands over: without the prompt, without end-of-turn tokens."""

from __future__ import annotations

import re

_END = re.compile(
    r"(?:\s*(?:"
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>"  # <|im_end|>, <|eot_id|>, <|endoftext|>, <｜end▁of▁sentence｜>
    r"|\[[|][^\[\]|\n]{1,40}[|]\]"  # [|endofturn|]
    r"|</s>|<[a-z_:]{0,20}(?:eos|eot|eod|pad)[a-z_]{0,10}>|<end_of_[a-z]{1,20}>|<turn\|>|\[(?:EOS|EOT|PAD|SEP)\]|\[e~\["
    r"))+\s*\Z"
)
"""Tokens that chat formats end a turn or pad with, as text, at the end of one."""
_WINDOW = 4096
"""Characters at the end in which these are looked for."""
_EVIDENCE = 8
"""Characters without white space of a prompt's end by which a text is known to begin with it."""


def without_end(text: str) -> str:
    """A text without the end-of-turn and padding tokens that it ends in, where a trainer decodes them too."""
    tail = text[-_WINDOW:]
    found = _END.search(tail)
    return text if found is None else text[: len(text) - len(tail) + found.start()]


def response(query: str, prompt: str) -> str | None:
    """What the policy wrote, of a query that is prompt and response in one; None where the prompt is not in it.

    The prompt is cut off where the query begins with it or with an end of it (trainers cut long prompts from the left),
    and everything up to it where it stands inside (a begin-of-sequence token before it). White space is not compared:
    tokenizers change it. A query that holds nothing of its prompt has no response that could be told from a prompt.
    """
    if query.startswith(prompt):
        return query[len(prompt) :]
    wanted, given = _squeezed(prompt), _squeezed(query)
    inside = given.find(wanted)
    end = inside + len(wanted) if inside >= 0 else _overlap(wanted, given)
    if end < min(_EVIDENCE, max(1, len(wanted))):
        return None
    return _after(query, end)


def _squeezed(text: str) -> str:
    """Without white space, and without what half a character was decoded to."""
    return "".join(text.replace("\ufffd", "").split())


def _overlap(prompt: str, query: str) -> int:
    """The length of the longest end of ``prompt`` that ``query`` begins with (Knuth, Morris and Pratt: linear)."""
    failure = [0] * len(query)
    known = 0
    for i in range(1, len(query)):
        while known and query[i] != query[known]:
            known = failure[known - 1]
        known += query[i] == query[known]
        failure[i] = known
    state = 0
    for character in prompt:
        while state and (state == len(query) or character != query[state]):
            state = failure[state - 1]
        state += bool(query) and character == query[state]
    return state


def _after(query: str, count: int) -> str:
    """What follows the first ``count`` characters that are not white space, with the white space before it dropped."""
    for position, character in enumerate(query):
        if count == 0:
            return query[position:].lstrip()
        count -= not (character.isspace() or character == "\ufffd")
    return ""
