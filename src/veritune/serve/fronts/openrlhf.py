"""OpenRLHF's remote reward model: ``--reward.remote_url http://HOST:PORT/openrlhf`` (before 0.11 ``--remote_rm_url``).

Read: ``openrlhf/utils/agent.py`` of 0.11.2, ``SingleTurnAgentExecutor._fetch_rewards_via_http``: it posts ``query``,
``prompts`` and ``labels``, lists of one, and takes ``rewards``, ``scores`` and ``extra_logs``. It retries five times,
a second apart, and after that goes on without a reward, which its experience maker cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veritune.adapters.texts import response, without_end
from veritune.plugins import Sample
from veritune.serve.errors import unfit
from veritune.serve.fronts.front import Front, Result, component_numbers, listed, mapping, number
from veritune.serve.settings import Settings
from veritune.serve.wire import columns_of


def read(data: Any) -> list[Sample | None]:
    """Queries are prompt and response in one, with the end-of-turn token; labels are golds. Of a query that holds
    nothing of its prompt the response is not known: to grade it whole would pay for what the prompt says."""
    body = mapping(data)
    queries = listed(body, "query")
    queries = queries if queries is not None else listed(body, "queries")
    if queries is None:
        raise unfit("query: a list of texts is expected")
    prompts = listed(body, "prompts", len(queries)) or [""] * len(queries)
    labels = listed(body, "labels", len(queries))
    samples: list[Sample | None] = []
    for i, (query, prompt) in enumerate(zip(queries, prompts, strict=True)):
        if not isinstance(query, str) or not isinstance(prompt, str):
            raise unfit(f"query[{i}], prompts[{i}]: texts are expected")
        said = response(query, prompt)
        columns = {} if labels is None else columns_of({"gold": labels[i]}, f"labels[{i}]")
        samples.append(None if said is None else Sample(without_end(said), prompt or None, columns=columns))
    return samples


def answer(data: Any, results: Sequence[Result], settings: Settings) -> Any:
    """``rewards`` and ``scores``, and the means of the components in ``extra_logs``."""
    values = [number(result, settings) for result in results]
    logs: dict[str, list[float]] = {"undecided": [float(result["value"] is None) for result in results]}
    rows = [component_numbers(result) for result in results]
    for name in dict.fromkeys(name for row in rows for name in row):
        logs[name] = [row.get(name, 0.0) for row in rows]
    return {"rewards": values, "scores": values, "extra_logs": logs}


FRONT = Front("/openrlhf", "OpenRLHF 0.11.2", read, answer)
