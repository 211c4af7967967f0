"""Rows and their prompts: from JSONL, Parquet or a generated task; addressable by position, so that a run can resume.

Row n of a source is a function of the seed and n alone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

from veritune.plugins import ColumnError, ConfigError, DataError, Message, MissingExtraError, Text
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config import DataConfig
from veritune.trainer.tasks import Task, get_task

HELD_OUT = 10
"""Of generated tasks, one prompt in so many is held out, by a checksum of its text."""


@dataclass(frozen=True)
class Row:
    """A prompt with its dataset columns."""

    prompt: Text
    columns: Mapping[str, Any]


class Source(Protocol):
    """An endless sequence of rows."""

    def row(self, position: int) -> Row: ...

    def columns(self) -> list[str]: ...


class TaskSource:
    """Rows of a generated task; ``held_out`` picks the prompts that training never sees."""

    def __init__(self, task: Task, seed: int, held_out: bool = False) -> None:
        self.task, self.seed, self.held_out = task, seed, held_out

    def row(self, position: int) -> Row:
        random = self.random(position)
        while True:
            columns = self.task.row(random)
            if (zlib.crc32(columns["prompt"].encode()) % HELD_OUT == 0) == self.held_out:
                return Row(columns["prompt"], columns)

    def random(self, position: int, use: str = "row") -> Random:
        return Random(f"{use}:{self.seed}:{self.held_out}:{position}")

    def columns(self) -> list[str]:
        return list(self.row(0).columns)


class FileSource:
    """Rows of a file, in a new order every epoch."""

    def __init__(self, rows: Sequence[Row], seed: int, shuffle: bool = True) -> None:
        self.rows, self.seed, self.shuffle = rows, seed, shuffle
        self._epoch, self._order = -1, list(range(len(rows)))

    def row(self, position: int) -> Row:
        epoch, index = divmod(position, len(self.rows))
        if self.shuffle and epoch != self._epoch:
            self._order = list(range(len(self.rows)))
            Random(f"epoch:{self.seed}:{epoch}").shuffle(self._order)
            self._epoch = epoch
        return self.rows[self._order[index]]

    def columns(self) -> list[str]:
        return list(dict.fromkeys(key for row in self.rows[:100] for key in row.columns))


def make_sources(config: DataConfig, seed: int) -> tuple[Source, Source | None, Task | None]:
    """Training rows, held-out rows (None where the config has none), and the task if it is one."""
    if config.task is not None:
        task = get_task(config.task, config.params)
        return TaskSource(task, seed), TaskSource(task, 0, held_out=True), task
    assert config.train is not None
    train = FileSource(load_rows(config.train, config), seed)
    held_out = FileSource(load_rows(config.eval, config), seed, shuffle=False) if config.eval else None
    return train, held_out, None


def load_rows(path: str, config: DataConfig) -> list[Row]:
    """Rows with prompts. Raises DataError for what cannot be read, ColumnError for a missing column."""
    records = read_records(Path(path))[: config.limit]
    if not records:
        raise DataError(f"{path} has no rows")
    return [_row(record, config, path, number) for number, record in enumerate(records, 1)]


def read_records(path: Path) -> list[dict[str, Any]]:
    """Rows of a ``.jsonl`` or ``.parquet`` file."""
    if not path.is_file():
        raise DataError(f"the data file {str(path)!r} does not exist")
    if path.suffix == ".parquet":
        try:
            import pyarrow.parquet as parquet
        except ImportError as error:
            raise MissingExtraError("pyarrow", "parquet", "reading Parquet") from error
        try:
            records: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is not a Parquet file: {error}") from error
        return records
    records = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}, line {number}: not JSON ({error})") from error
            if not isinstance(record, dict):
                raise DataError(f"{path}, line {number}: a JSON object is expected, got {line.strip():.80}")
            records.append(record)
    return records


def _row(record: dict[str, Any], config: DataConfig, path: str, number: int) -> Row:
    for new, old in config.columns.items():
        if old not in record:
            raise _missing(f"{path}, row {number}", old, record)
        record = {**record, new: record[old]}
    if config.template is not None:
        try:
            return Row(config.template.format(**record), record)
        except KeyError as error:
            raise _missing(f"{path}, row {number}: data.template", str(error.args[0]), record) from None
        except (IndexError, ValueError) as error:
            raise ConfigError(f"data.template: {error}; write a literal brace twice ({{{{ and }}}})") from error
    if config.prompt not in record:
        raise _missing(f"{path}, row {number}: data.prompt", config.prompt, record)
    return Row(record[config.prompt], record)


def _missing(where: str, column: str, record: Mapping[str, Any]) -> ColumnError:
    columns = ", ".join(sorted(record))
    return ColumnError(f"{where}: no column {column!r}.{did_you_mean(column, record)} Columns: {columns}.")


class PromptEncoder:
    """Prompts → token ids: through the chat template where one is used, otherwise as plain text."""

    def __init__(self, tokenizer: Any, config: DataConfig) -> None:
        has_template = bool(getattr(tokenizer, "chat_template", None))
        if config.chat is True and not has_template:
            raise ConfigError("data.chat is true, but the tokenizer has no chat template; set data.chat: false")
        self.tokenizer, self.config = tokenizer, config
        self.chat = has_template if config.chat == "auto" else bool(config.chat)
        if config.system and not self.chat:
            raise ConfigError("data.system needs a chat template, and this tokenizer has none (or data.chat is false)")

    def __call__(self, prompt: Text) -> list[int]:
        return self.many([prompt])[0]

    def many(self, prompts: Sequence[Text]) -> list[list[int]]:
        """Token ids of several prompts; one call of the tokenizer is much cheaper than many."""
        texts = [self._text(prompt) for prompt in prompts]
        encoded = self.tokenizer(texts, add_special_tokens=not self.chat)
        return [list(ids) for ids in encoded["input_ids"]]

    def _text(self, prompt: Text) -> str:
        if not self.chat:
            if not isinstance(prompt, str):
                raise DataError(f"the prompt is a list of messages, and no chat template is used: {prompt!r:.200}")
            return prompt + self.config.prefill
        messages: list[Message] = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
        if self.config.system:
            messages = [{"role": "system", "content": self.config.system}, *messages]
        text: str = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return text + self.config.prefill
