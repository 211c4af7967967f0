"""Laws of equality, each with its cases both ways: `kinds/*.txt` hold "gold | answer | =" and "gold | answer | !"."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from veritune.verifiers.math.decision import Outcome
from veritune.verifiers.math.judge import judge
from veritune.verifiers.math.options import DEFAULT

HERE = Path(__file__).resolve().parent / "kinds"
WANTED = {"=": Outcome.RIGHT, "!": Outcome.WRONG}
LEAST = 12


def cases() -> list[tuple[str, str, str, str]]:
    found = []
    for path in sorted(HERE.glob("*.txt")):
        law = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("## "):
                law = line[3:]
            elif line.strip():
                gold, answer, sign = line.rsplit(" | ", 2)
                found.append((law, gold, answer, sign))
    return found


@pytest.mark.parametrize(("law", "gold", "answer", "sign"), cases())
def test_the_law_decides(law: str, gold: str, answer: str, sign: str) -> None:
    found = judge("answer", answer, gold, DEFAULT)
    assert found.outcome is WANTED[sign], f"{law}: {found}"


def test_every_law_has_cases_both_ways() -> None:
    counted = Counter((law, sign) for law, _, _, sign in cases())
    laws = {law for law, _ in counted}
    assert len(laws) > 15
    assert not [key for law in laws for key in ((law, "="), (law, "!")) if counted[key] < LEAST]
