"""Does the completion reason in steps?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import PositiveInt

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.text import first_message

_NUMERAL = "[0-9]{1,4}|[一二三四五六七八九十]{1,3}"
_MARKER = re.compile(
    rf"""(?:
        ^[ \t]{{0,8}}(?:[*_\#]{{1,4}}[ ]?)?(?:
            (?P<step>step|schritt|étape|paso|第)[ ]?(?P<number>{_NUMERAL})[ ]?(?:步|[:.：)、])
          | (?P<list>[0-9]{{1,4}})[.)、．](?![0-9])
          | (?P<bullet>[-*•+])[ ]
        )
      | (?:^[ \t]{{0,8}}|(?<=[.!?:;][ ])|(?<=[。！？：；，]))
        (?P<word>(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|next|then|finally|lastly)(?=[,:， ])
               |首先|其次|然后|接着|接下来|最后)
    )""",
    re.MULTILINE | re.IGNORECASE | re.VERBOSE,
)
_MARKER_WORDS = re.compile(
    r"step|first(?:ly)?|second(?:ly)?|third(?:ly)?|next|then|finally|lastly|首先|其次|然后|接着|接下来|最后", re.I
)
_PEER = re.compile(r"(Step \d+:|^\d+\.|\n-|\n\*|First,|Second,|Next,|Finally,)")


@reward
def reasoning_steps(completion: str, *, enough: PositiveInt = 3) -> Score:
    """min(1, steps / ``enough``), where a step is a marker followed by words of its own.

    Markers: at the start of a line ``Step 2:`` (``第二步``), ``2.`` or ``2)``, a bullet; at the start of a line or
    sentence ``First``, ``Second``, ``Next``, ``Then``, ``Finally`` (``首先``, ``其次``, ``然后``, ``最后``).
    A label counts once, and so does a text: a marker without words, a repeated marker and a repeated step earn nothing.

    Source: open-r1 ``reasoning_steps_reward``, without its defects.
    """
    labels: set[str] = set()
    bodies: set[str] = set()
    steps = 0
    for label, body in _steps(completion):
        if body and body not in bodies and label not in labels:
            steps += 1
        bodies.add(body)
        if label:
            labels.add(label)
    return Score(min(1.0, steps / enough), f"{steps} different steps, {enough} are enough")


@reasoning_steps.compat("open-r1")
def _open_r1(sample: Sample) -> Score:
    """open-r1 ``reasoning_steps_reward``: every marker counts, ``1.`` only at the very start of the text."""
    count = len(_PEER.findall(first_message(sample)))
    return Score(min(1.0, count / 3), f"the peer counts {count} markers")


def _steps(text: str) -> Iterator[tuple[str, str]]:
    """Label (empty for a bullet) and normalised text of every marked step."""
    markers = list(_MARKER.finditer(text))
    ends = [*(marker.start() for marker in markers[1:]), len(text)]
    for marker, end in zip(markers, ends, strict=False):  # no marker: no step
        words = re.findall(r"[^\W_]+", _MARKER_WORDS.sub(" ", text[marker.end() : end]).casefold())
        label = next((marker[name] for name in ("number", "list", "word") if marker[name]), "").casefold()
        yield label, " ".join(words)
