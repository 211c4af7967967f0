"""TRL's calling convention over HTTP: keyword lists in, one number or null a completion out.

TRL has no remote rewards of its own. Its asynchronous trainer (``trl/experimental/async_grpo`` of 1.16.0) scores in a
spawned process and tells to serve heavy rewards elsewhere; a reward there is ``get_reward("remote", url=…)``, or
without veritune a function that posts its own arguments here and returns ``rewards``. TRL takes null for undecided.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veritune.plugins import Sample
from veritune.serve.errors import unfit
from veritune.serve.fronts.front import Front, Result, listed, mapping
from veritune.serve.settings import Settings
from veritune.serve.wire import columns_of, text_or_chat, tokens

_OWN = ("completions", "prompts", "completion_ids", "trainer_state")


def read(data: Any) -> list[Sample]:
    """Lists of one length are a column each; anything else is the same for every completion."""
    body = mapping(data)
    completions = listed(body, "completions")
    if completions is None:
        raise unfit("completions: a list is expected")
    count = len(completions)
    prompts, ids = listed(body, "prompts", count), listed(body, "completion_ids", count)
    rest = {key: value for key, value in body.items() if key not in _OWN}
    samples = []
    for i, completion in enumerate(completions):
        row = {k: v[i] if isinstance(v, list) and len(v) == count else v for k, v in rest.items()}
        prompt = None if prompts is None or prompts[i] is None else text_or_chat(prompts[i], f"prompts[{i}]")
        held = None if ids is None else tokens(ids[i], f"completion_ids[{i}]")
        chat = text_or_chat(completion, f"completions[{i}]")
        samples.append(Sample(chat, prompt, held, columns_of(row, "the body")))
    return samples


def answer(data: Any, results: Sequence[Result], settings: Settings) -> Any:
    """``rewards`` for TRL, with causes and reasons for whoever logs them (``log_extra``)."""
    return {
        "rewards": [result["value"] for result in results],
        "causes": [result["cause"] for result in results],
        "reasons": [result["reason"] for result in results],
    }


FRONT = Front("/trl", "TRL 1.16.0", read, answer)
