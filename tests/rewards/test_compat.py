"""compat="open-r1" and compat="trl" return what the peer returns, bit for bit, its oddities included.

The vectors under ``vectors/`` are data; ``vectors/make.py`` says where they come from.
"""

from __future__ import annotations

import importlib.util
import json
import math
import random
import re
from pathlib import Path
from typing import Any

import pytest

from veritune.plugins import get_reward
from veritune.rewards import peer_math

VECTORS = sorted((Path(__file__).parent / "vectors").glob("*.jsonl"))
PEERS = {
    "open-r1": {
        "accuracy", "format", "reasoning_steps", "cosine", "repetition_penalty", "length", "code_format", "tag_count",
        "soft_overlong_punishment",
    },
    "trl": {
        "accuracy", "reasoning_accuracy", "cosine", "think_format", "repetition_penalty", "soft_overlong_punishment",
    },
}  # fmt: skip


def rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def bits(values: list[float | None]) -> list[tuple[float, float] | None]:
    """Values with the sign of their zeros."""
    return [None if value is None else (float(value), math.copysign(1.0, value)) for value in values]


def test_every_name_of_the_peers_has_its_table() -> None:
    found: dict[str, set[str]] = {}
    for path in VECTORS:
        peer, name = path.stem.split(".")
        found.setdefault(peer, set()).add(name)
        assert len(rows(path)) >= 25, path.name
    assert found == PEERS


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_compat_mode_returns_what_the_peer_returns(path: Path) -> None:
    for row in rows(path):
        if row["params"].get("language") == "zh" and importlib.util.find_spec("jieba") is None:
            continue
        reward = get_reward(row["name"], compat=row["peer"], **row["params"])
        inputs = dict(row["inputs"])
        given = reward(**inputs)
        assert bits(given) == bits(row["expected"]), f"{row['about']}: {given} instead of {row['expected']}"


def test_the_vectors_hold_the_oddities() -> None:
    table = {path.stem: rows(path) for path in VECTORS}
    expected = {name: [value for row in table[name] for value in row["expected"]] for name in table}
    zeros = [value for value in expected["open-r1.repetition_penalty"] if value == 0]
    assert {math.copysign(1.0, zero) for zero in zeros} == {1.0, -1.0}
    assert None in expected["open-r1.accuracy"]
    assert None in expected["trl.cosine"]
    assert None not in expected["open-r1.cosine"]
    wrapped = [
        r for r in table["open-r1.cosine"] if r["params"] and len(r["inputs"]["completions"][0][0]["content"]) > 300
    ]
    assert max(row["expected"][0] for row in wrapped) > 0.9


def test_the_schedule_of_trl_takes_the_parameters_that_trl_requires() -> None:
    with pytest.raises(ValueError, match="needs 'max_len'"):
        get_reward("cosine", compat="trl")
    with pytest.raises(ValueError, match="'max_completion_len', 'soft_punish_cache'"):
        get_reward("soft_overlong_punishment", compat="trl")


@pytest.mark.parametrize("peer", ["open-r1", "trl"])
def test_a_positive_penalty_is_refused_as_the_peer_refuses_it(peer: str) -> None:
    with pytest.raises(ValueError, match="max_penalty"):
        get_reward("repetition_penalty", compat=peer, max_penalty=0.5)


def test_format_in_trl_mode_is_think_format() -> None:
    for row in rows(Path(__file__).parent / "vectors" / "trl.think_format.jsonl"):
        assert get_reward("format", compat="trl")(**row["inputs"]) == row["expected"]


@pytest.mark.parametrize("peer", ["open-r1", "trl"])
def test_our_bound_on_time_holds_in_compat_mode(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one stated exception: where the peer would still be computing, the answer is wrong."""
    monkeypatch.setattr(peer_math, "CPU_SECONDS", 0.5)
    assert get_reward("accuracy", compat=peer)(completions=[r"\boxed{9^{9^{9^9}}!}"], solution=["$4$"]) == [0.0]


PIECES = [
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "\n",
    "\n",
    "\n</think>\n<answer>\n",
    "\n</answer>",
    "```python",
    "```",
    "a",
    " ",
]
OPEN_R1 = {
    "format": r"^<think>\n.*?\n</think>\n<answer>\n.*?\n</answer>$",
    "code_format": r"^<think>\n.*?\n</think>\n<answer>\n.*?```python.*?```.*?\n</answer>$",
}
TRL = r"^<think>(?!.*<think>)(.*?)</think>.*$"


def test_linear_time_decides_what_the_peers_expressions_decide() -> None:
    rng = random.Random(0)
    texts = [
        "<think>\n" * rng.randint(0, 1) + "".join(rng.choices(PIECES, k=rng.randint(0, 14))) for _ in range(20_000)
    ]
    for compat, name, rule in [*(("open-r1", *item) for item in OPEN_R1.items()), ("trl", "think_format", TRL)]:
        expected = [float(re.match(rule, text, re.DOTALL | re.MULTILINE) is not None) for text in texts]
        assert 50 < sum(expected) < 19_950
        assert get_reward(name, compat=compat)(texts) == expected


def test_plain_strings_are_read_too() -> None:
    """The peers raise a TypeError on a string completion; it has only one reading."""
    assert get_reward("tag_count", compat="open-r1")(completions=["<think>\n"]) == [0.25]
