r"""The peers' format expressions decided in linear time.

``<think>\n.*?\n</think>\n<answer>\n.*?\n</answer>$`` tried by a backtracking engine costs the square of the length on
text made for it. Its pieces are literals that only have to follow one another, so taking the first place of each
piece decides the same question in one pass.
"""

from __future__ import annotations

_SEPARATOR = "\n</think>\n<answer>\n"
_CLOSE = "\n</answer>"


def open_r1_blocks(text: str, pieces: tuple[str, ...] = ()) -> bool:
    """Whether the expression of open-r1's ``format`` matches, with ``pieces`` in this order inside the answer.

    As the peer has it: the closing tag only has to end *a* line, and anything may follow on the next.
    """
    opening = "<think>\n"
    if not text.startswith(opening):
        return False
    place = len(opening)
    for piece in (_SEPARATOR, *pieces):
        found = text.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return text.find(f"{_CLOSE}\n", place) >= 0 or (text.endswith(_CLOSE) and len(text) - len(_CLOSE) >= place)


def trl_think(text: str) -> bool:
    """Whether the expression of TRL's ``think_format_reward`` matches: one ``<think>``, at the start, and closed."""
    opening = "<think>"
    return text.startswith(opening) and opening not in text[len(opening) :] and "</think>" in text[len(opening) :]
