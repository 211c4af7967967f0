"""Rejection sampling keeps what is fit to be imitated, says why the rest is not, and goes on where it stopped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import TINY
from tests.trainer.test_distributed import together
from tests.trainer.test_run import _numbers
from tests.trainer.test_stages import TOY, go_on_from
from veritune.plugins import ConfigError, DataError, VerituneError
from veritune.trainer.config import CommonConfig, ConversationsConfig, DataConfig
from veritune.trainer.config.select import SelectConfig
from veritune.trainer.data.conversations import load_conversations
from veritune.trainer.data.selection import Candidate, Selection, longest_paragraph, repeated_share
from veritune.trainer.data.tasks import get_task
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.run import train, train_recipe
from veritune.trainer.run.checkpoint import list_checkpoints
from veritune.trainer.stages.table import parse_run

Make = Callable[..., CommonConfig]


def _values(output: Path, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "stage": "select",
        "output": str(output),
        "model": {"build": TINY},
        "data": {"task": "arithmetic", "params": {"terms": 3}},
        "rewards": {"even": {"use": f"{TOY}:even"}, "short": {"use": f"{TOY}:short", "weight": 0.5}},
        "select": {"steps": 4, "prompts": 3, "samples": 4, "keep": {"even": 0.5}, "truncated": True, "most": 2},
        "sampling": {"max_tokens": 5},
        "checkpoint": {"every": 1, "keep": 9},
        "evaluation": {"metric": "even"},
    }
    for name, value in changes.items():
        values[name] = {**values.get(name, {}), **value} if isinstance(value, dict) and name != "rewards" else value
    return values


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return lambda output="run", **changes: parse_run(_values(tmp_path / output, **changes))


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "selected.jsonl").read_text().splitlines()]


def test_what_is_kept_has_its_provenance_and_what_is_dropped_its_reason(make: Make) -> None:
    folder = train(make(), quiet=True)
    rows, found = _rows(folder), json.loads((folder / "summary.json").read_text())
    assert found["drawn"] == 4 * 3 * 4
    assert found["kept"] == len(rows) == found["drawn"] - sum(found["dropped"].values()) > 0
    assert {"even below 0.5", "enough of this prompt"} <= found["dropped"].keys()
    by_prompt = Counter((row["source"]["step"], row["source"]["position"]) for row in rows)
    assert max(by_prompt.values()) == 2
    assert len(by_prompt) == found["prompts_served"]
    from veritune.trainer.data.sources import make_sources

    source, _, _ = make_sources(DataConfig(task="arithmetic", params={"terms": 3}), 0)
    for row in rows:
        assert source.row(row["source"]["position"]).prompt == row["prompt"]
        assert row["source"]["rewards"]["even"] >= 0.5
        assert row["source"]["seed"] == 0
        assert row["columns"]["gold"]
    loaded, dropped = load_conversations(
        str(folder / "selected.jsonl"), DataConfig(train="x", template="{nothing}"), ConversationsConfig()
    )
    assert len(loaded) == len(rows)
    assert not dropped
    kept = [r for r in _numbers(folder) if r["phase"] == "select"]
    assert sum(r["kept"] for r in kept) == len(rows)


def test_a_selection_goes_on_to_the_same_rows(make: Make, tmp_path: Path) -> None:
    whole = train(make("whole"), quiet=True)
    second = list_checkpoints(whole / "checkpoints")[1]
    part = tmp_path / "part"
    part.mkdir()
    text = (whole / "selected.partial.jsonl").read_text()
    (part / "selected.partial.jsonl").write_text(text + '{"of a step": "that was not whole"}\n')
    go_on_from(whole, second, part, make("whole"))
    for name in ("selected.jsonl", "summary.json"):
        assert (part / name).read_text() == (whole / name).read_text()
    assert _numbers(part) == _numbers(whole)


def test_two_processes_keep_rows_of_both(make: Make, tmp_path: Path) -> None:
    assert together(make("two")) == [0, 0]
    rows = _rows(tmp_path / "two")
    found = json.loads((tmp_path / "two" / "summary.json").read_text())
    assert found["kept"] == len(rows)
    assert found["drawn"] == 48


def test_other_rows_are_mixed_in_by_their_share(make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others = tmp_path / "others.jsonl"
    others.write_text("".join(json.dumps({"prompt": f"q{n}", "completion": f"a{n}"}) + "\n" for n in range(50)))
    folder = train(make(select={"mix": {"train": str(others), "share": 0.5}}), quiet=True)
    rows = _rows(folder)
    kinds = Counter(row["source"]["kind"] for row in rows)
    assert kinds["drawn"] == kinds["mixed"] > 0
    mixed = [row for row in rows if row["source"]["kind"] == "mixed"]
    assert len({row["source"]["row"] for row in mixed}) == len(mixed)
    assert all(row["prompt"] == f"q{row['source']['row']}" for row in mixed)
    capsys.readouterr()
    train(make("few", select={"mix": {"train": str(others), "share": 0.9}}), quiet=True)
    said = " ".join(capsys.readouterr().err.split())
    assert "select.mix: all 50 rows" in said
    assert "share asks for 90%" in said


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"select": {"keep": {"evn": 1}}}, ConfigError, "'evn'.*'even'"),
        ({"select": {"keep": {}}, "evaluation": {"metric": "accuracy"}}, ConfigError, "which reward decides"),
        ({"select": {"most": 9}}, ConfigError, "fewer are drawn"),
        ({"select": {"least_tokens": 9, "most_tokens": 3}}, ConfigError, "nothing would be kept"),
        ({"select": {"longest_paragaph": 9}}, ConfigError, "longest_paragraph"),
        ({"select": {"mix": {"train": "nowhere.jsonl"}}}, DataError, "does not exist"),
        ({"rewards": None}, VerituneError, "rewards"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(
    make: Make, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    def loaded(*_: Any, **__: Any) -> None:
        raise AssertionError("a model is loaded")

    monkeypatch.setattr("veritune.trainer.stages.policy_stage.load_policy", loaded)
    with pytest.raises(error, match=message):
        train(make(**changes), quiet=True)


def test_a_recipe_imitates_what_a_stage_selected(tmp_path: Path) -> None:
    select = {k: v for k, v in _values(tmp_path).items() if k in ("rewards", "data", "sampling", "evaluation")}
    stages = [
        {"name": "start", "stage": "sft", "model": {"build": TINY}, "sft": {"steps": 1, "batch": 4}},
        {"name": "pick", "stage": "select", "model": {"from": "start"}, "select": _values(tmp_path)["select"]},
        {"name": "again", "stage": "sft", "model": {"from": "start"}, "sft": {"train": {"from": "pick"}, "epochs": 1}},
    ]
    folder = train_recipe({"output": str(tmp_path / "recipe"), "common": select, "stages": stages}, quiet=True)
    timeline = json.loads((folder / "timeline.json").read_text())
    assert timeline[1]["summary"]["kept"] == len(_rows(folder / "pick"))
    stages[2]["sft"] = {"train": {"from": "start"}}
    with pytest.raises(ConfigError, match="start \\(sft\\) leaves a model"):
        train_recipe({"output": str(tmp_path / "other"), "common": select, "stages": stages}, quiet=True)


# -- filters -----------------------------------------------------------------------------------------------------------


def one(text: str, tokens: int = 10, truncated: bool = False, **rewards: float | None) -> Candidate:
    return Candidate(text, tokens, truncated, {"accuracy": 1.0, "language": 1.0, "reward": 1.0, **rewards})


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (one("good"), None),
        (one("wrong", accuracy=0.0), "accuracy below 1"),
        (one("nobody knows", accuracy=None), "accuracy undecided"),
        (one("英文 and Chinese", language=0.5), "language below 0.9"),
        (one(" \n"), "no words"),
        (one("cut", truncated=True), "cut at the limit"),
        (one("no", tokens=2), "too short"),
        (one("very long", tokens=99), "too long"),
        (one("short\n\n" + "x" * 41), "a long paragraph"),
        (one("short\n \n" + "x" * 39), None),
        (one("look:\n```python\nx\n```"), "a code block"),
        (one("look:\n  ~~~\nx\n~~~"), "a code block"),
        (one("a `b` in a line ``` is none"), None),
        (one("a b c d e f a b c d e f a b"), "repetition"),
        (one("我们再算一遍我们再算一遍我们再算一遍"), "repetition"),
    ],
)
def test_each_filter_drops_what_it_is_for(candidate: Candidate, reason: str | None) -> None:
    config = SelectConfig(
        least_tokens=3, most_tokens=50, longest_paragraph=40, code_blocks=False, repeated=0.3, repeated_run=4
    )
    assert Selection(config, {"accuracy": 1.0, "language": 0.9}).problem(candidate) == reason


def test_at_most_so_many_of_a_prompt_the_best_first_and_no_words_twice() -> None:
    candidates = [one("a", reward=0.1), one("b", reward=0.9), one("b ", reward=0.9), one("c", tokens=5, reward=0.5)]
    found = Selection(SelectConfig(most=2), {"accuracy": 1.0}).choose("p", candidates)
    assert found == ["enough of this prompt", None, "the same words again", None]
    shortest = Selection(SelectConfig(most=1, choose="shortest"), {})
    assert shortest.choose("p", candidates)[3] is None
    assert shortest.choose("p", candidates)[3] == "the same words again"  # in a later epoch
    assert shortest.choose("p", [one("d")]) == ["enough of this prompt"]  # nor other words of it
    assert shortest.choose("another", candidates)[3] is None


def test_most_is_of_a_prompt_however_often_it_is_met_and_epochs_are_no_prompt_more(make: Make, tmp_path: Path) -> None:
    """Four rows of which two have one prompt: one pass in steps of three, and five passes stopped and gone on."""
    make_tokenizer(get_task("arithmetic", {}).vocabulary()).save_pretrained(tmp_path / "tokenizer")
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"prompt": p, "gold": "1"}) + "\n" for p in ("1+1=", "2+1=", "1+1=", "3+1=")))
    changes: dict[str, Any] = {
        "model": {"build": TINY, "tokenizer": str(tmp_path / "tokenizer")},
        "data": {"task": None, "params": {}, "train": str(path)},
    }
    section = {"keep": {"reward": 0}, "most": 1, "samples": 2, "steps": 100}
    once = train(make("once", **changes, select={**section, "epochs": 1}), quiet=True)
    found = json.loads((once / "summary.json").read_text())
    assert (found["drawn"], found["prompts"]) == (4 * 2, 3)  # three prompts in four rows
    assert sorted(row["prompt"] for row in _rows(once)) == ["1+1=", "2+1=", "3+1="]
    config = make("many", **changes, select={**section, "epochs": 5})
    many = train(config, quiet=True)
    assert Counter(row["prompt"] for row in _rows(many)) == Counter(("1+1=", "2+1=", "3+1="))
    text, summary = ((many / name).read_text() for name in ("selected.jsonl", "summary.json"))
    part = tmp_path / "part"
    part.mkdir()
    (part / "selected.partial.jsonl").write_bytes((many / "selected.partial.jsonl").read_bytes())
    go_on_from(many, many / "checkpoints" / "select-000003", part, config)
    assert [(part / name).read_text() for name in ("selected.jsonl", "summary.json")] == [text, summary]


def test_shares_and_lengths_are_what_they_say() -> None:
    assert longest_paragraph("") == 0
    assert longest_paragraph("ab\ncd\n\n  e  ") == 5
    assert repeated_share("a b c d", 2) == 0.0
    assert repeated_share("a b a b", 2) == 0.5
    assert repeated_share("a a a a", 2) == pytest.approx(0.75)
    assert repeated_share("", 2) == 0.0
