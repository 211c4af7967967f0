"""Logged completions as samples: of our runs, of TRL's ``log_completions``, and plain rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, overload

from veritune.cli.rows import Row
from veritune.cli.scoring import Reader
from veritune.lab.replay.joining import Data
from veritune.plugins import Cause, DataError, Sample, Score

OURS, TRL, PLAIN = "a run of veritune's", "a log of TRL's", "rows"
REWARD = "= reward"
"""The combination, beside the components' names; no component can be called so."""
TRL_OWN = ("step", "prompt", "completion", "advantage")


class CountedIds(Sequence[int]):
    """Token ids of which a log has the number alone: enough for lengths. Raises DataError where one is looked at."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        raise DataError("a reward reads the token ids of a completion, and the log has only how many there were")


@dataclass
class Logged:
    """One logged completion."""

    row: Row
    kind: str
    sample: Sample
    group: str | None
    """Completions that follow each other with the same group are of one prompt."""
    step: int | None = None
    """By which schedules went; None where the log does not say."""
    evaluation: bool = False
    values: dict[str, Score] = field(default_factory=dict)
    """What was logged, by the reward's name; the combination under :data:`REWARD`."""
    single: bool = False
    """Values were kept in single precision."""
    fault: str = ""


class LogReader:
    """Makes :class:`Logged` of rows, whatever they are a log of; ``data`` has the columns that the log lacks."""

    def __init__(self, data: Data | None, aliases: Sequence[str], name: str, reader: Reader) -> None:
        self.data, self.aliases, self.name = data, aliases, name
        self.reader = reader
        """For plain rows."""
        self._settled = False

    def read(self, row: Row) -> list[Logged]:
        """The completions of a row: one, or as many as a plain row lists."""
        kind = kind_of(row.data)
        if kind == OURS:
            return [self._ours(row)]
        return [self._trl(row)] if kind == TRL else self._plain(row)

    def _ours(self, row: Row) -> Logged:
        data = row.data
        inputs = json.loads(data["inputs"]) if data.get("inputs") else {}
        ids = data.get("completion_ids") or CountedIds(int(data["tokens"]))
        prompt, completion = inputs.get("prompt", data["prompt"]), inputs.get("completion", data["completion"])
        found = Logged(row, OURS, Sample(completion, prompt, ids, {}), f"{_file(row)} {data['step']} {data['group']}")
        found.step, found.evaluation = inputs.get("step"), data.get("phase") == "evaluation"
        columns = inputs.get("columns")
        if columns is None:
            gold = {"gold": data["gold"]} if data.get("gold") is not None else {}
            columns, found.fault = self._joined(row, prompt, gold)
        found.sample = Sample(completion, prompt, ids, columns)
        found.values = {REWARD: _score(data, "reward", "reason", "cause")}
        for alias in self.aliases:
            if f"reward/{alias}" in data:
                found.values[alias] = _score(data, f"reward/{alias}", f"reason/{alias}", f"cause/{alias}")
        return found

    def _trl(self, row: Row) -> Logged:
        data = row.data
        prompt, completion = _text(data["prompt"]), _text(data["completion"])
        columns, fault = self._joined(row, prompt, {})
        group = f"{_file(row)} {data['step']} {json.dumps(prompt)}"
        count = data.get(f"{self.name}_tokens")
        ids = None if count is None else CountedIds(int(count))
        found = Logged(row, TRL, Sample(completion, prompt, ids, columns), group, fault=fault, single=True)
        step = data.get(f"{self.name}_step")
        found.step = None if step is None else int(step)
        for alias in self.aliases:
            if alias in data:
                found.values[alias] = _trl_score(data[alias], data.get(f"{alias}_reason"))
        if self.name in data:
            found.values[REWARD] = _trl_score(data[self.name], None)
        elif len(self.aliases) == 1 and self.aliases[0] in found.values:
            found.values[REWARD] = found.values[self.aliases[0]]
        return found

    def _plain(self, row: Row) -> list[Logged]:
        if not self._settled:
            self.reader.settle(list(row.data))
            self._settled = True
        item = self.reader.item(row)
        found = [Logged(row, PLAIN, sample, item.group) for sample in item.samples]
        for number, each in enumerate(found):
            each.values = _written(row.data, self.aliases, number if item.several else None)
            if self.data is not None:
                columns, each.fault = self._joined(row, each.sample.prompt, dict(each.sample.columns))
                each.sample = Sample(each.sample.completion, each.sample.prompt, each.sample.completion_ids, columns)
        return found

    def _joined(self, row: Row, prompt: Any, known: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The columns of the data's row with that prompt, and why there are none."""
        others = {k: v for k, v in row.data.items() if k not in (*TRL_OWN, "inputs")} if not known else {}
        if self.data is None:
            return {**others, **known}, ""
        try:
            return {**others, **known, **self.data.columns(prompt)}, ""
        except DataError as error:
            return {**others, **known}, f"{row.place}: {error}"


def kind_of(data: Mapping[str, Any]) -> str:
    """What a row is a log of."""
    if {"completion", "reward", "finish", "tokens", "group", "step"} <= data.keys():
        return OURS
    return TRL if set(TRL_OWN) <= data.keys() else PLAIN


def same(old: Score, new: Score, single: bool) -> bool:
    """Whether a score is the logged one, to the last bit that the log has."""
    if old.value is None or new.value is None:
        return old.value is new.value
    return old.value == new.value or (single and old.value == _rounded(new.value))


def _rounded(value: float) -> float:
    """In single precision."""
    import struct

    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return value


def _score(data: Mapping[str, Any], value: str, reason: str, cause: str) -> Score:
    found = data.get(value)
    if found is not None:
        return Score(float(found), data.get(reason) or "")
    name = data.get(cause)
    return Score(None, data.get(reason) or "", cause=Cause(name) if name else Cause.NOT_APPLICABLE)


def _trl_score(value: Any, reason: str | None) -> Score:
    if value is None or value != value:
        name = (reason or "").partition(":")[0]
        known = {str(cause): cause for cause in Cause}
        return Score(None, reason or "", cause=known.get(name, Cause.NOT_APPLICABLE))
    return Score(float(value), reason or "")


def _written(data: Mapping[str, Any], aliases: Sequence[str], number: int | None) -> dict[str, Score]:
    """What ``veritune score --out`` has added to a row."""
    data = _nested(data)
    if "scores" not in data or not isinstance(data["scores"], Mapping):
        return {}

    def at(values: Any) -> Any:
        return values[number] if number is not None and isinstance(values, list) else values

    found = {}
    pairs = [
        (alias, *(at((data.get(n) or {}).get(alias)) for n in ("scores", "causes", "reasons"))) for alias in aliases
    ]
    for alias, value, cause, reason in chain(pairs, [(REWARD, at(data.get("reward")), None, None)]):
        if alias == REWARD or alias in data["scores"]:
            one = {"value": value, "cause": cause, "reason": reason}
            found[alias] = _score(one, "value", "reason", "cause")
    return found


def _nested(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row of CSV, which spells ``scores`` as columns ``scores.NAME``, as the row that it was written from."""
    if "scores" in data or not any(name.startswith("scores.") for name in data):
        return data
    found: dict[str, Any] = {"scores": {}, "causes": {}, "reasons": {}}
    for name, value in data.items():
        table, _, alias = name.partition(".")
        if alias and table in found:
            found[table][alias] = value if table == "reasons" and not _is_list(value) else _cell(value)
    return {**data, **found, "reward": _cell(data.get("reward"))}


def _is_list(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("[") and isinstance(_cell(value), list)


def _cell(value: Any) -> Any:
    """What a field of CSV was written from; an empty one: nothing."""
    if not isinstance(value, str) or not value:
        return value or None
    try:
        return json.loads(value)
    except ValueError:
        return value


def _text(value: Any) -> Any:
    """A text, or messages without the empty fields that a table adds."""
    if isinstance(value, str) or value is None:
        return value
    return [{k: v for k, v in dict(message).items() if v is not None} for message in value]


def _file(row: Row) -> str:
    return row.place.rpartition(":")[0]
