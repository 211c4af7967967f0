"""Golden cases of the verifiers beside math and code, both ways, at least forty each: written from the documentation by
somebody who had not seen the code."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from veritune import get_reward
from veritune.plugins import MissingExtraError, Reward

FOLDER = Path(__file__).with_name("golden")
NAMES = sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def cases(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").split("\n") if line]


def same(value: float | None, wanted: float | None) -> bool:
    if value is None or wanted is None:
        return value is wanted
    return math.isclose(value, wanted, abs_tol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_golden_cases_are_valued_as_their_writer_said(name: str) -> None:
    made: dict[str, Reward] = {}
    wrong = []
    for case in cases(name):
        params = case.get("params", {})
        key = json.dumps(params, sort_keys=True)
        try:
            reward = made.get(key) or made.setdefault(key, get_reward(case["reward"], **params))
        except MissingExtraError as error:
            pytest.skip(str(error))
        prompt = {"prompt": case["prompt"]} if "prompt" in case else {}
        score = reward.score(case["completion"], **prompt, **case["row"])
        if not same(score.value, case["value"]):
            wrong.append(f"{case} → {score.value} ({score.reason})")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "countdown"])  # older, with tests of its own
def test_there_are_forty_of_each_and_both_ways(name: str) -> None:
    values = Counter(
        "none" if case["value"] is None else "paid" if case["value"] > 0 else "zero" for case in cases(name)
    )
    assert values.total() >= 40
    assert min(values["paid"], values["zero"], values["none"]) >= 2
