"""Rows to imitate, in the forms that data sets for supervised fine-tuning have: a prompt, and the turns that follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins import ColumnError, DataError, Message
from veritune.plugins.types import message_text
from veritune.rewards.format import shape_problem
from veritune.trainer.config import ConversationsConfig, DataConfig
from veritune.trainer.data.hub import load_records
from veritune.trainer.data.messages import ROLES as NAMES
from veritune.trainer.data.messages import prompt_fault, tidy
from veritune.trainer.data.sources import Row, to_row

TURNS = "turns"
"""The column of a row that holds what follows the prompt: messages, the first and the last of them the assistant's."""
OWN = ("drawn", "mixed")
"""Kinds of rows that a selection wrote: their prompts are made already, whatever ``data`` says of other rows'."""
ROLES = {
    "human": "user", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "model": "assistant",
    "bing": "assistant", "bard": "assistant", "observation": "tool",
}  # fmt: skip
"""Names of roles in ``conversations``, where they differ from those of messages."""


def load_conversations(path: str, data: DataConfig, how: ConversationsConfig) -> tuple[list[Row], Counter[str]]:
    """Rows with :data:`TURNS`, and how many were left out for which reason. Raises DataError, naming file and row."""
    records = load_records(path)[: data.limit]
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    for number, record in enumerate(records, 1):
        where = f"{path}, row {number}"
        row = to_conversation(record, data, how, where)
        problem = None if how.shape is None else _problem(row, how.shape)
        if problem is None:
            rows.append(row)
        elif how.off_shape == "refuse":
            raise DataError(f"{where}: it has not the shape {how.shape!r}: {problem}")
        else:
            dropped[problem] += 1
    if not rows:
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.most_common(3))
        raise DataError(f"{path}: no row is left{' (' + reasons + ')' if reasons else ''}")
    return rows, dropped


def to_conversation(record: dict[str, Any], data: DataConfig, how: ConversationsConfig, where: str) -> Row:
    """A record as a row with :data:`TURNS`. Raises DataError or ColumnError."""
    if isinstance(record.get("source"), Mapping) and record["source"].get("kind") in OWN:
        data = data.model_copy(update={"template": None, "prompt": "prompt", "columns": {}})
        how = how.model_copy(update={"form": "prompt_completion", "completion": "completion"})
    form = _form(record, how, data) if how.form == "auto" else how.form
    if form == "prompt_completion":
        row = to_row(record, data, where)
        turns = _completion(record, how, where)
    else:
        messages = {"messages": _messages, "conversations": _conversations, "alpaca": _alpaca}[form](record, where)
        fault = prompt_fault(messages) or _unknown_role(messages, form)
        if fault is not None:
            raise DataError(f"{where}: {fault}")
        said = [n for n, message in enumerate(messages) if message["role"] == "assistant"]
        if not said or not said[0]:
            raise DataError(
                f"{where}: " + ("nothing stands before its answer" if said else "no turn is an assistant's")
            )
        row = Row(messages[: said[0]], record)
        turns = messages[said[0] : said[-1] + 1]
    turns = [_replaced(turn, how.replace) if turn["role"] == "assistant" else turn for turn in turns]
    return Row(row.prompt, {TURNS: turns})


def words(row: Row) -> list[str]:
    """What the assistant says, turn by turn."""
    return [message_text(turn) for turn in row.columns[TURNS] if turn["role"] == "assistant"]


def _form(record: Mapping[str, Any], how: ConversationsConfig, data: DataConfig) -> str:
    """The form of a row by its columns with a value, else by those without: its errors name what is missing."""
    has = {name for name, value in record.items() if value is not None}
    if how.completion in has and (data.template is not None or data.prompt in has or data.prompt in data.columns):
        return "prompt_completion"
    if "messages" in has:
        return "messages"
    if "conversations" in has:
        return "conversations"
    if {"instruction", "output"} <= has:
        return "alpaca"
    if how.completion in record or (data.template is None and data.prompt in has):
        return "prompt_completion"
    forms = {"messages": {"messages"}, "conversations": {"conversations"}, "alpaca": {"instruction", "output"}}
    return next((form for form, names in forms.items() if names <= record.keys()), "prompt_completion")


def _unknown_role(messages: Sequence[Message], form: str) -> str | None:
    """A role that nobody knows: what it says would be shown or left out, and not learnt, without a word."""
    known = [*NAMES, *ROLES] if form == "conversations" else list(NAMES)
    for number, message in enumerate(messages, 1):
        if message["role"] not in NAMES:
            return f"message {number}: its role is {message['role']!r}, which is none of {', '.join(known)}"
    return None


def _completion(record: Mapping[str, Any], how: ConversationsConfig, where: str) -> list[Message]:
    found = tidy(record.get(how.completion))
    if isinstance(found, str) and found:
        return [{"role": "assistant", "content": found}]
    fault = "it is empty" if isinstance(found, str | None) else prompt_fault(found)
    if fault is None and isinstance(found, list) and found[0]["role"] == found[-1]["role"] == "assistant":
        return found
    if fault is None:
        fault = "its first and last message are the assistant's"
    if how.completion not in record or found is None:
        raise ColumnError(
            f"{where}: no text in the column {how.completion!r}. Columns: {', '.join(sorted(record))}. Name yours with "
            "completion"
        )
    raise DataError(f"{where}: the column {how.completion!r}: {fault}")


def _messages(record: Mapping[str, Any], where: str) -> list[Message]:
    return _listed(record, "messages", where)


def _conversations(record: Mapping[str, Any], where: str) -> list[Message]:
    """``from`` and ``value`` as role and content, with the names of roles that are used there."""
    messages: list[Message] = []
    for message in _listed(record, "conversations", where):
        role = str(message.get("from", message.get("role", "")))
        text = message.get("value", message.get("content"))
        messages.append({**_others(message), "role": ROLES.get(role, role), "content": text})
    system = record.get("system")
    if system and messages and messages[0]["role"] != "system":
        messages.insert(0, {"role": "system", "content": system})
    return messages


def _alpaca(record: Mapping[str, Any], where: str) -> list[Message]:
    """``instruction`` with ``input`` below it, and ``output``; ``system`` and ``history`` where they are there."""
    for column in ("instruction", "output"):
        if not isinstance(record.get(column), str) or not record[column]:
            raise DataError(f"{where}: no text in the column {column!r}")
    messages: list[Message] = []
    if record.get("system"):
        messages.append({"role": "system", "content": record["system"]})
    for asked, answered in record.get("history") or ():
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    more = record.get("input")
    question = f"{record['instruction']}\n{more}" if more else record["instruction"]
    return [*messages, {"role": "user", "content": question}, {"role": "assistant", "content": record["output"]}]


def _listed(record: Mapping[str, Any], column: str, where: str) -> list[Message]:
    found = tidy(record.get(column))
    if not isinstance(found, list) or not found or not all(isinstance(message, Mapping) for message in found):
        raise DataError(f"{where}: the column {column!r} holds {found!r:.80}, not a list of messages")
    return list(found)


def _others(message: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in message.items() if k not in ("from", "value", "role", "content")}


def _replaced(turn: Message, replace: Mapping[str, str]) -> Message:
    if not replace or not turn.get("content"):
        return turn
    text = message_text(turn)
    for old, new in replace.items():
        text = text.replace(old, new)
    return {**turn, "content": text}


def _problem(row: Row, shape: Any) -> str | None:
    """Why a turn of the assistant's has not the shape."""
    return next((problem for text in words(row) if (problem := shape_problem(shape, text)) is not None), None)


def summary(dropped: Mapping[str, int], total: int, what: str, most: int = 3) -> str:
    """``what``: 12 of 100 rows are left out: …"""
    reasons: Sequence[tuple[str, int]] = sorted(dropped.items(), key=lambda each: -each[1])[:most]
    listed = "; ".join(f"{count} × {reason}" for reason, count in reasons)
    return f"{what}: {sum(dropped.values())} of {total} rows are left out: {listed}"
