"""Is there a code block of the right language where the answer belongs?"""

from __future__ import annotations

import re

from veritune.plugins.errors import ParameterError
from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.plugins.unseen import blank
from veritune.rewards.blocks import open_r1_blocks
from veritune.rewards.format import shape_problem
from veritune.rewards.text import Prefilled, after_think, first_message, last_answer, whole_text
from veritune.sandbox.language_names import canonical
from veritune.verifiers.code.fences import fences

_INLINE = re.compile(r"[^`~]*(?:```|~~~)[^\n`~]*[`~]")
"""Code on the line of its opening fence."""
_NO_CODE = re.compile(
    r"^[ \t]*(?:#(?![ \t]*(?:include|define)\b)|//|--).*$|^[ \t]*pass[ \t]*$|/\*(?:(?!/\*)[\s\S])*?\*/"
    r"|\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}",
    re.MULTILINE,
)


@reward
def code_format(
    sample: Sample,
    *,
    language: str = "auto",
    strict: bool = True,
    prefilled: Prefilled = "auto",
    right: float = 1.0,
    wrong: float = 0.0,
) -> Score:
    """``right`` where the answer holds a closed fenced block of ``language`` with code in it, else ``wrong``.

    Comments, docstrings, ``pass`` and ``...`` alone are no code.

    ``strict`` asks for the shape of ``format``'s ``think_answer`` around it; without it the block may stand anywhere
    after the thinking. ``language: auto`` reads the sample's column ``language`` and takes python where there is none;
    its other names (py, js, c++, sh …) count as the language. Fences are read as ``code`` reads them: they may open
    behind text, in a list item, and close on a line of code; with ``strict`` the code begins on a line of its own.

    Source: open-r1 ``get_code_format_reward``.
    """
    text = whole_text(sample, prefilled)
    problem = shape_problem("think_answer", text) if strict else None
    if problem is not None:
        return Score(wrong, problem)
    wanted = _language(sample).strip() or "python" if language == "auto" else language
    language_name = canonical(wanted)
    answer = (last_answer(text) or "") if strict else after_think(text)
    if strict and _INLINE.match(answer):
        return Score(wrong, f"no code block of {wanted} on lines of its own")
    for block in fences(answer, wanted):
        if block.opened and block.closed and block.tag and canonical(block.tag) == language_name and _says(block.code):
            return Score(right, f"a closed block of {wanted} with code")
    return Score(wrong, f"no closed code block of {wanted} with code in it")


code_format.reads("language")


@code_format.compat("open-r1")
def _open_r1(sample: Sample, *, language: str = "python") -> Score:
    """open-r1 ``get_code_format_reward``: a column ``language`` overrides; an empty block and text after pass.

    The peer puts the language into a regular expression as it is; here it is a literal, and one with signs of its own
    (``c++``) raises ParameterError.
    """
    wanted = _language(sample, language)
    if re.escape(wanted).replace("\\-", "-") != wanted:
        raise ParameterError(f"code_format (compat 'open-r1'): language {wanted!r} is no plain word; leave compat out.")
    matched = open_r1_blocks(first_message(sample), (f"```{wanted}", "```"))
    return Score(float(matched), f"the peer's expression for {wanted} {'matches' if matched else 'does not match'}")


code_format.variants["open-r1"].reads("language")


def _says(code: str) -> bool:
    """Whether anything but comments, docstrings and placeholders (``pass``, ``...``) stands there."""
    return not blank(_NO_CODE.sub(" ", code))


def _language(sample: Sample, default: str = "python") -> str:
    found = sample.columns.get("language")
    return found if isinstance(found, str) and found else default


code_format.for_rows("language", "strict", "prefilled", "right", "wrong")
