"""Does the completion reason in steps?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import PositiveInt

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.text import first_message

_NUMERAL = "[0-9０-９]{1,4}|[一二三四五六七八九十]{1,3}"
_SPELLED = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eins|zwei|drei|vier|fünf|un|deux|trois|quatre|cinq|uno|dos|tres|"
    "cuatro|cinco|один|два|три|четыре|пять"
)
_STEP = (
    "step|schritt|étape|etape|paso|passo|шаг|hatua|bước|adım|krok|स्टेप|चरण|ধাপ|దశ|단계|ขั้นตอนที่|ขั้นที่|第|ステップ|手順|"
    "步骤|步驟"
)
_MARKER = re.compile(
    rf"""(?:
        ^[ \t]{{0,8}}(?:[*_\#]{{1,4}}[ ]?)?(?:
            (?P<step>{_STEP})[ ]?(?P<number>{_NUMERAL}|(?:{_SPELLED})\b)[ ]?(?:步|に|[:.：)、，,]|[-–—](?=[ ]))
          | \((?P<round>[0-9]{{1,3}}|[a-h]|[ivx]{{1,4}})\)(?=\s)
          | （(?P<wide>[0-9０-９]{{1,3}}|[一二三四五六七八九十]{{1,3}})）
          | (?P<circled>[①-⑳])
          | (?P<list>[0-9]{{1,4}})[.)、．](?![0-9])
          | (?P<han>[一二三四五六七八九十]{{1,3}})[、．.]
          | (?P<bullet>[-*•+])[ ]
        )
      | (?:^[ \t]{{0,8}}|(?<=[.!?:;][ ])|(?<=[。！？：；，]))
        (?P<word>(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|next|then|finally|lastly)(?=[,:， ])
               |首先|其次|然后|接着|接下来|最后|(?:まず|最初に|次に|そして|最後に)(?=[、,])
               |(?:zuerst|zunächst|dann|danach|schließlich|d'abord|ensuite|puis|enfin|primero|luego|después|finalmente
                 |сначала|затем|потом|наконец|во-первых|во-вторых|в-третьих)(?=[,: ]))
    )""",
    re.MULTILINE | re.IGNORECASE | re.VERBOSE,
)
_SAYS = re.compile(r"[^\W\d_]{2}|[^\x00-\u2e7f]|\d\s*[-+*/×÷·=<>^]\s*\d")
"""What makes a step of a line: a word, or a calculation; a number alone is none."""
_MARKER_WORDS = re.compile(
    r"step|first(?:ly)?|second(?:ly)?|third(?:ly)?|next|then|finally|lastly|首先|其次|然后|接着|接下来|最后", re.I
)
_LABELS = ("number", "round", "wide", "circled", "list", "han", "word")
_PEER = re.compile(r"(Step \d+:|^\d+\.|\n-|\n\*|First,|Second,|Next,|Finally,)")


@reward
def reasoning_steps(completion: str, *, enough: PositiveInt = 3) -> Score:
    """min(1, steps / ``enough``), where a step is a marker followed by words of its own.

    Markers: at the start of a line ``Step 2:`` (``Step two -``, ``第二步``, ``Шаг 2:``, ``Étape 2 :`` …), ``2.``,
    ``2)``, ``(2)``, ``②``, ``二、``, a bullet; at the start of a line or sentence ``First``, ``Second``, ``Next``,
    ``Then``, ``Finally`` (``首先``, ``まず、``, ``zuerst``, ``ensuite``, ``luego``, ``затем`` …). A label counts once,
    and so does a text: a marker without words or a calculation, a repeated marker and a repeated step earn nothing.

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
        label = next((marker[name] for name in _LABELS if marker[name]), "").casefold()
        yield label, " ".join(words) if _SAYS.search(text, marker.end(), end) else ""
