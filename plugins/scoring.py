"""Calling a reward's function on samples: its inputs, what it returned as scores, what it raised as an error."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import re
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veritune.plugins.columns import value_at
from veritune.plugins.errors import ConfigError, MissingExtraError, PluginError, RewardError, VerituneError, words_of
from veritune.plugins.faults import record
from veritune.plugins.parameters import Signature
from veritune.plugins.places import place_of, trace_of
from veritune.plugins.types import Cause, Sample, Score, Verdict

PASSED_ON = KeyboardInterrupt
"""What is no failure of a reward: somebody asked for an end. Anything else is, ``sys.exit`` included, and what Python
ends generators and tasks with (``GeneratorExit``, ``asyncio.CancelledError``), where it comes out of a call."""


@dataclass(frozen=True)
class Call:
    """One call of a reward's function: what it reads of the samples, and what becomes of a failure."""

    name: str
    signature: Signature
    function: Callable[..., Any]
    """With its parameters bound."""
    sources: Mapping[str, str | None]
    """Input → column of the data; None where a default stands in."""
    injected: Mapping[str, Any]
    """What the trainer passes beside columns (``trainer_state``, ``log_metric`` …)."""
    defined: Callable[..., Any]
    """The function as its author wrote it."""
    ours: bool
    """A built-in: a fault in it is undecided, while one in a user's reward is raised."""

    def one(self, sample: Sample) -> Score:
        """The score of one sample."""
        try:
            return to_score(self.function(**self._inputs(sample), **self.injected))
        except PASSED_ON:
            raise
        except BaseException as error:
            return self._fault(error, sample)

    def each(self, samples: Sequence[Sample]) -> list[Score]:
        """The scores of a coroutine function, its calls beside each other."""
        cancelled: list[tuple[BaseException, Sample]] = []
        try:
            scores: list[Score] = run_coroutine(self._beside(samples, cancelled))
        except asyncio.CancelledError as error:  # of a task of the reward's own: nobody else cancels any
            first, sample = cancelled[0] if cancelled else (error, None)
            return [self._fault(first, sample)] * len(samples)
        return scores

    async def _beside(self, samples: Sequence[Sample], cancelled: list[tuple[BaseException, Sample]]) -> list[Score]:
        async def one(sample: Sample) -> Score:
            try:
                return to_score(await self.function(**self._inputs(sample), **self.injected))
            except (PASSED_ON, GeneratorExit):
                raise
            except asyncio.CancelledError as error:
                cancelled.append((error, sample))
                raise
            except BaseException as error:
                return self._fault(error, sample)

        return list(await asyncio.gather(*(one(sample) for sample in samples)))

    def whole(self, samples: Sequence[Sample]) -> list[Score]:
        """The scores of a function that takes the batch at once."""
        try:
            result = self.function(**self._lists(samples), **self.injected)
            if inspect.iscoroutine(result):
                result = run_coroutine(result)
            scores = [to_score(value) for value in one_each(result, len(samples))]
        except PASSED_ON:
            raise
        except BaseException as error:
            return self._without_the_faulty(error, samples)
        return scores

    def _inputs(self, sample: Sample) -> dict[str, Any]:
        special = {
            "completion": sample.text,
            "prompt": sample.prompt,
            "completion_ids": sample.completion_ids,
            "sample": sample,
        }
        inputs = {k: special[k] for k in self.signature.inputs if k in special and k not in self.sources}
        inputs.update({k: value_at(sample.columns, c) for k, c in self.sources.items() if c is not None})
        if self.signature.takes_columns:
            inputs.update({k: v for k, v in sample.columns.items() if self._is_further(k)})
        return inputs

    def _lists(self, samples: Sequence[Sample]) -> dict[str, Any]:
        special = {
            "completions": [s.text for s in samples],
            "prompts": [s.prompt for s in samples],
            "completion_ids": [s.completion_ids for s in samples],
            "samples": list(samples),
        }
        inputs = {k: special[k] for k in self.signature.inputs if k in special and k not in self.sources}
        inputs.update({k: [value_at(s.columns, c) for s in samples] for k, c in self.sources.items() if c is not None})
        if self.signature.takes_columns:
            names = dict.fromkeys(k for s in samples for k in s.columns if self._is_further(k))
            inputs.update({k: [s.columns.get(k) for s in samples] for k in names})
        return inputs

    def _is_further(self, column: str) -> bool:
        """Whether ``**columns`` gets it."""
        taken = column in self.signature.inputs or column in self.signature.parameters
        return not taken and column.isidentifier()

    def _without_the_faulty(self, error: BaseException, samples: Sequence[Sample]) -> list[Score]:
        """A built-in failed on a batch: its groups one by one, so that the fault costs only where it is."""
        groups = [list(group) for _, group in itertools.groupby(samples, key=lambda sample: sample.prompt)]
        if not self._excuses(error) or len(samples) == 1:
            return [self._fault(error, samples[0] if len(samples) == 1 else None)] * len(samples)
        if len(groups) == 1:
            groups = [[sample] for sample in samples]
        return [score for group in groups for score in self.whole(group)]

    def _excuses(self, error: BaseException) -> bool:
        """Whether an exception is a fault of ours (undecided), rather than of a user's reward or config (raised)."""
        return self.ours and isinstance(error, Exception) and not isinstance(error, VerituneError)

    def _fault(self, error: BaseException, sample: Sample | None) -> Score:
        """A fault of a built-in as an undecided score. Raises for a user's reward: a bug must not train as a zero."""
        if not self._excuses(error):
            raise failure(self.name, self.defined, error, sample) from error
        given = {"completion": sample.completion, "prompt": sample.prompt} if sample is not None else {}
        return Score.none(record(f"scoring with {self.name!r}", error, **given), Cause.INTERNAL_ERROR)


def failure(name: str, defined: Callable[..., Any], error: BaseException, sample: Sample | None) -> VerituneError:
    """What is raised for an exception of a reward: with its place in the author's code, and what to change if known."""
    if isinstance(error, ConfigError | RewardError | MissingExtraError | PluginError):
        return error
    message = f"{type(error).__name__}: {words_of(error)}"
    if isinstance(error, NoScoreError):
        message = str(error)
    elif texts_taken_for_chats(error):
        message += (
            ". Completions arrive as texts (of a chat, its last assistant turn): write `completion` for "
            "`completion[0]['content']`; to see whole chats take `sample` (of a batch `samples`) and read "
            "`sample.completion`. Prompts arrive as they are given, texts or chats; `sample.prompt_text` is always text"
        )
    return RewardError(name, message, sample, place_of(error, defined), trace_of(error))


def texts_taken_for_chats(error: BaseException) -> bool:
    """Whether code that expects chat messages, as in tutorials for trainers, met a text."""
    said = words_of(error)
    if isinstance(error, TypeError):
        return said.startswith("string indices must be integers")
    if isinstance(error, AttributeError):
        return re.match(r"'str' object has no attribute '(get|items|keys|content|role)'", said) is not None
    return isinstance(error, IndexError) and said == "string index out of range"


class NoScoreError(TypeError):
    """A reward returned something that is no score."""


def one_each(result: Any, count: int) -> list[Any]:
    """What a batch reward returned, one value a completion. Raises NoScoreError for anything else."""
    expected = "a reward that takes the whole batch returns a list with one value a completion"
    if isinstance(result, str | bytes | Mapping) or not isinstance(result, Iterable):
        hint = " (is a `return` missing?)" if result is None else ""
        raise NoScoreError(f"returned {result!r:.80} ({type(result).__name__}){hint}: {expected}")
    values = list(result)
    if len(values) != count:
        raise NoScoreError(f"returned {len(values)} values for {count} completions")
    return values


def to_score(value: Any) -> Score:
    """What a reward function returned, as a Score. Raises NoScoreError (a TypeError) for anything that is no number."""
    if isinstance(value, Score):
        return value
    if isinstance(value, Verdict):
        return Score.of(value)
    if value is None:
        return Score(None, "the reward returned None", cause=Cause.NOT_APPLICABLE)
    if isinstance(value, bool | int | float) or hasattr(value, "__float__"):
        return Score(float(value))
    hint = ""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], str):
        hint = "; a number with its reason is Score(number, reason), from veritune"
    elif isinstance(value, list | tuple):
        hint = "; one that takes the whole batch names its first input `completions`, or says @reward(batch=True)"
    raise NoScoreError(
        f"a reward returns a number, None, a Score or a Verdict, got {value!r:.80} ({type(value).__name__}){hint}"
    )


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end, also from a thread that already has a running loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(asyncio.run(coroutine))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=target, name="veritune-async-reward")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
