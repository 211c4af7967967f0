"""slime's remote reward: ``--rm-type remote_rm --rm-url http://HOST:PORT/slime``.

Read: ``slime/rollout/rm_hub/__init__.py`` of 0.3.1 (commit 624b824), ``remote_rm``: it posts ``prompt``, ``response``
and ``label`` of one sample and takes the whole JSON answer for the sample's reward: a number, or with ``--reward-key``
an object. It retries ten times, with growing pauses, and then ends the rollout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veritune.adapters.texts import without_end
from veritune.plugins import Sample
from veritune.serve.errors import unfit
from veritune.serve.fronts.front import Front, Result, component_numbers, mapping, number
from veritune.serve.settings import Settings
from veritune.serve.wire import columns_of, text_or_chat


def read(data: Any) -> list[Sample]:
    """One sample, without the token that ended it; a label that is given is the gold."""
    body = mapping(data)
    if not isinstance(body.get("response"), str):
        raise unfit("response: a text is expected")
    prompt, label = body.get("prompt"), body.get("label")
    columns = {} if label is None else columns_of({"gold": label}, "label")
    asked = None if prompt in (None, "") else text_or_chat(prompt, "prompt")
    return [Sample(without_end(body["response"]), asked, columns=columns)]


def answer(data: Any, results: Sequence[Result], settings: Settings) -> Any:
    """The number."""
    return number(results[0], settings)


def full(data: Any, results: Sequence[Result], settings: Settings) -> Any:
    """For ``--reward-key score``: the number beside the components."""
    (result,) = results
    undecided = float(result["value"] is None)
    return {"score": number(result, settings), "undecided": undecided, **component_numbers(result)}


FRONT = Front("/slime", "slime 0.3.1", read, answer)
FULL = Front("/slime/full", "slime 0.3.1 with --reward-key score", read, full)
