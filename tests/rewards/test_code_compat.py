"""compat="open-r1" of the code rewards returns what the peer returns; ``vectors/make_code.py`` says how it is known."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from veritune.plugins import get_reward
from veritune.rewards import code_ioi, code_peer

# All standard headers take a second to compile, each time: two programs show that they are there.
FEW_HEADERS = "#include <cstdio>\n#include <cstdlib>\n"
VECTORS = sorted((Path(__file__).parent / "vectors" / "code").glob("*.jsonl"))


def lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_each_of_the_four_has_at_least_25_vectors() -> None:
    assert {path.stem.partition(".")[2] for path in VECTORS} == {"code", "binary_code", "ioi_code", "cf_code"}
    assert all(len(lines(path)) >= 25 for path in VECTORS)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_compat_mode_returns_what_the_peer_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_peer, "LIMITS", replace(code_peer.LIMITS, cpu_s=1.0))  # five seconds take too long here
    if path.stem.endswith(("ioi_code", "cf_code")) and shutil.which("g++") is None:
        pytest.skip("needs g++")
    wrong = []
    for row in lines(path):
        headers = (
            code_ioi.STANDARD_HEADERS
            if row["about"].startswith(("uses the standard library", "uses std::"))
            else FEW_HEADERS
        )
        with monkeypatch.context() as context:
            context.setattr(code_ioi, "STANDARD_HEADERS", headers)
            given = get_reward(row["name"], compat="open-r1", **row["params"])(**row["inputs"])
        if given != row["expected"]:
            wrong.append(f"{row['about']}: {given} instead of {row['expected']}")
    assert wrong == []


def test_languages_that_must_be_one_and_are_not_are_refused_as_the_peer_does() -> None:
    infos: list[dict[str, Any]] = [{"language": name, "test_cases": []} for name in ("python", "java")]
    with pytest.raises(Exception, match="same language"):
        get_reward("code", compat="open-r1", enforce_same_language=True)(["", ""], verification_info=infos)
