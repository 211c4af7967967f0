"""Rows with an answer in a column, as the tokens that a policy sees and is to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins import ColumnError, DataError, Text, VerituneError
from veritune.plugins.errors import did_you_mean
from veritune.plugins.types import completion_text
from veritune.trainer.data.prompts import PromptEncoder, without_beginning
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import FileSource, Row


def one_answer(answer: Any) -> str | None:
    """The text of an answer: a text, or the one message of the assistant's that a list holds; else None."""
    if isinstance(answer, str):
        return answer
    message = answer[0] if isinstance(answer, list) and len(answer) == 1 else None
    if not isinstance(message, Mapping) or message.get("role", "assistant") != "assistant":
        return None
    return completion_text([message]) if message.get("content") is not None else None


def answer_of(row: Row, column: str, where: str) -> str:
    """The row's answer. Raises ColumnError, DataError."""
    if column not in row.columns:
        known = ", ".join(sorted(row.columns))
        raise ColumnError(f"{where}: no column {column!r}.{did_you_mean(column, row.columns)} Columns: {known}.")
    answer = one_answer(row.columns[column])
    if not answer:
        raise DataError(
            f"{where}: the answer (column {column!r}) is a text or one message of the assistant's, got "
            f"{row.columns[column]!r:.80}"
        )
    return answer


def encode_prompts(
    prompts: Sequence[Text], encode: PromptEncoder, where: str, what: str = "row", first: int = 1
) -> list[list[int]]:
    """Token ids of prompts. Raises DataError for what cannot be rendered, naming the first that cannot."""
    try:
        return encode.many(prompts)
    except (VerituneError, ValueError, TypeError):
        for number, prompt in enumerate(prompts, first):
            try:
                encode(prompt)
            except (VerituneError, ValueError, TypeError) as error:
                raise DataError(f"{where}, {what} {number}: {error}") from error
        raise


def check_answers(source: FileSource, column: str, where: str) -> None:
    """Every row has one."""
    for number, row in enumerate(source.rows, 1):
        answer_of(row, column, f"{where}, row {number}")


def encode_answers(rows: Sequence[Row], column: str, encode: PromptEncoder, where: str) -> list[Rollout]:
    """Prompts and answers as token ids, an end-of-sequence token behind every answer. What the prompt has begun of it
    (``data.prefill``, a reasoning tag that the template opens) is taken off. Raises DataError, naming the row."""
    tokenizer = encode.tokenizer
    prompts = encode_prompts([row.prompt for row in rows], encode, where)
    texts = [without_beginning(answer_of(row, column, where), encode.begun(row.prompt)) for row in rows]
    answers = tokenizer(texts, add_special_tokens=False)["input_ids"]
    end = tokenizer.eos_token_id
    return [
        Rollout(number, prompt, [*ids, *([] if ids[-1:] == [end] else [end])], [], "eos")
        for number, (prompt, ids) in enumerate(zip(prompts, answers, strict=True))
    ]
