"""How a trainer calls a reward: keyword lists in, one number or None a completion out, plain or as a coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from veritune.plugins.columns import rows
from veritune.plugins.parameters import INJECTED
from veritune.plugins.types import Sample, Text, is_chat


class NamedCallable(Protocol):
    """What TRL takes for a reward: a name and a call."""

    name: str

    def __call__(self, completions: Sequence[Text] | None = None, **columns: Any) -> list[float | None]: ...


class AsyncReward:
    """A reward whose call is a coroutine; the scoring runs in a thread. See :meth:`Reward.as_async`."""

    def __init__(self, inner: NamedCallable) -> None:
        self.inner = inner
        self.name = self.__name__ = self.__qualname__ = inner.name
        self.__doc__ = inner.__doc__

    async def __call__(self, completions: Sequence[Text] | None = None, **kwargs: Any) -> list[float | None]:
        return await asyncio.to_thread(self.inner, completions, **kwargs)

    def __reduce__(self) -> tuple[type[AsyncReward], tuple[NamedCallable]]:
        return type(self), (self.inner,)

    def __repr__(self) -> str:
        return f"<AsyncReward {self.inner!r}>"


def make_samples(
    owner: str,
    completions: Sequence[Text] | None,
    prompts: Sequence[Text] | None,
    completion_ids: Sequence[Sequence[int]] | None,
    columns: Mapping[str, Any],
) -> tuple[dict[str, Any], list[Sample]]:
    """A trainer's keyword lists as samples, beside what it injects (``trainer_state``, ``log_metric`` …).

    ``owner`` is named in errors. Raises TypeError or ValueError where the lists do not fit each other.
    """
    if completions is None or isinstance(completions, str):
        raise TypeError(
            f"{owner} is called with completions=[…], a list of texts or chats, got {completions!r}; "
            "for one completion use .score(completion, …)"
        )
    count = len(completions)
    for i, completion in enumerate(completions):
        if not isinstance(completion, str) and not is_chat(completion):
            raise TypeError(
                f"{owner}: completion {i} is neither a text nor a chat (a list of messages with role and content): "
                f"{completion!r:.120}"
            )
    for label, given in (("prompts", prompts), ("completion_ids", completion_ids)):
        if given is not None and len(given) != count:
            raise ValueError(f"{owner}: {len(given)} {label} for {count} completions")
    injected = {k: v for k, v in columns.items() if k in INJECTED}
    data = rows({k: v for k, v in columns.items() if k not in INJECTED}, count)
    return injected, [
        Sample(
            completion,
            prompts[i] if prompts is not None else None,
            completion_ids[i] if completion_ids is not None else None,
            data[i],
        )
        for i, completion in enumerate(completions)
    ]
