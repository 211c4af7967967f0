"""Checks before the first step of what a run would otherwise find in the middle: every row, its length, its gold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from veritune.plugins import ColumnError, ConfigError, DataError, VerituneError
from veritune.rewards.composition import RewardSet
from veritune.trainer.config import PolicyRunConfig, RunConfig
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import FileSource, Row, Source, TaskSource
from veritune.trainer.policy.models import check_token, positions_of
from veritune.trainer.rollout.evaluation import evaluation_sampling
from veritune.trainer.rollout.held_out import check_sets
from veritune.trainer.stages.interface import Inputs, Say
from veritune.trainer.stages.warmup import check_habits

ALL = 20_000
"""Of a file with more rows than this, an even sample of as many is tokenized before the run."""
TASK_ROWS = 200
"""Of a generated task."""


def check_data(
    config: PolicyRunConfig, rewards: RewardSet, source: Source | None, held_out: Mapping[str, Source], say: Say
) -> None:
    """All that can be checked of names, columns and golds before there is a model."""
    check_sets(config, list(held_out), rewards.aliases)
    for what, each in {"data.train": source, **_named(held_out)}.items():
        if each is not None:
            rewards.check_columns(each.columns())
            check_golds(each, rewards, say, what)


def check_model_limits(inputs: Inputs, model: Any, encode: PromptEncoder, say: Say) -> None:
    """Every prompt as the model will see it, against its limits, before anything is written."""
    positions, config = positions_of(model), inputs.config
    if inputs.source is not None:
        check_prompts(inputs.source, encode, config, positions, say, "data.train", model=model)
    for (what, each), name in zip(_named(inputs.held_out).items(), inputs.held_out, strict=True):
        room = evaluation_sampling(config, name).max_tokens
        check_prompts(each, encode, config, positions, say, what, room, "evaluation.max_tokens", model)


def check_demonstration_limits(inputs: Inputs, model: Any, encode: PromptEncoder, say: Say) -> None:
    """The same of demonstrations, and of the prompts they have of their own."""
    positions = positions_of(model)
    assert inputs.demonstrations is not None
    if inputs.demonstrations is not inputs.source:
        check_prompts(inputs.demonstrations, encode, inputs.config, positions, say, "warmup.train")
    check_demonstration_lengths(inputs.demonstrations, encode, inputs.config, positions)


def _named(held_out: Mapping[str, Source]) -> dict[str, Source]:
    """Held-out sets as the config names them."""
    return {f"data.eval.{name}" if name else "data.eval": source for name, source in held_out.items()}


def check_golds(source: Source, rewards: RewardSet, say: Say, what: str = "data.train") -> None:
    """Say in how many rows a column that a reward reads has no value. Raises ColumnError where no row has one."""
    if not isinstance(source, FileSource):
        return
    names = source.columns()
    for component in rewards.components:
        rows = [row for row in source.rows if component.mismatch(_sample(row)) is None]
        for column in sorted(component.reward.columns_read(names)) if rows else ():
            empty = [n for n, row in enumerate(source.rows, 1) if _blank(row.columns.get(column))]
            if len(empty) == len(source.rows):
                raise ColumnError(f"rewards.{component.alias}: the column {column!r} has no value in any row of {what}")
            if empty:
                say(
                    f"rewards.{component.alias}: the column {column!r} has no value in {len(empty)} of "
                    f"{len(source.rows)} rows of {what} (the first is row {empty[0]})"
                )


def _blank(value: Any) -> bool:
    """Whether a row has nothing there: null, an empty text or one of spaces, a number that is none."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and not value.strip())


def check_prompts(
    source: Source,
    encode: PromptEncoder,
    config: PolicyRunConfig,
    positions: int | None,
    say: Say,
    what: str,
    room: int | None = None,
    key: str = "sampling.max_tokens",
    model: Any = None,
) -> None:
    """Tokenize every row (of a large file a sample): DataError, naming the row, for what cannot be rendered.

    Raises ConfigError where no prompt is short enough, and where a prompt with a whole completion is longer than the
    model has positions. Says how many prompts are left out for their length.
    """
    rows = list(numbered_rows(source))
    limit, room = config.data.max_prompt_tokens, config.sampling.max_tokens if room is None else room
    lengths: list[int] = []
    for begin in range(0, len(rows), 512):
        part = rows[begin : begin + 512]
        encoded = _encoded(encode, part, what)
        lengths += [len(ids) for ids in encoded]
        for (number, _), ids in zip(part, encoded, strict=True):
            if model is not None:
                check_token(encode.tokenizer, max(ids, default=0), model, f"{what}, row {number}: ")
    long = [n for n, length in enumerate(lengths) if limit is not None and length > limit]
    if len(long) == len(rows):
        raise ConfigError(f"every prompt of {what} is longer than data.max_prompt_tokens={limit}")
    if long:
        of = f"{len(rows)} rows" if len(rows) == _count(source) else f"a sample of {len(rows)} rows"
        say(f"{what}: {len(long)} of {of} are longer than data.max_prompt_tokens={limit} and left out")
    kept = [(length, n) for n, length in enumerate(lengths) if limit is None or length <= limit]
    longest, at = max(kept)
    if not min(kept)[0]:
        raise DataError(f"{what}, row {rows[min(kept)[1]][0]}: the prompt has no tokens")
    if positions is not None and longest + room > positions:
        raise ConfigError(
            f"{what}, row {rows[at][0]}: a prompt of {longest} tokens and {key}={room} are more than the "
            f"model's {positions} positions; lower {key}, or set data.max_prompt_tokens="
            f"{max(1, positions - room)}"
        )


def check_demonstration_lengths(
    source: Source, encode: PromptEncoder, config: RunConfig, positions: int | None
) -> None:
    """Raise ConfigError where a row's prompt and demonstration are longer than the model has positions."""
    if positions is None or config.warmup is None or not isinstance(source, FileSource):
        return
    numbered = list(numbered_rows(source))
    completions = [str(row.columns[config.warmup.completion]) for _, row in numbered]
    limit = config.data.max_prompt_tokens or positions
    for begin in range(0, len(numbered), 512):
        part = numbered[begin : begin + 512]
        prompts = _encoded(encode, part, "warmup")
        answers = encode.tokenizer(completions[begin : begin + 512], add_special_tokens=False)["input_ids"]
        for (number, _), prompt, answer in zip(part, prompts, answers, strict=True):
            if len(prompt) <= limit and len(prompt) + len(answer) > positions:
                raise ConfigError(
                    f"warmup, row {number}: prompt and demonstration have {len(prompt) + len(answer)} tokens, more "
                    f"than the model's {positions} positions; leave the row out, or shorten it"
                )


def _encoded(encode: PromptEncoder, rows: Sequence[tuple[int, Row]], what: str) -> list[list[int]]:
    try:
        return encode.many([row.prompt for _, row in rows])
    except (VerituneError, ValueError, TypeError):
        for number, row in rows:  # one by one, to name it
            try:
                encode(row.prompt)
            except (VerituneError, ValueError, TypeError) as error:
                raise DataError(f"{what}, row {number}: {error}") from error
        raise


def numbered_rows(source: Source) -> Iterable[tuple[int, Row]]:
    """Rows with their numbers in the file, from 1."""
    if not isinstance(source, FileSource):
        return [(n + 1, source.row(n)) for n in range(TASK_ROWS)]
    numbered = list(enumerate(source.rows, 1))
    if len(numbered) <= ALL:
        return numbered
    return Random("preflight").sample(numbered, ALL)


def _count(source: Source) -> int:
    return len(source.rows) if isinstance(source, FileSource) else TASK_ROWS


def _sample(row: Row) -> Any:
    from veritune.plugins import Sample

    return Sample("", row.prompt, None, row.columns)


def check_demonstrations(config: RunConfig, source: Source) -> None:
    """Raise ConfigError for habits that the task does not have, ColumnError for a row without a demonstration."""
    warmup = config.warmup
    if warmup is None:
        return
    if isinstance(source, TaskSource):
        check_habits(source, warmup.habits, "warmup")
        return
    if warmup.habits:
        raise ConfigError("warmup.habits are of a task; demonstrations of a file are its column warmup.completion")
    assert isinstance(source, FileSource)
    kinds = Counter(type(row.columns.get(warmup.completion)).__name__ for row in source.rows)
    for number, row in enumerate(source.rows, 1):
        completion = row.columns.get(warmup.completion)
        if not isinstance(completion, str) or not completion:
            more = len(source.rows) - kinds["str"]
            raise ColumnError(
                f"warmup: row {number} (of {more or 1} such rows) has no text in the column {warmup.completion!r}; its "
                f"columns: {', '.join(sorted(row.columns))}. Name yours with warmup.completion"
            )
