"""verl's reward function over HTTP: the keyword arguments of ``compute_score`` in, its dictionary out.

Read: ``verl/experimental/reward_loop/reward_manager`` of 0.9.1. No manager of verl's speaks HTTP to a rule-based
reward: ``remote`` calls ``compute_score`` in Ray actors, the router's addresses are those of model servers. Where verl
runs, a reward is ``compute_score_function`` of ``veritune.adapters.verl`` over ``use: remote``, or without veritune a
function that posts its arguments here. verl takes only numbers for ``score``; of what it logs, a key that is missing
from one sample ends the batch, so every answer has the same keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veritune.adapters.texts import without_end
from veritune.plugins import Sample
from veritune.serve.errors import unfit
from veritune.serve.fronts.front import Front, Result, mapping, number
from veritune.serve.settings import Settings
from veritune.serve.wire import columns_of, text_or_chat


def read(data: Any) -> list[Sample]:
    """``ground_truth`` is the gold whatever ``extra_info`` holds; the keys of that are columns."""
    body = mapping(data)
    if not isinstance(body.get("solution_str"), str):
        raise unfit("solution_str: a text is expected")
    row = dict(mapping(body.get("extra_info") or {}, "extra_info"))
    asked = row.pop("prompt", None) or row.get("question")
    row["data_source"] = body.get("data_source")
    if body.get("ground_truth") is not None:
        row["gold"] = row["ground_truth"] = body["ground_truth"]
    prompt = None if asked is None else text_or_chat(asked, "extra_info.prompt")
    return [Sample(without_end(body["solution_str"]), prompt, columns=columns_of(row, "extra_info"))]


def answer(data: Any, results: Sequence[Result], settings: Settings) -> Any:
    """``score``, ``undecided``, and ``reward/NAME`` of every component, null where it has none."""
    (result,) = results
    parts = {f"reward/{alias}": part["value"] for alias, part in result["components"].items()}
    undecided = float(result["value"] is None)
    return {"score": number(result, settings), "undecided": undecided, "reason": result["reason"], **parts}


FRONT = Front("/verl", "verl 0.9.1", read, answer)
