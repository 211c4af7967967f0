"""inspect_ai's scorer ``math()``, asked as a task asks it. It raises where no gold can be parsed: undecided here."""

from __future__ import annotations

import asyncio
import functools
import math as numbers
from typing import Any

from inspect_ai.model import ModelName, ModelOutput
from inspect_ai.scorer import CORRECT, Target, math
from inspect_ai.solver import TaskState

from veritune.bench.graders.forms import boxed
from veritune.bench.loading import Finding

_MODEL = "mockllm/model"
_UNPARSED = "Could not parse any mathematical target"


@functools.cache
def _asked() -> tuple[asyncio.AbstractEventLoop, Any]:
    """One loop for all rows: the scorer's first call in a loop is given more time."""
    return asyncio.new_event_loop(), math()


def grade(completion: str, gold: str, prompt: str) -> Finding:
    loop, score = _asked()
    output = ModelOutput.from_content(_MODEL, boxed(completion))
    state = TaskState(ModelName(_MODEL), sample_id=1, epoch=1, input=prompt, messages=[], output=output)
    try:
        found = loop.run_until_complete(score(state, Target(gold)))
    except ValueError as error:
        if _UNPARSED in str(error):
            return None, "gold unparsed"
        raise
    if isinstance(found.value, float) and numbers.isnan(found.value):
        return None, "unscored"
    return found.value == CORRECT, "scored"
