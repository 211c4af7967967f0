"""Rows with an answer in a column, as the tokens that a policy sees and is to write."""

from __future__ import annotations

from collections.abc import Sequence

from veritune.plugins import ColumnError, DataError
from veritune.plugins.errors import did_you_mean
from veritune.plugins.types import completion_text
from veritune.trainer.data.prompts import PromptEncoder, without_beginning
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import FileSource, Row


def answer_of(row: Row, column: str, where: str) -> str:
    """A text, or the one message of the assistant's that the column holds. Raises ColumnError, DataError."""
    if column not in row.columns:
        known = ", ".join(sorted(row.columns))
        raise ColumnError(f"{where}: no column {column!r}.{did_you_mean(column, row.columns)} Columns: {known}.")
    answer = row.columns[column]
    if isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], dict):
        answer = completion_text(answer)
    if not isinstance(answer, str) or not answer:
        raise DataError(f"{where}: the answer (column {column!r}) is a text, got {answer!r:.80}")
    return answer


def check_answers(source: FileSource, column: str, where: str) -> None:
    """Every row has one."""
    for number, row in enumerate(source.rows, 1):
        answer_of(row, column, f"{where}, row {number}")


def encode_answers(rows: Sequence[Row], column: str, encode: PromptEncoder) -> list[Rollout]:
    """Prompts and answers as token ids, an end-of-sequence token behind every answer. What the prompt has begun of it
    (``data.prefill``, a reasoning tag that the template opens) is taken off."""
    tokenizer = encode.tokenizer
    prompts = encode.many([row.prompt for row in rows])
    texts = [without_beginning(answer_of(row, column, "a row"), encode.begun(row.prompt)) for row in rows]
    answers = tokenizer(texts, add_special_tokens=False)["input_ids"]
    end = tokenizer.eos_token_id
    return [
        Rollout(number, prompt, [*ids, *([] if ids[-1:] == [end] else [end])], [], "eos")
        for number, (prompt, ids) in enumerate(zip(prompts, answers, strict=True))
    ]
