"""Rows: from files and tasks, the same at the same position, held-out ones apart; prompts as the model sees them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from veritune.plugins import ColumnError, ConfigError, DataError
from veritune.trainer.config import DataConfig, WarmupConfig
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import FileSource, Row, TaskSource, load_rows, make_sources
from veritune.trainer.data.tasks import get_task
from veritune.trainer.data.tasks.arithmetic import chinese, english
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.stages.warmup import current_habit


def _write(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return str(path)


def test_a_position_always_gives_the_same_row_and_every_epoch_is_a_new_permutation() -> None:
    rows = [Row(str(i), {}) for i in range(10)]
    source = FileSource(rows, seed=1)
    walk = [source.row(i).prompt for i in range(30)]
    assert [FileSource(rows, seed=1).row(i).prompt for i in (29, 0, 17)] == [walk[29], walk[0], walk[17]]
    epochs = [walk[0:10], walk[10:20], walk[20:30]]
    assert all(set(map(str, e)) == set(map(str, walk[:10])) for e in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert [FileSource(rows, 2).row(i).prompt for i in range(10)] != epochs[0]


def test_held_out_prompts_are_never_trained_on() -> None:
    task = get_task("arithmetic", {"terms": 3})
    train, held = TaskSource(task, 0), TaskSource(task, 0, held_out=True)
    assert not {train.row(i).prompt for i in range(2000)} & {held.row(i).prompt for i in range(300)}
    assert train.row(7) == TaskSource(task, 0).row(7)


def test_templates_columns_and_limits(tmp_path: Path) -> None:
    path = _write(tmp_path / "d.jsonl", [{"question": f"q{i}", "answer": str(i)} for i in range(5)])
    config = DataConfig(train=path, template="{question}? {{ok}}", columns={"gold": "answer"}, limit=3)
    rows = load_rows(path, config)
    assert [r.prompt for r in rows] == ["q0? {ok}", "q1? {ok}", "q2? {ok}"]
    assert rows[1].columns["gold"] == "1"


def test_parquet_and_jsonl_give_the_same_rows(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    records = [{"prompt": "a", "n": [1, 2]}, {"prompt": "b", "n": [3]}]
    path = _write(tmp_path / "d.jsonl", records)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), tmp_path / "d.parquet")
    config = DataConfig(train=path)
    assert load_rows(path, config) == load_rows(str(tmp_path / "d.parquet"), config)


@pytest.mark.parametrize(
    ("content", "options", "error", "message"),
    [
        ('{"prompt": "a"}\n{bad\n', {}, DataError, "line 2"),
        ("[1]\n", {}, DataError, "line 1"),
        ("", {}, DataError, "no rows"),
        ('{"promt": "a"}\n', {}, ColumnError, "Did you mean 'promt'"),
        ('{"q": "a"}\n', {"template": "{question}"}, ColumnError, "'question'"),
        ('{"q": "a"}\n', {"template": "{q"}, ConfigError, "data.template"),
        ('{"prompt": "a"}\n', {"columns": {"gold": "anwser"}}, ColumnError, "anwser"),
    ],
)
def test_what_cannot_be_read_says_where(
    content: str, options: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(content)
    with pytest.raises(error, match=message):
        load_rows(str(path), DataConfig(train=str(path), **options))


def test_missing_files_unknown_tasks_and_parameters(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        make_sources(DataConfig(train=str(tmp_path / "none.jsonl")), 0)
    (tmp_path / "rows.jsonl").write_text("{}")
    with pytest.raises(DataError, match=r"rows\.json' does not exist\. Did you mean 'rows\.jsonl'"):
        make_sources(DataConfig(train=str(tmp_path / "rows.json")), 0)
    with pytest.raises(DataError, match=r"looked for /.*/none\.jsonl: from the working directory"):
        make_sources(DataConfig(train="none.jsonl"), 0)
    with pytest.raises(ConfigError, match="Did you mean 'arithmetic'"):
        make_sources(DataConfig(task="arithmetik"), 0)
    with pytest.raises(ConfigError, match="Did you mean 'terms'"):
        make_sources(DataConfig(task="arithmetic", params={"term": 3}), 0)
    with pytest.raises(ConfigError, match="terms >= 2"):
        make_sources(DataConfig(task="arithmetic", params={"terms": 1}), 0)


CHAT = (
    "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}[go]{% endif %}"
)


def test_prompts_go_through_the_chat_template_where_there_is_one() -> None:
    tokenizer = make_tokenizer(list("abcdefghijklmnopqrstuvwxyz[] "))
    plain = PromptEncoder(tokenizer, DataConfig(task="arithmetic", prefill="xy"))
    assert tokenizer.decode(plain("hi")) == "hixy"
    with pytest.raises(DataError, match="no chat template"):
        plain([{"role": "user", "content": "hi"}])
    with pytest.raises(ConfigError, match="no chat template"):
        PromptEncoder(tokenizer, DataConfig(task="arithmetic", chat=True))
    with pytest.raises(ConfigError, match=r"data\.system"):
        PromptEncoder(tokenizer, DataConfig(task="arithmetic", system="be kind"))
    tokenizer.chat_template = CHAT
    chat = PromptEncoder(tokenizer, DataConfig(task="arithmetic", system="be kind", prefill="x"))
    assert tokenizer.decode(chat("hi")) == "[system]be kind[user]hi[go]x"
    assert chat([{"role": "user", "content": "hi"}]) == chat("hi")
    off = PromptEncoder(tokenizer, DataConfig(task="arithmetic", chat=False))
    assert tokenizer.decode(off("hi")) == "hi"


def test_numbers_in_words() -> None:
    assert [english(n) for n in (0, 7, 12, 20, 45, 99)] == [
        "zero",
        "seven",
        "twelve",
        "twenty",
        "forty-five",
        "ninety-nine",
    ]
    assert [chinese(n) for n in (0, 7, 10, 12, 20, 45)] == ["零", "七", "十", "十二", "二十", "四十五"]
    assert len({english(n) for n in range(100)}) == len({chinese(n) for n in range(100)}) == 100


def test_arithmetic_demonstrations_follow_their_habits() -> None:
    task = get_task("arithmetic", {"terms": 3})
    row = {"prompt": "3+9+4=", "gold": "16", "digits": [3, 9, 4]}
    random = Random(0)
    assert task.demonstration(row, random) == "<think> twelve sixteen</think><answer>16</answer>"
    assert task.demonstration(row, random, chinese=1.0) == "<think> 十二 十六</think><answer>16</answer>"
    assert task.demonstration(row, random, think=0.0) == "<think></think><answer>16</answer>"
    with pytest.raises(ValueError, match="unknown habit 'thinks'"):
        task.demonstration(row, random, thinks=1.0)


def test_every_countdown_target_is_reached_by_its_expression() -> None:
    from fractions import Fraction

    task, random = get_task("countdown", {}), Random(0)
    for _ in range(300):
        row = task.row(random)
        text = "".join(f"Fraction({t})" if t.isdigit() else t for t in _tokens(row["expression"]))
        assert eval(text, {"Fraction": Fraction}) == row["target"]
        assert sorted(int(t) for t in _tokens(row["expression"]) if t.isdigit()) == sorted(row["nums"])
        assert str(row["nums"]) in row["prompt"]


def _tokens(expression: str) -> list[str]:
    import re

    return re.findall(r"\d+|\S", expression)


def test_habits_take_turns_by_their_share() -> None:
    config = WarmupConfig(steps=100, habits=[{"share": 0.85, "think": 1.0}, {"share": 0.15, "think": 0.2}])
    found = [current_habit(config.habits, step, config.steps)["think"] for step in (0, 84, 85, 99, 100)]
    assert found == [1.0, 1.0, 0.2, 0.2, 0.2]
    assert current_habit([], 5, 10) == {}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"terms": 2.5}, r"^data\.params\.terms: a whole number is expected, got 2\.5"),
        ({"terms": "two"}, r"^data\.params\.terms: a whole number is expected, got 'two'"),
        ({"high": True}, r"^data\.params\.high: a whole number is expected, got True"),
    ],
)
def test_a_parameter_of_another_kind_is_refused_by_its_name(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        get_task("arithmetic", params)


def test_a_number_in_quotes_is_a_number_as_everywhere() -> None:
    assert get_task("arithmetic", {"terms": "2"}).terms == 2  # type: ignore[attr-defined]
    assert get_task("scenarios", {"general": "1e-1"}).general == 0.1  # type: ignore[attr-defined]
