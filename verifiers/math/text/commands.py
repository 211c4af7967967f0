"""LaTeX commands that only change how a text looks; every other command is a token that says something."""

from __future__ import annotations

import re

from veritune.verifiers.math.text.strings import names

IGNORED = names(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle displaystyle textstyle "
    "scriptstyle scriptscriptstyle limits nolimits mathstrut strut allowbreak nobreak quad qquad enspace enskip "
    "thinspace medspace thickspace negthinspace tiny small normalsize large Large huge hfill noindent hspace vspace "
    "phantom hphantom vphantom rm bf it sf tt bm boldsymbol mathbf mathit mathsf mathop mathrel mathbin mathord "
    "smash color"
)
"""Commands that only change how things look."""
TEXT_COMMANDS = names(
    "textbf textit emph textsf texttt underline text mbox textnormal textrm mathrm operatorname operatorname* hbox "
    "mathtt textup"
)
"""Commands whose argument is text."""
_SPELLINGS = {
    "rightarrow": "to",
    "longrightarrow": "to",
    "longleftarrow": "leftarrow",
    "implies": "Rightarrow",
    "Longrightarrow": "Rightarrow",
    "iff": "Leftrightarrow",
    "Longleftrightarrow": "Leftrightarrow",
    "impliedby": "Leftarrow",
    "wedge": "land",
    "vee": "lor",
    "lnot": "neg",
    "leq": "le",
    "geq": "ge",
    "leqslant": "le",
    "geqslant": "ge",
    "neq": "ne",
    "dfrac": "frac",
    "tfrac": "frac",
    "cfrac": "frac",
    "varnothing": "emptyset",
    "cdots": "ldots",
    "dots": "ldots",
    "lVert": "|",
    "rVert": "|",
    "Vert": "|",
    "vert": "|",
    "varphi": "phi",
    "varepsilon": "epsilon",
    "subset": "subseteq",
    "supset": "supseteq",
    "owns": "ni",
    "nparallel": "notparallel",
}
_SIGNS = {"->": "to", "<-": "leftarrow", "<->": "Leftrightarrow", "=>": "Rightarrow", "<=>": "Leftrightarrow"}
_TOKEN = re.compile(r"\\([A-Za-z]+)|(<->|<=>|->|=>|<-|[-+*/=<>^|!&%°])|(\d+(?:\.\d+)?)|([^\W\d_]+)|(\\.|\S)")
_ORDINAL = re.compile(r"(?<=\d)\^?\{?(?:\\(?:text|mathrm)\{)?(?:st|nd|rd|th)\b\}{0,2}")
_MADE_OF_DIGITS = re.compile(r"[A-Za-z)\]]_?\{?\d")
_BRACKETS = frozenset(["(", ")", "[", "]", "\\{", "\\}", "\\|"])


def spelled_command(name: str) -> str:
    """A command under its one name; empty for what only changes how things look."""
    return "" if name in IGNORED or name in TEXT_COMMANDS else _SPELLINGS.get(name, name)


def said(text: str) -> list[str]:
    """The tokens of a text that was not read as mathematics: commands, signs, brackets, numbers, words as written.

    What only changes how things look is left out, and spellings of one command are one token.
    """
    out: list[str] = []
    for command, sign, number, word, other in _TOKEN.findall(_ORDINAL.sub("", text)):
        if command:
            if name := spelled_command(command):
                out.append("\\" + name)
        elif sign:
            out.append("\\" + _SIGNS[sign] if sign in _SIGNS else sign)
        elif number or word:
            out.append(number or word)
        elif other in _BRACKETS:
            out.append(other)
    return out


def says_formula(text: str) -> bool:
    """Whether a text says anything in signs: a command, an operator, letters made one with digits (``H_2O``)."""
    padded = [" ", *said(text), " "]
    return bool(_MADE_OF_DIGITS.search(text)) or any(
        t[0] == "\\" or t in ("+", "*", "=", "<", ">", "^", "|") or (t == "-" and not _hyphen(a, b))
        for a, t, b in zip(padded, padded[1:], padded[2:], strict=False)
    )


def _hyphen(before: str, after: str) -> bool:
    return before[0].isalpha() and after[0].isalpha() and len(before + after) > 2


def same_formula(gold: str, prediction: str) -> bool:
    """Whether two texts that hold signs are token for token the same: commands, signs, brackets, capitals."""
    return _joined(said(gold)) == _joined(said(prediction))


def _joined(tokens: list[str]) -> str:
    out = ""
    for token in tokens:
        out += " " + token if out and out[-1].isdecimal() and token[0].isdecimal() else token
    return out
